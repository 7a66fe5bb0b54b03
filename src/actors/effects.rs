//! What a successful handler publishes: its declared triggers once each, then its `trigger_event`s in order.
//!
//! Called by api, subscriber, cron and session after the result was checked. Every payload is checked before
//! anything is published, so a payload that does not fit publishes nothing.

use std::time::Instant;

use uuid::Uuid;

use crate::actors::Context;
use crate::bus::Envelope;
use crate::invocation::Violation;
use crate::invocation::{Effects, Failure, Json, Trace};

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
fn check_payload(context: &Context, event: &str, payload: &mut Json) -> Result<(), Failure> {
    let spec = context.schema.events.get(event).ok_or_else(|| Failure::NotFound(format!("event {event}")))?;
    let Some(ty) = &spec.payload else { return Ok(()) };
    let violations: Vec<Violation> = context.schema.check(ty, payload, &format!("/{event}"));
    if violations.is_empty() { Ok(()) } else { Err(Failure::BadResult(violations)) }
}

/// Publishes what a handler returned and asked for: everything, or on an error nothing. Waits for room until
/// `deadline`, but no longer than the app's limit.
///
/// # Errors
/// A payload that does not fit, a `set_payload` without a trigger; [`Failure::Overloaded`] when a subscriber has no
/// room, which may succeed later.
pub async fn publish(
    context: &Context,
    origin: Origin<'_>,
    value: &Json,
    effects: &Effects,
    deadline: Instant,
) -> Result<(), Failure> {
    let set = |event: &String| effects.payloads.iter().rev().find(|(name, _)| name == event);
    if let Some((event, _)) = effects.payloads.iter().find(|(name, _)| !origin.triggers.contains(name)) {
        let source = origin.source;
        let message = format!("set_payload(\"{event}\", …): {event} is not among the triggers of {source}");
        return Err(Failure::internal(message));
    }
    let declared =
        origin.triggers.iter().map(|event| (event, set(event).map_or(value, |(_, payload)| payload)));
    let asked = effects.triggers.iter().map(|(event, payload)| (event, payload));
    let envelopes =
        declared.chain(asked).map(|(event, payload)| envelope(context, &origin, event, payload.clone()));
    let envelopes = envelopes.collect::<Result<Vec<_>, _>>()?;
    if envelopes.is_empty() {
        return Ok(());
    }
    let deadline = deadline.min(Instant::now() + context.publish_wait);
    let published = context.bus.publish(envelopes, deadline).await;
    published.map_err(|error| Failure::Overloaded { entity: error.to_string() })
}

fn envelope(
    context: &Context,
    origin: &Origin<'_>,
    event: &str,
    mut payload: Json,
) -> Result<Envelope, Failure> {
    check_payload(context, event, &mut payload)?;
    let source = format!("/{}/{}", context.app, origin.source.replace(' ', "/"));
    let key = context.schema.events.get(event).and_then(|spec| spec.key.as_deref());
    let key = key.and_then(|key| payload.get(key)).map(|key| match key {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    });
    let mut envelope = Envelope::new(event, &source, payload, origin.trace.caused_by(origin.cause));
    envelope.key = key;
    Ok(envelope)
}
