//! Extractors: what a Rust handler can take as an argument, one trait for all of them.
//!
//! ```text
//!  build():  Target (what the handler serves) ──▶ FromCall::check ──▶ Problem: it can never fit
//!  a call:   Call (invocation, state, data) ──▶ FromCall::from_call ──▶ the argument
//! ```
//!
//! Called by [`Handler`](super::Handler). Users implement [`FromCall`] for their own types. The extractors themselves
//! never look at the schema during a call: values have been checked before.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock, Weak};

use serde::de::DeserializeOwned;

use crate::invocation::{Failure, HandlerId, Invocation, Json, Kind};
use crate::lang::Problem;
use crate::lang::native::arguments::{Connection, Event, Message, Request, Tick};
use crate::lang::native::host::Host;
use crate::lang::native::state::State;

/// A type that a Rust handler can take as an argument.
///
/// Implement it for a type of your own to say in one place how it comes out of a call:
///
/// ```
/// use rohas::{Call, Failure, FromCall, Headers, Problem, Target};
///
/// struct Tenant(String);
///
/// impl FromCall for Tenant {
///     fn check(target: &Target<'_>) -> Result<(), Problem> {
///         <Headers>::check(target) // there are headers only where there is a request
///     }
///
///     async fn from_call(call: &Call) -> Result<Self, Failure> {
///         let Headers(headers) = <Headers>::from_call(call).await?;
///         let tenant = headers.get("x-tenant").and_then(|tenant| tenant.as_str()).unwrap_or("public");
///         Ok(Tenant(tenant.to_owned()))
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot take `{Self}`",
    note = "handlers take Request, Body, Path, Query, Headers, Event, Tick, Message, Connection, State, Data, App and \
            types that implement FromCall"
)]
pub trait FromCall: Sized {
    /// Checks, when the app is built, that there can be such a value where the handler stands.
    ///
    /// # Errors
    /// A problem that names the handler; see [`Target::problem`].
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        let _ = target;
        Ok(())
    }

    /// Takes the value out of a call.
    ///
    /// # Errors
    /// The failure that the call then ends with.
    fn from_call(call: &Call) -> impl Future<Output = Result<Self, Failure>> + Send;
}

/// What an engine hands to a handler before `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// A request: apis and middlewares.
    Request,
    /// An event.
    Event,
    /// A tick of a cron.
    Tick,
    /// A connection that begins or ends.
    Connection,
    /// A WebSocket message and its connection.
    Message,
}

/// What a handler serves, as far as extractors can ask when the app is built: one entity of the schema.
pub struct Target<'a> {
    /// The handler.
    pub handler: &'a HandlerId,
    /// The entity, such as `api CreateUser`; of a middleware one that it runs before.
    pub entity: &'a str,
    /// What the handler gets.
    pub arguments: Arguments,
    /// Whether the entity declares a body.
    pub has_body: bool,
    /// The names of the path parameters, in the order of the path.
    pub params: &'a [String],
    /// What the embedding program gave.
    pub provided: &'a Provided,
}

impl Target<'_> {
    /// Makes the problem that the handler takes a `taken`, which does not fit: `why` ends the sentence.
    pub fn problem(&self, taken: &str, why: &str) -> Problem {
        Problem::new(format!("the Rust handler of {} takes {taken}, but {why}", self.handler))
    }

    /// Refuses `taken` unless the handler gets one of `wanted`.
    fn only(&self, taken: &str, wanted: &[Arguments]) -> Result<(), Problem> {
        if wanted.contains(&self.arguments) {
            return Ok(());
        }
        let (what, fitting) = match self.arguments {
            Arguments::Request => ("a request", "Request, Body, Path, Query and Headers"),
            Arguments::Event => ("an event", "Event"),
            Arguments::Tick => ("a tick", "Tick"),
            Arguments::Connection => ("a connection", "Connection and Path"),
            Arguments::Message => ("a message and its connection", "Message, Connection and Path"),
        };
        let problem = self.problem(taken, &format!("{} gives it {what}", self.entity));
        Err(problem.hint(format!("here a handler can take {fitting}, besides State, Data and App")))
    }

    /// Refuses a type for a part that the entity does not have, unless it can be read from `nothing`.
    fn reads<T: DeserializeOwned>(&self, taken: &str, part: &str, nothing: &Json) -> Result<(), Problem> {
        if T::deserialize(nothing).is_ok() {
            return Ok(());
        }
        let problem = self.problem(taken, &format!("{} has no {part}", self.entity));
        Err(problem.hint(format!("declare the {part} in the schema, or take `Request`")))
    }
}

