//! `rohas codegen`: writes the generated code of a project, and a stub for every handler that has no file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use crate::app::{ActorApp, Builder};
use crate::cli::diagnostics::{self, FileProblem, Format};
use crate::cli::{Project, terminal};
use crate::codegen::{self, Change, Config, File, Missing, Plan, Target};
use crate::invocation::{HandlerId, Kind};
use crate::lang::discover::Folders;
use crate::lang::{FileHandler, Language};
use crate::schema::Schema;

/// Where generated code lies in a project.
pub const FOLDER: &str = "src/generated";

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    project: Project,
    /// The languages to write and to check; generated files of others are left alone.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LANGUAGE")]
    lang: Vec<Lang>,
    /// Writes nothing; prints what would change and fails if anything would.
    #[arg(long)]
    check: bool,
    /// Writes no stubs for handlers that have no file.
    #[arg(long)]
    no_stubs: bool,
    #[command(flatten)]
    diagnostics: diagnostics::Arguments,
}

pub const EXAMPLES: &str = "\
Examples:
  rohas codegen                            after a change of the schema
  rohas codegen --check                    in CI: fails when src/generated is not what the schema says
  rohas codegen --lang typescript,python   for these languages
  rohas codegen --no-stubs                 leaves src/handlers alone

Only src/generated is overwritten. A stub is written where a handler has no file, and never over one.";

#[derive(Clone, Copy, ValueEnum)]
enum Lang {
    Typescript,
    Python,
    Rust,
}

impl From<Lang> for Target {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Typescript => Target::TypeScript,
            Lang::Python => Target::Python,
            Lang::Rust => Target::Rust,
        }
    }
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let (mut config, schema) = match arguments.diagnostics.compile(&arguments.project.project) {
        Ok(read) => read,
        Err(code) => return code,
    };
    if !arguments.lang.is_empty() {
        config.codegen.languages = Some(arguments.lang.iter().copied().map(Target::from).collect());
    }
    generate(arguments, &config.codegen, &schema).unwrap_or_else(|error| {
        terminal::eprint(&format!("error: {error}\n"));
        ExitCode::FAILURE
    })
}

