//! Who restarts whom, and when we give up: OTP supervisors on `ractor`.
//!
//! `policy` decides, purely, from what `history` remembers; `supervisor` and `children` carry the decision out on
//! `slots`; `tree` shows what is running, `change` what happens. Called by the composition root and by actors that
//! have children. Knows nothing of what its children do.

mod change;
mod children;
mod handle;
mod history;
mod node;
mod policy;
mod slots;
mod spec;
mod supervisor;
mod tree;

#[cfg(test)]
mod decision_tests;
#[cfg(test)]
mod otp_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tree_tests;

pub use crate::supervision::change::{Change, ChangeKind, Event, Events, Watch};
pub use crate::supervision::handle::{ChildError, ChildStatus, SupervisorRef};
pub use crate::supervision::history::History;
pub use crate::supervision::node::{Kind, Load, Node, State};
pub use crate::supervision::policy::{
    AutoShutdown, Backoff, Child, Decision, Exit, Policy, Restart, Strategy, decide,
};
pub use crate::supervision::slots::Counts;
pub use crate::supervision::spec::{ChildSpec, Demand, Reference, Shutdown, StartError};
pub use crate::supervision::supervisor::{Supervisor, jitter, stop_child};
pub use crate::supervision::tree::Tree;
