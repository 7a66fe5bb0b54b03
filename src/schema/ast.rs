//! The syntax tree: what was written, before any name is looked up. Made by `parse`, read by `resolve`.

use super::model::Span;

/// A name with its place.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub text: String,
    pub span: Span,
}

/// The keyword of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum ItemKind {
    Model,
    Input,
    Type,
    Enum,
    Api,
    Event,
    Cron,
    Ws,
}

impl ItemKind {
    pub(super) const ALL: [ItemKind; 8] = [
        ItemKind::Model,
        ItemKind::Input,
        ItemKind::Type,
        ItemKind::Enum,
        ItemKind::Api,
        ItemKind::Event,
        ItemKind::Cron,
        ItemKind::Ws,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            ItemKind::Model => "model",
            ItemKind::Input => "input",
            ItemKind::Type => "type",
            ItemKind::Enum => "enum",
            ItemKind::Api => "api",
            ItemKind::Event => "event",
            ItemKind::Cron => "cron",
            ItemKind::Ws => "ws",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<ItemKind> {
        ItemKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Tells whether items of this kind are types.
    pub(super) fn is_type(self) -> bool {
        matches!(self, ItemKind::Model | ItemKind::Input | ItemKind::Type | ItemKind::Enum)
    }
}

/// One item. `values` is filled for enums, `entries` for everything else.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub kind: ItemKind,
    pub name: Word,
    pub entries: Vec<Entry>,
    pub values: Vec<Variant>,
    pub doc: Option<String>,
    /// Whether something in it did not parse, so that what seems to be missing may be there.
    pub broken: bool,
}

/// A value of an enum.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub name: Word,
    pub doc: Option<String>,
}

/// A field or property: `key: value @attribute(…)`.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: Word,
    pub value: Value,
    pub attributes: Vec<Attribute>,
    pub doc: Option<String>,
}

/// An attribute with its arguments; the name is without the `@`.
#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub name: Word,
    pub arguments: Vec<Value>,
    pub span: Span,
}

/// A literal, name, list, object or type expression.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub kind: ValueKind,
    pub span: Span,
}

/// What a value is.
#[derive(Debug, Clone)]
pub(super) enum ValueKind {
    /// A bare word: a name, `true`, a type.
    Word(String),
    /// A quoted text, unescaped.
    Text(String),
    /// A number as written, perhaps with a unit (`30s`).
    Number(String),
    List(Vec<Value>),
    Object(Vec<Entry>),
    /// `Name<T>`.
    Generic(Word, Box<Value>),
    /// `T[]`.
    Array(Box<Value>),
    /// `T?`.
    Optional(Box<Value>),
    /// Something that did not parse and has been reported.
    Broken,
}
