//! The actor of one event handler: takes deliveries in order (per key, if the event has one), runs the handler,
//! retries, gives up loudly.
//!
//! ```text
//!  bus ──Place──▶ mailbox ──take──▶ task: executor → publish effects → Chain::succeeded ──last one──▶ triggers
//!                                    │ failed: wait (exponential, jitter), again; after `attempts`: dead letter
//! ```
//!
//! Subscribed to the bus by the composition root. Order is kept because the delivery is held across
//! retries; a task that breaks gives it back to the mailbox.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use chrono::SecondsFormat;
use futures_util::future::BoxFuture;
use metrics::Counter;
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use serde_json::json;
use uuid::Uuid;

use crate::actors::mailbox::{Delivery, Letter, Limits, Mailbox, OnCrash, Undelivered, Wake};
use crate::actors::{Context, Origin, publish};
use crate::bus::{Envelope, Place, Subscriber};
use crate::invocation::{Effects, Failure, HandlerId, Invocation, Json, Kind};
use crate::schema;
use crate::shutdown::Phase;
use crate::supervision::{Backoff, ChildSpec, jitter};
use crate::telemetry::Calls;

/// How many keys of one event are handled at once by one handler: as many as an api handles calls by default.
const KEYS: usize = 64;

/// Follows each publication of one event through all its handlers, for the event's own triggers.
#[derive(Default)]
struct Chain {
    open: Mutex<HashMap<Uuid, Progress>>,
}

#[derive(Default)]
struct Progress {
    finished: usize,
    failed: bool,
    /// What each handler returned and set, by its place in the schema.
    results: Vec<(usize, Json, Effects)>,
}

impl Chain {
    /// Notes that the handler at `place` succeeded or, with `None`, was given up. Returns all results when it was
    /// the last of `handlers` and all succeeded.
    fn finished(
        &self,
        event: Uuid,
        handlers: usize,
        result: Option<(usize, Json, Effects)>,
    ) -> Option<Vec<(usize, Json, Effects)>> {
        let mut open = self.open.lock();
        let progress = open.entry(event).or_default();
        progress.finished += 1;
        progress.failed |= result.is_none();
        progress.results.extend(result);
        if progress.finished < handlers {
            return None;
        }
        let mut done = open.remove(&event)?;
        done.results.sort_by_key(|(place, ..)| *place);
        (!done.failed).then_some(done.results)
    }
}

struct Inner {
    event: schema::Event,
    place: usize,
    handler: HandlerId,
    source: String,
    chain: Arc<Chain>,
    context: Arc<Context>,
    mailbox: Mailbox<Envelope>,
    calls: Calls,
    dead_letters: Counter,
}

/// The handle on the actor of one handler of one event.
#[derive(Clone)]
pub struct EventSubscriber(Arc<Inner>);

impl EventSubscriber {
    /// Makes the handles of all handlers of `event`.
    pub fn all(event: &schema::Event, context: &Arc<Context>) -> Vec<EventSubscriber> {
        let chain = Arc::new(Chain::default());
        let make = |(place, name): (usize, &String)| {
            let handler = HandlerId::new(Kind::Event, name);
            EventSubscriber(Arc::new_cyclic(|inner| Inner {
                event: event.clone(),
                place,
                source: handler.to_string(),
                chain: Arc::clone(&chain),
                mailbox: mailbox(event, &handler, context.mailbox_bytes, inner.clone()),
                calls: context.telemetry.calls(&handler.to_string()),
                dead_letters: context.telemetry.dead_letters(&handler.to_string()),
                handler,
                context: Arc::clone(context),
            }))
        };
        event.handlers.iter().enumerate().map(make).collect()
    }

    /// Describes the actor as a child of the event's supervisor.
    pub fn child(&self) -> ChildSpec {
        let (subscriber, mailbox) = (self.clone(), self.0.mailbox.clone());
        let spec = ChildSpec::new(&*self.0.handler.name, move |supervisor| {
            let subscriber = subscriber.clone();
            async move { Ok(Actor::spawn_linked(None, Courier, subscriber, supervisor).await?.0.get_cell()) }
        });
        let (closed, idle) = (mailbox.clone(), mailbox.clone());
        let spec = spec.on_demand(move |demand| idle.attach(demand));
        spec.load(move || mailbox.load()).gone(move || closed.close())
    }
}

impl Subscriber for EventSubscriber {
    fn name(&self) -> String {
        self.0.source.clone()
    }

