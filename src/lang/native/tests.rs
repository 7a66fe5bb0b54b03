//! Rust handlers through the worker: arguments, replies, effects, panics, cancellation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::invocation::{Failure, HandlerId, Invocation, Json, Kind, Outcome, Trace};
use crate::lang::native::{
    Arguments, Body, Connection, Data, Event, Handler, Headers, Message, NameError, Names, Native,
    OrInternal, Path, Provided, Query, Request, Response, Site, State, Target, Tick,
};
use crate::lang::{Runtime, Worker};

/// Gives a handler a place with no path and one value of data, a text.
fn bind<A, H: Handler<A>>(handler: H) -> super::Function {
    handler.erase().bind(Site { params: Vec::new(), provided: Arc::new(given()) })
}

/// Gives a handler a place with the path `/{shop}/{id}`.
fn bind_path<A, H: Handler<A>>(handler: H) -> super::Function {
    handler.erase().bind(Site { params: names(&["shop", "id"]), provided: Arc::new(given()) })
}

fn given() -> Provided {
    let mut provided = Provided::default();
    assert!(provided.insert("given".to_owned()) && !provided.insert("again".to_owned()));
    provided
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

async fn run<A, H: Handler<A>>(kind: Kind, handler: H, arguments: Vec<Json>) -> Outcome {
    run_bound(kind, bind(handler), arguments).await
}

async fn run_bound(kind: Kind, function: super::Function, arguments: Vec<Json>) -> Outcome {
    let id = HandlerId::new(kind, "Test");
    let worker = worker(HashMap::from([(id.clone(), function)])).await;
    worker.invoke(Arc::new(invocation(id, arguments))).await
}

async fn worker(functions: HashMap<HandlerId, super::Function>) -> Arc<dyn Worker> {
    let Ok(worker) = Native::new(functions).boot().await else { panic!("native always boots") };
    worker
}

fn invocation(handler: HandlerId, arguments: Vec<Json>) -> Invocation {
    let deadline = Instant::now() + Duration::from_secs(20);
    Invocation { id: Uuid::now_v7(), handler, arguments, deadline, attempt: 2, trace: Trace::root() }
}

#[derive(Deserialize)]
struct Input {
    name: String,
}

#[derive(Serialize)]
struct Output {
    greeting: String,
}

fn request(body: Json) -> Json {
    json!({ "params": { "id": 7 }, "body": body, "query": {}, "method": "POST", "path": "/7" })
}

#[tokio::test]
async fn typed_arguments_come_in_and_typed_values_go_out() {
    async fn greet(request: Request<Input>, state: State) -> Result<Output, Failure> {
        let id: i64 = request.param("id")?;
        state.trigger_event("Seen", json!(id))?;
        state.set_payload("Greeted", json!("old"))?;
        state.set_payload("Greeted", json!(state.attempt()))?;
        Ok(Output { greeting: format!("hello {} {id}", request.body.name) })
    }
    let reply = run(Kind::Api, greet, vec![request(json!({ "name": "ann" }))]).await.unwrap();
    assert_eq!(reply.value, json!({ "greeting": "hello ann 7" }));
    assert_eq!(reply.effects.triggers, [("Seen".to_owned(), json!(7))]);
    assert_eq!(reply.effects.payloads, [("Greeted".to_owned(), json!(2))]);
    let failure = run(Kind::Api, greet, vec![request(json!({ "name": 1 }))]).await.unwrap_err();
    assert!(failure.to_string().contains("Rust type"), "{failure}");
}

#[tokio::test]
async fn events_messages_and_responses() {
    async fn on_event(event: Event<Input>, _: State) -> Result<String, Failure> {
        Ok(format!("{} {}", event.name, event.attempt))
    }
    let event = json!({ "id": Uuid::nil(), "name": "E", "time": "2026-01-01T00:00:00Z", "payload": { "name": "bo" },
        "attempt": 3, "correlation_id": Uuid::nil(), "causation_id": null });
    // Deref gives the payload's fields where the event has none of that name.
    assert_eq!(run(Kind::Event, on_event, vec![event]).await.unwrap().value, json!("E 3"));

    async fn on_message(message: Message<String>, _: State) -> Result<Response, Failure> {
        let headers = vec![("x-room".to_owned(), message.connection.endpoint)];
        Ok(Response { status: 202, headers, body: json!(message.message) })
    }
    let connection = json!({ "id": "c1", "endpoint": "Chat", "params": {} });
    let reply = run(Kind::Ws, on_message, vec![json!("hi"), connection]).await.unwrap();
    let head = reply.response.unwrap();
    assert_eq!((head.status, &*head.headers[0].1, reply.value), (202, "Chat", json!("hi")));
}

#[tokio::test]
async fn a_panic_fails_the_call_and_nothing_else() {
    async fn panics(_: Request, _: State) -> Result<(), Failure> {
        panic!("on {}", "purpose")
    }
    let failure = run(Kind::Api, panics, vec![request(Json::Null)]).await.unwrap_err();
    let Failure::Raised { name, message, .. } = failure else { panic!("{failure}") };
    assert_eq!((name.as_str(), message.as_str()), ("panic", "on purpose"));
}

#[tokio::test]
async fn dropping_the_call_drops_the_handler() {
    let (held_tx, held_rx) = tokio::sync::oneshot::channel::<()>();
    let (started_tx, started_rx) = tokio::sync::oneshot::channel::<()>();
    let senders = Arc::new(parking_lot::Mutex::new(Some((held_tx, started_tx))));
    let hang = move |_: Request, _: State| {
        let senders = senders.lock().take();
        async move {
            let (_held, started) = senders.expect("called once");
            let _ = started.send(());
            std::future::pending::<Result<(), Failure>>().await
        }
    };
    let id = HandlerId::new(Kind::Api, "Test");
    let worker = worker(HashMap::from([(id.clone(), bind(hang))])).await;
    let call = tokio::spawn(worker.invoke(Arc::new(invocation(id, vec![request(Json::Null)]))));
    started_rx.await.unwrap();
    call.abort();
    assert!(held_rx.await.is_err(), "the handler's future was dropped");
}

#[tokio::test]
async fn what_comes_after_the_handler_is_refused_instead_of_lost() {
    let (left_tx, mut left) = tokio::sync::mpsc::unbounded_channel();
    for fails in [false, true] {
        let left_tx = left_tx.clone();
        let leave = move |state: State| {
            let _ = left_tx.send(state.clone());
            async move {
                state.trigger_event("Seen", 1)?;
                if fails { Err(Failure::internal("on purpose")) } else { Ok(()) }
            }
        };
        let seen = vec![("Seen".to_owned(), json!(1))];
        let triggers = run(Kind::Event, leave, Vec::new()).await.map(|reply| reply.effects.triggers);
        assert_eq!(triggers.ok(), if fails { None } else { Some(seen) });
        let state = left.recv().await.unwrap();
        for late in [state.trigger_event("Seen", 2), state.set_payload("Seen", 2)] {
            let said = late.unwrap_err().to_string();
            assert!(said.contains("event Test is over, event Seen is not published"), "{said}");
        }
    }
}

#[tokio::test]
async fn an_unknown_handler_is_not_found() {
    let worker = worker(HashMap::new()).await;
    let call = worker.invoke(Arc::new(invocation(HandlerId::new(Kind::Api, "Nobody"), vec![])));
    assert_eq!(call.await, Err(Failure::NotFound("api Nobody".to_owned())));
}

#[derive(Deserialize)]
struct Place {
    shop: String,
    id: i64,
}

#[derive(Deserialize)]
struct Shop(String);

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
}

