//! A supervisor's children while it runs: what its messages and its decisions do to them.
//!
//! The state of the supervisor actor, which is the only caller. Decides nothing: [`decide`] does.

use std::sync::Arc;

use ractor::{ActorCell, ActorId, ActorRef, RpcReplyPort};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::supervision::change::ChangeKind;
use crate::supervision::handle::{ChildError, ChildStatus};
use crate::supervision::history::History;
use crate::supervision::node::State;
use crate::supervision::policy::{Child, Decision, Exit, Policy, Restart, Strategy, decide};
use crate::supervision::slots::{Counts, Life, Slot, Slots};
use crate::supervision::spec::{ChildSpec, Shutdown, StartError};
use crate::supervision::supervisor::{KillOnDrop, Message, Supervisor, jitter, kill_child, stop_or_kill};
use crate::supervision::tree::{Place, Tree};

/// The state of a supervisor that runs.
pub(super) struct Running {
    myself: ActorRef<Message>,
    path: Arc<str>,
    policy: Policy,
    tree: Tree,
    place: Place,
    slots: Slots,
    history: History,
    timer: Option<(Instant, AbortHandle)>,
    next_number: u64,
    next_ticket: u64,
    /// It has decided to end.
    ending: bool,
    /// How it ends, as far as it is known.
    exit: Exit,
}

impl Drop for Running {
    /// Whatever ended the supervisor: nothing on the board runs that does not, and nobody waits in vain.
    fn drop(&mut self) {
        if let Some((_, timer)) = &self.timer {
            timer.abort();
        }
        self.place.leave(&self.exit);
    }
}

impl Running {
    /// Takes the supervisor's place on the board; starts nothing yet.
    pub(super) fn new(setup: Supervisor, myself: ActorRef<Message>) -> Self {
        let Supervisor { path, policy, tree, children } = setup;
        let path: Arc<str> = path.into();
        let place = tree.place(&path, &children, &myself);
        let mut slots = Slots::default();
        let mut next_number = 0;
        for spec in children {
            if let Some(entry) = place.first(next_number) {
                slots.insert(next_number, spec, entry);
            }
            next_number += 1;
        }
        Running {
            myself,
            path,
            policy,
            tree,
            place,
            slots,
            history: History::default(),
            timer: None,
            next_number,
            next_ticket: 0,
            ending: false,
            exit: Exit::Killed, // unless it gets to stopping its children
        }
    }

    /// Tells whether the supervisor has decided to end and only waits for `ractor` to see it.
    pub(super) fn is_ending(&self) -> bool {
        self.ending
    }

    /// Starts the first children; when one does not, stops those before it.
    pub(super) async fn start_all(&mut self) -> Result<(), StartError> {
        for number in self.slots.from(0) {
            if let Err(error) = self.begin(number, (ChangeKind::Started, None)).await {
                self.stop_all().await;
                return Err(error);
            }
        }
        if self.place.is_root() {
            self.place.entry.running();
            self.tree.changed((&self.path, None), ChangeKind::Started, None);
        }
        Ok(())
    }

    /// Stops all children in reverse order.
    pub(super) async fn stop_all(&mut self) {
        if !self.ending {
            self.exit = Exit::Shutdown("shutdown".to_owned());
        }
        while let Some(number) = self.slots.last() {
            self.stop(number).await;
            self.slots.remove(number);
        }
        if self.place.is_root() {
            self.tree.changed((&self.path, None), ChangeKind::Stopped, Some(self.exit.reason()));
        }
    }

    // ---- what callers ask for

    /// Adds a child and starts it.
    pub(super) async fn add(&mut self, spec: ChildSpec) -> Result<Option<ActorCell>, StartError> {
        spec.check(&self.path, &self.policy)?;
        if let Some(number) = self.place.entry.number_of(&spec.name) {
            let path = format!("{}/{}", self.path, spec.name);
            return Err(match self.slots.get(number).map(|slot| slot.life()) {
                Some(Life::Running(_) | Life::Idle(_)) => StartError::AlreadyStarted(path),
                _ => StartError::AlreadyPresent(path),
            });
        }
        let number = self.next_number;
        self.next_number += 1;
        let entry = self.place.entry.add(number, &spec);
        self.slots.insert(number, spec, entry);
        let started = self.begin(number, (ChangeKind::Started, None)).await;
        if started.is_err() {
            self.remove(number);
        }
        started
    }

