//! One Python module while it is written: its imports, and the names that are taken in it.
//!
//! Used by `records` and `entities`. A name of the schema always wins: what would clash is imported under another name.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::Type;

use super::Package;
use super::names::{Holder, module_name};
use crate::codegen::PythonModels;
use crate::codegen::names::address;

type Imports = BTreeMap<String, BTreeMap<String, String>>;

/// A module of a package.
pub(super) struct Module<'a> {
    pub(super) package: &'a Package<'a>,
    /// Such as `models.user`.
    path: String,
    taken: BTreeSet<String>,
    /// What is called how here, by module and name.
    locals: BTreeMap<(String, String), String>,
    /// What stands at the top.
    early: Imports,
    /// What stands at the end, where modules may need each other.
    late: Imports,
    classes: Vec<String>,
    exports: BTreeSet<String>,
    body: String,
}

impl<'a> Module<'a> {
    /// Starts a module that will declare `names`, beside the classes of its inline types.
    pub(super) fn new(package: &'a Package<'a>, folder: &str, stem: &str, names: &[String]) -> Self {
        let path = format!("{folder}.{stem}");
        let inline = package.inline_classes.get(&path).into_iter().flatten();
        let mut classes: Vec<String> = names.iter().chain(inline).cloned().collect();
        classes.sort_unstable();
        classes.dedup();
        Module {
            package,
            path,
            taken: classes.iter().cloned().collect(),
            locals: BTreeMap::new(),
            early: Imports::new(),
            late: Imports::new(),
            classes,
            exports: BTreeSet::new(),
            body: String::new(),
        }
    }

    /// The classes that the module declares.
    pub(super) fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Keeps names from being those of imports: in the body of a class, a field hides a name of the module.
    pub(super) fn reserve(&mut self, names: impl IntoIterator<Item = String>) {
        self.taken.extend(names);
    }

    /// Imports `name` from a module of the standard library; returns what it is called here.
    pub(super) fn import(&mut self, module: &str, name: &str) -> String {
        self.imported(module, name, false)
    }

    /// Returns a name that Python has without an import.
    pub(super) fn builtin(&mut self, name: &str) -> String {
        let key = ("builtins".to_owned(), name.to_owned());
        if !self.locals.contains_key(&key) && self.taken.insert(name.to_owned()) {
            self.locals.insert(key, name.to_owned());
            return name.to_owned();
        }
        self.import("builtins", name)
    }

    /// Imports from another module of the package, such as `errors.not_found`.
    pub(super) fn import_own(&mut self, module: &str, name: &str) -> String {
        let (folder, stem) = module.split_once('.').unwrap_or(("", module));
        let same =
            !folder.is_empty() && self.path.starts_with(folder) && self.path[folder.len()..].starts_with('.');
        let from = if same { format!(".{stem}") } else { format!("..{module}") };
        self.imported(&from, name, false)
    }

    /// Imports from `runtime`.
    pub(super) fn runtime(&mut self, name: &str) -> String {
        self.import_own("runtime", name)
    }

    /// Returns what a shape or an enum is called here, importing it.
    pub(super) fn model(&mut self, name: &str) -> String {
        let stem = module_name(name);
        let is_model = self.path.starts_with("models.");
        if self.path == format!("models.{stem}") {
            return name.to_owned();
        }
        if is_model && self.package.schema.shapes.contains_key(name) {
            return self.imported(&format!(".{stem}"), name, true);
        }
        self.import_own(&format!("models.{stem}"), name)
    }

    /// Returns the class of an inline type.
    pub(super) fn inline(&mut self, ty: &Type) -> String {
        let (module, class) = &self.package.inline[&address(ty)];
        if *module == self.path { class.clone() } else { self.import_own(module, class) }
    }

    fn imported(&mut self, from: &str, name: &str, late: bool) -> String {
        let key = (from.to_owned(), name.to_owned());
        if let Some(local) = self.locals.get(&key) {
            return local.clone();
        }
        let mut local = name.to_owned();
        while !self.taken.insert(local.clone()) {
            local.insert(0, '_');
        }
        let imports = if late { &mut self.late } else { &mut self.early };
        imports.entry(from.to_owned()).or_default().insert(name.to_owned(), local.clone());
        self.locals.insert(key, local.clone());
        local
    }

    /// Exports a name.
    pub(super) fn export(&mut self, name: &str) {
        self.exports.insert(name.to_owned());
    }

    /// Exports the shapes and enums that `ty` names under their own names, where these are free.
    pub(super) fn pass_on(&mut self, ty: &Type) {
        match ty {
            Type::Named(name) => {
                if self.model(name) == *name {
                    self.export(name);
                }
            }
            Type::List(inner) | Type::Map(inner) | Type::Optional(inner) => self.pass_on(inner),
            Type::Scalar(_) | Type::Inline(_) => {}
        }
    }

    /// What the classes of shapes are.
    pub(super) fn holder(&self) -> Holder {
        match self.package.models {
            PythonModels::Dataclass => Holder::Dataclass,
            PythonModels::Pydantic => Holder::Pydantic,
        }
    }

    /// Adds a class; two blank lines go before and after it.
    pub(super) fn class(&mut self, text: &str) {
        let gap = if self.body.is_empty() || self.body.ends_with("\n\n\n") { "" } else { "\n\n" };
        self.body += &format!("{gap}{text}\n\n");
    }

    /// Adds a line, with the comment above it.
    pub(super) fn line(&mut self, text: &str) {
        self.body += &format!("{text}\n");
    }

    /// Returns the whole text below the first line.
    pub(super) fn finish(self) -> String {
        let mut text = "from __future__ import annotations\n".to_owned();
        for (is_own, imports) in [(false, &self.early), (true, &self.early)] {
            let wanted: Vec<_> = imports.iter().filter(|(from, _)| from.starts_with('.') == is_own).collect();
            if !wanted.is_empty() {
                text.push('\n');
            }
            wanted.iter().for_each(|(from, names)| text += &import_line(from, names, ""));
        }
        let exports: Vec<String> = self.exports.iter().map(|name| format!("    \"{name}\",\n")).collect();
        text += &format!("\n__all__ = [\n{}]\n", exports.concat());
        let body = self.body.trim_end();
        if !body.is_empty() {
            let gap = if body.starts_with("class ") || body.starts_with('@') { "\n\n" } else { "\n" };
            text += &format!("{gap}{body}\n");
        }
        if !self.late.is_empty() {
            text += "\n\n# At the end, for these modules may need this one.\n";
            self.late.iter().for_each(|(from, names)| text += &import_line(from, names, "  # noqa: E402"));
        }
        text
    }
}

fn import_line(from: &str, names: &BTreeMap<String, String>, note: &str) -> String {
    let name = |(name, local): (&String, &String)| {
        if name == local { name.clone() } else { format!("{name} as {local}") }
    };
    let names: Vec<String> = names.iter().map(name).collect();
    format!("from {from} import {}{note}\n", names.join(", "))
}
