//! The admin door of running apps, over raw sockets; who may look by a table.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::Request;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::http::admin::access::{Access, Refusal};
use crate::http::admin::events;
use crate::shutdown::{Phase, Shutdown};
use crate::supervision::{ChildSpec, Policy, Strategy, Supervisor, Tree};
use crate::{ActorApp, Config, Failure, Json, Running, StartError, State};

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

const SCHEMA: &str = r#"
    api Slow { method: GET path: "/slow" response: String concurrency: 1 mailbox: 1 }
    api Free { method: GET path: "/free" response: String }
"#;

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

async fn until(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    let reached = async {
        while !reached().await {
            tokio::task::yield_now().await;
        }
    };
    soon(what, reached).await;
}

fn config(more: &str) -> Config {
    let text = format!("[server]\nport = 0\n{more}");
    Config::parse("the test", &text, &[], &|_| None).unwrap()
}

/// An app whose slow api waits for permits of the gate.
fn app(gate: &Arc<Semaphore>, config: Config) -> ActorApp {
    let gate = Arc::clone(gate);
    let slow = move |_: crate::Request, _: State| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok::<_, Failure>("slow")
        }
    };
    let free = async |_: crate::Request, _: State| Ok::<_, Failure>("free");
    let builder = ActorApp::builder().schema_text(SCHEMA).config(config);
    let built = builder.handler("Slow", slow).handler("Free", free).build();
    built.unwrap_or_else(|error| panic!("{}", error.render(false)))
}

fn closed() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

async fn start(config: Config) -> Running {
    app(&closed(), config).start().await.unwrap()
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap().to_owned()
    }
}

/// Sends a request with these lines after the first and reads to the end of the connection.
async fn send(address: SocketAddr, first: &str, lines: &[&str]) -> Answer {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{first}\r\n{}\r\nconnection: close\r\n\r\n", lines.join("\r\n"));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    let text = soon(first, exchange).await;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    send(address, &format!("GET {path} HTTP/1.1"), &["host: localhost"]).await
}

#[tokio::test]
async fn it_shows_the_tree_and_its_parts() {
    let running = start(config("")).await;
    let address = running.admin_addr().unwrap();
    let tree = get(address, "/tree").await;
    assert_eq!(tree.status, 200);
    for line in ["content-type: application/json", "cache-control: no-store", "rohas-phase: running"] {
        assert!(tree.head.contains(line), "{}", tree.head);
    }
    assert!(!tree.head.contains("access-control"), "{}", tree.head);
    assert_eq!(tree.json()["path"], "app");
    let ours = running.tree();
    assert_eq!(ours.find("app/admin").map(|node| node.restarts), Some(0), "{ours}");

    for path in ["app/apis/Slow", "apis/Slow", "/apis/Slow/", "app%2Fapis%2FSlow"] {
        let part = get(address, &format!("/tree?path={path}")).await.json();
        assert_eq!(part["path"], "app/apis/Slow", "{path}");
        assert_eq!(part["load"]["capacity"], 1, "{path}");
    }
    let text = send(address, "GET /tree HTTP/1.1", &["host: localhost", "accept: text/plain, */*"]).await;
    assert!(text.head.contains("content-type: text/plain"), "{}", text.head);
    assert!(text.body.starts_with("app Running\n  telemetry Running\n"), "{}", text.body);

    let metrics = get(address, "/metrics").await;
    assert!(metrics.head.contains("content-type: text/plain; version=0.0.4"), "{}", metrics.head);
    let line = "rohas_mailbox_capacity{actor=\"app/apis/Slow\"} 1\n";
    assert!(metrics.body.contains(line), "{}", metrics.body);
    assert_eq!(get(address, "/healthz").await.body, "ok\n");
}

#[tokio::test]
async fn what_is_wrong_about_a_request_is_said() {
    let running = start(config("")).await;
    let address = running.admin_addr().unwrap();
    for (first, status, detail) in [
        (
            "GET /tree?path=apis/Slwo HTTP/1.1",
            404,
            "There is no actor app/apis/Slwo. Did you mean app/apis/Slow?",
        ),
        ("GET /tree?path=app/nowhere/at/all HTTP/1.1", 404, "There is no actor app/nowhere/at/all."),
        ("GET /tree?pth=apis HTTP/1.1", 400, "There is no parameter \"pth\", only path."),
        ("GET /tree?path=apis&path=crons HTTP/1.1", 400, "The parameter path is given twice."),
        ("GET /metrics?path=apis HTTP/1.1", 400, "There is no parameter \"path\"."),
        ("POST /tree HTTP/1.1", 405, "POST is not served here, only GET."),
        ("DELETE /metrics HTTP/1.1", 405, "DELETE is not served here, only GET."),
        (
            "GET /trees HTTP/1.1",
            404,
            "Nothing is served at /trees, only /tree, /tree/events, /metrics and /healthz.",
        ),
    ] {
        let answer = send(address, first, &["host: localhost"]).await;
        assert_eq!((answer.status, answer.detail().as_str()), (status, detail), "{first}");
    }
}

