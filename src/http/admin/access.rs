//! Who may look: the `Host` and the token of a request. Pure; called by the admin door for every request.

use std::hint::black_box;
use std::net::{IpAddr, SocketAddr};

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;

/// Under which names the door may be asked, and with which token.
pub struct Access {
    /// The host that the configuration names.
    pub host: String,
    /// Where the door listens.
    pub address: SocketAddr,
    /// The token that every request but `/healthz` must bear, if any.
    pub token: Option<String>,
}

/// Why somebody may not look.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request names no host, or more than one.
    #[error("The Host header is missing, or there is more than one.")]
    NoHost,
    /// The request is for another host.
    #[error(
        "The admin door does not answer to the name {0:?}: a page of another site could read it under a name of its \
         own. Ask for localhost, for an address of the machine's loopback, or for the host in [admin]."
    )]
    OtherHost(String),
    /// The request bears no token.
    #[error("A token is required: Authorization: Bearer TOKEN.")]
    NoToken,
    /// The token is another one.
    #[error("The token is wrong.")]
    WrongToken,
}

impl Access {
    /// Decides about a request.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, parts: &Parts) -> Result<(), Refusal> {
        let mut hosts = parts.headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return Err(Refusal::NoHost) };
        let written = String::from_utf8_lossy(host.as_bytes()).into_owned();
        // A request line with a host of its own, as proxies get it, overrides the header.
        let named = [Some(written.as_str()), parts.uri.authority().map(Authority::as_str)];
        if let Some(other) = named.into_iter().flatten().find(|named| !self.answers_to(named)) {
            return Err(Refusal::OtherHost(other.to_owned()));
        }
        match &self.token {
            // Says no more than that somebody listens; probes of orchestrators bear no token.
            _ if parts.uri.path() == "/healthz" => Ok(()),
            None => Ok(()),
            Some(token) => bears(&parts.headers, token),
        }
    }

    fn answers_to(&self, named: &str) -> bool {
        let Ok(authority) = named.parse::<Authority>() else { return false };
        if authority.as_str().contains('@') {
            return false;
        }
        let name = plain(authority.host());
        let configured = plain(&self.host);
        // Listening everywhere it has every name; such a door has a token, which another site does not know.
        let everywhere = configured.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
        let same = name.eq_ignore_ascii_case(configured);
        let address = name.parse::<IpAddr>().map(|address| address.to_canonical());
        let local =
            address.is_ok_and(|address| address.is_loopback() || address == self.address.ip().to_canonical());
        (everywhere && self.token.is_some()) || same || local || name.eq_ignore_ascii_case("localhost")
    }
}

/// A host without the brackets of IPv6 and the dot of the root.
fn plain(host: &str) -> &str {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    inner.strip_suffix('.').unwrap_or(inner)
}

fn bears(headers: &HeaderMap, token: &str) -> Result<(), Refusal> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Err(Refusal::NoToken) };
    let (scheme, shown) = value.as_bytes().split_at_checked(7).ok_or(Refusal::NoToken)?;
    if !scheme.eq_ignore_ascii_case(b"bearer ") {
        return Err(Refusal::NoToken);
    }
    if same(shown.trim_ascii(), token.as_bytes()) { Ok(()) } else { Err(Refusal::WrongToken) }
}

/// Compares in a time that does not tell how much is right.
fn same(left: &[u8], right: &[u8]) -> bool {
    let differs =
        left.iter().zip(right).fold(0, |differs, (left, right)| black_box(differs | (left ^ right)));
    left.len() == right.len() && differs == 0
}
