//! The actors: one file per kind of entity, all on `ractor`, all behind a bounded [`mailbox`].
//!
//! The composition root starts them under supervisors; doors reach them through their handles ([`Api`],
//! [`Socket`]). An actor never awaits a handler: it takes a message and its permit from the mailbox and hands both
//! to a task. Nothing here knows HTTP.

use std::sync::Arc;
use std::time::Duration;

use crate::bus::Bus;
use crate::schema::Schema;
use crate::shutdown::Shutdown;
use crate::supervision::Tree;
use crate::telemetry::Telemetry;

mod api;
mod cron;
mod effects;
mod executor;
pub mod mailbox;
mod middleware;
mod session;
mod socket;
mod subscriber;
pub mod user;
mod worker;

#[cfg(test)]
mod tests;

pub use crate::actors::api::Api;
pub use crate::actors::cron::Cron;
pub use crate::actors::effects::{Origin, publish};
pub use crate::actors::executor::{Executor, Executors, Pool};
pub use crate::actors::middleware::{Passage, pass};
pub use crate::actors::session::Session;
pub use crate::actors::socket::Socket;
pub use crate::actors::subscriber::EventSubscriber;
pub use crate::actors::worker::{WorkerSlot, boot_in_time};

/// What every entity actor works with; one per app.
pub struct Context {
    /// The app's name: the first segment of every path and the source of its events.
    pub app: Arc<str>,
    /// The schema the app runs.
    pub schema: Arc<Schema>,
    /// Where handlers run.
    pub executors: Executors,
    /// Where events go.
    pub bus: Arc<dyn Bus>,
    /// How the app ends, and the tasks that end with it.
    pub shutdown: Shutdown,
    /// The board of what is running.
    pub tree: Tree,
    /// Counters and histograms.
    pub telemetry: Telemetry,
    /// The time limit of a handler whose entity names none.
    pub timeout: Duration,
    /// How long a publisher waits for room at a subscriber.
    pub publish_wait: Duration,
    /// How many bytes may wait in the mailbox of an entity.
    pub mailbox_bytes: usize,
}
