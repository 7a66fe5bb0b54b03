//! The bus of one process: a routing table. It has no connection to keep, so it needs no actor and no task.
//!
//! ```text
//!  publish ──reserve a place at every subscriber──▶ all there? fill them │ one full? give all back, Error::Full
//!     └──several of one event: one publisher of such a batch after the other
//! ```
//!
//! Backpressure goes straight from a subscriber's mailbox to the publisher that fills it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use parking_lot::RwLock;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::bus::{Bus, Envelope, Error, Place, Subscriber};

/// Where one event goes.
#[derive(Clone, Default)]
struct Route {
    subscribers: Vec<Arc<dyn Subscriber>>,
    /// Held by who takes several places at each subscriber, until it has them.
    turn: Arc<Mutex<()>>,
}

/// The envelopes of one event in a publication.
struct Batch {
    route: Route,
    /// The place of each among all envelopes, and its size.
    numbered: Vec<(usize, usize)>,
}

/// The in-memory bus.
#[derive(Default)]
pub struct Memory {
    routes: RwLock<HashMap<String, Route>>,
}

impl Bus for Memory {
    fn declare(&self, event: &str) {
        self.routes.write().entry(event.to_owned()).or_default();
    }

    fn subscribe(&self, event: &str, subscriber: Box<dyn Subscriber>) {
        let mut routes = self.routes.write();
        let subscribers = &mut routes.entry(event.to_owned()).or_default().subscribers;
        subscribers.retain(|subscriber| !subscriber.is_gone());
        subscribers.push(Arc::from(subscriber));
    }

    fn publish(&self, envelopes: Vec<Envelope>, deadline: Instant) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let mut batches: BTreeMap<&str, Batch> = BTreeMap::new();
            for (number, envelope) in envelopes.iter().enumerate() {
                let (event, numbered) = (&*envelope.event, (number, envelope.size()));
                if let Some(batch) = batches.get_mut(event) {
                    batch.numbered.push(numbered);
                } else {
                    let route = self.routes.read().get(event).cloned();
                    let route = route.ok_or_else(|| Error::Unrouted(event.to_owned()))?;
                    batches.insert(event, Batch { route, numbered: vec![numbered] });
                }
            }
            // Places are taken by event name, then in the order of the table, whatever order they are published in:
            // so two publishers never wait for each other.
            let mut places: Vec<Vec<Place>> = envelopes.iter().map(|_| Vec::new()).collect();
            for (event, Batch { route, numbered }) in batches {
                let several = numbered.len() > 1;
                let _turn = if several { Some(turn(event, &route, deadline).await?) } else { None };
                for subscriber in &route.subscribers {
                    for (number, size) in &numbered {
                        places[*number].extend(reserve(event, *size, &**subscriber, deadline).await?);
                    }
                }
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

/// Waits until no other publisher is about to take several places for the same event.
async fn turn(event: &str, route: &Route, deadline: Instant) -> Result<OwnedMutexGuard<()>, Error> {
    let turn = tokio::time::timeout_at(deadline.into(), Arc::clone(&route.turn).lock_owned()).await;
    turn.map_err(|_| Error::Full {
        event: event.to_owned(),
        subscriber: route.subscribers.first().map_or_else(String::new, |subscriber| subscriber.name()),
    })
}

/// Takes a place for `size` bytes at one subscriber, unless it is gone.
async fn reserve(
    event: &str,
    size: usize,
    subscriber: &dyn Subscriber,
    deadline: Instant,
) -> Result<Option<Place>, Error> {
    if subscriber.is_gone() {
        return Ok(None);
    }
    match subscriber.reserve(size, deadline).await {
        Some(place) => Ok(Some(place)),
        None if subscriber.is_gone() => Ok(None),
        None => Err(Error::Full { event: event.to_owned(), subscriber: subscriber.name() }),
    }
}
