//! The order of a mailbox, purely: three priorities, order per key, how much is in hand. No lock, clock or bound.
//!
//! ```text
//!  push ─▶ lane of the priority: [item, key, item, key …] ──pop──▶ item, or the first item that waits at the key
//!    └──with a key──▶ waits at its key; the lane gets the key once there is a hand free for it
//! ```
//!
//! A key stands in a lane only while one of its messages may be taken, so no take ever skips anything: every
//! operation is O(1). Called by the mailbox under its lock.

use std::collections::{HashMap, VecDeque};
use std::ops::Add;
use std::time::Instant;

use crate::actors::mailbox::letter::{Letter, Priority};

/// A message that was taken in.
#[derive(Debug)]
pub(super) struct Item<M> {
    pub(super) message: M,
    pub(super) size: usize,
    pub(super) key: Option<u64>,
    pub(super) deadline: Option<Instant>,
    /// When it came, on the coarse clock.
    pub(super) since: u64,
    /// How often it has been handed out.
    pub(super) attempt: u32,
    pub(super) priority: Priority,
}

impl<M> Item<M> {
    pub(super) fn new(letter: Letter<M>, since: u64) -> Self {
        let Letter { message, priority, size, key, deadline } = letter;
        let key = key.filter(|_| priority != Priority::Control);
        Item { message, size, key, deadline, since, attempt: 0, priority }
    }

    /// Turns an item that was not taken in back into what it was.
    pub(super) fn into_letter(self) -> Letter<M> {
        let Item { message, size, key, deadline, priority, .. } = self;
        Letter { message, priority, size, key, deadline }
    }
}

enum Entry<M> {
    Item(Item<M>),
    /// One of the messages that wait at this key.
    Key(u64),
}

/// The two lanes below control.
const HIGH: usize = 0;
const NORMAL: usize = 1;

/// What is known of a key while any of its messages is here or in hand.
struct Key<M> {
    in_hand: usize,
    waiting: [VecDeque<Item<M>>; 2],
    /// How often the key stands in each lane.
    entries: [usize; 2],
}

impl<M> Default for Key<M> {
    fn default() -> Self {
        Key { in_hand: 0, waiting: [VecDeque::new(), VecDeque::new()], entries: [0; 2] }
    }
}

/// What most mailboxes never need.
struct Rare<M> {
    control: VecDeque<Item<M>>,
    high: VecDeque<Entry<M>>,
    keys: HashMap<u64, Key<M>>,
}

impl<M> Default for Rare<M> {
    fn default() -> Self {
        Rare { control: VecDeque::new(), high: VecDeque::new(), keys: HashMap::new() }
    }
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Waiting {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

impl Add for Waiting {
    type Output = Waiting;

    fn add(self, other: Waiting) -> Waiting {
        Waiting { messages: self.messages + other.messages, bytes: self.bytes + other.bytes }
    }
}

/// The messages of one mailbox.
pub(super) struct Queue<M> {
    normal: VecDeque<Entry<M>>,
    rare: Option<Box<Rare<M>>>,
    /// Messages and bytes that wait, by lane.
    waiting: [Waiting; 2],
    in_hand: usize,
}

impl<M> Default for Queue<M> {
    fn default() -> Self {
        Queue { normal: VecDeque::new(), rare: None, waiting: Default::default(), in_hand: 0 }
    }
}

/// How much may be in hand at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hands {
    pub(super) all: usize,
    pub(super) per_key: usize,
}

impl<M> Queue<M> {
    /// Counts what waits, but control.
    pub(super) fn waiting(&self) -> Waiting {
        self.waiting[HIGH] + self.waiting[NORMAL]
    }

    /// Counts what waits, but control and what may be dropped for a message of priority `newer`.
    pub(super) fn lasting(&self, newer: Priority) -> Waiting {
        if newer == Priority::High { Waiting::default() } else { self.waiting[HIGH] }
    }

