//! The mailbox: bounds, order, backpressure, priorities, and what an actor's crash does to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc;

use crate::actors::mailbox::{
    Letter, Limits, Mailbox, OnCrash, OnFull, Priority, SendError, Undelivered, Wake,
};
use crate::supervision::{ChildSpec, Policy, Strategy, Supervisor, Tree};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn mailbox<M: Send + 'static>(messages: usize, concurrency: usize) -> Mailbox<M> {
    Mailbox::new("test", Limits { messages, concurrency, ..Limits::default() })
}

/// Takes a message and says that it is handled.
fn handle<M: Send + Clone + 'static>(mailbox: &Mailbox<M>) -> Option<M> {
    let delivery = mailbox.take()?;
    let message = (*delivery).clone();
    delivery.done();
    Some(message)
}

#[test]
fn a_full_mailbox_gives_the_message_back() {
    let mailbox = mailbox(2, 1);
    assert_eq!(mailbox.try_send(1), Ok(()));
    assert_eq!(mailbox.try_send(2), Ok(()));
    assert_eq!(mailbox.try_send(3), Err(SendError::Full(3)));
    let (first, permit) = mailbox.take().unwrap().into_parts();
    assert_eq!(first, 1);
    assert!(mailbox.take().is_none(), "the concurrency is used up");
    assert_eq!(mailbox.try_send(4), Ok(()), "what is in hand no longer takes a place");
    drop(permit);
    let second = mailbox.take().unwrap();
    assert_eq!(*second, 2);
    second.done();
    let load = mailbox.load();
    assert_eq!((load.queued, load.capacity, load.in_flight, load.accepted, load.refused), (1, 2, 0, 3, 1));
    assert_eq!((load.handled, load.rate_in, load.rate_out), (2, 0.3, 0.2));
    assert!(load.p50_ms > 0.0 && load.p50_ms <= load.p99_ms);
}

#[tokio::test]
async fn a_sender_waits_for_room_and_gives_up_at_its_deadline() {
    let mailbox = mailbox(1, 1);
    mailbox.try_send("first").unwrap();
    let now = Instant::now();
    assert_eq!(mailbox.send("late", now).await, Err(SendError::Full("late")));
    let sender = tokio::spawn({
        let mailbox = mailbox.clone();
        async move { mailbox.send("second", soon()).await }
    });
    assert_eq!(handle(&mailbox), Some("first"));
    assert_eq!(sender.await.unwrap(), Ok(()));
    assert_eq!(handle(&mailbox), Some("second"));
    assert_eq!(mailbox.load().refused, 1);
}

#[tokio::test]
async fn a_place_that_is_given_back_is_free_again() {
    let mailbox: Mailbox<u8> = mailbox(1, 1);
    let slot = mailbox.reserve(1, soon()).await.unwrap();
    assert_eq!(mailbox.try_send(1), Err(SendError::Full(1)));
    drop(slot);
    assert_eq!(mailbox.try_send(1), Ok(()));
}

#[tokio::test]
async fn who_gives_up_waiting_gives_its_place_to_the_next() {
    let mailbox: Mailbox<u8> = mailbox(1, 1);
    let slot = mailbox.reserve(1, soon()).await.unwrap();
    // Polled once, so that both stand in line; then the first goes away.
    let mut first = Box::pin(mailbox.reserve(1, soon()));
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut second = Box::pin(mailbox.reserve(1, soon()));
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(first);
    drop(slot);
    let slot = second.await.unwrap();
    // And one that was given a place and does not come for it.
    let mut third = Box::pin(mailbox.reserve(1, soon()));
    assert!(futures_util::poll!(&mut third).is_pending());
    drop(slot);
    drop(third);
    assert_eq!(mailbox.try_send(1), Ok(()));
}

#[tokio::test]
async fn senders_that_gave_up_do_not_pile_up() {
    let mailbox: Mailbox<u8> = mailbox(1, 1);
    mailbox.try_send(0).unwrap();
    for _ in 0..10_000 {
        assert!(futures_util::poll!(Box::pin(mailbox.reserve(1, soon()))).is_pending());
    }
    assert!(mailbox.0.state.lock().waiting_senders() <= 32);
}

