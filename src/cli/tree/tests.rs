//! `rohas tree`: what is drawn, what is left out, where it looks, and what it says of servers that are no admin door.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use unicode_width::UnicodeWidthStr;

use crate::cli::tree::actor::{Actor, Filter, Sums};
use crate::cli::tree::client::{self, Address, Error};
use crate::cli::tree::draw::Canvas;
use crate::cli::tree::text::{cut, duration, grouped, plain, rate};
use crate::cli::tree::{Only, configured, problem, seconds};
use crate::invocation::Json;
use crate::{ActorApp, Config, Failure, Request, State};

fn actor(path: &str, children: Vec<Actor>) -> Actor {
    let name = path.rsplit('/').next().unwrap().to_owned();
    Actor { name, path: path.to_owned(), state: "running".to_owned(), children, ..Actor::default() }
}

fn with(mut actor: Actor, load: Json) -> Actor {
    let Json::Object(load) = load else { panic!("{load}") };
    actor.load = Some(load);
    actor
}

/// An app with something of everything.
fn app() -> Actor {
    let load = json!({
        "queued": 1_000, "capacity": 1_024, "oldest_ms": 1_500, "in_flight": 8, "rate_out": 12.34, "p50_ms": 0.25,
        "p99_ms": 250.0
    });
    let mut busy = with(actor("app/apis/Busy", Vec::new()), load);
    (busy.restarts, busy.last_exit) =
        (2, Some("boom:\n\u{1b}[31m a  long   story about what went wrong".to_owned()));
    let idle =
        with(actor("app/apis/Idle", Vec::new()), json!({ "queued": 0, "capacity": 50, "in_flight": 0 }));
    let mut cron = actor("app/crons/Nightly", Vec::new());
    cron.state = "restarting".to_owned();
    let engine = with(actor("app/executors/native", Vec::new()), json!({ "queued": 0, "in_flight": 8 }));
    let branches = vec![
        actor("app/executors", vec![engine]),
        actor("app/crons", vec![cron]),
        actor("app/apis", vec![busy, idle]),
    ];
    actor("app", branches)
}

fn canvas(width: Option<usize>) -> Canvas {
    Canvas { width, colour: false, folded: 40 }
}

