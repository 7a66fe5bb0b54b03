//! What the HTTP door answers before any handler runs, and its own pages.

use rohas::{Config, Failure, Json, Message, Request, Response, State};
use serde_json::json;

use crate::client::Answer;
use crate::project::{App, inline};

const SCHEMA: &str = r#"
    type Parcel { weight: Int @min(1)  to: Address  notes: String[] }
    type Address { city: String @length(1, 5)  zip: String @pattern("^[0-9]{5}$") }
    api Send { method: POST  path: "/parcels/{number}"  params: { number: Int }  query: { fast: Boolean @default(false) }
               body: Parcel  response: Json }
    api Show { method: GET   path: "/parcels/{number}"  params: { number: Int }  headers: { "x-tenant": Uuid? }
               response: Json }
    api Drop { method: PUT  path: "/parcels/{parcel}"  params: { parcel: Int }  response: Json }
    api Teapot { method: GET path: "/teapot"  response: String }
"#;

async fn echo(request: Request, _: State) -> Result<Json, Failure> {
    Ok(json!({ "params": request.params, "query": request.query, "body": request.body }))
}

async fn teapot(_: Request, _: State) -> Result<Response, Failure> {
    let headers = [("content-type", "text/plain"), ("set-cookie", "a=1"), ("set-cookie", "b=2")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Response { status: 418, headers: headers.to_vec(), body: json!("short and stout") })
}

async fn parcels() -> App {
    let mut config: Config = crate::project::config("");
    config.limits.body_bytes = 1000;
    let app = inline(SCHEMA).config(config).handler("Send", echo).handler("Show", echo);
    let app = app.handler("Drop", echo).handler("Teapot", teapot);
    App::start(app).await
}

