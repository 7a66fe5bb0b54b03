//! [`App`]: the cloneable handle on a running app, for the embedding program and for handlers.
//!
//! ```text
//!  Running ──derefs to──▶ App ──▶ Shared ──▶ apis' mailboxes │ bus │ tree │ names
//!  State, ApiRef ─────dyn Host────▶ ┘
//! ```
//!
//! Made by [`start`](super::start). A handle keeps nothing running: when [`Running`](super::Running) is gone it answers
//! [`Failure::ShuttingDown`].

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use uuid::Uuid;

use crate::actors::{Api, Context, Origin, publish};
use crate::app::reference::EventRef;
use crate::app::subscription::{self, Subscription};
use crate::invocation::{ApiRequest, Effects, Failure, Json, Outcome, Trace};
use crate::lang::native::{ApiRef, Call, Caller, FromCall, Host, NameError, Names, Registration};
use crate::schema;
use crate::shutdown::Phase;
use crate::supervision::{Node, SupervisorRef};

/// What all handles of an app share.
pub(in crate::app) struct Shared {
    pub(in crate::app) context: Arc<Context>,
    pub(in crate::app) apis: HashMap<String, Api>,
    /// Set once the tree has started.
    pub(in crate::app) root: OnceLock<SupervisorRef>,
    pub(in crate::app) http_addr: SocketAddr,
    pub(in crate::app) admin_addr: Option<SocketAddr>,
    pub(in crate::app) names: Names,
}

impl Shared {
    /// Returns the root of a tree that has started.
    pub(in crate::app) fn root(&self) -> &SupervisorRef {
        self.root.get().expect("there is no Running before the tree has started")
    }

    fn api(&self, name: &str) -> Result<&Api, Failure> {
        let known = || self.apis.keys().map(String::as_str);
        self.apis.get(name).ok_or_else(|| unknown("api", name, known()))
    }

    /// Refuses new work from outside while the app goes down, and what is asked for in the name of a handler whose time
    /// is over. What a handler asks for in time belongs to accepted work.
    fn admit(&self, caller: &Caller) -> Result<(), Failure> {
        let last = match caller {
            Caller::Program => Phase::Running,
            Caller::Handler(_) | Caller::Actor(_) => Phase::Draining,
        };
        if self.context.shutdown.phase() > last {
            return Err(Failure::ShuttingDown);
        }
        match caller {
            Caller::Handler(call) if Instant::now() >= call.deadline => Err(Failure::TimedOut),
            _ => Ok(()),
        }
    }

    /// Checks a request; returns it with the time by which it must be done.
    fn prepare(
        &self,
        api: &Api,
        mut request: ApiRequest,
        caller: &Caller,
    ) -> Result<(Json, Instant), Failure> {
        self.admit(caller)?;
        let deadline = caller.deadline(api.deadline());
        if request.method.is_empty() {
            request.method = api.spec().method.as_str().to_owned();
            request.path.clone_from(&api.spec().path);
        }
        if request.query.is_null() {
            request.query = json!({});
        }
        Ok((api.check(request)?, deadline))
    }

    async fn ask(&self, api: &str, request: ApiRequest, caller: &Caller) -> Outcome {
        let api = self.api(api)?;
        let (request, deadline) = self.prepare(api, request, caller)?;
        api.ask(request, deadline, caller.trace()).await
    }

    fn send(&self, api: &str, request: ApiRequest, caller: &Caller) -> Result<(), Failure> {
        let api = self.api(api)?;
        let (request, deadline) = self.prepare(api, request, caller)?;
        api.cast(request, deadline, caller.trace())
    }

    async fn publish(&self, event: &str, payload: &Json, caller: &Caller) -> Result<(), Failure> {
        self.admit(caller)?;
        self.find_event(event)?;
        let context = &self.context;
        let triggers = [event.to_owned()];
        let (trace, cause, source): (Trace, Uuid, String) = match caller {
            Caller::Program | Caller::Actor(_) => {
                let trace = Trace::root();
                let cause = trace.correlation_id;
                let source = match caller {
                    Caller::Actor(name) => format!("actor {name}"),
                    _ => "app".to_owned(),
                };
                (trace, cause, source)
            }
            Caller::Handler(call) => (call.trace.clone(), call.id, call.handler.to_string()),
        };
        let origin = Origin { source: &source, triggers: &triggers, cause, trace: &trace };
        let deadline = caller.deadline(Instant::now() + context.publish_wait);
        let published = publish(context, origin, payload, &Effects::default(), deadline).await;
        published.map_err(|failure| match failure {
            Failure::BadResult(violations) => Failure::BadRequest(violations),
            other => other,
        })
    }
}

impl Host for Shared {
    fn find_api(&self, name: &str) -> Result<(), Failure> {
        self.api(name).map(drop)
    }

    fn find_event(&self, name: &str) -> Result<(), Failure> {
        let events = &self.context.schema.events;
        let known = || events.keys().map(String::as_str);
        if events.contains_key(name) { Ok(()) } else { Err(unknown("event", name, known())) }
    }

    fn call<'a>(&'a self, api: &'a str, request: ApiRequest, caller: &'a Caller) -> BoxFuture<'a, Outcome> {
        let asked = self.ask(api, request, caller);
        Box::pin(async move { asked.await.map_err(|failure| caller.blame(&format!("api {api}"), failure)) })
    }

    fn cast(&self, api: &str, request: ApiRequest, caller: &Caller) -> Result<(), Failure> {
        let sent = self.send(api, request, caller);
        sent.map_err(|failure| caller.blame(&format!("api {api}"), failure))
    }

    fn names(&self) -> &Names {
        &self.names
    }
}

