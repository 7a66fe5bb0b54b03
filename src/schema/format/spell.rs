//! Older spellings → the present ones, only where both mean the same whatever else the schema says.
//!
//! Called by `tree` for every name and value. Knows which kind of value a property has, and nothing of layout.

use std::borrow::Cow;

use super::tokens::{Kind, is_word};
use crate::schema::ast::ItemKind;
use crate::schema::entities::Method;
use crate::schema::resolve::ALIASES;
use crate::schema::values::parse_duration;

/// What a value is read as, which says what its spellings mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A type expression, or fields: a quoted name is the name, `Bool` is `Boolean`.
    Type,
    /// The type of a field: `@optional` is `?`.
    Field,
    /// A list of names: one name alone is the same as a list of it.
    Names,
    /// A name: bare or quoted is the same.
    Name,
    /// One of a few words: bare or quoted is the same.
    Choice,
    /// A text: bare or quoted is the same.
    Text,
    /// `500ms` is `"500ms"`; a whole number is seconds.
    Duration,
    /// An HTTP method in any case.
    Method,
    /// A route: `:id` is `{id}`.
    Path,
    /// `{ 404: NotFound }`.
    Errors,
    /// `{ attempts: 5, backoff: "200ms" }`.
    Retry,
    /// Anything else: stays as it is.
    Plain,
}

impl Role {
    /// Returns the role of the property `name`, in its present spelling, of an item.
    pub(super) fn of_property(kind: ItemKind, name: &str) -> Role {
        if kind.is_type() {
            return Role::Field;
        }
        match name {
            "params" | "query" | "headers" | "body" | "response" | "payload" | "message" => Role::Type,
            "triggers" | "middlewares" | "handler" | "onConnect" | "onMessage" | "onDisconnect" => {
                Role::Names
            }
            "overflow" | "overlap" | "catch_up" => Role::Choice,
            "key" | "group" | "bus" | "timezone" => Role::Text,
            "timeout" => Role::Duration,
            "method" => Role::Method,
            "path" => Role::Path,
            "errors" => Role::Errors,
            "retry" => Role::Retry,
            _ => Role::Plain,
        }
    }

    /// Returns the role of the entry `name` of an object that has this role.
    pub(super) fn of_entry(self, name: &str) -> Role {
        match (self, name) {
            (Role::Type | Role::Field, _) => Role::Field,
            (Role::Errors, _) => Role::Name,
            (Role::Retry, "backoff" | "max") => Role::Duration,
            _ => Role::Plain,
        }
    }

    /// Returns the role of the elements of a list that has this role.
    pub(super) fn of_element(self) -> Role {
        if self == Role::Names { Role::Name } else { Role::Plain }
    }

    /// Returns the role when `?` or `[]` follows, which only types can have.
    pub(super) fn with_suffix(self) -> Role {
        if matches!(self, Role::Type | Role::Field) { self } else { Role::Plain }
    }
}

/// Spells a name: bare where it is an identifier, else quoted.
pub(super) fn name(written: &str) -> Cow<'_, str> {
    let bare = unquoted(written);
    if is_identifier(bare) {
        Cow::Borrowed(bare)
    } else if is_word(written) {
        Cow::Owned(format!("\"{written}\""))
    } else {
        Cow::Borrowed(written)
    }
}

/// Spells the name of an entry of an object that has a role.
pub(super) fn key(role: Role, written: &str) -> Cow<'_, str> {
    let bare = unquoted(written);
    let is_status = bare.len() == 3 && bare.bytes().all(|byte| byte.is_ascii_digit());
    if role == Role::Errors && is_status { Cow::Borrowed(bare) } else { name(written) }
}

/// Spells the name of a property of an item.
pub(super) fn property(kind: ItemKind, written: &str) -> Cow<'_, str> {
    let alias = ALIASES.iter().find(|(of, old, _)| *of == kind && *old == unquoted(written));
    alias.map_or_else(|| name(written), |(_, _, new)| Cow::Borrowed(*new))
}

/// Spells a word, text or number that has a role.
pub(super) fn value<'t>(role: Role, kind: Kind, written: &'t str) -> Cow<'t, str> {
    let bare = unquoted(written);
    let is_method = || Method::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(bare));
    match (role, kind) {
        (Role::Type | Role::Field, Kind::Word | Kind::Text) if bare == "Bool" => Cow::Borrowed("Boolean"),
        (Role::Type | Role::Field | Role::Choice, Kind::Text) if is_identifier(bare) => Cow::Borrowed(bare),
        (Role::Name, Kind::Text) if is_word(bare) => Cow::Borrowed(bare),
        (Role::Text, Kind::Word) => Cow::Owned(format!("\"{written}\"")),
        (Role::Method, Kind::Word | Kind::Text) => {
            is_method().map_or(Cow::Borrowed(written), |method| Cow::Borrowed(method.as_str()))
        }
        (Role::Duration, Kind::Number) if written.bytes().all(|byte| byte.is_ascii_digit()) => {
            Cow::Owned(format!("\"{written}s\""))
        }
        (Role::Duration, Kind::Number) if parse_duration(written).is_some() => {
            Cow::Owned(format!("\"{written}\""))
        }
        (Role::Path, Kind::Text) if bare.starts_with('/') => path(written),
        _ => Cow::Borrowed(written),
    }
}

/// Turns the segments `:id` of a quoted path into `{id}`. No escape stands for `/` or `:`, so it may be read as it is.
fn path(written: &str) -> Cow<'_, str> {
    let parameter = |segment: &str| segment.strip_prefix(':').is_some_and(is_identifier);
    let segments = unquoted(written).split('/');
    if !segments.clone().any(parameter) {
        return Cow::Borrowed(written);
    }
    let segments = segments.map(|segment| match segment.strip_prefix(':') {
        Some(name) if is_identifier(name) => format!("{{{name}}}"),
        _ => segment.to_owned(),
    });
    Cow::Owned(format!("\"{}\"", segments.collect::<Vec<_>>().join("/")))
}

/// Returns the inside of a quoted text as it is written, or the word itself.
fn unquoted(written: &str) -> &str {
    written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(written)
}

fn is_identifier(text: &str) -> bool {
    is_word(text) && !text.contains(['-', '.', '/'])
}
