//! `rohas init`: a new project that runs at once.
//!
//! Writes the templates and the generated code into an empty folder, and never over anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use crate::cli::codegen::FOLDER;
use crate::cli::{diagnostics, terminal};
use crate::codegen::{self, Target};

mod templates;
#[cfg(test)]
mod tests;

/// More entries in the way than this are only counted.
const LISTED: usize = 8;
/// What may be in the folder of a new project: a repository without files.
const HARMLESS: [&str; 1] = [".git"];
/// Names that package registries, Cargo or the generated program need for themselves.
const RESERVED: [&str; 8] = ["rohas", "test", "core", "std", "alloc", "node_modules", "build", "deps"];

#[derive(clap::Args)]
pub struct Arguments {
    /// The folder to make, or an empty one; its name is the name of the project.
    name: PathBuf,
    /// The language of the handlers; `mixed` has TypeScript and Python in one project.
    #[arg(short, long, value_enum, value_name = "LANGUAGE", default_value_t)]
    lang: Language,
    /// The name of the project, when it cannot be that of the folder.
    #[arg(long = "name", value_name = "NAME")]
    called: Option<String>,
    /// The checkout of rohas that a Rust project depends on; without it ROHAS_PATH, or the one this command was built
    /// from.
    #[arg(long, value_name = "FOLDER")]
    rohas_path: Option<PathBuf>,
}

/// The language of a new project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Handlers in TypeScript.
    #[default]
    Typescript,
    /// Handlers in Python.
    Python,
    /// A program that embeds rohas, with handlers as functions.
    Rust,
    /// Handlers in TypeScript and Python, side by side.
    Mixed,
}

impl Language {
    /// Returns the languages to generate code for.
    fn targets(self) -> &'static [Target] {
        match self {
            Language::Typescript => &[Target::TypeScript],
            Language::Python => &[Target::Python],
            Language::Rust => &[Target::Rust],
            Language::Mixed => &[Target::TypeScript, Target::Python],
        }
    }
}

pub const EXAMPLES: &str = "\
Examples:
  rohas init shop                     a project in TypeScript
  rohas init shop --lang mixed        handlers in TypeScript and Python
  rohas init . --lang python          in this folder, which must be empty
  rohas init shop --lang rust         a Rust program; the crate is taken from a checkout

The project has a schema with apis, an event, a cron and a WebSocket endpoint, handlers for all of them, generated
types, a test, and a README with commands to try.";

