//! The Python runtime against the real `python3`: every test writes a project, boots a worker and watches states.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::*;
use crate::invocation::{Failure, HandlerId, Invocation, Json, Kind, Outcome, Trace};
use crate::lang::python::frames::{FRAME_LIMIT, FromChild};

/// A project in a directory of its own, removed at the end.
struct Project {
    root: PathBuf,
    handlers: Vec<FileHandler>,
    config: Config,
}

impl Project {
    fn new() -> Self {
        let root = std::env::temp_dir().join(format!("rohas-python-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&root).unwrap();
        Project { root, handlers: Vec::new(), config: Config::default() }
    }

    /// A project with one api `Test`.
    fn api(source: &str) -> Self {
        Project::new().with(Kind::Api, "Test", source)
    }

    fn file(self, path: &str, source: &str) -> Self {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
        self
    }

    fn with(mut self, kind: Kind, name: &str, source: &str) -> Self {
        let file = format!("src/handlers/{}/{}.py", kind.as_str(), name.replace('.', "_"));
        self.handlers.push(FileHandler {
            id: HandlerId::new(kind, name),
            path: self.root.join(&file),
            functions: vec!["handler".to_owned(), "default".to_owned(), "other".to_owned()],
        });
        self.file(&file, source)
    }

    fn runtime(&self) -> Python {
        Python::new(self.config.clone(), self.root.clone(), self.handlers.clone())
    }

    async fn boot(&self) -> Arc<dyn Worker> {
        self.runtime().boot().await.unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    async fn refused(&self) -> Vec<Problem> {
        self.runtime().boot().await.err().expect("the project has problems")
    }

    /// Leaves a file that a handler can write to, and waits until it has content.
    async fn written(&self, name: &str) -> String {
        let path = self.root.join(name);
        until(|| std::fs::read_to_string(&path).ok().filter(|text| !text.is_empty())).await
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// Looks again and again until there is something; a test that waits longer than 20 s fails.
async fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < give_up, "the state never came");
        tokio::time::sleep(Duration::from_millis(1)).await; // how often to look, not how long it takes
    }
}

fn invocation(kind: Kind, name: &str, arguments: Vec<Json>) -> Arc<Invocation> {
    Arc::new(Invocation {
        id: uuid::Uuid::now_v7(),
        handler: HandlerId::new(kind, name),
        arguments,
        deadline: Instant::now() + Duration::from_secs(30),
        attempt: 2,
        trace: Trace::root(),
    })
}

fn request(body: Json) -> Json {
    json!({
        "params": {"id": 7, "body": "not this"}, "body": body, "query": {"page": 2}, "query_params": {"page": "2"},
        "headers": {"x-test": "yes"}, "cookies": {}, "method": "POST", "path": "/things/7", "client_addr": "127.0.0.1",
    })
}

async fn call(worker: &Arc<dyn Worker>, body: Json) -> Outcome {
    worker.invoke(invocation(Kind::Api, "Test", vec![request(body)])).await
}

async fn value(source: &str, body: Json) -> Json {
    let project = Project::api(source);
    let worker = project.boot().await;
    call(&worker, body).await.unwrap().value
}

async fn raised(source: &str, body: Json) -> (String, String, String, Json) {
    let project = Project::api(source);
    let worker = project.boot().await;
    match call(&worker, body).await.unwrap_err() {
        Failure::Raised { name, message, stack, body } => (name, message, stack, body),
        other => panic!("{other:?}"),
    }
}

// --- calls -----------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn echoes_every_shape_of_json_and_every_size_of_frame() {
    let project = Project::api("def handler(request):\n    return request.body\n");
    let worker = project.boot().await;
    let mut values =
        vec![json!(null), json!(true), json!(-1), json!(u64::MAX), json!(1.5), json!("ä€😀\u{0}")];
    values.push(json!({"a": [1, {"b": []}], "": {}}));
    values.extend([10, 250, 300, 70_000, 3_000_000].map(|size| json!("x".repeat(size))));
    for sent in values {
        assert_eq!(call(&worker, sent.clone()).await.unwrap().value, sent);
    }
}

#[tokio::test]
async fn calls_overlap_in_one_loop() {
    let project = Project::api(
        "import asyncio\nboth = asyncio.Event()\nasync def handler(request):\n    if request.body == 'second':\n        \
         both.set()\n    await both.wait()\n    return request.body\n",
    );
    let worker = project.boot().await;
    let (first, second) = tokio::join!(call(&worker, json!("first")), call(&worker, json!("second")));
    assert_eq!(first.unwrap().value, "first");
    assert_eq!(second.unwrap().value, "second");
}

#[tokio::test]
async fn arguments_are_given_by_arity() {
    for (parameters, result, expected) in [
        ("", "'none'", json!("none")),
        ("r", "r.method", json!("POST")),
        ("r, s", "[r.method, s.attempt]", json!(["POST", 2])),
        ("state", "state.attempt", json!(2)),
        ("state, request", "[state.attempt, request['path']]", json!([2, "/things/7"])),
        ("body, state", "[body, state.attempt]", json!(["sent", 2])),
        ("*all", "[all[0].method, all[1].attempt]", json!(["POST", 2])),
        ("r, limit=3, *, state", "[limit, state.attempt]", json!([3, 2])),
    ] {
        let source = format!("def handler({parameters}):\n    return {result}\n");
        assert_eq!(value(&source, json!("sent")).await, expected, "({parameters})");
    }
}

#[tokio::test]
async fn a_request_reads_as_attributes_and_items() {
    let source = "def handler(r):\n    return [r.id, r.params['id'], r['query']['page'], r.query_params, r.queryParams, \
                  r.headers['x-test'], r.body, r.clientAddr, 'id' in r, r.get('nope', 5)]\n";
    let expected = json!([7, 7, 2, {"page": "2"}, {"page": "2"}, "yes", {"a": 1}, "127.0.0.1", true, 5]);
    assert_eq!(value(source, json!({"a": 1})).await, expected);
    let (name, message, ..) = raised("def handler(r):\n    return r.nope\n", json!(1)).await;
    assert_eq!(name, "AttributeError");
    assert!(message.contains("Request has no 'nope'; it has params, body"), "{message}");
}

const TYPED: &str = r#"
from __future__ import annotations
import dataclasses, datetime, decimal, enum, typing, uuid
from rohas_runtime import HandlerContext, State, Request
if typing.TYPE_CHECKING:
    from nowhere import Unknown

class Colour(enum.Enum):
    RED = "red"

@dataclasses.dataclass
class Item:
    price: decimal.Decimal
    colour: Colour = Colour.RED

@dataclasses.dataclass
class Order:
    id: uuid.UUID
    at: datetime.datetime
    items: typing.List[Item]
    note: typing.Optional[str]
    day: datetime.date = datetime.date(2024, 1, 2)
    best: typing.Optional[Item] = None
    weight: typing.Union[int, str, None] = None
    more: typing.Dict[str, typing.Any] = dataclasses.field(default_factory=dict)

async def handler(context: HandlerContext, unknown: "Unknown" = None, *, input: Order, s: State, req: Request):
    assert isinstance(input.items[0], Item) and input.items[0].colour is Colour.RED
    assert isinstance(input.best.price, decimal.Decimal) and isinstance(input.id, uuid.UUID)
    assert input.at.utcoffset() == datetime.timedelta(0) and input.note is None and input.weight == "heavy"
    assert context.payload == req.body and context.id == req.id == 7 and context.attempt == s.attempt == 2
    assert context.handler_name == "Test" and context.query_params == {"page": "2"}, context.query_params
    assert context.metadata["trace_id"] == s.trace_id and unknown is None
    return input
"#;

#[tokio::test]
async fn annotations_decide_what_a_parameter_is_given() {
    let id = "0190a6a0-0000-7000-8000-000000000001";
    let body = json!({
        "id": id, "at": "2024-02-03T04:05:06.7Z", "items": [{"price": 1.25}], "weight": "heavy",
        "best": {"price": "9.99", "colour": "RED"}, "more": {"x": 1},
    });
    let expected = json!({
        "id": id, "at": "2024-02-03T04:05:06.700000Z", "items": [{"price": "1.25", "colour": "red"}], "note": null,
        "day": "2024-01-02", "best": {"price": "9.99", "colour": "red"}, "weight": "heavy", "more": {"x": 1},
    });
    assert_eq!(value(TYPED, body).await, expected);
    let (name, message, ..) = raised(TYPED, json!({"id": id, "at": "soon"})).await;
    assert_eq!(name, "ConversionError");
    assert_eq!(message, "/body/at must be a date and time, not 'soon'");
    let (_, message, ..) = raised(TYPED, json!({"id": id})).await;
    assert_eq!(message, "/body/at is missing");
}

#[tokio::test]
async fn a_body_may_be_an_annotated_class_or_a_model() {
    let source = r#"
class Plain:
    name: str
class Model:
    @classmethod
    def model_validate(cls, value):
        model = cls(); model.seen = value; return model
    def model_dump(self, by_alias): return {"dumped": self.seen, "by_alias": by_alias}
def handler(plain: Plain, model: "Model", raw: dict, s):
    return [plain.name, model, raw, s.attempt]
"#;
    let body = json!({"name": "n"});
    let expected = json!(["n", {"dumped": body, "by_alias": false}, body, 2]);
    assert_eq!(value(source, body).await, expected);
}

#[tokio::test]
async fn a_real_pydantic_model_works_where_pydantic_is_installed() {
    let source = r#"
try:
    import pydantic
except ImportError:
    def handler(r): return [r.body, "ValidationError"]
else:
    import datetime
    class Model(pydantic.BaseModel):
        n: int = pydantic.Field(alias="N")
        at: datetime.datetime = datetime.datetime(2024, 1, 1)
    def handler(model: Model):
        try:
            Model.parse_obj({"N": "x"})
        except ValueError as error:
            return [{"N": model.dict()["n"]}, type(error).__name__]
    assert __import__("rohas_runtime.values").values.to_json(Model(N=1)) == {"n": 1, "at": "2024-01-01T00:00:00Z"}
"#;
    assert_eq!(value(source, json!({"N": 4})).await, json!([{"N": 4}, "ValidationError"]));
}

#[tokio::test]
async fn decorated_partial_and_callable_handlers_keep_their_parameters() {
    for tail in [
        "import functools\ndef plain(extra, r, s: State): return [extra, r.id, s.attempt]\n\
         handler = functools.partial(plain, 1)\n",
        "class Callable:\n    async def __call__(self, r, *, s: State): return [1, r.id, s.attempt]\n\
         handler = Callable()\n",
        "import functools\ndef decorated(f):\n    @functools.wraps(f)\n    def inner(*args, **kw): return f(*args, **kw)\n    \
         return inner\n@decorated\ndef handler(s: State, r): return [1, r.id, s.attempt]\n",
    ] {
        let source = format!("from rohas_runtime import State\n{tail}");
        assert_eq!(value(&source, json!(null)).await, json!([1, 7, 2]), "{tail}");
    }
}

#[tokio::test]
async fn events_crons_sockets_and_middlewares_have_their_own_arguments() {
    let event = "def handler(event):\n    return [event.user_id, event.id, event.payload['id'], event.items, \
                 event.attempt, event.name, event.correlation_id]\n";
    let cron = "def handler(tick, state):\n    return [tick.scheduled_at, tick.name, state.attempt]\n";
    let message =
        "def handler(message, connection, state):\n    return [message, connection.id, state.attempt]\n";
    let connect = "def handler(connection, s):\n    return [connection.id, s.attempt]\n";
    let middleware = "def handler(req):\n    req.body = 'changed'\n    return req\n";
    let project = Project::new()
        .with(Kind::Event, "made", event)
        .with(Kind::Cron, "Daily", cron)
        .with(Kind::Ws, "Chat.on_message", message)
        .with(Kind::Ws, "Chat.on_connect", connect)
        .with(Kind::Middleware, "auth", middleware);
    let worker = project.boot().await;
    let fields = json!({
        "id": "e1", "name": "made", "time": "t", "payload": {"user_id": 5, "id": "hidden", "items": [1]},
        "attempt": 3, "correlation_id": "c", "causation_id": null,
    });
    let cases = [
        (Kind::Event, "made", vec![fields], json!([5, "e1", "hidden", [1], 3, "made", "c"])),
        (Kind::Cron, "Daily", vec![json!({"scheduled_at": "s", "name": "Daily"})], json!(["s", "Daily", 2])),
        (Kind::Ws, "Chat.on_message", vec![json!({"t": 1}), json!({"id": "k"})], json!([{"t": 1}, "k", 2])),
        (Kind::Ws, "Chat.on_connect", vec![json!({"id": "k"})], json!(["k", 2])),
        (Kind::Middleware, "auth", vec![json!({"body": 1})], json!({"body": "changed"})),
    ];
    for (kind, name, arguments, expected) in cases {
        let reply = worker.invoke(invocation(kind, name, arguments)).await.unwrap();
        assert_eq!(reply.value, expected, "{name}");
    }
    let unknown = worker.invoke(invocation(Kind::Api, "Nope", vec![])).await;
    assert!(matches!(unknown, Err(Failure::NotFound(_))), "{unknown:?}");
}

#[tokio::test]
async fn modules_of_the_project_are_imported_from_src_and_exist_once() {
    let project = Project::api(
        "import sys\nfrom shared.money import double\nfrom handlers.api import Test as again\n\
         def handler(r):\n    return [double(r.body), again is sys.modules[__name__]]\n",
    )
    .file("src/shared/money.py", "def double(amount):\n    return amount * 2\n");
    let worker = project.boot().await;
    assert_eq!(call(&worker, json!(4)).await.unwrap().value, json!([8, true]));
}

/// What generated code hands to the runtime: subclasses whose annotations say what the members are.
const GENERATED: &str = r#"
from __future__ import annotations
import dataclasses, datetime, enum, typing
from rohas_runtime import Connection, Event, Request, State

class Kind(str, enum.Enum):
    class_ = "class"

@dataclasses.dataclass
class Params:
    id: int

@dataclasses.dataclass
class Item:
    at: datetime.datetime
    class_: Kind = dataclasses.field(metadata={"rohas": "class"})
    number: typing.Optional[int] = dataclasses.field(default=None, metadata={"rohas_auto": True})
    note: typing.Optional[str] = None

Headers = typing.TypedDict("Headers", {"x-when": datetime.date, "x-none": typing.Optional[int]})

class TestRequest(Request):
    params: Params
    headers: Headers
    body: typing.Optional[Item]
    id: int

class Made(Event):
    payload: Item
    at: datetime.datetime

class ChatConnection(Connection):
    params: Params
"#;

fn generated(tail: &str) -> String {
    format!("{GENERATED}\n{tail}")
}

#[tokio::test]
async fn a_generated_request_has_its_types() {
    let source = generated(
        "def handler(request: TestRequest, s: State):\n    \
         assert isinstance(request, TestRequest) and isinstance(request.body, Item), request\n    \
         assert request.body.class_ is Kind.class_ and request.body.at.year == 2024\n    \
         assert request.params == Params(7) and request.id == 7 and request['id'] == 7 and 'id' in request\n    \
         assert request.headers['x-when'] == datetime.date(2024, 1, 2) and request.headers['x-none'] is None\n    \
         assert request.headers['user-agent'] == 'test' and request.method == 'POST' and request.query == {'page': 2}\n    \
         request.body.number = 3\n    return [request.body, Item(request.body.at, Kind.class_)]\n",
    );
    let project = Project::api(&source);
    let worker = project.boot().await;
    let mut request = request(json!({"at": "2024-01-01T00:00:00+02:00", "class": "class"}));
    request["headers"] = json!({"x-when": "2024-01-02", "user-agent": "test"});
    let reply = worker.invoke(invocation(Kind::Api, "Test", vec![request])).await.unwrap();
    let item = json!({"at": "2024-01-01T00:00:00+02:00", "class": "class", "note": null});
    let mut numbered = item.clone();
    numbered["number"] = json!(3);
    assert_eq!(reply.value, json!([numbered, item]), "a field of the store is absent, not null");
}

#[tokio::test]
async fn generated_events_messages_and_connections_have_their_types() {
    let event = "def handler(event: Made, s: State):\n    assert isinstance(event.payload, Item)\n    \
                 return [event.at, event.at is event.payload.at, event.class_, event.name, s.attempt]\n";
    let message = "def handler(message: Item, connection: ChatConnection, state: State):\n    \
                   return [message, connection.params.id + 1, connection.id]\n";
    let both = "class Other(Event):\n    payload: int\n\
                def handler(event: typing.Union[Other, Made]):\n    return type(event).__name__\n";
    let plain = "def handler(message: typing.Optional[Kind], c: ChatConnection):\n    \
                 return [message is Kind.class_, message is None, c.params.id]\n";
    let connect = "def handler(connection: ChatConnection, state: State):\n    return connection.params.id\n";
    let project = Project::new()
        .with(Kind::Event, "made", &generated(event))
        .with(Kind::Event, "both", &generated(both))
        .with(Kind::Ws, "Chat.on_message", &generated(message))
        .with(Kind::Ws, "Chat.plain", &generated(plain))
        .with(Kind::Ws, "Chat.on_connect", &generated(connect));
    let worker = project.boot().await;
    let item = json!({"at": "2024-01-01T00:00:00Z", "class": "class", "note": null});
    let connection = json!({"id": "k", "params": {"id": 4}});
    let made = json!({"payload": item, "name": "made"});
    let named = json!({"payload": item, "name": "Made"});
    let other = json!({"payload": 1, "name": "Other"});
    let cases = [
        (Kind::Event, "made", vec![made], json!(["2024-01-01T00:00:00Z", true, "class", "made", 2])),
        (Kind::Event, "both", vec![named], json!("Made")),
        (Kind::Event, "both", vec![other], json!("Other")),
        (Kind::Ws, "Chat.on_message", vec![item.clone(), connection.clone()], json!([item, 5, "k"])),
        (Kind::Ws, "Chat.plain", vec![json!("class"), connection.clone()], json!([true, false, 4])),
        (Kind::Ws, "Chat.plain", vec![json!(null), connection.clone()], json!([false, true, 4])),
        (Kind::Ws, "Chat.on_connect", vec![connection], json!(4)),
    ];
    for (kind, name, arguments, expected) in cases {
        let reply = worker.invoke(invocation(kind, name, arguments)).await.unwrap();
        assert_eq!(reply.value, expected, "{name}");
    }
}

#[tokio::test]
async fn a_body_is_a_body_whatever_its_type_is_called() {
    let source = "import dataclasses, typing\n@dataclasses.dataclass\nclass CreateUserRequest:\n    name: str\n\
                  def handler(input: CreateUserRequest):\n    return [type(input).__name__, input.name]\n";
    assert_eq!(value(source, json!({"name": "n"})).await, json!(["CreateUserRequest", "n"]));
    let optional = source.replace("input: CreateUserRequest", "input: typing.Optional[CreateUserRequest]");
    let optional = optional.replace("input.name]", "input]");
    assert_eq!(value(&optional, json!(null)).await, json!(["NoneType", null]));
}

#[tokio::test]
async fn content_is_converted_to_what_its_parameter_is_annotated_with() {
    const START: &str = "import datetime, enum, typing\nclass Kind(str, enum.Enum):\n    A = 'a'\n";
    let moment = json!("2016-12-31T23:59:60Z");
    for (parameter, content, result, expected) in [
        ("body: typing.Dict[str, datetime.datetime]", json!({"a": moment}), "body['a'].year", json!(2016)),
        (
            "anything: typing.Dict[str, datetime.date]",
            json!({"a": "2024-01-02"}),
            "anything['a'].day",
            json!(2),
        ),
        ("body: bytes", json!("aGk="), "body.decode()", json!("hi")),
        ("body: datetime.datetime", moment.clone(), "[body.second, body.microsecond]", json!([59, 999_999])),
        ("input: Kind", json!("a"), "input is Kind.A", json!(true)),
        ("payload: typing.List[datetime.date]", json!(["2024-01-02"]), "payload[0].month", json!(1)),
        ("message: typing.Optional[Kind]", json!(null), "message", json!(null)),
        ("input: typing.Optional[Kind]", json!("a"), "input is Kind.A", json!(true)),
        ("body: 'Unknown'", json!(["as it came"]), "body", json!(["as it came"])),
    ] {
        let source = format!("{START}def handler({parameter}):\n    return {result}\n");
        assert_eq!(value(&source, content.clone()).await, expected, "api: {parameter}");
        let source = source.replace("anything", "message").replace("'Unknown'", "typing.Any");
        let project = Project::new().with(Kind::Event, "E", &source).with(Kind::Ws, "W.m", &source);
        let worker = project.boot().await;
        let event = json!({"payload": content, "name": "E", "id": "e"});
        let reply = worker.invoke(invocation(Kind::Event, "E", vec![event])).await.unwrap();
        assert_eq!(reply.value, expected, "event: {parameter}");
        let arguments = vec![content, json!({"id": "k"})];
        let reply = worker.invoke(invocation(Kind::Ws, "W.m", arguments)).await.unwrap();
        assert_eq!(reply.value, expected, "ws: {parameter}");
    }
}

#[tokio::test]
async fn no_name_of_a_schema_is_one_of_the_runtime() {
    let source = "def handler(r):\n    \
                  return [r.typed, r._fields, r._behind, r._ALIASES, r['_hints'], r, 'typed' in r]\n";
    let project = Project::new().with(Kind::Event, "E", source);
    let worker = project.boot().await;
    let event = json!({
        "payload": {"typed": 1, "_fields": 2, "_behind": 3, "_ALIASES": 4, "_hints": 5}, "name": "E",
    });
    let reply = worker.invoke(invocation(Kind::Event, "E", vec![event.clone()])).await.unwrap();
    assert_eq!(reply.value, json!([1, 2, 3, 4, 5, event, true]));
}

#[tokio::test]
async fn a_generated_error_has_its_fields_by_their_names_on_the_wire() {
    let source = "import dataclasses\n@dataclasses.dataclass(eq=False)\nclass Conflict(Exception):\n    message: str\n    \
                  args_: list = dataclasses.field(metadata={'rohas': 'args'})\n    code: int = 7\n\
                  def handler(r):\n    raise Conflict('taken', ['a'])\n";
    let (name, message, stack, body) = raised(source, json!(null)).await;
    assert_eq!((name.as_str(), message.as_str()), ("Conflict", "taken"));
    assert_eq!(body, json!({"message": "taken", "args": ["a"], "code": 7}));
    assert!(stack.contains("raise Conflict"), "{stack}");
}

#[tokio::test]
async fn decimals_have_no_exponent() {
    let source = "import decimal\ndef handler(r):\n    \
                  return [decimal.Decimal(t) for t in ('1E-8', '1E+3', '-0.10', '12345678901234567890.123456789012345')]\n";
    let expected = json!(["0.00000001", "1000", "-0.10", "12345678901234567890.123456789012345"]);
    assert_eq!(value(source, json!(null)).await, expected);
}

// --- results ---------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn results_are_converted() {
    let source = r#"
import collections, dataclasses, datetime, decimal, enum, uuid
class Colour(enum.Enum):
    RED = "red"
    ODD = object()
class Level(enum.IntEnum):
    HIGH = 3
@dataclasses.dataclass
class Point:
    x: int
Pair = collections.namedtuple("Pair", "a b")
class Thing:
    def __init__(self): self.shown, self._hidden = 1, 2
def handler():
    zone = datetime.timezone(datetime.timedelta(hours=2))
    return [
        Point(1), Colour.RED, Colour.ODD, Level.HIGH, datetime.datetime(2024, 1, 2, 3, 4, 5), datetime.date(2024, 1, 2),
        datetime.datetime(2024, 1, 2, tzinfo=zone), datetime.datetime(2024, 1, 2, tzinfo=datetime.timezone.utc),
        decimal.Decimal("1.10"), uuid.UUID(int=1), b"\x00\xff", {3}, (1, 2), (n for n in (1, 2)), Thing(), Pair(1, 2),
        {1: "one", True: 2, Colour.RED: 3}, collections.OrderedDict(z=1, a=2), range(2),
    ]
"#;
    let expected = json!([
        {"x": 1}, "red", "ODD", 3, "2024-01-02T03:04:05Z", "2024-01-02", "2024-01-02T00:00:00+02:00",
        "2024-01-02T00:00:00Z", "1.10", "00000000-0000-0000-0000-000000000001", "AP8=", [3], [1, 2], [1, 2],
        {"shown": 1}, {"a": 1, "b": 2}, {"1": 2, "red": 3}, {"z": 1, "a": 2}, [0, 1],
    ]);
    assert_eq!(value(source, json!(null)).await, expected);
}

