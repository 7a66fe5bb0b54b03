//! `rohas openapi`: the apis of a project as an OpenAPI 3.1 document.

use std::process::ExitCode;

use crate::cli::document;
use crate::schema::openapi;

pub fn run(arguments: &document::Arguments) -> ExitCode {
    arguments.print(|config, schema| Ok(openapi(schema, &config.project.name, &config.project.version)))
}
