//! `rohas version`: the version and what this build contains.

use std::process::ExitCode;

use crate::cli::terminal;

pub fn run() -> ExitCode {
    let engines =
        [("rust", true), ("typescript", cfg!(feature = "typescript")), ("python", cfg!(feature = "python"))];
    let engines: Vec<&str> = engines.iter().filter(|(_, present)| *present).map(|(name, _)| *name).collect();
    terminal::print(&format!("rohas {}\nengines: {}\n", env!("CARGO_PKG_VERSION"), engines.join(" ")));
    #[cfg(feature = "typescript")]
    terminal::print(&format!("v8: {}\n", crate::lang::v8::version()));
    ExitCode::SUCCESS
}
