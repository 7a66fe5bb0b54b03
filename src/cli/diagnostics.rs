//! Prints what is wrong with a project: for people, as JSON, as annotations of GitHub.
//!
//! Called by every command that reads a schema. Finds nothing itself.
//!
//! ```text
//! --format  text     standard error, sources underlined, colours on a terminal
//!           json     one document on standard output
//!           github   workflow commands on standard output
//! ```

use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::json;

use crate::app::{ActorApp, BuildError};
use crate::cli::terminal;
use crate::config::Config;
use crate::invocation::Json;
use crate::lang::Problem;
use crate::schema::{self, Diagnostic, Schema, Severity};

#[cfg(test)]
mod tests;

/// The options of every command that prints problems.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// How problems are printed.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: Format,
    /// Fails where it would only warn.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub deny: Option<Denied>,
}

/// How problems are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, on standard error, with the source underlined.
    #[default]
    Text,
    /// One JSON document on standard output.
    Json,
    /// Workflow commands, which GitHub shows as annotations of the lines.
    Github,
}

/// What `--deny` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Denied {
    /// Warnings fail like errors.
    Warnings,
}

/// What is wrong with a file, beside what the compiler finds in it.
#[derive(Debug)]
pub struct FileProblem {
    /// The path, as from the current folder.
    pub file: String,
    /// Where it begins, if it is not about the whole file.
    pub line: Option<usize>,
    /// What is wrong, as `is not formatted`.
    pub message: String,
}

impl FileProblem {
    fn json(&self) -> Json {
        let file = self.file.strip_prefix("./").unwrap_or(&self.file);
        json!({ "message": self.message, "hint": null, "file": file, "line": self.line })
    }

    fn github(&self) -> String {
        let line = self.line.map(|line| format!(",line={line}")).unwrap_or_default();
        let file = escaped(&from_here(self.file.strip_prefix("./").unwrap_or(&self.file)), true);
        format!("::error file={file}{line},title=rohas::{}\n", escaped(&self.message, false))
    }
}

impl Arguments {
    /// Prints what was found and returns the exit code for it. For commands whose result this is: as JSON, there is
    /// a document even when nothing was found.
    pub fn print(&self, diagnostics: &[Diagnostic], problems: &[Problem]) -> ExitCode {
        let failed = self.fail(diagnostics, problems);
        match self.format {
            Format::Text => terminal::eprint(&text(diagnostics, problems, failed)),
            Format::Json => terminal::print(&format!("{:#}\n", document(diagnostics, problems, failed))),
            Format::Github => terminal::print(&github(diagnostics, problems)),
        }
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Prints what is wrong with files and returns the exit code for it, as `print` does. As text only the
    /// diagnostics: the command has told the rest in its own way.
    pub fn print_files(&self, diagnostics: &[Diagnostic], files: &[FileProblem]) -> ExitCode {
        let failed = self.fail(diagnostics, &[]) || !files.is_empty();
        match self.format {
            Format::Text => terminal::eprint(&text(diagnostics, &[], false)),
            Format::Json => {
                let mut document = document(diagnostics, &[], failed);
                document["problems"] = files.iter().map(FileProblem::json).collect();
                terminal::print(&format!("{document:#}\n"));
            }
            Format::Github => {
                let lines = files.iter().map(FileProblem::github);
                terminal::print(&format!("{}{}", github(diagnostics, &[]), lines.collect::<String>()));
            }
        }
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }

    /// Prints what kept an app from being built and returns the exit code for it.
    pub fn report(&self, error: &BuildError) -> ExitCode {
        self.print(&error.diagnostics, &error.problems)
    }

    /// Reads and compiles the schema of a project, for commands with a result of their own on standard output:
    /// warnings go to standard error, in whichever format.
    ///
    /// # Errors
    /// The exit code, with everything printed.
    pub fn compile(&self, project: &Path) -> Result<(Config, Schema), ExitCode> {
        let (config, sources) =
            ActorApp::builder().project_dir(project).sources().map_err(|error| self.report(&error))?;
        let (schema, diagnostics) = schema::compile(&sources);
        if self.fail(&diagnostics, &[]) {
            return Err(self.print(&diagnostics, &[]));
        }
        if !diagnostics.is_empty() {
            terminal::eprint(&self.warnings(&diagnostics));
        }
        Ok((config, schema))
    }

    fn warnings(&self, diagnostics: &[Diagnostic]) -> String {
        match self.format {
            Format::Text => text(diagnostics, &[], false),
            Format::Json => format!("{:#}\n", document(diagnostics, &[], false)),
            Format::Github => github(diagnostics, &[]),
        }
    }

    /// Tells whether a command that found this must end with 1.
    pub fn fail(&self, diagnostics: &[Diagnostic], problems: &[Problem]) -> bool {
        let fatal = |diagnostic: &Diagnostic| {
            diagnostic.severity == Severity::Error || self.deny == Some(Denied::Warnings)
        };
        !problems.is_empty() || diagnostics.iter().any(fatal)
    }
}

/// Writes everything for a person.
fn text(diagnostics: &[Diagnostic], problems: &[Problem], failed: bool) -> String {
    let colour = terminal::colour(&std::io::stderr());
    let mut out: String = schema::render(diagnostics, colour).into_iter().map(|one| one + "\n").collect();
    for problem in problems {
        let hint = problem.hint.as_ref().map(|hint| format!("\n  help: {hint}")).unwrap_or_default();
        out += &format!("  × {problem}{hint}\n\n");
    }
    let warnings = diagnostics.iter().filter(|found| found.severity == Severity::Warning).count();
    let errors = diagnostics.len() - warnings + problems.len();
    let parts = [(errors, "error"), (warnings, "warning")].into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, what)| numbered(count, what)).collect();
    if let Some(first) = diagnostics.first() {
        out += &format!("{}; `rohas explain {}` says more\n", parts.join(", "), first.code);
    } else if failed {
        out += &format!("{}\n", parts.join(", "));
    }
    out
}

