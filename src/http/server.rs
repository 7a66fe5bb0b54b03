//! The listener actor and what happens to each connection and request.
//!
//! ```text
//!  Listener actor ─▶ accept task ─▶ task per connection (hyper) ─▶ serve(request) ─▶ routes …
//!        ▲  accept task ended: fail, restart on the same socket
//! ```
//!
//! Started by the composition root with a bound socket, which it keeps across restarts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::actors::Context;
use crate::http::response::Body;
use crate::http::{Routes, request, response, websocket};
use crate::invocation::Trace;
use crate::shutdown::Phase;
use crate::supervision::ChildSpec;

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

/// The HTTP door of one app.
pub struct Door {
    /// What entity actors work with.
    pub context: Arc<Context>,
    /// The bound socket; gone once the app drains, so that clients are refused instead of left waiting.
    pub listener: Mutex<Option<Arc<TcpListener>>>,
    /// What is served where.
    pub routes: Routes,
    /// The limits.
    pub limits: Limits,
}

impl Door {
    /// Describes the listener actor as a child named `listener`.
    pub fn child(self: &Arc<Self>) -> ChildSpec {
        let door = Arc::clone(self);
        let places = Arc::new(Semaphore::new(self.limits.connections));
        ChildSpec::new("listener", move |supervisor| {
            let (door, places) = (Arc::clone(&door), Arc::clone(&places));
            async move { Ok(Actor::spawn_linked(None, Listener, (door, places), supervisor).await?.0.get_cell()) }
        })
    }
}

/// Who is at the other end, and the place they take among the connections: held until the connection, upgraded or
/// not, is over.
#[derive(Clone)]
pub struct Client {
    /// The address.
    pub address: SocketAddr,
    /// The place.
    pub place: Arc<OwnedSemaphorePermit>,
}

struct Listener;

/// The accept task ended, for this reason.
struct Ended(String);

/// Ends the accept task with the actor.
struct Accepting(tokio::task::AbortHandle);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Actor for Listener {
    type Msg = Ended;
    type State = Accepting;
    type Arguments = (Arc<Door>, Arc<Semaphore>);

    async fn pre_start(
        &self,
        myself: ActorRef<Ended>,
        (door, places): Self::Arguments,
    ) -> Result<Accepting, ActorProcessingErr> {
        let accepting = tokio::spawn(accept(door, places));
        let handle = accepting.abort_handle();
        tokio::spawn(async move {
            if let Err(error) = accepting.await
                && error.is_panic()
            {
                let _ = myself.send_message(Ended("the accept loop panicked".to_owned()));
            }
        });
        Ok(Accepting(handle))
    }

    async fn handle(
        &self,
        _: ActorRef<Ended>,
        Ended(reason): Ended,
        _: &mut Accepting,
    ) -> Result<(), ActorProcessingErr> {
        Err(reason.into())
    }
}

/// Accepts connections until the app drains.
async fn accept(door: Arc<Door>, places: Arc<Semaphore>) {
    let shutdown = door.context.shutdown.clone();
    let Some(listener) = door.listener.lock().clone() else {
        return;
    };
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place.expect("the semaphore is never closed"),
            () = shutdown.reached(Phase::Draining) => return drop(door.listener.lock().take()),
        };
        let (stream, client) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(connection) => connection,
                Err(error) => {
                    // Out of file descriptors, or the client is gone already: neither is helped by spinning.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = shutdown.reached(Phase::Draining) => return drop(door.listener.lock().take()),
        };
        let door = Arc::clone(&door);
        shutdown.spawn(async move {
            converse(door, stream, Client { address: client, place: Arc::new(place) }).await;
        });
    }
}

/// Serves one connection to its end; a draining app lets it finish the request in hand.
async fn converse(door: Arc<Door>, stream: TcpStream, client: Client) {
    let _ = stream.set_nodelay(true);
    let shutdown = door.context.shutdown.clone();
    let header_timeout = door.limits.header_timeout;
    let address = client.address;
    let service = service_fn(move |request| {
        let (door, client) = (Arc::clone(&door), client.clone());
        async move { Ok::<_, std::convert::Infallible>(serve(&door, request, &client).await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_timeout);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.reached(Phase::Draining) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(client = %address, %error, "connection ended");
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
    const TEXT: &str = "text/plain; charset=utf-8";
    if !matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return None;
    }
    if *method != Method::GET && *method != Method::HEAD {
        return Some(response::method_not_allowed(method.as_str(), "GET, HEAD"));
    }
    Some(match path {
        "/healthz" => response::text(StatusCode::OK, TEXT, "ok\n"),
        "/readyz" if door.context.shutdown.phase() == Phase::Running => {
            response::text(StatusCode::OK, TEXT, "ready\n")
        }
        "/readyz" => response::text(StatusCode::SERVICE_UNAVAILABLE, TEXT, "draining\n"),
        _ => {
            let page = door.context.telemetry.render(door.context.tree.snapshot().as_ref());
            response::text(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", page)
        }
    })
}