#[tokio::test]
async fn a_token_opens_the_door() {
    let running = start(config("[admin]\nhost = \"0.0.0.0\"\ntoken = \"s3cret\"")).await;
    let address = SocketAddr::from(([127, 0, 0, 1], running.admin_addr().unwrap().port()));
    let with = async |authorization: &str| {
        let authorization = format!("authorization: {authorization}");
        send(address, "GET /tree HTTP/1.1", &["host: ops.example.com:1", &authorization]).await
    };
    for right in ["Bearer s3cret", "bearer  s3cret"] {
        assert_eq!(with(right).await.status, 200, "{right}");
    }
    for (wrong, detail) in [
        ("Bearer s3cre", "The token is wrong."),
        ("Bearer s3crets", "The token is wrong."),
        ("Bearer ", "A token is required: Authorization: Bearer TOKEN."),
        ("Basic s3cret", "A token is required: Authorization: Bearer TOKEN."),
        ("s3cret", "A token is required: Authorization: Bearer TOKEN."),
    ] {
        let answer = with(wrong).await;
        assert_eq!((answer.status, answer.detail().as_str()), (401, detail), "{wrong}");
        assert!(answer.head.contains("www-authenticate: bearer"), "{}", answer.head);
    }
    assert_eq!(get(address, "/metrics").await.status, 401);
    assert_eq!(get(address, "/nowhere").await.status, 401, "a stranger does not learn what there is");
    assert_eq!(get(address, "/healthz").await.status, 200);
}

#[test]
fn the_host_must_be_this_machine_or_the_configured_one() {
    let access = |host: &str, token: Option<&str>| Access {
        host: host.to_owned(),
        address: "10.1.2.3:3001".parse().unwrap(),
        token: token.map(str::to_owned),
    };
    let check = |access: &Access, uri: &str, hosts: &[&str]| {
        let mut request = Request::get(uri);
        for host in hosts {
            request = request.header("host", *host);
        }
        access.check(&request.body(()).unwrap().into_parts().0)
    };
    let local = access("127.0.0.1", None);
    let loopback = ["localhost", "LocalHost:3001", "localhost.", "127.0.0.1:80", "127.9.9.9", "[::1]:3001"];
    for host in loopback.iter().chain(&["[::ffff:127.0.0.1]", "10.1.2.3:1"]) {
        assert_eq!(check(&local, "/tree", &[host]), Ok(()), "{host}");
    }
    let strangers = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.1.2.4", "[::2]"];
    for host in strangers.iter().chain(&["me@localhost", "", "local host", "0.0.0.0"]) {
        assert_eq!(check(&local, "/tree", &[host]), Err(Refusal::OtherHost((*host).to_owned())), "{host}");
    }
    assert_eq!(check(&local, "/tree", &[]), Err(Refusal::NoHost));
    assert_eq!(check(&local, "/tree", &["localhost", "localhost"]), Err(Refusal::NoHost));
    let overridden = check(&local, "http://evil.example/tree", &["localhost"]);
    assert_eq!(overridden, Err(Refusal::OtherHost("evil.example".to_owned())));
    assert!(check(&local, "/healthz", &["evil.example"]).is_err());

    let named = access("ops.example", Some("token"));
    assert_eq!(check(&named, "/tree", &["OPS.example:9"]), Err(Refusal::NoToken));
    assert_eq!(check(&named, "/tree", &["evil.example"]), Err(Refusal::OtherHost("evil.example".to_owned())));
    let everywhere = access("0.0.0.0", Some("token"));
    assert_eq!(check(&everywhere, "/tree", &["any.example"]), Err(Refusal::NoToken));
    assert!(check(&access("::", None), "/tree", &["any.example"]).is_err(), "nothing but a token lets it in");
}

#[tokio::test]
async fn a_page_of_another_site_reads_nothing() {
    let running = start(config("")).await;
    let address = running.admin_addr().unwrap();
    let rebound = send(address, "GET /tree HTTP/1.1", &["host: evil.example:3001"]).await;
    assert_eq!(rebound.status, 403);
    assert!(!rebound.body.contains("apis"), "{}", rebound.body);
}

