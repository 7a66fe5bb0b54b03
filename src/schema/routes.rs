//! Paths and what stands in them: `:id` and `{id}` become `{id}`, every parameter gets a type. Called by `resolve`.

use super::ast::{Item, Value, ValueKind, Word};
use super::codes;
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
        let Some(entry) = properties.get("path") else {
            return (String::new(), Vec::new());
        };
        let Some(written) = self.text(&entry.value) else {
            return (String::new(), Vec::new());
        };
        let span = entry.value.span;
        let (path, names) = self.path(&written, span);
        self.facts.routes.push(Route { owner: item.name.text.clone(), method, path: path.clone(), span });
        let mut declared = properties
            .get("params")
            .map(|entry| self.parameter_types(&entry.value, &names))
            .unwrap_or_default();
        let mut params = Vec::new();
        for name in names {
            let at = declared.iter().position(|field| field.name == name);
            params.push(at.map_or_else(|| text_parameter(&name, span), |at| declared.swap_remove(at)));
        }
        (path, params)
    }

    /// Brings a path to its one form; returns it with the names of its parameters.
    fn path(&mut self, written: &str, span: Span) -> (String, Vec<String>) {
        let mut names: Vec<String> = Vec::new();
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
            if names.iter().any(|known| known == name) {
                self.out
                    .error(codes::DUPLICATE_PARAMETER, span, format!("the path names `{name}` twice"))
                    .with_hint("give the second one another name");
            } else {
                names.push(name.to_owned());
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
    fn parameter_types(&mut self, value: &Value, names: &[String]) -> Vec<Field> {
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
            let fits = match &field.ty {
                Type::Scalar(scalar) => *scalar != Scalar::Json,
                Type::Named(name) => self.enums.contains_key(name),
                _ => false,
            };
            if !fits {
                let message = format!("a path parameter cannot be `{}`", field.ty);
                self.out
                    .error(codes::BAD_PARAMETER_TYPE, field.span, message)
                    .with_hint("use a scalar other than Json, or an enum");
            }
        }
        fields
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
                self.out.error(codes::BAD_NAME, entry.key.span, message);
            }
        }
        self.named_fields(&entries)
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
