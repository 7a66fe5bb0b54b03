//! What Rust handlers return: values, responses, the answers of middlewares, and errors that are nobody's business.
//!
//! Used by handlers and by [`Handler`](super::Handler); pure conversions.

use std::error::Error;

use serde::Serialize;

use crate::invocation::{Effects, Failure, Json, Reply, ResponseHead};

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

/// Turns any error into one that only the log gets to see.
pub trait OrInternal<T> {
    /// Makes of an error a failure that is not the client's business: the client gets a 500 with an id, the log the
    /// text of the error and of its causes under the same id.
    ///
    /// ```
    /// use rohas::{Failure, OrInternal};
    ///
    /// fn number(text: &str) -> Result<u32, Failure> {
    ///     let number = text.parse::<u32>().or_internal()?;
    ///     Ok(number)
    /// }
    /// assert!(number("x").unwrap_err().to_string().contains("invalid digit"));
    /// ```
    ///
    /// # Errors
    /// [`Failure::Raised`] for every error.
    fn or_internal(self) -> Result<T, Failure>;
}

impl<T, E: Into<Box<dyn Error + Send + Sync>>> OrInternal<T> for Result<T, E> {
    fn or_internal(self) -> Result<T, Failure> {
        self.map_err(|error| {
            let error: Box<dyn Error + Send + Sync> = error.into();
            let mut text = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                text = format!("{text}: {cause}");
                source = cause.source();
            }
            Failure::internal(text)
        })
    }
}
