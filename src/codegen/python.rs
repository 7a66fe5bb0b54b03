//! Python's files. Called by [`generate`](super::generate).
//!
//! One module per item, so that a handler imports what it needs and nothing else. `models` never imports `api`, `events`
//! or `websockets`; models that need each other do so at the end of their modules, when their classes are there.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::codegen::names::{Namer, joined};
use crate::codegen::{File, GENERATED, PythonModels};
use crate::schema::Schema;

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

    /// Gives every inline type of the schema a class name.
    fn name_inline_types(&mut self) {
        let schema = self.schema;
        let declared: HashSet<String> = schema.shapes.keys().chain(schema.enums.keys()).cloned().collect();
        let none = HashSet::new();
        for shape in schema.shapes.values() {
            let mut namer = Namer::new(&declared, []);
            for field in &shape.fields {
                namer.part(&field.ty, joined(&shape.name, &field.name));
            }
            self.keep("models", &shape.name, namer);
        }
        for api in schema.apis.values() {
            let mut namer = Namer::new(&none, entities::api_names(&api.name));
            for (ty, part) in [(&api.query, "Query"), (&api.body, "Body"), (&api.response, "Response")] {
                ty.iter().for_each(|ty| namer.whole(ty, &format!("{}{part}", api.name)));
            }
            for (fields, part) in [(&api.params, "Params"), (&api.headers, "Headers")] {
                for field in fields {
                    namer.part(&field.ty, joined(&format!("{}{part}", api.name), &field.name));
                }
            }
            self.keep("api", &api.name, namer);
        }
        for event in schema.events.values() {
            let mut namer = Namer::new(&none, entities::event_names(&event.name));
            event.payload.iter().for_each(|ty| namer.whole(ty, &format!("{}Payload", event.name)));
            self.keep("events", &event.name, namer);
        }
        for socket in schema.sockets.values() {
            let mut namer = Namer::new(&none, entities::socket_names(&socket.name));
            socket.message.iter().for_each(|ty| namer.whole(ty, &format!("{}Message", socket.name)));
            self.keep("websockets", &socket.name, namer);
        }
    }

    /// Keeps the classes of the module of item `name`.
    fn keep(&mut self, folder: &str, name: &str, namer: Namer<'_>) {
        let module = format!("{folder}.{}", module_name(name));
        let classes = namer.named.iter().map(|(_, class)| class.clone()).collect();
        self.inline_classes.insert(module.clone(), classes);
        self.inline.extend(namer.named.into_iter().map(|(ty, class)| (ty, (module.clone(), class))));
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
