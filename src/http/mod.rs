//! The HTTP door: hyper in, problem details out.
//!
//! ```text
//!  listener ─▶ server (limits, deadline) ─▶ routes ─▶ request (decode, check) ─▶ Api::ask ─▶ response (one match)
//!                                              └────▶ websocket (upgrade) ─▶ Session
//! ```
//!
//! Started by the composition root. Everything above the invocation that knows HTTP is here, and nothing below is.

mod request;
mod response;
mod routes;
mod server;
mod websocket;

pub use crate::http::routes::{RouteError, Routes};
pub use crate::http::server::{Client, Door, Limits};
