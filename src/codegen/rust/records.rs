//! Structs and enums. Called by [`files`](super::files) and by `entities`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::schema::{Enum, Field, Schema, Type};

use super::types::docs;
use super::{Crate, names};
use crate::codegen::names::address;

const DERIVES: &str = "#[derive(Clone, Debug, PartialEq, ::serde::Serialize, ::serde::Deserialize)]";
const ENUM_DERIVES: &str = "#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::serde::Serialize, \
                            ::serde::Deserialize)]";

/// A struct to write.
pub(super) struct Record<'f> {
    pub(super) name: &'f str,
    pub(super) fields: &'f [Field],
    pub(super) doc: Option<&'f str>,
    pub(super) module: &'static str,
    /// The shape that the fields belong to, if any: what holds it is boxed.
    pub(super) shape: Option<&'f str>,
}

/// Finds out what every shape holds by value: what it would have no size with, if it came back to itself.
pub(super) fn holds(schema: &Schema) -> HashMap<&str, BTreeSet<&str>> {
    fn direct<'s>(schema: &'s Schema, ty: &'s Type, into: &mut BTreeSet<&'s str>) {
        match ty {
            Type::Named(name) if schema.shapes.contains_key(name) => drop(into.insert(name)),
            Type::Optional(inner) => direct(schema, inner, into),
            Type::Inline(fields) => fields.iter().for_each(|field| direct(schema, &field.ty, into)),
            _ => {}
        }
    }
    let mut edges: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for (name, shape) in &schema.shapes {
        let into = edges.entry(name).or_default();
        shape.fields.iter().for_each(|field| direct(schema, &field.ty, into));
    }
    let reached = |start: &str| {
        let mut found = BTreeSet::new();
        let mut next: Vec<&str> = edges[start].iter().copied().collect();
        while let Some(name) = next.pop() {
            if found.insert(name) {
                next.extend(&edges[name]);
            }
        }
        found
    };
    schema.shapes.keys().map(|name| (name.as_str(), reached(name))).collect()
}

impl Crate<'_> {
    /// Writes `models.rs`.
    pub(super) fn models(&self) -> String {
        let mut items: BTreeMap<&str, String> = BTreeMap::new();
        for (name, shape) in &self.schema.shapes {
            let own = names::type_name(name);
            let record = Record {
                name: &own,
                fields: &shape.fields,
                doc: shape.doc.as_deref(),
                module: "models",
                shape: Some(name),
            };
            items.insert(name, self.record(&record));
        }
        for (name, item) in &self.schema.enums {
            items.insert(name, enumeration(item));
        }
        items.into_values().collect()
    }

    /// Writes a struct, and those of the inline types in it.
    pub(super) fn record(&self, record: &Record<'_>) -> String {
        let Record { name, fields, module, .. } = record;
        let own = names::fields(fields.iter().map(|field| field.name.as_str()));
        let mut lines = String::new();
        let mut defaults = String::new();
        for (field, own) in fields.iter().zip(&own) {
            lines += &self.field(record, field, own);
            if let Some(default) = &field.attributes.default {
                let ty = self.ty(&field.ty, module);
                let value = self.default(&field.ty, default, module);
                defaults += &format!("    fn default_{own}() -> {ty} {{\n        {value}\n    }}\n\n");
            }
        }
        let mut text = format!("\n{}{DERIVES}\npub struct {name} {{\n{lines}}}\n", docs(record.doc, ""));
        if !defaults.is_empty() {
            text += &format!("\nimpl {name} {{\n{}\n}}\n", defaults.trim_end());
        }
        for field in *fields {
            text += &self.inline_records(&field.ty, field.doc.as_deref(), module, record.shape);
        }
        text
    }

    /// Writes the structs of the inline types in `ty`.
    pub(super) fn inline_records(
        &self,
        ty: &Type,
        doc: Option<&str>,
        module: &'static str,
        shape: Option<&str>,
    ) -> String {
        match ty {
            Type::Inline(fields) => {
                let (_, name) = &self.inline[&address(ty)];
                self.record(&Record { name, fields, doc, module, shape })
            }
            Type::List(inner) | Type::Map(inner) | Type::Optional(inner) => {
                self.inline_records(inner, doc, module, shape)
            }
            Type::Scalar(_) | Type::Named(_) => String::new(),
        }
    }

    fn field(&self, record: &Record<'_>, field: &Field, own: &str) -> String {
        let attributes = &field.attributes;
        let absent = attributes.default.is_none() && (attributes.auto || field.ty.is_optional());
        let mut ty = self.ty(field.ty.required(), record.module);
        if self.needs_box(record.shape, &field.ty) {
            ty = format!("{}<{ty}>", self.std("Box", record.module));
        }
        let option = self.std("Option", record.module);
        if absent || field.ty.is_optional() {
            ty = format!("{option}<{ty}>");
        }
        let mut options = Vec::new();
        if own != field.name {
            options.push(format!("rename = {:?}", field.name));
        }
        if attributes.default.is_some() {
            options.push(format!("default = \"{}::default_{own}\"", record.name));
        } else if absent {
            options.push("default".to_owned());
            options.push(format!("skip_serializing_if = \"{option}::is_none\""));
        }
        let mut text = docs(field.doc.as_deref(), "    ");
        match attributes.deprecated.as_deref() {
            Some("") => text += "    #[deprecated]\n",
            Some(why) => text += &format!("    #[deprecated(note = {why:?})]\n"),
            None => {}
        }
        if !options.is_empty() {
            text += &format!("    #[serde({})]\n", options.join(", "));
        }
        text += &format!("    pub {own}: {ty},\n");
        text
    }

    /// Tells whether a field of a shape would hold the shape itself.
    fn needs_box(&self, shape: Option<&str>, ty: &Type) -> bool {
        match (shape, ty.required()) {
            (Some(shape), Type::Named(name)) => {
                name == shape || self.holds.get(name.as_str()).is_some_and(|held| held.contains(shape))
            }
            _ => false,
        }
    }
}

fn enumeration(item: &Enum) -> String {
    let variants = names::variants(item.names());
    let mut lines = String::new();
    for (value, variant) in item.values.iter().zip(&variants) {
        lines += &docs(value.doc.as_deref(), "    ");
        if *variant != value.name {
            lines += &format!("    #[serde(rename = {:?})]\n", value.name);
        }
        lines += &format!("    {variant},\n");
    }
    let name = names::type_name(&item.name);
    format!("\n{}{ENUM_DERIVES}\npub enum {name} {{\n{lines}}}\n", docs(item.doc.as_deref(), ""))
}
