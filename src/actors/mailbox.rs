//! The bounded mailbox in front of an entity actor. It outlives the actor: a restart takes it over as it is.
//!
//! ```text
//!  sender ──try_send / send──▶ queue (bounded) ──take──▶ (message, Permit) ──▶ task
//!              │ full: the message comes back               │ drop: room for the next
//!              └──one Wake while the actor sleeps──▶ actor ◀─┘
//! ```
//!
//! `ractor`'s own mailboxes are unbounded, so work never goes through them: they carry at most one [`Wake`] per
//! mailbox plus control messages, which therefore overtake all queued work. Used by every entity actor; knows
//! nothing of what a message means.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::supervision::Load;

/// Tells an actor that its mailbox has something to take.
#[derive(Debug, Clone, Copy)]
pub struct Wake;

/// The message came back because the mailbox is full, or stayed full until the deadline.
#[derive(Debug, PartialEq, Eq)]
pub struct Full<M>(pub M);

type Waker = Arc<dyn Fn() + Send + Sync>;

struct Inner<M> {
    queue: Mutex<VecDeque<M>>,
    /// One permit per free place in the queue.
    places: Arc<Semaphore>,
    capacity: usize,
    /// How many messages may be in hand at once.
    concurrency: usize,
    in_flight: AtomicUsize,
    /// The actor knows that there is work: no further wake needed.
    awake: AtomicBool,
    waker: Mutex<Option<Waker>>,
    accepted: AtomicU64,
    refused: AtomicU64,
}

/// The handle on a mailbox; clones share it.
pub struct Mailbox<M>(Arc<Inner<M>>);

impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Mailbox(Arc::clone(&self.0))
    }
}

impl<M: Send + 'static> Mailbox<M> {
    /// Makes an empty mailbox for `capacity` waiting messages of which `concurrency` may be in hand at once.
    pub fn new(capacity: usize, concurrency: usize) -> Self {
        Mailbox(Arc::new(Inner {
            queue: Mutex::new(VecDeque::new()),
            places: Arc::new(Semaphore::new(capacity.min(Semaphore::MAX_PERMITS))),
            capacity,
            concurrency,
            in_flight: AtomicUsize::new(0),
            awake: AtomicBool::new(false),
            waker: Mutex::new(None),
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }))
    }

    /// Puts a message in.
    ///
    /// # Errors
    /// [`Full`] with the message when there is no room.
    pub fn try_send(&self, message: M) -> Result<(), Full<M>> {
        match self.0.places.try_acquire() {
            Ok(place) => {
                place.forget();
                self.push(message);
                Ok(())
            }
            Err(_) => {
                self.0.refused.fetch_add(1, Ordering::Relaxed);
                Err(Full(message))
            }
        }
    }

    /// Puts a message in, waiting for room until `deadline`.
    ///
    /// # Errors
    /// [`Full`] with the message when there was no room until then.
    ///
    /// # Cancel safety
    /// Not cancel-safe: a dropped future drops the message.
    pub async fn send(&self, message: M, deadline: Instant) -> Result<(), Full<M>> {
        match self.reserve(deadline).await {
            Some(slot) => {
                slot.send(message);
                Ok(())
            }
            None => Err(Full(message)),
        }
    }

    /// Waits for a place until `deadline`; the message that fills it cannot fail. Cancel-safe.
    pub async fn reserve(&self, deadline: Instant) -> Option<Slot<M>> {
        // Most of the time there is room, and then no timer is needed.
        if let Ok(place) = Arc::clone(&self.0.places).try_acquire_owned() {
            return Some(Slot { mailbox: self.clone(), place });
        }
        let acquire = Arc::clone(&self.0.places).acquire_owned();
        match tokio::time::timeout_at(deadline.into(), acquire).await {
            Ok(Ok(place)) => Some(Slot { mailbox: self.clone(), place }),
            _ => {
                self.0.refused.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    fn push(&self, message: M) {
        self.0.queue.lock().push_back(message);
        self.0.accepted.fetch_add(1, Ordering::Relaxed);
        self.wake();
    }

    /// Makes `waker` the way to reach the actor; called by each incarnation of it when it starts.
    pub fn attach(&self, waker: impl Fn() + Send + Sync + 'static) {
        *self.0.waker.lock() = Some(Arc::new(waker));
        self.0.awake.store(false, Ordering::SeqCst);
        if !self.0.queue.lock().is_empty() {
            self.wake();
        }
    }

    /// Wakes the actor unless it is awake already.
    pub fn wake(&self) {
        if self.0.awake.swap(true, Ordering::SeqCst) {
            return;
        }
        let waker = self.0.waker.lock().clone();
        match waker {
            Some(waker) => waker(),
            None => self.0.awake.store(false, Ordering::SeqCst),
        }
    }

    /// Tells the mailbox that the actor has woken and looks; call it before the first `take`.
    pub fn woken(&self) {
        self.0.awake.store(false, Ordering::SeqCst);
    }

    /// Takes the oldest message, `None` when there is none or the concurrency is used up. The message counts as
    /// in hand until the permit is dropped.
    pub fn take(&self) -> Option<(M, Permit<M>)> {
        let reserved = self
            .0
            .in_flight
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| (n < self.0.concurrency).then_some(n + 1));
        if reserved.is_err() {
            return None;
        }
        let permit = Permit(self.clone());
        let message = self.0.queue.lock().pop_front()?;
        self.0.places.add_permits(1);
        Some((message, permit))
    }

    /// Reads how busy the mailbox is.
    pub fn load(&self) -> Load {
        Load {
            queued: self.0.queue.lock().len(),
            capacity: self.0.capacity,
            in_flight: self.0.in_flight.load(Ordering::Acquire),
            accepted: self.0.accepted.load(Ordering::Relaxed),
            refused: self.0.refused.load(Ordering::Relaxed),
            ..Load::default()
        }
    }
}

/// A place in a mailbox that is ours to fill; dropping it gives it back.
pub struct Slot<M> {
    mailbox: Mailbox<M>,
    place: OwnedSemaphorePermit,
}

impl<M: Send + 'static> Slot<M> {
    /// Fills the place.
    pub fn send(self, message: M) {
        self.place.forget();
        self.mailbox.push(message);
    }
}

/// Holds a message's share of the concurrency while it is handled.
pub struct Permit<M: Send + 'static>(Mailbox<M>);

impl<M: Send + 'static> Drop for Permit<M> {
    fn drop(&mut self) {
        let before = self.0.0.in_flight.fetch_sub(1, Ordering::AcqRel);
        // Only a mailbox that was held back by its concurrency has to look again.
        if before == self.0.0.concurrency && !self.0.0.queue.lock().is_empty() {
            self.0.wake();
        }
    }
}
