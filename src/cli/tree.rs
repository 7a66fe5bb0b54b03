//! `rohas tree`: what is running in an app, as its admin door tells it.
//!
//! ```text
//!  arguments ─▶ where ─▶ client (GET /tree) ─▶ actor (filters) ─▶ draw (lines) ─▶ terminal
//!                 ▲                                                            │
//!                 └──────────────────── with --watch, again ───────────────────┘
//! ```
//!
//! Changes nothing in the app, and reads no schema.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::ValueEnum;

use crate::cli::tree::actor::{Actor, Filter};
use crate::cli::tree::client::{Address, Answer, Error};
use crate::cli::tree::draw::Canvas;
use crate::cli::{project_folder, terminal};
use crate::config::{self, Config, Secret};

mod actor;
mod client;
mod draw;
mod text;

#[cfg(test)]
mod tests;

/// More actors than this beside each other are folded on a terminal.
const FOLDED: usize = 40;

/// The variable that a token is taken from.
const TOKEN: &str = "ROHAS_ADMIN_TOKEN";

#[derive(clap::Args)]
pub struct Arguments {
    /// The actor to begin at, such as `apis` or `app/apis/GetUser`; the whole tree without.
    path: Option<String>,
    /// The address of the app's admin door; without it, the one that the project's configuration names.
    #[arg(long, value_name = "HOST:PORT", value_parser = Address::parse)]
    address: Option<Address>,
    /// The project whose configuration is read.
    #[arg(long, value_name = "DIR", default_value = ".", value_parser = project_folder)]
    project: PathBuf,
    /// The token of the admin door; without it, $ROHAS_ADMIN_TOKEN or the one in the configuration.
    #[arg(long)]
    token: Option<String>,
    /// Prints JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Shows it again and again, every second or as often as said.
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        value_parser = seconds
    )]
    watch: Option<Duration>,
    /// How many levels below the first are shown.
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    /// Shows these branches only, and only actors that are busy or have trouble.
    #[arg(long, value_name = "WHAT", value_enum, value_delimiter = ',')]
    only: Vec<Only>,
    /// Folds nothing: on a terminal, hundreds of actors beside each other are one line else.
    #[arg(long)]
    all: bool,
}

/// What `--only` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// The branch of the engines.
    Executors,
    /// The branch of the event handlers.
    Events,
    /// The branch of the crons.
    Crons,
    /// The branch of the apis.
    Apis,
    /// The branch of the WebSocket endpoints and their sessions.
    Sockets,
    /// The branch of the doors.
    Http,
    /// Actors with messages that wait or are being handled.
    Busy,
    /// Actors that were restarted, or that are not running.
    Restarted,
}

pub const EXAMPLES: &str = "\
Examples:
  rohas tree                                 the app of the project in this folder
  rohas tree apis --watch                    its apis, again every second
  rohas tree --only busy,restarted           where something happens, and where something happened
  rohas tree --address 10.0.0.7:3001         an app somewhere else, whose admin door has a token
  rohas tree --json | jq '.. | select(.restarts? > 0) | .path'

The admin door listens on the port above the app's own unless [admin] in config/rohas.toml says otherwise;
`rohas run` prints its address. A token on the command line is seen by others on the machine: put it into
ROHAS_ADMIN_TOKEN.";

fn seconds(written: &str) -> Result<Duration, String> {
    let seconds = written.parse::<f64>().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    let seconds = seconds.ok_or("it must be a number of seconds from 0.1 to 3600, such as --watch=2")?;
    Ok(Duration::from_secs_f64(seconds))
}

pub fn run(arguments: &Arguments) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let shown = match (place(arguments), runtime) {
        (Err(problem), _) => Err(problem),
        (_, Err(error)) => Err(Problem { message: format!("no threads: {error}"), hint: None }),
        (Ok(place), Ok(runtime)) => runtime.block_on(show(arguments, &place)),
    };
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            terminal::eprint(&problem.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Why there is nothing to show.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    message: String,
    hint: Option<String>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        self.hint.iter().try_for_each(|hint| writeln!(f, "  help: {hint}"))
    }
}

/// Whom to ask, and where that was read.
struct Place {
    address: Address,
    token: Option<String>,
    /// Where the address is from, for those who find nobody there.
    source: Option<String>,
}

fn place(arguments: &Arguments) -> Result<Place, Problem> {
    let variable = || std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
    let token = arguments.token.clone().or_else(variable);
    if let Some(address) = &arguments.address {
        // The token of this project is not for strangers: it goes nowhere but to the address beside it.
        return Ok(Place { address: address.clone(), token, source: None });
    }
    let file = config::find(&arguments.project);
    let loaded = Config::load(file.as_deref()).map_err(|error| Problem {
        message: error.to_string(),
        hint: Some("with --address HOST:PORT no configuration is read".to_owned()),
    });
    configured(&loaded?, file.as_deref(), token)
}

