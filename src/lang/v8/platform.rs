//! Owns the process-wide V8 platform and the one thread every isolate thread descends from.
//!
//! V8 guards its code pages with a memory protection key: only descendants of the thread that initialised the
//! platform may run JavaScript. Spawning all isolate threads from one thread of our own makes that hold wherever
//! `boot` is called from. The same thread runs the watches on stuck isolates, so that a blocked host runtime cannot
//! keep one from being terminated. Called by `isolate` and `calls`; never runs JavaScript itself.

use std::future::Future;
use std::sync::OnceLock;

use deno_core::JsRuntime;
use tokio::runtime::{Builder, Handle};

/// The stack of an isolate thread: V8 takes 1 MiB, ops and module loading the rest.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// Returns the platform thread's runtime; the first call starts the thread and initialises V8 on it.
pub(super) fn platform() -> &'static Handle {
    static PLATFORM: OnceLock<Handle> = OnceLock::new();
    PLATFORM.get_or_init(|| {
        let (ready_tx, ready_rx) = std::sync::mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("v8-platform".into())
            .spawn(move || {
                JsRuntime::init_platform(None);
                let runtime = Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a process without file descriptors cannot start");
                ready_tx.send(runtime.handle().clone()).expect("the caller waits for the handle");
                runtime.block_on(std::future::pending::<()>());
            })
            .expect("a process without threads cannot start");
        ready_rx.recv().expect("the platform thread sends its handle first of all")
    })
}

/// Runs `watch` on the platform thread, on real time.
pub(super) fn spawn_watch(watch: impl Future<Output = ()> + Send + 'static) {
    platform().spawn(watch);
}

/// Starts a thread that may run JavaScript.
pub(super) fn spawn_thread(name: String, run: impl FnOnce() + Send + 'static) {
    spawn_watch(async move {
        let thread = std::thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(run);
        if let Err(error) = thread {
            // `run` was dropped with everything in it: its channels tell whoever waits.
            tracing::error!(%error, "cannot start an isolate thread");
        }
    });
}
