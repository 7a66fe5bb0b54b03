//! Example values of types, for documents. Called by `openapi`; pure, and never gives a value that its type refuses.

use serde_json::{Map, Number, json};

use super::model::{Attributes, DefaultValue, Field, Format, Json, Scalar, Schema, Type};
use super::names::snake_case;

/// Levels of nested types that an example shows.
const MAX_DEPTH: usize = 8;

/// Makes an example of the body of the error `name`, if one that fits can be made up.
pub(super) fn error(schema: &Schema, name: &str) -> Option<Json> {
    let ty = Type::Named(name.to_owned());
    let mut example = value(schema, &ty, &Attributes::default(), 0)?;
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

fn value(schema: &Schema, ty: &Type, attributes: &Attributes, depth: usize) -> Option<Json> {
    if depth > MAX_DEPTH {
        return None;
    }
    if let Some(DefaultValue::Value(default)) = &attributes.default {
        return Some(default.clone());
    }
    let least = attributes.length.map_or(0, |length| length.min);
    match ty {
        Type::Scalar(scalar) => Some(scalar_value(*scalar, attributes, least)),
        Type::Optional(inner) => value(schema, inner, attributes, depth),
        Type::Inline(fields) => object(schema, fields, depth),
        Type::Named(name) => match (schema.shapes.get(name), schema.enums.get(name)) {
            (Some(shape), _) => object(schema, &shape.fields, depth),
            (None, item) => item?.names().next().map(|name| json!(name)),
        },
        Type::List(item) => {
            let item = value(schema, item, &Attributes::default(), depth + 1);
            item.filter(|_| least <= 1).map_or(Some(json!([])), |item| Some(json!([item])))
        }
        Type::Map(_) => Some(json!({})),
    }
}

fn object(schema: &Schema, fields: &[Field], depth: usize) -> Option<Json> {
    let mut out = Map::new();
    for field in fields {
        match value(schema, &field.ty, &field.attributes, depth + 1) {
            Some(value) => drop(out.insert(field.name.clone(), value)),
            None if field.ty.is_optional() => {}
            None => return None,
        }
    }
    Some(out.into())
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