fn configured(config: &Config, file: Option<&Path>, token: Option<String>) -> Result<Place, Problem> {
    let shown = file.map_or_else(
        || "no config/rohas.toml is here".to_owned(),
        |file| {
            let shown = file.display().to_string();
            shown.strip_prefix("./").map(str::to_owned).unwrap_or(shown)
        },
    );
    let refuse =
        |message: &str, hint: &str| Err(Problem { message: message.to_owned(), hint: Some(hint.to_owned()) });
    let admin = &config.admin;
    if !admin.enabled {
        let hint = "take `enabled = false` out of [admin] and start the app again";
        return refuse(&format!("{shown}: the admin door of this project is switched off"), hint);
    }
    let port = admin.port(&config.server);
    if port == 0 {
        let hint = "`rohas run` prints `admin on http://ADDRESS` when it starts: give that to --address";
        return refuse(&format!("{shown}: the admin door takes a free port, which is not known here"), hint);
    }
    // Whoever listens everywhere is found here.
    let host = match admin.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let source =
        Some(if file.is_some() { format!("from {shown}") } else { format!("the default, as {shown}") });
    let token = token.or_else(|| admin.token.as_ref().map(Secret::expose).map(str::to_owned));
    Ok(Place { address: Address::new(host, port), token, source })
}

async fn show(arguments: &Arguments, place: &Place) -> Result<(), Problem> {
    let mut first = true;
    loop {
        let answer = client::get(&place.address, place.token.as_deref(), arguments.path.as_deref()).await;
        let lines = match answer {
            Ok(answer) => frame(arguments, place, answer),
            // An app that is started again is there again soon; somebody who watches wants to see that.
            Err(error) if !first && error.is_passing() && redraws(arguments) => {
                vec![format!("{}: {error}; trying again", place.address)]
            }
            Err(error) => return Err(problem(error, place)),
        };
        print(arguments, lines, first);
        let Some(pause) = arguments.watch else { return Ok(()) };
        tokio::time::sleep(pause).await;
        first = false;
    }
}

/// Tells whether each look takes the place of the one before.
fn redraws(arguments: &Arguments) -> bool {
    arguments.watch.is_some() && !arguments.json && terminal::size().is_some()
}

/// Makes the lines of one look.
fn frame(arguments: &Arguments, place: &Place, answer: Answer) -> Vec<String> {
    let Answer { mut actor, phase } = answer;
    let filter = Filter { depth: arguments.depth, only: &arguments.only };
    let summary = actor.summary();
    actor.filter(&filter);
    if arguments.json {
        return vec![json(&actor, arguments.watch.is_some())];
    }
    let canvas = Canvas {
        width: terminal::size().map(|(columns, _)| columns),
        colour: terminal::colour(&std::io::stdout()),
        folded: if arguments.all || terminal::size().is_none() { usize::MAX } else { FOLDED },
    };
    let mut lines = vec![text::cut(&format!("{}  {phase}  {summary}", place.address), canvas.width)];
    lines.extend(canvas.draw(&actor));
    if actor.children.is_empty() && !arguments.only.is_empty() {
        lines.push("nothing else fits --only".to_owned());
    }
    lines
}

fn json(actor: &Actor, in_one_line: bool) -> String {
    let written =
        if in_one_line { serde_json::to_string(actor) } else { serde_json::to_string_pretty(actor) };
    written.expect("what was JSON is JSON")
}

fn print(arguments: &Arguments, mut lines: Vec<String>, first: bool) {
    let Some((_, height)) = terminal::size().filter(|_| redraws(arguments)) else {
        let between = if first || arguments.json { "" } else { "\n" };
        return terminal::print(&format!("{between}{}\n", lines.join("\n")));
    };
    if lines.len() >= height {
        let hidden = lines.len() + 2 - height;
        lines.truncate(height.saturating_sub(2));
        lines.push(format!("… {hidden} more lines; --only, --depth or a path show less"));
    }
    // Overwrites line by line: clearing the screen first would flicker.
    let start = if first { "\x1b[2J\x1b[H" } else { "\x1b[H" };
    terminal::print(&format!("{start}{}\x1b[K\n\x1b[J", lines.join("\x1b[K\n")));
}

/// Says what can be done about it.
fn problem(error: Error, place: &Place) -> Problem {
    let hint = match &error {
        Error::Refused | Error::Unreachable(_) => Some(
            "is the app running? `rohas run` prints `admin on http://ADDRESS`, which --address takes"
                .to_owned(),
        ),
        Error::Silent | Error::CutOff => Some("try again; the log of the app may say more".to_owned()),
        Error::NotHttp | Error::NotRohas => {
            Some("the admin port is the one above the app's own unless [admin] says otherwise".to_owned())
        }
        Error::NoToken | Error::WrongToken => {
            Some(format!("set {TOKEN}, or give --token: it is [admin] token in the app's configuration"))
        }
        Error::NoActor(_) => Some("`rohas tree` shows all there are".to_owned()),
        Error::Failed(..) | Error::NoTree(_) | Error::TooLarge => None,
    };
    let source = place.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
    Problem { message: format!("{}{source}: {error}", place.address), hint }
}
