//! What happens in a tree, as it happens: a bounded stream of changes, and the end of one actor.
//!
//! ```text
//!  supervisor ──Change──▶ ring of CAPACITY ──▶ Events (each reader at its own pace; told how many it missed)
//!             ──Exit────▶ Watch (its own channel: never lost)
//! ```
//!
//! Written by supervisors by way of the board, read by whoever asked the [`Tree`](crate::supervision::Tree). Never
//! slows a supervisor down.

use std::pin::Pin;
use std::task::{Context, Poll};

use chrono::{DateTime, Utc};
use futures_util::Stream;
use serde::Serialize;
use tokio::sync::{broadcast, oneshot};

use crate::supervision::policy::Exit;

/// How many changes a reader may be behind before it misses the oldest: a storm of a second at the default rate.
pub(super) const CAPACITY: usize = 1_024;

/// What happened to an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was started for the first time, or by hand.
    Started,
    /// Its supervisor started it again.
    Restarted,
    /// It was a supervisor whose children failed too often, and gave up.
    Escalated,
    /// It ended and is not restarted by its supervisor.
    Stopped,
}

impl ChangeKind {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ChangeKind::Started => "started",
            ChangeKind::Restarted => "restarted",
            ChangeKind::Escalated => "escalated",
            ChangeKind::Stopped => "stopped",
        }
    }
}

/// One change of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The path of the actor.
    pub path: String,
    /// What happened.
    pub kind: ChangeKind,
    /// Why: of a restart, how the actor ended before; none for a start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a reader of the stream gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// Something happened.
    Change(Change),
    /// So many changes were dropped because the reader was too slow.
    Missed(u64),
}

/// The stream of a tree's changes, from the moment it was asked for.
pub struct Events {
    pub(super) changes: broadcast::Receiver<Change>,
}

impl Events {
    /// Waits for the next change; `None` once the tree is gone.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        match self.changes.recv().await {
            Ok(change) => Some(Event::Change(change)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Event::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// Returns the changes as a [`Stream`].
    pub fn into_stream(self) -> impl Stream<Item = Event> + Send + Unpin {
        Box::pin(futures_util::stream::unfold(self, |mut events| async move {
            let event = events.next().await?;
            Some((event, events))
        }))
    }
}

/// A future that ends once, with the exit of the incarnation that ran when it was made.
pub struct Watch {
    pub(super) exit: oneshot::Receiver<Exit>,
}

impl Future for Watch {
    type Output = Exit;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Exit> {
        // A sender that is dropped unused went with the whole tree.
        Pin::new(&mut self.exit).poll(context).map(|exit| exit.unwrap_or(Exit::Killed))
    }
}
