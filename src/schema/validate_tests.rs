//! Table tests of the validator: type, value, and what is wrong with it.

use serde_json::json;

use super::{Json, Schema, SourceFile, Type, Violation, compile};

const SCHEMA: &str = r#"
enum Role { ADMIN MEMBER }
model User {
  id        Int      @id @auto
  name      String   @length(1, 5)
  role      Role     @default(MEMBER)
  address   Address?
  createdAt DateTime @default(now)
}
type Address { street String  zip String @pattern("^[0-9]{5}$") }
type Tree { children Tree[]? }
"#;

/// Compiles the schema above with one more type `T` and returns the type of its field `x`.
fn with_field(field: &str) -> (Schema, Type) {
    let text = format!("{SCHEMA}\nmodel T {{ x {field} }}");
    let (schema, diagnostics) = compile(&[SourceFile { path: "t.ro".to_owned(), text }]);
    let errors: Vec<String> = diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.severity == super::Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert!(errors.is_empty(), "{field}: {errors:?}");
    let ty = schema.shapes["T"].fields[0].ty.clone();
    (schema, ty)
}

fn brief(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(|v| format!("{} {}", v.path, v.code)).collect()
}

// One table, longer than a screen.
#[allow(clippy::too_many_lines)]
#[test]
fn fields_accept_and_refuse() {
    let ok = "";
    let table = [
        ("Int", json!(42), ok),
        ("Int", json!(i64::MIN), ok),
        ("Int", json!(9_007_199_254_740_993_i64), ok),
        ("Int", json!(u64::MAX), "type"),
        ("Int", json!(3.0), ok),
        ("Int", json!(1e3), ok),
        ("Int", json!(3.5), "type"),
        ("Int", json!(9_007_199_254_740_992.0), "type"),
        ("Int", json!(1e300), "type"),
        ("Int @max(2)", json!(3.0), "max"),
        ("Int", json!("3"), "type"),
        ("Int", json!(null), "type"),
        ("Int?", json!(null), ok),
        ("Int @min(1) @max(3)", json!(0), "min"),
        ("Int @min(1) @max(3)", json!(4), "max"),
        ("Int @max(9007199254740992)", json!(9_007_199_254_740_993_i64), "max"),
        ("Int? @min(1)", json!(0), "min"),
        ("Float", json!(3), ok),
        ("Float", json!(2.5), ok),
        ("Float @max(2)", json!(2.5), "max"),
        ("Float @max(9007199254740992)", json!(9_007_199_254_740_993_i64), "max"),
        ("Float @min(0.5)", json!(0), "min"),
        ("Float", json!(u64::MAX), ok),
        ("Boolean", json!(true), ok),
        ("Boolean", json!("true"), "type"),
        ("String", json!(1), "type"),
        ("String @length(1, 3)", json!("äöü"), ok),
        ("String @length(1, 3)", json!("abcd"), "length"),
        ("String @length(1, 3)", json!(""), "length"),
        ("String @pattern(\"^a+$\")", json!("aab"), "pattern"),
        ("String @format(email)", json!("a.b@example.com"), ok),
        ("String @format(email)", json!("a@b@"), "format"),
        ("String @format(email)", json!("a@localhost"), "format"),
        ("String @format(email)", json!("ä@example.com"), "format"),
        ("String @format(email)", json!("a..b@example.com"), "format"),
        ("String @format(email)", json!("a b@example.com"), "format"),
        ("String @format(uri)", json!("http://[::1]:80/a?b=c#d"), ok),
        ("String @format(uri)", json!("http://[::1"), "format"),
        ("String @format(uri)", json!("http://[::1]x"), "format"),
        ("String @format(uri)", json!("http://a:b@c:80/%20"), ok),
        ("String @format(uri)", json!("http://a/%2"), "format"),
        ("String @format(uri)", json!("http://a/%zz"), "format"),
        ("String @format(uri)", json!("http://a:8o/"), "format"),
        ("String @format(uri)", json!("http://a/[b]"), "format"),
        ("String @format(uri)", json!("http://a/#b#c"), "format"),
        ("String @format(uri)", json!("http://ä/"), "format"),
        ("String @format(uri)", json!("urn:isbn:1"), ok),
        ("String @format(uri)", json!("mailto:a@b"), ok),
        ("String @format(uri)", json!("1http://a"), "format"),
        ("String @format(uri)", json!("//a/b"), "format"),
        ("String @format(uri)", json!("https://example.com/a?b=c"), ok),
        ("String @format(uri)", json!("example.com"), "format"),
        ("String @format(uri)", json!("http://a b"), "format"),
        ("String @format(uuid)", json!("0190f3c0-0000-7000-8000-000000000000"), ok),
        ("String @format(uuid)", json!("0190f3c0"), "format"),
        ("String @format(ipv4)", json!("127.0.0.1"), ok),
        ("String @format(ipv4)", json!("256.0.0.1"), "format"),
        ("String @format(ipv6)", json!("::1"), ok),
        ("String @format(ipv6)", json!("127.0.0.1"), "format"),
        ("String @format(hostname)", json!("a-b.example"), ok),
        ("String @format(hostname)", json!("-a.example"), "format"),
        ("String @format(hostname)", json!("a.example."), "format"),
        ("String @format(hostname)", json!("a..example"), "format"),
        ("String @format(hostname)", json!("bücher.example"), "format"),
        ("String @format(hostname)", json!("a_b.example"), "format"),
        ("String @format(hostname)", json!("a".repeat(63)), ok),
        ("String @format(hostname)", json!("a".repeat(64)), "format"),
        ("String @format(hostname)", json!(vec!["a".repeat(63); 4].join(".")), "format"),
        ("String @format(ipv4)", json!("127.0.0.01"), "format"),
        ("String @format(ipv4)", json!("127.1"), "format"),
        ("String @format(ipv6)", json!("::ffff:1.2.3.4"), ok),
        ("String @format(ipv6)", json!("fe80::1%eth0"), "format"),
        ("DateTime", json!("2024-02-29T12:00:00.5+02:00"), ok),
        ("DateTime", json!("2024-02-30T12:00:00Z"), "format"),
        ("DateTime", json!("2024-02-29t12:00:00z"), ok),
        ("DateTime", json!("2024-02-29 12:00:00Z"), "format"),
        ("DateTime", json!("2024-02-29T12:00:00"), "format"),
        ("DateTime", json!("2024-02-29T12:00Z"), "format"),
        ("DateTime", json!("2024-02-29T24:00:00Z"), "format"),
        ("DateTime", json!("2024-02-29T12:00:00.Z"), "format"),
        ("DateTime", json!("2024-02-29T12:00:00,5Z"), "format"),
        ("DateTime", json!("2024-02-29T12:00:00.0123456789012345678Z"), ok),
        ("DateTime", json!("2024-02-29T12:00:00+0200"), "format"),
        ("DateTime", json!("2024-02-29T12:00:00+24:00"), "format"),
        ("DateTime", json!("2024-02-29T12:00:00-23:59"), ok),
        ("DateTime", json!("2016-12-31T23:59:60Z"), ok),
        ("DateTime", json!("2017-01-01T00:59:60+01:00"), ok),
        ("DateTime", json!("2016-12-31T15:59:60.5-08:00"), ok),
        ("DateTime", json!("2016-12-31T22:59:60Z"), "format"),
        ("DateTime", json!("2016-12-31T23:59:61Z"), "format"),
        ("DateTime", json!("0000-12-31T23:59:59Z"), "format"),
        ("DateTime", json!("0001-01-01T00:00:00Z"), ok),
        ("DateTime", json!("10000-01-01T00:00:00Z"), "format"),
        ("DateTime", json!("２024-02-29T12:00:00Z"), "format"),
        ("DateTime", json!("2024-02-29"), "format"),
        ("Date", json!("2024-02-29"), ok),
        ("Date", json!("2023-02-29"), "format"),
        ("Date", json!("2024-2-9"), "format"),
        ("Date", json!("1900-02-29"), "format"),
        ("Date", json!("2000-02-29"), ok),
        ("Date", json!("0000-02-29"), "format"),
        ("Date", json!("0001-01-01"), ok),
        ("Date", json!("2024-00-10"), "format"),
        ("Date", json!("2024-04-31"), "format"),
        ("Date", json!("2024-04-00"), "format"),
        ("Date", json!("+024-04-01"), "format"),
        ("Uuid", json!("0190f3c0-0000-7000-8000-000000000000"), ok),
        ("Uuid", json!("0190f3c000007000800000000000000000"), "format"),
        ("Decimal", json!("-12.50"), ok),
        ("Decimal", json!(12), "type"),
        ("Decimal", json!(0.1), "type"),
        ("Decimal", json!("+1"), "format"),
        ("Decimal", json!("٣"), "format"),
        ("Decimal", json!(""), "format"),
        ("Decimal @max(0.1)", json!("0.1"), ok),
        ("Decimal @max(0.1)", json!("0.10000000000000000000001"), "max"),
        ("Decimal @min(-0.1)", json!("-0.10000000000000000000001"), "min"),
        ("Decimal @max(9007199254740993)", json!("9007199254740993.0"), ok),
        ("Decimal @max(9007199254740993)", json!("9007199254740993.1"), "max"),
        ("Decimal", json!("1e5"), "format"),
        ("Decimal", json!("1."), "format"),
        ("Decimal @min(1)", json!("0.99"), "min"),
        ("Bytes", json!("aGk="), ok),
        ("Bytes", json!("aGk"), "format"),
        ("Bytes", json!("a-k="), "format"),
        ("Bytes", json!("aGl="), "format"),
        ("Bytes", json!(""), ok),
        ("Bytes", json!("="), "format"),
        ("Bytes", json!("===="), "format"),
        ("Bytes", json!("AA=="), ok),
        ("Bytes", json!("AB=="), "format"),
        ("Bytes", json!("AA==AAAA"), "format"),
        ("Bytes @length(0, 2)", json!("aGk="), ok),
        ("Bytes @length(0, 1)", json!("aGk="), "length"),
        ("Json", json!({"a": [null]}), ok),
        ("Json", json!(null), ok),
        ("Role", json!("ADMIN"), ok),
        ("Role", json!("admin"), "enum"),
        ("Role", json!(1), "type"),
        ("Int[] @length(1, 2)", json!([1, 2, 3]), "length"),
        ("Int[]", json!({}), "type"),
        ("Int[]?", json!(null), ok),
        ("Int?[]", json!([1, null]), ok),
        ("Map<Int>", json!({"a": 1}), ok),
        ("Map<Int>", json!([1]), "type"),
    ];
    for (field, value, code) in table {
        let (schema, _) = with_field(field);
        let mut object = json!({ "x": value });
        let found = schema.check(&Type::Named("T".to_owned()), &mut object, "/body");
        let expected = if code.is_empty() { vec![] } else { vec![format!("/body/x {code}")] };
        assert_eq!(brief(&found), expected, "{field} ← {value}");
    }
}

