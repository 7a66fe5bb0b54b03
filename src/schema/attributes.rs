//! The attributes of fields: what they say and where they may stand. Called by `types` for every field.

use std::collections::HashSet;

use regex::Regex;
use serde_json::{Number, Value as Json};

use super::ast::{Attribute, Value, ValueKind};
use super::codes;
use super::ecma;
use super::model::{Attributes, DefaultValue, Format, Length, Scalar, Type};
use super::numbers::is_exact;
use super::resolve::{Resolver, Written};
use super::spelling::nearest;

const KNOWN: &[&str] = &[
    "id",
    "auto",
    "unique",
    "optional",
    "default",
    "deprecated",
    "min",
    "max",
    "length",
    "pattern",
    "format",
    "secret",
    "bigint",
];

impl Resolver<'_> {
    /// Reads the attributes of a field of type `ty`; of a type that is not known only their names are checked.
    pub(super) fn attributes(&mut self, ty: &Type, known: bool, written: &[Attribute]) -> Attributes {
        let mut attributes = Attributes::default();
        let mut seen = HashSet::new();
        for attribute in written {
            let name = attribute.name.text.as_str();
            if !KNOWN.contains(&name) {
                let near = nearest(name, KNOWN.iter().copied()).map(|near| format!("@{near}"));
                self.out
                    .error(
                        codes::UNKNOWN_ATTRIBUTE,
                        attribute.name.span,
                        format!("there is no attribute `@{name}`"),
                    )
                    .with_hint(format!("known are @{}", KNOWN.join(", @")))
                    .with_suggestion(near.as_deref());
            } else if !seen.insert(name) {
                self.argument_error(attribute, "is given twice", "remove one of the two");
            } else if !known {
                continue;
            } else if let Some(needed) = self.misfit(name, ty) {
                self.out
                    .error(
                        codes::MISPLACED_ATTRIBUTE,
                        attribute.span,
                        format!("`@{name}` cannot apply to `{ty}`"),
                    )
                    .with_hint(format!("it applies to {needed}"));
            } else {
                self.attribute(attribute, ty, &mut attributes);
            }
        }
        self.bounds(written, &attributes);
        self.written_default(ty, written, &attributes);
        attributes
    }

    /// Returns what `name` applies to, when that is not `ty`.
    fn misfit(&self, name: &str, ty: &Type) -> Option<&'static str> {
        use Scalar::{Bytes, Date, DateTime, Decimal, Float, Int, String, Uuid};
        let bare = ty.required();
        let scalar = |allowed: &[Scalar]| matches!(bare, Type::Scalar(scalar) if allowed.contains(scalar));
        let plain = match bare {
            Type::Scalar(scalar) => *scalar != Scalar::Json,
            Type::Named(name) => self.enums.contains_key(name),
            Type::List(_) | Type::Map(_) | Type::Inline(_) | Type::Optional(_) => false,
        };
        let (fits, needed) = match name {
            "id" => (plain && !ty.is_optional(), "required scalars and enums"),
            "unique" => (plain, "scalars and enums"),
            "auto" => (scalar(&[Int, String, Uuid, DateTime, Date]), "Int, String, Uuid, DateTime and Date"),
            "min" | "max" => (scalar(&[Int, Float, Decimal]), "Int, Float and Decimal"),
            "length" => (
                scalar(&[String, Bytes]) || matches!(bare, Type::List(_) | Type::Map(_)),
                "String, Bytes, lists and maps",
            ),
            "pattern" | "format" => (scalar(&[String]), "String"),
            "bigint" => (scalar(&[Int]), "Int"),
            _ => (true, ""),
        };
        (!fits).then_some(needed)
    }

    fn attribute(&mut self, attribute: &Attribute, ty: &Type, into: &mut Attributes) {
        match attribute.name.text.as_str() {
            "id" => into.id = self.bare(attribute),
            "auto" => into.auto = self.bare(attribute),
            "unique" => into.unique = self.bare(attribute),
            "secret" => into.secret = self.bare(attribute),
            "bigint" => into.bigint = self.bare(attribute),
            "deprecated" => into.deprecated = self.reason(attribute),
            "min" => into.min = self.bound(attribute, ty),
            "max" => into.max = self.bound(attribute, ty),
            "length" => into.length = self.length(attribute),
            "pattern" => into.pattern = self.pattern(attribute),
            "format" => into.format = self.format(attribute),
            "default" => into.default = self.default_value(attribute, ty),
            // `optional` has no argument; the field's type carries it.
            _ => _ = self.bare(attribute),
        }
    }

    fn argument_error(&mut self, attribute: &Attribute, problem: &str, hint: &str) {
        self.out
            .error(codes::BAD_ARGUMENT, attribute.span, format!("`@{}` {problem}", attribute.name.text))
            .with_hint(hint);
    }

    fn bare(&mut self, attribute: &Attribute) -> bool {
        if !attribute.arguments.is_empty() {
            self.argument_error(attribute, "takes no argument", "remove the parentheses");
        }
        true
    }

    fn reason(&mut self, attribute: &Attribute) -> Option<String> {
        match attribute.arguments.as_slice() {
            [] => Some(String::new()),
            [Value { kind: ValueKind::Text(reason), .. }] => Some(reason.clone()),
            _ => {
                self.argument_error(attribute, "takes one text", "write @deprecated(\"why\")");
                None
            }
        }
    }

    fn bound(&mut self, attribute: &Attribute, ty: &Type) -> Option<Number> {
        let bound = match attribute.arguments.as_slice() {
            [Value { kind: ValueKind::Number(text), .. }] => match number_of(text) {
                Some(number) if !is_exact(text.strip_prefix('+').unwrap_or(text), &number) => {
                    self.argument_error(
                        attribute,
                        "has more digits than are kept",
                        &format!("the nearest number is {number}"),
                    );
                    return Some(number);
                }
                number => number,
            },
            _ => None,
        };
        let whole = matches!(ty.required(), Type::Scalar(Scalar::Int));
        match &bound {
            None => {
                let hint = format!("write @{}(1)", attribute.name.text);
                self.argument_error(attribute, "takes one number", &hint);
            }
            Some(number) if whole && !number.is_i64() => {
                let hint = format!("it lies between {} and {}", i64::MIN, i64::MAX);
                self.argument_error(attribute, "of an Int takes a whole number of 64 bits", &hint);
                return None;
            }
            Some(_) => {}
        }
        bound
    }

    fn length(&mut self, attribute: &Attribute) -> Option<Length> {
        let numbers: Option<Vec<usize>> = attribute
            .arguments
            .iter()
            .map(|value| match &value.kind {
                ValueKind::Number(number) => number.parse().ok(),
                _ => None,
            })
            .collect();
        match numbers.as_deref() {
            Some([max]) => Some(Length { min: 0, max: *max }),
            Some([min, max]) if min <= max => Some(Length { min: *min, max: *max }),
            _ => {
                self.argument_error(
                    attribute,
                    "takes the smallest and the largest length",
                    "write @length(1, 80)",
                );
                None
            }
        }
    }

    fn pattern(&mut self, attribute: &Attribute) -> Option<Regex> {
        let [Value { kind: ValueKind::Text(pattern), span }] = attribute.arguments.as_slice() else {
            self.argument_error(attribute, "takes one text", "write @pattern(\"^[a-z]+$\")");
            return None;
        };
        match ecma::compile(pattern) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                self.out
                    .error(codes::BAD_ARGUMENT, *span, "this is not a regular expression")
                    .with_label(reason);
                None
            }
        }
    }

    fn format(&mut self, attribute: &Attribute) -> Option<Format> {
        let known = Format::ALL.map(Format::as_str);
        let [Value { kind: ValueKind::Word(name) | ValueKind::Text(name), span }] =
            attribute.arguments.as_slice()
        else {
            let hint = format!("known are {}", known.join(", "));
            self.argument_error(attribute, "takes the name of a format", &hint);
            return None;
        };
        let found = Format::ALL.into_iter().find(|format| format.as_str() == name);
        if found.is_none() {
            self.out
                .error(codes::BAD_ARGUMENT, *span, format!("there is no format `{name}`"))
                .with_hint(format!("known are {}", known.join(", ")))
                .with_suggestion(nearest(name, known));
        }
        found
    }

    fn default_value(&mut self, attribute: &Attribute, ty: &Type) -> Option<DefaultValue> {
        let [value] = attribute.arguments.as_slice() else {
            self.argument_error(attribute, "takes one value", "write @default(0)");
            return None;
        };
        let is =
            |allowed: &[Scalar]| matches!(ty.required(), Type::Scalar(scalar) if allowed.contains(scalar));
        match &value.kind {
            ValueKind::Word(word) if word == "now" && is(&[Scalar::DateTime, Scalar::Date]) => {
                Some(DefaultValue::Now)
            }
            ValueKind::Word(word) if word == "uuid" && is(&[Scalar::Uuid, Scalar::String]) => {
                Some(DefaultValue::Uuid)
            }
            _ => match self.literal_json(value, ty) {
                Some(json) => Some(DefaultValue::Value(json)),
                None => {
                    self.bad_default(value, ty);
                    None
                }
            },
        }
    }

    fn bad_default(&mut self, value: &Value, ty: &Type) {
        let words: &[&str] = match ty.required() {
            Type::Scalar(Scalar::Boolean) => &["true", "false"],
            Type::Scalar(Scalar::DateTime | Scalar::Date) => &["now"],
            Type::Scalar(Scalar::Uuid) => &["uuid"],
            _ => &[],
        };
        let hint = match &value.kind {
            ValueKind::Object(entries) if !entries.is_empty() => {
                "an object cannot be a default; make the field optional"
            }
            ValueKind::Word(_) if matches!(ty.required(), Type::Scalar(Scalar::String)) => {
                "write texts in quotes"
            }
            _ => "defaults are literals, values of an enum, `now` for times and `uuid` for identifiers",
        };
        let near = match &value.kind {
            ValueKind::Word(word) => nearest(word, words.iter().copied()),
            _ => None,
        };
        self.out
            .error(codes::BAD_DEFAULT, value.span, format!("this cannot be the default of `{ty}`"))
            .with_hint(hint)
            .with_suggestion(near);
    }

    /// Reads a literal of type `ty` as JSON; whether it fits the type is checked later.
    fn literal_json(&self, value: &Value, ty: &Type) -> Option<Json> {
        match &value.kind {
            ValueKind::Text(text) => Some(Json::String(text.clone())),
            // Days and decimals are texts: every digit counts.
            ValueKind::Number(number)
                if matches!(ty.required(), Type::Scalar(Scalar::Date | Scalar::Decimal)) =>
            {
                Some(Json::String(number.clone()))
            }
            ValueKind::Number(number) => number_of(number).map(Json::Number),
            ValueKind::Word(word) => match (word.as_str(), ty.required()) {
                ("null", _) => Some(Json::Null),
                (_, Type::Named(name)) if self.enums.contains_key(name) => Some(Json::String(word.clone())),
                ("true", _) => Some(Json::Bool(true)),
                ("false", _) => Some(Json::Bool(false)),
                _ => None,
            },
            ValueKind::List(values) => {
                let item = match ty.required() {
                    Type::List(item) => item,
                    other => other,
                };
                let items = values.iter().map(|value| self.literal_json(value, item));
                items.collect::<Option<Vec<Json>>>().map(Json::Array)
            }
            // Not for shapes: their own defaults would fill them, without end if they hold themselves.
            ValueKind::Object(entries) if entries.is_empty() => match ty.required() {
                Type::Map(_) | Type::Scalar(Scalar::Json) => Some(Json::Object(serde_json::Map::new())),
                _ => None,
            },
            _ => None,
        }
    }

    fn bounds(&mut self, written: &[Attribute], attributes: &Attributes) {
        let (Some(min), Some(max)) = (&attributes.min, &attributes.max) else {
            return;
        };
        let crossed = match (min.as_i64(), max.as_i64()) {
            (Some(min), Some(max)) => min > max,
            _ => min.as_f64() > max.as_f64(),
        };
        if let Some(attribute) = written.iter().find(|attribute| crossed && attribute.name.text == "max") {
            self.argument_error(attribute, "is less than `@min`", "exchange the two");
        }
    }

    fn written_default(&mut self, ty: &Type, written: &[Attribute], attributes: &Attributes) {
        let Some(DefaultValue::Value(value)) = &attributes.default else {
            return;
        };
        let argument = written
            .iter()
            .find(|attribute| attribute.name.text == "default")
            .and_then(|attribute| attribute.arguments.first());
        if let Some(argument) = argument {
            self.facts.defaults.push(Written {
                ty: ty.clone(),
                attributes: attributes.clone(),
                value: value.clone(),
                span: argument.span,
            });
        }
    }
}

/// Reads a number exactly: an integer where it is written as one.
fn number_of(text: &str) -> Option<Number> {
    let text = text.strip_prefix('+').unwrap_or(text);
    match text.parse::<i64>() {
        Ok(integer) => Some(integer.into()),
        Err(_) => text.parse::<f64>().ok().and_then(Number::from_f64),
    }
}
