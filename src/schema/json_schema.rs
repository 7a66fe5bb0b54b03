//! The model as JSON Schema 2020-12, on its own and within the other documents. Called by `openapi`, `asyncapi` and the
//! command line; pure, and the same model always gives the same text.
//!
//! There is one definition per type, for both directions: a field is in `required` when a value without it is refused.
//! Fields with a default and `@auto` fields are not, for a client may leave them out; what we answer has the defaults
//! filled in, and `default` says so. Undeclared fields are dropped, not refused, so nothing forbids them. A reference
//! with something beside it stands in `allOf`: AsyncAPI reads schemas as draft 7, where a bare one would win.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::{Map, Number, json};

use super::ecma;
use super::model::{Attributes, DefaultValue, Enum, Field, Json, Length, Scalar, Schema, Type};
use super::numbers::compare;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const DECIMAL: &str = r"^-?[0-9]+(\.[0-9]+)?$";
const BASE64: &str =
    "^([A-Za-z0-9+\\/]{4})*([A-Za-z0-9+\\/][AQgw]==|[A-Za-z0-9+\\/]{2}[AEIMQUYcgkosw048]=)?$";

/// Returns a document with a definition of every shape and enum in `$defs`.
pub fn json_schema(schema: &Schema) -> Json {
    let all = schema.shapes.keys().chain(schema.enums.keys()).map(String::as_str).collect();
    json!({ "$schema": DIALECT, "$defs": Writer::new(schema, "#/$defs/").definitions(&all) })
}

/// Returns a document that describes the values of `ty`, with the definitions it needs in `$defs`.
///
/// # Examples
///
/// ```
/// use rohas::schema::{SourceFile, Type, compile, json_schema_of};
///
/// let text = "type Tree { name: String  children: Tree[] }".to_owned();
/// let (schema, _) = compile(&[SourceFile { path: "tree.ro".to_owned(), text }]);
/// let document = json_schema_of(&schema, &Type::Named("Tree".to_owned()));
/// assert_eq!(document["$ref"], "#/$defs/Tree");
/// assert_eq!(document["$defs"]["Tree"]["required"], serde_json::json!(["name", "children"]));
/// ```
pub fn json_schema_of(schema: &Schema, ty: &Type) -> Json {
    let writer = Writer::new(schema, "#/$defs/");
    let mut document = members(json!({ "$schema": DIALECT }));
    document.extend(members(writer.ty(ty)));
    let mut needed = HashSet::new();
    writer.collect(ty, &mut needed);
    if !needed.is_empty() {
        document.insert("$defs".to_owned(), writer.definitions(&needed).into());
    }
    document.into()
}

/// Writes types of a schema, whose definitions stand at a place of the document.
#[derive(Clone, Copy)]
pub(super) struct Writer<'s> {
    schema: &'s Schema,
    prefix: &'static str,
}

impl<'s> Writer<'s> {
    pub(super) fn new(schema: &'s Schema, prefix: &'static str) -> Self {
        Writer { schema, prefix }
    }

    /// Writes the definitions of the shapes and enums in `names`, in the order of their declaration.
    pub(super) fn definitions(&self, names: &HashSet<&str>) -> Map<String, Json> {
        let shapes = self.schema.shapes.values().filter(|shape| names.contains(shape.name.as_str()));
        let shapes = shapes.map(|shape| {
            let mut out = self.object(&shape.fields);
            describe(&mut out, shape.doc.clone());
            (shape.name.clone(), out.into())
        });
        let enums = self.schema.enums.values().filter(|item| names.contains(item.name.as_str()));
        shapes.chain(enums.map(|item| (item.name.clone(), enumeration(item)))).collect()
    }

    /// Adds the names of all shapes and enums that `ty` needs.
    pub(super) fn collect(&self, ty: &'s Type, names: &mut HashSet<&'s str>) {
        let mut left = vec![ty]; // no recursion: types may form a chain of any length
        while let Some(ty) = left.pop() {
            match ty {
                Type::Scalar(_) => {}
                Type::Named(name) => left.extend(self.newly_named(name, names)),
                Type::List(inner) | Type::Optional(inner) | Type::Map(inner) => left.push(inner),
                Type::Inline(fields) => left.extend(fields.iter().map(|field| &field.ty)),
            }
        }
    }

    /// Adds a name and those of all shapes and enums that it needs.
    pub(super) fn collect_named(&self, name: &'s str, names: &mut HashSet<&'s str>) {
        self.newly_named(name, names).for_each(|ty| self.collect(ty, names));
    }

