//! `rohas asyncapi`: the events and WebSocket endpoints of a project as an AsyncAPI 3.0 document.

use std::process::ExitCode;

use crate::cli::document;
use crate::schema::asyncapi;

pub const EXAMPLES: &str = "\
Examples:
  rohas asyncapi                               the events and WebSocket endpoints of the project in this folder
  rohas asyncapi shop --output asyncapi.json   into a file";

pub fn run(arguments: &document::Arguments) -> ExitCode {
    arguments.print(|config, schema| Ok(asyncapi(schema, &config.project.name, &config.project.version)))
}
