//! Rust's files: serde types. Called by [`generate`](super::generate).
//!
//! A project names them with `mod generated;` and needs the crates rohas, serde (derive), serde_json, chrono (serde) and
//! uuid (serde, v7). Paths of other crates and modules are written out, so that a shape may be called anything.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use crate::codegen::{File, GENERATED};
use crate::schema::{Schema, Type};

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
    declared: BTreeMap<&'static str, BTreeSet<String>>,
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
        let types = schema.shapes.keys().chain(schema.enums.keys()).map(|name| names::type_name(name));
        project.declared.insert("models", types.collect());
        project
            .declared
            .insert("api", schema.apis.keys().flat_map(|name| entities::api_names(name)).collect());
        project.declared.insert(
            "events",
            schema.events.keys().flat_map(|name| entities::event_names(schema, name)).collect(),
        );
        let sockets = schema.sockets.keys().flat_map(|name| entities::socket_names(name));
        project.declared.insert("websockets", sockets.collect());
        project.name_inline_types();
        project
    }

    /// Gives every inline type of the schema a name: its owner's with its field's. Sorted, so that the order of files
    /// does not matter.
    fn name_inline_types(&mut self) {
        let schema = self.schema;
        let shapes: BTreeMap<_, _> = schema.shapes.iter().collect();
        for (name, shape) in shapes {
            for field in &shape.fields {
                self.name_inline(&field.ty, "models", &names::joined(&names::type_name(name), &field.name));
            }
        }
        let apis: BTreeMap<_, _> = schema.apis.iter().collect();
        for (name, api) in apis {
            for (ty, part) in [(&api.query, "Query"), (&api.body, "Body"), (&api.response, "Response")] {
                ty.iter().for_each(|ty| self.name_root(ty, "api", &format!("{name}{part}")));
            }
            for (fields, part) in [(&api.params, "Params"), (&api.headers, "Headers")] {
                for field in fields {
                    self.name_inline(&field.ty, "api", &names::joined(&format!("{name}{part}"), &field.name));
                }
            }
        }
        let events: BTreeMap<_, _> = schema.events.iter().collect();
        for (name, event) in events {
            let [_, payload] = entities::event_names(schema, name);
            event.payload.iter().for_each(|ty| self.name_root(ty, "events", &payload));
        }
        let sockets: BTreeMap<_, _> = schema.sockets.iter().collect();
        for (name, socket) in sockets {
            socket.message.iter().for_each(|ty| self.name_root(ty, "websockets", &format!("{name}Message")));
        }
    }

    /// Names the inline types of a body, a response and the like: `name` itself is for the whole.
    fn name_root(&mut self, ty: &Type, module: &'static str, name: &str) {
        if matches!(ty, Type::Inline(_)) {
            self.declared.entry(module).or_default().remove(name);
            self.name_inline(ty, module, name);
        } else {
            self.name_inline(ty, module, &format!("{name}Item"));
        }
    }

    fn name_inline(&mut self, ty: &Type, module: &'static str, name: &str) {
        match ty {
            Type::Inline(fields) => {
                let declared = self.declared.entry(module).or_default();
                let name = names::free(name.to_owned(), |name| declared.contains(name));
                declared.insert(name.clone());
                self.inline.insert(address(ty), (module, name.clone()));
                for field in fields {
                    self.name_inline(&field.ty, module, &names::joined(&name, &field.name));
                }
            }
            Type::List(inner) | Type::Map(inner) | Type::Optional(inner) => {
                self.name_inline(inner, module, name)
            }
            Type::Scalar(_) | Type::Named(_) => {}
        }
    }
}

/// Identifies a type expression: the schema does not move while code is generated.
fn address(ty: &Type) -> usize {
    std::ptr::from_ref(ty).addr()
}
