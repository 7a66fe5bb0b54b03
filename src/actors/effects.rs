//! What a successful handler publishes: its declared triggers once each, then its `trigger_event`s in order.
//!
//! Called by api, subscriber, cron and session after the result was checked. Every payload is checked before
//! anything is published, so a payload that does not fit publishes nothing.

use std::time::Instant;

use uuid::Uuid;

use crate::actors::Context;
use crate::bus::Envelope;
use crate::invocation::{Effects, Failure, Json, Trace};
use crate::schema::Violation;

/// Whose publications these are.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// `api CreateUser`, for the envelope's source.
    pub source: &'a str,
    /// The entity's declared triggers.
    pub triggers: &'a [String],
    /// The invocation or event that caused them.
    pub cause: Uuid,
    /// The chain they continue.
    pub trace: &'a Trace,
}

/// Checks `payload` against the event's declared type.
///
/// # Errors
/// [`Failure::NotFound`] for an unknown event, [`Failure::BadResult`] with every violation.
pub fn check_payload(context: &Context, event: &str, payload: &mut Json) -> Result<(), Failure> {
    let spec = context
        .schema
        .events
        .get(event)
        .ok_or_else(|| Failure::NotFound(format!("event {event}")))?;
    let Some(ty) = &spec.payload else { return Ok(()) };
    let violations: Vec<Violation> = context.schema.check(ty, payload, &format!("/{event}"));
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Failure::BadResult(violations))
    }
}

/// Publishes what a handler returned and asked for.
///
/// # Errors
/// A payload that does not fit (nothing was published), or a subscriber without room until the wait is over
/// (what came before it in the order was published).
pub async fn publish(
    context: &Context,
    origin: Origin<'_>,
    value: &Json,
    effects: Effects,
) -> Result<(), Failure> {
    let mut envelopes = Vec::with_capacity(origin.triggers.len() + effects.triggers.len());
    for event in origin.triggers {
        let set = effects.payloads.iter().rev().find(|(name, _)| name == event);
        let payload = set.map_or(value, |(_, payload)| payload).clone();
        envelopes.push(envelope(context, &origin, event, payload)?);
    }
    if let Some((event, _)) = effects
        .payloads
        .iter()
        .find(|(name, _)| !origin.triggers.contains(name))
    {
        let message = format!(
            "set_payload(\"{event}\", …): {event} is not among the triggers of {}",
            origin.source
        );
        return Err(Failure::internal(message));
    }
    for (event, payload) in effects.triggers {
        envelopes.push(envelope(context, &origin, &event, payload)?);
    }
    for envelope in envelopes {
        let deadline = Instant::now() + context.publish_wait;
        let (event, id) = (envelope.event.clone(), envelope.id);
        let published = context.bus.publish(envelope, deadline).await;
        published.map_err(|error| Failure::Overloaded {
            entity: error.to_string(),
        })?;
        tracing::debug!(%event, %id, source = origin.source, "event published");
    }
    Ok(())
}

fn envelope(
    context: &Context,
    origin: &Origin<'_>,
    event: &str,
    mut payload: Json,
) -> Result<Envelope, Failure> {
    check_payload(context, event, &mut payload)?;
    let source = format!("/{}/{}", context.app, origin.source.replace(' ', "/"));
    let key = context
        .schema
        .events
        .get(event)
        .and_then(|spec| spec.key.as_deref());
    let key = key.and_then(|key| payload.get(key)).map(|key| match key {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    });
    let mut envelope = Envelope::new(event, &source, payload, origin.trace.caused_by(origin.cause));
    envelope.key = key;
    Ok(envelope)
}
