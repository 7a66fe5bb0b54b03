//! Type expressions, literals and docs in Rust. Used by `records` and `entities`.

use crate::schema::{DefaultValue, Json, Scalar, Type};

use super::{Crate, names};
use crate::codegen::names::address;

impl Crate<'_> {
    /// Writes a type expression as `module` sees it.
    pub(super) fn ty(&self, ty: &Type, module: &str) -> String {
        match ty {
            Type::Scalar(scalar) => self.scalar(*scalar, module),
            Type::Named(name) => self.model(name, module),
            Type::Inline(_) => {
                let (place, name) = &self.inline[&address(ty)];
                if *place == module { name.clone() } else { format!("super::{place}::{name}") }
            }
            Type::List(item) => format!("{}<{}>", self.std("Vec", module), self.ty(item, module)),
            Type::Optional(inner) => format!("{}<{}>", self.std("Option", module), self.ty(inner, module)),
            Type::Map(value) => {
                let text = self.std("String", module);
                format!("::std::collections::BTreeMap<{text}, {}>", self.ty(value, module))
            }
        }
    }

    /// Returns the type of a shape or an enum as `module` sees it.
    pub(super) fn model(&self, name: &str, module: &str) -> String {
        let name = names::type_name(name);
        if module == "models" { name } else { format!("super::models::{name}") }
    }

    /// Returns a type of the prelude, with its path where the module has one of the same name.
    pub(super) fn std(&self, name: &str, module: &str) -> String {
        if !self.declared[module].contains(name) {
            return name.to_owned();
        }
        let place = match name {
            "Option" => "option",
            "Vec" => "vec",
            "Box" => "boxed",
            "Result" => "result",
            _ => "string",
        };
        format!("::std::{place}::{name}")
    }

    fn scalar(&self, scalar: Scalar, module: &str) -> String {
        match scalar {
            Scalar::String => self.std("String", module),
            Scalar::Int => "i64".to_owned(),
            Scalar::Float => "f64".to_owned(),
            Scalar::Boolean => "bool".to_owned(),
            Scalar::DateTime => "::chrono::DateTime<::chrono::FixedOffset>".to_owned(),
            Scalar::Date => "::chrono::NaiveDate".to_owned(),
            Scalar::Uuid => "::uuid::Uuid".to_owned(),
            Scalar::Decimal => "super::runtime::Decimal".to_owned(),
            Scalar::Bytes => "super::runtime::Bytes".to_owned(),
            Scalar::Json => "::serde_json::Value".to_owned(),
        }
    }

    /// Writes the default of a field of type `ty` as an expression.
    pub(super) fn default(&self, ty: &Type, default: &DefaultValue, module: &str) -> String {
        let value = match (default, ty.required()) {
            (DefaultValue::Value(value), _) => return self.literal(ty, value, module),
            (DefaultValue::Now, Type::Scalar(Scalar::Date)) => "::chrono::Utc::now().date_naive()",
            (DefaultValue::Now, _) => "::chrono::Utc::now().fixed_offset()",
            (DefaultValue::Uuid, Type::Scalar(Scalar::String)) => "::uuid::Uuid::now_v7().to_string()",
            (DefaultValue::Uuid, _) => "::uuid::Uuid::now_v7()",
        };
        if ty.is_optional() { format!("Some({value})") } else { value.to_owned() }
    }

    fn literal(&self, ty: &Type, value: &Json, module: &str) -> String {
        match (ty, value) {
            (Type::Optional(_), Json::Null) => "None".to_owned(),
            (Type::Optional(inner), value) => format!("Some({})", self.literal(inner, value, module)),
            (Type::Scalar(Scalar::Json), value) => {
                format!("::serde_json::from_str({:?}).expect(\"it is JSON\")", value.to_string())
            }
            (Type::Named(name), Json::String(text)) => {
                let item = &self.schema.enums[name];
                let at = item.names().position(|known| known == text).unwrap_or_default();
                format!("{}::{}", self.model(name, module), names::variants(item.names())[at])
            }
            (Type::List(item), Json::Array(items)) => {
                let items: Vec<String> =
                    items.iter().map(|value| self.literal(item, value, module)).collect();
                format!("vec![{}]", items.join(", "))
            }
            (Type::Map(_), _) => "::std::collections::BTreeMap::new()".to_owned(),
            (Type::Scalar(Scalar::Float), Json::Number(number)) => {
                format!("{:?}", number.as_f64().unwrap_or_default())
            }
            (Type::Scalar(Scalar::Decimal), Json::Number(number)) => format!("\"{number}\".to_owned()"),
            (Type::Scalar(scalar), Json::String(text)) => match scalar {
                Scalar::DateTime => {
                    format!(
                        "::chrono::DateTime::parse_from_rfc3339({text:?}).expect(\"it is a date and time\")"
                    )
                }
                Scalar::Date => format!("{text:?}.parse().expect(\"it is a date\")"),
                Scalar::Uuid => format!("::uuid::Uuid::try_parse({text:?}).expect(\"it is a UUID\")"),
                Scalar::Bytes => {
                    format!("super::runtime::Bytes::from_base64({text:?}).expect(\"it is base64\")")
                }
                _ => format!("{text:?}.to_owned()"),
            },
            (_, value) => value.to_string(),
        }
    }
}

/// Returns a doc comment, or nothing.
pub(super) fn docs(doc: Option<&str>, indent: &str) -> String {
    // Characters that reorder what is read are refused by the compiler.
    let seen = |c: &char| {
        (!c.is_control() || *c == '\t') && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut fenced = false;
    let mut out = String::new();
    for line in doc.into_iter().flat_map(str::lines) {
        // Neither indented nor fenced text shall become a doc test.
        let mut line = line.chars().filter(seen).collect::<String>().trim().to_owned();
        if line.starts_with("```") {
            fenced = !fenced;
            if fenced {
                line = "```text".to_owned();
            }
        }
        out += &format!("{}\n", format!("{indent}/// {line}").trim_end());
    }
    out + if fenced { "/// ```\n" } else { "" }
}
