//! Python handlers in interpreter processes.
