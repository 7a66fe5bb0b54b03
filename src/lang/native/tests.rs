//! Rust handlers through the worker: arguments, replies, effects, panics, cancellation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::invocation::{Failure, HandlerId, Invocation, Json, Kind, Outcome, Trace};
use crate::lang::native::{Event, Handler, Message, Native, Request, Response, State};
use crate::lang::{Runtime, Worker};

async fn run<A, H: Handler<A>>(kind: Kind, handler: H, arguments: Vec<Json>) -> Outcome {
    let id = HandlerId::new(kind, "Test");
    let worker = worker(HashMap::from([(id.clone(), handler.erase())])).await;
    worker.invoke(Arc::new(invocation(id, arguments))).await
}

async fn worker(functions: HashMap<HandlerId, super::Function>) -> Arc<dyn Worker> {
    let Ok(worker) = Native::new(functions).boot().await else { panic!("native always boots") };
    worker
}

fn invocation(handler: HandlerId, arguments: Vec<Json>) -> Invocation {
    let deadline = Instant::now() + Duration::from_secs(20);
    Invocation { id: Uuid::now_v7(), handler, arguments, deadline, attempt: 2, trace: Trace::root() }
}

#[derive(Deserialize)]
struct Input {
    name: String,
}

#[derive(Serialize)]
struct Output {
    greeting: String,
}

fn request(body: Json) -> Json {
    json!({ "params": { "id": 7 }, "body": body, "query": {}, "method": "POST", "path": "/7" })
}

#[tokio::test]
async fn typed_arguments_come_in_and_typed_values_go_out() {
    async fn greet(request: Request<Input>, state: State) -> Result<Output, Failure> {
        let id: i64 = request.param("id")?;
        state.trigger_event("Seen", json!(id))?;
        state.set_payload("Greeted", json!("old"))?;
        state.set_payload("Greeted", json!(state.attempt()))?;
        Ok(Output { greeting: format!("hello {} {id}", request.body.name) })
    }
    let reply = run(Kind::Api, greet, vec![request(json!({ "name": "ann" }))]).await.unwrap();
    assert_eq!(reply.value, json!({ "greeting": "hello ann 7" }));
    assert_eq!(reply.effects.triggers, [("Seen".to_owned(), json!(7))]);
    assert_eq!(reply.effects.payloads, [("Greeted".to_owned(), json!(2))]);
    let failure = run(Kind::Api, greet, vec![request(json!({ "name": 1 }))]).await.unwrap_err();
    assert!(failure.to_string().contains("Rust type"), "{failure}");
}

#[tokio::test]
async fn events_messages_and_responses() {
    async fn on_event(event: Event<Input>, _: State) -> Result<String, Failure> {
        Ok(format!("{} {}", event.name, event.attempt))
    }
    let event = json!({ "id": Uuid::nil(), "name": "E", "time": "2026-01-01T00:00:00Z", "payload": { "name": "bo" },
        "attempt": 3, "correlation_id": Uuid::nil(), "causation_id": null });
    // Deref gives the payload's fields where the event has none of that name.
    assert_eq!(run(Kind::Event, on_event, vec![event]).await.unwrap().value, json!("E 3"));

    async fn on_message(message: Message<String>, _: State) -> Result<Response, Failure> {
        let headers = vec![("x-room".to_owned(), message.connection.endpoint)];
        Ok(Response { status: 202, headers, body: json!(message.message) })
    }
    let connection = json!({ "id": "c1", "endpoint": "Chat", "params": {} });
    let reply = run(Kind::Ws, on_message, vec![json!("hi"), connection]).await.unwrap();
    let head = reply.response.unwrap();
    assert_eq!((head.status, &*head.headers[0].1, reply.value), (202, "Chat", json!("hi")));
}

#[tokio::test]
async fn a_panic_fails_the_call_and_nothing_else() {
    async fn panics(_: Request, _: State) -> Result<(), Failure> {
        panic!("on {}", "purpose")
    }
    let failure = run(Kind::Api, panics, vec![request(Json::Null)]).await.unwrap_err();
    let Failure::Raised { name, message, .. } = failure else { panic!("{failure}") };
    assert_eq!((name.as_str(), message.as_str()), ("panic", "on purpose"));
}

#[tokio::test]
async fn dropping_the_call_drops_the_handler() {
    let (held_tx, held_rx) = tokio::sync::oneshot::channel::<()>();
    let (started_tx, started_rx) = tokio::sync::oneshot::channel::<()>();
    let senders = Arc::new(parking_lot::Mutex::new(Some((held_tx, started_tx))));
    let hang = move |_: Request, _: State| {
        let senders = senders.lock().take();
        async move {
            let (_held, started) = senders.expect("called once");
            let _ = started.send(());
            std::future::pending::<Result<(), Failure>>().await
        }
    };
    let id = HandlerId::new(Kind::Api, "Test");
    let worker = worker(HashMap::from([(id.clone(), hang.erase())])).await;
    let call = tokio::spawn(worker.invoke(Arc::new(invocation(id, vec![request(Json::Null)]))));
    started_rx.await.unwrap();
    call.abort();
    assert!(held_rx.await.is_err(), "the handler's future was dropped");
}

#[tokio::test]
async fn an_unknown_handler_is_not_found() {
    let worker = worker(HashMap::new()).await;
    let call = worker.invoke(Arc::new(invocation(HandlerId::new(Kind::Api, "Nobody"), vec![])));
    assert_eq!(call.await, Err(Failure::NotFound("api Nobody".to_owned())));
}
