//! One app with handlers in TypeScript, Python and Rust, all written against generated types: they give the same
//! answers to the same values.

use rohas::codegen::{PythonModels, Target};
use rohas::schema::Type;
use rohas::{Failure, State};
use serde_json::json;

use super::rust::kept_code::echo::api::{
    EchoRustRequest, EchoRustResponse, ListRustRequest, ListRustResponse, MissRustError, MissRustRequest,
};
use super::rust::kept_code::echo::models::Missing;
use super::values::{Maker, Random, canonical};
use super::{corpus, tool};
use crate::project::{App, Project, config};

const VALUES: usize = 60;

const ECHO_TS: &str = r#"
    import type { EchoTsHandler } from "../../generated/api/EchoTs.ts";
    export const handler: EchoTsHandler = ({ body }) => {
      if (typeof body.big !== "bigint" || typeof body.whole !== "number") throw new Error("not the declared types");
      return body;
    };
"#;

const LIST_TS: &str = r#"
    import type { ListTsHandler } from "../../generated/api/ListTs.ts";
    export const handler: ListTsHandler = ({ body }) => ({ all: body, "": [] });
"#;

const MISS_TS: &str = r#"
    import { Missing, type MissTsHandler } from "../../generated/api/MissTs.ts";
    export const handler: MissTsHandler = (request) => {
      throw new Missing({ message: "gone", class: request.class, args: ["a"], at: "2024-01-01T00:00:00Z" });
    };
"#;

const ECHO_PY: &str = r#"
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID
from generated.api.echo_py import EchoPyRequest, EchoPyResponse
from generated.models.everything import Everything, EverythingInline
from generated.models.mood import Mood
from generated.runtime import State

async def handler(request: EchoPyRequest, state: State) -> EchoPyResponse:
    body = request.body
    kinds = [(body, Everything), (body.moment, datetime), (body.day, date), (body.ident, UUID), (body.data, bytes),
             (body.amount, Decimal), (body.mood, Mood), (body.inline, EverythingInline), (body.class_, str)]
    for value, kind in kinds:
        assert isinstance(value, kind), (value, kind)
    return body
"#;

const ECHO_INPUT: &str = r#"
from generated.models.everything import Everything

def handler(input: Everything) -> Everything:
    assert isinstance(input, Everything)
    return input
"#;

const LIST_PY: &str = r#"
from generated.api.list_py import ListPyRequest, ListPyResponse
from generated.models.point import Point
from generated.runtime import State

async def handler(request: ListPyRequest, state: State) -> ListPyResponse:
    assert all(isinstance(point, Point) for point in request.body)
    return {"all": request.body, "": []}
"#;

const MISS_PY: &str = r#"
from datetime import datetime, timezone
from generated.api.miss_py import Missing, MissPyRequest
from generated.runtime import State

async def handler(request: MissPyRequest, state: State) -> str:
    raise Missing("gone", request.class_, ["a"], datetime(2024, 1, 1, tzinfo=timezone.utc))
"#;

async fn echo(request: EchoRustRequest, _: State) -> Result<EchoRustResponse, Failure> {
    Ok(request.body)
}

async fn list(request: ListRustRequest, _: State) -> Result<ListRustResponse, Failure> {
    Ok([("all".to_owned(), request.body), (String::new(), Vec::new())].into())
}

async fn miss(request: MissRustRequest, _: State) -> Result<String, Failure> {
    let at = "2024-01-01T00:00:00Z".parse().unwrap();
    let missing = Missing {
        message: "gone".to_owned(),
        class: request.params.class,
        args: vec!["a".to_owned()],
        at,
        left: None,
    };
    Err(MissRustError::Missing(missing))?
}

async fn all_answer_alike(models: PythonModels) {
    let samples = corpus();
    let sample = samples.iter().find(|sample| sample.name == "echo").unwrap();
    let mut files = vec![
        ("schema/echo.ro".to_owned(), sample.text.clone()),
        ("src/handlers/api/EchoTs.ts".to_owned(), ECHO_TS.to_owned()),
        ("src/handlers/api/ListTs.ts".to_owned(), LIST_TS.to_owned()),
        ("src/handlers/api/MissTs.ts".to_owned(), MISS_TS.to_owned()),
        ("src/handlers/api/echo_py.py".to_owned(), ECHO_PY.to_owned()),
        ("src/handlers/api/echo_input.py".to_owned(), ECHO_INPUT.to_owned()),
        ("src/handlers/api/list_py.py".to_owned(), LIST_PY.to_owned()),
        ("src/handlers/api/miss_py.py".to_owned(), MISS_PY.to_owned()),
    ];
    for target in [Target::TypeScript, Target::Python] {
        let path = |file: &rohas::codegen::File| format!("src/generated/{}", file.path.display());
        files.extend(sample.files(target, models).into_iter().map(|file| (path(&file), file.text)));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let project = Project::new(&files);
    let python = tool("venv/bin/python");
    let more = format!(
        "[typescript]\nworkers = 1\n[python]\nworkers = 1\ninterpreter = {:?}\n",
        python.display().to_string()
    );
    let builder = project.builder().config(config(&more));
    let builder = builder.handler("EchoRust", echo).handler("ListRust", list).handler("MissRust", miss);
    let app = App::start(builder).await;

    let mut maker = Maker { schema: &sample.schema, random: Random(11), largest: (1 << 53) - 1 };
    let body = sample.schema.apis["EchoTs"].body.clone().unwrap();
    for _ in 0..VALUES {
        let value = maker.value(&body);
        let expected = canonical(&sample.schema, &body, &value);
        for path in ["/rust", "/py", "/py/input", "/ts"] {
            let answer = app.post(path, value.clone()).await.expect(200);
            assert_eq!(canonical(&sample.schema, &body, &answer), expected, "{path}");
        }
    }
    let points = maker.value(sample.schema.apis["ListTs"].body.as_ref().unwrap());
    for language in ["ts", "py", "rust"] {
        let answer = app.post(&format!("/{language}/list"), points.clone()).await.expect(200);
        let listed = sample.schema.apis["ListTs"].response.as_ref().unwrap();
        let expected = canonical(&sample.schema, listed, &json!({ "all": points, "": [] }));
        assert_eq!(canonical(&sample.schema, listed, &answer), expected, "{language}");
        let answer = app.get(&format!("/{language}/7")).await.expect(404);
        let expected = json!({ "message": "gone", "class": 7, "args": ["a"], "at": "2024-01-01T00:00:00Z" });
        let missing = Type::Named("Missing".to_owned());
        let canonical = |value| canonical(&sample.schema, &missing, value);
        assert_eq!(canonical(&answer), canonical(&expected), "{language}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_languages_give_the_same_answers() {
    all_answer_alike(PythonModels::Dataclass).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pydantic_models_give_them_too() {
    all_answer_alike(PythonModels::Pydantic).await;
}
