//! Example values of types, for documents. Called by `openapi`; pure, and never gives a value that its type refuses.

use serde_json::{Map, Number, json};

use super::model::{Attributes, DefaultValue, Field, Format, Json, Scalar, Schema, Type};
use super::names::snake_case;

/// Levels of nested types that an example shows.
const MAX_DEPTH: usize = 8;
/// Values in one example: types that hold many types each would otherwise fill the disk.
const MAX_VALUES: usize = 500;

/// Makes an example of the body of the error `name`, if one that fits can be made up.
pub(super) fn error(schema: &Schema, name: &str) -> Option<Json> {
    let ty = Type::Named(name.to_owned());
    let fields = &schema.shapes.get(name)?.fields;
    let mut example = Maker { schema, left: MAX_VALUES }.object(fields, 0)?;
    // What errors mostly have; the words of the name are a better text than none.
    let words = snake_case(name).replace('_', " ");
    let mut worded = example.clone();
    if let Some(message @ Json::String(_)) = worded.get_mut("message") {
        *message = json!(words);
    }
    let fits = |example: &mut Json| schema.check(&ty, example, "").is_empty();
    if fits(&mut worded) {
        return Some(worded);
    }
    fits(&mut example).then_some(example)
}

struct Maker<'s> {
    schema: &'s Schema,
    left: usize,
}

impl<'s> Maker<'s> {
    fn value(&mut self, ty: &'s Type, attributes: &Attributes, depth: usize) -> Option<Json> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        if let Some(DefaultValue::Value(default)) = &attributes.default {
            return Some(default.clone());
        }
        let least = attributes.length.map_or(0, |length| length.min);
        match ty {
            Type::Scalar(scalar) => Some(scalar_value(*scalar, attributes, least)),
            Type::Optional(inner) => self.value(inner, attributes, depth),
            Type::Inline(fields) => self.object(fields, depth),
            Type::Named(name) => match (self.schema.shapes.get(name), self.schema.enums.get(name)) {
                (Some(shape), _) => self.object(&shape.fields, depth),
                (None, item) => item?.names().next().map(|name| json!(name)),
            },
            Type::List(item) => {
                let item = self.value(item, &Attributes::default(), depth + 1);
                item.filter(|_| least <= 1).map_or(Some(json!([])), |item| Some(json!([item])))
            }
            Type::Map(_) => Some(json!({})),
        }
    }

    fn object(&mut self, fields: &'s [Field], depth: usize) -> Option<Json> {
        let mut out = Map::new();
        for field in fields {
            match self.value(&field.ty, &field.attributes, depth + 1) {
                Some(value) => drop(out.insert(field.name.clone(), value)),
                None if field.ty.is_optional() => {}
                None => return None,
            }
        }
        Some(out.into())
    }
}

fn scalar_value(scalar: Scalar, attributes: &Attributes, least: usize) -> Json {
    let number = attributes.min.clone().or_else(|| attributes.max.clone()).unwrap_or_else(|| Number::from(1));
    match scalar {
        Scalar::String => match attributes.format {
            Some(Format::Email) => json!("ada@example.com"),
            Some(Format::Uri) => json!("https://example.com/"),
            Some(Format::Uuid) => json!("0190f3c0-0000-7000-8000-000000000000"),
            Some(Format::Ipv4) => json!("192.0.2.1"),
            Some(Format::Ipv6) => json!("2001:db8::1"),
            Some(Format::Hostname) => json!("example.com"),
            None => {
                let most = attributes.length.map_or(usize::MAX, |length| length.max);
                let text: String = "text".chars().take(most).collect();
                json!(if text.len() < least { "a".repeat(least.min(256)) } else { text })
            }
        },
        Scalar::Int | Scalar::Float => Json::Number(number),
        Scalar::Decimal => json!(number.to_string()),
        Scalar::Boolean => json!(true),
        Scalar::DateTime => json!("2025-01-31T12:00:00Z"),
        Scalar::Date => json!("2025-01-31"),
        Scalar::Uuid => json!("0190f3c0-0000-7000-8000-000000000000"),
        Scalar::Bytes => json!("AAAA".repeat(least.min(256).div_ceil(3))),
        Scalar::Json => json!({}),
    }
}
