//! Values against types at run time: one validator for every edge, from the same model as everything else.
//!
//! Called through [`Schema::check`] by the doors, the buses and the actors, and by `check` for written defaults. It
//! fills defaults and drops what is not declared; it never fails and never recurses deeper than [`MAX_DEPTH`].

use std::cmp::Ordering;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Number};
use uuid::Uuid;

use super::Violation;
use super::model::{Attributes, DefaultValue, Enum, Field, Json, Length, Scalar, Schema, Type};
use super::texts::{base64_length, has_format, is_date, is_date_time, is_decimal, is_uuid};

/// Levels of nested objects, lists and maps; the stack of a worker thread holds far more.
const MAX_DEPTH: usize = 64;
/// A hostile body can be wrong in a million places; the caller learns of this many.
const MAX_VIOLATIONS: usize = 256;

impl Schema {
    /// Checks `value` against `ty`, fills defaults and drops undeclared fields. Returns every violation, up to 256,
    /// with JSON pointers that start with `root` (`/body`).
    pub fn check(&self, ty: &Type, value: &mut Json, root: &str) -> Vec<Violation> {
        let mut checker = Checker::new(self, root);
        checker.value(ty, None, value);
        checker.found
    }

    /// Checks an object against a set of fields, as [`check`](Schema::check) does; null stands for an empty object.
    pub fn check_fields(&self, fields: &[Field], value: &mut Json, root: &str) -> Vec<Violation> {
        if value.is_null() {
            *value = Json::Object(Map::new());
        }
        let mut checker = Checker::new(self, root);
        checker.object(fields, value);
        checker.found
    }

    /// Turns the text of a path, query or header parameter into a value of `ty`. What cannot be turned stays a
    /// string, so that [`check`](Schema::check) reports it.
    pub fn parse_text(&self, ty: &Type, text: &str) -> Json {
        let parsed = match ty.required() {
            Type::Scalar(Scalar::Int) => text.parse::<i64>().ok().map(Json::from),
            Type::Scalar(Scalar::Float) => parse_float(text),
            Type::Scalar(Scalar::Boolean) => text.parse::<bool>().ok().map(Json::Bool),
            Type::Scalar(Scalar::Json) => serde_json::from_str(text).ok(),
            Type::List(item) => Some(Json::Array(vec![self.parse_text(item, text)])),
            _ => None,
        };
        parsed.unwrap_or_else(|| Json::String(text.to_owned()))
    }

    /// Turns all texts given for one parameter into a value: a list for `T[]`, else the one text. Several texts for
    /// a type that is no list become an array, which [`check`](Schema::check) reports.
    pub fn parse_texts(&self, ty: &Type, texts: &[&str]) -> Json {
        match (ty.required(), texts) {
            (Type::List(item), _) => texts.iter().map(|text| self.parse_text(item, text)).collect(),
            (_, [text]) => self.parse_text(ty, text),
            (_, []) => Json::Null,
            _ => texts.iter().map(|text| self.parse_text(ty, text)).collect(),
        }
    }
}

/// Checks one value with the attributes of a field.
pub(super) fn check_value(
    schema: &Schema,
    ty: &Type,
    attributes: &Attributes,
    value: &mut Json,
) -> Vec<Violation> {
    let mut checker = Checker::new(schema, "");
    checker.value(ty, Some(attributes), value);
    checker.found
}

fn parse_float(text: &str) -> Option<Json> {
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Json::from(integer));
    }
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Json::Number)
}

/// Walks a value along its type.
struct Checker<'a> {
    schema: &'a Schema,
    path: String,
    depth: usize,
    found: Vec<Violation>,
}

impl<'a> Checker<'a> {
    fn new(schema: &'a Schema, root: &str) -> Self {
        Checker { schema, path: root.to_owned(), depth: 0, found: Vec::new() }
    }

    fn report(&mut self, code: &'static str, message: impl Into<String>) {
        if self.found.len() < MAX_VIOLATIONS {
            self.found.push(Violation { path: self.path.clone(), code, message: message.into() });
        }
    }