    pub(super) fn in_hand(&self) -> usize {
        self.in_hand
    }

    /// Counts the waiting control messages.
    pub(super) fn control(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.control.len())
    }

    pub(super) fn push(&mut self, item: Item<M>, hands: Hands) {
        self.put(item, hands, false);
    }

    /// Puts an item back before all others of its priority; one with a key before all others of the key.
    pub(super) fn push_front(&mut self, item: Item<M>, hands: Hands) {
        self.put(item, hands, true);
    }

    fn put(&mut self, item: Item<M>, hands: Hands, front: bool) {
        let lane = match item.priority {
            Priority::Control => {
                let control = &mut self.rare.get_or_insert_default().control;
                return if front { control.push_front(item) } else { control.push_back(item) };
            }
            Priority::High => HIGH,
            Priority::Normal => NORMAL,
        };
        let counted = &mut self.waiting[lane];
        *counted = *counted + Waiting { messages: 1, bytes: item.size };
        if let Some(number) = item.key {
            let key = self.rare.get_or_insert_default().keys.entry(number).or_default();
            let waiting = &mut key.waiting[lane];
            if front {
                waiting.push_front(item)
            } else {
                waiting.push_back(item)
            }
            self.enter(number, hands, front);
        } else {
            let lane = self.lane(lane);
            if front { lane.push_front(Entry::Item(item)) } else { lane.push_back(Entry::Item(item)) }
        }
    }

    fn lane(&mut self, lane: usize) -> &mut VecDeque<Entry<M>> {
        if lane == NORMAL { &mut self.normal } else { &mut self.rare.get_or_insert_default().high }
    }

    /// Enters a key into the lanes as often as its messages may be taken; forgets one that has nothing left.
    fn enter(&mut self, number: u64, hands: Hands, front: bool) {
        let Some(rare) = &mut self.rare else { return };
        let Some(key) = rare.keys.get_mut(&number) else { return };
        if key.in_hand == 0 && key.waiting.iter().all(VecDeque::is_empty) {
            rare.keys.remove(&number);
            return;
        }
        for lane in [HIGH, NORMAL] {
            let free = hands.per_key.max(1).saturating_sub(key.in_hand);
            while key.entries[lane] < key.waiting[lane].len().min(free) {
                key.entries[lane] += 1;
                let entries = if lane == NORMAL { &mut self.normal } else { &mut rare.high };
                if front {
                    entries.push_front(Entry::Key(number))
                } else {
                    entries.push_back(Entry::Key(number))
                }
            }
        }
    }

    /// Takes the next item into a hand, which [`finish`](Queue::finish) frees.
    pub(super) fn pop(&mut self, hands: Hands) -> Option<Item<M>> {
        if let Some(rare) = &mut self.rare
            && let Some(item) = rare.control.pop_front()
        {
            self.in_hand += 1;
            return Some(item);
        }
        if self.in_hand >= hands.all {
            return None;
        }
        let high = if self.rare.is_some() { self.pop_lane(HIGH, hands) } else { None };
        let item = high.or_else(|| self.pop_lane(NORMAL, hands))?;
        self.leave(&item);
        self.in_hand += 1;
        Some(item)
    }

    fn pop_lane(&mut self, lane: usize, hands: Hands) -> Option<Item<M>> {
        loop {
            let number = match self.lane(lane).pop_front()? {
                Entry::Item(item) => return Some(item),
                Entry::Key(number) => number,
            };
            let Some(key) = self.rare.as_mut().and_then(|rare| rare.keys.get_mut(&number)) else { continue };
            key.entries[lane] = key.entries[lane].saturating_sub(1);
            // An entry may be stale: the other lane has used the hand since.
            if key.in_hand < hands.per_key.max(1)
                && let Some(item) = key.waiting[lane].pop_front()
            {
                key.in_hand += 1;
                return Some(item);
            }
        }
    }