    /// Adds a name; returns the types of its fields if it was not there yet.
    fn newly_named(
        &self,
        name: &'s str,
        names: &mut HashSet<&'s str>,
    ) -> impl Iterator<Item = &'s Type> + use<'s> {
        let shape = if names.insert(name) { self.schema.shapes.get(name) } else { None };
        shape.into_iter().flat_map(|shape| shape.fields.iter().map(|field| &field.ty))
    }

    /// Writes a type.
    pub(super) fn ty(&self, ty: &Type) -> Json {
        self.with(ty, &Attributes::default())
    }

    /// Writes a field: its type, what its attributes say, and its doc comment.
    fn field(&self, field: &Field) -> Json {
        let mut out = self.annotated(field, &field.ty);
        let description = description(field);
        if description.is_some() || field.attributes.deprecated.is_some() {
            let mut described = apart(out);
            describe(&mut described, description);
            if field.attributes.deprecated.is_some() {
                described.insert("deprecated".to_owned(), json!(true));
            }
            out = described.into();
        }
        out
    }

    /// Writes a field as if it were of type `ty`, without its description.
    pub(super) fn annotated(&self, field: &Field, ty: &Type) -> Json {
        let attributes = &field.attributes;
        let mut notes = Map::new();
        match &attributes.default {
            Some(DefaultValue::Value(value)) => drop(notes.insert("default".to_owned(), value.clone())),
            Some(DefaultValue::Now) => drop(notes.insert("x-rohas-default".to_owned(), json!("now"))),
            Some(DefaultValue::Uuid) => drop(notes.insert("x-rohas-default".to_owned(), json!("uuid"))),
            None => {}
        }
        let flags = [
            ("x-rohas-id", attributes.id),
            ("x-rohas-unique", attributes.unique),
            // It is given back where it is declared, so it is not `writeOnly`.
            ("x-rohas-secret", attributes.secret),
            // Made by the store: a client need not send it.
            ("readOnly", attributes.auto),
        ];
        let set = flags.iter().filter(|(_, set)| *set);
        notes.extend(set.map(|(name, _)| ((*name).to_owned(), json!(true))));
        let out = self.with(ty, attributes);
        if notes.is_empty() {
            return out;
        }
        let mut out = apart(out);
        out.extend(notes);
        out.into()
    }

    fn with(&self, ty: &Type, attributes: &Attributes) -> Json {
        match ty {
            Type::Scalar(scalar) => scalar_schema(*scalar, attributes).into(),
            Type::Named(name) => json!({ "$ref": format!("{}{name}", self.prefix) }),
            Type::Optional(inner) => nullable(self.with(inner, attributes)),
            Type::Inline(fields) => self.object(fields).into(),
            Type::List(item) => {
                let mut out = members(json!({ "type": "array", "items": self.ty(item) }));
                lengths(&mut out, attributes.length, ["minItems", "maxItems"]);
                out.into()
            }
            Type::Map(item) => {
                let mut out = members(json!({ "type": "object", "additionalProperties": self.ty(item) }));
                lengths(&mut out, attributes.length, ["minProperties", "maxProperties"]);
                out.into()
            }
        }
    }

    fn object(&self, fields: &[Field]) -> Map<String, Json> {
        let properties: Map<String, Json> =
            fields.iter().map(|field| (field.name.clone(), self.field(field))).collect();
        let required: Vec<&str> =
            fields.iter().filter(|field| is_required(field)).map(|field| field.name.as_str()).collect();
        let mut out = members(json!({ "type": "object", "properties": properties }));
        if !required.is_empty() {
            out.insert("required".to_owned(), json!(required));
        }
        out
    }
}

/// Tells whether a value without the field is refused.
pub(super) fn is_required(field: &Field) -> bool {
    let Attributes { auto, default, .. } = &field.attributes;
    !field.ty.is_optional() && !auto && default.is_none()
}

