//! One binary for everything that needs a running app: real sockets, real engines, the real command line.

#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod accounting;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod build;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod chat;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod cli;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod client;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod codegen;
#[cfg(feature = "cli")]
mod commands;
mod docs;
#[cfg(feature = "cli")]
mod documents;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod failures;
#[cfg(feature = "cli")]
mod generated;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod hostile;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod http;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod lifecycle;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod overload;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod project;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod readme;
#[cfg(all(feature = "typescript", feature = "python", feature = "cli"))]
mod shop;
mod tidy;
#[cfg(feature = "cli")]
mod tree;
mod verdicts;
