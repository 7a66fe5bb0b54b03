//! Counters and histograms of one app, rendered for Prometheus.
//!
//! Each app has a recorder of its own instead of the process-wide one, so that several apps live in one process.
//! Called by actors (per call) and by the HTTP doors (on a scrape); `tree` renders what supervision and mailboxes know. The `telemetry` actor keeps histograms small.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::supervision::{ChildSpec, Node};

mod tree;

#[cfg(test)]
mod tests;

/// How often histograms are folded together between scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

const METADATA: Metadata<'static> = Metadata::new("rohas", Level::INFO, None);

/// The metrics of one app.
#[derive(Clone)]
pub struct Telemetry {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
    /// Something was recorded since the histograms were last folded together.
    recorded: Arc<AtomicBool>,
}

impl Default for Telemetry {
    fn default() -> Self {
        let buckets =
            [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let builder = PrometheusBuilder::new().set_buckets(&buckets).expect("the buckets are not empty");
        let recorder = builder.build_recorder();
        let counter = metrics::Unit::Count;
        recorder.describe_counter(
            "rohas_calls_total".into(),
            Some(counter),
            "Handler calls by outcome.".into(),
        );
        recorder.describe_counter(
            "rohas_dead_letters_total".into(),
            Some(counter),
            "Events given up.".into(),
        );
        recorder.describe_counter(
            "rohas_supervisor_escalations_total".into(),
            Some(counter),
            "How often a supervisor gave up.".into(),
        );
        let seconds = Some(metrics::Unit::Seconds);
        recorder.describe_histogram(
            "rohas_call_duration_seconds".into(),
            seconds,
            "Time of handler calls.".into(),
        );
        Telemetry { handle: recorder.handle(), recorder: Arc::new(recorder), recorded: Arc::default() }
    }
}

impl Telemetry {
    /// Returns the meters of one handler (`api CreateUser`).
    pub fn calls(&self, handler: &str) -> Calls {
        let label = || Label::new("handler", handler.to_owned());
        let counter = |outcome: &'static str| {
            let labels = vec![label(), Label::new("outcome", outcome)];
            self.recorder.register_counter(&Key::from_parts("rohas_calls_total", labels), &METADATA)
        };
        let seconds = Key::from_parts("rohas_call_duration_seconds", vec![label()]);
        Calls {
            ok: counter("ok"),
            failed: counter("failed"),
            seconds: self.recorder.register_histogram(&seconds, &METADATA),
            recorded: Arc::clone(&self.recorded),
        }
    }

    /// Returns the counter of the events that one handler was given up on.
    pub fn dead_letters(&self, handler: &str) -> Counter {
        let label = Label::new("handler", handler.to_owned());
        self.recorder.register_counter(&Key::from_parts("rohas_dead_letters_total", vec![label]), &METADATA)
    }

    /// Renders everything in Prometheus' text format; what the tree knows is read off `tree`.
    pub fn render(&self, tree: Option<&Node>) -> String {
        let mut page = self.handle.render();
        page.extend(tree.map(tree::render));
        page
    }

    /// Describes the actor that folds histograms together, as a child named `telemetry`.
    pub fn child(&self) -> ChildSpec {
        let telemetry = self.clone();
        ChildSpec::new("telemetry", move |supervisor| {
            let telemetry = telemetry.clone();
            async move { Ok(Actor::spawn_linked(None, Upkeep, telemetry, supervisor).await?.0.get_cell()) }
        })
    }
}

/// The meters of one handler.
#[derive(Clone)]
pub struct Calls {
    ok: Counter,
    failed: Counter,
    seconds: Histogram,
    recorded: Arc<AtomicBool>,
}

impl Calls {
    /// Starts the clock of one call.
    pub fn start(&self) -> Timer {
        Timer { calls: self.clone(), started: Instant::now() }
    }
}

/// The clock of one call.
pub struct Timer {
    calls: Calls,
    started: Instant,
}

impl Timer {
    /// Records the call.
    pub fn stop(self, ok: bool) {
        self.calls.seconds.record(self.started.elapsed().as_secs_f64());
        if !self.calls.recorded.load(Ordering::Relaxed) {
            self.calls.recorded.store(true, Ordering::Relaxed);
        }
        if ok { self.calls.ok.increment(1) } else { self.calls.failed.increment(1) }
    }
}

struct Upkeep;
struct Tick;

impl Actor for Upkeep {
    type Msg = Tick;
    type State = Telemetry;
    type Arguments = Telemetry;

    async fn pre_start(
        &self,
        myself: ActorRef<Tick>,
        telemetry: Telemetry,
    ) -> Result<Telemetry, ActorProcessingErr> {
        myself.send_interval(UPKEEP, || Tick);
        Ok(telemetry)
    }

    async fn handle(
        &self,
        _: ActorRef<Tick>,
        _: Tick,
        telemetry: &mut Telemetry,
    ) -> Result<(), ActorProcessingErr> {
        // It looks at every histogram there is, and an idle app is to cost nothing.
        if telemetry.recorded.swap(false, Ordering::Relaxed) {
            telemetry.handle.run_upkeep();
        }
        Ok(())
    }
}
