//! What HTTP says about apis and websockets: paths (`:id` and `{id}` become `{id}`, every parameter gets a type),
//! query, headers, and where bodies may be. Called by `resolve`.

use std::collections::HashMap;

use indexmap::IndexSet;

use super::ast::{Item, Value, ValueKind, Word};
use super::codes;
use super::entities::Method;
use super::model::{Attributes, Field, Scalar, Span, Type};
use super::resolve::{Properties, Resolver, Route};
use super::spelling::nearest;

impl Resolver<'_> {
    /// Reads `path` and `params`; returns the path in its one form and a field per parameter, in order.
    pub(super) fn route(
        &mut self,
        item: &Item,
        properties: &Properties<'_>,
        method: &'static str,
    ) -> (String, Vec<Field>) {
        let written = properties.get("path").and_then(|entry| Some((entry, self.text(&entry.value)?)));
        let Some((entry, written)) = written else {
            // Without a path nothing can be said about their names, but still about their types.
            if let Some(entries) = properties.get("params").and_then(|entry| self.object(&entry.value)) {
                self.fields(entries);
            }
            return (String::new(), Vec::new());
        };
        let span = entry.value.span;
        let (path, names) = self.path(&written, span);
        self.facts.routes.push(Route { owner: item.name.text.clone(), method, path: path.clone(), span });
        let declared = properties.get("params").map(|entry| self.parameter_types(&entry.value, &names));
        let declared = declared.unwrap_or_default().into_iter();
        let mut declared: HashMap<String, Field> =
            declared.map(|field| (field.name.clone(), field)).collect();
        let params = names.into_iter();
        let params = params.map(|name| declared.remove(&name).unwrap_or_else(|| text_parameter(&name, span)));
        (path, params.collect())
    }

    /// Brings a path to its one form; returns it with the names of its parameters.
    fn path(&mut self, written: &str, span: Span) -> (String, IndexSet<String>) {
        let mut names: IndexSet<String> = IndexSet::new();
        if !written.starts_with('/') {
            self.out
                .error(codes::BAD_PATH, span, "a path starts with `/`")
                .with_hint(format!("write \"/{written}\""));
            return (format!("/{written}"), names);
        }
        let segments: Vec<&str> = written[1..].split('/').collect();
        let mut path = String::new();
        for (at, segment) in segments.iter().enumerate() {
            path.push('/');
            let Some((rest, name)) = parameter(segment) else {
                self.literal(segment, span);
                path.push_str(segment);
                continue;
            };
            if rest && at + 1 < segments.len() {
                self.out
                    .error(codes::BAD_PATH, span, format!("`{{*{name}}}` must be the last segment"))
                    .with_hint("nothing can follow it: it takes the rest of the path");
            }
            self.identifier(&Word { text: name.to_owned(), span });
            if !names.insert(name.to_owned()) {
                self.out
                    .error(codes::DUPLICATE_PARAMETER, span, format!("the path names `{name}` twice"))
                    .with_hint("give the second one another name");
            }
            path.push_str(&if rest { format!("{{*{name}}}") } else { format!("{{{name}}}") });
        }
        (path, names)
    }

    /// Checks a segment that is not a parameter.
    fn literal(&mut self, segment: &str, span: Span) {
        let bad = segment.chars().find(|c| c.is_whitespace() || c.is_control() || "{}?#*\\\"<>".contains(*c));
        if let Some(bad) = bad {
            self.out
                .error(codes::BAD_PATH, span, format!("`{bad}` cannot stand in the segment `{segment}`"))
                .with_hint("a parameter is a whole segment: `{id}`, `:id`, or `{*rest}` at the end");
        }
    }

    /// Reads `params`, which may only name parameters of the path.
    fn parameter_types(&mut self, value: &Value, names: &IndexSet<String>) -> Vec<Field> {
        let Some(entries) = self.object(value) else {
            return Vec::new();
        };
        let fields = self.fields(entries);
        for field in &fields {
            if !names.contains(&field.name) {
                let near = nearest(&field.name, names.iter().map(String::as_str));
                self.out
                    .error(
                        codes::UNKNOWN_PARAMETER,
                        field.span,
                        format!("`{}` is not in the path", field.name),
                    )
                    .with_hint(format!("add `{{{}}}` to the path or remove it here", field.name))
                    .with_suggestion(near);
            }
            if !self.is_text(&field.ty) && !self.facts.unresolved.contains(&field.span) {
                let message = format!("a path parameter cannot be `{}`", field.ty);
                self.out
                    .error(codes::BAD_PARAMETER_TYPE, field.span, message)
                    .with_hint("use a scalar other than Json, or an enum");
            }
        }
        fields
    }

    /// Tells whether a value of the type is one text.
    fn is_text(&self, ty: &Type) -> bool {
        match ty {
            Type::Scalar(scalar) => *scalar != Scalar::Json,
            Type::Named(name) => self.enums.contains_key(name),
            _ => false,
        }
    }

    /// Reports bodies where HTTP has none.
    pub(super) fn bodies(
        &mut self,
        properties: &Properties<'_>,
        method: Option<Method>,
        status: Option<u16>,
    ) {
        let bare = method.filter(|method| matches!(method, Method::Get | Method::Head));
        if let (Some(entry), Some(method)) = (properties.get("body"), bare) {
            let message = format!("a {} request has no body", method.as_str());
            self.out
                .error(codes::UNEXPECTED_BODY, entry.key.span, message)
                .with_hint("take the values from `query`, or use another method");
        }
        let empty = status.filter(|status| matches!(status, 204 | 205 | 304));
        if let (Some(entry), Some(status)) = (properties.get("response"), empty) {
            self.out
                .error(
                    codes::UNEXPECTED_BODY,
                    entry.key.span,
                    format!("an answer with the status {status} has no body"),
                )
                .with_hint("remove `response`, or choose another status");
        }
    }

    /// Reads `headers`; names become lower case.
    pub(super) fn headers(&mut self, value: &Value) -> Vec<Field> {
        let ValueKind::Object(entries) = &value.kind else {
            self.object(value);
            return Vec::new();
        };
        let mut entries = entries.clone();
        for entry in &mut entries {
            entry.key.text.make_ascii_lowercase();
            let token = |c: char| c.is_ascii_alphanumeric() || "-_.!#$%&'*+^`|~".contains(c);
            if entry.key.text.is_empty() || !entry.key.text.chars().all(token) {
                let message = format!("`{}` is not the name of a header", entry.key.text);
                self.out
                    .error(codes::BAD_NAME, entry.key.span, message)
                    .with_hint("names of headers are letters, digits and signs as `-`, without spaces");
            }
        }
        let fields = self.named_fields(&entries);
        for field in &fields {
            if self.is_text(field.ty.required()) || self.facts.unresolved.contains(&field.span) {
                continue;
            }
            self.out
                .error(codes::BAD_PARAMETER_TYPE, field.span, format!("a header cannot be `{}`", field.ty))
                .with_hint("use a scalar other than Json, or an enum; it may be optional");
        }
        fields
    }
}

/// Takes a parameter segment apart: whether it takes the rest of the path, and its name.
fn parameter(segment: &str) -> Option<(bool, &str)> {
    if let Some(name) = segment.strip_prefix(':') {
        return Some((false, name));
    }
    let inner = segment.strip_prefix('{')?.strip_suffix('}')?;
    match inner.strip_prefix('*') {
        Some(name) => Some((true, name)),
        None => Some((false, inner)),
    }
}

/// Makes the parameter whose type was not given.
fn text_parameter(name: &str, span: Span) -> Field {
    Field {
        name: name.to_owned(),
        ty: Type::Scalar(Scalar::String),
        attributes: Attributes::default(),
        doc: None,
        span,
    }
}
