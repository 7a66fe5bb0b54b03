//! An actor system in which **every entity of a schema is a supervised actor**.
//!
//! A `.ro` schema names apis, events, crons and WebSocket endpoints; each becomes a `ractor` actor under an OTP
//! supervision tree. Handlers are written in Rust, TypeScript or Python.
//!
//! ```no_run
//! use rohas::{ActorApp, Failure, Request, State};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize)]
//! struct CreateUserInput { name: String }
//! #[derive(Serialize)]
//! struct User { id: i64, name: String }
//!
//! async fn create_user(request: Request<CreateUserInput>, _state: State) -> Result<User, Failure> {
//!     Ok(User { id: 1, name: request.body.name })
//! }
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! ActorApp::builder()
//!     .schema_dir("schema")
//!     .handlers_dir("src/handlers")
//!     .handler("CreateUser", create_user)
//!     .build()?
//!     .run()
//!     .await?;
//! # Ok(())
//! # }
//! ```

pub mod actors;
pub mod app;
pub mod bus;
#[cfg(feature = "cli")]
pub mod cli;
pub mod codegen;
pub mod config;
pub mod http;
pub mod invocation;
pub mod lang;
pub mod schema;
pub mod shutdown;
pub mod supervision;
pub mod telemetry;

pub use crate::actors::mailbox::{Limits, OnCrash, OnFull, Priority, SendError};
pub use crate::actors::user::{
    Actor, ActorError, AskError, Child, Group, Member, Ref, Reply, Scope, Sending,
};
pub use crate::app::{
    ActorApp, App, BuildError, Builder, EventRef, EventStream, RefError, Running, StartError, Subscription,
};
pub use crate::config::Config;
pub use crate::invocation::{ApiRequest, Failure, Json, Kind, Outcome};
pub use crate::lang::Problem;
pub use crate::lang::native::{
    ApiRef, Body, Call, Connection, Data, Event, Flow, FromCall, Handler, Headers, Message, NameError,
    OrInternal, Path, Query, Registration, Request, Response, State, Target, Tick, Trigger,
};

/// The programs of the guide are compiled and run as doc tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/handlers-rust.md")]
struct HandlersInRust;
#[cfg(doctest)]
#[doc = include_str!("../docs/actors.md")]
struct Actors;
