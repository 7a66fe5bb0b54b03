//! The changes of the tree as a response that goes on: a JSON object per line, sent as it happens.
//!
//! ```text
//!  supervisors ─▶ ring of changes ─▶ Events ─▶ a line each ─▶ hyper, as fast as the client reads
//! ```
//!
//! Called by the admin door. Holds nobody up: of a client that does not read, the ring overwrites what is oldest, and
//! the client is told how much it missed.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;

use crate::actors::Context;
use crate::http::admin::Body;
use crate::shutdown::{Phase, Shutdown};
use crate::supervision::{Event, Events};

/// An empty line is sent after so long without a change, so that a client that is gone is noticed.
const SILENCE: Duration = Duration::from_secs(15);

/// Streams the changes from now on, all or those at `part` and below it, until the app is forced down.
pub fn stream(context: &Context, part: Option<&str>) -> Response<Body> {
    let below = part.map(|part| part.trim_matches('/')).filter(|part| !part.is_empty());
    let below = below.map(|part| full(&context.app, part));
    let body = lines(context.tree.events(), below, context.shutdown.clone());
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

/// The changes at `below` and below it, until the app is forced down.
pub fn lines(events: Events, below: Option<String>, shutdown: Shutdown) -> Body {
    let forced = Box::pin(async move { shutdown.reached(Phase::Forced).await });
    let lines = stream::unfold((events, below), |(mut events, below)| async move {
        let line = next(&mut events, below.as_deref()).await?;
        Some((Ok::<_, Infallible>(Frame::data(line)), (events, below)))
    });
    StreamBody::new(lines.take_until(forced)).boxed_unsync()
}

/// Waits for the next line; `None` once the tree is gone.
async fn next(events: &mut Events, below: Option<&str>) -> Option<Bytes> {
    let wanted = async {
        loop {
            let value = match events.next().await? {
                Event::Change(change) if is_below(&change.path, below) => json!(change),
                Event::Change(_) => continue,
                Event::Missed(missed) => json!({ "missed": missed }),
            };
            return Some(Bytes::from(format!("{value}\n")));
        }
    };
    // What `next` of the events gives is not lost when the wait is over before.
    tokio::time::timeout(SILENCE, wanted).await.unwrap_or(Some(Bytes::from_static(b"\n")))
}

/// The path from the root, whose name may be left out.
pub fn full(root: &str, part: &str) -> String {
    let from_root = part.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if from_root { part.to_owned() } else { format!("{root}/{part}") }
}

/// Tells whether `path` is at `part` or below it.
pub fn is_below(path: &str, part: Option<&str>) -> bool {
    let Some(part) = part else { return true };
    path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
