//! Plain property values: texts, names, numbers, durations, schedules. Called by `resolve`; looks up no types.

use std::str::FromStr;
use std::time::Duration;

use indexmap::IndexMap;

use super::ast::{Entry, Value, ValueKind, Word};
use super::codes;
use super::entities::Method;
use super::resolve::{Properties, Resolver};
use super::spelling::nearest;

impl Resolver<'_> {
    /// Reports that `value` is not what the property needs.
    fn wrong(&mut self, value: &Value, expected: &str) {
        self.out
            .error(codes::BAD_VALUE, value.span, format!("expected {expected}"))
            .with_label(format!("this is {}", describe(&value.kind)));
    }

    /// Reads a text, quoted or bare.
    pub(super) fn text(&mut self, value: &Value) -> Option<String> {
        match &value.kind {
            ValueKind::Text(text) | ValueKind::Word(text) if !text.is_empty() => Some(text.clone()),
            _ => {
                self.wrong(value, "a text");
                None
            }
        }
    }

    /// Reads `true` or `false`.
    pub(super) fn flag(&mut self, value: &Value) -> Option<bool> {
        match &value.kind {
            ValueKind::Word(word) if word == "true" => Some(true),
            ValueKind::Word(word) if word == "false" => Some(false),
            _ => {
                self.wrong(value, "`true` or `false`");
                None
            }
        }
    }

    /// Reads a positive whole number.
    pub(super) fn count(&mut self, properties: &Properties<'_>, name: &str) -> Option<usize> {
        let value = &properties.get(name)?.value;
        if let ValueKind::Number(number) = &value.kind
            && let Ok(count) = number.parse::<usize>()
            && count > 0
        {
            return Some(count);
        }
        self.wrong(value, "a whole number of at least 1");
        None
    }

    /// Reads one name or a list of names, bare or quoted.
    pub(super) fn names(&mut self, value: &Value) -> Vec<Word> {
        let values = match &value.kind {
            ValueKind::List(values) => values.as_slice(),
            _ => std::slice::from_ref(value),
        };
        let mut words: Vec<Word> = Vec::new();
        for value in values {
            let Some(text) = self.text(value) else {
                continue;
            };
            if words.iter().any(|word| word.text == text) {
                self.out
                    .error(codes::BAD_VALUE, value.span, format!("`{text}` is listed twice"))
                    .with_hint("remove one of the two");
                continue;
            }
            words.push(Word { text, span: value.span });
        }
        words
    }

    /// Reads a property that lists names of functions.
    pub(super) fn name_list(&mut self, properties: &Properties<'_>, name: &str) -> Vec<String> {
        let words = properties.get(name).map(|entry| self.names(&entry.value));
        words.unwrap_or_default().into_iter().map(|word| word.text).collect()
    }

    /// Reads the entries of `{ … }`.
    pub(super) fn object<'v>(&mut self, value: &'v Value) -> Option<&'v [Entry]> {
        match &value.kind {
            ValueKind::Object(entries) => Some(entries),
            _ => {
                self.wrong(value, "`{ … }`");
                None
            }
        }
    }

    /// Reads one of a closed set of words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        properties: &Properties<'_>,
        name: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let value = &properties.get(name)?.value;
        let word = self.text(value)?;
        let found = choices.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
            self.out
                .error(codes::BAD_VALUE, value.span, format!("`{name}` cannot be `{word}`"))
                .with_hint(format!("it is one of {}", known.join(", ")))
                .with_suggestion(nearest(&word, known));
        }
        found.map(|(_, choice)| *choice)
    }

    /// Reads an HTTP method.
    pub(super) fn method(&mut self, value: &Value) -> Option<Method> {
        let word = self.text(value)?;
        let found = Method::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(&word));
        if found.is_none() {
            let known = Method::ALL.map(Method::as_str);
            self.out
                .error(codes::BAD_METHOD, value.span, format!("`{word}` is not an HTTP method"))
                .with_hint(format!("methods are {}", known.join(", ")))
                .with_suggestion(nearest(&word, known));
        }
        found
    }

    /// Reads the status of success.
    pub(super) fn success(&mut self, value: &Value) -> Option<u16> {
        let status = match &value.kind {
            ValueKind::Number(number) => number.parse().ok().filter(|status| (200..400).contains(status)),
            _ => None,
        };
        if status.is_none() {
            self.out
                .error(codes::BAD_STATUS, value.span, "the status of success is a number from 200 to 399")
                .with_hint("statuses of failures belong to `errors`");
        }
        status
    }

    /// Reads `{ 404: NotFound }`.
    pub(super) fn errors(&mut self, value: &Value) -> IndexMap<u16, String> {
        let mut errors = IndexMap::new();
        for entry in self.object(value).unwrap_or_default() {
            let status = entry.key.text.parse().ok().filter(|status| (400..600).contains(status));
            let Some(status) = status else {
                let message = format!("`{}` is not the status of an error", entry.key.text);
                self.out
                    .error(codes::BAD_STATUS, entry.key.span, message)
                    .with_hint("it is a number from 400 to 599");
                continue;
            };
            let Some(name) = self.text(&entry.value) else {
                continue;
            };
            self.facts.used.insert(name.clone());
            if errors.insert(status, name).is_some() {
                let message = format!("`{status}` is given twice");
                self.out.error(codes::DUPLICATE_PROPERTY, entry.key.span, message);
            }
        }
        errors
    }

    /// Reads a duration of more than zero; a bare whole number is seconds, as it was in older schemas.
    pub(super) fn duration(&mut self, value: &Value) -> Option<Duration> {
        let duration = match &value.kind {
            ValueKind::Number(number) => {
                number.parse().map(Duration::from_secs).ok().or_else(|| parse_duration(number))
            }
            ValueKind::Text(text) => parse_duration(text),
            _ => None,
        };
        let duration = duration.filter(|duration| !duration.is_zero());
        if duration.is_none() {
            self.out.error(codes::BAD_DURATION, value.span, "expected a duration").with_hint(
                "write a whole number above zero with a unit: \"200ms\", \"30s\", \"10m\", \"1h\", \"1d\"",
            );
        }
        duration
    }

    /// Reads a cron expression.
    pub(super) fn schedule(&mut self, value: &Value) -> Option<String> {
        let text = self.text(value)?;
        match croner::Cron::from_str(&text) {
            Ok(_) => Some(text),
            Err(error) => {
                self.out
                    .error(codes::BAD_SCHEDULE, value.span, format!("`{text}` is not a cron expression"))
                    .with_label(error.to_string())
                    .with_hint(
                        "write 5 fields, 6 with seconds first, 7 with the year last, or @daily and the like",
                    );
                None
            }
        }
    }

    /// Reads the name of a time zone.
    pub(super) fn timezone(&mut self, value: &Value) -> Option<chrono_tz::Tz> {
        let name = self.text(value)?;
        let zone = name.parse().ok();
        if zone.is_none() {
            let near = nearest(&name, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
            self.out
                .error(codes::BAD_TIMEZONE, value.span, format!("there is no time zone `{name}`"))
                .with_hint("use a name of the IANA database, as Europe/Berlin")
                .with_suggestion(near);
        }
        zone
    }
}

/// Parses `"200ms"`, `"30s"`, `"10m"`, `"1h"` or `"1d"`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let seconds = match text[digits..].trim_start() {
        "ms" => return Some(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

/// Names the kind of a value for messages.
pub(super) fn describe(kind: &ValueKind) -> &'static str {
    match kind {
        ValueKind::Word(_) => "a name",
        ValueKind::Text(_) => "a text",
        ValueKind::Number(_) => "a number",
        ValueKind::List(_) => "a list",
        ValueKind::Object(_) => "an object",
        ValueKind::Generic(..) | ValueKind::Array(_) | ValueKind::Optional(_) => "a type",
    }
}
