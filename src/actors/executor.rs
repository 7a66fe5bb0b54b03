//! The executor actor of one language: takes invocations from its mailbox and picks the worker that runs each.
//!
//! ```text
//!  api │ subscriber │ … ──Executors::run──▶ mailbox ──take──▶ Executor ──pick least loaded──▶ Worker::invoke
//!                      ◀────────────────────Outcome──────────── task ◀───────────────────────────┘
//! ```
//!
//! The pool of workers outlives the executor: worker actors put themselves in and out. Who stops waiting drops the
//! call, and with it the future of `invoke`, which stops the work.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;

use crate::actors::mailbox::{Letter, Limits, Mailbox, OnFull, Undelivered};
use crate::invocation::{Failure, HandlerId, Invocation, Outcome};
use crate::lang::{Language, Worker};
use crate::shutdown::Shutdown;
use crate::supervision::ChildSpec;

/// How many invocations wait for a worker of one language: several times what a pool works on at once, so that
/// the entities' own mailboxes are what fills up first.
const QUEUE: usize = 8192;

/// When to look again if every worker with room is busy ending a cancelled call.
const RECHECK: Duration = Duration::from_millis(10);

/// One invocation on its way to a worker.
struct Job {
    invocation: Arc<Invocation>,
    reply: oneshot::Sender<Outcome>,
    /// Set when a worker takes it: from then on the handler may have done something.
    started: Arc<AtomicBool>,
}

struct Seat {
    worker: Arc<dyn Worker>,
    in_flight: Arc<AtomicUsize>,
}

/// The workers of one language that are up, and the queue in front of them.
#[derive(Clone)]
pub struct Pool {
    seats: Arc<Mutex<HashMap<usize, Seat>>>,
    queue: Mailbox<Job>,
    max_concurrency: usize,
}

enum Pick {
    Worker(Arc<dyn Worker>, InFlight),
    /// Some worker has room but does not accept right now.
    Later,
    /// All are full; the one that gets room wakes the executor.
    Full,
}

impl Pool {
    /// Makes an empty pool whose workers take `max_concurrency` calls each.
    pub fn new(max_concurrency: usize) -> Self {
        // Jobs share their bodies with the calls that wait for them, so only their number is bounded.
        let limits =
            Limits { messages: QUEUE, concurrency: usize::MAX, on_full: OnFull::Fail, ..Limits::default() };
        let queue = Mailbox::new("executor", limits).undelivered(give_back);
        Pool { seats: Arc::default(), queue, max_concurrency }
    }

    /// Seats the worker `number`, which is up.
    pub fn seat(&self, number: usize, worker: Arc<dyn Worker>) {
        self.seats.lock().insert(number, Seat { worker, in_flight: Arc::default() });
        self.queue.wake();
    }

    /// Takes the worker `number` out, if the seat is still `worker`'s.
    pub fn unseat(&self, number: usize, worker: &Arc<dyn Worker>) {
        let mut seats = self.seats.lock();
        if seats.get(&number).is_some_and(|seat| Arc::ptr_eq(&seat.worker, worker)) {
            seats.remove(&number);
        }
    }

    fn pick(&self) -> Pick {
        let seats = self.seats.lock();
        let with_room = || {
            let loads = seats.values().map(|seat| (seat.in_flight.load(Ordering::Acquire), seat));
            loads.filter(|(load, _)| *load < self.max_concurrency)
        };
        match with_room().filter(|(_, seat)| seat.worker.accepting()).min_by_key(|(load, _)| *load) {
            Some((_, seat)) => {
                seat.in_flight.fetch_add(1, Ordering::AcqRel);
                let in_flight = InFlight { count: Arc::clone(&seat.in_flight), queue: self.queue.clone() };
                Pick::Worker(Arc::clone(&seat.worker), in_flight)
            }
            None if with_room().next().is_some() => Pick::Later,
            None => Pick::Full,
        }
    }
}

/// A call's share of its worker; dropping it makes room for the next.
struct InFlight {
    count: Arc<AtomicUsize>,
    queue: Mailbox<Job>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
        if self.queue.queued() > 0 {
            self.queue.wake();
        }
    }
}

/// Where handlers run: the pool of each language and the language of each handler.
#[derive(Clone, Default)]
pub struct Executors {
    pools: HashMap<Language, Pool>,
    languages: Arc<HashMap<HandlerId, Language>>,
}

impl Executors {
    /// Makes the table from the pools and from where each handler was found.
    pub fn new(pools: HashMap<Language, Pool>, languages: HashMap<HandlerId, Language>) -> Self {
        Executors { pools, languages: Arc::new(languages) }
    }

    /// Returns the language of a handler.
    pub fn language(&self, id: &HandlerId) -> Option<Language> {
        self.languages.get(id).copied()
    }