    /// Stops a child.
    pub(super) async fn terminate(&mut self, name: &str) -> Result<(), ChildError> {
        let number = self.number_of(name)?;
        self.stop(number).await;
        if self.slots.get(number).is_some_and(|slot| slot.spec.restart == Restart::Temporary) {
            self.remove(number);
        } else if let Some(slot) = self.slots.get(number) {
            slot.entry.over();
        }
        Ok(())
    }

    /// Starts a child that is stopped.
    pub(super) async fn restart_by_hand(&mut self, name: &str) -> Result<Option<ActorCell>, ChildError> {
        let number = self.stopped(name)?;
        self.begin(number, (ChangeKind::Started, None)).await.map_err(ChildError::Start)
    }

    /// Takes a child that is stopped off the list.
    pub(super) fn delete(&mut self, name: &str) -> Result<(), ChildError> {
        let number = self.stopped(name)?;
        self.remove(number);
        Ok(())
    }

    /// Lists the children.
    pub(super) fn list(&self) -> Vec<ChildStatus> {
        self.slots.iter().map(Slot::status).collect()
    }

    /// Counts the children.
    pub(super) fn counts(&self) -> Counts {
        self.slots.counts()
    }

    /// Kills the child that `path` names, or hands the order down to the child it lies below.
    pub(super) fn kill(&self, path: &str, reply: RpcReplyPort<bool>) {
        let (name, below) = path.split_once('/').map_or((path, None), |(name, below)| (name, Some(below)));
        let slot = self.place.entry.number_of(name).and_then(|number| self.slots.get(number));
        let cell = match slot.map(|slot| slot.life()) {
            Some(Life::Running(cell)) => Some(cell),
            _ => None,
        };
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

    fn number_of(&self, name: &str) -> Result<u64, ChildError> {
        self.place.entry.number_of(name).ok_or_else(|| ChildError::NotFound(name.to_owned()))
    }

    fn stopped(&self, name: &str) -> Result<u64, ChildError> {
        let number = self.number_of(name)?;
        match self.slots.get(number).map(|slot| slot.life()) {
            Some(Life::Running(_) | Life::Idle(_)) => Err(ChildError::Running(name.to_owned())),
            Some(Life::Due(_) | Life::Retry(_)) => Err(ChildError::Restarting(name.to_owned())),
            Some(Life::Stopped) | None => Ok(number),
        }
    }

    // ---- what follows when a child has ended

    /// A child has ended, unless it is one that this supervisor itself stopped.
    pub(super) async fn ended(&mut self, actor: ActorId, exit: Exit) {
        let Some(number) = self.slots.of_actor(actor) else { return };
        self.slots.set(number, Life::Stopped);
        if let Some(slot) = self.slots.get(number) {
            slot.entry.ended(&exit, State::Restarting);
        }
        self.consult(number, exit).await;
    }

    /// A child did not start again, and others have had their say since.
    pub(super) async fn retry(&mut self, number: u64, ticket: u64) {
        let Some(slot) = self.slots.get(number) else { return };
        if !matches!(slot.life(), Life::Retry(waiting) if *waiting == ticket) {
            return; // somebody has stopped it by hand, or all its siblings with it
        }
        let reason = slot.entry.last_exit().map(|reason| reason.to_string()).unwrap_or_default();
        self.consult(number, Exit::Failed(reason)).await;
    }

    async fn consult(&mut self, number: u64, exit: Exit) {
        let Some(slot) = self.slots.get(number) else { return };
        let child = Child {
            number,
            restart: slot.spec.restart,
            significant: slot.spec.significant,
            significant_siblings: self.slots.has_significant(),
        };
        let now = Instant::now();
        self.history.prune(self.policy.period, now);
        match decide(&self.policy, &self.history, (child, &exit), now, jitter()) {
            Decision::Forget => self.forget(number),
            Decision::ShutDown => {
                let name = Arc::clone(&slot.spec.name);
                self.forget(number);
                self.end(format!("shutdown: significant child {name} ended: {}", exit.reason()));
            }
            Decision::Escalate => self.escalate(number, &exit),
            Decision::Restart { strategy, at } => {
                self.history.record(number, now, at, self.policy.rate);
                slot.entry.restarted();
                if at <= now && self.history.admit(self.policy.rate, now).is_ok() {
                    self.restart(number, strategy).await;
                } else {
                    let name = &*slot.spec.name;
                    let after_ms = (at - now).as_millis();
                    tracing::debug!(path = %self.path, name, after_ms, "actor waits for its restart");
                    self.stop_along(number, strategy).await;
                    self.slots.set(number, Life::Due(at));
                    if let Some(slot) = self.slots.get(number) {
                        slot.entry.becomes(State::Restarting);
                    }
                    self.arm();
                }
            }
        }
    }

    /// A child is not restarted.
    fn forget(&mut self, number: u64) {
        let Some(slot) = self.slots.get(number) else { return };
        let (entry, temporary) = (Arc::clone(&slot.entry), slot.spec.restart == Restart::Temporary);
        entry.becomes(State::Stopped);
        self.changed(number, ChangeKind::Stopped, entry.last_exit().as_deref());
        if temporary {
            self.remove(number);
        } else {
            entry.over();
        }
    }

    fn escalate(&mut self, number: u64, exit: &Exit) {
        self.slots.set(number, Life::Stopped);
        let Some(slot) = self.slots.get(number) else { return };
        slot.entry.becomes(State::Stopped);
        let name = &slot.spec.name;
        let reason = format!("shutdown: {name} failed too often, last: {}", exit.reason());
        self.place.entry.escalated();
        self.tree.changed((&self.path, None), ChangeKind::Escalated, Some(&reason));
        self.end(reason);
    }

    /// Ends the supervisor: its children are stopped on its way out.
    fn end(&mut self, reason: String) {
        self.ending = true;
        self.exit = Exit::Shutdown(reason.clone());
        self.myself.stop(Some(reason));
    }

    // ---- restarts

    /// Restarts what is due, as far as the rate allows.
    pub(super) async fn restart_due(&mut self) {
        self.timer = None;
        while let Some((at, number)) = self.slots.next_due() {
            let now = Instant::now();
            if at > now {
                break;
            }
            match self.history.admit(self.policy.rate, now) {
                Ok(()) => self.restart(number, self.policy.strategy).await,
                Err(later) => self.slots.set(number, Life::Due(later)),
            }
        }
        self.arm();
    }

    /// Wakes the supervisor when the next restart is due.
    fn arm(&mut self) {
        let Some((at, _)) = self.slots.next_due() else { return };
        if let Some((set, timer)) = &self.timer {
            if *set <= at {
                return;
            }
            timer.abort();
        }
        let timer = self.myself.send_after(at.duration_since(Instant::now()), || Message::Due);
        self.timer = Some((at, timer.abort_handle()));
    }

    /// Stops the child and the siblings that share its fate, in reverse; temporary ones leave.
    async fn stop_along(&mut self, number: u64, strategy: Strategy) {
        self.slots.set(number, Life::Stopped);
        for number in self.along(number, strategy).into_iter().rev() {
            self.stop(number).await;
            if self.slots.get(number).is_some_and(|slot| slot.spec.restart == Restart::Temporary) {
                self.remove(number);
            }
        }
    }

    fn along(&self, number: u64, strategy: Strategy) -> Vec<u64> {
        match strategy {
            Strategy::OneForOne => vec![number],
            Strategy::RestForOne => self.slots.from(number),
            Strategy::OneForAll => self.slots.from(0),
        }
    }

    /// Stops and starts again the child and the siblings that share its fate. One that does not start is tried again
    /// after whatever else waits for the supervisor, and those after it wait for it.
    async fn restart(&mut self, number: u64, strategy: Strategy) {
        self.stop_along(number, strategy).await;
        for sibling in self.along(number, strategy) {
            let Some(slot) = self.slots.get(sibling) else { continue };
            let entry = Arc::clone(&slot.entry);
            if sibling != number {
                entry.restarted();
            }
            let last_exit = entry.last_exit();
            let change = (ChangeKind::Restarted, last_exit.as_deref());
            // Whoever failed was needed.
            let started = match sibling == number {
                true => self.start(sibling, change).await.map(drop),
                false => self.begin(sibling, change).await.map(drop),
            };
            match started {
                Ok(()) => {}
                Err(error) => {
                    tracing::warn!(%error, "actor does not start again");
                    entry.ended(&Exit::Failed(error.to_string()), State::Restarting);
                    let ticket = self.ticket();
                    self.slots.set(sibling, Life::Retry(ticket));
                    let _ = self.myself.send_message(Message::Retry(sibling, ticket)); // unless it ends
                    return;
                }
            }
        }
    }

    // ---- one child

    /// Starts a child, or has it wait until it is needed if that is its way.
    async fn begin(
        &mut self,
        number: u64,
        change: (ChangeKind, Option<&str>),
    ) -> Result<Option<ActorCell>, StartError> {
        let on_demand = self.slots.get(number).and_then(|slot| slot.spec.on_demand.clone());
        let Some(arm) = on_demand else { return self.start(number, change).await.map(Some) };
        let ticket = self.ticket();
        self.slots.set(number, Life::Idle(ticket));
        if let Some(slot) = self.slots.get(number) {
            slot.entry.idle();
        }
        let myself = self.myself.clone();
        arm(Box::new(move || drop(myself.send_message(Message::Demand(number, ticket))))); // unless it ends
        Ok(None)
    }

    /// A child that waited to be needed is needed.
    pub(super) async fn demanded(&mut self, number: u64, ticket: u64) {
        let Some(slot) = self.slots.get(number) else { return };
        if !matches!(slot.life(), Life::Idle(waiting) if *waiting == ticket) {
            return; // it has been stopped, or stopped and begun again, since
        }
        let entry = Arc::clone(&slot.entry);
        if let Err(error) = self.start(number, (ChangeKind::Started, None)).await {
            tracing::warn!(%error, "actor does not start");
            let exit = Exit::Failed(error.to_string());
            self.slots.set(number, Life::Stopped);
            entry.ended(&exit, State::Restarting);
            self.consult(number, exit).await;
        }
    }

    fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    async fn start(
        &mut self,
        number: u64,
        (kind, reason): (ChangeKind, Option<&str>),
    ) -> Result<ActorCell, StartError> {
        let Some(slot) = self.slots.get(number) else {
            return Err(StartError::Gone(self.path.to_string()));
        };
        let (start, entry) = (Arc::clone(&slot.spec.start), Arc::clone(&slot.entry));
        let started = start(self.myself.get_cell()).await;
        let cell = started.map_err(|error| StartError::Failed {
            path: format!("{}/{}", self.path, self.slots.get(number).map_or("", |slot| &slot.spec.name)),
            reason: error.to_string(),
        })?;
        entry.running();
        self.slots.set(number, Life::Running(cell.clone()));
        self.changed(number, kind, reason);
        Ok(cell)
    }

    /// Stops a child, if it runs, and waits for it; calls its restart off, if it waits for one.
    async fn stop(&mut self, number: u64) {
        let Some(slot) = self.slots.get(number) else { return };
        let entry = Arc::clone(&slot.entry);
        let Life::Running(cell) = slot.life() else {
            let idle = matches!(slot.life(), Life::Idle(_));
            self.slots.set(number, Life::Stopped);
            match idle {
                true => entry.ended(&Exit::Shutdown("shutdown".to_owned()), State::Stopped),
                false => entry.becomes(State::Stopped),
            }
            return;
        };
        let cell = cell.clone();
        // Without the link its exit is no event, which would keep its state until this supervisor gets to it.
        cell.unlink(self.myself.get_cell());
        let _abandoned = KillOnDrop(cell.clone());
        let exit = match slot.spec.stop() {
            Shutdown::Brutal => {
                kill_child(&cell).await;
                Exit::Killed
            }
            Shutdown::Timeout(timeout) => stop_or_kill(&cell, timeout).await,
            Shutdown::Infinity => {
                cell.stop(Some("shutdown".to_owned()));
                let _ = cell.wait(None).await; // without a limit it cannot fail
                Exit::Shutdown("shutdown".to_owned())
            }
        };
        self.slots.set(number, Life::Stopped);
        entry.ended(&exit, State::Stopped);
        self.changed(number, ChangeKind::Stopped, Some(exit.reason()));
    }

    /// Takes a child that does not run off the list, for good.
    fn remove(&mut self, number: u64) {
        if let Some(slot) = self.slots.remove(number) {
            self.place.entry.remove(number);
            slot.entry.over();
        }
    }

    fn changed(&self, number: u64, kind: ChangeKind, reason: Option<&str>) {
        if let Some(slot) = self.slots.get(number) {
            self.tree.changed((&self.path, Some(&slot.spec.name)), kind, reason);
        }
    }
}
