//! Rust handlers.
