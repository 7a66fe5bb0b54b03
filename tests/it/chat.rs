//! WebSocket conversations.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::client::{Client, eventually, soon};
use crate::project::{App, Project, shop};

struct Visitor(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Visitor {
    async fn enter(client: Client, path: &str) -> Visitor {
        let url = format!("ws://{}{path}", client.0);
        let (stream, _) = soon("the upgrade", connect_async(url)).await.unwrap();
        Visitor(stream)
    }

    async fn say(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    /// Returns the next message of the server.
    async fn hear(&mut self) -> Value {
        loop {
            match soon("a message", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn leave(mut self) {
        self.0.close(None).await.unwrap();
        while let Some(Ok(_)) = soon("the end", self.0.next()).await {}
    }
}

fn said(author: &str, text: &str) -> Value {
    json!({ "room": "tea", "author": author, "text": text })
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_in_the_order_of_the_frames_also_for_bad_ones() {
    let app = shop().await;
    let mut ada = Visitor::enter(app.client, "/ws/chat/tea").await;
    ada.say(json!({ "author": "ada", "text": "first" }).to_string()).await;
    ada.say("{ not json").await;
    ada.say(json!({ "author": "ada", "text": "last" }).to_string()).await;
    assert_eq!(ada.hear().await, said("shop", "somebody came in"));
    assert_eq!(ada.hear().await, said("ada", "first"));
    assert_eq!(ada.hear().await["error"]["type"], "malformed_json");
    assert_eq!(ada.hear().await, said("ada", "last"));
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_talk_to_each_other() {
    let app = shop().await;
    let mut posted = app.running.subscribe("MessagePosted").unwrap();
    let mut ada = Visitor::enter(app.client, "/ws/chat/tea").await;
    assert_eq!(ada.hear().await, said("shop", "somebody came in"));
    let mut bob = Visitor::enter(app.client, "/ws/chat/tea").await;
    assert_eq!(bob.hear().await, said("shop", "somebody came in"));
    assert_eq!(ada.hear().await, said("shop", "somebody came in"), "of Bob");

    ada.say(json!({ "author": "ada", "text": "hello" }).to_string()).await;
    assert_eq!(ada.hear().await, said("ada", "hello"));
    assert_eq!(bob.hear().await, said("ada", "hello"));
    let event = soon("the event", posted.next()).await.unwrap();
    assert_eq!(*event.payload, said("ada", "hello"));
    assert_eq!(&*event.source, "/shop/ws/Chat.on_message");

    bob.say("{ not json").await;
    assert_eq!(bob.hear().await["error"]["type"], "malformed_json");
    bob.say(json!({ "author": "bob", "text": "" }).to_string()).await;
    let error = bob.hear().await["error"].take();
    assert_eq!(error["type"], "invalid_message");
    assert_eq!(error["details"][0]["path"], "/text");
    bob.say(json!({ "author": "bob", "text": "still here" }).to_string()).await;
    assert_eq!(bob.hear().await, said("bob", "still here"));
    assert_eq!(ada.hear().await, said("bob", "still here"), "errors are the sender's alone");

    bob.leave().await;
    let archived = async || {
        let messages = app.get("/chat/tea/messages").await.expect(200);
        (messages.as_array().unwrap().len() == 3).then_some(messages)
    };
    let archive = eventually("on_disconnect has run, and Python has archived it", archived).await;
    let expected = [said("ada", "hello"), said("bob", "still here"), said("shop", "somebody left")];
    assert_eq!(archive, json!(expected));
    let sessions = app.actor("shop/sockets/Chat").children.len();
    assert_eq!(sessions, 1, "Ada's");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_says_goodbye() {
    let app = shop().await;
    let mut ada = Visitor::enter(app.client, "/ws/chat/tea").await;
    ada.hear().await;
    let shutdown = tokio::spawn(app.running.shutdown());
    let closed = loop {
        match soon("the close", ada.0.next()).await {
            Some(Ok(Message::Close(frame))) => break frame.unwrap(),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(u16::from(closed.code), 1001);
    soon("the end", shutdown).await.unwrap();
}

const SCHEMA: &str = r#"
    ws Notes { path: "/notes/{page}"  params: { page: Int }  message: String  onMessage: [note]  middlewares: [door] }
"#;
const DOOR: &str = "
from rohas_runtime import Response

def door(request):
    if request.headers.get('x-key') != 'open':
        return Response({'message': 'closed'}, status=403)
    return {**{'headers': request.headers}, 'guest': 'ada'}
";
const NOTE: &str = "
def note(message, connection, state):
    if message == 'fail':
        raise ValueError('secret')
    return {'page': connection.params['page'], 'guest': connection.guest, 'text': message}
";

fn notes() -> Project {
    Project::new(&[
        ("schema/notes.ro", SCHEMA),
        ("src/middlewares/door.py", DOOR),
        ("src/handlers/websockets/note.py", NOTE),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_middleware_stands_before_the_upgrade() {
    let project = notes();
    let app = App::start(project.builder()).await;
    let url = |page: &str| format!("ws://{}/notes/{page}", app.client.0);
    for (page, status) in [("1", 403), ("one", 422)] {
        match connect_async(url(page)).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), status, "{page}"),
            other => panic!("{other:?}"),
        }
    }
    app.get("/notes/1").await.expect(426);

    let mut request = url("7").into_client_request().unwrap();
    request.headers_mut().insert("x-key", "open".parse().unwrap());
    let (stream, _) = connect_async(request).await.unwrap();
    let mut visitor = Visitor(stream);
    visitor.say("\"hi\"").await;
    assert_eq!(visitor.hear().await, json!({ "page": 7, "guest": "ada", "text": "hi" }));
    visitor.say("\"fail\"").await;
    let error = visitor.hear().await;
    assert_eq!(error["error"]["type"], "handler_failed");
    assert!(!error.to_string().contains("secret"), "{error}");
    visitor.say("\"again\"").await;
    assert_eq!(visitor.hear().await["text"], "again");
    visitor.leave().await;
}
