//! The app's handle and typed references on running apps: calls, casts, events, names, errors over HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, Semaphore, mpsc};
use uuid::Uuid;

use crate::invocation::{Invocation, Trace};
use crate::shutdown::Phase;
use crate::{
    ActorApp, ApiRequest, App, Body, Builder, Call, Config, Data, Event, Failure, FromCall, Json, Message,
    Path, Query, Request, Response, Running, StartError, State,
};

pub(super) fn inline(schema: &str) -> Builder {
    let mut config = Config::default();
    config.server.port = 0;
    ActorApp::builder().schema_text(schema).config(config)
}

pub(super) async fn start(builder: Builder) -> Running {
    let app = builder.build().unwrap_or_else(|error| panic!("{}", error.render(false)));
    app.start().await.unwrap_or_else(|error| panic!("{}", error.lines().join("\n")))
}

/// Waits for something that must come, so that a test that fails ends.
pub(super) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    let ended = tokio::time::timeout(Duration::from_secs(20), future).await;
    ended.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// Waits until a state is reached.
pub(super) async fn until(what: &str, reached: impl Fn() -> bool) {
    let wait = async {
        while !reached() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    soon(what, wait).await;
}

/// Asks over HTTP; returns the status and the body.
pub(super) async fn http(running: &Running, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(running.http_addr()).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the answer", stream.read_to_string(&mut answer)).await.unwrap();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no body in {answer:?}"));
    (status.unwrap(), body.to_owned())
}

const SHOP: &str = r#"
    model User { id: Int name: String }
    input NewUser { name: String }
    type Missing { message: String id: Int }
    type Seen { name: String }
    api CreateUser { method: POST path: "/users" body: NewUser response: User triggers: [UserCreated] }
    api GetUser { method: GET path: "/users/{id}" params: { id: Int } query: { loud: Boolean? } response: User
                  errors: { 404: Missing, 409: Locked } }
    api Relay { method: GET path: "/relay/{id}" params: { id: Int } response: String errors: { 404: Missing } }
    event UserCreated { payload: User handler: [] }
    event UserSeen { payload: Seen handler: [] }