fn assert_problem(answer: &Answer, status: u16) -> Json {
    let problem = answer.expect(status);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], "about:blank");
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_decoded_by_their_declared_types() {
    let app = parcels().await;
    let body = json!({ "weight": 5, "to": { "city": "Bonn", "zip": "53111" }, "notes": [], "secret": 1 });
    let sent = app.post("/parcels/7?fast=true&other=1", body).await.expect(200);
    assert_eq!(sent["params"], json!({ "number": 7 }));
    assert_eq!(sent["query"], json!({ "fast": true }));
    let known = json!({ "weight": 5, "to": { "city": "Bonn", "zip": "53111" }, "notes": [] });
    assert_eq!(sent["body"], known, "undeclared fields are dropped");
    let shown = app.get("/parcels/9223372036854775807?a=b%20c").await.expect(200);
    assert_eq!(shown["params"]["number"], i64::MAX);
    assert_eq!(shown["query"], json!({ "a": "b c" }), "without a declaration the query is text");
    let dropped = app.send("PUT", "/parcels/8", &[], "").await.expect(200);
    assert_eq!(dropped["params"], json!({ "parcel": 8 }), "each api names the parameters itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_object_has_full_control() {
    let app = parcels().await;
    let answer = app.get("/teapot").await;
    assert_eq!((answer.status, answer.body.as_str()), (418, "short and stout"));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
    let cookies: Vec<&str> = cookies.map(|(_, value)| value.as_str()).collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_json_is_400() {
    let app = parcels().await;
    for body in ["{", "{\"weight\": 5,}", "weight=5", "\u{1}"] {
        let answer = app.send("POST", "/parcels/1", &[], body).await;
        let problem = assert_problem(&answer, 400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with("the body is not JSON: "), "{detail}");
    }
    assert_problem(&app.get("/parcels/%ff").await, 400);
    assert_problem(&app.get("/parcels/1?a=%ff").await, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_404_and_405() {
    let app = parcels().await;
    assert_problem(&app.get("/parcel/1").await, 404);
    assert_problem(&app.get("/parcels/1/2").await, 404);
    let answer = app.send("DELETE", "/parcels/1", &[], "").await;
    assert_problem(&answer, 405);
    let mut allowed: Vec<&str> = answer.header("allow").unwrap().split(", ").collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "OPTIONS", "POST", "PUT"]);
    let options = app.send("OPTIONS", "/parcels/1", &[], "").await;
    assert_eq!(options.status, 204);
    assert!(options.header("allow").is_some());
    let head = app.send("HEAD", "/parcels/1", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_and_websockets_have_routes_of_their_own() {
    const CROSSED: &str = r#"
        api Read { method: GET  path: "/f/{*rest}"  response: Json }
        api Write { method: PUT  path: "/f/{name}"  response: Json }
        api Part { method: POST  path: "/f/{x}/b"  response: Json }
        api Slug { method: GET  path: "/x/{id}"  response: Json }
        ws Feed { path: "/x/{*r}"  message: Json  onMessage: [say] }
    "#;
    async fn say(message: Message, _: State) -> Result<Json, Failure> {
        Ok(message.message)
    }
    let app = inline(CROSSED).config(crate::project::config("")).handler("Feed.say", say);
    let names = ["Read", "Write", "Part", "Slug"];
    let app = App::start(names.into_iter().fold(app, |app, name| app.handler(name, echo))).await;
    assert_eq!(app.get("/f/a/b").await.expect(200)["params"], json!({ "rest": "a/b" }));
    let written = app.send("PUT", "/f/a", &[], "").await.expect(200);
    assert_eq!(written["params"], json!({ "name": "a" }));
    let part = app.send("POST", "/f/a/b", &[], "").await.expect(200);
    assert_eq!(part["params"], json!({ "x": "a" }));
    let refused = app.send("PUT", "/f/a/b", &[], "").await;
    assert_problem(&refused, 405);
    assert_eq!(refused.header("allow"), Some("GET, POST, HEAD, OPTIONS"));
    assert_eq!(app.get("/x/1").await.expect(200)["params"], json!({ "id": "1" }));
    assert_eq!(app.get("/x/1/2").await.status, 426, "only the websocket is there");
    let refused = app.send("DELETE", "/x/1/2", &[], "").await;
    assert_problem(&refused, 405);
    assert_eq!(refused.header("allow"), Some("GET, OPTIONS"));
    assert_problem(&app.get("/f").await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_over_the_limit_is_413() {
    let app = parcels().await;
    let answer = app.send("POST", "/parcels/1", &[], &"x".repeat(1001)).await;
    assert_problem(&answer, 413);
    let long = json!({ "notes": ["x".repeat(900)] }).to_string();
    assert_eq!(app.send("POST", "/parcels/1", &[], &long).await.status, 422, "below the limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn violations_are_422_with_pointers() {
    let app = parcels().await;
    let body = json!({ "weight": 0, "to": { "city": "Cologne", "zip": "abc" }, "notes": ["a", 2] });
    let answer = app.post("/parcels/one?fast=maybe", body).await;
    let problem = assert_problem(&answer, 422);
    let mut found: Vec<(&str, &str)> = Vec::new();
    for error in problem["errors"].as_array().unwrap() {
        assert!(!error["message"].as_str().unwrap().is_empty());
        found.push((error["path"].as_str().unwrap(), error["code"].as_str().unwrap()));
    }
    found.sort_unstable();
    let expected = [
        ("/body/notes/1", "type"),
        ("/body/to/city", "length"),
        ("/body/to/zip", "pattern"),
        ("/body/weight", "min"),
        ("/params/number", "type"),
        ("/query/fast", "type"),
    ];
    assert_eq!(found, expected);

    let missing = assert_problem(&app.send("POST", "/parcels/1", &[], "").await, 422);
    assert_eq!(missing["errors"][0]["path"], "/body");
    let header = app.send("GET", "/parcels/1", &[("X-Tenant", "me")], "").await;
    assert_eq!(assert_problem(&header, 422)["errors"][0]["path"], "/headers/x-tenant");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_pages_answer() {
    let app = parcels().await;
    let health = app.get("/healthz").await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
    let ready = app.get("/readyz").await;
    assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
    assert_problem(&app.post("/healthz", json!({})).await, 405);

    app.get("/teapot").await;
    let metrics = app.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"));
    let has = |line: &str| metrics.body.lines().any(|known| known == line);
    assert!(has(r#"rohas_calls_total{handler="api Teapot",outcome="ok"} 1"#), "{}", metrics.body);
    assert!(has(r#"rohas_mailbox_accepted_total{actor="app/apis/Teapot"} 1"#), "{}", metrics.body);
}
