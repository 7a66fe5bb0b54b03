//! Values against types at run time: one validator for every edge, from the same model as everything else.
//!
//! Called through [`Schema::check`] by the doors, the buses and the actors, and by `check` for written defaults. It
//! fills defaults and drops what is not declared; it never fails, never recurses deeper than [`MAX_DEPTH`], and writes
//! into a value only where something changes. Its verdicts are those of JSON Schema on what `json_schema` prints, but
//! for the depth and for numbers that may have lost digits (see `numbers`).

use std::cmp::Ordering;
use std::collections::HashSet;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Number};
use uuid::Uuid;

use super::Violation;
use super::model::{Attributes, DefaultValue, Enum, Field, Json, Length, Scalar, Schema, Type};
use super::numbers::{compare, compare_decimal, integer, is_decimal};
use super::texts::{base64_length, has_format, is_date, is_date_time, is_uuid};

/// Levels of nested objects, lists and maps; the stack of a worker thread holds far more.
const MAX_DEPTH: usize = 64;
/// A hostile body can be wrong in a million places; the caller learns of this many, and no more is looked at.
const MAX_VIOLATIONS: usize = 256;
/// Up to so many fields, looking at the names one after the other is faster than hashing.
const FEW_FIELDS: usize = 32;

impl Schema {
    /// Checks `value` against `ty`, fills defaults and drops undeclared fields. Returns every violation, up to 256,
    /// with JSON pointers that start with `root` (`/body`).
    pub fn check(&self, ty: &Type, value: &mut Json, root: &str) -> Vec<Violation> {
        let mut checker = Checker::new(self);
        checker.value(ty, None, value, &Place::root(root));
        checker.found
    }

    /// Checks an object against a set of fields, as [`check`](Schema::check) does; null stands for an empty object.
    pub fn check_fields(&self, fields: &[Field], value: &mut Json, root: &str) -> Vec<Violation> {
        if value.is_null() {
            *value = Json::Object(Map::new());
        }
        let mut checker = Checker::new(self);
        checker.object(fields, value, &Place::root(root));
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
    let mut checker = Checker::new(schema);
    checker.value(ty, Some(attributes), value, &Place::root(""));
    checker.found
}

fn parse_float(text: &str) -> Option<Json> {
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Json::from(integer));
    }
    text.parse::<f64>().ok().and_then(Number::from_f64).map(Json::Number)
}

