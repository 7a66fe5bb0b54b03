//! An actor as the admin door tells it, and which of them are to be shown. Pure; called by `rohas tree`.
//!
//! Reads what it knows and keeps what it does not: door and command may be of different versions.

use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::cli::tree::Only;
use crate::cli::tree::text::grouped;
use crate::invocation::Json;

/// One actor and what is below it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
pub struct Actor {
    /// The last segment of its path.
    pub name: String,
    /// The path from the root.
    pub path: String,
    /// Its state, in a word.
    pub state: String,
    /// How often it was restarted.
    #[serde(default)]
    pub restarts: u64,
    /// Why it last ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<String>,
    /// Its mailbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Map<String, Json>>,
    /// What this version does not know.
    #[serde(flatten)]
    pub more: Map<String, Json>,
    /// The actors below it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Actor>,
    /// Those below it that are not shown because they are too deep.
    #[serde(skip)]
    pub hidden: Option<Sums>,
}

/// What is shown.
pub struct Filter<'o> {
    /// How many levels below the first.
    pub depth: Option<usize>,
    /// Which branches, and which actors of them.
    pub only: &'o [Only],
}

/// What all actors have together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    pub actors: usize,
    pub running: usize,
    pub restarts: u64,
    pub queued: f64,
    pub in_flight: f64,
    pub rate: f64,
}

impl Actor {
    /// Reads a number of its mailbox.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.load.as_ref()?.get(name)?.as_f64()
    }

    /// Tells whether something waits or is being handled.
    pub fn is_busy(&self) -> bool {
        ["queued", "in_flight"].iter().any(|name| self.number(name).is_some_and(|number| number > 0.0))
    }

    /// Tells whether it is as it should be: it runs, or waits for its first message.
    pub fn is_well(&self) -> bool {
        matches!(self.state.as_str(), "running" | "idle")
    }

    /// Tells whether it was restarted or does not run.
    pub fn has_trouble(&self) -> bool {
        self.restarts > 0 || !self.is_well()
    }

    /// Tells whether `is` holds for it or for one below it.
    pub fn any(&self, is: &dyn Fn(&Actor) -> bool) -> bool {
        is(self) || self.children.iter().any(|child| child.any(is))
    }

    /// Adds it and all below it up. What is in hand at an api is at its engine as well: it counts once, unless only
    /// the engines are looked at.
    pub fn sum(&self, sums: &mut Sums, from_engines: bool) {
        sums.actors += 1;
        sums.running += usize::from(self.is_well());
        sums.restarts += self.restarts;
        if from_engines || !is_engine(self) {
            sums.queued += self.number("queued").unwrap_or_default();
            sums.in_flight += self.number("in_flight").unwrap_or_default();
            sums.rate += self.number("rate_out").unwrap_or_default();
        }
        self.children.iter().for_each(|child| child.sum(sums, from_engines));
    }

    /// Says in a few words how all of it is.
    pub fn summary(&self) -> String {
        let mut sums = Sums::default();
        self.sum(&mut sums, is_engine(self));
        let count = |number: f64, what: &str| {
            if number == 0.0 { String::new() } else { format!(", {} {what}", grouped(number)) }
        };
        let actors = if sums.actors == 1 {
            "1 actor".to_owned()
        } else {
            format!("{} actors", grouped(sums.actors as f64))
        };
        let down = count((sums.actors - sums.running) as f64, "not running");
        let restarts = count(sums.restarts as f64, if sums.restarts == 1 { "restart" } else { "restarts" });
        let [queued, in_flight] = [count(sums.queued, "queued"), count(sums.in_flight, "in flight")];
        format!("{actors}{down}{restarts}{queued}{in_flight}")
    }

    /// Takes away what is not to be shown.
    pub fn filter(&mut self, filter: &Filter<'_>) {
        let (branches, conditions): (Vec<Only>, Vec<Only>) =
            filter.only.iter().partition(|only| !matches!(only, Only::Busy | Only::Restarted));
        let branches: Vec<String> = branches.iter().map(|only| format!("{only:?}").to_lowercase()).collect();
        let wanted = |actor: &Actor| {
            let branch = actor.path.split('/').nth(1);
            let in_branch = branches.is_empty()
                || branch.is_some_and(|branch| branches.iter().any(|only| only == branch));
            let fits = conditions.is_empty()
                || conditions.iter().any(|only| match only {
                    Only::Busy => actor.is_busy(),
                    _ => actor.has_trouble(),
                });
            in_branch && fits
        };
        if !filter.only.is_empty() {
            self.keep(&wanted);
        }
        if let Some(depth) = filter.depth {
            self.cut_below(depth);
        }
    }

    fn keep(&mut self, wanted: &dyn Fn(&Actor) -> bool) {
        self.children.retain_mut(|child| {
            child.keep(wanted);
            !child.children.is_empty() || wanted(child)
        });
    }

    fn cut_below(&mut self, depth: usize) {
        if depth > 0 {
            return self.children.iter_mut().for_each(|child| child.cut_below(depth - 1));
        }
        let mut hidden = Sums::default();
        let from_engines = is_engine(self);
        self.children.drain(..).for_each(|child| child.sum(&mut hidden, from_engines));
        self.hidden = Some(hidden).filter(|hidden| hidden.actors > 0);
    }
}

/// Tells whether it belongs to the engines.
fn is_engine(actor: &Actor) -> bool {
    actor.path.split('/').nth(1) == Some("executors")
}