/// There is no `kind` of this name; perhaps another was meant.
fn unknown<'a>(kind: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let near = schema::nearest(name, known).map(|near| format!("; did you mean \"{near}\"?"));
    Failure::NotFound(format!("{kind} {name}{}", near.unwrap_or_default()))
}

/// The handle on a running app. Clones are cheap and keep nothing running.
///
/// Rust handlers can take it as an argument: then its calls keep to the handler's deadline and continue its chain, and
/// after that deadline they end with [`Failure::TimedOut`], wherever the handle went.
#[derive(Clone)]
pub struct App {
    pub(in crate::app) shared: Arc<Shared>,
    pub(in crate::app) caller: Caller,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("name", &self.shared.context.app).finish_non_exhaustive()
    }
}

impl FromCall for App {
    async fn from_call(call: &Call) -> Result<Self, Failure> {
        App::at(call.host()?, Caller::Handler(Arc::clone(call.invocation())))
    }
}

impl App {
    pub(in crate::app) fn new(shared: Arc<Shared>) -> Self {
        App { shared, caller: Caller::Program }
    }

    /// Returns the handle of `caller` on the app that `host` is.
    pub(in crate::app) fn at(host: Arc<dyn Host>, caller: Caller) -> Result<Self, Failure> {
        let host: Arc<dyn Any + Send + Sync> = host;
        let shared = host.downcast().map_err(|_| Failure::internal("there is no app here"))?;
        Ok(App { shared, caller })
    }

    /// Returns the address the HTTP door listens on.
    pub fn http_addr(&self) -> SocketAddr {
        self.shared.http_addr
    }

    /// Returns the address of the admin door; `None` when it is switched off, or when its default port was taken.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.shared.admin_addr
    }

    /// Calls an api in this process with `body`, through the same checks, mailbox and time limit as HTTP.
    ///
    /// # Errors
    /// Every [`Failure`] a call can end with; [`Failure::NotFound`] for an unknown api.
    pub async fn call(&self, api: &str, body: Json) -> Outcome {
        self.call_with(api, ApiRequest::from(body)).await
    }

    /// Calls an api with path parameters, query and headers.
    ///
    /// # Errors
    /// As [`App::call`].
    pub async fn call_with(&self, api: &str, request: ApiRequest) -> Outcome {
        self.shared.call(api, request, &self.caller).await
    }

    /// Refers to an api that takes a body `I` and answers with an `O`.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for an unknown api, with the nearest name.
    pub fn api<I: Serialize, O: DeserializeOwned>(&self, name: &str) -> Result<ApiRef<I, O>, Failure> {
        let host: Arc<dyn Host> = Arc::<Shared>::clone(&self.shared);
        ApiRef::new(host, name, self.caller.clone())
    }

    /// Refers to an event with the payload `P`: to publish it, `P` must be `Serialize`, to subscribe, `Deserialize`.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for an unknown event, with the nearest name.
    pub fn event<P>(&self, name: &str) -> Result<EventRef<P>, Failure> {
        self.shared.find_event(name).map_err(|failure| self.caller.blame(name, failure))?;
        Ok(EventRef::new(self.clone(), name))
    }

    /// Publishes an event now; returns once every subscriber has it in its mailbox. A handler that wants it published
    /// only when it succeeds uses [`State::trigger_event`](crate::State::trigger_event).
    ///
    /// # Errors
    /// An unknown event, a payload that does not fit, a subscriber without room.
    pub async fn publish(&self, event: &str, payload: Json) -> Result<(), Failure> {
        let published = self.shared.publish(event, &payload, &self.caller).await;
        published.map_err(|failure| self.caller.blame(&format!("event {event}"), failure))
    }

    /// Subscribes to an event: every message published from now on, in order.
    ///
    /// # Errors
    /// [`Failure::NotFound`] for an unknown event, with the nearest name.
    pub fn subscribe(&self, event: &str) -> Result<Subscription, Failure> {
        self.shared.find_event(event).map_err(|failure| self.caller.blame(event, failure))?;
        if self.shared.context.shutdown.phase() == Phase::Forced {
            return Err(Failure::ShuttingDown);
        }
        Ok(subscription::subscribe(&*self.shared.context.bus, event))
    }

    /// Registers `value` as `name` until the returned registration is dropped.
    ///
    /// # Errors
    /// [`NameError::Taken`]: a name leads to one value.
    pub fn register<T: Any + Clone + Send + Sync>(
        &self,
        name: &str,
        value: T,
    ) -> Result<Registration, NameError> {
        self.shared.names.register(name, value)
    }

    /// Returns a clone of what is registered as `name`.
    ///
    /// # Errors
    /// [`NameError::Unknown`] with the nearest name, [`NameError::OtherType`].
    pub fn whereis<T: Any + Clone + Send + Sync>(&self, name: &str) -> Result<T, NameError> {
        self.shared.names.whereis(name)
    }

    /// Returns every actor with its state, restarts and load.
    pub fn tree(&self) -> Node {
        // The root puts itself on the board before anything below it runs.
        self.shared.context.tree.snapshot().expect("the root is on the board")
    }

    /// Kills the actor at `path` of the tree, as Erlang's `exit(Pid, kill)` does: for trying out what happens. Its
    /// supervisor restarts it. Returns whether there was one.
    pub async fn kill(&self, path: &str) -> bool {
        let below = path.strip_prefix(&*self.shared.context.app).and_then(|below| below.strip_prefix('/'));
        let (Some(below), Some(root)) = (below, self.shared.root.get()) else { return false };
        root.kill(below).await
    }
}
