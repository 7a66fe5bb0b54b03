//! [`Group`]: a supervisor of the user's own with its members, described before there is a tree to hang it into.
//!
//! ```text
//!  Child │ ChildSpec │ Group ──into──▶ Member ──▶ Group ──problems() (build)──▶ spec(parent, tree) (start)
//! ```
//!
//! Made by users, checked and started by the composition root. Never runs anything itself.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::actors::user::home::Home;
use crate::actors::user::{Actor, Child};
use crate::lang::native::Host;
use crate::supervision::{ChildSpec, Policy, Restart, Shutdown, StartError, Supervisor, Tree};

/// A supervisor with members of its own: actors, plain `ractor` actors, further groups.
///
/// # Examples
/// ```
/// use rohas::supervision::{Policy, Restart, Strategy};
/// use rohas::{Actor, ActorError, ActorApp, Child, Group, Scope};
///
/// struct Step;
///
/// impl Actor for Step {
///     type Message = String;
///
///     async fn handle(&mut self, _: &String, _: &Scope<String>) -> Result<(), ActorError> {
///         Ok(())
///     }
/// }
///
/// let step = |name: &str| Child::actor(name, || async { Ok(Step) });
/// let pipeline = Group::new("pipeline", Policy::new(Strategy::RestForOne))
///     .child(step("read"))
///     .child(Group::new("workers", Policy::new(Strategy::OneForOne)).child(step("first")).child(step("second")))
///     .child(step("write"));
/// let app = ActorApp::builder().child(pipeline);
/// # drop(app);
/// ```
pub struct Group {
    name: Arc<str>,
    policy: Policy,
    restart: Restart,
    significant: bool,
    members: Vec<Member>,
}

/// Something that a supervisor can have below it: made of a [`Child`], a [`ChildSpec`] or a [`Group`].
pub struct Member(Kind);

enum Kind {
    Actor(ChildSpec, Home),
    Spec(ChildSpec),
    Group(Group),
}

impl<A: Actor> From<Child<A>> for Member {
    fn from(child: Child<A>) -> Self {
        let home = child.home().clone();
        Member(Kind::Actor(child.into(), home))
    }
}

impl From<ChildSpec> for Member {
    fn from(spec: ChildSpec) -> Self {
        Member(Kind::Spec(spec))
    }
}

impl From<Group> for Member {
    fn from(group: Group) -> Self {
        Member(Kind::Group(group))
    }
}

impl Group {
    /// Describes a permanent supervisor named `name` without members.
    pub fn new(name: impl Into<Arc<str>>, policy: Policy) -> Self {
        let restart = Restart::Permanent;
        Group { name: name.into(), policy, restart, significant: false, members: Vec::new() }
    }

    /// Adds a member: it is started after those before it and stopped before them.
    pub fn child(mut self, member: impl Into<Member>) -> Self {
        self.members.push(member.into());
        self
    }

    /// Sets when the group is restarted by the supervisor above it; [`Restart::Permanent`] unless set.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Sets whether the end of the group counts for the
    /// [`AutoShutdown`](crate::supervision::AutoShutdown) of the supervisor above it.
    pub fn significant(mut self, significant: bool) -> Self {
        self.significant = significant;
        self
    }

    /// Describes the group as a child of the supervisor at `parent`.
    pub(crate) fn spec(&self, parent: &str, tree: &Tree) -> ChildSpec {
        let Supervisor { policy, children, .. } = self.supervisor(parent, tree);
        ChildSpec::supervisor(parent, &self.name, policy, tree, children)
            .restart(self.restart)
            .significant(self.significant)
    }

    /// Says everything that is wrong with the members, and with what is below them.
    pub(crate) fn problems(&self, parent: &str) -> Vec<StartError> {
        let own = self.supervisor(parent, &Tree::default());
        let below = self.members.iter().flat_map(|member| member.problems(&own.path));
        own.problems().into_iter().chain(below).collect()
    }

    /// Tells all actors of the group which app they live in.
    pub(crate) fn settle(&self, app: &Weak<dyn Host>) {
        self.members.iter().for_each(|member| member.settle(app));
    }

    /// Sums how long the members may take to stop, one after the other; `None` when one has no limit.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.members
            .iter()
            .try_fold(Duration::ZERO, |sum, member| Some(sum.saturating_add(member.patience()?)))
    }

    fn supervisor(&self, parent: &str, tree: &Tree) -> Supervisor {
        let path = format!("{parent}/{}", self.name);
        let children = self.members.iter().map(|member| member.spec(&path, tree)).collect();
        Supervisor { policy: self.policy, tree: tree.clone(), children, path }
    }
}

impl Member {
    /// Describes the member as a child of the supervisor at `parent`.
    pub(crate) fn spec(&self, parent: &str, tree: &Tree) -> ChildSpec {
        match &self.0 {
            Kind::Actor(spec, _) | Kind::Spec(spec) => spec.clone(),
            Kind::Group(group) => group.spec(parent, tree),
        }
    }

    /// Says everything that is wrong below the member.
    pub(crate) fn problems(&self, parent: &str) -> Vec<StartError> {
        match &self.0 {
            Kind::Actor(..) | Kind::Spec(_) => Vec::new(),
            Kind::Group(group) => group.problems(parent),
        }
    }

    /// Tells all actors of the member which app they live in.
    pub(crate) fn settle(&self, app: &Weak<dyn Host>) {
        match &self.0 {
            Kind::Actor(_, home) => home.settle(app),
            Kind::Spec(_) => {}
            Kind::Group(group) => group.settle(app),
        }
    }

    fn patience(&self) -> Option<Duration> {
        match &self.0 {
            Kind::Actor(spec, _) | Kind::Spec(spec) => match spec.stop() {
                Shutdown::Timeout(limit) => Some(limit),
                Shutdown::Brutal => Some(Duration::ZERO),
                Shutdown::Infinity => None,
            },
            Kind::Group(group) => group.patience(),
        }
    }
}
