//! The modules of apis, events and sockets. Called by [`files`](super::files).
//!
//! What the objects that handlers get are made of stands in `runtime.ts`; these modules fill the schema's types in.

use crate::schema::{Api, Event, Field, Socket, Type};

use super::module::Module;
use super::types::{comment, identifier, key};
use super::{Export, Generated};

/// Writes `api/<Name>.ts`.
pub(super) fn api(api: &Api) -> Generated {
    let name = &api.name;
    let names = ["Params", "Query", "Headers", "Body", "Request", "Response", "Handler"]
        .map(|part| format!("{name}{part}"));
    let mut module = Module::new(names.iter().chain(api.errors.values()));
    [&api.query, &api.body, &api.response].into_iter().flatten().for_each(|ty| module.pass_on(ty));
    let [params, query, headers, body, request, response, handler] = &names;
    let route = format!("`{} {}`", api.method.as_str(), api.path);

    let ty = module.object(&api.params, 0);
    declare(&mut module, params, &ty, "The path parameters.");
    let ty = match &api.query {
        Some(ty) => module.ty(ty, None, 0),
        None => module.runtime("Texts"),
    };
    declare(&mut module, query, &ty, "The query, checked, with its defaults.");
    let ty = header_type(&mut module, &api.headers);
    declare(&mut module, headers, &ty, "The headers; names in lower case.");
    let ty = optional(&mut module, api.body.as_ref());
    declare(&mut module, body, &ty, "The body, checked, with its defaults.");
    let generic = module.runtime("ApiRequest");
    let ty = format!("{generic}<{params}, {query}, {headers}, {body}>");
    declare(&mut module, request, &ty, &format!("A request to {route}."));
    let ty = api.response.as_ref().map_or("void".to_owned(), |ty| module.ty(ty, None, 0));
    declare(&mut module, response, &ty, &format!("What {route} answers with on success: {}.", api.status));
    let generic = module.runtime("ApiHandler");
    let doc = format!("{}\n\nThe handler of {route}.", api.doc.as_deref().unwrap_or_default());
    declare(&mut module, handler, &format!("{generic}<{request}, {response}>"), doc.trim_start());
    module.declare(&thrown(api, &names));
    let exports = names.into_iter().map(Export::ty).collect();
    Generated { folder: "api", name: name.clone(), text: module.finish(), exports }
}

/// Passes the error classes on.
fn thrown(api: &Api, taken: &[String]) -> String {
    let mut names: Vec<&String> = api.errors.values().filter(|name| identifier(name)).collect();
    names.sort();
    names.dedup();
    let export = |name: &&String| {
        let named = if taken.contains(name) { format!("{name} as {name}_") } else { (*name).clone() };
        format!("export {{ {named} }} from \"../errors/{name}.ts\";\n")
    };
    names.iter().map(export).collect()
}

/// The type of all headers: the declared ones, and any other as a text.
fn header_type(module: &mut Module, declared: &[Field]) -> String {
    if declared.is_empty() {
        return module.runtime("Texts");
    }
    let mut lines = String::new();
    let mut kinds: Vec<String> = vec!["string".to_owned(), "undefined".to_owned()];
    for field in declared {
        lines += &module.field(field, "", 2);
        for part in [module.ty(field.ty.required(), Some(&field.attributes), 2), "null".to_owned()] {
            let there = part != "null" || field.ty.is_optional();
            if there && !kinds.contains(&part) {
                kinds.push(part);
            }
        }
    }
    // TypeScript wants every declared property to fit the rest as well.
    format!("{{\n{lines}  [{}: string]: {};\n}}", key("name"), kinds.join(" | "))
}

/// Writes `events/<Name>.ts`.
pub(super) fn event(event: &Event) -> Generated {
    let name = &event.name;
    let names = [name.clone(), format!("{name}Payload"), format!("{name}Handler")];
    let mut module = Module::new(&names);
    if let Some(ty) = &event.payload {
        module.pass_on(ty);
    }
    let [_, payload, handler] = &names;
    let ty = optional(&mut module, event.payload.as_ref());
    declare(&mut module, payload, &ty, &format!("What the event `{name}` carries."));
    let generic = module.runtime("EventMessage");
    let doc = event.doc.clone().unwrap_or_else(|| format!("The event `{name}` as its handlers get it."));
    declare(&mut module, name, &format!("{generic}<\"{name}\", {payload}>"), &doc);
    let generic = module.runtime("EventHandler");
    declare(
        &mut module,
        handler,
        &format!("{generic}<{name}>"),
        &format!("A handler of the event `{name}`."),
    );
    let exports = names.into_iter().map(Export::ty).collect();
    Generated { folder: "events", name: name.clone(), text: module.finish(), exports }
}

/// Writes `websockets/<Name>.ts`.
pub(super) fn socket(socket: &Socket) -> Generated {
    let name = &socket.name;
    let parts = ["Params", "Message", "Connection", "ConnectHandler", "MessageHandler", "DisconnectHandler"];
    let names = parts.map(|part| format!("{name}{part}"));
    let mut module = Module::new(&names);
    if let Some(ty) = &socket.message {
        module.pass_on(ty);
    }
    let [params, message, connection, connect, receive, disconnect] = &names;
    let ty = module.object(&socket.params, 0);
    declare(&mut module, params, &ty, "The path parameters.");
    let ty = optional(&mut module, socket.message.as_ref());
    declare(&mut module, message, &ty, "What a client sends.");
    let generic = module.runtime("WsConnection");
    let doc = socket.doc.clone().unwrap_or_else(|| format!("A connection to `{}`.", socket.path));
    declare(&mut module, connection, &format!("{generic}<\"{name}\", {params}>"), &doc);
    let generic = module.runtime("WsHandler");
    let doc = "Runs when a client has connected; what it returns is sent.";
    declare(&mut module, connect, &format!("{generic}<{connection}>"), doc);
    let generic = module.runtime("WsMessageHandler");
    let doc = "Runs for every message; what it returns is sent.";
    declare(&mut module, receive, &format!("{generic}<{message}, {connection}>"), doc);
    let generic = module.runtime("WsHandler");
    let doc = "Runs when a client has gone.";
    declare(&mut module, disconnect, &format!("{generic}<{connection}>"), doc);
    let exports = names.into_iter().map(Export::ty).collect();
    Generated { folder: "websockets", name: name.clone(), text: module.finish(), exports }
}

/// A type that need not be declared: then it is any JSON.
fn optional(module: &mut Module, ty: Option<&Type>) -> String {
    match ty {
        Some(ty) => module.ty(ty, None, 0),
        None => module.runtime("Json"),
    }
}

fn declare(module: &mut Module, name: &str, ty: &str, doc: &str) {
    let doc = comment(Some(doc), None, 0);
    module.declare(&format!("{doc}export type {name} = {ty};\n"));
}
