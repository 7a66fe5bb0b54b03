//! Random values of the schema's types: valid, seeded, fond of edges; and the form in which two of them are equal.

use std::ops::Range;

use chrono::{DateTime, SecondsFormat};
use rohas::Json;
use rohas::schema::{Attributes, Field, Format, Scalar, Schema, Type};
use serde_json::{Map, json};

/// Levels of shapes below which what may be absent or empty is.
const DEPTH: usize = 3;

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn within(&mut self, range: Range<usize>) -> usize {
        range.start + self.below(range.len())
    }

    fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Makes values of one schema.
pub struct Maker<'a> {
    pub schema: &'a Schema,
    pub random: Random,
    /// The largest whole number: TypeScript's `number` has fewer than `Int`.
    pub largest: i64,
}

impl Maker<'_> {
    /// Returns a valid value, with its defaults.
    pub fn value(&mut self, ty: &Type) -> Json {
        let mut value = self.any(ty, &Attributes::default(), 0);
        let violations = self.schema.check(ty, &mut value, "");
        assert!(violations.is_empty(), "{violations:#?}\n{value:#}");
        value
    }

    fn any(&mut self, ty: &Type, attributes: &Attributes, depth: usize) -> Json {
        match ty {
            Type::Scalar(scalar) => self.scalar(*scalar, attributes),
            Type::Named(name) => match self.schema.enums.get(name) {
                Some(item) => json!(item.values[self.random.below(item.values.len())].name),
                None => self.object(&self.schema.shapes[name].fields, depth + 1),
            },
            Type::Inline(fields) => self.object(fields, depth + 1),
            Type::Optional(_) if depth > DEPTH || self.random.chance(3) => Json::Null,
            Type::Optional(inner) => self.any(inner, attributes, depth),
            Type::List(item) => {
                let count = self.count(attributes, depth);
                (0..count).map(|_| self.any(item, &Attributes::default(), depth + 1)).collect()
            }
            Type::Map(item) => {
                let count = self.count(attributes, depth);
                let entry = |_| (self.text(0..9), self.any(item, &Attributes::default(), depth + 1));
                Json::Object((0..count).map(entry).collect())
            }
        }
    }

    /// How many items: fewer the deeper, so that values do not explode.
    fn count(&mut self, attributes: &Attributes, depth: usize) -> usize {
        let most = DEPTH.saturating_sub(depth).min(3);
        let range =
            attributes.length.map_or(0..most + 1, |length| length.min..length.max.min(length.min + most) + 1);
        self.random.within(range)
    }

    fn object(&mut self, fields: &[Field], depth: usize) -> Json {
        let mut object = Map::new();
        for field in fields {
            let may_be_absent =
                field.ty.is_optional() || field.attributes.auto || field.attributes.default.is_some();
            if !(may_be_absent && self.random.chance(3)) {
                object.insert(field.name.clone(), self.any(&field.ty, &field.attributes, depth));
            }
        }
        Json::Object(object)
    }

    fn scalar(&mut self, scalar: Scalar, attributes: &Attributes) -> Json {
        match scalar {
            Scalar::String => self.string(attributes),
            Scalar::Int => json!(self.int(attributes)),
            Scalar::Float => self.float(attributes),
            Scalar::Boolean => json!(self.random.chance(2)),
            Scalar::DateTime => json!(self.random.one(&[
                "2024-02-29T12:00:00Z",
                "0001-01-01T00:00:00Z",
                "9999-12-31T23:59:59.999999Z",
                "1969-12-31T23:59:59.5Z",
                "2024-06-30T23:59:59.123456+05:30",
                "2024-01-01T00:00:00.001-12:00",
                "2024-01-01T00:00:00.100+14:00",
                "1900-01-01T00:00:00+00:00",
            ])),
            Scalar::Date => json!(self.random.one(&["2024-02-29", "0001-01-01", "9999-12-31", "1970-01-01"])),
            Scalar::Uuid => {
                json!(uuid::Uuid::from_u64_pair(self.random.next(), self.random.next()).to_string())
            }
            Scalar::Decimal => self.decimal(attributes),
            Scalar::Bytes => {
                json!(self.random.one(&["", "AA==", "AAE=", "AAEC", "/+8=", "8J+mgPCfpoA=", "+/+/"]))
            }
            Scalar::Json => self.json(0),
        }
    }

    fn string(&mut self, attributes: &Attributes) -> Json {
        let format = attributes.format.map(|format| match format {
            Format::Email => "a.b+c@example.org",
            Format::Uri => "https://example.org/a?b=c#d",
            Format::Uuid => "0190a6a0-0000-7000-8000-000000000001",
            Format::Ipv4 => "127.0.0.1",
            Format::Ipv6 => "2001:db8::1",
            Format::Hostname => "example.org",
        });
        let pattern = attributes.pattern.as_ref().map(|pattern| match pattern.as_str() {
            "^[a-z]{2}$" => "de",
            "^[0-9]{5}$" => "01234",
            other => panic!("teach the maker a text for {other}"),
        });
        let length = attributes.length.map_or(0..12, |length| length.min..length.max.min(40) + 1);
        format.or(pattern).map(|text| json!(text)).unwrap_or_else(|| json!(self.text(length)))
    }

    fn text(&mut self, length: Range<usize>) -> String {
        let odd = [
            'a', 'Z', '0', ' ', '"', '\\', '/', '~', '\n', '\0', '\u{7f}', 'ü', 'ß', '漢', '🦀', '\u{2028}',
            '\u{202e}', '\u{feff}', '{', '\'',
        ];
        let whole =
            ["__proto__", "constructor", "class", "a/b", "null", "None", "9223372036854775807", "1e5"];
        if length.start <= 4 && length.end > 20 && self.random.chance(6) {
            return self.random.one(&whole).to_owned();
        }
        let count = self.random.within(length);
        (0..count).map(|_| self.random.one(&odd)).collect()
    }

    fn int(&mut self, attributes: &Attributes) -> i64 {
        let bound =
            |number: &Option<serde_json::Number>| number.as_ref().and_then(serde_json::Number::as_i64);
        let (min, max) = (bound(&attributes.min), bound(&attributes.max));
        let largest = if attributes.bigint { i64::MAX } else { self.largest };
        let smallest = if largest == i64::MAX { i64::MIN } else { -largest };
        let edge = [0, 1, -1, largest, smallest, largest - 1, 1 << 31, -(1 << 31) - 1, 1 << 32];
        self.random.one(&edge).clamp(min.unwrap_or(smallest), max.unwrap_or(largest))
    }

    fn float(&mut self, attributes: &Attributes) -> Json {
        let bound =
            |number: &Option<serde_json::Number>| number.as_ref().and_then(serde_json::Number::as_f64);
        let edge = [0.0, -0.0, 1.0, 0.1, -2.5, 1e-300, 1.797e308, 5e-324, 1e21, 1e-7, 123456789.125];
        let value = self.random.one(&edge);
        let value = bound(&attributes.min).map_or(value, |min| f64::max(value, min));
        json!(bound(&attributes.max).map_or(value, |max| f64::min(value, max)))
    }

    fn decimal(&mut self, attributes: &Attributes) -> Json {
        let edge = [
            "0",
            "0.00",
            "12.3400",
            "0.00000000001",
            "99999999999999999999999999999999999999.123456789012345678901234567890",
            "-1",
            "-0.10",
            "-123456789012345678901234567890",
        ];
        let count = if attributes.min.is_some() { 5 } else { edge.len() };
        json!(self.random.one(&edge[..count]))
    }

    fn json(&mut self, depth: usize) -> Json {
        match self.random.below(if depth > 2 { 6 } else { 8 }) {
            0 => Json::Null,
            1 => json!(self.random.chance(2)),
            2 => json!(self.random.one(&[0, -1, self.largest, 42])),
            3 => json!(self.random.one(&[0.5, -1e-9, 1e20])),
            4 => json!(self.text(0..8)),
            5 => json!("2024-01-01T00:00:00Z"),
            6 => (0..self.random.below(4)).map(|_| self.json(depth + 1)).collect(),
            _ => Json::Object(
                (0..self.random.below(4)).map(|_| (self.text(0..6), self.json(depth + 1))).collect(),
            ),
        }
    }
}

