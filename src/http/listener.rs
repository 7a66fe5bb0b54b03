//! A bound socket, the actor that accepts on it, and each connection's life: what all doors share.
//!
//! ```text
//!  Accept actor ─▶ accept task ─▶ task per connection (hyper) ─▶ Site::answer(request)
//!        ▲  accept task ended: fail, restart on the same socket
//! ```
//!
//! Started by the composition root with a bound socket, which it keeps across restarts. Knows nothing of what the sites
//! answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{self, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::listener::patient::Patient;
use crate::shutdown::{Phase, Shutdown};
use crate::supervision::ChildSpec;

mod patient;

#[cfg(test)]
mod tests;

/// How long a client may take nothing of what is sent to it, at a door of an app.
pub const STALL: Duration = Duration::from_secs(30);

/// How long a response in hand may take once its listener is to be gone, when nothing else limits it.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What answers on a socket.
pub trait Site: Send + Sync + 'static {
    /// The body of its responses.
    type Body: body::Body<Data = Bytes, Error = Infallible> + Send + 'static;

    /// Answers one request of `client`.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        client: Client,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// What limits connections.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How long a client may take to send its headers.
    pub header_timeout: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub stall: Duration,
    /// Connections open at once; more wait in the backlog.
    pub connections: usize,
    /// The phase at which the socket is closed and connections end with the request in hand. The drain waits for the
    /// connections of a socket that closes at its beginning, and for no others.
    pub closes: Phase,
}

/// A bound socket and what answers on it.
pub struct Listener<S> {
    /// Gone once the phase is reached, so that clients are refused instead of left waiting.
    socket: Mutex<Option<Arc<TcpListener>>>,
    places: Arc<Semaphore>,
    bounds: Bounds,
    shutdown: Shutdown,
    site: Arc<S>,
}

impl<S: Site> Listener<S> {
    /// Puts `site` behind `socket`.
    pub fn new(socket: TcpListener, site: S, bounds: Bounds, shutdown: Shutdown) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(bounds.connections));
        let socket = Mutex::new(Some(Arc::new(socket)));
        Arc::new(Listener { socket, places, bounds, shutdown, site: Arc::new(site) })
    }

    /// Describes the actor that accepts as a child named `name`.
    pub fn child(self: &Arc<Self>, name: &str) -> ChildSpec {
        let listener = Arc::clone(self);
        ChildSpec::new(name, move |supervisor| {
            let accepting = Box::pin(accept(Arc::clone(&listener)));
            async move { Ok(Actor::spawn_linked(None, Accept, accepting, supervisor).await?.0.get_cell()) }
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

struct Accept;

/// The accept task ended, for this reason.
struct Ended(String);

/// Ends the accept task with the actor.
struct Accepting(tokio::task::AbortHandle);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Actor for Accept {
    type Msg = Ended;
    type State = Accepting;
    type Arguments = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

    async fn pre_start(
        &self,
        myself: ActorRef<Ended>,
        accepting: Self::Arguments,
    ) -> Result<Accepting, ActorProcessingErr> {
        let accepting = tokio::spawn(accepting);
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

/// Accepts connections until the phase at which the socket closes.
async fn accept<S: Site>(listener: Arc<Listener<S>>) {
    let (shutdown, closes) = (listener.shutdown.clone(), listener.bounds.closes);
    let Some(socket) = listener.socket.lock().clone() else {
        return;
    };
    loop {
        let place = tokio::select! {
            place = Arc::clone(&listener.places).acquire_owned() => place.expect("the semaphore is never closed"),
            () = shutdown.reached(closes) => return drop(listener.socket.lock().take()),
        };
        let (stream, client) = tokio::select! {
            accepted = socket.accept() => match accepted {
                Ok(connection) => connection,
                Err(error) => {
                    // Out of file descriptors, or the client is gone already: neither is helped by spinning.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = shutdown.reached(closes) => return drop(listener.socket.lock().take()),
        };
        let client = Client { address: client, place: Arc::new(place) };
        let conversation = converse(Arc::clone(&listener), stream, client);
        if closes == Phase::Draining {
            shutdown.spawn(conversation);
        } else {
            shutdown.spawn_onlooker(conversation);
        }
    }
}

/// Serves one connection to its end; the request in hand is finished when the socket closes.
async fn converse<S: Site>(listener: Arc<Listener<S>>, stream: TcpStream, client: Client) {
    let _ = stream.set_nodelay(true);
    let (shutdown, Bounds { header_timeout, stall, closes, .. }) =
        (listener.shutdown.clone(), listener.bounds);
    let (address, site) = (client.address, Arc::clone(&listener.site));
    let service = service_fn(move |request| {
        let answer = Arc::clone(&site).answer(request, client.clone());
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_timeout);
    let connection =
        http.serve_connection(TokioIo::new(Patient::new(stream, stall)), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.reached(closes) => {
            connection.as_mut().graceful_shutdown();
            if closes == Phase::Draining {
                connection.await
            } else {
                tokio::time::timeout(LAST_WORDS, connection).await.unwrap_or(Ok(()))
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(client = %address, %error, "connection ended");
    }
}
