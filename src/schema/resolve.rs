//! Syntax tree → model: finds out what every item says and looks up every name.
//!
//! Called by [`compile`](super::compile). `types` resolves type expressions, `attributes` the attributes, `values` the
//! plain property values, `routes` paths and their parameters; what needs the whole model is left to `check` as
//! [`Facts`].

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;

use super::ast::{Entry, Item, ItemKind, Variant, Word};
use super::codes;
use super::diagnostic::Reporter;
use super::entities::{Api, CatchUp, Cron, Event, Method, Overflow, Overlap, Socket};
use super::model::{Attributes, Enum, EnumValue, Json, Scalar, Schema, Shape, ShapeKind, Span, Type};
use super::reserved::reserved_by;
use super::spelling::nearest;

const API: &[&str] = &[
    "method",
    "path",
    "params",
    "query",
    "headers",
    "body",
    "response",
    "status",
    "errors",
    "triggers",
    "middlewares",
    "timeout",
    "concurrency",
    "mailbox",
    "overflow",
];
const EVENT: &[&str] = &[
    "payload",
    "handler",
    "triggers",
    "durable",
    "key",
    "retry",
    "group",
    "bus",
    "timeout",
    "concurrency",
    "mailbox",
    "overflow",
];
const CRON: &[&str] = &["schedule", "timezone", "overlap", "catch_up", "triggers", "timeout"];
const SOCKET: &[&str] = &[
    "path",
    "params",
    "message",
    "onConnect",
    "onMessage",
    "onDisconnect",
    "triggers",
    "broadcast",
    "middlewares",
    "mailbox",
];

/// Older spellings of properties.
pub(super) const ALIASES: &[(ItemKind, &str, &str)] = &[
    (ItemKind::Event, "handlers", "handler"),
    (ItemKind::Event, "type", "bus"),
    (ItemKind::Ws, "on_connect", "onConnect"),
    (ItemKind::Ws, "on_message", "onMessage"),
    (ItemKind::Ws, "on_disconnect", "onDisconnect"),
];

/// More comparisons of names than this are not made to find out what was meant: the number of misspelt names times that
/// of all names would be the cost.
pub(super) const MAX_COMPARISONS: usize = 50_000;
const MAILBOX: usize = 1024;
/// Per session: what does not fit waits in the connection, where the client feels it.
const SESSION_MAILBOX: usize = 16;
const API_CONCURRENCY: usize = 64;

/// What `check` needs beside the model.
#[derive(Default)]
pub(super) struct Facts {
    /// Every declared route: a method or `ws`, the path, and where it stands.
    pub routes: Vec<Route>,
    /// Every written default, to be checked against its type.
    pub defaults: Vec<Written>,
    /// Event → event, where the trigger is written.
    pub triggers: Vec<(String, String, Span)>,
    /// The types that misspelt names were probably meant to be.
    pub meant: HashSet<String>,
    /// Every handler, under the name it is found by.
    pub handlers: Vec<Handler>,
    /// Every name in `errors`.
    pub errors: Vec<(String, Span)>,
    /// Where the query of an api is written.
    pub queries: Vec<(String, Span)>,
    /// Fields, queries and payloads whose types could not be understood.
    pub unresolved: HashSet<Span>,
    /// The items with syntax errors; there may be more in them than is known.
    pub broken: HashSet<String>,
}

/// A handler that an item names.
pub(super) struct Handler {
    pub kind: &'static str,
    pub name: String,
    pub span: Span,
}

/// A declared route.
pub(super) struct Route {
    pub owner: String,
    pub method: &'static str,
    pub path: String,
    pub span: Span,
}

/// A written default with the type it is for.
pub(super) struct Written {
    pub ty: Type,
    pub attributes: Attributes,
    pub value: Json,
    pub span: Span,
}

/// The properties of an item by their present names.
pub(super) type Properties<'i> = IndexMap<&'static str, &'i Entry>;

/// Turns the items of all files into the model.
pub(super) struct Resolver<'a> {
    pub(super) out: &'a mut Reporter,
    pub(super) facts: Facts,
    pub(super) shapes: HashSet<String>,
    pub(super) enums: HashMap<String, Vec<String>>,
    pub(super) events: HashSet<String>,
    /// How many comparisons of names may still be made.
    pub(super) comparisons: usize,
    /// What was given a second time, each as an item of its own.
    pub(super) repeated: Vec<Item>,
}

