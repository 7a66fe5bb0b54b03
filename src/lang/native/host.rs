//! [`Host`]: the app, as its Rust handlers and typed references reach it.
//!
//! ```text
//!  State │ ApiRef ──call, cast──▶ dyn Host ──▶ the api's mailbox     (implemented by app, which hands itself in)
//! ```
//!
//! Nothing here knows an actor or a bus: that is why handlers can be compiled and tested below them.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;

use crate::invocation::{ApiRequest, Failure, Invocation, Outcome, Trace};
use crate::lang::native::names::Names;

/// On whose behalf something is asked of the app.
#[derive(Debug, Clone)]
pub enum Caller {
    /// The embedding program: a new chain, the time limit of what is called.
    Program,
    /// A handler: its chain goes on, its deadline is the last.
    Handler(Arc<Invocation>),
    /// An actor of the program's own, by name: a new chain for each thing that it asks for. It may go on while the app
    /// drains, because what waits in its mailbox is accepted work.
    Actor(Arc<str>),
}

impl Caller {
    /// Returns when a call that has until `own` must be over.
    pub fn deadline(&self, own: Instant) -> Instant {
        match self {
            Caller::Program | Caller::Actor(_) => own,
            Caller::Handler(invocation) => own.min(invocation.deadline),
        }
    }

    /// Returns the chain that the call belongs to.
    pub fn trace(&self) -> Trace {
        match self {
            Caller::Program | Caller::Actor(_) => Trace::root(),
            Caller::Handler(invocation) => invocation.trace.caused_by(invocation.id),
        }
    }

    /// Says whose fault a failed call was. A handler wrote the request itself: that it does not fit is not to be told
    /// to the handler's own client as the client's fault.
    pub fn blame(&self, called: &str, failure: Failure) -> Failure {
        match (self, failure) {
            (Caller::Handler(invocation), Failure::BadRequest(violations)) => {
                let lines: Vec<String> =
                    violations.iter().map(|found| format!("{} {}", found.path, found.message)).collect();
                let lines = lines.join("; ");
                let handler = &invocation.handler;
                Failure::internal(format!(
                    "what {handler} sends to {called} does not fit the schema: {lines}"
                ))
            }
            (Caller::Handler(_), failure @ Failure::NotFound(_)) => Failure::internal(failure),
            (_, failure) => failure,
        }
    }
}

/// A running app.
pub trait Host: Any + Send + Sync {
    /// Tells whether there is an api of this name.
    ///
    /// # Errors
    /// [`Failure::NotFound`] with the nearest name.
    fn find_api(&self, name: &str) -> Result<(), Failure>;

    /// Tells whether there is an event of this name.
    ///
    /// # Errors
    /// [`Failure::NotFound`] with the nearest name.
    fn find_event(&self, name: &str) -> Result<(), Failure>;

    /// Calls an api through its checks and its mailbox; ends by the caller's deadline or shortly after.
    ///
    /// # Errors
    /// Every [`Failure`] that a call can end with.
    fn call<'a>(&'a self, api: &'a str, request: ApiRequest, caller: &'a Caller) -> BoxFuture<'a, Outcome>;

    /// Sends a request to an api, which is accepted or refused at once; how it ends is only logged.
    ///
    /// # Errors
    /// A request that does not fit, a full mailbox, an app that is shutting down.
    fn cast(&self, api: &str, request: ApiRequest, caller: &Caller) -> Result<(), Failure>;

    /// Returns what is registered under names.
    fn names(&self) -> &Names;
}
