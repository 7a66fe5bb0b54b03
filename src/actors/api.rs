//! The actor of an `api`: admits calls, has the handler run, checks the result, publishes the triggers.
//!
//! ```text
//!  door ──Api::ask──▶ mailbox ──take──▶ task: middlewares → executor → check result → publish → reply
//!          │ full: Overloaded             (holds the permit; the actor goes on)
//! ```
//!
//! Called by the HTTP door and by `app.call`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::actors::mailbox::{Letter, Limits, Mailbox, SendError, Undelivered, Wake};
use crate::actors::{Context, Origin, Passage, pass, publish};
use crate::invocation::{
    ApiRequest, Failure, HandlerId, Invocation, Json, Kind, Outcome, Reply, Trace, json_bytes,
};
use crate::schema::{self, Type};
use crate::shutdown::Phase;
use crate::supervision::ChildSpec;
use crate::telemetry::Calls;

/// How much longer than the deadline a caller waits for the actor's own time-out answer.
const SLACK: Duration = Duration::from_millis(250);

struct Call {
    request: Json,
    deadline: Instant,
    trace: Trace,
    reply: oneshot::Sender<Outcome>,
    /// Set when its turn comes: from then on the handler may have done something.
    started: Arc<AtomicBool>,
}

/// A call on its way, its outcome, and whether it was begun.
type Posted = (Letter<Call>, oneshot::Receiver<Outcome>, Arc<AtomicBool>);

struct Inner {
    spec: schema::Api,
    source: String,
    handler: HandlerId,
    context: Arc<Context>,
    mailbox: Mailbox<Call>,
    calls: Calls,
}

/// The handle on the actor of one api; clones share it, restarts do not change it.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

impl Api {
    /// Makes the handle; the actor itself runs once its [`ChildSpec`] is started.
    pub fn new(spec: schema::Api, context: Arc<Context>) -> Self {
        let handler = HandlerId::new(Kind::Api, &spec.name);
        let limits = Limits {
            messages: spec.mailbox,
            bytes: context.mailbox_bytes,
            concurrency: spec.concurrency,
            on_full: spec.overflow.into(),
            ..Limits::default()
        };
        let source = handler.to_string();
        let mailbox = Mailbox::new(source.as_str(), limits).undelivered(give_back(source));
        let calls = context.telemetry.calls(&handler.to_string());
        Api(Arc::new(Inner { source: handler.to_string(), handler, spec, context, mailbox, calls }))
    }

    /// Returns the api's declaration.
    pub fn spec(&self) -> &schema::Api {
        &self.0.spec
    }

    /// Describes the actor as a child.
    pub fn child(&self) -> ChildSpec {
        let (api, mailbox) = (self.clone(), self.0.mailbox.clone());
        let spec = ChildSpec::new(self.0.spec.name.clone(), move |supervisor| {
            let api = api.clone();
            async move { Ok(Actor::spawn_linked(None, Admission, api, supervisor).await?.0.get_cell()) }
        });
        let (closed, idle) = (mailbox.clone(), mailbox.clone());
        let spec = spec.on_demand(move |demand| idle.attach(demand));
        spec.load(move || mailbox.load()).gone(move || closed.close())
    }

    /// Returns when a call that starts now has to be over.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.0.spec.timeout.unwrap_or(self.0.context.timeout)
    }

    /// Checks a request against the schema: defaults filled in, undeclared fields dropped.
    ///
    /// # Errors
    /// [`Failure::BadRequest`] with every violation.
    pub fn check(&self, mut request: ApiRequest) -> Result<Json, Failure> {
        let (spec, schema) = (&self.0.spec, &self.0.context.schema);
        let mut params = Json::Object(std::mem::take(&mut request.params));
        let mut violations = schema.check_fields(&spec.params, &mut params, "/params");
        if let Json::Object(checked) = params {
            request.params = checked;
        }
        match &spec.query {
            Some(ty) => violations.extend(schema.check(ty, &mut request.query, "/query")),
            None => request.query = Json::Object(request.query_params.clone()),
        }
        if !spec.headers.is_empty() {
            let mut declared = Json::Object(request.headers.clone());
            violations.extend(schema.check_fields(&spec.headers, &mut declared, "/headers"));
            if let Json::Object(declared) = declared {
                request.headers.extend(declared);
            }
        }
        if let Some(ty) = &spec.body {
            violations.extend(schema.check(ty, &mut request.body, "/body"));
        }
        if !violations.is_empty() {
            return Err(Failure::BadRequest(violations));
        }
        serde_json::to_value(request).map_err(|error| Failure::internal(format!("request: {error}")))
    }

    /// Sends a checked request and waits for the outcome; always ends by `deadline` or shortly after.
    ///
    /// # Errors
    /// Every [`Failure`] the call can end with.
    pub async fn ask(&self, request: Json, deadline: Instant, trace: Trace) -> Outcome {
        let (letter, outcome, started) = self.letter(request, deadline, trace)?;
        self.0.mailbox.send(letter, deadline).await.map_err(|error| self.refused(&error))?;
        match tokio::time::timeout_at((deadline + SLACK).into(), outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) if self.0.context.shutdown.phase() == Phase::Forced => Err(Failure::ShuttingDown),
            Ok(Err(_)) => Err(Failure::internal("the task of the call ended without an outcome")),
            Err(_) if started.load(Ordering::Acquire) => Err(Failure::TimedOut),
            Err(_) => Err(self.overloaded()), // its turn never came
        }
    }

    /// Sends a checked request and waits for nothing: it is accepted or refused at once, how it ends is only logged.
    ///
    /// # Errors
    /// [`Failure::Overloaded`] when the mailbox is full, [`Failure::ShuttingDown`].
    pub fn cast(&self, request: Json, deadline: Instant, trace: Trace) -> Result<(), Failure> {
        let (letter, outcome, _) = self.letter(request, deadline, trace)?;
        self.0.mailbox.try_send(letter).map_err(|error| self.refused(&error))?;
        let entity = self.0.source.clone();
        self.0.context.shutdown.spawn(async move {
            match outcome.await {
                Ok(Ok(_)) => tracing::debug!(entity, "cast handled"),
                Ok(Err(failure)) => tracing::warn!(entity, error = %failure, "cast failed"),
                Err(_) => tracing::warn!(entity, "cast ended without an outcome"),
            }
        });
        Ok(())
    }

    /// Makes the letter of a call, with the ends that tell how it went and whether it was begun.
    fn letter(&self, request: Json, deadline: Instant, trace: Trace) -> Result<Posted, Failure> {
        if self.0.context.shutdown.phase() >= Phase::Forced {
            return Err(Failure::ShuttingDown);
        }
        let (reply, outcome) = oneshot::channel();
        let started = Arc::new(AtomicBool::new(false));
        let size = json_bytes(&request);
        let call = Call { request, deadline, trace, reply, started: Arc::clone(&started) };
        Ok((Letter::new(call).size(size).deadline(deadline), outcome, started))
    }

    fn refused(&self, error: &SendError<Call>) -> Failure {
        match error {
            SendError::Full(_) => self.overloaded(),
            SendError::Gone(_) => Failure::ShuttingDown,
        }
    }

    fn overloaded(&self) -> Failure {
        Failure::Overloaded { entity: self.0.source.clone() }
    }
}

