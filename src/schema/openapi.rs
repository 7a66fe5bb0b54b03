//! The apis of a model as an OpenAPI 3.1 document. Called by the command line; pure, and the same model always gives the
//! same text.
//!
//! Beside what the schema declares it holds the answers that the app gives on its own, which are problem details of RFC
//! 9457: `http::response` is where they are made. What middlewares answer is theirs and not known here.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, json};

use super::entities::{Api, Method};
use super::examples;
use super::json_schema::{Writer, describe, description, is_required, members};
use super::model::{Field, Json, Scalar, Schema, Type};

const COMPONENTS: &str = "#/components/schemas/";

/// An answer of the app itself: status, name and meaning.
type Standard = (u16, &'static str, &'static str);

const MALFORMED: Standard =
    (400, "Malformed", "The path, the query or the body of the request cannot be read.");
const SLOW: Standard = (408, "SlowBody", "The body took too long to arrive.");
const TOO_LARGE: Standard = (413, "TooLarge", "The body is larger than the app takes.");
const NOT_JSON: Standard = (415, "NotJson", "The body is not declared to be JSON.");
const INVALID: Standard =
    (422, "Invalid", "The request does not fit the schema; `errors` has every place where it does not.");
const FAILED: Standard = (500, "Failed", "The handler failed; `id` is where the log tells why.");
const UNAVAILABLE: Standard =
    (503, "Unavailable", "Too many requests wait already, or the app is shutting down.");
const TIMED_OUT: Standard = (504, "TimedOut", "The handler did not answer within its time limit.");
const STANDARD: [Standard; 8] =
    [MALFORMED, SLOW, TOO_LARGE, NOT_JSON, INVALID, FAILED, UNAVAILABLE, TIMED_OUT];

/// Returns the document of all apis. Each is an operation of its own name; WebSocket endpoints are not in it.
pub fn openapi(schema: &Schema, title: &str, version: &str) -> Json {
    let mut document = Document::new(schema);
    let mut paths: Map<String, Json> = Map::new();
    let mut named: HashMap<String, &Api> = HashMap::new();
    for api in schema.apis.values() {
        let mut operation = document.operation(api);
        let namer = *named.entry(shape(&api.path)).or_insert(api);
        rename(&mut operation, &api.params, &namer.params);
        let place = paths.entry(templated(&namer.path)).or_insert_with(|| json!({}));
        place[api.method.as_str().to_ascii_lowercase()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": version },
        "paths": paths,
        "components": document.components(),
    })
}

/// Returns a path without the names of its parameters. OpenAPI knows only one set of names for a path; the first api
/// gives them.
fn shape(path: &str) -> String {
    let nameless = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    nameless.collect::<Vec<_>>().join("/")
}

/// Gives the path parameters of an operation the names that the path has in the document.
fn rename(operation: &mut Json, own: &[Field], names: &[Field]) {
    let parameters = operation.get_mut("parameters").and_then(Json::as_array_mut).into_iter().flatten();
    for ((parameter, own), name) in parameters.zip(own).zip(names) {
        if own.name != name.name {
            parameter["name"] = json!(name.name);
            parameter["x-rohas-name"] = json!(own.name);
        }
    }
}

struct Document<'s> {
    schema: &'s Schema,
    writer: Writer<'s>,
    /// The named types that something refers to.
    needed: HashSet<&'s str>,
    /// The statuses of the app's own answers that something refers to.
    standard: BTreeSet<u16>,
    problem: String,
    violation: String,
}

impl<'s> Document<'s> {
    fn new(schema: &'s Schema) -> Self {
        Document {
            schema,
            writer: Writer::new(schema, COMPONENTS),
            needed: HashSet::new(),
            standard: BTreeSet::new(),
            problem: free_name(schema, "Problem"),
            violation: free_name(schema, "Violation"),
        }
    }

    fn ty(&mut self, ty: &'s Type) -> Json {
        self.writer.collect(ty, &mut self.needed);
        self.writer.ty(ty)
    }

