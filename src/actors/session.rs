//! The actor of one WebSocket session: connect, then each message in order, then disconnect.
//!
//! ```text
//!  reader ──Work──▶ mailbox (concurrency 1) ──take──▶ task: executor → publish → reply or broadcast
//!  writer ◀──text── outbound (bounded) ◀───────────────────────────────────────────┘
//! ```
//!
//! Reader and writer are the WebSocket door's; this actor knows frames only as JSON values.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::actors::mailbox::{Letter, Limits, Mailbox, Wake};
use crate::actors::{Origin, Socket, publish};
use crate::invocation::{Failure, HandlerId, Invocation, Json, Kind, Trace, json_bytes};
use crate::supervision::ChildSpec;

/// Frames that wait for a slow client before it is disconnected.
const OUTBOUND: usize = 256;

enum Work {
    Connect,
    Message(Json),
    /// A frame that does not fit, with the answer to it.
    Reject(Json),
    Disconnect,
}

struct Inner {
    id: String,
    socket: Socket,
    connection: Json,
    trace: Trace,
    mailbox: Mailbox<Work>,
    outbound_tx: mpsc::Sender<Arc<str>>,
    /// The connection must end: the client does not keep up, or the actor is gone.
    cut: CancellationToken,
    /// The actor is gone.
    gone: CancellationToken,
}

/// The handle on the actor of one session.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

impl Session {
    /// Makes a session of `socket`; `connection` is what handlers see, without its id. The receiver yields the
    /// frames for the client.
    pub fn new(socket: Socket, mut connection: Json, trace: Trace) -> (Self, mpsc::Receiver<Arc<str>>) {
        let id = Uuid::now_v7().to_string();
        connection["id"] = json!(id);
        connection["endpoint"] = json!(socket.spec().name);
        let (outbound_tx, outbound_rx) = mpsc::channel(OUTBOUND);
        let name = format!("ws {} {id}", socket.spec().name);
        let bytes = socket.context().mailbox_bytes;
        let limits = Limits { messages: socket.spec().mailbox, bytes, ..Limits::default() };
        let mailbox = Mailbox::new(name, limits);
        let gone = CancellationToken::new();
        let cut = gone.child_token();
        (
            Session(Arc::new(Inner { id, socket, connection, trace, mailbox, outbound_tx, cut, gone })),
            outbound_rx,
        )
    }

    /// Returns the session's id.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    pub(crate) fn outbound(&self) -> mpsc::Sender<Arc<str>> {
        self.0.outbound_tx.clone()
    }

    /// Returns the token that is cancelled when the connection must end: the client does not keep up with the
    /// broadcasts, or the actor is gone.
    pub fn cut(&self) -> CancellationToken {
        self.0.cut.clone()
    }

    /// Returns the token that is cancelled when the actor is gone, after its disconnect handlers.
    pub fn gone(&self) -> CancellationToken {
        self.0.gone.clone()
    }

    /// Describes the actor as a child of its endpoint.
    pub(crate) fn child(&self) -> ChildSpec {
        let (session, mailbox) = (self.clone(), self.0.mailbox.clone());
        let spec = ChildSpec::new(self.0.id.clone(), move |supervisor| {
            let session = session.clone();
            async move { Ok(Actor::spawn_linked(None, Conversation, session, supervisor).await?.0.get_cell()) }
        });
        let closed = mailbox.clone();
        spec.load(move || mailbox.load()).gone(move || closed.close())
    }

    /// Takes in one frame of the client, checked against the endpoint's message type; waits for room, so that a
    /// client which is too fast is slowed down by its own connection.
    pub async fn receive(&self, text: &str) {
        let mut message = match serde_json::from_str::<Json>(text) {
            Ok(message) => message,
            Err(error) => return self.reject("malformed_json", json!(error.to_string())).await,
        };
        if let Some(ty) = &self.0.socket.spec().message {
            let violations = self.0.socket.context().schema.check(ty, &mut message, "");
            if !violations.is_empty() {
                return self.reject("invalid_message", json!(violations)).await;
            }
        }
        self.put(Work::Message(message)).await;
    }

    /// Has the connect handlers run.
    pub async fn connected(&self) {
        self.put(Work::Connect).await;
    }

    /// Has the disconnect handlers run after everything received, then ends the actor.
    pub async fn disconnected(&self) {
        self.0.socket.close(&self.0.id);
        if !self.0.gone.is_cancelled() {
            self.put(Work::Disconnect).await;
        }
    }

    async fn put(&self, work: Work) {
        // A session whose handlers stand still this long has timed out many times over.
        let deadline = Instant::now() + Duration::from_secs(600);
        let size = match &work {
            Work::Message(value) | Work::Reject(value) => json_bytes(value),
            Work::Connect | Work::Disconnect => 0,
        };
        let work = Letter::new(work).size(size);
        tokio::select! {
            sent = self.0.mailbox.send(work, deadline) => if sent.is_err() {
                tracing::error!(session = self.0.id, "session takes no more messages");
            },
            () = self.0.gone.cancelled() => {}
        }
    }

    /// Answers a frame that does not fit, in its turn: after the answers to what came before it.
    async fn reject(&self, kind: &str, details: Json) {
        self.put(Work::Reject(json!({ "error": { "type": kind, "details": details } }))).await;
    }
}

