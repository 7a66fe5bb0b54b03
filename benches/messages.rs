//! A message to an actor: through our bounded mailbox and a wake, against a cast into ractor's unbounded mailbox.
//! And a question to an actor: `Ref::ask`, against ractor's `call`. kameo and actix stand beside for comparison.
//!
//! ```text
//!  ours   sender ─try_send │ send().await─▶ Mailbox ─take─▶ Entity (woken once while it sleeps)
//!  ours   sender ─tell().await │ ask().await─▶ Ref ─▶ Mailbox ─▶ Own (supervised, an actor of the user's own)
//!  peer   sender ─cast │ call───────────────────────────▶ Raw
//! ```
//!
//! An iteration is a batch of [`BATCH`] messages, from the first send until the last is handled, or of
//! [`QUESTIONS`], one after the other; both sides ask with a time limit.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use rohas::actors::mailbox::{Limits, Mailbox, Wake};
use rohas::supervision::{Policy, Strategy, Supervisor, SupervisorRef, Tree};
use rohas::{ActorError, Child, Ref, Reply, Scope};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;

use crate::actors::peers;
use crate::measure::{Case, Comparison, Ratios};

mod actors;
mod measure;

/// Messages of a batch.
const BATCH: u64 = 100_000;

/// Questions of a batch.
const QUESTIONS: u64 = 10_000;

/// The default capacity of an entity's mailbox: with it the sender has to wait for the actor.
const BOUND: usize = 1024;

/// The default concurrency of an api.
const CONCURRENCY: usize = 64;

/// How long a sender waits for room at most; never reached.
const PATIENCE: Duration = Duration::from_secs(60);

/// The message.
struct Tell {
    value: u64,
    /// The batch ends with it.
    last: bool,
}

/// A message, or the question for the sum.
enum Ask<R> {
    Tell(Tell),
    Sum(R),
}

/// What both actors do with a message.
struct Sum {
    sum: u64,
    done_tx: mpsc::UnboundedSender<u64>,
}

impl Sum {
    fn add(&mut self, tell: &Tell) {
        self.sum = self.sum.wrapping_add(black_box(tell.value));
        if tell.last {
            let _ = self.done_tx.send(self.sum);
        }
    }
}

/// An actor as the entity actors are.
struct Entity;

impl Actor for Entity {
    type Msg = Wake;
    type State = (Mailbox<Tell>, Sum);
    type Arguments = (Mailbox<Tell>, Sum);

    async fn pre_start(
        &self,
        myself: ActorRef<Wake>,
        state: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        state.0.attach(move || drop(myself.send_message(Wake)));
        Ok(state)
    }

    async fn handle(
        &self,
        _: ActorRef<Wake>,
        _: Wake,
        (mailbox, sum): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        for tell in mailbox.batch() {
            sum.add(&tell);
            tell.done();
        }
        Ok(())
    }
}

/// An actor of the user's own.
struct Own(Sum);

impl rohas::Actor for Own {
    type Message = Ask<Reply<u64>>;

    async fn handle(&mut self, message: &Self::Message, _: &Scope<Self::Message>) -> Result<(), ActorError> {
        match message {
            Ask::Tell(tell) => self.0.add(tell),
            Ask::Sum(reply) => reply.send(self.0.sum),
        }
        Ok(())
    }
}

/// A plain actor.
struct Raw;

impl Actor for Raw {
    type Msg = Ask<RpcReplyPort<u64>>;
    type State = Sum;
    type Arguments = Sum;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, sum: Sum) -> Result<Sum, ActorProcessingErr> {
        Ok(sum)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        sum: &mut Sum,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Ask::Tell(tell) => sum.add(&tell),
            Ask::Sum(reply) => drop(reply.send(sum.sum)),
        }
        Ok(())
    }
}

fn batch() -> impl Iterator<Item = Tell> {
    (1..=BATCH).map(|value| Tell { value, last: value == BATCH })
}

/// How a batch gets into a mailbox.
#[derive(Clone, Copy)]
enum Sending {
    /// There is room for all of it.
    Try,
    /// The sender waits for room.
    Wait,
}

