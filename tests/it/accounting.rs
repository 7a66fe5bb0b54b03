//! Nothing is lost while actors and engines are killed: every event is handled or dead-lettered, every call ends.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use rohas::{Event, Failure, Running, State};
use serde_json::json;

use crate::client::{eventually, soon};
use crate::project::{App, Project};

const SCHEMA: &str = r#"
    type Job { sender: Int  number: Int  mode: String }
    type Done { language: String  sender: Int  number: Int }
    event RustJob { payload: Job  handler: [rust_job]  retry: { attempts: 3, backoff: "1ms", max: "5ms" }  timeout: "5s" }
    event ScriptJob { payload: Job  handler: [script_job]  retry: { attempts: 3, backoff: "1ms", max: "5ms" }  timeout: "5s" }
    event PythonJob { payload: Job  handler: [python_job]  retry: { attempts: 3, backoff: "1ms", max: "5ms" }  timeout: "5s" }
    event JobDone { payload: Done }
    api ScriptCall { method: GET path: "/script/{mode}" response: String timeout: "5s" }
    api PythonCall { method: GET path: "/python/{mode}" response: String timeout: "5s" }
"#;

const SCRIPT_JOB: &str = r#"
export async function handler(event: any, state: any) {
  const { sender, number, mode } = event.payload;
  if (mode === "never" || (mode === "once" && event.attempt === 1)) throw new Error(mode);
  if (mode === "die" && event.attempt === 1) for (;;) ;
  if (mode === "wait") await new Promise((done) => setTimeout(done, 2));
  state.triggerEvent("JobDone", { language: "script", sender, number });
}
"#;

const PYTHON_JOB: &str = r#"
import asyncio, os

async def handler(event, state):
    job = event.payload
    mode = job["mode"]
    if mode == "never" or (mode == "once" and event.attempt == 1):
        raise ValueError(mode)
    if mode == "die" and event.attempt == 1:
        os._exit(3)
    if mode == "wait":
        await asyncio.sleep(0.002)
    state.trigger_event("JobDone", {"language": "python", "sender": job["sender"], "number": job["number"]})
"#;

const SCRIPT_CALL: &str = r#"
export async function handler(request: any) {
  if (request.mode === "die") process.exit(1);
  if (request.mode === "wait") await new Promise((done) => setTimeout(done, 5));
  return "ok";
}
"#;

const PYTHON_CALL: &str = r#"
import asyncio, os

async def handler(request):
    if request.mode == "die":
        os._exit(1)
    if request.mode == "wait":
        await asyncio.sleep(0.005)
    return "ok"
"#;

async fn rust_job(event: Event, state: State) -> Result<(), Failure> {
    let mode = event.payload["mode"].as_str().unwrap_or_default();
    match (mode, state.attempt()) {
        ("never", _) | ("once", 1) => return Err(Failure::internal(mode)),
        ("die", 1) => panic!("on purpose"),
        ("wait", _) => tokio::time::sleep(std::time::Duration::from_millis(2)).await,
        _ => {}
    }
    let done =
        json!({ "language": "rust", "sender": event.payload["sender"], "number": event.payload["number"] });
    state.trigger_event("JobDone", done)
}

/// Who is killed, now and then.
const VICTIMS: &[&str] = &[
    "app/events/RustJob/rust_job",
    "app/events/ScriptJob/script_job",
    "app/events/PythonJob/python_job",
    "app/apis/ScriptCall",
    "app/apis/PythonCall",
    "app/executors/native/executor",
    "app/executors/v8/executor",
    "app/executors/v8/isolate-0",
    "app/executors/v8/isolate-1",
    "app/executors/python/executor",
    "app/executors/python/interpreter-0",
    "app/executors/python/interpreter-1",
];

const EVENTS: [(&str, &str); 3] = [("RustJob", "rust"), ("ScriptJob", "script"), ("PythonJob", "python")];

const SENDERS: u64 = 3;

