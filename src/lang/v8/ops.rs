//! The border between the isolate's script and this process: the extension `rohas` with its ops.
//!
//! Runs on the isolate's thread. Called by runtime.js only; moves text, never JavaScript values. Also replaces the ops
//! by which a handler could end the whole process.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::url::Url;
use deno_core::{OpDecl, OpState, op2};
use deno_error::JsErrorBox;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

use crate::lang::wire;

use super::calls::Calls;
use super::worker::Command;

/// Tells the one who boots that all handlers are loaded, or every problem.
pub(super) type BootedTx = oneshot::Sender<Result<(), Vec<Booted>>>;

/// What one isolate's script is connected to.
pub(super) struct Link {
    /// The calls in flight.
    pub(super) calls: Arc<Calls>,
    commands_rx: RefCell<mpsc::Receiver<Command>>,
    booted_tx: RefCell<Option<BootedTx>>,
    handlers: Vec<wire::Handler>,
}

impl Link {
    /// Connects a script to its callers.
    pub(super) fn new(
        calls: Arc<Calls>,
        commands_rx: mpsc::Receiver<Command>,
        booted_tx: BootedTx,
        handlers: Vec<wire::Handler>,
    ) -> Self {
        Link {
            calls,
            commands_rx: RefCell::new(commands_rx),
            booted_tx: RefCell::new(Some(booted_tx)),
            handlers,
        }
    }

    /// Returns what the script is to be told; nothing about a call that was abandoned before its turn.
    fn told(&self, command: Command) -> Option<String> {
        match command {
            Command::Call(call, text) => self.calls.begin(call).then_some(text),
            Command::Cancel(text) => Some(text),
        }
    }
}

/// What keeps a handler from running, as runtime.js found it.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Booted {
    /// The module does not load.
    Load {
        /// `<kind> <name>`.
        handler: String,
        /// The module.
        path: String,
        /// What went wrong and where.
        message: String,
    },
    /// The module exports none of the functions.
    Function {
        /// `<kind> <name>`.
        handler: String,
        /// The module.
        path: String,
        /// The names that were tried.
        tried: Vec<String>,
        /// The names the module does export.
        exports: Vec<String>,
    },
}

deno_core::extension!(
    rohas,
    ops = [
        op_rohas_handlers,
        op_rohas_booted,
        op_rohas_next,
        op_rohas_try_next,
        op_rohas_answer,
        op_rohas_cancelled,
        op_rohas_failed,
        op_rohas_log,
    ],
    esm_entry_point = "ext:rohas/runtime.js",
    esm = [ dir "src/lang/v8", "runtime.js", "arguments.js", "convert.js" ],
    options = { link: Link },
    middleware = replace,
    state = |state, options| state.put(Rc::new(options.link)),
);

/// Takes from scripts the ops that end the process or need an engine we do not have.
fn replace(op: OpDecl) -> OpDecl {
    match op.name {
        "op_exit" | "op_process_abort" => op.with_implementation_from(&op_rohas_exit()),
        // Both would signal this very process without asking for a permission.
        "op_kill" | "op_node_process_kill" => op.with_implementation_from(&op_rohas_kill()),
        // Packages do listen for signals when they are imported: they may, but the signals are the app's.
        "op_signal_bind" => op.with_implementation_from(&op_rohas_signal_bind()),
        "op_signal_poll" => op.with_implementation_from(&op_rohas_signal_poll()),
        "op_signal_unbind" => op.with_implementation_from(&op_rohas_signal_unbind()),
        "op_create_worker" => op.with_implementation_from(&op_rohas_create_worker()),
        _ => op,
    }
}

/// Stands in for `Deno.exit`, `process.exit` and `process.abort`.
#[op2(fast)]
fn op_rohas_exit() -> Result<(), JsErrorBox> {
    Err(JsErrorBox::generic("a handler cannot end the process"))
}

/// Stands in for `Deno.kill` and `process.kill`.
#[op2(fast)]
fn op_rohas_kill() -> Result<(), JsErrorBox> {
    Err(JsErrorBox::generic("a handler cannot send signals"))
}

