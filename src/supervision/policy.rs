//! The pure half of supervision: given how a child ended and what happened before, what is to be done?
//!
//! Called by the supervisor actor only. Takes the time and the random number as arguments; never starts, stops or
//! waits for anything. The semantics are those of OTP's `supervisor`, plus exponential backoff with jitter and a
//! limit on restarts per second.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

use crate::supervision::history::History;

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
    /// Only after an abnormal exit: not after [`Exit::Normal`] and [`Exit::Shutdown`].
    Transient,
    /// Never; it leaves the list when it has ended, and when it is stopped along with its siblings.
    Temporary,
}

/// Whether a supervisor ends by itself once its significant children have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoShutdown {
    /// It does not, and no child may be significant.
    Never,
    /// It ends when any significant child has ended by itself and is not restarted.
    AnySignificant,
    /// It ends when the last significant child has.
    AllSignificant,
}

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// It stopped by itself.
    Normal,
    /// It was told to stop, or gave up in an orderly way: `ractor`'s stop reason began with `shutdown`.
    Shutdown(String),
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
            Exit::Shutdown(reason) | Exit::Failed(reason) => reason,
        }
    }

    /// Tells whether a transient child that ended so is restarted.
    pub fn is_abnormal(&self) -> bool {
        matches!(self, Exit::Killed | Exit::Failed(_))
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
    /// Every restart at once, as OTP does.
    pub const NONE: Backoff = Backoff { first: Duration::ZERO, max: Duration::ZERO };

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
    /// At most this many restarts within `period`; one more and the supervisor itself ends.
    pub intensity: u32,
    /// The window of `intensity`.
    pub period: Duration,
    /// The wait before a restart.
    pub backoff: Backoff,
    /// At most this many restarts within any second, whatever fails together; unlimited when `None`. A restart of
    /// siblings along with a child counts once.
    pub rate: Option<NonZeroU32>,
    /// Whether the supervisor ends with its significant children.
    pub auto_shutdown: AutoShutdown,
}

impl Policy {
    /// Returns the policy of the tree's branches: 10 restarts in 10 s, backoff from 10 ms to 1 s, 1,000 restarts a
    /// second.
    pub fn new(strategy: Strategy) -> Self {
        Policy {
            strategy,
            intensity: 10,
            period: Duration::from_secs(10),
            backoff: Backoff { first: Duration::from_millis(10), max: Duration::from_secs(1) },
            rate: NonZeroU32::new(1_000),
            auto_shutdown: AutoShutdown::Never,
        }
    }

    /// Returns the policy of engine pools: an engine is replaced as often as user code ruins one, never escalating.
    pub fn engines() -> Self {
        Policy { intensity: u32::MAX, ..Policy::new(Strategy::OneForOne) }
    }
}

/// The child that ended, as the decision sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Child {
    /// Its number in start order.
    pub number: u64,
    /// When it is restarted.
    pub restart: Restart,
    /// Whether it counts for the supervisor's automatic shutdown.
    pub significant: bool,
    /// Whether another significant child runs or is about to be restarted.
    pub significant_siblings: bool,
}

/// What the supervisor does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The child is not restarted; its siblings go on. A temporary one leaves the list.
    Forget,
    /// As [`Decision::Forget`], and the supervisor ends: a significant child has.
    ShutDown,
    /// The children that `strategy` names are stopped in reverse and started again in order.
    Restart {
        /// Which siblings are restarted along.
        strategy: Strategy,
        /// Not before this instant; `now` means at once.
        at: Instant,
    },
    /// Too many restarts: the supervisor stops its children and ends, so that its parent decides.
    Escalate,
}

/// Decides what happens after `child` ended, or did not start again, with `exit`.
pub fn decide(
    policy: &Policy,
    history: &History,
    (child, exit): (Child, &Exit),
    now: Instant,
    jitter: f64,
) -> Decision {
    let restarts = match child.restart {
        Restart::Permanent => true,
        Restart::Transient => exit.is_abnormal(),
        Restart::Temporary => false,
    };
    if !restarts {
        let last = match policy.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => child.significant,
            AutoShutdown::AllSignificant => child.significant && !child.significant_siblings,
        };
        return if last { Decision::ShutDown } else { Decision::Forget };
    }
    if history.recent(policy.period, now) >= policy.intensity as usize {
        return Decision::Escalate;
    }
    let delay = policy.backoff.delay(history.recent_of(child.number, policy.period, now), jitter);
    Decision::Restart { strategy: policy.strategy, at: history.earliest(policy.rate, now + delay) }
}
