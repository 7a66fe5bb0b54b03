//! Typed references to entities: [`ApiRef`] calls an api, [`Trigger`] publishes an event when its handler succeeds.
//!
//! Made by the app's handle and by [`State`]; a reference of a handler keeps to the handler's deadline and continues its
//! chain. They convert and name things, the [`Host`] does the work.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::invocation::{ApiRequest, Failure, Json, Reply};
use crate::lang::native::extract::short_name;
use crate::lang::native::host::{Caller, Host};
use crate::lang::native::state::State;

/// A reference to an api that takes a body `I` and answers with an `O`. Clones are cheap.
pub struct ApiRef<I, O> {
    host: Arc<dyn Host>,
    api: Arc<str>,
    caller: Caller,
    types: PhantomData<fn(&I) -> O>,
}

impl<I, O> Clone for ApiRef<I, O> {
    fn clone(&self) -> Self {
        let (host, api) = (Arc::clone(&self.host), Arc::clone(&self.api));
        ApiRef { host, api, caller: self.caller.clone(), types: PhantomData }
    }
}

impl<I, O> fmt::Debug for ApiRef<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ApiRef").field(&self.api).finish()
    }
}

impl<I: Serialize, O: DeserializeOwned> ApiRef<I, O> {
    pub(crate) fn new(host: Arc<dyn Host>, api: &str, caller: Caller) -> Result<Self, Failure> {
        host.find_api(api).map_err(|failure| caller.blame(api, failure))?;
        Ok(ApiRef { host, api: api.into(), caller, types: PhantomData })
    }

    /// Calls the api and waits for its answer, through the same checks, mailbox and time limit as HTTP.
    ///
    /// # Errors
    /// Every [`Failure`] that a call can end with; [`Failure::Raised`] also for an answer that is not an `O`: a
    /// response of status 400 or above, a value of another shape.
    ///
    /// # Cancel safety
    /// Dropping the future takes nothing back: the handler may have run, or run on until its deadline.
    pub async fn call(&self, input: &I) -> Result<O, Failure> {
        self.call_with(input, ApiRequest::default()).await
    }

    /// Calls the api with path parameters, a query and headers; `input` is the body.
    ///
    /// # Errors
    /// As [`ApiRef::call`].
    ///
    /// # Cancel safety
    /// As [`ApiRef::call`].
    pub async fn call_with(&self, input: &I, request: ApiRequest) -> Result<O, Failure> {
        let request = self.request(input, request)?;
        let Reply { value, response, .. } = self.host.call(&self.api, request, &self.caller).await?;
        let api = &self.api;
        if let Some(status) = response.map(|head| head.status).filter(|status| *status >= 400) {
            return Err(Failure::declared(
                "Response",
                format!("api {api} answered with status {status}"),
                value,
            ));
        }
        O::deserialize(value).map_err(|error| {
            let wanted = short_name::<O>();
            Failure::internal(format!("the answer of api {api} does not fit the Rust type {wanted}: {error}"))
        })
    }

    /// Sends `input` without waiting: it is accepted or refused at once, how it ends is only logged.
    ///
    /// # Errors
    /// [`Failure::BadRequest`] when it does not fit the schema, [`Failure::Overloaded`] when the mailbox is full,
    /// [`Failure::ShuttingDown`].
    pub fn cast(&self, input: &I) -> Result<(), Failure> {
        self.cast_with(input, ApiRequest::default())
    }

    /// Sends `input` with path parameters, a query and headers, without waiting.
    ///
    /// # Errors
    /// As [`ApiRef::cast`].
    pub fn cast_with(&self, input: &I, request: ApiRequest) -> Result<(), Failure> {
        self.host.cast(&self.api, self.request(input, request)?, &self.caller)
    }

    fn request(&self, input: &I, request: ApiRequest) -> Result<ApiRequest, Failure> {
        Ok(ApiRequest { body: to_json(input, "the input")?, ..request })
    }
}

/// A reference of a handler to an event with the payload `P`.
pub struct Trigger<P> {
    state: State,
    event: Arc<str>,
    types: PhantomData<fn(&P)>,
}

impl<P> Clone for Trigger<P> {
    fn clone(&self) -> Self {
        Trigger { state: self.state.clone(), event: Arc::clone(&self.event), types: PhantomData }
    }
}

impl<P: Serialize> Trigger<P> {
    pub(super) fn new(state: State, event: &str) -> Self {
        Trigger { state, event: event.into(), types: PhantomData }
    }

    /// Publishes the event once when the handler succeeds.
    ///
    /// # Errors
    /// As [`State::trigger_event`].
    pub fn trigger(&self, payload: &P) -> Result<(), Failure> {
        self.state.trigger_event(&self.event, payload)
    }
}

/// Writes a value as JSON; `what` names it in the error.
pub(crate) fn to_json(value: impl Serialize, what: &str) -> Result<Json, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::internal(format!("{what} is not JSON: {error}")))
}
