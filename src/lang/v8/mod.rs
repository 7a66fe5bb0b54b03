//! TypeScript and JavaScript handlers in V8 isolates: the contract, the configuration and the [`Runtime`].
//!
//! ```text
//! V8::boot ──▶ isolate (one thread: MainWorker of deno_runtime, runtime.js, the handler modules)
//!                 ▲ commands (bounded queue)      │ answers, acknowledgements, log lines (ops)
//!              worker (callers) ◀── calls ◀───────┘
//! ```
//!
//! Called by the executor through [`Runtime`] and `Worker`. Never finds handlers, never publishes an event and never
//! replaces an isolate: whoever boots it watches `exited`.

use std::path::PathBuf;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;

use crate::lang::{FileHandler, Language, Problem, Runtime, Worker};
use crate::schema::Schema;

mod assembly;
mod calls;
mod integers;
mod isolate;
mod loader;
mod memory;
mod ops;
mod platform;
mod resolve;
mod worker;

#[cfg(test)]
mod tests;

/// Settings of the V8 engine.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Isolates, each on its own thread. Default: the available parallelism.
    pub workers: usize,
    /// Calls one isolate runs at once. Default: 32.
    pub max_concurrency: usize,
    /// The largest JavaScript heap of one isolate, in MiB; buffers outside the heap do not count. At
    /// least 32. Default: 256.
    pub heap_limit_mb: usize,
    /// What handlers may reach. Default: nothing.
    pub permissions: Permissions,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            max_concurrency: 32,
            heap_limit_mb: 256,
            permissions: Permissions::default(),
        }
    }
}

/// What handlers may reach, in the words of Deno's permissions. An empty list denies, `["*"]` allows all. Loading
/// the modules of the project and of its `node_modules` needs none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Permissions {
    /// Hosts, as `host` or `host:port`. Default: none.
    pub net: Vec<String>,
    /// Files and directories that may be read. Default: none.
    pub read: Vec<String>,
    /// Files and directories that may be written. Default: none.
    pub write: Vec<String>,
    /// Names of environment variables. Default: none.
    pub env: Vec<String>,
    /// Programs that may be started. Default: none.
    pub run: Vec<String>,
}

/// The pool of isolates of one project.
pub struct V8 {
    setup: Arc<Setup>,
}

/// What every isolate of the pool is made from.
struct Setup {
    config: Config,
    root: PathBuf,
    handlers: Vec<FileHandler>,
    /// What the arguments of calls are.
    schema: Arc<Schema>,
}

impl V8 {
    /// Makes the runtime for `handlers` of `schema`, resolving packages from `project_root`.
    pub fn new(
        config: Config,
        project_root: PathBuf,
        handlers: Vec<FileHandler>,
        schema: Arc<Schema>,
    ) -> Self {
        let root = std::path::absolute(&project_root).unwrap_or(project_root);
        V8 { setup: Arc::new(Setup { config, root, handlers, schema }) }
    }
}

impl Runtime for V8 {
    fn language(&self) -> Language {
        Language::TypeScript
    }

    fn workers(&self) -> usize {
        self.setup.config.workers.max(1)
    }

    fn max_concurrency(&self) -> usize {
        self.setup.config.max_concurrency.max(1)
    }

    fn boot(&self) -> BoxFuture<'static, Result<Arc<dyn Worker>, Vec<Problem>>> {
        let (setup, places) = (Arc::clone(&self.setup), self.max_concurrency());
        async move {
            let worker = isolate::boot(setup, places).await?;
            Ok(Arc::new(worker) as Arc<dyn Worker>)
        }
        .boxed()
    }
}

/// Returns the version of V8 in this build.
pub fn version() -> &'static str {
    deno_core::v8::VERSION_STRING
}

/// Initialises V8. Idempotent; `boot` does it as well, this only takes the cost (some milliseconds) early.
pub fn init_platform() {
    platform::platform();
}
