//! The actor of one engine: boots it, seats it in the pool, and fails when the engine dies so that it is replaced.
//!
//! Started by the composition root, one per isolate and interpreter. Never sees an invocation.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::actors::Pool;
use crate::lang::{Problem, Runtime, Worker};
use crate::supervision::ChildSpec;

/// How long an engine has to come up and load its handlers: a module that never finishes loading, by a top-level
/// `await` or an endless loop, must not hold up the start for ever.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

/// Boots one worker within the limit.
///
/// # Errors
/// As [`Runtime::boot`]; a worker that is not up in time is ended.
pub async fn boot_in_time(runtime: &dyn Runtime) -> Result<Arc<dyn Worker>, Vec<Problem>> {
    let boot = tokio::time::timeout(BOOT_LIMIT, runtime.boot()).await;
    boot.unwrap_or_else(|_| {
        let language = runtime.language();
        let message =
            format!("the {language:?} engine did not load the handlers within {} s", BOOT_LIMIT.as_secs());
        Err(vec![Problem::new(message).hint("look for a module that loops or awaits at its top level")])
    })
}

/// What a worker actor works with.
#[derive(Clone)]
pub struct WorkerSlot {
    /// Its number in the pool.
    pub number: usize,
    /// What boots its engine.
    pub runtime: Arc<dyn Runtime>,
    /// Where it takes its seat.
    pub pool: Pool,
    /// An engine that is up already, for whoever starts first.
    pub warm: Arc<Mutex<Option<Arc<dyn Worker>>>>,
}

impl WorkerSlot {
    /// Describes the actor as a child named `name`.
    pub fn child(self, name: String) -> ChildSpec {
        ChildSpec::new(name, move |supervisor| {
            let slot = self.clone();
            async move { Ok(Actor::spawn_linked(None, Keeper, slot, supervisor).await?.0.get_cell()) }
        })
    }
}

/// The engine is gone, for this reason.
struct Gone(String);

/// An engine in its seat; leaving the state, however the actor ends, stops it.
struct Seated {
    slot: WorkerSlot,
    worker: Arc<dyn Worker>,
    watch: tokio::task::AbortHandle,
}

impl Drop for Seated {
    fn drop(&mut self) {
        self.slot.pool.unseat(self.slot.number, &self.worker);
        self.watch.abort();
        self.worker.stop();
    }
}

struct Keeper;

impl Actor for Keeper {
    type Msg = Gone;
    type State = Seated;
    type Arguments = WorkerSlot;

    async fn pre_start(
        &self,
        myself: ActorRef<Gone>,
        slot: WorkerSlot,
    ) -> Result<Seated, ActorProcessingErr> {
        let warm = slot.warm.lock().take();
        let worker = match warm {
            Some(worker) => worker,
            None => boot_in_time(&*slot.runtime).await.map_err(|problems| {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                lines.join("; ")
            })?,
        };
        slot.pool.seat(slot.number, Arc::clone(&worker));
        let exited = worker.exited();
        let watch = tokio::spawn(async move {
            let reason = exited.await;
            let _ = myself.send_message(Gone(reason));
        });
        Ok(Seated { slot, worker, watch: watch.abort_handle() })
    }

    async fn handle(
        &self,
        _: ActorRef<Gone>,
        Gone(reason): Gone,
        _: &mut Seated,
    ) -> Result<(), ActorProcessingErr> {
        Err(reason.into())
    }
}
