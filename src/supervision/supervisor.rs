//! The supervisor actor: starts its children in order, asks [`decide`] when one ends, stops them in reverse.
//!
//! ```text
//!   child ends ──SupervisionEvent──▶ Supervisor ──decide()──▶ Forget
//!                                        │  │ ├──▶ Restart: at once, or when it is due
//!   Message::Start, Terminate, … ────────┘  │ └──▶ ShutDown, Escalate: end, so that the parent decides
//!   Message::Due, Retry (its own) ──────────┘
//! ```
//!
//! Called by the composition root, which gives it the specs, and through [`SupervisorRef`] by what adds children
//! later. It never handles a message on a child's behalf and never looks into one.

use std::sync::Arc;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};

use crate::supervision::children::Running;
use crate::supervision::handle::{ChildError, ChildStatus, SupervisorRef};
use crate::supervision::policy::{Exit, Policy};
use crate::supervision::slots::Counts;
use crate::supervision::spec::{ChildSpec, StartError, problems};
use crate::supervision::tree::Tree;

/// How long a killed actor may take to notice; one that blocks its thread never does and is left behind.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// What a supervisor is made of.
#[derive(Clone)]
pub struct Supervisor {
    /// Its path in the tree.
    pub path: String,
    /// What it does when a child ends.
    pub policy: Policy,
    /// The board it writes on.
    pub tree: Tree,
    /// Its first children, in start order.
    pub children: Vec<ChildSpec>,
}

impl Supervisor {
    /// Starts the supervisor and its children without a parent: the root of a tree.
    ///
    /// # Errors
    /// Children that contradict each other or the policy; the first that does not start. Those before it are stopped
    /// again.
    pub async fn start(self) -> Result<SupervisorRef, StartError> {
        self.check()?;
        let path: Arc<str> = self.path.as_str().into();
        let spawned = Actor::spawn(None, Runner, self).await;
        let failed = |error: ractor::SpawnErr| StartError::Failed {
            path: path.to_string(),
            reason: error.to_string(),
        };
        let (actor, _) = spawned.map_err(failed)?;
        Ok(SupervisorRef { actor, path })
    }

    /// Starts the supervisor as a child of `parent`.
    ///
    /// # Errors
    /// As [`Supervisor::start`].
    pub async fn start_linked(self, parent: ActorCell) -> Result<SupervisorRef, ractor::SpawnErr> {
        let path: Arc<str> = self.path.as_str().into();
        let (actor, _) = Actor::spawn_linked(None, Runner, self, parent).await?;
        Ok(SupervisorRef { actor, path })
    }

    /// Says everything that is wrong with the names and the specifications of the children.
    pub fn problems(&self) -> Vec<StartError> {
        problems(&self.path, &self.policy, &self.children)
    }

    fn check(&self) -> Result<(), StartError> {
        self.problems().into_iter().next().map_or(Ok(()), Err)
    }
}

/// What a supervisor can be told.
pub enum Message {
    /// Starts one more child after the others.
    Start(ChildSpec, RpcReplyPort<Result<Option<ActorCell>, StartError>>),
    /// Stops a child.
    Terminate(String, RpcReplyPort<Result<(), ChildError>>),
    /// Starts a child that is stopped.
    RestartChild(String, RpcReplyPort<Result<Option<ActorCell>, ChildError>>),
    /// Takes a child that is stopped off the list.
    Delete(String, RpcReplyPort<Result<(), ChildError>>),
    /// Lists the children.
    Children(RpcReplyPort<Vec<ChildStatus>>),
    /// Counts the children.
    Count(RpcReplyPort<Counts>),
    /// Kills the actor at this path below.
    Kill(String, RpcReplyPort<bool>),
    /// A restart is due.
    Due,
    /// A child that waits to be needed is needed.
    Demand(u64, u64),
    /// A child that did not start again is tried once more.
    Retry(u64, u64),
}

/// The actor.
pub(super) struct Runner;

impl Actor for Runner {
    type Msg = Message;
    type State = Running;
    type Arguments = Supervisor;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        setup: Supervisor,
    ) -> Result<Running, ActorProcessingErr> {
        setup.check()?;
        let mut state = Running::new(setup, myself);
        state.start_all().await?;
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Message>,
        message: Message,
        state: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        if state.is_ending() {
            return Ok(()); // the reply port is dropped, which the caller sees
        }
        // A caller that no longer waits for its answer is no reason to fail.
        match message {
            Message::Start(spec, reply) => drop(reply.send(state.add(spec).await)),
            Message::Terminate(name, reply) => drop(reply.send(state.terminate(&name).await)),
            Message::RestartChild(name, reply) => drop(reply.send(state.restart_by_hand(&name).await)),
            Message::Delete(name, reply) => drop(reply.send(state.delete(&name))),
            Message::Children(reply) => drop(reply.send(state.list())),
            Message::Count(reply) => drop(reply.send(state.counts())),
            Message::Kill(path, reply) => state.kill(&path, reply),
            Message::Due => state.restart_due().await,
            Message::Demand(number, ticket) => state.demanded(number, ticket).await,
            Message::Retry(number, ticket) => state.retry(number, ticket).await,
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<Message>,
        event: SupervisionEvent,
        state: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, exit) = match event {
            SupervisionEvent::ActorFailed(cell, error) => (cell, Exit::Failed(error.to_string())),
            SupervisionEvent::ActorTerminated(cell, last_state, reason) => {
                drop(last_state); // what the old incarnation holds is free before the new one starts
                (cell, exit_of(reason))
            }
            _ => return Ok(()),
        };
        if !state.is_ending() {
            state.ended(cell.get_id(), exit).await;
        }
        Ok(())
    }

    async fn post_stop(&self, _: ActorRef<Message>, state: &mut Running) -> Result<(), ActorProcessingErr> {
        state.stop_all().await;
        Ok(())
    }
}

/// Reads how an actor that did not fail ended from `ractor`'s stop reason.
fn exit_of(reason: Option<String>) -> Exit {
    match reason {
        Some(reason) if reason.starts_with("shutdown") => Exit::Shutdown(reason),
        Some(reason) if reason == "killed" || reason == "actor_task_cancelled" => Exit::Killed,
        _ => Exit::Normal,
    }
}

/// Stops one actor: asks it to, and kills it when it has not ended after `timeout`.
pub async fn stop_child(cell: &ActorCell, timeout: Duration) {
    stop_or_kill(cell, timeout).await;
}

/// As [`stop_child`]; tells how it ended.
pub(super) async fn stop_or_kill(cell: &ActorCell, timeout: Duration) -> Exit {
    cell.stop(Some("shutdown".to_owned()));
    if cell.wait(Some(timeout)).await.is_ok() {
        return Exit::Shutdown("shutdown".to_owned());
    }
    kill_child(cell).await;
    Exit::Killed
}

/// Kills one actor and waits until it is gone.
pub(super) async fn kill_child(cell: &ActorCell) {
    cell.kill();
    if cell.wait(Some(KILL_GRACE)).await.is_err() {
        tracing::error!(actor = %cell.get_id(), "killed actor blocks its thread, leaving it behind");
    }
}

/// Kills a child that is being stopped when its supervisor itself is killed meanwhile.
pub(super) struct KillOnDrop(pub(super) ActorCell);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.kill(); // of no effect on one that has ended
    }
}

/// Returns a number in `[0, 1)` for a backoff: the low bits of a fresh random UUID.
pub fn jitter() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}
