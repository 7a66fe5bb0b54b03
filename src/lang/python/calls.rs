//! The calls in flight on one interpreter: a table, changed by `invoke`, the writer, the reader and the warden.
//!
//! ```text
//! open ──▶ Queued ──start──▶ Running ──finish──▶ (gone, outcome delivered)
//!            │ abandon         │ abandon
//!            ▼                 ▼
//!          (gone, never sent)  LettingGo ──finish──▶ (gone)      ──overdue──▶ the worker is condemned
//! ```
//!
//! Pure and synchronous; it never touches the socket or the clock.

use std::collections::HashMap;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::invocation::{Failure, Outcome};

/// The table. Once closed it stays closed and empty.
#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u64,
    flight: HashMap<u64, Flight>,
    letting_go: usize,
    closed: Option<String>,
}

/// Where a call is.
#[derive(Debug)]
enum Flight {
    /// Not yet written to the child.
    Queued(oneshot::Sender<Outcome>),
    /// The child has it.
    Running(oneshot::Sender<Outcome>),
    /// Nobody waits any more, the child has not let go of it.
    LettingGo {
        /// When the caller left.
        since: Instant,
        /// Whether the cancel was written.
        told: bool,
    },
}

impl Calls {
    /// Enters a call; returns its number and where its outcome will arrive.
    ///
    /// # Errors
    /// The worker is gone; tells why.
    pub(super) fn open(&mut self) -> Result<(u64, oneshot::Receiver<Outcome>), String> {
        if let Some(reason) = &self.closed {
            return Err(reason.clone());
        }
        self.last += 1;
        let (outcome_tx, outcome_rx) = oneshot::channel();
        self.flight.insert(self.last, Flight::Queued(outcome_tx));
        Ok((self.last, outcome_rx))
    }

    /// Marks a call as sent; false when nobody waits for it any more and it must not be.
    pub(super) fn start(&mut self, call: u64) -> bool {
        match self.flight.remove(&call) {
            Some(Flight::Queued(outcome_tx)) => {
                self.flight.insert(call, Flight::Running(outcome_tx));
                true
            }
            _ => false,
        }
    }

    /// Gives up a call whose caller left; true when the child has to be told.
    pub(super) fn abandon(&mut self, call: u64, now: Instant) -> bool {
        let Some(Flight::Running(_)) = self.flight.remove(&call) else {
            return false;
        };
        let told = false;
        self.flight.insert(call, Flight::LettingGo { since: now, told });
        self.letting_go += 1;
        true
    }

    /// Returns the cancels that are to be written, each once.
    pub(super) fn cancels(&mut self) -> Vec<u64> {
        let mut calls = Vec::new();
        for (call, flight) in &mut self.flight {
            if let Flight::LettingGo { told, .. } = flight
                && !*told
            {
                *told = true;
                calls.push(*call);
            }
        }
        calls
    }

    /// Closes a call that the child has ended; false when the child had no such call.
    pub(super) fn finish(&mut self, call: u64, outcome: Outcome) -> bool {
        match self.flight.remove(&call) {
            Some(Flight::Running(outcome_tx)) => {
                // a caller who left in this moment will find nothing to abandon
                let _ = outcome_tx.send(outcome);
                true
            }
            Some(Flight::LettingGo { .. }) => {
                self.letting_go -= 1;
                true
            }
            Some(queued @ Flight::Queued(_)) => {
                self.flight.insert(call, queued);
                false
            }
            None => self.closed.is_some(),
        }
    }

    /// Returns since when the child holds the longest-cancelled call.
    pub(super) fn letting_go_since(&self) -> Option<Instant> {
        if self.letting_go == 0 {
            return None;
        }
        let since = self.flight.values().filter_map(|flight| match flight {
            Flight::LettingGo { since, .. } => Some(*since),
            Flight::Queued(_) | Flight::Running(_) => None,
        });
        since.min()
    }

    /// Tells whether the child is there and holds no cancelled call.
    pub(super) fn accepting(&self) -> bool {
        self.closed.is_none() && self.letting_go == 0
    }

    /// Ends everything: calls in flight fail with `reason`, no new ones enter.
    pub(super) fn close(&mut self, reason: &str) {
        self.closed.get_or_insert_with(|| reason.to_owned());
        self.letting_go = 0;
        for (_, flight) in self.flight.drain() {
            if let Flight::Queued(outcome_tx) | Flight::Running(outcome_tx) = flight {
                let _ = outcome_tx.send(Err(Failure::Crashed(reason.to_owned())));
            }
        }
    }
}
