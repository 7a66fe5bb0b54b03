//! What is running: one board per app on which supervisors write and from which `app.tree()` reads.
//!
//! ```text
//!  Tree ──▶ root Entry ──▶ Branch ──▶ Entry ──▶ Branch ──▶ …
//!                            ▲ each supervisor holds its own Entry and writes on its Branch only
//! ```
//!
//! Written by supervisors. Paths are made when something is read. Never decides anything.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use ractor::ActorRef;
use tokio::sync::{broadcast, oneshot};
use tokio::time::Instant;

use crate::supervision::change::{CAPACITY, Change, ChangeKind, Events, Watch};
use crate::supervision::handle::SupervisorRef;
use crate::supervision::node::{Kind, Node, State};
use crate::supervision::policy::Exit;
use crate::supervision::spec::{Address, ChildSpec, Gauge, Gone, Reference};
use crate::supervision::supervisor::Message;

/// The board of one app.
#[derive(Clone)]
pub struct Tree {
    board: Arc<Board>,
}

struct Board {
    /// The root with its path, which is its name.
    root: RwLock<Option<Arc<Entry>>>,
    changes: broadcast::Sender<Change>,
}

impl Default for Tree {
    fn default() -> Self {
        let changes = broadcast::Sender::new(CAPACITY);
        Tree { board: Arc::new(Board { root: RwLock::default(), changes }) }
    }
}

/// One actor on the board.
pub(super) struct Entry {
    name: Arc<str>,
    load: Option<Gauge>,
    gone: Option<Gone>,
    address: Option<Address>,
    status: Mutex<Status>,
}

struct Status {
    state: State,
    /// Its `gone` hook has been called since it last ran.
    over: bool,
    restarts: u32,
    since: Instant,
    last_exit: Option<Arc<str>>,
    watchers: Vec<oneshot::Sender<Exit>>,
    kind: Kind,
    /// What is below; of supervisors.
    branch: Option<Box<Branch>>,
}

#[derive(Default)]
struct Branch {
    /// Which incarnation of the supervisor writes here.
    incarnation: u64,
    /// That incarnation, until it has ended.
    actor: Option<ActorRef<Message>>,
    escalations: u64,
    names: HashMap<Arc<str>, u64>,
    /// By number in start order.
    children: BTreeMap<u64, Arc<Entry>>,
}

impl Entry {
    fn new(name: &Arc<str>, kind: Kind) -> Self {
        let status = Status {
            state: State::Stopped,
            over: false,
            restarts: 0,
            since: Instant::now(),
            last_exit: None,
            watchers: Vec::new(),
            kind,
            branch: None,
        };
        let name = Arc::clone(name);
        Entry { name, load: None, gone: None, address: None, status: Mutex::new(status) }
    }

    fn of(spec: &ChildSpec) -> Arc<Self> {
        let (load, gone, address) = (spec.load.clone(), spec.gone.clone(), spec.address.clone());
        Arc::new(Entry { load, gone, address, ..Entry::new(&spec.name, spec.kind) })
    }

    /// Notes that the actor runs.
    pub(super) fn running(&self) {
        let mut status = self.status.lock();
        status.state = State::Running;
        status.over = false;
        status.since = Instant::now();
    }

    /// Notes how the actor ended and what becomes of it, and tells those who watch it.
    pub(super) fn ended(&self, exit: &Exit, state: State) {
        let watchers = {
            let mut status = self.status.lock();
            status.state = state;
            status.since = Instant::now();
            if status.last_exit.as_deref() != Some(exit.reason()) {
                status.last_exit = Some(exit.reason().into());
            }
            std::mem::take(&mut status.watchers)
        };
        for watcher in watchers {
            let _ = watcher.send(exit.clone()); // it may not wait any more
        }
    }

    /// Notes that the actor will run once it is needed.
    pub(super) fn idle(&self) {
        let mut status = self.status.lock();
        status.state = State::Idle;
        status.over = false;
        status.since = Instant::now();
    }

    /// Changes what becomes of an actor that has ended.
    pub(super) fn becomes(&self, state: State) {
        self.status.lock().state = state;
    }

    /// Counts a restart.
    pub(super) fn restarted(&self) {
        let mut status = self.status.lock();
        status.restarts = status.restarts.saturating_add(1);
    }

    /// Counts that the actor gave up as a supervisor.
    pub(super) fn escalated(&self) {
        if let Some(branch) = &mut self.status.lock().branch {
            branch.escalations += 1;
        }
    }

    /// Returns how the actor last ended.
    pub(super) fn last_exit(&self) -> Option<Arc<str>> {
        self.status.lock().last_exit.clone()
    }

    /// Calls the `gone` hooks of the actor and of all below it, those below first.
    pub(super) fn over(&self) {
        for child in self.children() {
            child.over();
        }
        let fresh = !std::mem::replace(&mut self.status.lock().over, true);
        if let (true, Some(gone)) = (fresh, &self.gone) {
            gone();
        }
    }

