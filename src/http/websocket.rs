//! The WebSocket door: upgrades a request and carries frames between the client and its session actor.
//!
//! ```text
//!  client ⇄ tungstenite ⇄ pump ──receive──▶ Session (mailbox)
//!                           ◀────text───── Session (outbound)
//! ```
//!
//! Middlewares run before the upgrade, so that a rejection is a plain HTTP response.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::body;
use hyper::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::actors::{Origin, Passage, Session, Socket, pass, publish};
use crate::http::response::{self, Body};
use crate::http::routes::RawParams;
use crate::http::{Client, Door, request};
use crate::invocation::{Failure, Json, Trace};
use crate::shutdown::{Phase, Shutdown};

/// How often an idle client is pinged, so that a dead one is noticed by the failing write.
const PING: Duration = Duration::from_secs(30);

/// A client that has sent nothing for so long, not even the answer to a ping, is gone.
const SILENCE: Duration = Duration::from_secs(75);

/// How long a client may take to make room for one message.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client has to answer the close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// Tells whether a request asks for a WebSocket.
pub fn is_upgrade(request: &Request<body::Incoming>) -> bool {
    has_token(request.headers(), &CONNECTION, "upgrade")
        && has_token(request.headers(), &UPGRADE, "websocket")
}

/// 426 to a plain GET of an endpoint.
pub fn required() -> Response<Body> {
    let detail = "This path speaks WebSocket only.";
    let mut response = response::problem(StatusCode::UPGRADE_REQUIRED, detail, json!({}));
    response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
    response
}

/// Answers the handshake and starts the session.
pub async fn upgrade(
    door: &Arc<Door>,
    socket: &Socket,
    mut request: Request<body::Incoming>,
    params: &RawParams,
    client: &Client,
) -> Response<Body> {
    let accept = match accept_key(&request) {
        Ok(accept) => accept,
        Err(refusal) => return *refusal,
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let (spec, context) = (socket.spec(), socket.context());
    let mut connection =
        match request::connection(&context.schema, &spec.params, &parts, params, client.address) {
            Ok(connection) => connection,
            Err(error) => return response::from_malformed(&error),
        };
    let violations = context.schema.check_fields(&spec.params, &mut connection["params"], "/params");
    if !violations.is_empty() {
        let detail = "The request does not fit the schema.";
        return response::problem(StatusCode::UNPROCESSABLE_ENTITY, detail, json!({ "errors": violations }));
    }
    let trace = Trace::root();
    let connection = match admit(socket, connection, &trace).await {
        Ok(connection) => connection,
        Err(refusal) => return *refusal,
    };
    let (session, outbound_rx) = Session::new(socket.clone(), connection, trace);
    let (socket, client, message_bytes) = (socket.clone(), client.clone(), door.limits.message_bytes);
    context.shutdown.spawn(async move {
        match upgraded.await {
            Ok(upgraded) => run(upgraded, &socket, session, (outbound_rx, message_bytes)).await,
            Err(error) => tracing::debug!(client = %client.address, %error, "upgrade failed"),
        }
        drop(client.place);
    });
    let mut response = response::empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// Runs the endpoint's middlewares and publishes what they trigger.
async fn admit(socket: &Socket, connection: Json, trace: &Trace) -> Result<Json, Box<Response<Body>>> {
    let (spec, context) = (socket.spec(), socket.context());
    let deadline = Instant::now() + context.timeout;
    let source = format!("ws {}", spec.name);
    let origin = Origin { source: &source, triggers: &[], cause: trace.correlation_id, trace };
    let failed = |failure: Failure| Box::new(response::from_upgrade(&spec.name, &failure));
    match pass(context, &spec.middlewares, connection, deadline, trace).await.map_err(failed)? {
        Passage::Through(connection, effects) => {
            publish(context, origin, &Json::Null, &effects, deadline).await.map_err(failed)?;
            Ok(connection)
        }
        Passage::Stopped(reply) => {
            if reply.response.as_ref().is_some_and(|response| response.status < 400) {
                publish(context, origin, &Json::Null, &reply.effects, deadline).await.map_err(failed)?;
            }
            Err(Box::new(response::from_stopped(&spec.name, reply)))
        }
    }
}

/// Browsers name the origin of the page that opens a WebSocket, and nothing else keeps a foreign page from doing
/// so in its user's name. Other clients send no origin.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (headers.contains_key(ORIGIN), text(ORIGIN), text(HOST)) {
        (false, ..) => true,
        (true, Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
        }
        _ => false,
    }
}

fn accept_key(request: &Request<body::Incoming>) -> Result<HeaderValue, Box<Response<Body>>> {
    let refuse = |status, detail| Box::new(response::problem(status, detail, json!({})));
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(refuse(StatusCode::METHOD_NOT_ALLOWED, "A WebSocket handshake is a GET."));
    }
    if !same_origin(headers) {
        return Err(refuse(StatusCode::FORBIDDEN, "WebSockets of pages from another origin are not taken."));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut refusal = refuse(StatusCode::UPGRADE_REQUIRED, "Only WebSocket version 13 is spoken.");
        refusal.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(refusal);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY);
    let key =
        key.ok_or_else(|| refuse(StatusCode::BAD_REQUEST, "The Sec-WebSocket-Key header is missing."))?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| refuse(StatusCode::BAD_REQUEST, "The Sec-WebSocket-Key header is not valid."))
}

