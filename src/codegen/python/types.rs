//! Type expressions, literals and comments in Python. Used by `records` and `entities`; imports what it names.

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike};

use crate::codegen::PythonModels;
use crate::schema::{Attributes, DefaultValue, Field, Json, Scalar, Type};

use super::module::Module;
use super::names::{Holder, attributes};

impl Module<'_> {
    /// Writes a type expression.
    pub(super) fn ty(&mut self, ty: &Type) -> String {
        match ty {
            Type::Scalar(scalar) => self.scalar(*scalar),
            Type::Named(name) => self.model(name),
            Type::Inline(_) => self.inline(ty),
            Type::List(item) => {
                let (list, item) = (self.import("typing", "List"), self.ty(item));
                format!("{list}[{item}]")
            }
            Type::Map(value) => {
                let (dict, text) = (self.import("typing", "Dict"), self.builtin("str"));
                let value = self.ty(value);
                format!("{dict}[{text}, {value}]")
            }
            Type::Optional(inner) => {
                let inner = self.ty(inner);
                self.optional(&inner)
            }
        }
    }

    /// Writes `Optional[…]`.
    pub(super) fn optional(&mut self, inner: &str) -> String {
        format!("{}[{inner}]", self.import("typing", "Optional"))
    }

    fn scalar(&mut self, scalar: Scalar) -> String {
        match scalar {
            Scalar::String => self.builtin("str"),
            Scalar::Int => self.builtin("int"),
            Scalar::Float => self.builtin("float"),
            Scalar::Boolean => self.builtin("bool"),
            Scalar::DateTime if self.package.models == PythonModels::Pydantic => {
                self.import_own("models._record", "Moment")
            }
            Scalar::DateTime => self.import("datetime", "datetime"),
            Scalar::Date => self.import("datetime", "date"),
            Scalar::Uuid => self.import("uuid", "UUID"),
            Scalar::Decimal => self.import("decimal", "Decimal"),
            Scalar::Bytes if self.package.models == PythonModels::Pydantic => {
                self.import_own("models._record", "Base64")
            }
            Scalar::Bytes => self.builtin("bytes"),
            Scalar::Json => self.import("typing", "Any"),
        }
    }

    /// Writes a default: an expression, and whether every instance needs one of its own.
    pub(super) fn default(&mut self, ty: &Type, default: &DefaultValue) -> (String, bool) {
        match (default, ty.required()) {
            (DefaultValue::Value(value), ty) => {
                (self.literal(ty, value), matches!(value, Json::Array(_) | Json::Object(_)))
            }
            (DefaultValue::Now, Type::Scalar(Scalar::Date)) => {
                let (now, utc) = (self.import("datetime", "datetime"), self.import("datetime", "timezone"));
                (format!("{now}.now({utc}.utc).date()"), true)
            }
            (DefaultValue::Now, _) => {
                let (now, utc) = (self.import("datetime", "datetime"), self.import("datetime", "timezone"));
                (format!("{now}.now({utc}.utc)"), true)
            }
            (DefaultValue::Uuid, Type::Scalar(Scalar::String)) => {
                let (text, uuid) = (self.builtin("str"), self.import("uuid", "uuid4"));
                (format!("{text}({uuid}())"), true)
            }
            (DefaultValue::Uuid, _) => (format!("{}()", self.import("uuid", "uuid4")), true),
        }
    }

    fn literal(&mut self, ty: &Type, value: &Json) -> String {
        match (ty, value) {
            (_, Json::Null) => "None".to_owned(),
            (Type::Optional(inner), value) => self.literal(inner, value),
            (Type::Named(name), Json::String(text)) => self.member(name, text),
            (Type::List(item), Json::Array(items)) => {
                let items: Vec<String> = items.iter().map(|value| self.literal(item, value)).collect();
                format!("[{}]", items.join(", "))
            }
            (Type::Map(inner), Json::Object(entries)) => {
                let entry = |(name, value): (&String, &Json)| {
                    format!("{}: {}", quoted(name), self.literal(inner, value))
                };
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            (Type::Scalar(Scalar::Json), value) => any(value),
            (Type::Scalar(Scalar::Float), Json::Number(number)) if number.is_i64() || number.is_u64() => {
                format!("{number}.0")
            }
            (Type::Scalar(Scalar::Decimal), Json::Number(number)) => {
                format!("{}(\"{number}\")", self.import("decimal", "Decimal"))
            }
            (Type::Scalar(scalar), Json::String(text)) => self.text(*scalar, text),
            (_, value) => any(value),
        }
    }

    /// Writes a member of an enum.
    fn member(&mut self, name: &str, value: &str) -> String {
        let item = &self.package.schema.enums[name];
        let members = attributes(item.names(), Holder::Enum, &[]);
        let at = item.names().position(|known| known == value).unwrap_or_default();
        format!("{}.{}", self.model(name), members[at])
    }

    /// Writes a value that travels as text.
    fn text(&mut self, scalar: Scalar, text: &str) -> String {
        match scalar {
            Scalar::DateTime => match DateTime::parse_from_rfc3339(text) {
                Ok(moment) => self.moment(moment),
                Err(_) => quoted(text),
            },
            Scalar::Date => match text.parse::<NaiveDate>() {
                Ok(day) => {
                    format!(
                        "{}({}, {}, {})",
                        self.import("datetime", "date"),
                        day.year(),
                        day.month(),
                        day.day()
                    )
                }
                Err(_) => quoted(text),
            },
            Scalar::Uuid => format!("{}({})", self.import("uuid", "UUID"), quoted(text)),
            Scalar::Decimal => format!("{}({})", self.import("decimal", "Decimal"), quoted(text)),
            Scalar::Bytes => format!("{}({})", self.import("base64", "b64decode"), quoted(text)),
            _ => quoted(text),
        }
    }

    fn moment(&mut self, moment: DateTime<FixedOffset>) -> String {
        let (datetime, zone) = (self.import("datetime", "datetime"), self.import("datetime", "timezone"));
        let zone = match moment.offset().local_minus_utc() {
            0 => format!("{zone}.utc"),
            seconds => format!("{zone}({}(seconds={seconds}))", self.import("datetime", "timedelta")),
        };
        let parts = [moment.month(), moment.day(), moment.hour(), moment.minute(), moment.second()];
        let parts = parts.map(|part| part.to_string()).join(", ");
        // chrono has a leap second as more than a second's nanoseconds, Python has none.
        let micros = (moment.nanosecond() / 1000).min(999_999);
        format!("{datetime}({}, {parts}, {micros}, tzinfo={zone})", moment.year())
    }
}