    fn mismatch(&mut self, expected: &str, value: &Json) {
        self.report("type", format!("expected {expected}, got {}", kind(value)));
    }

    /// Runs `work` one level deeper, with `segment` added to the path.
    fn below(&mut self, segment: &str, work: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        for c in segment.chars() {
            match c {
                '~' => self.path.push_str("~0"),
                '/' => self.path.push_str("~1"),
                c => self.path.push(c),
            }
        }
        if self.depth == MAX_DEPTH {
            self.report("depth", format!("is nested deeper than {MAX_DEPTH} levels"));
        } else {
            self.depth += 1;
            work(self);
            self.depth -= 1;
        }
        self.path.truncate(length);
    }

    /// Checks a value; `attributes` are those of the field that holds it.
    fn value(&mut self, ty: &Type, attributes: Option<&Attributes>, value: &mut Json) {
        match ty {
            Type::Optional(_) if value.is_null() => {}
            Type::Optional(inner) => self.value(inner, attributes, value),
            Type::Scalar(scalar) => self.scalar(*scalar, attributes, value),
            Type::Inline(fields) => self.object(fields, value),
            Type::Named(name) => self.named(name, value),
            Type::List(item) => self.list(item, attributes, value),
            Type::Map(item) => self.map(item, attributes, value),
        }
    }

    fn named(&mut self, name: &str, value: &mut Json) {
        let schema = self.schema;
        if let Some(shape) = schema.shapes.get(name) {
            self.object(&shape.fields, value);
        } else if let Some(item) = schema.enums.get(name) {
            self.variant(item, value);
        } else {
            self.report("type", format!("the type `{name}` is not known"));
        }
    }

    fn variant(&mut self, item: &Enum, value: &Json) {
        match value {
            Json::String(text) if item.names().any(|name| name == text) => {}
            Json::String(_) => {
                self.report("enum", format!("must be one of {}", item.names().collect::<Vec<_>>().join(", ")))
            }
            other => self.mismatch("a string", other),
        }
    }

    fn list(&mut self, item: &Type, attributes: Option<&Attributes>, value: &mut Json) {
        let Json::Array(items) = value else {
            return self.mismatch("an array", value);
        };
        self.length(attributes, items.len(), "items");
        for (at, value) in items.iter_mut().enumerate() {
            self.below(&at.to_string(), |checker| checker.value(item, None, value));
        }
    }

    fn map(&mut self, item: &Type, attributes: Option<&Attributes>, value: &mut Json) {
        let Json::Object(entries) = value else {
            return self.mismatch("an object", value);
        };
        self.length(attributes, entries.len(), "entries");
        for (key, value) in entries {
            self.below(key, |checker| checker.value(item, None, value));
        }
    }

    /// Checks an object and rebuilds it with nothing but the declared fields, in the order of their declaration.
    fn object(&mut self, fields: &[Field], value: &mut Json) {
        let Json::Object(entries) = value else {
            return self.mismatch("an object", value);
        };
        let mut given = std::mem::take(entries);
        for field in fields {
            let present = given.remove(&field.name);
            match present
                .or_else(|| field.attributes.default.as_ref().map(|default| filled(default, &field.ty)))
            {
                Some(mut value) => {
                    self.below(&field.name, |checker| {
                        checker.value(&field.ty, Some(&field.attributes), &mut value);
                    });
                    entries.insert(field.name.clone(), value);
                }
                None if field.ty.is_optional() || field.attributes.auto => {}
                None => self.below(&field.name, |checker| checker.report("required", "is required")),
            }
        }
    }

    fn scalar(&mut self, scalar: Scalar, attributes: Option<&Attributes>, value: &mut Json) {
        match scalar {
            Scalar::Json => {}
            Scalar::Int => self.integer(attributes, value),
            Scalar::Float => match value {
                Json::Number(number) => self.range(attributes, number),
                other => self.mismatch("a number", other),
            },
            Scalar::Boolean => {
                if !value.is_boolean() {
                    self.mismatch("true or false", value);
                }
            }
            Scalar::Decimal => self.decimal(attributes, value),
            Scalar::String | Scalar::DateTime | Scalar::Date | Scalar::Uuid | Scalar::Bytes => match value {
                Json::String(text) => self.text(scalar, attributes, text),
                other => self.mismatch("a string", other),
            },
        }
    }

