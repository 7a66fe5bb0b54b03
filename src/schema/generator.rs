//! Random valid schemas, as text: every kind of item, property, type and attribute, with older spellings, comments
//! and odd spacing. Tests only; may be included by path, for it uses nothing of the crate.
//!
//! A schema is a function of `choices`: no bytes give a small plain one, and fewer or smaller bytes a simpler one, which
//! is how a failing case shrinks. It compiles without errors.

/// Makes the schema that `choices` describe, with comments and odd spacing.
pub fn schema(choices: &[u8]) -> String {
    Writer::new(choices, true).schema()
}

/// Makes the schema that `choices` describe, plainly spaced and without comments but docs.
#[allow(dead_code, reason = "not every includer needs it")]
pub fn plain_schema(choices: &[u8]) -> String {
    Writer::new(choices, false).schema()
}

const WORDS: [&str; 14] = [
    "order", "user", "item", "line", "type", "event", "model", "class", "default", "from", "shipTo", "x",
    "_y", "self_id",
];
const SCALARS: [&str; 11] =
    ["String", "Int", "Float", "Boolean", "DateTime", "Date", "Uuid", "Decimal", "Bytes", "Json", "Bool"];
const DURATIONS: [&str; 8] = ["\"30s\"", "30", "500ms", "\"200ms\"", "10m", "\"1h\"", "\"1d\"", "7"];
const SCHEDULES: [&str; 5] =
    ["\"0 0 * * *\"", "\"@hourly\"", "\"*/10 * * * * *\"", "\"0 0 12 1 1 * 2030\"", "\"15 3 * * MON-FRI\""];
const OPTIONAL: [&str; 5] =
    ["@optional", "@optional()", "// c\n @optional( )", "/// no doc\n @optional", "@optional // c\n"];
const OLDER: [(&str, &str); 4] = [
    ("handler", "handlers"),
    ("onConnect", "on_connect"),
    ("onMessage", "on_message"),
    ("onDisconnect", "on_disconnect"),
];

/// The types that may stand somewhere.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Anything, a required shape only when it is declared before the shape with this number.
    Field(usize),
    /// A scalar or enum, maybe optional or a list: what a query or header can carry.
    Flat,
    /// A scalar or enum, maybe optional: what a header can carry.
    Header,
    /// A scalar or enum: what a path can carry.
    Segment,
}

struct Writer<'c> {
    choices: &'c [u8],
    at: usize,
    noisy: bool,
    out: String,
    /// Numbers names and comments, so that no two are the same.
    count: usize,
    shapes: usize,
    enums: usize,
    events: usize,
    /// How many parameters the path of the item has.
    parameters: usize,
}

impl<'c> Writer<'c> {
    fn new(choices: &'c [u8], noisy: bool) -> Self {
        let out = String::new();
        Writer { choices, at: 0, noisy, out, count: 0, shapes: 0, enums: 0, events: 0, parameters: 0 }
    }

    /// Chooses a number below `limit`; 0 when the choices are used up.
    fn pick(&mut self, limit: usize) -> usize {
        let byte = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % limit
    }

