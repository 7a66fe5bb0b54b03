//! What the admin door shows, rendered for all who ask at once.
//!
//! ```text
//!  readers ──▶ one turn at a time ──▶ rendered since I asked? take it
//!                                └──▶ else a thread: snapshot ─▶ bytes ─▶ all who wait
//! ```
//!
//! The page of an app with 10,000 apis has megabytes. So one is rendered at a time, on a thread of its own, whatever
//! the threads of the app are busy with, and readers who wait for the same page share it. No page is older than the
//! question, and none is kept when nobody waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::actors::Context;
use crate::supervision::Node;

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// The tree, or what is at `path` and below it.
    Tree {
        /// From the root, whose name may be left out; the whole tree without.
        path: Option<String>,
        /// As lines for people instead of JSON.
        text: bool,
    },
    /// The metrics.
    Metrics,
}

/// What came of it.
#[derive(Clone)]
pub enum Rendered {
    /// The page.
    Page(Bytes),
    /// There is nothing at the path; says so.
    NoActor(String),
    /// There is no thread to render it, or it broke.
    Unavailable(String),
}

struct Shared {
    page: Page,
    began: Instant,
    rendered: Rendered,
}

/// The pages of one app.
pub struct Pages {
    context: Arc<Context>,
    turn: Arc<Semaphore>,
    readers: AtomicUsize,
    last: Mutex<Option<Shared>>,
}

/// One who waits; the last to leave takes the page away.
struct Reader<'p>(&'p Pages);

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if self.0.readers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.last.lock().take();
        }
    }
}

impl Pages {
    pub fn new(context: Arc<Context>) -> Self {
        let turn = Arc::new(Semaphore::new(1));
        Pages { context, turn, readers: AtomicUsize::new(0), last: Mutex::new(None) }
    }

    /// Renders `page`, or waits for one that is being rendered for others. Cancel-safe.
    pub async fn get(&self, page: Page) -> Rendered {
        let asked = Instant::now();
        self.readers.fetch_add(1, Ordering::AcqRel);
        let _reader = Reader(self);
        let turn = Arc::clone(&self.turn).acquire_owned().await.expect("the semaphore is never closed");
        if let Some(rendered) = self.shared(&page, asked) {
            return rendered;
        }
        let began = Instant::now();
        let (rendered_tx, rendered_rx) = oneshot::channel();
        let (context, wanted) = (Arc::clone(&self.context), page.clone());
        let thread = std::thread::Builder::new().name("rohas-admin".to_owned());
        let spawned = thread.spawn(move || {
            let rendered = render(&context, &wanted);
            // The turn goes back with it: nobody else renders while a reader who left is rendered for.
            let _: Result<(), (OwnedSemaphorePermit, Rendered)> = rendered_tx.send((turn, rendered));
        });
        if let Err(error) = spawned {
            return Rendered::Unavailable(error.to_string());
        }
        let Ok((turn, rendered)) = rendered_rx.await else {
            return Rendered::Unavailable("the thread that renders panicked".to_owned());
        };
        *self.last.lock() = Some(Shared { page, began, rendered: rendered.clone() });
        drop(turn);
        rendered
    }

    fn shared(&self, page: &Page, asked: Instant) -> Option<Rendered> {
        let last = self.last.lock();
        let fits = last.as_ref().filter(|shared| shared.began >= asked && shared.page == *page);
        fits.map(|shared| shared.rendered.clone())
    }
}

fn render(context: &Context, page: &Page) -> Rendered {
    let tree = context.tree.snapshot();
    match (page, tree) {
        (Page::Metrics, tree) => Rendered::Page(context.telemetry.render(tree.as_ref()).into()),
        (Page::Tree { path, text }, Some(tree)) => match part(&tree, path.as_deref()) {
            Ok(node) if *text => Rendered::Page(node.to_string().into()),
            Ok(node) => Rendered::Page(serde_json::to_vec(node).expect("a node is plain data").into()),
            Err(detail) => Rendered::NoActor(detail),
        },
        (Page::Tree { .. }, None) => Rendered::NoActor("The tree is not there yet.".to_owned()),
    }
}

/// Finds the actor at `path`, or says which one may be meant.
fn part<'t>(tree: &'t Node, path: Option<&str>) -> Result<&'t Node, String> {
    let Some(path) = path.map(|path| path.trim_matches('/')).filter(|path| !path.is_empty()) else {
        return Ok(tree);
    };
    let full = format!("{}/{path}", tree.name);
    if let Some(node) = tree.find(path).or_else(|| tree.find(&full)) {
        return Ok(node);
    }
    let mut paths = Vec::new();
    tree.walk(&mut |node| paths.push(node.path.clone()));
    let from_root = path == tree.name || path.starts_with(&format!("{}/", tree.name));
    let wanted = if from_root { path } else { &full };
    let near = crate::schema::nearest(wanted, paths.iter().map(String::as_str));
    let hint = near.map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
    Err(format!("There is no actor {wanted}.{hint}"))
}