    fn integer(&mut self, attributes: Option<&Attributes>, value: &Json) {
        match value {
            Json::Number(number) if number.is_i64() => self.range(attributes, number),
            Json::Number(number) if number.is_u64() => {
                self.report("type", "does not fit a signed 64-bit integer")
            }
            Json::Number(_) => {
                self.report("type", "expected an integer, got a number with a fraction or exponent")
            }
            other => self.mismatch("an integer", other),
        }
    }

    /// Checks a decimal and brings a number to its text.
    fn decimal(&mut self, attributes: Option<&Attributes>, value: &mut Json) {
        if let Json::Number(number) = value {
            let text = match number.as_f64() {
                // `Display` of a float has no exponent, unlike JSON.
                Some(float) if number.is_f64() => float.to_string(),
                _ => number.to_string(),
            };
            *value = Json::String(text);
        }
        match value {
            Json::String(text) if is_decimal(text) => {
                let number = text.parse::<f64>().ok().and_then(Number::from_f64);
                if let Some(number) = number {
                    self.range(attributes, &number);
                }
            }
            Json::String(_) => self.report("format", "must be a decimal number"),
            other => self.mismatch("a decimal number", other),
        }
    }

    fn text(&mut self, scalar: Scalar, attributes: Option<&Attributes>, text: &str) {
        let (fits, what) = match scalar {
            Scalar::DateTime => (is_date_time(text), "an RFC 3339 date and time"),
            Scalar::Date => (is_date(text), "a date as YYYY-MM-DD"),
            Scalar::Uuid => (is_uuid(text), "a UUID"),
            Scalar::Bytes => (base64_length(text).is_some(), "base64"),
            _ => (true, ""),
        };
        if !fits {
            return self.report("format", format!("must be {what}"));
        }
        let Some(attributes) = attributes else {
            return;
        };
        if attributes.length.is_some() {
            match scalar {
                Scalar::Bytes => self.length(Some(attributes), base64_length(text).unwrap_or(0), "bytes"),
                _ => self.length(Some(attributes), text.chars().count(), "characters"),
            }
        }
        if attributes.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
            let pattern = attributes.pattern.as_ref().map_or("", |pattern| pattern.as_str());
            self.report("pattern", format!("must match {pattern}"));
        }
        if let Some(format) = attributes.format.filter(|format| !has_format(*format, text)) {
            self.report("format", format!("must be a valid {}", format.as_str()));
        }
    }

    fn length(&mut self, attributes: Option<&Attributes>, length: usize, unit: &str) {
        let Some(Length { min, max }) = attributes.and_then(|attributes| attributes.length) else {
            return;
        };
        if !(min..=max).contains(&length) {
            self.report("length", format!("must have {min} to {max} {unit}, has {length}"));
        }
    }

    fn range(&mut self, attributes: Option<&Attributes>, number: &Number) {
        let Some(attributes) = attributes else {
            return;
        };
        if let Some(min) = &attributes.min
            && compare(number, min) == Some(Ordering::Less)
        {
            self.report("min", format!("must be at least {min}"));
        }
        if let Some(max) = &attributes.max
            && compare(number, max) == Some(Ordering::Greater)
        {
            self.report("max", format!("must be at most {max}"));
        }
    }
}

/// Compares two numbers, exactly when both are integers.
fn compare(left: &Number, right: &Number) -> Option<Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

/// Makes the value of a default; `now` is a day for `Date` and a UTC time for everything else.
fn filled(default: &DefaultValue, ty: &Type) -> Json {
    match default {
        DefaultValue::Value(value) => value.clone(),
        DefaultValue::Uuid => Json::String(Uuid::now_v7().to_string()),
        DefaultValue::Now => match ty.required() {
            Type::Scalar(Scalar::Date) => Json::String(Utc::now().date_naive().to_string()),
            _ => Json::String(Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)),
        },
    }
}

/// Names the kind of a value for messages.
fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}
