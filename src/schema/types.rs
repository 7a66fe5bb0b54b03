//! Type expressions and fields. Called by `resolve` wherever a type may stand; attributes are left to `attributes`.

use indexmap::IndexMap;

use super::ast::{Entry, Value, ValueKind, Word};
use super::codes;
use super::model::{Field, Scalar, Span, Type};
use super::resolve::Resolver;
use super::spelling::nearest;
use super::values::describe;

/// Types of other languages, and ours for them.
const FOREIGN: [(&str, &str); 17] = [
    ("bool", "Boolean"),
    ("any", "Json"),
    ("object", "Json"),
    ("jsonb", "Json"),
    ("unknown", "Json"),
    ("integer", "Int"),
    ("long", "Int"),
    ("bigint", "Int"),
    ("number", "Float"),
    ("double", "Float"),
    ("real", "Float"),
    ("numeric", "Decimal"),
    ("text", "String"),
    ("varchar", "String"),
    ("timestamp", "DateTime"),
    ("guid", "Uuid"),
    ("blob", "Bytes"),
];

/// What stands for a type that could not be understood: it accepts everything.
const UNKNOWN: Type = Type::Scalar(Scalar::Json);

impl Resolver<'_> {
    /// Resolves a type expression; an unknown name is reported and becomes `Json`.
    pub(super) fn ty(&mut self, value: &Value) -> Type {
        match &value.kind {
            ValueKind::Word(name) | ValueKind::Text(name) => self.named(name, value.span),
            ValueKind::Object(entries) => Type::Inline(self.fields(entries)),
            ValueKind::Array(item) => Type::List(Box::new(self.ty(item))),
            ValueKind::Optional(inner) => {
                let inner = self.ty(inner);
                if inner.is_optional() {
                    self.needless_optional(value.span, "remove one `?`");
                }
                optional(inner)
            }
            ValueKind::Generic(name, argument) => self.generic(name, argument),
            ValueKind::Number(_) | ValueKind::List(_) => {
                self.out
                    .error(codes::BAD_VALUE, value.span, "expected a type")
                    .with_label(format!("this is {}", describe(&value.kind)));
                UNKNOWN
            }
            // Reported by the parser.
            ValueKind::Broken => UNKNOWN,
        }
    }

    /// Resolves the type of what stands at `place`, and notes when that did not succeed: the type that stands for it is
    /// then nothing to complain about.
    pub(super) fn known_type(&mut self, place: Span, value: &Value) -> Type {
        let before = self.out.errors();
        let ty = self.ty(value);
        if self.out.errors() > before || matches!(value.kind, ValueKind::Broken) {
            self.facts.unresolved.insert(place);
        }
        ty
    }

    fn generic(&mut self, name: &Word, argument: &Value) -> Type {
        let inner = self.ty(argument);
        let hint = match name.text.as_str() {
            "Map" => return Type::Map(Box::new(inner)),
            "Array" | "List" | "Set" | "Vec" => format!("write `{inner}[]`"),
            "Option" | "Optional" | "Maybe" => format!("write `{inner}?`"),
            "map" | "Record" | "Dict" | "HashMap" => format!("write `Map<{inner}>`"),
            _ => "the only one of its kind is `Map<T>`".to_owned(),
        };
        self.out
            .error(codes::UNKNOWN_TYPE, name.span, format!("there is no type `{}<…>`", name.text))
            .with_hint(hint);
        UNKNOWN
    }

    fn needless_optional(&mut self, span: Span, hint: &str) {
        self.out
            .warning(codes::MEANINGLESS_OPTIONAL, span, "this `?` says nothing")
            .with_label("absent and null are the same")
            .with_hint(hint);
    }

    fn named(&mut self, name: &str, span: Span) -> Type {
        if self.shapes.contains(name) || self.enums.contains_key(name) {
            return Type::Named(name.to_owned());
        }
        if let Some(scalar) = Scalar::from_name(name) {
            return Type::Scalar(scalar);
        }
        let foreign = FOREIGN.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        let near = match foreign {
            Some((_, ours)) => Some((*ours).to_owned()),
            None => self.near_type(name),
        };
        let hint =
            if name == "Map" { "write `Map<T>`" } else { "declare it as a model, input, type or enum" };
        self.out
            .error(codes::UNKNOWN_TYPE, span, format!("there is no type `{name}`"))
            .with_hint(hint)
            .with_suggestion(near.as_deref());
        // It is in use, only not under its name.
        self.facts.meant.extend(near);
        UNKNOWN
    }

    /// Returns the type whose name is nearest to `name`.
    fn near_type(&mut self, name: &str) -> Option<String> {
        let scalars = Scalar::ALL.map(Scalar::as_str);
        let declared = self.shapes.iter().chain(self.enums.keys()).map(String::as_str);
        let left = &mut self.comparisons;
        guess(left, name, declared.chain(scalars))
    }

    /// Returns the shape whose name is nearest to `name`, unless it is one.
    pub(super) fn near_shape(&mut self, name: &str) -> Option<String> {
        if self.shapes.contains(name) {
            return None;
        }
        guess(&mut self.comparisons, name, self.shapes.iter().map(String::as_str))
    }

    /// Returns the event whose name is nearest to `name`.
    pub(super) fn near_event(&mut self, name: &str) -> Option<String> {
        guess(&mut self.comparisons, name, self.events.iter().map(String::as_str))
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
        let mut fields: IndexMap<&str, Field> = IndexMap::new();
        for entry in entries {
            let field = self.field(entry);
            if let Some(first) = fields.get(entry.key.text.as_str()) {
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
            fields.insert(&entry.key.text, field);
        }
        fields.into_values().collect()
    }

    fn field(&mut self, entry: &Entry) -> Field {
        let mut ty = self.known_type(entry.key.span, &entry.value);
        let known = !self.facts.unresolved.contains(&entry.key.span);
        // First of all: what cannot stand on `T?` cannot stand beside `@optional` either.
        if let Some(attribute) = entry.attributes.iter().find(|attribute| attribute.name.text == "optional") {
            if ty.is_optional() {
                self.needless_optional(attribute.span, "remove `@optional`: the type ends with `?`");
            }
            ty = optional(ty);
        }
        let attributes = self.attributes(&ty, known, &entry.attributes);
        Field { name: entry.key.text.clone(), ty, attributes, doc: entry.doc.clone(), span: entry.key.span }
    }

    /// Reports a name that cannot be an identifier of the target languages.
    pub(super) fn identifier(&mut self, word: &Word) {
        let name = word.text.as_str();
        let letters = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let hint = if !letters || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            "names are ASCII letters, digits and `_`, and start with no digit"
        } else if name.starts_with("__") {
            "two `_` at the start have a meaning of their own in Python and JavaScript"
        } else if name == "_" {
            "a name needs a letter or a digit"
        } else {
            return;
        };
        self.out.error(codes::BAD_NAME, word.span, format!("`{name}` cannot be a name")).with_hint(hint);
    }
}

/// Finds the name that was meant, among many, as long as there are comparisons `left`.
fn guess<'n>(left: &mut usize, name: &str, names: impl Iterator<Item = &'n str> + Clone) -> Option<String> {
    *left = left.checked_sub(names.clone().count())?;
    nearest(name, names).map(str::to_owned)
}

/// Makes a type optional, once.
fn optional(ty: Type) -> Type {
    if ty.is_optional() { ty } else { Type::Optional(Box::new(ty)) }
}
