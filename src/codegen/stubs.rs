//! Stubs: the first version of a handler that nobody has written yet. It is typed and says so when it is called.
//!
//! Called by `cli::codegen`, which knows what is missing and adds the files. Pure. Rust handlers are not in files that
//! can be found by name, so they have none.

use std::fmt;
use std::path::PathBuf;

use crate::codegen::{File, Target};
use crate::schema::{Schema, snake_case};

mod python;
mod typescript;

/// Handlers that have no file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// The handler of an api.
    Api(String),
    /// A handler of events.
    Event(String),
    /// The handler of a cron.
    Cron(String),
    /// Functions of an endpoint.
    Socket {
        /// The endpoint.
        name: String,
        /// The functions without a file.
        functions: Vec<String>,
    },
    /// A middleware.
    Middleware(String),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Missing::Api(name) => write!(f, "api {name}"),
            Missing::Event(name) => write!(f, "event handler {name}"),
            Missing::Cron(name) => write!(f, "cron {name}"),
            Missing::Socket { name, functions } => write!(f, "ws {name} ({})", functions.join(", ")),
            Missing::Middleware(name) => write!(f, "middleware {name}"),
        }
    }
}

impl Missing {
    /// Returns the names that go into the source as they are; the first names the file.
    fn names(&self) -> Vec<&str> {
        match self {
            Missing::Api(name) | Missing::Event(name) | Missing::Cron(name) | Missing::Middleware(name) => {
                vec![name]
            }
            Missing::Socket { name, functions } => {
                std::iter::once(name.as_str()).chain(functions.iter().map(String::as_str)).collect()
            }
        }
    }
}

/// What a function of an endpoint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Connect,
    Message,
    Disconnect,
}

/// Returns what `function` of an endpoint is for: the first of these it is named for.
fn moment(schema: &Schema, socket: &str, function: &str) -> Moment {
    let Some(socket) = schema.sockets.get(socket) else { return Moment::Message };
    let named = |functions: &[String]| functions.iter().any(|name| name == function);
    match (named(&socket.on_message), named(&socket.on_connect)) {
        (true, _) => Moment::Message,
        (false, true) => Moment::Connect,
        (false, false) => Moment::Disconnect,
    }
}

/// Returns the events that `handler` handles, in order.
fn events_of<'s>(schema: &'s Schema, handler: &str) -> Vec<&'s str> {
    let events = schema.events.values().filter(|event| event.handlers.iter().any(|name| name == handler));
    events.map(|event| event.name.as_str()).collect()
}

/// A name that can be a file and a function in every language.
fn is_plain(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(starts) && name.chars().all(|c| starts(c) || c.is_ascii_digit())
}

/// Says in a line what makes the handler run, if that is more than its name.
fn occasion(schema: &Schema, missing: &Missing) -> Option<String> {
    let text = match missing {
        Missing::Api(name) => {
            schema.apis.get(name).map(|api| format!("Answers `{} {}`.", api.method.as_str(), api.path))
        }
        Missing::Cron(name) => schema.crons.get(name).map(|cron| format!("Runs at `{}`.", cron.schedule)),
        Missing::Event(_) | Missing::Socket { .. } | Missing::Middleware(_) => None,
    };
    text.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Writes a stub, with its path below the project. None for Rust, and for a name that cannot name a file and a
/// function.
pub fn stub(schema: &Schema, target: Target, missing: &Missing) -> Option<File> {
    if !missing.names().into_iter().all(is_plain) {
        return None;
    }
    let (text, ending) = match target {
        Target::TypeScript => (typescript::text(schema, missing), "ts"),
        Target::Python => (python::text(schema, missing), "py"),
        Target::Rust => return None,
    };
    let (folder, name) = match missing {
        Missing::Api(name) => ("src/handlers/api", name),
        Missing::Event(name) => ("src/handlers/events", name),
        Missing::Cron(name) => ("src/handlers/cron", name),
        Missing::Socket { name, .. } => ("src/handlers/websockets", name),
        Missing::Middleware(name) => ("src/middlewares", name),
    };
    let name = if target == Target::Python { snake_case(name) } else { name.clone() };
    Some(File { path: PathBuf::from(format!("{folder}/{name}.{ending}")), text })
}
