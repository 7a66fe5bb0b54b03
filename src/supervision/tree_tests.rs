//! The handle, the board, the stream of changes, the hooks, and many children at once: with real actors.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use parking_lot::Mutex;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, ActorStatus};
use tokio::time::Instant;

use crate::supervision::{
    AutoShutdown, ChangeKind, ChildError, ChildSpec, Demand, Event, Exit, Kind, Policy, Restart, Shutdown,
    StartError, State, Strategy, Supervisor, SupervisorRef, Tree,
};

/// An actor that ends as it is told: `Ok` returns, `Err` fails.
struct Mortal;

impl Actor for Mortal {
    type Msg = Result<(), String>;
    type State = Option<Held>;
    type Arguments = Option<Held>;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        held: Option<Held>,
    ) -> Result<Option<Held>, ActorProcessingErr> {
        Ok(held)
    }

    async fn handle(
        &self,
        myself: ActorRef<Self::Msg>,
        order: Self::Msg,
        _: &mut Option<Held>,
    ) -> Result<(), ActorProcessingErr> {
        order?;
        myself.stop(None);
        Ok(())
    }
}

/// What only one incarnation may hold at a time.
struct Held(Arc<AtomicU32>);

impl Held {
    fn take(count: &Arc<AtomicU32>) -> Held {
        assert_eq!(count.fetch_add(1, Ordering::SeqCst), 0, "the state of the incarnation before is gone");
        Held(Arc::clone(count))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn mortal(name: impl Into<Arc<str>>) -> ChildSpec {
    ChildSpec::new(name, |parent| async move {
        Ok(Actor::spawn_linked(None, Mortal, None, parent).await?.0.get_cell())
    })
}

fn fail(cell: &ActorCell) {
    cell.send_message::<Result<(), String>>(Err("boom".to_owned())).expect("it runs");
}

fn finish(cell: &ActorCell) {
    cell.send_message::<Result<(), String>>(Ok(())).expect("it runs");
}

async fn top(policy: Policy, children: Vec<ChildSpec>) -> (SupervisorRef, Tree) {
    let tree = Tree::default();
    let setup = Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children };
    (setup.start().await.expect("it starts"), tree)
}

fn lenient(strategy: Strategy) -> Policy {
    Policy { intensity: 1_000_000, ..Policy::new(strategy) }
}

async fn next(events: &mut (impl futures_util::Stream<Item = Event> + Unpin)) -> (String, ChangeKind) {
    match events.next().await.expect("the tree is there") {
        Event::Change(change) => (change.path, change.kind),
        Event::Missed(missed) => panic!("missed {missed}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_children_that_fail_together_start_again_at_the_configured_rate() {
    const CHILDREN: usize = 1_000;
    let rate = NonZeroU32::new(100);
    let policy = Policy { rate, ..lenient(Strategy::OneForOne) };
    let starts: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let children = (0..CHILDREN).map(|number| {
        let starts = Arc::clone(&starts);
        ChildSpec::new(number.to_string(), move |parent| {
            let starts = Arc::clone(&starts);
            async move {
                starts.lock().push(Instant::now());
                Ok(Actor::spawn_linked(None, Mortal, None, parent).await?.0.get_cell())
            }
        })
    });
    let (supervisor, tree) = top(policy, children.collect()).await;
    for round in 1..=2 {
        starts.lock().clear();
        supervisor.cell().get_children().iter().for_each(fail);
        while supervisor.count_children().await.expect("it runs").active < CHILDREN
            || starts.lock().len() < CHILDREN
        {
            tokio::time::sleep(Duration::from_millis(500)).await; // on a paused clock
        }
        let starts = starts.lock().clone();
        assert_eq!(starts.len(), CHILDREN, "each once");
        for second in starts.windows(101) {
            assert!(second[100] - second[0] >= Duration::from_secs(1), "round {round}: over the rate");
        }
        let took = starts[CHILDREN - 1] - starts[0];
        assert!(took <= Duration::from_secs(12), "the rate is used up, not more than that: {took:?}");
    }
    let restarts: u64 = tree.snapshot().expect("it runs").children.iter().map(|child| child.restarts).sum();
    assert_eq!(restarts, 2 * CHILDREN as u64);
    supervisor.stop(Duration::from_secs(5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_for_its_restart_is_restarting_and_can_be_called_off() {
    let rate = NonZeroU32::new(1);
    let (supervisor, tree) =
        top(Policy { rate, ..lenient(Strategy::OneForOne) }, vec![mortal("a"), mortal("b")]).await;
    for cell in supervisor.cell().get_children() {
        fail(&cell);
    }
    let waiting =
        || tree.snapshot().expect("it runs").children.into_iter().find(|c| c.state == State::Restarting);
    let name = loop {
        match waiting() {
            Some(child)
                if tree
                    .snapshot()
                    .expect("it runs")
                    .children
                    .iter()
                    .any(|c| c.restarts == 1 && c.state == State::Running) =>
            {
                break child.name;
            }
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!(supervisor.restart(&name).await.map(drop), Err(ChildError::Restarting(name.clone())));
    assert_eq!(supervisor.delete(&name).await, Err(ChildError::Restarting(name.clone())));
    let again = supervisor.start(mortal(&*name)).await.map(drop);
    assert_eq!(again, Err(StartError::AlreadyPresent(format!("top/{name}"))));
    supervisor.terminate(&name).await.expect("it is there");
    tokio::time::sleep(Duration::from_secs(60)).await; // on a paused clock
    assert_eq!(tree.find(&format!("top/{name}")).expect("it stays in the list").state, State::Stopped);
    supervisor.restart(&name).await.expect("it starts by hand");
    let node = tree.find(&format!("top/{name}")).expect("it is in the list");
    assert_eq!((node.state, node.restarts), (State::Running, 1), "a start by hand is no restart");
    supervisor.terminate(&name).await.expect("it runs");
    supervisor.delete(&name).await.expect("it is stopped");
    assert!(tree.find(&format!("top/{name}")).is_none());
    assert_eq!(supervisor.delete(&name).await, Err(ChildError::NotFound(name)));
}

#[tokio::test]
async fn specifications_that_contradict_themselves_are_refused() {
    let significant = mortal("a").significant(true).restart(Restart::Transient);
    let any = Policy { auto_shutdown: AutoShutdown::AnySignificant, ..Policy::new(Strategy::OneForOne) };
    let table = [
        (vec![significant.clone()], Policy::new(Strategy::OneForOne), "AutoShutdown::Never"),
        (vec![mortal("a").significant(true)], any, "permanent"),
        (vec![mortal("a"), mortal("a")], any, "another child has the same name"),
        (vec![mortal("a/b")], any, "no `/`"),
        (vec![mortal("")], any, "at least one character"),
    ];
    for (children, policy, expected) in table {
        let setup = Supervisor { path: "top".to_owned(), policy, tree: Tree::default(), children };
        let error = setup.start().await.expect_err(expected);
        assert!(matches!(error, StartError::BadSpec { .. }), "{error:?}");
        assert!(error.to_string().contains(expected), "{error} says {expected}");
    }
    let (supervisor, _) = top(Policy::new(Strategy::OneForOne), vec![mortal("a")]).await;
    assert!(matches!(supervisor.start(significant).await, Err(StartError::BadSpec { .. })));
    let taken = supervisor.start(mortal("a")).await.map(drop);
    assert_eq!(taken, Err(StartError::AlreadyStarted("top/a".to_owned())));
    supervisor.stop(Duration::from_secs(5)).await;
    assert_eq!(supervisor.start(mortal("b")).await.map(drop), Err(StartError::Gone("top/b".to_owned())));
    assert_eq!(supervisor.terminate("a").await, Err(ChildError::Gone("a".to_owned())));
    assert_eq!(supervisor.count_children().await, None);
}

#[tokio::test]
async fn every_change_is_on_the_stream_and_every_end_reaches_its_watch() {
    let tree = Tree::default();
    let mut events = tree.events().into_stream();
    let policy = Policy { intensity: 1, ..Policy::new(Strategy::OneForOne) };
    let inner = ChildSpec::supervisor("top", "inner", policy, &tree, vec![mortal("a")]);
    let setup = Supervisor {
        path: "top".to_owned(),
        policy: lenient(Strategy::OneForOne),
        tree: tree.clone(),
        children: vec![inner],
    };
    let supervisor = setup.start().await.expect("it starts");
    for path in ["top/inner/a", "top/inner", "top"] {
        assert_eq!(next(&mut events).await, (path.to_owned(), ChangeKind::Started));
    }
    let inner = supervisor.cell().get_children().remove(0);
    let a = || inner.get_children().remove(0);
    let watch = tree.watch("top/inner/a").expect("it runs");
    fail(&a());
    assert_eq!(watch.await, Exit::Failed("boom".to_owned()));
    assert_eq!(next(&mut events).await, ("top/inner/a".to_owned(), ChangeKind::Restarted));
    let (watch, above) = (tree.watch("top/inner/a").unwrap(), tree.watch("top/inner").unwrap());
    fail(&a());
    assert_eq!(watch.await, Exit::Failed("boom".to_owned()));
    assert_eq!(next(&mut events).await, ("top/inner".to_owned(), ChangeKind::Escalated));
    assert_eq!(above.await, Exit::Shutdown("shutdown: a failed too often, last: boom".to_owned()));
    assert_eq!(next(&mut events).await, ("top/inner/a".to_owned(), ChangeKind::Started));
    assert_eq!(next(&mut events).await, ("top/inner".to_owned(), ChangeKind::Restarted));
    let node = tree.find("top/inner").expect("it runs");
    assert_eq!((node.kind, node.restarts, node.escalations), (Kind::Supervisor, 1, 1));
    let json = serde_json::to_value(&node).expect("it is data");
    assert_eq!((&json["kind"], &json["state"]), (&"supervisor".into(), &"running".into()));
    assert!(tree.watch("top/nobody").is_none());
    let watch = tree.watch("top/inner/a").expect("it runs");
    supervisor.cell().kill();
    assert_eq!(watch.await, Exit::Killed, "whatever ends what is above");
}

#[tokio::test]
async fn a_child_that_does_not_stop_in_time_was_killed() {
    struct Stubborn;
    impl Actor for Stubborn {
        type Msg = ();
        type State = ();
        type Arguments = ();
        async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
        async fn post_stop(&self, _: ActorRef<()>, (): &mut ()) -> Result<(), ActorProcessingErr> {
            std::future::pending().await
        }
    }
    let stubborn = ChildSpec::new("stubborn", |parent| async move {
        Ok(Actor::spawn_linked(None, Stubborn, (), parent).await?.0.get_cell())
    });
    let stubborn = stubborn.shutdown(Shutdown::Timeout(Duration::from_millis(10)));
    let (supervisor, tree) = top(Policy::new(Strategy::OneForOne), vec![stubborn]).await;
    let watch = tree.watch("top/stubborn").expect("it runs");
    supervisor.terminate("stubborn").await.expect("it is there");
    assert_eq!(watch.await, Exit::Killed);
    assert_eq!(tree.find("top/stubborn").and_then(|node| node.last_exit).as_deref(), Some("killed"));
}

#[tokio::test]
async fn a_reader_that_is_too_slow_learns_how_much_it_missed() {
    let (supervisor, tree) = top(Policy::new(Strategy::OneForOne), Vec::new()).await;
    let mut events = tree.events();
    for number in 0..2_000 {
        supervisor.start(mortal(number.to_string())).await.expect("it starts");
    }
    assert_eq!(events.next().await, Some(Event::Missed(2_000 - 1_024)));
    assert!(matches!(events.next().await, Some(Event::Change(change)) if change.path == "top/976"));
}

#[tokio::test]
async fn the_hook_is_called_when_a_child_has_ended_for_good_and_only_then() {
    let (gone_tx, mut gone) = tokio::sync::mpsc::unbounded_channel();
    let hooked = |name: &'static str| {
        let gone_tx = gone_tx.clone();
        mortal(name).gone(move || gone_tx.send(name).expect("the test listens"))
    };
    let tree = Tree::default();
    let strict = Policy { intensity: 0, ..Policy::new(Strategy::OneForOne) };
    let inner = ChildSpec::supervisor("top", "inner", strict, &tree, vec![hooked("below")]);
    let children = vec![hooked("a"), hooked("b").restart(Restart::Transient), inner];
    let policy = lenient(Strategy::OneForOne);
    let setup = Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children };
    let supervisor = setup.start().await.expect("it starts");
    let cell = |path: &str| {
        let inner = supervisor.cell().get_children();
        let inner = inner
            .iter()
            .find(|cell| cell.is_message_type_of::<crate::supervision::supervisor::Message>() == Some(true));
        assert_eq!(path, "below");
        inner.expect("it runs").get_children().remove(0)
    };
    let mut events = tree.events().into_stream();
    fail(&cell("below")); // its supervisor gives up and is restarted
    while next(&mut events).await != ("top/inner".to_owned(), ChangeKind::Restarted) {}
    assert!(gone.try_recv().is_err(), "a restart follows");
    supervisor.kill("a").await;
    while next(&mut events).await != ("top/a".to_owned(), ChangeKind::Restarted) {}
    assert!(gone.try_recv().is_err(), "a restart follows");
    supervisor.terminate("inner").await.expect("it runs");
    assert_eq!(gone.try_recv(), Ok("below"), "what is above it was terminated");
    supervisor.restart("inner").await.expect("it starts by hand");
    supervisor.terminate("b").await.expect("it runs");
    assert_eq!(gone.try_recv(), Ok("b"));
    supervisor.delete("b").await.expect("it is stopped");
    assert!(gone.try_recv().is_err(), "once");
    let watch = tree.watch("top/inner").expect("it runs");
    let extra = supervisor.start(hooked("extra").restart(Restart::Temporary)).await.expect("it starts");
    finish(&extra.expect("it runs"));
    assert_eq!(gone.recv().await, Some("extra"));
    supervisor.cell().kill();
    watch.await;
    let mut left = [gone.recv().await.unwrap(), gone.recv().await.unwrap()];
    left.sort_unstable();
    assert_eq!(left, ["a", "below"], "the root has gone, and everything with it");
}

#[tokio::test]
async fn the_state_of_an_incarnation_is_dropped_before_the_next_one_starts() {
    let held: [Arc<AtomicU32>; 2] = Default::default();
    let children = held.iter().enumerate().map(|(number, count)| {
        let count = Arc::clone(count);
        ChildSpec::new(number.to_string(), move |parent| {
            let held = Held::take(&count);
            async move { Ok(Actor::spawn_linked(None, Mortal, Some(held), parent).await?.0.get_cell()) }
        })
    });
    let (supervisor, tree) = top(lenient(Strategy::OneForAll), children.collect()).await;
    for round in 1..=20_u32 {
        let child = supervisor.cell().get_children().remove(0);
        if round % 2 == 0 {
            finish(&child)
        } else {
            child.kill()
        }
        while tree
            .snapshot()
            .unwrap()
            .children
            .iter()
            .any(|child| child.restarts < round.into() || child.state != State::Running)
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    supervisor.stop(Duration::from_secs(5)).await;
    assert!(held.iter().all(|count| count.load(Ordering::SeqCst) == 0));
}

#[tokio::test]
async fn nothing_runs_any_more_when_a_supervisor_is_killed_while_it_waits_for_a_child() {
    struct Stubborn;
    impl Actor for Stubborn {
        type Msg = ();
        type State = ();
        type Arguments = ();
        async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
        async fn post_stop(&self, _: ActorRef<()>, (): &mut ()) -> Result<(), ActorProcessingErr> {
            std::future::pending().await
        }
    }
    let stubborn = ChildSpec::new("stubborn", |parent| async move {
        Ok(Actor::spawn_linked(None, Stubborn, (), parent).await?.0.get_cell())
    });
    let children = vec![mortal("a"), stubborn.shutdown(Shutdown::Infinity)];
    let (supervisor, _) = top(Policy::new(Strategy::OneForOne), children).await;
    let below = supervisor.cell().get_children();
    supervisor.cell().stop(None);
    while !below.iter().any(|cell| cell.get_status() == ActorStatus::Stopping) {
        tokio::task::yield_now().await;
    }
    supervisor.cell().kill();
    supervisor.ended().await;
    for cell in below {
        cell.wait(Some(Duration::from_secs(20))).await.expect("it has been killed");
    }
}

/// Counting visits would be nicer than a clock, but what is slow may be in any map; a scan of the list per event would
/// take minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_dynamic_children_start_crash_and_end() {
    const CHILDREN: usize = if cfg!(debug_assertions) { 20_000 } else { 100_000 };
    let begun = std::time::Instant::now();
    let (supervisor, tree) = top(Policy { rate: None, ..lenient(Strategy::OneForOne) }, Vec::new()).await;
    let mut cells = Vec::with_capacity(CHILDREN);
    for number in 0..CHILDREN {
        let started = supervisor.start(mortal(number.to_string())).await.expect("it starts");
        cells.push(started.expect("it runs"));
    }
    let started = begun.elapsed();
    cells.iter().for_each(fail);
    for cell in &cells {
        cell.wait(None).await.expect("it ends");
    }
    let running = || async { supervisor.count_children().await.expect("it runs").active };
    while running().await < CHILDREN || supervisor.cell().get_children().len() < CHILDREN {
        tokio::task::yield_now().await;
    }
    let crashed = begun.elapsed();
    assert!(tree.snapshot().expect("it runs").children.iter().all(|child| child.restarts == 1));
    for number in 0..CHILDREN / 2 {
        supervisor.terminate(&number.to_string()).await.expect("it runs");
        supervisor.delete(&number.to_string()).await.expect("it is stopped");
    }
    let removed = begun.elapsed();
    supervisor.stop(Duration::from_secs(600)).await;
    println!(
        "start {started:?}, crash {:?}, terminate and delete half {:?}, stop the rest {:?}",
        crashed - started,
        removed - crashed,
        begun.elapsed() - removed
    );
    assert!(begun.elapsed() < Duration::from_secs(120), "it is not quadratic: {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_child_on_demand_starts_when_it_is_needed_and_only_then() {
    let demand: Arc<Mutex<Option<Demand>>> = Arc::default();
    let starts = Arc::new(AtomicU32::new(0));
    let spec = |name: &'static str| {
        let (demand, starts) = (Arc::clone(&demand), Arc::clone(&starts));
        let spec = ChildSpec::new(name, move |parent| {
            let start = starts.fetch_add(1, Ordering::SeqCst);
            async move {
                if start == 1 {
                    return Err(ractor::SpawnErr::StartupFailed("not this time".into()));
                }
                Ok(Actor::spawn_linked(None, Mortal, None, parent).await?.0.get_cell())
            }
        });
        spec.on_demand(move |needed| *demand.lock() = Some(needed))
    };
    let (supervisor, tree) = top(lenient(Strategy::OneForAll), vec![spec("lazy"), mortal("eager")]).await;
    let state = |name: &str| tree.find(&format!("top/{name}")).map(|node| (node.state, node.restarts));
    let becomes = async |wanted| {
        while state("lazy") != Some(wanted) {
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(state("lazy"), Some((State::Idle, 0)));
    assert_eq!(supervisor.count_children().await.map(|counts| counts.active), Some(1));
    assert!(!supervisor.kill("lazy").await, "there is nothing to kill");
    assert_eq!(supervisor.delete("lazy").await, Err(ChildError::Running("lazy".to_owned())));
    let mut events = tree.events();
    let first = demand.lock().take().expect("it was armed");
    first();
    first(); // needed twice at once: started once
    becomes((State::Running, 0)).await;
    assert!(matches!(events.next().await, Some(Event::Change(change)) if change.kind == ChangeKind::Started));
    assert_eq!(starts.load(Ordering::SeqCst), 1);

    assert!(supervisor.kill("eager").await); // one for all
    becomes((State::Idle, 1)).await;
    first(); // what an earlier incarnation was armed with is worth nothing
    let watch = tree.watch("top/lazy").expect("it can be watched");
    supervisor.terminate("lazy").await.expect("it is there");
    assert_eq!(watch.await, Exit::Shutdown("shutdown".to_owned()));
    assert_eq!((state("lazy"), starts.load(Ordering::SeqCst)), (Some((State::Stopped, 1)), 1));

    supervisor.restart("lazy").await.expect("by hand");
    assert_eq!(state("lazy"), Some((State::Idle, 1)));
    let again = demand.lock().take().expect("it was armed");
    again(); // fails to start, and is restarted as it is needed
    becomes((State::Running, 2)).await;
    assert_eq!(starts.load(Ordering::SeqCst), 3);
}
