//! [`Home`]: the app that an actor of the user's own lives in, known from the start of the app on.
//!
//! Made with each child, settled by the composition root, read through [`Scope`](super::Scope). Never keeps an app.

use std::sync::{Arc, OnceLock, Weak};

use crate::invocation::Failure;
use crate::lang::native::Host;

/// Where an actor lives; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Home(Arc<OnceLock<Weak<dyn Host>>>);

impl Home {
    /// Says which app it is; the first to do so is right.
    pub(crate) fn settle(&self, app: &Weak<dyn Host>) {
        let _ = self.0.set(Weak::clone(app));
    }

    /// Returns the app.
    pub(crate) fn app(&self) -> Result<Arc<dyn Host>, Failure> {
        let Some(app) = self.0.get() else {
            return Err(Failure::internal(
                "the actor was started beside the app: give it to the builder, or to App::start_child",
            ));
        };
        app.upgrade().ok_or(Failure::ShuttingDown)
    }
}
