//! The documents of schemas against validators that others wrote: `jsonschema` and `openapi-spec-validator` from PyPI,
//! `@asyncapi/parser` from npm. One process each for all documents; then the commands that print them.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rohas::schema::{Schema, Severity, SourceFile, asyncapi, compile, json_schema, openapi};
use serde_json::{Value as Json, json};

/// A folder that is gone at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rohas-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where scripts/tools.sh puts what tests run.
fn tools() -> PathBuf {
    let named = std::env::var_os("ROHAS_TOOLS").map(PathBuf::from);
    named.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/rohas/tools"))
}

fn sources(folder: &Path, found: &mut Vec<SourceFile>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "ro") {
            let text = fs::read_to_string(&path).unwrap();
            found.push(SourceFile { path: path.display().to_string(), text });
        }
    }
}

fn valid(name: &str, sources: &[SourceFile]) -> Schema {
    let (schema, diagnostics) = compile(sources);
    let errors: Vec<String> = diagnostics
        .iter()
        .filter(|found| found.severity == Severity::Error)
        .map(|found| found.render(false))
        .collect();
    assert!(errors.is_empty(), "{name}: {}", errors.join("\n"));
    schema
}

/// Every schema of the tests and the shop, by name.
fn corpus() -> BTreeMap<String, Schema> {
    let mut out = BTreeMap::new();
    for folder in ["tests/documents", "tests/schema"] {
        let mut found = Vec::new();
        sources(&root().join(folder), &mut found);
        for source in found {
            let name = Path::new(&source.path).file_stem().unwrap().to_str().unwrap().to_owned();
            if folder == "tests/documents" || name.starts_with("valid_") {
                out.insert(name.clone(), valid(&name, &[source]));
            }
        }
    }
    let mut shop = Vec::new();
    sources(&root().join("examples/shop/app/schema"), &mut shop);
    sources(&root().join("examples/shop/rust/schema"), &mut shop);
    out.insert("shop".to_owned(), valid("shop", &shop));
    assert!(out.len() >= 8, "{:?}", out.keys());
    out
}

/// Runs a validator over a folder; returns what it found by document.
fn validate(command: &mut Command) -> BTreeMap<String, Vec<String>> {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: run scripts/tools.sh"));
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{command:?}: run scripts/tools.sh if something is missing\n{stderr}");
    serde_json::from_slice(&stdout).unwrap()
}

fn python(folder: &Path) -> Command {
    let mut command = Command::new(tools().join("venv/bin/python"));
    command.arg(root().join("tests/tools/check_documents.py")).arg(folder);
    command
}

fn node(folder: &Path) -> Command {
    let mut command = Command::new("node");
    command.env("NODE_PATH", tools().join("node_modules"));
    command.arg(root().join("tests/tools/check_asyncapi.js")).arg(folder);
    command
}

