//! What a supervisor remembers of its restarts: for the intensity, the backoff, and the rate.
//!
//! Called by [`decide`](crate::supervision::decide), which reads it, and the supervisor, which writes it. Knows no
//! clock: every instant is an argument. Each operation takes O(log n) of the restarts remembered, plus O(rate) to note
//! one.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// The window of a rate.
const SECOND: Duration = Duration::from_secs(1);

/// When a supervisor decided to restart which child, and for when it planned it.
#[derive(Debug, Clone, Default)]
pub struct History {
    restarts: VecDeque<(Instant, u64)>,
    of_child: HashMap<u64, VecDeque<Instant>>,
    planned: Plan,
    done: VecDeque<Instant>,
}

impl History {
    /// Notes that at `now` a restart of `child` was decided, for the instant `at`.
    pub fn record(&mut self, child: u64, now: Instant, at: Instant, rate: Option<NonZeroU32>) {
        self.restarts.push_back((now, child));
        self.of_child.entry(child).or_default().push_back(now);
        if let Some(rate) = rate {
            self.planned.insert(at, rate);
        }
    }

    /// Drops what no decision after `now` asks for.
    pub fn prune(&mut self, period: Duration, now: Instant) {
        while self.restarts.front().is_some_and(|(at, _)| now.duration_since(*at) > period) {
            let Some((_, child)) = self.restarts.pop_front() else { break };
            if let Some(of_child) = self.of_child.get_mut(&child) {
                of_child.pop_front();
                if of_child.is_empty() {
                    self.of_child.remove(&child);
                }
            }
        }
        self.planned.prune(now);
    }

    /// Counts the restarts within `period` before `now`.
    pub fn recent(&self, period: Duration, now: Instant) -> usize {
        let old = self.restarts.partition_point(|(at, _)| now.duration_since(*at) > period);
        self.restarts.len() - old
    }

    /// Counts the restarts of `child` within `period` before `now`.
    pub fn recent_of(&self, child: u64, period: Duration, now: Instant) -> u32 {
        let Some(restarts) = self.of_child.get(&child) else { return 0 };
        let old = restarts.partition_point(|at| now.duration_since(*at) > period);
        u32::try_from(restarts.len() - old).unwrap_or(u32::MAX)
    }

    /// Finds the first instant from `from` on at which one more restart leaves no second with more than `rate`.
    pub fn earliest(&self, rate: Option<NonZeroU32>, from: Instant) -> Instant {
        if rate.is_some() { self.planned.earliest(from) } else { from }
    }

    /// Admits a restart that happens now, or says when to ask again: timers that fire late must not bunch.
    pub(super) fn admit(&mut self, rate: Option<NonZeroU32>, now: Instant) -> Result<(), Instant> {
        let Some(rate) = rate else { return Ok(()) };
        while self.done.front().is_some_and(|done| now.duration_since(*done) >= SECOND) {
            self.done.pop_front();
        }
        match self.done.front() {
            Some(oldest) if self.done.len() >= rate.get() as usize => Err(*oldest + SECOND),
            _ => {
                self.done.push_back(now);
                Ok(())
            }
        }
    }
}

/// The instants of planned restarts, and what they rule out for one more.
#[derive(Debug, Clone, Default)]
struct Plan {
    starts: BTreeMap<Instant, u32>,
    /// Open intervals, disjoint: a restart within one would make a second with more than `rate`.
    blocked: BTreeMap<Instant, Instant>,
}

impl Plan {
    fn earliest(&self, from: Instant) -> Instant {
        match self.blocked.range(..from).next_back() {
            Some((_, end)) if *end > from => *end,
            _ => from,
        }
    }

    /// Any `rate` starts within less than a second rule out whatever lies within a second of all of them.
    fn insert(&mut self, at: Instant, rate: NonZeroU32) {
        *self.starts.entry(at).or_default() += 1;
        let rate = rate.get() as usize;
        let from = at.checked_sub(SECOND).unwrap_or(at);
        let near = self.starts.range(from..=at + SECOND);
        let near: Vec<Instant> =
            near.flat_map(|(at, count)| std::iter::repeat_n(*at, *count as usize)).collect();
        let mut pending: Option<(Instant, Instant)> = None;
        for full in near.windows(rate) {
            let (first, last) = (full[0], full[rate - 1]);
            if last - first >= SECOND {
                continue;
            }
            let (start, end) = (last.checked_sub(SECOND).unwrap_or(first), first + SECOND);
            pending = match pending {
                Some((since, until)) if start < until => Some((since, end)),
                Some((since, until)) => {
                    self.block(since, until);
                    Some((start, end))
                }
                None => Some((start, end)),
            };
        }
        if let Some((since, until)) = pending {
            self.block(since, until);
        }
    }

    fn block(&mut self, mut start: Instant, mut end: Instant) {
        while let Some((&other, &until)) = self.blocked.range(..end).next_back() {
            if until <= start {
                break;
            }
            self.blocked.remove(&other);
            start = start.min(other);
            end = end.max(until);
        }
        self.blocked.insert(start, end);
    }

    fn prune(&mut self, now: Instant) {
        while self.blocked.first_key_value().is_some_and(|(_, end)| *end <= now) {
            self.blocked.pop_first();
        }
        while self.starts.first_key_value().is_some_and(|(at, _)| now.duration_since(*at) >= SECOND) {
            self.starts.pop_first();
        }
    }
}