#[tokio::test]
async fn a_result_without_a_json_form_fails_its_call_only_and_names_the_place() {
    let source = "def handler(r):\n    deep = []\n    deep.append(deep)\n    return eval(r.body)\n";
    let project = Project::api(source);
    let worker = project.boot().await;
    for (code, place) in [
        ("{'a': [1, float('nan')]}", "/a/1 is nan"),
        ("2 ** 64", "/ is an integer of more than 64 bits"),
        ("[object()]", "/0 is a object"),
        ("{'f': len}", "/f is a builtin"),
        ("{(1,): 2}", "/ has a key of type tuple"),
        ("deep", "is nested deeper than 100 levels"),
        ("'\\ud800'", "half a surrogate pair"),
        ("'x' * (65 * 1024 * 1024)", "do not fit one frame"),
        ("__import__('rohas_runtime').Response(status=99999)", "status is 99999"),
    ] {
        let failure = call(&worker, json!(code)).await.unwrap_err();
        assert!(failure.to_string().contains(place), "{code}: {failure}");
    }
    assert_eq!(call(&worker, json!("1")).await.unwrap().value, 1);
}

#[tokio::test]
async fn responses_and_publications_travel_with_the_answer() {
    let project = Project::api(
        "from rohas_runtime import Response\ndef handler(r, state):\n    state.trigger_event('a', {'n': {1}})\n    \
         state.triggerEvent('b')\n    state.set_payload('c', 1)\n    state.setPayload('d', 2)\n    \
         return Response({'ok': True}, status=201, headers={'x-a': 1, 'set-cookie': ['a', 'b']})\n",
    );
    let worker = project.boot().await;
    let reply = call(&worker, json!(null)).await.unwrap();
    let response = reply.response.unwrap();
    let headers =
        [("x-a", "1"), ("set-cookie", "a"), ("set-cookie", "b")].map(|(n, v)| (n.to_owned(), v.to_owned()));
    assert_eq!((response.status, response.headers), (201, headers.to_vec()));
    assert_eq!(reply.value, json!({"ok": true}));
    assert_eq!(reply.effects.triggers, [("a".to_owned(), json!({"n": [1]})), ("b".to_owned(), json!(null))]);
    assert_eq!(reply.effects.payloads, [("c".to_owned(), json!(1)), ("d".to_owned(), json!(2))]);
}

