//! The one shape of work: every door makes an [`Invocation`], every engine answers with an [`Outcome`].
//!
//! Doors (http, websocket, cron, bus) build invocations, actors admit them, engines run them. Nothing here
//! knows a status code, a language or a socket.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use crate::schema::Violation;

/// A JSON value: the form in which values travel between doors and engines.
pub type Json = serde_json::Value;

/// Estimates the bytes that a JSON value holds, for the bounds of mailboxes.
pub fn json_bytes(value: &Json) -> usize {
    let within = match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(json_bytes).sum(),
        Json::Object(fields) => fields.iter().map(|(name, value)| name.len() + json_bytes(value)).sum(),
    };
    size_of::<Json>() + within
}

/// The kind of entity a handler serves; with the name it identifies the handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Answers an `api`.
    Api,
    /// Handles an `event`.
    Event,
    /// Runs for a `cron`.
    Cron,
    /// Serves a `ws` endpoint: connect, message or disconnect.
    Ws,
    /// Runs before an api or a WebSocket upgrade.
    Middleware,
}

impl Kind {
    /// Returns the lower-case name used in paths, logs and on the wire to engines.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Api => "api",
            Kind::Event => "event",
            Kind::Cron => "cron",
            Kind::Ws => "ws",
            Kind::Middleware => "middleware",
        }
    }
}

/// Names one handler: `api CreateUser`, `event send_mail`, `ws Chat.on_message`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandlerId {
    /// What the handler serves.
    pub kind: Kind,
    /// The name in the schema; for `ws` the endpoint and the function, joined by a dot.
    pub name: Arc<str>,
}

impl HandlerId {
    /// Makes the identity of the handler `name` of `kind`.
    pub fn new(kind: Kind, name: &str) -> Self {
        HandlerId { kind, name: Arc::from(name) }
    }
}

impl fmt::Display for HandlerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}

/// Ties a piece of work to what caused it, across handlers, events and languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The first request, tick or frame of the chain.
    pub correlation_id: Uuid,
    /// The invocation or event that directly caused this one.
    pub causation_id: Option<Uuid>,
    /// The W3C trace id: 32 lower-case hex digits.
    pub trace_id: Arc<str>,
}

impl Trace {
    /// Starts a new chain.
    pub fn root() -> Self {
        let correlation_id = Uuid::now_v7();
        Trace { correlation_id, causation_id: None, trace_id: Uuid::new_v4().simple().to_string().into() }
    }

    /// Continues the chain below the work identified by `cause`.
    pub fn caused_by(&self, cause: Uuid) -> Self {
        Trace { causation_id: Some(cause), ..self.clone() }
    }
}

/// One call of one handler.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// UUIDv7, unique per call.
    pub id: Uuid,
    /// Which handler runs.
    pub handler: HandlerId,
    /// The positional arguments before `state`: the request; the event; the tick; message and connection.
    pub arguments: Vec<Json>,
    /// When the caller stops waiting and the work must stop.
    pub deadline: Instant,
    /// The first attempt is 1.
    pub attempt: u32,
    /// What caused this call.
    pub trace: Trace,
}

impl Invocation {
    /// Returns the time left until the deadline, zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// A request to an api before the check against the schema: a door has decoded it, or a program wrote it.
///
/// ```
/// use rohas::ApiRequest;
///
/// let request = ApiRequest::from(serde_json::json!({ "text": "hello" })).param("id", 7).query("dry", true);
/// assert_eq!(request.params["id"], 7);
/// ```
#[derive(Debug, Clone, Default, Serialize)]
pub struct ApiRequest {
    /// Path parameters by name.
    pub params: serde_json::Map<String, Json>,
    /// The body; null without one.
    pub body: Json,
    /// The query, coerced by its declared types.
    pub query: Json,
    /// The query as the client wrote it.
    pub query_params: serde_json::Map<String, Json>,
    /// Header names in lower case.
    pub headers: serde_json::Map<String, Json>,
    /// The cookies.
    pub cookies: serde_json::Map<String, Json>,
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The client's address.
    pub client_addr: Option<String>,
}

impl From<Json> for ApiRequest {
    /// Makes a request of its body.
    fn from(body: Json) -> Self {
        ApiRequest { body, ..ApiRequest::default() }
    }
}

impl ApiRequest {
    /// Sets the path parameter `name`.
    pub fn param(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.params.insert(name.to_owned(), value.into());
        self
    }

