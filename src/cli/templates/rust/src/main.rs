//! Runs the app until SIGINT or SIGTERM.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let app = match {{crate}}::app().build() {
        Ok(app) => app,
        Err(error) => {
            eprintln!("{}\nerror: {error}", error.render(false));
            return ExitCode::FAILURE;
        }
    };
    let running = match app.start().await {
        Ok(running) => running,
        Err(error) => {
            eprintln!("error: {error}\n{}", error.lines().join("\n"));
            return ExitCode::FAILURE;
        }
    };
    println!("listening on http://{}", running.http_addr());
    match running.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