#[tokio::test]
async fn a_taken_port_stops_an_app_that_asked_for_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let configured = app(&closed(), config(&format!("[admin]\nport = {port}"))).start().await;
    let Err(StartError::Admin { address, .. }) = &configured else { panic!("it started") };
    assert_eq!(*address, format!("127.0.0.1:{port}"));
    let lines = configured.err().unwrap().lines().join("\n");
    assert!(lines.contains("for the admin door") && lines.contains("[admin] host and port"), "{lines}");
}

#[tokio::test]
async fn a_taken_default_port_is_only_a_warning() {
    // The server needs the port below: another one is tried where somebody has that.
    for _ in 0..50 {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("[server]\nport = {}", taken.local_addr().unwrap().port() - 1);
        let config = Config::parse("the test", &server, &[], &|_| None).unwrap();
        if let Ok(running) = app(&closed(), config).start().await {
            assert_eq!(running.admin_addr(), None);
            assert!(running.tree().find("app/admin").is_none());
            assert_eq!(get(running.http_addr(), "/free").await.status, 200);
            return;
        }
    }
    panic!("no two ports beside each other are free");
}

#[tokio::test]
async fn a_door_that_is_switched_off_is_not_there() {
    let running = start(config("[admin]\nenabled = false")).await;
    assert_eq!(running.admin_addr(), None);
    assert!(running.tree().find("app/admin").is_none());
}

