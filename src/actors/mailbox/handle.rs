//! The handle on a mailbox: takes the lock, lets [`State`] decide, and tells whoever has to be told without it.
//!
//! Held by senders, by the actor, and by everything that is in hand. Never runs anything of others under the lock.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::actors::mailbox::meters::coarse_millis;
use crate::actors::mailbox::queue::Item;
use crate::actors::mailbox::state::{Accepted, Grant, State};
use crate::actors::mailbox::{
    Batch, Counts, Delivery, Letter, Limits, OnCrash, OnFull, Priority, SendError, Slot, Undelivered,
};
use crate::supervision::Load;

/// How the actor is reached.
pub(super) type Waker = Arc<dyn Fn() + Send + Sync>;

pub(super) struct Inner<M: Send + 'static> {
    name: Arc<str>,
    pub(super) state: Mutex<State<M>>,
}

/// The handle on a mailbox; clones share it.
pub struct Mailbox<M: Send + 'static>(pub(super) Arc<Inner<M>>);

impl<M: Send + 'static> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Mailbox(Arc::clone(&self.0))
    }
}

/// A handle that does not keep the mailbox: for what shows it, which must not keep what its hooks hold.
pub struct WeakMailbox<M: Send + 'static>(Weak<Inner<M>>);

impl<M: Send + 'static> Clone for WeakMailbox<M> {
    fn clone(&self) -> Self {
        WeakMailbox(Weak::clone(&self.0))
    }
}

impl<M: Send + 'static> WeakMailbox<M> {
    /// Returns the handle, if there is another one still.
    pub fn upgrade(&self) -> Option<Mailbox<M>> {
        self.0.upgrade().map(Mailbox)
    }
}

