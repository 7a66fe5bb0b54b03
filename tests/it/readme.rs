//! The README is true: every command of its tour is run against the example and must print what the tour shows, and
//! its Rust example is the one that the crate's documentation compiles.
//!
//! A block of the tour follows the line `<!-- tour -->`; what a command prints stands behind it as `# => …`. JSON is
//! compared as JSON, where `"…"` is any value; a line that is only `…` is any number of further lines.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Where the README says the example listens.
pub const DOCUMENTED: &str = "localhost:3000";

/// Where it says the admin door of the example is.
const ADMIN: &str = "localhost:3001";

/// Stands between the outputs of two commands.
const END: char = '\u{1e}';

/// One command of the tour, and what it prints.
#[derive(Debug, PartialEq)]
pub struct Step {
    pub command: String,
    pub expected: Option<String>,
}

/// An app that is ended, however the test ends.
struct App {
    process: Child,
    address: String,
    admin: String,
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The `sh` blocks that follow the line `marker`.
fn blocks<'a>(text: &'a str, marker: &str) -> Vec<&'a str> {
    let opening = format!("\n{marker}\n```sh\n");
    let starts = text.match_indices(&opening).map(|(at, _)| at + opening.len());
    starts
        .map(|start| {
            let end = text[start..].find("```").expect("a block ends");
            &text[start..start + end]
        })
        .collect()
}

/// Takes a block apart.
pub fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("# =>"), steps.last_mut()) {
            (Some(output), Some(step)) => {
                let output = output.strip_prefix(' ').unwrap_or(output);
                let expected = step.expected.get_or_insert_default();
                *expected = format!("{expected}{output}\n");
            }
            (Some(output), None) => panic!("{output:?} is printed by nothing"),
            (None, _) => steps.push(Step { command: line.to_owned(), expected: None }),
        }
    }
    steps
}

fn json_fits(expected: &Value, actual: &Value) -> bool {
    match (expected, actual) {
        (Value::String(any), _) if any == "…" => true,
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| json_fits(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let fits = |(key, value)| right.get(key).is_some_and(|actual| json_fits(value, actual));
            left.len() == right.len() && left.iter().all(fits)
        }
        _ => expected == actual,
    }
}

/// Tells whether a command printed what the tour shows.
pub fn fits(expected: &str, actual: &str) -> bool {
    if let (Ok(expected), Ok(actual)) = (serde_json::from_str(expected), serde_json::from_str(actual)) {
        return json_fits(&expected, &actual);
    }
    let (expected, actual) = (expected.trim_end(), actual.trim_end());
    match expected.strip_suffix("\n…") {
        Some(beginning) => actual.starts_with(&format!("{beginning}\n")),
        None => expected == actual,
    }
}

/// Runs `rohas run …` of the README on a free port.
fn start(command: &str) -> App {
    for (file, made_from) in [("node_modules", "package-lock.json"), (".venv", "requirements.txt")] {
        let path = root().join("examples/shop/app").join(file);
        assert!(path.exists(), "{} is missing ({made_from}): make setup", path.display());
    }
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[0], "rohas");
    let mut process = Command::new(env!("CARGO_BIN_EXE_rohas"))
        .args(&words[1..])
        .args(["--port", "0"])
        .current_dir(root())
        .env("RUST_LOG", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut app = App { process, address: String::new(), admin: String::new() };
    for (said, address) in [("listening on http://", &mut app.address), ("admin on http://", &mut app.admin)]
    {
        let line = lines.next().expect("rohas run says where it listens").unwrap();
        *address = line.strip_prefix(said).expect("an address follows").to_owned();
    }
    app
}

/// Runs all commands in one shell, as a reader would, and returns what each printed.
pub fn run_all(steps: &[Step], addresses: &[(&str, &str)]) -> Vec<String> {
    let binary = Path::new(env!("CARGO_BIN_EXE_rohas"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", binary.parent().unwrap().display());
    let mut shell = Command::new("timeout")
        .args(["120", "bash"])
        .current_dir(root())
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env_remove("http_proxy")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut script = String::new();
    for step in steps {
        let command = addresses
            .iter()
            .fold(step.command.clone(), |command, (shown, real)| command.replace(shown, real));
        script.push_str(&format!("{command}\nprintf '\\036'\n"));
    }
    // The script goes in whole before the shell reads: it is far smaller than a pipe.
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    assert!(output.status.success(), "the tour ended with {}", output.status);
    let output = String::from_utf8(output.stdout).unwrap();
    output.split_terminator(END).map(str::to_owned).collect()
}

#[test]
fn the_tour_prints_what_it_shows() {
    let readme = readme();
    let [command] = blocks(&readme, "<!-- tour: start -->")[..] else {
        panic!("the README starts the example once");
    };
    let steps: Vec<Step> = blocks(&readme, "<!-- tour -->").into_iter().flat_map(steps).collect();
    assert!(steps.len() > 10, "the tour is gone");
    let app = start(command);
    let outputs = run_all(&steps, &[(DOCUMENTED, &app.address), (ADMIN, &app.admin)]);
    assert_eq!(outputs.len(), steps.len(), "a command of the tour was not reached: {outputs:#?}");
    for (Step { command, expected }, actual) in steps.iter().zip(&outputs) {
        let expected = expected.as_deref().unwrap_or("");
        assert!(fits(expected, actual), "{command}\nshows\n{expected}\nbut prints\n{actual}");
    }
}

#[test]
fn the_rust_example_is_the_compiled_one() {
    let library = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let documented: String = library
        .lines()
        .skip_while(|line| *line != "//! ```no_run")
        .skip(1)
        .take_while(|line| *line != "//! ```")
        .map(|line| line.strip_prefix("//!").unwrap())
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .filter(|line| !line.starts_with("# "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(documented.contains("ActorApp::builder()"), "the example moved: tell this test where to");
    let shown = readme().contains(&format!("```rust\n{documented}```\n"));
    assert!(shown, "make the README's Rust example this one, from src/lib.rs:\n{documented}");
}

#[test]
fn every_comparison_can_fail() {
    assert!(fits("{\"id\": \"…\", \"n\": 1}\n", "{\"n\":1,\"id\":7}"));
    assert!(!fits("{\"id\": \"…\", \"n\": 1}\n", "{\"n\":2,\"id\":7}"));
    assert!(!fits("{\"n\": 1}\n", "{\"n\":1,\"id\":7}"));
    assert!(!fits("[1, 2]", "[1]"));
    assert!(fits("a\n…\n", "a\nb\nc\n") && fits("a\n", "a"));
    assert!(!fits("a\n…\n", "b\nc\n") && !fits("", "error"));
    let step = |command: &str, expected: Option<&str>| Step {
        command: command.to_owned(),
        expected: expected.map(str::to_owned),
    };
    let block = blocks("x\n<!-- tour -->\n```sh\na=1\necho $a\n# => 1\n# =>\n```\n", "<!-- tour -->");
    assert_eq!(steps(block[0]), [step("a=1", None), step("echo $a", Some("1\n\n"))]);
}
