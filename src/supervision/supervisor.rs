//! The supervisor actor: starts its children in order, asks [`decide`] when one ends, stops them in reverse.
//!
//! ```text
//!   child ends ──SupervisionEvent──▶ Supervisor ──decide()──▶ Forget
//!                                        │  ├──▶ Restart: stop later siblings, wait, start again
//!   Message::Start (dynamic child) ──────┘  └──▶ Escalate: fail, so that the parent decides
//! ```
//!
//! Called by the composition root, which gives it the specs, and by endpoints that add sessions. It never handles
//! a message on a child's behalf and never looks into one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};

use crate::supervision::policy::{Child, Decision, Exit, History, Policy, Restart, decide};
use crate::supervision::tree::{Gauge, Load, State, Tree};

/// Why a child did not start.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{path} did not start: {reason}")]
pub struct StartError {
    /// Which child.
    pub path: String,
    /// What it said.
    pub reason: String,
}

type Start = Arc<dyn Fn(ActorCell) -> BoxFuture<'static, Result<ActorCell, ractor::SpawnErr>> + Send + Sync>;

/// How a child is started, restarted and stopped.
#[derive(Clone)]
pub struct ChildSpec {
    name: String,
    restart: Restart,
    shutdown: Duration,
    load: Option<Gauge>,
    start: Start,
}

impl ChildSpec {
    /// Describes a permanent child named `name` that `start` spawns linked to the given supervisor.
    pub fn new<F, Fut>(name: impl Into<String>, start: F) -> Self
    where
        F: Fn(ActorCell) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<ActorCell, ractor::SpawnErr>> + Send + 'static,
    {
        ChildSpec {
            name: name.into(),
            restart: Restart::Permanent,
            shutdown: Duration::from_secs(5),
            load: None,
            start: Arc::new(move |supervisor| Box::pin(start(supervisor))),
        }
    }

    /// Describes a supervisor child with children of its own.
    pub fn supervisor(
        parent: &str,
        name: &str,
        policy: Policy,
        tree: &Tree,
        children: Vec<ChildSpec>,
    ) -> Self {
        let arguments = Supervisor { path: format!("{parent}/{name}"), policy, tree: tree.clone(), children };
        ChildSpec::new(name, move |supervisor| {
            let arguments = arguments.clone();
            async move {
                let (actor, _) = Actor::spawn_linked(None, Runner, arguments, supervisor).await?;
                Ok(actor.get_cell())
            }
        })
    }

    /// Shows the load of the child's mailbox in the tree.
    pub fn load(mut self, load: impl Fn() -> Load + Send + Sync + 'static) -> Self {
        self.load = Some(Arc::new(load));
        self
    }

    /// Sets when the child is restarted; permanent unless set.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }
}

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
    /// The first child that does not start; those before it are stopped again.
    pub async fn start(self) -> Result<ActorRef<Message>, StartError> {
        let path = self.path.clone();
        let spawned = Actor::spawn(None, Runner, self).await;
        let (actor, _) = spawned.map_err(|error| StartError { path, reason: error.to_string() })?;
        Ok(actor)
    }

    /// Starts the supervisor as a child of `parent`.
    ///
    /// # Errors
    /// As [`Supervisor::start`].
    pub async fn start_linked(self, parent: ActorCell) -> Result<ActorRef<Message>, ractor::SpawnErr> {
        Ok(Actor::spawn_linked(None, Runner, self, parent).await?.0)
    }
}

/// What a supervisor can be told.
pub enum Message {
    /// Starts one more child after the others.
    Start(ChildSpec, RpcReplyPort<Result<(), StartError>>),
    /// Kills the child at this path below, as `exit(Pid, kill)` does; its supervisor restarts it.
    Kill(String, RpcReplyPort<bool>),
    /// The wait before a restart is over.
    Restart(u64),
}

struct Slot {
    spec: ChildSpec,
    cell: Option<ActorCell>,
}

