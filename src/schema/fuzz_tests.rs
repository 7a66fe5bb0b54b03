//! Hostile texts and values against the compiler, the formatter and the validator: no panic, no hang, no input whose
//! cost grows faster than its size, and no formatter that changes a meaning.
//!
//! `ROHAS_FUZZ_CASES=1000000 cargo test --release --no-default-features --features cli --lib fuzz` is the long run;
//! `ROHAS_FUZZ_SEED` begins elsewhere. A case is a function of its number and the seed, so a finding can be repeated.

use std::fs;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

mod growth_tests;

use super::format::tests::{comments, meaning};
use super::{Json, Scalar, Schema, SourceFile, Type, compile, format, generator};

/// Texts longer than this are cut: a case must be cheap.
const MAX_TEXT: usize = 3_000;
/// What a case may take of the processor.
const SLOW: Duration = Duration::from_millis(250);
/// What no case may take: the process is stopped.
const HANG: Duration = Duration::from_secs(60);

/// Splitmix64, and how many values may still be made: shapes that need themselves would grow without end.
struct Chance(u64, usize);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap()
    }

    fn one_of<'t, T: ?Sized>(&mut self, choices: &[&'t T]) -> &'t T {
        choices[self.below(choices.len())]
    }

    fn bytes(&mut self, limit: usize) -> Vec<u8> {
        (0..self.below(limit)).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

// ---- texts

/// What tends to break compilers.
const ODD: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "?",
    "@",
    ":",
    ",",
    "\"",
    "\\",
    "/",
    "//",
    "/*",
    "*/",
    "///",
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    " ",
    "-",
    "+",
    ".",
    "_",
    "\u{FEFF}",
    "\u{2028}",
    "\u{A0}",
    "é",
    "名",
    "\u{202E}",
    "🦀",
    "e\u{301}",
    "0",
    "-1",
    "99999999999999999999999999",
    "1e999",
    "-9223372036854775808",
    "0.000000000000001",
    "30s",
    "18446744073709551616d",
    "model",
    "input",
    "type",
    "enum",
    "api",
    "event",
    "cron",
    "ws",
    "model A {",
    "type type {",
    "Map<",
    "Map",
    "String",
    "Int",
    "Shape0",
    "[]",
    "@id",
    "@default(",
    "@default(now())",
    "@length(",
    "@pattern(\"",
    "@min(",
    "\"/{a}/{*b}\"",
    "\":\"",
    "\"/:\"",
    "\"{\"",
    "path",
    "method",
    "triggers",
    "retry",
    "errors",
    "404",
    "timeout",
    "\"* * * * *\"",
    "null",
    "true",
    "x: {",
    "x:",
    "/* é */",
    "// c\n",
    "/// d\n",
    "\"\\n\"",
    "\"\\",
];

fn corpus() -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "ro") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("tests/schema"), &mut found);
    walk(&root.join("examples"), &mut found);
    found.sort();
    let mut texts: Vec<String> = found.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let examples = fs::read_to_string(root.join("tests/format.txt")).unwrap();
    texts.extend(examples.split("\n====\n").map(str::to_owned));
    texts
}

/// Cuts a text into words, signs and spaces, without knowing the language.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut was_word) = (0, false);
    for (at, c) in text.char_indices() {
        let is_word = c.is_alphanumeric() || c == '_';
        if at > start && !(is_word && was_word) {
            pieces.push(&text[start..at]);
            start = at;
        }
        was_word = is_word;
    }
    pieces.push(&text[start..]);
    pieces
}

