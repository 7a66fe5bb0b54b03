//! The layer rule: which top-level module may import which. Part of the tidy test.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;

use super::{clean, is_tests, production, sources};

/// The imports that DESIGN.md's layer rule allows between top-level modules.
const DESIGN: &[(&str, &[&str])] = &[
    ("lib", &["actors", "app", "config", "invocation", "lang"]), // re-exports
    ("main", &[]),
    ("cli", &["app", "codegen", "schema"]),
    (
        "app",
        &[
            "actors",
            "bus",
            "config",
            "http",
            "invocation",
            "lang",
            "schema",
            "shutdown",
            "supervision",
            "telemetry",
        ],
    ),
    ("http", &["actors", "invocation", "schema"]),
    ("actors", &["supervision", "lang", "bus", "schema", "invocation", "shutdown"]),
    ("supervision", &["invocation", "shutdown"]),
    ("lang", &["invocation", "shutdown"]),
    ("bus", &["invocation", "shutdown"]),
    ("telemetry", &[]),
    ("config", &[]),
    ("invocation", &[]),
    ("shutdown", &[]),
    ("codegen", &["schema"]),
    ("schema", &[]),
];

/// The imports beyond it, with the reason; argued in ARCHITECTURE.md. One that is no longer used must go.
const ADDED: &[(&str, &str, &str)] = &[
    ("cli", "config", "run lays --port and --host over the configuration"),
    ("cli", "invocation", "list prints JSON"),
    ("cli", "lang", "run starts the V8 platform on the main thread, version names it"),
    ("config", "codegen", "its section is its own Config"),
    ("config", "lang", "the sections of the engines are their own Configs"),
    (
        "lang",
        "schema",
        "handler files are found by the spellings that generated code uses; V8 asks which integers are declared as bigint",
    ),
    ("config", "schema", "durations are written as in the schema"),
    ("http", "shutdown", "the door stops accepting when the app drains"),
    ("http", "supervision", "the listener is a supervised child"),
    ("actors", "telemetry", "every entity actor counts its calls"),
    ("telemetry", "supervision", "it has an actor, and it shows the tree's loads"),
    ("invocation", "schema", "a failure carries the violations of the schema"),
];

/// The top-level module that a file belongs to.
fn module(path: &str) -> &str {
    let path = path.trim_start_matches("src/");
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The top-level modules that a file imports.
fn imports(path: &str, text: &str) -> BTreeSet<String> {
    let code = production(text);
    let mut found = BTreeSet::new();
    let one = Regex::new(r"\bcrate::([a-z_0-9]+)").unwrap();
    found.extend(one.captures_iter(&code).map(|name| name[1].to_owned()));
    let group = Regex::new(r"\bcrate::\{").unwrap();
    let first_word = Regex::new(r"^\s*([a-z_0-9]+)").unwrap();
    let nested = Regex::new(r"\{[^{}]*\}").unwrap();
    for start in group.find_iter(&code) {
        let mut depth = 1;
        let inside: String = code[start.end()..]
            .chars()
            .take_while(|c| {
                depth += i32::from(*c == '{') - i32::from(*c == '}');
                depth > 0
            })
            .collect();
        let flat = nested.replace_all(&inside, "").into_owned();
        let names =
            flat.split(',').filter_map(|part| first_word.captures(part).map(|name| name[1].to_owned()));
        found.extend(names);
    }
    // `super::` may climb out of the top-level module as well.
    let parts: Vec<&str> = path.trim_start_matches("src/").trim_end_matches(".rs").split('/').collect();
    let depth = parts.len() - usize::from(parts.last() == Some(&"mod"));
    let climb = Regex::new(&format!(r"(?:^|[^:\w])(?:super::){{{depth}}}([a-z_0-9]+)")).unwrap();
    let climbed = climb.captures_iter(&code).map(|name| name[1].to_owned());
    found.extend(climbed.filter(|name| name != "super"));
    found.remove(module(path));
    found
}

pub fn known_modules() -> BTreeSet<&'static str> {
    DESIGN.iter().map(|(module, _)| *module).collect()
}

