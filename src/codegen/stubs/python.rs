//! Python's stubs. Called by [`stub`](super::stub). The modules of `src/generated` are imported as `generated`: `src`
//! is on the path of every interpreter that runs handlers.

use crate::schema::{Schema, snake_case};

use super::{Missing, Moment, events_of, moment};

/// Writes the text of a stub.
pub(super) fn text(schema: &Schema, missing: &Missing) -> String {
    match missing {
        Missing::Api(name) => {
            let imports = import(
                &format!("api.{}", snake_case(name)),
                &[format!("{name}Request"), format!("{name}Response")],
            );
            let api = schema.apis.get(name);
            let route = api.map(|api| format!("{} {}", api.method.as_str(), api.path)).unwrap_or_default();
            let answer = match api.is_some_and(|api| api.response.is_some()) {
                true => format!("{name}Response"),
                false => "None".to_owned(),
            };
            let imports =
                if answer == "None" { imports.replace(&format!(", {name}Response"), "") } else { imports };
            let doc = format!("    \"\"\"Answers `{route}`.\"\"\"\n");
            function(&imports, "handler", &format!("request: {name}Request"), (&answer, &doc, name))
        }
        Missing::Event(name) => {
            let events = events_of(schema, name);
            let imports: String = events
                .iter()
                .map(|event| import(&format!("events.{}", snake_case(event)), &[(*event).to_owned()]))
                .collect();
            let ty = match &events[..] {
                [one] => (*one).to_owned(),
                several => format!("Union[{}]", several.join(", ")),
            };
            let imports =
                if events.len() == 1 { imports } else { format!("from typing import Union\n\n{imports}") };
            function(&imports, "handler", &format!("event: {ty}"), ("None", "", name))
        }
        Missing::Cron(name) => function("", "handler", "tick: Tick", ("None", "", name)),
        Missing::Socket { name, functions } => socket(schema, name, functions),
        Missing::Middleware(name) => function("", "handler", "request: Request", ("None", "", name)),
    }
}

fn socket(schema: &Schema, name: &str, functions: &[String]) -> String {
    let mut names = vec![format!("{name}Connection")];
    let mut bodies = String::new();
    for called in functions {
        let mut parameters = format!("connection: {name}Connection");
        if moment(schema, name, called) == Moment::Message {
            parameters = format!("message: {name}Message, {parameters}");
            names.push(format!("{name}Message"));
        }
        bodies += &format!("\n\n{}", body(called, &parameters, ("None", "", called)));
    }
    names.dedup();
    let imports = import(&format!("websockets.{}", snake_case(name)), &names);
    format!("{}{bodies}", imported(&imports, &bodies))
}

fn import(module: &str, names: &[String]) -> String {
    format!("from generated.{module} import {}\n", names.join(", "))
}

/// Puts the imports together; of the runtime only what is used.
fn imported(imports: &str, body: &str) -> String {
    let used: Vec<&str> =
        ["Request", "State", "Tick"].into_iter().filter(|name| body.contains(&format!(": {name}"))).collect();
    format!("{imports}from generated.runtime import {}\n", used.join(", "))
}

fn function(imports: &str, name: &str, parameter: &str, (answer, doc, called): (&str, &str, &str)) -> String {
    let body = body(name, parameter, (answer, doc, called));
    format!("{}\n\n{body}", imported(imports, &body))
}

fn body(name: &str, parameters: &str, (answer, doc, called): (&str, &str, &str)) -> String {
    format!(
        "async def {name}({parameters}, state: State) -> {answer}:\n{doc}    raise NotImplementedError(\"{called} is not written yet\")\n"
    )
}
