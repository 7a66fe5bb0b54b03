//! The types of the schema that the handlers use.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Something to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    pub id: i64,
    pub title: String,
    pub done: bool,
    pub created: DateTime<Utc>,
}

/// What a client says about a new task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewTask {
    pub title: String,
}

/// The query of ListTasks.
#[derive(Debug, Clone, Deserialize)]
pub struct ListQuery {
    pub done: Option<bool>,
    pub limit: usize,
}

/// A frame of the chat, in both directions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChatMessage {
    pub author: String,
    pub text: String,
}
