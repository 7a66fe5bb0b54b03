//! A mailbox under its lock: what there is room for, who waits for room, whether the actor knows, what was counted.
//!
//! Everything here is synchronous and calls nobody: what has to be told to somebody outside is returned, and
//! [`Mailbox`](crate::actors::mailbox::Mailbox) does so after it has let go of the lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::actors::mailbox::Slot;
use crate::actors::mailbox::handle::Waker;
use crate::actors::mailbox::letter::{Counts, Limits, OnCrash, OnFull, Priority, SendError, Undelivered};
use crate::actors::mailbox::meters::{Meters, coarse_millis, is_far};
use crate::actors::mailbox::queue::{Hands, Item, Queue, Waiting};

use crate::supervision::Load;

/// Control messages that may wait: they are rare, and one that does not fit tells of a sender gone wild.
const CONTROL: usize = 64;

/// Places that high priority has beside the common ones.
const HIGH_MESSAGES: usize = 64;

/// The share of the bytes that high priority has beside the common ones.
const HIGH_BYTES: usize = 16;

/// Waiting senders before those that have given up are looked for.
const WAITERS: usize = 32;

/// Messages that may be found expired before the lock is let go for a moment.
const EXPIRED: usize = 256;

/// So many messages of an actor are timed, of those that follow one in [`TIMED`].
const ALL_TIMED: u64 = 1024;

/// One in so many messages is timed.
const TIMED: u64 = 8;

pub(super) type Hook<M> = Arc<dyn Fn(M, Undelivered) + Send + Sync>;

/// A sender that waits for room.
pub(super) struct Waiter<M: Send + 'static> {
    size: usize,
    slot_tx: oneshot::Sender<Slot<M>>,
}

struct Waiters<M: Send + 'static> {
    high: VecDeque<Waiter<M>>,
    normal: VecDeque<Waiter<M>>,
    /// At this many, those that have given up are taken out.
    prune_at: usize,
}

/// The sender that gets the place, and what place it is.
pub(super) struct Grant<M: Send + 'static> {
    pub(super) priority: Priority,
    pub(super) size: usize,
    pub(super) slot_tx: oneshot::Sender<Slot<M>>,
}

/// What has to be done about a message that was taken in.
pub(super) struct Accepted<M> {
    pub(super) waker: Option<Waker>,
    pub(super) dropped: Vec<Item<M>>,
}

/// What a look into the mailbox brought.
pub(super) struct Taken<M: Send + 'static> {
    pub(super) item: Option<Item<M>>,
    pub(super) started: Option<Instant>,
    pub(super) expired: Vec<Item<M>>,
    pub(super) grants: Vec<Grant<M>>,
    /// The look was cut short; look again.
    pub(super) again: bool,
}

pub(super) struct State<M: Send + 'static> {
    queue: Queue<M>,
    pub(super) limits: Limits,
    pub(super) on_crash: OnCrash,
    pub(super) undelivered: Option<Hook<M>>,
    /// Places given to [`Slot`]s that are not filled yet.
    held: usize,
    held_bytes: usize,
    waiters: Option<Box<Waiters<M>>>,
    waker: Option<Waker>,
    /// The actor knows that there is work: no further wake needed.
    awake: bool,
    closed: bool,
    pub(super) counts: Counts,
    meters: Option<Box<Meters>>,
}