/// Stands in for the start of listening for a signal: none ever comes.
#[op2(fast)]
#[smi]
fn op_rohas_signal_bind() -> u32 {
    0
}

/// Stands in for the wait for a signal.
#[op2]
async fn op_rohas_signal_poll() -> bool {
    std::future::pending().await
}

/// Stands in for the end of listening for a signal.
#[op2(fast)]
fn op_rohas_signal_unbind() {}

/// Stands in for `new Worker`.
#[op2(fast)]
fn op_rohas_create_worker() -> Result<(), JsErrorBox> {
    Err(JsErrorBox::generic("handlers cannot start workers"))
}

/// A handler and what to import for it.
#[derive(Serialize)]
struct Importable<'a> {
    #[serde(flatten)]
    handler: &'a wire::Handler,
    url: String,
}

/// Returns the handlers as JSON.
#[op2]
#[string]
fn op_rohas_handlers(state: &mut OpState) -> Result<String, JsErrorBox> {
    let handlers = state.borrow::<Rc<Link>>().handlers.iter();
    let importable: Vec<Importable> = handlers
        .map(|handler| Importable {
            handler,
            url: Url::from_file_path(&handler.path).map_or_else(|()| handler.path.clone(), Url::into),
        })
        .collect();
    serde_json::to_string(&importable).map_err(|error| JsErrorBox::generic(error.to_string()))
}

/// Takes the problems of all handlers as JSON, an empty list when the isolate is ready.
#[op2(fast)]
fn op_rohas_booted(state: &mut OpState, #[string] problems: &str) -> Result<(), JsErrorBox> {
    let problems: Vec<Booted> =
        serde_json::from_str(problems).map_err(|error| JsErrorBox::generic(error.to_string()))?;
    if let Some(booted_tx) = state.borrow::<Rc<Link>>().booted_tx.take() {
        let ready = if problems.is_empty() { Ok(()) } else { Err(problems) };
        let _ = booted_tx.send(ready);
    }
    Ok(())
}

/// Waits for the next command; null when there will be none.
#[op2]
#[string]
async fn op_rohas_next(state: Rc<RefCell<OpState>>) -> Option<String> {
    let link = Rc::clone(state.borrow().borrow::<Rc<Link>>());
    loop {
        let command = std::future::poll_fn(|cx| link.commands_rx.borrow_mut().poll_recv(cx)).await?;
        if let Some(text) = link.told(command) {
            return Some(text);
        }
    }
}

/// Returns the next command if there is one already.
#[op2]
#[string]
fn op_rohas_try_next(state: &mut OpState) -> Option<String> {
    let link = state.borrow::<Rc<Link>>();
    loop {
        let command = link.commands_rx.borrow_mut().try_recv().ok()?;
        if let Some(text) = link.told(command) {
            return Some(text);
        }
    }
}

/// Takes the answer of a call: the text of a `wire::Answer`.
#[op2(fast)]
fn op_rohas_answer(state: &mut OpState, #[number] call: u64, #[string] answer: String) {
    state.borrow::<Rc<Link>>().calls.answer(call, answer);
}

/// Notes that a cancelled call has been let go of.
#[op2(fast)]
fn op_rohas_cancelled(state: &mut OpState, #[number] call: u64) {
    state.borrow::<Rc<Link>>().calls.acknowledge(call);
}

/// Gives the isolate up: its script cannot go on.
#[op2(fast)]
fn op_rohas_failed(state: &mut OpState, #[string] reason: &str) {
    state.borrow::<Rc<Link>>().calls.condemn(reason);
}

/// Emits a line: the text of a `wire::LogLine`.
#[op2(fast)]
fn op_rohas_log(#[string] line: &str) {
    match serde_json::from_str::<wire::LogLine>(line) {
        Ok(line) => line.emit(),
        Err(error) => tracing::warn!(target: "handler", %error, "a log line cannot be read"),
    }
}
