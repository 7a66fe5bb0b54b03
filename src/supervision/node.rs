//! What a reader of the tree gets: plain data, as JSON and as text.
//!
//! Made by [`Tree`](crate::supervision::Tree) when it is asked. Never changes.

use serde::Serialize;

/// The state of an actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It handles messages.
    Running,
    /// It starts with its first message.
    Idle,
    /// It ended and waits for its restart.
    Restarting,
    /// It ended and is not restarted.
    Stopped,
}

/// Whether an actor has others below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It does work.
    Worker,
    /// It starts, restarts and stops others.
    Supervisor,
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
    /// What it is.
    pub kind: Kind,
    /// Its state now.
    pub state: State,
    /// For how long it has been in this state, in milliseconds: of one that runs, its uptime.
    pub since_ms: u64,
    /// How often its supervisor decided to restart it; starts by hand do not count.
    pub restarts: u64,
    /// How often it gave up as a supervisor, because its children failed too often.
    #[serde(skip_serializing_if = "is_zero")]
    pub escalations: u64,
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

/// Serde asks by reference.
fn is_zero(count: &u64) -> bool {
    *count == 0
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
        path.strip_prefix(&*self.path)?.strip_prefix('/')?;
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
            if node.escalations > 0 {
                write!(f, " escalations={}", node.escalations)?;
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
