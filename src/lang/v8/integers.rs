//! Integers on their way into an isolate: which become a `BigInt`, and which a JavaScript number would round.
//!
//! Called by `worker` for every call, with the types that the schema declares for the arguments. Changes no value: the
//! script is told the places and puts the `BigInt`s there.

use serde_json::json;

use crate::invocation::{Invocation, Json, Kind, Violation};
use crate::schema::{Field, Scalar, Schema, Type};

/// The largest integer a JavaScript number holds exactly: 2^53 - 1.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// What was found in the arguments of a call.
#[derive(Default)]
pub(super) struct Integers {
    /// For each `BigInt` its digits, then its place: the number of the argument, names, indices.
    pub(super) bigints: Vec<Json>,
    /// Integers that are not exact as a number and may not be a `BigInt`.
    pub(super) violations: Vec<Violation>,
}

/// Looks through the arguments of `invocation`.
pub(super) fn find(schema: &Schema, invocation: &Invocation) -> Integers {
    // A middleware sees the requests of every api, so no type is known: it gets what is exact.
    let untyped_bigints = invocation.handler.kind == Kind::Middleware;
    let mut walk =
        Walk { schema, untyped_bigints, prefix: "", place: Vec::new(), found: Integers::default() };
    let count = invocation.arguments.len();
    for (index, argument) in invocation.arguments.iter().enumerate() {
        walk.place.push(Step::At(index));
        walk.argument(invocation, (index, count), argument);
        walk.place.pop();
    }
    walk.found
}

enum Step<'a> {
    Name(&'a str),
    At(usize),
}

struct Walk<'a> {
    schema: &'a Schema,
    untyped_bigints: bool,
    /// What the place of a violation begins with.
    prefix: &'static str,
    /// The number of the argument, then the way into it.
    place: Vec<Step<'a>>,
    found: Integers,
}

impl<'a> Walk<'a> {
    fn argument(&mut self, invocation: &'a Invocation, (index, count): (usize, usize), argument: &'a Json) {
        let (schema, name) = (self.schema, &*invocation.handler.name);
        match invocation.handler.kind {
            Kind::Api => {
                let api = schema.apis.get(name);
                self.parts(argument, |part| match part {
                    "params" => api.map(|api| Typed::Fields(&api.params)),
                    "headers" => api.map(|api| Typed::Fields(&api.headers)),
                    "query" => api.and_then(|api| api.query.as_ref()).map(Typed::As),
                    "body" => api.and_then(|api| api.body.as_ref()).map(Typed::As),
                    _ => None,
                });
            }
            Kind::Event => {
                let event = argument.get("name").and_then(Json::as_str);
                let event = event.and_then(|event| schema.events.get(event));
                let payload = event.and_then(|event| event.payload.as_ref());
                self.parts(argument, |part| payload.filter(|_| part == "payload").map(Typed::As));
            }
            Kind::Ws => {
                let socket = schema.sockets.get(name.split_once('.').map_or(name, |(socket, _)| socket));
                // Only a message comes with two arguments.
                if count == 2 && index == 0 {
                    self.prefix = "/message";
                    self.value(socket.and_then(|socket| socket.message.as_ref()), false, argument);
                } else {
                    self.prefix = "/connection";
                    let params = socket.map(|socket| Typed::Fields(&socket.params));
                    self.parts(argument, |part| params.filter(|_| part == "params"));
                }
            }
            Kind::Cron | Kind::Middleware => self.value(None, false, argument),
        }
    }

    /// Walks the parts of an object whose types `typed` knows.
    fn parts(&mut self, argument: &'a Json, typed: impl Fn(&str) -> Option<Typed<'a>>) {
        let Json::Object(parts) = argument else { return self.value(None, false, argument) };
        for (name, part) in parts {
            self.place.push(Step::Name(name));
            match typed(name) {
                Some(Typed::As(ty)) => self.value(Some(ty), false, part),
                Some(Typed::Fields(fields)) => self.object(fields, part),
                None => self.value(None, false, part),
            }
            self.place.pop();
        }
    }

    fn object(&mut self, fields: &'a [Field], value: &'a Json) {
        let Json::Object(entries) = value else { return self.value(None, false, value) };
        for (name, entry) in entries {
            self.place.push(Step::Name(name));
            let field = fields.iter().find(|field| field.name == *name);
            let bigint = field.is_some_and(|field| field.attributes.bigint);
            self.value(field.map(|field| &field.ty), bigint, entry);
            self.place.pop();
        }
    }

    /// Walks a value along its type, as far as one is known; `bigint` is the attribute of the field that holds it.
    fn value(&mut self, ty: Option<&'a Type>, bigint: bool, value: &'a Json) {
        match (ty.map(Type::required), value) {
            (_, Json::Null | Json::Bool(_) | Json::String(_)) => {}
            (ty, Json::Number(number)) => self.number(ty, bigint, number),
            (ty, Json::Array(items)) => {
                let item = if let Some(Type::List(item)) = ty { Some(&**item) } else { None };
                for (index, value) in items.iter().enumerate() {
                    self.place.push(Step::At(index));
                    self.value(item, bigint, value);
                    self.place.pop();
                }
            }
            (Some(Type::Map(item)), Json::Object(entries)) => {
                for (name, value) in entries {
                    self.place.push(Step::Name(name));
                    self.value(Some(item), bigint, value);
                    self.place.pop();
                }
            }
            (ty, Json::Object(_)) => {
                let schema = self.schema;
                self.object(ty.and_then(|ty| schema.fields(ty)).unwrap_or_default(), value);
            }
        }
    }

    fn number(&mut self, ty: Option<&Type>, bigint: bool, number: &serde_json::Number) {
        let magnitude = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64());
        let Some(magnitude) = magnitude else { return };
        if matches!(ty, Some(Type::Scalar(Scalar::Float))) {
            return;
        }
        let declared = bigint && matches!(ty, Some(Type::Scalar(Scalar::Int)));
        if declared || (self.untyped_bigints && magnitude > MAX_SAFE) {
            let place = self.place.iter().map(|step| match step {
                Step::Name(name) => json!(name),
                Step::At(index) => json!(index),
            });
            let told = std::iter::once(json!(number.to_string())).chain(place).collect();
            self.found.bigints.push(Json::Array(told));
        } else if magnitude > MAX_SAFE {
            let message = format!(
                "{number} is beyond ±(2^53 - 1), which a JavaScript number cannot hold exactly; only an Int with \
                 @bigint may be"
            );
            self.found.violations.push(Violation { path: self.pointer(), code: "type", message });
        }
    }

    /// Returns the place as a JSON pointer.
    fn pointer(&self) -> String {
        let mut pointer = self.prefix.to_owned();
        for step in &self.place[1..] {
            pointer.push('/');
            match step {
                Step::Name(name) => pointer.push_str(&name.replace('~', "~0").replace('/', "~1")),
                Step::At(index) => pointer.push_str(&index.to_string()),
            }
        }
        pointer
    }
}

/// The declared type of a part.
#[derive(Clone, Copy)]
enum Typed<'a> {
    As(&'a Type),
    Fields(&'a [Field]),
}
