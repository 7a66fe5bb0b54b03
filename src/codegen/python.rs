//! Python's files. Called by [`generate`](super::generate).
//!
//! One module per item, so that a handler imports what it needs and nothing else. `models` never imports `api`, `events`
//! or `websockets`; models that need each other do so at the end of their modules, when their classes are there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::codegen::{File, GENERATED, PythonModels};
use crate::schema::{Schema, Type};

mod entities;
mod module;
mod names;
mod records;
mod types;

pub(in crate::codegen) use names::module_name;
use names::stems;

/// What every module of a package is made from.
struct Package<'a> {
    schema: &'a Schema,
    models: PythonModels,
    /// By the address of an inline type in the schema: the module (`models.user`) and the class it became.
    inline: BTreeMap<usize, (String, String)>,
    /// The classes of inline types by module.
    inline_classes: BTreeMap<String, Vec<String>>,
    /// The module names of the error classes.
    errors: BTreeMap<&'a str, String>,
}

pub(super) fn files(schema: &Schema, models: PythonModels) -> Vec<File> {
    let package = Package::new(schema, models);
    let mut files = vec![
        file("__init__.py", "\"\"\"What the schema declares, as Python types.\"\"\"\n"),
        file("py.typed", ""),
        file("runtime.py", include_str!("python/runtime.py")),
        file("runtime.pyi", include_str!("python/runtime.pyi")),
    ];
    let mut folder = |name: &str, doc: &str, modules: Vec<(String, String)>| {
        if modules.is_empty() {
            return;
        }
        files.push(file(&format!("{name}/__init__.py"), &format!("\"\"\"{doc}\"\"\"\n")));
        files.extend(modules.iter().map(|(stem, text)| file(&format!("{name}/{stem}.py"), text)));
    };
    folder("models", "One module for each model, input, type and enum.", package.models());
    folder(
        "errors",
        "One module for each error that an api declares: raise it to answer so.",
        package.errors(),
    );
    folder("api", "One module for each api.", package.apis());
    folder("events", "One module for each event.", package.events());
    folder("websockets", "One module for each WebSocket endpoint.", package.sockets());
    if models == PythonModels::Pydantic {
        files.push(file("models/_record.py", include_str!("python/record.py")));
        if schema.shapes.is_empty() && schema.enums.is_empty() {
            files.push(file("models/__init__.py", ""));
        }
    }
    files
}

fn file(path: &str, text: &str) -> File {
    File { path: PathBuf::from(path), text: format!("# {GENERATED}\n{text}") }
}

impl<'a> Package<'a> {
    fn new(schema: &'a Schema, models: PythonModels) -> Self {
        let mut names: Vec<&str> =
            schema.apis.values().flat_map(|api| api.errors.values()).map(String::as_str).collect();
        names.retain(|name| names::is_identifier(name));
        names.sort_unstable();
        names.dedup();
        let errors = stems(&names);
        let (inline, inline_classes) = (BTreeMap::new(), BTreeMap::new());
        let mut package = Package { schema, models, inline, inline_classes, errors };
        package.name_inline_types();
        package
    }

    /// Gives every inline type of the schema a class name: its owner's with its field's.
    fn name_inline_types(&mut self) {
        let schema = self.schema;
        let mut taken: Vec<String> = schema.shapes.keys().chain(schema.enums.keys()).cloned().collect();
        let declared = taken.len();
        for shape in schema.shapes.values() {
            taken.truncate(declared);
            let module = format!("models.{}", module_name(&shape.name));
            for field in &shape.fields {
                self.name_inline(&field.ty, &module, &names::joined(&shape.name, &field.name), &mut taken);
            }
        }
        for api in schema.apis.values() {
            let module = format!("api.{}", module_name(&api.name));
            let mut taken = entities::api_names(&api.name);
            let parts = [(&api.query, "Query"), (&api.body, "Body"), (&api.response, "Response")];
            for (ty, part) in parts {
                if let Some(ty) = ty {
                    self.name_root(ty, &module, &format!("{}{part}", api.name), &mut taken);
                }
            }
            for (fields, part) in [(&api.params, "Params"), (&api.headers, "Headers")] {
                for field in fields {
                    let name = names::joined(&format!("{}{part}", api.name), &field.name);
                    self.name_inline(&field.ty, &module, &name, &mut taken);
                }
            }
        }
        for event in schema.events.values() {
            if let Some(ty) = &event.payload {
                let module = format!("events.{}", module_name(&event.name));
                self.name_root(
                    ty,
                    &module,
                    &format!("{}Payload", event.name),
                    &mut entities::event_names(&event.name),
                );
            }
        }
        for socket in schema.sockets.values() {
            if let Some(ty) = &socket.message {
                let module = format!("websockets.{}", module_name(&socket.name));
                self.name_root(
                    ty,
                    &module,
                    &format!("{}Message", socket.name),
                    &mut entities::socket_names(&socket.name),
                );
            }
        }
    }

    /// Names the inline types of a body, a response and the like: `name` itself is for the whole.
    fn name_root(&mut self, ty: &Type, module: &str, name: &str, taken: &mut Vec<String>) {
        if matches!(ty, Type::Inline(_)) {
            taken.retain(|known| known != name);
            self.name_inline(ty, module, name, taken);
        } else {
            self.name_inline(ty, module, &format!("{name}Item"), taken);
        }
    }

    fn name_inline(&mut self, ty: &Type, module: &str, name: &str, taken: &mut Vec<String>) {
        match ty {
            Type::Inline(fields) => {
                let name = names::free(name.to_owned(), |name| taken.iter().any(|known| known == name));
                taken.push(name.clone());
                self.inline.insert(address(ty), (module.to_owned(), name.clone()));
                self.inline_classes.entry(module.to_owned()).or_default().push(name.clone());
                for field in fields {
                    self.name_inline(&field.ty, module, &names::joined(&name, &field.name), taken);
                }
            }
            Type::List(inner) | Type::Map(inner) | Type::Optional(inner) => {
                self.name_inline(inner, module, name, taken)
            }
            Type::Scalar(_) | Type::Named(_) => {}
        }
    }

    /// The classes in the module of a shape.
    fn classes_of(&self, shape: &str) -> Vec<String> {
        let module = format!("models.{}", module_name(shape));
        self.inline_classes.get(&module).into_iter().flatten().cloned().chain([shape.to_owned()]).collect()
    }

    fn models(&self) -> Vec<(String, String)> {
        let shapes =
            self.schema.shapes.values().map(|shape| (module_name(&shape.name), records::shape(self, shape)));
        let enums = self
            .schema
            .enums
            .values()
            .map(|item| (module_name(&item.name), records::enumeration(self, item)));
        shapes.chain(enums).collect()
    }

    fn errors(&self) -> Vec<(String, String)> {
        self.errors.iter().map(|(name, stem)| (stem.clone(), records::error(self, name))).collect()
    }

    fn apis(&self) -> Vec<(String, String)> {
        self.schema.apis.values().map(|api| (module_name(&api.name), entities::api(self, api))).collect()
    }

    fn events(&self) -> Vec<(String, String)> {
        self.schema
            .events
            .values()
            .map(|event| (module_name(&event.name), entities::event(self, event)))
            .collect()
    }

    fn sockets(&self) -> Vec<(String, String)> {
        let sockets = self.schema.sockets.values();
        sockets.map(|socket| (module_name(&socket.name), entities::socket(self, socket))).collect()
    }
}

/// Identifies a type expression: the schema does not move while code is generated.
fn address(ty: &Type) -> usize {
    std::ptr::from_ref(ty).addr()
}
