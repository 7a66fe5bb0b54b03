//! Every project that `rohas init` makes runs at once: what its README shows is what it prints, and its own test passes
//! with the command that the README names.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::commands::{Folder, command, rohas};
use crate::readme::{Step, fits, run_all, steps};

const PROJECT: &str = "my-app";

/// A project of `language`, in a folder of its own.
fn project(language: &str) -> Folder {
    let here = Folder::new(&[]);
    let made = rohas(here.path(), &format!("init {PROJECT} --lang {language}"));
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    here
}

/// An app that is ended, however the test ends.
struct App(Child, String);

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(mut command: Command) -> App {
    let mut process = command.env("RUST_LOG", "warn").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let mut app = App(process, String::new());
    let line = lines.next().expect("the app says where it listens").unwrap();
    app.1 = line.strip_prefix("listening on http://").expect("an address follows").to_owned();
    app
}

/// The steps that the README of the project tells to try.
fn documented(folder: &Path) -> Vec<Step> {
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let (_, section) = readme.split_once("\n## Try it\n").expect("the README says what to try");
    let (_, block) = section.split_once("```sh\n").unwrap();
    let mut steps = steps(block.split_once("```").unwrap().0);
    let last = steps.last_mut().unwrap();
    assert!(last.command.ends_with("/journal"), "{}", last.command);
    // The event is handled behind the answer; a person is slower than that.
    last.command = format!("until {0} | grep -q milk; do sleep 0.02; done; {0}", last.command);
    steps
}

/// Runs the commands of the README against the app, and the test of the project.
fn holds(language: &str, test: &str) {
    let here = project(language);
    let folder = here.path().join(PROJECT);
    let valid = rohas(&folder, "validate --deny warnings");
    let expected = "ok: 4 apis, 1 event, 1 cron, 1 websocket, 8 handlers\n";
    assert_eq!((valid.code, valid.stdout.as_str()), (Some(0), expected), "{}", valid.stderr);
    let mut run = command(&folder);
    run.args(["run", "--port", "0"]);
    let app = start(run);
    let steps = documented(&folder);
    let printed = run_all(&steps, &[(crate::readme::DOCUMENTED, app.1.as_str())]);
    assert_eq!(printed.len(), steps.len());
    for (Step { command, expected }, printed) in steps.iter().zip(&printed) {
        let expected = expected.as_deref().unwrap_or("");
        assert!(fits(expected, printed), "{command}\nshows\n{expected}\nbut prints\n{printed}");
    }
    drop(app);
    passes(&folder, test);
}

/// Runs the test of a project with the command of its README.
fn passes(folder: &Path, test: &str) {
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    assert!(readme.lines().any(|line| line.starts_with(&format!("{test} "))), "{test} is not in the README");
    let mut words = test.split(' ');
    let mut command = Command::new(words.next().unwrap());
    command.args(words).current_dir(folder).stdin(Stdio::null()).env("ROHAS", env!("CARGO_BIN_EXE_rohas"));
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test}\n{stdout}{stderr}");
}

#[test]
fn a_typescript_project_runs_at_once() {
    holds("typescript", "npm test");
}

#[test]
fn a_python_project_runs_at_once() {
    holds("python", "python3 -m unittest discover tests");
}

#[test]
fn a_mixed_project_runs_at_once() {
    holds("mixed", "python3 -m unittest discover tests");
}