/// Runs the session of an upgraded connection to its end.
async fn run(
    upgraded: Upgraded,
    socket: &Socket,
    session: Session,
    (outbound_rx, message_bytes): (mpsc::Receiver<Arc<str>>, usize),
) {
    let config =
        WebSocketConfig::default().max_message_size(Some(message_bytes)).max_frame_size(Some(message_bytes));
    let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    if let Err(error) = socket.open(session.clone()).await {
        tracing::warn!(%error, "session not started");
        return;
    }
    session.connected().await;
    pump(stream, &session, outbound_rx, &socket.context().shutdown).await;
}

type Sink = SplitSink<WebSocketStream<TokioIo<Upgraded>>, Message>;
type Incoming = SplitStream<WebSocketStream<TokioIo<Upgraded>>>;
type Close = (CloseCode, String);

/// How a connection came to its end.
enum Ending {
    /// The client has closed it or is gone.
    Lost,
    /// We close it, and say why.
    Close(Close),
}

/// Carries frames both ways until either side ends, then has the session finish what it was given, sends what that
/// yields, and closes. Reading and writing go on side by side: a session that is busy can still be written to.
async fn pump(
    stream: WebSocketStream<TokioIo<Upgraded>>,
    session: &Session,
    mut outbound_rx: mpsc::Receiver<Arc<str>>,
    shutdown: &Shutdown,
) {
    let (mut sink, mut incoming) = stream.split();
    let (cut, gone) = (session.cut(), session.gone());
    let leaving = || (CloseCode::Away, "the app is shutting down".to_owned());
    let ending = tokio::select! {
        ending = read(&mut incoming, session) => ending,
        () = write(&mut sink, &mut outbound_rx) => Ending::Lost,
        () = cut.cancelled() => Ending::Close((CloseCode::Again, "connect again".to_owned())),
        () = shutdown.reached(Phase::Draining) => Ending::Close(leaving()),
    };
    let finish = async {
        session.disconnected().await;
        gone.cancelled().await;
    };
    let Ending::Close((code, reason)) = ending else {
        drop((sink, incoming, outbound_rx)); // nobody is there to read answers
        return finish.await;
    };
    tokio::select! {
        () = finish => {}
        () = write(&mut sink, &mut outbound_rx) => {}
    }
    while let Ok(text) = outbound_rx.try_recv() {
        if !send(&mut sink, Message::Text((&*text).into())).await {
            break;
        }
    }
    let frame = CloseFrame { code, reason: reason.into() };
    if send(&mut sink, Message::Close(Some(frame))).await {
        // Closing a socket with unread bytes in it would reset it and take the close frame along.
        let answered = async { while let Some(Ok(_)) = incoming.next().await {} };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, answered).await;
    }
    gone.cancelled().await;
}

/// Hands the client's messages to the session.
async fn read(incoming: &mut Incoming, session: &Session) -> Ending {
    loop {
        let Ok(Some(message)) = tokio::time::timeout(SILENCE, incoming.next()).await else {
            return Ending::Lost;
        };
        match message {
            Ok(Message::Text(text)) => session.receive(text.as_str()).await,
            Ok(Message::Binary(bytes)) => session.receive(&String::from_utf8_lossy(&bytes)).await,
            Ok(Message::Close(_)) => return Ending::Lost,
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
            Err(error) => return close_for(&error).map_or(Ending::Lost, Ending::Close),
        }
    }
}

/// Sends the session's frames and pings; ends when the client takes no more.
async fn write(sink: &mut Sink, outbound_rx: &mut mpsc::Receiver<Arc<str>>) {
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
    loop {
        let message = tokio::select! {
            text = outbound_rx.recv() => match text {
                Some(text) => Message::Text((&*text).into()),
                None => return,
            },
            _ = ping.tick() => Message::Ping(Vec::new().into()),
        };
        if !send(sink, message).await {
            return;
        }
    }
}

/// Sends one message; false when the client does not take it in time.
async fn send(sink: &mut Sink, message: Message) -> bool {
    matches!(tokio::time::timeout(WRITE_TIMEOUT, sink.send(message)).await, Ok(Ok(())))
}

/// Says why a connection ends after a frame that cannot be read.
fn close_for(error: &tungstenite::Error) -> Option<Close> {
    match error {
        tungstenite::Error::Capacity(_) => Some((CloseCode::Size, "the message is too large".to_owned())),
        tungstenite::Error::Utf8(_) => Some((CloseCode::Invalid, "the text is not UTF-8".to_owned())),
        tungstenite::Error::Protocol(_) => Some((CloseCode::Protocol, "protocol error".to_owned())),
        _ => None,
    }
}