    fn reserve(&self, size: usize, deadline: Instant) -> BoxFuture<'_, Option<Place>> {
        Box::pin(async move {
            let keyed = self.0.event.key.is_some();
            let slot = self.0.mailbox.reserve(size, deadline).await?;
            Some(Box::new(move |envelope: Envelope| {
                let key = envelope.key.clone();
                let letter = Letter::new(envelope);
                // Those without a value in the field of the key keep the order among themselves.
                slot.send(if keyed { letter.key(&key) } else { letter });
            }) as Place)
        })
    }
}

impl Inner {
    /// Delivers one event until it is handled or given up. Waiting for an engine or for room uses up no attempt.
    /// If this task itself breaks, the envelope goes back into the mailbox.
    async fn deliver(&self, delivery: Delivery<Envelope>) {
        let mut envelope = (*delivery).clone();
        envelope.attempt = envelope.attempt.max(delivery.attempt());
        self.deliver_envelope(envelope).await;
        delivery.done();
    }

    async fn deliver_envelope(&self, mut envelope: Envelope) {
        loop {
            let timer = self.calls.start();
            let taken = Arc::new(AtomicBool::new(false));
            let result = self.attempt(&envelope, &taken).await;
            timer.stop(result.is_ok());
            let error = match result {
                Ok((value, effects)) => {
                    return self.finished(&envelope, Some((self.place, value, effects))).await;
                }
                Err(error) => error,
            };
            // A handler may say that it is overloaded, too, or that somebody is whom it called.
            let started = taken.load(Ordering::Acquire) || !matches!(error, Failure::Overloaded { .. });
            if started && envelope.attempt >= self.event.retry.attempts {
                self.dead_letter(&envelope, &error);
                return self.finished(&envelope, None).await;
            }
            let wait = self.backoff(envelope.attempt);
            tracing::warn!(handler = %self.handler, event = %envelope.event, id = %envelope.id,
                attempt = envelope.attempt, wait_ms = wait.as_millis(), %error, "delivery failed, retrying");
            tokio::time::sleep(wait).await;
            envelope.attempt += u32::from(started);
        }
    }

    /// The wait after attempt number `attempt`: exponential, with full jitter.
    fn backoff(&self, attempt: u32) -> Duration {
        let retry = &self.event.retry;
        Backoff { first: retry.backoff, max: retry.max }.delay(attempt, jitter())
    }

    async fn attempt(
        &self,
        envelope: &Envelope,
        taken: &Arc<AtomicBool>,
    ) -> Result<(Json, Effects), Failure> {
        let invocation = Invocation {
            id: Uuid::now_v7(),
            handler: self.handler.clone(),
            arguments: vec![argument(envelope)],
            deadline: Instant::now() + self.event.timeout.unwrap_or(self.context.timeout),
            attempt: envelope.attempt,
            trace: envelope.trace.caused_by(envelope.id),
        };
        let reply = self.context.executors.run_noting(Arc::new(invocation), taken).await?;
        // What the handler asked for goes out now; payloads of the event's triggers wait for all its handlers.
        let Effects { payloads, triggers } = reply.effects;
        if let Some((name, _)) = payloads.iter().find(|(name, _)| !self.event.triggers.contains(name)) {
            let event = &self.event.name;
            let message = format!("set_payload(\"{name}\", …): {name} is not among the triggers of {event}");
            return Err(Failure::internal(message));
        }
        let asked = Effects { triggers, payloads: Vec::new() };
        self.publish((&self.source, &[]), envelope, &Json::Null, &asked).await?;
        Ok((reply.value, Effects { payloads, triggers: Vec::new() }))
    }

    /// Publishes for the handler or, after all handlers, for the event. A subscriber without room is waited for:
    /// the handler has done its work and is not run again for that.
    async fn publish(
        &self,
        (source, triggers): (&str, &[String]),
        envelope: &Envelope,
        value: &Json,
        effects: &Effects,
    ) -> Result<(), Failure> {
        let origin = Origin { source, triggers, cause: envelope.id, trace: &envelope.trace };
        let mut tries = 0;
        loop {
            let deadline = Instant::now() + self.context.publish_wait;
            match publish(&self.context, origin, value, effects, deadline).await {
                Err(Failure::Overloaded { entity }) if tries >= self.event.retry.attempts => {
                    return Err(Failure::internal(format!("no room after {tries} tries: {entity}")));
                }
                Err(Failure::Overloaded { entity }) => {
                    tries += 1;
                    tracing::warn!(source, event = %envelope.event, id = %envelope.id, tries, reason = entity,
                        "events wait for room at a subscriber");
                    tokio::time::sleep(self.backoff(tries)).await;
                }
                other => return other,
            }
        }
    }

