//! Cycles: types that need themselves, and events that trigger themselves. Called by [`compile`](super::compile);
//! changes nothing in the model.

use std::collections::{HashMap, HashSet};

use super::codes;
use super::diagnostic::Reporter;
use super::model::{Attributes, Field, Schema, Span, Type};
use super::resolve::Facts;

/// Of a longer cycle only the start and the end are printed.
const PRINTED: usize = 10;

/// Where one node leads, and where that is written.
type Edges<'n> = HashMap<&'n str, Vec<(&'n str, Span)>>;

/// Runs both checks; adds what is wrong to `out`.
pub(super) fn check(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    endless_types(schema, out);
    trigger_cycles(schema, facts, out);
}

/// Finds shapes that need themselves: required fields in a cycle.
fn endless_types(schema: &Schema, out: &mut Reporter) {
    let mut edges = Edges::new();
    for shape in schema.shapes.values() {
        let mut needs = Vec::new();
        required_shapes(schema, &shape.fields, &mut needs);
        edges.insert(&shape.name, needs);
    }
    for cycle in cycles(schema.shapes.keys().map(String::as_str), &edges) {
        let message = format!("`{}` can never be built", cycle.first);
        out.error(codes::ENDLESS_TYPE, cycle.closed_at, message)
            .with_label(format!("needs itself: {}", cycle.printed))
            .with_hint("make one of the fields optional or a list that may be empty");
    }
}

fn required_shapes<'s>(schema: &'s Schema, fields: &'s [Field], into: &mut Vec<(&'s str, Span)>) {
    for field in fields {
        required_shape(schema, (&field.ty, &field.attributes), field.span, into);
    }
}

fn required_shape<'s>(
    schema: &'s Schema,
    (ty, attributes): (&'s Type, &Attributes),
    span: Span,
    into: &mut Vec<(&'s str, Span)>,
) {
    match ty {
        Type::Named(name) if schema.shapes.contains_key(name) => into.push((name, span)),
        Type::Inline(inner) => required_shapes(schema, inner, into),
        // A list or map ends a cycle only if it may be empty.
        Type::List(item) | Type::Map(item) if attributes.length.is_some_and(|length| length.min > 0) => {
            required_shape(schema, (item, &Attributes::default()), span, into);
        }
        _ => {}
    }
}

fn trigger_cycles(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    let mut edges = Edges::new();
    for (owner, target, span) in &facts.triggers {
        edges.entry(owner).or_default().push((target, *span));
    }
    for cycle in cycles(schema.events.keys().map(String::as_str), &edges) {
        let message = format!("event `{}` triggers itself", cycle.first);
        out.warning(codes::TRIGGER_CYCLE, cycle.closed_at, message)
            .with_label(cycle.printed)
            .with_hint("without an end of its own this runs for ever");
    }
}

struct Cycle<'n> {
    first: &'n str,
    /// All names, the first repeated at the end.
    printed: String,
    /// The place of the edge that closes it.
    closed_at: Span,
}

/// Finds cycles by a walk in depth: every edge that leads back to where the walk is.
fn cycles<'n>(nodes: impl Iterator<Item = &'n str>, edges: &Edges<'n>) -> Vec<Cycle<'n>> {
    let mut found = Vec::new();
    let mut done: HashSet<&str> = HashSet::new();
    for node in nodes {
        // A path of nodes with the next edge of each: recursion without the stack.
        let mut path = if done.contains(node) { Vec::new() } else { vec![(node, 0)] };
        let mut places: HashMap<&str, usize> = HashMap::from([(node, 0)]);
        while let Some((current, next)) = path.last_mut() {
            let current = *current;
            let Some((target, span)) = edges.get(current).and_then(|targets| targets.get(*next)) else {
                done.insert(current);
                places.remove(current);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(at) = places.get(target) {
                found.push(Cycle { first: target, printed: print(&path[*at..]), closed_at: *span });
            } else if !done.contains(target) {
                places.insert(target, path.len());
                path.push((target, 0));
            }
        }
    }
    found
}

fn print(cycle: &[(&str, usize)]) -> String {
    let mut names: Vec<&str> = cycle.iter().take(PRINTED).map(|(name, _)| *name).collect();
    if let Some((last, _)) = cycle[names.len()..].last() {
        names.extend(["…", last]);
    }
    names.push(cycle[0].0);
    names.join(" → ")
}
