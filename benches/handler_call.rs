//! A handler call per language, without HTTP: the engine alone and the whole app, against a plain async function.
//!
//! ```text
//!  <language>        Invocation ─▶ Worker::invoke ─▶ echo        the engine: task, isolate or interpreter process
//!  <language>, app   Running::call ─▶ check ─▶ api ─▶ executor ─▶ Worker::invoke ─▶ echo ─▶ check
//!  plain             Invocation ─▶ Request<Person> ─▶ async fn ─▶ Reply
//! ```
//!
//! Each once call after call and once with 32 calls in flight.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rohas::invocation::{HandlerId, Invocation, Trace};
use rohas::lang::native::{Handler, IntoReply, Native, Site};
use rohas::lang::{FileHandler, Language, Runtime as Engine, Worker};
use rohas::{ActorApp, Config, Failure, Json, Kind, Outcome, Request, Running, State};
use serde::Deserialize;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::measure::{Case, Comparison, Ratios};
use crate::sample::{BODY, PERSON, Person};

mod measure;
mod sample;

/// Calls in flight of the second comparison; also what one worker takes at once by default.
const IN_FLIGHT: u64 = 32;

/// The time limit of a call; never reached.
const LIMIT: Duration = Duration::from_secs(30);

const TYPESCRIPT: &str = "export async function handler(request, state) { return request.body; }\n";
const PYTHON: &str = "async def handler(request, state):\n    return request.body\n";

/// A handler in each language, with the names of its two cases.
const LANGUAGES: [(Language, &str, [&str; 2]); 3] = [
    (Language::Rust, "EchoRust", ["rust", "rust, app"]),
    (Language::TypeScript, "EchoTypeScript", ["typescript", "typescript, app"]),
    (Language::Python, "EchoPython", ["python", "python, app"]),
];

/// A project folder in the temporary directory, removed with this value.
struct Project(PathBuf);

