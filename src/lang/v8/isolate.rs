//! One isolate: its thread, its tokio runtime and the loop that drives it.
//!
//! ```text
//!  callers (worker.rs)          thread "v8-isolate-N"                     watches (thread "v8-platform")
//!  ───────────────────          ─────────────────────                     ─────────────────────────────
//!  boot ───────────spawn──────▶ assembly → start(runtime.js)
//!                               import all modules, choose functions
//!  Ok / all problems ◀─op_rohas_booted─┘
//!  call {call, arguments} ────▶ op_rohas_next → handler(args, state)
//!  outcome ◀────────op_rohas_answer────────────┘
//!  cancel (future dropped) ───▶ op_rohas_next → signal.abort()       ◀── 100 ms ── watch(call)
//!           acknowledge ◀─op_rohas_cancelled───┘                              │ none came
//!  Crashed, exited ◀───────────────── condemn(reason) ◀───────────────────────┘
//!                               heap limit ─▶ condemn("out of memory")
//!                               terminated, leaves the loop, frees the isolate ─▶ gone
//! ```
//!
//! Called by `V8::boot`. Never decides to boot another isolate.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use deno_core::error::CoreError;
use tokio::sync::{mpsc, oneshot};

use crate::lang::{Problem, wire};

use super::calls::Calls;
use super::ops::{Booted, Link};
use super::worker::IsolateWorker;
use super::{Setup, assembly, memory, platform};

/// Numbers the threads, for their names.
static THREADS: AtomicU64 = AtomicU64::new(1);

/// Boots one isolate for `places` calls at once and loads every handler into it.
///
/// # Errors
/// Every handler module that does not load or has no usable function, or why the isolate did not come up.
///
/// # Cancel safety
/// Dropping the future stops the isolate.
pub(super) async fn boot(setup: Arc<Setup>, places: usize) -> Result<IsolateWorker, Vec<Problem>> {
    let calls = Arc::new(Calls::default());
    // A call and its cancel for every place: a cancel always finds room.
    let (commands_tx, commands_rx) = mpsc::channel(2 * places);
    let (booted_tx, booted_rx) = oneshot::channel();
    let worker = IsolateWorker::new(Arc::clone(&setup), Arc::clone(&calls), commands_tx, places);
    let link = Link::new(Arc::clone(&calls), commands_rx, booted_tx, wire_handlers(&setup));
    let number = THREADS.fetch_add(1, Ordering::Relaxed);
    let thread_setup = Arc::clone(&setup);
    let logs = tracing::dispatcher::get_default(Clone::clone);
    platform::spawn_thread(format!("v8-isolate-{number}"), move || {
        // The log of the handlers goes where the caller's goes.
        tracing::dispatcher::with_default(&logs, || run(&thread_setup, link));
    });
    match booted_rx.await {
        Ok(Ok(())) => Ok(worker),
        Ok(Err(problems)) => Err(problems.into_iter().map(|problem| problem.tell(&setup)).collect()),
        Err(_) => {
            let reason = calls.reason().unwrap_or_else(|| "its thread did not start".into());
            Err(vec![Problem::new(format!("the V8 isolate did not come up: {reason}"))])
        }
    }
}

/// Tells the engine's side which handlers there are.
fn wire_handlers(setup: &Setup) -> Vec<wire::Handler> {
    let handlers = setup.handlers.iter();
    handlers
        .map(|handler| wire::Handler {
            kind: handler.id.kind.as_str().into(),
            name: handler.id.name.to_string(),
            path: handler.path.to_string_lossy().into_owned(),
            functions: handler.functions.clone(),
        })
        .collect()
}

/// The body of the thread: lives until condemned, then frees everything.
fn run(setup: &Setup, link: Link) {
    let calls = Arc::clone(&link.calls);
    // Last of all, also when something panics.
    let _gone = calls.gone.clone().drop_guard();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return calls.condemn(&format!("no tokio runtime: {error}")),
    };
    let lived = std::panic::catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(live(setup, link));
    }));
    if lived.is_err() {
        calls.condemn("the isolate's thread panicked");
    }
    // Threads of blocking ops (a slow DNS look-up) end by themselves; nobody waits for them.
    runtime.shutdown_background();
}

/// Builds the isolate, starts its script and drives its event loop until it is condemned.
async fn live(setup: &Setup, link: Link) {
    let calls = Arc::clone(&link.calls);
    let mut worker = match assembly::assemble(setup, link) {
        Ok(worker) => worker,
        Err(problem) => return calls.condemn(&problem),
    };
    calls.attach(worker.js_runtime.v8_isolate().thread_safe_handle());
    memory::guard(&mut worker.js_runtime, &calls);
    if let Err(error) = worker.execute_script("rohas:start", START.to_owned().into()) {
        return calls.condemn(&format!("its script did not start: {error}"));
    }
    loop {
        tokio::select! {
            biased;
            () = calls.condemned.cancelled() => break,
            idle = worker.run_event_loop(false) => match idle {
                // Happens only when `op_rohas_next` has ended: nobody can send a command any more.
                Ok(()) => calls.condemn("no longer used"),
                Err(error) => uncaught(&error),
            },
        }
    }
    worker.js_runtime.v8_isolate().cancel_terminate_execution();
}

/// Starts runtime.js, which left its entry under this name, and hides it from handlers.
const START: &str = "{ const start = globalThis.__rohas_start; delete globalThis.__rohas_start; start(); }";

/// Logs an error that nothing in JavaScript handled; the isolate goes on.
fn uncaught(error: &CoreError) {
    let line = wire::LogLine {
        level: "error".into(),
        message: format!("uncaught error: {error}"),
        fields: serde_json::Value::Null,
        handler: String::new(),
        invocation: String::new(),
        trace_id: String::new(),
    };
    line.emit();
}

impl Booted {
    /// Says it for a person: paths relative to the project.
    fn tell(self, setup: &Setup) -> Problem {
        let root = format!("{}/", setup.root.display());
        let tell = |text: &str| text.replace("file://", "").replace(&root, "");
        match self {
            Booted::Load { handler, path, message } => {
                Problem::new(format!("{} does not load: {}", tell(&path), tell(&message)))
                    .hint(format!("it holds the handler of {handler}"))
            }
            Booted::Function { handler, path, tried, exports } => {
                let exports = if exports.is_empty() { "nothing".into() } else { exports.join(", ") };
                Problem::new(format!(
                    "{} has no function for {handler}: tried {}; it exports {exports}",
                    tell(&path),
                    tried.join(", "),
                ))
                .hint(format!("export a function named {}", tried.first().map_or("handler", String::as_str)))
            }
        }
    }
}