    fn one_of<'s>(&mut self, texts: &[&'s str]) -> &'s str {
        texts[self.pick(texts.len())]
    }

    /// Chooses yes in one of `odds` cases.
    fn chance(&mut self, odds: usize) -> bool {
        self.pick(odds) == odds - 1
    }

    fn next(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    // ---- spacing

    /// Writes a comment or space where space may stand.
    fn gap(&mut self) {
        if !self.noisy {
            return;
        }
        let number = self.next();
        match self.pick(24) {
            1..=4 => self.put(" "),
            5 => self.put("\t"),
            6 => self.put("\n  "),
            7 => self.put("\r\n"),
            8 => self.put("\n\n\n"),
            9 => self.put(&format!(" /* c{number} */ ")),
            10 => self.put(&format!(" // c{number}\n")),
            11 => self.put(&format!("\n// c{number} é {{ [\n")),
            12 => self.put(&format!("\n   /* c{number}\n      \"second\" line  \n*/\n")),
            13 => self.put(&format!("/** c{number}\n * second\n */")),
            14 => self.put(&format!("//// c{number} no doc\r\n")),
            15 => self.put(&format!("/*c{number}*//*d{number}*/")),
            _ => {}
        }
    }

    /// Writes a comment or space that does not end the line: a value on another line than its name is not one where
    /// the next entry follows on that line.
    fn line_gap(&mut self) {
        let end = self.out.len();
        self.gap();
        if self.out[end..].contains('\n') {
            self.out.truncate(end);
        }
    }

    /// Writes a gap of at least one space.
    fn space(&mut self) {
        self.put(" ");
        self.gap();
    }

    /// Writes what separates two entries.
    fn separator(&mut self) {
        self.gap();
        if self.noisy {
            let separator = self.one_of(&["\n", ",", ", ", "\n\n", " ", ",\n"]);
            self.put(separator);
        } else {
            self.put("\n");
        }
        self.gap();
    }

    fn doc(&mut self) {
        if self.chance(6) {
            let number = self.next();
            self.put(&format!("\n/// doc{number} of \"it\" \n"));
        }
    }

    /// Writes `open`, the entries separated, and `close`.
    fn body(&mut self, entries: usize, mut entry: impl FnMut(&mut Self, usize)) {
        self.put("{");
        self.gap();
        for at in 0..entries {
            self.doc();
            entry(self, at);
            self.separator();
        }
        self.put("}");
    }

    /// Writes `name:` with or without the colon.
    fn name(&mut self, name: &str) {
        if self.chance(8) {
            self.put(&format!("\"{name}\""));
        } else {
            self.put(name);
        }
        self.line_gap();
        let bare = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let colon = !bare || !self.chance(3);
        self.put(if colon { ":" } else { " " });
        self.line_gap();
        self.put(" ");
    }

    /// Writes a name of something declared elsewhere, bare or quoted.
    fn reference(&mut self, name: &str) {
        let quoted = self.chance(6);
        self.put(&if quoted { format!("\"{name}\"") } else { name.to_owned() });
    }

    // ---- items

    fn schema(mut self) -> String {
        (self.shapes, self.enums, self.events) = (1 + self.pick(4), self.pick(3), self.pick(4));
        let (apis, crons, sockets) = (self.pick(4), self.pick(3), self.pick(2));
        if self.noisy && self.chance(8) {
            self.put("\u{FEFF}");
        }
        self.gap();
        (0..self.shapes).for_each(|at| self.shape(at));
        (0..self.enums).for_each(|at| self.enumeration(at));
        (0..self.events).for_each(|at| self.event(at));
        (0..apis).for_each(|at| self.api(at));
        (0..crons).for_each(|at| self.cron(at));
        (0..sockets).for_each(|at| self.socket(at));
        if self.noisy && self.chance(4) {
            self.put("// the end");
        }
        self.out
    }

    fn head(&mut self, keyword: &str, name: &str) {
        self.doc();
        self.put(keyword);
        self.space();
        self.put(name);
        self.space();
    }

    fn end(&mut self) {
        self.gap();
        self.put("\n");
    }

    /// The first shape is flat and has a field `id`.
    fn shape(&mut self, at: usize) {
        let keyword = self.one_of(&["model", "input", "type"]);
        self.head(keyword, &format!("Shape{at}"));
        let fields = self.pick(6) + usize::from(at == 0);
        self.body(fields, |writer, field| {
            if at == 0 && field == 0 {
                writer.name("id");
                return writer.put("Int @id");
            }
            let name = writer.field_name(field);
            writer.name(&name);
            writer.field_type(if at == 0 { Place::Flat } else { Place::Field(at) });
        });
        self.end();
    }

    fn field_name(&mut self, at: usize) -> String {
        let word = self.one_of(&WORDS);
        if at == 0 { word.to_owned() } else { format!("{word}{at}") }
    }

    fn enumeration(&mut self, at: usize) {
        self.head("enum", &format!("Kind{at}"));
        let values = 1 + self.pick(5);
        self.body(values, |writer, value| {
            // `A0` is always there, for defaults.
            let name = if value == 0 { "A0".to_owned() } else { writer.field_name(value) };
            writer.reference(&name);
        });
        self.end();
    }

    fn entity(&mut self, keyword: &str, at: usize, required: &[&'static str], optional: &[&'static str]) {
        self.head(keyword, &format!("{keyword}_{at}"));
        let mut properties = required.to_vec();
        for name in optional {
            if self.chance(2) {
                properties.push(name);
            }
        }
        let turn = self.pick(properties.len().max(1));
        properties.rotate_left(turn);
        self.parameters = self.pick(3);
        let keyed = properties.contains(&"key");
        self.body(properties.len(), |writer, property| match properties[property] {
            "payload" if keyed => writer.property("payload", &["Shape0", "\"Shape0\""]),
            "path" => writer.path(&format!("{keyword}{at}")),
            "triggers" => writer.triggers(if keyword == "event" { at } else { usize::MAX }),
            name => writer.known(name, keyword, at),
        });
        self.end();
    }

    fn api(&mut self, at: usize) {
        let method = self.one_of(&["read", "write"]);
        let body = if method == "write" { "body" } else { "timeout" };
        let optional = [
            "params",
            "query",
            "headers",
            "response",
            "triggers",
            "middlewares",
            "errors",
            "mailbox",
            "overflow",
        ];
        self.entity("api", at, &[method, "path", body, "concurrency"], &optional);
    }

    fn event(&mut self, at: usize) {
        let optional = [
            "handler",
            "triggers",
            "durable",
            "retry",
            "group",
            "bus",
            "timeout",
            "concurrency",
            "mailbox",
            "overflow",
        ];
        let required: [&[&str]; 3] = [&["payload"], &["payload", "key"], &[]];
        let required = required[self.pick(3)];
        self.entity("event", at, required, &optional);
    }

    fn cron(&mut self, at: usize) {
        self.entity("cron", at, &["schedule"], &["timezone", "overlap", "catch_up", "triggers", "timeout"]);
    }

    fn socket(&mut self, at: usize) {
        let optional =
            ["params", "message", "onConnect", "onMessage", "onDisconnect", "triggers", "broadcast"];
        let rest = self.one_of(&["middlewares", "mailbox"]);
        self.entity("ws", at, &["path", rest], &optional);
    }

    // ---- properties

    fn property(&mut self, name: &str, values: &[&str]) {
        self.name(name);
        let value = self.one_of(values);
        self.put(value);
    }

    /// Writes a property by its present name, perhaps by an older one.
    fn known(&mut self, name: &str, keyword: &str, at: usize) {
        match name {
            "read" => self.property("method", &["GET", "\"DELETE\"", "get", "GET"]),
            "write" => self.property("method", &["POST", "put", "\"PATCH\""]),
            "params" => self.params(),
            "query" => self.query(),
            "headers" => self.headers(),
            "errors" => self.errors(),
            "retry" => self.retry(),
            "response" | "body" | "payload" | "message" => {
                self.name(name);
                self.field_type(Place::Field(usize::MAX));
            }
            "timeout" => self.property(name, &DURATIONS),
            "concurrency" | "mailbox" => self.property(name, &["64", "1", "1024"]),
            "key" => self.property(name, &["\"id\"", "id"]),
            "durable" | "broadcast" => self.property(name, &["true", "false"]),
            "group" => self.property(name, &["\"mailer\"", "mailer", "\"two words\""]),
            "bus" => {
                let name = self.one_of(&["bus", "type"]);
                self.property(name, &["\"orders\"", "sqs"]);
            }
            "schedule" => self.property(name, &SCHEDULES),
            "timezone" => self.property(name, &["\"Europe/Berlin\"", "UTC", "Asia/Tokyo"]),
            "overflow" => self.property(name, &["fail", "wait", "\"fail\""]),
            "overlap" => self.property(name, &["skip", "queue", "\"parallel\""]),
            "catch_up" => self.property(name, &["none", "\"one\"", "all"]),
            _ => {
                let old = OLDER.iter().find(|(new, _)| *new == name).map_or(name, |(_, old)| *old);
                let written = self.one_of(&[name, old]);
                self.names(written, &format!("{name}_{keyword}{at}_"));
            }
        }
    }

    /// Writes a list of names, or a single one.
    fn names(&mut self, property: &str, prefix: &str) {
        self.name(property);
        if self.chance(4) {
            return self.reference(&format!("{prefix}0"));
        }
        let names = self.pick(4) * (1 + 8 * usize::from(self.chance(8)));
        self.list(names, |writer, name| writer.reference(&format!("{prefix}{name}")));
    }

    fn list(&mut self, values: usize, mut value: impl FnMut(&mut Self, usize)) {
        self.put("[");
        self.gap();
        for at in 0..values {
            value(self, at);
            self.gap();
            self.put(if at + 1 < values || self.noisy { ", " } else { "" });
            self.gap();
        }
        self.put("]");
    }

    /// Writes triggers of events declared before the event with this number, so that there is no cycle.
    fn triggers(&mut self, before: usize) {
        self.name("triggers");
        let events = before.min(self.events);
        if events > 0 && self.chance(4) {
            return self.reference("event_0");
        }
        let triggers = self.pick(events + 1);
        self.list(triggers, |writer, at| writer.reference(&format!("event_{at}")));
    }

    fn path(&mut self, first: &str) {
        self.name("path");
        let mut path = format!("\"/{first}");
        for at in 0..self.parameters {
            let rest = at + 1 == self.parameters && self.chance(6);
            let colon = self.chance(3);
            path.push_str(&match (rest, colon) {
                (true, _) => format!("/{{*p{at}}}"),
                (_, true) => format!("/:p{at}"),
                _ => format!("/a-b/{{p{at}}}"),
            });
        }
        self.put(&path);
        self.put("\"");
    }

    fn params(&mut self) {
        self.name("params");
        self.body(self.parameters, |writer, at| {
            writer.name(&format!("p{at}"));
            writer.field_type(Place::Segment);
        });
    }

    fn query(&mut self) {
        self.name("query");
        if self.chance(3) {
            return self.reference("Shape0");
        }
        let fields = self.pick(4);
        self.body(fields, |writer, at| {
            let name = writer.field_name(at);
            writer.name(&name);
            writer.field_type(Place::Flat);
        });
    }

    fn headers(&mut self) {
        self.name("headers");
        let headers = self.pick(3);
        self.body(headers, |writer, at| {
            let name = writer.one_of(&["x-part", "X-Trace", "accept"]);
            writer.name(&format!("{name}{at}"));
            writer.field_type(Place::Header);
        });
    }

    fn errors(&mut self) {
        self.name("errors");
        let errors = self.pick(5);
        self.body(errors, |writer, at| {
            let status = 404 + at;
            let written = writer.one_of(&["", "\""]);
            writer.put(&format!("{written}{status}{written}: "));
            let shape = writer.pick(writer.shapes);
            writer.reference(&format!("Shape{shape}"));
        });
    }

    fn retry(&mut self) {
        self.name("retry");
        let entries = self.pick(4);
        self.body(entries, |writer, at| match at {
            0 => writer.property("attempts", &["5", "1", "300"]),
            1 => writer.property("backoff", &["\"200ms\"", "50ms", "1"]),
            _ => writer.property("max", &["\"30s\"", "1m", "60"]),
        });
    }

    // ---- types

    /// Writes a type, and the attributes that fit it where a field may have some.
    fn field_type(&mut self, place: Place) {
        let ty = self.base(place, 0);
        if place == Place::Segment || place == Place::Field(usize::MAX) {
            return;
        }
        let attributes = self.attributes(&ty);
        self.put(&attributes);
        let plain = SCALARS[..9].contains(&ty.as_str()) || ty.starts_with("Kind");
        if plain && self.chance(12) {
            self.put(" @unique");
        }
    }

    /// Writes a type and returns it when it is a plain one, else its last suffix.
    fn base(&mut self, place: Place, depth: usize) -> String {
        let kinds = match place {
            Place::Field(_) if depth < 3 => 10,
            Place::Field(_) => 3,
            Place::Flat => 5,
            Place::Header | Place::Segment => 2,
        };
        let plain = match self.pick(kinds) {
            0 | 3 | 4 => {
                self.one_of(&SCALARS[..if matches!(place, Place::Field(_)) { 11 } else { 9 }]).to_owned()
            }
            1 if self.enums > 0 => format!("Kind{}", self.pick(self.enums)),
            2 if place == Place::Flat => "String[]".to_owned(),
            2 | 5 | 6 => return self.shape_type(place),
            7 => return self.inline(place, depth),
            8 => return self.map(place, depth),
            9 => {
                let inner = self.base(place, depth + 1);
                self.gap();
                self.put(if inner == "?" { "[]" } else { "[]?" });
                return "[]".to_owned();
            }
            _ => "Int".to_owned(),
        };
        let quoted = self.chance(10) && !plain.ends_with(']');
        self.put(&if quoted { format!("\"{plain}\"") } else { plain.clone() });
        if place == Place::Segment || !self.chance(4) {
            return if plain.ends_with(']') { "[]".to_owned() } else { plain };
        }
        self.gap();
        self.put("?");
        if plain.ends_with(']') { "[]".to_owned() } else { format!("{plain}?") }
    }

    fn shape_type(&mut self, place: Place) -> String {
        let Place::Field(before) = place else {
            self.put("Int");
            return "Int".to_owned();
        };
        let at = self.pick(self.shapes);
        self.reference(&format!("Shape{at}"));
        let suffixes: &[&str] = if at < before { &["", "?", "[]"] } else { &["?", "[]", "[]?", "?[]"] };
        let suffix = self.one_of(suffixes);
        self.put(suffix);
        suffix.to_owned()
    }

    fn inline(&mut self, place: Place, depth: usize) -> String {
        let fields = self.pick(5);
        self.body(fields, |writer, at| {
            let name = writer.field_name(at);
            writer.name(&name);
            let ty = writer.base(place, depth + 1);
            let attributes = writer.attributes(&ty);
            writer.put(&attributes);
        });
        "{}".to_owned()
    }

    fn map(&mut self, place: Place, depth: usize) -> String {
        self.put("Map");
        self.gap();
        self.put("<");
        self.gap();
        self.base(place, depth + 1);
        self.gap();
        self.put(">");
        "[]".to_owned()
    }

    /// Returns attributes that fit a type.
    fn attributes(&mut self, ty: &str) -> String {
        let fitting: &[&str] = match ty.trim_end_matches('?') {
            "String" => &[
                "@length(1, 80)",
                "@length(40)",
                "@pattern(\"^[a-z]+\\.?$\")",
                "@format(email)",
                "@format(\"uri\")",
                "@default(\"a \\\"b\\\"\")",
                "@default(uuid())",
                "@default(\"uuid\")",
                "@pattern(\"a\")",
            ],
            "Int" => &["@min(1)", "@max(150)", "@min(-5) @max(+9)", "@bigint", "@default(-3)", "@auto"],
            "Float" => &["@min(0.5)", "@default(1.5)", "@max(1e9)"],
            "Boolean" | "Bool" => &["@default(true)", "@default(false)"],
            "DateTime" => &["@default(now)", "@default(now( ))", "@default(\"2024-01-02T03:04:05Z\")"],
            "Date" => &["@default(now)", "@default(\"2024-02-29\")", "@auto"],
            "Uuid" => &["@default(uuid)", "@auto"],
            "Decimal" => &["@default(\"0.00\")", "@min(0)"],
            "Bytes" => &["@length(0, 1024)"],
            "[]" => &["@length(0, 20)", "@length( 0 , 20, )"],
            kind if kind.starts_with("Kind") => &["@default(A0)", "@default(\"A0\")"],
            _ => &["@secret"],
        };
        let mut attributes = String::new();
        if self.chance(2) {
            let fits = self.one_of(fitting);
            attributes.push_str(&format!(" {fits}"));
        }
        for other in [
            "@deprecated",
            "@deprecated(\"use // another\")",
            "@deprecated(\"why\")",
            "@optional",
            "@secret()",
        ] {
            let other = match other {
                "@optional" if self.noisy => self.one_of(&OPTIONAL),
                other => other,
            };
            let comment = if self.noisy && self.chance(8) { "/* in */" } else { "" };
            let twice = other.starts_with("@deprecated(") && attributes.contains("@deprecated");
            if self.chance(9) && !attributes.contains("@secret") && !twice {
                attributes.push_str(&format!(" {comment}{other}"));
            }
        }
        attributes
    }
}