/// What all Rust handlers of an app share: the values of the embedding program, and the app once it runs.
#[derive(Default)]
pub struct Provided {
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    host: OnceLock<Weak<dyn Host>>,
}

impl Provided {
    /// Adds a value; returns false, and leaves what is there, if there is one of its type.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: T) -> bool {
        let fresh = !self.values.contains_key(&TypeId::of::<T>());
        if fresh {
            self.values.insert(TypeId::of::<T>(), Arc::new(value));
        }
        fresh
    }

    /// Returns the value of a type.
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.values.get(&TypeId::of::<T>())?).downcast().ok()
    }

    /// Tells which app the handlers belong to; the first one stays.
    pub fn attach(&self, host: Weak<dyn Host>) {
        let _ = self.host.set(host);
    }

    /// Returns the running app.
    ///
    /// # Errors
    /// [`Failure::ShuttingDown`] when it does not run.
    pub fn host(&self) -> Result<Arc<dyn Host>, Failure> {
        self.host.get().and_then(Weak::upgrade).ok_or(Failure::ShuttingDown)
    }
}

/// Where a function stands: what it needs to know besides a call to take its arguments apart.
#[derive(Default)]
pub struct Site {
    /// The names of the path parameters, in the order of the path; none where it has no order of its own.
    pub params: Vec<String>,
    /// What it shares with all others.
    pub provided: Arc<Provided>,
}

/// One call, as extractors see it.
pub struct Call {
    invocation: Arc<Invocation>,
    site: Arc<Site>,
    state: State,
}

impl Drop for Call {
    /// However the handler ended: with an error, a panic, at its deadline.
    fn drop(&mut self) {
        drop(self.state.take_effects());
    }
}

impl Call {
    pub(super) fn new(invocation: Arc<Invocation>, site: Arc<Site>) -> Self {
        let state = State::new(Arc::clone(&invocation), Arc::clone(&site.provided));
        Call { invocation, site, state }
    }

    /// Returns the invocation: the handler, the arguments as JSON, the deadline, the trace.
    pub fn invocation(&self) -> &Arc<Invocation> {
        &self.invocation
    }

    /// Returns the state, which the handler shares.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the value of this type that the embedding program gave.
    pub fn data<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.site.provided.get()
    }

    /// Returns the app that runs the handler.
    ///
    /// # Errors
    /// [`Failure::ShuttingDown`] when it does not run any more.
    pub fn host(&self) -> Result<Arc<dyn Host>, Failure> {
        self.site.provided.host()
    }

    /// Returns a member of the request, null if there is none.
    fn request(&self, member: &str) -> &Json {
        self.argument(0).get(member).unwrap_or(&Json::Null)
    }

    fn argument(&self, place: usize) -> &Json {
        self.invocation.arguments.get(place).unwrap_or(&Json::Null)
    }

    /// Returns the connection of a WebSocket call: the last of its arguments.
    fn connection(&self) -> &Json {
        self.invocation.arguments.last().unwrap_or(&Json::Null)
    }

    /// Returns the path parameters by name.
    pub(super) fn params(&self) -> &Json {
        match self.invocation.handler.kind {
            Kind::Ws => self.connection().get("params").unwrap_or(&Json::Null),
            _ => self.request("params"),
        }
    }

    /// Returns the path parameters in the order of the path: a caller in this process may have given them in another.
    pub(super) fn params_in_order(&self) -> impl Iterator<Item = &Json> {
        let (params, order) = (self.params(), &self.site.params);
        let unordered = params.as_object().filter(|_| order.is_empty());
        let unordered = unordered.into_iter().flat_map(serde_json::Map::values);
        order.iter().map(|name| params.get(name).unwrap_or(&Json::Null)).chain(unordered)
    }
}

/// Reads a value. Values have been checked against the schema, so one that does not fit is the fault of the handler's
/// types, not of the caller.
pub(super) fn read<T: DeserializeOwned>(value: &Json) -> Result<T, Failure> {
    T::deserialize(value).map_err(|error| {
        Failure::internal(format!("an argument does not fit the handler's Rust type: {error}"))
    })
}

/// Returns the name of a type without the modules in front of it and of its parameters.
pub(super) fn short_name<T: ?Sized>() -> String {
    let (mut out, mut word) = (String::new(), String::new());
    for letter in type_name::<T>().chars() {
        match letter {
            ':' => word.clear(),
            letter if letter.is_alphanumeric() || letter == '_' => word.push(letter),
            other => {
                out.push_str(&word);
                word.clear();
                out.push(other);
            }
        }
    }
    out.push_str(&word);
    out
}