fn allowed(from: &str, to: &str) -> bool {
    let by_design = DESIGN.iter().any(|(module, targets)| *module == from && targets.contains(&to));
    by_design || ADDED.iter().any(|(module, target, _)| (*module, *target) == (from, to))
}

fn new_arrows(path: &str, text: &str) -> Vec<String> {
    let (from, known) = (module(path), known_modules());
    if !known.contains(from) {
        return vec![format!(
            "{path}: {from} is a new top-level module: give it a row in DESIGN, here and there"
        )];
    }
    let forbidden = |to: &String| known.contains(to.as_str()) && !allowed(from, to);
    let says = |to| {
        format!(
            "{path}: {from} → {to} is a new arrow: import downwards, or argue it in ARCHITECTURE.md and ADDED"
        )
    };
    imports(path, text).into_iter().filter(forbidden).map(says).collect()
}

/// A module that reaches itself over others.
fn cycle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    arrows.keys().find_map(|start| {
        let mut reached = BTreeSet::new();
        let mut next: Vec<&String> = arrows[start].iter().collect();
        while let Some(module) = next.pop() {
            if module == start {
                return Some(format!(
                    "{start} imports itself over {reached:?}: move what both need below both"
                ));
            }
            if reached.insert(module.clone()) {
                next.extend(arrows.get(module).into_iter().flatten());
            }
        }
        None
    })
}

#[test]
fn imports_go_down_the_layers() {
    let sources: Vec<_> = sources().into_iter().filter(|(path, _)| !is_tests(path)).collect();
    clean(sources.iter().flat_map(|(path, text)| new_arrows(path, text)));
    let known = known_modules();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in &sources {
        let targets = imports(path, text).into_iter().filter(|name| known.contains(name.as_str()));
        arrows.entry(module(path).to_owned()).or_default().extend(targets);
    }
    clean(cycle(&arrows));
    let unused = ADDED.iter().filter(|(from, to, _)| !arrows[*from].contains(*to));
    clean(unused.map(|(from, to, _)| format!("{from} → {to} is not used any more: take it out of ADDED")));
    assert!(
        arrows["app"].len() > 5 && arrows["http"].contains("actors"),
        "the imports are not found: {arrows:?}"
    );
}

#[test]
fn the_layer_check_can_fail() {
    let upwards = [
        ("src/bus/kafka.rs", "use crate::http::Door;"),
        ("src/bus/kafka.rs", "fn f() { crate::http::serve() }"),
        ("src/bus/kafka.rs", "use crate::{invocation::{Json, Trace}, http::{Door, Limits}};"),
        ("src/bus/kafka.rs", "use super::super::http::Door;"),
        ("src/bus/mod.rs", "use super::http::Door;"),
        ("src/schema/check.rs", "use crate::invocation::Json;"),
        ("src/surprise.rs", ""),
    ];
    for (path, text) in upwards {
        assert_eq!(new_arrows(path, text).len(), 1, "{path}: {text}");
    }
    let downwards = [
        "use crate::invocation::Json;",
        "use crate::bus::Envelope; // not crate::http",
        "const A: &str = \"crate::http\";",
        "#[cfg(test)]\nmod tests { use crate::http::Door; }\n",
        "use super::envelope::Envelope;",
    ];
    for text in downwards {
        assert_eq!(new_arrows("src/bus/kafka.rs", text), Vec::<String>::new(), "{text}");
    }
    let arrow = |from: &str, to: &str| (from.to_owned(), BTreeSet::from([to.to_owned()]));
    assert!(cycle(&BTreeMap::from([arrow("a", "b"), arrow("b", "c"), arrow("c", "a")])).is_some());
    assert!(cycle(&BTreeMap::from([arrow("a", "b"), arrow("b", "c")])).is_none());
}