#[tokio::test]
async fn high_priority_is_let_in_before_those_who_wait() {
    let mailbox: Mailbox<u32> = mailbox(1, 1);
    mailbox.try_send(0).unwrap();
    let mut normal = Box::pin(mailbox.send(1, soon()));
    assert!(futures_util::poll!(&mut normal).is_pending());
    for number in 100..164 {
        mailbox.try_send(Letter::new(number).priority(Priority::High)).unwrap();
    }
    let over = mailbox.try_send(Letter::new(7).priority(Priority::High));
    assert_eq!(over, Err(SendError::Full(7)), "its own places are taken, too");
    mailbox.try_send(Letter::new(1000).priority(Priority::Control)).unwrap();
    assert_eq!(handle(&mailbox), Some(1000));
    assert_eq!(handle(&mailbox), Some(100));
    (101..164).for_each(|number| assert_eq!(handle(&mailbox), Some(number)));
    assert_eq!(handle(&mailbox), Some(0));
    normal.await.unwrap();
    assert_eq!(handle(&mailbox), Some(1));
}

#[test]
fn control_overtakes_a_million_and_needs_no_room() {
    let mailbox: Mailbox<i32> = mailbox(1_000_000, 1);
    (0..1_000_000).for_each(|number| mailbox.try_send(number).unwrap());
    assert_eq!(mailbox.try_send(-1), Err(SendError::Full(-1)));
    let in_hand = mailbox.take().unwrap();
    mailbox.try_send(Letter::new(-2).priority(Priority::Control)).unwrap();
    assert_eq!(handle(&mailbox), Some(-2), "even while the concurrency is used up");
    in_hand.done();
    for _ in 0..64 {
        mailbox.try_send(Letter::new(-3).priority(Priority::Control)).unwrap();
    }
    assert!(mailbox.try_send(Letter::new(-3).priority(Priority::Control)).is_err(), "it has a bound, too");
}

#[test]
fn bytes_are_bounded_and_a_giant_passes_alone() {
    let limits = Limits { bytes: 100, ..Limits::default() };
    let mailbox: Mailbox<&str> = Mailbox::new("test", limits);
    mailbox.try_send(Letter::new("a").size(60)).unwrap();
    assert!(mailbox.try_send(Letter::new("b").size(41)).is_err());
    mailbox.try_send(Letter::new("c").size(40)).unwrap();
    assert_eq!((mailbox.load().bytes, mailbox.load().capacity_bytes), (100, 100));
    assert!(mailbox.try_send(Letter::new("giant").size(1000)).is_err());
    handle(&mailbox).unwrap();
    handle(&mailbox).unwrap();
    mailbox.try_send(Letter::new("giant").size(1000)).unwrap();
    assert!(mailbox.try_send(Letter::new("d").size(1)).is_err());
}

#[test]
fn the_oldest_makes_room_where_that_is_the_policy() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&ends);
    let mailbox =
        Mailbox::new("test", Limits { messages: 2, on_full: OnFull::DropOldest, ..Limits::default() })
            .undelivered(move |message, end| hook.lock().push((message, end)));
    (0..5).for_each(|number| mailbox.try_send(number).unwrap());
    assert_eq!(*ends.lock(), [0, 1, 2].map(|number| (number, Undelivered::Dropped)));
    assert_eq!((handle(&mailbox), handle(&mailbox), handle(&mailbox)), (Some(3), Some(4), None));
    assert_eq!(mailbox.load().dropped, 3);
}

#[tokio::test]
async fn a_place_that_is_not_filled_drops_nothing() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&ends);
    let limits = Limits { messages: 2, on_full: OnFull::DropOldest, ..Limits::default() };
    let mailbox = Mailbox::new("test", limits).undelivered(move |message, _| hook.lock().push(message));
    (0..2).for_each(|number| mailbox.try_send(number).unwrap());
    drop(mailbox.reserve(4, soon()).await.unwrap());
    assert_eq!(*ends.lock(), [0; 0]);
    let (first, second) =
        (mailbox.reserve(4, soon()).await.unwrap(), mailbox.reserve(4, soon()).await.unwrap());
    assert!(mailbox.reserve(4, Instant::now()).await.is_none(), "no more places than the mailbox has");
    first.send(2);
    assert_eq!(*ends.lock(), [0, 1], "the other place is held");
    second.send(3);
    assert_eq!((handle(&mailbox), handle(&mailbox), handle(&mailbox)), (Some(2), Some(3), None));
    let counts = mailbox.counts();
    assert_eq!((counts.accepted, counts.dropped, counts.handled, counts.refused), (4, 2, 2, 1));
}

