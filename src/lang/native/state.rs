//! The `state` of a Rust handler: what it can do besides returning.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use serde::Serialize;

use crate::invocation::{Effects, Failure, Invocation, Json};
use crate::lang::wire::LogLine;

/// The second argument of every Rust handler. Clones share it.
#[derive(Debug, Clone)]
pub struct State {
    invocation: Arc<Invocation>,
    effects: Arc<Mutex<Effects>>,
}

impl State {
    pub(crate) fn new(invocation: Arc<Invocation>) -> Self {
        State { invocation, effects: Arc::default() }
    }

    pub(crate) fn take_effects(&self) -> Effects {
        std::mem::take(&mut self.effects.lock())
    }

    /// Publishes `event` once when the handler succeeds.
    ///
    /// # Errors
    /// [`Failure::Raised`] when the payload cannot be written as JSON.
    pub fn trigger_event(&self, event: &str, payload: impl Serialize) -> Result<(), Failure> {
        let payload = to_json(payload)?;
        self.effects.lock().triggers.push((event.to_owned(), payload));
        Ok(())
    }

    /// Replaces the payload of `event`, one of this handler's declared triggers.
    ///
    /// # Errors
    /// [`Failure::Raised`] when the payload cannot be written as JSON.
    pub fn set_payload(&self, event: &str, payload: impl Serialize) -> Result<(), Failure> {
        let payload = to_json(payload)?;
        let mut effects = self.effects.lock();
        effects.payloads.retain(|(name, _)| name != event);
        effects.payloads.push((event.to_owned(), payload));
        Ok(())
    }

    /// Logs a line that carries the handler, the call and the trace id; `level` as in [`LogLine`].
    pub fn log(&self, level: &str, message: &str, fields: Json) {
        let Invocation { id, handler, trace, .. } = &*self.invocation;
        let line = LogLine {
            level: level.to_owned(),
            message: message.to_owned(),
            fields,
            handler: handler.to_string(),
            invocation: id.to_string(),
            trace_id: trace.trace_id.to_string(),
        };
        line.emit();
    }

    /// Returns when the caller stops waiting; the handler's future is dropped then.
    pub fn deadline(&self) -> Instant {
        self.invocation.deadline
    }

    /// Returns the W3C trace id.
    pub fn trace_id(&self) -> &str {
        &self.invocation.trace.trace_id
    }

    /// Returns the attempt; the first is 1.
    pub fn attempt(&self) -> u32 {
        self.invocation.attempt
    }
}

fn to_json(value: impl Serialize) -> Result<Json, Failure> {
    serde_json::to_value(value)
        .map_err(|error| Failure::internal(format!("the payload is not JSON: {error}")))
}