    /// Runs one invocation to its end, at most until its deadline.
    ///
    /// # Errors
    /// Whatever the handler failed with; [`Failure::TimedOut`] at the deadline, [`Failure::Overloaded`] if no worker
    /// had taken it by then.
    ///
    /// # Cancel safety
    /// Dropping the future stops the work.
    pub async fn run(&self, invocation: Arc<Invocation>) -> Outcome {
        self.run_noting(invocation, &Arc::default()).await
    }

    /// As [`run`](Executors::run); sets `started` when a worker takes the invocation: from then on the handler may
    /// have done something, whatever it fails with.
    pub(super) async fn run_noting(&self, invocation: Arc<Invocation>, started: &Arc<AtomicBool>) -> Outcome {
        let language = self.language(&invocation.handler);
        let Some(pool) = language.and_then(|language| self.pools.get(&language)) else {
            return Err(Failure::NotFound(format!("handler {}", invocation.handler)));
        };
        let deadline = invocation.deadline;
        let (reply, outcome) = oneshot::channel();
        let overloaded = overloaded(&invocation);
        let job = Letter::new(Job { invocation, reply, started: Arc::clone(started) }).deadline(deadline);
        if pool.queue.try_send(job).is_err() {
            return Err(overloaded);
        }
        match tokio::time::timeout_at(deadline.into(), outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::Crashed("the executor dropped the call".to_owned())),
            Err(_) if started.load(Ordering::Acquire) => Err(Failure::TimedOut),
            Err(_) => Err(overloaded), // no worker ever took it
        }
    }
}

fn overloaded(invocation: &Invocation) -> Failure {
    Failure::Overloaded { entity: format!("the executor of {}", invocation.handler) }
}

/// Tells the caller that no worker will take its job.
fn give_back(job: Job, end: Undelivered) {
    let failure = match end {
        Undelivered::Expired | Undelivered::Dropped => overloaded(&job.invocation),
        Undelivered::Gone => Failure::ShuttingDown,
        Undelivered::Failed { reason } | Undelivered::DeadLettered { reason, .. } => Failure::Crashed(reason),
    };
    let _ = job.reply.send(Err(failure)); // the caller may have given up
}

/// What an executor actor works with.
#[derive(Clone)]
pub struct Executor {
    /// The pool it serves.
    pub pool: Pool,
    /// Where its tasks run.
    pub shutdown: Shutdown,
}

impl Executor {
    /// Describes the actor as a child named `executor`.
    pub fn child(self) -> ChildSpec {
        let queue = self.pool.queue.clone();
        let spec = ChildSpec::new("executor", move |supervisor| {
            let executor = self.clone();
            async move { Ok(Actor::spawn_linked(None, Picker, executor, supervisor).await?.0.get_cell()) }
        });
        let closed = queue.clone();
        spec.load(move || queue.load()).gone(move || closed.close())
    }
}

enum Message {
    /// There is work, or room for it.
    Wake,
    /// The time to look again has come.
    Recheck,
}

struct Picking {
    executor: Executor,
    /// A recheck is on its way: one at a time, however much work comes in meanwhile.
    rechecking: bool,
}

struct Picker;

impl Actor for Picker {
    type Msg = Message;
    type State = Picking;
    type Arguments = Executor;

    async fn pre_start(
        &self,
        myself: ActorRef<Message>,
        executor: Executor,
    ) -> Result<Picking, ActorProcessingErr> {
        executor.pool.queue.attach(move || drop(myself.send_message(Message::Wake)));
        Ok(Picking { executor, rechecking: false })
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        state: &mut Picking,
    ) -> Result<(), ActorProcessingErr> {
        let Executor { pool, shutdown } = &state.executor;
        state.rechecking &= !matches!(message, Message::Recheck);
        pool.queue.woken();
        while pool.queue.queued() > 0 {
            let (worker, in_flight) = match pool.pick() {
                Pick::Worker(worker, in_flight) => (worker, in_flight),
                Pick::Full => break,
                Pick::Later => {
                    if !std::mem::replace(&mut state.rechecking, true) {
                        myself.send_after(RECHECK, || Message::Recheck);
                    }
                    break;
                }
            };
            let Some(delivery) = pool.queue.take() else {
                break;
            };
            let (job, permit) = delivery.into_parts();
            shutdown.spawn(async move {
                run(worker, job).await;
                drop((permit, in_flight));
            });
        }
        Ok(())
    }
}

/// Runs a job until it ends or nobody waits for it any more.
async fn run(worker: Arc<dyn Worker>, Job { invocation, mut reply, started }: Job) {
    if reply.is_closed() {
        return;
    }
    started.store(true, Ordering::Release);
    let outcome = tokio::select! {
        outcome = worker.invoke(invocation) => outcome,
        () = reply.closed() => return,
    };
    let _ = reply.send(outcome);
}
