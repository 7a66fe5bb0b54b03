//! Runs the app on a free port and calls its apis, through the same checks as over HTTP: `cargo test`.

use std::time::Duration;

use rohas::{ApiRequest, Config, Failure, Running};
use serde_json::json;

async fn start() -> Running {
    let mut config = Config::default();
    config.server.port = 0;
    let app = {{crate}}::app().config(config).build();
    app.unwrap_or_else(|error| panic!("{}", error.render(false))).start().await.expect("the app starts")
}

/// The request for one task.
fn task(id: serde_json::Value) -> ApiRequest {
    ApiRequest { params: [("id".to_owned(), id)].into_iter().collect(), ..ApiRequest::default() }
}

#[tokio::test]
async fn a_task_that_was_created_is_found() {
    let app = start().await;
    let created = app.call("CreateTask", json!({ "title": "Buy milk" })).await.unwrap().value;
    let found = app.call_with("GetTask", task(created["id"].clone())).await.unwrap().value;
    assert_eq!(found, created);
}

#[tokio::test]
async fn what_does_not_fit_the_schema_never_reaches_a_handler() {
    let refused = start().await.call("CreateTask", json!({ "title": "" })).await;
    assert!(matches!(refused, Err(Failure::BadRequest(_))), "{refused:?}");
}

#[tokio::test]
async fn a_declared_error_has_its_own_body() {
    let missing = start().await.call_with("GetTask", task(json!(99))).await;
    let Err(Failure::Raised { name, body, .. }) = missing else { panic!("{missing:?}") };
    assert_eq!((name.as_str(), body), ("NotFound", json!({ "message": "there is no task 99" })));
}

#[tokio::test]
async fn the_event_reaches_its_handler() {
    let app = start().await;
    app.call("CreateTask", json!({ "title": "Read the journal" })).await.unwrap();
    let written = async {
        while !app.call("GetJournal", json!(null)).await.unwrap().value.to_string().contains("Read the journal") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), written).await.expect("something is written down");
}
