//! The admin door: the tree and the metrics of a running app, for operators and their tools, on an address of its own.
//!
//! ```text
//!  Listener ─▶ Access (host, token) ─▶ /healthz
//!                                  ├─▶ /tree, /metrics ─▶ Pages ─▶ a thread that renders
//!                                  └─▶ /tree/events ─▶ a line per change, as it happens
//! ```
//!
//! Put behind a [`Listener`](crate::http::Listener) by the composition root. It only reads: nothing can be changed
//! through it. It answers until the app is forced down, also while it drains, and the drain does not wait for it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONNECTION, HeaderName, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::json;

use crate::actors::Context;
use crate::http::listener::{Bounds, Client, STALL, Site};
use crate::http::response;
use crate::shutdown::Phase;

mod access;
mod events;
mod pages;

#[cfg(test)]
mod tests;

pub use crate::http::admin::access::Access;
use crate::http::admin::access::Refusal;
use crate::http::admin::pages::{Page, Pages, Rendered};

/// Readers at once. They share what is rendered, so many of them cost little more than one.
const CONNECTIONS: usize = 2_048;

/// Which version of rohas answers: how tools know that they reached an admin door.
const VERSION: HeaderName = HeaderName::from_static("rohas-version");

/// Whether the app is `running` or `draining`.
const PHASE: HeaderName = HeaderName::from_static("rohas-phase");

/// The body of every response: a page, or a stream.
type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The admin door of one app.
pub struct Admin {
    context: Arc<Context>,
    access: Access,
    pages: Pages,
}

impl Admin {
    /// Shows the app of `context` to those whom `access` lets in.
    pub fn new(context: Arc<Context>, access: Access) -> Self {
        Admin { pages: Pages::new(Arc::clone(&context)), context, access }
    }

    /// Returns what limits its connections: the socket stays open until the app is forced down.
    pub fn bounds(header_timeout: Duration) -> Bounds {
        Bounds { header_timeout, stall: STALL, connections: CONNECTIONS, closes: Phase::Forced }
    }

    /// Answers a request of somebody who may ask.
    async fn respond(&self, parts: &Parts) -> Response<Body> {
        let path = parts.uri.path();
        if !matches!(path, "/tree" | "/tree/events" | "/metrics" | "/healthz") {
            let detail =
                format!("Nothing is served at {path}, only /tree, /tree/events, /metrics and /healthz.");
            return whole(response::problem(StatusCode::NOT_FOUND, &detail, json!({})));
        }
        if parts.method != Method::GET {
            return whole(response::method_not_allowed(parts.method.as_str(), "GET"));
        }
        let part = match part(parts.uri.query().unwrap_or_default(), path.starts_with("/tree")) {
            Ok(part) => part,
            Err(detail) => return whole(response::problem(StatusCode::BAD_REQUEST, &detail, json!({}))),
        };
        match path {
            "/healthz" => whole(response::text(StatusCode::OK, response::TEXT, "ok\n")),
            "/metrics" => self.page(Page::Metrics).await,
            "/tree/events" => events::stream(&self.context, part.as_deref()),
            _ => self.page(Page::Tree { path: part, text: wants_text(&parts.headers) }).await,
        }
    }

    async fn page(&self, page: Page) -> Response<Body> {
        let content_type = match page {
            Page::Metrics => response::METRICS,
            Page::Tree { text: true, .. } => response::TEXT,
            Page::Tree { text: false, .. } => "application/json",
        };
        whole(match self.pages.get(page).await {
            Rendered::Page(bytes) => response::text(StatusCode::OK, content_type, bytes),
            Rendered::NoActor(detail) => response::problem(StatusCode::NOT_FOUND, &detail, json!({})),
            Rendered::Unavailable(reason) => {
                tracing::warn!(reason, "the admin door cannot render a page");
                response::problem(StatusCode::SERVICE_UNAVAILABLE, "Try again.", json!({}))
            }
        })
    }
}

/// A response that is not a stream.
fn whole(response: Response<response::Body>) -> Response<Body> {
    response.map(BodyExt::boxed_unsync)
}

impl Site for Admin {
    type Body = Body;

    async fn answer(self: Arc<Self>, request: Request<Incoming>, _: Client) -> Response<Body> {
        let (parts, _) = request.into_parts();
        let mut response = match self.access.check(&parts) {
            Ok(()) => self.respond(&parts).await,
            Err(refusal) => refused(&refusal),
        };
        let headers = response.headers_mut();
        let phase = if self.context.shutdown.phase() == Phase::Running { "running" } else { "draining" };
        headers.insert(VERSION, HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
        headers.insert(PHASE, HeaderValue::from_static(phase));
        // No cache keeps it and no page of a browser can take it for a script.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

/// Returns the parameter `path`, where there is one.
fn part(query: &str, takes_path: bool) -> Result<Option<String>, String> {
    let mut path = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "path" if takes_path && path.is_none() => path = Some(value.into_owned()),
            "path" if takes_path => return Err("The parameter path is given twice.".to_owned()),
            _ if takes_path => return Err(format!("There is no parameter {name:?}, only path.")),
            _ => return Err(format!("There is no parameter {name:?}.")),
        }
    }
    Ok(path)
}

/// Tells whether text is named before JSON in what the client accepts.
fn wants_text(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(','));
    let named = types.find_map(|accepted| match accepted.split(';').next().unwrap_or_default().trim() {
        "text/plain" | "text/*" => Some(true),
        "application/json" | "application/*" | "*/*" => Some(false),
        _ => None,
    });
    named.unwrap_or(false)
}

fn refused(refusal: &Refusal) -> Response<Body> {
    let status = match refusal {
        Refusal::NoHost => StatusCode::BAD_REQUEST,
        Refusal::OtherHost(_) => StatusCode::FORBIDDEN,
        Refusal::NoToken | Refusal::WrongToken => StatusCode::UNAUTHORIZED,
    };
    let mut response = whole(response::problem(status, &refusal.to_string(), json!({})));
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rohas admin\""));
    }
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