/// Tells the caller that its call will not be answered.
fn give_back(entity: String) -> impl Fn(Call, Undelivered) + Send + Sync {
    move |call, end| {
        let failure = match end {
            // Its turn did not come in time: its handler did nothing.
            Undelivered::Expired | Undelivered::Dropped => Failure::Overloaded { entity: entity.clone() },
            Undelivered::Gone => Failure::ShuttingDown,
            Undelivered::Failed { reason } | Undelivered::DeadLettered { reason, .. } => {
                Failure::Crashed(reason)
            }
        };
        let _ = call.reply.send(Err(failure)); // the caller may have given up
    }
}

impl Inner {
    async fn answer(&self, request: Json, deadline: Instant, trace: Trace) -> Outcome {
        let id = Uuid::now_v7();
        let passage = pass(&self.context, &self.spec.middlewares, request, deadline, &trace).await?;
        let (mut reply, triggers) = match passage {
            Passage::Through(request, mut before) => {
                let mut reply = self.run(id, request, deadline, &trace).await?;
                before.triggers.append(&mut reply.effects.triggers);
                before.payloads.append(&mut reply.effects.payloads);
                (Reply { effects: before, ..reply }, &self.spec.triggers[..])
            }
            Passage::Stopped(reply) => (reply, &[][..]),
        };
        let effects = std::mem::take(&mut reply.effects);
        if reply.response.as_ref().is_none_or(|response| response.status < 400) {
            let origin = Origin { source: &self.source, triggers, cause: id, trace: &trace };
            publish(&self.context, origin, &reply.value, &effects, deadline).await?;
        }
        Ok(reply)
    }

    /// Runs the handler and checks what it gave back.
    async fn run(&self, id: Uuid, request: Json, deadline: Instant, trace: &Trace) -> Outcome {
        let (handler, trace) = (self.handler.clone(), trace.clone());
        let invocation = Invocation { id, handler, arguments: vec![request], deadline, attempt: 1, trace };
        match self.context.executors.run(Arc::new(invocation)).await {
            // A response object is the handler's own responsibility.
            Ok(reply @ Reply { response: Some(_), .. }) => Ok(reply),
            Ok(mut reply) => {
                if let Some(ty) = &self.spec.response {
                    self.check_result(ty, &mut reply.value, "/response")?;
                }
                Ok(reply)
            }
            Err(Failure::Raised { name, message, stack, mut body }) => {
                let declared = self.spec.errors.values().any(|error| *error == name);
                if declared && self.context.schema.shapes.contains_key(&name) {
                    self.check_result(&Type::Named(name.clone()), &mut body, &format!("/{name}"))?;
                }
                Err(Failure::Raised { name, message, stack, body })
            }
            Err(failure) => Err(failure),
        }
    }

    /// What leaves must fit its declared type; undeclared fields are dropped.
    fn check_result(&self, ty: &Type, value: &mut Json, root: &str) -> Result<(), Failure> {
        let violations = self.context.schema.check(ty, value, root);
        if violations.is_empty() { Ok(()) } else { Err(Failure::BadResult(violations)) }
    }
}

struct Admission;

impl Actor for Admission {
    type Msg = Wake;
    type State = Api;
    type Arguments = Api;

    async fn pre_start(&self, myself: ActorRef<Wake>, api: Api) -> Result<Api, ActorProcessingErr> {
        api.0.mailbox.attach(move || drop(myself.send_message(Wake)));
        Ok(api)
    }

    async fn handle(&self, _: ActorRef<Wake>, _: Wake, api: &mut Api) -> Result<(), ActorProcessingErr> {
        for delivery in api.0.mailbox.batch() {
            let (call, permit) = delivery.into_parts();
            call.started.store(true, Ordering::Release);
            let api = Arc::clone(&api.0);
            api.clone().context.shutdown.spawn(async move {
                let timer = api.calls.start();
                let outcome = api.answer(call.request, call.deadline, call.trace).await;
                timer.stop(outcome.is_ok());
                let _ = call.reply.send(outcome); // the caller may have given up
                drop(permit);
            });
        }
        Ok(())
    }
}
