//! The supervisor against real actors. The decisions have tables of their own in `decision_tests`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc;

use crate::supervision::{ChildSpec, Policy, Restart, State, Strategy, Supervisor, SupervisorRef, Tree};

/// What the probes report: `+name` on start, `-name` on an orderly stop.
type Log = mpsc::UnboundedSender<String>;

#[derive(Clone)]
struct Probe {
    name: &'static str,
    log: Log,
    cell: Arc<Mutex<Option<ActorRef<Order>>>>,
    refuse: Arc<AtomicU32>,
}

enum Order {
    Panic,
    Fail,
    Return,
}

struct ProbeActor;

impl Actor for ProbeActor {
    type Msg = Order;
    type State = Probe;
    type Arguments = Probe;

    async fn pre_start(&self, myself: ActorRef<Order>, probe: Probe) -> Result<Probe, ActorProcessingErr> {
        if probe.refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            let _ = probe.log.send(format!("!{}", probe.name));
            return Err("refused".into());
        }
        *probe.cell.lock() = Some(myself);
        let _ = probe.log.send(format!("+{}", probe.name));
        Ok(probe)
    }

    async fn handle(
        &self,
        myself: ActorRef<Order>,
        order: Order,
        _: &mut Probe,
    ) -> Result<(), ActorProcessingErr> {
        match order {
            Order::Panic => panic!("on purpose"),
            Order::Fail => Err("failed on purpose".into()),
            Order::Return => {
                myself.stop(None);
                Ok(())
            }
        }
    }

    async fn post_stop(&self, _: ActorRef<Order>, probe: &mut Probe) -> Result<(), ActorProcessingErr> {
        let _ = probe.log.send(format!("-{}", probe.name));
        Ok(())
    }
}

impl Probe {
    fn new(name: &'static str, log: &Log) -> Self {
        Probe { name, log: log.clone(), cell: Arc::default(), refuse: Arc::default() }
    }

    fn spec(&self) -> ChildSpec {
        let probe = self.clone();
        ChildSpec::new(self.name, move |supervisor| {
            let probe = probe.clone();
            async move { Ok(Actor::spawn_linked(None, ProbeActor, probe, supervisor).await?.0.get_cell()) }
        })
    }

    fn order(&self, order: Order) {
        let cell = self.cell.lock().clone();
        cell.expect("it has started").send_message(order).expect("it runs");
    }
}

async fn next(log: &mut mpsc::UnboundedReceiver<String>) -> String {
    let entry = tokio::time::timeout(Duration::from_secs(20), log.recv()).await;
    entry.expect("something happens").expect("the probes live")
}

async fn take<const N: usize>(log: &mut mpsc::UnboundedReceiver<String>) -> [String; N] {
    let mut out = Vec::new();
    for _ in 0..N {
        out.push(next(log).await);
    }
    out.try_into().expect("N entries")
}

struct Family {
    probes: [Probe; 3],
    log: mpsc::UnboundedReceiver<String>,
    tree: Tree,
    supervisor: SupervisorRef,
}

async fn family(policy: Policy) -> Family {
    let (log_tx, mut log) = mpsc::unbounded_channel();
    let probes = ["a", "b", "c"].map(|name| Probe::new(name, &log_tx));
    let tree = Tree::default();
    let children = probes.iter().map(Probe::spec).collect();
    let setup = Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children };
    let supervisor = setup.start().await.expect("starts");
    assert_eq!(take(&mut log).await, ["+a", "+b", "+c"]);
    Family { probes, log, tree, supervisor }
}

#[tokio::test]
async fn one_for_one_restarts_only_the_child_that_panicked() {
    let Family { probes, mut log, tree, supervisor } = family(Policy::new(Strategy::OneForOne)).await;
    probes[1].order(Order::Panic);
    assert_eq!(next(&mut log).await, "+b");
    let b = tree.snapshot().unwrap().find("top/b").cloned().unwrap();
    assert_eq!(b.restarts, 1);
    assert!(b.last_exit.unwrap().contains("on purpose"));
    supervisor.stop(Duration::from_secs(5)).await;
    assert_eq!(take(&mut log).await, ["-c", "-b", "-a"], "children stop in reverse order");
}

