//! `rohas validate`: every problem of a project at once, without starting anything.

use std::path::Path;
use std::process::ExitCode;

use crate::app::ActorApp;
use crate::cli::diagnostics::{self, Format, numbered};
use crate::cli::{Project, terminal};
use crate::schema::{self, Schema};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    project: Project,
    /// Looks at the schema and the configuration only, not for handlers.
    #[arg(long)]
    schema_only: bool,
    #[command(flatten)]
    diagnostics: diagnostics::Arguments,
}

pub const EXAMPLES: &str = "\
Examples:
  rohas validate                          the project in this folder
  rohas validate shop --deny warnings     fails on warnings, too
  rohas validate --schema-only            while the handlers are still to be written
  rohas validate --format github          annotations in a pull request
  rohas validate --format json | jq '.diagnostics[].code'

In a folder whose Cargo.toml depends on rohas, handlers without a file are taken for Rust functions;
the program checks them when it starts.";

pub fn run(arguments: &Arguments) -> ExitCode {
    let project = &arguments.project.project;
    if arguments.schema_only { schema_only(project, arguments) } else { everything(project, arguments) }
}

fn schema_only(project: &Path, arguments: &Arguments) -> ExitCode {
    let sources = ActorApp::builder().project_dir(project).sources();
    let (_, sources) = match sources {
        Ok(sources) => sources,
        Err(error) => return arguments.diagnostics.report(&error),
    };
    let (schema, diagnostics) = schema::compile(&sources);
    let code = arguments.diagnostics.print(&diagnostics, &[]);
    summary(arguments, code, &counts(&schema));
    code
}

fn everything(project: &Path, arguments: &Arguments) -> ExitCode {
    let checked = ActorApp::builder().project_dir(project).check();
    let mut problems = checked.unread.clone();
    let rust = crate::cli::registers_rust(project);
    let mut handlers = numbered(checked.files.len() + checked.functions.len(), "handler");
    if rust && !checked.missing.is_empty() {
        handlers += &format!(" in files, {} expected in Rust", checked.missing.len());
    }
    let counts = format!("{}, {handlers}", counts(&checked.schema));
    problems.extend(checked.without_engine());
    problems.extend(checked.problems);
    if !rust {
        problems.extend(checked.missing.into_iter().map(|missing| missing.problem));
    }
    let code = arguments.diagnostics.print(&checked.diagnostics, &problems);
    summary(arguments, code, &counts);
    code
}

fn counts(schema: &Schema) -> String {
    let counts = [
        numbered(schema.apis.len(), "api"),
        numbered(schema.events.len(), "event"),
        numbered(schema.crons.len(), "cron"),
        numbered(schema.sockets.len(), "websocket"),
    ];
    counts.join(", ")
}

/// Says what was found right, to people.
fn summary(arguments: &Arguments, code: ExitCode, counts: &str) {
    if arguments.diagnostics.format == Format::Text && code == ExitCode::SUCCESS {
        terminal::print(&format!("ok: {counts}\n"));
    }
}
