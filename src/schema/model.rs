//! The typed model of a schema: what every other part of the app reads. The entities are in `entities`.
//!
//! Made by [`compile`](super::compile). Every type name in it exists and every route, schedule and duration is well
//! formed, provided that there was no error; with errors it holds what could be understood.

use std::fmt;

use indexmap::IndexMap;
use regex::Regex;
use serde_json::Number;

use super::entities::{Api, Cron, Event, Socket};

/// A JSON value.
pub type Json = serde_json::Value;

/// A byte range in one of the files given to [`compile`](super::compile).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    /// The index of the file.
    pub file: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A whole schema; every map is by name, in the order of declaration.
#[derive(Debug, Clone, Default)]
pub struct Schema {
    /// The HTTP endpoints.
    pub apis: IndexMap<String, Api>,
    /// The events.
    pub events: IndexMap<String, Event>,
    /// The scheduled jobs.
    pub crons: IndexMap<String, Cron>,
    /// The WebSocket endpoints.
    pub sockets: IndexMap<String, Socket>,
    /// The models, inputs and types.
    pub shapes: IndexMap<String, Shape>,
    /// The enums.
    pub enums: IndexMap<String, Enum>,
}

impl Schema {
    /// Returns the fields of a named shape, an inline type or an optional one of these.
    pub fn fields<'a>(&'a self, ty: &'a Type) -> Option<&'a [Field]> {
        match ty {
            Type::Named(name) => self.shapes.get(name).map(|shape| shape.fields.as_slice()),
            Type::Inline(fields) => Some(fields),
            Type::Optional(inner) => self.fields(inner),
            Type::Scalar(_) | Type::List(_) | Type::Map(_) => None,
        }
    }
}

/// A type expression.
#[derive(Debug, Clone)]
pub enum Type {
    /// A built-in type.
    Scalar(Scalar),
    /// A shape or an enum of the schema.
    Named(String),
    /// `T[]`.
    List(Box<Type>),
    /// `T?`: absent or null.
    Optional(Box<Type>),
    /// `Map<T>` with string keys.
    Map(Box<Type>),
    /// `{ … }` written in place.
    Inline(Vec<Field>),
}

impl Type {
    /// Returns the type without its optional layer.
    pub fn required(&self) -> &Type {
        match self {
            Type::Optional(inner) => inner.required(),
            other => other,
        }
    }

