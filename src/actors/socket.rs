//! A `ws` endpoint: the supervisor of its sessions and the list through which a broadcast reaches them.
//!
//! Called by the WebSocket door for each upgraded connection. Sessions are temporary children: one that ends,
//! however it ends, is gone, and its client connects anew.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use parking_lot::RwLock;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::actors::{Context, Session};
use crate::invocation::Json;
use crate::schema;
use crate::supervision::{ChildSpec, Kind, Policy, Restart, StartError, Strategy, Supervisor, SupervisorRef};

/// How a broadcast reaches a session, and how one that does not keep up is cut off.
struct Line {
    outbound_tx: mpsc::Sender<Arc<str>>,
    cut: CancellationToken,
}

struct Inner {
    spec: schema::Socket,
    context: Arc<Context>,
    supervisor: RwLock<Option<SupervisorRef>>,
    sessions: RwLock<HashMap<String, Line>>,
    path: OnceLock<String>,
}

/// The handle on one endpoint; clones share it.
#[derive(Clone)]
pub struct Socket(Arc<Inner>);

impl Socket {
    /// Makes the handle.
    pub fn new(spec: schema::Socket, context: Arc<Context>) -> Self {
        Socket(Arc::new(Inner {
            spec,
            context,
            supervisor: RwLock::new(None),
            sessions: RwLock::default(),
            path: OnceLock::new(),
        }))
    }

    /// Returns the endpoint's declaration.
    pub fn spec(&self) -> &schema::Socket {
        &self.0.spec
    }

    /// Returns what entity actors work with.
    pub fn context(&self) -> &Arc<Context> {
        &self.0.context
    }

    /// Describes the endpoint's supervisor as a child of `parent`.
    pub fn child(&self, parent: &str) -> ChildSpec {
        let path = self.0.path.get_or_init(|| format!("{parent}/{}", self.0.spec.name)).clone();
        let socket = self.clone();
        let spec = ChildSpec::new(self.0.spec.name.as_str(), move |parent| {
            let setup = Supervisor {
                path: path.clone(),
                policy: Policy::new(Strategy::OneForOne),
                tree: socket.0.context.tree.clone(),
                children: Vec::new(),
            };
            let socket = socket.clone();
            async move {
                let supervisor = setup.start_linked(parent).await?;
                let cell = supervisor.cell();
                *socket.0.supervisor.write() = Some(supervisor);
                Ok(cell)
            }
        });
        spec.kind(Kind::Supervisor)
    }

    /// Starts the actor of a session.
    ///
    /// # Errors
    /// The endpoint is going down.
    pub async fn open(&self, session: Session) -> Result<(), StartError> {
        let path = self.0.path.get().cloned().unwrap_or_default();
        let supervisor = self.0.supervisor.read().clone();
        let supervisor = supervisor.ok_or(StartError::Gone(path))?;
        self.0
            .sessions
            .write()
            .insert(session.id().to_owned(), Line { outbound_tx: session.outbound(), cut: session.cut() });
        let id = session.id().to_owned();
        let spec = session.child().restart(Restart::Temporary);
        let started = supervisor.start(spec).await;
        if started.is_err() {
            self.close(&id);
        }
        started.map(drop)
    }

    /// Takes a session off the list.
    pub fn close(&self, id: &str) {
        self.0.sessions.write().remove(id);
    }

    /// Sends `message` to every session. One that does not keep up is disconnected rather than slowing the rest.
    pub fn broadcast(&self, message: &Json) {
        let text: Arc<str> = message.to_string().into();
        for (id, Line { outbound_tx, cut }) in self.0.sessions.read().iter() {
            if outbound_tx.try_send(Arc::clone(&text)).is_err() && !cut.is_cancelled() {
                tracing::warn!(
                    endpoint = self.0.spec.name,
                    session = id,
                    "session does not keep up, closing it"
                );
                cut.cancel();
            }
        }
    }
}
