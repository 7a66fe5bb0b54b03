//! The arguments of handlers whole: a request, an event, a tick, a message, a connection, with the schema's types
//! filled in.
//!
//! Read by the extractors in [`extract`](super::extract); plain data.

use std::collections::BTreeMap;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::invocation::{Failure, Json};
use crate::lang::native::extract::read;

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
        read(self.params.get(name).unwrap_or(&Json::Null))
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

/// A WebSocket message with the session it came from.
#[derive(Debug, Clone)]
pub struct Message<M = Json, P = serde_json::Map<String, Json>> {
    /// The message, checked against the schema.
    pub message: M,
    /// The session.
    pub connection: Connection<P>,
}