impl<M: Send + 'static> Mailbox<M> {
    /// Makes an empty mailbox for the actor `name`, which is what the log calls it.
    pub fn new(name: impl Into<Arc<str>>, limits: Limits) -> Self {
        Mailbox(Arc::new(Inner { name: name.into(), state: Mutex::new(State::new(limits)) }))
    }

    /// Sets what becomes of the message that is in hand when the actor crashes.
    pub fn on_crash(self, on_crash: OnCrash) -> Self {
        self.0.state.lock().on_crash = on_crash;
        self
    }

    /// Has `hook` called with every message that was taken in and will not be handled: whoever waits for it can
    /// be told. It runs in whatever finds the message, so it must be quick and must not panic.
    pub fn undelivered(self, hook: impl Fn(M, Undelivered) + Send + Sync + 'static) -> Self {
        self.0.state.lock().undelivered = Some(Arc::new(hook));
        self
    }

    /// Returns a handle that does not keep the mailbox.
    pub fn downgrade(&self) -> WeakMailbox<M> {
        WeakMailbox(Arc::downgrade(&self.0))
    }

    /// Returns the name of the actor.
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// Changes the limits; what is in already stays.
    pub fn set_limits(&self, limits: Limits) {
        let (grants, waker) = {
            let mut state = self.0.state.lock();
            state.limits = limits;
            (state.grant(), state.wake())
        };
        self.hand_out(grants);
        wake(waker);
    }

    /// Puts a message in.
    ///
    /// # Errors
    /// [`SendError`] with the message when there is no room or the actor is gone for good.
    pub fn try_send(&self, letter: impl Into<Letter<M>>) -> Result<(), SendError<M>> {
        self.offer(letter.into()).map_err(|error| {
            self.0.state.lock().counts.refused += 1;
            error.map(|letter| letter.message)
        })
    }

    /// Puts a message in, waiting for room until `deadline` if the mailbox is one to wait for.
    ///
    /// # Errors
    /// [`SendError`] with the message when there was no room until then, or the actor is gone for good.
    ///
    /// # Cancel safety
    /// Not cancel-safe: a dropped future drops the message.
    pub async fn send(&self, letter: impl Into<Letter<M>>, deadline: Instant) -> Result<(), SendError<M>> {
        // Most of the time there is room, and then no timer is needed.
        let letter = match self.offer(letter.into()) {
            Ok(()) => return Ok(()),
            Err(SendError::Full(letter)) => letter,
            Err(SendError::Gone(letter)) => {
                self.0.state.lock().counts.refused += 1;
                return Err(SendError::Gone(letter.message));
            }
        };
        match self.place(letter.priority, letter.size, deadline).await {
            Ok(slot) => {
                slot.send(letter);
                Ok(())
            }
            Err(error) => Err(error.map(|()| letter.message)),
        }
    }

    /// Takes a place for a message of `size` bytes, waiting for one until `deadline` if the mailbox is one to wait
    /// for; the message that fills it cannot fail. `None` when there is none, or the actor is gone. Cancel-safe.
    pub async fn reserve(&self, size: usize, deadline: Instant) -> Option<Slot<M>> {
        self.place(Priority::Normal, size, deadline).await.ok()
    }

    async fn place(
        &self,
        priority: Priority,
        size: usize,
        deadline: Instant,
    ) -> Result<Slot<M>, SendError<()>> {
        let waiting = {
            let mut state = self.0.state.lock();
            match state.hold(priority, size) {
                Ok(()) => return Ok(Slot::new(self.clone(), priority, size)),
                Err(SendError::Full(()))
                    if state.limits.on_full == OnFull::Wait && priority != Priority::Control =>
                {
                    state.line_up(priority, size)
                }
                Err(error) => {
                    state.counts.refused += 1;
                    return Err(error);
                }
            }
        };
        let _line = Line(self);
        let error = match tokio::time::timeout_at(deadline.into(), waiting).await {
            Ok(Ok(slot)) => return Ok(slot),
            Ok(Err(_)) => SendError::Gone(()),
            Err(_) => SendError::Full(()),
        };
        self.0.state.lock().counts.refused += 1;
        Err(error)
    }

    pub(in crate::actors) fn offer(&self, letter: Letter<M>) -> Result<(), SendError<Letter<M>>> {
        let item = Item::new(letter, coarse_millis());
        let offered = self.0.state.lock().offer(item);
        let accepted = offered.map_err(|error| error.map(Item::into_letter))?;
        wake(accepted.waker);
        self.tell_all(accepted.dropped, &Undelivered::Dropped);
        Ok(())
    }

    pub(super) fn fill(&self, letter: Letter<M>) {
        let filled = self.0.state.lock().fill(Item::new(letter, coarse_millis()));
        match filled {
            Ok(Accepted { waker, dropped }) => {
                wake(waker);
                self.tell_all(dropped, &Undelivered::Dropped);
            }
            Err(item) => self.tell(item.message, Undelivered::Gone),
        }
    }

    pub(super) fn release(&self, size: usize) {
        let grants = self.0.state.lock().release(size);
        self.hand_out(grants);
    }

    /// Gives places to those who wait for them; one who has given up meanwhile gives its place back.
    fn hand_out(&self, grants: Vec<Grant<M>>) {
        for Grant { priority, size, slot_tx } in grants {
            drop(slot_tx.send(Slot::new(self.clone(), priority, size)));
        }
    }

    /// Makes `waker` the way to reach the actor; called by each incarnation of it when it starts. Opens a mailbox
    /// that was closed.
    pub fn attach(&self, waker: impl Fn() + Send + Sync + 'static) {
        let waker = self.0.state.lock().attach(Arc::new(waker));
        wake(waker);
    }

    /// Gives back whatever waits and refuses what comes, because the actor is gone for good; who waits for room is
    /// told, too. What is in hand comes to its end. [`attach`](Mailbox::attach) opens the mailbox again.
    pub fn close(&self) {
        let items = self.0.state.lock().close();
        self.tell_all(items, &Undelivered::Gone);
    }

    /// Wakes the actor unless it is awake already.
    pub fn wake(&self) {
        let waker = self.0.state.lock().wake();
        wake(waker);
    }

    /// Tells the mailbox that the actor has woken and looks; for one that stops taking before
    /// [`take`](Mailbox::take) has nothing left. Call it before the first `take`.
    pub fn woken(&self) {
        self.0.state.lock().woken();
    }

    pub(super) fn wake_again(&self) {
        let waker = self.0.state.lock().wake_again();
        wake(waker);
    }

    /// Takes the messages that the actor handles for one [`Wake`](super::Wake).
    pub fn batch(&self) -> Batch<'_, M> {
        Batch::new(self)
    }

    /// Takes the next message: control, then high, then normal; `None` when there is none, or the concurrency is
    /// used up.
    pub fn take(&self) -> Option<Delivery<M>> {
        loop {
            let mut state = self.0.state.lock();
            if state.is_idle() {
                return None;
            }
            let taken = state.take();
            drop(state);
            self.hand_out(taken.grants);
            self.tell_all(taken.expired, &Undelivered::Expired);
            if let Some(item) = taken.item {
                return Some(Delivery::new(self.clone(), item, taken.started));
            }
            if !taken.again {
                return None;
            }
        }
    }

    pub(super) fn finish(&self, key: Option<u64>, took: Option<Duration>) {
        let waker = self.0.state.lock().finish(key, took);
        wake(waker);
    }

    pub(super) fn crashed(&self, item: Item<M>, reason: &str) {
        let (waker, ended) = self.0.state.lock().crashed(item, reason);
        if let Some((message, end)) = ended {
            match &end {
                Undelivered::DeadLettered { reason, attempts } => {
                    tracing::error!(actor = %self.0.name, reason, attempts, "message given up: dead letter");
                }
                Undelivered::Failed { reason } => {
                    tracing::warn!(actor = %self.0.name, reason, "message failed: its handling did not end");
                }
                _ => {}
            }
            self.tell(message, end);
        }
        wake(waker);
    }

    fn tell(&self, message: M, end: Undelivered) {
        let hook = self.0.state.lock().undelivered.clone();
        if let Some(hook) = hook {
            hook(message, end);
        }
    }

    fn tell_all(&self, items: Vec<Item<M>>, end: &Undelivered) {
        items.into_iter().for_each(|item| self.tell(item.message, end.clone()));
    }

    /// Counts what waits.
    pub fn queued(&self) -> usize {
        self.0.state.lock().queued()
    }

    /// Reads how busy the mailbox is.
    pub fn load(&self) -> Load {
        self.0.state.lock().load()
    }

    /// Reads what has become of all messages.
    pub fn counts(&self) -> Counts {
        self.0.state.lock().counts
    }
}

/// A place in the line of those who wait for room. Who leaves it may have been all that those behind waited for.
struct Line<'a, M: Send + 'static>(&'a Mailbox<M>);

impl<M: Send + 'static> Drop for Line<'_, M> {
    fn drop(&mut self) {
        let grants = self.0.0.state.lock().grant();
        self.0.hand_out(grants);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker();
    }
}
