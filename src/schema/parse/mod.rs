//! Tokens → syntax tree, by recursive descent. Reports what does not parse and goes on with the next entry, so that a
//! broken field hides neither its item nor the fields after it.
//!
//! ```text
//! item      = keyword name "{" (entry ","?)* "}"          of an enum: (value ","?)*, a value is a word or a text
//! entry     = key ":"? value attribute*                   a key is a word, a text or a number
//! value     = (word | text | number | list | object | word "<" value ">") ("?" | "[" "]")*
//! list      = "[" (value ","?)* "]"
//! object    = "{" (entry ","?)* "}"
//! attribute = "@" word ("(" (argument ("," argument)* ","?)? ")")?
//! argument  = value | word "(" ")"
//! ```
//!
//! `cursor` is the place among the tokens and what is complained about there, `items`, `entries` and `values` read what
//! their names say. Called by [`compile`](super::compile). Looks up no names.

use super::ast::Item;
use super::codes;
use super::diagnostic::Reporter;
use super::scan::{Scan, scan};
use cursor::{Parser, span};

mod cursor;
mod entries;
mod items;
#[cfg(test)]
mod tests;
pub(super) mod values;

/// Parses the file at index `file` of the set; adds what is wrong to `out`.
pub(super) fn parse(file: usize, text: &str, out: &mut Reporter) -> Vec<Item> {
    let scanned = scan(text);
    for range in &scanned.unclosed {
        let what = if text[range.clone()].starts_with('"') { "text" } else { "comment" };
        out.error(codes::UNCLOSED, span(file, range), format!("this {what} is never closed"))
            .with_label("opened here");
    }
    let mut items = Vec::new();
    for (number, chunk) in scanned.chunks.iter().enumerate() {
        let before = chunk.start.checked_sub(1).map_or(0, |last| scanned.tokens[last].range.end);
        let mut parser = Parser {
            file,
            text,
            docs: &scanned.docs,
            tokens: &scanned.tokens[chunk.clone()],
            at: 0,
            depth: 0,
            silent_from: silent_from(&scanned, number, text.len()),
            broken: false,
            out,
        };
        items.extend(parser.item(before));
    }
    items
}

/// Returns the byte from which on a piece is not worth complaining about: what a quote or comment that is never closed
/// has swallowed.
fn silent_from(scanned: &Scan, number: usize, length: usize) -> usize {
    let start = scanned.tokens[scanned.chunks[number].start].range.start;
    let end = scanned.chunks.get(number + 1).map_or(length, |next| scanned.tokens[next.start].range.start);
    let first = scanned.unclosed.partition_point(|bad| bad.start < start);
    scanned.unclosed.get(first).filter(|bad| bad.start < end).map_or(usize::MAX, |bad| bad.start)
}
