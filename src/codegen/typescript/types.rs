//! Type expressions, fields and comments in TypeScript. Used by `records` and `entities`; imports what it names.

use crate::schema::{Attributes, Field, Json, Scalar, Type};

use super::module::Module;

/// Tells whether `name` can stand without quotes.
pub(super) fn identifier(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_' || c == '$';
    let mut chars = name.chars();
    chars.next().is_some_and(starts) && chars.all(|c| starts(c) || c.is_ascii_digit())
}

/// Returns `text` as a string literal.
pub(super) fn literal(text: &str) -> String {
    Json::from(text).to_string()
}

/// Returns `name` as the key of an object.
pub(super) fn key(name: &str) -> String {
    if identifier(name) { name.to_owned() } else { literal(name) }
}

/// Returns a doc comment, or nothing; `indent` is the number of spaces before it.
pub(super) fn comment(doc: Option<&str>, deprecated: Option<&str>, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(doc.into_iter().flat_map(str::lines).map(|line| line.trim_end().to_owned()));
    lines.extend(
        deprecated.map(|why| format!("@deprecated {}", why.replace(['\n', '\r'], " ")).trim_end().to_owned()),
    );
    let lines: Vec<String> = lines.iter().map(|line| line.replace("*/", "*\\/")).collect();
    let pad = " ".repeat(indent);
    match &lines[..] {
        [] => String::new(),
        [line] => format!("{pad}/** {} */\n", line.trim_start()),
        lines => {
            let lines = lines.iter().map(|line| match line.as_str() {
                "" => format!("{pad} *\n"),
                line => format!("{pad} * {line}\n"),
            });
            format!("{pad}/**\n{}{pad} */\n", lines.collect::<String>())
        }
    }
}

impl Module {
    /// Writes a type expression; the lines of inline types are indented by `indent` spaces.
    pub(super) fn ty(&mut self, ty: &Type, attributes: Option<&Attributes>, indent: usize) -> String {
        match ty {
            Type::Scalar(scalar) => self.scalar(*scalar, attributes),
            Type::Named(name) => self.model(name),
            Type::List(item) if item.is_optional() => format!("({})[]", self.ty(item, attributes, indent)),
            Type::List(item) => format!("{}[]", self.ty(item, attributes, indent)),
            Type::Optional(inner) => format!("{} | null", self.ty(inner, attributes, indent)),
            Type::Map(value) => format!("{{ [key: string]: {} }}", self.ty(value, attributes, indent)),
            Type::Inline(fields) => self.object(fields, indent),
        }
    }

    fn scalar(&mut self, scalar: Scalar, attributes: Option<&Attributes>) -> String {
        let plain = match scalar {
            Scalar::String => "string",
            Scalar::Int if attributes.is_some_and(|attributes| attributes.bigint) => "bigint",
            Scalar::Int | Scalar::Float => "number",
            Scalar::Boolean => "boolean",
            // `Date` is taken by the language.
            Scalar::Date => return self.runtime("DateOnly"),
            Scalar::DateTime | Scalar::Uuid | Scalar::Decimal | Scalar::Bytes | Scalar::Json => {
                return self.runtime(scalar.as_str());
            }
        };
        plain.to_owned()
    }

    /// Writes an object type.
    pub(super) fn object(&mut self, fields: &[Field], indent: usize) -> String {
        if fields.is_empty() {
            return "{}".to_owned();
        }
        let lines: String = fields.iter().map(|field| self.field(field, "", indent + 2)).collect();
        format!("{{\n{lines}{}}}", " ".repeat(indent))
    }

    /// Writes a field as a line with its comment; `modifiers` go before the name.
    pub(super) fn field(&mut self, field: &Field, modifiers: &str, indent: usize) -> String {
        let Field { name, ty, attributes, doc, .. } = field;
        let comment = comment(doc.as_deref(), attributes.deprecated.as_deref(), indent);
        // What has a default is always there when it is read. What the store makes may be absent.
        let optional = ty.is_optional() || (attributes.auto && attributes.default.is_none());
        let mark = if optional { "?" } else { "" };
        let pad = " ".repeat(indent);
        let ty = self.ty(ty, Some(attributes), indent);
        format!("{comment}{pad}{modifiers}{}{mark}: {ty};\n", key(name))
    }
}