#[test]
fn a_tree_is_drawn_in_columns() {
    let drawn = canvas(None).draw(&app());
    let expected = "\
ACTOR            STATE       RESTARTS       QUEUED  OLDEST  IN FLIGHT  RATE    P50    P99  LAST REASON
app              running            -
├── executors    running            -
│   └── native   running            -            0                  8
├── crons        running            -
│   └── Nightly  restarting         -
└── apis         running            -
    ├── Busy     running            2  1,000/1,024    1.5s          8  12/s  250µs  250ms  boom: [31m a long story about what went wrong
    └── Idle     running            -         0/50                  -";
    assert_eq!(drawn.join("\n"), expected);
}

#[test]
fn columns_leave_a_narrow_terminal_one_after_the_other() {
    let tree = app();
    let mut heads = Vec::new();
    for width in (20..=140).rev() {
        let drawn = canvas(Some(width)).draw(&tree);
        let widest = drawn.iter().map(|line| line.width()).max().unwrap();
        assert!(widest <= width, "{width}: {}", drawn.join("\n"));
        assert_eq!(drawn.len(), 9);
        heads.push(
            drawn[0]
                .split("  ")
                .filter(|head| !head.is_empty())
                .map(|head| head.trim().to_owned())
                .collect::<Vec<_>>(),
        );
    }
    heads.dedup();
    let leaving: Vec<&String> =
        heads.windows(2).flat_map(|pair| pair[0].iter().filter(|head| !pair[1].contains(head))).collect();
    let first: Vec<&str> = leaving.iter().take(4).map(|head| head.as_str()).collect();
    assert_eq!(first, ["P50", "RATE", "OLDEST", "P99"]);
    assert_eq!(heads.first().unwrap().len(), 10);
    assert_eq!(heads.last().unwrap()[0], "ACTOR");
}

#[test]
fn colours_move_no_column() {
    let bare = regex::Regex::new("\x1b\\[[0-9]*m").unwrap();
    for width in [None, Some(100), Some(60)] {
        let coloured = Canvas { colour: true, ..canvas(width) }.draw(&app()).join("\n");
        assert!(coloured.contains("\x1b[33mrestarting\x1b[0m"), "{coloured}");
        assert_eq!(bare.replace_all(&coloured, ""), canvas(width).draw(&app()).join("\n"));
    }
}

#[test]
fn of_a_large_branch_those_who_need_a_look_are_shown() {
    let session = |number: usize| {
        let mut session = actor(&format!("app/sockets/Chat/s{number}"), Vec::new());
        session.restarts = u64::from(number == 1_000);
        with(session, json!({ "queued": usize::from(number % 100 == 99) }))
    };
    let chat = actor("app/sockets/Chat", (0..1_254).map(session).collect());
    let drawn = canvas(None).draw(&chat);
    assert_eq!(drawn.len(), 1 + 1 + 20 + 1, "{}", drawn.join("\n"));
    assert!(drawn[2].starts_with("├── s0 "), "{}", drawn[2]);
    for number in [99, 1_199, 1_000] {
        assert!(drawn.iter().any(|line| line.contains(&format!("── s{number} "))), "{}", drawn.join("\n"));
    }
    assert!(drawn.last().unwrap().starts_with("└── … 1,234 more"), "{}", drawn.join("\n"));
    let all = Canvas { folded: usize::MAX, ..canvas(None) }.draw(&chat);
    assert_eq!(all.len(), 2 + 1_254);
}

#[test]
fn filters_keep_the_way_to_what_they_keep() {
    let shown = |depth: Option<usize>, only: &[Only]| {
        let mut tree = app();
        tree.filter(&Filter { depth, only });
        fn paths(actor: &Actor, out: &mut Vec<String>) {
            out.push(actor.path.clone());
            actor.children.iter().for_each(|child| paths(child, out));
        }
        let mut out = Vec::new();
        paths(&tree, &mut out);
        out.join(" ")
    };
    for (depth, only, expected) in [
        (Some(0), &[][..], "app"),
        (Some(1), &[], "app app/executors app/crons app/apis"),
        (None, &[Only::Apis], "app app/apis app/apis/Busy app/apis/Idle"),
        (None, &[Only::Busy], "app app/executors app/executors/native app/apis app/apis/Busy"),
        (None, &[Only::Restarted], "app app/crons app/crons/Nightly app/apis app/apis/Busy"),
        (None, &[Only::Apis, Only::Busy], "app app/apis app/apis/Busy"),
        (None, &[Only::Crons, Only::Busy], "app"),
        (Some(1), &[Only::Busy, Only::Restarted], "app app/executors app/crons app/apis"),
        (None, &[Only::Events], "app"),
    ] {
        assert_eq!(shown(depth, only), expected, "{depth:?} {only:?}");
    }
}

#[test]
fn what_is_too_deep_is_summed_up() {
    let mut tree = app();
    tree.filter(&Filter { depth: Some(1), only: &[] });
    let hidden = Sums { actors: 2, running: 2, restarts: 2, queued: 1_000.0, in_flight: 8.0, rate: 12.34 };
    assert_eq!(tree.children[2].hidden, Some(hidden));
    let drawn = canvas(None).draw(&tree).join("\n");
    assert!(drawn.contains("├── crons (+1, 1 down)  running "), "{drawn}");
    let words: Vec<&str> = drawn.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(words, ["└──", "apis", "(+2)", "running", "2", "1,000", "8", "12/s"]);
}

#[test]
fn what_is_in_hand_counts_once() {
    assert_eq!(app().summary(), "8 actors, 1 not running, 2 restarts, 1,000 queued, 8 in flight");
    assert_eq!(app().children[0].summary(), "2 actors, 8 in flight");
    assert_eq!(actor("app", Vec::new()).summary(), "1 actor");
}

#[test]
fn what_this_version_does_not_know_goes_through() {
    let told = json!({
        "name": "app", "path": "app", "state": "thinking", "restarts": 0, "load": { "queued": 1, "mood": "good" },
        "moon": { "phase": 3 }, "children": [{ "name": "a", "path": "app/a", "state": "running", "restarts": 1 }]
    });
    let read: Actor = serde_json::from_value(told.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), told);
    assert!(canvas(None).draw(&read)[1].contains("thinking"));
}

