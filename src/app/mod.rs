//! The composition root: [`ActorApp`] is built, [`Running`] runs, [`App`] is the handle on it. The only place that
//! creates components.
//!
//! ```text
//!  builder ──build()──▶ ActorApp ──start()──▶ Running ──shutdown() / drop──▶ nothing left
//!            all problems at once     │         └──▶ App, cloned at will: calls, events, names, the tree
//!                                     └── boots engines, starts the tree
//! ```

use std::collections::HashMap;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::actors::user::Group;
use crate::app::handle::Shared;
use crate::config::Config;
use crate::invocation::HandlerId;
use crate::lang::native::{Function, Provided};
use crate::lang::{FileHandler, Language};
use crate::schema::{Diagnostic, Schema};
use crate::shutdown::Phase;

mod actors;
mod builder;
mod handle;
mod reference;
mod start;
mod subscription;

#[cfg(test)]
mod actors_tests;
#[cfg(test)]
mod tests;

pub(in crate::app) use crate::app::actors::ACTORS;
pub use crate::app::actors::RefError;
#[cfg(feature = "cli")]
pub(crate) use crate::app::builder::Checked;
pub use crate::app::builder::{BuildError, Builder};
pub use crate::app::handle::App;
pub use crate::app::reference::{EventRef, EventStream};
pub use crate::app::start::StartError;
pub use crate::app::subscription::Subscription;

/// A checked app that is ready to start.
pub struct ActorApp {
    pub(in crate::app) config: Config,
    pub(in crate::app) schema: Arc<Schema>,
    /// Where the project's engines look for packages.
    pub(in crate::app) root: PathBuf,
    pub(in crate::app) functions: HashMap<HandlerId, Function>,
    pub(in crate::app) provided: Arc<Provided>,
    pub(in crate::app) files: Vec<FileHandler>,
    pub(in crate::app) actors: Group,
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

/// An app that is running, as long as this value lives: dropping it stops everything at once, [`Running::shutdown`]
/// does so gracefully. Dereferences to its [`App`].
pub struct Running {
    pub(in crate::app) app: App,
    pub(in crate::app) drain: Duration,
    /// How long the tree may take to stop after that; without limit if an actor of the user's has none.
    pub(in crate::app) patience: Option<Duration>,
}

impl Deref for Running {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

impl Running {
    /// Returns a handle that can be cloned and given away.
    pub fn app(&self) -> App {
        self.app.clone()
    }

    /// Runs until SIGINT or SIGTERM, then drains; a second signal ends the drain.
    ///
    /// # Errors
    /// [`StartError::GaveUp`] when the root of the tree failed too often, which no restart can cure.
    pub async fn run(self) -> Result<(), StartError> {
        let root = self.app.shared.root().cell();
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
        let shutdown = self.app.shared.context.shutdown.clone();
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
        let shutdown = self.app.shared.context.shutdown.clone();
        shutdown.enter(Phase::Draining);
        let tree = self.app.shared.context.tree.clone();
        let left = || tree.busy() + shutdown.tasks();
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
        match self.patience {
            Some(patience) => self.app.shared.root().stop(patience).await,
            None => self.app.shared.root().stop_unhurried().await,
        }
        shutdown.drained().await;
        tracing::info!("stopped");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let shared = &self.app.shared;
        let Shared { context, names, .. } = &**shared;
        context.shutdown.enter(Phase::Forced);
        context.bus.close();
        shared.root().cell().kill();
        names.close();
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
