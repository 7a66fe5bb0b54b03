//! The schema compiler over generated projects of 100, 1,000 and 10,000 items: its cost must grow with the number of
//! items and no faster, whether they are right or wrong.
//!
//! ```text
//!  project   every kind of item, as people write them                    no diagnostics
//!  broken    each item with a syntax error and two unknown names         three diagnostics for every item
//!  chain     types that need the next one and the first: deep, cyclic    one diagnostic for every second item
//! ```
//!
//! `scripts/compare-schema-speed.sh` runs this program as a process of its own: `write <folder>` puts down one set of
//! models and enums for us and for Prisma, `check <folder>` reads and compiles ours as `rohas validate` does.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use rohas::schema::{Diagnostic, Schema, SourceFile, compile};

#[allow(dead_code, reason = "the other benches use all of it")]
mod measure;

/// Items, and the files they are spread over.
const SIZES: [(usize, usize); 3] = [(100, 10), (1_000, 100), (10_000, 1_000)];

/// How often each size runs in turns with the others.
const ROUNDS: usize = 15;

type Project = fn(usize, usize) -> Vec<SourceFile>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["write", folder] => write(Path::new(folder)).expect("the folder can be written"),
        ["check", folder] => check(Path::new(folder)),
        _ => bench(),
    }
}

// ---- the bench

fn bench() {
    let mut criterion = measure::criterion();
    let projects: [(&str, Project); 3] = [("project", project), ("broken", broken), ("chain", chain)];
    for (name, project) in projects {
        let sources = SIZES.map(|(items, files)| (items, project(items, files)));
        let mut group = criterion.benchmark_group(format!("schema, {name}"));
        for (items, files) in &sources {
            group.bench_function(format!("{items} items"), |bencher| bencher.iter(|| compile(files)));
        }
        group.finish();
        if std::env::args().any(|argument| argument == "--bench") {
            growth(name, &sources);
        }
    }
    criterion.final_summary();
}

/// Prints the time per item of each size, and how much more it is than with ten times fewer items.
fn growth(name: &str, sources: &[(usize, Vec<SourceFile>); 3]) {
    let mut times = vec![Vec::new(); sources.len()];
    for _ in 0..ROUNDS {
        for (at, (items, files)) in sources.iter().enumerate() {
            // As many items in every turn, so that the turns are equally long.
            let runs = SIZES[SIZES.len() - 1].0 / items;
            let started = Instant::now();
            for _ in 0..runs {
                std::hint::black_box(compile(files));
            }
            times[at].push(started.elapsed() / (runs * items) as u32);
        }
    }
    let mut before: Option<Duration> = None;
    println!("\n{name}: median of {ROUNDS} rounds in turns");
    for ((items, files), times) in sources.iter().zip(&mut times) {
        times.sort();
        let median = times[times.len() / 2];
        let growth = before.map(|before| median.as_secs_f64() / before.as_secs_f64());
        let growth =
            growth.map(|times| format!("{times:.2} times that of ten times fewer")).unwrap_or_default();
        let bytes: usize = files.iter().map(|file| file.text.len()).sum();
        println!(
            "{items:>7} items, {:>5} files, {bytes:>8} bytes: {median:?} per item   {growth}",
            files.len()
        );
        before = Some(median);
    }
    println!();
}

/// Spreads items over files.
fn files(items: usize, files: usize, item: impl Fn(usize) -> String) -> Vec<SourceFile> {
    let file = |file: usize| {
        let text = (file..items).step_by(files).map(&item).collect::<Vec<_>>().join("\n");
        SourceFile { path: format!("schema/file{file}.ro"), text }
    };
    (0..files).map(file).collect()
}

