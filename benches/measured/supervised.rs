//! Actors under our supervisor: what one weighs, how soon one is back, and one that stands still.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use ractor::Actor as _;
use rohas::supervision::{ChildSpec, Policy, Strategy, Supervisor, SupervisorRef, Tree};
use rohas::{Actor, ActorError, Child, Limits, OnFull, Ref, Reply, Scope};

use crate::actors::peers::{Parent, Raw};
use crate::measured::memory::{ACTORS, growth, resident, runtime};

/// What our actors are told.
enum Order {
    /// Panic.
    Crash,
    /// Answer.
    Ping(Reply<()>),
    /// Never come to an end.
    Hang,
    /// Carry this.
    Carry(#[allow(dead_code, reason = "its weight is what counts")] Vec<u8>),
}

struct Worker;

impl Actor for Worker {
    type Message = Order;

    async fn handle(&mut self, order: &Order, _: &Scope<Order>) -> Result<(), ActorError> {
        match order {
            Order::Crash => Err("on purpose".into()),
            Order::Ping(reply) => {
                reply.send(());
                Ok(())
            }
            Order::Hang => std::future::pending().await,
            Order::Carry(_) => Ok(()),
        }
    }
}

/// Starts a supervisor that restarts whatever fails as often as it fails.
async fn supervisor(children: Vec<ChildSpec>) -> SupervisorRef {
    let policy =
        Policy { intensity: u32::MAX, rate: NonZeroU32::new(100_000), ..Policy::new(Strategy::OneForOne) };
    let top = Supervisor { path: "top".to_owned(), policy, tree: Tree::default(), children };
    top.start().await.expect("it starts")
}

fn child(number: usize, limits: Limits) -> Child<Worker> {
    Child::actor(format!("worker-{number}"), || async { Ok(Worker) }).mailbox(limits)
}

async fn worker(supervisor: &SupervisorRef, number: usize, limits: Limits) -> Ref<Order> {
    let child = child(number, limits);
    let worker = child.reference();
    supervisor.start(child.into()).await.expect("it starts");
    worker
}

/// Bytes per actor that waits for its first message.
pub fn memory_on_demand() -> f64 {
    runtime().block_on(growth(async {
        let children: Vec<_> =
            (0..ACTORS).map(|number| child(number, Limits::default()).on_demand()).collect();
        let workers: Vec<_> = children.iter().map(Child::reference).collect();
        (supervisor(children.into_iter().map(ChildSpec::from).collect()).await, workers)
    }))
}

/// Bytes per idle actor of the user's own that has started.
pub fn memory() -> f64 {
    runtime().block_on(async {
        let supervisor = supervisor(Vec::new()).await;
        growth(async {
            let mut workers = Vec::with_capacity(ACTORS);
            for number in 0..ACTORS {
                workers.push(worker(&supervisor, number, Limits::default()).await);
            }
            workers
        })
        .await
    })
}

/// Microseconds from telling an actor to crash until its next incarnation has answered: the 99th of 100 in 2,000.
/// Each actor crashes once, so that there is no backoff.
pub fn restart() -> f64 {
    const CRASHES: usize = 2_000;
    runtime().block_on(async {
        let supervisor = supervisor(Vec::new()).await;
        let mut times = Vec::with_capacity(CRASHES);
        for number in 0..CRASHES {
            let worker = worker(&supervisor, number, Limits::default()).await;
            worker.ask(Order::Ping).await.expect("it answers");
            let since = Instant::now();
            worker.tell(Order::Crash).await.expect("there is room");
            worker.ask(Order::Ping).await.expect("it answers");
            times.push(since.elapsed());
        }
        times.sort();
        times[CRASHES * 99 / 100].as_secs_f64() * 1e6
    })
}

/// How many messages of a kibibyte are sent to an actor that stands still.
const SENT: usize = 1_000_000;

/// MiB that a million messages of 1 KiB take at an actor that stands still; the sender is told that it is full.
pub fn stuck() -> f64 {
    runtime().block_on(async {
        let supervisor = supervisor(Vec::new()).await;
        let worker = worker(&supervisor, 0, Limits { on_full: OnFull::Wait, ..Limits::default() }).await;
        worker.tell(Order::Hang).await.expect("there is room");
        while worker.load().in_flight == 0 {
            tokio::task::yield_now().await;
        }
        let before = resident();
        let mut refused = 0;
        for _ in 0..SENT {
            refused += usize::from(worker.try_tell(Order::Carry(vec![1; 1024])).is_err());
        }
        let patience = Duration::from_millis(20);
        let waited = worker.within(patience).tell(Order::Carry(vec![1; 1024])).await;
        assert!(
            waited.is_err() && refused == SENT - Limits::default().messages,
            "the sender feels it: {refused}"
        );
        (resident() - before) / f64::from(1 << 20)
    })
}

/// The same with ractor's own mailbox.
pub fn stuck_raw() -> f64 {
    struct Stuck;
    impl ractor::Actor for Stuck {
        type Msg = Vec<u8>;
        type State = ();
        type Arguments = ();

        async fn pre_start(
            &self,
            _: ractor::ActorRef<Vec<u8>>,
            (): (),
        ) -> Result<(), ractor::ActorProcessingErr> {
            Ok(())
        }

        async fn handle(
            &self,
            _: ractor::ActorRef<Vec<u8>>,
            _: Vec<u8>,
            (): &mut (),
        ) -> Result<(), ractor::ActorProcessingErr> {
            std::future::pending().await
        }
    }
    runtime().block_on(async {
        let (actor, _) = Stuck::spawn(None, Stuck, ()).await.expect("it starts");
        let before = resident();
        for _ in 0..SENT {
            actor.cast(vec![1; 1024]).expect("it lives");
        }
        (resident() - before) / f64::from(1 << 20)
    })
}

/// How many actors are started.
const STARTED: usize = 20_000;

/// Nanoseconds to start an actor under a supervisor that runs, one after the other.
pub fn spawn_later() -> f64 {
    on_worker(async {
        let supervisor = supervisor(Vec::new()).await;
        let since = Instant::now();
        for number in 0..STARTED {
            worker(&supervisor, number, Limits::default()).await;
        }
        since.elapsed()
    })
}

/// Nanoseconds to start one of the first children of a supervisor.
pub fn spawn_first() -> f64 {
    on_worker(async {
        let since = Instant::now();
        let children = (0..STARTED).map(|number| child(number, Limits::default()).into()).collect();
        supervisor(children).await;
        since.elapsed()
    })
}

/// Carries it out on a thread of the runtime, where programs spawn from.
fn on_worker(starts: impl Future<Output = Duration> + Send + 'static) -> f64 {
    let took = runtime().block_on(async { tokio::spawn(starts).await.expect("it does not panic") });
    took.as_nanos() as f64 / STARTED as f64
}

/// The same with ractor's `spawn_linked`.
pub fn spawn_raw() -> f64 {
    on_worker(async {
        let (parent, _) = Parent::spawn(None, Parent, ()).await.expect("it starts");
        let since = Instant::now();
        for _ in 0..STARTED {
            Raw::spawn_linked(None, Raw, (), parent.get_cell()).await.expect("it starts");
        }
        since.elapsed()
    })
}