/// Brings a value to the form in which it is compared: an optional null is absent, a number of a `Float` is a float, a
/// date and time is an instant with an offset.
pub fn canonical(schema: &Schema, ty: &Type, value: &Json) -> Json {
    match (ty, value) {
        (Type::Optional(_), Json::Null) => Json::Null,
        (Type::Optional(inner), value) => canonical(schema, inner, value),
        (Type::List(item), Json::Array(items)) => {
            items.iter().map(|value| canonical(schema, item, value)).collect()
        }
        (Type::Map(item), Json::Object(entries)) => {
            let entry = |(name, value): (&String, &Json)| (name.clone(), canonical(schema, item, value));
            Json::Object(entries.iter().map(entry).collect())
        }
        (Type::Named(name), Json::Object(entries)) => fields(schema, &schema.shapes[name].fields, entries),
        (Type::Inline(inner), Json::Object(entries)) => fields(schema, inner, entries),
        (Type::Scalar(Scalar::Float), Json::Number(number)) => json!(number.as_f64()),
        (Type::Scalar(Scalar::DateTime), Json::String(text)) => {
            let moment = DateTime::parse_from_rfc3339(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            json!(moment.to_rfc3339_opts(SecondsFormat::Nanos, false))
        }
        (_, value) => value.clone(),
    }
}

fn fields(schema: &Schema, fields: &[Field], entries: &Map<String, Json>) -> Json {
    let mut object = Map::new();
    for (name, value) in entries {
        let field = fields.iter().find(|field| field.name == *name);
        let field = field.unwrap_or_else(|| panic!("{name:?} is not declared"));
        if !(field.ty.is_optional() && value.is_null()) {
            object.insert(name.clone(), canonical(schema, &field.ty, value));
        }
    }
    Json::Object(object)
}
