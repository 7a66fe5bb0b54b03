//! The measurements, by name.

mod app;
mod memory;
mod supervised;

/// Carries a measurement out.
type Measure = fn() -> f64;

/// What is measured in a process of this program, its unit, and how.
pub const ALL: &[(&str, &str, Measure)] = &[
    ("memory per idle actor: ours, waiting for its first message", "bytes", supervised::memory_on_demand),
    ("memory per idle actor: ours, started", "bytes", supervised::memory),
    ("memory per idle actor: ractor, linked", "bytes", memory::ractor),
    ("memory per idle actor: kameo, bounded", "bytes", memory::kameo),
    ("memory per idle actor: actix", "bytes", memory::actix),
    ("spawn: ours, a supervisor's first children", "ns", supervised::spawn_first),
    ("spawn: ours, under a supervisor that runs", "ns", supervised::spawn_later),
    ("spawn: ractor, linked", "ns", supervised::spawn_raw),
    ("crash to next message handled, 99th percentile", "µs", supervised::restart),
    ("a million KiB to an actor that hangs: ours", "MiB", supervised::stuck),
    ("a million KiB to an actor that hangs: ractor", "MiB", supervised::stuck_raw),
    ("10,000 apis: memory per api, all there is of it", "bytes", app::memory),
    ("10,000 apis: from the text to a running tree", "ms", app::start),
    ("10,000 apis: an idle app", "thousandths of a core", app::idle),
];

/// What is measured in Erlang.
pub const ERLANG: &[(&str, &str)] = &[(
    "memory per idle actor: Erlang process",
    "N = 100000, Used = fun() -> erlang:memory(processes) end, Before = Used(),
     Kept = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, N)],
     io:format(\"~p~n\", [(Used() - Before) / length(Kept)]), halt().",
)];
