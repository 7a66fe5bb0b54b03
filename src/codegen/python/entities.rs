//! The modules of apis, events and sockets. Called by [`Package`](super::Package).
//!
//! What handlers get has its general part in `runtime`; the classes here fill the schema's types in, and
//! `rohas_runtime.contract` reads them to convert what it hands over.

use crate::schema::{Api, Event, Field, Socket, Type};

use super::Package;
use super::module::Module;
use super::names::{attributes, is_identifier, module_name};
use super::types::{docstring, quoted};

/// What a request has itself: a path parameter of that name is found in `params` only.
const OF_REQUESTS: &[&str] = &[
    "body",
    "clientAddr",
    "client_addr",
    "cookies",
    "get",
    "headers",
    "method",
    "params",
    "path",
    "query",
    "queryParams",
    "query_params",
];

/// What an event has itself: a field of that name is found in `payload` only.
const OF_EVENTS: &[&str] = &[
    "attempt",
    "causationId",
    "causation_id",
    "correlationId",
    "correlation_id",
    "get",
    "id",
    "name",
    "payload",
    "time",
];

/// The names that belong to an api; those in the module of api `name`.
pub(super) fn api_names(name: &str) -> Vec<String> {
    ["Params", "Query", "Headers", "Body", "Request", "Response", "Handler"]
        .map(|part| format!("{name}{part}"))
        .to_vec()
}

/// The names in the module of event `name`.
pub(super) fn event_names(name: &str) -> Vec<String> {
    ["", "Payload", "Handler"].map(|part| format!("{name}{part}")).to_vec()
}

/// The names in the module of socket `name`.
pub(super) fn socket_names(name: &str) -> Vec<String> {
    let parts = ["Params", "Message", "Connection", "ConnectHandler", "MessageHandler", "DisconnectHandler"];
    parts.map(|part| format!("{name}{part}")).to_vec()
}

/// Writes `api/<name>.py`.
pub(super) fn api(package: &Package<'_>, api: &Api) -> String {
    let names = api_names(&api.name);
    let mut module = Module::new(package, "api", &module_name(&api.name), &names);
    let types = || [&api.query, &api.body, &api.response].into_iter().flatten();
    module.reserve(["params", "query", "headers", "body"].map(str::to_owned));
    module.reserve_fields(&api.params);
    types().for_each(|ty| module.reserve_type(ty));
    module.pass_on_errors(api);
    types().for_each(|ty| module.pass_on(ty));
    let [params, query, headers, body, request, response, handler] = &names[..] else { return String::new() };
    let route = format!("`{} {}`", api.method.as_str(), api.path);

    let mut members = Vec::new();
    if !api.params.is_empty() {
        module.record(params, &api.params, Some("The path parameters."));
        members.push(format!("params: {params}"));
    }
    match &api.query {
        Some(ty) => module.alias(query, ty, "The query, checked, with its defaults."),
        None => {
            let texts = module.texts();
            module.declare(query, &texts);
        }
    }
    members.push(format!("query: {query}"));
    let ty = module.headers(headers, &api.headers);
    module.declare(headers, &ty);
    members.push(format!("headers: {headers}"));
    match &api.body {
        Some(ty) => {
            module.alias(body, ty, "The body, checked, with its defaults.");
            members.push(format!("body: {body}"));
        }
        // What is not declared is handed over as it came.
        None => {
            let any = module.import("typing", "Any");
            members.push(format!("body: {any}"));
        }
    }
    let classes = module.classes().to_vec();
    module.own_members(&api.params, OF_REQUESTS, &classes, &mut members);
    module.object(request, "TypedRequest", &members, &format!("A request to {route}."));
    let result = match &api.response {
        Some(ty) => {
            module.alias(response, ty, &format!("What {route} answers with on success: {}.", api.status));
            response.clone()
        }
        None => "None".to_owned(),
    };
    let [callable, union, awaitable] =
        ["Callable", "Union", "Awaitable"].map(|name| module.import("typing", name));
    let (state, any_response) = (module.runtime("State"), module.runtime("Response"));
    let result = format!("{union}[{result}, {any_response}, {awaitable}[{union}[{result}, {any_response}]]]");
    // The state may be left out.
    let [both, one] = [format!("{request}, {state}"), request.clone()]
        .map(|arguments| format!("{callable}[[{arguments}], {result}]"));
    module.declare(handler, &format!("{union}[{both}, {one}]"));
    with_doc(module, api.doc.as_deref())
}

/// Writes `events/<name>.py`.
pub(super) fn event(package: &Package<'_>, event: &Event) -> String {
    let names = event_names(&event.name);
    let mut module = Module::new(package, "events", &module_name(&event.name), &names);
    let [object, payload, handler] = &names[..] else { return String::new() };
    let mut members = vec![format!("payload: {payload}")];
    module.reserve(["payload".to_owned()]);
    match &event.payload {
        Some(ty) => {
            let optional = ty.is_optional();
            let fields = if optional { None } else { package.schema.fields(ty) }.unwrap_or_default();
            let classes = match ty {
                // The fields of a shape have their names in its own module.
                Type::Named(name) => package.classes_of(name),
                _ => module.classes().to_vec(),
            };
            let wire = fields.iter().map(|field| field.name.as_str());
            module.reserve(attributes(wire, module.holder(), &classes));
            module.reserve_type(ty);
            module.pass_on(ty);
            module.alias(payload, ty, &format!("What the event `{}` carries.", event.name));
            module.own_members(fields, OF_EVENTS, &classes, &mut members);
        }
        None => {
            let any = module.import("typing", "Any");
            module.declare(payload, &any);
        }
    }
    module.object(
        object,
        "TypedEvent",
        &members,
        &format!("The event `{}` as its handlers get it.", event.name),
    );
    module.handler(handler, &[object]);
    with_doc(module, event.doc.as_deref())
}