    /// Tells whether null is a value of the type.
    pub fn is_optional(&self) -> bool {
        matches!(self, Type::Optional(_))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Scalar(scalar) => f.write_str(scalar.as_str()),
            Type::Named(name) => f.write_str(name),
            Type::List(item) => write!(f, "{item}[]"),
            Type::Optional(inner) => write!(f, "{inner}?"),
            Type::Map(value) => write!(f, "Map<{value}>"),
            Type::Inline(fields) => {
                let written = fields.iter().map(|field| format!("{}: {}", field.name, field.ty));
                write!(f, "{{ {} }}", written.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// A built-in type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// Text.
    String,
    /// A signed 64-bit integer.
    Int,
    /// Any number.
    Float,
    /// `true` or `false`; `Bool` is the same.
    Boolean,
    /// RFC 3339.
    DateTime,
    /// `YYYY-MM-DD`.
    Date,
    /// A hyphenated UUID.
    Uuid,
    /// An exact decimal number, as text.
    Decimal,
    /// Bytes, as base64 text.
    Bytes,
    /// Any JSON value.
    Json,
}

impl Scalar {
    /// Lists every scalar.
    pub const ALL: [Scalar; 10] = [
        Scalar::String,
        Scalar::Int,
        Scalar::Float,
        Scalar::Boolean,
        Scalar::DateTime,
        Scalar::Date,
        Scalar::Uuid,
        Scalar::Decimal,
        Scalar::Bytes,
        Scalar::Json,
    ];

    /// Returns the name in the language.
    pub fn as_str(self) -> &'static str {
        match self {
            Scalar::String => "String",
            Scalar::Int => "Int",
            Scalar::Float => "Float",
            Scalar::Boolean => "Boolean",
            Scalar::DateTime => "DateTime",
            Scalar::Date => "Date",
            Scalar::Uuid => "Uuid",
            Scalar::Decimal => "Decimal",
            Scalar::Bytes => "Bytes",
            Scalar::Json => "Json",
        }
    }

    /// Returns the scalar called `name`; `Bool` is `Boolean`.
    pub fn from_name(name: &str) -> Option<Scalar> {
        let name = if name == "Bool" { "Boolean" } else { name };
        Scalar::ALL.into_iter().find(|scalar| scalar.as_str() == name)
    }
}

/// A field of a shape, a path parameter or a header.
#[derive(Debug, Clone)]
pub struct Field {
    /// The name; of a header in lower case.
    pub name: String,
    /// The type; `@optional` is already in it.
    pub ty: Type,
    /// What the attributes say.
    pub attributes: Attributes,
    /// The doc comment.
    pub doc: Option<String>,
    /// Where the name stands.
    pub span: Span,
}

/// The attributes of a field.
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    /// `@id`.
    pub id: bool,
    /// `@auto`: made by the store, so it may be absent in input.
    pub auto: bool,
    /// `@unique`.
    pub unique: bool,
    /// `@secret`: never logged.
    pub secret: bool,
    /// `@bigint`: a `BigInt` in TypeScript.
    pub bigint: bool,
    /// `@default(…)`.
    pub default: Option<DefaultValue>,
    /// `@deprecated("why")`; empty without a reason.
    pub deprecated: Option<String>,
    /// `@min(n)`, inclusive.
    pub min: Option<Number>,
    /// `@max(n)`, inclusive.
    pub max: Option<Number>,
    /// `@length(a, b)`.
    pub length: Option<Length>,
    /// `@pattern("re")`; found anywhere in the text unless it is anchored.
    pub pattern: Option<Regex>,
    /// `@format(…)`.
    pub format: Option<Format>,
}

/// What `@default` gives.
#[derive(Debug, Clone, PartialEq)]
pub enum DefaultValue {
    /// A fixed value.
    Value(Json),
    /// The current time.
    Now,
    /// A new UUIDv7.
    Uuid,
}

/// Bounds of a length, both inclusive: characters of a text, bytes of `Bytes`, items of a list or map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// The smallest length.
    pub min: usize,
    /// The largest length.
    pub max: usize,
}

/// A named format of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An e-mail address.
    Email,
    /// An absolute URI.
    Uri,
    /// A UUID.
    Uuid,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address.
    Ipv6,
    /// A host name.
    Hostname,
}

impl Format {
    /// Lists every format.
    pub const ALL: [Format; 6] =
        [Format::Email, Format::Uri, Format::Uuid, Format::Ipv4, Format::Ipv6, Format::Hostname];

    /// Returns the name in the language and in JSON Schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Email => "email",
            Format::Uri => "uri",
            Format::Uuid => "uuid",
            Format::Ipv4 => "ipv4",
            Format::Ipv6 => "ipv6",
            Format::Hostname => "hostname",
        }
    }
}

/// Which keyword declared a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShapeKind {
    /// A stored entity.
    Model,
    /// A request.
    Input,
    /// Anything else.
    Type,
}

/// A `model`, `input` or `type`.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The name.
    pub name: String,
    /// The keyword.
    pub kind: ShapeKind,
    /// The fields in order.
    pub fields: Vec<Field>,
    /// The doc comment.
    pub doc: Option<String>,
    /// Where the name stands.
    pub span: Span,
}

/// An `enum`.
#[derive(Debug, Clone)]
pub struct Enum {
    /// The name.
    pub name: String,
    /// The values in order.
    pub values: Vec<EnumValue>,
    /// The doc comment.
    pub doc: Option<String>,
    /// Where the name stands.
    pub span: Span,
}

impl Enum {
    /// Returns the names of the values in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| value.name.as_str())
    }
}

/// A value of an [`Enum`].
#[derive(Debug, Clone)]
pub struct EnumValue {
    /// The name, which is also the value in JSON.
    pub name: String,
    /// The doc comment.
    pub doc: Option<String>,
    /// Where the name stands.
    pub span: Span,
}