fn full_request() -> Json {
    // The parameters are not in the order of the path: a caller in this process may give them so.
    json!({ "params": { "id": 7, "shop": "north" }, "body": { "name": "ann" }, "query": { "name": "bo" },
        "headers": { "name": "cy" }, "method": "POST", "path": "/north/7" })
}

#[tokio::test]
async fn arguments_come_in_any_order_and_number() {
    async fn none() -> Result<i64, Failure> {
        Ok(0)
    }
    #[expect(clippy::too_many_arguments, reason = "as many as a handler can have")]
    async fn six(
        state: State,
        Path((shop, id)): Path<(String, i64)>,
        body: Body<Input>,
        Data(data): Data<String>,
        query: Query<Input>,
        headers: Headers<Input>,
    ) -> Result<String, Failure> {
        let (body, query, headers) = (&body.name, &query.name, &headers.name);
        Ok(format!("{shop} {id} {body} {query} {headers} {data} {}", state.attempt()))
    }
    assert_eq!(run(Kind::Api, none, vec![full_request()]).await.unwrap().value, json!(0));
    let reply = run_bound(Kind::Api, bind_path(six), vec![full_request()]).await.unwrap();
    assert_eq!(reply.value, json!("north 7 ann bo cy given 2"));
    let untyped = async |headers: Headers, Request { params, .. }: Request| {
        Ok::<_, Failure>(format!("{} {}", headers["name"], params["id"]))
    };
    assert_eq!(run(Kind::Api, untyped, vec![full_request()]).await.unwrap().value, json!("\"cy\" 7"));
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    All { id: i64 },
    Name(String),
}

