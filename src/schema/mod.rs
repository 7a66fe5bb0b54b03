//! The `.ro` language: text → typed [`Schema`] and diagnostics. Pure: no I/O, nothing of the other modules.

use serde::Serialize;

/// One place where a value does not fit its declared type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// JSON pointer into the value, with a first segment for where it came from (`/body/email`).
    pub path: String,
    /// A stable machine-readable word: `required`, `type`, `format`, …
    pub code: &'static str,
    /// A sentence for a person.
    pub message: String,
}
