//! Type expressions and fields. Called by `resolve` wherever a type may stand; attributes are left to `attributes`.

use super::ast::{Entry, Value, ValueKind, Word};
use super::codes;
use super::model::{Field, Scalar, Span, Type};
use super::resolve::Resolver;
use super::spelling::nearest;
use super::values::describe;

/// What stands for a type that could not be understood: it accepts everything.
const UNKNOWN: Type = Type::Scalar(Scalar::Json);

impl Resolver<'_> {
    /// Resolves a type expression; an unknown name is reported and becomes `Json`.
    pub(super) fn ty(&mut self, value: &Value) -> Type {
        match &value.kind {
            ValueKind::Word(name) | ValueKind::Text(name) => self.named(name, value.span),
            ValueKind::Object(entries) => Type::Inline(self.fields(entries)),
            ValueKind::Array(item) => Type::List(Box::new(self.ty(item))),
            ValueKind::Optional(inner) => optional(self.ty(inner)),
            ValueKind::Generic(name, argument) if name.text == "Map" => {
                Type::Map(Box::new(self.ty(argument)))
            }
            ValueKind::Generic(name, _) => {
                self.out
                    .error(codes::UNKNOWN_TYPE, name.span, format!("there is no type `{}<…>`", name.text))
                    .with_hint("the only one of its kind is `Map<T>`");
                UNKNOWN
            }
            ValueKind::Number(_) | ValueKind::List(_) => {
                self.out
                    .error(codes::BAD_VALUE, value.span, "expected a type")
                    .with_label(format!("this is {}", describe(&value.kind)));
                UNKNOWN
            }
        }
    }

    fn named(&mut self, name: &str, span: Span) -> Type {
        if self.shapes.contains(name) || self.enums.contains_key(name) {
            self.facts.used.insert(name.to_owned());
            return Type::Named(name.to_owned());
        }
        if let Some(scalar) = Scalar::from_name(name) {
            return Type::Scalar(scalar);
        }
        let scalars = Scalar::ALL.map(Scalar::as_str);
        let mut known: Vec<&str> = self.shapes.iter().chain(self.enums.keys()).map(String::as_str).collect();
        known.extend(scalars);
        known.sort_unstable();
        let near = nearest(name, known);
        self.out
            .error(codes::UNKNOWN_TYPE, span, format!("there is no type `{name}`"))
            .with_hint("declare it as a model, input, type or enum")
            .with_suggestion(near);
        UNKNOWN
    }

    /// Resolves the fields of a shape or an inline type.
    pub(super) fn fields(&mut self, entries: &[Entry]) -> Vec<Field> {
        for entry in entries {
            self.identifier(&entry.key);
        }
        self.named_fields(entries)
    }

    /// Resolves fields whose names were checked by the caller.
    pub(super) fn named_fields(&mut self, entries: &[Entry]) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for entry in entries {
            let field = self.field(entry);
            if let Some(first) = fields.iter().find(|known| known.name == field.name) {
                let place = self.out.place(first.span);
                self.out
                    .error(
                        codes::DUPLICATE_FIELD,
                        entry.key.span,
                        format!("`{}` is declared twice", field.name),
                    )
                    .with_label("declared again")
                    .with_hint(format!("it is first declared at {place}"));
                continue;
            }
            fields.push(field);
        }
        fields
    }

    fn field(&mut self, entry: &Entry) -> Field {
        let mut ty = self.ty(&entry.value);
        let attributes = self.attributes(&ty, &entry.attributes);
        if entry.attributes.iter().any(|attribute| attribute.name.text == "optional") {
            ty = optional(ty);
        }
        Field { name: entry.key.text.clone(), ty, attributes, doc: entry.doc.clone(), span: entry.key.span }
    }

    /// Reports a name that cannot be an identifier of the target languages.
    pub(super) fn identifier(&mut self, word: &Word) {
        let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
        let continues = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut chars = word.text.chars();
        if !(chars.next().is_some_and(starts) && chars.all(continues)) {
            self.out
                .error(codes::BAD_NAME, word.span, format!("`{}` cannot be a name", word.text))
                .with_hint("names are letters, digits and `_`, and start with no digit");
        }
    }
}

/// Makes a type optional, once.
fn optional(ty: Type) -> Type {
    if ty.is_optional() { ty } else { Type::Optional(Box::new(ty)) }
}