/// Writes `websockets/<name>.py`.
pub(super) fn socket(package: &Package<'_>, socket: &Socket) -> String {
    let names = socket_names(&socket.name);
    let mut module = Module::new(package, "websockets", &module_name(&socket.name), &names);
    let [params, message, connection, connect, receive, disconnect] = &names[..] else {
        return String::new();
    };
    module.reserve_fields(&socket.params);
    let mut members = Vec::new();
    if let Some(ty) = &socket.message {
        module.reserve_type(ty);
        module.pass_on(ty);
    }
    if !socket.params.is_empty() {
        module.record(params, &socket.params, Some("The path parameters."));
        members.push(format!("params: {params}"));
    }
    match &socket.message {
        Some(ty) => module.alias(message, ty, "What a client sends."),
        None => {
            let any = module.import("typing", "Any");
            module.declare(message, &any);
        }
    }
    module.object(connection, "TypedConnection", &members, &format!("A connection to `{}`.", socket.path));
    module.handler(connect, &[connection]);
    module.handler(receive, &[message, connection]);
    module.handler(disconnect, &[connection]);
    with_doc(module, socket.doc.as_deref())
}

/// Puts the doc of the entity above its module.
fn with_doc(module: Module<'_>, doc: Option<&str>) -> String {
    let doc = docstring(doc, "");
    let gap = if doc.is_empty() { "" } else { "\n" };
    format!("{doc}{gap}{}", module.finish())
}

impl Module<'_> {
    /// Imports and exports the error classes of an api, before anything else can take their names.
    fn pass_on_errors(&mut self, api: &Api) {
        for name in api.errors.values().filter(|name| is_identifier(name)) {
            let stem = self.package.errors[name.as_str()].clone();
            if self.import_own(&format!("errors.{stem}"), name) == *name {
                self.export(name);
            }
        }
    }

    /// Declares `name` as another name of `ty`, or as the class of an inline type.
    fn alias(&mut self, name: &str, ty: &Type, doc: &str) {
        self.inline_records(ty, Some(doc));
        if !matches!(ty, Type::Inline(_)) {
            let ty = self.ty(ty);
            self.declare(name, &ty);
        }
    }

    fn declare(&mut self, name: &str, ty: &str) {
        self.line(&format!("{name} = {ty}"));
        self.export(name);
    }

    fn handler(&mut self, name: &str, arguments: &[&String]) {
        let [callable, union] = ["Callable", "Union"].map(|name| self.import("typing", name));
        let (state, result) = (self.runtime("State"), self.builtin("object"));
        let arguments = arguments.iter().map(|argument| argument.as_str()).collect::<Vec<_>>().join(", ");
        let [both, one] = [format!("{arguments}, {state}"), arguments]
            .map(|arguments| format!("{callable}[[{arguments}], {result}]"));
        self.declare(name, &format!("{union}[{both}, {one}]"));
    }

    /// Adds a class of an object that handlers get.
    fn object(&mut self, name: &str, parent: &str, members: &[String], doc: &str) {
        let parent = self.runtime(parent);
        let members: String = members.iter().map(|member| format!("    {member}\n")).collect();
        let gap = if members.is_empty() { "" } else { "\n" };
        self.class(&format!("class {name}({parent}):\n{}{gap}{members}", docstring(Some(doc), "    ")));
        self.export(name);
    }

    /// Lists the fields that are also readable on the object itself.
    fn own_members(&mut self, fields: &[Field], own: &[&str], classes: &[String], members: &mut Vec<String>) {
        let wire = fields.iter().map(|field| field.name.as_str());
        for (field, name) in fields.iter().zip(attributes(wire, self.holder(), classes)) {
            if !own.contains(&name.as_str()) && !self.classes().contains(&name) {
                let ty = self.ty(&field.ty);
                let absent = super::types::may_be_absent(field) && !field.ty.is_optional();
                let ty = if absent { self.optional(&ty) } else { ty };
                members.push(format!("{name}: {ty}"));
            }
        }
    }

    fn texts(&mut self) -> String {
        let (dict, text) = (self.import("typing", "Dict"), self.builtin("str"));
        format!("{dict}[{text}, {text}]")
    }

    /// Writes the type of the headers; of undeclared ones a type checker knows nothing, but they are there as well.
    fn headers(&mut self, name: &str, fields: &[Field]) -> String {
        if fields.is_empty() {
            return self.texts();
        }
        for field in fields {
            self.inline_records(&field.ty, field.doc.as_deref());
        }
        let typed = self.import("typing", "TypedDict");
        let mut entries = Vec::new();
        for field in fields {
            let ty = self.ty(&field.ty);
            entries.push(format!("{}: {ty}", quoted(&field.name)));
        }
        format!("{typed}(\"{name}\", {{{}}})", entries.join(", "))
    }
}