#[test]
fn all_violations_are_found_at_once_with_their_places() {
    let (schema, ty) = with_field("User[]");
    let mut value = json!([
        { "name": "", "role": "KING", "address": { "zip": "1" } },
        { "name": "Ann", "createdAt": 5 },
        7,
    ]);
    let found = schema.check(&ty, &mut value, "/body");
    let expected = [
        "/body/0/name length",
        "/body/0/role enum",
        "/body/0/address/street required",
        "/body/0/address/zip pattern",
        "/body/1/createdAt type",
        "/body/2 type",
    ];
    assert_eq!(brief(&found), expected);
    let (schema, ty) = with_field("Map<Int>");
    assert_eq!(brief(&schema.check(&ty, &mut json!({"a/b~c": "x"}), "")), ["/a~1b~0c type"]);
}

#[test]
fn defaults_are_filled_and_undeclared_fields_dropped() {
    let (schema, ty) = with_field("User");
    let mut value =
        json!({ "extra": 1, "address": { "zip": "12345", "street": "S", "more": 2 }, "name": "Ann" });
    assert_eq!(schema.check(&ty, &mut value, ""), []);
    let created = value["createdAt"].as_str().unwrap().to_owned();
    assert!(created.ends_with('Z'));
    let expected = json!({
        "name": "Ann", "role": "MEMBER", "address": { "street": "S", "zip": "12345" }, "createdAt": created,
    });
    assert_eq!(value, expected);

    let (schema, _) = with_field("Uuid @default(uuid)\n y Date @default(now)\n z { n Int @default(1) }");
    let mut value = json!({ "z": {} });
    assert_eq!(schema.check(&Type::Named("T".to_owned()), &mut value, ""), []);
    assert_eq!(value["x"].as_str().unwrap().as_bytes()[14], b'7');
    assert_eq!(value["y"].as_str().unwrap().len(), 10);
    assert_eq!(value["z"]["n"], 1);
}

