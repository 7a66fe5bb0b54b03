//! One TypeScript module while it is written: its imports, and the names that are taken in it.
//!
//! Used by `records` and `entities`. A declared name always wins: what would clash is imported under another name.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::Type;

/// The imports and the body of a module in one of the folders.
#[derive(Default)]
pub(super) struct Module {
    taken: BTreeSet<String>,
    /// By path and name: the local name, and whether it is needed at run time.
    imports: BTreeMap<(String, String), (String, bool)>,
    passed_on: BTreeSet<String>,
    own_model: String,
    body: String,
}

impl Module {
    /// Starts a module that will declare `names`.
    pub(super) fn new<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        let taken = names.into_iter().map(Into::into).collect();
        Module { taken, ..Module::default() }
    }

    /// Imports the type `name` from `path`, seen from the folder of the module; returns what it is called here.
    pub(super) fn import(&mut self, path: &str, name: &str) -> String {
        self.imported(path, name, false)
    }

    /// Imports what is needed at run time, too.
    pub(super) fn import_value(&mut self, path: &str, name: &str) -> String {
        self.imported(path, name, true)
    }

    fn imported(&mut self, path: &str, name: &str, value: bool) -> String {
        let key = (path.to_owned(), name.to_owned());
        if let Some((local, known)) = self.imports.get_mut(&key) {
            *known |= value;
            return local.clone();
        }
        let mut local = name.to_owned();
        while !self.taken.insert(local.clone()) {
            local.push('_');
        }
        self.imports.insert(key, (local.clone(), value));
        local
    }

    /// Imports a type of `runtime.ts`.
    pub(super) fn runtime(&mut self, name: &str) -> String {
        self.import("../runtime.ts", name)
    }

    /// Says that the module itself declares the shape `name`.
    pub(super) fn declares_model(mut self, name: &str) -> Self {
        self.own_model = name.to_owned();
        self
    }

    /// Imports a shape or an enum.
    pub(super) fn model(&mut self, name: &str) -> String {
        if self.own_model == name {
            return name.to_owned();
        }
        self.import(&format!("../models/{name}.ts"), name)
    }

    /// Exports the shapes and enums that `ty` names under their own names, where these are free.
    pub(super) fn pass_on(&mut self, ty: &Type) {
        match ty {
            Type::Named(name) => {
                if self.model(name) == *name {
                    self.passed_on.insert(name.clone());
                }
            }
            Type::List(inner) | Type::Map(inner) | Type::Optional(inner) => self.pass_on(inner),
            Type::Scalar(_) | Type::Inline(_) => {}
        }
    }

    /// Adds a declaration; a blank line goes before it.
    pub(super) fn declare(&mut self, text: &str) {
        if !self.body.is_empty() {
            self.body.push('\n');
        }
        self.body.push_str(text);
    }

    /// Returns the whole text below the first line.
    pub(super) fn finish(self) -> String {
        let mut lines: BTreeMap<(&str, bool), Vec<String>> = BTreeMap::new();
        for ((path, name), (local, value)) in &self.imports {
            let named = if name == local { name.clone() } else { format!("{name} as {local}") };
            lines.entry((path, *value)).or_default().push(named);
        }
        let mut text = String::new();
        for ((path, value), names) in lines {
            let keyword = if value { "import" } else { "import type" };
            text += &format!("{keyword} {{ {} }} from \"{path}\";\n", names.join(", "));
        }
        if !self.passed_on.is_empty() {
            let names: Vec<&str> = self.passed_on.iter().map(String::as_str).collect();
            text += &format!("\nexport type {{ {} }};\n", names.join(", "));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&self.body);
        text
    }
}
