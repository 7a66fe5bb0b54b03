//! The mailbox: bounds, order, backpressure, and what an actor's crash does to it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::actors::mailbox::{Full, Mailbox, Wake};
use crate::actors::{Executors, Pool};
use crate::invocation::{Failure, HandlerId, Invocation, Kind, Trace};
use crate::lang::Language;
use crate::supervision::{ChildSpec, Policy, Strategy, Supervisor, Tree};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[test]
fn a_full_mailbox_gives_the_message_back() {
    let mailbox = Mailbox::new(2, 1);
    assert_eq!(mailbox.try_send(1), Ok(()));
    assert_eq!(mailbox.try_send(2), Ok(()));
    assert_eq!(mailbox.try_send(3), Err(Full(3)));
    let (first, permit) = mailbox.take().unwrap();
    assert_eq!(first, 1);
    assert!(mailbox.take().is_none(), "the concurrency is used up");
    assert_eq!(mailbox.try_send(4), Ok(()), "what is in hand no longer takes a place");
    drop(permit);
    assert_eq!(mailbox.take().unwrap().0, 2);
    let load = mailbox.load();
    assert_eq!((load.queued, load.capacity, load.in_flight, load.accepted, load.refused), (1, 2, 0, 3, 1));
}

#[tokio::test]
async fn a_sender_waits_for_room_and_gives_up_at_its_deadline() {
    let mailbox = Mailbox::new(1, 1);
    mailbox.try_send("first").unwrap();
    let now = Instant::now();
    assert_eq!(mailbox.send("late", now).await, Err(Full("late")));
    let sender = tokio::spawn({
        let mailbox = mailbox.clone();
        async move { mailbox.send("second", soon()).await }
    });
    let taken = mailbox.take().unwrap();
    assert_eq!(taken.0, "first");
    drop(taken);
    assert_eq!(sender.await.unwrap(), Ok(()));
    assert_eq!(mailbox.take().unwrap().0, "second");
}

#[tokio::test]
async fn a_place_that_is_given_back_is_free_again() {
    let mailbox: Mailbox<u8> = Mailbox::new(1, 1);
    let slot = mailbox.reserve(soon()).await.unwrap();
    assert_eq!(mailbox.try_send(1), Err(Full(1)));
    drop(slot);
    assert_eq!(mailbox.try_send(1), Ok(()));
}

#[tokio::test]
async fn a_call_that_no_worker_took_is_overloaded_not_timed_out() {
    let id = HandlerId::new(Kind::Event, "slow_to_boot");
    let pools = HashMap::from([(Language::Python, Pool::new(1))]);
    let executors = Executors::new(pools, HashMap::from([(id.clone(), Language::Python)]));
    let invocation = Invocation {
        id: Uuid::now_v7(),
        handler: id,
        arguments: vec![],
        deadline: Instant::now() + Duration::from_millis(10),
        attempt: 1,
        trace: Trace::root(),
    };
    let outcome = executors.run(Arc::new(invocation)).await;
    assert!(matches!(outcome, Err(Failure::Overloaded { .. })), "its attempt is not used up: {outcome:?}");
}

/// Reports every number and panics once at 3, before it has handled it.
struct Fragile;

#[derive(Clone)]
struct Setup {
    mailbox: Mailbox<u32>,
    seen_tx: mpsc::Sender<u32>,
    armed: std::sync::Arc<std::sync::atomic::AtomicBool>,
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
        setup.mailbox.woken();
        while let Some((number, permit)) = setup.mailbox.take() {
            if number == 3 && setup.armed.swap(false, std::sync::atomic::Ordering::SeqCst) {
                panic!("at three");
            }
            setup.seen_tx.send(number).await.map_err(|_| "the test is over")?;
            drop(permit);
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_panicking_actor_is_restarted_with_its_mailbox_intact() {
    let (seen_tx, mut seen) = mpsc::channel(16);
    let mailbox = Mailbox::new(64, 1);
    let armed = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let setup = Setup { mailbox: mailbox.clone(), seen_tx, armed };
    (0..10).for_each(|number| mailbox.try_send(number).unwrap());
    let spec = ChildSpec::new("fragile", move |supervisor| {
        let setup = setup.clone();
        async move { Ok(Actor::spawn_linked(None, Fragile, setup, supervisor).await?.0.get_cell()) }
    });
    let tree = Tree::default();
    let policy = Policy::new(Strategy::OneForOne);
    let top = Supervisor { path: "top".to_owned(), policy, tree: tree.clone(), children: vec![spec] };
    let _root = top.start().await.unwrap();
    let mut numbers = Vec::new();
    while numbers.len() < 9 {
        numbers.push(tokio::time::timeout(Duration::from_secs(20), seen.recv()).await.unwrap().unwrap());
    }
    // 3 was in hand when the actor died: its permit was released, its sender is told; nothing queued is lost.
    assert_eq!(numbers, [0, 1, 2, 4, 5, 6, 7, 8, 9]);
    mailbox.try_send(10).unwrap();
    assert_eq!(seen.recv().await, Some(10), "the new actor is reached at the old address");
    assert_eq!(tree.snapshot().unwrap().find("top/fragile").unwrap().restarts, 1);
}
