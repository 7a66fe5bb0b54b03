//! Python handlers in interpreter processes.
//!
//! Owns the configuration and [`Python`], the [`Runtime`] that boots workers; `app` makes it, the executor actor
//! boots through it. Never decides about restarts: a worker that dies only says so.
//!
//! ```text
//!              tokio                                     │  python3, one process per worker
//! invoke() ──▶ Calls ──▶ queue ──▶ writer task ──frames──┼─▶ reader ──▶ asyncio task per call ──▶ handler
//!     ▲          ▲                                       │                     │
//!     └─outcome──┴──────────────── reader task ◀─frames──┼─────────────────────┘
//!   warden task: exit of the process, stop(), cancels    │  fds 1 and 2 ──▶ pipe ──▶ output task ──▶ log lines
//! ```
//!
//! # Processes
//! A worker is started directly from the project's interpreter; a zygote that forks warm workers comes with a later
//! issue. The child leads its own process group (a Ctrl-C at the terminal drains us first), dies with this process
//! (`PR_SET_PDEATHSIG`, and at the end of its socket) and inherits one descriptor: its end of a socket pair.
//!
//! # Protocol
//! A frame is a length (u32, big endian, at most [`frames::FRAME_LIMIT`]) and that many bytes. The first frame, to
//! the bootstrap (`bootstrap.py`), is JSON: the sources of the package `rohas_runtime`, which is embedded in this
//! binary. Every later frame is a MessagePack array; a body is JSON text as bin.
//!
//! | to the child | |
//! |---|---|
//! | `["load", 0, {root, paths}, [Handler]]` | once: extend `sys.path`, import all handler modules |
//! | `["call", id, Call, [argument]]` | run a handler |
//! | `["cancel", id, nil, null]` | cancel the task of call `id` |
//!
//! | from the child | |
//! |---|---|
//! | `["ready", 0, ""]` or `["refused", 0, [{message, hint}]]` | the answer to `load`; after `refused` the child exits |
//! | `["answer", id, Answer]` | the call ended |
//! | `["ended", id, ""]` | the cancelled call ended; a call is closed by one `answer` or one `ended`, never both |
//! | `["log", id, LogLine]` | a line; `id` is 0 outside a call |
//!
//! A frame that does not read so condemns the worker.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::lang::{FileHandler, Language, Problem, Runtime, Worker};

pub mod frames;

mod boot;
mod calls;
mod interpreter;
mod process;
#[cfg(test)]
mod tests;
mod worker;

/// The `[python]` section of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The interpreter, 3.9 or newer: a path (relative to the project) or a command on the `PATH`.
    /// Default: `.venv/bin/python` of the project, then the active virtual environment, then `python3`.
    pub interpreter: Option<PathBuf>,
    /// Interpreter processes in the pool. Default: the available parallelism.
    pub workers: NonZeroUsize,
    /// Calls one interpreter runs at once. Default: 32.
    pub max_concurrency: NonZeroUsize,
    /// The active virtual environment, handed in by `crate::config` from `VIRTUAL_ENV`. Default: none.
    #[serde(skip)]
    pub virtual_env: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            interpreter: None,
            workers: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            max_concurrency: NonZeroUsize::new(32).expect("32 is not zero"),
            virtual_env: None,
        }
    }
}

/// Boots interpreter processes that hold the project's Python handlers.
#[derive(Debug)]
pub struct Python {
    setup: Arc<Setup>,
}

/// What every boot needs.
#[derive(Debug)]
struct Setup {
    config: Config,
    project_root: PathBuf,
    handlers: Vec<FileHandler>,
    /// Found and started by the first boot that gets that far.
    tools: OnceCell<boot::Tools>,
}

impl Python {
    /// Makes a runtime for `handlers` of the project at `project_root`; nothing is started or looked up yet.
    pub fn new(config: Config, project_root: PathBuf, handlers: Vec<FileHandler>) -> Self {
        let setup = Setup {
            config,
            // the child changes into it, a relative path would be looked up there
            project_root: std::path::absolute(&project_root).unwrap_or(project_root),
            handlers,
            tools: OnceCell::new(),
        };
        Python { setup: Arc::new(setup) }
    }
}

impl Runtime for Python {
    fn language(&self) -> Language {
        Language::Python
    }

    fn workers(&self) -> usize {
        self.setup.config.workers.get()
    }

    fn max_concurrency(&self) -> usize {
        self.setup.config.max_concurrency.get()
    }

    fn boot(&self) -> BoxFuture<'static, Result<Arc<dyn Worker>, Vec<Problem>>> {
        boot::boot(self.setup.clone()).boxed()
    }
}
