//! What is running: one board per app on which supervisors write and from which `app.tree()` reads.
//!
//! Written by supervisors (states, restarts) and by actors with a mailbox (their load). Never decides anything.

use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::RwLock;
use serde::Serialize;

/// The state of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It handles messages.
    Running,
    /// It ended and waits for its restart.
    Restarting,
    /// It ended and is not restarted.
    Stopped,
}

/// How busy a mailbox is, read when the tree is asked for. Counts are since the start of the app.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Load {
    /// Messages waiting.
    pub queued: usize,
    /// How many may wait.
    pub capacity: usize,
    /// Bytes waiting, as far as messages say how big they are.
    pub bytes: usize,
    /// How many bytes may wait.
    pub capacity_bytes: usize,
    /// How long the oldest message has been waiting, in milliseconds.
    pub oldest_ms: u64,
    /// Messages being handled.
    pub in_flight: usize,
    /// Messages taken in.
    pub accepted: u64,
    /// Messages refused because the mailbox was full.
    pub refused: u64,
    /// Messages that were taken in and dropped again to make room for newer ones.
    pub dropped: u64,
    /// Messages whose deadline passed while they waited.
    pub expired: u64,
    /// Messages handled, well or badly.
    pub handled: u64,
    /// Messages given up: they kept crashing their actor.
    pub dead_lettered: u64,
    /// Messages taken in per second, over the last ten.
    pub rate_in: f64,
    /// Messages handled per second, over the last ten.
    pub rate_out: f64,
    /// Half of the messages were handled in this time or less, in milliseconds.
    pub p50_ms: f64,
    /// 99 of 100 messages were handled in this time or less, in milliseconds.
    pub p99_ms: f64,
}

/// One actor and what is below it.
#[derive(Debug, Clone, Serialize)]
pub struct Node {
    /// The last segment of its path.
    pub name: String,
    /// The path from the root, segments joined by `/`.
    pub path: String,
    /// Its state now.
    pub state: State,
    /// How often it was restarted.
    pub restarts: u64,
    /// Why it last ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
    /// Its mailbox, for actors that have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
    /// The actors below it, in start order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

impl Node {
    /// Visits this node and all below it, parents first.
    pub fn walk(&self, visit: &mut dyn FnMut(&Node)) {
        visit(self);
        self.children.iter().for_each(|child| child.walk(visit));
    }

    /// Finds the node at `path`.
    pub fn find(&self, path: &str) -> Option<&Node> {
        if self.path == path {
            return Some(self);
        }
        self.children.iter().find_map(|child| child.find(path))
    }
}

impl std::fmt::Display for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fn line(node: &Node, depth: usize, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{:indent$}{} {:?}", "", node.name, node.state, indent = depth * 2)?;
            if node.restarts > 0 {
                write!(f, " restarts={}", node.restarts)?;
            }
            if let Some(reason) = &node.last_exit {
                write!(f, " last_exit={reason:?}")?;
            }
            if let Some(load) = node.load {
                write!(f, " queued={}/{} in_flight={}", load.queued, load.capacity, load.in_flight)?;
            }
            writeln!(f)?;
            node.children.iter().try_for_each(|child| line(child, depth + 1, f))
        }
        line(self, 0, f)
    }
}

pub(super) type Gauge = Arc<dyn Fn() -> Load + Send + Sync>;

struct Entry {
    state: State,
    restarts: u64,
    last_exit: Option<String>,
    gauge: Option<Gauge>,
}

/// The board of one app.
#[derive(Clone, Default)]
pub struct Tree {
    entries: Arc<RwLock<IndexMap<String, Entry>>>,
}

impl Tree {
    /// Notes that the actor at `path` runs.
    pub fn running(&self, path: &str) {
        let mut entries = self.entries.write();
        let fresh = || Entry { state: State::Running, restarts: 0, last_exit: None, gauge: None };
        entries.entry(path.to_owned()).or_insert_with(fresh).state = State::Running;
    }

    /// Notes that the actor at `path` ended with `reason` and what becomes of it.
    pub fn ended(&self, path: &str, reason: &str, state: State) {
        if let Some(entry) = self.entries.write().get_mut(path) {
            entry.state = state;
            entry.last_exit = Some(reason.to_owned());
            entry.restarts += u64::from(state == State::Restarting);
        }
    }

    /// Takes the actor at `path`, and all below it, off the board.
    pub fn remove(&self, path: &str) {
        let below = format!("{path}/");
        self.entries.write().retain(|key, _| key != path && !key.starts_with(&below));
    }

    /// Takes everything below `path` off the board, except its children of these names and what is below them.
    pub fn retain_below(&self, path: &str, names: &[&str]) {
        let prefix = format!("{path}/");
        self.entries.write().retain(|key, _| {
            let below = key.strip_prefix(&prefix);
            below.is_none_or(|below| names.contains(&below.split('/').next().unwrap_or(below)))
        });
    }

    /// Shows the load of the mailbox at `path` from now on.
    pub(super) fn observe(&self, path: &str, gauge: Gauge) {
        if let Some(entry) = self.entries.write().get_mut(path) {
            entry.gauge = Some(gauge);
        }
    }

    /// Reads the board: the root with everything below it, `None` before the start.
    pub fn snapshot(&self) -> Option<Node> {
        let entries = self.entries.read();
        let root = entries.keys().find(|path| !path.contains('/'))?.clone();
        let mut below: IndexMap<&str, Vec<&str>> = IndexMap::new();
        for path in entries.keys() {
            if let Some((parent, _)) = path.rsplit_once('/') {
                below.entry(parent).or_default().push(path);
            }
        }
        fn node(path: &str, entries: &IndexMap<String, Entry>, below: &IndexMap<&str, Vec<&str>>) -> Node {
            let entry = &entries[path];
            let children = below.get(path).into_iter().flatten();
            Node {
                name: path.rsplit('/').next().unwrap_or(path).to_owned(),
                path: path.to_owned(),
                state: entry.state,
                restarts: entry.restarts,
                last_exit: entry.last_exit.clone(),
                load: entry.gauge.as_ref().map(|read| read()),
                children: children.map(|child| node(child, entries, below)).collect(),
            }
        }
        Some(node(&root, &entries, &below))
    }

    /// Sums what waits and what is being handled in all mailboxes.
    pub fn busy(&self) -> usize {
        let gauges: Vec<Gauge> =
            self.entries.read().values().filter_map(|entry| entry.gauge.clone()).collect();
        gauges.iter().map(|read| read()).map(|load| load.queued + load.in_flight).sum()
    }
}
