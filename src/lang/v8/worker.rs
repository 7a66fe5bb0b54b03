//! The caller's side of one isolate: [`IsolateWorker`] turns invocations into commands and answers into outcomes.
//!
//! Runs on the caller's tasks; never blocks and never touches the isolate other than by commands and termination.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::invocation::{Failure, Invocation, Json, Outcome};
use crate::lang::{Worker, wire};

use super::Setup;
use super::calls::{Calls, Ended};
use super::integers;

/// One isolate as its callers see it. Dropping it stops the isolate.
pub(super) struct IsolateWorker {
    link: Arc<Link>,
    /// One permit per call that the isolate holds: until its answer, or until it acknowledges the cancel.
    places: Arc<Semaphore>,
}

struct Link {
    setup: Arc<Setup>,
    calls: Arc<Calls>,
    commands_tx: mpsc::Sender<Command>,
}

/// What the script is told, as JSON.
pub(super) enum Command {
    /// Begin the call of this number.
    Call(u64, String),
    /// Let go of a call.
    Cancel(String),
}

impl IsolateWorker {
    /// Makes the handle of the isolate behind `calls` and `commands_tx`, for `places` calls at once.
    pub(super) fn new(
        setup: Arc<Setup>,
        calls: Arc<Calls>,
        commands_tx: mpsc::Sender<Command>,
        places: usize,
    ) -> Self {
        IsolateWorker {
            link: Arc::new(Link { setup, calls, commands_tx }),
            places: Arc::new(Semaphore::new(places)),
        }
    }

    #[cfg(test)]
    pub(super) fn calls(&self) -> &Arc<Calls> {
        &self.link.calls
    }
}

impl Worker for IsolateWorker {
    fn invoke(&self, invocation: Arc<Invocation>) -> BoxFuture<'static, Outcome> {
        let link = Arc::clone(&self.link);
        let places = Arc::clone(&self.places);
        async move {
            let integers = integers::find(&link.setup.schema, &invocation);
            if !integers.violations.is_empty() {
                return Err(Failure::BadRequest(integers.violations));
            }
            let place = places.acquire_owned().await.expect("the semaphore of a worker is never closed");
            match link.call(&invocation, integers.bigints, place).await {
                Ok(text) => read(&text).into(),
                Err(reason) => Err(Failure::Crashed(reason)),
            }
        }
        .boxed()
    }

    fn accepting(&self) -> bool {
        self.link.calls.accepting()
    }

    fn exited(&self) -> BoxFuture<'static, String> {
        let calls = Arc::clone(&self.link.calls);
        async move {
            calls.condemned.cancelled().await;
            calls.reason().unwrap_or_default()
        }
        .boxed()
    }

    fn stop(&self) {
        self.link.calls.condemn("stopped");
    }
}

impl Drop for IsolateWorker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Link {
    /// Sends the call and waits for its end.
    async fn call(&self, invocation: &Invocation, bigints: Vec<Json>, place: OwnedSemaphorePermit) -> Ended {
        let (call, answer_rx) = self.calls.enter()?;
        let _cancel = CancelOnDrop { link: self, call, place: Some(place) };
        let command = serde_json::json!({
            "call": wire::Call::new(call, invocation),
            "arguments": invocation.arguments,
            "bigints": bigints,
        });
        if self.commands_tx.send(Command::Call(call, command.to_string())).await.is_err() {
            return Err(self.lost());
        }
        answer_rx.await.unwrap_or_else(|_| Err(self.lost()))
    }

    /// Returns why the isolate is lost.
    fn lost(&self) -> String {
        let reason = self.calls.reason();
        reason.unwrap_or_else(|| "the isolate has gone".into())
    }
}

/// Cancels its call when dropped before the call ended.
struct CancelOnDrop<'a> {
    link: &'a Link,
    call: u64,
    place: Option<OwnedSemaphorePermit>,
}

impl Drop for CancelOnDrop<'_> {
    fn drop(&mut self) {
        let place = self.place.take().expect("dropped once");
        if !self.link.calls.cancel(self.call, place) {
            return;
        }
        let command = format!(r#"{{"cancel":{}}}"#, self.call);
        if self.link.commands_tx.try_send(Command::Cancel(command)).is_err() {
            // The queue holds a call and a cancel for every place, so it cannot be full: the isolate has gone.
            self.link.calls.condemn("the isolate has gone");
        }
    }
}

/// Reads what the isolate answered.
fn read(text: &str) -> wire::Answer {
    serde_json::from_str(text).unwrap_or_else(|error| wire::Answer::Error {
        error: wire::Raised {
            name: "TypeError".into(),
            message: format!("the result of the handler cannot be represented in JSON: {error}"),
            stack: String::new(),
            body: Json::Null,
        },
    })
}
