//! What the commands that print a document of the schema share: reading the project, and where the document goes.
//!
//! Called by `openapi`, `asyncapi` and `json_schema`. No handler is looked for: a schema is all that a document needs.

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::app::{ActorApp, BuildError};
use crate::cli::Project;
use crate::config::Config;
use crate::invocation::Json;
use crate::schema::{Schema, Severity, compile};

#[derive(clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(flatten)]
    project: Project,
    /// Writes the document into this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Arguments {
    /// Prints the document that `make` makes of the project, or everything that is wrong with its schema.
    pub fn print(&self, make: impl FnOnce(&Config, &Schema) -> Result<Json, String>) -> ExitCode {
        let (config, schema) = match self.compile() {
            Ok(compiled) => compiled,
            Err(error) => return crate::cli::report(&error),
        };
        match make(&config, &schema).and_then(|document| self.write(&document)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn compile(&self) -> Result<(Config, Schema), BuildError> {
        let (config, sources) = ActorApp::builder().project_dir(&self.project.project).sources()?;
        let (schema, diagnostics) = compile(&sources);
        if diagnostics.iter().any(|found| found.severity == Severity::Error) {
            return Err(BuildError { diagnostics, problems: Vec::new() });
        }
        Ok((config, schema))
    }

    fn write(&self, document: &Json) -> Result<(), String> {
        let text = format!("{document:#}\n");
        let Some(path) = &self.output else {
            return match std::io::stdout().write_all(text.as_bytes()) {
                // Whoever reads has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
                written => written.map_err(|error| format!("standard output: {error}")),
            };
        };
        std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}