/// Sends batches to an entity with a mailbox of `capacity`.
async fn entity(batches: u64, capacity: usize, sending: Sending) -> Duration {
    let (done_tx, mut done_rx) = mpsc::unbounded_channel();
    let limits = Limits { messages: capacity, concurrency: CONCURRENCY, ..Limits::default() };
    let mailbox = Mailbox::new("entity", limits);
    let state = (mailbox.clone(), Sum { sum: 0, done_tx });
    let (actor, join) = Actor::spawn(None, Entity, state).await.expect("the actor starts");
    let started = Instant::now();
    for _ in 0..batches {
        let deadline = Instant::now() + PATIENCE;
        for tell in batch() {
            let sent = match sending {
                Sending::Try => mailbox.try_send(tell),
                Sending::Wait => mailbox.send(tell, deadline).await,
            };
            assert!(sent.is_ok(), "there is room");
        }
        done_rx.recv().await.expect("the actor lives");
    }
    let took = started.elapsed();
    actor.stop(None);
    let _ = join.await;
    took
}

/// Casts batches to a plain actor.
async fn raw(batches: u64) -> Duration {
    let (done_tx, mut done_rx) = mpsc::unbounded_channel();
    let (actor, join) = Actor::spawn(None, Raw, Sum { sum: 0, done_tx }).await.expect("the actor starts");
    let started = Instant::now();
    for _ in 0..batches {
        for tell in batch() {
            actor.cast(Ask::Tell(tell)).expect("the actor lives");
        }
        done_rx.recv().await.expect("the actor lives");
    }
    let took = started.elapsed();
    actor.stop(None);
    let _ = join.await;
    took
}

/// Starts an actor of the user's own under a supervisor.
async fn own(done_tx: mpsc::UnboundedSender<u64>) -> (SupervisorRef, Ref<Ask<Reply<u64>>>) {
    let child = Child::actor("own", move || {
        let done_tx = done_tx.clone();
        async move { Ok(Own(Sum { sum: 0, done_tx })) }
    });
    let own = child.reference();
    let (policy, tree) = (Policy::new(Strategy::OneForOne), Tree::default());
    let top = Supervisor { path: "top".to_owned(), policy, tree, children: vec![child.into()] };
    (top.start().await.expect("the tree starts"), own)
}

/// Tells batches to an actor of the user's own, with a mailbox of the default size.
async fn tell(batches: u64) -> Duration {
    let (done_tx, mut done_rx) = mpsc::unbounded_channel();
    let (root, own) = own(done_tx).await;
    let started = Instant::now();
    for _ in 0..batches {
        for tell in batch() {
            own.tell(Ask::Tell(tell)).await.expect("there is room");
        }
        done_rx.recv().await.expect("the actor lives");
    }
    let took = started.elapsed();
    root.stop(PATIENCE).await;
    took
}

/// Asks an actor of the user's own, question after question.
async fn ask(batches: u64) -> Duration {
    let (root, own) = own(mpsc::unbounded_channel().0).await;
    let started = Instant::now();
    for _ in 0..batches * QUESTIONS {
        black_box(own.ask(Ask::Sum).await.expect("it answers"));
    }
    let took = started.elapsed();
    root.stop(PATIENCE).await;
    took
}

/// Calls a plain actor, question after question.
async fn call(batches: u64, limit: Option<Duration>) -> Duration {
    let sum = Sum { sum: 0, done_tx: mpsc::unbounded_channel().0 };
    let (actor, join) = Actor::spawn(None, Raw, sum).await.expect("the actor starts");
    let started = Instant::now();
    for _ in 0..batches * QUESTIONS {
        let answer = actor.call(Ask::Sum, limit).await.expect("the actor lives");
        black_box(matches!(answer, CallResult::Success(_)));
    }
    let took = started.elapsed();
    actor.stop(None);
    let _ = join.await;
    took
}

/// Tells batches to an actor of kameo with a mailbox of the same bound.
async fn kameo_tell(batches: u64) -> Duration {
    let actor = peers::kameo();
    actor.wait_for_startup().await;
    let started = Instant::now();
    for _ in 0..batches {
        for tell in batch() {
            actor.tell(peers::Add(tell.value)).await.expect("the actor lives");
        }
        black_box(actor.ask(peers::Get).await.expect("the actor lives"));
    }
    let took = started.elapsed();
    actor.kill();
    took
}

