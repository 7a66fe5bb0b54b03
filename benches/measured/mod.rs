//! The measurements, by name.

mod memory;

/// What is measured in a process of this program, and its unit.
pub const NAMES: &[(&str, &str)] = &[
    ("memory per idle actor: ractor, linked", "bytes"),
    ("memory per idle actor: kameo, bounded", "bytes"),
    ("memory per idle actor: actix", "bytes"),
];

/// What is measured in Erlang.
pub const ERLANG: &[(&str, &str)] = &[(
    "memory per idle actor: Erlang process",
    "N = 100000, Used = fun() -> erlang:memory(processes) end, Before = Used(),
     Kept = [spawn(fun() -> receive stop -> ok end end) || _ <- lists:seq(1, N)],
     io:format(\"~p~n\", [(Used() - Before) / length(Kept)]), halt().",
)];

/// Carries one of [`NAMES`] out.
pub fn measure(name: &str) -> f64 {
    match name {
        "memory per idle actor: ractor, linked" => memory::ractor(),
        "memory per idle actor: kameo, bounded" => memory::kameo(),
        "memory per idle actor: actix" => memory::actix(),
        _ => panic!("nothing is called {name:?}"),
    }
}
