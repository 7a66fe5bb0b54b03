//! Nothing is lost and nothing counted twice: many messages, panics, errors and kills under a real supervisor.
//!
//! `ROHAS_ACCOUNTING_MESSAGES` sets how many (1,000,000 unless set), `ROHAS_ACCOUNTING_SEED` replays a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::actors::mailbox::{Limits, OnCrash, OnFull};
use crate::actors::user::{Actor, ActorError, Child, Ref, Scope};
use crate::supervision::{Backoff, Policy, Strategy, Supervisor, Tree};

const SENDERS: usize = 6;

/// One in so many messages ends its actor.
const CRASHES: u64 = 2_000;

/// A sender kills an actor after so many messages.
const KILLS: u64 = 5_000;

/// Message `number` of `sender`, with luck of its own.
struct Numbered {
    sender: usize,
    number: u64,
    luck: u64,
}

/// What all incarnations of an actor have handled.
#[derive(Default)]
struct Record {
    /// The last number of each sender, and whether its handling came to an end.
    last: Mutex<[Option<(u64, bool)>; SENDERS]>,
    done: AtomicU64,
    out_of_order: AtomicU64,
}

struct Clerk(Arc<Record>);

impl Actor for Clerk {
    type Message = Numbered;

    async fn handle(&mut self, message: &Numbered, scope: &Scope<Numbered>) -> Result<(), ActorError> {
        // Some crash every time, some only the first time, some before and some after the effect.
        let unlucky = message.luck.is_multiple_of(CRASHES)
            && (scope.attempt() == 1 || message.luck.is_multiple_of(CRASHES * 3));
        let kind = message.luck / CRASHES % 4;
        if unlucky && kind == 0 {
            // Unlike panic!, it does not fill the output.
            std::panic::resume_unwind(Box::new("before the effect"));
        }
        if message.luck.is_multiple_of(64) {
            tokio::task::yield_now().await; // a kill can come here
        }
        {
            let last = &mut self.0.last.lock()[message.sender];
            let in_order = last.is_none_or(|(number, ended)| {
                number < message.number || number == message.number && !ended && scope.attempt() > 1
            });
            self.0.out_of_order.fetch_add(u64::from(!in_order), Ordering::Relaxed);
            *last = Some((message.number, false));
        }
        if message.luck.is_multiple_of(67) {
            tokio::task::yield_now().await; // or here
        }
        match kind {
            1 if unlucky => std::panic::resume_unwind(Box::new("after the effect")),
            2 if unlucky => return Err("after the effect".into()),
            3 if unlucky => scope.fail("handled, and then"),
            _ => {}
        }
        self.0.last.lock()[message.sender] = Some((message.number, true));
        self.0.done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

struct Desk {
    clerk: Ref<Numbered>,
    record: Arc<Record>,
    dead: Arc<AtomicU64>,
    sent: AtomicU64,
}

fn desk(number: usize, on_crash: OnCrash, on_full: OnFull) -> (Desk, Child<Clerk>) {
    let (record, dead) = (Arc::new(Record::default()), Arc::new(AtomicU64::new(0)));
    let (book, counter) = (Arc::clone(&record), Arc::clone(&dead));
    let child = Child::actor(format!("clerk-{number}"), move || {
        let record = Arc::clone(&book);
        async move { Ok(Clerk(record)) }
    });
    let child = child
        .mailbox(Limits { messages: 32, bytes: 4096, on_full, ..Limits::default() })
        .on_crash(on_crash)
        .dead_letters(move |_, _| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
    let desk = Desk { clerk: child.reference(), record, dead, sent: AtomicU64::new(0) };
    (desk, child)
}

async fn send(sender: usize, count: u64, seed: u64, (desks, kill): (&[Desk], impl Fn(usize))) -> u64 {
    let mut random = fastrand::Rng::with_seed(seed.wrapping_add(sender as u64));
    let mut refused = 0;
    for number in 0..count {
        let desk = &desks[random.usize(..desks.len())];
        let message = Numbered { sender, number, luck: random.u64(1..) };
        desk.sent.fetch_add(1, Ordering::Relaxed);
        let sent = match random.u8(..100) {
            0 => desk.clerk.expires_in(Duration::from_micros(random.u64(..100))).tell(message).await,
            1..5 => desk.clerk.size(random.usize(..8192)).tell(message).await,
            5..25 => desk.clerk.try_tell(message),
            25 => desk.clerk.within(Duration::from_micros(random.u64(..100))).tell(message).await,
            _ => desk.clerk.tell(message).await,
        };
        refused += u64::from(sent.is_err());
        if number % KILLS == KILLS - 1 {
            kill(random.usize(..desks.len()));
        }
    }
    refused
}

#[test]
fn every_message_is_accounted_for() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let messages = number("ROHAS_ACCOUNTING_MESSAGES").unwrap_or(1_000_000);
    let seed = number("ROHAS_ACCOUNTING_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("ROHAS_ACCOUNTING_SEED={seed}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(account(messages, seed));
}

async fn account(messages: u64, seed: u64) {
    let crashes = [OnCrash::Fail, OnCrash::Retry { attempts: 2 }, OnCrash::DeadLetter];
    let policies = crashes.into_iter().flat_map(|on_crash| {
        [OnFull::Fail, OnFull::Wait, OnFull::DropOldest].map(|on_full| (on_crash, on_full))
    });
    let (desks, children): (Vec<Desk>, Vec<Child<Clerk>>) =
        policies.enumerate().map(|(number, (on_crash, on_full))| desk(number, on_crash, on_full)).unzip();
    let backoff = Backoff { first: Duration::ZERO, max: Duration::ZERO };
    let policy = Policy { backoff, intensity: u32::MAX, ..Policy::new(Strategy::OneForOne) };
    let children = children.into_iter().map(Into::into).collect();
    let tree = Tree::default();
    let top = Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children };
    let root = top.start().await.unwrap();

    let desks: Arc<[Desk]> = desks.into();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (desks, root) = (Arc::clone(&desks), root.cell());
            tokio::spawn(async move {
                let kill = |number: usize| {
                    let children = root.get_children();
                    children.get(number % children.len().max(1)).inspect(|child| child.kill());
                };
                send(sender, messages / SENDERS as u64, seed, (&desks, kill)).await
            })
        })
        .collect();
    let mut refused = 0;
    for sender in senders {
        refused += sender.await.unwrap();
    }
    let limit = Instant::now() + Duration::from_secs(60);
    while desks.iter().any(|desk| desk.clerk.load().queued + desk.clerk.load().in_flight > 0) {
        assert!(Instant::now() < limit, "what waits is handled in the end: {:?}", tree.snapshot());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    check(&desks, refused);
    let restarts: u64 = tree.snapshot().unwrap().children.iter().map(|child| child.restarts).sum();
    assert!(restarts > messages / CRASHES / 4, "{restarts} restarts");
    root.stop(Duration::from_secs(20)).await;
}

fn check(desks: &[Desk], refused: u64) {
    let mut sum = crate::actors::mailbox::Counts::default();
    for Desk { clerk, record, dead, sent } in desks {
        let c = clerk.0.counts();
        let ended = c.handled + c.failed + c.dead_lettered + c.dropped + c.expired + c.gone;
        assert_eq!(ended, c.accepted, "{} {c:?}", clerk.name());
        assert_eq!(ended + c.refused, sent.load(Ordering::Relaxed), "{} {c:?}", clerk.name());
        assert_eq!(record.done.load(Ordering::Relaxed), c.handled, "{} {c:?}", clerk.name());
        assert_eq!(dead.load(Ordering::Relaxed), c.dead_lettered, "{} {c:?}", clerk.name());
        assert_eq!(record.out_of_order.load(Ordering::Relaxed), 0, "order per sender: {}", clerk.name());
        sum.handled += c.handled;
        sum.failed += c.failed;
        sum.dead_lettered += c.dead_lettered;
        sum.refused += c.refused;
        sum.dropped += c.dropped;
        sum.expired += c.expired;
    }
    assert_eq!(sum.refused, refused, "each sender was told");
    println!("{sum:?}");
    let all = [sum.handled, sum.failed, sum.dead_lettered, sum.refused, sum.dropped, sum.expired];
    assert!(all.iter().all(|count| *count > 0), "every way out was taken");
}
