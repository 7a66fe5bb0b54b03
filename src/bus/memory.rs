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

use crate::bus::{Bus, Envelope, Error, Subscriber};

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

    fn publish(&self, envelope: Envelope, deadline: Instant) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let subscribers = self.routes.read().get(&*envelope.event).cloned();
            let subscribers = subscribers.ok_or_else(|| Error::Unrouted(envelope.event.to_string()))?;
            let mut places = Vec::with_capacity(subscribers.len());
            // Always in the order of the table, so that two publishers never wait for each other.
            for subscriber in subscribers.iter().filter(|subscriber| !subscriber.is_gone()) {
                match subscriber.reserve(deadline).await {
                    Some(place) => places.push(place),
                    None if subscriber.is_gone() => {}
                    None => {
                        let (event, subscriber) = (envelope.event.to_string(), subscriber.name());
                        return Err(Error::Full { event, subscriber });
                    }
                }
            }
            places.into_iter().for_each(|fill| fill(envelope.clone()));
            Ok(())
        })
    }
}
