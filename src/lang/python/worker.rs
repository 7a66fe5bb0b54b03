//! One interpreter as a [`Worker`]: multiplexes calls over the socket, condemns a child that does not let go.
//!
//! Made by `boot` when the handlers are loaded. Three tasks live as long as the process; the warden owns the other two and
//! is the only one that kills.
//!
//! ```text
//! invoke ─queue─▶ writer ──▶ socket        reader ◀── socket
//!   │ dropped: cancels.notify ──▲             │ answer, ended ──▶ Calls ──▶ outcome
//!   └─ lets_go.notify ──▶ warden ◀── its end ─┘     warden ◀── exit of the process, stop()
//! ```
//! It never restarts anything: the executor hears of the end through `exited`.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::invocation::Violation;
use crate::invocation::{Failure, HandlerId, Invocation, Outcome};
use crate::lang::Worker;
use crate::lang::python::Setup;
use crate::lang::python::calls::Calls;
use crate::lang::python::frames::{self, FromChild, ToChild};
use crate::lang::python::process::Process;
use crate::lang::wire::Call;

/// How long a child may hold on to a cancelled call before it counts as stuck and is killed.
pub(super) const CANCEL_GRACE: Duration = Duration::from_millis(250);

/// How long the end of the process may lag behind the end of its socket, and what is left in pipes behind both.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(250);

/// An interpreter that has loaded the handlers.
#[derive(Debug)]
pub(super) struct PythonWorker {
    shared: Arc<Shared>,
    handlers: HashSet<HandlerId>,
    exited_rx: watch::Receiver<Option<String>>,
    /// Stops the interpreter when the worker is dropped without `stop`.
    _stop_on_drop: DropGuard,
}

/// What calls and tasks have in common.
#[derive(Debug)]
struct Shared {
    calls: Mutex<Calls>,
    /// Calls on their way to the writer. As many places as calls may run: a call waits here only while the child
    /// is behind in reading.
    queue_tx: mpsc::Sender<Queued>,
    /// One permit for each call that may run at once.
    slots: Semaphore,
    /// Wakes the writer: there are cancels to write.
    cancels: Notify,
    /// Wakes the warden: a child has to let go of a call.
    lets_go: Notify,
    stop: CancellationToken,
}

/// An encoded call.
#[derive(Debug)]
struct Queued {
    call: u64,
    frame: Vec<u8>,
}

/// Why the reader ended.
#[derive(Debug)]
enum Ended {
    /// The other side is gone.
    Closed,
    /// The child does not keep to the protocol.
    Malformed(String),
}

// --- the worker ------------------------------------------------------------------------------------------------------

impl PythonWorker {
    /// Starts the tasks around a child that is ready.
    pub(super) fn new(
        process: Process,
        (reader, writer): (BufReader<OwnedReadHalf>, OwnedWriteHalf),
        mut background: JoinSet<()>,
        setup: &Setup,
    ) -> Self {
        let concurrency = setup.config.max_concurrency.get().min(Semaphore::MAX_PERMITS);
        let (queue_tx, queue_rx) = mpsc::channel(concurrency);
        let (exited_tx, exited_rx) = watch::channel(None);
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            calls: Mutex::default(),
            queue_tx,
            slots: Semaphore::new(concurrency),
            cancels: Notify::new(),
            lets_go: Notify::new(),
            stop: stop.clone(),
        });
        let mut reading = JoinSet::new();
        reading.spawn(read(reader, shared.clone()));
        background.spawn(write(writer, queue_rx, shared.clone()));
        tokio::spawn(watch(process, reading, background, shared.clone(), exited_tx));
        PythonWorker {
            shared,
            handlers: setup.handlers.iter().map(|handler| handler.id.clone()).collect(),
            exited_rx,
            _stop_on_drop: stop.drop_guard(),
        }
    }
}

impl Worker for PythonWorker {
    fn invoke(&self, invocation: Arc<Invocation>) -> BoxFuture<'static, Outcome> {
        if !self.handlers.contains(&invocation.handler) {
            let missing = Failure::NotFound(format!("Python handler for {}", invocation.handler));
            return std::future::ready(Err(missing)).boxed();
        }
        invoke(self.shared.clone(), invocation).boxed()
    }

    fn accepting(&self) -> bool {
        !self.shared.stop.is_cancelled() && self.shared.calls.lock().accepting()
    }

    fn exited(&self) -> BoxFuture<'static, String> {
        let mut exited_rx = self.exited_rx.clone();
        async move {
            match exited_rx.wait_for(Option::is_some).await {
                Ok(reason) => reason.clone().unwrap_or_default(),
                Err(_) => "the runtime it ran in is gone".to_owned(),
            }
        }
        .boxed()
    }

    fn stop(&self) {
        self.shared.stop.cancel();
    }
}

/// Sends one call and waits for its outcome.
async fn invoke(shared: Arc<Shared>, invocation: Arc<Invocation>) -> Outcome {
    let _slot = shared.slots.acquire().await.expect("the semaphore is never closed");
    let (call, outcome_rx) = shared.calls.lock().open().map_err(Failure::Crashed)?;
    let _abandon = Abandon { shared: &shared, call };
    let frame = ToChild::Call { head: &Call::new(call, &invocation), arguments: &invocation.arguments };
    let frame = frame.encode().map_err(|error| does_not_fit(&error))?;
    // without a writer the interpreter is about to end, and the outcome tells why
    let _ = shared.queue_tx.send(Queued { call, frame }).await;
    match outcome_rx.await {
        Ok(outcome) => outcome,
        Err(_) => Err(Failure::Crashed("the interpreter is gone".to_owned())),
    }
}