    fn operation(&mut self, api: &'s Api) -> Json {
        let mut out = members(json!({ "operationId": api.name }));
        if let Some(doc) = &api.doc {
            let summary = doc.lines().next().unwrap_or_default();
            out.insert("summary".to_owned(), json!(summary));
            describe(&mut out, (summary != doc).then(|| doc.clone()));
        }
        let parameters = self.parameters(api);
        if !parameters.is_empty() {
            out.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(body) = &api.body {
            // Without one the body is null.
            let required = !body.is_optional() && !matches!(body, Type::Scalar(Scalar::Json));
            let content = json!({ "application/json": { "schema": self.ty(body) } });
            out.insert("requestBody".to_owned(), json!({ "required": required, "content": content }));
        }
        out.insert("responses".to_owned(), self.responses(api).into());
        for (name, list) in [("x-rohas-triggers", &api.triggers), ("x-rohas-middlewares", &api.middlewares)] {
            if !list.is_empty() {
                out.insert(name.to_owned(), json!(list));
            }
        }
        out.into()
    }

    fn parameters(&mut self, api: &'s Api) -> Vec<Json> {
        let mut out = Vec::new();
        for field in &api.params {
            let mut parameter = self.parameter(field, "path");
            parameter.insert("required".to_owned(), json!(true));
            if api.path.ends_with(&format!("{{*{}}}", field.name)) {
                let rest = "The rest of the path, which may hold slashes.".to_owned();
                let doc = description(field).map_or(rest.clone(), |doc| format!("{doc}\n\n{rest}"));
                describe(&mut parameter, Some(doc));
                parameter.insert("x-rohas-rest".to_owned(), json!(true));
            }
            out.push(parameter.into());
        }
        let query = api.query.as_ref().and_then(|ty| self.schema.fields(ty)).unwrap_or_default();
        out.extend(query.iter().map(|field| Json::from(self.parameter(field, "query"))));
        out.extend(api.headers.iter().map(|field| Json::from(self.parameter(field, "header"))));
        out
    }

    fn parameter(&mut self, field: &'s Field, place: &str) -> Map<String, Json> {
        let mut out = members(json!({ "name": field.name, "in": place }));
        describe(&mut out, description(field));
        if is_required(field) {
            out.insert("required".to_owned(), json!(true));
        }
        if field.attributes.deprecated.is_some() {
            out.insert("deprecated".to_owned(), json!(true));
        }
        // A parameter is absent, never null.
        let ty = field.ty.required();
        self.writer.collect(ty, &mut self.needed);
        let schema = self.writer.annotated(field, ty);
        if matches!(ty, Type::Scalar(Scalar::Json)) {
            out.insert("content".to_owned(), json!({ "application/json": { "schema": schema } }));
        } else {
            out.insert("schema".to_owned(), schema);
        }
        out
    }

    fn responses(&mut self, api: &'s Api) -> Map<String, Json> {
        let mut success = members(json!({ "description": meaning(api.status) }));
        if let Some(response) = api.response.as_ref().filter(|_| api.method != Method::Head) {
            let schema = self.ty(response);
            success.insert("content".to_owned(), json!({ "application/json": { "schema": schema } }));
        }
        let mut out = Map::from_iter([(api.status.to_string(), success.into())]);
        for (status, name) in &api.errors {
            out.insert(status.to_string(), self.declared_error(name));
        }
        for (status, name, _) in self.standard_answers(api) {
            match out.get_mut(&status.to_string()) {
                // The handler's own error and ours have the status in common.
                Some(declared) => {
                    declared["content"]["application/problem+json"] = self.problem_content(status);
                }
                None => {
                    self.standard.insert(status);
                    out.insert(
                        status.to_string(),
                        json!({ "$ref": format!("#/components/responses/{name}") }),
                    );
                }
            }
        }
        out.sort_keys();
        out
    }

    fn declared_error(&mut self, name: &'s str) -> Json {
        let Some(shape) = self.schema.shapes.get(name) else {
            return json!({ "description": name, "content": { "application/json": {} } });
        };
        self.writer.collect_named(name, &mut self.needed);
        let mut content = members(json!({ "schema": { "$ref": format!("{COMPONENTS}{name}") } }));
        if let Some(example) = examples::error(self.schema, name) {
            content.insert("example".to_owned(), example);
        }
        let description = shape.doc.clone().unwrap_or_else(|| name.to_owned());
        json!({ "description": description, "content": { "application/json": content } })
    }

    /// Lists what the app may answer before or instead of the handler.
    fn standard_answers(&self, api: &Api) -> Vec<Standard> {
        let mut out = vec![MALFORMED];
        if api.body.is_some() {
            out.extend([SLOW, TOO_LARGE, NOT_JSON]);
        }
        let given = api.body.is_some() || api.query.is_some();
        if given || !api.params.is_empty() || !api.headers.is_empty() {
            out.push(INVALID);
        }
        out.extend([FAILED, UNAVAILABLE, TIMED_OUT]);
        out
    }

    fn problem_content(&self, status: u16) -> Json {
        let problem = json!({ "$ref": format!("{COMPONENTS}{}", self.problem) });
        if status != INVALID.0 {
            return json!({ "schema": problem });
        }
        let example = json!({
            "type": "about:blank",
            "title": "Unprocessable Entity",
            "status": status,
            "detail": "The request does not fit the schema.",
            "errors": [{ "path": "/body/email", "code": "required", "message": "is required" }],
        });
        json!({ "schema": { "allOf": [problem, { "required": ["errors"] }] }, "example": example })
    }

    fn components(&self) -> Json {
        let mut schemas = self.writer.definitions(&self.needed);
        if self.schema.apis.is_empty() {
            return json!({ "schemas": schemas });
        }
        let mut responses = Map::new();
        for (status, name, meaning) in STANDARD {
            if !self.standard.contains(&status) {
                continue;
            }
            let content = json!({ "application/problem+json": self.problem_content(status) });
            let mut response = json!({ "description": meaning, "content": content });
            if status == UNAVAILABLE.0 {
                response["headers"] = json!({
                    "Retry-After": { "description": "Seconds to wait.", "schema": { "type": "integer" } },
                });
            }
            responses.insert(name.to_owned(), response);
        }
        schemas.insert(self.problem.clone(), self.problem_schema());
        schemas.insert(self.violation.clone(), violation_schema());
        json!({ "schemas": schemas, "responses": responses })
    }

    fn problem_schema(&self) -> Json {
        json!({
            "type": "object",
            "description": "A problem as in RFC 9457.",
            "properties": {
                "type": { "type": "string", "format": "uri-reference" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "detail": { "type": "string" },
                "id": { "type": "string", "format": "uuid", "description": "Where the log tells more." },
                "errors": {
                    "type": "array",
                    "items": { "$ref": format!("{COMPONENTS}{}", self.violation) },
                    "description": "Every place where the request does not fit, up to a limit.",
                },
            },
            "required": ["type", "title", "status", "detail"],
        })
    }
}

fn violation_schema() -> Json {
    json!({
        "type": "object",
        "description": "One place where a request does not fit the schema.",
        "properties": {
            "path": { "type": "string", "description": "JSON pointer, as `/body/email` or `/query/limit`." },
            "code": { "type": "string", "description": "A stable word: `required`, `type`, `format` and the like." },
            "message": { "type": "string", "description": "A sentence for a person." },
        },
        "required": ["path", "code", "message"],
    })
}

/// Returns `name`, lengthened until no type of the schema is called so.
fn free_name(schema: &Schema, name: &str) -> String {
    let mut name = name.to_owned();
    while schema.shapes.contains_key(&name) || schema.enums.contains_key(&name) {
        name.push('_');
    }
    name
}

/// OpenAPI has no parameter for several segments: `{*rest}` is written `{rest}`, and the parameter says so.
fn templated(path: &str) -> String {
    path.replace("{*", "{")
}

fn meaning(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "Done, there is nothing to show.",
        300..400 => "Look elsewhere.",
        _ => "Success",
    }
}
