//! The pure half of supervision: given how a child ended and what happened before, what is to be done?
//!
//! Called by the supervisor actor only. Takes the time and the random number as arguments; never starts, stops or
//! waits for anything. The semantics are those of OTP's `supervisor`, plus exponential backoff with jitter.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Which siblings share the fate of a child that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Only the child itself is restarted.
    OneForOne,
    /// The child and those started after it are restarted.
    RestForOne,
    /// All children are restarted.
    OneForAll,
}

/// When a child is restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// Always.
    Permanent,
    /// Only after an abnormal exit.
    Transient,
    /// Never.
    Temporary,
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It stopped by itself.
    Normal,
    /// It was killed from outside.
    Killed,
    /// It panicked, returned an error, or did not start.
    Failed(String),
}

impl Exit {
    /// Returns the reason as shown in the tree and the log.
    pub fn reason(&self) -> &str {
        match self {
            Exit::Normal => "normal",
            Exit::Killed => "killed",
            Exit::Failed(reason) => reason,
        }
    }
}

/// How long to wait before a restart: nothing for the first, then doubling up to `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The ceiling of the second restart within a period.
    pub first: Duration,
    /// The ceiling of all later ones.
    pub max: Duration,
}

impl Backoff {
    /// Computes the wait before restart number `recent + 1` within a period, with full jitter in `[0, 1)`.
    pub fn delay(self, recent: u32, jitter: f64) -> Duration {
        if recent == 0 {
            return Duration::ZERO;
        }
        let ceiling = self.first.saturating_mul(1 << (recent - 1).min(20)).min(self.max);
        ceiling.mul_f64(jitter.clamp(0.0, 1.0))
    }
}

/// What a supervisor was told to do when a child ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Which siblings are restarted along.
    pub strategy: Strategy,
    /// At most this many restarts within `period`; one more and the supervisor itself fails.
    pub intensity: u32,
    /// The window of `intensity`.
    pub period: Duration,
    /// The wait before a restart.
    pub backoff: Backoff,
}

impl Policy {
    /// Returns the policy of the tree's branches: 10 restarts in 10 s, backoff from 10 ms to 1 s.
    pub fn new(strategy: Strategy) -> Self {
        Policy {
            strategy,
            intensity: 10,
            period: Duration::from_secs(10),
            backoff: Backoff { first: Duration::from_millis(10), max: Duration::from_secs(1) },
        }
    }

    /// Returns the policy of engine pools: an engine is replaced as often as user code ruins one, never escalating.
    pub fn engines() -> Self {
        Policy { intensity: u32::MAX, ..Policy::new(Strategy::OneForOne) }
    }
}

/// When this supervisor restarted which child.
#[derive(Debug, Clone, Default)]
pub struct History {
    restarts: VecDeque<(Instant, usize)>,
}

impl History {
    /// Notes a restart of `child`.
    pub fn record(&mut self, child: usize, now: Instant) {
        self.restarts.push_back((now, child));
    }

    /// Drops what is older than `period`.
    pub fn prune(&mut self, period: Duration, now: Instant) {
        while self.restarts.front().is_some_and(|(at, _)| now.duration_since(*at) > period) {
            self.restarts.pop_front();
        }
    }

    /// Counts the restarts within `period` before `now`.
    pub(super) fn within(&self, period: Duration, now: Instant) -> impl Iterator<Item = usize> {
        self.restarts.iter().filter(move |(at, _)| now.duration_since(*at) <= period).map(|(_, child)| *child)
    }
}

/// The child that ended, as the decision sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Child {
    /// Its place in start order.
    pub index: usize,
    /// When it is restarted.
    pub restart: Restart,
    /// How many children the supervisor has.
    pub siblings: usize,
}

/// What the supervisor does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// The child is not restarted; its siblings go on.
    Forget,
    /// These children, in start order, are stopped in reverse and started again.
    Restart {
        /// Their places in start order; the one that ended is among them.
        children: std::ops::Range<usize>,
        /// How long to wait before.
        after: Duration,
    },
    /// Too many restarts: the supervisor stops its children and fails.
    Escalate,
}

/// Decides what happens after `child` ended with `exit`.
pub fn decide(
    policy: &Policy,
    history: &History,
    (child, exit): (Child, &Exit),
    now: Instant,
    jitter: f64,
) -> Decision {
    let restarts = match child.restart {
        Restart::Permanent => true,
        Restart::Transient => *exit != Exit::Normal,
        Restart::Temporary => false,
    };
    if !restarts {
        return Decision::Forget;
    }
    let recent = history.within(policy.period, now).count();
    if recent >= policy.intensity as usize {
        return Decision::Escalate;
    }
    let of_child = history.within(policy.period, now).filter(|index| *index == child.index).count();
    let children = match policy.strategy {
        Strategy::OneForOne => child.index..child.index + 1,
        Strategy::RestForOne => child.index..child.siblings,
        Strategy::OneForAll => 0..child.siblings,
    };
    let of_child = u32::try_from(of_child).unwrap_or(u32::MAX);
    Decision::Restart { children, after: policy.backoff.delay(of_child, jitter) }
}