impl<B: DeserializeOwned, Q: DeserializeOwned, P: DeserializeOwned> FromCall for Request<B, Q, P> {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        let taken = format!("Request<{}, ..>", short_name::<B>());
        target.only(&taken, &[Arguments::Request])?;
        if !target.has_body {
            target.reads::<B>(&taken, "body", &Json::Null)?;
        }
        if target.params.is_empty() {
            let taken = format!("Request<_, _, {}>", short_name::<P>());
            target.reads::<P>(&taken, "path parameters", &Json::Object(serde_json::Map::new()))?;
        }
        Ok(())
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        read(call.argument(0))
    }
}

/// The body of a request, checked against the schema. Dereferences to it.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned> FromCall for Body<T> {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        let taken = format!("Body<{}>", short_name::<T>());
        target.only(&taken, &[Arguments::Request])?;
        if target.has_body {
            return Ok(());
        }
        let problem = target.problem(&taken, &format!("{} has no body", target.entity));
        Err(problem.hint("declare it in the schema, as `body: …`, or do not take it"))
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        read(call.request("body")).map(Body)
    }
}

/// The query of a request: typed where the schema declares it, texts otherwise. Dereferences to it.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromCall for Query<T> {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        target.only(&format!("Query<{}>", short_name::<T>()), &[Arguments::Request])
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        read(call.request("query")).map(Query)
    }
}

/// The headers of a request, names in lower case: text, or typed where the schema declares the header. Dereferences to
/// them.
#[derive(Debug, Clone)]
pub struct Headers<T = serde_json::Map<String, Json>>(pub T);

impl<T: DeserializeOwned> FromCall for Headers<T> {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        target.only(&format!("Headers<{}>", short_name::<T>()), &[Arguments::Request])
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        read(call.request("headers")).map(Headers)
    }
}

impl<P: DeserializeOwned> FromCall for Event<P> {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        target.only(&format!("Event<{}>", short_name::<P>()), &[Arguments::Event])
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        read(call.argument(0))
    }
}

impl FromCall for Tick {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        target.only("Tick", &[Arguments::Tick])
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        read(call.argument(0))
    }
}

impl<P: DeserializeOwned> FromCall for Connection<P> {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        let taken = format!("Connection<{}>", short_name::<P>());
        target.only(&taken, &[Arguments::Connection, Arguments::Message])?;
        check_params::<P>(target, &taken)
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        read(call.connection())
    }
}

impl<M: DeserializeOwned, P: DeserializeOwned> FromCall for Message<M, P> {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        let taken = format!("Message<{}>", short_name::<M>());
        target.only(&taken, &[Arguments::Message])?;
        check_params::<P>(target, &taken)
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        Ok(Message { message: read(call.argument(0))?, connection: read(call.argument(1))? })
    }
}

/// Refuses a type of path parameters that cannot be read where there are none.
fn check_params<P: DeserializeOwned>(target: &Target<'_>, taken: &str) -> Result<(), Problem> {
    if !target.params.is_empty() || P::deserialize(&Json::Object(serde_json::Map::new())).is_ok() {
        return Ok(());
    }
    let why = format!("{} has no path parameters to make {} of", target.entity, short_name::<P>());
    Err(target.problem(taken, &why).hint("declare them in the path of the endpoint, or leave the type out"))
}

impl FromCall for State {
    async fn from_call(call: &Call) -> Result<Self, Failure> {
        Ok(call.state.clone())
    }
}

/// A value that the embedding program gave by `builder.data(..)`: one per type, shared. Dereferences to it.
#[derive(Debug)]
pub struct Data<T>(pub Arc<T>);

impl<T> Clone for Data<T> {
    fn clone(&self) -> Self {
        Data(Arc::clone(&self.0))
    }
}

impl<T: Any + Send + Sync> FromCall for Data<T> {
    fn check(target: &Target<'_>) -> Result<(), Problem> {
        if target.provided.get::<T>().is_some() {
            return Ok(());
        }
        let taken = format!("Data<{}>", short_name::<T>());
        let problem = target.problem(&taken, &format!("no {} was given", type_name::<T>()));
        Err(problem.hint(if target.provided.get::<Arc<T>>().is_some() {
            "an Arc of it was given: give the value itself, `Data` shares it"
        } else {
            "give it to the builder, as `.data(value)`: the type must be this one exactly"
        }))
    }

    async fn from_call(call: &Call) -> Result<Self, Failure> {
        let data = call.data().map(Data);
        data.ok_or_else(|| Failure::internal(format!("no {} was given by .data(..)", type_name::<T>())))
    }
}

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Headers<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Data<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
