//! What Rust handlers take and return: typed views on the arguments of an invocation and on its reply.
//!
//! Used by handlers and by [`Handler`](super::Handler); pure conversions.

use std::collections::BTreeMap;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::invocation::{Effects, Failure, Json, Reply, ResponseHead};

/// A type a handler can take as its first argument.
pub trait FromArguments: Sized {
    /// Reads the value from the positional arguments of an invocation.
    ///
    /// # Errors
    /// [`Failure::Raised`] when they do not fit the Rust type.
    fn from_arguments(arguments: &[Json]) -> Result<Self, Failure>;
}

/// Reads one argument. The values have been checked against the schema, so one that does not fit is the fault of
/// the handler's types, not of the caller.
fn read<T: DeserializeOwned>(arguments: &[Json], place: usize) -> Result<T, Failure> {
    let value = arguments.get(place).unwrap_or(&Json::Null);
    T::deserialize(value).map_err(|error| {
        Failure::internal(format!("an argument does not fit the handler's Rust type: {error}"))
    })
}

/// A request to an api. `B` is the body, `Q` the query, `P` the path parameters.
#[derive(Debug, Clone, Deserialize)]
pub struct Request<B = Json, Q = Json, P = serde_json::Map<String, Json>> {
    /// The body, checked against the schema; null without one.
    pub body: B,
    /// The query, typed by the schema.
    pub query: Q,
    /// The path parameters, typed by the schema.
    pub params: P,
    /// The query as the client wrote it.
    #[serde(default)]
    pub query_params: BTreeMap<String, String>,
    /// Header names in lower case; text, or typed where the schema declares the header.
    #[serde(default)]
    pub headers: serde_json::Map<String, Json>,
    /// The cookies.
    #[serde(default)]
    pub cookies: BTreeMap<String, String>,
    /// The HTTP method.
    pub method: String,
    /// The path of the request.
    pub path: String,
    /// The client's address, absent for in-process calls.
    #[serde(default)]
    pub client_addr: Option<String>,
}

impl<B, Q> Request<B, Q> {
    /// Returns the path parameter `name` as a `T`.
    ///
    /// # Errors
    /// [`Failure::Raised`] when it does not fit.
    pub fn param<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        let value = self.params.get(name).cloned().unwrap_or(Json::Null);
        read(&[value], 0)
    }
}

impl<B: DeserializeOwned, Q: DeserializeOwned, P: DeserializeOwned> FromArguments for Request<B, Q, P> {
    fn from_arguments(arguments: &[Json]) -> Result<Self, Failure> {
        read(arguments, 0)
    }
}

/// An event delivered to a handler. Dereferences to its payload.
#[derive(Debug, Clone, Deserialize)]
pub struct Event<P = Json> {
    /// The event's id.
    pub id: Uuid,
    /// Its name in the schema.
    pub name: String,
    /// When it was published.
    pub time: DateTime<Utc>,
    /// What happened.
    pub payload: P,
    /// The first delivery is 1.
    pub attempt: u32,
    /// The first cause of the chain.
    pub correlation_id: Uuid,
    /// The direct cause.
    pub causation_id: Option<Uuid>,
}

impl<P> Deref for Event<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.payload
    }
}

impl<P: DeserializeOwned> FromArguments for Event<P> {
    fn from_arguments(arguments: &[Json]) -> Result<Self, Failure> {
        read(arguments, 0)
    }
}

/// One run of a cron.
#[derive(Debug, Clone, Deserialize)]
pub struct Tick {
    /// The time it was due.
    pub scheduled_at: DateTime<Utc>,
    /// The cron's name.
    pub name: String,
    /// The first attempt is 1.
    pub attempt: u32,
}

impl FromArguments for Tick {
    fn from_arguments(arguments: &[Json]) -> Result<Self, Failure> {
        read(arguments, 0)
    }
}

/// A WebSocket session: the argument of connect and disconnect handlers. `P` is the path parameters.
#[derive(Debug, Clone, Deserialize)]
pub struct Connection<P = serde_json::Map<String, Json>> {
    /// Unique per session.
    pub id: String,
    /// The endpoint's name.
    pub endpoint: String,
    /// The path parameters.
    pub params: P,
    /// The client's address.
    #[serde(default)]
    pub client_addr: Option<String>,
}

impl<P: DeserializeOwned> FromArguments for Connection<P> {
    fn from_arguments(arguments: &[Json]) -> Result<Self, Failure> {
        read(arguments, 0)
    }
}

/// A WebSocket message with the session it came from.
#[derive(Debug, Clone)]
pub struct Message<M = Json, P = serde_json::Map<String, Json>> {
    /// The message, checked against the schema.
    pub message: M,
    /// The session.
    pub connection: Connection<P>,
}

impl<M: DeserializeOwned, P: DeserializeOwned> FromArguments for Message<M, P> {
    fn from_arguments(arguments: &[Json]) -> Result<Self, Failure> {
        Ok(Message { message: read(arguments, 0)?, connection: read(arguments, 1)? })
    }
}

/// A type a handler can return: anything serialisable, or a [`Response`] for full control.
pub trait IntoReply {
    /// Turns the value into a reply.
    ///
    /// # Errors
    /// [`Failure::Raised`] when it cannot be written as JSON.
    fn into_reply(self) -> Result<Reply, Failure>;
}

impl<T: Serialize> IntoReply for T {
    fn into_reply(self) -> Result<Reply, Failure> {
        let value = serde_json::to_value(self)
            .map_err(|error| Failure::internal(format!("the result is not JSON: {error}")))?;
        Ok(Reply { value, response: None, effects: Effects::default() })
    }
}

/// A response with status and headers.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Json,
}

impl IntoReply for Response {
    fn into_reply(self) -> Result<Reply, Failure> {
        let response = Some(ResponseHead { status: self.status, headers: self.headers });
        Ok(Reply { value: self.body, response, effects: Effects::default() })
    }
}

/// What a Rust middleware returns.
#[derive(Debug, Clone)]
pub enum Flow {
    /// The request goes on as it is.
    Continue,
    /// The request goes on with these members replaced.
    Replace(Json),
    /// The request is answered here.
    Stop(Response),
}

impl IntoReply for Flow {
    fn into_reply(self) -> Result<Reply, Failure> {
        match self {
            Flow::Continue => Ok(Reply::default()),
            Flow::Replace(request) => request.into_reply(),
            Flow::Stop(response) => response.into_reply(),
        }
    }
}
