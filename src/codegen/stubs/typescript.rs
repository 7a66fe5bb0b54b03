//! TypeScript's stubs. Called by [`stub`](super::stub).

use crate::schema::Schema;

use super::{Missing, Moment, events_of, moment, occasion};

/// Writes the text of a stub.
pub(super) fn text(schema: &Schema, missing: &Missing) -> String {
    let doc = occasion(schema, missing).map(|text| format!("// {text}\n")).unwrap_or_default();
    match missing {
        Missing::Api(name) => {
            let import = import(&format!("{name}Handler"), &format!("../../generated/api/{name}.ts"));
            format!(
                "{import}\n{doc}{}",
                function("handler", &format!("{name}Handler"), "_request, _state", name)
            )
        }
        Missing::Event(name) => event(schema, name),
        Missing::Cron(name) => {
            let import = import("CronHandler", "../../generated/runtime.ts");
            format!("{import}\n{doc}{}", function("handler", "CronHandler", "_tick, _state", name))
        }
        Missing::Socket { name, functions } => socket(schema, name, functions),
        Missing::Middleware(name) => {
            let import = import("Middleware", "../generated/runtime.ts");
            format!("{import}\n{}", function("handler", "Middleware", "_request, _state", name))
        }
    }
}

fn event(schema: &Schema, name: &str) -> String {
    let events = events_of(schema, name);
    let mut imports: String =
        events.iter().map(|event| import(event, &format!("../../generated/events/{event}.ts"))).collect();
    imports += &import("EventHandler", "../../generated/runtime.ts");
    let ty = format!("EventHandler<{}>", events.join(" | "));
    format!("{imports}\n{}", function("handler", &ty, "_event, _state", name))
}

fn socket(schema: &Schema, name: &str, functions: &[String]) -> String {
    let mut types: Vec<String> = Vec::new();
    let mut bodies = String::new();
    for called in functions {
        let (ty, parameters) = match moment(schema, name, called) {
            Moment::Message => ("MessageHandler", "_message, _connection, _state"),
            Moment::Connect => ("ConnectHandler", "_connection, _state"),
            Moment::Disconnect => ("DisconnectHandler", "_connection, _state"),
        };
        let ty = format!("{name}{ty}");
        bodies += &format!("\n{}", function(called, &ty, parameters, called));
        if !types.contains(&ty) {
            types.push(ty);
        }
    }
    format!("{}{bodies}", import(&types.join(", "), &format!("../../generated/websockets/{name}.ts")))
}

fn import(names: &str, path: &str) -> String {
    format!("import type {{ {names} }} from \"{path}\";\n")
}

fn function(name: &str, ty: &str, parameters: &str, called: &str) -> String {
    format!(
        "export const {name}: {ty} = async ({parameters}) => {{\n  throw new Error(\"{called} is not written yet\");\n}};\n"
    )
}