#[test]
fn numbers_keep_every_digit() {
    let (schema, ty) = with_field("Int");
    let table = [("9007199254740993", "9007199254740993"), ("1.0", "1"), ("1e3", "1000"), ("-0.0", "0")];
    for (given, expected) in table {
        let mut value: Json = serde_json::from_str(given).unwrap();
        assert_eq!(schema.check(&ty, &mut value, ""), []);
        assert_eq!(value.to_string(), expected);
    }
    for written in ["0.00", "99999999999999999999.99", "\"1.50\""] {
        let (schema, _) = with_field(&format!("Decimal @default({written})"));
        let mut value = json!({});
        assert_eq!(schema.check(&Type::Named("T".to_owned()), &mut value, ""), []);
        assert_eq!(value["x"], written.trim_matches('"'));
    }
}

#[test]
fn bounds_that_would_be_rounded_are_refused() {
    for (bound, fits) in [("0.1", true), ("9223372036854775807", true), ("1e21", true), ("1e-7", true)]
        .into_iter()
        .chain([("0.10000000000000000000001", false), ("99999999999999999999.99", false)])
    {
        let text = format!("type T {{ x Decimal @max({bound}) }}");
        let (_, diagnostics) = compile(&[SourceFile { path: "t.ro".to_owned(), text }]);
        let refused = diagnostics.iter().any(|found| found.to_string().contains("more digits"));
        assert_eq!(refused, !fits, "{bound}: {diagnostics:?}");
    }
}

