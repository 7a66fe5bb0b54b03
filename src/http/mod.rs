//! The HTTP door: hyper in, problem details out.
//!
//! ```text
//!  listener ─▶ server (limits, deadline) ─▶ routes ─▶ request (decode, check) ─▶ Api::ask ─▶ response (one match)
//!                                              └────▶ websocket (upgrade) ─▶ Session
//!  listener ─▶ admin (host, token) ─▶ the tree and the metrics, on an address of its own
//! ```
//!
//! Started by the composition root. Everything above the invocation that knows HTTP is here, and nothing below is.

mod admin;
mod listener;
mod request;
mod response;
mod routes;
mod server;
mod websocket;

pub use crate::http::admin::{Access, Admin};
pub use crate::http::listener::{Bounds, Client, Listener, Site};
pub use crate::http::routes::{RouteError, Routes};
pub use crate::http::server::{Door, Limits};