/// Returns what a person should know about a field.
pub(super) fn description(field: &Field) -> Option<String> {
    let attributes = &field.attributes;
    let deprecated = attributes.deprecated.as_ref().filter(|why| !why.is_empty());
    let parts = [
        field.doc.clone(),
        deprecated.map(|why| format!("Deprecated: {why}")),
        inexpressible(attributes)
            .map(|pattern| format!("Matches the regular expression of Rust `{pattern}`.")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// Adds a description, if there is one.
pub(super) fn describe(out: &mut Map<String, Json>, description: Option<String>) {
    if let Some(description) = description {
        out.insert("description".to_owned(), json!(description));
    }
}

/// Returns the members of a schema that was written as one.
pub(super) fn members(schema: Json) -> Map<String, Json> {
    match schema {
        Json::Object(members) => members,
        _ => Map::new(),
    }
}

/// Makes room for members beside a reference.
fn apart(schema: Json) -> Map<String, Json> {
    if schema.get("$ref").is_some() { members(json!({ "allOf": [schema] })) } else { members(schema) }
}

fn nullable(mut schema: Json) -> Json {
    if schema == json!({}) {
        return schema; // anything, null too
    }
    match schema.get_mut("type") {
        Some(name) => {
            *name = json!([name.take(), "null"]);
            schema
        }
        None => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}

fn enumeration(item: &Enum) -> Json {
    let mut out = members(json!({ "type": "string", "enum": item.names().collect::<Vec<_>>() }));
    let documented = item.values.iter().filter_map(|value| Some((&value.name, value.doc.as_ref()?)));
    let lines: Vec<String> = documented.map(|(name, doc)| format!("- `{name}`: {doc}")).collect();
    let parts: Vec<String> =
        item.doc.clone().into_iter().chain((!lines.is_empty()).then(|| lines.join("\n"))).collect();
    describe(&mut out, (!parts.is_empty()).then(|| parts.join("\n\n")));
    if !lines.is_empty() {
        let docs: Vec<&str> =
            item.values.iter().map(|value| value.doc.as_deref().unwrap_or_default()).collect();
        out.insert("x-enum-descriptions".to_owned(), json!(docs));
    }
    out.into()
}

fn scalar_schema(scalar: Scalar, attributes: &Attributes) -> Map<String, Json> {
    let mut out = members(match scalar {
        Scalar::String => json!({ "type": "string" }),
        Scalar::Int => json!({ "type": "integer", "format": "int64" }),
        Scalar::Float => json!({ "type": "number", "format": "double" }),
        Scalar::Boolean => json!({ "type": "boolean" }),
        Scalar::DateTime => json!({ "type": "string", "format": "date-time" }),
        Scalar::Date => json!({ "type": "string", "format": "date" }),
        Scalar::Uuid => json!({ "type": "string", "format": "uuid" }),
        Scalar::Decimal => json!({ "type": "string", "format": "decimal", "pattern": DECIMAL }),
        Scalar::Bytes => json!({ "type": "string", "contentEncoding": "base64", "pattern": BASE64 }),
        Scalar::Json => json!({}),
    });
    if scalar == Scalar::Bytes {
        // Characters of base64; the bytes themselves are counted by us.
        let characters = |bytes: usize| bytes.div_ceil(3).saturating_mul(4);
        let length = attributes.length;
        let length = length.map(|Length { min, max }| Length { min: characters(min), max: characters(max) });
        lengths(&mut out, length, ["minLength", "maxLength"]);
        lengths(&mut out, attributes.length, ["x-rohas-min-bytes", "x-rohas-max-bytes"]);
    } else {
        lengths(&mut out, attributes.length, ["minLength", "maxLength"]);
    }
    bounds(&mut out, scalar, attributes);
    if let Some(format) = attributes.format {
        out.insert("format".to_owned(), json!(format.as_str()));
    }
    match (inexpressible(attributes), &attributes.pattern) {
        (Some(pattern), _) => drop(out.insert("x-rohas-pattern".to_owned(), json!(pattern))),
        (None, Some(pattern)) => {
            drop(out.insert("pattern".to_owned(), json!(ecma::pattern(pattern.as_str()))))
        }
        (None, None) => {}
    }
    out
}

/// Returns the pattern if no document can say it.
fn inexpressible(attributes: &Attributes) -> Option<&str> {
    let pattern = attributes.pattern.as_ref()?.as_str();
    ecma::pattern(pattern).is_none().then_some(pattern)
}

fn bounds(out: &mut Map<String, Json>, scalar: Scalar, Attributes { min, max, .. }: &Attributes) {
    let names = match scalar {
        // No keyword compares the numbers that texts stand for.
        Scalar::Decimal => ["x-rohas-minimum", "x-rohas-maximum"],
        _ => ["minimum", "maximum"],
    };
    let (mut min, mut max) = (min.clone(), max.clone());
    if scalar == Scalar::Int {
        let (lowest, highest) = (Number::from(i64::MIN), Number::from(i64::MAX));
        min = min.filter(|min| compare(min, &lowest) == Ordering::Greater).or(Some(lowest));
        max = max.filter(|max| compare(max, &highest) == Ordering::Less).or(Some(highest));
    }
    let given = names.into_iter().zip([min, max]);
    out.extend(given.filter_map(|(name, bound)| Some((name.to_owned(), Json::Number(bound?)))));
}

fn lengths(out: &mut Map<String, Json>, length: Option<Length>, [min, max]: [&str; 2]) {
    let Some(length) = length else {
        return;
    };
    if length.min > 0 {
        out.insert(min.to_owned(), json!(length.min));
    }
    out.insert(max.to_owned(), json!(length.max));
}