impl Inner {
    /// Waits for room: answers to the client's own messages slow the client down, unlike broadcasts.
    async fn send(&self, value: &Json) {
        let _ = self.outbound_tx.send(value.to_string().into()).await;
    }

    async fn work(&self, work: &Work) {
        let spec = self.socket.spec();
        let (functions, message) = match work {
            Work::Connect => (&spec.on_connect, None),
            Work::Message(message) => (&spec.on_message, Some(message)),
            Work::Reject(answer) => return self.send(answer).await,
            Work::Disconnect => (&spec.on_disconnect, None),
        };
        for function in functions {
            if let Err(error) = self.run(function, message).await {
                let id = Uuid::now_v7();
                let stack = if let Failure::Raised { stack, .. } = &error { stack.as_str() } else { "" };
                tracing::error!(endpoint = spec.name, function, session = self.id, error_id = %id, %error, stack,
                    "websocket handler failed");
                let kind = if error == Failure::TimedOut { "timeout" } else { "handler_failed" };
                self.send(&json!({ "error": { "type": kind, "id": id } })).await;
                return;
            }
        }
    }

    async fn run(&self, function: &str, message: Option<&Json>) -> Result<(), Failure> {
        let (context, spec) = (self.socket.context(), self.socket.spec());
        let handler = HandlerId::new(Kind::Ws, &format!("{}.{function}", spec.name));
        let id = Uuid::now_v7();
        let source = handler.to_string();
        let arguments = message.cloned().into_iter().chain([self.connection.clone()]).collect();
        let deadline = Instant::now() + context.timeout;
        let invocation =
            Invocation { id, handler, arguments, deadline, attempt: 1, trace: self.trace.clone() };
        let reply = context.executors.run(Arc::new(invocation)).await?;
        // Only a message is something that happened; connects and disconnects publish what their handler asks for.
        let triggers: &[String] = if message.is_some() { &spec.triggers } else { &[] };
        let origin = Origin { source: &source, triggers, cause: id, trace: &self.trace };
        publish(context, origin, &reply.value, &reply.effects, deadline).await?;
        if reply.value.is_null() {
            return Ok(());
        }
        if spec.broadcast {
            self.socket.broadcast(&reply.value);
        } else {
            self.send(&reply.value).await;
        }
        Ok(())
    }
}

/// The state of the actor; leaving it, however the actor ends, ends the connection too.
struct Talk {
    session: Session,
    _gone: DropGuard,
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.session.0.socket.close(self.session.id());
    }
}

/// Stops the actor after the disconnect handlers, however they end.
struct Last(Option<ActorRef<Wake>>);

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(actor) = &self.0 {
            actor.stop(None);
        }
    }
}

struct Conversation;

impl Actor for Conversation {
    type Msg = Wake;
    type State = Talk;
    type Arguments = Session;

    async fn pre_start(&self, myself: ActorRef<Wake>, session: Session) -> Result<Talk, ActorProcessingErr> {
        session.0.mailbox.attach(move || drop(myself.send_message(Wake)));
        let gone = session.gone().drop_guard();
        Ok(Talk { session, _gone: gone })
    }

    async fn handle(
        &self,
        myself: ActorRef<Wake>,
        _: Wake,
        Talk { session, .. }: &mut Talk,
    ) -> Result<(), ActorProcessingErr> {
        for work in session.0.mailbox.batch() {
            let (inner, actor) = (Arc::clone(&session.0), myself.clone());
            inner.clone().socket.context().shutdown.spawn(async move {
                let last = Last(matches!(*work, Work::Disconnect).then_some(actor));
                inner.work(&work).await;
                work.done();
                drop(last);
            });
        }
        Ok(())
    }
}
