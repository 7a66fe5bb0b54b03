//! `rohas asyncapi`: the events and WebSocket endpoints of a project as an AsyncAPI 3.0 document.

use std::process::ExitCode;

use crate::cli::document;
use crate::schema::asyncapi;

pub fn run(arguments: &document::Arguments) -> ExitCode {
    arguments.print(|config, schema| Ok(asyncapi(schema, &config.project.name, &config.project.version)))
}
