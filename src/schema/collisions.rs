//! Names that are one name once code is generated and files are looked for, and handlers that two kinds of entities
//! claim. Names of fields and enum values are not concerned: generated code keeps those apart.
//!
//! Called by [`compile`](super::compile); changes nothing in the model.

use std::collections::HashMap;

use super::codes;
use super::diagnostic::Reporter;
use super::model::{Schema, Span};
use super::resolve::Facts;

/// Runs all checks; adds what is wrong to `out`.
pub(super) fn check(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    items(schema, out);
    let errors = facts.errors.iter().map(|(name, span)| (name.as_str(), *span));
    collide("errors", errors, out);
    handlers(facts, out);
    clashes(facts, out);
}

/// Items become types and files; a file system may ignore case.
fn items(schema: &Schema, out: &mut Reporter) {
    let types = schema.shapes.values().map(|shape| (shape.name.as_str(), shape.span));
    let enums = schema.enums.values().map(|item| (item.name.as_str(), item.span));
    collide("types", types.chain(enums), out);
    collide("apis", schema.apis.values().map(|item| (item.name.as_str(), item.span)), out);
    collide("events", schema.events.values().map(|item| (item.name.as_str(), item.span)), out);
    collide("crons", schema.crons.values().map(|item| (item.name.as_str(), item.span)), out);
    collide("websockets", schema.sockets.values().map(|item| (item.name.as_str(), item.span)), out);
}

/// Handlers of one kind lie in one folder.
fn handlers(facts: &Facts, out: &mut Reporter) {
    let mut kinds: HashMap<&str, Vec<(&str, Span)>> = HashMap::new();
    for handler in &facts.handlers {
        kinds.entry(handler.kind).or_default().push((&handler.name, handler.span));
    }
    // Apis and crons have been compared as items.
    for (kind, what) in [
        ("an event handler", "event handlers"),
        ("a middleware", "middlewares"),
        ("a websocket function", "websocket functions"),
    ] {
        collide(what, kinds.remove(kind).unwrap_or_default().into_iter(), out);
    }
}

fn plain(name: &str) -> String {
    name.replace(['_', '-'], "").to_lowercase()
}

/// Reports every name that is equal to an earlier, different one but for case and `_`.
fn collide<'n>(what: &str, names: impl Iterator<Item = (&'n str, Span)>, out: &mut Reporter) {
    let mut names: Vec<(&str, Span)> = names.collect();
    if names.len() < 2 {
        return;
    }
    names.sort_by_key(|(_, span)| *span);
    let mut seen: HashMap<String, &str> = HashMap::with_capacity(names.len());
    for (name, span) in names {
        let first = *seen.entry(plain(name)).or_insert(name);
        if first != name {
            let message = format!("the {what} `{first}` and `{name}` become one name");
            out.error(codes::NAME_COLLISION, span, message)
                .with_hint("generated code and files change case and `_`; rename one of them");
        }
    }
}

/// A handler is found by its name alone, so one name cannot be of two kinds.
fn clashes(facts: &Facts, out: &mut Reporter) {
    let mut seen: HashMap<&str, (&str, Span)> = HashMap::new();
    let mut handlers: Vec<_> = facts.handlers.iter().collect();
    handlers.sort_by_key(|handler| handler.span);
    for handler in handlers {
        let (kind, first) = *seen.entry(&handler.name).or_insert((handler.kind, handler.span));
        if kind != handler.kind {
            let place = out.place(first);
            let message = format!("`{}` is {kind} and {}", handler.name, handler.kind);
            out.error(codes::HANDLER_CLASH, handler.span, message)
                .with_hint(format!("rename one of them; the first is at {place}"));
        }
    }
}