    /// Frees the hand that held an item of this key.
    pub(super) fn finish(&mut self, key: Option<u64>, hands: Hands) {
        self.in_hand -= 1;
        let Some(number) = key else { return };
        if let Some(key) = self.rare.as_mut().and_then(|rare| rare.keys.get_mut(&number)) {
            key.in_hand -= 1;
            self.enter(number, hands, false);
        }
    }

    /// Returns whether a take would find something; it may find nothing all the same.
    pub(super) fn ready(&self, hands: Hands) -> bool {
        let rare = self.rare.as_ref();
        rare.is_some_and(|rare| !rare.control.is_empty())
            || self.in_hand < hands.all
                && (!self.normal.is_empty() || rare.is_some_and(|rare| !rare.high.is_empty()))
    }

    /// Takes out the oldest normal item; for one of high priority, a high one when there is no normal one.
    pub(super) fn drop_oldest(&mut self, newer: Priority, hands: Hands) -> Option<Item<M>> {
        let normal = self.drop_from(NORMAL, hands);
        let item = match newer {
            Priority::High => normal.or_else(|| self.drop_from(HIGH, hands)),
            _ => normal,
        }?;
        self.leave(&item);
        Some(item)
    }

    fn leave(&mut self, item: &Item<M>) {
        let counted = &mut self.waiting[if item.priority == Priority::High { HIGH } else { NORMAL }];
        counted.messages -= 1;
        counted.bytes -= item.size;
    }

    fn drop_from(&mut self, lane: usize, hands: Hands) -> Option<Item<M>> {
        while let Some(entry) = self.lane(lane).pop_front() {
            let number = match entry {
                Entry::Item(item) => return Some(item),
                Entry::Key(number) => number,
            };
            let Some(key) = self.rare.as_mut().and_then(|rare| rare.keys.get_mut(&number)) else { continue };
            key.entries[lane] = key.entries[lane].saturating_sub(1);
            let oldest = key.waiting[lane].pop_front();
            self.enter(number, hands, true);
            if oldest.is_some() {
                return oldest;
            }
        }
        // What is left waits behind keys that are in hand.
        let keys = &mut self.rare.as_mut()?.keys;
        keys.values_mut().find_map(|key| key.waiting[lane].pop_front())
    }

    /// Takes everything out that waits.
    pub(super) fn drain(&mut self) -> Vec<Item<M>> {
        let mut items = Vec::new();
        let mut keys: HashMap<u64, Key<M>> = HashMap::new();
        let mut lanes = vec![std::mem::take(&mut self.normal)];
        if let Some(rare) = &mut self.rare {
            items.extend(std::mem::take(&mut rare.control));
            lanes.insert(0, std::mem::take(&mut rare.high));
            keys = std::mem::take(&mut rare.keys);
        }
        for entry in lanes.into_iter().flatten() {
            if let Entry::Item(item) = entry {
                items.push(item);
            }
        }
        for (number, mut key) in keys {
            items.extend(key.waiting.iter_mut().flat_map(std::mem::take));
            key.entries = [0; 2];
            if let (1.., Some(rare)) = (key.in_hand, &mut self.rare) {
                rare.keys.insert(number, key); // what is in hand comes to its end
            }
        }
        self.waiting = Default::default();
        items
    }

    /// Finds when the oldest waiting item came. Where items with and without a key are mixed, one behind a key
    /// may be older.
    pub(super) fn oldest(&self) -> Option<u64> {
        let since = |entry: Option<&Entry<M>>| match entry {
            Some(Entry::Item(item)) => Some(item.since),
            _ => None,
        };
        let mut oldest = since(self.normal.front());
        if let Some(rare) = &self.rare {
            let high = since(rare.high.front());
            let control = rare.control.front().map(|item| item.since);
            let keyed = rare.keys.values().flat_map(|key| &key.waiting).filter_map(VecDeque::front);
            oldest = oldest.into_iter().chain(high).chain(control).chain(keyed.map(|item| item.since)).min();
        }
        oldest
    }
}
