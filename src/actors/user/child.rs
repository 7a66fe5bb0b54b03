//! An actor of the user's own as a child of a supervisor: how it is made, its mailbox, what a crash does.
//!
//! ```text
//!  supervisor ──start──▶ Shell: make the actor, started, attach the mailbox
//!  mailbox ──Wake──▶ Shell ──batch──▶ Actor::handle, one message after the other
//! ```
//!
//! Made by users; started by the supervisor that its [`ChildSpec`] is given to.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use ractor::{ActorProcessingErr, ActorRef};

use crate::actors::mailbox::{Limits, Mailbox, OnCrash, Undelivered, Wake};
use crate::actors::user::home::Home;
use crate::actors::user::reference::{Ref, Told};
use crate::actors::user::{Actor, ActorError, Scope};
use crate::supervision::{ChildSpec, Restart, Shutdown};

type Make<A> = Arc<dyn Fn() -> BoxFuture<'static, Result<A, ActorError>> + Send + Sync>;

/// Describes an actor of the user's own as a child of a supervisor.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use rohas::supervision::{ChildSpec, Restart};
/// use rohas::{Actor, ActorError, Child, Limits, OnCrash, OnFull, Ref, Scope};
///
/// struct Mailer;
///
/// impl Actor for Mailer {
///     type Message = String;
///
///     async fn handle(&mut self, address: &String, scope: &Scope<String>) -> Result<(), ActorError> {
///         if scope.attempt() > 1 {
///             tokio::time::sleep(Duration::from_millis(50)).await;
///         }
///         address.parse::<std::net::IpAddr>()?; // an error ends this incarnation
///         Ok(())
///     }
/// }
///
/// let mailer = Child::actor("mailer", || async { Ok(Mailer) })
///     .mailbox(Limits { messages: 100, bytes: 1 << 20, on_full: OnFull::Fail, ..Limits::default() })
///     .restart(Restart::Transient)
///     .on_crash(OnCrash::Retry { attempts: 3 })
///     .dead_letters(|address, reason| eprintln!("no mail to {address}: {reason}"));
/// let reference: Ref<String> = mailer.reference();
/// let spec: ChildSpec = mailer.into();
/// assert!(reference.try_tell("::1".to_owned()).is_ok());
/// # drop(spec);
/// ```
pub struct Child<A: Actor> {
    make: Make<A>,
    restart: Restart,
    significant: bool,
    shutdown: Option<Shutdown>,
    on_demand: bool,
    mailbox: Mailbox<Told<A::Message>>,
    home: Home,
}

impl<A: Actor> Child<A> {
    /// Describes a permanent child named `name`; `make` makes the actor of each incarnation.
    pub fn actor<F, Fut>(name: impl Into<Arc<str>>, make: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<A, ActorError>> + Send + 'static,
    {
        let end = |told: Told<A::Message>, end: Undelivered| drop(told.end(&end));
        Child {
            make: Arc::new(move || Box::pin(make())),
            restart: Restart::Permanent,
            significant: false,
            shutdown: None,
            home: Home::default(),
            on_demand: false,
            mailbox: Mailbox::new(name, Limits::default()).undelivered(end),
        }
    }

    /// Sets the limits of the mailbox. The actor handles one message after the other, so its concurrency is 1
    /// whatever they say.
    pub fn mailbox(self, limits: Limits) -> Self {
        self.mailbox.set_limits(Limits { concurrency: 1, per_key: 1, ..limits });
        self
    }

    /// Sets when the actor is restarted; [`Restart::Permanent`] unless set.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Sets whether the end of the actor counts for its supervisor's
    /// [`AutoShutdown`](crate::supervision::AutoShutdown).
    pub fn significant(mut self, significant: bool) -> Self {
        self.significant = significant;
        self
    }

    /// Sets how the actor is stopped; unless set, it has 5 s for the messages in hand and
    /// [`stopped`](Actor::stopped).
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = Some(shutdown);
        self
    }

    /// Has the actor start only with its first message. Until then it costs a fraction of one that runs, and what
    /// keeps it from starting shows only then.
    pub fn on_demand(mut self) -> Self {
        self.on_demand = true;
        self
    }

    /// Sets what becomes of the message over which the actor crashed; [`OnCrash::Fail`] unless set.
    pub fn on_crash(mut self, on_crash: OnCrash) -> Self {
        self.mailbox = self.mailbox.on_crash(on_crash);
        self
    }

    /// Has `hook` called with every dead letter, and how the actor ended over it. It must be quick and must not
    /// panic.
    pub fn dead_letters(mut self, hook: impl Fn(A::Message, String) + Send + Sync + 'static) -> Self {
        self.mailbox = self.mailbox.undelivered(move |told: Told<A::Message>, end| {
            let message = told.end(&end);
            if let Undelivered::DeadLettered { reason, .. } = end {
                hook(message, reason);
            }
        });
        self
    }

