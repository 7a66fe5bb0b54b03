//! What entity actors promise to their callers, with an engine that does what the test wants.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::actors::{Api, Context, EventSubscriber, Executor, Executors, Pool};
use crate::bus::memory::Memory;
use crate::bus::{Bus, Envelope, Error, Subscriber};
use crate::invocation::{Effects, Failure, HandlerId, Invocation, Json, Kind, Outcome, Reply, Trace};
use crate::lang::{Language, Worker};
use crate::schema::{SourceFile, compile};
use crate::shutdown::Shutdown;
use crate::supervision::{ChildSpec, Load, Policy, Strategy, Supervisor, SupervisorRef, Tree};
use crate::telemetry::Telemetry;

type Run = Box<dyn Fn(Arc<Invocation>) -> BoxFuture<'static, Outcome> + Send + Sync>;

/// An engine that runs one function for every handler.
struct Engine(Run);

impl Worker for Engine {
    fn invoke(&self, invocation: Arc<Invocation>) -> BoxFuture<'static, Outcome> {
        (self.0)(invocation)
    }

    fn accepting(&self) -> bool {
        true
    }

    fn exited(&self) -> BoxFuture<'static, String> {
        Box::pin(std::future::pending())
    }

    fn stop(&self) {}
}

/// Part of an app: the entities of a schema over one engine.
struct Part {
    context: Arc<Context>,
    pool: Pool,
}

fn part<Fut>(
    schema: &str,
    bus: Arc<dyn Bus>,
    run: impl Fn(Arc<Invocation>) -> Fut + Send + Sync + 'static,
) -> Part
where
    Fut: Future<Output = Outcome> + Send + 'static,
{
    let file = SourceFile { path: "test.ro".to_owned(), text: schema.to_owned() };
    let (schema, problems) = compile(&[file]);
    assert!(problems.is_empty(), "{problems:?}");
    let events = schema.events.values().flat_map(|event| &event.handlers);
    let events = events.map(|name| HandlerId::new(Kind::Event, name));
    let handlers = events.chain(schema.apis.keys().map(|name| HandlerId::new(Kind::Api, name)));
    let languages = handlers.map(|id| (id, Language::Rust)).collect();
    schema.events.keys().for_each(|event| bus.declare(event));
    let pool = Pool::new(100);
    pool.seat(0, Arc::new(Engine(Box::new(move |invocation| Box::pin(run(invocation))))));
    let context = Context {
        app: "app".into(),
        schema: Arc::new(schema),
        executors: Executors::new(HashMap::from([(Language::Rust, pool.clone())]), languages),
        bus,
        shutdown: Shutdown::default(),
        tree: Tree::default(),
        telemetry: Telemetry::default(),
        timeout: Duration::from_secs(20),
        publish_wait: Duration::from_secs(20),
        mailbox_bytes: 1 << 20,
    };
    Part { context: Arc::new(context), pool }
}

impl Part {
    async fn start(&self, mut children: Vec<ChildSpec>) -> SupervisorRef {
        let executor = Executor { pool: self.pool.clone(), shutdown: self.context.shutdown.clone() };
        children.insert(0, executor.child());
        let (tree, policy) = (self.context.tree.clone(), Policy::new(Strategy::OneForOne));
        Supervisor { path: "app".to_owned(), policy, tree, children }.start().await.unwrap()
    }

    /// Makes the only handler of the only event.
    fn subscriber(&self) -> EventSubscriber {
        let (name, event) = self.context.schema.events.first().unwrap();
        let subscriber = EventSubscriber::all(event, &self.context).remove(0);
        self.context.bus.subscribe(name, Box::new(subscriber.clone()));
        subscriber
    }

    fn load(&self, path: &str) -> Load {
        self.context.tree.snapshot().unwrap().find(path).unwrap().load.unwrap()
    }
}

async fn until(mut done: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < limit, "it takes too long");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn event(name: &str, key: Option<&str>, payload: Json) -> Envelope {
    let key = key.map(str::to_owned);
    Envelope { key, ..Envelope::new(name, "/test", payload, Trace::root()) }
}

