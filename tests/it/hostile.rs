//! What careless or hostile peers and handlers do to the doors, and what must not follow from it.

use rohas::{Config, Event, Failure, Flow, Json, Message, Request, Response, State};
use serde_json::json;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::client::soon;
use crate::project::{App, config, inline};

const SCHEMA: &str = r#"
    type Gone { message: String }
    api Echo   { method: POST  path: "/echo"    body: Json  response: Json }
    api Framed { method: GET   path: "/framed"  response: Json }
    api Switch { method: GET   path: "/switch"  response: Json }
    api Lost   { method: GET   path: "/lost"    response: Json  errors: { 410: Gone } }
    api Guarded { method: GET  path: "/guarded"  response: String  middlewares: [watch] }
    event Watched { payload: String }
    ws Parrot { path: "/parrot"  message: Json  onMessage: [repeat] }
"#;

async fn echo(request: Request, _: State) -> Result<Json, Failure> {
    Ok(request.body)
}

fn response(status: u16, headers: &[(&str, &str)]) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Response { status, headers, body: json!({ "whole": true }) }
}

async fn framed(_: Request, _: State) -> Result<Response, Failure> {
    Ok(response(
        200,
        &[("Content-Length", "3"), ("Transfer-Encoding", "chunked"), ("Connection", "x"), ("x-own", "1")],
    ))
}

async fn switch(_: Request, _: State) -> Result<Response, Failure> {
    Ok(response(101, &[]))
}

async fn lost(_: Request, _: State) -> Result<(), Failure> {
    Err(Failure::declared(
        "Gone",
        "it is gone",
        json!({ "message": "it is gone", "dsn": "postgres://secret" }),
    ))
}

async fn guarded(_: Request, _: State) -> Result<&'static str, Failure> {
    Ok("in")
}

async fn watch(request: Request, state: State) -> Result<Flow, Failure> {
    state.trigger_event("Watched", request.path)?;
    match request.headers.get("x-pass") {
        Some(_) => Ok(Flow::Continue),
        None => Ok(Flow::Stop(response(401, &[]))),
    }
}

async fn repeat(message: Message, _: State) -> Result<Json, Failure> {
    Ok(message.message)
}

async fn start(toml: &str) -> App {
    let config: Config = config(toml);
    let builder = inline(SCHEMA).config(config);
    let builder = builder.handler("Echo", echo).handler("Framed", framed).handler("Switch", switch);
    let builder = builder.handler("Lost", lost).handler("Guarded", guarded).handler("watch", watch);
    App::start(builder.handler("Parrot.repeat", repeat)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_must_say_that_it_is_json() {
    let app = start("").await;
    for (content_type, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/merge-patch+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=json", 415),
    ] {
        let answer = app.send("POST", "/echo", &[("content-type", content_type)], "{}").await;
        assert_eq!(answer.status, status, "{content_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_cannot_break_the_framing_of_its_connection() {
    let app = start("").await;
    let answer = app.get("/framed").await;
    assert_eq!(answer.expect(200), json!({ "whole": true }));
    assert_eq!(answer.header("transfer-encoding"), None);
    assert_eq!(answer.header("x-own"), Some("1"));
    app.get("/switch").await.expect(500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_error_shows_its_declared_fields_only() {
    let app = start("").await;
    assert_eq!(app.get("/lost").await.expect(410), json!({ "message": "it is gone" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_middleware_triggers_follows_the_outcome_of_the_call() {
    let app = start("").await;
    let mut watched = app.running.subscribe("Watched").unwrap();
    app.get("/guarded").await.expect(401);
    assert_eq!(app.send("GET", "/guarded", &[("x-pass", "1")], "").await.expect(200), "in");
    assert_eq!(*soon("the event", watched.next()).await.unwrap().payload, json!("/guarded"));
    app.running.publish("Watched", json!("last")).await.unwrap();
    let next = soon("the next event", watched.next()).await.unwrap();
    assert_eq!(*next.payload, json!("last"), "the rejected call published nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_gets_no_websocket() {
    let app = start("").await;
    let address = app.client.0;
    let own = format!("http://{address}");
    for (origin, welcome) in
        [(Some("https://evil.example"), false), (Some("null"), false), (Some(&*own), true), (None, true)]
    {
        let mut request = format!("ws://{address}/parrot").into_client_request().unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        match soon("the handshake", connect_async(request)).await {
            Ok(_) => assert!(welcome, "{origin:?}"),
            Err(Error::Http(refusal)) => {
                assert!(!welcome && refusal.status() == 403, "{origin:?}: {refusal:?}")
            }
            Err(error) => panic!("{origin:?}: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_takes_a_place_among_the_connections() {
    let app = start("[limits]\nconnections = 1").await;
    let (stream, _) =
        soon("the upgrade", connect_async(format!("ws://{}/parrot", app.client.0))).await.unwrap();
    let waiting = tokio::spawn({
        let client = app.client;
        async move { client.get("/framed").await }
    });
    while app.actor(&format!("{}/sockets/Parrot", app.running.tree().path)).children.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(!waiting.is_finished(), "the one place is taken");
    drop(stream);
    soon("the answer", waiting).await.unwrap().expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_ends_with_its_app() {
    async fn ignore(_: Event, _: State) -> Result<(), Failure> {
        Ok(())
    }
    let schema = "event Noted { payload: String  handler: [note] }";
    for graceful in [true, false] {
        let app = App::start(inline(schema).config(config("")).handler("note", ignore)).await;
        let mut noted = app.running.subscribe("Noted").unwrap();
        app.running.publish("Noted", json!("x")).await.unwrap();
        if graceful {
            app.running.shutdown().await
        } else {
            drop(app)
        }
        assert_eq!(*soon("the event", noted.next()).await.unwrap().payload, json!("x"));
        assert!(soon("the end", noted.next()).await.is_none());
    }
}
