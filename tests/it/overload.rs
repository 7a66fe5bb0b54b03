//! Full mailboxes, time limits and triggers of an app whose handlers are Rust.

use std::sync::Arc;
use std::time::Duration;

use rohas::{ActorApp, Event, Failure, Json, Request, State};
use serde_json::json;
use tokio::sync::{Notify, Semaphore};

use crate::client::{eventually, soon};
use crate::project::{App, config, inline};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox_is_503_and_loses_nothing() {
    let gate = Arc::new(Semaphore::new(0));
    let handler = {
        let gate = Arc::clone(&gate);
        move |request: Request, _: State| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok::<_, Failure>(request.query["n"].clone())
            }
        }
    };
    let schema = r#"api Slow { method: GET path: "/slow" response: String concurrency: 1 mailbox: 1 }
                    api Free { method: GET path: "/free" response: String }"#;
    let free = async |_: Request, _: State| Ok::<_, Failure>("free");
    let app = App::start(inline(schema).handler("Slow", handler).handler("Free", free)).await;
    let load = || app.actor("app/apis/Slow").load.unwrap();

    let client = app.client;
    let first = tokio::spawn(async move { client.get("/slow?n=1").await });
    eventually("the first is handled", async || (load().in_flight == 1).then_some(())).await;
    let second = tokio::spawn(async move { client.get("/slow?n=2").await });
    eventually("the second waits", async || (load().queued == 1).then_some(())).await;
    let third = app.get("/slow?n=3").await;
    assert_eq!(third.expect(503)["detail"], "Too many requests wait already.");
    assert_eq!(third.header("retry-after"), Some("1"));
    assert_eq!(load().refused, 1);
    app.get("/free").await.expect(200); // nobody else is concerned
    let overloaded = app.running.call("Slow", Json::Null).await;
    assert!(matches!(overloaded, Err(Failure::Overloaded { .. })), "{overloaded:?}");

    gate.add_permits(2);
    assert_eq!(soon("the first", first).await.unwrap().expect(200), "1");
    assert_eq!(soon("the second", second).await.unwrap().expect(200), "2");
    gate.add_permits(1);
    app.get("/slow?n=4").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_actor_keeps_what_waits_and_what_runs() {
    let gate = Arc::new(Semaphore::new(0));
    let handler = {
        let gate = Arc::clone(&gate);
        move |request: Request, _: State| {
            let gate = Arc::clone(&gate);
            async move {
                gate.acquire().await.unwrap().forget();
                Ok::<_, Failure>(request.query["n"].clone())
            }
        }
    };
    let schema = r#"api Slow { method: GET path: "/slow" response: String concurrency: 1 }"#;
    let app = App::start(inline(schema).handler("Slow", handler)).await;
    let client = app.client;
    let calls: Vec<_> =
        (0..5).map(|n| tokio::spawn(async move { client.get(&format!("/slow?n={n}")).await })).collect();
    let slow = || app.actor("app/apis/Slow");
    let waiting = async || (slow().load.unwrap().queued == 4).then_some(());
    eventually("one runs and four wait", waiting).await;
    assert!(app.running.kill("app/apis/Slow").await);
    eventually("the restart", async || (slow().restarts == 1).then_some(())).await;
    assert_eq!(slow().load.unwrap().queued, 4);
    gate.add_permits(5);
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(soon("the answer", call).await.unwrap().expect(200), n.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rust_handler_is_dropped_at_its_limit() {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let dropped = Arc::new(Notify::new());
    let handler = {
        let dropped = Arc::clone(&dropped);
        move |_: Request, _: State| {
            let guard = Dropped(Arc::clone(&dropped));
            async move {
                let _guard = guard;
                std::future::pending::<Result<String, Failure>>().await
            }
        }
    };
    let schema = r#"api Wait { method: GET path: "/wait" response: String timeout: "50ms" }"#;
    let app = App::start(inline(schema).handler("Wait", handler)).await;
    app.get("/wait").await.expect(504);
    soon("the handler is dropped", dropped.notified()).await;
    let missing = app.running.call("Nobody", Json::Null).await;
    assert!(matches!(missing, Err(Failure::NotFound(_))), "{missing:?}");
}

const RETRIES: &str = r#"
    type Job { id: Int }
    event JobQueued { payload: Job  handler: [work]  triggers: [JobDone]  retry: { attempts: 3, backoff: "10ms" } }
    event JobDone { payload: Job }
"#;

async fn work(event: Event, state: State) -> Result<(), Failure> {
    match event.payload["id"].as_i64() {
        Some(1) if state.attempt() < 3 => Err(Failure::internal("not yet")),
        Some(2) => Err(Failure::internal("never")),
        _ => Ok(()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_retried_in_order_and_given_up() {
    let app = App::start(inline(RETRIES).handler("work", work)).await;
    let mut done = app.running.subscribe("JobDone").unwrap();
    for id in 1..=3 {
        app.running.publish("JobQueued", json!({ "id": id })).await.unwrap();
    }
    for id in [1, 3] {
        let event = soon("a job is done", done.next()).await.unwrap();
        assert_eq!(*event.payload, json!({ "id": id }), "2 fails thrice and is given up");
    }
    let metrics = app.get("/metrics").await.body;
    assert!(metrics.contains(r#"rohas_dead_letters_total{handler="event work"} 1"#), "{metrics}");
    let unfit = app.running.publish("JobQueued", json!({ "id": "x" })).await;
    assert!(matches!(unfit, Err(Failure::BadRequest(_))), "{unfit:?}");
    assert!(app.running.publish("Nobody", json!({})).await.is_err());
    assert!(app.running.subscribe("Nobody").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn triggers_are_published_once_each_and_only_on_success() {
    let schema = r#"
        api Do { method: POST path: "/do" body: { mode: String } response: { n: Int } triggers: [Declared, Replaced] }
        event Declared { payload: { n: Int } }
        event Replaced { payload: { n: Int } }
        event Asked { payload: { n: Int } }
    "#;
    let handler = async |request: Request, state: State| {
        state.set_payload("Replaced", json!({ "n": 2 }))?;
        state.trigger_event("Asked", json!({ "n": 3 }))?;
        state.trigger_event("Asked", json!({ "n": 4 }))?;
        match request.body["mode"].as_str() {
            Some("fail") => Err(Failure::internal("no")),
            Some("unfit") => state.trigger_event("Asked", json!({ "n": "x" })).map(|()| json!({ "n": 1 })),
            Some("unknown") => state.trigger_event("Nobody", json!({})).map(|()| json!({ "n": 1 })),
            _ => Ok(json!({ "n": 1 })),
        }
    };
    let app = ActorApp::builder().schema_text(schema).config(config(""));
    let app = App::start(app.handler("Do", handler)).await;
    let mut events = ["Declared", "Replaced", "Asked"].map(|name| app.running.subscribe(name).unwrap());
    for mode in ["fail", "unfit", "unknown"] {
        app.post("/do", json!({ "mode": mode })).await.expect(500);
    }
    for _ in 0..2 {
        app.post("/do", json!({ "mode": "" })).await.expect(200);
        for (subscription, numbers) in events.iter_mut().zip([&[1][..], &[2], &[3, 4]]) {
            for number in numbers {
                let event = soon("the event", subscription.next()).await.unwrap();
                assert_eq!(*event.payload, json!({ "n": number }));
            }
        }
    }
    let nothing_more = tokio::time::timeout(Duration::from_millis(20), events[0].next());
    assert!(nothing_more.await.is_err());
}