#[tokio::test]
async fn a_path_is_a_struct_a_tuple_a_map_or_one_value() {
    async fn outcome<A, H: Handler<A>>(handler: H, params: Json) -> Json {
        let reply = run(Kind::Api, handler, vec![json!({ "params": params })]).await;
        reply.map_or_else(|failure| json!(failure.to_string()), |reply| reply.value)
    }
    let two = || json!({ "id": 7, "shop": "north" });
    let fields = async |Path(Place { shop, id }): Path<Place>| Ok::<_, Failure>(format!("{shop} {id}"));
    assert_eq!(outcome(fields, two()).await, "north 7");
    let map = async |path: Path<HashMap<String, Json>>| Ok::<_, Failure>(path["id"].clone());
    assert_eq!(outcome(map, two()).await, 7);
    let json = async |path: Path<Json>| Ok::<_, Failure>(path["shop"].clone());
    assert_eq!(outcome(json, two()).await, "north");
    let list = async |Path(path): Path<Vec<Json>>| Ok::<_, Failure>(path);
    assert_eq!(outcome(list, two()).await, json!([7, "north"]));
    let ordered = run_bound(Kind::Api, bind_path(list), vec![json!({ "params": two() })]).await.unwrap();
    assert_eq!(ordered.value, json!(["north", 7]));

    let id = Uuid::from_u128(7);
    let uuid = async |Path(id): Path<Uuid>| Ok::<_, Failure>(id);
    assert_eq!(outcome(uuid, json!({ "id": id })).await, json!(id));
    let shop = async |Path(Shop(name)): Path<Shop>| Ok::<_, Failure>(name);
    assert_eq!(outcome(shop, json!({ "shop": "north" })).await, "north");
    let colour = async |Path(Colour::Red): Path<Colour>| Ok::<_, Failure>("red");
    assert_eq!(outcome(colour, json!({ "colour": "red" })).await, "red");
    let number = async |Path(id): Path<serde_json::Number>| Ok::<_, Failure>(id);
    assert_eq!(outcome(number, json!({ "id": 7 })).await, 7, "a type that asks for anything");
    let either = async |Path(either): Path<Either>| Ok::<_, Failure>(either);
    assert_eq!(outcome(either, json!({ "id": "a" })).await, "a");
    assert_eq!(outcome(either, two()).await, json!({ "id": 7 }));
    let one = async |Path((id,)): Path<(i64,)>| Ok::<_, Failure>(id);
    assert_eq!(outcome(one, json!({ "id": 7 })).await, 7);
    let wrong = async |Path(id): Path<i64>| Ok::<_, Failure>(id);
    let said = outcome(wrong, json!({ "id": "x" })).await;
    assert!(said.as_str().unwrap().contains("does not fit the handler's Rust type"), "{said}");
}

#[tokio::test]
async fn connections_stand_last_and_have_paths() {
    let connection = json!({ "id": "c1", "endpoint": "Chat", "params": { "room": "r" } });
    let both = async |connection: Connection, Path(room): Path<String>| {
        Ok::<_, Failure>(format!("{} {room}", connection.id))
    };
    assert_eq!(run(Kind::Ws, both, vec![connection.clone()]).await.unwrap().value, json!("c1 r"));
    assert_eq!(run(Kind::Ws, both, vec![json!("hi"), connection]).await.unwrap().value, json!("c1 r"));
}