pub fn run(arguments: &Arguments) -> ExitCode {
    match create(arguments) {
        Ok(name) => next_steps(&arguments.name, &name, arguments.lang),
        Err(problem) => {
            terminal::eprint(&format!("error: {problem}\n"));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Makes the project and returns its name.
fn create(arguments: &Arguments) -> Result<String, String> {
    let folder = &arguments.name;
    let name = match &arguments.called {
        Some(name) => name.clone(),
        None => folder_name(folder)?,
    };
    check_name(&name)?;
    check_folder(folder)?;
    let rohas = match arguments.lang {
        Language::Rust => {
            let variable = std::env::var_os("ROHAS_PATH").map(PathBuf::from);
            dependency(arguments.rohas_path.as_deref().or(variable.as_deref()))?
        }
        _ => String::new(),
    };
    let crate_name = name.replace('-', "_");
    for (path, text) in templates::templates(arguments.lang) {
        let text = text.replace("{{try}}\n", templates::TRY);
        let text =
            text.replace("{{name}}", &name).replace("{{crate}}", &crate_name).replace("{{rohas}}", &rohas);
        write(&folder.join(path), &text)?;
    }
    generate(folder, arguments.lang)?;
    Ok(name)
}

fn folder_name(folder: &Path) -> Result<String, String> {
    // `.` and `..` have a name only as part of the whole path.
    let whole = fs::canonicalize(folder).or_else(|_| std::path::absolute(folder));
    let whole = whole.map_err(|error| format!("{}: {error}", folder.display()))?;
    let name =
        whole.file_name().ok_or_else(|| format!("{} has no name; give one with --name", whole.display()))?;
    Ok(name.to_string_lossy().into_owned())
}

/// Refuses what npm, PyPI or Cargo would.
fn check_name(name: &str) -> Result<(), String> {
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let ends = name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let rule = if name.len() > 64 {
        "it has more than 64 letters"
    } else if RESERVED.contains(&name) {
        "the name is taken"
    } else if !(starts && ends && name.chars().all(letters)) {
        "it is made of a-z, 0-9, - and _, begins with a letter and ends with a letter or digit"
    } else {
        return Ok(());
    };
    let plain = plain_name(name);
    let hint = if plain != name && check_name(&plain).is_ok() {
        format!("; `--name {plain}` would do")
    } else {
        "; give another one with --name".to_owned()
    };
    Err(format!("`{name}` cannot be the name of a package: {rule}{hint}"))
}

/// Makes the nearest name that packages may have.
fn plain_name(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let dashed: String = letters.collect();
    let words: Vec<&str> = dashed.split('-').filter(|word| !word.is_empty()).collect();
    let joined = words.join("-");
    joined.trim_start_matches(|c: char| !c.is_ascii_lowercase()).chars().take(64).collect()
}

/// Refuses a folder with anything in it.
fn check_folder(folder: &Path) -> Result<(), String> {
    let shown = folder.display();
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(format!("{shown} is a file"));
        }
        Err(error) => return Err(format!("{shown}: {error}")),
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: io::Result<Vec<String>> = names.collect();
    let mut names = names.map_err(|error| format!("{shown}: {error}"))?;
    names.retain(|name| !HARMLESS.contains(&name.as_str()));
    names.sort();
    if names.is_empty() {
        return Ok(());
    }
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Err(format!("{shown} is not empty, and nothing in it is overwritten: it has {}{more}", names.join(", ")))
}

/// Writes where `Cargo.toml` finds rohas.
fn dependency(given: Option<&Path>) -> Result<String, String> {
    let is_rohas = |folder: &Path| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line == "name = \"rohas\"")
    };
    let built_from = Path::new(env!("CARGO_MANIFEST_DIR"));
    match given {
        Some(folder) if !is_rohas(folder) => {
            Err(format!("{}: the crate rohas is not there", folder.display()))
        }
        Some(folder) => {
            let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
            Ok(format!("path = {:?}", folder.display().to_string()))
        }
        None if is_rohas(built_from) => Ok(format!("path = {:?}", built_from.display().to_string())),
        None => Err("the crate rohas is not on crates.io yet: name a checkout with --rohas-path".to_owned()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().expect("a file is in a folder");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes `src/generated`, as `rohas codegen` does.
fn generate(folder: &Path, language: Language) -> Result<(), String> {
    let (config, schema) = diagnostics::Arguments::default()
        .compile(folder)
        .map_err(|_| "the schema of the template does not compile".to_owned())?;
    let files = language.targets().iter();
    let files = files.flat_map(|target| codegen::generate(&schema, *target, &config.codegen)).collect();
    let written = codegen::plan(folder, Path::new(FOLDER), &Target::ALL, files).and_then(|plan| plan.apply());
    written.map_err(|error| format!("{FOLDER}: {error}"))
}

fn next_steps(folder: &Path, name: &str, language: Language) {
    let (start, test) = match language {
        Language::Typescript => ("rohas run", "npm test"),
        Language::Rust => ("cargo run", "cargo test"),
        Language::Python | Language::Mixed => ("rohas run", "python3 -m unittest discover tests"),
    };
    let enter = match folder == Path::new(".") {
        true => String::new(),
        false => format!("  cd {}\n", folder.display()),
    };
    terminal::print(&format!(
        "{name} is ready. Next:\n\n{enter}  {start}\n  curl localhost:3000/tasks --json '{{\"title\": \"Buy milk\"}}'\n  \
         {test}\n\nREADME.md says what is where.\n"
    ));
}
