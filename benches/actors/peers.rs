//! The same actor in other libraries: it adds numbers up, and answers with the sum.
//!
//! ractor's mailboxes have no bound; kameo's has ours; actix' has it, too, but `do_send`, which tells, goes past it.

use std::hint::black_box;

use actix::Addr;
use kameo::actor::{ActorRef as KameoRef, Spawn};
use ractor::{ActorProcessingErr, ActorRef, RpcReplyPort};
use tokio::sync::oneshot;

/// The bound of a mailbox where there is one: the default of ours.
pub const BOUND: usize = 1024;

/// Adds numbers up.
#[derive(Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds one.
    pub fn add(&mut self, value: u64) {
        self.0 = self.0.wrapping_add(black_box(value));
    }

    /// Returns the sum so far.
    pub fn value(&self) -> u64 {
        self.0
    }
}

/// A plain ractor actor.
pub struct Raw;

/// What it is told.
pub enum RawMessage {
    /// Add this.
    Add(u64),
    /// Tell the sum.
    Get(RpcReplyPort<u64>),
}

impl ractor::Actor for Raw {
    type Msg = RawMessage;
    type State = Sum;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<RawMessage>, (): ()) -> Result<Sum, ActorProcessingErr> {
        Ok(Sum::default())
    }

    async fn handle(
        &self,
        _: ActorRef<RawMessage>,
        message: RawMessage,
        sum: &mut Sum,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RawMessage::Add(value) => sum.add(value),
            RawMessage::Get(reply) => drop(reply.send(sum.value())),
        }
        Ok(())
    }
}

/// The parent of actors that are spawned linked: it does nothing about them.
pub struct Parent;

impl ractor::Actor for Parent {
    type Msg = ();
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        _: ractor::SupervisionEvent,
        (): &mut (),
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

/// An actor of kameo.
#[derive(Default)]
pub struct Kameo(Sum);

impl kameo::Actor for Kameo {
    type Args = Self;
    type Error = kameo::error::Infallible;

    async fn on_start(kameo: Self, _: KameoRef<Self>) -> Result<Self, Self::Error> {
        Ok(kameo)
    }
}

/// Add this.
pub struct Add(pub u64);

/// Tell the sum.
pub struct Get;

impl kameo::message::Message<Add> for Kameo {
    type Reply = ();

    async fn handle(&mut self, Add(value): Add, _: &mut kameo::message::Context<Self, ()>) {
        self.0.add(value);
    }
}

impl kameo::message::Message<Get> for Kameo {
    type Reply = u64;

    async fn handle(&mut self, _: Get, _: &mut kameo::message::Context<Self, u64>) -> u64 {
        self.0.value()
    }
}

/// Starts one with a bounded mailbox.
pub fn kameo() -> KameoRef<Kameo> {
    Kameo::spawn_with_mailbox(Kameo::default(), kameo::mailbox::bounded(BOUND))
}

/// An actor of actix; it lives on the thread of its system.
#[derive(Default)]
pub struct Actix(Sum);

impl actix::Actor for Actix {
    type Context = actix::Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(BOUND);
    }
}

impl actix::Message for Add {
    type Result = ();
}

impl actix::Message for Get {
    type Result = u64;
}

impl actix::Handler<Add> for Actix {
    type Result = ();

    fn handle(&mut self, Add(value): Add, _: &mut Self::Context) {
        self.0.add(value);
    }
}

impl actix::Handler<Get> for Actix {
    type Result = u64;

    fn handle(&mut self, _: Get, _: &mut Self::Context) -> u64 {
        self.0.value()
    }
}

/// Runs an actix system on a thread of its own, with one actor.
pub fn actix() -> Addr<Actix> {
    let (address_tx, address_rx) = oneshot::channel();
    std::thread::spawn(move || {
        let system = actix::System::new();
        system.block_on(async move {
            let _ = address_tx.send(actix::Actor::start(Actix::default()));
        });
        let _ = system.run();
    });
    address_rx.blocking_recv().expect("the system starts")
}
