//! A subscription of the embedding program: events as a stream, bounded, with backpressure to the publisher.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::Stream;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::bus::{Bus, Envelope, Place, Subscriber};

/// How many events wait for a slow receiver before publishers wait for it.
const CAPACITY: usize = 1024;

/// Every message of one event since the subscription; dropping it ends the subscription.
pub struct Subscription {
    envelopes: mpsc::Receiver<Envelope>,
}

impl Subscription {
    /// Waits for the next event; `None` when the app is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<Envelope> {
        self.envelopes.recv().await
    }
}

impl Stream for Subscription {
    type Item = Envelope;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Envelope>> {
        self.envelopes.poll_recv(context)
    }
}

/// The bus's end of a subscription.
struct Sink {
    event: String,
    envelopes_tx: mpsc::Sender<Envelope>,
}

impl Subscriber for Sink {
    fn name(&self) -> String {
        format!("subscription to {}", self.event)
    }

    fn reserve(&self, _: usize, deadline: Instant) -> BoxFuture<'_, Option<Place>> {
        Box::pin(async move {
            let reserve = self.envelopes_tx.clone().reserve_owned();
            let permit = tokio::time::timeout_at(deadline.into(), reserve).await.ok()?.ok()?;
            Some(Box::new(move |envelope| drop(permit.send(envelope))) as Place)
        })
    }

    fn is_gone(&self) -> bool {
        self.envelopes_tx.is_closed()
    }
}

/// Subscribes to `event` on `bus`.
pub fn subscribe(bus: &dyn Bus, event: &str) -> Subscription {
    let (envelopes_tx, envelopes) = mpsc::channel(CAPACITY);
    bus.subscribe(event, Box::new(Sink { event: event.to_owned(), envelopes_tx }));
    Subscription { envelopes }
}
