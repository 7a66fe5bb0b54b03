//! What goes into a mailbox and what may become of it. Plain data: written by senders, read by the mailbox.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use crate::invocation::Failure;
use crate::schema::Overflow;

/// Which messages are taken first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Before everything else, and whatever the concurrency is. Needs no free place: control messages have a small
    /// bound of their own, and one too many is refused at once.
    Control,
    /// Before normal messages. Has a few places of its own beside those it shares with normal messages.
    High,
    /// In the order of arrival.
    #[default]
    Normal,
}

/// What a full mailbox does with one more message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnFull {
    /// Hands it back to its sender at once.
    Fail,
    /// Has its sender wait for room, up to the sender's own limit. `try_send` cannot wait: it fails.
    #[default]
    Wait,
    /// Takes it in, and drops the oldest ones for it.
    DropOldest,
}

impl From<Overflow> for OnFull {
    fn from(overflow: Overflow) -> Self {
        match overflow {
            Overflow::Fail => OnFull::Fail,
            Overflow::Wait => OnFull::Wait,
            Overflow::DropOldest => OnFull::DropOldest,
        }
    }
}

/// What becomes of the message that was in hand when its actor crashed or was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum OnCrash {
    /// It failed: whoever asked is told, and it is not handled again.
    #[default]
    Fail,
    /// It goes back to the front and is handled again, in all at most `attempts` times; then it is a dead letter.
    Retry {
        /// How often it is handed out at most; 0 counts as 1.
        attempts: u32,
    },
    /// It is a dead letter at once: counted, logged, and given to the hook.
    DeadLetter,
}

/// How much a mailbox holds and how much of it is handled at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Messages that may wait. Default 1,024.
    pub messages: usize,
    /// Bytes that may wait, as far as messages say how big they are; one that is larger than all of it passes
    /// alone. Default 64 MiB.
    pub bytes: usize,
    /// Messages in hand at once, over all keys. Default 1.
    pub concurrency: usize,
    /// Messages of one key in hand at once; more than 1 gives the order within a key up. Default 1.
    pub per_key: usize,
    /// What happens when there is no room. Default [`OnFull::Wait`].
    pub on_full: OnFull,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { messages: 1024, bytes: 64 << 20, concurrency: 1, per_key: 1, on_full: OnFull::Wait }
    }
}

/// A message on its way into a mailbox, with what the mailbox needs to know of it. A bare message is a letter of
/// normal priority without key and deadline.
#[derive(Debug, Clone)]
pub struct Letter<M> {
    pub(super) message: M,
    pub(super) priority: Priority,
    pub(super) size: usize,
    pub(super) key: Option<u64>,
    pub(in crate::actors) deadline: Option<Instant>,
}

impl<M> Letter<M> {
    /// Wraps `message`; its size is that of the value itself, without what it points to.
    pub fn new(message: M) -> Self {
        let size = size_of::<M>();
        Letter { message, priority: Priority::Normal, size, key: None, deadline: None }
    }

    /// Sets the priority.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Says how many bytes the message holds.
    pub fn size(mut self, bytes: usize) -> Self {
        self.size = bytes;
        self
    }

    /// Keeps the order among the messages of this key, while other keys go on. Two keys whose hashes are equal
    /// share one order.
    pub fn key(mut self, key: &(impl Hash + ?Sized)) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.key = Some(hasher.finish());
        self
    }

    /// Says when the message is worth nothing any more: from then on it is not handed to the actor.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// As [`deadline`](Letter::deadline), counted from now; never, if that is beyond what the clock can say.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.deadline = Instant::now().checked_add(time);
        self
    }
}

impl<M> From<M> for Letter<M> {
    fn from(message: M) -> Self {
        Letter::new(message)
    }
}

/// The mailbox did not take the message, which comes back.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError<M> {
    /// There is no room, or was none until the deadline.
    #[error("the mailbox is full")]
    Full(M),
    /// The actor is gone for good.
    #[error("the actor is gone")]
    Gone(M),
}

impl<M> SendError<M> {
    /// Returns the message.
    pub fn into_message(self) -> M {
        match self {
            SendError::Full(message) | SendError::Gone(message) => message,
        }
    }

    pub(crate) fn map<N>(self, map: impl FnOnce(M) -> N) -> SendError<N> {
        match self {
            SendError::Full(message) => SendError::Full(map(message)),
            SendError::Gone(message) => SendError::Gone(map(message)),
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "Full(..)",
            SendError::Gone(_) => "Gone(..)",
        })
    }
}

/// For handlers that send: without the message, and for "full" as something that may succeed later.
impl<M> From<SendError<M>> for Failure {
    fn from(error: SendError<M>) -> Self {
        match error {
            SendError::Full(_) => Failure::Overloaded { entity: "an actor".to_owned() },
            SendError::Gone(_) => Failure::Crashed("an actor is gone".to_owned()),
        }
    }
}

/// Why a message that was taken in will not be handled; what [`Mailbox::undelivered`] is told with it.
///
/// [`Mailbox::undelivered`]: crate::actors::mailbox::Mailbox::undelivered
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undelivered {
    /// It made room for a newer one.
    Dropped,
    /// Its deadline passed while it waited.
    Expired,
    /// The actor is gone for good.
    Gone,
    /// Its actor crashed over it, and it is not tried again.
    Failed {
        /// How the actor ended.
        reason: String,
    },
    /// Its actor crashed over it as often as it may, or once if that is the policy.
    DeadLettered {
        /// How the actor ended the last time.
        reason: String,
        /// How often it was handed out.
        attempts: u32,
    },
}

/// What has become of all messages so far: `accepted` is the sum of what is handled, failed, dead-lettered,
/// dropped, expired and gone, plus what waits and what is in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Taken in.
    pub accepted: u64,
    /// Not taken in: there was no room, or the actor was gone.
    pub refused: u64,
    /// Dropped for newer ones.
    pub dropped: u64,
    /// Not handed out because their deadline had passed.
    pub expired: u64,
    /// Handled to the end.
    pub handled: u64,
    /// In hand when their actor crashed, and given up by [`OnCrash::Fail`].
    pub failed: u64,
    /// In hand when their actor crashed, and dead letters now.
    pub dead_lettered: u64,
    /// Given back because the actor went for good.
    pub gone: u64,
}
