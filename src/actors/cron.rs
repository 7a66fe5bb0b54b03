//! The actor of a `cron`: waits for the next due time, runs the handler, publishes the triggers.
//!
//! ```text
//!  timer ──Tick──▶ actor ──overlap policy──▶ mailbox ──take──▶ task: executor → publish
//!    ▲               │
//!    └──next due─────┘
//! ```
//!
//! Times are computed from the wall clock at each tick, in the cron's time zone. Ticks missed while the app was
//! down are not caught up yet: that needs the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use serde_json::json;
use uuid::Uuid;

use crate::actors::mailbox::{Limits, Mailbox, OnFull};
use crate::actors::{Context, Origin, publish};
use crate::invocation::{Failure, HandlerId, Invocation, Kind, Trace};
use crate::schema::{self, Overlap};
use crate::shutdown::Phase;
use crate::supervision::ChildSpec;
use crate::telemetry::Calls;

/// How many ticks may wait for their turn under `overlap: queue`.
const QUEUE: usize = 1024;

/// The longest single sleep, so that a change of the wall clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);

struct Inner {
    spec: schema::Cron,
    schedule: croner::Cron,
    handler: HandlerId,
    source: String,
    context: Arc<Context>,
    mailbox: Mailbox<DateTime<Utc>>,
    calls: Calls,
}

/// The handle on the actor of one cron.
#[derive(Clone)]
pub struct Cron(Arc<Inner>);

impl Cron {
    /// Makes the handle.
    ///
    /// # Errors
    /// The schedule does not parse; the schema check has said so before.
    pub fn new(spec: schema::Cron, context: Arc<Context>) -> Result<Self, String> {
        let schedule: croner::Cron =
            spec.schedule.parse().map_err(|error: croner::errors::CronError| error.to_string())?;
        let concurrency = if spec.overlap == Overlap::Parallel { usize::MAX } else { 1 };
        let handler = HandlerId::new(Kind::Cron, &spec.name);
        let calls = context.telemetry.calls(&handler.to_string());
        let source = handler.to_string();
        let limits = Limits { messages: QUEUE, concurrency, on_full: OnFull::Fail, ..Limits::default() };
        let mailbox = Mailbox::new(source.as_str(), limits);
        Ok(Cron(Arc::new(Inner { spec, schedule, handler, source, context, mailbox, calls })))
    }

    /// Describes the actor as a child.
    pub fn child(&self) -> ChildSpec {
        let (cron, mailbox) = (self.clone(), self.0.mailbox.clone());
        let spec = ChildSpec::new(self.0.spec.name.clone(), move |supervisor| {
            let cron = cron.clone();
            async move { Ok(Actor::spawn_linked(None, Clock, cron, supervisor).await?.0.get_cell()) }
        });
        spec.load(move || mailbox.load())
    }
}

impl Inner {
    fn next_after(&self, time: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = time.with_timezone(&self.spec.timezone);
        let next = self.schedule.find_next_occurrence(&local, false).ok()?;
        Some(next.with_timezone(&Utc))
    }

    async fn run(&self, scheduled_at: DateTime<Utc>) -> Result<(), Failure> {
        let (id, trace) = (Uuid::now_v7(), Trace::root());
        let argument = json!({
            "scheduled_at": scheduled_at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "name": self.spec.name,
            "attempt": 1,
        });
        let deadline = Instant::now() + self.spec.timeout.unwrap_or(self.context.timeout);
        let invocation = Invocation {
            id,
            handler: self.handler.clone(),
            arguments: vec![argument],
            deadline,
            attempt: 1,
            trace: trace.clone(),
        };
        let reply = self.context.executors.run(Arc::new(invocation)).await?;
        let origin = Origin { source: &self.source, triggers: &self.spec.triggers, cause: id, trace: &trace };
        publish(&self.context, origin, &reply.value, &reply.effects, deadline).await
    }
}

enum Message {
    Wake,
    /// Look at the clock: is this tick due?
    Look(DateTime<Utc>),
}

struct Clock;

impl Actor for Clock {
    type Msg = Message;
    type State = Cron;
    type Arguments = Cron;

    async fn pre_start(&self, myself: ActorRef<Message>, cron: Cron) -> Result<Cron, ActorProcessingErr> {
        let waker = myself.clone();
        cron.0.mailbox.attach(move || drop(waker.send_message(Message::Wake)));
        plan(&cron.0, Utc::now(), &myself);
        Ok(cron)
    }

    async fn handle(
        &self,
        myself: ActorRef<Message>,
        message: Message,
        Cron(cron): &mut Cron,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Message::Look(due) if Utc::now() < due => sleep_until(due, &myself),
            Message::Look(due) => {
                if cron.context.shutdown.phase() == Phase::Running {
                    tick(cron, due);
                    plan(cron, due.max(Utc::now() - chrono::Duration::seconds(1)), &myself);
                }
            }
            Message::Wake => run_due(cron),
        }
        Ok(())
    }
}

/// Sleeps until the first due time after `time`; a schedule without one is over.
fn plan(cron: &Inner, time: DateTime<Utc>, myself: &ActorRef<Message>) {
    match cron.next_after(time) {
        Some(due) => sleep_until(due, myself),
        None => tracing::warn!(cron = cron.spec.name, "the schedule has no further occurrence"),
    }
}

fn sleep_until(due: DateTime<Utc>, myself: &ActorRef<Message>) {
    let wait = (due - Utc::now()).to_std().unwrap_or_default().min(LONGEST_SLEEP);
    myself.send_after(wait, move || Message::Look(due));
}

fn tick(cron: &Inner, due: DateTime<Utc>) {
    let load = cron.mailbox.load();
    if cron.spec.overlap == Overlap::Skip && load.in_flight + load.queued > 0 {
        tracing::warn!(cron = cron.spec.name, %due, "tick skipped: the one before still runs");
    } else if cron.mailbox.try_send(due).is_err() {
        tracing::error!(cron = cron.spec.name, %due, "tick dropped: too many wait");
    }
}

fn run_due(cron: &Arc<Inner>) {
    for tick in cron.mailbox.batch() {
        let cron = Arc::clone(cron);
        cron.clone().context.shutdown.spawn(async move {
            let due = *tick;
            let timer = cron.calls.start();
            let result = cron.run(due).await;
            timer.stop(result.is_ok());
            if let Err(error) = result {
                let stack = if let Failure::Raised { stack, .. } = &error { stack.as_str() } else { "" };
                tracing::error!(cron = cron.spec.name, %due, %error, stack, "cron failed");
            }
            tick.done();
        });
    }
}
