//! The entities of the model, each of which becomes an actor: apis, events, crons, sockets.
//!
//! Made by `resolve`, read by every other part of the app; knows nothing of how they run.

use std::time::Duration;

use indexmap::IndexMap;

use super::model::{Field, Span, Type};

/// An HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
    /// HEAD.
    Head,
    /// OPTIONS.
    Options,
}

impl Method {
    /// Lists every method.
    pub const ALL: [Method; 7] = [
        Method::Get,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Head,
        Method::Options,
    ];

    /// Returns the name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Head => "HEAD",
            Method::Options => "OPTIONS",
        }
    }
}

/// An HTTP endpoint.
#[derive(Debug, Clone)]
pub struct Api {
    /// The name, also of its handler.
    pub name: String,
    /// The method.
    pub method: Method,
    /// The route; parameters are whole segments, `{id}` or, at the end, `{*rest}`.
    pub path: String,
    /// One field per path parameter, in the order of the path.
    pub params: Vec<Field>,
    /// The type of the query string.
    pub query: Option<Type>,
    /// The declared headers, names in lower case.
    pub headers: Vec<Field>,
    /// The type of the body.
    pub body: Option<Type>,
    /// The type of the response; none means an empty one.
    pub response: Option<Type>,
    /// The status of success.
    pub status: u16,
    /// The declared errors by status; a name that is also a shape types the body.
    pub errors: IndexMap<u16, String>,
    /// The events published on success.
    pub triggers: Vec<String>,
    /// The middlewares, in order.
    pub middlewares: Vec<String>,
    /// The time limit; none means the configured one.
    pub timeout: Option<Duration>,
    /// How many calls run at once.
    pub concurrency: usize,
    /// How many calls may wait.
    pub mailbox: usize,
    /// What becomes of a call that finds the mailbox full.
    pub overflow: Overflow,
    /// The doc comment.
    pub doc: Option<String>,
    /// Where the name stands.
    pub span: Span,
}

/// What happens to a message that finds the mailbox full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// It is refused.
    Fail,
    /// Its sender waits for room, as long as it may.
    Wait,
    /// The oldest message that waits makes room for it.
    DropOldest,
}

/// How failed deliveries are repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// All attempts including the first.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles from there.
    pub backoff: Duration,
    /// The longest wait.
    pub max: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { attempts: 5, backoff: Duration::from_millis(200), max: Duration::from_secs(30) }
    }
}

/// An event.
#[derive(Debug, Clone)]
pub struct Event {
    /// The name.
    pub name: String,
    /// The type of the payload.
    pub payload: Option<Type>,
    /// The handlers, each a subscriber of its own.
    pub handlers: Vec<String>,
    /// The events published when all handlers succeeded.
    pub triggers: Vec<String>,
    /// Whether the mailbox is on disk.
    pub durable: bool,
    /// The payload field whose value keeps order.
    pub key: Option<String>,
    /// Where the key stands, or the name without one.
    pub key_span: Span,
    /// How failures are repeated.
    pub retry: Retry,
    /// The group of competing consumers; none means the handler's name.
    pub group: Option<String>,
    /// The bus that carries it; none means by the routing rules.
    pub bus: Option<String>,
    /// The time limit of one attempt; none means the configured one.
    pub timeout: Option<Duration>,
    /// How many run at once, per handler and key.
    pub concurrency: usize,
    /// How many may wait.
    pub mailbox: usize,
    /// What becomes of an event that finds the mailbox full.
    pub overflow: Overflow,
    /// The doc comment.
    pub doc: Option<String>,
    /// Where the name stands.
    pub span: Span,
}

/// What happens when a tick comes while the one before still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlap {
    /// The new tick is dropped.
    #[default]
    Skip,
    /// The new tick waits.
    Queue,
    /// Both run.
    Parallel,
}

/// What happens to ticks that were missed while the app was down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CatchUp {
    /// They are dropped.
    None,
    /// One run stands for all of them.
    #[default]
    One,
    /// Each is run.
    All,
}

/// A scheduled job.
#[derive(Debug, Clone)]
pub struct Cron {
    /// The name, also of its handler.
    pub name: String,
    /// The cron expression as `croner` reads it: 5, 6 or 7 fields or a nickname.
    pub schedule: String,
    /// The time zone of the schedule.
    pub timezone: chrono_tz::Tz,
    /// What happens when runs would overlap.
    pub overlap: Overlap,
    /// What happens to missed ticks.
    pub catch_up: CatchUp,
    /// The events published on success.
    pub triggers: Vec<String>,
    /// The time limit; none means the configured one.
    pub timeout: Option<Duration>,
    /// The doc comment.
    pub doc: Option<String>,
    /// Where the name stands.
    pub span: Span,
}

/// A WebSocket endpoint.
#[derive(Debug, Clone)]
pub struct Socket {
    /// The name.
    pub name: String,
    /// The route, in the form of [`Api::path`].
    pub path: String,
    /// One field per path parameter, in the order of the path.
    pub params: Vec<Field>,
    /// The type of the frames.
    pub message: Option<Type>,
    /// The handlers of a new connection.
    pub on_connect: Vec<String>,
    /// The handlers of a frame.
    pub on_message: Vec<String>,
    /// The handlers of a closed connection.
    pub on_disconnect: Vec<String>,
    /// The events published when a frame was handled.
    pub triggers: Vec<String>,
    /// Whether results go to every session instead of the sender.
    pub broadcast: bool,
    /// The middlewares before the upgrade, in order.
    pub middlewares: Vec<String>,
    /// How many frames of a session may wait.
    pub mailbox: usize,
    /// The doc comment.
    pub doc: Option<String>,
    /// Where the name stands.
    pub span: Span,
}