#[test]
fn numbers_are_short() {
    let counts =
        [(0.0, "0"), (999.0, "999"), (1_000.0, "1,000"), (1_234_567.0, "1,234,567"), (-1_000.0, "-1,000")];
    counts.iter().for_each(|(number, written)| assert_eq!(grouped(*number), *written));
    for (milliseconds, written) in [
        (0.02, "20µs"),
        (0.9996, "1.0ms"),
        (9.94, "9.9ms"),
        (9.96, "10ms"),
        (999.4, "999ms"),
        (999.6, "1.0s"),
        (59_940.0, "59.9s"),
        (59_960.0, "1m00s"),
        (185_000.0, "3m05s"),
        (3_599_600.0, "1h00m"),
        (90_000_000.0, "25h00m"),
    ] {
        assert_eq!(duration(milliseconds), written, "{milliseconds}");
    }
    let rates =
        [(0.04, "0.0/s"), (9.94, "9.9/s"), (9.96, "10/s"), (1_234.0, "1,234/s"), (12_345.0, "12.3k/s")];
    rates.iter().for_each(|(number, written)| assert_eq!(rate(*number), *written));
}

#[test]
fn texts_of_others_stay_in_their_cell() {
    assert_eq!(plain("a\r\n\x1b]0;title\x07b\tc\u{9b}2J"), "a ]0;title b c 2J");
    for (text, width, expected) in [
        ("four", Some(4), "four"),
        ("longer", Some(4), "lon…"),
        ("日本語", Some(4), "日…"),
        ("longer", Some(1), "…"),
        ("longer", Some(0), ""),
        ("longer", None, "longer"),
    ] {
        assert_eq!(cut(text, width), expected, "{text} {width:?}");
    }
}

#[test]
fn addresses_are_read_as_they_are_printed() {
    for (written, address) in [
        ("127.0.0.1:3001", "127.0.0.1:3001"),
        ("http://127.0.0.1:3001", "127.0.0.1:3001"),
        ("http://ops.example:1/", "ops.example:1"),
        ("[::1]:3001", "[::1]:3001"),
    ] {
        assert_eq!(Address::parse(written).unwrap().to_string(), address);
    }
    for (written, says) in [
        ("3001", "it must be HOST:PORT"),
        ("localhost", "it must be HOST:PORT"),
        ("localhost:0", "it must be HOST:PORT"),
        ("localhost:70000", "it must be HOST:PORT"),
        ("::1:3001", "an IPv6 address stands in brackets"),
        ("[:3001", "\"[\" is not a host"),
        (":3001", "\"\" is not a host"),
        ("a b:1", "\"a b\" is not a host"),
        ("host/path:1", "\"host/path\" is not a host"),
        ("[ops]:1", "\"[ops]\" is not a host"),
    ] {
        let error = Address::parse(written).unwrap_err();
        assert!(error.contains(says), "{written}: {error}");
    }
    assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
    ["0", "-1", "NaN", "soon", "3601", ""]
        .iter()
        .for_each(|wrong| assert!(seconds(wrong).is_err(), "{wrong}"));
}

#[test]
fn the_address_is_the_configured_one() {
    let place = |text: &str, token: Option<&str>| {
        let config = Config::parse("rohas.toml", text, &[], &|_| None).unwrap();
        configured(&config, Some("shop/config/rohas.toml".as_ref()), token.map(str::to_owned))
    };
    for (text, address) in [
        ("", "127.0.0.1:3001"),
        ("[server]\nport = 8080", "127.0.0.1:8081"),
        ("[admin]\nport = 9\nhost = \"::1\"", "[::1]:9"),
        ("[admin]\nhost = \"0.0.0.0\"\ntoken = \"t\"", "127.0.0.1:3001"),
        ("[admin]\nhost = \"::\"\ntoken = \"t\"", "[::1]:3001"),
    ] {
        let place = place(text, None).unwrap_or_else(|problem| panic!("{text}: {problem}"));
        assert_eq!(place.address.to_string(), address, "{text}");
        assert_eq!(place.source.as_deref(), Some("from shop/config/rohas.toml"));
    }
    let token = |given| place("[admin]\ntoken = \"configured\"", given).ok().unwrap().token.unwrap();
    assert_eq!((token(None).as_str(), token(Some("given")).as_str()), ("configured", "given"));
    for (text, says) in [
        (
            "[admin]\nenabled = false",
            "shop/config/rohas.toml: the admin door of this project is switched off",
        ),
        ("[server]\nport = 0", "takes a free port"),
    ] {
        let problem = place(text, None).err().unwrap();
        assert!(problem.message.contains(says) && problem.hint.is_some(), "{problem}");
    }
}

/// A server that says the same to whoever asks, and then closes, or does not.
async fn says(answer: &'static [u8], closes: bool) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = at(listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer).await.unwrap();
        if !closes {
            std::future::pending::<()>().await;
        }
    });
    address
}

