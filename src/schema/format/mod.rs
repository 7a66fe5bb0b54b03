//! Brings a `.ro` file to its one canonical form. Called by `rohas fmt`; reads no names and no other file.
//!
//! ```text
//! text ─▶ parse (may it be touched?) ─▶ tokens ─▶ tree ─▶ print ─▶ text
//!                                     + comments   └ spell: legacy → present
//! ```
//!
//! The form:
//! - One item, field, property or enum value per line, two spaces per level, one blank line between items. Blank lines
//!   in bodies stay, one at most.
//! - A colon after every name. Types and attributes of fields stand in columns; a blank line, or a field of several
//!   lines, begins new columns. Properties of apis, events, crons and sockets have no columns.
//! - An inline object is one line while it has at most 60 columns, a list while its line has at most 100; else one
//!   entry per line, without a comma at the end.
//! - Older spellings become the present ones where that cannot change the meaning: see `spell`.
//! - Order, numbers and texts stay. So does every comment: above, behind, within, alone.
//! - LF, a final newline, no trailing spaces, no byte order mark.

mod print;
mod spell;
mod tokens;
mod tree;

#[cfg(test)]
pub(in crate::schema) mod tests;

use super::codes;
use super::diagnostic::{Diagnostic, Reporter};
use super::model::Span;
use super::parse::parse;
use super::{Severity, SourceFile};

/// Formats one file. Unknown names and other errors of meaning do not matter.
///
/// # Errors
///
/// The syntax errors of the file, which then must be left as it is.
///
/// # Examples
///
/// ```
/// use rohas::schema::{SourceFile, format};
///
/// let text = "enum Role{ADMIN,MEMBER} // all of them".to_owned();
/// let formatted = format(&SourceFile { path: "role.ro".to_owned(), text }).unwrap();
/// assert_eq!(formatted, "enum Role {\n  ADMIN\n  MEMBER\n} // all of them\n");
/// ```
pub fn format(file: &SourceFile) -> Result<String, Vec<Diagnostic>> {
    let mut out = Reporter::new(std::slice::from_ref(file));
    parse(0, &file.text, &mut out);
    let errors: Vec<Diagnostic> =
        out.finish().into_iter().filter(|diagnostic| diagnostic.severity == Severity::Error).collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    match tree::read(tokens::tokens(&file.text)) {
        Ok(body) => Ok(print::print(&body)),
        Err(at) => {
            let mut out = Reporter::new(std::slice::from_ref(file));
            let at = Span { file: 0, start: at, end: at };
            out.error(codes::SYNTAX, at, "the formatter does not understand this")
                .with_hint("this is a mistake of rohas: please report it with the file");
            Err(out.finish())
        }
    }
}
