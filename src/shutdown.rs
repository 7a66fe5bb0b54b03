//! The end of an app, in phases: stop accepting → drain until the deadline → force → flush.
//!
//! One [`Shutdown`] per app, cloned into everything that accepts work or runs it. The composition root moves it
//! through its phases; nobody else does.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// How far the app is on its way down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Work is accepted.
    Running,
    /// No new work from outside; what is accepted is finished.
    Draining,
    /// What is left is dropped.
    Forced,
}

/// The shutdown value and the tasks that it ends.
#[derive(Clone)]
pub struct Shutdown {
    phase: Arc<watch::Sender<Phase>>,
    tasks: TaskTracker,
    onlookers: TaskTracker,
}

impl Default for Shutdown {
    fn default() -> Self {
        let phase = Arc::new(watch::Sender::new(Phase::Running));
        Shutdown { phase, tasks: TaskTracker::new(), onlookers: TaskTracker::new() }
    }
}

impl Shutdown {
    /// Returns the phase now.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Moves on to `phase`; never back.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let later = phase > *now;
            *now = phase.max(*now);
            later
        });
    }

    /// Waits until the app is in `phase` or beyond it. Cancel-safe.
    pub async fn reached(&self, phase: Phase) {
        let mut now = self.phase.subscribe();
        // The sender lives in `self`, so the wait cannot end without the phase.
        let _ = now.wait_for(|now| *now >= phase).await;
    }

    /// Runs a task that is dropped when the app is forced down.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut forced = self.phase.subscribe();
        self.tasks.spawn(async move {
            tokio::select! {
                () = task => {}
                _ = forced.wait_for(|now| *now == Phase::Forced) => {}
            }
        });
    }

    /// Runs a task that the drain does not wait for, because it only looks on. It has to end by itself soon after the
    /// app is forced down.
    pub fn spawn_onlooker(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.onlookers.spawn(task);
    }

    /// Counts the spawned tasks that have not ended; onlookers are not among them.
    pub fn tasks(&self) -> usize {
        self.tasks.len()
    }

    /// Waits until every spawned task has ended, onlookers too. Cancel-safe.
    pub async fn drained(&self) {
        self.tasks.close();
        self.onlookers.close();
        self.tasks.wait().await;
        self.onlookers.wait().await;
    }
}
