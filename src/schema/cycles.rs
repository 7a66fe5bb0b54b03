//! Cycles: types that need themselves, and events that trigger themselves. Called by [`compile`](super::compile);
//! changes nothing in the model.

use std::collections::{HashMap, HashSet, VecDeque};

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

/// The edges of every node, by number.
type Graph = Vec<Vec<(usize, Span)>>;

/// Finds one cycle in every set of nodes that lead to each other: a shortest one through the first of them. Takes time
/// in proportion to the edges, for a set may have more cycles than could ever be told.
fn cycles<'n>(nodes: impl Iterator<Item = &'n str>, edges: &Edges<'n>) -> Vec<Cycle<'n>> {
    let names: Vec<&str> = nodes.collect();
    let numbers: HashMap<&str, usize> = names.iter().enumerate().map(|(at, name)| (*name, at)).collect();
    let outgoing = |name: &&str| {
        let known = edges.get(name).into_iter().flatten();
        known.filter_map(|(target, span)| Some((*numbers.get(target)?, *span))).collect()
    };
    let graph: Graph = names.iter().map(outgoing).collect();
    let component = components(&graph);
    let mut told = HashSet::new();
    let mut found = Vec::new();
    for first in 0..names.len() {
        if told.insert(component[first])
            && let Some((cycle, closed_at)) = shortest(&graph, &component, first)
        {
            let cycle: Vec<&str> = cycle.into_iter().map(|at| names[at]).collect();
            found.push(Cycle { first: names[first], printed: print(&cycle), closed_at });
        }
    }
    found
}

/// Returns for every node the number of its strongly connected component: Tarjan's algorithm, without recursion.
fn components(graph: &Graph) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut component = vec![NONE; graph.len()];
    let mut order = vec![NONE; graph.len()];
    let mut lowest = vec![NONE; graph.len()];
    let (mut visited, mut components) = (0, 0);
    let mut open = Vec::new();
    for root in 0..graph.len() {
        // A path of nodes with the next edge of each.
        let mut path = if order[root] == NONE { vec![(root, 0)] } else { Vec::new() };
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            if *next == 0 && order[node] == NONE {
                (order[node], lowest[node]) = (visited, visited);
                visited += 1;
                open.push(node);
            }
            if let Some((target, _)) = graph[node].get(*next) {
                *next += 1;
                if order[*target] == NONE {
                    path.push((*target, 0));
                } else if component[*target] == NONE {
                    lowest[node] = lowest[node].min(order[*target]);
                }
                continue;
            }
            path.pop();
            if let Some((above, _)) = path.last() {
                lowest[*above] = lowest[*above].min(lowest[node]);
            }
            if lowest[node] == order[node] {
                let start = open.iter().rposition(|other| *other == node).unwrap_or_default();
                open.drain(start..).for_each(|member| component[member] = components);
                components += 1;
            }
        }
    }
    component
}

/// Finds a shortest cycle through `first` within its component, by a walk in breadth, with the place of its last edge.
fn shortest(graph: &Graph, component: &[usize], first: usize) -> Option<(Vec<usize>, Span)> {
    let mut before: HashMap<usize, usize> = HashMap::new();
    let mut ahead = VecDeque::from([first]);
    while let Some(node) = ahead.pop_front() {
        for (target, span) in &graph[node] {
            if *target == first {
                let back = std::iter::successors(Some(node), |at| before.get(at).copied());
                let mut cycle: Vec<usize> = back.collect();
                cycle.reverse();
                return Some((cycle, *span));
            }
            if component[*target] == component[first] && !before.contains_key(target) {
                before.insert(*target, node);
                ahead.push_back(*target);
            }
        }
    }
    None
}

fn print(cycle: &[&str]) -> String {
    let mut names: Vec<&str> = cycle.iter().take(PRINTED).copied().collect();
    if let Some(last) = cycle[names.len()..].last() {
        names.extend(["…", last]);
    }
    names.push(cycle[0]);
    names.join(" → ")
}
