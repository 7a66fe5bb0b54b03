//! Boots one interpreter: finds Python, starts a process, sends it the runtime and the handlers, hears its problems.
//!
//! Called by `Runtime::boot` of the parent module; hands a loaded process to `worker` and is done.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinSet;

use crate::lang::python::frames::{self, FromChild, Place, ToChild};
use crate::lang::python::process::{self, Output, Process, Started};
use crate::lang::python::worker::{LAST_WORDS, PythonWorker};
use crate::lang::python::{Setup, interpreter};
use crate::lang::{FileHandler, Problem, Worker, wire};

/// How long importing all handler modules may take: far above any real project, it is there for `while True`.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// The package that the bootstrap imports from memory.
const RUNTIME: [(&str, &str); 7] = [
    ("rohas_runtime", include_str!("rohas_runtime/__init__.py")),
    ("rohas_runtime.contract", include_str!("rohas_runtime/contract.py")),
    ("rohas_runtime.frames", include_str!("rohas_runtime/frames.py")),
    ("rohas_runtime.handlers", include_str!("rohas_runtime/handlers.py")),
    ("rohas_runtime.logs", include_str!("rohas_runtime/logs.py")),
    ("rohas_runtime.values", include_str!("rohas_runtime/values.py")),
    ("rohas_runtime.worker", include_str!("rohas_runtime/worker.py")),
];

/// The interpreter and the thread that starts it.
#[derive(Debug)]
pub(super) struct Tools {
    interpreter: PathBuf,
    spawner: process::Spawner,
}

/// Starts an interpreter and loads all handlers into it.
///
/// # Errors
/// All problems of all handlers at once, or why there is no interpreter that could load them.
pub(super) async fn boot(setup: Arc<Setup>) -> Result<Arc<dyn Worker>, Vec<Problem>> {
    let tools = setup.tools.get_or_try_init(|| prepare(&setup)).await.map_err(|problem| vec![problem])?;
    let child = process::start(&tools.interpreter, &setup.project_root, &tools.spawner)
        .await
        .map_err(|problem| vec![problem])?;
    let worker = load(child, &setup).await?;
    Ok(Arc::new(worker))
}

/// Finds the interpreter and starts the spawner.
async fn prepare(setup: &Setup) -> Result<Tools, Problem> {
    Ok(Tools {
        interpreter: interpreter::find(&setup.config, &setup.project_root).await?,
        spawner: process::Spawner::start()?,
    })
}

/// Loads the handlers of `setup` into a started interpreter.
///
/// # Errors
/// All problems of all handlers; or that the interpreter ended or took too long.
async fn load(started: Started, setup: &Setup) -> Result<PythonWorker, Vec<Problem>> {
    let Started { mut process, socket, output, tasks } = started;
    let (reader, mut writer) = socket.into_split();
    let mut reader = BufReader::new(reader);
    let shaken = tokio::time::timeout(LOAD_LIMIT, handshake(&mut reader, &mut writer, setup)).await;
    let problems = match shaken {
        Ok(Ok(problems)) if problems.is_empty() => {
            return Ok(PythonWorker::new(process, (reader, writer), tasks, setup));
        }
        Ok(Ok(problems)) => problems,
        Ok(Err(reason)) => vec![died_loading(&mut process, reason, &output, tasks).await],
        Err(_) => {
            let limit = LOAD_LIMIT.as_secs();
            let message = format!("loading the Python handlers took more than {limit} s");
            vec![Problem::new(message).hint("look for work that a module does when it is imported")]
        }
    };
    process.kill();
    process.wait().await;
    Err(problems)
}

/// Sends runtime and handlers, waits until they are loaded; returns the problems there are, or why it got no answer.
async fn handshake(
    reader: &mut BufReader<OwnedReadHalf>,
    writer: &mut OwnedWriteHalf,
    setup: &Setup,
) -> Result<Vec<Problem>, String> {
    let sources: serde_json::Map<String, serde_json::Value> =
        RUNTIME.iter().map(|(name, source)| ((*name).to_owned(), (*source).into())).collect();
    let sources = serde_json::Value::from(sources).to_string();
    let root = setup.project_root.to_string_lossy().into_owned();
    let place = Place { paths: vec![format!("{root}/src"), root.clone()], root };
    let handlers: Vec<wire::Handler> = setup.handlers.iter().map(told).collect();
    let told = |error: frames::Error| frames::describe(&error);
    let mut bytes = frames::raw(sources.as_bytes()).map_err(told)?;
    let load = ToChild::Load { place, handlers: &handlers };
    bytes.extend(load.encode().map_err(told)?);
    writer.write_all(&bytes).await.map_err(|error| format!("stopped reading ({error})"))?;
    loop {
        let frame = frames::read(reader).await.map_err(told)?;
        let Some(frame) = frame else {
            return Err(String::new());
        };
        match FromChild::decode(&frame).map_err(told)? {
            FromChild::Ready => return Ok(Vec::new()),
            FromChild::Refused(refusals) => return Ok(refusals.into_iter().map(problem).collect()),
            FromChild::Log(line) => line.emit(),
            FromChild::Answer { .. } | FromChild::Ended { .. } => {
                return Err("answered an unasked call".to_owned());
            }
        }
    }
}

/// Describes a handler to the child.
fn told(handler: &FileHandler) -> wire::Handler {
    wire::Handler {
        kind: handler.id.kind.as_str().to_owned(),
        name: handler.id.name.to_string(),
        path: handler.path.to_string_lossy().into_owned(),
        functions: handler.functions.clone(),
    }
}

/// Takes over a problem that the child found.
fn problem(refusal: frames::Refusal) -> Problem {
    Problem { message: refusal.message, hint: refusal.hint }
}

/// Explains a boot that ended without an answer, with what the interpreter printed.
async fn died_loading(
    process: &mut Process,
    reason: String,
    output: &Output,
    mut tasks: JoinSet<()>,
) -> Problem {
    let ended = tokio::time::timeout(LAST_WORDS, process.wait()).await;
    let reason = match ended {
        Ok(ended) if reason.is_empty() => ended,
        Ok(ended) => format!("{reason}, {ended}"),
        Err(_) if reason.is_empty() => "closed its socket".to_owned(),
        Err(_) => reason,
    };
    let _ = tokio::time::timeout(LAST_WORDS, tasks.join_next()).await;
    let printed = output.text();
    let message = format!("the Python interpreter {reason} while loading the handlers");
    if printed.is_empty() {
        Problem::new(message)
    } else {
        Problem::new(format!("{message}; it printed\n{printed}"))
    }
}
