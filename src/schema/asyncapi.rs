//! The events and WebSocket endpoints of a model as an AsyncAPI 3.0 document. Called by the command line; pure, and the
//! same model always gives the same text.
//!
//! The document speaks for the app: it sends the events that something in the schema triggers, and receives those that
//! have handlers. Handlers may publish any other event, which no schema can tell.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, json};

use super::entities::{Event, Socket};
use super::json_schema::{Writer, describe, description, members};
use super::model::{Json, Scalar, Schema, Type};

/// Returns the document of all events and WebSocket endpoints: a channel for each, with its messages and operations.
pub fn asyncapi(schema: &Schema, title: &str, version: &str) -> Json {
    let mut document = Document::new(schema);
    schema.events.values().for_each(|event| document.event(event));
    schema.sockets.values().for_each(|socket| document.socket(socket));
    json!({
        "asyncapi": "3.0.0",
        "info": { "title": title, "version": version },
        "defaultContentType": "application/json",
        "channels": document.channels,
        "operations": document.operations,
        "components": { "schemas": document.writer.definitions(&document.needed) },
    })
}

struct Document<'s> {
    writer: Writer<'s>,
    /// What triggers each event.
    sources: HashMap<&'s str, Vec<String>>,
    /// The named types that something refers to.
    needed: HashSet<&'s str>,
    channels: Map<String, Json>,
    operations: Map<String, Json>,
}

impl<'s> Document<'s> {
    fn new(schema: &'s Schema) -> Self {
        Document {
            writer: Writer::new(schema, "#/components/schemas/"),
            sources: sources(schema),
            needed: HashSet::new(),
            channels: Map::new(),
            operations: Map::new(),
        }
    }

    fn event(&mut self, event: &'s Event) {
        let message = self.message(&event.name, event.payload.as_ref());
        let mut channel = members(json!({ "address": event.name }));
        describe(&mut channel, event.doc.clone());
        channel.extend(members(json!({
            "messages": { &event.name: message },
            "x-rohas-durable": event.durable,
        })));
        let texts =
            [("x-rohas-key", &event.key), ("x-rohas-group", &event.group), ("x-rohas-bus", &event.bus)];
        channel.extend(
            texts.iter().filter_map(|(name, text)| Some(((*name).to_owned(), json!(text.as_ref()?)))),
        );
        self.channels.insert(event.name.clone(), channel.into());
        if let Some(sources) = self.sources.get(event.name.as_str()) {
            let more = json!({ "x-rohas-triggered-by": sources });
            self.operation(("send", &event.name), &event.name, more);
        }
        if !event.handlers.is_empty() {
            let mut more = members(json!({ "x-rohas-handlers": event.handlers }));
            triggers(&mut more, &event.triggers);
            self.operation(("receive", &event.name), &event.name, more.into());
        }
    }

    fn socket(&mut self, socket: &'s Socket) {
        let mut name = socket.name.clone();
        while self.channels.contains_key(&name) {
            name.push_str("WebSocket"); // an event may have the same name
        }
        let frame = self.message(&name, socket.message.as_ref());
        let answer = json!({
            "name": format!("{name}Answer"),
            "description": "What the handlers return, or `error` with a type and details. Any JSON.",
            "payload": {},
        });
        let mut channel = members(json!({ "address": socket.path.replace("{*", "{") }));
        describe(&mut channel, socket.doc.clone());
        channel.extend(members(json!({
            "messages": { &name: frame, format!("{name}Answer"): answer },
            "bindings": { "ws": { "method": "GET" } },
        })));
        if !socket.params.is_empty() {
            channel.insert("parameters".to_owned(), parameters(socket).into());
        }
        if !socket.middlewares.is_empty() {
            channel.insert("x-rohas-middlewares".to_owned(), json!(socket.middlewares));
        }
        self.channels.insert(name.clone(), channel.into());
        let mut more = Map::new();
        for (key, handlers) in [
            ("x-rohas-on-connect", &socket.on_connect),
            ("x-rohas-on-message", &socket.on_message),
            ("x-rohas-on-disconnect", &socket.on_disconnect),
        ] {
            if !handlers.is_empty() {
                more.insert(key.to_owned(), json!(handlers));
            }
        }
        triggers(&mut more, &socket.triggers);
        self.operation(("receive", &name), &name, more.into());
        let to = if socket.broadcast { "every session" } else { "the sender" };
        let more =
            json!({ "description": format!("Answers go to {to}."), "x-rohas-broadcast": socket.broadcast });
        self.operation(("send", &name), &format!("{name}Answer"), more);
    }

    fn message(&mut self, name: &str, payload: Option<&'s Type>) -> Json {
        let mut out = members(json!({ "name": name }));
        if let Some(ty) = payload {
            self.writer.collect(ty, &mut self.needed);
            out.insert("payload".to_owned(), self.writer.ty(ty));
        }
        out.into()
    }

    /// Adds an operation: an action on a channel with one of its messages.
    fn operation(&mut self, (action, channel): (&str, &str), message: &str, more: Json) {
        let mut operation = members(json!({
            "action": action,
            "channel": { "$ref": format!("#/channels/{channel}") },
            "messages": [{ "$ref": format!("#/channels/{channel}/messages/{message}") }],
        }));
        operation.extend(members(more));
        self.operations.insert(format!("{action}{channel}"), operation.into());
    }
}

/// Lists what triggers each event.
fn sources(schema: &Schema) -> HashMap<&str, Vec<String>> {
    let apis = schema.apis.values().map(|api| ("api", &api.name, &api.triggers));
    let events = schema.events.values().map(|event| ("event", &event.name, &event.triggers));
    let crons = schema.crons.values().map(|cron| ("cron", &cron.name, &cron.triggers));
    let sockets = schema.sockets.values().map(|socket| ("ws", &socket.name, &socket.triggers));
    let mut out: HashMap<&str, Vec<String>> = HashMap::new();
    for (kind, name, triggers) in apis.chain(events).chain(crons).chain(sockets) {
        for event in triggers {
            out.entry(event).or_default().push(format!("{kind} {name}"));
        }
    }
    out
}

fn triggers(out: &mut Map<String, Json>, triggers: &[String]) {
    if !triggers.is_empty() {
        out.insert("x-rohas-triggers".to_owned(), json!(triggers));
    }
}

/// Parameters of an address are texts without a schema; what is more is told in words.
fn parameters(socket: &Socket) -> Map<String, Json> {
    let parameter = |field: &super::Field| {
        let mut out = Map::new();
        let ty = match &field.ty {
            Type::Scalar(Scalar::String) => None,
            ty => Some(format!("{ty}, as text")),
        };
        let parts: Vec<String> = description(field).into_iter().chain(ty).collect();
        describe(&mut out, (!parts.is_empty()).then(|| parts.join("\n\n")));
        (field.name.clone(), out.into())
    };
    socket.params.iter().map(parameter).collect()
}
