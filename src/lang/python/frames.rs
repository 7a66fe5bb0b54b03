//! Frames on the socket to an interpreter: a length, then a MessagePack envelope with JSON text inside.
//!
//! Used by `worker`; the protocol stands in the parent module. Pure but for [`read`]; knows nothing of calls in
//! flight.

use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::invocation::Json;
use crate::lang::wire::{Answer, Call, Handler, LogLine};

/// The largest frame, either way: above what http lets in by default, and still a bound on what one call can take.
/// `rohas_runtime/frames.py` holds the same number.
pub const FRAME_LIMIT: usize = 64 * 1024 * 1024;

/// What cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages tell")]
pub enum Error {
    #[error("a frame of {size} bytes is above the limit of {FRAME_LIMIT}")]
    TooLarge { size: usize },
    #[error("the stream ended inside a frame")]
    Truncated,
    #[error("the socket failed")]
    Read(#[source] std::io::Error),
    #[error("a value cannot be encoded")]
    Encode(#[source] rmp_serde::encode::Error),
    #[error("a value cannot be written as JSON")]
    EncodeBody(#[source] serde_json::Error),
    #[error("the envelope is not `[kind, call, body]`")]
    Envelope(#[source] rmp_serde::decode::Error),
    #[error("bytes follow the envelope")]
    Trailing,
    #[error("the body of `{kind}` is not what it should be")]
    Body {
        kind: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("there is no frame `{kind}`")]
    UnknownKind { kind: String },
}

/// A frame to the child.
#[derive(Debug)]
pub enum ToChild<'a> {
    /// Import these handlers.
    Load {
        /// Where the project is.
        place: Place,
        /// All handlers of the language.
        handlers: &'a [Handler],
    },
    /// Run a handler.
    Call {
        /// Which, and for whom.
        head: &'a Call,
        /// The positional arguments before the state.
        arguments: &'a [Json],
    },
    /// Stop a call.
    Cancel {
        /// Its number.
        call: u64,
    },
}

/// Where the project is.
#[derive(Debug, Serialize)]
pub struct Place {
    /// The project's directory.
    pub root: String,
    /// What comes first on `sys.path`.
    pub paths: Vec<String>,
}

/// A frame from the child.
#[derive(Debug)]
pub enum FromChild {
    /// All handlers are loaded.
    Ready,
    /// The project has problems; the child exits.
    Refused(Vec<Refusal>),
    /// A call ended.
    Answer {
        /// Its number.
        call: u64,
        /// How.
        answer: Box<Answer>,
    },
    /// A cancelled call ended.
    Ended {
        /// Its number.
        call: u64,
    },
    /// A log line.
    Log(Box<LogLine>),
}

/// One problem as the child tells it.
#[derive(Debug, Deserialize)]
pub struct Refusal {
    /// A sentence, perhaps with a traceback.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// JSON text, written as bin.
struct Text(Vec<u8>);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl ToChild<'_> {
    /// Writes the frame, length first.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a value above [`FRAME_LIMIT`].
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        match self {
            ToChild::Load { place, handlers } => envelope("load", 0, place, handlers),
            ToChild::Call { head, arguments } => envelope("call", head.call, head, arguments),
            ToChild::Cancel { call } => envelope("cancel", *call, &Json::Null, &()),
        }
    }
}

/// Writes `[kind, call, head, body]`.
fn envelope(kind: &str, call: u64, head: &impl Serialize, body: &impl Serialize) -> Result<Vec<u8>, Error> {
    let body = Text(serde_json::to_vec(body).map_err(Error::EncodeBody)?);
    let mut frame = vec![0; size_of::<u32>()];
    let mut serializer = rmp_serde::Serializer::new(&mut frame).with_struct_map();
    (kind, call, head, body).serialize(&mut serializer).map_err(Error::Encode)?;
    seal(frame)
}

/// Writes a frame that is not an envelope: the sources for the bootstrap.
pub fn raw(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut frame = vec![0; size_of::<u32>()];
    frame.extend_from_slice(bytes);
    seal(frame)
}

/// Fills in the length that the first four bytes are reserved for.
fn seal(mut frame: Vec<u8>) -> Result<Vec<u8>, Error> {
    let size = frame.len() - size_of::<u32>();
    if size > FRAME_LIMIT {
        return Err(Error::TooLarge { size });
    }
    let length = u32::try_from(size).expect("the limit fits 32 bits");
    frame[..size_of::<u32>()].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

impl FromChild {
    /// Reads one envelope, without its length.
    ///
    /// # Errors
    /// Anything but the protocol.
    pub fn decode(frame: &[u8]) -> Result<Self, Error> {
        let (kind, call, body): (&str, u64, &[u8]) = rmp_serde::from_slice(frame).map_err(Error::Envelope)?;
        if body.as_ptr_range().end != frame.as_ptr_range().end {
            return Err(Error::Trailing); // the body is borrowed from the frame and its last part
        }
        let wrong_body = |source| Error::Body { kind: kind.to_owned(), source };
        match kind {
            "ready" => Ok(FromChild::Ready),
            "refused" => serde_json::from_slice(body).map(FromChild::Refused).map_err(wrong_body),
            "answer" => serde_json::from_slice(body)
                .map(|answer| FromChild::Answer { call, answer })
                .map_err(wrong_body),
            "ended" => Ok(FromChild::Ended { call }),
            "log" => serde_json::from_slice(body).map(FromChild::Log).map_err(wrong_body),
            _ => Err(Error::UnknownKind { kind: kind.to_owned() }),
        }
    }
}

/// Reads the bytes of the next frame; `None` at the end of the stream between two frames.
///
/// # Errors
/// A length above [`FRAME_LIMIT`], a stream that ends early or fails.
///
/// # Cancel safety
/// Not cancel-safe: a frame read in part is lost.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Vec<u8>>, Error> {
    let mut length = [0; size_of::<u32>()];
    let mut filled = 0;
    while filled < length.len() {
        match stream.read(&mut length[filled..]).await.map_err(Error::Read)? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(Error::Truncated),
            count => filled += count,
        }
    }
    let size = u32::from_be_bytes(length) as usize;
    if size > FRAME_LIMIT {
        return Err(Error::TooLarge { size });
    }
    let mut frame = Vec::new(); // grows with what arrives, not with what the length promises
    stream.take(size as u64).read_to_end(&mut frame).await.map_err(Error::Read)?;
    if frame.len() < size {
        return Err(Error::Truncated);
    }
    Ok(Some(frame))
}

/// Tells an error with its causes in one line.
pub fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let lines: Vec<String> = causes.map(ToString::to_string).collect();
    lines.join(": ")
}
