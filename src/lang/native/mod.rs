//! Rust handlers: plain async functions on the app's own tokio runtime.
//!
//! ```text
//!  .handler(f) ──▶ Handler::erase ──▶ Definition ──check, bind (build)──▶ Function ──▶ Native ──▶ a task per call
//!                                      FromCall::check per argument                    FromCall::from_call per argument
//! ```
//!
//! [`Handler`] turns a typed function into a [`Function`]; [`Native`] runs them. Called by the executor actor. A
//! panic ends the call only. What it cannot do: interrupt a function that never awaits; its caller gets the
//! time-out, the thread stays busy.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::invocation::{Failure, HandlerId, Invocation, Json, Outcome};
use crate::lang::{Language, Problem, Runtime, Worker};

mod arguments;
mod extract;
mod handler;
mod host;
mod names;
mod path;
mod reference;
mod reply;
mod state;

#[cfg(test)]
mod tests;

pub use crate::lang::native::arguments::{Connection, Event, Message, Request, Tick};
pub use crate::lang::native::extract::{
    Arguments, Body, Call, Data, FromCall, Headers, Provided, Query, Site, Target,
};
pub use crate::lang::native::handler::{Definition, Function, Handler};
pub use crate::lang::native::host::{Caller, Host};
pub use crate::lang::native::names::{NameError, Names, Registration};
pub use crate::lang::native::path::Path;
pub(crate) use crate::lang::native::reference::to_json;
pub use crate::lang::native::reference::{ApiRef, Trigger};
pub use crate::lang::native::reply::{Flow, IntoReply, OrInternal, Response};
pub use crate::lang::native::state::State;

/// The runtime of Rust handlers: one worker, which is this process.
pub struct Native {
    functions: Arc<HashMap<HandlerId, Function>>,
}

impl Native {
    /// How many calls run at once: a bound against runaway callers; the apis' own limits come first.
    const MAX_CONCURRENCY: usize = 4096;

    /// Makes the runtime of these handlers.
    pub fn new(functions: HashMap<HandlerId, Function>) -> Self {
        Native { functions: Arc::new(functions) }
    }
}

impl Runtime for Native {
    fn language(&self) -> Language {
        Language::Rust
    }

    fn workers(&self) -> usize {
        1
    }

    fn max_concurrency(&self) -> usize {
        Self::MAX_CONCURRENCY
    }

    fn boot(&self) -> BoxFuture<'static, Result<Arc<dyn Worker>, Vec<Problem>>> {
        let worker: Arc<dyn Worker> = Arc::new(Process { functions: Arc::clone(&self.functions) });
        Box::pin(async move { Ok(worker) })
    }
}

struct Process {
    functions: Arc<HashMap<HandlerId, Function>>,
}

/// Aborts the task when the caller lets go of it.
struct Task(tokio::task::JoinHandle<Outcome>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Worker for Process {
    fn invoke(&self, invocation: Arc<Invocation>) -> BoxFuture<'static, Outcome> {
        let function = self.functions.get(&invocation.handler).cloned();
        Box::pin(async move {
            let Some(function) = function else {
                return Err(Failure::NotFound(invocation.handler.to_string()));
            };
            // The function itself is called inside the task: a panic before its first await is caught as well.
            let mut task = Task(tokio::spawn(async move { function(invocation).await }));
            match (&mut task.0).await {
                Ok(outcome) => outcome,
                Err(error) if error.is_panic() => Err(panicked(error)),
                Err(_) => Err(Failure::Crashed("the runtime is going down".to_owned())),
            }
        })
    }

    fn accepting(&self) -> bool {
        true
    }

    fn exited(&self) -> BoxFuture<'static, String> {
        Box::pin(std::future::pending())
    }

    fn stop(&self) {}
}

fn panicked(error: tokio::task::JoinError) -> Failure {
    let payload = error.into_panic();
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let message = text.or_else(|| payload.downcast_ref::<String>().cloned());
    let message = message.unwrap_or_else(|| "a value that is not text".to_owned());
    Failure::Raised { name: "panic".to_owned(), message, stack: String::new(), body: Json::Null }
}