fn at(address: SocketAddr) -> Address {
    Address::new(&address.ip().to_string(), address.port())
}

#[tokio::test]
async fn what_is_no_admin_door_is_named() {
    let cut_off: &[u8] = b"HTTP/1.1 200 OK\r\nrohas-version: 1\r\ncontent-length: 100\r\n\r\n{\"name\"";
    let other = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let no_tree = b"HTTP/1.1 200 OK\r\nrohas-version: 1\r\ncontent-length: 2\r\n\r\n[]";
    let refuses = b"HTTP/1.1 403 F\r\nrohas-version: 1\r\ncontent-length: 15\r\n\r\n{\"detail\":\"no\"}";
    let chunks = b"HTTP/1.1 200 OK\r\nrohas-version: 1\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"nam\r\n";
    for (answer, expected) in [
        (cut_off, Error::CutOff),
        (chunks, Error::CutOff),
        (b"", Error::CutOff),
        (b"HTTP/1.1 200", Error::CutOff),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", Error::NotHttp),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Error::NotHttp),
        (other, Error::NotRohas),
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", Error::NotRohas),
        (refuses, Error::Failed(403, "no".to_owned())),
    ] {
        let shown = String::from_utf8_lossy(answer);
        let error = client::get(&says(answer, true).await, None, None).await.err();
        assert_eq!(error, Some(expected), "{shown}");
    }
    let error = client::get(&says(no_tree, true).await, None, None).await.unwrap_err();
    assert!(matches!(error, Error::NoTree(_)), "{error:?}");
}

#[tokio::test]
async fn nobody_there_is_said_at_once() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = client::get(&at(free), None, None).await.unwrap_err();
    assert_eq!(error, Error::Refused);
    let place = crate::cli::tree::Place { address: at(free), token: None, source: None };
    let problem = problem(error, &place).to_string();
    assert!(problem.starts_with(&format!("error: {free}: nobody listens there\n  help: ")), "{problem}");
    assert!(problem.contains("--address"), "{problem}");
}

#[tokio::test]
async fn one_who_never_answers_is_not_waited_for() {
    let head: &[u8] = b"HTTP/1.1 200 OK\r\nrohas-version: 1\r\ncontent-length: 9\r\n\r\n";
    for answer in [b"", head] {
        let server = says(answer, false).await;
        let error = client::ask(&server, None, None, Duration::from_millis(50)).await.unwrap_err();
        assert_eq!(error, Error::Silent);
    }
}

#[tokio::test]
async fn a_running_app_is_shown() {
    let config = "[server]\nport = 0\n[admin]\ntoken = \"right\"";
    let config = Config::parse("the test", config, &[], &|_| None).unwrap();
    let schema = r#"api Hello { method: GET path: "/" response: String mailbox: 7 }"#;
    let hello = async |_: Request, _: State| Ok::<_, Failure>("hello");
    let built = ActorApp::builder().schema_text(schema).config(config).handler("Hello", hello).build();
    let running = built.unwrap_or_else(|error| panic!("{}", error.render(false))).start().await.unwrap();
    let address = at(running.admin_addr().unwrap());
    let get = async |token: Option<&'static str>, path: Option<&'static str>| {
        client::get(&address, token, path).await
    };
    let whole = get(Some("right"), None).await.unwrap();
    assert_eq!((whole.phase.as_str(), whole.actor.name.as_str()), ("running", "app"));
    let drawn = canvas(None).draw(&whole.actor).join("\n");
    assert!(drawn.contains("── Hello ") && drawn.contains("0/7"), "{drawn}");
    let part = get(Some("right"), Some("apis/Hello")).await.unwrap();
    assert_eq!(part.actor.path, "app/apis/Hello");

    assert_eq!(get(None, None).await.unwrap_err(), Error::NoToken);
    assert_eq!(get(Some("wrong"), None).await.unwrap_err(), Error::WrongToken);
    assert_eq!(get(Some("two\nlines"), None).await.unwrap_err(), Error::WrongToken);
    let error = get(Some("right"), Some("a&b=ü c")).await.unwrap_err();
    assert_eq!(error, Error::NoActor("There is no actor app/a&b=ü c.".to_owned()));
    let door = client::get(&at(running.http_addr()), None, None).await.unwrap_err();
    assert_eq!(door, Error::NotRohas, "the app's own door is another one");
}
