//! The mailbox against a naive model: whatever is sent, taken, finished and crashed, in whatever order.
//!
//! The model is a list. It does not foresee which of several keys is next; it checks that what was taken may be.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::actors::mailbox::{
    Delivery, Letter, Limits, Mailbox, OnCrash, OnFull, Priority, SendError, Undelivered,
};

#[derive(Debug, Clone)]
enum Step {
    Send { priority: Priority, size: usize, key: Option<u8>, late: bool },
    Take,
    Finish(usize),
    Crash(usize),
    Close,
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Message {
    number: u32,
    priority: Priority,
    size: usize,
    key: Option<u8>,
    late: bool,
}

struct Model {
    limits: Limits,
    on_crash: OnCrash,
    /// In the order of arrival, those that came back first.
    waiting: Vec<Message>,
    in_hand: Vec<(Message, Delivery<Message>)>,
    closed: bool,
    mailbox: Mailbox<Message>,
    ends: Arc<Mutex<Vec<(Message, Undelivered)>>>,
    sent: u64,
}

impl Model {
    fn new(limits: Limits, on_crash: OnCrash) -> Self {
        let ends = Arc::new(Mutex::new(Vec::new()));
        let hook = Arc::clone(&ends);
        let mailbox = Mailbox::new("model", limits)
            .on_crash(on_crash)
            .undelivered(move |message, end| hook.lock().push((message, end)));
        let (waiting, in_hand) = (Vec::new(), Vec::new());
        Model { limits, on_crash, waiting, in_hand, closed: false, mailbox, ends, sent: 0 }
    }

    fn ends(&self) -> Vec<(Message, Undelivered)> {
        std::mem::take(&mut *self.ends.lock())
    }

    fn common(&self) -> impl Iterator<Item = &Message> {
        self.waiting.iter().filter(|message| message.priority != Priority::Control)
    }

    fn fits(&self, message: &Message) -> bool {
        let bytes: usize = self.common().map(|message| message.size).sum();
        let (places, most) = match message.priority {
            Priority::Control => return self.waiting.len() - self.common().count() < 64,
            Priority::High => (self.limits.messages + 64, self.limits.bytes + self.limits.bytes / 16),
            Priority::Normal => (self.limits.messages, self.limits.bytes),
        };
        self.common().count() < places && (bytes == 0 || bytes + message.size <= most)
    }

    /// The first of its priority and key goes.
    fn remove(&mut self, message: Message) {
        let same = |other: &&Message| other.priority == message.priority && other.key == message.key;
        assert_eq!(self.waiting.iter().find(same), Some(&message), "order within a key");
        self.waiting.retain(|other| *other != message);
    }

    fn free(&self, message: &Message) -> bool {
        let of_key = self.in_hand.iter().filter(|(other, _)| {
            message.key.is_some() && other.priority != Priority::Control && other.key == message.key
        });
        message.priority == Priority::Control
            || self.in_hand.len() < self.limits.concurrency && of_key.count() < self.limits.per_key
    }

    fn step(&mut self, step: &Step, number: u32) {
        match *step {
            Step::Send { priority, size, key, late } => {
                self.send(Message { number, priority, size, key, late });
            }
            Step::Take => self.take(),
            Step::Finish(index) => {
                if !self.in_hand.is_empty() {
                    self.in_hand.remove(index % self.in_hand.len()).1.done();
                }
            }
            Step::Crash(index) => self.crash(index),
            Step::Close => {
                self.mailbox.close();
                self.closed = true;
                let mut gone = self.ends();
                assert!(gone.iter().all(|(_, end)| *end == Undelivered::Gone));
                gone.sort_by_key(|(message, _)| message.number);
                self.waiting.sort_by_key(|message| message.number);
                assert!(gone.iter().map(|(message, _)| message).eq(&self.waiting));
                self.waiting.clear();
            }
            Step::Open => {
                self.mailbox.attach(|| {});
                self.closed = false;
            }
        }
        let load = self.mailbox.load();
        let bytes = self.common().map(|message| message.size).sum::<usize>();
        assert_eq!(
            (load.queued, load.bytes, load.in_flight),
            (self.waiting.len(), bytes, self.in_hand.len())
        );
        self.account();
    }

    fn account(&self) {
        let c = self.mailbox.counts();
        let ended = c.handled + c.failed + c.dead_lettered + c.dropped + c.expired + c.gone;
        assert_eq!(c.accepted, ended + (self.waiting.len() + self.in_hand.len()) as u64, "{c:?}");
        assert_eq!(c.accepted + c.refused, self.sent, "{c:?}");
    }