    /// Sets the parameter `name` of the query.
    pub fn query(mut self, name: &str, value: impl Into<Json>) -> Self {
        let value = value.into();
        let text = match &value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.query_params.insert(name.to_owned(), text.into());
        if self.query.is_null() {
            self.query = Json::Object(serde_json::Map::new());
        }
        if let Json::Object(query) = &mut self.query {
            query.insert(name.to_owned(), value);
        }
        self
    }

    /// Sets a header.
    pub fn header(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.headers.insert(name.to_ascii_lowercase(), value.into());
        self
    }
}

/// What a handler gave back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reply {
    /// The returned value, or the body of the returned response.
    pub value: Json,
    /// Set when the handler returned a response object instead of a plain value.
    pub response: Option<ResponseHead>,
    /// What the handler wants published; only carried out when the whole call succeeds.
    pub effects: Effects,
}

/// Status and headers of a response object; its body is the reply's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values, as the handler wrote them.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

/// The publications a handler asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Effects {
    /// `set_payload(name, payload)`: replaces the payload of a declared trigger.
    #[serde(default)]
    pub payloads: Vec<(String, Json)>,
    /// `trigger_event(name, payload)`: one more event each, in order.
    #[serde(default)]
    pub triggers: Vec<(String, Json)>,
}

/// Why a call did not succeed, and whose fault it was. Data, not an internal error.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The caller sent a value that does not fit.
    #[error("the request does not fit the schema ({} problem(s))", .0.len())]
    BadRequest(Vec<Violation>),
    /// The handler raised an error; `name` may be one the api declares.
    #[error("the handler raised {name}: {message}")]
    Raised {
        /// The class of the error.
        name: String,
        /// Its message.
        message: String,
        /// The stack in source positions, for the log only.
        stack: String,
        /// The error's own fields: the body of a declared error.
        body: Json,
    },
    /// The handler returned a value that does not fit its declared type.
    #[error("the handler's result does not fit the schema: {}", describe(.0))]
    BadResult(Vec<Violation>),
    /// The time limit passed; the work was stopped.
    #[error("the time limit passed")]
    TimedOut,
    /// The mailbox is full.
    #[error("the mailbox of {entity} is full")]
    Overloaded {
        /// Whose mailbox it was.
        entity: String,
    },
    /// The engine or actor died under the call; safe to try again elsewhere.
    #[error("the engine stopped under the call: {0}")]
    Crashed(String),
    /// There is nothing by this name.
    #[error("there is no {0}")]
    NotFound(String),
    /// The app is shutting down.
    #[error("the app is shutting down")]
    ShuttingDown,
}

/// Joins violations into one log line.
fn describe(violations: &[Violation]) -> String {
    let lines: Vec<String> = violations.iter().map(|v| format!("{} {}", v.path, v.message)).collect();
    lines.join("; ")
}

/// How a call ended.
pub type Outcome = Result<Reply, Failure>;

impl Failure {
    /// Makes the declared error `name` of an api; `body` is what the client gets.
    pub fn declared(name: &str, message: impl fmt::Display, body: Json) -> Self {
        Failure::Raised { name: name.to_owned(), message: message.to_string(), stack: String::new(), body }
    }

    /// Makes an error that is nobody's business but the log's; the client gets a 500 with an id.
    pub fn internal(message: impl fmt::Display) -> Self {
        Failure::declared("Error", message, Json::Null)
    }
}
