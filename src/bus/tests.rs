//! The contract of a bus, run on the memory bus.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::sync::mpsc;

use crate::bus::memory::Memory;
use crate::bus::{Bus, Envelope, Error, Place, Subscriber};
use crate::invocation::Trace;

struct Inbox(mpsc::Sender<Envelope>);

impl Subscriber for Inbox {
    fn name(&self) -> String {
        "inbox".to_owned()
    }

    fn reserve(&self, _: usize, deadline: Instant) -> BoxFuture<'_, Option<Place>> {
        Box::pin(async move {
            let reserve = self.0.clone().reserve_owned();
            let permit = tokio::time::timeout_at(deadline.into(), reserve).await.ok()?.ok()?;
            Some(Box::new(move |envelope| drop(permit.send(envelope))) as Place)
        })
    }

    fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

fn inbox(bus: &dyn Bus, event: &str, capacity: usize) -> mpsc::Receiver<Envelope> {
    let (tx, rx) = mpsc::channel(capacity);
    bus.subscribe(event, Box::new(Inbox(tx)));
    rx
}

fn envelope(event: &str, n: i32) -> Envelope {
    Envelope::new(event, "/test", json!(n), Trace::root())
}

async fn publish(bus: &dyn Bus, event: &str, n: i32) -> Result<(), Error> {
    bus.publish(vec![envelope(event, n)], Instant::now() + Duration::from_millis(20)).await
}

#[tokio::test]
async fn every_subscriber_gets_every_message_once_and_in_order() {
    let bus = Memory::default();
    bus.declare("A");
    let (mut first, mut second) = (inbox(&bus, "A", 8), inbox(&bus, "A", 8));
    let mut other = inbox(&bus, "B", 8);
    for n in 0..3 {
        publish(&bus, "A", n).await.unwrap();
    }
    for inbox in [&mut first, &mut second] {
        for n in 0..3 {
            assert_eq!(*inbox.try_recv().unwrap().payload, json!(n));
        }
        assert!(inbox.try_recv().is_err());
    }
    assert!(other.try_recv().is_err());
}

#[tokio::test]
async fn an_undeclared_event_is_an_error_and_one_without_subscribers_is_not() {
    let bus = Memory::default();
    bus.declare("A");
    assert_eq!(publish(&bus, "A", 1).await, Ok(()));
    assert_eq!(publish(&bus, "Nope", 1).await, Err(Error::Unrouted("Nope".to_owned())));
}

#[tokio::test]
async fn a_full_subscriber_fails_the_publication_for_all() {
    let bus = Memory::default();
    let mut roomy = inbox(&bus, "A", 8);
    let _full = inbox(&bus, "A", 1);
    publish(&bus, "A", 1).await.unwrap();
    let error = publish(&bus, "A", 2).await.unwrap_err();
    assert_eq!(error, Error::Full { event: "A".to_owned(), subscriber: "inbox".to_owned() });
    assert_eq!(*roomy.try_recv().unwrap().payload, json!(1));
    assert!(roomy.try_recv().is_err(), "nobody got the second one");
}

#[tokio::test]
async fn several_events_are_published_in_order_or_not_at_all() {
    let bus = Memory::default();
    let (mut roomy, _full) = (inbox(&bus, "A", 8), inbox(&bus, "B", 1));
    let batch = || vec![envelope("B", 1), envelope("A", 2), envelope("A", 3)];
    let soon = || Instant::now() + Duration::from_millis(20);
    bus.publish(batch(), soon()).await.unwrap();
    assert!(matches!(bus.publish(batch(), soon()).await, Err(Error::Full { .. })));
    assert_eq!(*roomy.try_recv().unwrap().payload, json!(2));
    assert_eq!(*roomy.try_recv().unwrap().payload, json!(3));
    assert!(roomy.try_recv().is_err(), "A got nothing of the batch that did not fit at B");
}

#[tokio::test]
async fn two_batches_of_one_event_do_not_wait_for_each_other() {
    let bus = Memory::default();
    let mut slow = inbox(&bus, "A", 2);
    let limit = Instant::now() + Duration::from_secs(5);
    bus.publish(vec![envelope("A", 0), envelope("A", 1)], limit).await.unwrap();
    let mut first = bus.publish(vec![envelope("A", 2), envelope("A", 3)], limit);
    let mut second = bus.publish(vec![envelope("A", 4), envelope("A", 5)], limit);
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    let reader = async {
        for n in 0..6 {
            assert_eq!(*slow.recv().await.unwrap().payload, json!(n));
        }
    };
    let (first, second, ()) = tokio::join!(first, second, async {
        let _ = tokio::time::timeout_at(limit.into(), reader).await;
    });
    assert_eq!((first, second), (Ok(()), Ok(())), "each took a place that the other one needed");
}

#[tokio::test]
async fn closing_ends_the_streams() {
    let bus = Memory::default();
    let mut stream = inbox(&bus, "A", 1);
    bus.close();
    assert!(stream.recv().await.is_none());
}

#[tokio::test]
async fn a_subscriber_that_is_gone_is_passed_over() {
    let bus = Memory::default();
    drop(inbox(&bus, "A", 1));
    let mut alive = inbox(&bus, "A", 1);
    publish(&bus, "A", 1).await.unwrap();
    assert_eq!(*alive.try_recv().unwrap().payload, json!(1));
}

#[test]
fn an_envelope_has_the_attributes_of_cloudevents() {
    let trace = Trace::root();
    let envelope = Envelope::new("UserCreated", "/shop/api/CreateUser", json!({"id": 1}), trace.clone());
    let value = serde_json::to_value(&envelope).unwrap();
    assert_eq!(value["type"], "UserCreated");
    assert_eq!(value["source"], "/shop/api/CreateUser");
    assert_eq!(value["data"], json!({"id": 1}));
    assert_eq!(value["correlation_id"], json!(trace.correlation_id));
    let bytes = rmp_serde::to_vec_named(&envelope).unwrap();
    let back: Envelope = rmp_serde::from_slice(&bytes).unwrap();
    assert_eq!(back, envelope);
    let _: Arc<str> = back.event;
}