    /// Returns where the actor will live, to be settled when its app starts.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Returns the reference to the actor. It works at once: what is told before the start waits.
    pub fn reference(&self) -> Ref<A::Message> {
        Ref::new(self.mailbox.clone())
    }
}

impl<A: Actor> From<Child<A>> for ChildSpec {
    fn from(child: Child<A>) -> Self {
        let Child { make, restart, significant, shutdown, on_demand, mailbox, home } = child;
        let (name, idle) = (mailbox.name().to_string(), mailbox.clone());
        // What the board holds must not keep the mailbox: its hooks may hold the app, which holds the board.
        let [shown, closed, found] = [mailbox.downgrade(), mailbox.downgrade(), mailbox.downgrade()];
        let spec = ChildSpec::new(name, move |supervisor| {
            let setup = Setup { make: Arc::clone(&make), mailbox: mailbox.clone(), home: home.clone() };
            async move {
                let shell = Shell::<A>(PhantomData);
                Ok(ractor::Actor::spawn_linked(None, shell, setup, supervisor).await?.0.get_cell())
            }
        });
        let spec = spec
            .restart(restart)
            .significant(significant)
            .load(move || shown.upgrade().map(|mailbox| mailbox.load()).unwrap_or_default())
            .gone(move || {
                if let Some(mailbox) = closed.upgrade() {
                    mailbox.close();
                }
            })
            .reference(move || found.upgrade().map(Ref::new));
        let spec = if on_demand { spec.on_demand(move |demand| idle.attach(demand)) } else { spec };
        match shutdown {
            Some(shutdown) => spec.shutdown(shutdown),
            None => spec,
        }
    }
}

struct Setup<A: Actor> {
    make: Make<A>,
    mailbox: Mailbox<Told<A::Message>>,
    home: Home,
}

/// One incarnation.
struct Incarnation<A: Actor> {
    /// Taken out when it crashes: `ractor` would drop it some time after its supervisor has been told.
    actor: Option<A>,
    mailbox: Mailbox<Told<A::Message>>,
    scope: Scope<A::Message>,
}

impl<A: Actor> Incarnation<A> {
    /// Handles what waits, as far as one wake goes.
    async fn batch(&mut self) -> Result<(), ActorError> {
        let Incarnation { actor: Some(actor), mailbox, scope } = self else { return Ok(()) };
        let mut batch = mailbox.batch();
        while !scope.ending()?
            && let Some(delivery) = batch.next()
        {
            scope.attempt = delivery.attempt();
            match actor.handle(&delivery.message, scope).await {
                Ok(()) => delivery.done(),
                Err(error) => {
                    delivery.crashed(&error.to_string());
                    return Err(error);
                }
            }
            // A handler that never waits would keep its thread to itself: this lets others in, and a kill.
            tokio::task::consume_budget().await;
        }
        Ok(())
    }
}

/// What `ractor` runs.
struct Shell<A>(PhantomData<fn() -> A>);

impl<A: Actor> ractor::Actor for Shell<A> {
    type Msg = Wake;
    type State = Incarnation<A>;
    type Arguments = Setup<A>;

    async fn pre_start(
        &self,
        myself: ActorRef<Wake>,
        Setup { make, mailbox, home }: Setup<A>,
    ) -> Result<Incarnation<A>, ActorProcessingErr> {
        let mut actor = make().await?;
        let scope = Scope::new(Ref::new(mailbox.clone()), home, myself.clone());
        actor.started(&scope).await?;
        scope.ending()?;
        mailbox.attach(move || drop(myself.send_message(Wake)));
        Ok(Incarnation { actor: Some(actor), mailbox, scope })
    }

    async fn handle(
        &self,
        _: ActorRef<Wake>,
        _: Wake,
        incarnation: &mut Incarnation<A>,
    ) -> Result<(), ActorProcessingErr> {
        let ended = AssertUnwindSafe(incarnation.batch()).catch_unwind().await;
        if !matches!(ended, Ok(Ok(()))) {
            incarnation.actor = None; // what it holds is free before the next one is made
        }
        ended.unwrap_or_else(|panic| resume_unwind(panic))
    }

    async fn post_stop(
        &self,
        _: ActorRef<Wake>,
        Incarnation { actor, scope, .. }: &mut Incarnation<A>,
    ) -> Result<(), ActorProcessingErr> {
        if let Some(actor) = actor {
            actor.stopped(scope).await;
        }
        Ok(())
    }
}