struct Running {
    setup: Supervisor,
    slots: Vec<Slot>,
    history: History,
    /// The restarts that wait for their backoff.
    waiting: Vec<(u64, std::ops::Range<usize>)>,
    next_ticket: u64,
}

struct Runner;

impl Actor for Runner {
    type Msg = Message;
    type State = Running;
    type Arguments = Supervisor;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        mut setup: Supervisor,
    ) -> Result<Running, ActorProcessingErr> {
        setup.tree.running(&setup.path);
        // What an earlier incarnation left there and nobody will start again: dynamic children.
        let names: Vec<&str> = setup.children.iter().map(|spec| spec.name.as_str()).collect();
        setup.tree.retain_below(&setup.path, &names);
        let specs = std::mem::take(&mut setup.children);
        let slots = specs.into_iter().map(|spec| Slot { spec, cell: None }).collect();
        let mut state =
            Running { setup, slots, history: History::default(), waiting: Vec::new(), next_ticket: 0 };
        for index in 0..state.slots.len() {
            if let Err(error) = state.start(index, &myself).await {
                state.stop(0..index).await;
                return Err(error.into());
            }
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Start(spec, reply) => {
                state.slots.push(Slot { spec, cell: None });
                let index = state.slots.len() - 1;
                let started = state.start(index, &myself).await;
                if started.is_err() {
                    state.slots.pop();
                }
                let _ = reply.send(started);
                Ok(())
            }
            Message::Kill(path, reply) => {
                state.kill(&path, reply);
                Ok(())
            }
            Message::Restart(ticket) => state.restart(ticket, &myself).await,
        }
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<Message>,
        event: SupervisionEvent,
        state: &mut Running,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, exit) = match event {
            SupervisionEvent::ActorFailed(cell, error) => (cell, Exit::Failed(error.to_string())),
            SupervisionEvent::ActorTerminated(cell, _, reason) if reason.as_deref() == Some("killed") => {
                (cell, Exit::Killed)
            }
            SupervisionEvent::ActorTerminated(cell, _, _) => (cell, Exit::Normal),
            _ => return Ok(()),
        };
        let ended = state
            .slots
            .iter()
            .position(|slot| slot.cell.as_ref().is_some_and(|c| c.get_id() == cell.get_id()));
        match ended {
            Some(index) => state.ended(index, exit, &myself).await,
            None => Ok(()), // stopped by this supervisor itself
        }
    }

    async fn post_stop(&self, _: ActorRef<Message>, state: &mut Running) -> Result<(), ActorProcessingErr> {
        state.stop(0..state.slots.len()).await;
        Ok(())
    }
}

impl Running {
    fn child_path(&self, index: usize) -> String {
        format!("{}/{}", self.setup.path, self.slots[index].spec.name)
    }

    async fn start(&mut self, index: usize, myself: &ActorRef<Message>) -> Result<(), StartError> {
        let path = self.child_path(index);
        let start = Arc::clone(&self.slots[index].spec.start);
        let cell = match start(myself.get_cell()).await {
            Ok(cell) => cell,
            Err(error) => {
                return Err(StartError { path, reason: error.to_string() });
            }
        };
        self.setup.tree.running(&path);
        if let Some(load) = &self.slots[index].spec.load {
            self.setup.tree.observe(&path, Arc::clone(load));
        }
        self.slots[index].cell = Some(cell);
        Ok(())
    }

    /// Stops the children in `range` in reverse order and waits for each.
    async fn stop(&mut self, range: std::ops::Range<usize>) {
        for index in range.rev() {
            let Some(cell) = self.slots[index].cell.take() else {
                continue;
            };
            stop_child(&cell, self.slots[index].spec.shutdown).await;
            self.setup.tree.ended(&self.child_path(index), "shutdown", State::Stopped);
        }
    }

    /// Drops the slot of a child that will not come back; waiting restarts keep their places.
    fn forget(&mut self, index: usize) {
        self.setup.tree.remove(&self.child_path(index));
        self.slots.remove(index);
        self.waiting.retain(|(_, range)| !(range.start == index && range.len() == 1));
        for (_, range) in &mut self.waiting {
            let shift = |place: usize| if place > index { place - 1 } else { place };
            *range = shift(range.start)..shift(range.end);
        }
    }

