//! The children of one supervisor: found by number in start order and by actor, counted as they change.
//!
//! Owned by the supervisor actor. Every operation takes O(log n) of the children; never starts or stops one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use ractor::{ActorCell, ActorId};
use tokio::time::Instant;

use crate::supervision::handle::ChildStatus;
use crate::supervision::node::{Kind, State};
use crate::supervision::spec::ChildSpec;
use crate::supervision::tree::Entry;

/// Whether a child runs, and if not, what becomes of it.
pub(super) enum Life {
    Running(ActorCell),
    /// It is started as soon as it is needed; who needs it presents this ticket.
    Idle(u64),
    /// It is restarted at this instant.
    Due(Instant),
    /// It did not start again; the message with this ticket tries once more.
    Retry(u64),
    Stopped,
}

/// One child.
pub(super) struct Slot {
    pub(super) spec: ChildSpec,
    pub(super) entry: Arc<Entry>,
    life: Life,
}

impl Slot {
    pub(super) fn life(&self) -> &Life {
        &self.life
    }

    /// Returns the child as callers see it.
    pub(super) fn status(&self) -> ChildStatus {
        ChildStatus {
            name: Arc::clone(&self.spec.name),
            kind: self.spec.kind,
            restart: self.spec.restart,
            state: match self.life {
                Life::Running(_) => State::Running,
                Life::Idle(_) => State::Idle,
                Life::Due(_) | Life::Retry(_) => State::Restarting,
                Life::Stopped => State::Stopped,
            },
        }
    }
}

/// How many children a supervisor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Children in the list, in whatever state.
    pub specs: usize,
    /// Children that run.
    pub active: usize,
    /// Children that are supervisors, in whatever state.
    pub supervisors: usize,
    /// Children that are not.
    pub workers: usize,
}

/// The children.
#[derive(Default)]
pub(super) struct Slots {
    by_number: BTreeMap<u64, Slot>,
    by_actor: HashMap<ActorId, u64>,
    due: BTreeSet<(Instant, u64)>,
    supervisors: usize,
    /// Significant children that run or wait for their restart.
    significant: usize,
}

impl Slots {
    /// Adds a child that does not run yet.
    pub(super) fn insert(&mut self, number: u64, spec: ChildSpec, entry: Arc<Entry>) {
        self.supervisors += usize::from(spec.kind == Kind::Supervisor);
        self.by_number.insert(number, Slot { spec, entry, life: Life::Stopped });
    }

    /// Takes a child that does not run off the list.
    pub(super) fn remove(&mut self, number: u64) -> Option<Slot> {
        self.set(number, Life::Stopped);
        let slot = self.by_number.remove(&number)?;
        self.supervisors -= usize::from(slot.spec.kind == Kind::Supervisor);
        Some(slot)
    }

    pub(super) fn get(&self, number: u64) -> Option<&Slot> {
        self.by_number.get(&number)
    }

    pub(super) fn of_actor(&self, actor: ActorId) -> Option<u64> {
        self.by_actor.get(&actor).copied()
    }

    /// Lists the children from `from` on, in start order.
    pub(super) fn from(&self, from: u64) -> Vec<u64> {
        self.by_number.range((Bound::Included(from), Bound::Unbounded)).map(|(number, _)| *number).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.by_number.values()
    }

    /// Returns the number of the child that was started last.
    pub(super) fn last(&self) -> Option<u64> {
        self.by_number.last_key_value().map(|(number, _)| *number)
    }

    /// Changes the state of a child and all that follows from it.
    pub(super) fn set(&mut self, number: u64, life: Life) {
        let Some(slot) = self.by_number.get_mut(&number) else { return };
        let alive = |life: &Life| !matches!(life, Life::Stopped);
        if slot.spec.significant {
            self.significant += usize::from(alive(&life));
            self.significant -= usize::from(alive(&slot.life));
        }
        match &life {
            Life::Running(cell) => {
                self.by_actor.insert(cell.get_id(), number);
            }
            Life::Due(at) => {
                self.due.insert((*at, number));
            }
            Life::Idle(_) | Life::Retry(_) | Life::Stopped => {}
        }
        match std::mem::replace(&mut slot.life, life) {
            Life::Running(cell) => {
                self.by_actor.remove(&cell.get_id());
            }
            Life::Due(at) => {
                self.due.remove(&(at, number));
            }
            Life::Idle(_) | Life::Retry(_) | Life::Stopped => {}
        }
    }

    /// Tells whether a significant child runs or waits for its restart.
    pub(super) fn has_significant(&self) -> bool {
        self.significant > 0
    }

    /// Returns when the next restart is due, and whose.
    pub(super) fn next_due(&self) -> Option<(Instant, u64)> {
        self.due.first().copied()
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            specs: self.by_number.len(),
            active: self.by_actor.len(),
            supervisors: self.supervisors,
            workers: self.by_number.len() - self.supervisors,
        }
    }
}
