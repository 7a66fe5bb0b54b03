//! Typed references to events: [`EventRef`] publishes, [`EventStream`] receives.
//!
//! Made by [`App::event`]. They only convert: checks and delivery are those of the app's handle and of the bus.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::app::subscription::Subscription;
use crate::bus::Envelope;
use crate::invocation::Failure;
use crate::lang::native::{Event, to_json};

/// A reference to an event with the payload `P`. Clones are cheap.
pub struct EventRef<P> {
    app: App,
    event: Arc<str>,
    types: PhantomData<fn(&P) -> P>,
}

impl<P> Clone for EventRef<P> {
    fn clone(&self) -> Self {
        EventRef { app: self.app.clone(), event: Arc::clone(&self.event), types: PhantomData }
    }
}

impl<P> EventRef<P> {
    pub(in crate::app) fn new(app: App, event: &str) -> Self {
        EventRef { app, event: event.into(), types: PhantomData }
    }

    /// Publishes the event now; returns once every subscriber has it in its mailbox.
    ///
    /// # Errors
    /// A payload that does not fit the schema, a subscriber without room.
    pub async fn publish(&self, payload: &P) -> Result<(), Failure>
    where
        P: Serialize,
    {
        self.app.publish(&self.event, to_json(payload, "the payload")?).await
    }

    /// Subscribes: every message published from now on, in order.
    ///
    /// # Errors
    /// [`Failure::ShuttingDown`] when the app is gone.
    pub fn subscribe(&self) -> Result<EventStream<P>, Failure>
    where
        P: DeserializeOwned,
    {
        Ok(EventStream { subscription: self.app.subscribe(&self.event)?, types: PhantomData })
    }
}

/// Every message of one event since the subscription; dropping it ends the subscription. A receiver that is slow makes
/// publishers wait. It is a `futures` stream as well.
pub struct EventStream<P> {
    subscription: Subscription,
    types: PhantomData<fn() -> P>,
}

impl<P: DeserializeOwned> EventStream<P> {
    /// Waits for the next event; `None` when the app is gone. Cancel-safe.
    ///
    /// # Errors
    /// [`Failure::Raised`] for a payload that is not a `P`; the stream goes on after it.
    pub async fn next(&mut self) -> Option<Result<Event<P>, Failure>> {
        self.subscription.next().await.map(typed)
    }
}

impl<P: DeserializeOwned> Stream for EventStream<P> {
    type Item = Result<Event<P>, Failure>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.subscription).poll_next(context).map(|envelope| envelope.map(typed))
    }
}

fn typed<P: DeserializeOwned>(envelope: Envelope) -> Result<Event<P>, Failure> {
    let payload = P::deserialize(&*envelope.payload).map_err(|error| {
        let (event, id) = (&envelope.event, envelope.id);
        Failure::internal(format!("the payload of event {event} {id} does not fit the Rust type: {error}"))
    })?;
    Ok(Event {
        id: envelope.id,
        name: envelope.event.to_string(),
        time: envelope.time,
        payload,
        attempt: envelope.attempt,
        correlation_id: envelope.trace.correlation_id,
        causation_id: envelope.trace.causation_id,
    })
}
