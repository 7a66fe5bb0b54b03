//! `[admin]`: where the admin door listens and who may look. Read by the composition root and by `rohas tree`.

use std::net::IpAddr;

use serde::Deserialize;

use crate::config::Server;

/// `[admin]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Whether there is an admin door. Default `true`.
    pub enabled: bool,
    /// The address to listen on. Default `127.0.0.1`; any other than a loopback needs a token.
    pub host: String,
    /// The port. Default: the one above the server's, and a free one where the server takes a free one. A default
    /// that is taken is a warning and the app runs without the door; a configured one that is taken fails the start.
    pub port: Option<u16>,
    /// What requests must bear, as `Authorization: Bearer TOKEN`. Default none.
    pub token: Option<Secret>,
}

impl Default for Admin {
    fn default() -> Self {
        Admin { enabled: true, host: "127.0.0.1".to_owned(), port: None, token: None }
    }
}

impl Admin {
    /// Returns the port to listen on beside `server`; 0 takes a free one.
    pub fn port(&self, server: &Server) -> u16 {
        let beside = match server.port {
            0 => 0,
            u16::MAX => u16::MAX - 1,
            port => port + 1,
        };
        self.port.unwrap_or(beside)
    }

    /// Refuses what would let strangers look.
    ///
    /// # Errors
    /// What is wrong, in words of the file.
    pub fn check(&self) -> Result<(), String> {
        if !self.enabled {
            return Ok(());
        }
        match self.token.as_ref().map(Secret::expose) {
            Some("") => Err("admin.token: it is empty; leave it out, or set a long random text".to_owned()),
            Some(token) if !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
                Err("admin.token: only letters, digits and signs of ASCII can be sent in a header".to_owned())
            }
            None if !is_loopback(&self.host) => Err(format!(
                "admin.token: it is required because admin.host = {:?} can be reached from other machines; set a \
                 long random text, such as \"${{ROHAS_ADMIN_TOKEN}}\", or leave admin.host at 127.0.0.1",
                self.host
            )),
            _ => Ok(()),
        }
    }
}

/// Tells whether `host` is this machine only. A name that would have to be looked up is not.
fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>().map(|address| address.to_canonical());
    address.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
}

/// A text that no log shows.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// Returns the text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}
