//! The whole HTTP path with a Rust handler against bare hyper that parses and writes the same JSON.
//!
//! ```text
//!  bench process                          server process: this program again, with `serve ours` or `serve peer`
//!  load (keep-alive connections) ──POST──▶ hyper ─▶ route, check ─▶ api ─▶ executor ─▶ handler ─▶ check ─▶ JSON
//!                                ──POST──▶ hyper ─▶ serde ─▶ serde
//! ```
//!
//! Latency is one connection; throughput is 32 connections, as wall time per request and as CPU time of the
//! server per request, which other processes on the machine disturb least.

use std::process::ExitCode;
use std::time::Duration;

use crate::http::load::{Latency, Throughput};
use crate::http::server::{self, Role, Server};
use crate::measure::{Case, Comparison, Ratios};

mod http;
mod measure;
mod sample;

/// Connections of the throughput comparison.
const CONNECTIONS: usize = 32;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, command, role] = &arguments[..]
        && command == server::COMMAND
    {
        return server::serve(role);
    }
    bench();
    ExitCode::SUCCESS
}

fn bench() {
    let (ours, peer) = (Server::start(Role::Ours), Server::start(Role::Peer));
    let mut criterion = measure::criterion();
    let mut ratios = Ratios::default();
    let latency = |server: &Server| {
        let mut latency = Latency::connect(server.address());
        move |requests| latency.run(requests)
    };
    let compared = compare("http, 1 connection", latency(&ours), latency(&peer));
    ratios.compare(&mut criterion, compared);
    let wall = |server: &Server| {
        let mut throughput = Throughput::connect(server.address(), CONNECTIONS);
        move |requests| throughput.run(requests)
    };
    let compared = compare("http, 32 connections", wall(&ours), wall(&peer));
    ratios.compare(&mut criterion, compared);
    let compared =
        compare("http, 32 connections, CPU", cpu_time(&ours, wall(&ours)), cpu_time(&peer, wall(&peer)));
    ratios.compare(&mut criterion, compared);
    criterion.final_summary();
    ratios.print();
}

fn compare<'a>(
    name: &'static str,
    ours: impl FnMut(u64) -> Duration + 'a,
    peer: impl FnMut(u64) -> Duration + 'a,
) -> Comparison<'a> {
    Comparison { name, operations: 1, cases: vec![Case::new("rohas", ours), Case::new("bare hyper", peer)] }
}

/// Measures the CPU time of the server instead of the wall time of `run`.
fn cpu_time(server: &Server, mut run: impl FnMut(u64) -> Duration) -> impl FnMut(u64) -> Duration {
    move |requests| {
        let before = server.cpu_time();
        run(requests);
        server.cpu_time() - before
    }
}