fn mutated(text: &str, other: &str, chance: &mut Chance) -> String {
    let mut pieces: Vec<&str> = pieces(text);
    let others = self::pieces(other);
    for _ in 0..=chance.below(4) {
        let at = chance.below(pieces.len());
        let to = (at + 1 + chance.below(12)).min(pieces.len());
        match chance.below(8) {
            0 => drop(pieces.drain(at..to)),
            1 => {
                let window = pieces[at.min(to)..to].to_vec();
                let times = 1 + chance.below(3);
                for _ in 0..times {
                    pieces.splice(at..at, window.iter().copied());
                }
            }
            2 if !pieces.is_empty() => {
                let with = chance.below(pieces.len());
                pieces.swap(at, with);
            }
            3 => {
                let from = chance.below(others.len());
                let until = (from + chance.below(30)).min(others.len());
                pieces.splice(at..at, others[from..until].iter().copied());
            }
            4 => pieces.truncate(at + usize::from(chance.below(4) > 0) * pieces.len()),
            5 => {
                let odd = chance.one_of(ODD);
                let times = if chance.below(20) == 0 { 40 } else { 1 };
                pieces.splice(at..at, std::iter::repeat_n(odd, times));
            }
            6 if at < pieces.len() => pieces[at] = chance.one_of(ODD),
            _ => pieces.insert(at.min(pieces.len()), " "),
        }
    }
    pieces.concat()
}

fn text(corpus: &[String], chance: &mut Chance) -> String {
    let mut text = match chance.below(12) {
        0 => String::from_utf8_lossy(&chance.bytes(300)).into_owned(),
        1 => (0..chance.below(60)).map(|_| chance.one_of(ODD)).collect(),
        2..=4 => generator::schema(&chance.bytes(400)),
        5..=7 => {
            let generated = generator::schema(&chance.bytes(300));
            mutated(&generated, &corpus[chance.below(corpus.len())], chance)
        }
        _ => {
            let (of, with) = (chance.below(corpus.len()), chance.below(corpus.len()));
            mutated(&corpus[of], &corpus[with], chance)
        }
    };
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or(0));
    text
}

fn source(text: &str) -> SourceFile {
    SourceFile { path: "fuzz.ro".to_owned(), text: text.to_owned() }
}

/// Compiles and formats a text, and renders what is wrong; says what is wrong with that.
fn one_text(text: &str) -> Result<Schema, String> {
    let file = source(text);
    let (schema, diagnostics) = compile(std::slice::from_ref(&file));
    black_box(super::render(&diagnostics, false));
    let Ok(once) = format(&file) else {
        let known = diagnostics
            .iter()
            .any(|diagnostic| matches!(diagnostic.code, "S0001" | "S0002" | "S0003" | "S0028"));
        return if known {
            Ok(schema)
        } else {
            Err("only the formatter finds an error of syntax".to_owned())
        };
    };
    let (after, found) = compile(&[source(&once)]);
    let codes = |diagnostics: &[super::Diagnostic]| {
        // An `@optional` that says nothing is gone.
        let codes = diagnostics.iter().map(|diagnostic| diagnostic.code).filter(|code| *code != "S0035");
        let mut codes: Vec<&str> = codes.collect();
        codes.sort_unstable();
        codes
    };
    if meaning(&schema) != meaning(&after) || codes(&diagnostics) != codes(&found) {
        return Err(format!("the formatter changes the meaning to\n{once}"));
    }
    if comments(text) != comments(&once) {
        return Err(format!("the formatter changes comments:\n{once}"));
    }
    match format(&source(&once)) {
        Ok(twice) if twice == once => Ok(schema),
        Ok(twice) => Err(format!("the formatter is not done after once:\n{once}\n---- twice\n{twice}")),
        Err(_) => Err(format!("the formatter breaks the syntax:\n{once}")),
    }
}

// ---- values

/// Makes a value, mostly of the type.
fn value(schema: &Schema, ty: &Type, chance: &mut Chance, depth: usize) -> Json {
    if chance.1 == 0 {
        return Json::Null;
    }
    chance.1 -= 1;
    if depth > 12 || chance.below(12) == 0 {
        return any_value(chance, depth);
    }
    let object = |fields: &[super::Field], chance: &mut Chance| {
        let kept = fields.iter().filter_map(|field| {
            let present = chance.below(6) > 0;
            present.then(|| (field.name.clone(), value(schema, &field.ty, chance, depth + 1)))
        });
        Json::Object(kept.collect())
    };
    match ty {
        Type::Scalar(scalar) => scalar_value(*scalar, chance, depth),
        Type::Named(name) => match (schema.shapes.get(name), schema.enums.get(name)) {
            (Some(shape), _) => object(&shape.fields, chance),
            (_, Some(item)) => {
                item.names().nth(chance.below(item.values.len())).map_or(Json::Null, Json::from)
            }
            _ => Json::Null,
        },
        Type::Inline(fields) => object(fields, chance),
        Type::List(item) => (0..chance.below(4)).map(|_| value(schema, item, chance, depth + 1)).collect(),
        Type::Optional(inner) if chance.below(3) > 0 => value(schema, inner, chance, depth),
        Type::Optional(_) => Json::Null,
        Type::Map(item) => {
            let entry =
                |at: usize, chance: &mut Chance| (format!("k/~{at}"), value(schema, item, chance, depth + 1));
            Json::Object((0..chance.below(4)).map(|at| entry(at, chance)).collect())
        }
    }
}

