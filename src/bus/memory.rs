//! The bus of one process: a routing table. It has no connection to keep, so it needs no actor and no task.
//!
//! ```text
//!  publish ──reserve a place at every subscriber──▶ all there? fill them │ one full? give all back, Error::Full
//! ```
//!
//! Backpressure goes straight from a subscriber's mailbox to the publisher that fills it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use parking_lot::RwLock;

use crate::bus::{Bus, Envelope, Error, Place, Subscriber};

type Subscribers = Vec<Arc<dyn Subscriber>>;

/// The in-memory bus.
#[derive(Default)]
pub struct Memory {
    routes: RwLock<HashMap<String, Subscribers>>,
}

impl Bus for Memory {
    fn declare(&self, event: &str) {
        self.routes.write().entry(event.to_owned()).or_default();
    }

    fn subscribe(&self, event: &str, subscriber: Box<dyn Subscriber>) {
        let mut routes = self.routes.write();
        let subscribers = routes.entry(event.to_owned()).or_default();
        subscribers.retain(|subscriber| !subscriber.is_gone());
        subscribers.push(Arc::from(subscriber));
    }

    fn publish(&self, envelopes: Vec<Envelope>, deadline: Instant) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let mut routes: Vec<(usize, Subscribers)> = Vec::with_capacity(envelopes.len());
            for (number, envelope) in envelopes.iter().enumerate() {
                let subscribers = self.routes.read().get(&*envelope.event).cloned();
                routes
                    .push((number, subscribers.ok_or_else(|| Error::Unrouted(envelope.event.to_string()))?));
            }
            // Places are taken by event name, then in the order of the table, whatever order they are published in:
            // so two publishers never wait for each other.
            routes.sort_by(|(left, _), (right, _)| envelopes[*left].event.cmp(&envelopes[*right].event));
            let mut places: Vec<Vec<Place>> = envelopes.iter().map(|_| Vec::new()).collect();
            for (number, subscribers) in routes {
                places[number] = reserve(&envelopes[number], &subscribers, deadline).await?;
            }
            for (envelope, places) in envelopes.into_iter().zip(places) {
                places.into_iter().for_each(|fill| fill(envelope.clone()));
            }
            Ok(())
        })
    }

    fn close(&self) {
        self.routes.write().clear();
    }
}

/// Takes a place at every subscriber of one envelope.
async fn reserve(
    envelope: &Envelope,
    subscribers: &[Arc<dyn Subscriber>],
    deadline: Instant,
) -> Result<Vec<Place>, Error> {
    let mut places = Vec::with_capacity(subscribers.len());
    let size = envelope.size();
    for subscriber in subscribers.iter().filter(|subscriber| !subscriber.is_gone()) {
        match subscriber.reserve(size, deadline).await {
            Some(place) => places.push(place),
            None if subscriber.is_gone() => {}
            None => {
                let (event, subscriber) = (envelope.event.to_string(), subscriber.name());
                return Err(Error::Full { event, subscriber });
            }
        }
    }
    Ok(places)
}