#[tokio::test]
async fn who_waits_for_much_and_gives_up_lets_those_behind_it_in() {
    let mailbox: Mailbox<u8> = Mailbox::new("test", Limits { bytes: 100, ..Limits::default() });
    mailbox.try_send(Letter::new(0).size(60)).unwrap();
    for cancelled in [false, true] {
        let limit = Instant::now() + Duration::from_millis(10);
        let mut much =
            Box::pin(mailbox.send(Letter::new(1).size(90), if cancelled { soon() } else { limit }));
        assert!(futures_util::poll!(&mut much).is_pending());
        let mut little = Box::pin(mailbox.send(Letter::new(2).size(10), soon()));
        assert!(futures_util::poll!(&mut little).is_pending(), "who came first is first");
        match cancelled {
            true => drop(much),
            false => assert_eq!(much.await, Err(SendError::Full(1))),
        }
        assert!(futures_util::poll!(&mut little).is_ready(), "there is room for it");
    }
    assert_eq!(mailbox.try_send(Letter::new(3).size(20)), Ok(()));
}

#[test]
fn keys_go_on_beside_each_other_in_order() {
    let limits = Limits { concurrency: 2, ..Limits::default() };
    let mailbox: Mailbox<u32> = Mailbox::new("test", limits);
    for (key, number) in [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)] {
        mailbox.try_send(Letter::new(number).key(key)).unwrap();
    }
    let (a, b) = (mailbox.take().unwrap(), mailbox.take().unwrap());
    assert_eq!((*a, *b), (1, 4), "the second of a waits for the first");
    assert!(mailbox.take().is_none(), "two at once");
    assert_eq!(mailbox.load().queued, 4, "what waits for its key counts");
    b.done();
    assert_eq!(handle(&mailbox), Some(5));
    assert_eq!(handle(&mailbox), Some(6));
    assert!(mailbox.take().is_none(), "a is in hand");
    a.done();
    assert_eq!((handle(&mailbox), handle(&mailbox), handle(&mailbox)), (Some(2), Some(3), None));
}

