//! Tests against the real engine: every test boots its own isolate over a project in a temporary directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use crate::invocation::{Failure, HandlerId, Invocation, Json, Kind, Outcome, Reply, Trace};
use crate::lang::{FileHandler, Problem, Runtime, Worker};

use super::{Config, Permissions, V8};

/// Longer than anything here takes on a loaded machine; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A project in a directory of its own, removed at the end.
struct Project {
    root: PathBuf,
    handlers: Vec<FileHandler>,
    config: Config,
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

impl Project {
    fn new() -> Self {
        let root = std::env::temp_dir().join(format!("rohas-v8-{}", Uuid::new_v4().simple()));
        std::fs::create_dir_all(&root).unwrap();
        Project {
            root,
            handlers: Vec::new(),
            config: Config::default(),
        }
    }

    /// Writes a file.
    fn file(self, path: &str, text: &str) -> Self {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Declares the handler `name` of `kind` in a file that is written elsewhere.
    fn declare(mut self, kind: Kind, name: &str, path: &str) -> Self {
        self.handlers.push(FileHandler {
            id: HandlerId::new(kind, name),
            path: self.root.join(path),
            functions: vec!["handler".into(), "default".into(), name.into()],
        });
        self
    }

    /// Writes the file of an api handler.
    fn api(self, name: &str, text: &str) -> Self {
        let path = format!("src/handlers/api/{name}.ts");
        self.file(&path, text).declare(Kind::Api, name, &path)
    }

    async fn try_boot(&self) -> Result<Arc<dyn Worker>, Vec<Problem>> {
        let v8 = V8::new(self.config.clone(), self.root.clone(), self.handlers.clone());
        tokio::time::timeout(PATIENCE, v8.boot()).await.expect("booted in time")
    }

    async fn boot(&self) -> Arc<dyn Worker> {
        self.try_boot().await.expect("boots")
    }
}

fn invocation(kind: Kind, name: &str, arguments: Vec<Json>) -> Arc<Invocation> {
    Arc::new(Invocation {
        id: Uuid::now_v7(),
        handler: HandlerId::new(kind, name),
        arguments,
        deadline: Instant::now() + Duration::from_secs(30),
        attempt: 1,
        trace: Trace::root(),
    })
}

fn request(body: Json) -> Json {
    json!({
        "params": {"id": 7, "method": "param"}, "body": body, "query": {}, "query_params": {"q": "x"}, "headers": {},
        "cookies": {}, "method": "POST", "path": "/x", "client_addr": "127.0.0.1:1",
    })
}

async fn call(worker: &Arc<dyn Worker>, name: &str, body: Json) -> Outcome {
    let invoked = worker.invoke(invocation(Kind::Api, name, vec![request(body)]));
    tokio::time::timeout(PATIENCE, invoked).await.expect("answered in time")
}

/// Calls and returns the value.
async fn value(worker: &Arc<dyn Worker>, name: &str, body: Json) -> Json {
    call(worker, name, body).await.expect("succeeds").value
}

#[tokio::test]
async fn a_handler_echoes_its_request() {
    let project = Project::new().api(
        "Echo",
        "export async function handler(req: any, state: any): Promise<unknown> {
           return { body: req.body, id: req.id, method: req.method, q: req.queryParams, from: req.clientAddr };
         }",
    );
    let started = Instant::now();
    let worker = project.boot().await;
    println!("boot: {:?}", started.elapsed());
    let answer = value(&worker, "Echo", json!({"a": [1, 2.5, null, "ü"]})).await;
    assert_eq!(
        answer,
        json!({
            "body": {"a": [1, 2.5, null, "ü"]}, "id": 7, "method": "POST", "q": {"q": "x"}, "from": "127.0.0.1:1",
        })
    );
}