#[tokio::test]
async fn a_raised_error_tells_class_fields_and_the_line_of_the_handler() {
    let source = "class NotFound(Exception):\n    def __init__(self, id):\n        super().__init__(f'no {id}')\n        \
                  self.id = id\n        self._hidden = 1\n\ndef handler(r):\n    raise NotFound(r.id)\n";
    let (name, message, stack, body) = raised(source, json!(null)).await;
    assert_eq!((name.as_str(), message.as_str()), ("NotFound", "no 7"));
    assert_eq!(body, json!({"message": "no 7", "id": 7}));
    assert!(stack.contains("src/handlers/api/Test.py\", line 8, in handler"), "{stack}");
    assert!(stack.contains("raise NotFound(r.id)") && !stack.contains("rohas_runtime"), "{stack}");
    for (code, name) in [("sys.exit(3)", "SystemExit"), ("raise asyncio.CancelledError()", "CancelledError")]
    {
        let source = format!("import asyncio, sys\nasync def handler():\n    {code}\n");
        assert_eq!(raised(&source, json!(null)).await.0, name);
    }
}

// --- logs ------------------------------------------------------------------------------------------------------------

/// Collects the fields of every event with target `handler`.
#[derive(Clone, Default)]
struct Lines(Arc<parking_lot::Mutex<Vec<String>>>);

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "handler"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Text(String);
        impl tracing::field::Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if !matches!(field.name(), "invocation" | "trace_id") {
                    let _ = write!(self.0, " {}={value:?}", field.name());
                }
            }
        }
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        self.0.lock().push(text.0);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test] // on one thread, so that the subscriber of this thread sees all tasks
async fn every_way_to_log_becomes_a_line_of_the_handler() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let project = Project::api(
        "import logging, os, sys\nprint('at import')\ndef handler(r, state):\n    \
         state.logger.info('a', {'n': 1}, more={2})\n    state.logger.warning('b', object)\n    \
         logging.getLogger('mine').error('c %s', 1, extra={'k': 'v'})\n    print('d', end='')\n    \
         print('e\\nf', file=sys.stderr)\n    os.write(1, b'raw\\n')\n    circle = {}\n    circle['c'] = circle\n    \
         state.logger.debug('g', circle)\n",
    );
    let worker = project.boot().await;
    call(&worker, json!(null)).await.unwrap();
    let handler = r#"handler="api Test""#;
    let expected = [
        r#"INFO message=at import handler="" fields="""#.to_owned(),
        format!(r#"INFO message=a {handler} fields="{{\"n\":1,\"more\":[2]}}""#),
        format!(r#"WARN message=b {handler} fields="{{\"fields\":\"<class 'object'>\"}}""#),
        format!(r#"ERROR message=c 1 {handler} fields="{{\"logger\":\"mine\",\"k\":\"v\"}}""#),
        format!(r#"WARN message=e {handler} fields="""#),
        format!(r#"WARN message=f {handler} fields="""#),
        format!(r#"DEBUG message=g {handler} fields="{{\"c\":{{\"c\":{{\"c\":\"{{'c': {{...}}}}\"}}}}}}""#),
        format!(r#"INFO message=d {handler} fields="""#),
    ];
    until(|| lines.0.lock().iter().any(|line| line.contains("message=raw")).then_some(())).await;
    let mut seen = lines.0.lock().clone();
    seen.retain(|line| !line.contains("message=raw"));
    assert_eq!(seen, expected);
}

// --- cancel, crash, stop ---------------------------------------------------------------------------------------------

#[tokio::test]
async fn a_dropped_call_is_cancelled_and_the_worker_goes_on() {
    let project = Project::api(
        "import asyncio, pathlib\nhere = pathlib.Path(__file__).parents[3]\nasync def handler(r, state):\n    \
         if r.body == 'echo':\n        return 'echo'\n    (here / 'started').write_text('yes')\n    try:\n        \
         await asyncio.Event().wait()\n    finally:\n        \
         (here / 'ended').write_text(f'cancelled {state.cancelled}')\n",
    );
    let worker = project.boot().await;
    let waiting = tokio::spawn(worker.invoke(invocation(Kind::Api, "Test", vec![request(json!("wait"))])));
    project.written("started").await;
    assert!(worker.accepting());
    waiting.abort();
    assert_eq!(project.written("ended").await, "cancelled True");
    until(|| worker.accepting().then_some(())).await;
    assert_eq!(call(&worker, json!("echo")).await.unwrap().value, "echo");
}

#[tokio::test]
async fn a_child_that_does_not_let_go_is_killed() {
    let project = Project::api(
        "import asyncio, pathlib\nhere = pathlib.Path(__file__).parents[3]\nasync def handler(r):\n    \
         if r.body == 'wait':\n        await asyncio.Event().wait()\n    (here / 'started').write_text('yes')\n    \
         while True:\n        pass\n",
    );
    let worker = project.boot().await;
    let bystander = tokio::spawn(worker.invoke(invocation(Kind::Api, "Test", vec![request(json!("wait"))])));
    let spinning = tokio::spawn(worker.invoke(invocation(Kind::Api, "Test", vec![request(json!("spin"))])));
    project.written("started").await;
    spinning.abort();
    let reason = worker.exited().await;
    assert!(reason.contains("held on to a cancelled call for more than 250 ms"), "{reason}");
    assert_eq!(bystander.await.unwrap(), Err(Failure::Crashed(reason.clone())));
    assert!(!worker.accepting());
    assert_eq!(call(&worker, json!("wait")).await, Err(Failure::Crashed(reason)));
}

#[tokio::test]
async fn the_end_of_the_process_fails_its_calls_and_is_told() {
    for (code, reason) in [
        ("import os; os._exit(3)", "exited with code 3"),
        ("import ctypes; ctypes.string_at(0)", "killed by signal 11"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "killed by signal 15"),
    ] {
        let project = Project::api(&format!("def handler():\n    {code}\n"));
        let worker = project.boot().await;
        assert_eq!(call(&worker, json!(1)).await, Err(Failure::Crashed(reason.to_owned())), "{code}");
        assert_eq!(worker.exited().await, reason);
    }
}

/// Tells whether a process is there, as a zombie or alive.
fn exists(pid: &str) -> bool {
    Path::new("/proc").join(pid).exists()
}

#[tokio::test]
async fn stop_and_drop_leave_no_process_behind() {
    let source = "import os, subprocess\ndef handler(r):\n    \
                  return [str(os.getpid()), str(subprocess.Popen(['sleep', '1000']).pid), sorted(os.listdir('/proc/self/fd'))]\n";
    for drop_it in [false, true] {
        let project = Project::api(source);
        let worker = project.boot().await;
        let reply = call(&worker, json!(1)).await.unwrap().value;
        let pids = [&reply[0], &reply[1]].map(|pid| pid.as_str().unwrap().to_owned());
        assert!(pids.iter().all(|pid| exists(pid)));
        let exited = worker.exited();
        if drop_it {
            drop(worker);
        } else {
            worker.stop();
            assert!(!worker.accepting());
        }
        assert_eq!(exited.await, "stopped");
        assert!(!exists(&pids[0]), "reaped");
        until(|| dead(&pids[1]).then_some(())).await;
    }
}

/// Tells whether a grandchild is dead; whoever adopted it reaps it, or does not.
fn dead(pid: &str) -> bool {
    match std::fs::read_to_string(Path::new("/proc").join(pid).join("stat")) {
        Ok(stat) => stat.contains(") Z "),
        Err(_) => true,
    }
}

#[tokio::test]
async fn a_child_leads_its_own_group_and_inherits_one_socket() {
    let source = r#"
import os
def handler(r):
    links = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            links.append(os.readlink(f"/proc/self/fd/{fd}"))
        except FileNotFoundError:  # that of listdir
            pass
    return [os.getpgid(0) == os.getpid(), any(r.body in link for link in links)]
"#;
    let project = Project::api(source).file("leaked.txt", "");
    let file = std::fs::File::open(project.root.join("leaked.txt")).unwrap();
    // SAFETY: plain system call; the copy has no CLOEXEC, as the descriptors of careless libraries
    let copy = unsafe { libc::dup(std::os::fd::AsRawFd::as_raw_fd(&file)) };
    let worker = project.boot().await;
    assert_eq!(call(&worker, json!("leaked.txt")).await.unwrap().value, json!([true, false]));
    // SAFETY: the copy is ours
    unsafe { libc::close(copy) };
}

/// Names the project for [`parent_that_is_killed`], which does nothing unless the test below starts it with this.
const PARENT_OF: &str = "ROHAS_TEST_PARENT_OF";

#[tokio::test]
async fn parent_that_is_killed() {
    let Ok(root) = std::env::var(PARENT_OF) else {
        return;
    };
    let handler = FileHandler {
        id: HandlerId::new(Kind::Api, "Test"),
        path: Path::new(&root).join("src/handlers/api/Test.py"),
        functions: vec!["handler".to_owned()],
    };
    let worker = Python::new(Config::default(), root.into(), vec![handler]).boot().await.unwrap();
    let _ = call(&worker, json!(null)).await;
}

#[tokio::test]
async fn a_busy_child_dies_with_a_parent_that_is_killed() {
    let project = Project::api(
        "import os, pathlib\ndef handler():\n    here = pathlib.Path(__file__).parents[3]\n    \
         (here / 'new').write_text(str(os.getpid()))\n    (here / 'new').rename(here / 'pid')\n    \
         while True:\n        pass\n",
    );
    let mut parent = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lang::python::tests::parent_that_is_killed"])
        .env(PARENT_OF, &project.root)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = project.written("pid").await;
    assert!(!dead(&pid));
    parent.kill().await.unwrap();
    until(|| dead(&pid).then_some(())).await;
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_configured() {
    let mut project = Project::api(
        "import asyncio\nrunning = most = 0\nasync def handler():\n    global running, most\n    running += 1\n    \
         most = max(most, running)\n    for _ in range(20):\n        await asyncio.sleep(0)\n    running -= 1\n    \
         return most\n",
    );
    project.config.max_concurrency = NonZeroUsize::new(2).unwrap();
    let worker = project.boot().await;
    let calls = (0..20).map(|_| call(&worker, json!(null)));
    let most = futures_util::future::join_all(calls).await.into_iter().map(|o| o.unwrap().value.as_u64());
    assert_eq!(most.max(), Some(Some(2)));
}

#[tokio::test]
async fn a_malformed_frame_condemns_the_worker() {
    for (frame, reason) in [
        (r"b'\x00\x00\x00\x01\xc0'", "the envelope is not"),
        (r"b'\xff\xff\xff\xff'", "above the limit"),
        (r"b'\x00\x00\x00\x08\x93\xa3foo\x01\xc4\x00'", "there is no frame `foo`"),
        (r"b'\x00\x00\x00\x0c\x93\xa6answer\x01\xc4\x01{'", "the body of `answer`"),
        (r"b'\x00\x00\x00\x0b\x93\xa5ended\xcc\xc8\xc4\x00'", "answers call 200, which is not in flight"),
    ] {
        let source = format!(
            "import os, sys\nasync def handler():\n    os.write(int(sys.argv[1]), {frame})\n    \
             import asyncio\n    await asyncio.Event().wait()\n"
        );
        let project = Project::api(&source);
        let worker = project.boot().await;
        let failure = call(&worker, json!(null)).await.unwrap_err();
        let told = worker.exited().await;
        assert!(told.contains(reason), "{frame}: {told}");
        assert_eq!(failure, Failure::Crashed(told));
    }
}

#[tokio::test]
async fn frames_are_bounded_and_complete() {
    let read = |bytes: Vec<u8>| async move {
        let (mut tx, mut rx) = tokio::io::duplex(64);
        tx.write_all(&bytes).await.unwrap();
        drop(tx);
        frames::read(&mut rx).await
    };
    assert!(read(vec![]).await.unwrap().is_none());
    assert_eq!(read(vec![0, 0, 0, 1, 9]).await.unwrap(), Some(vec![9]));
    assert!(matches!(read(vec![0, 0]).await, Err(frames::Error::Truncated)));
    assert!(matches!(read(vec![0, 0, 0, 2, 9]).await, Err(frames::Error::Truncated)));
    assert!(matches!(read(vec![255; 4]).await, Err(frames::Error::TooLarge { .. })));
    let trailing = FromChild::decode(b"\x93\xa5ready\x00\xc4\x00\xc0");
    assert!(matches!(trailing, Err(frames::Error::Trailing)), "{trailing:?}");
    let large = frames::raw(&vec![0; FRAME_LIMIT + 1]);
    assert!(matches!(large, Err(frames::Error::TooLarge { .. })));
    let project = Project::api("def handler():\n    pass\n");
    let worker = project.boot().await;
    let failure = call(&worker, json!("x".repeat(FRAME_LIMIT))).await;
    assert!(matches!(failure, Err(Failure::BadRequest(_))), "{failure:?}");
    assert!(worker.accepting());
}

#[tokio::test]
async fn the_codec_of_the_child_agrees_with_rmp() {
    let values = json!([
        null, true, false, 0, 127, 128, 255, 256, 65_536, u64::MAX, -1, -32, -33, -129, -40_000, i64::MIN, "",
        "x".repeat(31), "x".repeat(32), "ä".repeat(300), "x".repeat(70_000), vec![1; 15], vec![1; 16],
        vec![1; 70_000], {"a": {"b": [{}]}},
    ]);
    let bytes = rmp_serde::to_vec(&values).unwrap();
    let source = "from rohas_runtime.frames import pack, unpack\ndef handler(r):\n    value = unpack(bytes(r.body))\n    \
                  assert unpack(pack(value)) == value\n    assert unpack(pack({'k': b'ab' * 200}))['k'] == b'ab' * 200\n    \
                  return [value, list(pack(value))]\n";
    let reply = value(source, json!(bytes)).await;
    assert_eq!(reply[0], values);
    let packed: Vec<u8> = serde_json::from_value(reply[1].clone()).unwrap();
    assert_eq!(rmp_serde::from_slice::<Json>(&packed).unwrap(), values);
}

// --- boot ------------------------------------------------------------------------------------------------------------

#[tokio::test]
async fn all_problems_of_a_project_are_told_at_once() {
    let project = Project::new()
        .with(Kind::Api, "Broken", "x = 1\nimport nowhere_at_all\n")
        .with(Kind::Api, "Syntax", "def handler(:\n")
        .with(Kind::Api, "Empty", "def helper(): pass\ndef _private(): pass\n")
        .with(Kind::Api, "Arity", "def handler(a, b, c): pass\n")
        .with(Kind::Api, "Exits", "raise SystemExit(0)\n")
        .with(Kind::Api, "Fine", "def other(): pass\n");
    let problems = project.refused().await;
    let told: Vec<String> = problems.iter().map(|problem| problem.message.clone()).collect();
    assert_eq!(told.len(), 5, "{told:#?}");
    for (message, part) in told.iter().zip([
        "Broken.py\", line 2, in <module>\n    import nowhere_at_all\nModuleNotFoundError: No module named",
        "Syntax.py\", line 1\n    def handler(:",
        "Empty.py has no function for api Empty; tried handler, other; public functions there: helper",
        "Arity.py: parameter(s) c of the handler of api Arity would get no value",
        "SystemExit: 0",
    ]) {
        assert!(message.contains(part), "{message}");
        assert!(!message.contains("rohas_runtime") && !message.contains("frozen"), "{message}");
    }
    assert_eq!(problems[2].hint.as_deref(), Some("name the function `handler`"));
}

#[tokio::test]
async fn an_interpreter_that_dies_while_loading_is_told_with_its_last_words() {
    let source = "import os\nos.write(2, b'last words\\n')\nos._exit(9)\n";
    let problems = Project::api(source).refused().await;
    let expected =
        "the Python interpreter exited with code 9 while loading the handlers; it printed\nlast words";
    assert_eq!(problems, [Problem::new(expected)]);
}

#[tokio::test]
async fn the_interpreter_is_found_in_order_and_checked() {
    let mut project = Project::api("import sys\ndef handler():\n    return sys.argv[0]\n");
    project.config.interpreter = Some("bin/none".into());
    let problems = project.refused().await;
    assert!(problems[0].message.contains("bin/none (python.interpreter): cannot be run"), "{problems:?}");

    project.config.interpreter = None;
    project.config.virtual_env = Some(project.root.join("env"));
    let worker = project.boot().await; // neither of the two is there: python3
    assert!(call(&worker, json!(null)).await.is_ok());

    let executable = |path: &str, text: &str| {
        let path = project.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    executable("env/bin/python", "#!/bin/sh\necho 3 8\n");
    let problems = project.refused().await;
    let message = &problems[0].message;
    assert!(message.contains(".venv/bin/python (of the project): not there; "), "{message}");
    assert!(message.contains("env/bin/python (VIRTUAL_ENV): is Python 3.8"), "{message}");
    executable(".venv/bin/python", "#!/bin/sh\necho nonsense\n");
    let problems = project.refused().await;
    assert!(problems[0].message.contains("(of the project): is not a Python 3"), "{problems:?}");
}

#[test]
fn the_config_has_defaults_and_no_unknown_keys() {
    let config: Config = toml::from_str("max_concurrency = 4").unwrap();
    assert_eq!((config.max_concurrency.get(), config.interpreter), (4, None));
    assert_eq!(Config::default().max_concurrency.get(), 32);
    for wrong in ["worker = 1", "workers = 0", "virtual_env = '/x'"] {
        assert!(toml::from_str::<Config>(wrong).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn what_a_handler_started_dies_with_its_interpreter() {
    let project = Project::api(
        "import os, pathlib, subprocess\ndef handler():\n    here = pathlib.Path(__file__).parents[3]\n    \
         child = subprocess.Popen(['sleep', '600'])\n    (here / 'new').write_text(str(child.pid))\n    \
         (here / 'new').rename(here / 'pid')\n    os._exit(3)\n",
    );
    let worker = project.boot().await;
    let _ = call(&worker, json!(1)).await;
    let pid = project.written("pid").await;
    assert_eq!(worker.exited().await, "exited with code 3");
    until(|| dead(&pid).then_some(())).await;
}

#[tokio::test]
async fn a_forked_child_that_returns_takes_no_frames() {
    let project = Project::api(
        "import os\nasync def handler(r):\n    if r.body == 'fork' and os.fork() == 0:\n        return 'child'\n    \
         return r.body\n",
    );
    let worker = project.boot().await;
    for n in 0..50 {
        assert_eq!(call(&worker, json!("fork")).await.unwrap().value, json!("fork"));
        assert_eq!(call(&worker, json!(n)).await.unwrap().value, json!(n));
    }
}

#[tokio::test]
async fn an_exit_in_a_background_task_does_not_end_the_worker() {
    let project = Project::api(
        "import asyncio, sys\nasync def leave():\n    sys.exit(1)\nasync def handler(r):\n    \
         asyncio.get_running_loop().create_task(leave())\n    await asyncio.sleep(0)\n    await asyncio.sleep(0)\n    \
         return r.body\n",
    );
    let worker = project.boot().await;
    assert_eq!(call(&worker, json!(1)).await.unwrap().value, json!(1));
    assert_eq!(call(&worker, json!(2)).await.unwrap().value, json!(2));
}

#[tokio::test]
async fn a_subclass_of_text_is_text() {
    let project = Project::api(
        "class Safe(str):\n    def __str__(self):\n        return self\ndef handler():\n    return [Safe('abc'), True]\n",
    );
    let worker = project.boot().await;
    assert_eq!(call(&worker, json!(null)).await.unwrap().value, json!(["abc", true]));
}