#[test]
fn independent_validators_accept_every_document() {
    let folder = Folder::new("documents");
    for (name, schema) in corpus() {
        folder.write(&format!("{name}.schema.json"), json_schema(&schema).to_string());
        folder.write(&format!("{name}.openapi.json"), openapi(&schema, &name, "1.0.0").to_string());
        folder.write(&format!("{name}.asyncapi.json"), asyncapi(&schema, &name, "1.0.0").to_string());
    }
    // What must not pass: a validator that accepts all would be no test.
    let broken = "broken: ";
    folder.write(&format!("{broken}type.schema.json"), r#"{"$defs": {"A": {"type": "strin"}}}"#);
    folder.write(&format!("{broken}reference.schema.json"), r##"{"$ref": "#/$defs/A", "$defs": {}}"##);
    let api = json!({ "openapi": "3.1.0", "info": { "title": "", "version": "" }, "components": {},
        "paths": { "/a/{b}": { "get": { "responses": { "200": { "description": "" } } } } } });
    folder.write(&format!("{broken}parameter.openapi.json"), api.to_string());
    let event = json!({ "asyncapi": "3.0.0", "info": { "title": "", "version": "" },
        "channels": {}, "operations": { "a": { "action": "fly", "channel": { "$ref": "#/channels/b" } } } });
    folder.write(&format!("{broken}action.asyncapi.json"), event.to_string());

    let mut found = validate(&mut python(&folder.0));
    found.extend(validate(&mut node(&folder.0)));
    assert_eq!(found.len(), corpus().len() * 3 + 4);
    let (broken, ours): (Vec<_>, Vec<_>) = found.into_iter().partition(|(name, _)| name.starts_with(broken));
    let wrong: Vec<_> = ours.iter().filter(|(_, problems)| !problems.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let accepted: Vec<_> = broken.iter().filter(|(_, problems)| problems.is_empty()).collect();
    assert!(accepted.is_empty() && broken.len() == 4, "{accepted:#?}");
}

// ---- the commands

fn rohas(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rohas"));
    let output = command.args(arguments).env("NO_COLOR", "1").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A project of a schema and nothing else: documents need no handlers.
fn project(name: &str, schema: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("schema/all.ro", schema);
    folder.write("config/rohas.toml", "[project]\nname = \"till\"\nversion = \"2.1.0\"\n");
    folder
}

const TILL: &str = "
    /// What is paid.
    type Payment { cents: Int @min(1)  by: Payer }
    type Payer { name: String }
    type Alone { word: String }
    api Pay { method: POST path: \"/pay/{till}\" body: Payment response: Payment triggers: [Paid] }
    event Paid { payload: Payment handler: [book] }
";

#[test]
fn the_commands_print_the_documents_of_a_project() {
    let folder = project("commands", TILL);
    let path = folder.0.to_str().unwrap();
    let print = |words: &[&str]| -> Json {
        let (code, stdout, stderr) = rohas(&[words, &[path]].concat());
        assert_eq!((code, stderr.contains("error")), (Some(0), false), "{words:?}: {stderr}");
        serde_json::from_str(&stdout).unwrap()
    };
    let api = print(&["openapi"]);
    assert_eq!(api["info"], json!({ "title": "till", "version": "2.1.0" }));
    assert_eq!(api["paths"]["/pay/{till}"]["post"]["operationId"], "Pay");
    let names = |document: &Json, at: &str| -> Vec<String> {
        document.pointer(at).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    // What no api uses is not in it.
    assert_eq!(names(&api, "/components/schemas"), ["Payment", "Payer", "Problem", "Violation"]);
    let events = print(&["asyncapi"]);
    assert_eq!(events["operations"]["sendPaid"]["x-rohas-triggered-by"], json!(["api Pay"]));
    assert_eq!(events["operations"]["receivePaid"]["x-rohas-handlers"], json!(["book"]));
    assert_eq!(names(&print(&["json-schema"]), "/$defs"), ["Payment", "Payer", "Alone"]);
    let one = print(&["json-schema", "--type", "Payment"]);
    assert_eq!(
        (names(&one, "/$defs"), &one["$ref"]),
        (vec!["Payment".into(), "Payer".into()], &json!("#/$defs/Payment"))
    );

    let file = folder.0.join("openapi.json");
    let (code, stdout, _) = rohas(&["openapi", path, "--output", file.to_str().unwrap()]);
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
    let written = fs::read_to_string(&file).unwrap();
    let (_, printed, _) = rohas(&["openapi", path]);
    assert_eq!(written, printed, "the same schema gives the same text");
}

#[test]
fn the_commands_say_what_is_wrong() {
    let folder = project("wrong-type", TILL);
    let path = folder.0.to_str().unwrap();
    let (code, stdout, stderr) = rohas(&["json-schema", path, "--type", "Paymnet"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.ends_with("error: there is no type `Paymnet`; did you mean `Payment`?\n"), "{stderr}");
    let (code, _, stderr) = rohas(&["openapi", path, "--output", "/nowhere/at/all.json"]);
    assert_eq!((code, stderr.contains("/nowhere/at/all.json")), (Some(1), true), "{stderr}");

    let folder = project("broken", "type Payment { cents: Intt }\ntype Other { a: Strng }\n");
    for command in ["openapi", "asyncapi", "json-schema"] {
        let (code, stdout, stderr) = rohas(&[command, folder.0.to_str().unwrap()]);
        assert_eq!((code, stdout.as_str()), (Some(1), ""));
        assert!(stderr.contains("all.ro:1") && stderr.contains("all.ro:2"), "{stderr}");
    }
    let (code, _, stderr) = rohas(&["openapi", "/nowhere"]);
    assert_eq!((code, stderr.contains("/nowhere")), (Some(1), true), "{stderr}");
}