#[tokio::test]
async fn events_of_different_keys_run_at_once_and_those_of_one_key_in_order() {
    let schema = r#"type Payment { id: String  n: Int }
                    event Paid { payload: Payment  key: "id"  handler: [book] }"#;
    let (running, order) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    let (gate, most) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let part = part(schema, Arc::new(Memory::default()), {
        let (running, order, gate, most) = (running.clone(), order.clone(), gate.clone(), most.clone());
        move |invocation| {
            let (running, order, gate, most) = (running.clone(), order.clone(), gate.clone(), most.clone());
            async move {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                gate.acquire().await.unwrap().forget();
                order.lock().push(invocation.arguments[0]["payload"].clone());
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(Reply::default())
            }
        }
    });
    let root = part.start(vec![part.subscriber().child()]).await;
    let payments = [("a", 1), ("a", 2), ("b", 3), ("c", 4), ("a", 5), ("b", 6)];
    for (id, n) in payments {
        let envelope = event("Paid", Some(id), json!({"id": id, "n": n}));
        part.context.bus.publish(vec![envelope], soon()).await.unwrap();
    }
    until(|| running.load(Ordering::SeqCst) == 3).await;
    assert_eq!(part.load("app/book").queued, 3, "the rest waits for its key");
    gate.add_permits(payments.len());
    until(|| part.load("app/book").handled == 6).await;
    assert_eq!(most.load(Ordering::SeqCst), 3);
    for (id, expected) in [("a", vec![1, 2, 5]), ("b", vec![3, 6]), ("c", vec![4])] {
        let order = order.lock();
        let of_key = order.iter().filter(|payment| payment["id"] == id);
        assert_eq!(of_key.map(|payment| payment["n"].as_i64().unwrap()).collect::<Vec<_>>(), expected);
    }
    root.stop(Duration::from_secs(20)).await;
}

/// A bus that breaks when something is published on it, the first time or always.
struct Broken {
    bus: Memory,
    breaks: AtomicBool,
    again: bool,
}

impl Bus for Broken {
    fn declare(&self, event: &str) {
        self.bus.declare(event);
    }

    fn subscribe(&self, event: &str, subscriber: Box<dyn Subscriber>) {
        self.bus.subscribe(event, subscriber);
    }

    fn publish(&self, envelopes: Vec<Envelope>, deadline: Instant) -> BoxFuture<'_, Result<(), Error>> {
        let of_handler = envelopes.iter().any(|envelope| &*envelope.event == "Booked");
        assert!(!(of_handler && self.breaks.swap(self.again, Ordering::SeqCst)), "the bus is broken");
        self.bus.publish(envelopes, deadline)
    }

    fn close(&self) {
        self.bus.close();
    }
}

#[tokio::test]
async fn an_event_whose_task_breaks_is_delivered_again_or_a_dead_letter() {
    let schema = "event Paid { handler: [book]  retry: { attempts: 2 } }\n event Booked { }";
    for (again, (handled, dead_lettered), attempts) in [(false, (1, 0), 2), (true, (0, 1), 2)] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let bus = Broken { bus: Memory::default(), breaks: AtomicBool::new(true), again };
        let part = part(schema, Arc::new(bus), {
            let seen = Arc::clone(&seen);
            move |invocation| {
                seen.lock().push(invocation.attempt);
                let effects =
                    Effects { triggers: vec![("Booked".to_owned(), Json::Null)], ..Effects::default() };
                async move { Ok(Reply { effects, ..Reply::default() }) }
            }
        });
        let root = part.start(vec![part.subscriber().child()]).await;
        part.context.bus.publish(vec![event("Paid", None, Json::Null)], soon()).await.unwrap();
        until(|| part.load("app/book").handled + part.load("app/book").dead_lettered == 1).await;
        let load = part.load("app/book");
        assert_eq!(
            (load.handled, load.dead_lettered, load.queued, load.in_flight),
            (handled, dead_lettered, 0, 0)
        );
        assert_eq!(*seen.lock(), (1..=attempts).collect::<Vec<_>>());
        let rendered = part.context.telemetry.render(None);
        let line = format!("rohas_dead_letters_total{{handler=\"event book\"}} {dead_lettered}");
        assert!(rendered.contains(&line) || dead_lettered == 0, "{rendered}");
        root.stop(Duration::from_secs(20)).await;
    }
}