/// How many jobs each sender publishes per language; `ROHAS_ACCOUNTING_JOBS` for more.
fn jobs() -> u64 {
    std::env::var("ROHAS_ACCOUNTING_JOBS").ok().and_then(|jobs| jobs.parse().ok()).unwrap_or(400)
}

fn seed() -> u64 {
    let seed = std::env::var("ROHAS_ACCOUNTING_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("ROHAS_ACCOUNTING_SEED={seed}");
    seed
}

/// One in some hundred jobs ends an engine: each replacement takes a while.
fn mode(random: &mut Rng) -> &'static str {
    match random.u32(..400) {
        0 => "die",
        1..=20 => "never",
        21..=60 => "once",
        61..=120 => "wait",
        _ => "ok",
    }
}

async fn app() -> (Project, App) {
    let project = Project::new(&[
        ("schema/jobs.ro", SCHEMA),
        ("src/handlers/events/script_job.ts", SCRIPT_JOB),
        ("src/handlers/events/python_job.py", PYTHON_JOB),
        ("src/handlers/api/script_call.ts", SCRIPT_CALL),
        ("src/handlers/api/python_call.py", PYTHON_CALL),
    ]);
    let config = "[typescript]\nworkers = 2\n[python]\nworkers = 2\n[limits]\npublish_wait = \"60s\"\n";
    let builder = project.builder().config(crate::project::config(config)).handler("rust_job", rust_job);
    let app = App::start(builder).await;
    let tree = app.running.tree();
    let strangers: Vec<_> = VICTIMS.iter().filter(|victim| tree.find(victim).is_none()).collect();
    assert!(strangers.is_empty(), "nobody would be killed: {strangers:?}");
    (project, app)
}

/// Publishes one sender's jobs of one event in order; returns the numbers of those that were taken.
async fn publish(
    running: &Running,
    event: &str,
    sender: u64,
    random: &mut Rng,
) -> BTreeMap<u64, &'static str> {
    let mut taken = BTreeMap::new();
    for number in 0..jobs() {
        let mode = mode(random);
        let job = json!({ "sender": sender, "number": number, "mode": mode });
        if running.publish(event, job).await.is_ok() {
            taken.insert(number, mode);
        }
    }
    taken
}

/// Who published what: language and sender, and the jobs that were taken by number.
type Taken = HashMap<(String, u64), BTreeMap<u64, &'static str>>;