    /// Notes that the actor and all below it have ended, as far as they ran: their supervisor is no more.
    pub(super) fn swept(&self, exit: &Exit) {
        for child in self.children() {
            child.swept(&Exit::Killed);
        }
        let runs = matches!(self.status.lock().state, State::Running | State::Idle);
        match runs {
            true => self.ended(exit, State::Stopped),
            false => self.becomes(State::Stopped),
        }
    }

    /// Puts a child on the board, below this supervisor.
    pub(super) fn add(&self, number: u64, spec: &ChildSpec) -> Arc<Entry> {
        let child = Entry::of(spec);
        let mut status = self.status.lock();
        let branch = status.branch.get_or_insert_default();
        branch.names.insert(Arc::clone(&child.name), number);
        branch.children.insert(number, Arc::clone(&child));
        child
    }

    /// Takes a child off the board.
    pub(super) fn remove(&self, number: u64) {
        let mut status = self.status.lock();
        let Some(branch) = &mut status.branch else { return };
        if let Some(child) = branch.children.remove(&number) {
            branch.names.remove(&child.name);
        }
    }

    /// Finds the number of a child by its name.
    pub(super) fn number_of(&self, name: &str) -> Option<u64> {
        self.status.lock().branch.as_ref()?.names.get(name).copied()
    }

    fn child(&self, name: &str) -> Option<Arc<Entry>> {
        let status = self.status.lock();
        let branch = status.branch.as_ref()?;
        branch.children.get(branch.names.get(name)?).cloned()
    }

    fn children(&self) -> Vec<Arc<Entry>> {
        let status = self.status.lock();
        status.branch.as_ref().map(|branch| branch.children.values().cloned().collect()).unwrap_or_default()
    }

    /// Gives the board below this supervisor to a new incarnation of it. Counts of children that it will have again
    /// are kept; those of an earlier one that it will not are over. A name that it will have again is never missing.
    fn take_over(&self, children: &[ChildSpec], actor: &ActorRef<Message>) -> u64 {
        let mut old: HashMap<Arc<str>, Arc<Entry>> =
            self.children().into_iter().map(|child| (Arc::clone(&child.name), child)).collect();
        let mut fresh = Branch::default();
        for (number, spec) in (0..).zip(children) {
            let child = Entry::of(spec);
            if let Some(before) = old.remove(&spec.name) {
                before.swept(&Exit::Killed);
                let mut before = before.status.lock();
                let mut status = child.status.lock();
                status.restarts = before.restarts;
                status.last_exit = before.last_exit.take();
                status.branch = before.branch.take();
                if let Some(branch) = &mut status.branch {
                    branch.actor = None;
                }
            }
            fresh.names.insert(Arc::clone(&spec.name), number);
            fresh.children.insert(number, child);
        }
        let incarnation = {
            let mut status = self.status.lock();
            status.kind = Kind::Supervisor;
            let branch = status.branch.get_or_insert_default();
            branch.incarnation += 1;
            branch.actor = Some(actor.clone());
            (branch.names, branch.children) = (fresh.names, fresh.children);
            branch.incarnation
        };
        for child in old.into_values() {
            child.swept(&Exit::Killed);
            child.over();
        }
        incarnation
    }

    fn node(&self, path: String) -> Node {
        let children = self.children();
        let children = children.iter().map(|child| child.node(format!("{path}/{}", child.name))).collect();
        let load = self.load.as_ref().map(|read| read());
        let status = self.status.lock();
        Node {
            name: self.name.to_string(),
            kind: status.kind,
            state: status.state,
            since_ms: u64::try_from(status.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            restarts: u64::from(status.restarts),
            escalations: status.branch.as_ref().map_or(0, |branch| branch.escalations),
            last_exit: status.last_exit.as_deref().map(str::to_owned),
            load,
            path,
            children,
        }
    }

    fn busy(&self) -> usize {
        let own = self.load.as_ref().map(|read| read()).map_or(0, |load| load.queued + load.in_flight);
        own + self.children().iter().map(|child| child.busy()).sum::<usize>()
    }
}

/// A supervisor's own place on the board, for one incarnation of it.
pub(super) struct Place {
    pub(super) entry: Arc<Entry>,
    incarnation: u64,
    /// No supervisor above it writes on its entry.
    is_root: bool,
}

impl Place {
    /// Returns the entry of the child that the supervisor began with as `number`.
    pub(super) fn first(&self, number: u64) -> Option<Arc<Entry>> {
        self.entry.status.lock().branch.as_ref()?.children.get(&number).cloned()
    }

    /// Tells whether no supervisor above writes on the entry.
    pub(super) fn is_root(&self) -> bool {
        self.is_root
    }