#[tokio::test]
async fn any_error_that_becomes_a_failure_can_be_returned() {
    enum Refused {
        Gone(i64),
    }
    impl From<Refused> for Failure {
        fn from(Refused::Gone(id): Refused) -> Self {
            Failure::declared("Gone", format!("{id} is gone"), json!({ "id": id }))
        }
    }
    async fn refuse(Path(id): Path<i64>) -> Result<(), Refused> {
        Err(Refused::Gone(id))
    }
    let failure = run(Kind::Api, refuse, vec![json!({ "params": { "id": 7 } })]).await.unwrap_err();
    assert_eq!(failure, Failure::declared("Gone", "7 is gone", json!({ "id": 7 })));
}

#[test]
fn internal_errors_tell_the_log_their_causes() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot read the till")]
    struct Outer(#[source] std::num::ParseIntError);
    let failure = "x".parse::<i32>().map_err(Outer).or_internal().unwrap_err();
    let expected = "cannot read the till: invalid digit found in string";
    assert_eq!(failure, Failure::internal(expected));
    assert_eq!(Err::<(), _>("plain text").or_internal(), Err(Failure::internal("plain text")));
    assert_eq!(Ok::<_, std::fmt::Error>(1).or_internal(), Ok(1));
}

/// What is said of a handler at build time; `;` between problems.
fn problems<A, H: Handler<A>>(arguments: Arguments, has_body: bool, params: &[&str], handler: H) -> String {
    let (id, params) = (HandlerId::new(Kind::Api, "Test"), names(params));
    let (entity, provided) = ("api Test", &given());
    let target = Target { handler: &id, entity, arguments, has_body, params: &params, provided };
    let found = handler.erase().check(&target);
    assert!(found.iter().all(|problem| problem.hint.is_some()), "{found:?}");
    let said =
        found.iter().map(|problem| problem.to_string().replace("the Rust handler of api Test takes ", ""));
    said.collect::<Vec<_>>().join("; ")
}

/// A handler that takes one argument of a type.
fn takes<T: super::FromCall + Send + 'static>() -> impl Handler<(T,)> {
    async |_: T| Ok::<_, Failure>(())
}

#[test]
fn what_fits_is_not_complained_about() {
    let request = Arguments::Request;
    let complaints = [
        problems(request, true, &[], takes::<Request<Input>>()),
        problems(request, false, &[], takes::<Request>()),
        problems(request, false, &[], takes::<Request<()>>()),
        problems(request, false, &["id"], takes::<Request<(), Json, Place>>()),
        problems(request, true, &[], takes::<Body<Input>>()),
        problems(request, false, &["id"], takes::<Path<i64>>()),
        problems(request, false, &["id"], takes::<Path<(i64,)>>()),
        problems(request, false, &["shop", "id"], takes::<Path<Place>>()),
        problems(request, false, &["shop", "id"], takes::<Path<(String, i64)>>()),
        problems(request, false, &["shop", "id"], takes::<Path<Vec<Json>>>()),
        problems(request, false, &[], takes::<Query<Input>>()),
        problems(request, false, &[], takes::<Headers>()),
        problems(request, false, &[], takes::<Data<String>>()),
        problems(Arguments::Event, false, &[], takes::<Event<Input>>()),
        problems(Arguments::Tick, false, &[], takes::<Tick>()),
        problems(Arguments::Tick, false, &[], takes::<State>()),
        problems(Arguments::Connection, false, &["room"], takes::<Path<String>>()),
        problems(Arguments::Message, false, &[], takes::<Connection>()),
        problems(Arguments::Message, false, &[], takes::<Message<Input>>()),
    ];
    assert_eq!(complaints, [const { String::new() }; 19]);
}