fn scalar_value(scalar: Scalar, chance: &mut Chance, depth: usize) -> Json {
    let integer = [0, 1, -1, 5, i64::MAX, i64::MIN][chance.below(6)];
    match scalar {
        Scalar::String => {
            Json::from(chance.one_of(&["", "abc", "a@b.example", "https://a.example/", "é名🦀", "\0"]))
        }
        Scalar::Int => Json::from(integer),
        Scalar::Float => Json::from([0.5, -1e300, 5e-324, 3.0][chance.below(4)]),
        Scalar::Boolean => Json::from(chance.below(2) == 0),
        Scalar::DateTime => {
            Json::from(chance.one_of(&["2024-02-29T23:59:60Z", "2024-01-02T03:04:05.123+05:30"]))
        }
        Scalar::Date => Json::from(chance.one_of(&["2024-02-29", "2023-02-29", "0000-01-01"])),
        Scalar::Uuid => Json::from(chance.one_of(&["018f0e0c-7b1a-7c3d-8e4f-0123456789ab", "x"])),
        Scalar::Decimal => match chance.below(3) {
            0 => Json::from(integer),
            1 => Json::from(1e308),
            _ => Json::from(chance.one_of(&["0.10", "-1", "1e5", "123456789012345678901234567890.5"])),
        },
        Scalar::Bytes => Json::from(chance.one_of(&["", "AAAA", "AA==", "A"])),
        Scalar::Json => any_value(chance, depth),
    }
}

fn any_value(chance: &mut Chance, depth: usize) -> Json {
    match chance.below(if depth > 12 { 6 } else { 10 }) {
        0 => Json::Null,
        1 => Json::from(chance.below(2) == 0),
        2 => Json::from(u64::MAX - chance.next() % 3),
        3 => Json::from(f64::from_bits(chance.next())),
        4 | 5 => Json::from(chance.one_of(ODD)),
        6 => (0..chance.below(3)).map(|_| any_value(chance, depth + 1)).collect(),
        7 => {
            let deep = 1 + chance.below(200);
            (0..deep).fold(Json::Null, |inner, at| {
                if at % 2 == 0 { Json::Array(vec![inner]) } else { serde_json::json!({ "x": inner }) }
            })
        }
        _ => Json::Object(
            (0..chance.below(3)).map(|at| (format!("x{at}"), any_value(chance, depth + 1))).collect(),
        ),
    }
}

/// Checks a value against a type of the schema: what was accepted once is accepted as it then is.
fn one_value(schema: &Schema, chance: &mut Chance) -> Result<(), String> {
    let payloads = schema.events.values().filter_map(|event| event.payload.as_ref());
    let bodies = schema.apis.values().flat_map(|api| [&api.body, &api.response, &api.query]).flatten();
    let shapes: Vec<Type> = schema.shapes.keys().map(|name| Type::Named(name.clone())).collect();
    let types: Vec<&Type> = payloads.chain(bodies).chain(&shapes).collect();
    if types.is_empty() {
        return Ok(());
    }
    let ty = types[chance.below(types.len())];
    let written = value(schema, ty, chance, 0);
    let mut checked = written.clone();
    if !schema.check(ty, &mut checked, "/body").is_empty() {
        return Ok(());
    }
    let mut again = checked.clone();
    let violations = schema.check(ty, &mut again, "/body");
    match violations.is_empty() && again == checked {
        true => Ok(()),
        false => Err(format!("{written} of {ty} becomes {checked}, and then {again}: {violations:?}")),
    }
}

