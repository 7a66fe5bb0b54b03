//! What a tree of actors costs: memory, starts, restarts, a consumer that stands still.
//!
//! Each measurement is a process of its own (this program again), so that nobody inherits another's heap. Prints a
//! table; asserts nothing.
//!
//! ```text
//!  bench ──spawns──▶ this program `measure <name>` ──one line──▶ table      (three times each; medians)
//!        ──spawns──▶ erl, for Erlang's processes
//! ```

use std::process::{Command, ExitCode};

mod actors;
mod measured;

/// How often each is measured.
const RUNS: usize = 3;

/// The word that makes this program measure instead of collecting.
const COMMAND: &str = "measure";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match &arguments[..] {
        [_, command, name] if command == COMMAND => {
            let found = measured::ALL.iter().find(|(known, ..)| known == name);
            println!("{}", found.expect("it is known").2());
            ExitCode::SUCCESS
        }
        // `cargo test --benches` only wants to know that it starts.
        _ if arguments.iter().any(|argument| argument == "--bench") => {
            collect();
            ExitCode::SUCCESS
        }
        _ => ExitCode::SUCCESS,
    }
}

fn collect() {
    println!("{:<62} {:>14}", "", format!("median of {RUNS}"));
    for (name, unit, _) in measured::ALL {
        println!("{name:<62} {:>14.1} {unit}", median(|| ours(name)));
    }
    for (name, program) in measured::ERLANG {
        println!("{name:<62} {:>14.1} bytes", median(|| erlang(program)));
    }
}

fn median(measure: impl Fn() -> f64) -> f64 {
    let mut values: Vec<f64> = (0..RUNS).map(|_| measure()).collect();
    values.sort_by(f64::total_cmp);
    values[RUNS / 2]
}

fn ours(name: &str) -> f64 {
    let program = std::env::current_exe().expect("this program has a path");
    read(Command::new(program).args([COMMAND, name]))
}

fn erlang(program: &str) -> f64 {
    read(Command::new("erl").args(["+P", "1000000", "-noshell", "-eval", program]))
}

/// Runs a command that prints one number.
fn read(command: &mut Command) -> f64 {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let number = text.trim().parse();
    number.unwrap_or_else(|_| panic!("{command:?} said {text:?} {}", String::from_utf8_lossy(&output.stderr)))
}
