//! The command line: one file per command.
//!
//! Exit codes: 0 success, 1 problems were found, 2 the command line is wrong. What was asked for goes to standard
//! output, what is about a failure to standard error. `diagnostics` prints problems for every command; `terminal`
//! decides about colours and does all writing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

mod asyncapi;
mod codegen;
mod completions;
pub mod diagnostics;
mod document;
mod explain;
mod fmt;
mod init;
mod json_schema;
mod list;
mod openapi;
mod run;
mod terminal;
mod tree;
mod validate;
mod version;

/// Runs a project whose apis, events, crons and WebSocket endpoints are supervised actors.
#[derive(Parser)]
#[command(name = "rohas", version, arg_required_else_help = true, after_help = AFTER)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Whether output has colours; by itself only on a terminal without NO_COLOR.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t,
        hide_possible_values = true
    )]
    color: terminal::Colour,
}

const AFTER: &str = "\
Exit codes:
  0  success; warnings may have been printed
  1  problems were found, or the command failed
  2  the command line is wrong

`rohas help COMMAND` has examples.";

#[derive(Subcommand)]
enum Command {
    /// Makes a new project that runs at once.
    #[command(after_help = init::EXAMPLES)]
    Init(init::Arguments),
    /// Starts a project and runs it until SIGINT or SIGTERM.
    #[command(after_help = run::EXAMPLES)]
    Run(run::Arguments),
    /// Checks schema, configuration and handler files, and prints every problem at once.
    #[command(after_help = validate::EXAMPLES)]
    Validate(validate::Arguments),
    /// Writes the generated code, and a stub for every handler that has no file.
    #[command(after_help = codegen::EXAMPLES)]
    Codegen(codegen::Arguments),
    /// Brings schema files to their one canonical form.
    #[command(after_help = fmt::EXAMPLES)]
    Fmt(fmt::Arguments),
    /// Lists the handlers, events or routes of a project.
    ///
    /// Handlers that are still to be written are in the list. A schema with errors is not listed: the errors are
    /// printed instead.
    #[command(after_help = list::EXAMPLES)]
    List(list::Arguments),
    /// Lists the handlers, as `list handlers` does.
    #[command(hide = true)]
    ListHandlers(list::Options),
    /// Lists the events, as `list events` does.
    #[command(hide = true)]
    ListEvents(list::Options),
    /// Shows what is running in an app: every actor with its state, its restarts and its mailbox.
    ///
    /// Asks the admin door of an app that runs, on this machine or another; nothing is changed by it.
    #[command(after_help = tree::EXAMPLES)]
    Tree(tree::Arguments),
    /// Explains a code of `validate`, with an example and its cure; without one, lists all codes.
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::Arguments),
    /// Prints the script that lets a shell complete commands and options.
    #[command(after_help = completions::EXAMPLES)]
    Completions(completions::Arguments),
    /// Prints the apis as an OpenAPI 3.1 document.
    #[command(after_help = openapi::EXAMPLES)]
    Openapi(document::Arguments),
    /// Prints the events and WebSocket endpoints as an AsyncAPI 3.0 document.
    #[command(after_help = asyncapi::EXAMPLES)]
    Asyncapi(document::Arguments),
    /// Prints the types as JSON Schema 2020-12.
    #[command(after_help = json_schema::EXAMPLES)]
    JsonSchema(json_schema::Arguments),
    /// Prints the version, and what this build contains.
    Version,
}

/// The project folder, which every command takes.
#[derive(clap::Args)]
#[group(skip)]
struct Project {
    /// The project folder: schema/, config/rohas.toml, src/handlers/. Its schema folder will do.
    #[arg(default_value = ".", value_parser = project_folder)]
    project: PathBuf,
}

/// Accepts the schema folder for the project around it, as older commands took it.
fn project_folder(written: &str) -> Result<PathBuf, std::convert::Infallible> {
    let path = Path::new(written);
    let is_schema = path.file_name().is_some_and(|name| name == "schema") && !path.join("schema").is_dir();
    let around = path.parent().filter(|_| is_schema && path.is_dir()).unwrap_or(path);
    Ok(if around.as_os_str().is_empty() { PathBuf::from(".") } else { around.to_path_buf() })
}

/// Tells whether the project is a Rust program, whose handlers may be functions that only it knows.
fn registers_rust(project: &Path) -> bool {
    let text = std::fs::read_to_string(project.join("Cargo.toml")).unwrap_or_default();
    let manifest: toml::Table = text.parse().unwrap_or_default();
    manifest.get("dependencies").is_some_and(|dependencies| dependencies.get("rohas").is_some())
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let colour = terminal::written(std::env::args());
    let command = Arguments::command().color(terminal::for_clap(colour));
    let parsed = Arguments::from_arg_matches(&command.get_matches());
    let arguments = parsed.unwrap_or_else(|error| error.exit());
    terminal::choose(arguments.color);
    if !matches!(arguments.command, Command::Run(_)) {
        terminal::end_with_the_reader();
    }
    match arguments.command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Codegen(arguments) => codegen::run(&arguments),
        Command::Fmt(arguments) => fmt::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::ListHandlers(options) => list::list(list::What::Handlers, &options),
        Command::ListEvents(options) => list::list(list::What::Events, &options),
        Command::Tree(arguments) => tree::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, Arguments::command()),
        Command::Openapi(arguments) => openapi::run(&arguments),
        Command::Asyncapi(arguments) => asyncapi::run(&arguments),
        Command::JsonSchema(arguments) => json_schema::run(&arguments),
        Command::Version => version::run(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory;

    use crate::cli::{Arguments, project_folder};

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_and_option_is_documented() {
        let page = include_str!("../../docs/cli.md");
        let mut command = Arguments::command();
        command.build();
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let name = command.get_name();
            let section = page.split(&format!("\n## {name}\n")).nth(1);
            let section = section.map(|rest| rest.split("\n## ").next().unwrap_or(rest));
            let section = section.or_else(|| command.is_hide_set().then_some(page));
            let section = section.unwrap_or_else(|| panic!("docs/cli.md has no section on {name}"));
            assert!(page.contains(&format!("`{name}`")), "{name}");
            for option in command.get_arguments().filter_map(|argument| argument.get_long()) {
                let shared = ["help", "version", "color"].contains(&option);
                let place = if shared { page } else { section };
                assert!(place.contains(&format!("`--{option}")), "{name}: --{option} is not in docs/cli.md");
            }
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let exempt = command.is_hide_set() || name == "version";
            assert!(exempt || examples.starts_with("Examples:\n  "), "{name} has no examples");
        }
    }

    #[test]
    fn a_schema_folder_stands_for_its_project() {
        let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop/app");
        let folder = |path: &Path| project_folder(&path.display().to_string()).unwrap();
        assert_eq!(folder(&shop.join("schema")), shop);
        assert_eq!(folder(&shop), shop);
        assert_eq!(folder(Path::new("nowhere/schema")), Path::new("nowhere/schema"));
    }
}
