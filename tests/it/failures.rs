//! Handlers that fail, hang and die in the mixed shop: their callers learn it in time, everything else goes on.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Answer, eventually, soon};
use crate::project::{App, Project, shop};

/// One call per language that has to work whatever happened before.
async fn all_languages_answer(app: &App) {
    let quote = json!({ "country": "FR", "grams": 10 });
    app.get("/products/1").await.expect(200);
    app.post("/shipping/quotes", quote).await.expect(200);
    app.get("/till").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_handler_raises_stays_in_the_log() {
    let app = shop().await;
    let mut ids = Vec::new();
    for path in ["fail/typescript", "fail/python", "fail/rust", "wrong-result", "panic/rust"] {
        let answer = app.get(&format!("/demo/{path}")).await;
        let problem = answer.expect(500);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem["detail"], "The handler failed.", "{path}");
        let id = problem["id"].as_str().unwrap_or_default().to_owned();
        assert!(uuid::Uuid::parse_str(&id).is_ok(), "{problem}");
        let members: Vec<&String> = problem.as_object().unwrap().keys().collect();
        assert_eq!(members, ["type", "title", "status", "detail", "id"], "{path}");
        ids.push(id);
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5, "every failure has an id of its own");
    all_languages_answer(&app).await;
}

async fn is_stopped_in_time(app: &App, path: &str) -> Answer {
    let started = Instant::now();
    let answer = app.get(path).await;
    answer.expect(504);
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(990), "{took:?}");
    assert!(took < Duration::from_secs(3), "the limit is 1 s: {took:?}");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_typescript_loop_is_stopped() {
    let app = shop().await;
    is_stopped_in_time(&app, "/demo/loop/typescript").await;
    app.get("/products/1").await.expect(200); // by the new isolate
    assert_eq!(app.actor("shop/executors/v8/isolate-0").restarts, 1);
    all_languages_answer(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_python_loop_is_stopped() {
    let app = shop().await;
    is_stopped_in_time(&app, "/demo/loop/python").await;
    app.get("/mails").await.expect(200); // by the new interpreter
    assert_eq!(app.actor("shop/executors/python/interpreter-0").restarts, 1);
    all_languages_answer(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_that_exits_is_replaced() {
    let app = shop().await;
    let answer = app.get("/demo/exit/python").await;
    answer.expect(503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    all_languages_answer(&app).await;
    let interpreter = app.actor("shop/executors/python/interpreter-0");
    assert_eq!(interpreter.restarts, 1);
    assert_eq!(interpreter.last_exit.as_deref(), Some("exited with code 3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_actors_come_back_with_their_mailbox() {
    let app = shop().await;
    for (path, check) in [
        ("shop/apis/GetProduct", "/products/1"),
        ("shop/apis/ListMails", "/mails"),
        ("shop/executors/v8/executor", "/products/1"),
        ("shop/executors/v8/isolate-0", "/products/1"),
        ("shop/executors/python/interpreter-0", "/mails"),
        ("shop/http/listener", "/till"),
    ] {
        app.get(check).await.expect(200); // an api has an actor from its first call on
        assert!(app.running.kill(path).await, "{path}");
        let answer = eventually("a connection", async || {
            if app.is_refused().await {
                return None;
            }
            // A call that the killed engine had taken is told to come again.
            Some(app.get(check).await).filter(|answer| answer.status != 503)
        });
        answer.await.expect(200);
        let restarted = async || (app.actor(path).restarts == 1).then_some(());
        eventually(&format!("{path} is restarted"), restarted).await;
    }
    assert!(!app.running.kill("shop/apis/Nobody").await);
    all_languages_answer(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_survives_the_death_of_its_engine() {
    let schema = r#"
        event Lap { payload: Int  handler: [by_typescript]  triggers: [LapDone]  timeout: "1s"
                    retry: { attempts: 3, backoff: "10ms" } }
        event Job { payload: Int  handler: [by_python]  triggers: [JobDone]
                    retry: { attempts: 3, backoff: "10ms" } }
        event LapDone { payload: { attempt: Int } }
        event JobDone { payload: { attempt: Int } }
    "#;
    let python = "
import os

def handler(event, state):
    if event.attempt == 1:
        os._exit(1)
    return {'attempt': event.attempt}
";
    let typescript = "export function handler(event) {
        while (event.attempt === 1); // for ever
        return { attempt: event.attempt };
    }";
    let project = Project::new(&[
        ("schema/jobs.ro", schema),
        ("src/handlers/events/by_python.py", python),
        ("src/handlers/events/by_typescript.ts", typescript),
    ]);
    let app = App::start(project.builder()).await;
    let mut done = ["JobDone", "LapDone"].map(|name| app.running.subscribe(name).unwrap());
    for number in 1..=2 {
        app.running.publish("Job", json!(number)).await.unwrap();
        app.running.publish("Lap", json!(number)).await.unwrap();
    }
    for subscription in &mut done {
        for _ in 1..=2 {
            let event = soon("it is done", subscription.next()).await.unwrap();
            assert_eq!(*event.payload, json!({ "attempt": 2 }));
        }
    }
}
