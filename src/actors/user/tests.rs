//! Every way in which a message to an actor of the user's own can end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::actors::mailbox::{Limits, OnCrash, OnFull, Priority, SendError};
use crate::actors::user::{Actor, ActorError, AskError, Child, Ref, Reply, Scope};
use crate::invocation::Failure;
use crate::supervision::{Backoff, ChildSpec, Policy, Restart, Strategy, Supervisor, SupervisorRef, Tree};

/// What the test actor can be told.
enum Tell {
    Note(u32),
    Attempts(Reply<u32>),
    /// Waits for the gate, then answers.
    Wait(Reply<&'static str>),
    Forget {
        _reply: Reply<u32>,
    },
    /// Panics until it has been tried this often, then answers with the attempt.
    Panic(u32, Reply<u32>),
    Fail(&'static str, #[expect(dead_code, reason = "it is dropped with the message")] Reply<u32>),
    Stop,
    StopWith(&'static str),
}

/// What the test sees of all incarnations.
#[derive(Clone)]
struct Lab {
    gate: Arc<Semaphore>,
    seen: Arc<Mutex<Vec<String>>>,
}

struct Subject {
    lab: Lab,
}

impl Actor for Subject {
    type Message = Tell;

    async fn started(&mut self, scope: &Scope<Tell>) -> Result<(), ActorError> {
        self.lab.seen.lock().push(format!("started {}", scope.name()));
        Ok(())
    }

    async fn stopped(&mut self, _: &Scope<Tell>) {
        self.lab.seen.lock().push("stopped".to_owned());
    }

    async fn handle(&mut self, message: &Tell, scope: &Scope<Tell>) -> Result<(), ActorError> {
        match message {
            Tell::Note(number) => self.lab.seen.lock().push(number.to_string()),
            Tell::Attempts(reply) => reply.send(scope.attempt()),
            Tell::Wait(reply) => {
                self.lab.gate.acquire().await?.forget();
                reply.send("waited");
            }
            Tell::Forget { .. } => {}
            Tell::Panic(attempts, reply) => {
                assert!(scope.attempt() >= *attempts, "attempt {}", scope.attempt());
                reply.send(scope.attempt());
            }
            Tell::Fail(reason, _) => return Err((*reason).into()),
            Tell::Stop => scope.stop(),
            Tell::StopWith(reason) => scope.fail(reason),
        }
        Ok(())
    }
}

struct Bench {
    lab: Lab,
    root: SupervisorRef,
    tree: Tree,
    subject: Ref<Tell>,
}

fn child(lab: &Lab) -> Child<Subject> {
    let lab = lab.clone();
    Child::actor("subject", move || {
        let lab = lab.clone();
        async move { Ok(Subject { lab }) }
    })
}

fn lab() -> Lab {
    Lab { gate: Arc::new(Semaphore::new(0)), seen: Arc::default() }
}

impl Bench {
    async fn start(set: impl FnOnce(Child<Subject>) -> Child<Subject>) -> Bench {
        let lab = lab();
        let child = set(child(&lab));
        let subject = child.reference();
        let (tree, policy) = (Tree::default(), Policy::new(Strategy::OneForOne));
        let children = vec![child.into()];
        let top = Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children };
        Bench { root: top.start().await.unwrap(), lab, tree, subject }
    }

    fn seen(&self) -> Vec<String> {
        self.lab.seen.lock().clone()
    }

    fn kill(&self) {
        self.root.cell().get_children().iter().for_each(ractor::ActorCell::kill);
    }

    /// Asks the actor to wait at the gate, and waits until it does.
    async fn held(&self) -> tokio::task::JoinHandle<Result<&'static str, AskError>> {
        let subject = self.subject.clone();
        let asked = tokio::spawn(async move { subject.ask(Tell::Wait).await });
        until(|| self.subject.load().in_flight == 1).await;
        asked
    }
}

async fn until(mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < limit, "it takes too long");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn crashed(outcome: Result<impl std::fmt::Debug, AskError>) -> String {
    match outcome {
        Err(AskError::Crashed { actor, reason }) => {
            assert_eq!(&*actor, "subject");
            reason
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_told_before_the_start_waits_in_order() {
    let lab = lab();
    let child = child(&lab);
    let subject = child.reference();
    for number in 0..3 {
        subject.tell(Tell::Note(number)).await.unwrap();
    }
    let early = tokio::spawn({
        let subject = subject.clone();
        async move { subject.ask(Tell::Attempts).await }
    });
    until(|| subject.load().queued == 4).await;
    let (tree, policy) = (Tree::default(), Policy::new(Strategy::OneForOne));
    let top = Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children: vec![child.into()] };
    let root = top.start().await.unwrap();
    assert_eq!(early.await.unwrap(), Ok(1));
    assert_eq!(*lab.seen.lock(), ["started subject", "0", "1", "2"]);
    let load = tree.snapshot().unwrap().find("top/subject").unwrap().load.unwrap();
    assert_eq!((load.accepted, load.handled, load.capacity), (4, 4, 1024));
    root.stop(Duration::from_secs(20)).await;
    assert_eq!(lab.seen.lock().last().unwrap(), "stopped");
}

#[tokio::test]
async fn an_ask_of_an_actor_that_never_starts_ends_in_time() {
    let subject = child(&lab()).reference();
    let outcome = subject.within(Duration::from_millis(10)).ask(Tell::Attempts).await;
    assert_eq!(outcome, Err(AskError::TimedOut { actor: "subject".into() }));
}

#[tokio::test]
async fn an_ask_ends_when_the_reply_is_dropped_or_the_handler_crashes() {
    let bench = Bench::start(|child| child).await;
    let subject = &bench.subject;
    assert_eq!(crashed(subject.ask(|_reply| Tell::Forget { _reply }).await), "it did not reply");
    assert_eq!(crashed(subject.ask(|reply| Tell::Panic(9, reply)).await), "it panicked");
    assert_eq!(crashed(subject.ask(|reply| Tell::Fail("no paper", reply)).await), "no paper");
    assert_eq!(subject.ask(Tell::Attempts).await, Ok(1), "the next incarnation goes on");
    assert_eq!(bench.tree.snapshot().unwrap().find("top/subject").unwrap().restarts, 2);
}

#[tokio::test]
async fn a_message_is_tried_again_as_often_as_it_may() {
    let dead = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&dead);
    let bench = Bench::start(|child| {
        child.on_crash(OnCrash::Retry { attempts: 3 }).dead_letters(move |message, reason| {
            assert!(matches!(message, Tell::Panic(4, _)));
            hook.lock().push(reason);
        })
    })
    .await;
    let subject = &bench.subject;
    assert_eq!(subject.ask(|reply| Tell::Panic(3, reply)).await, Ok(3));
    assert_eq!(crashed(subject.ask(|reply| Tell::Panic(4, reply)).await), "it panicked");
    assert_eq!(*dead.lock(), ["it panicked"]);
    until(|| subject.load().in_flight == 0).await;
    let load = subject.load();
    assert_eq!((load.handled, load.dead_lettered), (1, 1));
}

#[tokio::test]
async fn a_kill_ends_what_is_in_hand_and_keeps_what_waits() {
    let bench = Bench::start(|child| child).await;
    let in_hand = bench.held().await;
    let subject = bench.subject.clone();
    let waits = tokio::spawn(async move { subject.ask(Tell::Attempts).await });
    until(|| bench.subject.load().queued == 1).await;
    bench.kill();
    assert_eq!(crashed(in_hand.await.unwrap()), "it was stopped");
    assert_eq!(waits.await.unwrap(), Ok(1));
}

#[tokio::test]
async fn a_kill_gives_a_message_that_is_retried_to_the_next_incarnation() {
    let bench = Bench::start(|child| child.on_crash(OnCrash::Retry { attempts: 2 })).await;
    let in_hand = bench.held().await;
    bench.subject.tell(Tell::Note(7)).await.unwrap();
    bench.kill();
    until(|| bench.seen().len() == 2 && bench.subject.load().in_flight == 1).await;
    assert_eq!(bench.subject.load().queued, 1, "it is before those that came later");
    bench.lab.gate.add_permits(1);
    assert_eq!(in_hand.await.unwrap(), Ok("waited"));
    until(|| bench.seen().last().unwrap() == "7").await;
}

#[tokio::test]
async fn an_ask_ends_when_the_actor_is_gone_for_good() {
    let bench = Bench::start(|child| child.restart(Restart::Temporary)).await;
    let in_hand = bench.held().await;
    let subject = bench.subject.clone();
    let waits = tokio::spawn(async move { subject.ask(Tell::Attempts).await });
    until(|| bench.subject.load().queued == 1).await;
    bench.kill();
    assert_eq!(crashed(in_hand.await.unwrap()), "it was stopped");
    // What the supervisor calls when a child has ended for good.
    bench.subject.0.close();
    let gone = AskError::Gone { actor: "subject".into() };
    assert_eq!(waits.await.unwrap(), Err(gone.clone()));
    assert_eq!(bench.subject.ask(Tell::Attempts).await, Err(gone.clone()));
    assert!(matches!(bench.subject.try_tell(Tell::Note(1)), Err(SendError::Gone(Tell::Note(1)))));
    assert!(matches!(bench.subject.tell(Tell::Note(1)).await, Err(SendError::Gone(_))));
    let failure: Failure = gone.into();
    assert_eq!(failure, Failure::Crashed("subject is gone".to_owned()));
}

#[tokio::test]
async fn a_question_that_is_not_answered_in_time_ends_and_is_not_handled_later() {
    let bench = Bench::start(|child| child).await;
    let in_hand = bench.held().await;
    let timed_out = Err(AskError::TimedOut { actor: "subject".into() });
    let late = bench.subject.within(Duration::from_millis(10)).ask(Tell::Attempts).await;
    assert_eq!(late, timed_out);
    bench.subject.expires_in(Duration::ZERO).tell(Tell::Note(1)).await.unwrap();
    bench.subject.tell(Tell::Note(2)).await.unwrap();
    bench.lab.gate.add_permits(1);
    assert_eq!(in_hand.await.unwrap(), Ok("waited"));
    until(|| bench.seen().len() == 2).await;
    assert_eq!(bench.seen()[1], "2");
    until(|| bench.subject.load().handled == 2).await;
    assert_eq!(bench.subject.load().expired, 2);
}

#[tokio::test]
async fn an_ask_of_a_full_mailbox_ends_by_its_policy() {
    let full = AskError::Full { actor: "subject".into() };
    for on_full in [OnFull::Fail, OnFull::Wait, OnFull::DropOldest] {
        let limits = Limits { messages: 1, on_full, ..Limits::default() };
        let bench = Bench::start(|child| child.mailbox(limits)).await;
        let in_hand = bench.held().await;
        let subject = bench.subject.clone();
        let waits = tokio::spawn(async move { subject.ask(Tell::Attempts).await });
        until(|| bench.subject.load().queued == 1).await;
        let next = bench.subject.within(Duration::from_millis(20)).ask(Tell::Attempts).await;
        if on_full == OnFull::DropOldest {
            assert_eq!(next, Err(AskError::TimedOut { actor: "subject".into() }), "it is in");
            assert_eq!(waits.await.unwrap(), Err(full.clone()), "it made room");
            bench.lab.gate.add_permits(1);
        } else {
            assert_eq!(next, Err(full.clone()), "{on_full:?}");
            assert!(bench.subject.try_tell(Tell::Note(1)).is_err());
            bench.lab.gate.add_permits(1);
            assert_eq!(waits.await.unwrap(), Ok(1));
        }
        assert_eq!(in_hand.await.unwrap(), Ok("waited"));
        assert_eq!(bench.subject.ask(Tell::Attempts).await, Ok(1));
    }
}

#[tokio::test]
async fn a_waiting_ask_gets_in_when_there_is_room() {
    let limits = Limits { messages: 1, ..Limits::default() };
    let bench = Bench::start(|child| child.mailbox(limits)).await;
    let in_hand = bench.held().await;
    bench.subject.tell(Tell::Note(1)).await.unwrap();
    let mut asked = Box::pin(bench.subject.ask(Tell::Attempts));
    assert!(futures_util::poll!(&mut asked).is_pending());
    bench.lab.gate.add_permits(1);
    assert_eq!(asked.await, Ok(1));
    in_hand.await.unwrap().unwrap();
}

#[tokio::test]
async fn urgent_messages_are_handled_first() {
    let bench = Bench::start(|child| child).await;
    let in_hand = bench.held().await;
    for (number, priority) in [(1, Priority::Normal), (2, Priority::High), (3, Priority::Control)] {
        bench.subject.priority(priority).tell(Tell::Note(number)).await.unwrap();
    }
    bench.lab.gate.add_permits(1);
    in_hand.await.unwrap().unwrap();
    until(|| bench.seen().len() == 4).await;
    assert_eq!(bench.seen()[1..], ["3", "2", "1"]);
}

#[tokio::test]
async fn control_is_handled_next_behind_a_million() {
    let limits = Limits { messages: 1_000_000, ..Limits::default() };
    let bench = Bench::start(|child| child.mailbox(limits)).await;
    let in_hand = bench.held().await;
    for number in 0..1_000_000 {
        bench.subject.try_tell(Tell::Note(number)).unwrap();
    }
    let asked = Instant::now();
    let control = bench.subject.priority(Priority::Control);
    let mut answer = Box::pin(control.ask(Tell::Attempts));
    assert!(futures_util::poll!(&mut answer).is_pending());
    bench.lab.gate.add_permits(1);
    assert_eq!(answer.await, Ok(1));
    println!("control took {:?}", asked.elapsed());
    // One thread: the actor may have gone on until its budget was used up, but not much further.
    assert!(bench.seen().len() < 1000, "{} were handled before", bench.seen().len());
    in_hand.await.unwrap().unwrap();
    // A stop does not wait for the rest either.
    bench.root.stop(Duration::from_secs(20)).await;
    assert!(bench.subject.load().handled < 100_000);
}

#[tokio::test]
async fn an_actor_stops_itself_normally_or_with_a_failure() {
    let bench = Bench::start(|child| child.restart(Restart::Transient)).await;
    bench.subject.tell(Tell::StopWith("worn out")).await.unwrap();
    bench.subject.tell(Tell::Note(1)).await.unwrap();
    until(|| bench.seen().len() == 3).await;
    assert_eq!(bench.seen()[1..], ["started subject", "1"], "restarted, and the mailbox goes on");
    let exit = bench.tree.snapshot().unwrap().find("top/subject").unwrap().last_exit.clone();
    assert!(exit.as_deref().unwrap_or_default().contains("worn out"), "{exit:?}");
    bench.subject.tell(Tell::Stop).await.unwrap();
    bench.subject.tell(Tell::Note(2)).await.unwrap();
    until(|| bench.seen().last().unwrap() == "stopped").await;
    let load = bench.subject.load();
    assert_eq!((load.queued, load.handled), (0, 3), "what comes after its end is given back");
}

#[tokio::test]
async fn a_reply_tells_whether_anybody_waits() {
    let (reply, awaited, _) = super::reply::question::<u32>();
    assert!(!reply.is_closed());
    drop(awaited);
    assert!(reply.is_closed());
    reply.send(1);
    let (reply, awaited, _) = super::reply::question();
    reply.send(1);
    reply.send(2);
    assert_eq!(awaited.await, Ok(1), "only the first counts");
}

#[tokio::test]
async fn a_limit_beyond_all_time_is_no_limit() {
    let bench = Bench::start(|child| child.mailbox(Limits { messages: 1, ..Limits::default() })).await;
    let held = bench.held().await;
    bench.subject.expires_in(Duration::MAX).try_tell(Tell::Note(1)).unwrap();
    let mut told = Box::pin(bench.subject.within(Duration::MAX).tell(Tell::Note(2)));
    assert!(futures_util::poll!(&mut told).is_pending());
    bench.lab.gate.add_permits(1);
    told.await.unwrap();
    assert_eq!(held.await.unwrap(), Ok("waited"));
    assert_eq!(bench.subject.within(Duration::MAX).ask(Tell::Attempts).await, Ok(1));
    bench.root.stop(Duration::from_secs(20)).await;
}

/// What only one incarnation may hold at a time, and takes its time to let go of.
struct Held(Arc<AtomicU32>);

impl Drop for Held {
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(20));
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Holder(#[expect(dead_code, reason = "it is only held")] Held);

impl Actor for Holder {
    type Message = (bool, Reply<u32>);

    async fn handle(
        &mut self,
        (panics, reply): &Self::Message,
        scope: &Scope<Self::Message>,
    ) -> Result<(), ActorError> {
        match scope.attempt() {
            1 if *panics => panic!("on purpose"),
            1 => Err("on purpose".into()),
            attempt => {
                reply.send(attempt);
                Ok(())
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_crashed_actor_held_is_free_before_the_next_one_is_made() {
    let held = Arc::new(AtomicU32::new(0));
    let child = Child::actor("holder", move || {
        let before = held.fetch_add(1, Ordering::SeqCst);
        let held = Held(Arc::clone(&held));
        async move { if before == 0 { Ok(Holder(held)) } else { Err("the one before still holds it".into()) } }
    });
    let child = child.on_crash(OnCrash::Retry { attempts: 2 });
    let holder = child.reference();
    let (tree, policy) = (Tree::default(), Policy::new(Strategy::OneForOne));
    let setup =
        Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children: vec![child.into()] };
    let root = setup.start().await.unwrap();
    for (panics, restarts) in [(false, 1), (true, 2)] {
        assert_eq!(holder.ask(|reply| (panics, reply)).await, Ok(2));
        assert_eq!(tree.find("top/holder").unwrap().restarts, restarts, "it started at the first try");
    }
    root.stop(Duration::from_secs(20)).await;
}

/// Lets others in before it has handled its message.
struct Lazy;

impl Actor for Lazy {
    type Message = ();

    async fn handle(&mut self, (): &(), _: &Scope<()>) -> Result<(), ActorError> {
        tokio::task::yield_now().await;
        Ok(())
    }
}

/// Whatever happens to an actor on demand, its siblings and its supervisor while it is idle, starts, runs and fails
/// to start: what was told is handled, without another message that would wake it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_told_to_an_actor_on_demand_is_forgotten() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let lazy = Child::actor("lazy", || async {
        if fastrand::u8(..4) == 0 { Err("not now".into()) } else { Ok(Lazy) }
    });
    let lazy = lazy.on_crash(OnCrash::Retry { attempts: u32::MAX }).on_demand();
    let reference = lazy.reference();
    let eager = Child::actor("eager", || async { Ok(Lazy) });
    let (tree, backoff) = (Tree::default(), Backoff { first: Duration::ZERO, max: Duration::ZERO });
    let policy = |strategy| Policy { backoff, intensity: u32::MAX, rate: None, ..Policy::new(strategy) };
    let children = vec![eager.into(), lazy.into()];
    let inner = ChildSpec::supervisor("top", "inner", policy(Strategy::OneForAll), &tree, children);
    let children = vec![inner];
    let setup = Supervisor {
        path: "top".to_owned(),
        policy: policy(Strategy::OneForOne),
        tree: tree.clone(),
        children,
    };
    let root = setup.start().await.unwrap();
    let mut sent = 0;
    for _ in 0..1_000 {
        for _ in 0..random.u8(1..5) {
            match random.u8(..6) {
                0 => drop(root.kill("inner/eager").await),
                1 => drop(root.kill("inner/lazy").await),
                2 => drop(root.kill("inner").await),
                3 => tokio::task::yield_now().await,
                _ => {
                    reference.try_tell(()).unwrap();
                    sent += 1;
                }
            }
        }
        let limit = Instant::now() + Duration::from_secs(20);
        while reference.0.counts().handled < sent {
            assert!(Instant::now() < limit, "{:?} {:?}", reference.0.counts(), tree.snapshot());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(reference.0.counts().accepted, sent);
    root.stop(Duration::from_secs(20)).await;
}
