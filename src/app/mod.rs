//! The composition root: [`ActorApp`] is built, [`Running`] runs. The only place that creates components.
//!
//! ```text
//!  builder ──build()──▶ ActorApp ──start()──▶ Running ──shutdown() / drop──▶ nothing left
//!            all problems at once   boots engines, starts the tree
//! ```

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::actors::{Api, ApiRequest, Context, Origin, publish};
use crate::config::Config;
use crate::invocation::{Effects, Failure, HandlerId, Json, Outcome, Trace};
use crate::lang::native::Function;
use crate::lang::{FileHandler, Language};
use crate::schema::{Diagnostic, Schema};
use crate::shutdown::Phase;
use crate::supervision::{Node, SupervisorRef};

mod builder;
mod start;
mod subscription;

#[cfg(feature = "cli")]
pub(crate) use crate::app::builder::Checked;
pub use crate::app::builder::{BuildError, Builder};
pub use crate::app::start::StartError;
pub use crate::app::subscription::Subscription;

/// A checked app that is ready to start.
pub struct ActorApp {
    pub(in crate::app) config: Config,
    pub(in crate::app) schema: Arc<Schema>,
    /// Where the project's engines look for packages.
    pub(in crate::app) root: PathBuf,
    pub(in crate::app) functions: HashMap<HandlerId, Function>,
    pub(in crate::app) files: Vec<FileHandler>,
    pub(in crate::app) warnings: Vec<Diagnostic>,
}

impl ActorApp {
    /// Starts describing an app.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Returns the schema.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Returns the effective configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns what is doubtful, but not wrong, about the schema.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Lists every handler with its language and, for those in files, its path.
    pub fn handlers(&self) -> Vec<(HandlerId, Language, Option<PathBuf>)> {
        let native = self.functions.keys().map(|id| (id.clone(), Language::Rust, None));
        let files = self.files.iter().map(|file| {
            let language = crate::lang::discover::Folders::language(&file.path);
            (file.id.clone(), language, Some(file.path.clone()))
        });
        let mut all: Vec<_> = native.chain(files).collect();
        all.sort_by(|(left, ..), (right, ..)| left.cmp(right));
        all
    }

    /// Starts the app: binds the port, boots the engines, starts the tree.
    ///
    /// # Errors
    /// Every handler that does not load, of every language at once; a port that is taken.
    pub async fn start(self) -> Result<Running, StartError> {
        start::start(self).await
    }

    /// Starts the app and runs it until SIGINT or SIGTERM, then drains it.
    ///
    /// # Errors
    /// As [`ActorApp::start`].
    pub async fn run(self) -> Result<(), StartError> {
        self.start().await?.run().await
    }
}

/// An app that is running. Dropping it stops everything at once; [`Running::shutdown`] does so gracefully.
pub struct Running {
    pub(in crate::app) context: Arc<Context>,
    pub(in crate::app) apis: HashMap<String, Api>,
    pub(in crate::app) root: SupervisorRef,
    pub(in crate::app) http_addr: SocketAddr,
    pub(in crate::app) admin_addr: Option<SocketAddr>,
    pub(in crate::app) drain: Duration,
}

impl Running {
    /// Returns the address the HTTP door listens on.
    pub fn http_addr(&self) -> SocketAddr {
        self.http_addr
    }

