//! `rohas completions`: the script that lets a shell complete the command line.

use std::process::ExitCode;

use clap_complete::Shell;

use crate::cli::terminal;

#[derive(clap::Args)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub const EXAMPLES: &str = "\
Examples:
  source <(rohas completions bash)                              this session of bash
  rohas completions bash > ~/.local/share/bash-completion/completions/rohas
  rohas completions zsh > \"${fpath[1]}/_rohas\"
  rohas completions fish > ~/.config/fish/completions/rohas.fish";

/// Prints the script for `command`, the whole command line.
pub fn run(arguments: &Arguments, mut command: clap::Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "rohas", &mut script);
    terminal::print(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
