//! Bytes of resident memory per idle actor.

use std::any::Any;

use ractor::Actor;
use tokio::runtime::{Builder, Runtime};

use crate::actors::peers::{self, Parent, Raw};

/// How many actors idle.
pub const ACTORS: usize = 100_000;

/// Returns the resident memory of this process in bytes.
pub fn resident() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.expect("the second number is resident pages") * 4096.0
}

/// Returns the runtime of all measurements.
pub fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("two threads")
}

/// Returns how much memory grows per actor while `make` makes them; what it returns keeps them alive.
pub async fn growth<T: Any>(make: impl Future<Output = T>) -> f64 {
    let before = resident();
    let kept = make.await;
    let grown = resident() - before;
    drop(kept);
    grown / ACTORS as f64
}

/// Actors of ractor, linked to a parent.
pub fn ractor() -> f64 {
    runtime().block_on(growth(async {
        let (parent, _) = Actor::spawn(None, Parent, ()).await.expect("it starts");
        let mut actors = Vec::with_capacity(ACTORS);
        for _ in 0..ACTORS {
            actors.push(Actor::spawn_linked(None, Raw, (), parent.get_cell()).await.expect("it starts").0);
        }
        actors
    }))
}

/// Actors of kameo with bounded mailboxes.
pub fn kameo() -> f64 {
    runtime().block_on(growth(async {
        let actors: Vec<_> = (0..ACTORS).map(|_| peers::kameo()).collect();
        for actor in &actors {
            actor.wait_for_startup().await;
        }
        actors
    }))
}

/// Actors of actix.
pub fn actix() -> f64 {
    actix::System::new().block_on(growth(async {
        let actors: Vec<_> = (0..ACTORS).map(|_| actix::Actor::start(peers::Actix::default())).collect();
        for actor in &actors {
            let _ = actor.send(peers::Get).await;
        }
        actors
    }))
}
