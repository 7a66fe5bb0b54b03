//! The checks that need the whole model: routes, defaults, keys, cycles, names. Called last by
//! [`compile`](super::compile); changes nothing in the model.

use std::collections::{HashMap, HashSet};

use super::codes;
use super::diagnostic::Reporter;
use super::model::{Field, Schema, ShapeKind, Span, Type};
use super::resolve::{Facts, Route};
use super::spelling::nearest;
use super::validate::check_value;

/// Runs all checks; adds what is wrong to `out`.
pub(super) fn check(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    routes(&facts.routes, out);
    defaults(schema, facts, out);
    keys(schema, out);
    endless_types(schema, out);
    trigger_cycles(schema, facts, out);
    collisions(schema, out);
    unused(schema, facts, out);
}

/// Two routes are the same when they differ in nothing but the names of parameters.
fn routes(routes: &[Route], out: &mut Reporter) {
    let mut seen: HashMap<(&str, String), &Route> = HashMap::new();
    let mut routers: HashMap<&str, matchit::Router<()>> = HashMap::new();
    for route in routes {
        let shape = (route.method, route_shape(&route.path));
        let rival = match seen.get(&shape) {
            Some(first) => Some((first.owner.as_str(), first.path.clone())),
            None => {
                seen.insert(shape, route);
                // The router of the server has the last word: `{id}` against `{*rest}` in one place.
                let router = routers.entry(route.method).or_default();
                match router.insert(&route.path, ()) {
                    Err(matchit::InsertError::Conflict { with }) => Some((owner(routes, route, &with), with)),
                    _ => None,
                }
            }
        };
        if let Some((owner, path)) = rival {
            let message =
                format!("{} {} of `{}` is taken by `{owner}`", route.method, route.path, route.owner);
            out.error(codes::DUPLICATE_ROUTE, route.span, message)
                .with_label(format!("the same requests as `{path}`"));
        }
    }
}

/// Returns the path without the names of its parameters.
fn route_shape(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment {
        rest if rest.starts_with("{*") => "{*}",
        parameter if parameter.starts_with('{') => "{}",
        literal => literal,
    });
    segments.collect::<Vec<_>>().join("/")
}

fn owner<'r>(routes: &'r [Route], route: &Route, path: &str) -> &'r str {
    let found = routes.iter().find(|other| other.method == route.method && other.path == path);
    found.map_or("another item", |other| other.owner.as_str())
}

fn defaults(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    for written in &facts.defaults {
        let mut value = written.value.clone();
        let violations = check_value(schema, &written.ty, &written.attributes, &mut value);
        if let Some(violation) = violations.first() {
            let message = format!("this default does not fit `{}`", written.ty);
            out.error(codes::BAD_DEFAULT, written.span, message).with_label(violation.message.clone());
        }
    }
}

fn keys(schema: &Schema, out: &mut Reporter) {
    for event in schema.events.values() {
        let Some(key) = &event.key else {
            continue;
        };
        let fields = event.payload.as_ref().and_then(|payload| schema.fields(payload));
        let names: Vec<&str> = fields.unwrap_or_default().iter().map(|field| field.name.as_str()).collect();
        if !names.contains(&key.as_str()) {
            let message = format!("the payload of event `{}` has no field `{key}`", event.name);
            out.error(codes::UNKNOWN_KEY, event.key_span, message)
                .with_hint("the key is a field of the payload")
                .with_suggestion(nearest(key, names));
        }
    }
}

/// Finds shapes that need themselves: required fields in a cycle.
fn endless_types(schema: &Schema, out: &mut Reporter) {
    let mut edges: HashMap<&str, Vec<(&str, Span)>> = HashMap::new();
    for shape in schema.shapes.values() {
        let mut needs = Vec::new();
        required_shapes(schema, &shape.fields, &mut needs);
        edges.insert(&shape.name, needs);
    }
    for (cycle, span) in cycles(schema.shapes.keys().map(String::as_str), &edges) {
        let message = format!("`{}` can never be built", cycle[0]);
        out.error(codes::ENDLESS_TYPE, span, message)
            .with_label(format!("needs itself: {}", cycle.join(" → ")))
            .with_hint("make one of the fields optional or a list");
    }
}

