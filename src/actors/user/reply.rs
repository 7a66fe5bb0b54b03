//! The answer to one question: set once by whoever is first, awaited by the asker.
//!
//! Three may set it: the handler through its [`Reply`], the mailbox when the message will not be handled, and the
//! end of the reply. So every question ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoAnswer {
    Full,
    TimedOut,
    Crashed(String),
    Gone,
}

struct Progress<T> {
    outcome: Option<Result<T, NoAnswer>>,
    /// Nobody waits any more.
    abandoned: bool,
    waker: Option<Waker>,
}

pub(super) struct Answer<T> {
    progress: Mutex<Progress<T>>,
    /// The outcome is set, and may have been taken.
    settled: AtomicBool,
}

impl<T> Answer<T> {
    fn settle(&self, outcome: Result<T, NoAnswer>) {
        let waker = {
            let mut progress = self.progress.lock();
            if self.settled.swap(true, Ordering::AcqRel) {
                return;
            }
            progress.outcome = Some(outcome);
            progress.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Somebody who waits for an answer, whatever its type.
pub(super) trait Asker: Send + Sync {
    /// Tells that there will be none.
    fn end(&self, why: NoAnswer);
}

impl<T: Send> Asker for Answer<T> {
    fn end(&self, why: NoAnswer) {
        self.settle(Err(why));
    }
}

/// Answers one [`ask`](crate::Ref::ask). Dropping it unanswered ends the question as
/// [`Crashed`](crate::AskError::Crashed).
pub struct Reply<T>(Arc<Answer<T>>);

impl<T> Reply<T> {
    /// Answers; only the first answer counts. One that nobody waits for any more is dropped.
    pub fn send(&self, answer: T) {
        self.0.settle(Ok(answer));
    }

    /// Returns whether nobody waits for the answer any more.
    pub fn is_closed(&self) -> bool {
        self.0.progress.lock().abandoned
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if !self.0.settled.load(Ordering::Acquire) {
            self.0.settle(Err(NoAnswer::Crashed("it did not reply".to_owned())));
        }
    }
}

/// The asker's end.
pub(super) struct Awaited<T> {
    answer: Arc<Answer<T>>,
    done: bool,
}

impl<T> Future for Awaited<T> {
    type Output = Result<T, NoAnswer>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Awaited { answer, done } = self.get_mut();
        let mut progress = answer.progress.lock();
        if let Some(outcome) = progress.outcome.take() {
            *done = true;
            return Poll::Ready(outcome);
        }
        match &mut progress.waker {
            Some(waker) => waker.clone_from(context.waker()),
            none => *none = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl<T> Drop for Awaited<T> {
    fn drop(&mut self) {
        if !self.done {
            let mut progress = self.answer.progress.lock();
            progress.abandoned = true;
            progress.waker = None;
        }
    }
}

/// Makes the three ends of one question.
pub(super) fn question<T: Send + 'static>() -> (Reply<T>, Awaited<T>, Arc<dyn Asker>) {
    let progress = Mutex::new(Progress { outcome: None, abandoned: false, waker: None });
    let answer = Arc::new(Answer { progress, settled: AtomicBool::new(false) });
    (Reply(Arc::clone(&answer)), Awaited { answer: Arc::clone(&answer), done: false }, answer)
}
