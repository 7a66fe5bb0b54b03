//! The checks that need the whole model: routes, queries, defaults, keys, unused types. Called by
//! [`compile`](super::compile) when all is resolved; changes nothing in the model.

use std::collections::{HashMap, HashSet};

use super::codes;
use super::diagnostic::Reporter;
use super::model::{Json, Scalar, Schema, ShapeKind, Type};
use super::resolve::{Facts, MAX_COMPARISONS, Route};
use super::spelling::nearest;
use super::validate::check_value;

/// More parameters than this in a path are refused: the router would panic.
const MAX_PARAMETERS: usize = 25;

/// Runs all checks; adds what is wrong to `out`.
pub(super) fn check(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    routes(&facts.routes, out);
    queries(schema, facts, out);
    defaults(schema, facts, out);
    keys(schema, facts, out);
    unused(schema, facts, out);
}

/// The server has a router for each method and one for websockets; what such a router takes it tells apart.
fn routes(routes: &[Route], out: &mut Reporter) {
    let mut seen: HashMap<(&str, String), &Route> = HashMap::new();
    let mut routers: HashMap<&str, matchit::Router<()>> = HashMap::new();
    for route in routes {
        if route.path.matches('{').count() > MAX_PARAMETERS {
            out.error(codes::BAD_PATH, route.span, "this path has too many parameters")
                .with_hint(format!("at most {MAX_PARAMETERS} are allowed"));
            continue;
        }
        let shape = (route.method, route_shape(&route.path));
        if let Some(rival) = seen.get(&shape) {
            let label = format!("the same requests as `{}`", rival.path);
            conflict(route, Some(rival), label, out);
            continue;
        }
        let inserted = routers.entry(route.method).or_default().insert(&route.path, ());
        if let Err(matchit::InsertError::Conflict { with }) = inserted {
            let rival = seen.get(&(route.method, route_shape(&with))).copied();
            conflict(route, rival, format!("the router cannot tell this from `{with}`"), out);
        } else {
            seen.insert(shape, route);
        }
    }
}

