//! Rust handlers: plain async functions on the app's own tokio runtime.
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
mod state;

#[cfg(test)]
mod tests;

pub use crate::lang::native::arguments::{
    Connection, Event, Flow, FromArguments, IntoReply, Message, Request, Response, Tick,
};
pub use crate::lang::native::state::State;

/// A handler with its types erased.
pub type Function = Arc<dyn Fn(Arc<Invocation>) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// An async function that can handle calls: `async fn(Request<T>, State) -> Result<R, Failure>` and the like, the
/// first argument being [`Request`], [`Event`], [`Tick`], [`Message`] or [`Connection`].
pub trait Handler<A>: Send + Sync + Sized + 'static {
    /// Erases the types.
    fn erase(self) -> Function;
}

impl<F, A, Fut, R> Handler<A> for F
where
    F: Fn(A, State) -> Fut + Send + Sync + 'static,
    A: FromArguments + Send + 'static,
    Fut: Future<Output = Result<R, Failure>> + Send + 'static,
    R: IntoReply + 'static,
{
    fn erase(self) -> Function {
        let function = Arc::new(self);
        Arc::new(move |invocation: Arc<Invocation>| {
            let function = Arc::clone(&function);
            Box::pin(async move {
                let argument = A::from_arguments(&invocation.arguments)?;
                let state = State::new(invocation);
                let mut reply = function(argument, state.clone()).await?.into_reply()?;
                reply.effects = state.take_effects();
                Ok(reply)
            })
        })
    }
}

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