    /// Leaves the board in order after the supervisor has ended, unless its next incarnation has taken over.
    pub(super) fn leave(&self, exit: &Exit) {
        let children = {
            let mut status = self.entry.status.lock();
            let Some(branch) = &mut status.branch else { return };
            if branch.incarnation != self.incarnation {
                return;
            }
            branch.actor = None;
            branch.children.values().cloned().collect::<Vec<_>>()
        };
        children.iter().for_each(|child| child.swept(&Exit::Killed));
        if self.is_root {
            self.entry.swept(exit);
            self.entry.over();
        }
    }
}

impl Tree {
    /// Reads the board: the root with everything below it, `None` before the start.
    pub fn snapshot(&self) -> Option<Node> {
        let root = self.root()?;
        Some(root.node(root.name.to_string()))
    }

    /// Reads the actor at `path` with everything below it.
    pub fn find(&self, path: &str) -> Option<Node> {
        Some(self.entry(path)?.node(path.to_owned()))
    }

    /// Follows what happens from now on. A reader that is more than 1,024 changes behind misses some, and is told so.
    pub fn events(&self) -> Events {
        Events { changes: self.board.changes.subscribe() }
    }

    /// Waits for the end of the actor that runs at `path` now; `None` when none does. The exit of this incarnation is
    /// never lost, and a restart does not hide it.
    pub fn watch(&self, path: &str) -> Option<Watch> {
        let entry = self.entry(path)?;
        let mut status = entry.status.lock();
        if !matches!(status.state, State::Running | State::Idle) {
            return None;
        }
        let (exit_tx, exit) = oneshot::channel();
        status.watchers.retain(|watcher| !watcher.is_closed());
        status.watchers.push(exit_tx);
        Some(Watch { exit })
    }

    /// Returns what leads to the child at `path`, if it is there and has said what does.
    pub fn reference(&self, path: &str) -> Option<Reference> {
        let find = self.entry(path)?.address.clone()?;
        find()
    }

    /// Returns the handle on the supervisor that runs at `path` now; its next incarnation has another.
    pub fn supervisor(&self, path: &str) -> Option<SupervisorRef> {
        let entry = self.entry(path)?;
        let actor = entry.status.lock().branch.as_ref()?.actor.clone()?;
        Some(SupervisorRef { actor, path: path.into() })
    }

    /// Sums what waits and what is being handled in all mailboxes.
    pub fn busy(&self) -> usize {
        self.root().map_or(0, |root| root.busy())
    }

    fn root(&self) -> Option<Arc<Entry>> {
        self.board.root.read().clone()
    }

    fn entry(&self, path: &str) -> Option<Arc<Entry>> {
        let root = self.root()?;
        let below = path.strip_prefix(&*root.name)?;
        if below.is_empty() {
            return Some(root);
        }
        below.strip_prefix('/')?.split('/').try_fold(root, |entry, name| entry.child(name))
    }

    /// Gives a supervisor that starts at `path` its place. It is the root unless the supervisor above has put its
    /// entry on the board.
    pub(super) fn place(&self, path: &Arc<str>, children: &[ChildSpec], actor: &ActorRef<Message>) -> Place {
        let below = self.entry(path).filter(|_| self.root().is_none_or(|root| root.name != *path));
        let is_root = below.is_none();
        let entry = below.unwrap_or_else(|| {
            let fresh = Arc::new(Entry::new(path, Kind::Supervisor));
            let mut root = self.board.root.write();
            // The root of another path stays: what does not hang below it is not shown.
            match &*root {
                Some(present) if present.name == *path => Arc::clone(present),
                Some(_) => fresh,
                None => Arc::clone(root.insert(fresh)),
            }
        });
        let incarnation = entry.take_over(children, actor);
        Place { entry, incarnation, is_root }
    }

    /// Tells the readers of the stream, and the log, what happened to `name` below `parent`, or to `parent` itself.
    pub(super) fn changed(
        &self,
        (parent, name): (&str, Option<&str>),
        kind: ChangeKind,
        reason: Option<&str>,
    ) {
        let path = Path(parent, name);
        match kind {
            ChangeKind::Started => tracing::debug!(path = %path, "actor started"),
            ChangeKind::Restarted => tracing::warn!(path = %path, reason, "actor restarted"),
            ChangeKind::Escalated => tracing::error!(path = %path, reason, "supervisor escalated"),
            ChangeKind::Stopped => tracing::debug!(path = %path, reason, "actor stopped"),
        }
        if self.board.changes.receiver_count() > 0 {
            let reason = reason.map(str::to_owned);
            let change = Change { path: path.to_string(), kind, reason, at: chrono::Utc::now() };
            let _ = self.board.changes.send(change); // the last reader may have left
        }
    }
}

/// A path that is written out only where somebody reads it.
struct Path<'a>(&'a str, Option<&'a str>);

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)?;
        self.1.map_or(Ok(()), |name| write!(f, "/{name}"))
    }
}
