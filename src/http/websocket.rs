//! The WebSocket door: upgrades a request and carries frames between the client and its session actor.
//!
//! ```text
//!  client ⇄ tungstenite ⇄ pump ──receive──▶ Session (mailbox)
//!                           ◀────Frame──── Session (outbound)
//! ```
//!
//! Middlewares run before the upgrade, so that a rejection is a plain HTTP response.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::actors::{Frame, Passage, Session, Socket, pass};
use crate::http::response::{self, Body};
use crate::http::routes::RawParams;
use crate::http::{Door, request};
use crate::invocation::Trace;
use crate::shutdown::{Phase, Shutdown};

/// How often an idle client is pinged, so that a dead one is noticed by the failing write.
const PING: Duration = Duration::from_secs(30);

/// How long a client has to take the last frames and answer the close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// Tells whether a request asks for a WebSocket.
pub fn is_upgrade(request: &Request<Incoming>) -> bool {
    has_token(request.headers(), &CONNECTION, "upgrade")
        && has_token(request.headers(), &UPGRADE, "websocket")
}

/// 426 to a plain GET of an endpoint.
pub fn required() -> Response<Body> {
    let detail = "This path speaks WebSocket only.";
    let mut response = response::problem(StatusCode::UPGRADE_REQUIRED, detail, json!({}));
    response
        .headers_mut()
        .insert(UPGRADE, HeaderValue::from_static("websocket"));
    response
}

/// Answers the handshake and starts the session.
pub async fn upgrade(
    door: &Arc<Door>,
    socket: &Socket,
    mut request: Request<Incoming>,
    params: &RawParams,
    client: SocketAddr,
) -> Response<Body> {
    let accept = match accept_key(&request) {
        Ok(accept) => accept,
        Err(refusal) => return *refusal,
    };
    let upgraded = hyper::upgrade::on(&mut request);
    let (parts, _) = request.into_parts();
    let (spec, context) = (socket.spec(), socket.context());
    let connection = match request::connection(&context.schema, &spec.params, &parts, params, client) {
        Ok(connection) => connection,
        Err(error) => return response::from_malformed(&error),
    };
    let mut declared = connection["params"].clone();
    let violations = context
        .schema
        .check_fields(&spec.params, &mut declared, "/params");
    if !violations.is_empty() {
        let detail = "The request does not fit the schema.";
        return response::problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            detail,
            json!({ "errors": violations }),
        );
    }
    let (trace, deadline) = (Trace::root(), Instant::now() + context.timeout);
    let connection = match pass(context, &spec.middlewares, connection, deadline, &trace).await {
        Ok(Passage::Through(connection)) => connection,
        Ok(Passage::Stopped(reply)) => return response::from_stopped(&spec.name, reply),
        Err(failure) => return response::from_upgrade(&spec.name, &failure),
    };
    let (session, outbound_rx) = Session::new(socket.clone(), connection, trace);
    let (socket, message_bytes) = (socket.clone(), door.limits.message_bytes);
    context.shutdown.spawn(async move {
        match upgraded.await {
            Ok(upgraded) => run(upgraded, &socket, session, (outbound_rx, message_bytes)).await,
            Err(error) => tracing::debug!(%client, %error, "upgrade failed"),
        }
    });
    let mut response = response::empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

fn accept_key(request: &Request<Incoming>) -> Result<HeaderValue, Box<Response<Body>>> {
    let refuse = |status, detail| Box::new(response::problem(status, detail, json!({})));
    let headers = request.headers();
    if headers
        .get(SEC_WEBSOCKET_VERSION)
        .is_none_or(|version| version != "13")
    {
        let mut refusal = refuse(
            StatusCode::UPGRADE_REQUIRED,
            "Only WebSocket version 13 is spoken.",
        );
        refusal
            .headers_mut()
            .insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(refusal);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY);
    let key = key.ok_or_else(|| {
        refuse(
            StatusCode::BAD_REQUEST,
            "The Sec-WebSocket-Key header is missing.",
        )
    })?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).map_err(|_| {
        refuse(
            StatusCode::BAD_REQUEST,
            "The Sec-WebSocket-Key header is not valid.",
        )
    })
}

/// Runs the session of an upgraded connection to its end.
async fn run(
    upgraded: Upgraded,
    socket: &Socket,
    session: Session,
    (outbound_rx, message_bytes): (mpsc::Receiver<Frame>, usize),
) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(message_bytes))
        .max_frame_size(Some(message_bytes));
    let stream = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    if let Err(error) = socket.open(session.clone()).await {
        tracing::warn!(%error, "session not started");
        return;
    }
    session.connected().await;
    pump(stream, &session, outbound_rx, &socket.context().shutdown).await;
    session.disconnected().await;
}

/// Carries frames both ways until either side ends. Reading and writing go on side by side: a session that is busy
/// with one message can still be written to.
async fn pump(
    stream: WebSocketStream<TokioIo<Upgraded>>,
    session: &Session,
    mut outbound_rx: mpsc::Receiver<Frame>,
    shutdown: &Shutdown,
) {
    let (mut sink, mut incoming) = stream.split();
    let mut ping = tokio::time::interval_at(tokio::time::Instant::now() + PING, PING);
    let cut = session.cut();
    let reading = async {
        while let Some(message) = incoming.next().await {
            match message {
                Ok(Message::Text(text)) => session.receive(text.as_str()).await,
                Ok(Message::Binary(bytes)) => session.receive(&String::from_utf8_lossy(&bytes)).await,
                Ok(Message::Close(_)) => return None,
                Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => {}
                Err(error) => return close_for(&error),
            }
        }
        None
    };
    let writing = async {
        loop {
            let message = tokio::select! {
                frame = outbound_rx.recv() => match frame {
                    Some(Frame::Text(text)) => Message::Text((&*text).into()),
                    Some(Frame::Close(code, reason)) => return Some((code.into(), reason)),
                    None => return None,
                },
                _ = ping.tick() => Message::Ping(Vec::new().into()),
            };
            if sink.send(message).await.is_err() {
                return None;
            }
        }
    };
    let close = tokio::select! {
        close = reading => close,
        close = writing => close,
        () = cut.cancelled() => Some((CloseCode::Again, "the session ended, connect again".to_owned())),
        () = shutdown.reached(Phase::Draining) => Some((CloseCode::Away, "the app is shutting down".to_owned())),
    };
    let frame = close.map(|(code, reason)| CloseFrame {
        code,
        reason: reason.into(),
    });
    let closing = async {
        let _ = sink.send(Message::Close(frame)).await;
        let _ = sink.flush().await;
    };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closing).await;
}

/// Says why a connection ends after a frame that cannot be read.
fn close_for(error: &tungstenite::Error) -> Option<(CloseCode, String)> {
    match error {
        tungstenite::Error::Capacity(_) => Some((CloseCode::Size, "the message is too large".to_owned())),
        tungstenite::Error::Utf8(_) => Some((CloseCode::Invalid, "the text is not UTF-8".to_owned())),
        tungstenite::Error::Protocol(_) => Some((CloseCode::Protocol, "protocol error".to_owned())),
        _ => None,
    }
}
