//! What a supervisor is told of a child: how it is started, restarted and stopped.
//!
//! Made by whoever has actors to be supervised, read by the supervisor. Never starts anything itself.

use std::any::{Any, type_name};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use ractor::{Actor, ActorCell};

use crate::supervision::node::{Kind, Load};
use crate::supervision::policy::{AutoShutdown, Policy, Restart};
use crate::supervision::supervisor::{Runner, Supervisor};
use crate::supervision::tree::Tree;

/// Why a child, or a supervisor, did not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Its start function, or the actor's own start, failed.
    #[error("{path} did not start: {reason}")]
    Failed {
        /// Which child.
        path: String,
        /// What it said.
        reason: String,
    },
    /// A child of that name runs.
    #[error("{0} is already running")]
    AlreadyStarted(String),
    /// A child of that name is in the list, stopped or waiting for its restart: restart or delete it.
    #[error("{0} is already there, but does not run: restart or delete it")]
    AlreadyPresent(String),
    /// The specification contradicts itself or its supervisor.
    #[error("{path} cannot be supervised: {reason}")]
    BadSpec {
        /// Which child.
        path: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The supervisor has ended.
    #[error("{0} does not run")]
    Gone(String),
}

/// How a child is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// It is asked to stop, and killed when it has not ended after this long.
    Timeout(Duration),
    /// It is killed.
    Brutal,
    /// It is asked to stop and waited for, however long it takes: for supervisors.
    Infinity,
}

pub(super) type Start =
    Arc<dyn Fn(ActorCell) -> BoxFuture<'static, Result<ActorCell, ractor::SpawnErr>> + Send + Sync>;
pub(super) type Gauge = Arc<dyn Fn() -> Load + Send + Sync>;
/// Tells a supervisor that a child which waits to be needed is needed.
pub type Demand = Box<dyn Fn() + Send + Sync>;
pub(super) type Arm = Arc<dyn Fn(Demand) + Send + Sync>;
pub(super) type Gone = Arc<dyn Fn() + Send + Sync>;
pub(super) type Address = Arc<dyn Fn() -> Option<Reference> + Send + Sync>;

/// What leads to a child, whatever its type.
pub struct Reference {
    /// The reference itself.
    pub value: Box<dyn Any + Send>,
    /// The name of its type.
    pub type_name: &'static str,
}

/// How a child is started, restarted and stopped.
#[derive(Clone)]
pub struct ChildSpec {
    pub(super) name: Arc<str>,
    pub(super) start: Start,
    pub(super) kind: Kind,
    pub(super) restart: Restart,
    pub(super) significant: bool,
    pub(super) shutdown: Option<Shutdown>,
    pub(super) load: Option<Gauge>,
    pub(super) gone: Option<Gone>,
    pub(super) address: Option<Address>,
    pub(super) on_demand: Option<Arm>,
}

impl ChildSpec {
    /// Describes a permanent worker named `name` that `start` spawns linked to the given supervisor. A name has no
    /// `/` and is the only one of its kind among its siblings.
    pub fn new<F, Fut>(name: impl Into<Arc<str>>, start: F) -> Self
    where
        F: Fn(ActorCell) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<ActorCell, ractor::SpawnErr>> + Send + 'static,
    {
        ChildSpec {
            name: name.into(),
            start: Arc::new(move |supervisor| Box::pin(start(supervisor))),
            kind: Kind::Worker,
            restart: Restart::Permanent,
            significant: false,
            shutdown: None,
            load: None,
            gone: None,
            address: None,
            on_demand: None,
        }
    }

    /// Describes a supervisor child with children of its own.
    pub fn supervisor(
        parent: &str,
        name: &str,
        policy: Policy,
        tree: &Tree,
        children: Vec<ChildSpec>,
    ) -> Self {
        let arguments = Supervisor { path: format!("{parent}/{name}"), policy, tree: tree.clone(), children };
        let spec = ChildSpec::new(name, move |supervisor| {
            let arguments = arguments.clone();
            async move { Ok(Actor::spawn_linked(None, Runner, arguments, supervisor).await?.0.get_cell()) }
        });
        spec.kind(Kind::Supervisor)
    }

    /// Sets what the child is: of a [`Kind::Supervisor`], `start` calls [`Supervisor::start_linked`]. It is waited
    /// for without limit when it is stopped.
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets when the child is restarted; permanent unless set.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Sets how the child is stopped. Unless set, a worker has 5 s, a supervisor all the time it needs.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = Some(shutdown);
        self
    }

    /// Sets whether the end of the child counts for its supervisor's [`AutoShutdown`].
    pub fn significant(mut self, significant: bool) -> Self {
        self.significant = significant;
        self
    }

    /// Shows the load of the child's mailbox in the tree.
    pub fn load(mut self, load: impl Fn() -> Load + Send + Sync + 'static) -> Self {
        self.load = Some(Arc::new(load));
        self
    }

    /// Calls `hook` when the child has ended for good: terminated by hand, ended without being restarted, gone with
    /// its supervisor; not when a restart will follow, of it or of its supervisor. A start by hand can follow still.
    pub fn gone(mut self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.gone = Some(Arc::new(hook));
        self
    }

    /// Lets [`Tree::reference`] find what leads to the child: a value that stays good across its restarts. What the
    /// function holds must keep nothing alive that holds the tree.
    pub fn reference<T: Any + Send>(mut self, find: impl Fn() -> Option<T> + Send + Sync + 'static) -> Self {
        let find = move || Some(Reference { value: Box::new(find()?), type_name: type_name::<T>() });
        self.address = Some(Arc::new(find));
        self
    }

    /// Starts the child only when it is needed: its supervisor calls `arm` instead, with what is to be called once it
    /// is. An actor without work then costs no more than its place in the list and its mailbox. Restarted after a
    /// failure it starts at once.
    pub fn on_demand(mut self, arm: impl Fn(Demand) + Send + Sync + 'static) -> Self {
        self.on_demand = Some(Arc::new(arm));
        self
    }

    /// Returns the child's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how the child is stopped.
    pub(crate) fn stop(&self) -> Shutdown {
        self.shutdown.unwrap_or(match self.kind {
            Kind::Worker => Shutdown::Timeout(Duration::from_secs(5)),
            Kind::Supervisor => Shutdown::Infinity,
        })
    }

    /// Says what is wrong with the child under a supervisor at `path` with `policy`.
    pub(super) fn check(&self, path: &str, policy: &Policy) -> Result<(), StartError> {
        let bad = |reason: &str| {
            Err(StartError::BadSpec { path: format!("{path}/{}", self.name), reason: reason.to_owned() })
        };
        if self.name.is_empty() || self.name.contains('/') {
            return bad("a name has at least one character and no `/`");
        }
        if self.significant && policy.auto_shutdown == AutoShutdown::Never {
            return bad("it is significant, but its supervisor's policy has AutoShutdown::Never");
        }
        if self.significant && self.restart == Restart::Permanent {
            return bad(
                "it is significant and permanent, so it never ends for good: make it transient or temporary",
            );
        }
        Ok(())
    }
}

/// Says everything that is wrong with `children` under a supervisor at `path` with `policy`.
pub(super) fn problems(path: &str, policy: &Policy, children: &[ChildSpec]) -> Vec<StartError> {
    let mut names = HashSet::new();
    let mut found = Vec::new();
    for spec in children {
        found.extend(spec.check(path, policy).err());
        if !names.insert(&*spec.name) {
            found.push(StartError::BadSpec {
                path: format!("{path}/{}", spec.name),
                reason: "another child has the same name".to_owned(),
            });
        }
    }
    found
}
