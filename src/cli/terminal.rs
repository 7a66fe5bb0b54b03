//! Decides about colours, knows how much fits, writes to both standard streams, and lets a reader close the pipe. Called by
//! `main` once, then by whatever prints.
//!
//! Knows nothing of what is printed.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use clap::ValueEnum;

/// What `--color` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, with CLICOLOR_FORCE everywhere, with NO_COLOR nowhere.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

// A process has one command line, and colours are asked for wherever something is printed.
static CHOICE: OnceLock<Colour> = OnceLock::new();

/// Sets what the command line says, once.
pub fn choose(colour: Colour) {
    CHOICE.get_or_init(|| colour);
}

/// Tells whether `stream` takes colours.
pub fn colour(stream: &impl IsTerminal) -> bool {
    let choice = CHOICE.get().copied().unwrap_or_default();
    decide(choice, &|name| std::env::var(name).unwrap_or_default(), stream.is_terminal())
}

/// Returns columns and lines of the terminal that standard output is; `None` when it is none.
pub fn size() -> Option<(usize, usize)> {
    let (terminal_size::Width(columns), terminal_size::Height(lines)) =
        terminal_size::terminal_size_of(std::io::stdout())?;
    // A terminal that does not know says 0.
    (columns > 0 && lines > 0).then(|| (columns.into(), lines.into()))
}

/// Reads `--color` before the command line is parsed: help and wrong command lines have colours as well.
pub fn written(arguments: impl IntoIterator<Item = String>) -> Colour {
    let mut arguments = arguments.into_iter().take_while(|argument| argument != "--");
    let mut written = None;
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix("--color") {
            Some("") => written = arguments.next(),
            Some(value) => written = value.strip_prefix('=').map(str::to_owned).or(written),
            None => {}
        }
    }
    written.and_then(|value| Colour::from_str(&value, false).ok()).unwrap_or_default()
}

/// Says the same to clap.
pub fn for_clap(colour: Colour) -> clap::ColorChoice {
    match colour {
        Colour::Auto => clap::ColorChoice::Auto,
        Colour::Always => clap::ColorChoice::Always,
        Colour::Never => clap::ColorChoice::Never,
    }
}

/// Ends the process silently when the reader of its output is gone, as `head` does it. Not for commands that serve:
/// they write to pipes and sockets that may close at any time.
pub fn end_with_the_reader() {
    // SAFETY: sets a signal's default action, before this process has a second thread.
    #[cfg(unix)]
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

/// Writes to standard output. Ends the process with 1 where that fails: nobody gets what was asked for. When the reader
/// is gone, silently.
pub fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let Err(error) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) else {
        return;
    };
    if error.kind() != ErrorKind::BrokenPipe {
        eprint(&format!("error: standard output: {error}\n"));
    }
    std::process::exit(1);
}

/// Writes to standard error. When that fails, there is nobody left to tell.
pub fn eprint(text: &str) {
    _ = std::io::stderr().write_all(text.as_bytes());
}

fn decide(choice: Colour, variable: &dyn Fn(&str) -> String, terminal: bool) -> bool {
    let set = |name: &str| !variable(name).is_empty();
    match choice {
        Colour::Always => true,
        Colour::Never => false,
        Colour::Auto if set("NO_COLOR") => false,
        Colour::Auto if set("CLICOLOR_FORCE") && variable("CLICOLOR_FORCE") != "0" => true,
        Colour::Auto => terminal && variable("TERM") != "dumb",
    }
}

#[cfg(test)]
mod tests {
    use super::{Colour, decide, written};

    #[test]
    fn colours_follow_the_command_line_then_the_environment_then_the_terminal() {
        let table = [
            (Colour::Auto, "TERM=xterm", true, true),
            (Colour::Auto, "TERM=xterm", false, false),
            (Colour::Auto, "NO_COLOR=1", true, false),
            (Colour::Auto, "NO_COLOR=", true, true),
            (Colour::Auto, "CLICOLOR_FORCE=1", false, true),
            (Colour::Auto, "CLICOLOR_FORCE=0", false, false),
            (Colour::Auto, "CLICOLOR_FORCE=1 NO_COLOR=1", false, false),
            (Colour::Auto, "TERM=dumb", true, false),
            (Colour::Always, "NO_COLOR=1", false, true),
            (Colour::Never, "CLICOLOR_FORCE=1", true, false),
        ];
        for (choice, environment, terminal, expected) in table {
            let variable = |name: &str| {
                let pairs = environment.split(' ').filter_map(|pair| pair.split_once('='));
                pairs.filter(|(set, _)| *set == name).map(|(_, value)| value).collect::<String>()
            };
            assert_eq!(decide(choice, &variable, terminal), expected, "{choice:?} {environment} {terminal}");
        }
    }

    #[test]
    fn the_option_is_found_wherever_it_stands() {
        let table = [
            ("rohas --color never help", Colour::Never),
            ("rohas run --color=always", Colour::Always),
            ("rohas run -- --color=always", Colour::Auto),
            ("rohas --color", Colour::Auto),
            ("rohas --color=pink", Colour::Auto),
            ("rohas --colors=never", Colour::Auto),
        ];
        for (line, expected) in table {
            assert_eq!(written(line.split(' ').map(str::to_owned)), expected, "{line}");
        }
    }
}
