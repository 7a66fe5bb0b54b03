//! `rohas tree` as a shell would run it, against an app of this process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rohas::{ActorApp, Config, Failure, Request, Running, State};
use serde_json::Value;

use crate::commands::{Output, command, rohas};

const SCHEMA: &str = r#"api Hello { method: GET path: "/" response: String mailbox: 7 }"#;

async fn start(admin: &str) -> Running {
    let config = format!("[server]\nport = 0\n[admin]\n{admin}");
    let config = Config::parse("the test", &config, &[], &|_| None).unwrap();
    let hello = async |_: Request, _: State| Ok::<_, Failure>("hello");
    let built = ActorApp::builder().schema_text(SCHEMA).config(config).handler("Hello", hello).build();
    let app = built.unwrap_or_else(|error| panic!("{}", error.render(false)));
    app.start().await.unwrap_or_else(|error| panic!("{}", error.lines().join("\n")))
}

/// A folder of its own with a configuration, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(config: &str) -> Folder {
        let root = std::env::temp_dir().join(format!("rohas-tree-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(root.join("config")).unwrap();
        std::fs::write(root.join("config/rohas.toml"), config).unwrap();
        Folder(root)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn shown(output: &Output) -> &str {
    assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{}", output.stdout);
    &output.stdout
}

#[track_caller]
fn refused(output: &Output, says: &str) {
    assert_eq!((output.code, output.stdout.as_str()), (Some(1), ""), "{}", output.stderr);
    assert!(output.stderr.starts_with("error: ") && output.stderr.contains(says), "{}", output.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_what_runs() {
    let running = start("").await;
    let here = std::env::temp_dir();
    let address = running.admin_addr().unwrap();
    let tree = |words: &str| rohas(&here, &format!("tree --address {address} {words}"));
    let drawn = tree("");
    let lines: Vec<&str> = shown(&drawn).lines().collect();
    assert!(lines[0].starts_with(&format!("{address}  running  ")), "{}", lines[0]);
    assert!(lines[1].starts_with("ACTOR ") && lines[1].contains(" QUEUED "), "{}", lines[1]);
    assert!(
        lines.iter().any(|line| line.contains("── Hello ") && line.contains(" 0/7 ")),
        "{}",
        drawn.stdout
    );
    assert!(!drawn.stdout.contains('\x1b'), "a pipe takes no colours");
    assert!(shown(&tree("--color always")).contains("\x1b[32mrunning\x1b[0m"));
    let deep = tree("--depth 1");
    assert!(shown(&deep).contains("── apis (+1) ") && !deep.stdout.contains("Hello"), "{}", deep.stdout);
    let apis = tree("apis --only apis");
    assert!(shown(&apis).lines().nth(2).unwrap().starts_with("apis "), "{}", apis.stdout);

    let json = tree("--json --only apis");
    shown(&json);
    assert_eq!(json.json()["children"][0]["children"][0]["load"]["capacity"], 7);
    refused(&tree("apis/Helo"), "Did you mean app/apis/Hello?");
    refused(&rohas(&here, &format!("tree --address {}", running.http_addr())), "is not the admin door");
    let wrong = tree("--only everything");
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(2), ""));

    running.shutdown().await;
    refused(&tree(""), "nobody listens there\n  help: is the app running?");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_project_says_where_and_the_token_lets_in() {
    let running = start("token = \"s3cret\"").await;
    let address = running.admin_addr().unwrap();
    let port = format!("[admin]\nport = {}\n", address.port());
    let without = Folder::new(&port);
    refused(&rohas(&without.0, "tree"), "it requires a token\n  help: set ROHAS_ADMIN_TOKEN");
    refused(&rohas(&without.0, "tree --token guessed"), "the token is wrong");
    shown(&rohas(&without.0, "tree --token s3cret"));
    let by_variable = command(&without.0).env("ROHAS_ADMIN_TOKEN", "s3cret").arg("tree").output().unwrap();
    assert!(by_variable.status.success(), "{}", String::from_utf8_lossy(&by_variable.stderr));

    let with = Folder::new(&format!("{port}token = \"s3cret\""));
    shown(&rohas(&with.0, "tree"));
    shown(&rohas(Path::new("/"), &format!("tree --project {}", with.0.display())));
    let elsewhere = rohas(&with.0, &format!("tree --address {address}"));
    refused(&elsewhere, "it requires a token");
    refused(&rohas(&Folder::new("[admin]\nenabled = false").0, "tree"), "is switched off");
    refused(&rohas(&Folder::new("[admin]\nprt = 1").0, "tree"), "unknown field `prt`");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_watches() {
    let running = start("").await;
    let address = running.admin_addr().unwrap().to_string();
    let mut watching = command(&std::env::temp_dir());
    watching.args(["tree", "--json", "--watch=0.1", "--address", &address]);
    let mut watching = watching.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        let tree: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(tree["path"], "app");
    }
    // In a pipe nobody is there to wait for an app that may come back.
    running.shutdown().await;
    let ended = tokio::task::spawn_blocking(move || watching.wait_with_output().unwrap());
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it ends").unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("nobody listens there"), "{ended:?}");
}
