//! The data of the example: in memory, gone when the app ends. A real app asks its database here.

use std::sync::{Mutex, MutexGuard};

use chrono::Utc;

use crate::generated::models::Task;

static TASKS: Mutex<Vec<Task>> = Mutex::new(Vec::new());
static JOURNAL: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn lock<T>(data: &Mutex<T>) -> MutexGuard<'_, T> {
    data.lock().expect("nothing panics while it holds the data")
}

pub fn add(title: String) -> Task {
    let mut tasks = lock(&TASKS);
    let id = i64::try_from(tasks.len()).expect("so many tasks do not fit into memory") + 1;
    let task = Task { id, title, done: false, created: Utc::now().fixed_offset() };
    tasks.push(task.clone());
    task
}

pub fn find(id: i64) -> Option<Task> {
    lock(&TASKS).iter().find(|task| task.id == id).cloned()
}

pub fn newest(limit: i64, done: Option<bool>) -> Vec<Task> {
    let tasks = lock(&TASKS);
    let wanted = tasks.iter().rev().filter(|task| done.is_none_or(|done| task.done == done));
    wanted.take(usize::try_from(limit).unwrap_or_default()).cloned().collect()
}

pub fn write(line: String) {
    lock(&JOURNAL).push(line);
}

pub fn lines() -> Vec<String> {
    lock(&JOURNAL).clone()
}
