//! Measures cases twice: each on its own with criterion, then in turns with their peer for the ratio.
//!
//! The machine's load changes over seconds; neighbouring rounds share it, so their ratio holds when the times do
//! not. Called by every bench. Asserts nothing: the ratios are printed.

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};

/// How often each case runs in turns with the others.
const ROUNDS: usize = 15;

/// How long one case runs in one round.
const ROUND: Duration = Duration::from_millis(40);

/// One thing to measure.
pub struct Case<'a> {
    /// Its name within the comparison.
    pub name: &'static str,
    /// Carries out so many iterations and tells how long they took.
    pub run: Box<dyn FnMut(u64) -> Duration + 'a>,
}

impl<'a> Case<'a> {
    /// Makes the case `name` out of `run`.
    pub fn new(name: &'static str, run: impl FnMut(u64) -> Duration + 'a) -> Self {
        Case { name, run: Box::new(run) }
    }
}

/// Several ways to do the same thing. The last case is the peer, which the ratios relate to.
pub struct Comparison<'a> {
    /// The name of the criterion group.
    pub name: &'static str,
    /// How many operations one iteration carries out.
    pub operations: u64,
    /// Ours, then the peer.
    pub cases: Vec<Case<'a>>,
}

/// The lines for the end of a run.
#[derive(Default)]
pub struct Ratios(Vec<String>);

/// Returns criterion with short times and the arguments of the command line.
pub fn criterion() -> Criterion {
    Criterion::default()
        .without_plots()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1200))
        .configure_from_args()
}

impl Ratios {
    /// Measures a comparison and keeps its ratios.
    pub fn compare(&mut self, criterion: &mut Criterion, mut comparison: Comparison<'_>) {
        let times: Vec<Option<f64>> = with_criterion(criterion, &mut comparison);
        // `cargo test --benches` and a filter leave cases out: nothing to compare then.
        let measured = std::env::args().any(|argument| argument == "--bench");
        if let (true, Some(times)) = (measured, times.into_iter().collect::<Option<Vec<f64>>>()) {
            self.0.extend(in_turns(&mut comparison, &times));
        }
    }

    /// Prints the ratios.
    pub fn print(&self) {
        if self.0.is_empty() {
            return;
        }
        println!("\nratio = ours / peer: median of {ROUNDS} rounds in turns (25 % to 75 % of the rounds)");
        self.0.iter().for_each(|line| println!("{line}"));
    }
}

/// Runs every case with criterion; returns the last seconds per iteration of each that ran.
fn with_criterion(criterion: &mut Criterion, comparison: &mut Comparison<'_>) -> Vec<Option<f64>> {
    let mut times = Vec::new();
    let mut group = criterion.benchmark_group(comparison.name);
    group.throughput(Throughput::Elements(comparison.operations));
    group.sampling_mode(SamplingMode::Flat);
    for case in &mut comparison.cases {
        let mut time = None;
        group.bench_function(case.name, |bencher| {
            bencher.iter_custom(|iterations| {
                let took = (case.run)(iterations);
                time = Some(took.as_secs_f64() / iterations as f64);
                took
            });
        });
        times.push(time);
    }
    group.finish();
    times
}

/// Runs the cases round by round, one after the other; returns a line per case.
fn in_turns(comparison: &mut Comparison<'_>, times: &[f64]) -> Vec<String> {
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); times.len()];
    for _ in 0..ROUNDS {
        for (number, case) in comparison.cases.iter_mut().enumerate() {
            let iterations = (ROUND.as_secs_f64() / times[number]).ceil().max(1.0);
            let took = (case.run)(iterations as u64).as_secs_f64();
            rounds[number].push(took / iterations / comparison.operations as f64);
        }
    }
    let (peer, ours) = rounds.split_last().expect("a comparison has a peer");
    let peer_case = comparison.cases.last().expect("a comparison has a peer");
    let peer_name = peer_case.name;
    let line = |(case, seconds): (&Case<'_>, &Vec<f64>)| {
        let ratios = quartiles(seconds.iter().zip(peer).map(|(ours, peer)| ours / peer));
        let name = format!("{}: {}", comparison.name, case.name);
        format!(
            "{name:<44} {:>11}   {peer_name:<18} {:>11}   ratio {:>6.2} ({:.2} to {:.2})",
            format_time(median(seconds)),
            format_time(median(peer)),
            ratios[1],
            ratios[0],
            ratios[2],
        )
    };
    comparison.cases.iter().zip(ours).map(line).collect()
}

/// Returns the first quartile, the median and the third quartile.
fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| sorted[(sorted.len() - 1) * quarter / 4])
}

fn median(values: &[f64]) -> f64 {
    quartiles(values.iter().copied())[1]
}

fn format_time(seconds: f64) -> String {
    match seconds * 1e9 {
        nanos if nanos < 10_000.0 => format!("{nanos:.1} ns"),
        nanos => format!("{:.1} µs", nanos / 1e3),
    }
}
