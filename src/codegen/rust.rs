//! Rust's files: serde types. Called by [`generate`](super::generate).
//!
//! A project names them with `mod generated;` and needs the crates rohas, serde (derive), serde_json, chrono (serde) and
//! uuid (serde, v7). Paths of other crates and modules are written out, so that a shape may be called anything.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;

use crate::codegen::names::{Namer, joined};
use crate::codegen::{File, GENERATED};
use crate::schema::Schema;

mod entities;
mod names;
mod records;
mod types;

/// What all modules are made from.
struct Crate<'a> {
    schema: &'a Schema,
    /// By the address of an inline type in the schema: the module and the struct it became.
    inline: HashMap<usize, (&'static str, String)>,
    /// The types of every module.
    declared: BTreeMap<&'static str, HashSet<String>>,
    /// What every shape holds by value, itself or over others.
    holds: HashMap<&'a str, BTreeSet<&'a str>>,
}

pub(super) fn files(schema: &Schema) -> Vec<File> {
    let project = Crate::new(schema);
    let modules = [
        ("models", project.models()),
        ("api", project.apis()),
        ("events", project.events()),
        ("websockets", project.sockets()),
    ];
    let modules: Vec<_> = modules.into_iter().filter(|(_, text)| !text.is_empty()).collect();
    let names = modules.iter().map(|(name, _)| *name).chain(["runtime"]);
    let mut names: Vec<String> = names.map(|name| format!("#[rustfmt::skip]\npub mod {name};\n")).collect();
    names.sort_unstable();
    let allowed = "#![allow(clippy::all, dead_code, deprecated, non_camel_case_types, non_snake_case)]";
    let mut files = vec![
        file("mod", &format!("\n{allowed}\n\n{}", names.join("\n"))),
        file("runtime", &format!("\n{}", include_str!("rust/runtime.rs.txt"))),
    ];
    files.extend(modules.iter().map(|(name, text)| file(name, text)));
    files
}

fn file(name: &str, text: &str) -> File {
    File { path: PathBuf::from(format!("{name}.rs")), text: format!("// {GENERATED}\n{text}") }
}

impl<'a> Crate<'a> {
    fn new(schema: &'a Schema) -> Self {
        let mut project = Crate {
            schema,
            inline: HashMap::new(),
            declared: BTreeMap::new(),
            holds: records::holds(schema),
        };
        project.name_inline_types();
        project
    }

    /// Gives every inline type of the schema a name. Sorted, so that the order of files does not matter.
    fn name_inline_types(&mut self) {
        let schema = self.schema;
        let none = HashSet::new();
        let types = schema.shapes.keys().chain(schema.enums.keys()).map(|name| names::type_name(name));
        let mut namer = Namer::new(&none, types);
        for (name, shape) in schema.shapes.iter().collect::<BTreeMap<_, _>>() {
            for field in &shape.fields {
                namer.part(&field.ty, joined(&names::type_name(name), &field.name));
            }
        }
        self.keep("models", namer);
        let mut namer = Namer::new(&none, schema.apis.keys().flat_map(|name| entities::api_names(name)));
        for (name, api) in schema.apis.iter().collect::<BTreeMap<_, _>>() {
            for (ty, part) in [(&api.query, "Query"), (&api.body, "Body"), (&api.response, "Response")] {
                ty.iter().for_each(|ty| namer.whole(ty, &format!("{name}{part}")));
            }
            for (fields, part) in [(&api.params, "Params"), (&api.headers, "Headers")] {
                for field in fields {
                    namer.part(&field.ty, joined(&format!("{name}{part}"), &field.name));
                }
            }
        }
        self.keep("api", namer);
        let events = schema.events.keys().flat_map(|name| entities::event_names(schema, name));
        let mut namer = Namer::new(&none, events);
        for (name, event) in schema.events.iter().collect::<BTreeMap<_, _>>() {
            let [_, payload] = entities::event_names(schema, name);
            event.payload.iter().for_each(|ty| namer.whole(ty, &payload));
        }
        self.keep("events", namer);
        let sockets = schema.sockets.keys().flat_map(|name| entities::socket_names(name));
        let mut namer = Namer::new(&none, sockets);
        for (name, socket) in schema.sockets.iter().collect::<BTreeMap<_, _>>() {
            socket.message.iter().for_each(|ty| namer.whole(ty, &format!("{name}Message")));
        }
        self.keep("websockets", namer);
    }

    /// Keeps the types of a module.
    fn keep(&mut self, module: &'static str, namer: Namer<'_>) {
        self.declared.insert(module, namer.taken);
        self.inline.extend(namer.named.into_iter().map(|(ty, name)| (ty, (module, name))));
    }
}
