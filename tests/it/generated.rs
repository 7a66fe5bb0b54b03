//! Generated code, for every schema of `tests/codegen`: the compilers and type checkers of the three languages accept
//! it, the same schema gives the same bytes, and values go through it unchanged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rohas::codegen::{Config, File, PythonModels, Target, generate};
use rohas::schema::{Schema, Severity, SourceFile, compile};

#[cfg(all(feature = "typescript", feature = "python"))]
mod echo;
mod python;
mod rust;
mod subjects;
mod values;

/// How many values of each type go through each language.
const ROUNDS: usize = 40;

/// A schema of the corpus.
struct Sample {
    name: String,
    text: String,
    schema: Schema,
}

impl Sample {
    fn files(&self, target: Target, python_models: PythonModels) -> Vec<File> {
        generate(&self.schema, target, &Config { python_models, ..Config::default() })
    }
}

/// Reads the corpus.
fn corpus() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codegen");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "ro"));
    paths.sort();
    assert!(paths.len() >= 25, "the corpus has lost schemas: {paths:?}");
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(path).unwrap();
        let schema = compiled(&[SourceFile { path: name.clone(), text: text.clone() }]);
        Sample { name, text, schema }
    };
    paths.iter().map(read).collect()
}

/// Compiles a schema without errors.
fn compiled(files: &[SourceFile]) -> Schema {
    let (schema, diagnostics) = compile(files);
    let errors: Vec<_> = diagnostics.iter().filter(|found| found.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    schema
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("rohas-codegen-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn write_all(&self, below: &str, files: &[File]) {
        files.iter().for_each(|file| self.write(Path::new(below).join(&file.path), &file.text));
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if std::env::var_os("KEEP").is_none() {
            let _ = fs::remove_dir_all(&self.0);
        } else {
            eprintln!("kept {}", self.0.display());
        }
    }
}

/// Returns where `scripts/tools.sh` has put a tool; fails when it is not there.
fn tool(path: &str) -> PathBuf {
    let tools = std::env::var_os("ROHAS_TOOLS").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/rohas/tools");
    let path = tools.unwrap_or_else(home).join(path);
    assert!(
        path.exists(),
        "{} is missing: run `make setup` once, it installs the tools of the tests",
        path.display()
    );
    path
}

/// Runs a command that must succeed; shows what it wrote if it does not.
#[track_caller]
fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(60)..];
    assert!(output.status.success(), "{command:?}\n{}", last.join("\n"));
    output
}

const MODELS: [(&str, PythonModels); 2] = [("d_", PythonModels::Dataclass), ("p_", PythonModels::Pydantic)];

#[test]
fn the_same_schema_gives_the_same_bytes() {
    for sample in corpus() {
        let again = compiled(&[SourceFile { path: "elsewhere.ro".to_owned(), text: sample.text.clone() }]);
        for target in Target::ALL {
            for (_, python_models) in MODELS {
                let config = Config { python_models, ..Config::default() };
                let files = sample.files(target, python_models);
                assert_eq!(files, generate(&again, target, &config), "{}", sample.name);
                let mut paths: Vec<_> = files.iter().map(|file| &file.path).collect();
                paths.dedup();
                assert_eq!(paths.len(), files.len(), "{}: a path twice", sample.name);
            }
        }
    }
}

#[test]
fn the_order_of_files_and_items_does_not_matter() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/codegen/shop.ro")).unwrap();
    // Every item of this schema starts a line.
    let starts = ["/// ", "type ", "enum ", "model ", "input ", "api ", "event ", "cron ", "ws "];
    let mut items: Vec<String> = Vec::new();
    for line in text.lines() {
        let starts = starts.iter().any(|start| line.starts_with(start));
        match items.last_mut() {
            Some(last) if !starts || last.starts_with("///") && !last.contains('\n') => {
                *last += &format!("\n{line}")
            }
            _ => items.push(line.to_owned()),
        }
    }
    assert!(items.len() == 15, "{items:#?}");
    let file = |(at, item): (usize, &String)| SourceFile { path: format!("{at}.ro"), text: item.clone() };
    let straight: Vec<SourceFile> = items.iter().enumerate().map(file).collect();
    let mut turned: Vec<SourceFile> = straight.iter().rev().cloned().collect();
    let half = turned.len() / 2;
    turned.swap(0, half);
    for target in Target::ALL {
        let from = |files: &[SourceFile]| generate(&compiled(files), target, &Config::default());
        assert_eq!(from(&straight), from(&turned), "{target:?}");
    }
}