    /// After all handlers succeeded the event's own triggers are published: with a payload that a handler set,
    /// else what the last handler returned, else the event's own payload.
    async fn finished(&self, envelope: &Envelope, result: Option<(usize, Json, Effects)>) {
        let results = self.chain.finished(envelope.id, self.event.handlers.len(), result);
        let Some(results) = results.filter(|_| !self.event.triggers.is_empty()) else {
            return;
        };
        let mut value = (*envelope.payload).clone();
        let mut effects = Effects::default();
        for (_, returned, set) in results {
            if !returned.is_null() {
                value = returned;
            }
            effects.payloads.extend(set.payloads);
        }
        let source = format!("event {}", self.event.name);
        if let Err(error) = self.publish((&source, &self.event.triggers), envelope, &value, &effects).await {
            self.dead_letter(envelope, &error);
        }
    }

    /// Ends the event at this handler without a result.
    fn give_up(&self, envelope: &Envelope, error: &Failure) {
        self.dead_letter(envelope, error);
        self.chain.finished(envelope.id, self.event.handlers.len(), None);
    }

    /// The event made room for newer ones, as its declaration says; the mailbox counts it.
    fn dropped(&self, envelope: &Envelope) {
        tracing::debug!(handler = %self.handler, event = %envelope.event, id = %envelope.id, "event dropped for newer ones");
        self.chain.finished(envelope.id, self.event.handlers.len(), None);
    }

    fn dead_letter(&self, envelope: &Envelope, error: &Failure) {
        self.dead_letters.increment(1);
        let stack = if let Failure::Raised { stack, .. } = error { stack.as_str() } else { "" };
        tracing::error!(handler = %self.handler, event = %envelope.event, id = %envelope.id,
            attempt = envelope.attempt, correlation_id = %envelope.trace.correlation_id, %error, stack,
            "event given up: dead letter");
    }
}

/// Makes the mailbox of one handler. With a key, order is kept per key and keys go on side by side.
fn mailbox(
    event: &schema::Event,
    handler: &HandlerId,
    bytes: usize,
    inner: Weak<Inner>,
) -> Mailbox<Envelope> {
    let keys = if event.key.is_some() { KEYS } else { 1 };
    let limits = Limits {
        messages: event.mailbox,
        bytes,
        concurrency: event.concurrency.saturating_mul(keys),
        per_key: event.concurrency,
        on_full: event.overflow.into(),
    };
    Mailbox::new(handler.to_string(), limits)
        .on_crash(OnCrash::Retry { attempts: event.retry.attempts })
        .undelivered(move |envelope, end| {
            let Some(inner) = inner.upgrade() else { return };
            let reason = match end {
                Undelivered::Failed { reason } | Undelivered::DeadLettered { reason, .. } => reason,
                Undelivered::Dropped => return inner.dropped(&envelope),
                Undelivered::Expired | Undelivered::Gone => "its handler is gone".to_owned(),
            };
            inner.give_up(&envelope, &Failure::Crashed(reason));
        })
}

/// The first argument of an event handler.
fn argument(envelope: &Envelope) -> Json {
    json!({
        "id": envelope.id,
        "name": envelope.event,
        "time": envelope.time.to_rfc3339_opts(SecondsFormat::Millis, true),
        "payload": envelope.payload,
        "attempt": envelope.attempt,
        "correlation_id": envelope.trace.correlation_id,
        "causation_id": envelope.trace.causation_id,
    })
}

struct Courier;

impl Actor for Courier {
    type Msg = Wake;
    type State = EventSubscriber;
    type Arguments = EventSubscriber;

    async fn pre_start(
        &self,
        myself: ActorRef<Wake>,
        subscriber: EventSubscriber,
    ) -> Result<EventSubscriber, ActorProcessingErr> {
        subscriber.0.mailbox.attach(move || drop(myself.send_message(Wake)));
        Ok(subscriber)
    }

    async fn handle(
        &self,
        _: ActorRef<Wake>,
        _: Wake,
        EventSubscriber(inner): &mut EventSubscriber,
    ) -> Result<(), ActorProcessingErr> {
        if inner.context.shutdown.phase() == Phase::Forced {
            return Ok(()); // what is left is dropped; a task that it would be given to is dropped, too
        }
        for delivery in inner.mailbox.batch() {
            let inner = Arc::clone(inner);
            inner.clone().context.shutdown.spawn(async move { inner.deliver(delivery).await });
        }
        Ok(())
    }
}
