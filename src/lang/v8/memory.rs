//! What happens when a script fills its heap: the isolate is condemned, the process goes on.
//!
//! Called by `isolate` once per isolate. V8 itself would abort the process in both cases handled here.

use std::cell::RefCell;
use std::sync::Arc;

use deno_core::{JsRuntime, v8};

use super::calls::Calls;

/// How far the heap may grow beyond its limit while the terminated script unwinds. The largest single allocation of
/// V8 (a string of 512 MiB, the backing of an array) has to fit, or there is no unwinding.
const HEADROOM_BYTES: usize = 1024 * 1024 * 1024;

/// Why the isolate is condemned.
const REASON: &str = "out of memory";

thread_local! {
    /// The calls of this thread's isolate, for the handler V8 passes no data to.
    static CALLS: RefCell<Option<Arc<Calls>>> = const { RefCell::new(None) };
}

/// Condemns the isolate of `calls` when its heap is full.
pub(super) fn guard(runtime: &mut JsRuntime, calls: &Arc<Calls>) {
    CALLS.set(Some(Arc::clone(calls)));
    runtime.v8_isolate().set_oom_error_handler(exhausted);
    let calls = Arc::clone(calls);
    runtime.add_near_heap_limit_callback(move |current, _initial| {
        calls.condemn(REASON);
        current.saturating_add(HEADROOM_BYTES)
    });
}

/// The last resort, when one allocation did not even fit into the headroom: V8 cannot unwind and aborts the process
/// when this returns. So it never does: the thread and its heap are lost, the process lives.
///
/// `extern "C"` because V8 calls it; it touches nothing of V8 and does not unwind.
extern "C" fn exhausted(_location: *const std::ffi::c_char, _details: &v8::OomDetails) {
    CALLS.with_borrow(|calls| {
        if let Some(calls) = calls {
            calls.condemn(REASON);
            tracing::error!(
                "an isolate ran out of memory and could not be freed; its thread and heap are lost"
            );
            calls.gone.cancel();
        }
    });
    loop {
        std::thread::park();
    }
}