/// A right project: of ten items four models, two enums, an input, an api, an event and a cron.
fn project(items: usize, count: usize) -> Vec<SourceFile> {
    files(items, count, |n| {
        let ten = n / 10;
        let (first, second) = (ten * 10, ten * 10 + 1);
        match n % 10 {
            0..=3 => model(n, &format!("Enum{}", ten * 10 + 4), Some((ten * 10 + (n + 1) % 4) as u32)),
            4 | 5 => enumeration(n),
            6 => format!(
                "input Input{n} {{ name: String @length(1, 80)  kind: Enum{}  note: String? }}\n",
                ten * 10 + 5
            ),
            7 => format!(
                "api Api{n} {{\n  method: POST\n  path: \"/group{ten}/{{id}}/items\"\n  params: {{ id: Int }}\n  \
                 query: {{ limit: Int @default(20) }}\n  body: Input{0}\n  response: Model{first}\n  status: 201\n  \
                 errors: {{ 409: Model{second} }}\n  triggers: [Event{1}]\n  middlewares: [auth]\n  timeout: \"10s\"\n}}\n",
                n - 1,
                n + 1
            ),
            8 => format!("event Event{n} {{ payload: Model{first}  handler: [handle{n}]  key: \"id\" }}\n"),
            _ => format!(
                "cron Cron{n} {{ schedule: \"*/5 * * * *\"  timezone: \"Europe/Berlin\"  triggers: [Event{}] }}\n",
                n - 1
            ),
        }
    })
}

fn model(n: usize, kind: &str, friend: Option<u32>) -> String {
    let mut text = format!(
        "/// The model number {n}.\nmodel Model{n} {{\n  id        Int      @id @auto\n  name      String   @length(1, 80)\n  \
         email     String   @unique\n  kind      {kind}   @default(RED)\n  tags      String[]\n  \
         createdAt DateTime @default(now)\n"
    );
    if let Some(friend) = friend {
        writeln!(text, "  friend    Model{friend}?").expect("a String takes all");
    }
    text + "}\n"
}

fn enumeration(n: usize) -> String {
    format!("enum Enum{n} {{\n  RED\n  GREEN\n  BLUE\n}}\n")
}

/// A project in which every item is wrong.
fn broken(items: usize, count: usize) -> Vec<SourceFile> {
    files(items, count, |n| {
        format!(
            "model Model{n} {{\n  id = Int @id\n  other Missing{n}\n  again Model{n}x?\n  name String\n}}\n"
        )
    })
}

/// Types that need the next one; every second needs the first as well, so that cycles overlap.
fn chain(items: usize, count: usize) -> Vec<SourceFile> {
    files(items, count, |n| {
        let back = if n % 2 == 1 { "  first Model0\n" } else { "" };
        let next = if n + 1 < items { format!("  next Model{}\n", n + 1) } else { String::new() };
        format!("model Model{n} {{\n  id Int @id\n{back}{next}}}\n")
    })
}

// ---- the comparison

/// Writes the same 8,000 models and 2,000 enums for us and for Prisma, 10 in each of 1,000 files.
fn write(folder: &Path) -> std::io::Result<()> {
    let (items, count) = SIZES[SIZES.len() - 1];
    let ours = files(items, count, |n| {
        if n % 5 == 4 { enumeration(n) } else { model(n, &format!("Enum{}", n / 5 * 5 + 4), None) }
    });
    for name in ["rohas/schema", "prisma/schema"] {
        std::fs::create_dir_all(folder.join(name))?;
    }
    for file in &ours {
        let prisma = file.text.replace("@auto", "@default(autoincrement())");
        let prisma =
            prisma.replace("@length(1, 80)", "@db.VarChar(80)").replace("@default(now)", "@default(now())");
        std::fs::write(folder.join("rohas").join(&file.path), &file.text)?;
        std::fs::write(folder.join("prisma").join(&file.path).with_extension("prisma"), prisma)?;
    }
    let source = "datasource db {\n  provider = \"postgresql\"\n}\n";
    std::fs::write(folder.join("prisma/schema/datasource.prisma"), source)
}

/// Reads every file below `folder` and compiles them; prints what was found and how long the compiler took.
fn check(folder: &Path) {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let text = std::fs::read_to_string(&path).expect("the file can be read");
        sources.push(SourceFile { path: path.display().to_string(), text });
    }
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    let started = Instant::now();
    let (schema, diagnostics): (Schema, Vec<Diagnostic>) = compile(&sources);
    let took = started.elapsed();
    diagnostics.iter().for_each(|diagnostic| eprintln!("{}", diagnostic.render(false)));
    println!(
        "{} files, {} models, {} enums, {} diagnostics, compiled in {:.1} ms",
        sources.len(),
        schema.shapes.len(),
        schema.enums.len(),
        diagnostics.len(),
        took.as_secs_f64() * 1e3
    );
    assert!(diagnostics.is_empty() && !schema.shapes.is_empty());
}
