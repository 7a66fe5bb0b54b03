//! What values are sent through: every shape, and every type of an api, an event and an endpoint.

use rohas::codegen::File;
use rohas::schema::Type;

use super::Sample;

/// A type of a sample that has a name in generated code.
pub struct Subject {
    /// `models`, `api`, `events` or `websockets`.
    pub folder: &'static str,
    /// The name in the schema, or the derived one.
    pub name: String,
    pub ty: Type,
}

/// Lists what a sample declares.
pub fn subjects(sample: &Sample) -> Vec<Subject> {
    let schema = &sample.schema;
    let mut found = Vec::new();
    let mut add = |folder, name: String, ty: Option<&Type>| {
        found.extend(ty.cloned().map(|ty| Subject { folder, name, ty }));
    };
    for name in schema.shapes.keys().chain(schema.enums.keys()) {
        add("models", name.clone(), Some(&Type::Named(name.clone())));
    }
    for (name, api) in &schema.apis {
        let parts = [("Query", &api.query), ("Body", &api.body), ("Response", &api.response)];
        parts.into_iter().for_each(|(part, ty)| add("api", format!("{name}{part}"), ty.as_ref()));
        let params = Type::Inline(api.params.clone());
        add("api", format!("{name}Params"), Some(&params).filter(|_| !api.params.is_empty()));
    }
    for (name, event) in &schema.events {
        add("events", format!("{name}Payload"), event.payload.as_ref());
    }
    for (name, socket) in &schema.sockets {
        add("websockets", format!("{name}Message"), socket.message.as_ref());
    }
    found
}

impl Subject {
    /// Returns the Python module and name, as the files declare them.
    pub fn python(&self, files: &[File]) -> (String, String) {
        let declares = |file: &&File| {
            let own = file.path.parent().is_some_and(|folder| folder == std::path::Path::new(self.folder));
            let heads = [
                format!("\nclass {}:", self.name),
                format!("\nclass {}(", self.name),
                format!("\n{} = ", self.name),
            ];
            own && heads.iter().any(|head| file.text.contains(head))
        };
        let file = files.iter().find(declares);
        let file = file.unwrap_or_else(|| panic!("no Python for {}", self.name));
        let module = file.path.with_extension("").to_str().unwrap().replace('/', ".");
        (module, self.name.clone())
    }

    /// Returns the path of the Rust type below the sample's module, as the files declare it.
    pub fn rust(&self, files: &[File]) -> String {
        let file =
            files.iter().find(|file| file.path == std::path::Path::new(&format!("{}.rs", self.folder)));
        let text = &file.unwrap_or_else(|| panic!("no Rust for {}", self.folder)).text;
        let mut names = [self.name.clone(), format!("{}_", self.name)];
        if self.folder == "events" {
            names.reverse(); // an event may be called as the payload of another
        }
        let declared = |name: &&String| {
            ["struct", "enum", "type"].iter().any(|kind| text.contains(&format!("pub {kind} {name} ")))
        };
        let name = names.iter().find(declared);
        format!("{}::{}", self.folder, name.unwrap_or_else(|| panic!("no Rust for {}", self.name)))
    }
}