/// Tells whether a field may be absent where it is checked, without a default.
pub(super) fn may_be_absent(field: &Field) -> bool {
    let Attributes { auto, default, .. } = &field.attributes;
    default.is_none() && (*auto || field.ty.is_optional())
}

/// Writes JSON as a Python expression.
fn any(value: &Json) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) => number.to_string(),
        Json::String(text) => quoted(text),
        Json::Array(items) => format!("[{}]", items.iter().map(any).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => {
            let entry = |(name, value): (&String, &Json)| format!("{}: {}", quoted(name), any(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

/// Returns `text` as a string literal.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if unseen(c) => out.push_str(&format!("\\U{:08x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Tells whether a character cannot be seen, or changes how others are: control characters, and those that reorder.
fn unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Returns the lines of a doc comment, and of a deprecation, without what cannot stand in source text.
fn lines(doc: Option<&str>, deprecated: Option<&str>) -> Vec<String> {
    let why = deprecated.map(|why| match why.trim() {
        "" => "Deprecated.".to_owned(),
        why => format!("Deprecated: {}", why.replace('\n', " ")),
    });
    let clean = |line: &str| {
        line.chars().filter(|c| !unseen(*c) || *c == '\t').collect::<String>().trim_end().to_owned()
    };
    doc.into_iter().flat_map(str::lines).map(clean).chain(why.map(|why| clean(&why))).collect()
}

/// Returns comment lines, or nothing.
pub(super) fn comment(doc: Option<&str>, deprecated: Option<&str>, indent: &str) -> String {
    let lines = lines(doc, deprecated);
    lines.iter().map(|line| format!("{}\n", format!("{indent}# {line}").trim_end())).collect()
}

/// Returns a docstring, or nothing.
pub(super) fn docstring(doc: Option<&str>, indent: &str) -> String {
    let lines: Vec<String> =
        lines(doc, None).iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect();
    // A quote needs its escape only where it could end the text.
    let plain = |line: &String| line.replace("\\\"", "\"");
    let safe =
        |line: &String| !plain(line).contains("\"\"") && !line.ends_with("\\\"") && !line.starts_with("\\\"");
    let lines: Vec<String> =
        lines.iter().map(|line| if safe(line) { plain(line) } else { line.clone() }).collect();
    match &lines[..] {
        [] => String::new(),
        [line] => format!("{indent}\"\"\"{}\"\"\"\n", line.trim_start()),
        [first, rest @ ..] => {
            let line = |line: &String| format!("{}\n", format!("{indent}{line}").trim_end());
            let rest: String = rest.iter().map(line).collect();
            format!("{indent}\"\"\"{}\n{rest}{indent}\"\"\"\n", first.trim_start())
        }
    }
}