#[test]
fn an_actor_is_woken_once_and_again_when_it_was_held_back() {
    let wakes = Arc::new(AtomicUsize::new(0));
    let mailbox = mailbox(1000, 1);
    mailbox.try_send(0).unwrap();
    let counter = Arc::clone(&wakes);
    mailbox.attach(move || {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    let woken = || wakes.swap(0, Ordering::SeqCst);
    assert_eq!(woken(), 1, "what was sent before the start");
    (1..200).for_each(|number| mailbox.try_send(number).unwrap());
    assert_eq!(woken(), 0, "it is awake");
    let mut batch = mailbox.batch();
    let held = batch.next().unwrap();
    assert!(batch.next().is_none());
    drop(batch);
    assert_eq!(woken(), 0);
    held.done();
    assert_eq!(woken(), 1, "there is a hand free again");
    let mut numbers = Vec::new();
    for delivery in mailbox.batch() {
        numbers.push(*delivery);
        delivery.done();
    }
    assert_eq!((numbers.len(), woken()), (64, 1), "a batch is bounded, and the rest wakes the actor");
    while !numbers.is_empty() {
        numbers.clear();
        mailbox.batch().for_each(|delivery| {
            numbers.push(*delivery);
            delivery.done();
        });
    }
    woken();
    mailbox.try_send(200).unwrap();
    assert_eq!(woken(), 1, "it sleeps after it has found nothing");
}

#[tokio::test]
async fn a_closed_mailbox_gives_everything_back_until_it_is_opened() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let hook = Arc::clone(&ends);
    let mailbox = Mailbox::new("test", Limits { messages: 2, ..Limits::default() })
        .on_crash(OnCrash::Retry { attempts: 5 })
        .undelivered(move |message, end| hook.lock().push((message, end)));
    mailbox.try_send("in hand").unwrap();
    let in_hand = mailbox.take().unwrap();
    mailbox.try_send("waits").unwrap();
    let slot = mailbox.reserve(1, soon()).await.unwrap();
    let mut in_line = Box::pin(mailbox.send("in line", soon()));
    assert!(futures_util::poll!(&mut in_line).is_pending());
    mailbox.close();
    assert_eq!(in_line.await, Err(SendError::Gone("in line")));
    assert_eq!(mailbox.try_send("late"), Err(SendError::Gone("late")));
    assert_eq!(mailbox.send("late", soon()).await, Err(SendError::Gone("late")));
    slot.send("in a slot");
    drop(in_hand);
    let gone = ["waits", "in a slot", "in hand"].map(|message| (message, Undelivered::Gone));
    assert_eq!(*ends.lock(), gone);
    mailbox.attach(|| {});
    assert_eq!(mailbox.try_send("again"), Ok(()));
    assert_eq!(handle(&mailbox), Some("again"));
    assert_eq!(mailbox.counts().accepted, 4);
}

/// Reports every number and panics at 3 as often as it is armed, before it has handled it.
struct Fragile;

#[derive(Clone)]
struct Setup {
    mailbox: Mailbox<u32>,
    seen_tx: mpsc::Sender<u32>,
    armed: Arc<AtomicBool>,
}

impl Actor for Fragile {
    type Msg = Wake;
    type State = Setup;
    type Arguments = Setup;

    async fn pre_start(&self, myself: ActorRef<Wake>, setup: Setup) -> Result<Setup, ActorProcessingErr> {
        setup.mailbox.attach(move || drop(myself.send_message(Wake)));
        Ok(setup)
    }

    async fn handle(&self, _: ActorRef<Wake>, _: Wake, setup: &mut Setup) -> Result<(), ActorProcessingErr> {
        for number in setup.mailbox.batch() {
            if *number == 3 && setup.armed.swap(false, Ordering::SeqCst) {
                panic!("at three");
            }
            setup.seen_tx.send(*number).await.map_err(|_| "the test is over")?;
            number.done();
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_panicking_actor_is_restarted_with_its_mailbox_intact() {
    let all: Vec<u32> = (0..10).collect();
    let without: Vec<u32> = all.iter().copied().filter(|number| *number != 3).collect();
    let table = [
        (OnCrash::Fail, &without, (0, 10)),
        (OnCrash::DeadLetter, &without, (1, 9)),
        (OnCrash::Retry { attempts: 2 }, &all, (0, 10)),
        (OnCrash::Retry { attempts: 1 }, &without, (1, 9)),
    ];
    for (on_crash, expected, (dead_lettered, handled)) in table {
        let (seen_tx, mut seen) = mpsc::channel(16);
        let mailbox = mailbox(64, 1).on_crash(on_crash);
        let setup = Setup { mailbox: mailbox.clone(), seen_tx, armed: Arc::new(AtomicBool::new(true)) };
        (0..10).for_each(|number| mailbox.try_send(number).unwrap());
        let spec = ChildSpec::new("fragile", move |supervisor| {
            let setup = setup.clone();
            async move { Ok(Actor::spawn_linked(None, Fragile, setup, supervisor).await?.0.get_cell()) }
        });
        let tree = Tree::default();
        let policy = Policy::new(Strategy::OneForOne);
        let top = Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children: vec![spec] };
        let root = top.start().await.unwrap();
        let mut numbers = Vec::new();
        while numbers.len() < expected.len() {
            let next = tokio::time::timeout(Duration::from_secs(20), seen.recv()).await;
            numbers.push(next.unwrap().unwrap());
        }
        assert_eq!(numbers, *expected, "{on_crash:?}");
        mailbox.try_send(10).unwrap();
        assert_eq!(seen.recv().await, Some(10), "the new actor is reached at the old address");
        assert_eq!(tree.snapshot().unwrap().find("top/fragile").unwrap().restarts, 1);
        while mailbox.load().in_flight > 0 {
            tokio::task::yield_now().await;
        }
        let load = mailbox.load();
        assert_eq!((load.dead_lettered, load.handled), (dead_lettered, handled + 1), "{on_crash:?}");
        root.stop(Duration::from_secs(20)).await;
    }
}

#[test]
fn an_idle_mailbox_is_small() {
    let size = size_of::<crate::actors::mailbox::handle::Inner<[u64; 2]>>();
    assert!(size <= 320, "{size} bytes");
}
