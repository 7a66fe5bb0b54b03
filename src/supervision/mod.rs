//! Who restarts whom, and when we give up: OTP supervisors on `ractor`.
//!
//! `policy` decides, purely; `supervisor` carries the decision out; `tree` shows what is running. Called by
//! the composition root and by actors that have children. Knows nothing of what its children do.

mod policy;
mod supervisor;
mod tree;

#[cfg(test)]
mod tests;

pub use crate::supervision::policy::{
    Backoff, Child, Decision, Exit, History, Policy, Restart, Strategy, decide,
};
pub use crate::supervision::supervisor::{ChildSpec, Message, StartError, Supervisor, jitter, stop_child};
pub use crate::supervision::tree::{Load, Node, State, Tree};
