//! Python's stubs. Called by [`stub`](super::stub). The modules of `src/generated` are imported as `generated`: `src`
//! is on the path of every interpreter that runs handlers.

use crate::codegen::python::module_name;
use crate::schema::Schema;

use super::{Missing, Moment, events_of, moment, occasion};

/// Writes the text of a stub.
pub(super) fn text(schema: &Schema, missing: &Missing) -> String {
    let doc = occasion(schema, missing).map(|text| format!("    # {text}\n")).unwrap_or_default();
    match missing {
        Missing::Api(name) => {
            let answers = schema.apis.get(name).is_some_and(|api| api.response.is_some());
            let (request, response) = (format!("{name}Request"), format!("{name}Response"));
            let names = if answers { vec![&*request, &*response] } else { vec![&*request] };
            let answer = if answers { &*response } else { "None" };
            let function = function("handler", &format!("request: {request}"), answer, &doc, name);
            module(&import(&format!("api.{}", module_name(name)), &names), &["State"], &function)
        }
        Missing::Event(name) => event(schema, name),
        Missing::Cron(name) => {
            module("", &["State", "Tick"], &function("handler", "tick: Tick", "None", &doc, name))
        }
        Missing::Socket { name, functions } => socket(schema, name, functions),
        Missing::Middleware(name) => {
            module("", &["Request", "State"], &function("handler", "request: Request", "None", "", name))
        }
    }
}

fn event(schema: &Schema, name: &str) -> String {
    let events = events_of(schema, name);
    let imports = events.iter().map(|event| import(&format!("events.{}", module_name(event)), &[event]));
    let imports: String = imports.collect();
    let (imports, ty) = match &events[..] {
        [one] => (imports, (*one).to_owned()),
        several => {
            (format!("from typing import Union\n\n{imports}"), format!("Union[{}]", several.join(", ")))
        }
    };
    module(&imports, &["State"], &function("handler", &format!("event: {ty}"), "None", "", name))
}

fn socket(schema: &Schema, name: &str, functions: &[String]) -> String {
    let (connection, message) = (format!("{name}Connection"), format!("{name}Message"));
    let mut names = vec![&*connection];
    let mut bodies = Vec::new();
    for called in functions {
        let mut parameters = format!("connection: {connection}");
        if moment(schema, name, called) == Moment::Message {
            parameters = format!("message: {message}, {parameters}");
            if !names.contains(&&*message) {
                names.push(&message);
            }
        }
        bodies.push(function(called, &parameters, "None", "", called));
    }
    module(&import(&format!("websockets.{}", module_name(name)), &names), &["State"], &bodies.join("\n\n"))
}

fn import(path: &str, names: &[&str]) -> String {
    format!("from generated.{path} import {}\n", names.join(", "))
}

fn module(imports: &str, runtime: &[&str], body: &str) -> String {
    format!("{imports}{}\n\n{body}", import("runtime", runtime))
}

fn function(name: &str, parameters: &str, answer: &str, doc: &str, called: &str) -> String {
    format!(
        "async def {name}({parameters}, state: State) -> {answer}:\n{doc}    raise NotImplementedError(\"{called} is not written yet\")\n"
    )
}