/// Resolves all items; adds what is wrong to `out`.
pub(super) fn resolve(items: &[Item], out: &mut Reporter) -> (Schema, Facts) {
    let mut resolver = Resolver {
        out,
        facts: Facts::default(),
        shapes: HashSet::new(),
        enums: HashMap::new(),
        events: HashSet::new(),
        comparisons: MAX_COMPARISONS,
        repeated: Vec::new(),
    };
    let (items, again) = resolver.declare(items);
    let mut schema = Schema::default();
    for item in items {
        resolver.item(item, &mut schema);
    }
    let repeated = std::mem::take(&mut resolver.repeated);
    again.into_iter().chain(&repeated).for_each(|item| resolver.discarded(item));
    (schema, resolver.facts)
}

impl Resolver<'_> {
    /// Registers all names, so that order does not matter; sets apart items that are declared a second time.
    fn declare<'i>(&mut self, items: &'i [Item]) -> (Vec<&'i Item>, Vec<&'i Item>) {
        let mut seen: HashMap<(&'static str, &str), Span> = HashMap::new();
        let (mut kept, mut again) = (Vec::new(), Vec::new());
        for item in items {
            let name = item.name.text.as_str();
            let space = if item.kind.is_type() { "type" } else { item.kind.as_str() };
            if let Some(first) = seen.get(&(space, name)) {
                let place = self.out.place(*first);
                self.out
                    .error(
                        codes::DUPLICATE_ITEM,
                        item.name.span,
                        format!("{space} `{name}` is declared twice"),
                    )
                    .with_label("declared again")
                    .with_hint(format!("it is first declared at {place}"));
                again.push(item);
                continue;
            }
            seen.insert((space, name), item.name.span);
            self.item_name(item);
            if item.broken {
                self.facts.broken.insert(name.to_owned());
            }
            match item.kind {
                ItemKind::Enum => {
                    let values = item.values.iter().map(|value| value.name.text.clone()).collect();
                    self.enums.insert(name.to_owned(), values);
                }
                ItemKind::Model | ItemKind::Input | ItemKind::Type => {
                    self.shapes.insert(name.to_owned());
                }
                ItemKind::Event => {
                    self.events.insert(name.to_owned());
                }
                ItemKind::Api | ItemKind::Cron | ItemKind::Ws => {}
            }
            kept.push(item);
        }
        (kept, again)
    }

    fn item_name(&mut self, item: &Item) {
        let name = &item.name;
        let reserved = item.kind.is_type() && (Scalar::from_name(&name.text).is_some() || name.text == "Map");
        if reserved {
            self.out
                .error(codes::BAD_NAME, name.span, format!("`{}` is a built-in type", name.text))
                .with_hint("choose another name");
        } else {
            self.identifier(name);
            self.unreserved(name);
        }
    }

    /// Reports a name that generated code could not use.
    pub(super) fn unreserved(&mut self, name: &Word) {
        if let Some(owner) = reserved_by(&name.text) {
            self.out
                .error(codes::RESERVED_WORD, name.span, format!("`{}` is a reserved name", name.text))
                .with_label(format!("a word of {owner}"))
                .with_hint("choose another name");
        }
    }

    pub(super) fn item(&mut self, item: &Item, schema: &mut Schema) {
        let name = item.name.text.clone();
        match item.kind {
            ItemKind::Model | ItemKind::Input | ItemKind::Type => {
                schema.shapes.insert(name, self.shape(item));
            }
            ItemKind::Enum => {
                schema.enums.insert(name, self.enumeration(item));
            }
            ItemKind::Api => {
                schema.apis.insert(name, self.api(item));
            }
            ItemKind::Event => {
                schema.events.insert(name, self.event(item));
            }
            ItemKind::Cron => {
                schema.crons.insert(name, self.cron(item));
            }
            ItemKind::Ws => {
                schema.sockets.insert(name, self.socket(item));
            }
        }
    }

    fn shape(&mut self, item: &Item) -> Shape {
        Shape {
            name: item.name.text.clone(),
            kind: match item.kind {
                ItemKind::Model => ShapeKind::Model,
                ItemKind::Input => ShapeKind::Input,
                _ => ShapeKind::Type,
            },
            fields: self.fields(&item.entries),
            doc: item.doc.clone(),
            span: item.name.span,
        }
    }

    fn enumeration(&mut self, item: &Item) -> Enum {
        let mut values: IndexMap<&str, EnumValue> = IndexMap::new();
        for Variant { name, doc } in &item.values {
            self.identifier(name);
            if values.contains_key(name.text.as_str()) {
                let message = format!("`{}` has the value `{}` twice", item.name.text, name.text);
                self.out.error(codes::DUPLICATE_FIELD, name.span, message).with_hint("remove one of the two");
                continue;
            }
            values
                .insert(&name.text, EnumValue { name: name.text.clone(), doc: doc.clone(), span: name.span });
        }
        if values.is_empty() && !item.broken {
            let message = format!("enum `{}` has no values", item.name.text);
            self.out.error(codes::ENDLESS_TYPE, item.name.span, message).with_hint("add at least one value");
        }
        let values = values.into_values().collect();
        Enum { name: item.name.text.clone(), values, doc: item.doc.clone(), span: item.name.span }
    }

    fn api(&mut self, item: &Item) -> Api {
        let p = self.properties(item, API, &["method", "path"]);
        let given = p.get("method").and_then(|entry| self.method(&entry.value));
        let method = given.unwrap_or(Method::Get);
        let (path, params) = self.route(item, &p, method.as_str());
        let response = p.get("response").map(|entry| self.ty(&entry.value));
        let status = p.get("status").and_then(|entry| self.success(&entry.value));
        self.bodies(&p, given, status);
        self.handler("an api", &item.name);
        Api {
            name: item.name.text.clone(),
            method,
            path,
            params,
            query: p.get("query").map(|entry| {
                let span = entry.value.span;
                self.facts.queries.push((item.name.text.clone(), span));
                self.known_type(span, &entry.value)
            }),
            headers: p.get("headers").map(|entry| self.headers(&entry.value)).unwrap_or_default(),
            body: p.get("body").map(|entry| self.ty(&entry.value)),
            status: status.unwrap_or(if response.is_some() { 200 } else { 204 }),
            response,
            errors: p.get("errors").map(|entry| self.errors(&entry.value)).unwrap_or_default(),
            triggers: self.triggers(&p, None),
            middlewares: self.handlers(&p, "middlewares", "a middleware", ""),
            timeout: p.get("timeout").and_then(|entry| self.duration(&entry.value)),
            concurrency: self.count(&p, "concurrency").unwrap_or(API_CONCURRENCY),
            mailbox: self.count(&p, "mailbox").unwrap_or(MAILBOX),
            overflow: self.overflow(&p).unwrap_or(Overflow::Fail),
            doc: item.doc.clone(),
            span: item.name.span,
        }
    }

    fn event(&mut self, item: &Item) -> Event {
        let p = self.properties(item, EVENT, &[]);
        let durable = p.get("durable").and_then(|entry| self.flag(&entry.value)).unwrap_or(true);
        Event {
            name: item.name.text.clone(),
            payload: p.get("payload").map(|entry| self.known_type(item.name.span, &entry.value)),
            handlers: self.handlers(&p, "handler", "an event handler", ""),
            triggers: self.triggers(&p, Some(&item.name.text)),
            durable,
            key: p.get("key").and_then(|entry| self.text(&entry.value)),
            key_span: p.get("key").map_or(item.name.span, |entry| entry.value.span),
            retry: p.get("retry").map(|entry| self.retry(&entry.value)).unwrap_or_default(),
            group: p.get("group").and_then(|entry| self.text(&entry.value)),
            bus: p.get("bus").and_then(|entry| self.text(&entry.value)),
            timeout: p.get("timeout").and_then(|entry| self.duration(&entry.value)),
            concurrency: self.count(&p, "concurrency").unwrap_or(1),
            mailbox: self.count(&p, "mailbox").unwrap_or(MAILBOX),
            overflow: self.event_overflow(item, &p, durable),
            doc: item.doc.clone(),
            span: item.name.span,
        }
    }

    fn cron(&mut self, item: &Item) -> Cron {
        let p = self.properties(item, CRON, &["schedule"]);
        self.handler("a cron", &item.name);
        let overlaps = [("skip", Overlap::Skip), ("queue", Overlap::Queue), ("parallel", Overlap::Parallel)];
        let catch_ups = [("none", CatchUp::None), ("one", CatchUp::One), ("all", CatchUp::All)];
        Cron {
            name: item.name.text.clone(),
            schedule: p.get("schedule").and_then(|entry| self.schedule(&entry.value)).unwrap_or_default(),
            timezone: p
                .get("timezone")
                .and_then(|entry| self.timezone(&entry.value))
                .unwrap_or(chrono_tz::UTC),
            overlap: self.choice(&p, "overlap", &overlaps).unwrap_or_default(),
            catch_up: self.choice(&p, "catch_up", &catch_ups).unwrap_or_default(),
            triggers: self.triggers(&p, None),
            timeout: p.get("timeout").and_then(|entry| self.duration(&entry.value)),
            doc: item.doc.clone(),
            span: item.name.span,
        }
    }

    fn socket(&mut self, item: &Item) -> Socket {
        let p = self.properties(item, SOCKET, &["path"]);
        let owner = item.name.text.as_str();
        let (path, params) = self.route(item, &p, "ws");
        Socket {
            name: item.name.text.clone(),
            path,
            params,
            message: p.get("message").map(|entry| self.ty(&entry.value)),
            on_connect: self.handlers(&p, "onConnect", "a websocket function", owner),
            on_message: self.handlers(&p, "onMessage", "a websocket function", owner),
            on_disconnect: self.handlers(&p, "onDisconnect", "a websocket function", owner),
            triggers: self.triggers(&p, None),
            broadcast: p.get("broadcast").and_then(|entry| self.flag(&entry.value)).unwrap_or(false),
            middlewares: self.handlers(&p, "middlewares", "a middleware", ""),
            mailbox: self.count(&p, "mailbox").unwrap_or(SESSION_MAILBOX),
            doc: item.doc.clone(),
            span: item.name.span,
        }
    }

    /// Sorts the entries of an item by property and reports what is unknown, repeated or missing.
    fn properties<'i>(
        &mut self,
        item: &'i Item,
        known: &'static [&str],
        required: &[&str],
    ) -> Properties<'i> {
        let aliases: Vec<(&str, &'static str)> = ALIASES
            .iter()
            .filter(|(kind, _, _)| *kind == item.kind)
            .map(|(_, old, new)| (*old, *new))
            .collect();
        let properties = self.known(&item.entries, known, &aliases, item.kind.as_str());
        self.repeats(item, &properties, known, &aliases);
        for name in required {
            if !properties.contains_key(name) && !item.broken {
                let message = format!("{} `{}` has no `{name}`", item.kind.as_str(), item.name.text);
                self.out
                    .error(codes::MISSING_PROPERTY, item.name.span, message)
                    .with_hint(format!("add `{name}: …`"));
            }
        }
        properties
    }

    pub(super) fn known<'i>(
        &mut self,
        entries: &'i [Entry],
        known: &'static [&str],
        aliases: &[(&str, &'static str)],
        owner: &str,
    ) -> Properties<'i> {
        let mut properties = Properties::new();
        for entry in entries {
            let written = entry.key.text.as_str();
            let alias = aliases.iter().find(|(old, _)| *old == written).map(|(_, new)| *new);
            let Some(name) = alias.or_else(|| known.iter().copied().find(|name| *name == written)) else {
                let near = nearest(written, known.iter().copied());
                self.out
                    .error(
                        codes::UNKNOWN_PROPERTY,
                        entry.key.span,
                        format!("{owner} has no property `{written}`"),
                    )
                    .with_hint(format!("known are {}", known.join(", ")))
                    .with_suggestion(near);
                continue;
            };
            if let Some(attribute) = entry.attributes.first() {
                let message = format!("`@{}` cannot stand on the property `{written}`", attribute.name.text);
                self.out
                    .error(codes::MISPLACED_ATTRIBUTE, attribute.span, message)
                    .with_hint("attributes belong to fields");
            }
            if properties.contains_key(name) {
                self.out
                    .error(codes::DUPLICATE_PROPERTY, entry.key.span, format!("`{name}` is given twice"))
                    .with_hint("remove one of the two");
                continue;
            }
            properties.insert(name, entry);
        }
        properties
    }

    /// Reads `triggers`; `owner` is the event that they belong to, if any.
    fn triggers(&mut self, properties: &Properties<'_>, owner: Option<&str>) -> Vec<String> {
        let mut triggers = Vec::new();
        let Some(entry) = properties.get("triggers") else {
            return triggers;
        };
        for word in self.names(&entry.value) {
            if !self.events.contains(&word.text) {
                let near = self.near_event(&word.text);
                self.out
                    .error(codes::UNKNOWN_EVENT, word.span, format!("there is no event `{}`", word.text))
                    .with_hint(format!("declare it: `event {} {{ … }}`", word.text))
                    .with_suggestion(near.as_deref());
                continue;
            }
            if let Some(owner) = owner {
                self.facts.triggers.push((owner.to_owned(), word.text.clone(), word.span));
            }
            triggers.push(word.text);
        }
        triggers
    }
}