#[tokio::test]
async fn a_config_made_by_hand_is_checked_as_well() {
    let mut config = config("");
    config.admin.host = "0.0.0.0".to_owned();
    let error = ActorApp::builder().schema_text("").config(config).build().err().unwrap();
    assert!(error.render(false).contains("admin.token: it is required"), "{}", error.render(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_answers_while_the_app_is_overloaded_and_while_it_drains() {
    let gate = Arc::new(Semaphore::new(0));
    let running = app(&gate, config("")).start().await.unwrap();
    let (address, http) = (running.admin_addr().unwrap(), running.http_addr());
    let slow = async || get(address, "/tree?path=apis/Slow").await.json()["load"].clone();
    let first = tokio::spawn(async move { get(http, "/slow").await });
    until("the first is handled", async || slow().await["in_flight"] == 1).await;
    let second = tokio::spawn(async move { get(http, "/slow").await });
    until("the second waits", async || slow().await["queued"] == 1).await;
    assert_eq!(get(http, "/slow").await.status, 503);
    assert_eq!(slow().await["refused"], 1);

    // Neither one who keeps a connection nor one who does not read what they asked for holds the drain up.
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut lazy = TcpStream::connect(address).await.unwrap();
    lazy.write_all("GET /tree HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50).as_bytes()).await.unwrap();
    let shutdown = tokio::spawn(running.shutdown());
    until("no new connections", async || TcpStream::connect(http).await.is_err()).await;
    let draining = get(address, "/tree").await;
    assert!(draining.head.contains("rohas-phase: draining"), "{}", draining.head);
    assert_eq!(slow().await["queued"], 1);
    assert!(!shutdown.is_finished(), "two calls are in hand");

    gate.add_permits(2);
    assert_eq!(soon("the first", first).await.unwrap().status, 200);
    assert_eq!(soon("the second", second).await.unwrap().status, 200);
    soon("the end", shutdown).await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "it is gone with the app");
    let ended = soon("the connection ends", idle.read(&mut [0; 1])).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_readers_at_once_all_get_the_tree() {
    let running = start(config("")).await;
    let (address, http) = (running.admin_addr().unwrap(), running.http_addr());
    let readers: Vec<_> =
        (0..1_000).map(|_| tokio::spawn(async move { get(address, "/tree").await })).collect();
    assert_eq!(get(http, "/free").await.status, 200, "the app goes on");
    for reader in readers {
        let answer = soon("an answer", reader).await.unwrap();
        assert_eq!((answer.status, &answer.json()["path"]), (200, &Json::from("app")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_go_away_leave_the_door_open() {
    let running = start(config("")).await;
    let address = running.admin_addr().unwrap();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /tree HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    }
    assert_eq!(get(address, "/tree").await.status, 200);
    assert_eq!(running.tree().find("app/admin").unwrap().restarts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_door_comes_back_at_its_address() {
    let running = start(config("")).await;
    let address = running.admin_addr().unwrap();
    assert!(running.kill("app/admin").await);
    let admin = || running.tree().find("app/admin").unwrap().clone();
    until("the restart", async || admin().restarts == 1).await;
    assert_eq!(get(address, "/tree").await.status, 200);
}

/// An actor that does nothing.
struct Idle;

impl Actor for Idle {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// Opens the stream of changes; returns the connection behind the head of the response.
async fn follow(address: SocketAddr, path: &str) -> BufReader<TcpStream> {
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.get_mut().write_all(request.as_bytes()).await.unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(soon("the head", stream.read_line(&mut head)).await.unwrap() > 0, "{head}");
    }
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("application/x-ndjson"), "{head}");
    stream
}

/// Reads the next line that is JSON: sizes of chunks and empty lines are between them.
async fn change(stream: &mut BufReader<TcpStream>) -> Json {
    loop {
        let mut line = String::new();
        assert!(soon("a change", stream.read_line(&mut line)).await.unwrap() > 0, "the stream ended");
        if line.starts_with('{') {
            return serde_json::from_str(&line).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_sent_as_they_happen() {
    let gate = closed();
    let running = app(&gate, config("")).start().await.unwrap();
    let address = running.admin_addr().unwrap();
    let mut all = follow(address, "/tree/events").await;
    let mut free = follow(address, "/tree/events?path=apis/Free").await;
    let handle = running.app();
    let slow = tokio::spawn(async move { handle.call("Slow", Json::Null).await });
    let started = change(&mut all).await;
    assert_eq!(
        (&started["path"], &started["kind"]),
        (&Json::from("app/apis/Slow"), &Json::from("started")),
        "an api starts with its first call"
    );
    assert!(running.kill("app/apis/Slow").await);
    let restarted = change(&mut all).await;
    assert_eq!(
        (&restarted["path"], &restarted["kind"]),
        (&Json::from("app/apis/Slow"), &Json::from("restarted"))
    );
    assert!(restarted["at"].is_string() && restarted["reason"].is_string(), "{restarted}");
    soon("the answer", running.call("Free", Json::Null)).await.unwrap();
    assert_eq!(change(&mut all).await["path"], "app/apis/Free");
    assert_eq!(change(&mut free).await["path"], "app/apis/Free", "the other was not for it");

    gate.add_permits(1);
    soon("the answer", slow).await.unwrap().unwrap();
    // A stream ends with the app as a response ends, and does not hold the drain up.
    soon("the end", running.shutdown()).await;
    let mut rest = String::new();
    soon("the stream ends", free.read_to_string(&mut rest)).await.unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
}

#[tokio::test]
async fn one_who_does_not_read_the_changes_holds_nobody_up_and_is_told_what_they_missed() {
    let tree = Tree::default();
    let supervisor = Supervisor {
        path: "root".to_owned(),
        policy: Policy::new(Strategy::OneForOne),
        tree: tree.clone(),
        children: Vec::new(),
    };
    let shutdown = Shutdown::default();
    let mut unread = events::lines(tree.events(), None, shutdown.clone());
    let root = supervisor.start().await.unwrap();
    let children = 3_000;
    for number in 0..children {
        let child = ChildSpec::new(number.to_string(), |supervisor| async {
            Ok(Actor::spawn_linked(None, Idle, (), supervisor).await?.0.get_cell())
        });
        soon("a child", root.start(child)).await.unwrap();
    }
    let (mut missed, mut last) = (0, String::new());
    while last != format!("root/{}", children - 1) {
        let line = soon("a line", unread.frame()).await.unwrap().unwrap().into_data().unwrap();
        let line: Json = serde_json::from_slice(&line).unwrap();
        missed += line["missed"].as_u64().unwrap_or_default();
        last = line["path"].as_str().unwrap_or_default().to_owned();
    }
    assert!((1..3_000).contains(&missed), "{missed}");
    shutdown.enter(Phase::Forced);
    assert!(soon("the end", unread.frame()).await.is_none());
    root.stop(PATIENCE).await;
}

#[test]
fn a_part_is_what_is_below_its_path() {
    for (part, path, expected) in [
        ("apis", "app/apis", true),
        ("app/apis", "app/apis/Free", true),
        ("app", "app/apis/Free", true),
        ("apis/Fre", "app/apis/Free", false),
        ("app/apis/Free", "app/apis", false),
        ("apple", "app/apple/pie", true),
    ] {
        let part = events::full("app", part);
        assert_eq!(events::is_below(path, Some(&part)), expected, "{part} {path}");
    }
    assert!(events::is_below("app", None));
}