#[test]
fn values_that_fit_are_left_as_they_are() {
    // The order of the client stays; nothing is rebuilt.
    let (schema, ty) = with_field("Address");
    let text = r#"{"zip":"12345","street":"S"}"#;
    let mut value: Json = serde_json::from_str(text).unwrap();
    assert_eq!(schema.check(&ty, &mut value, ""), []);
    assert_eq!(value.to_string(), text);
}

#[test]
fn shapes_with_many_fields_are_like_small_ones() {
    let fields: String = (0..100).map(|n| format!("f{n} Int @min(0)\n")).collect();
    let (schema, ty) = with_field(&format!("{{ {fields} last Int @default(7) }}"));
    let object = |from: usize| -> Json {
        (from..100).rev().map(|n| (format!("f{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into()
    };
    let mut value = object(0);
    value["more"] = json!(1);
    assert_eq!(schema.check(&ty, &mut value, ""), []);
    assert_eq!((value.as_object().unwrap().len(), &value["last"], value.get("more")), (101, &json!(7), None));
    let mut value = object(1);
    value["f5"] = json!(-5);
    assert_eq!(brief(&schema.check(&ty, &mut value, "")), ["/f0 required", "/f5 min"]);
}

#[test]
fn names_of_prototypes_are_names() {
    let (schema, ty) = with_field("Map<Int>");
    let mut value: Json = serde_json::from_str(r#"{"__proto__": 1, "constructor": "x", "": 2}"#).unwrap();
    assert_eq!(brief(&schema.check(&ty, &mut value, "/body")), ["/body/constructor type"]);
    let (schema, ty) = with_field("Address");
    let mut value: Json =
        serde_json::from_str(r#"{"__proto__": {"zip": "1"}, "street": "S", "zip": "12345"}"#).unwrap();
    assert_eq!(schema.check(&ty, &mut value, ""), []);
    assert_eq!(value.get("__proto__"), None);
}

#[test]
fn hostile_values_are_bounded() {
    let (schema, ty) = with_field("Tree");
    let mut value = json!({});
    for _ in 0..120 {
        value = json!({ "children": [value] });
    }
    let found = schema.check(&ty, &mut value, "");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "depth");
    let (schema, ty) = with_field("Int[]");
    let mut value: Json = vec!["x"; 10_000].into();
    assert_eq!(schema.check(&ty, &mut value, "").len(), 256);
    let (schema, ty) = with_field("Int[][]");
    let mut value: Json = vec![vec!["x"; 200]; 1_000].into();
    assert_eq!(schema.check(&ty, &mut value, "").len(), 256);
}

#[test]
fn hostile_texts_and_patterns_take_linear_time() {
    // Backtracking engines take 2^n steps for this one.
    let (schema, _) = with_field("String @pattern(\"^(a+)+$\")");
    let mut value = json!({ "x": format!("{}b", "a".repeat(100_000)) });
    let found = schema.check(&Type::Named("T".to_owned()), &mut value, "");
    assert_eq!(brief(&found), ["/x pattern"]);
    let text = r#"type T { x String @pattern("((a{1000}){1000}){1000}") }"#.to_owned();
    let (_, diagnostics) = compile(&[SourceFile { path: "t.ro".to_owned(), text }]);
    assert!(
        diagnostics.iter().any(|found| found.to_string().contains("regular expression")),
        "{diagnostics:?}"
    );
}

#[test]
fn sets_of_fields_are_checked() {
    let (schema, _) = with_field("Int");
    let fields = &schema.shapes["T"].fields;
    let mut value = json!({ "x": 1, "y": 2 });
    assert_eq!(schema.check_fields(fields, &mut value, "/query"), []);
    assert_eq!(value, json!({ "x": 1 }));
    assert_eq!(brief(&schema.check_fields(fields, &mut Json::Null, "/query")), ["/query/x required"]);
}

#[test]
fn texts_are_turned_into_values() {
    let table = [
        ("Int", "42", json!(42)),
        ("Int?", "-1", json!(-1)),
        ("Int", "4.2", json!("4.2")),
        ("Int", "", json!("")),
        ("Float", "2", json!(2)),
        ("Float", "2.5", json!(2.5)),
        ("Float", "NaN", json!("NaN")),
        ("Boolean", "true", json!(true)),
        ("Boolean", "1", json!("1")),
        ("String", "42", json!("42")),
        ("Decimal", "1.50", json!("1.50")),
        ("Role", "ADMIN", json!("ADMIN")),
        ("Int[]", "1", json!([1])),
        ("Json", "{\"a\":1}", json!({"a": 1})),
        ("Json", "plain", json!("plain")),
    ];
    for (field, text, expected) in table {
        let (schema, ty) = with_field(field);
        assert_eq!(schema.parse_text(&ty, text), expected, "{field} ← {text}");
    }
    let (schema, list) = with_field("Int[]?");
    assert_eq!(schema.parse_texts(&list, &["1", "2", "x"]), json!([1, 2, "x"]));
    let (schema, int) = with_field("Int");
    assert_eq!(schema.parse_texts(&int, &["1"]), json!(1));
    let mut several = schema.parse_texts(&int, &["1", "2"]);
    assert_eq!(brief(&schema.check(&int, &mut several, "/query/x")), ["/query/x type"]);
}
