//! The executor's promises to its callers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::actors::{Executors, Pool};
use crate::invocation::{Failure, HandlerId, Invocation, Kind, Trace};
use crate::lang::Language;

#[tokio::test]
async fn a_call_that_no_worker_took_is_overloaded_not_timed_out() {
    let id = HandlerId::new(Kind::Event, "slow_to_boot");
    let pools = HashMap::from([(Language::Python, Pool::new(1))]);
    let executors = Executors::new(pools, HashMap::from([(id.clone(), Language::Python)]));
    let invocation = Invocation {
        id: Uuid::now_v7(),
        handler: id,
        arguments: vec![],
        deadline: Instant::now() + Duration::from_millis(10),
        attempt: 1,
        trace: Trace::root(),
    };
    let outcome = executors.run(Arc::new(invocation)).await;
    assert!(matches!(outcome, Err(Failure::Overloaded { .. })), "its attempt is not used up: {outcome:?}");
}