fn conflict(route: &Route, rival: Option<&Route>, label: String, out: &mut Reporter) {
    let other = rival.map_or_else(|| "another route".to_owned(), |rival| format!("`{}`", rival.owner));
    let message = format!("{} {} of `{}` conflicts with {other}", route.method, route.path, route.owner);
    let place = rival.map(|rival| format!("; the first is at {}", out.place(rival.span)));
    out.error(codes::DUPLICATE_ROUTE, route.span, message)
        .with_label(label)
        .with_hint(format!("change one of the two{}", place.unwrap_or_default()));
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

fn defaults(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    let mut comparisons = MAX_COMPARISONS;
    for written in &facts.defaults {
        let mut value = written.value.clone();
        let violations = check_value(schema, &written.ty, &written.attributes, &mut value);
        let Some(violation) = violations.first() else {
            continue;
        };
        let values = match written.ty.required() {
            Type::Named(name) if facts.broken.contains(name) => continue,
            Type::Named(name) => schema.enums.get(name),
            _ => None,
        };
        let near = match (values, &written.value) {
            (Some(item), Json::String(word)) if comparisons > item.values.len() => {
                comparisons -= item.values.len();
                nearest(word, item.names())
            }
            _ => None,
        };
        let message = format!("this default does not fit `{}`", written.ty);
        out.error(codes::BAD_DEFAULT, written.span, message)
            .with_label(violation.message.clone())
            .with_suggestion(near);
    }
}

/// The key of an event is a field of its payload that is always there and one plain value.
fn keys(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    for event in schema.events.values() {
        let Some(key) = &event.key else {
            continue;
        };
        let Some(payload) = &event.payload else {
            if !facts.broken.contains(&event.name) {
                out.error(
                    codes::UNKNOWN_KEY,
                    event.key_span,
                    format!("event `{}` has no payload", event.name),
                )
                .with_hint("give it a payload with this field, or remove the key");
            }
            continue;
        };
        let Some(fields) = schema.fields(payload) else {
            if !facts.unresolved.contains(&event.span) {
                let message =
                    format!("the payload of event `{}` is `{payload}`, which has no fields", event.name);
                out.error(codes::UNKNOWN_KEY, event.key_span, message)
                    .with_hint("remove the key, or wrap the payload: `payload: { id: Int }`");
            }
            continue;
        };
        match fields.iter().find(|field| field.name == *key) {
            None if is_broken(payload, facts) || facts.unresolved.contains(&event.span) => {}
            Some(field) if facts.unresolved.contains(&field.span) => {}
            None => {
                let message = format!("the payload of event `{}` has no field `{key}`", event.name);
                out.error(codes::UNKNOWN_KEY, event.key_span, message)
                    .with_hint("the key is a field of the payload")
                    .with_suggestion(nearest(key, fields.iter().map(|field| field.name.as_str())));
            }
            Some(field) if !is_plain(schema, &field.ty) || payload.is_optional() => {
                let message = format!("`{key}` cannot keep order: it is `{}`", field.ty);
                let message = if payload.is_optional() { format!("`{key}` may be absent") } else { message };
                out.error(codes::UNKNOWN_KEY, event.key_span, message)
                    .with_hint("a key is a required scalar other than Json, or an enum");
            }
            Some(_) => {}
        }
    }
}

/// Tells whether the shape has syntax errors, so that it may have more fields than are known.
fn is_broken(ty: &Type, facts: &Facts) -> bool {
    matches!(ty.required(), Type::Named(name) if facts.broken.contains(name))
}

/// Tells whether the type is one plain value that is always there.
fn is_plain(schema: &Schema, ty: &Type) -> bool {
    match ty {
        Type::Scalar(scalar) => *scalar != Scalar::Json,
        Type::Named(name) => schema.enums.contains_key(name),
        _ => false,
    }
}

/// A query is a shape whose fields can be written as texts, perhaps several of one name.
fn queries(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    for (api, span) in facts.queries.iter().filter(|(_, span)| !facts.unresolved.contains(span)) {
        let Some(query) = schema.apis.get(api).and_then(|api| api.query.as_ref()) else {
            continue;
        };
        let Some(fields) = schema.fields(query) else {
            out.error(codes::BAD_PARAMETER_TYPE, *span, format!("a query cannot be `{query}`"))
                .with_hint("name a shape or write one in place: `{ limit: Int @default(20) }`");
            continue;
        };
        let is_text = |ty: &Type| is_plain(schema, ty) || matches!(ty, Type::Scalar(Scalar::Json));
        let fits = |ty: &Type| match ty.required() {
            Type::List(item) => is_text(item),
            other => is_text(other),
        };
        for field in fields.iter().filter(|field| !fits(&field.ty)) {
            let place = if matches!(query.required(), Type::Inline(_)) { field.span } else { *span };
            let message = format!("`{}` is `{}`, which cannot stand in a query", field.name, field.ty);
            out.error(codes::BAD_PARAMETER_TYPE, place, message)
                .with_hint("fields of a query are scalars, enums and lists of these");
        }
    }
}

/// Finds types that nothing leads to. Models are stored, so they need no other use; events may be published by any
/// handler. What an item with syntax errors leads to is not known.
fn unused(schema: &Schema, facts: &Facts, out: &mut Reporter) {
    if !facts.broken.is_empty() {
        return;
    }
    let mut reached: HashSet<&str> = HashSet::new();
    let mut ahead: Vec<&str> = facts.errors.iter().map(|(name, _)| name.as_str()).collect();
    ahead.extend(facts.meant.iter().map(String::as_str));
    let models = schema.shapes.values().filter(|shape| shape.kind == ShapeKind::Model);
    ahead.extend(models.map(|shape| shape.name.as_str()));
    mentioned_by_entities(schema, &mut ahead);
    while let Some(name) = ahead.pop() {
        if reached.insert(name)
            && let Some(shape) = schema.shapes.get(name)
        {
            shape.fields.iter().for_each(|field| mentioned(&field.ty, &mut ahead));
        }
    }
    let shapes = schema.shapes.values().map(|shape| (&shape.name, shape.span));
    let enums = schema.enums.values().map(|item| (&item.name, item.span));
    for (name, span) in shapes.chain(enums).filter(|(name, _)| !reached.contains(name.as_str())) {
        out.warning(codes::UNUSED_ITEM, span, format!("`{name}` is never used"))
            .with_hint("use it or remove it");
    }
}

fn mentioned_by_entities<'s>(schema: &'s Schema, into: &mut Vec<&'s str>) {
    for api in schema.apis.values() {
        api.params.iter().chain(&api.headers).for_each(|field| mentioned(&field.ty, into));
        api.query.iter().chain(&api.body).chain(&api.response).for_each(|ty| mentioned(ty, into));
    }
    schema.events.values().filter_map(|event| event.payload.as_ref()).for_each(|ty| mentioned(ty, into));
    for socket in schema.sockets.values() {
        socket.params.iter().for_each(|field| mentioned(&field.ty, into));
        socket.message.iter().for_each(|ty| mentioned(ty, into));
    }
}

/// Collects the names that a type consists of.
fn mentioned<'s>(ty: &'s Type, into: &mut Vec<&'s str>) {
    match ty {
        Type::Named(name) => into.push(name),
        Type::Inline(fields) => fields.iter().for_each(|field| mentioned(&field.ty, into)),
        Type::List(inner) | Type::Map(inner) | Type::Optional(inner) => mentioned(inner, into),
        Type::Scalar(_) => {}
    }
}
