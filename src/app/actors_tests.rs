//! Actors and supervisors of the program's own in running apps.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::app::tests::{http, inline, soon, start, until};
use crate::supervision::{
    self, AutoShutdown, Backoff, ChangeKind, ChildSpec, Event, Exit, Policy, Restart, Shutdown,
    StartError as ChildStartError, State as Life, Strategy,
};
use crate::{
    Actor, ActorError, App, AskError, Body, Child, Config, Data, Failure, Group, OnCrash, RefError, Reply,
    Running, Scope, SendError, StartError, State,
};

const SCHEMA: &str = r#"
    type Number { number: Int }
    api Add { method: POST path: "/add" body: Number response: Int }
    api Sum { method: GET path: "/sum" response: Int }
    api Double { method: POST path: "/double" body: Number response: Int }
    event Counted { payload: Number handler: [] }
"#;

enum Count {
    /// Adds a number; one that is negative panics the first time, 0 always.
    Add(i64, Reply<i64>),
    Get(Reply<i64>),
    /// Ends the actor normally.
    Stop,
    /// Does not end before the semaphore has a permit.
    Wait(Arc<Semaphore>),
    /// Doubles through an api, tells another counter, and publishes.
    Outside(i64, Reply<Result<i64, Failure>>),
}

/// Counts its drops and remembers, by name, who stopped.
#[derive(Clone, Default)]
struct Traces {
    alive: Arc<AtomicUsize>,
    stopped: Arc<Mutex<Vec<String>>>,
}

struct Counter {
    sum: Arc<Mutex<i64>>,
    traces: Traces,
    /// What keeps the app, if anything can.
    app: Option<App>,
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.traces.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Actor for Counter {
    type Message = Count;

    async fn handle(&mut self, message: &Count, scope: &Scope<Count>) -> Result<(), ActorError> {
        match message {
            Count::Add(0, _) => panic!("zero"),
            Count::Add(number, _) if *number < 0 && scope.attempt() == 1 => panic!("negative"),
            Count::Add(number, reply) => {
                let mut sum = self.sum.lock();
                *sum += number;
                reply.send(*sum);
            }
            Count::Get(reply) => reply.send(*self.sum.lock()),
            Count::Stop => scope.stop(),
            Count::Wait(gate) => gate.acquire().await?.forget(),
            Count::Outside(number, reply) => reply.send(outside(&scope.app()?, *number).await),
        }
        Ok(())
    }

    async fn started(&mut self, scope: &Scope<Count>) -> Result<(), ActorError> {
        self.app = scope.app().ok();
        Ok(())
    }

    async fn stopped(&mut self, scope: &Scope<Count>) {
        self.traces.stopped.lock().push(scope.name().to_string());
    }
}

async fn outside(app: &App, number: i64) -> Result<i64, Failure> {
    let doubled = app.api::<_, i64>("Double")?.call(&Number { number }).await?;
    let counted = app.actor::<Count>("other")?.ask(|reply| Count::Add(doubled, reply)).await?;
    app.publish("Counted", json!({ "number": counted })).await?;
    Ok(counted)
}

#[derive(Serialize, serde::Deserialize)]
struct Number {
    number: i64,
}

fn counter(name: &str, traces: &Traces) -> Child<Counter> {
    let (traces, sum) = (traces.clone(), Arc::new(Mutex::new(0)));
    let child = Child::actor(name, move || {
        let (sum, traces) = (Arc::clone(&sum), traces.clone());
        traces.alive.fetch_add(1, Ordering::SeqCst);
        async { Ok(Counter { sum, traces, app: None }) }
    });
    child.on_crash(OnCrash::Retry { attempts: 2 })
}

fn one_for_one() -> Policy {
    Policy::new(Strategy::OneForOne)
}

/// A plain `ractor` actor of a program.
struct Plain;

impl ractor::Actor for Plain {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ractor::ActorRef<()>, (): ()) -> Result<(), ractor::ActorProcessingErr> {
        Ok(())
    }
}

