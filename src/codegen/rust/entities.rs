//! The types of apis, events and sockets. Called by [`files`](super::files).
//!
//! What handlers take is the type of `rohas` with the schema's types filled in.

use std::collections::BTreeMap;

use crate::codegen::names::free;
use crate::schema::{Api, Event, Field, Schema, Socket, Type};

use super::records::Record;
use super::types::docs;
use super::{Crate, names};

/// The names that belong to api `name`.
pub(super) fn api_names(name: &str) -> Vec<String> {
    ["Params", "Query", "Headers", "Body", "Request", "Response", "Error"]
        .map(|part| format!("{name}{part}"))
        .to_vec()
}

/// The names that belong to event `name`: its own and that of its payload, which no other event may have.
pub(super) fn event_names(schema: &Schema, name: &str) -> [String; 2] {
    let payload = free(format!("{name}Payload"), |name| schema.events.contains_key(name));
    [names::type_name(name), payload]
}

/// The names that belong to socket `name`.
pub(super) fn socket_names(name: &str) -> Vec<String> {
    ["Params", "Message", "Connection", "Received"].map(|part| format!("{name}{part}")).to_vec()
}

impl Crate<'_> {
    /// Writes `api.rs`.
    pub(super) fn apis(&self) -> String {
        let apis: BTreeMap<_, _> = self.schema.apis.iter().collect();
        apis.into_values().map(|api| self.api(api)).collect()
    }

    /// Writes `events.rs`.
    pub(super) fn events(&self) -> String {
        let events: BTreeMap<_, _> = self.schema.events.iter().collect();
        events.into_values().map(|event| self.event(event)).collect()
    }

    /// Writes `websockets.rs`.
    pub(super) fn sockets(&self) -> String {
        let sockets: BTreeMap<_, _> = self.schema.sockets.iter().collect();
        sockets.into_values().map(|socket| self.socket(socket)).collect()
    }

    fn api(&self, api: &Api) -> String {
        let name = &api.name;
        let route = format!("`{} {}`", api.method.as_str(), api.path);
        let mut text = String::new();
        let mut kinds = vec!["()".to_owned(), texts()];
        if let Some(ty) = &api.body {
            text += &self.alias(&format!("{name}Body"), ty, "api", &format!("The body of {route}."));
            kinds[0] = format!("{name}Body");
        }
        if let Some(ty) = &api.query {
            text += &self.alias(&format!("{name}Query"), ty, "api", &format!("The query of {route}."));
            kinds[1] = format!("{name}Query");
        }
        if !api.params.is_empty() {
            let doc = format!("The path parameters of {route}.");
            text += &self.object(&format!("{name}Params"), &api.params, "api", &doc);
            kinds.push(format!("{name}Params"));
        }
        if !api.headers.is_empty() {
            text += &self.headers(api, &route);
        }
        if let Some(ty) = &api.response {
            let doc = format!("What {route} answers with on success: {}.", api.status);
            text += &self.alias(&format!("{name}Response"), ty, "api", &doc);
        }
        let doc = format!("{}\n\nA request to {route}.", api.doc.as_deref().unwrap_or_default());
        let doc = docs(Some(doc.trim_start()), "");
        text += &format!("\n{doc}pub type {name}Request = ::rohas::Request<{}>;\n", kinds.join(", "));
        text += &self.error(api, &route);
        text
    }

    fn headers(&self, api: &Api, route: &str) -> String {
        let name = format!("{}Headers", api.name);
        let result = self.std("Result", "api");
        let mut text = self.object(&name, &api.headers, "api", &format!("The declared headers of {route}."));
        text += &format!(
            "\nimpl {name} {{\n    /// Reads the headers of a request.\n    ///\n    /// # Errors\n    /// They do not fit; \
                 not with a request that was checked.\n    pub fn of(request: &{}Request) -> {result}<Self, ::rohas::Failure> {{\n        \
                 ::serde_json::from_value(::serde_json::Value::Object(request.headers.clone()))\n            \
                 .map_err(::rohas::Failure::internal)\n    }}\n}}\n",
            api.name
        );
        text
    }

    /// Writes the declared errors as an enum that becomes the failure of a handler.
    fn error(&self, api: &Api, route: &str) -> String {
        let mut declared: Vec<&String> = api.errors.values().collect();
        declared.sort();
        declared.dedup();
        if declared.is_empty() {
            return String::new();
        }
        let name = format!("{}Error", api.name);
        let variants = names::variants(declared.iter().map(|error| error.as_str()));
        let (mut lines, mut arms) = (String::new(), String::new());
        for (error, variant) in declared.iter().zip(&variants) {
            let (held, body) = if self.schema.shapes.contains_key(*error) {
                (self.model(error, "api"), "::serde_json::to_value(body)")
            } else {
                (self.std("String", "api"), "Ok(::serde_json::json!({ \"message\": body }))")
            };
            lines += &format!("    {variant}({held}),\n");
            arms += &format!("            {name}::{variant}(body) => ({error:?}, {body}),\n");
        }
        format!(
            "\n/// The errors that {route} declares.\n#[derive(Clone, Debug, PartialEq)]\npub enum {name} {{\n{lines}}}\n\n\
             impl ::std::convert::From<{name}> for ::rohas::Failure {{\n    fn from(error: {name}) -> Self {{\n        \
             let (name, body) = match error {{\n{arms}        }};\n        match body {{\n            \
             Ok(body) => {{\n                let message = body[\"message\"].as_str().unwrap_or(name).to_owned();\n                \
             ::rohas::Failure::declared(name, message, body)\n            }}\n            \
             Err(error) => ::rohas::Failure::internal(error),\n        }}\n    }}\n}}\n"
        )
    }

    fn event(&self, event: &Event) -> String {
        let name = &event.name;
        let [own, payload] = event_names(self.schema, name);
        let doc = format!("What the event `{name}` carries.");
        let mut text = match &event.payload {
            Some(ty) => self.alias(&payload, ty, "events", &doc),
            None => format!("\n/// {doc}\npub type {payload} = ::serde_json::Value;\n"),
        };
        let general = format!("The event `{name}` as its handlers get it.");
        text += &format!(
            "\n{}pub type {} = ::rohas::Event<{payload}>;\n",
            docs(Some(event.doc.as_deref().unwrap_or(&general)), ""),
            own
        );
        text
    }

    fn socket(&self, socket: &Socket) -> String {
        let name = &socket.name;
        let mut text = match &socket.message {
            Some(ty) => self.alias(&format!("{name}Message"), ty, "websockets", "What a client sends."),
            None => format!("\n/// What a client sends.\npub type {name}Message = ::serde_json::Value;\n"),
        };
        let mut params = String::new();
        if !socket.params.is_empty() {
            params = format!("{name}Params");
            let doc = format!("The path parameters of `{}`.", socket.path);
            text += &self.object(&params, &socket.params, "websockets", &doc);
        }
        let general = format!("A connection to `{}`.", socket.path);
        let doc = docs(Some(socket.doc.as_deref().unwrap_or(&general)), "");
        let [one, more] = if params.is_empty() {
            [String::new(), String::new()]
        } else {
            [format!("<{params}>"), format!(", {params}")]
        };
        text += &format!(
            "\n{doc}pub type {name}Connection = ::rohas::Connection{one};\n\n\
             /// A message with its connection, as the handlers of messages get it.\n\
             pub type {name}Received = ::rohas::Message<{name}Message{more}>;\n"
        );
        text
    }

    /// Writes `name` as another name of `ty`, or as the struct of an inline type.
    fn alias(&self, name: &str, ty: &Type, module: &'static str, doc: &str) -> String {
        let records = self.inline_records(ty, Some(doc), module, None);
        match ty {
            Type::Inline(_) => records,
            ty => format!("\n/// {doc}\npub type {name} = {};\n{records}", self.ty(ty, module)),
        }
    }

    fn object(&self, name: &str, fields: &[Field], module: &'static str, doc: &str) -> String {
        self.record(&Record { name, fields, doc: Some(doc), module, shape: None })
    }
}

/// The type of a query that is not declared.
fn texts() -> String {
    "::std::collections::BTreeMap<::std::string::String, ::std::string::String>".to_owned()
}