impl<M: Send + 'static> State<M> {
    pub(super) fn new(limits: Limits) -> Self {
        State {
            queue: Queue::default(),
            limits,
            on_crash: OnCrash::default(),
            undelivered: None,
            held: 0,
            held_bytes: 0,
            waiters: None,
            waker: None,
            awake: false,
            closed: false,
            counts: Counts::default(),
            meters: None,
        }
    }

    fn hands(&self) -> Hands {
        Hands { all: self.limits.concurrency, per_key: self.limits.per_key }
    }

    // ---- room

    fn fits(&self, priority: Priority, size: usize) -> bool {
        self.fits_beside(self.queue.waiting(), priority, size)
    }

    /// Returns whether there is room if this much waits, beside the places that are held.
    fn fits_beside(&self, waiting: Waiting, priority: Priority, size: usize) -> bool {
        let Limits { messages, bytes, .. } = self.limits;
        let (messages, bytes) = match priority {
            Priority::Control => return self.queue.control() < CONTROL,
            Priority::High => {
                (messages.saturating_add(HIGH_MESSAGES), bytes.saturating_add(bytes / HIGH_BYTES))
            }
            Priority::Normal => (messages, bytes),
        };
        let taken = waiting.bytes + self.held_bytes;
        waiting.messages + self.held < messages && (taken == 0 || taken.saturating_add(size) <= bytes)
    }

    /// Returns whether senders before this one still wait for room.
    fn is_contended(&self, priority: Priority) -> bool {
        self.waiters.as_ref().is_some_and(|waiters| match priority {
            Priority::Control => false,
            Priority::High => !waiters.high.is_empty(),
            Priority::Normal => !waiters.high.is_empty() || !waiters.normal.is_empty(),
        })
    }

    /// Takes an item in if there is room, or by dropping others if that is the policy.
    pub(super) fn offer(&mut self, item: Item<M>) -> Result<Accepted<M>, SendError<Item<M>>> {
        if self.closed {
            return Err(SendError::Gone(item));
        }
        let mut dropped = Vec::new();
        if self.is_contended(item.priority) || !self.make_room(item.priority, item.size, &mut dropped) {
            return Err(SendError::Full(item));
        }
        Ok(Accepted { waker: self.accept(item), dropped })
    }

    /// Makes sure that there is room, by dropping older ones if that is the policy; `false` when there is none,
    /// and then nothing was dropped.
    fn make_room(&mut self, priority: Priority, size: usize, dropped: &mut Vec<Item<M>>) -> bool {
        if self.fits(priority, size) {
            return true;
        }
        if !self.may_drop(priority, size) {
            return false;
        }
        while !self.fits(priority, size)
            && let Some(oldest) = self.queue.drop_oldest(priority, self.hands())
        {
            self.counts.dropped += 1;
            dropped.push(oldest);
        }
        true
    }

    /// Returns whether there is room once older ones are dropped: none is for a message that would not fit all the
    /// same.
    fn may_drop(&self, priority: Priority, size: usize) -> bool {
        self.limits.on_full == OnFull::DropOldest
            && priority != Priority::Control
            && self.fits_beside(self.queue.lasting(priority), priority, size)
    }

    fn accept(&mut self, item: Item<M>) -> Option<Waker> {
        self.counts.accepted += 1;
        self.meters.get_or_insert_default().arrived.add(item.since);
        self.queue.push(item, self.hands());
        self.wake()
    }

    /// Takes a place for a message to come. Where older ones make room, they do so only when it has come.
    pub(super) fn hold(&mut self, priority: Priority, size: usize) -> Result<(), SendError<()>> {
        if self.closed {
            return Err(SendError::Gone(()));
        }
        let room = self.fits(priority, size) || self.may_drop(priority, size);
        if self.is_contended(priority) || !room {
            return Err(SendError::Full(()));
        }
        self.held += 1;
        self.held_bytes += size;
        Ok(())
    }

    /// Gives a held place back.
    pub(super) fn release(&mut self, size: usize) -> Vec<Grant<M>> {
        self.held -= 1;
        self.held_bytes -= size;
        self.grant()
    }

    /// Fills a held place.
    pub(super) fn fill(&mut self, item: Item<M>) -> Result<Accepted<M>, Item<M>> {
        self.held -= 1;
        self.held_bytes -= item.size;
        if self.closed {
            self.counts.accepted += 1;
            self.counts.gone += 1;
            return Err(item);
        }
        let mut dropped = Vec::new();
        self.make_room(item.priority, item.size, &mut dropped); // the place was promised, whatever came since
        Ok(Accepted { waker: self.accept(item), dropped })
    }

    /// Puts a sender in line for the next place.
    pub(super) fn line_up(&mut self, priority: Priority, size: usize) -> oneshot::Receiver<Slot<M>> {
        let (slot_tx, slot_rx) = oneshot::channel();
        let waiters = self.waiters.get_or_insert_with(|| {
            Box::new(Waiters { high: VecDeque::new(), normal: VecDeque::new(), prune_at: WAITERS })
        });
        if waiters.high.len() + waiters.normal.len() >= waiters.prune_at {
            waiters.high.retain(|waiter| !waiter.slot_tx.is_closed());
            waiters.normal.retain(|waiter| !waiter.slot_tx.is_closed());
            waiters.prune_at = WAITERS.max(2 * (waiters.high.len() + waiters.normal.len()));
        }
        let line = if priority == Priority::Normal { &mut waiters.normal } else { &mut waiters.high };
        line.push_back(Waiter { size, slot_tx });
        slot_rx
    }

    /// Hands free places to those who wait for one, high priority first.
    pub(super) fn grant(&mut self) -> Vec<Grant<M>> {
        let mut grants = Vec::new();
        while let Some(waiters) = &self.waiters {
            let (priority, waiter) = match (waiters.high.front(), waiters.normal.front()) {
                (Some(waiter), _) => (Priority::High, waiter),
                (None, Some(waiter)) => (Priority::Normal, waiter),
                (None, None) => {
                    self.waiters = None;
                    break;
                }
            };
            let (size, given_up) = (waiter.size, waiter.slot_tx.is_closed());
            if !given_up && !self.fits(priority, size) {
                break;
            }
            let waiters = self.waiters.as_mut().expect("there are waiters");
            let line = if priority == Priority::High { &mut waiters.high } else { &mut waiters.normal };
            let waiter = line.pop_front().expect("there is a first one");
            if !given_up {
                self.held += 1;
                self.held_bytes += size;
                grants.push(Grant { priority, size, slot_tx: waiter.slot_tx });
            }
        }
        grants
    }

    // ---- the actor

    /// Returns how to wake the actor, unless it is awake.
    pub(super) fn wake(&mut self) -> Option<Waker> {
        if self.awake {
            return None;
        }
        let waker = self.waker.clone()?;
        self.awake = true;
        Some(waker)
    }

    pub(super) fn woken(&mut self) {
        self.awake = false;
    }

    /// Wakes the actor once more although it is awake, if there is something to take.
    pub(super) fn wake_again(&mut self) -> Option<Waker> {
        self.awake = false;
        if self.queue.ready(self.hands()) { self.wake() } else { None }
    }

    /// Makes `waker` the way to the actor and opens the mailbox.
    pub(super) fn attach(&mut self, waker: Waker) -> Option<Waker> {
        self.closed = false;
        self.waker = Some(waker);
        self.wake_again()
    }

    /// Closes the mailbox; returns what waited in it. Who waits for room is told by the end of its line.
    pub(super) fn close(&mut self) -> Vec<Item<M>> {
        self.closed = true;
        self.awake = false;
        self.waker = None;
        self.waiters = None;
        let items = self.queue.drain();
        self.counts.gone += items.len() as u64;
        items
    }

    /// Returns whether there is nothing to take; the next message wakes the actor then.
    pub(super) fn is_idle(&mut self) -> bool {
        let idle = !self.queue.ready(self.hands());
        self.awake &= !idle;
        idle
    }

    /// Takes the next message that is still worth handling.
    pub(super) fn take(&mut self) -> Taken<M> {
        let mut taken =
            Taken { item: None, started: None, expired: Vec::new(), grants: Vec::new(), again: false };
        while let Some(mut item) = self.queue.pop(self.hands()) {
            let timed = self.counts.handled < ALL_TIMED || self.counts.handled.is_multiple_of(TIMED);
            let near = item.deadline.is_some_and(|deadline| !is_far(deadline));
            let now = (timed || near).then(Instant::now);
            if item.deadline.is_some_and(|deadline| now.is_some_and(|now| now >= deadline)) {
                self.queue.finish(item.key, self.hands());
                self.counts.expired += 1;
                taken.expired.push(item);
                if taken.expired.len() == EXPIRED {
                    taken.again = true;
                    break;
                }
                continue;
            }
            item.attempt += 1;
            taken.started = now.filter(|_| timed);
            taken.item = Some(item);
            break;
        }
        // Under the lock, so that whatever comes next wakes the actor.
        self.awake &= taken.item.is_some() || taken.again;
        if self.waiters.is_some() {
            taken.grants = self.grant();
        }
        taken
    }

    /// Ends the handling of a message that was taken.
    pub(super) fn finish(&mut self, key: Option<u64>, took: Option<Duration>) -> Option<Waker> {
        self.counts.handled += 1;
        self.measure(took);
        self.free(key)
    }

    fn measure(&mut self, took: Option<Duration>) {
        let meters = self.meters.get_or_insert_default();
        meters.handled.add(coarse_millis());
        if let Some(took) = took {
            meters.times.record(took);
        }
    }

    fn free(&mut self, key: Option<u64>) -> Option<Waker> {
        self.queue.finish(key, self.hands());
        // Only an actor that was held back by the limits of concurrency has to look again.
        if !self.awake && self.queue.ready(self.hands()) { self.wake() } else { None }
    }

    /// Ends the handling of a message whose actor crashed; returns it if it is not to be handled again.
    pub(super) fn crashed(
        &mut self,
        item: Item<M>,
        reason: &str,
    ) -> (Option<Waker>, Option<(M, Undelivered)>) {
        let key = item.key;
        let attempts = match self.on_crash {
            OnCrash::Retry { attempts } => attempts,
            OnCrash::Fail | OnCrash::DeadLetter => 0,
        };
        if !self.closed && item.attempt < attempts {
            let hands = self.hands();
            self.queue.finish(key, hands);
            self.queue.push_front(item, hands);
            let waker = if self.awake { None } else { self.wake() };
            return (waker, None);
        }
        self.measure(None);
        let reason = reason.to_owned();
        let end = if self.on_crash == OnCrash::Fail {
            self.counts.failed += 1;
            Undelivered::Failed { reason }
        } else if self.closed && item.attempt < attempts {
            self.counts.gone += 1;
            Undelivered::Gone
        } else {
            self.counts.dead_lettered += 1;
            Undelivered::DeadLettered { reason, attempts: item.attempt }
        };
        (self.free(key), Some((item.message, end)))
    }

    // ---- what it says of itself

    #[cfg(test)]
    pub(super) fn waiting_senders(&self) -> usize {
        self.waiters.as_ref().map_or(0, |waiters| waiters.high.len() + waiters.normal.len())
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.waiting().messages + self.queue.control()
    }

    pub(super) fn load(&mut self) -> Load {
        let (counts, limits, now) = (self.counts, self.limits, coarse_millis());
        let oldest = self.queue.oldest().map_or(0, |since| now.saturating_sub(since));
        let mut load = Load {
            queued: self.queued(),
            capacity: limits.messages,
            bytes: self.queue.waiting().bytes,
            capacity_bytes: limits.bytes,
            oldest_ms: oldest,
            in_flight: self.queue.in_hand(),
            accepted: counts.accepted,
            refused: counts.refused,
            dropped: counts.dropped,
            expired: counts.expired,
            handled: counts.handled + counts.failed,
            dead_lettered: counts.dead_lettered,
            ..Load::default()
        };
        if let Some(meters) = &mut self.meters {
            load.rate_in = meters.arrived.rate(now);
            load.rate_out = meters.handled.rate(now);
            load.p50_ms = meters.times.quantile(0.5);
            load.p99_ms = meters.times.quantile(0.99);
        }
        load
    }
}