/// Every job that was taken was handled once and in order, or is a dead letter.
fn balance(taken: &Taken, handled: &HashMap<(String, u64), Vec<u64>>, metrics: &str) {
    let mut given_up = HashMap::new();
    for (who, jobs) in taken {
        let handled = handled.get(who).cloned().unwrap_or_default();
        assert!(
            handled.is_sorted_by(|left, right| left < right),
            "{who:?}: in order, once each: {handled:?}"
        );
        let missing: Vec<_> = jobs.keys().filter(|number| handled.binary_search(number).is_err()).collect();
        assert_eq!(handled.len() + missing.len(), jobs.len(), "{who:?}: handled, but never published");
        *given_up.entry(who.0.clone()).or_insert(0) += missing.len();
        let never = jobs.values().filter(|mode| **mode == "never").count();
        assert!(missing.len() >= never, "{who:?}: what always fails cannot be handled");
    }
    for (language, missing) in given_up {
        let line = format!("rohas_dead_letters_total{{handler=\"event {language}_job\"}} {missing}\n");
        assert!(metrics.contains(&line), "not {line} in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_handled_or_dead_lettered_whatever_is_killed() {
    let seed = seed();
    let (_project, app) = app().await;
    let app = Arc::new(app);
    let mut done = app.running.subscribe("JobDone").unwrap();
    let seen = Arc::new(AtomicUsize::new(0));

    let collector = tokio::spawn({
        let seen = Arc::clone(&seen);
        async move {
            let mut handled: HashMap<(String, u64), Vec<u64>> = HashMap::new();
            while let Some(event) = done.next().await {
                let sender = event.payload["sender"].as_u64().unwrap();
                let language = event.payload["language"].as_str().unwrap().to_owned();
                handled
                    .entry((language, sender))
                    .or_default()
                    .push(event.payload["number"].as_u64().unwrap());
                seen.fetch_add(1, Ordering::Relaxed);
            }
            handled
        }
    });
    let senders =
        EVENTS.iter().flat_map(|(event, language)| (0..SENDERS).map(move |n| (*event, *language, n)));
    let senders: Vec<_> = senders
        .enumerate()
        .map(|(place, (event, language, sender))| {
            let app = Arc::clone(&app);
            let mut random = Rng::with_seed(seed ^ place as u64);
            tokio::spawn(async move {
                ((language.to_owned(), sender), publish(&app.running, event, sender, &mut random).await)
            })
        })
        .collect();
    // Kills follow the work, so that a slow machine is not killed more often.
    let all = 3 * SENDERS * jobs();
    let mut random = Rng::with_seed(seed);
    for step in 1..=30 {
        let reached = async || (seen.load(Ordering::Relaxed) as u64 >= step * all / 40).then_some(());
        eventually("work goes on", reached).await;
        let victim = VICTIMS[random.usize(..VICTIMS.len())];
        app.running.kill(victim).await; // it may be between two lives
    }
    let mut taken = Taken::new();
    for sender in senders {
        let (who, jobs) = soon("the senders end", sender).await.unwrap();
        taken.insert(who, jobs);
    }
    let idle = || {
        let tree = app.running.tree();
        let mut busy = 0;
        tree.walk(&mut |node| busy += node.load.map_or(0, |load| load.queued + load.in_flight));
        busy == 0
    };
    eventually("all is worked off", async || idle().then_some(())).await;

    let metrics = app.get("/metrics").await.body;
    let app = Arc::into_inner(app).expect("the senders are gone");
    soon("the end", app.running.shutdown()).await;
    let handled = collector.await.unwrap();
    balance(&taken, &handled, &metrics);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_ends_whatever_is_killed() {
    let seed = seed();
    let (_project, app) = app().await;
    let app = Arc::new(app);
    let ended = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..8)
        .map(|place| {
            let (app, ended) = (Arc::clone(&app), Arc::clone(&ended));
            let mut random = Rng::with_seed(seed ^ place);
            tokio::spawn(async move {
                let mut outcomes = 0;
                for _ in 0..150 {
                    let api = if random.bool() { "ScriptCall" } else { "PythonCall" };
                    let mode = mode(&mut random);
                    let mut request = rohas::ApiRequest::default();
                    request.params.insert("mode".to_owned(), json!(mode));
                    let outcome = soon("the call ends", app.running.call_with(api, request)).await;
                    match outcome {
                        Ok(reply) => assert_eq!(reply.value, "ok"),
                        // The engine was ended under it, by it or by its neighbour.
                        Err(Failure::Crashed(_) | Failure::Overloaded { .. } | Failure::TimedOut) => {}
                        Err(Failure::Raised { message, .. }) => {
                            assert!(message.contains("cannot end the process"), "{message}")
                        }
                        Err(other) => panic!("{api} {mode}: {other:?}"),
                    }
                    outcomes += 1;
                    ended.fetch_add(1, Ordering::Relaxed);
                }
                outcomes
            })
        })
        .collect();
    let mut random = Rng::with_seed(seed);
    for step in 1..=20 {
        let reached = async || (ended.load(Ordering::Relaxed) >= step * 1200 / 25).then_some(());
        eventually("calls end", reached).await;
        app.running.kill(VICTIMS[random.usize(..VICTIMS.len())]).await;
    }
    let mut outcomes = 0;
    for caller in callers {
        outcomes += soon("the callers end", caller).await.unwrap();
    }
    assert_eq!(outcomes, 1200);
    for api in ["ScriptCall", "PythonCall"] {
        let answers = async || {
            let mut request = rohas::ApiRequest::default();
            request.params.insert("mode".to_owned(), json!("ok"));
            app.running.call_with(api, request).await.ok()
        };
        eventually("the pool is whole again", answers).await;
    }
}
