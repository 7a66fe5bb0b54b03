//! The door of the app: what happens to each request.
//!
//! ```text
//!  Listener ─▶ serve(request) ─▶ routes ─▶ an api, an endpoint, or what is built in
//! ```
//!
//! Put behind a [`Listener`](crate::http::Listener) by the composition root.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::{Method, Request, Response, StatusCode};

use crate::actors::Context;
use crate::http::listener::{Bounds, Client, STALL, Site};
use crate::http::response::Body;
use crate::http::{Routes, request, response, websocket};
use crate::invocation::Trace;
use crate::shutdown::Phase;

/// The limits of the door.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How long a client may take to send its headers.
    pub header_timeout: Duration,
    /// Largest body in bytes.
    pub body_bytes: usize,
    /// Largest WebSocket message in bytes.
    pub message_bytes: usize,
    /// Connections open at once.
    pub connections: usize,
}

impl Limits {
    /// Returns what of it limits connections: the socket is closed when the app drains.
    pub fn bounds(&self) -> Bounds {
        let Limits { header_timeout, connections, .. } = *self;
        Bounds { header_timeout, stall: STALL, connections, closes: Phase::Draining }
    }
}

/// The HTTP door of one app.
pub struct Door {
    /// What entity actors work with.
    pub context: Arc<Context>,
    /// What is served where.
    pub routes: Routes,
    /// The limits.
    pub limits: Limits,
}

impl Site for Door {
    type Body = Body;

    async fn answer(self: Arc<Self>, request: Request<Incoming>, client: Client) -> Response<Body> {
        serve(&self, request, &client).await
    }
}

async fn serve(door: &Arc<Door>, request: Request<Incoming>, client: &Client) -> Response<Body> {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    if websocket::is_upgrade(&request)
        && let Some((socket, params)) = door.routes.socket(&path)
    {
        return websocket::upgrade(door, socket, request, &params, client).await;
    }
    let Some((api, params)) = door.routes.api(method.as_str(), &path) else {
        return without_api(door, &method, &path);
    };
    let deadline = api.deadline();
    let (parts, incoming) = request.into_parts();
    if parts.version == hyper::Version::HTTP_11 && !parts.headers.contains_key(HOST) {
        return response::problem(
            StatusCode::BAD_REQUEST,
            "The Host header is missing.",
            serde_json::json!({}),
        );
    }
    let reading = request::body(incoming, &parts.headers, door.limits.body_bytes);
    let body = match tokio::time::timeout_at(deadline.into(), reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return closing(response::from_malformed(&error)),
        Err(_) => {
            return response::problem(
                StatusCode::REQUEST_TIMEOUT,
                "The body took too long.",
                serde_json::json!({}),
            );
        }
    };
    let schema = &door.context.schema;
    let decoded = match request::decode(api, schema, &parts, &params, (body, client.address)) {
        Ok(decoded) => decoded,
        Err(error) => return response::from_malformed(&error),
    };
    let outcome = match api.check(decoded) {
        Ok(checked) => api.ask(checked, deadline, Trace::root()).await,
        Err(failure) => Err(failure),
    };
    response::from_outcome(api.spec(), outcome)
}

/// Answers a request that is for no api.
fn without_api(door: &Door, method: &Method, path: &str) -> Response<Body> {
    let Some(allowed) = door.routes.allowed(path) else {
        return built_in(door, method, path).unwrap_or_else(|| response::not_found(path));
    };
    match *method {
        Method::GET if door.routes.socket(path).is_some() => websocket::required(),
        Method::OPTIONS => response::options(&allowed),
        _ => response::method_not_allowed(method.as_str(), &allowed),
    }
}

/// Nothing more is read from a connection whose body was refused half-way.
fn closing(mut response: Response<Body>) -> Response<Body> {
    let close = hyper::header::HeaderValue::from_static("close");
    response.headers_mut().insert(hyper::header::CONNECTION, close);
    response
}

/// `/healthz`, `/readyz`, `/metrics`: unless the schema serves these paths itself.
fn built_in(door: &Door, method: &Method, path: &str) -> Option<Response<Body>> {
    if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return None;
    }
    if *method != Method::GET && *method != Method::HEAD {
        return Some(response::method_not_allowed(method.as_str(), "GET, HEAD"));
    }
    Some(match path {
        "/healthz" => response::text(StatusCode::OK, response::TEXT, "ok\n"),
        "/readyz" if door.context.shutdown.phase() == Phase::Running => {
            response::text(StatusCode::OK, response::TEXT, "ready\n")
        }
        "/readyz" => response::text(StatusCode::SERVICE_UNAVAILABLE, response::TEXT, "draining\n"),
        _ => {
            let page = door.context.telemetry.render(door.context.tree.snapshot().as_ref());
            response::text(StatusCode::OK, response::METRICS, page)
        }
    })
}
