//! The calls in flight on one isolate, and the decision that the isolate is lost.
//!
//! Shared by the worker's callers, the isolate's thread and the watches. Cancel: the future of a call is dropped →
//! the isolate is told → it acknowledges within [`ACKNOWLEDGE_WITHIN`], or it is stuck in synchronous code and
//! condemned. Condemned means: every call in flight ends with `Failure::Crashed`, the script is terminated until the
//! thread has left. Nothing here touches JavaScript values.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use deno_core::v8;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio_util::sync::CancellationToken;

use super::platform;

/// How long an isolate may take to let go of a cancelled call before it counts as stuck.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_millis(100);

/// How often the script of a condemned isolate is terminated until its thread has left: one termination ends one
/// synchronous slice, and the next timer may start another.
const TERMINATE_EVERY: Duration = Duration::from_millis(20);

/// How a call ended: the text of a `wire::Answer`, or why the isolate is lost.
pub(super) type Ended = Result<String, String>;

/// The calls of one isolate.
#[derive(Default)]
pub(super) struct Calls {
    state: Mutex<State>,
    isolate: OnceLock<v8::IsolateHandle>,
    /// Cancelled when the isolate's thread must leave its loop.
    pub(super) condemned: CancellationToken,
    /// Cancelled when the isolate's thread has freed everything, or never will.
    pub(super) gone: CancellationToken,
}

#[derive(Default)]
struct State {
    last: u64,
    /// The newest call that the script has been given; they are given in the order of their numbers, nearly.
    begun: u64,
    waiting: HashMap<u64, oneshot::Sender<Ended>>,
    /// Abandoned calls that the isolate still holds, each with its place.
    cancelling: HashMap<u64, OwnedSemaphorePermit>,
    reason: Option<String>,
}

impl Calls {
    /// Enters a new call.
    ///
    /// # Errors
    /// Why the isolate is condemned, when it is.
    pub(super) fn enter(&self) -> Result<(u64, oneshot::Receiver<Ended>), String> {
        let mut state = self.state.lock();
        if let Some(reason) = &state.reason {
            return Err(reason.clone());
        }
        state.last += 1;
        let call = state.last;
        let (answer_tx, answer_rx) = oneshot::channel();
        state.waiting.insert(call, answer_tx);
        Ok((call, answer_rx))
    }

    /// Ends `call` with its answer; an answer to a cancelled call is dropped.
    pub(super) fn answer(&self, call: u64, answer: String) {
        let waiting = self.state.lock().waiting.remove(&call);
        if let Some(answer_tx) = waiting {
            // The caller may have gone this moment; then nobody wants the answer.
            let _ = answer_tx.send(Ok(answer));
        }
    }

    /// Gives `call` to the script; false when it has been abandoned before and is not to begin.
    pub(super) fn begin(&self, call: u64) -> bool {
        let mut state = self.state.lock();
        state.begun = state.begun.max(call);
        !state.cancelling.contains_key(&call)
    }

    /// Marks `call` as abandoned; false if the call had already ended. The acknowledgement frees `place`. It is
    /// watched for only if the call has begun: one that never got its turn does not keep the isolate busy, and what
    /// does may be another call's honest work within its own time limit.
    pub(super) fn cancel(self: &Arc<Self>, call: u64, place: OwnedSemaphorePermit) -> bool {
        let mut state = self.state.lock();
        if state.waiting.remove(&call).is_none() {
            return false;
        }
        state.cancelling.insert(call, place);
        let begun = call <= state.begun;
        drop(state);
        if !begun {
            return true;
        }
        let calls = Arc::clone(self);
        platform::spawn_watch(async move {
            tokio::select! {
                () = tokio::time::sleep(ACKNOWLEDGE_WITHIN) => {}
                () = calls.condemned.cancelled() => return,
            }
            let stuck = calls.state.lock().cancelling.contains_key(&call);
            if stuck {
                calls.condemn("a cancelled call kept the isolate busy");
            }
        });
        true
    }

    /// Notes that the isolate has let go of `call`.
    pub(super) fn acknowledge(&self, call: u64) {
        self.state.lock().cancelling.remove(&call);
    }

    /// Tells whether the isolate is neither condemned nor suspected to be stuck.
    pub(super) fn accepting(&self) -> bool {
        let state = self.state.lock();
        state.reason.is_none() && state.cancelling.is_empty()
    }

    /// Returns why the isolate was condemned.
    pub(super) fn reason(&self) -> Option<String> {
        self.state.lock().reason.clone()
    }

    /// Ties the calls to the isolate that runs them; from now on it can be terminated.
    pub(super) fn attach(&self, isolate: v8::IsolateHandle) {
        if self.condemned.is_cancelled() {
            isolate.terminate_execution();
        }
        let _ = self.isolate.set(isolate);
    }

    /// Gives the isolate up; the first reason stands.
    pub(super) fn condemn(self: &Arc<Self>, reason: &str) {
        let waiting = {
            let mut state = self.state.lock();
            if state.reason.is_some() {
                return;
            }
            state.reason = Some(reason.to_owned());
            // Frees their places: whoever waits for one shall learn that the isolate is lost.
            state.cancelling.clear();
            std::mem::take(&mut state.waiting)
        };
        for answer_tx in waiting.into_values() {
            let _ = answer_tx.send(Err(reason.to_owned()));
        }
        self.condemned.cancel();
        let calls = Arc::clone(self);
        platform::spawn_watch(async move {
            while !calls.gone.is_cancelled() {
                calls.terminate();
                let _ = tokio::time::timeout(TERMINATE_EVERY, calls.gone.cancelled()).await;
            }
        });
        self.terminate();
    }

    /// Ends the synchronous slice the isolate is in.
    fn terminate(&self) {
        if let Some(isolate) = self.isolate.get() {
            isolate.terminate_execution();
        }
    }
}