/// Where the walk is: a list on the stack, turned into a JSON pointer for a violation only.
struct Place<'p> {
    above: Option<&'p Place<'p>>,
    segment: Segment<'p>,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Segment<'p> {
    /// A pointer that the caller gave.
    Root(&'p str),
    Key(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    fn root(pointer: &'p str) -> Self {
        Place { above: None, segment: Segment::Root(pointer), depth: 0 }
    }

    fn below(&'p self, segment: Segment<'p>) -> Place<'p> {
        Place { above: Some(self), segment, depth: self.depth + 1 }
    }

    fn pointer(&self) -> String {
        let mut pointer = self.above.map(Place::pointer).unwrap_or_default();
        match self.segment {
            Segment::Root(text) => pointer.push_str(text),
            Segment::Key(key) => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Index(index) => pointer.push_str(&format!("/{index}")),
        }
        pointer
    }
}

/// A type whose name has been looked up, once for all items of a list.
#[derive(Clone, Copy)]
enum Target<'a> {
    Fields(&'a [Field]),
    Values(&'a Enum),
    Other(&'a Type),
}

/// Tells whether `value` needs no closer look: it is of a scalar of which every JSON value of that kind fits.
fn is_plain(target: Target<'_>, value: &Json) -> bool {
    let Target::Other(Type::Scalar(scalar)) = target else {
        return false;
    };
    matches!(
        (scalar, value),
        (Scalar::Float, Json::Number(_))
            | (Scalar::String, Json::String(_))
            | (Scalar::Boolean, Json::Bool(_))
            | (Scalar::Json, _)
    )
}

/// Walks a value along its type.
struct Checker<'a> {
    schema: &'a Schema,
    found: Vec<Violation>,
}

impl<'a> Checker<'a> {
    fn new(schema: &'a Schema) -> Self {
        Checker { schema, found: Vec::new() }
    }

    fn report(&mut self, at: &Place<'_>, code: &'static str, message: impl Into<String>) {
        if !self.is_full() {
            self.found.push(Violation { path: at.pointer(), code, message: message.into() });
        }
    }

    fn is_full(&self) -> bool {
        self.found.len() == MAX_VIOLATIONS
    }

    fn mismatch(&mut self, at: &Place<'_>, expected: &str, value: &Json) {
        self.report(at, "type", format!("expected {expected}, got {}", kind(value)));
    }

    fn target(&self, ty: &'a Type) -> Target<'a> {
        match ty {
            Type::Inline(fields) => Target::Fields(fields),
            Type::Named(name) => match (self.schema.shapes.get(name), self.schema.enums.get(name)) {
                (Some(shape), _) => Target::Fields(&shape.fields),
                (None, Some(item)) => Target::Values(item),
                (None, None) => Target::Other(ty),
            },
            _ => Target::Other(ty),
        }
    }

    /// Checks a value; `attributes` are those of the field that holds it.
    fn value(&mut self, ty: &'a Type, attributes: Option<&Attributes>, value: &mut Json, at: &Place<'_>) {
        self.targeted(self.target(ty), attributes, value, at);
    }

    fn targeted(
        &mut self,
        target: Target<'a>,
        attributes: Option<&Attributes>,
        value: &mut Json,
        at: &Place<'_>,
    ) {
        if at.depth > MAX_DEPTH {
            return self.report(at, "depth", format!("is nested deeper than {MAX_DEPTH} levels"));
        }
        match target {
            Target::Fields(fields) => self.object(fields, value, at),
            Target::Values(item) => self.variant(item, value, at),
            Target::Other(Type::Scalar(scalar)) => self.scalar(*scalar, attributes, value, at),
            Target::Other(Type::Optional(_)) if value.is_null() => {}
            Target::Other(Type::Optional(inner)) => self.value(inner, attributes, value, at),
            Target::Other(Type::List(item)) => self.list(item, attributes, value, at),
            Target::Other(Type::Map(item)) => self.map(item, attributes, value, at),
            Target::Other(Type::Named(name)) => {
                self.report(at, "type", format!("the type `{name}` is not known"));
            }
            Target::Other(Type::Inline(fields)) => self.object(fields, value, at),
        }
    }

    fn variant(&mut self, item: &Enum, value: &Json, at: &Place<'_>) {
        match value {
            Json::String(text) if item.names().any(|name| name == text) => {}
            Json::String(_) => {
                let names = item.names().collect::<Vec<_>>().join(", ");
                self.report(at, "enum", format!("must be one of {names}"));
            }
            other => self.mismatch(at, "a string", other),
        }
    }

    fn list(&mut self, item: &'a Type, attributes: Option<&Attributes>, value: &mut Json, at: &Place<'_>) {
        let Json::Array(items) = value else {
            return self.mismatch(at, "an array", value);
        };
        self.length(attributes, items.len(), "items", at);
        let target = self.target(item);
        for (index, value) in items.iter_mut().enumerate() {
            if is_plain(target, value) {
                continue;
            }
            self.targeted(target, None, value, &at.below(Segment::Index(index)));
            if self.is_full() {
                return;
            }
        }
    }

    fn map(&mut self, item: &'a Type, attributes: Option<&Attributes>, value: &mut Json, at: &Place<'_>) {
        let Json::Object(entries) = value else {
            return self.mismatch(at, "an object", value);
        };
        self.length(attributes, entries.len(), "entries", at);
        let target = self.target(item);
        for (key, value) in entries {
            self.targeted(target, None, value, &at.below(Segment::Key(key)));
            if self.is_full() {
                return;
            }
        }
    }

    /// Checks the declared fields in their order, then adds defaults and drops what is not declared.
    fn object(&mut self, fields: &'a [Field], value: &mut Json, at: &Place<'_>) {
        let Json::Object(entries) = value else {
            return self.mismatch(at, "an object", value);
        };
        let given = entries.len();
        let mut found = 0;
        let mut added = Vec::new();
        if fields.len() <= FEW_FIELDS {
            let mut places: [Option<&mut Json>; FEW_FIELDS] = [const { None }; FEW_FIELDS];
            let mut next = 0; // most objects come in the order of the declaration
            for (key, value) in entries.iter_mut() {
                let named = |field: &Field| field.name == *key;
                let later = || fields.iter().skip(next).position(named).map(|steps| next + steps);
                if let Some(place) = later().or_else(|| fields.iter().take(next).position(named)) {
                    places[place] = Some(value);
                    next = place + 1;
                    found += 1;
                }
            }
            for (field, place) in fields.iter().zip(places) {
                match place {
                    Some(value) => self.field(field, value, at),
                    None => added.extend(self.absent(field, at)),
                }
            }
        } else {
            for field in fields {
                match entries.get_mut(&field.name) {
                    Some(value) => {
                        found += 1;
                        self.field(field, value, at);
                    }
                    None => added.extend(self.absent(field, at)),
                }
            }
        }
        if given > found {
            drop_undeclared(fields, entries);
        }
        entries.extend(added);
    }

    fn field(&mut self, field: &'a Field, value: &mut Json, at: &Place<'_>) {
        self.value(&field.ty, Some(&field.attributes), value, &at.below(Segment::Key(&field.name)));
    }

    /// Returns the default of a field that was not given, with its name.
    fn absent(&mut self, field: &'a Field, at: &Place<'_>) -> Option<(String, Json)> {
        if let Some(default) = &field.attributes.default {
            let mut value = filled(default, &field.ty);
            self.field(field, &mut value, at);
            return Some((field.name.clone(), value));
        }
        if !field.ty.is_optional() && !field.attributes.auto {
            self.report(&at.below(Segment::Key(&field.name)), "required", "is required");
        }
        None
    }

    fn scalar(&mut self, scalar: Scalar, attributes: Option<&Attributes>, value: &mut Json, at: &Place<'_>) {
        match (scalar, &*value) {
            (Scalar::Json, _) | (Scalar::Boolean, Json::Bool(_)) => {}
            (Scalar::Int, _) => self.integer(attributes, value, at),
            (Scalar::Float, Json::Number(number)) => {
                self.range(attributes, |bound| compare(number, bound), at)
            }
            (Scalar::Float, other) => self.mismatch(at, "a number", other),
            (Scalar::Boolean, other) => self.mismatch(at, "true or false", other),
            (Scalar::Decimal, Json::String(text)) if is_decimal(text) => {
                self.range(attributes, |bound| compare_decimal(text, bound), at);
            }
            (Scalar::Decimal, Json::String(_)) => {
                self.report(at, "format", "must be a decimal number without exponent, as \"12.50\"");
            }
            // A JSON number has been through a float: digits that were sent may be gone.
            (Scalar::Decimal, other) => self.mismatch(at, "a decimal number as a string", other),
            (_, Json::String(text)) => self.text(scalar, attributes, text, at),
            (_, other) => self.mismatch(at, "a string", other),
        }
    }

    /// Checks an integer and brings `1.0` to `1`.
    fn integer(&mut self, attributes: Option<&Attributes>, value: &mut Json, at: &Place<'_>) {
        let Json::Number(number) = value else {
            return self.mismatch(at, "an integer", value);
        };
        match integer(number) {
            Some(integer) => {
                if number.is_f64() {
                    *number = integer.into();
                }
                let number = &*number;
                self.range(attributes, |bound| compare(number, bound), at);
            }
            None if number.is_u64() => self.report(at, "type", "does not fit a signed 64-bit integer"),
            None if number.as_f64().is_some_and(|float| float.fract() == 0.0) => {
                self.report(at, "type", "an integer of this size is written without fraction and exponent");
            }
            None => self.report(at, "type", "expected an integer, got a number with a fraction"),
        }
    }

    fn text(&mut self, scalar: Scalar, attributes: Option<&Attributes>, text: &str, at: &Place<'_>) {
        let (fits, what) = match scalar {
            Scalar::DateTime => (is_date_time(text), "an RFC 3339 date and time"),
            Scalar::Date => (is_date(text), "a date as YYYY-MM-DD"),
            Scalar::Uuid => (is_uuid(text), "a UUID"),
            Scalar::Bytes => (base64_length(text).is_some(), "base64"),
            _ => (true, ""),
        };
        if !fits {
            return self.report(at, "format", format!("must be {what}"));
        }
        let Some(attributes) = attributes else {
            return;
        };
        if attributes.length.is_some() {
            match scalar {
                Scalar::Bytes => {
                    self.length(Some(attributes), base64_length(text).unwrap_or(0), "bytes", at);
                }
                _ => self.length(Some(attributes), text.chars().count(), "characters", at),
            }
        }
        if let Some(pattern) = attributes.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            self.report(at, "pattern", format!("must match {pattern}"));
        }
        if let Some(format) = attributes.format.filter(|format| !has_format(*format, text)) {
            self.report(at, "format", format!("must be a valid {}", format.as_str()));
        }
    }

    fn length(&mut self, attributes: Option<&Attributes>, length: usize, unit: &str, at: &Place<'_>) {
        let Some(Length { min, max }) = attributes.and_then(|attributes| attributes.length) else {
            return;
        };
        if !(min..=max).contains(&length) {
            self.report(at, "length", format!("must have {min} to {max} {unit}, has {length}"));
        }
    }

    /// Checks a number, which `compared` compares with a bound.
    fn range(
        &mut self,
        attributes: Option<&Attributes>,
        compared: impl Fn(&Number) -> Ordering,
        at: &Place<'_>,
    ) {
        let Some(Attributes { min, max, .. }) = attributes else {
            return;
        };
        if let Some(min) = min.as_ref().filter(|min| compared(min) == Ordering::Less) {
            self.report(at, "min", format!("must be at least {min}"));
        }
        if let Some(max) = max.as_ref().filter(|max| compared(max) == Ordering::Greater) {
            self.report(at, "max", format!("must be at most {max}"));
        }
    }
}

fn drop_undeclared(fields: &[Field], entries: &mut Map<String, Json>) {
    if fields.len() <= FEW_FIELDS {
        entries.retain(|key, _| fields.iter().any(|field| field.name == *key));
    } else {
        let names: HashSet<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        entries.retain(|key, _| names.contains(key.as_str()));
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
