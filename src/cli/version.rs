//! `rohas version`: the version and what this build contains.

use std::process::ExitCode;

pub fn run() -> ExitCode {
    let engines = [("typescript", cfg!(feature = "typescript")), ("python", cfg!(feature = "python"))];
    let engines: Vec<&str> = engines.iter().filter(|(_, present)| *present).map(|(name, _)| *name).collect();
    println!("rohas {}", env!("CARGO_PKG_VERSION"));
    println!("engines: rust {}", engines.join(" "));
    #[cfg(feature = "typescript")]
    println!("v8: {}", crate::lang::v8::version());
    ExitCode::SUCCESS
}
