//! Inputs that grow: nothing costs more than in proportion to the length of the text. Part of the fuzz harness.

use std::hint::black_box;
use std::time::Duration;

use super::{Chance, cases, corpus, cpu_time, pieces, seed, source};
use crate::schema::{compile, format};

/// Texts of a beginning, a part that is repeated, and an end; `#` in the part is its number, `+` the next.
const GROWING: &[(&str, &str, &str)] = &[
    ("", "model A# { x: Int }\n", ""),
    ("", "model A# { x: A+ }\n", ""),
    ("", "model A# { x: A+? }\n", ""),
    ("", "model A { x: Int }\n", ""),
    ("model A {", "x#: Int @min(1)\n", "}"),
    ("model A {", "x: Int\n", "}"),
    ("model A {", "x#: Nope#\n", "}"),
    ("", "model A# { x: B# }\n", ""),
    ("model A { x: Int", " @id", "}"),
    ("model A { x: Int", " @nope#", "}"),
    ("model A { x: Int", "[]", "}"),
    ("model A { x: Int", "?", "}"),
    ("model A { x: ", "Map<", "}"),
    ("model A { x: ", "{ x: ", "}"),
    ("model A { x: Int @default([", "#,", "]) }"),
    ("model A { x: Int @length(", "#,", ") }"),
    ("model A { x: String @default(\"", "abc ", "\") }"),
    ("model A { x: String @pattern(\"", "(a|b)?", "\") }"),
    ("model A { x: Int @default(", "9", ") }"),
    ("model ", "a", " { x: Int }"),
    ("model A", "a", "1 { x: Int y: B }"),
    ("model A { x: ", "a", " }"),
    ("model A { ", "aB_", ": Int }"),
    ("enum A {", "B#\n", "}"),
    ("enum A {", "B ", "}"),
    ("enum A { X } model B {", "x#: A @default(X)\n", "}"),
    ("", "enum A# { X }\n", ""),
    ("", "event E# { triggers: [E+] }\n", ""),
    ("event E { handler: [", "h#, ", "] }"),
    ("event E { triggers: [", "E#, ", "] }"),
    ("event E { handler: [", "h ", "] }"),
    ("event E { ", "durable: true\n", " }"),
    ("event E { ", "nope#: true\n", " }"),
    ("event E { payload: {", "x#: Int\n", "} key: \"nope\" }"),
    ("", "api A# { method: GET path: \"/a#/{x}\" }\n", ""),
    ("", "api A# { method: GET path: \"/{x}/a\" }\n", ""),
    ("", "api A# { method: GET path: \"/{x}/a#/{*y}\" }\n", ""),
    ("api A { method: GET path: \"", "/a", "\" }"),
    ("api A { method: GET path: \"", "/{x#}", "\" }"),
    ("api A { method: GET path: \"", "/:x", "\" }"),
    ("api A { method: GET path: \"/\" headers: {", "x#: String\n", "} }"),
    ("api A { method: GET path: \"/\" params: {", "x#: String\n", "} }"),
    ("api A { method: GET path: \"/\" errors: {", "404: X\n", "} }"),
    ("api A { method: ", "a", " path: \"/\" }"),
    ("cron C { schedule: \"", "* ", "\" }"),
    ("cron C { schedule: \"", "1,", "\" }"),
    ("cron C { schedule: \"* * * * *\" timezone: \"", "Europe/", "\" }"),
    ("", "cron C# { schedule: \"* * * * *\" timezone: Nope }\n", ""),
    ("", "ws W# { path: \"/w#\" }\n", ""),
    ("", "model", ""),
    ("", "model A {\n", ""),
    ("", "}", ""),
    ("", "{", ""),
    ("", "\"", ""),
    ("", "\"\n", ""),
    ("", "model A# { x: \"y }\n", ""),
    ("", "/*", ""),
    ("", "/* */", ""),
    ("", "//\n", ""),
    ("", "/// a\n", "model A {}"),
    ("model A {", "/* a */", "}"),
    ("model A {", "// a\n", "}"),
    ("model A { x: ", "/* a */", "Int }"),
    ("model A { x: ", "// a\n", "Int }"),
    ("model A { x: Int", "/* a */", "}"),
    ("", "\n", ""),
    ("", " ", "x"),
    ("", "é", ""),
    ("", "nope\n", ""),
    ("", "nope A {}\n", ""),
    ("", "model A# {\n} }\n", ""),
    ("", "model A# { x }\n", ""),
];

fn grown((start, part, end): (&str, &str, &str), bytes: usize) -> String {
    let times = bytes / (part.len() + 3) + 1;
    let part = |at: usize| part.replace('#', &at.to_string()).replace("A+", &format!("A{}", at + 1));
    let parts: String = (0..times).map(|at| part(at).replace("E+", &format!("E{}", at + 1))).collect();
    format!("{start}{parts}{end}")
}

/// The least of some measurements.
fn cost(text: &str) -> Duration {
    let file = source(text);
    let once = || {
        let begin = cpu_time();
        black_box((compile(std::slice::from_ref(&file)), format(&file).is_ok()));
        cpu_time() - begin
    };
    let first = once();
    if first > Duration::from_secs(4) { first } else { first.min(once()) }
}

/// Doubles an input until it costs enough to be measured, and tells by how much the cost then grows: per doubling, over
/// two of them.
fn growth(make: impl Fn(usize) -> String) -> Option<(usize, Duration, f64)> {
    let enough = Duration::from_millis(if cases(0) > 0 { 20 } else { 2 });
    let mut bytes = 2_000;
    while bytes < 400_000 {
        let text = make(bytes);
        let before = cost(&text);
        if before > enough {
            let grown = make(bytes * 4);
            // The numbers in a text grow as well.
            let size = grown.len() as f64 / text.len() as f64 / 4.0;
            let ratio = || cost(&grown).as_secs_f64() / cost(&text).as_secs_f64() / size;
            let first = ratio();
            let ratio = if first < 9.0 { first } else { first.min(ratio()).min(ratio()) };
            return Some((text.len(), before, ratio.sqrt()));
        }
        bytes *= 2;
    }
    None
}

/// Repeats a part of a good text in its place.
fn repeated(corpus: &[String], chance: &mut Chance) -> (String, String, String) {
    let pieces = pieces(&corpus[chance.below(corpus.len())]);
    let at = chance.below(pieces.len());
    let to = (at + 1 + chance.below(8)).min(pieces.len());
    (pieces[..at].concat(), pieces[at..to].concat(), pieces[to..].concat())
}

#[test]
fn no_cost_grows_faster_than_the_text() {
    let mut findings = Vec::new();
    let corpus = corpus();
    let random = (0..cases(4_000) / 1_000).map(|case| {
        let mut chance = Chance(seed().wrapping_mul(1 << 32).wrapping_add(case as u64), 500);
        repeated(&corpus, &mut chance)
    });
    let written =
        GROWING.iter().map(|(start, part, end)| ((*start).to_owned(), (*part).to_owned(), (*end).to_owned()));
    for (start, part, end) in written.chain(random) {
        if let Some((bytes, took, ratio)) = growth(|bytes| grown((&start, &part, &end), bytes))
            && ratio > 3.0
        {
            findings.push(format!(
                "{part:?}: {bytes} bytes in {took:?}, twice of it {ratio:.1} times, in\n{start}…{end}"
            ));
        }
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}
