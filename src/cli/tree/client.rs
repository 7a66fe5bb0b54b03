//! One GET of an admin door, and everything that can be wrong with what answers there. Called by `rohas tree`.
//!
//! ```text
//!  connect ─▶ hyper's client ─▶ GET /tree ─▶ is it a rohas app? ─▶ body, to its end ─▶ Actor
//! ```
//!
//! Says what happened and leaves the advice to the caller.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::header::{ACCEPT, AUTHORIZATION, HOST};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::cli::tree::actor::Actor;
use crate::invocation::Json;

/// How long the other machine may take to accept.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take: 10,000 actors of a busy app take a second or two.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest tree: some 500,000 actors.
const LARGEST: usize = 256 << 20;

/// Where an admin door listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Puts them together; an IPv6 address stands without brackets.
    pub fn new(host: &str, port: u16) -> Self {
        Address { host: host.to_owned(), port }
    }

    /// Reads `HOST:PORT`, also as the address that `rohas run` prints.
    pub fn parse(written: &str) -> Result<Address, String> {
        let bare = written.strip_prefix("http://").unwrap_or(written).trim_end_matches('/');
        let split = bare.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        let (host, port) =
            split.filter(|(_, port)| *port > 0).ok_or("it must be HOST:PORT, such as 127.0.0.1:3001")?;
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match inner {
            Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => inner,
            None if host.contains(':') => {
                return Err("an IPv6 address stands in brackets: [::1]:3001".to_owned());
            }
            None if !host.is_empty()
                && format!("http://{host}/").parse::<Uri>().is_ok_and(|uri| uri.path() == "/") =>
            {
                host
            }
            _ => return Err(format!("{host:?} is not a host; write for example 127.0.0.1:3001")),
        };
        Ok(Address::new(host, port))
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Address { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// What the door said.
#[derive(Debug)]
pub struct Answer {
    /// The tree, or the part that was asked for.
    pub actor: Actor,
    /// `running` or `draining`.
    pub phase: String,
}

/// Why there is no tree.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Nothing has the port.
    #[error("nobody listens there")]
    Refused,
    /// The name or the machine is not found.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// It takes connections and does not answer.
    #[error("somebody listens there and does not answer")]
    Silent,
    /// What answers is not HTTP.
    #[error("what listens there does not speak HTTP")]
    NotHttp,
    /// What answers is something else.
    #[error("what listens there is not the admin door of a rohas app")]
    NotRohas,
    /// The connection ended before the answer did.
    #[error("the connection ended in the middle of the answer")]
    CutOff,
    /// The door has a token.
    #[error("it requires a token")]
    NoToken,
    /// The door has another token.
    #[error("the token is wrong")]
    WrongToken,
    /// The path leads nowhere; in the door's words.
    #[error("{0}")]
    NoActor(String),
    /// The door refuses or fails; in its words.
    #[error("it answers {0}: {1}")]
    Failed(u16, String),
    /// The answer is no tree.
    #[error("its answer is not a tree: {0}")]
    NoTree(String),
    /// The answer does not end.
    #[error("its answer is larger than any tree")]
    TooLarge,
}

impl Error {
    /// Tells whether it may be over when the app has started again.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Error::Refused | Error::Unreachable(_) | Error::Silent | Error::CutOff | Error::Failed(..)
        )
    }
}

/// Asks for the tree, or for the part at `path`.
///
/// # Errors
/// Everything that keeps the tree from coming.
pub async fn get(address: &Address, token: Option<&str>, path: Option<&str>) -> Result<Answer, Error> {
    ask(address, token, path, PATIENCE).await
}

/// Asks, and waits so long for the answer.
pub(super) async fn ask(
    address: &Address,
    token: Option<&str>,
    path: Option<&str>,
    patience: Duration,
) -> Result<Answer, Error> {
    let stream = connect(address).await?;
    let answered = tokio::time::timeout(patience, exchange(stream, request(address, token, path)?)).await;
    let (parts, body) = answered.unwrap_or(Err(Error::Silent))?.into_parts();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    if header("rohas-version").is_none() {
        return Err(Error::NotRohas);
    }
    let detail = || {
        let problem: Json = serde_json::from_slice(&body).unwrap_or_default();
        problem["detail"].as_str().unwrap_or_default().to_owned()
    };
    match parts.status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED if token.is_none() => return Err(Error::NoToken),
        StatusCode::UNAUTHORIZED => return Err(Error::WrongToken),
        StatusCode::NOT_FOUND => return Err(Error::NoActor(detail())),
        status => return Err(Error::Failed(status.as_u16(), detail())),
    }
    let actor = serde_json::from_slice(&body).map_err(|error| Error::NoTree(error.to_string()))?;
    Ok(Answer { actor, phase: header("rohas-phase").unwrap_or("running").to_owned() })
}

async fn connect(address: &Address) -> Result<TcpStream, Error> {
    let connecting = TcpStream::connect((address.host.as_str(), address.port));
    let Ok(connected) = tokio::time::timeout(CONNECT, connecting).await else {
        return Err(Error::Unreachable("no answer within 5 seconds".to_owned()));
    };
    connected.map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused => Error::Refused,
        _ => Error::Unreachable(error.to_string()),
    })
}

fn request(
    address: &Address,
    token: Option<&str>,
    path: Option<&str>,
) -> Result<Request<Empty<Bytes>>, Error> {
    let query =
        path.map(|path| form_urlencoded::Serializer::new(String::new()).append_pair("path", path).finish());
    let target = query.map_or_else(|| "/tree".to_owned(), |query| format!("/tree?{query}"));
    let mut request =
        Request::get(target).header(HOST, address.to_string()).header(ACCEPT, "application/json");
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, format!("Bearer {token}"));
    }
    // Nothing but the token can be unfit for a header.
    request.body(Empty::new()).map_err(|_| Error::WrongToken)
}

/// Sends the request and reads the answer to its end. Not cancel-safe: the connection is of no use then.
async fn exchange(stream: TcpStream, request: Request<Empty<Bytes>>) -> Result<Response<Bytes>, Error> {
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| broken(&error))?;
    let connection = tokio::spawn(connection);
    let answered = async {
        let response = sender.send_request(request).await.map_err(|error| broken(&error))?;
        let (parts, body) = response.into_parts();
        let body = Limited::new(body, LARGEST)
            .collect()
            .await
            .map_err(|error| if error.is::<LengthLimitError>() { Error::TooLarge } else { Error::CutOff })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    };
    let answered = answered.await;
    connection.abort();
    answered
}

fn broken(error: &hyper::Error) -> Error {
    if error.is_parse() { Error::NotHttp } else { Error::CutOff }
}
