//! What each Rust handler serves, as the checks of its arguments see it. Called by the builder; reads the schema only.

use crate::invocation::{HandlerId, Kind};
use crate::lang::Problem;
use crate::lang::native::{Arguments, Definition, Provided, Target};
use crate::schema::{Field, Schema};

/// An entity that a handler serves.
pub(super) struct Served {
    /// As in `api CreateUser`.
    entity: String,
    arguments: Arguments,
    has_body: bool,
    /// The names of the path parameters, in the order of the path.
    pub(super) params: Vec<String>,
}

/// Lists the entities that the handler `id` serves: middlewares and event handlers may have several.
pub(super) fn served(schema: &Schema, id: &HandlerId) -> Vec<Served> {
    let name = &*id.name;
    let plain = |entity: String, arguments| Served { entity, arguments, has_body: false, params: Vec::new() };
    match id.kind {
        Kind::Api => schema.apis.get(name).into_iter().map(api).collect(),
        Kind::Cron => vec![plain(format!("cron {name}"), Arguments::Tick)],
        Kind::Event => {
            let events =
                schema.events.values().filter(|event| event.handlers.iter().any(|known| known == name));
            events.map(|event| plain(format!("event {}", event.name), Arguments::Event)).collect()
        }
        Kind::Ws => functions(schema, name),
        Kind::Middleware => {
            let named = |names: &[String]| names.iter().any(|known| known == name);
            let apis = schema.apis.values().filter(|api| named(&api.middlewares)).map(api);
            let sockets = schema.sockets.values().filter(|socket| named(&socket.middlewares));
            let upgrades = sockets.map(|socket| Served {
                params: names(&socket.params),
                ..plain(format!("ws {}", socket.name), Arguments::Request)
            });
            apis.chain(upgrades).collect()
        }
    }
}

fn api(api: &crate::schema::Api) -> Served {
    Served {
        entity: format!("api {}", api.name),
        arguments: Arguments::Request,
        has_body: api.body.is_some(),
        params: names(&api.params),
    }
}

/// The functions of an endpoint: one may have several parts.
fn functions(schema: &Schema, name: &str) -> Vec<Served> {
    let Some((socket, function)) = name.split_once('.') else { return Vec::new() };
    let Some(socket) = schema.sockets.get(socket) else { return Vec::new() };
    let parts = [
        ("on_connect", &socket.on_connect, Arguments::Connection),
        ("on_message", &socket.on_message, Arguments::Message),
        ("on_disconnect", &socket.on_disconnect, Arguments::Connection),
    ];
    let ours = parts.into_iter().filter(|(_, named, _)| named.iter().any(|known| known == function));
    let part = |(part, _, arguments)| Served {
        entity: format!("{part} of ws {}", socket.name),
        arguments,
        has_body: false,
        params: names(&socket.params),
    };
    ours.map(part).collect()
}

fn names(fields: &[Field]) -> Vec<String> {
    fields.iter().map(|field| field.name.clone()).collect()
}

/// Checks every argument of a handler against every entity that it serves; says the same thing once.
pub(super) fn check(
    id: &HandlerId,
    definition: &Definition,
    served: &[Served],
    provided: &Provided,
) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for Served { entity, arguments, has_body, params } in served {
        let (arguments, has_body) = (*arguments, *has_body);
        let target = Target { handler: id, entity, arguments, has_body, params, provided };
        for problem in definition.check(&target) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    problems
}
