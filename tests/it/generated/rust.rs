//! Generated Rust. What is generated for the corpus is kept in `tests/codegen/rust`, compared here, and compiled into
//! this binary: rustc and clippy, with warnings denied, have the last word. `UPDATE=1 cargo test generated` rewrites it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rohas::codegen::{PythonModels, Target};
use rohas::{Failure, Json};
use serde_json::json;

use super::subjects::subjects;
use super::values::{Maker, Random, canonical};
use super::{ROUNDS, corpus};

#[path = "../../codegen/rust/mod.rs"]
#[rustfmt::skip]
pub mod kept_code;

/// Returns every file of the kept code by its path below the folder.
fn expected() -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut modules = String::new();
    let mut arms = String::new();
    for sample in corpus() {
        let name = &sample.name;
        writeln!(modules, "pub mod {name};").unwrap();
        let generated = sample.files(Target::Rust, PythonModels::Dataclass);
        for subject in subjects(&sample) {
            let (folder, plain, rust) = (subject.folder, &subject.name, subject.rust(&generated));
            writeln!(arms, "        \"{name} {folder} {plain}\" => one::<{name}::{rust}>(value),").unwrap();
        }
        for mut file in generated {
            // Every schema has the same run time: one is kept.
            if file.path == Path::new("runtime.rs") {
                let first = files.entry(file.path).or_insert_with(|| file.text.clone());
                assert_eq!(*first, file.text, "{name}");
                continue;
            }
            if file.path == Path::new("mod.rs") {
                file.text = file.text.replace("pub mod runtime;", "pub use super::runtime;");
            }
            files.insert(Path::new(name).join(file.path), file.text);
        }
    }
    let head = "// Written by tests/it/generated/rust.rs: UPDATE=1 cargo test generated\n#![allow(dead_code, unused_imports)]\n\
         #[allow(clippy::all)]\npub mod runtime;\n";
    let text = format!(
        "{head}{modules}\ntype Outcome = Result<serde_json::Value, serde_json::Error>;\n\n\
         fn one<T: serde::Serialize + serde::de::DeserializeOwned>(value: serde_json::Value) -> Outcome {{\n    \
         serde_json::to_value(serde_json::from_value::<T>(value)?)\n}}\n\n\
         /// Sends a value through the type of a subject and back.\n#[allow(clippy::too_many_lines)]\n\
         pub fn through(subject: &str, value: serde_json::Value) -> Outcome {{\n    match subject {{\n{arms}        \
         other => panic!(\"no {{other}}: UPDATE=1 cargo test generated\"),\n    }}\n}}\n"
    );
    files.insert(PathBuf::from("mod.rs"), text);
    files
}

/// Returns what is kept.
fn kept(root: &Path) -> BTreeMap<PathBuf, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                files.insert(path.strip_prefix(root).unwrap().to_owned(), text);
            }
        }
    }
    files
}

#[test]
fn what_is_compiled_here_is_what_is_generated() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codegen/rust");
    let expected = expected();
    if std::env::var_os("UPDATE").is_some() {
        fs::remove_dir_all(&root).unwrap();
        for (path, text) in &expected {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
    }
    let kept = kept(&root);
    let differs = |path: &&PathBuf| kept.get(*path) != expected.get(*path);
    let different: Vec<_> = expected.keys().chain(kept.keys()).filter(differs).collect();
    assert!(
        different.is_empty(),
        "look at it with UPDATE=1 cargo test generated and git diff: {different:?}"
    );
}

#[test]
fn values_go_through_rust_unchanged() {
    let mut count = 0;
    for sample in corpus() {
        let mut maker = Maker { schema: &sample.schema, random: Random(3), largest: i64::MAX };
        for subject in subjects(&sample) {
            for _ in 0..ROUNDS {
                let value = maker.value(&subject.ty);
                let name = format!("{} {} {}", sample.name, subject.folder, subject.name);
                let back = kept_code::through(&name, value.clone());
                let back = back.unwrap_or_else(|error| panic!("{name}: {error}\n{value:#}"));
                let canonical = |value| canonical(&sample.schema, &subject.ty, value);
                assert_eq!(canonical(&back), canonical(&value), "{name}");
                let mut checked = back.clone();
                let violations = sample.schema.check(&subject.ty, &mut checked, "");
                assert!(violations.is_empty(), "{name}: {violations:?}\n{back:#}");
                count += 1;
            }
        }
    }
    assert!(count > 100 * ROUNDS, "{count}");
}

#[test]
fn declared_errors_become_failures() {
    use kept_code::apis::api::{GetItemError, PutItemError};
    use kept_code::apis::models::NotFound;

    let body = NotFound { message: "no item".to_owned() };
    let expected = Failure::declared("NotFound", "no item", json!({ "message": "no item" }));
    assert_eq!(Failure::from(GetItemError::NotFound(body)), expected);
    let gone = Failure::from(PutItemError::Gone("sold".to_owned()));
    assert_eq!(gone, Failure::declared("Gone", "sold", json!({ "message": "sold" })));
}

#[test]
fn requests_and_connections_are_typed() {
    use kept_code::apis::api::{PutItemHeaders, PutItemRequest};
    use kept_code::apis::models::ItemKind;
    use kept_code::websockets::websockets::RoomsConnection;

    let id = "0190a6a0-0000-7000-8000-000000000001";
    let request: Json = json!({
        "params": { "id": 7, "kind": "LARGE" }, "query": { "dry": true }, "body": { "name": "n" },
        "headers": { "if-match": id, "user-agent": "test", "x-1": 3 }, "method": "PUT", "path": "/items/7/LARGE",
    });
    let request: PutItemRequest = serde_json::from_value(request).unwrap();
    assert_eq!((request.params.id, request.params.kind), (7, ItemKind::Large));
    assert!(request.query.dry && request.body.note.is_none());
    let headers = PutItemHeaders::of(&request).unwrap();
    assert_eq!((headers.if_match.to_string().as_str(), headers.x_1, headers.x_tenant), (id, Some(3), None));
    let connection: Json = json!({ "id": "c", "endpoint": "Rooms", "params": { "room": "r", "seat": 2 } });
    let connection: RoomsConnection = serde_json::from_value(connection).unwrap();
    assert_eq!((connection.params.room.as_str(), connection.params.seat), ("r", 2));
}
