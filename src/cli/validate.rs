//! `rohas validate`: every problem of a project at once, without starting anything.

use std::process::ExitCode;

use crate::cli::Project;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    project: Project,
}

pub fn run(arguments: &Arguments) -> ExitCode {
    match crate::cli::build(&arguments.project.project) {
        Ok(app) => {
            let schema = app.schema();
            for warning in app.warnings() {
                eprintln!("{}", warning.render(crate::cli::colour()));
            }
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
        Err(error) => crate::cli::report(&error),
    }
}
