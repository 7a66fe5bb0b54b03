//! [`Outcome`] → bytes: the one place where failures become status codes. Errors are RFC 9457 problem details.
//!
//! Called by the server. Internal text goes to the log under an id that the client gets instead.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::http::request::Malformed;
use crate::invocation::{Failure, Json, Outcome, Reply, ResponseHead};
use crate::schema::Api;

/// The body of every response.
pub type Body = Full<Bytes>;

/// Headers that belong to the connection, not to a handler: a wrong length would shift every later response.
const FRAMING: [HeaderName; 7] = [
    hyper::header::CONTENT_LENGTH,
    hyper::header::TRANSFER_ENCODING,
    hyper::header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    hyper::header::UPGRADE,
    hyper::header::TE,
    hyper::header::TRAILER,
];

/// The content type of metrics.
pub const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The content type of plain text.
pub const TEXT: &str = "text/plain; charset=utf-8";

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Turns the outcome of a call of `api` into a response.
pub fn from_outcome(api: &Api, outcome: Outcome) -> Response<Body> {
    match outcome {
        Ok(Reply { value, response: Some(head), .. }) => from_head(&api.name, head, &value),
        Ok(_) if api.response.is_none() => {
            empty(StatusCode::from_u16(api.status).unwrap_or(StatusCode::NO_CONTENT))
        }
        Ok(Reply { value, .. }) => json(StatusCode::from_u16(api.status).unwrap_or(StatusCode::OK), &value),
        Err(failure) => from_failure(api, failure),
    }
}

/// The one match from failures to status codes.
fn from_failure(api: &Api, failure: Failure) -> Response<Body> {
    let (status, detail) = match &failure {
        Failure::Raised { name, body, .. } => match declared(api, name) {
            Some(status) => return json(status, body),
            None => return internal(&api.name, &failure),
        },
        Failure::BadRequest(violations) => {
            let detail = "The request does not fit the schema.";
            return problem(StatusCode::UNPROCESSABLE_ENTITY, detail, json!({ "errors": violations }));
        }
        Failure::BadResult(_) | Failure::NotFound(_) => return internal(&api.name, &failure),
        Failure::TimedOut => {
            (StatusCode::GATEWAY_TIMEOUT, "The handler did not answer within its time limit.")
        }
        Failure::Overloaded { .. } => (StatusCode::SERVICE_UNAVAILABLE, "Too many requests wait already."),
        Failure::Crashed(_) => (StatusCode::SERVICE_UNAVAILABLE, "The engine stopped under the call."),
        Failure::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "The app is shutting down."),
    };
    tracing::warn!(api = api.name, status = status.as_u16(), error = %failure, "call failed");
    let mut response = problem(status, detail, json!({}));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// Finds the status of a declared error by its name.
fn declared(api: &Api, name: &str) -> Option<StatusCode> {
    let (status, _) = api.errors.iter().find(|(_, error)| error.as_str() == name)?;
    StatusCode::from_u16(*status).ok()
}

fn internal(api: &str, failure: &Failure) -> Response<Body> {
    let id = Uuid::now_v7();
    let stack = if let Failure::Raised { stack, .. } = failure { stack.as_str() } else { "" };
    tracing::error!(api, error_id = %id, error = %failure, stack, "handler failed");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "The handler failed.", json!({ "id": id }))
}

fn from_head(api: &str, head: ResponseHead, value: &Json) -> Response<Body> {
    let Some(status) = StatusCode::from_u16(head.status).ok().filter(|status| !status.is_informational())
    else {
        let failure = Failure::internal(format!("{} is not the status of a response", head.status));
        return internal(api, &failure);
    };
    let mut response = match value {
        Json::Null => empty(status),
        _ => json(status, value),
    };
    for (name, text) in &head.headers {
        let pair = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(text));
        let (Ok(name), Ok(text)) = pair else {
            let failure = Failure::internal(format!("{name}: {text} is not an HTTP header"));
            return internal(api, &failure);
        };
        if FRAMING.contains(&name) {
            continue;
        }
        if name == CONTENT_TYPE {
            let is_json = text.to_str().is_ok_and(|text| text.contains("json"));
            if let (Json::String(body), false) = (value, is_json) {
                *response.body_mut() = Full::from(body.clone());
            }
            response.headers_mut().insert(name, text);
        } else {
            response.headers_mut().append(name, text);
        }
    }
    response
}

/// Turns what is wrong with the bytes of a request into a response.
pub fn from_malformed(error: &Malformed) -> Response<Body> {
    let status = match error {
        Malformed::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        Malformed::NotJsonType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Malformed::Encoding(_) | Malformed::NotJson(_) | Malformed::Broken(_) => StatusCode::BAD_REQUEST,
    };
    problem(status, &error.to_string(), json!({}))
}

/// The failure of a middleware in front of a WebSocket upgrade.
pub fn from_upgrade(name: &str, failure: &Failure) -> Response<Body> {
    match failure {
        Failure::TimedOut => {
            problem(StatusCode::GATEWAY_TIMEOUT, "A middleware did not answer in time.", json!({}))
        }
        Failure::Overloaded { .. } | Failure::Crashed(_) | Failure::ShuttingDown => {
            problem(StatusCode::SERVICE_UNAVAILABLE, "Try again.", json!({}))
        }
        _ => internal(name, failure),
    }
}

/// A response that a middleware gave instead of the upgrade.
pub fn from_stopped(name: &str, reply: Reply) -> Response<Body> {
    let head = reply.response.unwrap_or(ResponseHead { status: 403, headers: Vec::new() });
    from_head(name, head, &reply.value)
}

/// 404: no route.
pub fn not_found(path: &str) -> Response<Body> {
    problem(StatusCode::NOT_FOUND, &format!("Nothing is served at {path}."), json!({}))
}

/// 405, with the methods that are served.
pub fn method_not_allowed(method: &str, allowed: &str) -> Response<Body> {
    let mut response = problem(
        StatusCode::METHOD_NOT_ALLOWED,
        &format!("{method} is not served here, only {allowed}."),
        json!({}),
    );
    response.headers_mut().insert(ALLOW, HeaderValue::from_str(allowed).expect("methods are ASCII"));
    response
}

/// 204 to OPTIONS, with the methods that are served.
pub fn options(allowed: &str) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    response.headers_mut().insert(ALLOW, HeaderValue::from_str(allowed).expect("methods are ASCII"));
    response
}

/// Plain text, for health checks and metrics.
pub fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A response without a body.
pub fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

fn json(status: StatusCode, value: &Json) -> Response<Body> {
    let mut response = Response::new(Full::from(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// An RFC 9457 problem; `more` adds members.
pub fn problem(status: StatusCode, detail: &str, more: Json) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or("Error");
    let mut value =
        json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    if let (Json::Object(members), Json::Object(more)) = (&mut value, more) {
        members.extend(more);
    }
    let mut response = json(status, &value);
    response.headers_mut().insert(CONTENT_TYPE, PROBLEM);
    response
}