/// The caller sent more than one call may carry.
fn does_not_fit(error: &frames::Error) -> Failure {
    Failure::BadRequest(vec![Violation {
        path: String::new(),
        code: "size",
        message: frames::describe(error),
    }])
}

/// Gives the call up when the future of `invoke` ends; does nothing when it is answered.
struct Abandon<'a> {
    shared: &'a Shared,
    call: u64,
}

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        if self.shared.calls.lock().abandon(self.call, Instant::now()) {
            self.shared.cancels.notify_one();
            self.shared.lets_go.notify_one();
        }
    }
}

/// The writer: sends calls in order, and cancels of calls that were sent.
async fn write(mut writer: OwnedWriteHalf, mut queue_rx: mpsc::Receiver<Queued>, shared: Arc<Shared>) {
    loop {
        let bytes = tokio::select! {
            queued = queue_rx.recv() => match queued {
                Some(Queued { call, frame }) if shared.calls.lock().start(call) => frame,
                Some(_) => continue,
                None => return,
            },
            () = shared.cancels.notified() => cancel_frames(&shared),
        };
        if writer.write_all(&bytes).await.is_err() {
            return; // the reader sees the end of the stream, too
        }
    }
}

/// Encodes the cancels that are due.
fn cancel_frames(shared: &Shared) -> Vec<u8> {
    let calls = shared.calls.lock().cancels();
    let frames = calls
        .into_iter()
        .map(|call| ToChild::Cancel { call }.encode().expect("a number is encoded and fits"));
    frames.flatten().collect()
}

/// The reader: delivers outcomes and emits log lines until the stream ends or makes no sense.
async fn read(mut reader: BufReader<OwnedReadHalf>, shared: Arc<Shared>) -> Ended {
    loop {
        match frames::read(&mut reader).await {
            Ok(Some(frame)) => {
                if let Err(reason) = accept(&frame, &shared) {
                    return Ended::Malformed(format!("sent a malformed frame: {reason}"));
                }
            }
            Ok(None) | Err(frames::Error::Read(_) | frames::Error::Truncated) => return Ended::Closed,
            Err(error) => {
                return Ended::Malformed(format!("sent a malformed frame: {}", frames::describe(&error)));
            }
        }
    }
}

/// Carries out one frame of the child.
fn accept(frame: &[u8], shared: &Shared) -> Result<(), String> {
    let frame = FromChild::decode(frame).map_err(|error| frames::describe(&error))?;
    let (call, known) = match frame {
        FromChild::Log(line) => {
            line.emit();
            return Ok(());
        }
        FromChild::Answer { call, answer } => (call, shared.calls.lock().finish(call, (*answer).into())),
        FromChild::Ended { call } => {
            let crashed = Failure::Crashed("the interpreter ended the call unasked".to_owned());
            (call, shared.calls.lock().finish(call, Err(crashed)))
        }
        FromChild::Ready | FromChild::Refused(_) => {
            return Err("`ready` or `refused` after the boot".to_owned());
        }
    };
    if known { Ok(()) } else { Err(format!("it answers call {call}, which is not in flight")) }
}

// --- the warden ------------------------------------------------------------------------------------------------------

/// The warden: waits for the first reason to end, then ends everything, reaps the process and tells the reason.
async fn watch(
    mut process: Process,
    mut reader: JoinSet<Ended>,
    mut background: JoinSet<()>,
    shared: Arc<Shared>,
    exited_tx: watch::Sender<Option<String>>,
) {
    let reason = reason_to_end(&mut process, &mut reader, &shared).await;
    process.kill();
    // what it sent before the end still counts; the stream ends with the process
    let _ = tokio::time::timeout(LAST_WORDS, reader.join_next()).await;
    shared.calls.lock().close(&reason);
    reader.shutdown().await;
    process.wait().await;
    background.shutdown().await;
    tracing::debug!(reason, "python interpreter ended");
    exited_tx.send_replace(Some(reason));
}

/// Waits until the process must end or has ended; tells why.
async fn reason_to_end(process: &mut Process, reader: &mut JoinSet<Ended>, shared: &Shared) -> String {
    loop {
        let since = shared.calls.lock().letting_go_since();
        let overdue = since.map(|since| since + CANCEL_GRACE);
        if overdue.is_some_and(|overdue| overdue <= Instant::now()) {
            let grace = CANCEL_GRACE.as_millis();
            return format!("killed: it held on to a cancelled call for more than {grace} ms");
        }
        tokio::select! {
            ended = process.wait() => return ended,
            () = shared.stop.cancelled() => return "stopped".to_owned(),
            () = shared.lets_go.notified() => {}
            () = sleep_until(overdue) => {}
            end = reader.join_next() => return match end {
                Some(Ok(Ended::Malformed(reason))) => reason,
                _ => closed(process).await,
            },
        }
    }
}

/// The socket is closed: mostly the process has ended too.
async fn closed(process: &mut Process) -> String {
    match tokio::time::timeout(LAST_WORDS, process.wait()).await {
        Ok(ended) => ended,
        Err(_) => "killed: it closed its socket".to_owned(),
    }
}

/// Sleeps until `instant`, forever when there is none.
async fn sleep_until(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
