//! The typed reference to an actor of the user's own: tell and ask, with priority, size and time limit.
//!
//! Held by whoever talks to the actor. It leads to the mailbox, not to an incarnation, so it stays good across
//! restarts and works before the first start.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::actors::mailbox::{Letter, Mailbox, Priority, SendError, Undelivered};
use crate::actors::user::reply::{Asker, Awaited, NoAnswer, Reply, question};
use crate::invocation::Failure;
use crate::supervision::Load;

/// How long `tell` waits for room and `ask` for its answer, unless the sender says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longer than any program runs: thirty years.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// A message with whoever waits for the answer to it.
pub(super) struct Told<M> {
    pub(super) message: M,
    pub(super) asker: Option<Arc<dyn Asker>>,
}

impl<M> Told<M> {
    /// Tells the asker that there will be no answer; returns the message.
    pub(super) fn end(self, end: &Undelivered) -> M {
        if let Some(asker) = &self.asker {
            asker.end(match end {
                Undelivered::Dropped => NoAnswer::Full,
                Undelivered::Expired => NoAnswer::TimedOut,
                Undelivered::Gone => NoAnswer::Gone,
                Undelivered::Failed { reason } | Undelivered::DeadLettered { reason, .. } => {
                    NoAnswer::Crashed(reason.clone())
                }
            });
        }
        self.message
    }
}

/// Why an ask ended without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// There was no room in the mailbox, or the question made room for a newer message.
    #[error("the mailbox of {actor} is full")]
    Full {
        /// Who was asked.
        actor: Arc<str>,
    },
    /// There was no answer in time.
    #[error("{actor} did not answer in time")]
    TimedOut {
        /// Who was asked.
        actor: Arc<str>,
    },
    /// The actor crashed over the question, or dropped the reply.
    #[error("{actor} crashed: {reason}")]
    Crashed {
        /// Who was asked.
        actor: Arc<str>,
        /// How it ended.
        reason: String,
    },
    /// The actor is gone for good.
    #[error("{actor} is gone")]
    Gone {
        /// Who was asked.
        actor: Arc<str>,
    },
}

/// For handlers that ask: their own caller learns that it may try again, and nothing of the actor.
impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Full { actor } => Failure::Overloaded { entity: actor.to_string() },
            AskError::TimedOut { .. } => Failure::TimedOut,
            AskError::Crashed { actor, reason } => Failure::Crashed(format!("{actor}: {reason}")),
            AskError::Gone { actor } => Failure::Crashed(format!("{actor} is gone")),
        }
    }
}

/// A reference to an actor that takes messages `M`; clones lead to the same actor.
pub struct Ref<M: Send + Sync + 'static>(pub(super) Mailbox<Told<M>>);

impl<M: Send + Sync + 'static> Clone for Ref<M> {
    fn clone(&self) -> Self {
        Ref(self.0.clone())
    }
}

impl<M: Send + Sync + 'static> fmt::Debug for Ref<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref({})", self.name())
    }
}

impl<M: Send + Sync + 'static> Ref<M> {
    pub(super) fn new(mailbox: Mailbox<Told<M>>) -> Self {
        Ref(mailbox)
    }

    /// Returns the actor's name.
    pub fn name(&self) -> &Arc<str> {
        self.0.name()
    }

    /// Reads how busy the actor's mailbox is.
    pub fn load(&self) -> Load {
        self.0.load()
    }

    /// Sends a message; waits for room, if the mailbox is one to wait for, up to 30 s.
    ///
    /// # Errors
    /// [`SendError`] with the message when there is no room or the actor is gone for good.
    ///
    /// # Cancel safety
    /// Not cancel-safe: a dropped future drops the message.
    pub async fn tell(&self, message: M) -> Result<(), SendError<M>> {
        self.sending().tell(message).await
    }

    /// Sends a message without waiting.
    ///
    /// # Errors
    /// [`SendError`] with the message when there is no room or the actor is gone for good.
    pub fn try_tell(&self, message: M) -> Result<(), SendError<M>> {
        self.sending().try_tell(message)
    }

    /// Sends the message that `make` makes of a [`Reply`], and waits for the answer, up to 30 s.
    ///
    /// # Errors
    /// [`AskError`]; it always ends.
    ///
    /// # Cancel safety
    /// Dropping the future gives the answer up; the message may be handled all the same.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use rohas::{AskError, Failure, Ref, Reply};
    ///
    /// struct Price { article: String, reply: Reply<u32> }
    ///
    /// async fn price(prices: &Ref<Price>, article: &str) -> Result<u32, Failure> {
    ///     let article = article.to_owned();
    ///     let limit = Duration::from_millis(200);
    ///     match prices.within(limit).ask(|reply| Price { article, reply }).await {
    ///         Err(AskError::TimedOut { .. }) => Ok(0), // no price is better than no page
    ///         answer => Ok(answer?),
    ///     }
    /// }
    /// ```
    pub async fn ask<T: Send + 'static>(&self, make: impl FnOnce(Reply<T>) -> M) -> Result<T, AskError> {
        self.sending().ask(make).await
    }

    /// Sends with a priority.
    pub fn priority(&self, priority: Priority) -> Sending<'_, M> {
        self.sending().priority(priority)
    }

    /// Sends with a limit of the time that `tell` waits for room and `ask` for its answer.
    pub fn within(&self, time: Duration) -> Sending<'_, M> {
        self.sending().within(time)
    }

    /// Sends a message that is worth nothing after `time`: then it is not handled any more.
    pub fn expires_in(&self, time: Duration) -> Sending<'_, M> {
        self.sending().expires_in(time)
    }

    /// Sends a message of so many bytes; by default only the message itself counts, not what it points to.
    pub fn size(&self, bytes: usize) -> Sending<'_, M> {
        self.sending().size(bytes)
    }

    fn sending(&self) -> Sending<'_, M> {
        let (priority, within) = (Priority::Normal, PATIENCE);
        Sending { reference: self, priority, within, size: None, deadline: None }
    }

    fn error(&self, why: NoAnswer) -> AskError {
        let actor = Arc::clone(self.name());
        match why {
            NoAnswer::Full => AskError::Full { actor },
            NoAnswer::TimedOut => AskError::TimedOut { actor },
            NoAnswer::Crashed(reason) => AskError::Crashed { actor, reason },
            NoAnswer::Gone => AskError::Gone { actor },
        }
    }
}