#[tokio::test]
async fn a_call_whose_turn_does_not_come_is_overloaded_and_not_run() {
    let schema = r#"api Slow { method: GET path: "/slow" concurrency: 1 }"#;
    let calls = Arc::new(AtomicUsize::new(0));
    let part = part(schema, Arc::new(Memory::default()), {
        let calls = Arc::clone(&calls);
        move |_| {
            calls.fetch_add(1, Ordering::SeqCst);
            std::future::pending()
        }
    });
    let api = Api::new(part.context.schema.apis["Slow"].clone(), Arc::clone(&part.context));
    let root = part.start(vec![api.child()]).await;
    let deadline = Instant::now() + Duration::from_millis(30);
    let ask = || api.ask(Json::Null, deadline, Trace::root());
    let (first, second) = tokio::join!(ask(), ask());
    assert_eq!(first, Err(Failure::TimedOut));
    assert_eq!(second, Err(Failure::Overloaded { entity: "api Slow".to_owned() }));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    assert_eq!(part.load("app/Slow").expired, 1);
    root.stop(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_call_that_no_worker_took_is_overloaded_not_timed_out() {
    let id = HandlerId::new(Kind::Event, "slow_to_boot");
    let pools = HashMap::from([(Language::Python, Pool::new(1))]);
    let executors = Executors::new(pools, HashMap::from([(id.clone(), Language::Python)]));
    let invocation = Invocation {
        id: Uuid::now_v7(),
        handler: id,
        arguments: vec![],
        deadline: Instant::now() + Duration::from_millis(10),
        attempt: 1,
        trace: Trace::root(),
    };
    let outcome = executors.run(Arc::new(invocation)).await;
    assert!(matches!(outcome, Err(Failure::Overloaded { .. })), "its attempt is not used up: {outcome:?}");
}

#[tokio::test]
async fn a_call_whose_task_breaks_ends_and_frees_its_place() {
    let schema =
        r#"api Book { method: POST path: "/book" concurrency: 1 triggers: [Booked] } event Booked { }"#;
    let bus = Broken { bus: Memory::default(), breaks: AtomicBool::new(true), again: false };
    let part = part(schema, Arc::new(bus), |_| async { Ok(Reply::default()) });
    let api = Api::new(part.context.schema.apis["Book"].clone(), Arc::clone(&part.context));
    let root = part.start(vec![api.child()]).await;
    let broken = api.ask(Json::Null, soon(), Trace::root()).await;
    assert_eq!(broken, Err(Failure::internal("the task of the call ended without an outcome")));
    assert_eq!(api.ask(Json::Null, soon(), Trace::root()).await, Ok(Reply::default()));
    root.stop(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_handler_that_says_overloaded_uses_its_attempts_up() {
    let schema = r#"event Paid { handler: [book]  retry: { attempts: 2  backoff: "1ms" } }"#;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let part = part(schema, Arc::new(Memory::default()), {
        let seen = Arc::clone(&seen);
        move |invocation| {
            seen.lock().push(invocation.attempt);
            async { Err(Failure::Overloaded { entity: "somebody it called".to_owned() }) }
        }
    });
    let root = part.start(vec![part.subscriber().child()]).await;
    part.context.bus.publish(vec![event("Paid", None, Json::Null)], soon()).await.unwrap();
    until(|| part.load("app/book").handled == 1 || seen.lock().len() > 10).await;
    assert_eq!(*seen.lock(), [1, 2]);
    let rendered = part.context.telemetry.render(None);
    assert!(rendered.contains("rohas_dead_letters_total{handler=\"event book\"} 1"), "{rendered}");
    root.stop(Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_call_of_an_api_that_is_gone_is_told_so() {
    let schema = r#"api Book { method: POST path: "/book" }"#;
    let part = part(schema, Arc::new(Memory::default()), |_| async { Ok(Reply::default()) });
    let api = Api::new(part.context.schema.apis["Book"].clone(), Arc::clone(&part.context));
    let root = part.start(vec![api.child()]).await;
    root.stop(Duration::from_secs(20)).await;
    assert_eq!(api.ask(Json::Null, soon(), Trace::root()).await, Err(Failure::ShuttingDown));
    assert_eq!(api.cast(Json::Null, soon(), Trace::root()), Err(Failure::ShuttingDown));
}
