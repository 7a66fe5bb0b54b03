//! Runs the middlewares of an api or endpoint before its handler.
//!
//! Called by the api actor and by the WebSocket door before the upgrade. A middleware returns nothing to let the
//! request pass, a changed request to replace it, or a response to stop it.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use crate::actors::Context;
use crate::invocation::{Effects, Failure, HandlerId, Invocation, Json, Kind, Reply, Trace};

/// How a request came through its middlewares.
#[derive(Debug, Clone, PartialEq)]
pub enum Passage {
    /// On to the handler, with this request; what the middlewares trigger is published if the handler succeeds.
    Through(Json, Effects),
    /// Answered by a middleware.
    Stopped(Reply),
}

/// Sends `request` through the middlewares `names` in order.
///
/// # Errors
/// The failure of the first middleware that fails.
pub async fn pass(
    context: &Context,
    names: &[String],
    mut request: Json,
    deadline: Instant,
    trace: &Trace,
) -> Result<Passage, Failure> {
    let mut effects = Effects::default();
    for name in names {
        let invocation = Invocation {
            id: Uuid::now_v7(),
            handler: HandlerId::new(Kind::Middleware, name),
            arguments: vec![request.clone()],
            deadline,
            attempt: 1,
            trace: trace.clone(),
        };
        let mut reply = context.executors.run(Arc::new(invocation)).await?;
        effects.triggers.append(&mut reply.effects.triggers);
        effects.payloads.append(&mut reply.effects.payloads);
        match reply {
            Reply { response: Some(_), .. } => return Ok(Passage::Stopped(Reply { effects, ..reply })),
            Reply { value: Json::Null, .. } => {}
            Reply { value: Json::Object(changed), .. } => {
                let Json::Object(fields) = &mut request else { unreachable!("a request is an object") };
                fields.extend(changed);
            }
            Reply { value, .. } => {
                let message =
                    format!("middleware {name} returned {value}, not a request, a response or nothing");
                return Err(Failure::internal(message));
            }
        }
    }
    Ok(Passage::Through(request, effects))
}
