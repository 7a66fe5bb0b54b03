//! The `rohas` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    rohas::cli::main()
}