/// A message to be sent with other than the usual settings.
#[must_use = "nothing is sent yet"]
pub struct Sending<'a, M: Send + Sync + 'static> {
    reference: &'a Ref<M>,
    priority: Priority,
    within: Duration,
    size: Option<usize>,
    deadline: Option<Instant>,
}

impl<M: Send + Sync + 'static> Sending<'_, M> {
    /// Sets the priority.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Limits how long `tell` waits for room and `ask` for its answer.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Says when the message is worth nothing any more: then it is not handled any more.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.deadline = Instant::now().checked_add(time);
        self
    }

    /// Says how many bytes the message holds.
    pub fn size(mut self, bytes: usize) -> Self {
        self.size = Some(bytes);
        self
    }

    fn letter(&self, message: M, asker: Option<Arc<dyn Asker>>) -> Letter<Told<M>> {
        let mut letter = Letter::new(Told { message, asker }).priority(self.priority);
        letter.deadline = self.deadline;
        match self.size {
            Some(bytes) => letter.size(bytes),
            None => letter,
        }
    }

    /// Sends the message; see [`Ref::tell`].
    ///
    /// # Errors
    /// As [`Ref::tell`].
    pub async fn tell(self, message: M) -> Result<(), SendError<M>> {
        let letter = self.letter(message, None);
        // A clock is only read where there is something to wait for.
        let letter = match self.reference.0.offer(letter) {
            Ok(()) => return Ok(()),
            Err(error) => error.into_message(),
        };
        let sent = self.reference.0.send(letter, after(self.within)).await;
        sent.map_err(|error| error.map(|told| told.message))
    }

    /// Sends the message without waiting.
    ///
    /// # Errors
    /// As [`Ref::try_tell`].
    pub fn try_tell(self, message: M) -> Result<(), SendError<M>> {
        let sent = self.reference.0.try_send(self.letter(message, None));
        sent.map_err(|error| error.map(|told| told.message))
    }

    /// Asks; see [`Ref::ask`].
    ///
    /// # Errors
    /// As [`Ref::ask`].
    pub async fn ask<T: Send + 'static>(self, make: impl FnOnce(Reply<T>) -> M) -> Result<T, AskError> {
        let deadline = after(self.within);
        let (reply, awaited, asker) = question();
        let mut letter = self.letter(make(reply), Some(asker));
        letter.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        let reference = self.reference;
        if let Err(error) = reference.0.send(letter, deadline).await {
            return Err(reference.error(match error {
                SendError::Full(_) => NoAnswer::Full,
                SendError::Gone(_) => NoAnswer::Gone,
            }));
        }
        in_time(awaited, deadline).await.map_err(|why| reference.error(why))
    }
}

/// Returns when `time` has passed; a limit that the clock cannot say, such as [`Duration::MAX`], is as good as none.
fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or_else(|| now + FOREVER)
}

/// Waits for the answer until `deadline`. Most actors answer as soon as they are let, which takes less than a timer
/// does: so there is none until they have been.
async fn in_time<T>(mut awaited: Awaited<T>, deadline: Instant) -> Result<T, NoAnswer> {
    let mut waited = false;
    let at_once = poll_fn(|context| match Pin::new(&mut awaited).poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if std::mem::replace(&mut waited, true) => Poll::Ready(None),
        Poll::Pending => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    });
    if let Some(answer) = at_once.await {
        return answer;
    }
    tokio::time::timeout_at(deadline.into(), awaited).await.unwrap_or(Err(NoAnswer::TimedOut))
}
