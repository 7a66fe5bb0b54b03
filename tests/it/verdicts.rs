//! Our verdicts on values against those of the crate `jsonschema` on the documents we print for the same types: 10,000
//! values of random types, valid and damaged. Both must say the same of every value.
//!
//! Where we differ by design, the generator makes no such values and types; nothing is left out afterwards:
//! - An integer written with a fraction or an exponent is taken up to 2^53 − 1 only: beyond, digits may be lost.
//! - `@min` and `@max` of a `Decimal` compare the numbers that texts stand for; JSON Schema has no keyword for it.
//! - There is no year 0000 in a `Date` or `DateTime`; RFC 3339 has it.
//! - `@length` of `Bytes` counts bytes, the document characters of base64: the same at whole groups only.
//! - `@format(email)` refuses quoted local parts, hosts without a dot and addresses in brackets; `@format(hostname)` does
//!   not decode what follows `xn--`, and takes two hyphens there.
//! - `\b` in patterns has the words of ASCII, as in ECMA-262; `jsonschema` has those of Unicode.
//! - We refuse what is nested deeper than 64 levels.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use fastrand::Rng;
use rohas::schema::{Attributes, Field, Scalar, Schema, Severity, SourceFile, Type, compile, json_schema_of};
use serde_json::{Map, Value as Json, json};

const SCHEMAS: u64 = 50;
const TYPES: usize = 5;
const VALUES: usize = 40;

