//! Generated Python: `mypy --strict`, syntax of 3.9, and every module imports in the interpreters that are there.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use rohas::Json;
use rohas::codegen::{File, Missing, PythonModels, Target, stub};
use rohas::schema::SourceFile;
use serde_json::json;

use super::subjects::subjects;
use super::values::{Maker, Random, canonical};
use super::{Folder, MODELS, ROUNDS, Sample, compiled, corpus, succeed, tool};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Writes the packages of the whole corpus: `d_shop` has dataclasses, `p_shop` pydantic models.
pub fn packages(folder: &Folder) {
    for sample in corpus() {
        for (prefix, models) in MODELS {
            let files = sample.files(Target::Python, models);
            assert!(!files.is_empty(), "{} has no Python", sample.name);
            folder.write_all(&format!("{prefix}{}", sample.name), &files);
        }
    }
}

/// A Python that sees the packages in `folder` and the runtime of handlers.
pub fn python(interpreter: &Path, folder: &Folder) -> Command {
    let mut command = Command::new(interpreter);
    let path = std::env::join_paths([folder.0.clone(), Path::new(ROOT).join("src/lang/python")]).unwrap();
    command.current_dir(&folder.0).env("PYTHONPATH", path).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn interpreter() -> std::path::PathBuf {
    tool("venv/bin/python")
}

/// Writes a stub for every handler of the corpus.
fn stubs(folder: &Folder) {
    for sample in corpus() {
        let schema = &sample.schema;
        let mut missing: Vec<Missing> = schema.apis.keys().cloned().map(Missing::Api).collect();
        missing.extend(schema.crons.keys().cloned().map(Missing::Cron));
        let handlers = schema.events.values().flat_map(|event| &event.handlers);
        missing.extend(handlers.cloned().map(Missing::Event));
        for socket in schema.sockets.values() {
            let functions = [&socket.on_connect, &socket.on_message, &socket.on_disconnect];
            let functions = functions.into_iter().flatten().cloned().collect();
            missing.push(Missing::Socket { name: socket.name.clone(), functions });
        }
        for missing in missing {
            let File { path, text } = stub(schema, Target::Python, &missing).unwrap();
            let text = text.replace("from generated.", &format!("from d_{}.", sample.name));
            folder.write(Path::new(&format!("stubs_{}", sample.name)).join(path), &text);
        }
    }
}

#[test]
fn mypy_accepts_it_strictly() {
    let folder = Folder::new();
    packages(&folder);
    stubs(&folder);
    folder.write("usage.py", &fs::read_to_string(Path::new(ROOT).join("tests/codegen/usage.py")).unwrap());
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mypy");
    let mut mypy = python(&interpreter(), &folder);
    mypy.env_remove("PYTHONPATH").args([
        "-m",
        "mypy",
        "--strict",
        "--explicit-package-bases",
        "--python-version",
        "3.9",
        "--no-error-summary",
    ]);
    succeed(mypy.arg("--cache-dir").arg(cache).arg("."));
}

#[test]
fn what_mypy_is_told_about_the_runtime_is_true() {
    let folder = Folder::new();
    packages(&folder);
    let mut stubtest = python(&interpreter(), &folder);
    // What only the worker calls is not for handlers.
    folder.write(
        "inner",
        "d_empty.runtime.(HandlerContext.__init__|State.__init__|State.effects|Response.head|.*__rohas_.*)\n",
    );
    stubtest.env("MYPYPATH", &folder.0);
    succeed(stubtest.args(["-m", "mypy.stubtest", "--allowlist", "inner", "d_empty.runtime"]));
}

#[test]
fn every_module_imports_without_a_warning() {
    let folder = Folder::new();
    packages(&folder);
    let check = Path::new(ROOT).join("tests/codegen/check.py");
    succeed(python(&interpreter(), &folder).args(["-W", "error"]).arg(&check).arg("d_,p_"));
    succeed(python(Path::new("python3"), &folder).args(["-W", "error"]).arg(&check).arg("d_"));
    // The oldest Python that is promised, where this machine has it; the syntax is checked in any case.
    let home = std::env::var_os("HOME").expect("HOME is set");
    let versions = fs::read_dir(Path::new(&home).join(".pyenv/versions")).into_iter().flatten();
    for version in versions.map(|entry| entry.unwrap().path()) {
        let name = version.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("3.9.") || name.starts_with("3.13.") {
            succeed(
                python(&version.join("bin/python3"), &folder).args(["-W", "error"]).arg(&check).arg("d_"),
            );
        }
    }
}

#[test]
fn what_is_generated_behaves() {
    let folder = Folder::new();
    packages(&folder);
    // Not in the corpus: Python does not give this default back as it is.
    let text =
        "type Leaps { given: DateTime  written: DateTime @default(\"2016-12-31T23:59:60Z\") }".to_owned();
    let schema = compiled(&[SourceFile { path: "leaps.ro".to_owned(), text: text.clone() }]);
    let leaps = Sample { name: "leaps".to_owned(), text, schema };
    for (prefix, models) in MODELS {
        folder.write_all(&format!("{prefix}leaps"), &leaps.files(Target::Python, models));
    }
    let script = Path::new(ROOT).join("tests/codegen/behaviour.py");
    succeed(python(&interpreter(), &folder).args(["-W", "error"]).arg(script));
}

#[test]
fn values_go_through_python_unchanged() {
    let folder = Folder::new();
    packages(&folder);
    let mut lines = String::new();
    let mut expected = Vec::new();
    let samples = corpus();
    for sample in &samples {
        let mut maker = Maker { schema: &sample.schema, random: Random(7), largest: i64::MAX };
        let files = sample.files(Target::Python, PythonModels::Dataclass);
        for subject in subjects(sample) {
            let (module, name) = subject.python(&files);
            for (prefix, _) in MODELS {
                let module = format!("{prefix}{}.{module}", sample.name);
                for _ in 0..ROUNDS {
                    let value = maker.value(&subject.ty);
                    writeln!(lines, "{}", json!([module, name, value])).unwrap();
                    expected.push((sample, subject.ty.clone(), format!("{module}.{name}"), value));
                }
            }
        }
    }
    folder.write("values", &lines);
    let script = Path::new(ROOT).join("tests/codegen/round_trip.py");
    let output = succeed(python(&interpreter(), &folder).arg(script).arg("values"));
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<Json> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), expected.len());
    assert!(answers.len() > 200 * ROUNDS, "{}", answers.len());
    for (answer, (sample, ty, name, value)) in answers.iter().zip(&expected) {
        let canonical = |value| canonical(&sample.schema, ty, value);
        assert_eq!(canonical(answer), canonical(value), "{name}");
        let violations = sample.schema.check(ty, &mut answer.clone(), "");
        assert!(violations.is_empty(), "{name}: {violations:?}\n{answer:#}");
    }
}
