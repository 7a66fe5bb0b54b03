//! `rohas run`: starts a project and runs it until a signal.

use std::io::Write;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::app::ActorApp;
use crate::cli::diagnostics::Arguments as Diagnostics;
use crate::cli::{Project, terminal};
use crate::config::{Config, LogFormat};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    project: Project,
    /// The port to listen on instead of the configured one; 0 takes a free one.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// The address to listen on instead of the configured one.
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
}

pub const EXAMPLES: &str = "\
Examples:
  rohas run                       the project in this folder
  rohas run shop --port 0         on a free port, which the first line of output names
  rohas run --host 0.0.0.0        reachable from other machines
  RUST_LOG=debug rohas run        logs more

Prints `listening on http://ADDRESS` and `admin on http://ADDRESS` on standard output when it is ready;
the log goes to standard error. `rohas tree` shows what is running.
The first signal drains what is in hand; see [limits] in config/rohas.toml.";

pub fn run(arguments: &Arguments) -> ExitCode {
    let project = &arguments.project.project;
    let file = crate::config::find(project);
    let mut config = match Config::load(file.as_deref()) {
        Ok(config) => config,
        Err(error) => {
            terminal::eprint(&format!("error: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    log_to_stderr(&config);
    config.server.port = arguments.port.unwrap_or(config.server.port);
    if let Some(host) = &arguments.host {
        config.server.host.clone_from(host);
    }
    #[cfg(feature = "typescript")]
    crate::lang::v8::init_platform();
    let app = match ActorApp::builder().project_dir(project).config(config).build() {
        Ok(app) => app,
        Err(error) => return Diagnostics::default().report(&error),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::eprint(&format!("error: no threads: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(serve(app))
}

async fn serve(app: ActorApp) -> ExitCode {
    let running = match app.start().await {
        Ok(running) => running,
        Err(error) => {
            error.lines().iter().for_each(|line| terminal::eprint(&format!("  × {line}\n")));
            terminal::eprint(&format!("error: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    // The line that scripts wait for, whatever the log level is, and where `rohas tree` looks.
    let mut lines = format!("listening on http://{}\n", running.http_addr());
    if let Some(address) = running.admin_addr() {
        lines += &format!("admin on http://{address}\n");
    }
    let mut stdout = std::io::stdout();
    // Whoever started this may have stopped reading; that is no reason to end.
    let _ = stdout.write_all(lines.as_bytes()).and_then(|()| stdout.flush());
    match running.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::eprint(&format!("error: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Logs to standard error as the configuration says; `RUST_LOG` overrides the filter.
fn log_to_stderr(config: &Config) {
    let configured = || EnvFilter::try_new(&config.telemetry.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| configured());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.telemetry.format {
        LogFormat::Text => log.with_ansi(terminal::colour(&std::io::stderr())).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