fn required_shapes<'s>(schema: &'s Schema, fields: &'s [Field], into: &mut Vec<(&'s str, Span)>) {
    for field in fields {
        match &field.ty {
            Type::Named(name) if schema.shapes.contains_key(name) => into.push((name, field.span)),
            Type::Inline(inner) => required_shapes(schema, inner, into),
            _ => {}
        }
    }
}

fn trigger_cycles(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    let mut edges: HashMap<&str, Vec<(&str, Span)>> = HashMap::new();
    for (owner, target, span) in &facts.triggers {
        edges.entry(owner).or_default().push((target, *span));
    }
    for (cycle, span) in cycles(schema.events.keys().map(String::as_str), &edges) {
        let message = format!("event `{}` triggers itself", cycle[0]);
        out.warning(codes::TRIGGER_CYCLE, span, message)
            .with_label(cycle.join(" → "))
            .with_hint("without an end of its own this runs for ever");
    }
}

/// Finds cycles: each with its nodes, the first repeated at the end, and the place of the edge that closes it.
fn cycles<'n>(
    nodes: impl Iterator<Item = &'n str>,
    edges: &HashMap<&'n str, Vec<(&'n str, Span)>>,
) -> Vec<(Vec<&'n str>, Span)> {
    let mut found = Vec::new();
    let mut done: HashSet<&str> = HashSet::new();
    for node in nodes {
        // A path of nodes with the next edge of each: recursion without the stack.
        let mut path = if done.contains(node) { Vec::new() } else { vec![(node, 0)] };
        while let Some((current, next)) = path.last_mut() {
            let current = *current;
            let Some((target, span)) = edges.get(current).and_then(|targets| targets.get(*next)) else {
                done.insert(current);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(at) = path.iter().position(|(on_path, _)| on_path == target) {
                let mut cycle: Vec<&str> = path[at..].iter().map(|(on_path, _)| *on_path).collect();
                cycle.push(target);
                found.push((cycle, *span));
            } else if !done.contains(target) {
                path.push((target, 0));
            }
        }
    }
    found
}

/// Finds names that become one in generated code, where case and `_` are changed.
fn collisions(schema: &Schema, out: &mut Reporter) {
    let types = schema.shapes.values().map(|shape| (shape.name.as_str(), shape.span));
    let enums = schema.enums.values().map(|item| (item.name.as_str(), item.span));
    collide("types", types.chain(enums), out);
    collide("apis", schema.apis.values().map(|item| (item.name.as_str(), item.span)), out);
    collide("events", schema.events.values().map(|item| (item.name.as_str(), item.span)), out);
    collide("crons", schema.crons.values().map(|item| (item.name.as_str(), item.span)), out);
    collide("sockets", schema.sockets.values().map(|item| (item.name.as_str(), item.span)), out);
}

fn collide<'n>(what: &str, names: impl Iterator<Item = (&'n str, Span)>, out: &mut Reporter) {
    let mut names: Vec<(&str, Span)> = names.collect();
    names.sort_by_key(|(_, span)| *span);
    let mut seen: HashMap<String, &str> = HashMap::new();
    for (name, span) in names {
        let plain = name.replace('_', "").to_lowercase();
        if let Some(first) = seen.get(&plain) {
            out.error(
                codes::NAME_COLLISION,
                span,
                format!("the {what} `{first}` and `{name}` become one name"),
            )
            .with_hint("generated code changes case and `_`; rename one of them");
        } else {
            seen.insert(plain, name);
        }
    }
}

/// Finds types that nothing mentions. Models are stored, so they need no other use.
fn unused(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    let shapes = schema.shapes.values().filter(|shape| shape.kind != ShapeKind::Model);
    let shapes = shapes.map(|shape| (&shape.name, shape.span));
    let enums = schema.enums.values().map(|item| (&item.name, item.span));
    for (name, span) in shapes.chain(enums) {
        if !facts.used.contains(name) {
            out.warning(codes::UNUSED_ITEM, span, format!("`{name}` is never used"))
                .with_hint("use it or remove it");
        }
    }
}
