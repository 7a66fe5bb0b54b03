//! Actors of the program's own in a running app: found by path, added, watched.
//!
//! ```text
//!  App::actor │ State::actor ──path──▶ board ──▶ Ref ──▶ mailbox      Scope::app ──▶ App
//!  App::supervisor, start_child ─────▶ board ──▶ the supervisor
//! ```
//!
//! The board of the tree is the table of names: what a supervisor has on its list is found, nothing else. Extends
//! types of the layers below by what only a running app can answer. Never starts anything by itself.

use std::any::type_name;
use std::sync::{Arc, Weak};

use crate::actors::user::{Member, Ref, Scope};
use crate::app::App;
use crate::app::handle::Shared;
use crate::invocation::Failure;
use crate::lang::native::{Caller, Host, State};
use crate::schema;
use crate::shutdown::Phase;
use crate::supervision::{Events, Kind, Reference, StartError, SupervisorRef, Watch};

/// The branch of the tree that the program's own actors live in.
pub(in crate::app) const ACTORS: &str = "actors";

/// Why a path does not lead to an actor of the program's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefError {
    /// There is none.
    #[error("there is no actor \"{path}\"{}", .near.as_ref().map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default())]
    Unknown {
        /// The path below `actors/`.
        path: String,
        /// The nearest path that there is.
        near: Option<String>,
    },
    /// It takes other messages.
    #[error("\"{path}\" is a {is}, not a {wanted}")]
    OtherMessage {
        /// The path below `actors/`.
        path: String,
        /// The type of its reference.
        is: &'static str,
        /// The type that was asked for.
        wanted: &'static str,
    },
    /// It is a supervisor, or a plain `ractor` actor: there is no typed reference to it.
    #[error("\"{path}\" is a {is}: there is no typed reference to it")]
    NoReference {
        /// The path below `actors/`.
        path: String,
        /// What it is.
        is: &'static str,
    },
    /// The app is gone.
    #[error("the app is gone, and its actors with it")]
    Closed,
}

impl From<RefError> for Failure {
    fn from(error: RefError) -> Self {
        match error {
            RefError::Closed => Failure::ShuttingDown,
            error => Failure::internal(error),
        }
    }
}

impl Shared {
    /// Returns where in the tree the actor at `path` below `actors/` stands.
    fn place(&self, path: &str) -> String {
        let app = &self.context.app;
        if path.is_empty() { format!("{app}/{ACTORS}") } else { format!("{app}/{ACTORS}/{path}") }
    }

    fn actor<M: Send + Sync + 'static>(&self, path: &str) -> Result<Ref<M>, RefError> {
        if self.context.shutdown.phase() == Phase::Forced {
            return Err(RefError::Closed);
        }
        let Some(Reference { value, type_name: is }) = self.context.tree.reference(&self.place(path)) else {
            return Err(self.unreferenced(path));
        };
        let other = |_| RefError::OtherMessage { path: path.to_owned(), is, wanted: type_name::<Ref<M>>() };
        value.downcast().map(|reference| *reference).map_err(other)
    }

    /// Says why nothing leads to the actor at `path`.
    fn unreferenced(&self, path: &str) -> RefError {
        let (path, top) = (path.to_owned(), self.place(""));
        let Some(node) = self.context.tree.find(&self.place(&path)) else {
            let mut known = Vec::new();
            if let Some(branch) = self.context.tree.find(&top) {
                let below = |path: &str| Some(path.strip_prefix(&top)?.strip_prefix('/')?.to_owned());
                branch.walk(&mut |node| known.extend(below(&node.path)));
            }
            let near = schema::nearest(&path, known.iter().map(String::as_str)).map(str::to_owned);
            return RefError::Unknown { path, near };
        };
        let is = match node.kind {
            Kind::Supervisor => "supervisor",
            Kind::Worker => "plain actor",
        };
        RefError::NoReference { path, is }
    }
}

impl App {
    /// Returns the name of the app: the first segment of every path in its tree.
    pub fn name(&self) -> &str {
        &self.shared.context.app
    }

    /// Returns the reference to the actor of the program's own at `path`, as in `"counter"` or `"workers/counter"`.
    /// It stays good across restarts.
    ///
    /// # Errors
    /// [`RefError::Unknown`] with the nearest path, [`RefError::OtherMessage`] when the actor there does not take `M`,
    /// [`RefError::NoReference`], [`RefError::Closed`].
    pub fn actor<M: Send + Sync + 'static>(&self, path: &str) -> Result<Ref<M>, RefError> {
        self.shared.actor(path)
    }

    /// Returns the handle on the supervisor at `path` below `actors/` that runs now, of `""` on the one of that branch
    /// itself. One that was restarted has a new handle.
    pub fn supervisor(&self, path: &str) -> Option<SupervisorRef> {
        self.shared.context.tree.supervisor(&self.shared.place(path))
    }

    /// Starts an actor, or a group of them, under the supervisor at `path` below `actors/`, after its other children;
    /// under that of the branch itself at `""`. It is not started again with that supervisor when that one is
    /// restarted. When the app stops, all that was added so shares 10 s beside what the members of the builder may take.
    ///
    /// Not to be awaited in `started` of an actor that the same supervisor is starting: each would wait for the other.
    ///
    /// # Errors
    /// It does not start or contradicts the supervisor's policy, its name is taken, or no supervisor runs there.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the start.
    pub async fn start_child(&self, path: &str, member: impl Into<Member>) -> Result<(), StartError> {
        let (place, member) = (self.shared.place(path), member.into());
        let supervisor =
            self.supervisor(path).filter(|_| self.shared.context.shutdown.phase() < Phase::Forced);
        let supervisor = supervisor.ok_or_else(|| StartError::Gone(place.clone()))?;
        let own = member.problems(&place).into_iter().next();
        own.map_or(Ok(()), Err)?;
        let host: Weak<dyn Host> = Arc::<Shared>::downgrade(&self.shared);
        member.settle(&host);
        supervisor.start(member.spec(&place, &self.shared.context.tree)).await.map(drop)
    }

    /// Waits for the end of the actor that runs at `path` of the tree now, whole path, as [`tree`](App::tree) shows it:
    /// Erlang's monitor. `None` when none runs there. The future ends once, with the exit of this incarnation, which
    /// is never lost.
    pub fn watch(&self, path: &str) -> Option<Watch> {
        self.shared.context.tree.watch(path)
    }

    /// Follows what happens in the tree from now on: starts, restarts, escalations, ends. A reader that falls behind
    /// misses some, and is told how many.
    pub fn events(&self) -> Events {
        self.shared.context.tree.events()
    }
}

impl State {
    /// Returns the reference to the actor of the program's own at `path`; see [`App::actor`].
    ///
    /// # Errors
    /// [`Failure::Raised`] for one that is not there or takes other messages, [`Failure::ShuttingDown`].
    pub fn actor<M: Send + Sync + 'static>(&self, path: &str) -> Result<Ref<M>, Failure> {
        Ok(App::at(self.host()?, self.caller())?.actor(path)?)
    }
}

impl<M: Send + Sync + 'static> Scope<M> {
    /// Returns the handle on the app that the actor lives in. What it calls and publishes may go on while the app
    /// drains, since messages that wait are accepted work. Keeping the handle keeps nothing running.
    ///
    /// # Errors
    /// [`Failure::Raised`] for an actor that was not started by an app, [`Failure::ShuttingDown`] when the app is gone.
    pub fn app(&self) -> Result<App, Failure> {
        App::at(self.home().app()?, Caller::Actor(Arc::clone(self.name())))
    }
}
