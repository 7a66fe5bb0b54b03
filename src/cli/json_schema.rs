//! `rohas json-schema`: the types of a project as JSON Schema 2020-12.

use std::process::ExitCode;

use crate::cli::document;
use crate::schema::{Type, json_schema, json_schema_of, nearest};

#[derive(clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(flatten)]
    document: document::Arguments,
    /// Describes this model, input, type or enum, with what it needs, instead of all of them.
    #[arg(short = 't', long = "type", value_name = "NAME")]
    name: Option<String>,
}

pub const EXAMPLES: &str = "\
Examples:
  rohas json-schema                  every type of the project in this folder
  rohas json-schema --type User      one type, with what it needs
  rohas json-schema shop -o s.json   into a file";

pub fn run(arguments: &Arguments) -> ExitCode {
    arguments.document.print(|_, schema| {
        let Some(name) = &arguments.name else {
            return Ok(json_schema(schema));
        };
        if schema.shapes.contains_key(name) || schema.enums.contains_key(name) {
            return Ok(json_schema_of(schema, &Type::Named(name.clone())));
        }
        let known = schema.shapes.keys().chain(schema.enums.keys()).map(String::as_str);
        let hint = nearest(name, known).map(|near| format!("; did you mean `{near}`?"));
        Err(format!("there is no type `{name}`{}", hint.unwrap_or_default()))
    })
}