/// Says how many there are, `1 api` or `2 apis`.
pub fn numbered(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Makes the document for tools.
fn document(diagnostics: &[Diagnostic], problems: &[Problem], failed: bool) -> Json {
    let diagnostics = diagnostics.iter().map(|found| {
        json!({
            "code": found.code,
            "severity": severity(found.severity),
            "message": found.message,
            "file": file(found),
            "line": found.start.line,
            "column": found.start.column,
            "end_line": found.end.line,
            "end_column": found.end.column,
            "label": Some(&found.label).filter(|label| !label.is_empty()),
            "hint": found.hint,
        })
    });
    let problems = problems.iter().map(|problem| json!({ "message": problem.message, "hint": problem.hint }));
    json!({
        "ok": !failed,
        "diagnostics": diagnostics.collect::<Vec<Json>>(),
        "problems": problems.collect::<Vec<Json>>(),
    })
}

/// Writes workflow commands, one per line.
fn github(diagnostics: &[Diagnostic], problems: &[Problem]) -> String {
    let mut out = String::new();
    for found in diagnostics {
        let file = from_here(file(found));
        let mut message = found.message.clone();
        if !found.label.is_empty() {
            message += &format!(": {}", found.label);
        }
        if let Some(hint) = &found.hint {
            message += &format!("\nhelp: {hint}");
        }
        out += &format!(
            "::{} file={},line={},endLine={},col={},endColumn={},title={}::{}\n",
            severity(found.severity),
            escaped(&file, true),
            found.start.line,
            found.end.line,
            found.start.column,
            found.end.column,
            found.code,
            escaped(&message, false)
        );
    }
    for problem in problems {
        let hint = problem.hint.as_ref().map(|hint| format!("\nhelp: {hint}")).unwrap_or_default();
        out += &format!("::error title=rohas::{}\n", escaped(&format!("{problem}{hint}"), false));
    }
    out
}

/// Returns the path as seen from the current folder.
fn from_here(file: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    Path::new(file).strip_prefix(&here).unwrap_or(Path::new(file)).display().to_string()
}

/// Escapes a text for a workflow command; in a property more signs have a meaning.
fn escaped(text: &str, property: bool) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    if property { text.replace(':', "%3A").replace(',', "%2C") } else { text }
}

/// Returns the path as tools join it to the folder they work in.
fn file(found: &Diagnostic) -> &str {
    found.file.strip_prefix("./").unwrap_or(&found.file)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
