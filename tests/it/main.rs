//! One binary for everything that needs a running app: real sockets, real engines, the real command line.

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod build;
mod chat;
mod cli;
mod client;
mod failures;
mod http;
mod lifecycle;
mod overload;
mod project;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod readme;
mod shop;
mod tidy;