/// Fields of scalars, each with texts or numbers that fit.
const SCALARS: [(&str, &str); 34] = [
    ("Int", "[0, -1, 9007199254740993, 9223372036854775807, -9223372036854775808, 7.0, 1e3]"),
    ("Int @min(-5) @max(5)", "[-5, 0, 5, 5.0]"),
    ("Int @min(9007199254740993)", "[9007199254740993, 9223372036854775807]"),
    ("Int @max(0)", "[0, -7]"),
    ("Float", "[0, -0.5, 1e300, 18446744073709551615, 9007199254740993, 2.0]"),
    ("Float @min(-1.5) @max(2.5)", "[-1.5, 2.5, 2, 0]"),
    ("Float @max(9007199254740992)", "[9007199254740992, 0.1]"),
    ("Boolean", "[true, false]"),
    ("Json", r#"[null, {"a": [1]}, "x", 1.5]"#),
    ("E0", r#"["RED", "GREEN"]"#),
    ("E1", r#"["ONE"]"#),
    ("Decimal", r#"["0", "-12.50", "00.10", "99999999999999999999.99"]"#),
    (
        "DateTime",
        r#"["2024-02-29T12:00:00Z", "1999-12-31t23:59:60z", "2024-01-01T00:59:60.123+01:00", "0001-01-01T00:00:00-23:59"]"#,
    ),
    ("Date", r#"["2024-02-29", "2000-12-31", "0001-01-01"]"#),
    ("Uuid", r#"["0190f3c0-0000-7000-8000-00000000000a", "0190F3C0-0000-7000-8000-00000000000A"]"#),
    ("Bytes", r#"["", "aGk=", "AA==", "+/+/"]"#),
    ("Bytes @length(1, 3)", r#"["aGk=", "AA==", "+/+/"]"#),
    ("String", r#"["", "text", "ä💥", "\u0000"]"#),
    ("String @length(1, 3)", r#"["a", "äöü", "💥💥💥"]"#),
    ("String @length(2)", r#"["", "💥💥"]"#),
    (r#"String @pattern("^[a-z]+\\.?$")"#, r#"["abc", "abc."]"#),
    (r#"String @pattern("a.c")"#, r#"["xabcx", "a\rc", "a\u2028c"]"#),
    (r#"String @pattern("^\\d{3}$")"#, r#"["123"]"#),
    (r#"String @pattern("^\\w+\\s\\S$")"#, r#"["b_1 x", "a\ufeffä"]"#),
    (r#"String @pattern("^[\\w.-]+$")"#, r#"["a-b.c", "_"]"#),
    (r#"String @pattern("^(?:ab|c){2,3}$")"#, r#"["abc", "cabab"]"#),
    (r#"String @pattern("^[^a/]*$")"#, r#"["", "xyz\n"]"#),
    (r#"String @pattern("\\A[[:upper:]]\\W\\b\\D\\z")"#, r#"["A-b", "Z z"]"#),
    ("String @format(email)", r#"["a.b+c@example.com", "x@a-b.example"]"#),
    (
        "String @format(uri)",
        r#"["https://a:b@example.com:80/p%20q?x=/?#f", "urn:isbn:1", "http://[::1]/", "file:///x"]"#,
    ),
    ("String @format(uuid)", r#"["0190f3c0-0000-7000-8000-00000000000a"]"#),
    ("String @format(ipv4)", r#"["127.0.0.1", "255.255.255.255"]"#),
    ("String @format(ipv6)", r#"["::1", "::ffff:1.2.3.4", "2001:db8::"]"#),
    ("String @format(hostname)", r#"["a-b.example", "localhost", "1.2"]"#),
];

/// Texts that are wrong for most.
const WRONG: [&str; 27] = [
    "2024-02-30T12:00:00Z",
    "2024-02-29 12:00:00Z",
    "2024-02-29T24:00:00Z",
    "2024-02-29T22:59:60Z",
    "2024-02-29T12:00:00",
    "2024-02-29T12:00:00.Z",
    "2024-02-29T12:00:00+24:00",
    "2023-02-29",
    "1900-02-29",
    "2024-13-01",
    "0190f3c000007000800000000000000a",
    "0190f3c0-0000-7000-8000-00000000000g",
    "1e5",
    "+1",
    "1.",
    "aGl=",
    "a-k=",
    "256.0.0.1",
    "127.0.0.01",
    "fe80::1%eth0",
    "-a.example",
    "a..b@example.com",
    "http://a/[b]",
    "http://a/%zz",
    "RED ",
    "٣٣٣",
    "äb\u{85}x",
];

// ---- types

/// Writes a schema of enums and types that may hold each other, the required ones downwards only.
fn schema_text(rng: &mut Rng) -> String {
    let mut text = "enum E0 { RED GREEN BLUE }\nenum E1 { ONE }\n".to_owned();
    for number in 0..TYPES {
        text.push_str(&format!("type T{number} {{\n"));
        // One of them has more fields than are looked through one by one.
        let fields = if number == 3 { 40 } else { rng.usize(0..8) };
        for field in 0..fields {
            text.push_str(&format!("  f{field} {}\n", field_text(rng, number, 0)));
        }
        text.push_str("}\n");
    }
    text
}

fn field_text(rng: &mut Rng, number: usize, depth: usize) -> String {
    let (scalar, fitting) = SCALARS[rng.usize(..SCALARS.len())];
    let (name, attributes) = scalar.split_once(' ').unwrap_or((scalar, ""));
    let any = rng.usize(..TYPES);
    match rng.u32(0..16) {
        0 => format!("{name}? {attributes}"),
        1 => format!("{name} {attributes} @optional @deprecated(\"why\")"),
        2 if name != "Json" => {
            let fitting: Vec<Json> = serde_json::from_str(fitting).unwrap();
            match &fitting[0] {
                Json::String(text) if text.contains('\0') => "String".to_owned(),
                Json::String(text) if name.starts_with('E') => {
                    format!("{name} {attributes} @default({text})")
                }
                first => format!("{name} {attributes} @default({first})"),
            }
        }
        3 => format!("{name}[] @length(0, 3)"),
        4 => format!("{name}?[]"),
        5 => format!("Map<{name}>? @length(1, 2)"),
        6 => format!("T{any}?"),
        7 => format!("T{any}[]"),
        8 => format!("Map<T{any}>"),
        9 if number + 1 < TYPES => format!("T{}", rng.usize(number + 1..TYPES)),
        10 if depth < 2 => format!(
            "{{ a: {}, b: {} }}",
            field_text(rng, number, depth + 1),
            field_text(rng, number, depth + 1)
        ),
        11 => "Int @id @auto".to_owned(),
        12 => "Uuid @default(uuid) @secret".to_owned(),
        _ => format!("{name} {attributes}"),
    }
}

// ---- values

struct Values<'a> {
    schema: &'a Schema,
    rng: Rng,
    rows: Vec<(Row, Vec<Json>)>,
}

/// The type of a field and what its attributes demand.
type Row = (String, String);

fn rules(attributes: &Attributes) -> String {
    let Attributes { min, max, length, pattern, format, .. } = attributes;
    format!("{min:?} {max:?} {length:?} {pattern:?} {format:?}")
}

fn rows() -> Vec<(Row, Vec<Json>)> {
    let row = |(declared, fitting): (&str, &str)| {
        let text = format!("enum E0 {{ RED }} enum E1 {{ ONE }} type X {{ x {declared} }}");
        let (schema, _) = compile_text(&text);
        let field = &schema.shapes["X"].fields[0];
        ((field.ty.to_string(), rules(&field.attributes)), serde_json::from_str(fitting).unwrap())
    };
    SCALARS.into_iter().map(row).collect()
}

impl Values<'_> {
    /// Makes a value that mostly fits.
    fn fitting(&mut self, ty: &Type, attributes: &Attributes, depth: usize) -> Json {
        match ty {
            Type::Optional(inner) if depth < 3 && self.rng.bool() => self.fitting(inner, attributes, depth),
            Type::Optional(_) => Json::Null,
            Type::Scalar(scalar) => self.scalar(*scalar, attributes),
            Type::Named(name) => match (self.schema.shapes.get(name), self.schema.enums.get(name)) {
                (Some(shape), _) => self.object(&shape.fields, depth),
                (_, item) => {
                    let names: Vec<&str> = item.unwrap().names().collect();
                    json!(self.rng.choice(names).unwrap())
                }
            },
            Type::Inline(fields) => self.object(fields, depth),
            Type::List(item) => {
                let length = self.length(attributes, depth);
                (0..length).map(|_| self.fitting(item, &Attributes::default(), depth + 1)).collect()
            }
            Type::Map(item) => {
                let length = self.length(attributes, depth);
                let mut entry = |key: usize| {
                    (
                        ["", "__proto__", "a/b~c"][key].to_owned(),
                        self.fitting(item, &Attributes::default(), depth + 1),
                    )
                };
                Json::Object((0..length).map(&mut entry).collect())
            }
        }
    }

    fn length(&mut self, attributes: &Attributes, depth: usize) -> usize {
        let least = attributes.length.map_or(0, |length| length.min);
        let most = attributes.length.map_or(3, |length| length.max.min(3));
        if depth > 2 { least } else { self.rng.usize(least..=most) }
    }

    fn object(&mut self, fields: &[Field], depth: usize) -> Json {
        let mut entries: Vec<(String, Json)> = Vec::new();
        for field in fields {
            let may_miss =
                field.ty.is_optional() || field.attributes.auto || field.attributes.default.is_some();
            if !may_miss || self.rng.bool() {
                entries.push((field.name.clone(), self.fitting(&field.ty, &field.attributes, depth + 1)));
            }
        }
        if self.rng.u8(..) < 64 {
            entries.push(("undeclared".to_owned(), json!([1])));
        }
        if self.rng.bool() {
            self.rng.shuffle(&mut entries);
        }
        Json::Object(entries.into_iter().collect())
    }

    /// Takes a value of the row in [`SCALARS`] that the field was made from.
    fn scalar(&mut self, scalar: Scalar, attributes: &Attributes) -> Json {
        let wanted = (Type::Scalar(scalar).to_string(), rules(attributes));
        let row = self.rows.iter().find(|(row, _)| *row == wanted);
        self.rng.choice(&row.unwrap().1).unwrap().clone()
    }

    /// Damages a value at one place somewhere in it.
    fn damage(&mut self, value: &mut Json) {
        match value {
            Json::Object(entries) if !entries.is_empty() && self.rng.u8(..) < 220 => {
                let key = entries.keys().nth(self.rng.usize(..entries.len())).unwrap().clone();
                match self.rng.u8(0..8) {
                    0 => drop(entries.remove(&key)),
                    1 => drop(entries.insert("more".to_owned(), json!(1))),
                    _ => self.damage(&mut entries[&key]),
                }
            }
            Json::Array(items) if !items.is_empty() && self.rng.u8(..) < 220 => {
                let at = self.rng.usize(..items.len());
                match self.rng.u8(0..8) {
                    0 => drop(items.remove(at)),
                    1 => items.extend([items[at].clone(), items[at].clone(), items[at].clone()]),
                    _ => self.damage(&mut items[at]),
                }
            }
            other => *other = self.other(other),
        }
    }

    fn other(&mut self, value: &Json) -> Json {
        let numbers = "[0, -6, 6, 0.5, -1.25, 3.0, 1e2, 9007199254740991, 9007199254740992, 9007199254740993,
            9223372036854775808, 18446744073709551615, 1e300, 5e-324]";
        let numbers: Vec<Json> = serde_json::from_str(numbers).unwrap();
        match (value, self.rng.u8(0..10)) {
            (_, 0) => Json::Null,
            (_, 1) => json!({}),
            (_, 2) => json!([]),
            (_, 3) => json!(true),
            (Json::Number(_), _) | (_, 4) => self.rng.choice(numbers).unwrap(),
            (Json::String(text), 5..8) => {
                let junk = self.rng.choice([" ", "é", "\n", "💥", "%"]).unwrap();
                json!(if self.rng.bool() { format!("{text}{junk}") } else { format!("{junk}{text}") })
            }
            _ => json!(self.rng.choice(WRONG).unwrap()),
        }
    }
}

// ---- the comparison

fn compile_text(text: &str) -> (Schema, Vec<rohas::schema::Diagnostic>) {
    compile(&[SourceFile { path: "random.ro".to_owned(), text: text.to_owned() }])
}

/// Compares the verdicts on one value; returns whether it fits.
fn compare(schema: &Schema, ty: &Type, peer: &jsonschema::Validator, value: &Json, context: &str) -> bool {
    let mut checked = value.clone();
    let found = schema.check(ty, &mut checked, "");
    let peer_says: Vec<String> =
        peer.iter_errors(value).map(|error| format!("{} {error}", error.instance_path())).collect();
    let fits = found.is_empty();
    assert_eq!(fits, peer_says.is_empty(), "{ty} ← {value}\nours: {found:?}\npeer: {peer_says:?}\n{context}");
    for violation in &found {
        let parent = violation.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let place = if violation.code == "required" { parent } else { &violation.path };
        assert!(value.pointer(place).is_some(), "{violation:?} is nowhere in {value}\n{context}");
    }
    if fits {
        // What we pass on fits too, and a second look changes nothing.
        assert!(peer.is_valid(&checked), "{ty} ← {checked}\n{context}");
        let mut again = checked.clone();
        assert_eq!((schema.check(ty, &mut again, ""), &again), (vec![], &checked));
    }
    fits
}

fn peer(schema: &Schema, ty: &Type) -> jsonschema::Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&json_schema_of(schema, ty))
        .unwrap()
}

#[test]
fn verdicts_are_those_of_jsonschema() {
    let rows = rows();
    let (mut fits, mut refused) = (0, 0);
    for seed in 0..SCHEMAS {
        let mut rng = Rng::with_seed(seed);
        let text = schema_text(&mut rng);
        let (schema, diagnostics) = compile_text(&text);
        let errors: Vec<_> = diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{errors:?}\n{text}");
        let context = format!("seed {seed}\n{text}");
        let mut values = Values { schema: &schema, rng, rows: rows.clone() };
        for number in 0..TYPES {
            let ty = Type::Named(format!("T{number}"));
            let peer = peer(&schema, &ty);
            for round in 0..VALUES {
                let mut value = values.fitting(&ty, &Attributes::default(), 0);
                for _ in 0..round % 3 {
                    values.damage(&mut value);
                }
                if compare(&schema, &ty, &peer, &value, &context) { fits += 1 } else { refused += 1 }
            }
        }
    }
    // Neither kind is rare: the comparison says something of both.
    println!("{fits} fit, {refused} do not");
    assert!(fits + refused == 10_000 && fits > 2_500 && refused > 2_500, "{fits} fit, {refused} do not");
}

#[test]
fn every_scalar_is_judged_alike() {
    for (declared, fitting) in SCALARS {
        let text = format!("enum E0 {{ RED GREEN BLUE }} enum E1 {{ ONE }} type X {{ x {declared} }}");
        let (schema, _) = compile_text(&text);
        let ty = Type::Named("X".to_owned());
        let peer = peer(&schema, &ty);
        let object = |x: Json| Json::Object(Map::from_iter([("x".to_owned(), x)]));
        for value in serde_json::from_str::<Vec<Json>>(fitting).unwrap() {
            assert!(compare(&schema, &ty, &peer, &object(value.clone()), declared), "{declared}: {value}");
        }
        for (_, others) in SCALARS {
            for value in serde_json::from_str::<Vec<Json>>(others).unwrap() {
                compare(&schema, &ty, &peer, &object(value), declared);
            }
        }
        for wrong in WRONG {
            compare(&schema, &ty, &peer, &object(json!(wrong)), declared);
        }
    }
}