"#;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    id: i64,
    name: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct NewUser {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Seen {
    name: String,
}

/// The users of the program: its data.
struct Users(Mutex<Vec<User>>);

async fn create_user(Data(users): Data<Users>, Body(input): Body<NewUser>) -> Result<User, Failure> {
    let mut users = users.0.lock();
    let user = User { id: i64::try_from(users.len()).unwrap() + 1, name: input.name };
    users.push(user.clone());
    Ok(user)
}

enum GetUserError {
    Missing(i64),
    Locked,
    Broken(std::fmt::Error),
}

impl From<GetUserError> for Failure {
    fn from(error: GetUserError) -> Self {
        match error {
            GetUserError::Missing(id) => {
                Failure::declared("Missing", "no user", json!({ "message": "no user", "id": id }))
            }
            GetUserError::Locked => Failure::declared("Locked", "locked", json!({ "message": "locked" })),
            GetUserError::Broken(error) => Failure::internal(error),
        }
    }
}

#[derive(Deserialize)]
struct Loud {
    loud: Option<bool>,
}

async fn get_user(
    Path(id): Path<i64>,
    Data(users): Data<Users>,
    loud: Query<Loud>,
) -> Result<User, GetUserError> {
    match id {
        500 => return Err(GetUserError::Broken(std::fmt::Error)),
        409 => return Err(GetUserError::Locked),
        _ => {}
    }
    let found = users.0.lock().iter().find(|user| user.id == id).cloned();
    let mut user = found.ok_or(GetUserError::Missing(id))?;
    if loud.loud == Some(true) {
        user.name = user.name.to_uppercase();
    }
    Ok(user)
}

/// Asks another api by a typed reference, in one of several ways.
async fn relay(Path(id): Path<i64>, state: State) -> Result<String, Failure> {
    match id {
        1001 => state.api::<(), User>("GetUsr").map(|_| "unreachable".to_owned()),
        1002 => state.call("CreateUser", json!({ "nam": "x" })).await.map(|_| "unreachable".to_owned()),
        1003 => state.event::<Seen>("UserSen").map(|_| "unreachable".to_owned()),
        _ => {
            let get_user = state.api::<(), User>("GetUser")?;
            let user =
                get_user.call_with(&(), ApiRequest::default().param("id", id).query("loud", true)).await?;
            state.event::<Seen>("UserSeen")?.trigger(&Seen { name: user.name.clone() })?;
            Ok(user.name)
        }
    }
}

fn shop() -> Builder {
    let users = Users(Mutex::new(vec![User { id: 1, name: "ann".to_owned() }]));
    let app = inline(SHOP).data(users).handler("CreateUser", create_user);
    app.handler("GetUser", get_user).handler("Relay", relay)
}

#[tokio::test]
async fn typed_errors_have_their_status_and_others_tell_nothing() {
    let running = start(shop()).await;
    assert_eq!(http(&running, "GET", "/users/1", "").await, (200, r#"{"id":1,"name":"ann"}"#.to_owned()));
    let missing = http(&running, "GET", "/users/7", "").await;
    assert_eq!(missing, (404, r#"{"message":"no user","id":7}"#.to_owned()));
    assert_eq!(http(&running, "GET", "/users/409", "").await, (409, r#"{"message":"locked"}"#.to_owned()));
    let (status, body) = http(&running, "GET", "/users/500", "").await;
    assert_eq!(status, 500);
    assert!(body.contains("The handler failed.") && !body.contains("formatting"), "{body}");
    running.shutdown().await;
}

#[tokio::test]
async fn handlers_call_others_and_answer_for_what_they_send() {
    let running = start(shop()).await;
    let mut seen = running.event::<Seen>("UserSeen").unwrap().subscribe().unwrap();
    assert_eq!(http(&running, "GET", "/relay/1", "").await, (200, "\"ANN\"".to_owned()));
    let event = soon("the event", seen.next()).await.unwrap().unwrap();
    assert_eq!((event.name.as_str(), &event.payload), ("UserSeen", &Seen { name: "ANN".to_owned() }));
    // A declared error goes through where it is declared as well, and is internal where it is not.
    assert_eq!(http(&running, "GET", "/relay/7", "").await.0, 404);
    assert_eq!(http(&running, "GET", "/relay/409", "").await.0, 500);
    // The client of the relay is not to blame for what the relay sends.
    let said = [
        (1001, "there is no api GetUsr; did you mean \"GetUser\"?"),
        (1002, "what api Relay sends to api CreateUser does not fit the schema: /body/name"),
        (1003, "there is no event UserSen; did you mean \"UserSeen\"?"),
    ];
    for (id, expected) in said {
        assert_eq!(http(&running, "GET", &format!("/relay/{id}"), "").await.0, 500, "{expected}");
        let failure = running.call_with("Relay", ApiRequest::default().param("id", id)).await.unwrap_err();
        assert!(failure.to_string().contains(expected), "{failure}");
    }
    running.shutdown().await;
}

#[tokio::test]
async fn the_program_calls_by_typed_references() {
    let running = start(shop()).await;
    let app = running.app();
    let create = app.api::<NewUser, User>("CreateUser").unwrap();
    let mut created = app.event::<User>("UserCreated").unwrap().subscribe().unwrap();
    let user = create.call(&NewUser { name: "bo".to_owned() }).await.unwrap();
    assert_eq!(user, User { id: 2, name: "bo".to_owned() });
    assert_eq!(soon("the event", created.next()).await.unwrap().unwrap().payload, user);

    let get = app.api::<(), User>("GetUser").unwrap();
    assert_eq!(get.call_with(&(), ApiRequest::default().param("id", 2)).await.unwrap(), user);
    let missing = get.call_with(&(), ApiRequest::default().param("id", 9)).await.unwrap_err();
    assert!(matches!(&missing, Failure::Raised { name, .. } if name == "Missing"), "{missing}");
    let bad = get.call(&()).await.unwrap_err();
    assert!(matches!(bad, Failure::BadRequest(_)), "{bad}");
    let other = app.api::<(), Seen>("GetUser").unwrap();
    let fits = other.call_with(&(), ApiRequest::default().param("id", 2)).await.unwrap();
    assert_eq!(fits.name, "bo");
    let odd = app.api::<(), Vec<User>>("GetUser").unwrap();
    let odd = odd.call_with(&(), ApiRequest::default().param("id", 2)).await.unwrap_err();
    assert!(
        odd.to_string().contains("the answer of api GetUser does not fit the Rust type Vec<User>"),
        "{odd}"
    );

    let unknown = app.api::<(), User>("GetUsr").unwrap_err();
    assert_eq!(unknown.to_string(), "there is no api GetUsr; did you mean \"GetUser\"?");
    let unknown = app.event::<User>("UserCreate").map(drop).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no event UserCreate; did you mean \"UserCreated\"?");
    running.shutdown().await;
}

#[tokio::test]
async fn a_response_that_is_an_error_is_no_answer() {
    let schema = r#"api Odd { method: GET path: "/odd/{status}" params: { status: Int } response: String }"#;
    let odd = async |Path(status): Path<u16>| {
        Ok::<_, Failure>(Response { status, headers: Vec::new(), body: json!("said") })
    };
    let running = start(inline(schema).handler("Odd", odd)).await;
    let odd = running.api::<(), String>("Odd").unwrap();
    let status = |status: u16| ApiRequest::default().param("status", status);
    assert_eq!(odd.call_with(&(), status(201)).await.unwrap(), "said");
    let failure = odd.call_with(&(), status(418)).await.unwrap_err();
    assert_eq!(failure, Failure::declared("Response", "api Odd answered with status 418", json!("said")));
}

#[tokio::test]
async fn events_are_typed_both_ways() {
    let running = start(shop()).await;
    let events = running.event::<Seen>("UserSeen").unwrap();
    let mut stream = events.subscribe().unwrap();
    #[derive(Debug, Serialize, Deserialize)]
    struct Counted {
        name: i64,
    }
    let wrong = running.event::<Counted>("UserSeen").unwrap();
    let refused = wrong.publish(&Counted { name: 1 }).await.unwrap_err();
    assert!(matches!(refused, Failure::BadRequest(_)), "{refused}");
    let mut misread = wrong.subscribe().unwrap();
    let names = events.subscribe().unwrap().map(|event| event.unwrap().payload.name).take(2);
    for name in ["a", "b"] {
        events.publish(&Seen { name: name.to_owned() }).await.unwrap();
    }
    for name in ["a", "b"] {
        let event = soon("an event", stream.next()).await.unwrap().unwrap();
        assert_eq!((event.payload.name.as_str(), event.attempt), (name, 1));
        let failure = soon("an event", misread.next()).await.unwrap().unwrap_err();
        assert!(failure.to_string().contains("the payload of event UserSeen"), "{failure}");
    }
    assert_eq!(soon("the names", names.collect::<Vec<_>>()).await, ["a", "b"]);
    running.shutdown().await;
    assert!(soon("the end", stream.next()).await.is_none());
}

const CHAIN: &str = r#"
    api First { method: POST path: "/first" response: String timeout: 400ms }
    api Second { method: POST path: "/second" response: String timeout: 30s concurrency: 1 mailbox: 1 }
    event Done { handler: [note] }
"#;

async fn ignore() -> Result<String, Failure> {
    Ok(String::new())
}

/// The invocation itself: an extractor of a program's own.
struct Whole(Arc<Invocation>);

impl FromCall for Whole {
    async fn from_call(call: &Call) -> Result<Self, Failure> {
        Ok(Whole(Arc::clone(call.invocation())))
    }
}

#[tokio::test]
async fn a_call_continues_the_chain_and_keeps_to_the_deadline() {
    let (seen_tx, mut seen) = mpsc::channel::<(Uuid, Trace, Instant)>(10);
    let see = move |Whole(call): Whole| {
        seen_tx.try_send((call.id, call.trace.clone(), call.deadline)).unwrap();
    };
    let (first_sees, second_sees, third_sees) = (see.clone(), see.clone(), see);
    let first = move |whole: Whole, state: State, app: App| {
        first_sees(whole);
        async move {
            app.publish("Done", Json::Null).await?;
            let reply = state.call("Second", Json::Null).await?;
            Ok::<_, Failure>(reply.value)
        }
    };
    let second = move |whole: Whole| {
        second_sees(whole);
        ignore()
    };
    let note = move |whole: Whole| {
        third_sees(whole);
        ignore()
    };
    let app = inline(CHAIN).handler("First", first).handler("Second", second).handler("note", note);
    let running = start(app).await;
    running.call("First", Json::Null).await.unwrap();
    let mut next = async || soon("a call", seen.recv()).await.unwrap();
    let (id, root, deadline) = next().await;
    assert_eq!(root.causation_id, None);
    // The event and the second call, in whatever order they come; the handler of an event is caused by the event.
    let calls = [next().await, next().await];
    assert!(calls.iter().all(|(_, trace, _)| *trace.trace_id == *root.trace_id));
    assert!(calls.iter().all(|(_, trace, _)| trace.correlation_id == root.correlation_id));
    let second =
        calls.iter().find(|(_, trace, _)| trace.causation_id == Some(id)).expect("caused by the first");
    assert_eq!(second.2, deadline, "the callee has no longer than its caller");
    running.shutdown().await;
}

#[tokio::test]
async fn a_circle_of_calls_ends_by_the_deadline() {
    let first = async |state: State| Ok::<_, Failure>(state.call("Second", Json::Null).await?.value);
    let second = async |state: State| Ok::<_, Failure>(state.call("First", Json::Null).await?.value);
    let app = inline(CHAIN).handler("First", first).handler("Second", second).handler("note", ignore);
    let running = start(app).await;
    let failure = soon("the end of the circle", running.call("First", Json::Null)).await.unwrap_err();
    // The last of the circle waits for a place that only the first could free, or finds no room to wait in.
    assert!(matches!(failure, Failure::TimedOut | Failure::Overloaded { .. }), "{failure}");
    let idle = || {
        let mut busy = 0;
        running.tree().walk(&mut |node| busy += node.load.map_or(0, |load| load.queued + load.in_flight));
        busy == 0
    };
    until("the circle's calls are over", idle).await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_call_does_not_outlive_the_handler_that_made_it() {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let dropped = Arc::new(Notify::new());
    let first = async |state: State| Ok::<_, Failure>(state.call("Second", Json::Null).await?.value);
    let guard = Arc::clone(&dropped);
    let second = move || {
        let guard = Dropped(Arc::clone(&guard));
        async move {
            let _guard = guard;
            std::future::pending::<Result<String, Failure>>().await
        }
    };
    let app = inline(CHAIN).handler("First", first).handler("Second", second).handler("note", ignore);
    let running = start(app).await;
    assert_eq!(running.call("First", Json::Null).await, Err(Failure::TimedOut));
    soon("the end of the second, whose own limit is 30 s", dropped.notified()).await;
    running.shutdown().await;
}

#[tokio::test]
async fn what_a_handler_leaves_behind_can_do_nothing_in_its_name() {
    let (left_tx, mut left) = mpsc::channel(1);
    let first = move |state: State, app: App| {
        let left_tx = left_tx.clone();
        async move {
            left_tx.send((state, app)).await.unwrap();
            std::future::pending::<Result<String, Failure>>().await
        }
    };
    let app = inline(CHAIN).handler("First", first).handler("Second", ignore).handler("note", ignore);
    let running = start(app).await;
    assert_eq!(running.call("First", Json::Null).await, Err(Failure::TimedOut));
    let (state, app) = soon("the state", left.recv()).await.unwrap();
    let late = |failure: Option<Failure>| assert_eq!(failure, Some(Failure::TimedOut));
    late(state.call("Second", Json::Null).await.err());
    late(state.api::<(), String>("Second").unwrap().cast(&()).err());
    late(app.call("Second", Json::Null).await.err());
    late(app.publish("Done", Json::Null).await.err());
    running.call("Second", Json::Null).await.unwrap();
    running.shutdown().await;
}

#[tokio::test]
async fn a_handler_that_drains_may_still_call() {
    let gate = Arc::new(Semaphore::new(0));
    let (entered_tx, mut entered) = mpsc::channel(1);
    let inside = Arc::clone(&gate);
    let first = move |state: State| {
        let (gate, entered_tx) = (Arc::clone(&inside), entered_tx.clone());
        async move {
            entered_tx.send(()).await.unwrap();
            gate.acquire().await.unwrap().forget();
            Ok::<_, Failure>(state.call("Second", Json::Null).await?.value)
        }
    };
    let schema = CHAIN.replace("400ms", "30s");
    let second = async || Ok::<_, Failure>("second");
    let app = inline(&schema).handler("First", first).handler("Second", second).handler("note", ignore);
    let running = start(app).await;
    let app = running.app();
    let call = tokio::spawn({
        let app = app.clone();
        async move { app.call("First", Json::Null).await }
    });
    soon("the handler", entered.recv()).await;
    let down = tokio::spawn(running.shutdown());
    let context = Arc::clone(&app.shared.context);
    soon("the drain", context.shutdown.reached(crate::shutdown::Phase::Draining)).await;
    assert_eq!(app.call("Second", Json::Null).await, Err(Failure::ShuttingDown), "new work is refused");
    gate.add_permits(1);
    assert_eq!(soon("the call", call).await.unwrap().unwrap().value, json!("second"));
    soon("the end", down).await.unwrap();
}

#[tokio::test]
async fn a_cast_is_accepted_or_refused_at_once() {
    let gate = Arc::new(Semaphore::new(0));
    let (done_tx, mut done) = mpsc::channel(10);
    let inside = Arc::clone(&gate);
    let second = move |Body(number): Body<i64>| {
        let (gate, done_tx) = (Arc::clone(&inside), done_tx.clone());
        async move {
            gate.acquire().await.unwrap().forget();
            done_tx.send(number).await.unwrap();
            if number == 2 { Err(Failure::internal("only logged")) } else { Ok("said to nobody") }
        }
    };
    let schema =
        r#"api Second { method: POST path: "/second" body: Int response: String concurrency: 1 mailbox: 1 }"#;
    let running = start(inline(schema).handler("Second", second)).await;
    let second = running.api::<i64, String>("Second").unwrap();
    let load = || running.tree().find("app/apis/Second").and_then(|node| node.load).unwrap();
    second.cast(&1).unwrap();
    until("the first is handled", || load().in_flight == 1).await;
    second.cast(&2).unwrap();
    let full = second.cast(&3).unwrap_err();
    assert!(matches!(full, Failure::Overloaded { .. }), "{full}");
    let unfit = running.api::<&str, String>("Second").unwrap().cast(&"x").unwrap_err();
    assert!(matches!(unfit, Failure::BadRequest(_)), "{unfit}");
    gate.add_permits(2);
    assert_eq!(soon("the first", done.recv()).await, Some(1));
    assert_eq!(soon("the second", done.recv()).await, Some(2));
    running.shutdown().await;
}

#[tokio::test]
async fn a_main_that_returns_the_error_prints_text_for_people() {
    let schema = r#"api AddOrder { method: POST path: "/orders" }"#;
    let app = inline(schema).handler("AddOrders", async || Ok::<_, Failure>(()));
    let printed = format!("{:?}", app.build().map(drop).unwrap_err());
    assert!(printed.starts_with("the app cannot be built: 2 problem(s)\n"), "{printed}");
    assert!(printed.contains("\n  help: did you mean \"AddOrder\"?\n"), "{printed}");

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::default();
    config.server.port = taken.local_addr().unwrap().port();
    let app = inline(schema).config(config).handler("AddOrder", async || Ok::<_, Failure>(()));
    let printed = format!("{:?}", app.build().unwrap().start().await.map(drop).unwrap_err());
    let expected = format!("cannot listen on {}: Address already in use", taken.local_addr().unwrap());
    assert!(printed.starts_with(&expected), "{printed}");
}

#[test]
fn a_configuration_made_by_hand_is_checked_like_a_file() {
    let (mut name, mut timeout, mut connections) = (Config::default(), Config::default(), Config::default());
    name.project.name = "acme/shop".to_owned();
    timeout.limits.timeout = Duration::MAX;
    connections.limits.connections = usize::MAX;
    for (said, config) in
        [("project.name: ", name), ("limits.timeout: ", timeout), ("limits.connections: ", connections)]
    {
        let error = ActorApp::builder().config(config).build().map(drop).unwrap_err();
        assert!(error.problems[0].to_string().starts_with(said), "{error:?}");
    }
}

#[tokio::test]
async fn only_actors_of_this_app_are_killed() {
    let schema = r#"api Second { method: GET path: "/second" response: String }"#;
    let running = start(inline(schema).handler("Second", async || Ok::<_, Failure>("second"))).await;
    for other in ["other/http/listener", "http/listener", "/http/listener", "app", "apphttp/listener"] {
        assert!(!running.kill(other).await, "{other}");
    }
    assert!(running.kill("app/http/listener").await);
    running.shutdown().await;
}

#[tokio::test]
async fn an_app_whose_tree_gave_up_ends_at_once_and_answers_what_waits() {
    let second = async || std::future::pending::<Result<String, Failure>>().await;
    let schema =
        r#"api Second { method: GET path: "/second" response: String concurrency: 1 timeout: "1h" }"#;
    let mut config = Config::default();
    config.server.port = 0;
    config.limits.drain = Duration::from_secs(3600);
    let running = start(inline(schema).config(config).handler("Second", second)).await;
    let app = running.app();
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let app = app.clone();
            tokio::spawn(async move { app.call("Second", Json::Null).await })
        })
        .collect();
    let queued = || app.tree().find("app/apis/Second").and_then(|node| node.load).map(|load| load.queued);
    until("two wait", || queued() == Some(2)).await;
    let ended = tokio::spawn(running.run());
    while !ended.is_finished() && app.shared.context.shutdown.phase() == Phase::Running {
        app.kill("app/http").await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let ended = soon("the end, long before the drain limit", ended).await.unwrap();
    assert!(matches!(ended, Err(StartError::GaveUp)), "{ended:?}");
    for call in calls {
        // The one in hand may lose its engine before the app is known to be over.
        let failure = soon("an answer", call).await.unwrap().unwrap_err();
        assert!(matches!(failure, Failure::ShuttingDown | Failure::Crashed(_)), "{failure}");
    }
}

#[tokio::test]
async fn names_are_known_to_the_program_and_to_handlers() {
    let schema = r#"api Ask { method: POST path: "/ask" body: String response: Int }"#;
    let ask = async |Body(name): Body<String>, state: State, app: App| {
        let number: i64 = state.whereis(&name)?;
        assert_eq!(app.whereis::<i64>(&name).unwrap(), number);
        Ok::<_, Failure>(number)
    };
    let running = start(inline(schema).handler("Ask", ask)).await;
    let registration = running.register("answer", 42_i64).unwrap();
    assert!(running.register("answer", 43_i64).is_err());
    let ask = running.api::<&str, i64>("Ask").unwrap();
    assert_eq!(ask.call(&"answer").await.unwrap(), 42);
    let near = ask.call(&"anser").await.unwrap_err();
    assert!(near.to_string().contains("did you mean \"answer\"?"), "{near}");
    drop(registration);
    assert!(ask.call(&"answer").await.is_err());
    running.shutdown().await;
}

#[tokio::test]
async fn a_handle_that_is_left_over_keeps_nothing_running() {
    let running = start(shop()).await;
    let app = running.app();
    let get = app.api::<(), User>("GetUser").unwrap();
    let counted = Arc::new(());
    app.register("counted", Arc::clone(&counted)).unwrap().keep();
    app.register("circle", app.clone()).unwrap().keep();
    drop(running);
    assert_eq!(app.call("GetUser", Json::Null).await, Err(Failure::ShuttingDown));
    let request = ApiRequest::default().param("id", 1);
    assert_eq!(get.call_with(&(), request.clone()).await, Err(Failure::ShuttingDown));
    assert_eq!(get.cast_with(&(), request), Err(Failure::ShuttingDown));
    assert_eq!(app.publish("UserSeen", json!({ "name": "x" })).await, Err(Failure::ShuttingDown));
    assert_eq!(app.subscribe("UserSeen").map(drop), Err(Failure::ShuttingDown));
    assert_eq!(Arc::strong_count(&counted), 1, "names are forgotten");
    assert!(app.register("late", app.clone()).is_err());
    assert_eq!(app.tree().path, "app");
    let weak = Arc::downgrade(&app.shared);
    drop((app, get));
    until("everything is gone", || weak.strong_count() == 0).await;
}

#[tokio::test]
async fn what_handlers_take_is_checked_when_the_app_is_built() {
    let schema = r#"
        type Order { id: Int }
        api GetOrder { method: GET path: "/orders/{id}" params: { id: Int } response: Order middlewares: [guard] }
        api AddOrder { method: POST path: "/orders" body: Order response: Order middlewares: [guard] }
        event Placed { payload: Order handler: [mail] }
        cron Nightly { schedule: "0 0 3 * * *" }
        ws Chat { path: "/chat/{room}" message: Order on_connect: [come] on_message: [say] }
    "#;
    async fn wrong_event(_: Request<Json>, _: State) -> Result<(), Failure> {
        Ok(())
    }
    let app = inline(schema)
        .data(1_u8)
        .data(2_u8)
        .handler("GetOrder", async |_: Body<Json>, _: Data<String>| Ok::<_, Failure>(()))
        .handler("AddOrder", async |_: Path<i64>, _: Event| Ok::<_, Failure>(()))
        .handler("guard", async |_: Path<i64>| Ok::<_, Failure>(()))
        .handler("mail", wrong_event)
        .handler("Nightly", async |_: Event| Ok::<_, Failure>(()))
        .handler("Chat.come", async |_: Message| Ok::<_, Failure>(()))
        .handler("Chat.say", async |_: Message, _: Path<String>, _: Data<u8>| Ok::<_, Failure>(()));
    let error = app.build().map(drop).unwrap_err();
    let said: Vec<String> = error.problems.iter().map(ToString::to_string).collect();
    let expected = [
        "two values of the type u8 are given as data",
        "the Rust handler of api AddOrder takes Path<i64>, but api AddOrder has no path parameters",
        "the Rust handler of api AddOrder takes Event<Value>, but api AddOrder gives it a request",
        "the Rust handler of api GetOrder takes Body<Value>, but api GetOrder has no body",
        "the Rust handler of api GetOrder takes Data<String>, but no alloc::string::String was given",
        "the Rust handler of event mail takes Request<Value, ..>, but event Placed gives it an event",
        "the Rust handler of cron Nightly takes Event<Value>, but cron Nightly gives it a tick",
        "the Rust handler of ws Chat.come takes Message<Value>, but on_connect of ws Chat gives it a connection",
        "the Rust handler of middleware guard takes Path<i64>, but api AddOrder has no path parameters",
    ];
    assert_eq!(said, expected, "{}", error.render(false));
    assert!(error.problems.iter().all(|problem| problem.hint.is_some()));
}

#[test]
fn a_broken_schema_is_not_held_against_handlers() {
    let schema = r#"api AddOrder { method: POST path: "/orders" body: Ordr }"#;
    let app = inline(schema).handler("AddOrder", async |_: Body<Json>| Ok::<_, Failure>(()));
    let error = app.build().map(drop).unwrap_err();
    assert!(!error.diagnostics.is_empty() && error.problems.is_empty(), "{}", error.render(false));
}
