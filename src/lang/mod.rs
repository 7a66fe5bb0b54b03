//! Engines: where handlers run. One trait [`Runtime`] boots [`Worker`]s; `native`, `v8` and `python` implement it.
//!
//! ```text
//! actors::executor ──invoke(Invocation)──▶ Worker ──▶ isolate thread │ interpreter process │ tokio task
//!                  ◀──────Outcome────────        ◀── wire::Answer (JSON) from the two foreign engines
//! ```
//!
//! Called by the executor and worker actors. Knows nothing of http, buses or supervision: a worker that dies
//! only says so through [`Worker::exited`].

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::invocation::{HandlerId, Invocation, Outcome};

pub mod discover;
pub mod native;
#[cfg(feature = "python")]
pub mod python;
#[cfg(feature = "typescript")]
pub mod v8;
pub mod wire;

/// The language of a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Language {
    /// Rust functions in this process.
    Rust,
    /// TypeScript and JavaScript in V8 isolates.
    TypeScript,
    /// Python in interpreter processes.
    Python,
}

impl Language {
    /// Returns the name of the executor branch in the tree.
    pub fn executor(self) -> &'static str {
        match self {
            Language::Rust => "native",
            Language::TypeScript => "v8",
            Language::Python => "python",
        }
    }
}

/// A handler that lives in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHandler {
    /// Which handler this is.
    pub id: HandlerId,
    /// The absolute path of its module.
    pub path: PathBuf,
    /// Function names to try, in order; the first that the module exports is used. `default` is the default export.
    pub functions: Vec<String>,
}

/// One thing that keeps a project from starting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// A sentence for a person, with the file where there is one.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// Makes a problem without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Problem { message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Boots workers of one language. Each worker holds every handler of that language.
pub trait Runtime: Send + Sync + 'static {
    /// Returns the language this runtime runs.
    fn language(&self) -> Language;

    /// Returns how many workers the pool has.
    fn workers(&self) -> usize;

    /// Returns how many calls one worker takes at once.
    fn max_concurrency(&self) -> usize;

    /// Boots one worker and loads all handlers into it.
    ///
    /// # Errors
    /// Every problem of every handler at once: modules that do not load, files without a usable function.
    fn boot(&self) -> BoxFuture<'static, Result<Arc<dyn Worker>, Vec<Problem>>>;
}

/// One engine that is up: an isolate on its thread, an interpreter process, or this process itself.
pub trait Worker: Send + Sync + 'static {
    /// Runs one handler to its end.
    ///
    /// # Cancel safety
    /// Dropping the future stops the work: the call is abandoned and its signal aborted. An engine that does not
    /// let go of it soon after condemns itself: `accepting` turns false, `exited` resolves, every other call in
    /// flight ends with `Failure::Crashed`.
    fn invoke(&self, invocation: Arc<Invocation>) -> BoxFuture<'static, Outcome>;

    /// Tells whether a new call would be looked at soon; false while the engine may be stuck.
    fn accepting(&self) -> bool;

    /// Resolves with the reason when the engine is gone or condemned. A runtime that cannot die stays pending.
    fn exited(&self) -> BoxFuture<'static, String>;

    /// Stops the engine at once and frees it; calls in flight end with `Failure::Crashed`.
    fn stop(&self);
}