#[tokio::test]
async fn rest_for_one_stops_the_later_children_in_reverse_and_starts_them_again() {
    let Family { probes, mut log, .. } = family(Policy::new(Strategy::RestForOne)).await;
    probes[0].order(Order::Fail);
    assert_eq!(take(&mut log).await, ["-c", "-b", "+a", "+b", "+c"]);
    probes[2].order(Order::Fail);
    assert_eq!(next(&mut log).await, "+c");
}

#[tokio::test]
async fn a_permanent_child_that_returns_is_restarted() {
    let Family { probes, mut log, .. } = family(Policy::new(Strategy::OneForOne)).await;
    probes[0].order(Order::Return);
    assert_eq!(take(&mut log).await, ["-a", "+a"]);
}

#[tokio::test]
async fn too_many_restarts_stop_the_siblings_and_escalate() {
    let policy = Policy { intensity: 1, ..Policy::new(Strategy::OneForOne) };
    let Family { probes, mut log, tree, supervisor } = family(policy).await;
    probes[0].order(Order::Panic);
    assert_eq!(next(&mut log).await, "+a");
    probes[0].order(Order::Panic);
    assert_eq!(take(&mut log).await, ["-c", "-b"]);
    supervisor.cell().wait(Some(Duration::from_secs(20))).await.expect("the supervisor gives up");
    assert_eq!(tree.snapshot().unwrap().find("top/a").unwrap().state, State::Stopped);
}

#[tokio::test]
async fn an_escalation_is_a_failure_of_the_supervisor_above() {
    let (log_tx, mut log) = mpsc::unbounded_channel();
    let probe = Probe::new("a", &log_tx);
    let tree = Tree::default();
    let inner = Policy { intensity: 0, ..Policy::new(Strategy::OneForOne) };
    let branch = ChildSpec::supervisor("top", "branch", inner, &tree, vec![probe.spec()]);
    let policy = Policy::new(Strategy::OneForOne);
    let setup = Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children: vec![branch] };
    let supervisor = setup.start().await.expect("starts");
    assert_eq!(next(&mut log).await, "+a");
    probe.order(Order::Panic);
    assert_eq!(next(&mut log).await, "+a", "the branch is restarted, and its child with it");
    assert_eq!(tree.snapshot().unwrap().find("top/branch").unwrap().restarts, 1);
    assert!(supervisor.kill("branch/a").await, "an order goes down the tree");
    assert_eq!(next(&mut log).await, "+a");
    assert!(!supervisor.kill("branch/nobody").await);
}

#[tokio::test]
async fn a_child_that_does_not_start_again_is_tried_until_it_does() {
    let Family { probes, mut log, .. } = family(Policy::new(Strategy::OneForOne)).await;
    probes[1].refuse.store(3, Ordering::SeqCst);
    probes[1].order(Order::Panic);
    assert_eq!(take(&mut log).await, ["!b", "!b", "!b", "+b"]);
}

#[tokio::test]
async fn a_child_that_never_starts_fails_the_start_and_stops_those_before_it() {
    let (log_tx, mut log) = mpsc::unbounded_channel();
    let probes = ["a", "b"].map(|name| Probe::new(name, &log_tx));
    probes[1].refuse.store(1, Ordering::SeqCst);
    let setup = Supervisor {
        path: "top".to_owned(),
        policy: Policy::new(Strategy::OneForOne),
        tree: Tree::default(),
        children: probes.iter().map(Probe::spec).collect(),
    };
    let error = setup.start().await.expect_err("b refuses");
    assert!(error.to_string().contains("top/b"), "{error}");
    assert_eq!(take(&mut log).await, ["+a", "!b", "-a"]);
}

#[tokio::test]
async fn dynamic_children_come_and_go() {
    let Family { mut log, tree, supervisor, probes } = family(Policy::new(Strategy::OneForOne)).await;
    let extra = Probe::new("extra", &probes[0].log);
    let spec = extra.spec().restart(Restart::Temporary);
    supervisor.start(spec).await.unwrap();
    assert_eq!(next(&mut log).await, "+extra");
    extra.order(Order::Return);
    assert_eq!(next(&mut log).await, "-extra");
    probes[2].order(Order::Panic);
    assert_eq!(next(&mut log).await, "+c", "its siblings keep their places");
    assert!(tree.snapshot().unwrap().find("top/extra").is_none());
}
