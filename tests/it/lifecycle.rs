//! How apps end and live beside each other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rohas::{ActorApp, Failure, Json, Request, StartError, State};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::client::{eventually, soon};
use crate::project::{App, Project, config, inline, shop};

const SLOW: &str = r#"
    api Slow { method: GET path: "/slow" response: String triggers: [Finished] }
    event Finished { payload: String handler: [note] }
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_finishes_what_is_in_hand() {
    let (gate, noted) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let slow = {
        let gate = Arc::clone(&gate);
        move |_: Request, _: State| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok::<_, Failure>("done")
            }
        }
    };
    let note = {
        let noted = Arc::clone(&noted);
        move |_: rohas::Event, _: State| {
            noted.add_permits(1);
            std::future::ready(Ok::<_, Failure>(()))
        }
    };
    let app = App::start(inline(SLOW).handler("Slow", slow).handler("note", note)).await;
    let client = app.client;
    let in_flight = tokio::spawn(async move { client.get("/slow").await });
    let load = || app.actor("app/apis/Slow").load.unwrap();
    eventually("the call is handled", async || (load().in_flight == 1).then_some(())).await;

    let shutdown = tokio::spawn(app.running.shutdown());
    eventually("no new connections", async || client.is_refused().await.then_some(())).await;
    assert!(!shutdown.is_finished(), "a call is in hand");
    gate.add_permits(1);
    assert_eq!(soon("the answer", in_flight).await.unwrap().expect(200), "done");
    soon("the end", shutdown).await.unwrap();
    assert_eq!(noted.available_permits(), 1, "what it triggered was handled, too");
    assert!(client.is_refused().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_drain_limit_ends_what_does_not_end() {
    let schema = r#"api Stuck { method: GET path: "/stuck" response: String }"#;
    let stuck = async |_: Request, _: State| std::future::pending::<Result<String, Failure>>().await;
    let config = config("[limits]\ndrain = \"50ms\"\n");
    let app = ActorApp::builder().schema_text(schema).config(config);
    let app = App::start(app.handler("Stuck", stuck)).await;
    let load = || app.actor("app/apis/Stuck").load.unwrap();
    let client = app.client;
    let in_flight = tokio::spawn(async move {
        let _ = tokio::net::TcpStream::connect(client.0).await;
        client.get("/stuck").await
    });
    eventually("the call is handled", async || (load().in_flight == 1).then_some(())).await;
    soon("the end", app.running.shutdown()).await;
    assert!(client.is_refused().await);
    in_flight.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_hold_up_a_shutdown() {
    let schema = r#"api Hi { method: GET path: "/" response: String }"#;
    let hi = async |_: Request, _: State| Ok::<_, Failure>("hi");
    let app = App::start(inline(schema).handler("Hi", hi)).await;
    let mut silent = TcpStream::connect(app.client.0).await.unwrap();
    let mut kept = TcpStream::connect(app.client.0).await.unwrap();
    let mut buffer = [0; 1024];
    for _ in 0..2 {
        kept.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
        let read = soon("an answer", kept.read(&mut buffer)).await.unwrap();
        let answer = String::from_utf8_lossy(&buffer[..read]);
        assert!(answer.ends_with("\r\n\r\n\"hi\""), "{answer}");
    }
    let started = Instant::now();
    soon("the end", app.running.shutdown()).await;
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    for stream in [&mut silent, &mut kept] {
        assert_eq!(soon("the close", stream.read(&mut buffer)).await.unwrap(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shops_live_in_one_process() {
    let (left, right) = (shop().await, shop().await);
    assert_ne!(left.client.0, right.client.0);
    let ink = json!({ "name": "Ink", "price": 1 }).to_string();
    let key = [("x-api-key", "demo-key")];
    left.send("POST", "/products", &key, &ink).await.expect(201);
    left.get("/products/4").await.expect(200);
    right.get("/products/4").await.expect(404);
    let gone = left.client;
    soon("the end", left.running.shutdown()).await;
    assert!(gone.is_refused().await);
    right.get("/products/1").await.expect(200);
    right.get("/mails").await.expect(200);
    right.get("/till").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_app_leaves_nothing_behind() {
    let project = Project::new(&[
        ("schema/pid.ro", r#"api Pid { method: GET path: "/pid" response: Int }"#),
        ("src/handlers/api/pid.py", "import os\n\ndef handler():\n    return os.getpid()\n"),
    ]);
    let app = App::start(project.builder()).await;
    let client = app.client;
    let pid = client.get("/pid").await.expect(200);
    let process = format!("/proc/{pid}");
    assert!(std::fs::exists(&process).unwrap());
    drop(app);
    eventually("the port is closed", async || client.is_refused().await.then_some(())).await;
    let gone = async || (!std::fs::exists(&process).unwrap()).then_some(());
    eventually("the interpreter is gone", gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_said_so() {
    let schema = r#"api Hi { method: GET path: "/" response: String }"#;
    let hi = async |_: Request, _: State| Ok::<_, Failure>("hi");
    let first = App::start(inline(schema).handler("Hi", hi)).await;
    let mut taken = config("");
    taken.server.port = first.client.0.port();
    let second = inline(schema).config(taken).handler("Hi", hi).build().unwrap();
    match second.start().await.map(drop) {
        Err(error @ StartError::Listen { .. }) => {
            let lines = error.lines().join("\n");
            assert!(lines.contains(&first.client.0.to_string()), "{lines}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(first.running.call("Hi", Json::Null).await.unwrap().value, "hi");
}
