//! `rohas openapi`: the apis of a project as an OpenAPI 3.1 document.

use std::process::ExitCode;

use crate::cli::document;
use crate::schema::openapi;

pub const EXAMPLES: &str = "\
Examples:
  rohas openapi                              the apis of the project in this folder
  rohas openapi shop --output openapi.json   into a file
  rohas openapi | jq '.paths | keys'";

pub fn run(arguments: &document::Arguments) -> ExitCode {
    arguments.print(|config, schema| Ok(openapi(schema, &config.project.name, &config.project.version)))
}
