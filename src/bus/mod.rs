//! Buses carry events. One trait [`Bus`], one [`Envelope`], the same semantics on every bus.
//!
//! Called by actors that publish and by the composition root, which subscribes the event handlers. A bus knows
//! neither handlers nor schemas: payloads are checked before they come here.

use std::time::Instant;

use futures_util::future::BoxFuture;

mod envelope;
pub mod memory;

#[cfg(test)]
mod tests;

pub use crate::bus::envelope::Envelope;

/// Why an event was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A subscriber's mailbox stayed full until the deadline; no subscriber got the event.
    #[error("subscriber {subscriber} of {event} has no room")]
    Full {
        /// The event.
        event: String,
        /// Whose mailbox is full.
        subscriber: String,
    },
    /// Nobody routes this event.
    #[error("no bus carries the event {0}")]
    Unrouted(String),
}

/// A place for one envelope at one subscriber; filling it cannot fail.
pub type Place = Box<dyn FnOnce(Envelope) + Send>;

/// Somebody who gets every message of an event.
pub trait Subscriber: Send + Sync + 'static {
    /// Returns the name shown in errors.
    fn name(&self) -> String;

    /// Waits for room for one envelope of `size` bytes until `deadline`; `None` when there is none.
    fn reserve(&self, size: usize, deadline: Instant) -> BoxFuture<'_, Option<Place>>;

    /// Tells that the subscriber is gone for good and is to be forgotten.
    fn is_gone(&self) -> bool {
        false
    }
}

/// Carries events from publishers to subscribers.
pub trait Bus: Send + Sync + 'static {
    /// Declares an event; publishing an undeclared one is an error.
    fn declare(&self, event: &str);

    /// Adds a subscriber: it gets each message published from now on exactly once from this bus.
    fn subscribe(&self, event: &str, subscriber: Box<dyn Subscriber>);

    /// Publishes all of `envelopes`, in order, to all their subscribers or, on an error, nothing to anybody. Waits
    /// for room until `deadline`.
    ///
    /// # Errors
    /// [`Error::Full`] when a mailbox stays full, [`Error::Unrouted`] for an undeclared event.
    ///
    /// # Cancel safety
    /// A dropped future has published to nobody.
    fn publish(&self, envelopes: Vec<Envelope>, deadline: Instant) -> BoxFuture<'_, Result<(), Error>>;

    /// Forgets every event and subscriber: the app is gone, its streams end.
    fn close(&self);
}
