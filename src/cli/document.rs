//! What the commands that print a document of the schema share: reading the project, and where the document goes.
//!
//! Called by `openapi`, `asyncapi` and `json_schema`. No handler is looked for: a schema is all that a document needs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::{Project, diagnostics, terminal};
use crate::config::Config;
use crate::invocation::Json;
use crate::schema::Schema;

#[derive(clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(flatten)]
    project: Project,
    /// Writes the document into this file instead of standard output; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    diagnostics: diagnostics::Arguments,
}

impl Arguments {
    /// Prints the document that `make` makes of the project, or everything that is wrong with its schema.
    pub fn print(&self, make: impl FnOnce(&Config, &Schema) -> Result<Json, String>) -> ExitCode {
        let (config, schema) = match self.diagnostics.compile(&self.project.project) {
            Ok(compiled) => compiled,
            Err(code) => return code,
        };
        match make(&config, &schema).and_then(|document| self.write(&document)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                terminal::eprint(&format!("error: {error}\n"));
                ExitCode::FAILURE
            }
        }
    }

    fn write(&self, document: &Json) -> Result<(), String> {
        let text = format!("{document:#}\n");
        let Some(path) = self.output.as_deref().filter(|path| *path != Path::new("-")) else {
            terminal::print(&text);
            return Ok(());
        };
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}
