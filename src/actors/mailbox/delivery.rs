//! What comes out of a mailbox: a message that is owned until it is handled, and the permit that its handling holds.
//!
//! ```text
//!  take ─▶ Delivery ──done──────────────▶ handled
//!             │  └──into_parts──▶ (message, Permit) ──drop──▶ handled
//!             └──dropped: panic, kill, error──▶ OnCrash: back to the front │ failed │ dead letter
//! ```
//!
//! Made by the mailbox, held by actors and by the tasks they start.

use std::ops::Deref;
use std::time::Instant;

use crate::actors::mailbox::Mailbox;
use crate::actors::mailbox::letter::{Letter, Priority};
use crate::actors::mailbox::queue::Item;

/// Messages that an actor handles before it looks at its own control port again.
const BATCH: usize = 64;

/// A message in hand. Dropping it without [`done`](Delivery::done) means that its handling crashed.
pub struct Delivery<M: Send + 'static> {
    item: Option<Item<M>>,
    /// Both are there as long as the item is.
    permit: Option<Permit<M>>,
}

impl<M: Send + 'static> Delivery<M> {
    pub(super) fn new(mailbox: Mailbox<M>, item: Item<M>, started: Option<Instant>) -> Self {
        let permit = Permit { key: item.key, mailbox: Some(mailbox), started };
        Delivery { item: Some(item), permit: Some(permit) }
    }

    fn item(&self) -> &Item<M> {
        self.item.as_ref().expect("only the end of a delivery takes the item out")
    }

    /// Returns how often the message has been handed out, with this time.
    pub fn attempt(&self) -> u32 {
        self.item().attempt
    }

    /// Returns the priority it was sent with.
    pub fn priority(&self) -> Priority {
        self.item().priority
    }

    /// Says that the message is handled.
    pub fn done(mut self) {
        self.item = None;
        self.permit = None;
    }

    /// Says that the handling crashed, and how; the mailbox does with the message what its policy is.
    pub fn crashed(mut self, reason: &str) {
        self.crash(reason);
    }

    /// Gives the message away: whatever happens now, it counts as handled when the permit is dropped.
    pub fn into_parts(mut self) -> (M, Permit<M>) {
        let item = self.item.take().expect("only the end of a delivery takes the item out");
        (item.message, self.permit.take().expect("the permit goes with the item"))
    }

    fn crash(&mut self, reason: &str) {
        let (item, permit) = (self.item.take(), self.permit.take());
        if let (Some(item), Some(mut permit)) = (item, permit)
            && let Some(mailbox) = permit.mailbox.take()
        {
            mailbox.crashed(item, reason);
        }
    }
}

impl<M: Send + 'static> Deref for Delivery<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.item().message
    }
}

impl<M: Send + 'static> Drop for Delivery<M> {
    fn drop(&mut self) {
        if self.item.is_some() {
            self.crash(if std::thread::panicking() { "it panicked" } else { "it was stopped" });
        }
    }
}

/// Holds a message's share of the concurrency while it is handled.
pub struct Permit<M: Send + 'static> {
    /// Taken out when the share ends another way.
    mailbox: Option<Mailbox<M>>,
    key: Option<u64>,
    started: Option<Instant>,
}

impl<M: Send + 'static> Drop for Permit<M> {
    fn drop(&mut self) {
        if let Some(mailbox) = self.mailbox.take() {
            mailbox.finish(self.key, self.started.map(|started| started.elapsed()));
        }
    }
}

/// A place in a mailbox that is ours to fill; dropping it gives it back.
pub struct Slot<M: Send + 'static> {
    /// Taken out when the place is filled.
    mailbox: Option<Mailbox<M>>,
    priority: Priority,
    size: usize,
}

impl<M: Send + 'static> Slot<M> {
    pub(super) fn new(mailbox: Mailbox<M>, priority: Priority, size: usize) -> Self {
        Slot { mailbox: Some(mailbox), priority, size }
    }

    /// Fills the place; size and priority are those it was reserved with. If the actor has gone for good
    /// meanwhile, the message is given to the hook of undelivered ones.
    pub fn send(mut self, letter: impl Into<Letter<M>>) {
        if let Some(mailbox) = self.mailbox.take() {
            let letter = letter.into();
            mailbox.fill(Letter { priority: self.priority, size: self.size, ..letter });
        }
    }
}

impl<M: Send + 'static> Drop for Slot<M> {
    fn drop(&mut self) {
        if let Some(mailbox) = self.mailbox.take() {
            mailbox.release(self.size);
        }
    }
}

/// What an actor handles for one wake: a bounded number of messages, so that it can be stopped in between. If more
/// wait at its end, it wakes the actor again.
pub struct Batch<'a, M: Send + 'static> {
    mailbox: &'a Mailbox<M>,
    left: usize,
}

impl<'a, M: Send + 'static> Batch<'a, M> {
    pub(super) fn new(mailbox: &'a Mailbox<M>) -> Self {
        Batch { mailbox, left: BATCH }
    }
}

impl<M: Send + 'static> Iterator for Batch<'_, M> {
    type Item = Delivery<M>;

    fn next(&mut self) -> Option<Delivery<M>> {
        self.left = self.left.checked_sub(1)?;
        let delivery = self.mailbox.take();
        if delivery.is_none() {
            self.left = BATCH; // nothing is left behind
        }
        delivery
    }
}

impl<M: Send + 'static> Drop for Batch<'_, M> {
    fn drop(&mut self) {
        if self.left < BATCH {
            self.mailbox.wake_again();
        }
    }
}