    fn send(&mut self, message: Message) {
        self.sent += 1;
        let mut letter = Letter::new(message).priority(message.priority).size(message.size);
        if let Some(key) = message.key {
            letter = letter.key(&key);
        }
        if message.late {
            letter = letter.deadline(Instant::now());
        }
        let sent = self.mailbox.try_send(letter);
        if self.closed {
            return assert_eq!(sent, Err(SendError::Gone(message)));
        }
        for (dropped, end) in self.ends() {
            assert_eq!((end, self.limits.on_full), (Undelivered::Dropped, OnFull::DropOldest));
            assert!(!self.fits(&message), "nothing is dropped without need");
            assert!(dropped.priority >= message.priority, "nothing is dropped for something less urgent");
            self.remove(dropped);
        }
        let fits = self.fits(&message);
        assert_eq!(sent, if fits { Ok(()) } else { Err(SendError::Full(message)) });
        if fits {
            self.waiting.push(message);
        } else if self.limits.on_full == OnFull::DropOldest && message.priority == Priority::Normal {
            let waiting = std::mem::take(&mut self.waiting);
            let (normal, lasting) = waiting.into_iter().partition(|other| other.priority == Priority::Normal);
            self.waiting = lasting;
            assert!(!self.fits(&message), "it would not fit even if all normal ones were dropped");
            let normal: Vec<Message> = normal;
            self.waiting.extend(normal);
        }
    }

    fn take(&mut self) {
        let taken = self.mailbox.take();
        for (expired, end) in self.ends() {
            assert!(end == Undelivered::Expired && expired.late);
            self.remove(expired);
        }
        let best =
            self.waiting.iter().filter(|message| self.free(message)).map(|message| message.priority).min();
        assert_eq!(
            taken.as_ref().map(|delivery| delivery.priority()),
            best,
            "the most urgent that may be taken"
        );
        if let Some(delivery) = taken {
            let message = *delivery;
            assert!(!message.late && self.free(&message));
            self.remove(message);
            self.in_hand.push((message, delivery));
        }
    }

    fn crash(&mut self, index: usize) {
        if self.in_hand.is_empty() {
            return;
        }
        let (message, delivery) = self.in_hand.remove(index % self.in_hand.len());
        let attempt = delivery.attempt();
        drop(delivery);
        let ends = self.ends();
        match self.on_crash {
            OnCrash::Retry { attempts } if attempt < attempts && !self.closed => {
                assert_eq!(ends, []);
                self.waiting.insert(0, message);
            }
            OnCrash::Retry { attempts } if attempt < attempts => {
                assert_eq!(ends, [(message, Undelivered::Gone)]);
            }
            OnCrash::Fail => assert!(matches!(&ends[..], [(_, Undelivered::Failed { .. })])),
            _ => assert!(matches!(&ends[..], [(_, Undelivered::DeadLettered { .. })])),
        }
    }
}

fn step() -> impl Strategy<Value = Step> {
    let priority = prop_oneof![
        1 => Just(Priority::Control),
        2 => Just(Priority::High),
        6 => Just(Priority::Normal),
    ];
    let key = proptest::option::of(0..3u8);
    prop_oneof![
        12 => (priority, 1..40usize, key, prop::bool::weighted(0.1))
            .prop_map(|(priority, size, key, late)| Step::Send { priority, size, key, late }),
        10 => Just(Step::Take),
        6 => any::<usize>().prop_map(Step::Finish),
        3 => any::<usize>().prop_map(Step::Crash),
        1 => prop_oneof![1 => Just(Step::Close), 3 => Just(Step::Open)],
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let on_full = prop_oneof![Just(OnFull::Fail), Just(OnFull::Wait), Just(OnFull::DropOldest)];
    (1..12usize, 30..200usize, 1..5usize, 1..3usize, on_full).prop_map(
        |(messages, bytes, concurrency, per_key, on_full)| Limits {
            messages,
            bytes,
            concurrency,
            per_key,
            on_full,
        },
    )
}

fn on_crash() -> impl Strategy<Value = OnCrash> {
    prop_oneof![
        Just(OnCrash::Fail),
        Just(OnCrash::DeadLetter),
        (0..4u32).prop_map(|attempts| OnCrash::Retry { attempts })
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_mailbox_does_what_the_model_allows(
        limits in limits(),
        on_crash in on_crash(),
        steps in vec(step(), 0..120),
    ) {
        let mut model = Model::new(limits, on_crash);
        for (number, step) in steps.iter().enumerate() {
            model.step(step, number as u32);
        }
        // In the end everything can be taken and finished.
        while !model.waiting.is_empty() || !model.in_hand.is_empty() {
            model.step(&Step::Take, 0);
            model.step(&Step::Finish(0), 0);
        }
    }
}
