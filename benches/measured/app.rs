//! An app of many apis: how long it takes to start, what it weighs, what it does when nobody calls.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use rohas::{ActorApp, Config, Failure, Request, Running, State};

use crate::measured::memory::{resident, runtime};

/// How many apis the schema has.
const APIS: usize = 10_000;

/// How long an app is watched doing nothing.
const IDLE: Duration = Duration::from_secs(5);

async fn handle(_: Request, _: State) -> Result<&'static str, Failure> {
    Ok("ok")
}

/// Describes the app; the schema has one handler function for all.
fn builder() -> rohas::Builder {
    let mut schema = String::new();
    for number in 0..APIS {
        let _ =
            writeln!(schema, "api Api{number} {{ method: GET path: \"/api/{number}\" response: String }}");
    }
    let config = Config::parse("bench", "[server]\nport = 0\n", &[], &|_| None).expect("it is right");
    let builder = ActorApp::builder().schema_text(schema).config(config);
    (0..APIS).fold(builder, |builder, number| builder.handler(&format!("Api{number}"), handle))
}

async fn started() -> (Running, Duration) {
    let builder = builder();
    let since = Instant::now();
    let app = builder.build().expect("the schema is right").start().await.expect("it starts");
    let took = since.elapsed();
    app.call("Api7", serde_json::Value::Null).await.expect("it answers");
    (app, took)
}

/// Milliseconds from the schema's text to a running tree.
pub fn start() -> f64 {
    runtime().block_on(async { started().await.1.as_secs_f64() * 1e3 })
}

/// Bytes of everything there is of an api: schema, route, meters, mailbox, actor.
pub fn memory() -> f64 {
    runtime().block_on(async {
        let before = resident();
        let _app = started().await;
        (resident() - before) / APIS as f64
    })
}

/// Thousandths of a core that an idle app uses, once what follows its start is over.
pub fn idle() -> f64 {
    runtime().block_on(async {
        let _app = started().await;
        tokio::time::sleep(IDLE + Duration::from_secs(1)).await;
        let before = cpu();
        tokio::time::sleep(IDLE).await;
        (cpu() - before).as_secs_f64() / IDLE.as_secs_f64() * 1e3
    })
}

/// Returns the CPU time of this process, to the microsecond.
fn cpu() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for the call.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(result, 0, "Linux has the clock");
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}