    /// Kills the child that `path` names, or hands the order down to the child it lies below.
    fn kill(&self, path: &str, reply: RpcReplyPort<bool>) {
        let (name, below) = path.split_once('/').map_or((path, None), |(name, below)| (name, Some(below)));
        let cell = self.slots.iter().find(|slot| slot.spec.name == name).and_then(|slot| slot.cell.clone());
        match (cell, below) {
            (Some(cell), None) => {
                cell.kill();
                let _ = reply.send(true);
            }
            (Some(cell), Some(below)) if cell.is_message_type_of::<Message>() == Some(true) => {
                let _ = cell.send_message(Message::Kill(below.to_owned(), reply));
            }
            _ => {
                let _ = reply.send(false);
            }
        }
    }

    async fn ended(
        &mut self,
        index: usize,
        exit: Exit,
        myself: &ActorRef<Message>,
    ) -> Result<(), ActorProcessingErr> {
        let path = self.child_path(index);
        self.slots[index].cell = None;
        let now = Instant::now();
        let child = Child { index, restart: self.slots[index].spec.restart, siblings: self.slots.len() };
        self.history.prune(self.setup.policy.period, now);
        match decide(&self.setup.policy, &self.history, (child, &exit), now, jitter()) {
            Decision::Forget => {
                tracing::debug!(path, reason = exit.reason(), "actor ended");
                self.forget(index);
                Ok(())
            }
            Decision::Escalate => {
                tracing::error!(path, reason = exit.reason(), "too many restarts, escalating");
                self.setup.tree.ended(&path, exit.reason(), State::Stopped);
                self.stop(0..self.slots.len()).await;
                Err(format!("{path} failed too often, last: {}", exit.reason()).into())
            }
            Decision::Restart { children, after } => {
                tracing::warn!(
                    path,
                    reason = exit.reason(),
                    after_ms = after.as_millis(),
                    "actor ended, restarting"
                );
                self.setup.tree.ended(&path, exit.reason(), State::Restarting);
                self.history.record(index, now);
                self.stop(index + 1..children.end).await;
                self.stop(children.start..index).await;
                self.schedule(children, after, myself);
                Ok(())
            }
        }
    }

    fn schedule(&mut self, children: std::ops::Range<usize>, after: Duration, myself: &ActorRef<Message>) {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting.push((ticket, children));
        if after.is_zero() {
            let _ = myself.send_message(Message::Restart(ticket));
        } else {
            myself.send_after(after, move || Message::Restart(ticket));
        }
    }

    /// Starts the children of a waiting restart; one that does not start counts as one that ended.
    async fn restart(&mut self, ticket: u64, myself: &ActorRef<Message>) -> Result<(), ActorProcessingErr> {
        let Some(place) = self.waiting.iter().position(|(waiting, _)| *waiting == ticket) else {
            return Ok(());
        };
        let (_, children) = self.waiting.swap_remove(place);
        for index in children.clone() {
            if self.slots[index].cell.is_some() {
                continue; // an overlapping restart has been here before
            }
            if let Err(error) = self.start(index, myself).await {
                return self.ended(index, Exit::Failed(error.to_string()), myself).await;
            }
            tracing::info!(path = self.child_path(index), "actor restarted");
        }
        Ok(())
    }
}

/// Stops one actor: asks it to, and kills it when it has not ended after `timeout`.
pub async fn stop_child(cell: &ActorCell, timeout: Duration) {
    if cell.stop_and_wait(None, Some(timeout)).await.is_err() {
        let _ = cell.kill_and_wait(Some(timeout)).await;
    }
}

/// Returns a number in `[0, 1)` for a backoff: the low bits of a fresh random UUID.
pub fn jitter() -> f64 {
    let bits = uuid::Uuid::new_v4().as_u128() as u32;
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}