fn generate(arguments: &Arguments, config: &Config, schema: &Schema) -> std::io::Result<ExitCode> {
    let root = &arguments.project.project;
    let _lock = codegen::lock(root)?;
    let handlers = Handlers::find(&ActorApp::builder().project_dir(root), schema);
    let (targets, why) = targets(root, config.languages.as_deref(), &handlers)?;
    let names: Vec<&str> = targets.iter().map(|target| target.as_str()).collect();
    // The document of `--check` stands alone.
    if !arguments.check || arguments.diagnostics.format == Format::Text {
        terminal::print(&format!("languages: {} ({why})\n", names.join(", ")));
    }
    let files = targets.iter().flat_map(|target| codegen::generate(schema, *target, config)).collect();
    let languages: &[Target] = if arguments.lang.is_empty() { &Target::ALL } else { &targets };
    let plan = plan(root, languages, files)?;
    if arguments.check {
        return Ok(check(root, &plan, arguments.diagnostics));
    }
    plan.apply()?;
    terminal::print(&format!("{}\n", summary(&plan, ["created", "changed", "removed"])));
    if !arguments.no_stubs {
        stubs(root, schema, &targets, &handlers)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Which handlers have a file, and which have none.
struct Handlers {
    files: Vec<FileHandler>,
    missing: Vec<HandlerId>,
}

impl Handlers {
    fn find(builder: &Builder, schema: &Schema) -> Self {
        let mut handlers = Handlers { files: Vec::new(), missing: Vec::new() };
        for (id, found) in builder.handler_files(schema) {
            match found {
                Ok(Some(file)) => handlers.files.push(file),
                Ok(None) => handlers.missing.push(id),
                // Two files: that is for `validate` to tell.
                Err(_) => {}
            }
        }
        handlers
    }

    fn in_language(&self, language: Language) -> usize {
        self.files.iter().filter(|file| Folders::language(&file.path) == language).count()
    }
}

/// Returns the languages to generate, the one for stubs first, and why these.
fn targets(
    root: &Path,
    given: Option<&[Target]>,
    handlers: &Handlers,
) -> std::io::Result<(Vec<Target>, &'static str)> {
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        let mut targets: Vec<Target> = Vec::new();
        for target in given {
            if !targets.contains(target) {
                targets.push(*target);
            }
        }
        return Ok((targets, "as told"));
    }
    let counts = [(Target::TypeScript, Language::TypeScript), (Target::Python, Language::Python)]
        .map(|(target, language)| (target, handlers.in_language(language)));
    let mut counts: Vec<(Target, usize)> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut targets: Vec<Target> = counts.into_iter().map(|(target, _)| target).collect();
    let mut others = codegen::languages(root, Path::new(FOLDER))?;
    if root.join("Cargo.toml").is_file() || root.join("src/main.rs").is_file() {
        others.insert(Target::Rust);
    }
    others.retain(|target| !targets.contains(target));
    targets.extend(others);
    if targets.is_empty() {
        return Ok((vec![Target::TypeScript], "the default; there are no handlers yet"));
    }
    Ok((targets, "those of the project"))
}

/// Finds out what must be written, and warns of files that are in the way.
fn plan(root: &Path, languages: &[Target], files: Vec<File>) -> std::io::Result<Plan> {
    let plan = codegen::plan(root, Path::new(FOLDER), languages, files)?;
    for path in &plan.foreign {
        let path = path.display();
        terminal::eprint(&format!("warning: {FOLDER}/{path} is not generated and stays as it is\n"));
    }
    Ok(plan)
}

/// Tells what would be written; anything is a failure.
fn check(root: &Path, plan: &Plan, diagnostics: diagnostics::Arguments) -> ExitCode {
    if diagnostics.format == Format::Text {
        plan.changes.iter().for_each(|(path, change)| tell(path, change));
        terminal::print(&format!("{}\n", summary(plan, ["to create", "to change", "to remove"])));
    }
    let stale = |(path, change): &(PathBuf, Change)| {
        let (line, what) = match change {
            Change::Create => (None, "is missing"),
            Change::Change { line, .. } => (Some(*line), "is not what the schema says"),
            Change::Remove => (None, "is stale"),
        };
        let file = root.join(FOLDER).join(path).display().to_string();
        FileProblem { file, line, message: format!("{what}; run `rohas codegen`") }
    };
    diagnostics.print_files(&[], &plan.changes.iter().map(stale).collect::<Vec<_>>())
}

fn summary(plan: &Plan, words: [&str; 3]) -> String {
    let mut counts = [0, 0, 0];
    for (_, change) in &plan.changes {
        counts[match change {
            Change::Create => 0,
            Change::Change { .. } => 1,
            Change::Remove => 2,
        }] += 1;
    }
    let [created, changed, removed] = [0, 1, 2].map(|at: usize| format!("{} {}", counts[at], words[at]));
    format!("{FOLDER}: {created}, {changed}, {removed}, {} unchanged", plan.unchanged)
}

fn tell(path: &Path, change: &Change) {
    let path = path.display();
    match change {
        Change::Create => terminal::print(&format!("create {FOLDER}/{path}\n")),
        Change::Remove => terminal::print(&format!("remove {FOLDER}/{path}\n")),
        Change::Change { line, old, new } => {
            terminal::print(&format!("change {FOLDER}/{path}:{line}\n"));
            let side = |sign: char, text: &Option<String>| {
                if let Some(text) = text {
                    terminal::print(&format!("  {sign} {text}\n"));
                }
            };
            side('-', old);
            side('+', new);
        }
    }
}

/// Writes a stub for every handler without a file. A handler may as well be a Rust function, which no file shows: where
/// Rust is among the languages nothing is written, and the names are printed instead.
fn stubs(root: &Path, schema: &Schema, targets: &[Target], handlers: &Handlers) -> std::io::Result<()> {
    if targets.contains(&Target::Rust) {
        if !handlers.missing.is_empty() {
            let lines = handlers.missing.iter().map(|id| format!("  .handler(\"{}\", …)\n", id.name));
            let lines: String = lines.collect();
            let head = "handlers without a file; register those that are Rust functions:\n";
            terminal::print(&format!("{head}{lines}"));
        }
        return Ok(());
    }
    let Some(target) = targets.first() else { return Ok(()) };
    for missing in missing(&handlers.missing) {
        match codegen::stub(schema, *target, &missing) {
            None => {
                let why = "that is not the name of a file and a function";
                terminal::eprint(&format!("warning: no stub for {missing}: {why}\n"));
            }
            Some(file) => {
                if codegen::add(root, &file)? {
                    terminal::print(&format!("stub {}\n", file.path.display()));
                }
            }
        }
    }
    Ok(())
}

/// Puts the functions of an endpoint together.
fn missing(ids: &[HandlerId]) -> Vec<Missing> {
    let mut missing = Vec::new();
    let mut sockets: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for id in ids {
        let name = id.name.to_string();
        match id.kind {
            Kind::Api => missing.push(Missing::Api(name)),
            Kind::Event => missing.push(Missing::Event(name)),
            Kind::Cron => missing.push(Missing::Cron(name)),
            Kind::Middleware => missing.push(Missing::Middleware(name)),
            Kind::Ws => {
                let (socket, function) = id.name.split_once('.').unwrap_or(("", &id.name));
                sockets.entry(socket).or_default().push(function.to_owned());
            }
        }
    }
    missing.extend(
        sockets.into_iter().map(|(name, functions)| Missing::Socket { name: name.to_owned(), functions }),
    );
    missing
}
