//! Checking values against types: `Schema::check` against the crate `jsonschema` on the documents of the same types.
//!
//! ```text
//!  value ──▶ Schema::check              every violation, defaults filled in, undeclared fields dropped
//!        ├─▶ jsonschema  is_valid       yes or no, at the first error
//!        └─▶ jsonschema  iter_errors    every violation, as a pointer and a message
//! ```
//!
//! Both are compiled before the clock starts. A value that our check changes is copied anew for each round, outside of
//! the time; of one that it leaves alone one copy serves all rounds.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rohas::schema::{Schema, SourceFile, Type, compile, json_schema_of};
use serde_json::{Value as Json, json};

use crate::measure::{Case, Comparison, Ratios};

mod measure;

/// Copies of a value that stand ready at a time.
const COPIES: u64 = 64;

const SCHEMA: &str = r#"
enum Role { ADMIN EDITOR MEMBER GUEST }
type Person {
  name: String @length(1, 80)
  email: String @format(email)
  age: Int @min(0) @max(150)
  tags: String[]
  active: Bool
}
type Account {
  id        Uuid
  owner     Person
  role      Role     @default(MEMBER)
  balance   Decimal
  createdAt DateTime
  birthday  Date?
  site      String?  @format(uri)
  slug      String   @pattern("^[a-z0-9]+(?:-[a-z0-9]+)*$")
  limits    Map<Int>
  note      String   @default("")
}
type Order  { id Int  lines Line[] @length(1, 100000) }
type Line   { product Int @min(1)  quantity Int @min(1) @max(100)  price Decimal  gift Bool @default(false) }
type Points { values Float[] }
type Tree   { name String  left Tree?  right Tree? }
"#;

fn person(number: usize) -> Json {
    json!({ "name": "Ada Lovelace", "email": format!("ada{number}@example.org"), "age": 36,
        "tags": ["maths", "engines"], "active": true })
}

fn account() -> Json {
    json!({ "id": "0190f3c0-0000-7000-8000-000000000000", "owner": person(1), "role": "ADMIN", "balance": "1024.50",
        "createdAt": "2025-01-31T12:00:00.123+01:00", "birthday": "1815-12-10", "site": "https://example.org/a?b=c",
        "slug": "ada-lovelace-1815", "limits": { "read": 100, "write": 10 }, "note": "" })
}

/// The same in another order, with fields that are not declared and without some that have defaults.
fn shuffled() -> Json {
    let Json::Object(entries) = account() else { unreachable!("it is an object") };
    let mut entries: Vec<_> =
        entries.into_iter().rev().filter(|(name, _)| name != "note" && name != "role").collect();
    entries.insert(3, ("more".to_owned(), json!([1, 2, 3])));
    entries.push(("extra".to_owned(), json!("text")));
    Json::Object(entries.into_iter().collect())
}

fn order(lines: usize) -> Json {
    let line = |number: usize| json!({ "product": number + 1, "quantity": number % 100 + 1, "price": format!("{number}.99"), "gift": false });
    json!({ "id": 1, "lines": (0..lines).map(line).collect::<Vec<_>>() })
}

fn tree(depth: usize) -> Json {
    match depth {
        0 => json!({ "name": "leaf" }),
        _ => json!({ "name": "node", "left": tree(depth - 1), "right": null }),
    }
}

/// One thing in ten is wrong.
fn damaged() -> Json {
    let mut value = order(1_000);
    for line in value["lines"].as_array_mut().into_iter().flatten().step_by(10) {
        line["quantity"] = json!(0);
    }
    value
}

fn invalid() -> Json {
    let mut value = account();
    value["owner"]["email"] = json!("nobody");
    value["limits"]["read"] = json!("100");
    value["createdAt"] = json!("yesterday");
    value
}

fn main() {
    let (schema, diagnostics) =
        compile(&[SourceFile { path: "bench.ro".to_owned(), text: SCHEMA.to_owned() }]);
    assert!(diagnostics.iter().all(|found| found.code != "S0001"), "{diagnostics:?}");
    let values = [
        ("validation, small object", "Person", person(1), true),
        ("validation, object of all kinds", "Account", account(), true),
        ("validation, other order, defaults", "Account", shuffled(), true),
        ("validation, 1,000 lines", "Order", order(1_000), true),
        ("validation, 10,000 floats", "Points", json!({ "values": vec![0.5; 10_000] }), true),
        ("validation, 30 levels", "Tree", tree(30), true),
        ("validation, 3 errors", "Account", invalid(), false),
        ("validation, 100 errors in 1,000 lines", "Order", damaged(), false),
    ];
    let mut criterion = measure::criterion();
    let mut ratios = Ratios::default();
    for (name, ty, value, valid) in values {
        for peer in [Peer::IsValid, Peer::Errors] {
            let compared = compare(&schema, name, &Type::Named(ty.to_owned()), &value, (peer, valid));
            ratios.compare(&mut criterion, compared);
        }
    }
    criterion.final_summary();
    ratios.print();
}

#[derive(Clone, Copy)]
enum Peer {
    IsValid,
    Errors,
}

fn compare<'a>(
    schema: &'a Schema,
    name: &'static str,
    ty: &Type,
    value: &'a Json,
    (peer, valid): (Peer, bool),
) -> Comparison<'a> {
    let options =
        jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
    let validator = options.build(&json_schema_of(schema, ty)).expect("our documents are valid");
    let mut copy = value.clone();
    assert_eq!((schema.check(ty, &mut copy, "").is_empty(), validator.is_valid(value)), (valid, valid));
    // As texts, because the order of fields counts.
    let (before, after) = (value.to_string(), copy.to_string());
    let changes = before != after;
    let ty = ty.clone();
    let ours = move |iterations: u64| {
        if changes {
            return copied(value, iterations, |value| drop(black_box(schema.check(&ty, value, "/body"))));
        }
        let mut value = value.clone();
        let start = Instant::now();
        for _ in 0..iterations {
            black_box(schema.check(&ty, black_box(&mut value), "/body"));
        }
        start.elapsed()
    };
    let theirs = move |iterations: u64| {
        let start = Instant::now();
        for _ in 0..iterations {
            match peer {
                Peer::IsValid => drop(black_box(validator.is_valid(black_box(value)))),
                Peer::Errors => drop(black_box(
                    validator
                        .iter_errors(black_box(value))
                        .map(|error| (error.instance_path().to_string(), error.to_string()))
                        .collect::<Vec<_>>(),
                )),
            }
        }
        start.elapsed()
    };
    let peer = match peer {
        Peer::IsValid => "is_valid",
        Peer::Errors => "iter_errors",
    };
    Comparison { name, operations: 1, cases: vec![Case::new("rohas", ours), Case::new(peer, theirs)] }
}

/// Runs `work` on fresh copies and leaves the copying out of the time.
fn copied(value: &Json, iterations: u64, mut work: impl FnMut(&mut Json)) -> Duration {
    let mut time = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let round = left.min(COPIES);
        let mut copies: Vec<Json> = (0..round).map(|_| value.clone()).collect();
        let start = Instant::now();
        copies.iter_mut().for_each(&mut work);
        time += start.elapsed();
        left -= round;
    }
    time
}