// ---- the run

/// The processor time of this thread: others may want the machine, too.
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a local of the right type.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
}

fn cases(default: usize) -> usize {
    let wanted = std::env::var("ROHAS_FUZZ_CASES");
    wanted.map_or(default, |cases| cases.parse().expect("ROHAS_FUZZ_CASES is a number"))
}

fn seed() -> u64 {
    std::env::var("ROHAS_FUZZ_SEED").map_or(3, |seed| seed.parse().expect("ROHAS_FUZZ_SEED is a number"))
}

/// Runs a case; what it says is a finding, as is a panic.
fn guarded(run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("a panic: {}", text.unwrap_or_default()))
    })
}

/// Stops the process when a case takes for ever; a test cannot end a thread.
fn watch(current: Arc<Mutex<Option<(Instant, String)>>>) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let current = current.lock().unwrap();
            if let Some((start, text)) = current.as_ref().filter(|(start, _)| start.elapsed() > HANG) {
                eprintln!("a case runs for {:?}:\n{text}", start.elapsed());
                std::process::abort();
            }
        }
    });
}

#[test]
fn hostile_texts_and_values_find_nothing() {
    let corpus = corpus();
    let current = Arc::new(Mutex::new(None));
    watch(current.clone());
    let (mut findings, mut formatted, mut slowest) = (Vec::new(), 0_usize, Duration::ZERO);
    let (start, total) = (Instant::now(), cases(250));
    for case in 0..total {
        let mut chance = Chance(seed().wrapping_mul(1 << 32).wrapping_add(case as u64), 500);
        let text = text(&corpus, &mut chance);
        let begin = cpu_time();
        *current.lock().unwrap() = Some((Instant::now(), text.clone()));
        let found = guarded(|| {
            let schema = one_text(&text)?;
            formatted += usize::from(format(&source(&text)).is_ok());
            one_value(&schema, &mut chance)
        });
        let took = cpu_time() - begin;
        slowest = slowest.max(took);
        if took > SLOW * if cfg!(debug_assertions) { 20 } else { 1 } {
            findings.push(format!("case {case} takes {took:?}:\n{text}"));
        }
        if let Err(found) = found {
            findings.push(format!("case {case}: {found}\n---- of\n{text}"));
        }
        if findings.len() >= 50 {
            break;
        }
        if total > 10_000 && case % (total / 20) == 0 {
            eprintln!("{case} cases, {:?}, {} findings", start.elapsed(), findings.len());
        }
    }
    *current.lock().unwrap() = None;
    eprintln!("{total} cases, {formatted} formatted, {:?}, slowest {slowest:?}", start.elapsed());
    assert!(findings.is_empty(), "{} findings\n{}", findings.len(), findings.join("\n========\n"));
    assert!(formatted * 5 > total, "too few texts are good: {formatted} of {total}");
}

/// What the runs have found.
#[test]
fn findings_stay_mended() {
    // The router of the server panics at 26 parameters.
    let path = |count: usize| (0..count).map(|at| format!("/{{p{at}}}")).collect::<String>();
    let api = |path: &str| format!("api A {{ method: GET path: \"{path}\" }}");
    let codes = |text: &str| compile(&[source(text)]).1.iter().map(|found| found.code).collect::<Vec<_>>();
    assert_eq!(codes(&api(&path(25))), [""; 0]);
    assert_eq!(codes(&api(&path(26))), ["S0017"]);
    assert_eq!(codes(&api(&"/{p}".repeat(26)))[..2], ["S0015", "S0015"]);
    // Dates with too few digits for a year.
    for date in ["-02-30", "4-02-29", "24-02-29", "02024-02-29"] {
        let text =
            format!("model A {{ x: Date @default(\"{date}\") y: DateTime @default(\"{date}T00:00:00Z\") }}");
        assert_eq!(codes(&text), ["S0013", "S0013"], "{date}");
    }
    // A comment before a comma did not document what the same comment without the comma did.
    for text in ["model A { x: Int /// of y\n, y: Int }", "enum A { X /// of Y\n, Y }"] {
        assert_eq!(one_text(text).map(|_| ()), Ok(()));
    }
}
