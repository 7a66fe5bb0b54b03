//! Bytes → [`ApiRequest`]: the query, headers, cookies and path parameters of a request, and its JSON body.
//!
//! Called by the server after routing. Coerces text by declared types; the check against the schema is the api's.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderMap};
use serde_json::{Map, json};

use crate::actors::Api;
use crate::http::routes::RawParams;
use crate::invocation::{ApiRequest, Json};
use crate::schema::{Field, Schema, Type};

/// Why the bytes are not a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A path segment or the query is not valid percent-encoded UTF-8.
    #[error("{0} is not valid percent-encoded UTF-8")]
    Encoding(&'static str),
    /// The body is larger than allowed.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The body is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// The body says it is something else than JSON. Not read as JSON all the same: a web page may send such a
    /// body to any site without being asked, in its user's name.
    #[error("the body is {0}, only application/json is taken")]
    NotJsonType(String),
    /// The connection broke while the body was read.
    #[error("the body ended early: {0}")]
    Broken(String),
}

/// Reads at most `limit` bytes of the body as JSON; nothing is null.
///
/// # Errors
/// [`Malformed`]
pub async fn body(incoming: Incoming, headers: &HeaderMap, limit: usize) -> Result<Json, Malformed> {
    let collected = Limited::new(incoming, limit).collect().await.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Malformed::TooLarge(limit)
        } else {
            Malformed::Broken(error.to_string())
        }
    })?;
    let bytes = collected.to_bytes();
    if bytes.is_empty() {
        return Ok(Json::Null);
    }
    let content_type =
        headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("without a type");
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence != "application/json" && !essence.ends_with("+json") {
        return Err(Malformed::NotJsonType(content_type.to_owned()));
    }
    serde_json::from_slice(&bytes).map_err(|error| Malformed::NotJson(error.to_string()))
}

/// Puts the parts of a request together for `api`.
///
/// # Errors
/// [`Malformed::Encoding`]
pub fn decode(
    api: &Api,
    schema: &Schema,
    parts: &hyper::http::request::Parts,
    raw_params: &RawParams,
    (body, client): (Json, SocketAddr),
) -> Result<ApiRequest, Malformed> {
    let spec = api.spec();
    let pairs = query_pairs(parts.uri.query().unwrap_or(""))?;
    Ok(ApiRequest {
        params: params(schema, &spec.params, raw_params)?,
        body,
        query: typed_query(schema, spec.query.as_ref(), &pairs),
        query_params: pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect(),
        headers: typed_headers(schema, &spec.headers, &parts.headers),
        cookies: cookies(&parts.headers),
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        client_addr: Some(client.to_string()),
    })
}

/// Decodes path parameters and coerces them by their declared types.
///
/// # Errors
/// [`Malformed::Encoding`]
pub fn params(schema: &Schema, declared: &[Field], raw: &RawParams) -> Result<Map<String, Json>, Malformed> {
    let mut out = Map::new();
    for (field, value) in declared.iter().zip(raw) {
        let text = percent_encoding::percent_decode_str(value).decode_utf8();
        let text = text.map_err(|_| Malformed::Encoding("the path"))?;
        out.insert(field.name.clone(), schema.parse_text(&field.ty, &text));
    }
    Ok(out)
}

fn query_pairs(query: &str) -> Result<Vec<(String, String)>, Malformed> {
    let decoded = percent_encoding::percent_decode_str(query).decode_utf8();
    decoded.map_err(|_| Malformed::Encoding("the query"))?;
    Ok(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

fn typed_query(schema: &Schema, declared: Option<&Type>, pairs: &[(String, String)]) -> Json {
    let Some(fields) = declared.and_then(|ty| schema.fields(ty)) else {
        return Json::Object(pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect());
    };
    let mut out = Map::new();
    for field in fields {
        let values: Vec<&str> =
            pairs.iter().filter(|(name, _)| *name == field.name).map(|(_, value)| value.as_str()).collect();
        if !values.is_empty() {
            out.insert(field.name.clone(), schema.parse_texts(&field.ty, &values));
        }
    }
    Json::Object(out)
}

fn typed_headers(schema: &Schema, declared: &[Field], headers: &HeaderMap) -> Map<String, Json> {
    let mut out: Map<String, Json> = Map::new();
    for name in headers.keys() {
        let values: Vec<&str> =
            headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        out.insert(name.as_str().to_owned(), json!(values.join(", ")));
    }
    for field in declared {
        if let Some(value) = headers.get(field.name.as_str()).and_then(|value| value.to_str().ok()) {
            out.insert(field.name.clone(), schema.parse_text(&field.ty, value));
        }
    }
    out
}

fn cookies(headers: &HeaderMap) -> Map<String, Json> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), json!(value.trim_matches('"')))).collect()
}

/// Returns the parts of a request that a WebSocket handler sees as its connection.
///
/// # Errors
/// [`Malformed::Encoding`]
pub fn connection(
    schema: &Schema,
    declared: &[Field],
    parts: &hyper::http::request::Parts,
    raw_params: &RawParams,
    client: SocketAddr,
) -> Result<Json, Malformed> {
    let query: Map<String, Json> = query_pairs(parts.uri.query().unwrap_or(""))?
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    Ok(json!({
        "params": params(schema, declared, raw_params)?,
        "query": query,
        "query_params": query,
        "headers": typed_headers(schema, &[], &parts.headers),
        "cookies": cookies(&parts.headers),
        "method": parts.method.as_str(),
        "path": parts.uri.path(),
        "client_addr": client.to_string(),
    }))
}