fn plain(name: &str) -> ChildSpec {
    ChildSpec::new(name, |supervisor| async move {
        Ok(ractor::Actor::spawn_linked(None, Plain, (), supervisor).await?.0.get_cell())
    })
}

async fn add(state: State, Body(input): Body<Number>) -> Result<i64, Failure> {
    let counter = state.actor::<Count>("workers/counter")?;
    Ok(counter.ask(|reply| Count::Add(input.number, reply)).await?)
}

async fn sum(app: App, Data(other): Data<crate::Ref<Count>>) -> Result<i64, Failure> {
    let counter = app.actor::<Count>("workers/counter")?;
    Ok(counter.ask(Count::Get).await? + other.ask(Count::Get).await?)
}

async fn double(Body(input): Body<Number>) -> Result<i64, Failure> {
    Ok(input.number * 2)
}

/// `workers/{counter,plain,inner/deep}` and `other`.
fn builder(traces: &Traces) -> crate::Builder {
    let other = counter("other", traces);
    let inner = Group::new("inner", one_for_one()).child(counter("deep", traces));
    let workers = Group::new("workers", Policy { intensity: 1_000, backoff: Backoff::NONE, ..one_for_one() })
        .child(counter("counter", traces))
        .child(plain("plain"))
        .child(inner);
    inline(SCHEMA)
        .handler("Add", add)
        .handler("Sum", sum)
        .handler("Double", double)
        .data(other.reference())
        .child(workers)
        .child(other)
}

/// An app without handlers.
async fn bare(members: Vec<crate::Member>) -> Running {
    let builder = members.into_iter().fold(inline("event Nothing { handler: [] }"), crate::Builder::child);
    start(builder).await
}

fn state_of(app: &App, path: &str) -> Option<Life> {
    app.tree().find(path).map(|node| node.state)
}

fn full(app: &App, path: &str) -> String {
    format!("{}/actors/{path}", app.name())
}

