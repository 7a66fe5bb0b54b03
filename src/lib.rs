//! An actor system in which every entity of a schema is a supervised actor.

pub mod invocation;
pub mod lang;
pub mod schema;