/// Asks an actor of kameo, question after question.
async fn kameo_ask(batches: u64) -> Duration {
    let actor = peers::kameo();
    actor.wait_for_startup().await;
    let started = Instant::now();
    for _ in 0..batches * QUESTIONS {
        black_box(actor.ask(peers::Get).await.expect("the actor lives"));
    }
    let took = started.elapsed();
    actor.kill();
    took
}

/// Tells batches to an actor of actix, past its bound.
async fn actix_tell(batches: u64, actor: actix::Addr<peers::Actix>) -> Duration {
    let started = Instant::now();
    for _ in 0..batches {
        for tell in batch() {
            actor.do_send(peers::Add(tell.value));
        }
        black_box(actor.send(peers::Get).await.expect("the actor lives"));
    }
    started.elapsed()
}

/// Asks an actor of actix, question after question.
async fn actix_ask(batches: u64, actor: actix::Addr<peers::Actix>) -> Duration {
    let started = Instant::now();
    for _ in 0..batches * QUESTIONS {
        black_box(actor.send(peers::Get).await.expect("the actor lives"));
    }
    started.elapsed()
}

/// Runs a sender as a task, where senders live in an app, and waits for it.
fn on(runtime: &Runtime, sender: impl Future<Output = Duration> + Send + 'static) -> Duration {
    runtime.block_on(runtime.spawn(sender)).expect("the sender does not panic")
}

/// The same comparison on one kind of runtime.
fn comparison<'a>(
    name: &'static str,
    runtime: &'a Runtime,
    actix: &actix::Addr<peers::Actix>,
) -> Comparison<'a> {
    let roomy = usize::try_from(BATCH).expect("a batch is small");
    Comparison {
        name,
        operations: BATCH,
        cases: vec![
            Case::new("try_send, room for all", move |batches| {
                on(runtime, entity(batches, roomy, Sending::Try))
            }),
            Case::new("send, room for all", move |batches| {
                on(runtime, entity(batches, roomy, Sending::Wait))
            }),
            Case::new("send, room for 1024", move |batches| {
                on(runtime, entity(batches, BOUND, Sending::Wait))
            }),
            Case::new("Ref::tell, room for 1024", move |batches| on(runtime, tell(batches))),
            Case::new("kameo tell, room for 1024", move |batches| on(runtime, kameo_tell(batches))),
            Case::new("actix do_send, no bound, own thread", {
                let actix = actix.clone();
                move |batches| on(runtime, actix_tell(batches, actix.clone()))
            }),
            Case::new("ractor cast", move |batches| on(runtime, raw(batches))),
        ],
    }
}

/// Questions on one kind of runtime.
fn questions<'a>(
    name: &'static str,
    runtime: &'a Runtime,
    actix: &actix::Addr<peers::Actix>,
) -> Comparison<'a> {
    let limit = Some(Duration::from_secs(30));
    Comparison {
        name,
        operations: QUESTIONS,
        cases: vec![
            Case::new("Ref::ask", move |batches| on(runtime, ask(batches))),
            Case::new("kameo ask", move |batches| on(runtime, kameo_ask(batches))),
            Case::new("actix send, own thread", {
                let actix = actix.clone();
                move |batches| on(runtime, actix_ask(batches, actix.clone()))
            }),
            Case::new("ractor call, no limit", move |batches| on(runtime, call(batches, None))),
            Case::new("ractor call", move |batches| on(runtime, call(batches, limit))),
        ],
    }
}

fn main() {
    let two = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let two = two.expect("two threads");
    let one = Builder::new_current_thread().enable_all().build();
    let one = one.expect("one thread");
    let actix = peers::actix();
    let mut criterion = measure::criterion();
    let mut ratios = Ratios::default();
    ratios.compare(&mut criterion, comparison("tell, one thread", &one, &actix));
    ratios.compare(&mut criterion, comparison("tell, two threads", &two, &actix));
    ratios.compare(&mut criterion, questions("ask, one thread", &one, &actix));
    ratios.compare(&mut criterion, questions("ask, two threads", &two, &actix));
    criterion.final_summary();
    ratios.print();
}
