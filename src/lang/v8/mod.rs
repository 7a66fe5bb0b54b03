//! TypeScript and JavaScript handlers in V8 isolates.
