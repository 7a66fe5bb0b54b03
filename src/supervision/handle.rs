//! The handle on a running supervisor: children that come, go and are looked at while it runs.
//!
//! Held by whoever started the supervisor. Sends it messages and waits for the answers; never touches a child itself.

use std::sync::Arc;
use std::time::Duration;

use ractor::{ActorCell, ActorRef, RpcReplyPort};

use crate::supervision::node::{Kind, State};
use crate::supervision::policy::Restart;
use crate::supervision::slots::Counts;
use crate::supervision::spec::{ChildSpec, StartError};
use crate::supervision::supervisor::{Message, stop_child};

/// Why a child was not terminated, restarted or deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChildError {
    /// There is no child of that name.
    #[error("there is no child {0}")]
    NotFound(String),
    /// It runs: terminate it before.
    #[error("{0} is running: terminate it before")]
    Running(String),
    /// It is about to be restarted: terminate it before.
    #[error("{0} waits for its restart: terminate it before")]
    Restarting(String),
    /// It was started and failed; it stays in the list, stopped.
    #[error(transparent)]
    Start(StartError),
    /// The supervisor has ended.
    #[error("the supervisor of {0} does not run")]
    Gone(String),
}

/// A child as its supervisor sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildStatus {
    /// Its name.
    pub name: Arc<str>,
    /// Whether it is a supervisor.
    pub kind: Kind,
    /// When it is restarted.
    pub restart: Restart,
    /// Whether it runs.
    pub state: State,
}

/// The handle on a supervisor; clones share it.
#[derive(Debug, Clone)]
pub struct SupervisorRef {
    pub(super) actor: ActorRef<Message>,
    pub(super) path: Arc<str>,
}

impl SupervisorRef {
    /// Returns the supervisor's path in the tree.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the supervisor's actor.
    pub fn cell(&self) -> ActorCell {
        self.actor.get_cell()
    }

    /// Adds a child after the others and starts it; returns no actor for one that starts on demand.
    ///
    /// # Errors
    /// It does not start (and is not added), its name is taken, its specification contradicts the policy, or the
    /// supervisor has ended.
    pub async fn start(&self, spec: ChildSpec) -> Result<Option<ActorCell>, StartError> {
        let path = || format!("{}/{}", self.path, spec.name);
        let answer = self.ask(|reply| Message::Start(spec.clone(), reply)).await;
        answer.unwrap_or_else(|| Err(StartError::Gone(path())))
    }

    /// Stops a child. It stays in the list, stopped; a temporary one leaves it. A restart it waits for is called off.
    ///
    /// # Errors
    /// There is none of that name, or the supervisor has ended.
    pub async fn terminate(&self, name: &str) -> Result<(), ChildError> {
        self.child(name, Message::Terminate).await
    }

    /// Starts a child that is in the list, stopped.
    ///
    /// # Errors
    /// There is none of that name, it runs or waits for its restart, it does not start (and stays stopped), or the
    /// supervisor has ended.
    pub async fn restart(&self, name: &str) -> Result<Option<ActorCell>, ChildError> {
        self.child(name, Message::RestartChild).await
    }

    /// Takes a child that is stopped off the list.
    ///
    /// # Errors
    /// There is none of that name, it runs or waits for its restart, or the supervisor has ended.
    pub async fn delete(&self, name: &str) -> Result<(), ChildError> {
        self.child(name, Message::Delete).await
    }

    /// Lists the children in start order; `None` when the supervisor has ended.
    pub async fn which_children(&self) -> Option<Vec<ChildStatus>> {
        self.ask(Message::Children).await
    }

    /// Counts the children; `None` when the supervisor has ended.
    pub async fn count_children(&self) -> Option<Counts> {
        self.ask(Message::Count).await
    }

    /// Kills the actor at this path below, as Erlang's `exit(Pid, kill)` does: its supervisor decides what follows.
    /// Returns whether there was one.
    pub async fn kill(&self, below: &str) -> bool {
        self.ask(|reply| Message::Kill(below.to_owned(), reply)).await.unwrap_or(false)
    }

    /// Stops the supervisor and all below it in reverse start order, and kills what is left after `timeout`.
    pub async fn stop(&self, timeout: Duration) {
        stop_child(&self.cell(), timeout).await;
    }

    /// Stops the supervisor and all below it in reverse start order, however long that takes.
    pub async fn stop_unhurried(&self) {
        self.cell().stop(Some("shutdown".to_owned()));
        self.ended().await;
    }

    /// Waits until the supervisor has ended.
    pub async fn ended(&self) {
        let _ = self.cell().wait(None).await; // without a limit it cannot fail
    }

    async fn child<T: Send + 'static>(
        &self,
        name: &str,
        message: impl FnOnce(String, RpcReplyPort<Result<T, ChildError>>) -> Message,
    ) -> Result<T, ChildError> {
        let answer = self.ask(|reply| message(name.to_owned(), reply)).await;
        answer.unwrap_or_else(|| Err(ChildError::Gone(name.to_owned())))
    }

    async fn ask<T: Send + 'static>(&self, message: impl FnOnce(RpcReplyPort<T>) -> Message) -> Option<T> {
        let (reply_tx, reply) = ractor::concurrency::oneshot();
        self.actor.send_message(message(reply_tx.into())).ok()?;
        reply.await.ok()
    }
}