    /// Returns the address of the admin door; `None` when it is switched off, or when its default port was taken.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_addr
    }

    /// Calls an api in this process with `body`, through the same checks, mailbox and time limit as HTTP.
    ///
    /// # Errors
    /// Every [`Failure`] a call can end with; [`Failure::NotFound`] for an unknown api.
    pub async fn call(&self, api: &str, body: Json) -> Outcome {
        self.call_with(api, ApiRequest { body, ..ApiRequest::default() }).await
    }

    /// Calls an api with path parameters, query and headers.
    ///
    /// # Errors
    /// As [`Running::call`].
    pub async fn call_with(&self, api: &str, mut request: ApiRequest) -> Outcome {
        let api = self.apis.get(api).ok_or_else(|| Failure::NotFound(format!("api {api}")))?;
        if self.context.shutdown.phase() != Phase::Running {
            return Err(Failure::ShuttingDown);
        }
        if request.method.is_empty() {
            request.method = api.spec().method.as_str().to_owned();
            request.path.clone_from(&api.spec().path);
        }
        if request.query.is_null() {
            request.query = json!({});
        }
        api.ask(api.check(request)?, api.deadline(), Trace::root()).await
    }

    /// Publishes an event; returns once every subscriber has it in its mailbox.
    ///
    /// # Errors
    /// An unknown event, a payload that does not fit, a subscriber without room.
    pub async fn publish(&self, event: &str, payload: Json) -> Result<(), Failure> {
        let context = &self.context;
        if context.shutdown.phase() != Phase::Running {
            return Err(Failure::ShuttingDown);
        }
        let (trace, triggers) = (Trace::root(), [event.to_owned()]);
        let origin =
            Origin { source: "app", triggers: &triggers, cause: trace.correlation_id, trace: &trace };
        let deadline = Instant::now() + context.publish_wait;
        let published = publish(context, origin, &payload, &Effects::default(), deadline).await;
        published.map_err(|failure| match failure {
            Failure::BadResult(violations) => Failure::BadRequest(violations),
            other => other,
        })
    }

    /// Subscribes to an event: every message published from now on, in order.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for an unknown event.
    pub fn subscribe(&self, event: &str) -> Result<Subscription, Failure> {
        if !self.context.schema.events.contains_key(event) {
            return Err(Failure::NotFound(format!("event {event}")));
        }
        Ok(subscription::subscribe(&*self.context.bus, event))
    }

    /// Returns every actor with its state, restarts and load.
    pub fn tree(&self) -> Node {
        self.context.tree.snapshot().expect("a running app has a root")
    }

    /// Kills the actor at `path` of the tree, as Erlang's `exit(Pid, kill)` does: for trying out what happens. Its
    /// supervisor restarts it. Returns whether there was one.
    pub async fn kill(&self, path: &str) -> bool {
        let below = path.split_once('/').map(|(_, below)| below.to_owned());
        let Some(below) = below else { return false };
        self.root.kill(&below).await
    }

    /// Runs until SIGINT or SIGTERM, then drains; a second signal ends the drain.
    ///
    /// # Errors
    /// [`StartError::GaveUp`] when the root of the tree failed too often, which no restart can cure.
    pub async fn run(self) -> Result<(), StartError> {
        let root = self.root.cell();
        let ended = tokio::select! {
            signal = terminated() => {
                tracing::info!(signal, "shutting down");
                Ok(())
            }
            _ = root.wait(None) => {
                tracing::error!("the tree gave up, shutting down");
                Err(StartError::GaveUp)
            }
        };
        let shutdown = self.context.shutdown.clone();
        tokio::select! {
            () = self.shutdown() => {}
            signal = terminated() => {
                tracing::warn!(signal, "second signal, dropping what is left");
                shutdown.enter(Phase::Forced);
                root.kill();
                shutdown.drained().await;
            }
        }
        ended
    }

    /// Stops gracefully: no new work, what is accepted is finished, at most until the drain limit; then the rest
    /// is dropped and the tree stopped in reverse order.
    pub async fn shutdown(self) {
        let shutdown = self.context.shutdown.clone();
        shutdown.enter(Phase::Draining);
        let left = || self.context.tree.busy() + shutdown.tasks();
        let idle = async {
            // Connections and calls are tasks; what they publish on their way out is in mailboxes.
            while left() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(self.drain, idle).await.is_err() {
            tracing::warn!(left = left(), "drain limit reached, dropping what is left");
        }
        shutdown.enter(Phase::Forced);
        self.root.stop(Duration::from_secs(10)).await;
        shutdown.drained().await;
        tracing::info!("stopped");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.context.shutdown.enter(Phase::Forced);
        self.context.bus.close();
        self.root.cell().kill();
    }
}

/// Waits for SIGINT or SIGTERM.
async fn terminated() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).expect("a signal handler can be installed");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}
