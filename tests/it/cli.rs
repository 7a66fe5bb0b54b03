//! The command `rohas`, as a shell would run it.

use std::ffi::OsStr;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::client::{Client, soon};
use crate::project::{Project, check_setup, shop_dir};

struct Output {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rohas"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.env("NO_COLOR", "1").env_remove("RUST_LOG").kill_on_drop(true);
    command
}

async fn rohas(arguments: &[&OsStr]) -> Output {
    let run = command().args(arguments).output();
    let output = soon("rohas ends", run).await.unwrap();
    Output {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a command that succeeds on a project.
async fn on(project: &std::path::Path, words: &[&str]) -> String {
    let mut arguments: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    arguments.push(project.as_os_str());
    let output = rohas(&arguments).await;
    assert_eq!(output.code, Some(0), "{words:?}: {}", output.stderr);
    output.stdout
}

#[tokio::test]
async fn help_and_version() {
    let help = rohas(&["--help".as_ref()]).await;
    assert_eq!(help.code, Some(0));
    for command in ["run", "validate", "list", "version"] {
        assert!(help.stdout.contains(command), "{}", help.stdout);
    }
    let version = rohas(&["version".as_ref()]).await;
    let first = format!("rohas {}\n", env!("CARGO_PKG_VERSION"));
    assert!(version.stdout.starts_with(&first), "{}", version.stdout);
    assert!(version.stdout.contains("engines: rust typescript python"), "{}", version.stdout);
    let wrong = rohas(&["fly".as_ref()]).await;
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(2), ""));
}

#[tokio::test]
async fn validate_counts_what_there_is() {
    let text = on(&shop_dir(), &["validate"]).await;
    assert_eq!(text, "ok: 19 apis, 6 events, 1 cron, 1 websocket, 29 handlers\n");
}

#[tokio::test]
async fn validate_shows_every_problem_with_its_place() {
    let project = Project::new(&[
        ("schema/api/a.ro", "api A {\n  method: GET\n  pth: \"/a\"\n}\n"),
        ("schema/models/m.ro", "model M {\n  id: Int\n  id: String\n}\n"),
    ]);
    let output = rohas(&["validate".as_ref(), project.path().as_os_str()]).await;
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
    for part in ["S0007", "schema/api/a.ro:3:3", "did you mean `path`?", "S0005", "schema/models/m.ro:3:3"] {
        assert!(output.stderr.contains(part), "no {part:?} in\n{}", output.stderr);
    }
    let nothing = rohas(&["validate".as_ref(), "/nowhere".as_ref()]).await;
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.stderr.contains("/nowhere"), "{}", nothing.stderr);
}

#[tokio::test]
async fn list_speaks_json() {
    let list = async |what: &str| -> Vec<Value> {
        let text = on(&shop_dir(), &["list", what, "--json"]).await;
        serde_json::from_str(&text).unwrap()
    };
    let routes = list("routes").await;
    let route = json!({ "method": "POST", "path": "/orders", "entity": "api CreateOrder" });
    assert!(routes.contains(&route), "{routes:?}");
    let socket = json!({ "method": "WS", "path": "/ws/chat/{room}", "entity": "ws Chat" });
    assert!(routes.contains(&socket), "{routes:?}");
    assert_eq!(routes.len(), 20);

    let handlers = list("handlers").await;
    assert_eq!(handlers.len(), 29);
    let invoice = handlers.iter().find(|handler| handler["name"] == "issue_invoice").unwrap();
    assert_eq!(invoice["language"], "Python");
    assert_eq!(invoice["kind"], "event");
    let file = shop_dir().join("src/handlers/events/issue_invoice.py");
    assert_eq!(invoice["file"], file.display().to_string());

    let events = list("events").await;
    let placed = json!({ "event": "OrderPlaced", "handlers": "issue_invoice", "triggers": "InvoiceIssued" });
    assert!(events.contains(&placed), "{events:?}");
    let table = on(&shop_dir(), &["list", "routes"]).await;
    assert!(table.starts_with("METHOD  PATH "), "{table}");
}

async fn start(arguments: &[&OsStr]) -> (Child, Client) {
    let mut child = command().args(arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = soon("rohas listens", lines.next_line()).await.unwrap();
    let Some(line) = line else {
        let mut log = String::new();
        child.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
        panic!("rohas ended early:\n{log}");
    };
    let address = line.strip_prefix("listening on http://");
    let address = address.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
    (child, Client(address))
}

/// Sends SIGTERM and waits for the end; returns exit code and log.
async fn terminate(mut child: Child) -> (Option<i32>, String) {
    let pid = libc::pid_t::try_from(child.id().unwrap()).unwrap();
    // SAFETY: plain system call on a child that is not reaped yet.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    let mut log = String::new();
    let mut stderr = child.stderr.take().unwrap();
    let ended = async { (stderr.read_to_string(&mut log).await, child.wait().await) };
    let (read, status) = soon("rohas ends", ended).await;
    read.unwrap();
    (status.unwrap().code(), log)
}

#[tokio::test(flavor = "multi_thread")]
async fn run_serves_until_sigterm() {
    check_setup();
    let shop = shop_dir();
    let port = ["--port".as_ref(), "0".as_ref()];
    let (child, client) = start(&["run".as_ref(), shop.as_os_str(), port[0], port[1]]).await;
    client.get("/products/1").await.expect(200);
    let quote = json!({ "country": "DE", "grams": 1 });
    client.post("/shipping/quotes", quote).await.expect(200);
    let failed = ["typescript", "python"].map(async |language| {
        let answer = client.get(&format!("/demo/fail/{language}")).await;
        answer.expect(500)["id"].as_str().unwrap().to_owned()
    });
    let [typescript, python] = failed;
    let ids = [typescript.await, python.await];

    let (code, log) = terminate(child).await;
    assert_eq!(code, Some(0), "{log}");
    assert!(client.is_refused().await);
    // the id leads to the line of the source
    for (id, place) in ids.iter().zip(["FailTypeScript.ts:2:9", "fail_python.py\\\", line 2, in handler"]) {
        let line = log.lines().find(|line| line.contains(id.as_str()));
        let line = line.unwrap_or_else(|| panic!("no {id} in\n{log}"));
        assert!(line.contains(place) && line.contains("hunter2"), "{line}");
    }
}

#[tokio::test]
async fn run_refuses_a_broken_project() {
    let project = Project::new(&[("schema/a.ro", "api A { method: GET path: \"/a\" }\n")]);
    let output = rohas(&["run".as_ref(), project.path().as_os_str()]).await;
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""));
    assert!(output.stderr.contains("there is no handler for api A"), "{}", output.stderr);
}
