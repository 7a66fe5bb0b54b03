//! The `state` of a Rust handler: what it can do besides returning.
//!
//! Taken by handlers as an argument. It collects what is to be published and hands calls to the [`Host`]; it never
//! publishes anything itself.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::invocation::{ApiRequest, Effects, Failure, Invocation, Json, Outcome};
use crate::lang::native::extract::Provided;
use crate::lang::native::host::{Caller, Host};
use crate::lang::native::names::Registration;
use crate::lang::native::reference::{ApiRef, Trigger, to_json};
use crate::lang::wire::LogLine;

/// What a handler can do besides returning. Clones share it.
#[derive(Clone)]
pub struct State {
    invocation: Arc<Invocation>,
    /// None once the handler is over: nothing would publish what came later.
    effects: Arc<Mutex<Option<Effects>>>,
    provided: Arc<Provided>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("State");
        shown.field("invocation", &self.invocation).field("effects", &self.effects).finish_non_exhaustive()
    }
}

impl State {
    pub(super) fn new(invocation: Arc<Invocation>, provided: Arc<Provided>) -> Self {
        State { invocation, effects: Arc::new(Mutex::new(Some(Effects::default()))), provided }
    }

    /// Returns what is to be published; from now on there is nothing to be added.
    pub(super) fn take_effects(&self) -> Effects {
        self.effects.lock().take().unwrap_or_default()
    }

    fn add(&self, event: &str, add: impl FnOnce(&mut Effects)) -> Result<(), Failure> {
        let mut effects = self.effects.lock();
        let late = || format!("{} is over, event {event} is not published", self.invocation.handler);
        effects.as_mut().map(add).ok_or_else(|| Failure::internal(late()))
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller::Handler(Arc::clone(&self.invocation))
    }

    pub(crate) fn host(&self) -> Result<Arc<dyn Host>, Failure> {
        self.provided.host()
    }

    /// Calls an api of this app and waits for its outcome, at most until this handler's own deadline. The call
    /// belongs to the same chain: its trace id is this one's, its cause is this call. A [`Json`] is a request with
    /// this body.
    ///
    /// # Errors
    /// Every [`Failure`] that a call can end with. A request that does not fit is the fault of this handler:
    /// [`Failure::Raised`], like a name that nothing has.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing back: the handler may have run, or run on until the deadline.
    pub async fn call(&self, api: &str, request: impl Into<ApiRequest>) -> Outcome {
        self.host()?.call(api, request.into(), &self.caller()).await
    }

    /// Refers to an api of this app that takes a body `I` and answers with an `O`; calls are as with
    /// [`State::call`].
    ///
    /// # Errors
    /// [`Failure::Raised`] for an unknown api, with the nearest name.
    pub fn api<I: Serialize, O: DeserializeOwned>(&self, name: &str) -> Result<ApiRef<I, O>, Failure> {
        ApiRef::new(self.host()?, name, self.caller())
    }

    /// Refers to an event with the payload `P`, to be published when this handler succeeds.
    ///
    /// # Errors
    /// [`Failure::Raised`] for an unknown event, with the nearest name.
    pub fn event<P: Serialize>(&self, name: &str) -> Result<Trigger<P>, Failure> {
        self.host()?.find_event(name).map_err(|failure| self.caller().blame(name, failure))?;
        Ok(Trigger::new(self.clone(), name))
    }

    /// Registers a value under a name of the app until the returned registration is dropped.
    ///
    /// # Errors
    /// [`NameError::Taken`](super::NameError::Taken) as a failure; [`Failure::ShuttingDown`].
    pub fn register<T: Any + Clone + Send + Sync>(
        &self,
        name: &str,
        value: T,
    ) -> Result<Registration, Failure> {
        Ok(self.host()?.names().register(name, value)?)
    }

    /// Returns a clone of what is registered under a name.
    ///
    /// # Errors
    /// [`NameError::Unknown`](super::NameError::Unknown) with the nearest name and [`NameError::OtherType`](super::NameError::OtherType), as failures.
    pub fn whereis<T: Any + Clone + Send + Sync>(&self, name: &str) -> Result<T, Failure> {
        Ok(self.host()?.names().whereis(name)?)
    }

    /// Publishes `event` once when the handler succeeds.
    ///
    /// # Errors
    /// [`Failure::Raised`] when the payload cannot be written as JSON, and when the handler is over already.
    pub fn trigger_event(&self, event: &str, payload: impl Serialize) -> Result<(), Failure> {
        let payload = to_json(payload, "the payload")?;
        self.add(event, |effects| effects.triggers.push((event.to_owned(), payload)))
    }

    /// Replaces the payload of `event`, one of this handler's declared triggers.
    ///
    /// # Errors
    /// As [`State::trigger_event`].
    pub fn set_payload(&self, event: &str, payload: impl Serialize) -> Result<(), Failure> {
        let payload = to_json(payload, "the payload")?;
        self.add(event, |effects| {
            effects.payloads.retain(|(name, _)| name != event);
            effects.payloads.push((event.to_owned(), payload));
        })
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
