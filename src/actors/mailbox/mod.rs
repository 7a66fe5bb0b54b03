//! The bounded mailbox in front of an actor. It outlives the actor: a restart takes it over as it is.
//!
//! ```text
//!  sender ──try_send / send──▶ queue (bounded) ──take──▶ Delivery ──▶ the actor, or a task of it
//!              │ full: the message comes back │ waits │ drops older ones
//!              └──one Wake while the actor sleeps──▶ actor
//! ```
//!
//! `ractor`'s own mailboxes are unbounded, so work never goes through them: they carry at most one [`Wake`] per
//! mailbox plus control messages, which therefore overtake all queued work. Before the actor runs and between two
//! incarnations of it, messages wait. Used by every actor with work; knows nothing of what a message means.

mod delivery;
mod handle;
mod letter;
mod meters;
mod queue;
mod state;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

pub use crate::actors::mailbox::delivery::{Batch, Delivery, Permit, Slot};
pub use crate::actors::mailbox::handle::{Mailbox, WeakMailbox};
pub use crate::actors::mailbox::letter::{
    Counts, Letter, Limits, OnCrash, OnFull, Priority, SendError, Undelivered,
};

/// Tells an actor that its mailbox has something to take.
#[derive(Debug, Clone, Copy)]
pub struct Wake;
