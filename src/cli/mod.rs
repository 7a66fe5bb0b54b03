//! The command line: one file per command.
//!
//! Exit codes: 0 success, 1 the project has problems, 2 the command line is wrong. Output for people goes to
//! standard error when it is about a failure, to standard output when it was asked for.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::{ActorApp, BuildError};

mod asyncapi;
mod codegen;
mod document;
mod fmt;
mod json_schema;
mod list;
mod openapi;
mod run;
mod validate;
mod version;

/// Runs a project whose apis, events, crons and WebSocket endpoints are supervised actors.
#[derive(Parser)]
#[command(name = "rohas", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts a project and runs it until SIGINT or SIGTERM.
    Run(run::Arguments),
    /// Checks schema, configuration and handler files, and prints every problem at once.
    Validate(validate::Arguments),
    /// Brings schema files to their one canonical form.
    #[command(after_help = fmt::EXAMPLES)]
    Fmt(fmt::Arguments),
    /// Writes the generated code, and a stub for every handler that has no file.
    Codegen(codegen::Arguments),
    /// Lists the handlers, events or routes of a project.
    List(list::Arguments),
    /// Prints the apis as an OpenAPI 3.1 document.
    Openapi(document::Arguments),
    /// Prints the events and WebSocket endpoints as an AsyncAPI 3.0 document.
    Asyncapi(document::Arguments),
    /// Prints the types as JSON Schema 2020-12.
    JsonSchema(json_schema::Arguments),
    /// Prints the version, and what this build contains.
    Version,
}

/// The project folder, which every command takes.
#[derive(clap::Args)]
struct Project {
    /// The project folder: schema/, config/rohas.toml, src/handlers/.
    #[arg(default_value = ".")]
    project: PathBuf,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::Codegen(arguments) => codegen::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Openapi(arguments) => openapi::run(&arguments),
        Command::Asyncapi(arguments) => asyncapi::run(&arguments),
        Command::JsonSchema(arguments) => json_schema::run(&arguments),
        Command::Version => version::run(),
    }
}

/// Builds the app of a project folder.
fn build(project: &Path) -> Result<ActorApp, BuildError> {
    ActorApp::builder().project_dir(project).build()
}

/// Tells whether standard error takes colours.
fn colour() -> bool {
    std::io::stderr().is_terminal()
}

/// Prints what keeps an app from being built and returns the exit code for it.
fn report(error: &BuildError) -> ExitCode {
    eprintln!("{}\nerror: {error}", error.render(colour()));
    ExitCode::FAILURE
}
