//! The `.ro` language: text → typed [`Schema`] and diagnostics. Pure: no I/O, nothing of the other modules.
//!
//! ```text
//! SourceFile ─▶ scan ─▶ parse ─▶ resolve ─▶ check ─▶ Schema + Vec<Diagnostic>
//!              pieces    tree     model      model
//! ```
//!
//! [`compile`] is called by the builder of an app, by reload and by the command line. The model also validates values
//! at run time: [`Schema::check`]. No pass stops at an error, and none panics, whatever the text is.

use serde::Serialize;

mod ast;
mod asyncapi;
mod attributes;
mod check;
pub mod codes;
mod collisions;
mod cycles;
mod diagnostic;
mod ecma;
mod entities;
mod examples;
mod excerpt;
mod format;
mod json_schema;
mod model;
mod names;
mod numbers;
mod openapi;
mod parse;
mod repeats;
mod reserved;
mod resolve;
mod routes;
mod scan;
mod spelling;
mod texts;
mod types;
mod validate;
mod values;

#[cfg(test)]
mod documents_tests;
#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod generator;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod validate_tests;

pub use asyncapi::asyncapi;
pub use diagnostic::{Diagnostic, Position, Severity, render};
pub use entities::{Api, CatchUp, Cron, Event, Method, Overflow, Overlap, Retry, Socket};
pub use format::format;
pub use json_schema::{json_schema, json_schema_of};
pub use model::{
    Attributes, DefaultValue, Enum, EnumValue, Field, Format, Json, Length, Scalar, Schema, Shape, ShapeKind,
    Span, Type,
};

pub use names::{camel_case, pascal_case, snake_case};
pub use openapi::openapi;
pub use spelling::nearest;
pub(crate) use values::MAX_DURATION;
pub use values::parse_duration;

/// One `.ro` file.
#[derive(Debug, Clone)]
pub struct SourceFile {
    /// The path to show in diagnostics.
    pub path: String,
    /// The whole text.
    pub text: String,
}

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

/// Compiles all files of a project, which form one namespace. The schema is fit for use when no diagnostic is an
/// error; with errors it holds what could be understood.
///
/// # Examples
///
/// ```
/// use rohas::schema::{SourceFile, compile};
///
/// let text = "api Health { method: GET  path: \"/health\"  response: String }".to_owned();
/// let (schema, diagnostics) = compile(&[SourceFile { path: "health.ro".to_owned(), text }]);
/// assert!(diagnostics.is_empty());
/// assert_eq!(schema.apis["Health"].path, "/health");
/// ```
pub fn compile(files: &[SourceFile]) -> (Schema, Vec<Diagnostic>) {
    let mut out = diagnostic::Reporter::new(files);
    let mut items = Vec::new();
    for (file, source) in files.iter().enumerate() {
        items.extend(parse::parse(file, &source.text, &mut out));
    }
    let (schema, facts) = resolve::resolve(&items, &mut out);
    check::check(&schema, &facts, &mut out);
    cycles::check(&schema, &facts, &mut out);
    collisions::check(&schema, &facts, &mut out);
    (schema, out.finish())
}