#[tokio::test]
async fn actors_serve_handlers_and_reach_the_app() {
    let app = start(builder(&Traces::default())).await;
    let tree = app.tree();
    let branches: Vec<&str> = tree.children.iter().map(|node| &*node.name).collect();
    let place = |name: &str| branches.iter().position(|branch| *branch == name).unwrap();
    assert!(place("executors") < place("actors") && place("actors") < place("events"), "{branches:?}");
    for path in ["workers/counter", "workers/plain", "workers/inner/deep", "other"] {
        assert_eq!(state_of(&app, &full(&app, path)), Some(Life::Running), "{path}");
    }
    assert_eq!(http(&app, "POST", "/add", r#"{"number":3}"#).await, (200, "3".to_owned()));
    let mut counted = app.subscribe("Counted").unwrap();
    let deep = app.actor::<Count>("workers/inner/deep").unwrap();
    let doubled = soon("the answer", deep.ask(|reply| Count::Outside(4, reply))).await.unwrap();
    assert_eq!(doubled.unwrap(), 8);
    let event = soon("the event", counted.next()).await.unwrap();
    assert_eq!(event.payload.as_ref(), &json!({ "number": 8 }));
    assert_eq!(&*event.source, "/app/actor/deep");
    assert_eq!(http(&app, "GET", "/sum", "").await, (200, "11".to_owned()));
    app.shutdown().await;
}

#[tokio::test]
async fn what_is_wrong_with_children_is_said_by_build_all_at_once() {
    let traces = Traces::default();
    let ends = Policy { auto_shutdown: AutoShutdown::AnySignificant, ..one_for_one() };
    let built = inline("event Nothing { handler: [] }")
        .child(counter("twice", &traces))
        .child(plain("twice"))
        .child(counter("a/b", &traces))
        .child(counter("", &traces))
        .child(Group::new("empty", one_for_one()))
        .child(counter("keen", &traces).significant(true).restart(Restart::Transient))
        .child(Group::new("group", ends).child(counter("for ever", &traces).significant(true)))
        .child(Group::new("outer", one_for_one()).child(Group::new("in/ner", one_for_one())))
        .build();
    let problems: Vec<String> =
        built.err().unwrap().problems.iter().map(|problem| problem.to_string()).collect();
    let name = Config::default().project.name;
    let expected = [
        ("actors/twice", "another child has the same name"),
        ("actors/a/b", "a name has at least one character and no `/`"),
        ("actors/", "a name has at least one character and no `/`"),
        ("actors/keen", "it is significant, but its supervisor's policy has AutoShutdown::Never"),
        ("actors/group/for ever", "it is significant and permanent, so it never ends for good"),
        ("actors/outer/in/ner", "a name has at least one character and no `/`"),
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, (path, reason)) in problems.iter().zip(expected) {
        let start = format!("{name}/{path} cannot be supervised: {reason}");
        assert!(problem.starts_with(&start), "{problem} is not {start}");
    }
}

#[tokio::test]
async fn a_path_that_leads_to_no_reference_says_why() {
    let app = start(builder(&Traces::default())).await;
    let handle = app.app();
    let error = |path: &str| handle.actor::<Count>(path).unwrap_err().to_string();
    assert_eq!(
        error("workers/conter"),
        "there is no actor \"workers/conter\"; did you mean \"workers/counter\"?"
    );
    assert_eq!(error("zzzzzzzzzzzzzz"), "there is no actor \"zzzzzzzzzzzzzz\"");
    assert_eq!(
        error("workers/plain"),
        "\"workers/plain\" is a plain actor: there is no typed reference to it"
    );
    assert_eq!(error("workers"), "\"workers\" is a supervisor: there is no typed reference to it");
    assert!(matches!(handle.actor::<Count>(""), Err(RefError::NoReference { .. })));
    let other = handle.actor::<String>("other").unwrap_err();
    assert!(matches!(&other, RefError::OtherMessage { path, .. } if path == "other"), "{other}");
    assert!(other.to_string().contains("Count>") && other.to_string().contains("String>"), "{other}");
    app.shutdown().await;
    assert_eq!(handle.actor::<Count>("other").unwrap_err(), RefError::Closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_actor_that_panics_under_load_loses_nothing() {
    let app = start(builder(&Traces::default())).await;
    let requests = (1..=200i64).map(|number| {
        let number = if number % 10 == 0 { -number } else { number };
        let body = json!({ "number": number }).to_string();
        let app = &app;
        async move { http(app, "POST", "/add", &body).await.0 }
    });
    let answers = join_all(requests).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    let expected: i64 = (1..=200).map(|number| if number % 10 == 0 { -number } else { number }).sum();
    let counter = app.actor::<Count>("workers/counter").unwrap();
    assert_eq!(counter.ask(Count::Get).await.unwrap(), expected);
    let tree = app.tree();
    assert_eq!(tree.find(&full(&app, "workers/counter")).unwrap().restarts, 20);
    let mut elsewhere = 0;
    tree.walk(&mut |node| elsewhere += node.restarts);
    assert_eq!(elsewhere, 20, "nothing else is restarted");
    app.shutdown().await;
}

#[tokio::test]
async fn a_group_that_gives_up_takes_the_app_down_in_the_end() {
    let brittle = Policy { intensity: 0, ..one_for_one() };
    let traces = Traces::default();
    let group = Group::new("brittle", brittle).child(counter("counter", &traces));
    let app = start(inline("event Nothing { handler: [] }").child(group).children_policy(brittle)).await;
    let (handle, counter) = (app.app(), app.actor::<Count>("brittle/counter").unwrap());
    let mut events = app.events();
    let run = tokio::spawn(app.run());
    let crash = async {
        // A crash ends the group, the branch and, with the eleventh time, the root.
        loop {
            match counter.ask(|reply| Count::Add(0, reply)).await {
                Err(AskError::Gone { .. }) => return,
                Err(_) => {}
                Ok(_) => panic!("it cannot be added"),
            }
        }
    };
    soon("the end of the counter", crash).await;
    let ended = soon("the end of the app", run).await.unwrap();
    assert!(matches!(ended, Err(StartError::GaveUp)), "{ended:?}");
    let mut escalated = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::ZERO, events.next()).await {
        if let Event::Change(change) = event
            && change.kind == ChangeKind::Escalated
        {
            escalated.push(change.path);
        }
    }
    assert_eq!(escalated[0], full(&handle, "brittle"));
    assert_eq!(escalated[1], format!("{}/actors", handle.name()));
    assert_eq!(escalated.last().unwrap(), handle.name());
    assert_eq!(traces.alive.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn watch_ends_once_with_the_incarnation_that_ran() {
    let app = bare(vec![counter("counter", &Traces::default()).on_crash(OnCrash::Fail).into()]).await;
    let path = full(&app, "counter");
    assert!(app.watch(&full(&app, "nobody")).is_none());
    let (first, same) = (app.watch(&path).unwrap(), app.watch(&path).unwrap());
    let counter = app.actor::<Count>("counter").unwrap();
    let mut events = app.events();
    let crashed = counter.ask(|reply| Count::Add(0, reply)).await;
    assert!(matches!(crashed, Err(AskError::Crashed { .. })), "{crashed:?}");
    assert!(matches!(soon("the end", first).await, Exit::Failed(reason) if reason.contains("zero")));
    assert!(matches!(soon("the end", same).await, Exit::Failed(_)));
    assert_eq!(counter.ask(Count::Get).await.unwrap(), 0); // the next incarnation
    let second = app.watch(&path).unwrap();
    let (waker, mut second) = (futures_util::task::noop_waker(), Box::pin(second));
    let poll = second.as_mut().poll(&mut std::task::Context::from_waker(&waker));
    assert!(poll.is_pending(), "a new watch is not ended by the old end");
    counter.tell(Count::Stop).await.unwrap();
    assert_eq!(soon("the second end", second).await, Exit::Normal);
    let mut restarts = 0;
    while restarts < 2 {
        match soon("the restart", events.next()).await.unwrap() {
            Event::Change(change) if change.path == path => {
                assert_eq!(change.kind, ChangeKind::Restarted);
                restarts += 1;
            }
            _ => {}
        }
    }
    app.shutdown().await;
}

#[tokio::test]
async fn who_has_ended_for_good_is_gone_and_says_so() {
    let traces = Traces::default();
    let temporary = counter("temporary", &traces).restart(Restart::Temporary);
    let transient = counter("transient", &traces).restart(Restart::Transient);
    let app = bare(vec![temporary.into(), transient.into()]).await;
    let temporary = app.actor::<Count>("temporary").unwrap();
    let transient = app.actor::<Count>("transient").unwrap();
    let gate = Arc::new(Semaphore::new(0));
    for counter in [&temporary, &transient] {
        counter.tell(Count::Wait(Arc::clone(&gate))).await.unwrap();
        counter.tell(Count::Stop).await.unwrap();
    }
    let queued = join_all([&temporary, &transient].map(|counter| counter.ask(Count::Get)));
    let (answers, ()) = tokio::join!(soon("the answers", queued), async { gate.add_permits(2) });
    for answer in answers {
        assert!(matches!(answer, Err(AskError::Gone { .. })), "{answer:?}");
    }
    for counter in [&temporary, &transient] {
        assert!(matches!(counter.try_tell(Count::Stop), Err(SendError::Gone(Count::Stop))));
    }
    // A temporary one has left the list, a transient one stands there and can be started again.
    assert!(matches!(app.actor::<Count>("temporary"), Err(RefError::Unknown { .. })));
    app.supervisor("").unwrap().restart("transient").await.unwrap();
    assert_eq!(app.actor::<Count>("transient").unwrap().ask(Count::Get).await.unwrap(), 0);
    assert_eq!(transient.ask(Count::Get).await.unwrap(), 0);
    app.shutdown().await;
}

#[tokio::test]
async fn children_come_and_go_while_the_app_runs() {
    let traces = Traces::default();
    let app = bare(vec![Group::new("workers", one_for_one()).into()]).await;
    let child = counter("one", &traces);
    let one = child.reference();
    app.start_child("workers", child).await.unwrap();
    assert_eq!(app.actor::<Count>("workers/one").unwrap().ask(Count::Get).await.unwrap(), 0);
    let taken = app.start_child("workers", counter("one", &traces)).await.unwrap_err();
    assert_eq!(taken, ChildStartError::AlreadyStarted(full(&app, "workers/one")));
    let nowhere = app.start_child("nowhere", counter("one", &traces)).await.unwrap_err();
    assert_eq!(nowhere, ChildStartError::Gone(full(&app, "nowhere")));
    let bad = Group::new("more", one_for_one()).child(counter("", &traces));
    let bad = app.start_child("workers", bad).await.unwrap_err();
    assert!(matches!(bad, ChildStartError::BadSpec { .. }), "{bad}");

    let more = Group::new("more", one_for_one()).child(counter("two", &traces)).child(plain("plain"));
    app.start_child("workers", more).await.unwrap();
    let two = app.actor::<Count>("workers/more/two").unwrap();
    // It reaches the app: that there is no such api is the app's answer.
    let outside = two.ask(|reply| Count::Outside(1, reply)).await.unwrap().unwrap_err();
    assert!(matches!(outside, Failure::NotFound(_)), "{outside:?}");
    assert_eq!(app.supervisor("workers/more").unwrap().count_children().await.unwrap().active, 2);

    let workers = app.supervisor("workers").unwrap();
    assert_eq!(workers.path(), full(&app, "workers"));
    workers.terminate("one").await.unwrap();
    assert!(matches!(one.ask(Count::Get).await, Err(AskError::Gone { .. })));
    workers.delete("one").await.unwrap();
    assert!(matches!(app.actor::<Count>("workers/one"), Err(RefError::Unknown { .. })));
    app.start_child("workers", counter("one", &traces)).await.unwrap();
    assert!(matches!(one.ask(Count::Get).await, Err(AskError::Gone { .. })), "another of that name");

    // What was added does not come back with its supervisor.
    let one = app.actor::<Count>("workers/one").unwrap();
    assert!(app.kill(&full(&app, "workers")).await);
    assert!(matches!(soon("the end", one.ask(Count::Get)).await, Err(AskError::Gone { .. })));
    let back = || app.supervisor("workers").is_some_and(|now| now.cell().get_id() != workers.cell().get_id());
    until("the new supervisor", back).await;
    assert!(matches!(workers.terminate("one").await, Err(supervision::ChildError::Gone(_))));
    assert_eq!(app.supervisor("workers").unwrap().count_children().await.unwrap().specs, 0);
    until("the end of all", || traces.alive.load(Ordering::SeqCst) == 0).await;
    app.shutdown().await;
}

#[tokio::test]
async fn references_to_members_stay_good_when_their_group_is_restarted() {
    let traces = Traces::default();
    let all = Group::new("all", Policy::new(Strategy::OneForAll))
        .child(counter("left", &traces))
        .child(counter("right", &traces));
    let app = bare(vec![all.into()]).await;
    let [left, right] = ["all/left", "all/right"].map(|path| app.actor::<Count>(path).unwrap());
    let end = app.watch(&full(&app, "all/right")).unwrap();
    left.tell(Count::Stop).await.unwrap();
    assert!(matches!(soon("the end of the sibling", end).await, Exit::Shutdown(_)));
    assert_eq!(soon("the answer", right.ask(Count::Get)).await.unwrap(), 0);
    let end = app.watch(&full(&app, "all/right")).unwrap();
    assert!(app.kill(&full(&app, "all")).await);
    assert_eq!(soon("the end with the group", end).await, Exit::Killed);
    assert_eq!(soon("the answer", left.ask(|reply| Count::Add(2, reply))).await.unwrap(), 2);
    assert_eq!(soon("the answer", right.ask(Count::Get)).await.unwrap(), 0);
    app.shutdown().await;
}

#[tokio::test]
async fn a_group_ends_with_its_significant_child() {
    let traces = Traces::default();
    let policy = Policy { auto_shutdown: AutoShutdown::AnySignificant, ..one_for_one() };
    let job = Group::new("job", policy)
        .restart(Restart::Temporary)
        .child(counter("assistant", &traces))
        .child(counter("chief", &traces).significant(true).restart(Restart::Transient));
    let app = bare(vec![job.into()]).await;
    let (job, assistant) =
        (app.watch(&full(&app, "job")).unwrap(), app.actor::<Count>("job/assistant").unwrap());
    app.actor::<Count>("job/chief").unwrap().tell(Count::Stop).await.unwrap();
    let exit = soon("the end of the group", job).await;
    assert!(matches!(&exit, Exit::Shutdown(reason) if reason.contains("chief")), "{exit:?}");
    assert!(matches!(soon("the end", assistant.ask(Count::Get)).await, Err(AskError::Gone { .. })));
    until("the list without it", || app.supervisor("job").is_none()).await;
    app.shutdown().await;
}

#[tokio::test]
async fn shutdown_finishes_what_waits_and_stops_in_reverse_order() {
    let traces = Traces::default();
    let group = Group::new("group", one_for_one())
        .child(counter("first", &traces))
        .child(counter("second", &traces).shutdown(Shutdown::Timeout(Duration::from_secs(30))));
    let app = start(
        inline(SCHEMA)
            .handler("Add", add)
            .handler("Sum", double_sum)
            .handler("Double", double)
            .child(group)
            .child(counter("other", &traces)),
    )
    .await;
    let seconds = 5 + 30 + 5 + 10; // of the three, and of the rest of the tree
    assert_eq!(app.patience, Some(Duration::from_secs(seconds)));
    let second = app.actor::<Count>("group/second").unwrap();
    let gate = Arc::new(Semaphore::new(0));
    second.tell(Count::Wait(Arc::clone(&gate))).await.unwrap();
    let handle = app.app();
    let outside = second.ask(|reply| Count::Outside(3, reply)); // calls and publishes while the app drains
    let shutdown = app.shutdown();
    let release = async {
        until("the drain", || matches!(refused(&handle), Some(Failure::ShuttingDown))).await;
        gate.add_permits(1);
    };
    let (answer, (), ()) = soon("the end", async { tokio::join!(outside, shutdown, release) }).await;
    assert_eq!(answer.unwrap().unwrap(), 6);
    assert_eq!(*traces.stopped.lock(), ["other", "second", "first"]);
    assert_eq!(traces.alive.load(Ordering::SeqCst), 0);
    assert!(matches!(second.ask(Count::Get).await, Err(AskError::Gone { .. })));
}

async fn double_sum() -> Result<i64, Failure> {
    Ok(0)
}

/// Asks for new work from outside without waiting.
fn refused(app: &App) -> Option<Failure> {
    app.api::<_, i64>("Double").ok()?.cast(&Number { number: 1 }).err()
}

#[tokio::test]
async fn dropping_the_app_leaves_nothing_running_and_nothing_held() {
    let traces = Traces::default();
    let app = start(builder(&traces)).await;
    let (handle, shared) = (app.app(), Arc::downgrade(&app.app().shared));
    // Hooks, factories and states of dynamic children that hold the app, as far as they can.
    let (kept, told) = (app.app(), app.app());
    let holder = Child::actor("holder", {
        let traces = traces.clone();
        move || {
            let (traces, app) = (traces.clone(), Some(kept.clone()));
            traces.alive.fetch_add(1, Ordering::SeqCst);
            async { Ok(Counter { sum: Arc::default(), traces, app }) }
        }
    });
    let holder = holder.dead_letters(move |_, reason| drop((told.clone(), reason)));
    app.start_child("workers", holder).await.unwrap();
    assert_eq!(traces.alive.load(Ordering::SeqCst), 4);
    let counter = app.actor::<Count>("workers/counter").unwrap();
    let gate = Arc::new(Semaphore::new(0));
    counter.tell(Count::Wait(gate)).await.unwrap();
    let waits = tokio::spawn({
        let counter = counter.clone();
        async move { counter.ask(Count::Get).await }
    });
    until("the question", || counter.load().queued + counter.load().in_flight == 2).await;
    let end = app.watch(&full(&app, "workers/counter")).unwrap();
    drop(app);
    assert_eq!(soon("the end", end).await, Exit::Killed);
    let answer = soon("the answer", waits).await.unwrap();
    assert!(matches!(answer, Err(AskError::Gone { .. })), "{answer:?}");
    until("the end of all", || traces.alive.load(Ordering::SeqCst) == 0).await;
    assert_eq!(handle.actor::<Count>("other").unwrap_err(), RefError::Closed);
    let late = handle.start_child("", counter_spec(&traces)).await.unwrap_err();
    assert!(matches!(late, ChildStartError::Gone(_)), "{late}");
    drop((handle, counter));
    until("the end of the app's own data", || shared.upgrade().is_none()).await;
}

fn counter_spec(traces: &Traces) -> ChildSpec {
    counter("late", traces).into()
}

#[tokio::test]
async fn an_actor_that_does_not_start_keeps_the_app_from_starting() {
    let traces = Traces::default();
    let broken = Child::actor("broken", || async { Err::<Counter, _>("no disk".into()) });
    let group = Group::new("group", one_for_one()).child(counter("before", &traces)).child(broken);
    let app = inline("event Nothing { handler: [] }").child(group).build().unwrap();
    let error = app.start().await.err().unwrap();
    assert!(matches!(error, StartError::Tree(_)), "{error:?}");
    let line = error.lines().join("\n");
    assert!(line.contains("actors/group/broken did not start") && line.contains("no disk"), "{line}");
    until("the end of those before", || traces.alive.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn an_actor_beside_every_app_is_told_so() {
    let child = counter("alone", &Traces::default());
    let alone = child.reference();
    let children = vec![child.into()];
    let tree = supervision::Tree::default();
    let top = supervision::Supervisor { path: "top".to_owned(), policy: one_for_one(), tree, children };
    let top = top.start().await.unwrap();
    let crashed = alone.ask(|reply| Count::Outside(1, reply)).await.unwrap_err();
    assert!(crashed.to_string().contains("App::start_child"), "{crashed}");
    top.stop(Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_name_of_the_board_is_never_missing_while_its_supervisor_is_restarted() {
    let traces = Traces::default();
    let group = Group::new("group", Policy { backoff: Backoff::NONE, ..one_for_one() });
    let group = (0..2_000).fold(group, |group, number| group.child(counter(&number.to_string(), &traces)));
    let app = bare(vec![group.into()]).await;
    let (handle, done) = (app.app(), Arc::new(AtomicBool::new(false)));
    let looks = tokio::task::spawn_blocking({
        let done = Arc::clone(&done);
        move || {
            while !done.load(Ordering::SeqCst) {
                handle.actor::<Count>("group/1999").unwrap();
            }
        }
    });
    for _ in 0..5 {
        let end = app.watch(&full(&app, "group")).unwrap();
        assert!(app.kill(&full(&app, "group")).await);
        soon("the end", end).await;
        let running = || state_of(&app, &full(&app, "group/1999")) == Some(Life::Running);
        until("the restart", running).await;
    }
    done.store(true, Ordering::SeqCst);
    looks.await.unwrap(); // it was always found
    app.shutdown().await;
}
