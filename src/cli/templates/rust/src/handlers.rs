//! The handlers. What they get has been checked against the schema, and so is what they return.

use rohas::{Failure, State, Tick};
use serde_json::json;

use crate::generated::api::{CreateTaskRequest, GetJournalRequest, GetTaskError, GetTaskRequest, ListTasksRequest};
use crate::generated::events::TaskCreated;
use crate::generated::models::{NotFound, Task};
use crate::generated::websockets::{ChatConnection, ChatMessage, ChatReceived};
use crate::store;

/// What it returns is the answer, and the payload of TaskCreated.
pub async fn create_task(request: CreateTaskRequest, _: State) -> Result<Task, Failure> {
    Ok(store::add(request.body.title))
}

pub async fn get_task(request: GetTaskRequest, _: State) -> Result<Task, Failure> {
    let id = request.params.id;
    let missing = || GetTaskError::NotFound(NotFound { message: format!("there is no task {id}") });
    Ok(store::find(id).ok_or_else(missing)?)
}

pub async fn list_tasks(request: ListTasksRequest, _: State) -> Result<Vec<Task>, Failure> {
    Ok(store::newest(request.query.limit, request.query.done))
}

pub async fn get_journal(_: GetJournalRequest, _: State) -> Result<Vec<String>, Failure> {
    Ok(store::lines())
}

pub async fn write_journal(event: TaskCreated, state: State) -> Result<(), Failure> {
    let Task { id, title, .. } = &event.payload;
    store::write(format!("task {id}: {title}"));
    state.log("info", "written down", json!({ "id": id }));
    Ok(())
}

pub async fn daily_summary(_: Tick, state: State) -> Result<(), Failure> {
    state.log("info", "the journal", json!({ "lines": store::lines().len() }));
    Ok(())
}

pub async fn on_connect(_: ChatConnection, _: State) -> Result<ChatMessage, Failure> {
    Ok(ChatMessage { author: "{{name}}".to_owned(), text: "somebody came in".to_owned() })
}

pub async fn on_message(message: ChatReceived, _: State) -> Result<ChatMessage, Failure> {
    Ok(message.message)
}