#[test]
fn what_can_never_fit_is_said_when_the_app_is_built() {
    let request = Arguments::Request;
    let cases = [
        (problems(request, false, &[], takes::<Event>()), "Event<Value>, but api Test gives it a request"),
        (problems(request, false, &[], takes::<Tick>()), "Tick, but api Test gives it a request"),
        (problems(request, false, &[], takes::<Connection>()), "gives it a request"),
        (problems(Arguments::Connection, false, &[], takes::<Message>()), "gives it a connection"),
        (problems(Arguments::Event, false, &[], takes::<Request>()), "gives it an event"),
        (
            problems(Arguments::Event, true, &[], takes::<Body<Input>>()),
            "Body<Input>, but api Test gives it an event",
        ),
        (problems(Arguments::Tick, false, &[], takes::<Headers>()), "gives it a tick"),
        (
            problems(Arguments::Message, false, &[], takes::<Query<Input>>()),
            "gives it a message and its connection",
        ),
        (problems(request, false, &[], takes::<Body<Input>>()), "Body<Input>, but api Test has no body"),
        (
            problems(request, false, &[], takes::<Request<Input>>()),
            "Request<Input, ..>, but api Test has no body",
        ),
        (
            problems(request, false, &[], takes::<Request<(), Json, Place>>()),
            "Request<_, _, Place>, but api Test has no path parameters",
        ),
        (
            problems(request, false, &[], takes::<Path<i64>>()),
            "Path<i64>, but api Test has no path parameters",
        ),
        (problems(Arguments::Event, false, &[], takes::<Path<i64>>()), "has no path parameters"),
        (
            problems(request, false, &["shop", "id"], takes::<Path<i64>>()),
            "Path<i64>, but api Test has 2 path parameters: shop, id",
        ),
        (
            problems(request, false, &["id"], takes::<Path<(String, i64)>>()),
            "Path<(String, i64)>, but api Test has 1 path parameter(s): id",
        ),
        (
            problems(request, false, &["name"], takes::<Path<Place>>()),
            "Path<Place>, but none of its fields is a path parameter of api Test: name",
        ),
        (
            problems(Arguments::Connection, false, &[], takes::<Connection<Place>>()),
            "Connection<Place>, but api Test has no path parameters to make Place of",
        ),
        (
            problems(request, false, &[], takes::<Data<Vec<Input>>>()),
            "Data<Vec<Input>>, but no alloc::vec::Vec<rohas::lang::native::tests::Input> was given",
        ),
    ];
    for (said, expected) in cases {
        assert!(said.contains(expected), "{said:?} is not {expected:?}");
        assert!(!said.contains("; "), "only one problem: {said:?}");
    }
    let three = async |_: Body<Input>, _: Tick, _: Data<i64>, _: State| Ok::<_, Failure>(());
    assert_eq!(problems(request, false, &[], three).split("; ").count(), 3, "all of them at once");
}

#[test]
fn middlewares_have_no_order_and_data_no_arc() {
    let id = HandlerId::new(Kind::Middleware, "guard");
    let (params, provided) = (names(&["shop", "id"]), &given());
    let target = Target {
        handler: &id,
        entity: "api Test",
        arguments: Arguments::Request,
        has_body: false,
        params: &params,
        provided,
    };
    assert_eq!(takes::<Path<Place>>().erase().check(&target), []);
    let ordered = takes::<Path<(String, i64)>>().erase().check(&target);
    assert!(ordered[0].message.contains("a middleware runs before several paths"), "{ordered:?}");
    let mut shared = Provided::default();
    shared.insert(Arc::new(1_u8));
    let wrapped = takes::<Data<u8>>().erase().check(&Target { provided: &shared, ..target });
    assert!(wrapped[0].hint.as_ref().unwrap().contains("give the value itself"), "{wrapped:?}");
}

#[test]
fn names_are_given_once_and_given_back() {
    let table = Names::default();
    let first = table.register("clock", 1_u32).unwrap();
    assert_eq!(table.whereis::<u32>("clock"), Ok(1));
    let taken = table.register("clock", 2_u32).map(drop).unwrap_err();
    assert_eq!(taken.to_string(), "the name \"clock\" is registered already");
    let near = table.whereis::<u32>("clok").unwrap_err();
    assert_eq!(near.to_string(), "nothing is registered as \"clok\"; did you mean \"clock\"?");
    let other = table.whereis::<String>("clock").unwrap_err();
    assert_eq!(other.to_string(), "\"clock\" is a u32, not a alloc::string::String");
    drop(first);
    assert!(table.whereis::<u32>("clock").is_err());
    table.register("clock", "kept").unwrap().keep();
    assert_eq!(table.whereis::<&str>("clock"), Ok("kept"));

    // With the app all values go, and no new ones come.
    let value = Arc::new(());
    let registration = table.register("till", Arc::clone(&value)).unwrap();
    table.close();
    assert_eq!(Arc::strong_count(&value), 1);
    assert_eq!(table.register("late", 1_u32).map(drop), Err(NameError::Closed));
    assert_eq!(table.whereis::<u32>("clock"), Err(NameError::Closed));
    drop(registration);
}
