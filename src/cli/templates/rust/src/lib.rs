//! The app: its schema is in `schema/`, its handlers are Rust functions.

use rohas::{ActorApp, Builder};

pub mod generated;
pub mod handlers;
pub mod store;

/// Describes the app; every handler that the schema names is registered here.
pub fn app() -> Builder {
    ActorApp::builder()
        .project_dir(".")
        .handler("CreateTask", handlers::create_task)
        .handler("GetTask", handlers::get_task)
        .handler("ListTasks", handlers::list_tasks)
        .handler("GetJournal", handlers::get_journal)
        .handler("write_journal", handlers::write_journal)
        .handler("DailySummary", handlers::daily_summary)
        .handler("Chat.on_connect", handlers::on_connect)
        .handler("Chat.on_message", handlers::on_message)
}