impl Project {
    fn write() -> std::io::Result<Self> {
        let project = Project(std::env::temp_dir().join(format!("rohas-bench-{}", std::process::id())));
        let api = project.0.join("src/handlers/api");
        let schema = project.0.join("schema");
        std::fs::create_dir_all(&api)?;
        std::fs::create_dir_all(&schema)?;
        std::fs::write(api.join("EchoTypeScript.ts"), TYPESCRIPT)?;
        std::fs::write(api.join("EchoPython.py"), PYTHON)?;
        let apis = LANGUAGES.map(|(_, name, _)| {
            format!("api {name} {{ method: POST path: \"/{name}\" body: Person response: Person }}\n")
        });
        std::fs::write(schema.join("bench.ro"), format!("{PERSON}{}", apis.concat()))?;
        Ok(project)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn echo(request: Request<Person>, _: State) -> Result<Person, Failure> {
    Ok(request.body)
}

/// The peer: the same conversions around the same function, nothing in between.
async fn plain(invocation: Arc<Invocation>) -> Outcome {
    async fn echo(request: Request<Person>) -> Result<Person, Failure> {
        Ok(request.body)
    }
    let request = Request::<Person>::deserialize(&invocation.arguments[0]).map_err(Failure::internal)?;
    echo(request).await?.into_reply()
}

/// What a call is made of; cloned for each.
#[derive(Clone)]
struct Call {
    handler: HandlerId,
    request: Json,
    body: Json,
}

impl Call {
    fn new(name: &str) -> Self {
        let body: Json = serde_json::from_str(BODY).expect("the sample is JSON");
        let request = json!({
            "params": {}, "body": body, "query": {}, "query_params": {}, "headers": {}, "cookies": {},
            "method": "POST", "path": format!("/{name}"), "client_addr": null,
        });
        let handler = HandlerId::new(Kind::Api, name);
        Call { handler, request, body }
    }

    fn invocation(&self) -> Arc<Invocation> {
        Arc::new(Invocation {
            id: Uuid::now_v7(),
            handler: self.handler.clone(),
            arguments: vec![self.request.clone()],
            deadline: Instant::now() + LIMIT,
            attempt: 1,
            trace: Trace::root(),
        })
    }
}

/// Makes `calls` calls with so many in flight, each flight a task of its own.
fn time<F, C>(runtime: &Runtime, (calls, in_flight): (u64, u64), call: C) -> Duration
where
    C: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = Outcome> + Send,
{
    runtime.block_on(async {
        let mut flights = JoinSet::new();
        let started = Instant::now();
        for flight in 0..in_flight {
            let share = calls / in_flight + u64::from(flight < calls % in_flight);
            let call = call.clone();
            flights.spawn(async move {
                for _ in 0..share {
                    let reply = call().await.expect("an echo succeeds");
                    assert!(reply.value.is_object());
                }
            });
        }
        flights.join_all().await;
        started.elapsed()
    })
}

/// Boots one engine of `language` on its own.
fn boot(runtime: &Runtime, project: &Path, (language, name): (Language, &str)) -> Arc<dyn Worker> {
    let file = |extension: &str| {
        let path = project.join(format!("src/handlers/api/{name}.{extension}"));
        let functions = vec!["handler".to_owned()];
        vec![FileHandler { id: HandlerId::new(Kind::Api, name), path, functions }]
    };
    let (config, root) = (Config::default(), project.to_path_buf());
    let engine: Box<dyn Engine> = match language {
        Language::Rust => {
            let function = echo.erase().bind(Site::default());
            let functions = [(HandlerId::new(Kind::Api, name), function)];
            Box::new(Native::new(functions.into()))
        }
        Language::TypeScript => {
            Box::new(rohas::lang::v8::V8::new(config.typescript, root, file("ts"), Arc::default()))
        }
        Language::Python => Box::new(rohas::lang::python::Python::new(config.python, root, file("py"))),
    };
    runtime.block_on(engine.boot()).expect("the handlers load")
}

fn start(runtime: &Runtime, project: &Path) -> Arc<Running> {
    let mut config = Config::default();
    config.server.port = 0;
    let app = ActorApp::builder()
        .project_dir(project)
        .config(config)
        .handler("EchoRust", echo)
        .build()
        .expect("the app is right");
    Arc::new(runtime.block_on(app.start()).expect("the app starts"))
}

fn comparison<'a>(
    name: &'static str,
    in_flight: u64,
    runtime: &'a Runtime,
    (workers, running): (&[Arc<dyn Worker>], &Arc<Running>),
) -> Comparison<'a> {
    let mut cases = Vec::new();
    for ((_, api, [engine_case, app_case]), worker) in LANGUAGES.iter().zip(workers) {
        let (call, worker) = (Call::new(api), Arc::clone(worker));
        let invoke = move || worker.invoke(call.invocation());
        cases.push(Case::new(engine_case, move |calls| time(runtime, (calls, in_flight), invoke.clone())));
        let (call, running) = (Call::new(api), Arc::clone(running));
        let ask = move || {
            let (running, call) = (Arc::clone(&running), call.clone());
            async move { running.call(api, call.body).await }
        };
        cases.push(Case::new(app_case, move |calls| time(runtime, (calls, in_flight), ask.clone())));
    }
    let call = Call::new("EchoRust");
    let direct = move || plain(call.invocation());
    cases.push(Case::new("plain", move |calls| time(runtime, (calls, in_flight), direct.clone())));
    Comparison { name, operations: 1, cases }
}

fn main() {
    rohas::lang::v8::init_platform();
    let project = Project::write().expect("the temporary directory can be written");
    let runtime = Runtime::new().expect("threads");
    let workers = LANGUAGES.map(|(language, name, _)| boot(&runtime, &project.0, (language, name)));
    let running = start(&runtime, &project.0);
    let mut criterion = measure::criterion();
    let mut ratios = Ratios::default();
    let engines = (&workers[..], &running);
    let one_by_one = comparison("call, one by one", 1, &runtime, engines);
    ratios.compare(&mut criterion, one_by_one);
    let together = comparison("call, 32 in flight", IN_FLIGHT, &runtime, engines);
    ratios.compare(&mut criterion, together);
    criterion.final_summary();
    ratios.print();
    workers.iter().for_each(|worker| worker.stop());
    if let Some(running) = Arc::into_inner(running) {
        runtime.block_on(running.shutdown());
    }
}
