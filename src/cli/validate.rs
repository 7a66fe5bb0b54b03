//! `rohas validate`: every problem of a project at once, without starting anything.

use std::process::ExitCode;

use crate::app::ActorApp;
use crate::cli::Project;
use crate::cli::diagnostics::Arguments as Diagnostics;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    project: Project,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    match ActorApp::builder().project_dir(&arguments.project.project).build() {
        Ok(app) => {
            let schema = app.schema();
            println!(
                "ok: {} apis, {} events, {} crons, {} websockets, {} handlers",
                schema.apis.len(),
                schema.events.len(),
                schema.crons.len(),
                schema.sockets.len(),
                app.handlers().len()
            );
            ExitCode::SUCCESS
        }
        Err(error) => Diagnostics::default().report(&error),
    }
}
