//! Plain property values: texts, names, numbers, durations, schedules. Called by `resolve`; looks up no types.

use std::collections::HashSet;
use std::str::FromStr;
use std::time::Duration;

use indexmap::IndexMap;

use super::ast::{Entry, Item, Value, ValueKind, Word};
use super::codes;
use super::entities::{Method, Overflow, Retry};
use super::model::Scalar;
use super::resolve::{Handler, Properties, Resolver};
use super::spelling::nearest;

/// What is counted is made room for; nothing that fits into a machine is more.
const MAX_COUNT: usize = 1_000_000_000;
/// Ten years. A point in time so far ahead can still be computed.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
const NICKNAMES: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

impl Resolver<'_> {
    /// Reports that `value` is not what the property needs.
    fn wrong(&mut self, value: &Value, expected: &str) {
        if matches!(value.kind, ValueKind::Broken) {
            return; // reported by the parser
        }
        self.out
            .error(codes::BAD_VALUE, value.span, format!("expected {expected}"))
            .with_label(format!("this is {}", describe(&value.kind)));
    }

    /// Reads a text, quoted or bare.
    pub(super) fn text(&mut self, value: &Value) -> Option<String> {
        match &value.kind {
            ValueKind::Text(text) | ValueKind::Word(text) if !text.is_empty() => Some(text.clone()),
            ValueKind::Text(_) => {
                self.out
                    .error(codes::BAD_VALUE, value.span, "this text is empty")
                    .with_label("something must stand here");
                None
            }
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
            ValueKind::Word(word) | ValueKind::Text(word) => {
                self.out
                    .error(codes::BAD_VALUE, value.span, "expected `true` or `false`")
                    .with_hint("write true or false, without quotes")
                    .with_suggestion(nearest(word, ["true", "false"]).filter(|near| near != word));
                None
            }
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
            && (1..=MAX_COUNT).contains(&count)
        {
            return Some(count);
        }
        self.wrong(value, "a whole number from 1 to 1000000000");
        None
    }

    /// Reads one name or a list of names, bare or quoted.
    pub(super) fn names(&mut self, value: &Value) -> Vec<Word> {
        let values = match &value.kind {
            ValueKind::List(values) => values.as_slice(),
            _ => std::slice::from_ref(value),
        };
        let mut words: Vec<Word> = Vec::new();
        let mut seen = HashSet::new();
        for value in values {
            let Some(text) = self.text(value) else {
                continue;
            };
            if !seen.insert(text.clone()) {
                self.out
                    .error(codes::BAD_VALUE, value.span, format!("`{text}` is listed twice"))
                    .with_hint("remove one of the two");
                continue;
            }
            words.push(Word { text, span: value.span });
        }
        words
    }

    /// Reads a property that lists handlers of a kind; those of a websocket are known under its name as `owner`.
    pub(super) fn handlers(
        &mut self,
        properties: &Properties<'_>,
        name: &str,
        kind: &'static str,
        owner: &str,
    ) -> Vec<String> {
        let words = properties.get(name).map(|entry| self.names(&entry.value)).unwrap_or_default();
        for word in &words {
            let parts = word.text.split(['.', '-', '/']);
            let plain = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            if !parts.clone().all(|part| !part.is_empty() && plain(part)) {
                self.out
                    .error(
                        codes::BAD_NAME,
                        word.span,
                        format!("`{}` cannot be the name of a handler", word.text),
                    )
                    .with_hint("a handler is found by its name: letters, digits and `_`");
            }
            let name = if owner.is_empty() { word.text.clone() } else { format!("{owner}.{}", word.text) };
            self.facts.handlers.push(Handler { kind, name, span: word.span });
        }
        words.into_iter().map(|word| word.text).collect()
    }

    /// Notes the handler that an item itself stands for.
    pub(super) fn handler(&mut self, kind: &'static str, name: &Word) {
        self.facts.handlers.push(Handler { kind, name: name.text.clone(), span: name.span });
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

    /// Reads what becomes of a message that finds the mailbox full.
    pub(super) fn overflow(&mut self, p: &Properties<'_>) -> Option<Overflow> {
        let choices =
            [("fail", Overflow::Fail), ("wait", Overflow::Wait), ("drop_oldest", Overflow::DropOldest)];
        self.choice(p, "overflow", &choices)
    }

    /// What is durable must not be dropped.
    pub(super) fn event_overflow(&mut self, item: &Item, p: &Properties<'_>, durable: bool) -> Overflow {
        let overflow = self.overflow(p).unwrap_or(Overflow::Wait);
        if let Some(entry) = p.get("overflow").filter(|_| durable && overflow == Overflow::DropOldest) {
            let message = format!("`overflow` cannot be `drop_oldest`: `{}` is durable", item.name.text);
            self.out
                .error(codes::BAD_VALUE, entry.value.span, message)
                .with_hint("say `durable: false` if some may get lost, or `overflow: wait`");
        }
        overflow
    }

    /// Reads how deliveries are repeated.
    pub(super) fn retry(&mut self, value: &Value) -> Retry {
        let mut retry = Retry::default();
        let Some(entries) = self.object(value) else {
            return retry;
        };
        let p = self.known(entries, &["attempts", "backoff", "max"], &[], "retry");
        if let Some(attempts) = self.count(&p, "attempts") {
            retry.attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        }
        if let Some(backoff) = p.get("backoff").and_then(|entry| self.duration(&entry.value)) {
            retry.backoff = backoff;
        }
        if let Some(max) = p.get("max").and_then(|entry| self.duration(&entry.value)) {
            retry.max = max;
        }
        let waits = p.get("max").or(p.get("backoff")).filter(|_| retry.max < retry.backoff);
        if let Some(entry) = waits {
            let message = format!("`max` ({:?}) is less than `backoff` ({:?})", retry.max, retry.backoff);
            self.out
                .error(codes::BAD_DURATION, entry.value.span, message)
                .with_hint("`backoff` is the first wait, `max` the longest, 30s unless it is given");
        }
        retry
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
            ValueKind::Broken => return None,
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
            let Some(name) = self.error_name(&entry.value) else {
                continue;
            };
            if errors.insert(status, name).is_some() {
                let message = format!("`{status}` is given twice");
                self.out
                    .error(codes::DUPLICATE_PROPERTY, entry.key.span, message)
                    .with_hint("a status has one error");
            }
        }
        errors
    }

    /// Reads the name of an error: a shape, or any other name for an error with a plain message.
    fn error_name(&mut self, value: &Value) -> Option<String> {
        let (ValueKind::Word(name) | ValueKind::Text(name)) = &value.kind else {
            self.wrong(value, "the name of an error");
            return None;
        };
        if Scalar::from_name(name).is_some() || self.enums.contains_key(name) {
            self.out
                .error(codes::BAD_VALUE, value.span, format!("`{name}` cannot be the body of an error"))
                .with_hint("an error is a type with fields, or a name that is no type");
            return None;
        }
        let word = Word { text: name.clone(), span: value.span };
        self.identifier(&word);
        self.unreserved(&word);
        if let Some(near) = self.near_shape(name) {
            self.out
                .warning(codes::DOUBTFUL_ERROR, value.span, format!("there is no type `{name}`"))
                .with_label("this error has a plain message and no fields")
                .with_suggestion(Some(&near));
            self.facts.meant.insert(near);
        }
        self.facts.errors.push((name.clone(), value.span));
        Some(word.text)
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
        let fits = duration.filter(|duration| !duration.is_zero() && *duration <= MAX_DURATION);
        if fits.is_none() && !matches!(value.kind, ValueKind::Broken) {
            let message = match duration {
                Some(duration) if duration.is_zero() => "a duration is more than zero",
                Some(_) => "a duration is at most ten years",
                None => "expected a duration",
            };
            self.out.error(codes::BAD_DURATION, value.span, message).with_hint(
                "write a whole number above zero with a unit: \"200ms\", \"30s\", \"10m\", \"1h\", \"1d\"",
            );
        }
        fits
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
                    )
                    .with_suggestion(nearest(&text, NICKNAMES));
                None
            }
        }
    }

    /// Reads the name of a time zone.
    pub(super) fn timezone(&mut self, value: &Value) -> Option<chrono_tz::Tz> {
        let name = self.text(value)?;
        let zone = name.parse().ok();
        if zone.is_none() {
            let zones = || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            let city =
                |zone: &str| zone.rsplit('/').next().is_some_and(|city| city.eq_ignore_ascii_case(&name));
            let near = zones().find(|zone| city(zone)).or_else(|| nearest(&name, zones()));
            self.out
                .error(codes::BAD_TIMEZONE, value.span, format!("there is no time zone `{name}`"))
                .with_hint("use a name of the IANA database, as Europe/Berlin, or UTC")
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
        ValueKind::Broken => "broken",
    }
}
