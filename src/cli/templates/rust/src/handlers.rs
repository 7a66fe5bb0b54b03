//! The handlers. What they get has been checked against the schema, and so is what they return.

use rohas::{Connection, Event, Failure, Message, Request, State, Tick};
use serde_json::json;

use crate::models::{ChatMessage, ListQuery, NewTask, Task};
use crate::store;

/// What it returns is the answer, and the payload of TaskCreated.
pub async fn create_task(request: Request<NewTask>, _: State) -> Result<Task, Failure> {
    Ok(store::add(request.body.title))
}

pub async fn get_task(request: Request, _: State) -> Result<Task, Failure> {
    let id: i64 = request.param("id")?;
    store::find(id).ok_or_else(|| {
        let message = format!("there is no task {id}");
        Failure::declared("NotFound", &message, json!({ "message": message }))
    })
}

pub async fn list_tasks(
    request: Request<serde_json::Value, ListQuery>,
    _: State,
) -> Result<Vec<Task>, Failure> {
    Ok(store::newest(request.query.limit, request.query.done))
}

pub async fn get_journal(_: Request, _: State) -> Result<Vec<String>, Failure> {
    Ok(store::lines())
}

pub async fn write_journal(event: Event<Task>, state: State) -> Result<(), Failure> {
    let Task { id, title, .. } = &event.payload;
    store::write(format!("task {id}: {title}"));
    state.log("info", "written down", json!({ "id": id }));
    Ok(())
}

pub async fn daily_summary(_: Tick, state: State) -> Result<(), Failure> {
    state.log("info", "the journal", json!({ "lines": store::lines().len() }));
    Ok(())
}

pub async fn on_connect(_: Connection, _: State) -> Result<ChatMessage, Failure> {
    Ok(ChatMessage { author: "{{name}}".to_owned(), text: "somebody came in".to_owned() })
}

pub async fn on_message(message: Message<ChatMessage>, _: State) -> Result<ChatMessage, Failure> {
    Ok(message.message)
}
