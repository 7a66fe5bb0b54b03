//! What crosses the border to a foreign engine, the same for V8 and Python: a call goes in, an answer or a log line comes out.
//!
//! Values are JSON text: V8 and CPython both parse it in native code. The frame around it is each engine's own
//! business (an op for V8, MessagePack on a socket for Python).

use serde::{Deserialize, Serialize};

use crate::invocation::{Effects, Failure, Invocation, Json, Outcome, Reply, ResponseHead};

/// One handler as told to an engine at boot.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Handler {
    /// `api`, `event`, `cron`, `ws` or `middleware`.
    pub kind: String,
    /// The name in the schema.
    pub name: String,
    /// The absolute path of the module.
    pub path: String,
    /// Function names to try, in order.
    pub functions: Vec<String>,
}

/// The head of a call; the arguments follow as a JSON array.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// Unique among the calls in flight on one engine.
    pub call: u64,
    /// `<kind> <name>`, the key of the handler table.
    pub handler: String,
    /// The invocation's id, for the log.
    pub invocation: String,
    /// The W3C trace id.
    pub trace_id: String,
    /// Milliseconds until the deadline.
    pub remaining_ms: u64,
    /// The first attempt is 1.
    pub attempt: u32,
}

impl Call {
    /// Describes `invocation` as call number `call`.
    pub fn new(call: u64, invocation: &Invocation) -> Self {
        Call {
            call,
            handler: invocation.handler.to_string(),
            invocation: invocation.id.to_string(),
            trace_id: invocation.trace.trace_id.to_string(),
            remaining_ms: u64::try_from(invocation.remaining().as_millis()).unwrap_or(u64::MAX),
            attempt: invocation.attempt,
        }
    }
}

/// How a call ended, as the engine tells it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// The handler raised.
    Error {
        /// What it raised.
        error: Raised,
    },
    /// The handler returned.
    Value {
        /// The returned value, or the body of a response object.
        #[serde(default)]
        value: Json,
        /// Present when a response object was returned.
        #[serde(default)]
        response: Option<ResponseHead>,
        /// `set_payload` and `trigger_event`.
        #[serde(flatten)]
        effects: Effects,
    },
}

/// An error of the handler's language.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Raised {
    /// The class of the error.
    pub name: String,
    /// Its message.
    pub message: String,
    /// The stack, in source positions.
    #[serde(default)]
    pub stack: String,
    /// The error's own fields.
    #[serde(default)]
    pub body: Json,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Value { value, response, effects } => Ok(Reply { value, response, effects }),
            Answer::Error { error: Raised { name, message, stack, body } } => {
                Err(Failure::Raised { name, message, stack, body })
            }
        }
    }
}

/// A line a handler logged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogLine {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text.
    pub message: String,
    /// Structured fields, an object or null.
    #[serde(default)]
    pub fields: Json,
    /// `<kind> <name>` of the handler that logged, empty outside a call.
    #[serde(default)]
    pub handler: String,
    /// The invocation that logged.
    #[serde(default)]
    pub invocation: String,
    /// Its trace id.
    #[serde(default)]
    pub trace_id: String,
}

impl LogLine {
    /// Emits the line as a `tracing` event with target `handler`.
    pub fn emit(&self) {
        let LogLine { level, message, fields, handler, invocation, trace_id } = self;
        let fields = if fields.is_null() { String::new() } else { fields.to_string() };
        match level.as_str() {
            "error" => tracing::error!(target: "handler", handler, invocation, trace_id, fields, "{message}"),
            "warn" | "warning" => {
                tracing::warn!(target: "handler", handler, invocation, trace_id, fields, "{message}");
            }
            "debug" => tracing::debug!(target: "handler", handler, invocation, trace_id, fields, "{message}"),
            "trace" => tracing::trace!(target: "handler", handler, invocation, trace_id, fields, "{message}"),
            _ => tracing::info!(target: "handler", handler, invocation, trace_id, fields, "{message}"),
        }
    }
}
