//! Actors of the user's own: a trait, a typed reference, and a child that any supervisor of ours can start.
//!
//! ```text
//!  Ref::tell │ ask ──▶ Mailbox ──take──▶ Actor::handle(&message) ──▶ Reply ──▶ ask ends
//!                        ▲ retry              │ Err, panic, kill
//!                        └──── OnCrash ◀──────┘──▶ failed, dead letter: ask ends as Crashed
//! ```
//!
//! Written by users of the library; knows nothing of schemas, engines or doors. The actor handles one message after
//! the other; the mailbox outlives it, so a restart goes on where the last incarnation ended.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use ractor::ActorRef;

use crate::actors::mailbox::Wake;

mod child;
mod group;
mod home;
mod reference;
mod reply;

#[cfg(test)]
mod accounting_tests;
#[cfg(test)]
mod tests;

pub use crate::actors::user::child::Child;
pub use crate::actors::user::group::{Group, Member};
pub(crate) use crate::actors::user::home::Home;
pub use crate::actors::user::reference::{AskError, Ref, Sending};
pub use crate::actors::user::reply::Reply;

/// Why an incarnation of an actor ends.
pub type ActorError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// An actor of the user's own. It is made anew for each incarnation, and has its state to itself.
///
/// # Examples
/// ```
/// use rohas::supervision::{Policy, Strategy, Supervisor, Tree};
/// use rohas::{Actor, ActorError, Child, Reply, Scope};
///
/// enum Count {
///     Add(i64),
///     Get(Reply<i64>),
/// }
///
/// #[derive(Default)]
/// struct Counter {
///     sum: i64,
/// }
///
/// impl Actor for Counter {
///     type Message = Count;
///
///     async fn handle(&mut self, message: &Count, _: &Scope<Count>) -> Result<(), ActorError> {
///         match message {
///             Count::Add(number) => self.sum += number,
///             Count::Get(reply) => reply.send(self.sum),
///         }
///         Ok(())
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = Child::actor("counter", || async { Ok(Counter::default()) });
/// let reference = counter.reference();
/// reference.tell(Count::Add(2)).await?; // not started yet: it waits
///
/// let policy = Policy::new(Strategy::OneForOne);
/// let children = vec![counter.into()];
/// let top = Supervisor { path: "top".to_owned(), policy, tree: Tree::default(), children };
/// let top = top.start().await?;
///
/// reference.tell(Count::Add(3)).await?;
/// assert_eq!(reference.ask(Count::Get).await?, 5);
/// # top.stop(std::time::Duration::from_secs(5)).await;
/// # Ok(())
/// # }
/// ```
pub trait Actor: Send + Sized + 'static {
    /// What it can be told.
    type Message: Send + Sync + 'static;

    /// Handles one message. It is only lent: if the actor crashes over it, the mailbox still has it.
    ///
    /// # Errors
    /// Ends this incarnation, as a panic does; the supervisor decides whether there is another one, and the
    /// mailbox's [`OnCrash`](crate::OnCrash) what becomes of the message.
    fn handle(
        &mut self,
        message: &Self::Message,
        scope: &Scope<Self::Message>,
    ) -> impl Future<Output = Result<(), ActorError>> + Send;

    /// Runs before the first message of each incarnation.
    ///
    /// # Errors
    /// The actor does not start.
    fn started(
        &mut self,
        scope: &Scope<Self::Message>,
    ) -> impl Future<Output = Result<(), ActorError>> + Send {
        let _ = scope;
        std::future::ready(Ok(()))
    }

    /// Runs when the actor is stopped, by itself or by its supervisor, but not when it crashed or was killed.
    fn stopped(&mut self, scope: &Scope<Self::Message>) -> impl Future<Output = ()> + Send {
        let _ = scope;
        std::future::ready(())
    }
}

/// What an actor knows of itself while it handles a message.
pub struct Scope<M: Send + Sync + 'static> {
    reference: Ref<M>,
    home: Home,
    actor: ActorRef<Wake>,
    attempt: u32,
    stopping: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl<M: Send + Sync + 'static> Scope<M> {
    fn new(reference: Ref<M>, home: Home, actor: ActorRef<Wake>) -> Self {
        let (stopping, failure) = (AtomicBool::new(false), Mutex::new(None));
        Scope { reference, home, actor, attempt: 0, stopping, failure }
    }

    /// Returns the actor's own reference.
    pub fn reference(&self) -> &Ref<M> {
        &self.reference
    }

    /// Returns the actor's name.
    pub fn name(&self) -> &Arc<str> {
        self.reference.name()
    }

    /// Returns where the actor lives.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Returns how often the message in hand has been handled, with this time: more than 1 after a crash.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Ends the actor normally after the message in hand. A permanent child is started again.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.actor.stop(None);
    }

    /// Ends the actor with a failure after the message in hand, which counts as handled.
    pub fn fail(&self, reason: impl fmt::Display) {
        self.stopping.store(true, Ordering::Release);
        *self.failure.lock() = Some(reason.to_string());
    }

    /// Returns whether no further message is to be handled, `Err` if that is a failure.
    fn ending(&self) -> Result<bool, ActorError> {
        if !self.stopping.load(Ordering::Acquire) {
            return Ok(false);
        }
        match self.failure.lock().take() {
            Some(reason) => Err(reason.into()),
            None => Ok(true),
        }
    }
}
