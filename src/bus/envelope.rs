//! The envelope around every event, on every bus: CloudEvents 1.0 attributes plus what ties a chain together.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::invocation::{Json, Trace, json_bytes};

/// One published event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// UUIDv7, unique per publication.
    pub id: Uuid,
    /// The event's name in the schema (CloudEvents `type`).
    #[serde(rename = "type")]
    pub event: Arc<str>,
    /// Who published it, as `/<app>/<kind>/<name>`.
    pub source: Arc<str>,
    /// When it was published.
    pub time: DateTime<Utc>,
    /// The ordering key (CloudEvents `subject`).
    #[serde(rename = "subject", skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The media type of the payload in its JSON form.
    pub datacontenttype: Arc<str>,
    /// What happened.
    #[serde(rename = "data")]
    pub payload: Arc<Json>,
    /// What caused it.
    #[serde(flatten)]
    pub trace: Trace,
    /// The first delivery is 1.
    pub attempt: u32,
}

impl Envelope {
    /// Wraps `payload` as a new publication of `event` by `source`.
    pub fn new(event: &str, source: &str, payload: Json, trace: Trace) -> Self {
        Envelope {
            id: Uuid::now_v7(),
            event: event.into(),
            source: source.into(),
            time: Utc::now(),
            key: None,
            datacontenttype: "application/json".into(),
            payload: Arc::new(payload),
            trace,
            attempt: 1,
        }
    }

    /// Estimates the bytes it holds.
    pub fn size(&self) -> usize {
        size_of::<Envelope>() + self.key.as_ref().map_or(0, String::len) + json_bytes(&self.payload)
    }
}
