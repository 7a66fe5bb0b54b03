//! The canonical form by example, and its laws on random schemas.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestRunner};
use regex::Regex;

use super::format;
use crate::schema::generator;
use crate::schema::{Schema, Severity, SourceFile, compile};

fn source(text: &str) -> SourceFile {
    SourceFile { path: "test.ro".to_owned(), text: text.to_owned() }
}

fn formatted(text: &str) -> String {
    format(&source(text)).unwrap_or_else(|errors| panic!("{}\n{text}", errors[0].render(false)))
}

/// The model without spans.
pub(in crate::schema) fn meaning(schema: &Schema) -> String {
    let text = format!("{schema:?}");
    let mut parts = text.split("Span { file: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |sum, part| sum + part.split_once('}').map_or("", |(_, rest)| rest))
}

/// The comments of a text in order, with every run of white space as one space.
pub(in crate::schema) fn comments(text: &str) -> Vec<String> {
    static TOKEN: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?s)//[^\n]*|/\*.*?\*/|"(?:\\[^\n]|[^"\\\n])*""#).unwrap());
    let found = TOKEN.find_iter(text).map(|found| found.as_str()).filter(|found| found.starts_with('/'));
    found.map(|comment| comment.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// `tests/format.txt` holds what is written and, below `----`, what it becomes.
#[test]
fn examples() {
    let examples =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format.txt")).unwrap();
    let mut wrong = Vec::new();
    for example in examples.trim_end().split("\n====\n") {
        let (written, expected) = example.split_once("\n----\n").expect("an example has two halves");
        let expected = format!("{expected}\n");
        let actual = formatted(written);
        if actual != expected || formatted(&actual) != actual {
            wrong.push(format!("{written}\n----\n{actual}"));
        }
    }
    assert!(examples.matches("----").count() > 20);
    assert!(wrong.is_empty(), "\n{}", wrong.join("====\n"));
}

#[test]
fn whatever_ends_the_lines_the_result_has_line_feeds() {
    let text = "\u{FEFF}model A {\r\n\tx Int   \r\n\r\n\r\n  /* a  \r\n b */\r\n}\r\n// end \t";
    assert_eq!(formatted(text), "model A {\n  x: Int\n\n  /* a\n b */\n}\n\n// end\n");
    assert_eq!(formatted(" \r\n\u{FEFF}\n"), "");
}

#[test]
fn errors_of_syntax_change_nothing_and_errors_of_meaning_do_not_matter() {
    for text in
        ["model A {", "model A { x: }", "enum { X }", "/*", "model A { x: Int } }", "model A { \"x: Int }"]
    {
        let errors = format(&source(text)).expect_err(text);
        assert!(errors.iter().all(|error| error.severity == Severity::Error && error.file == "test.ro"));
    }
    assert_eq!(formatted("api A{x:Y @z(1)}"), "api A {\n  x: Y @z(1)\n}\n");
}

#[test]
fn both_spellings_of_optional_allow_the_same() {
    let codes = |text: &str| compile(&[source(text)]).1.iter().map(|found| found.code).collect::<Vec<_>>();
    for (attribute, expected) in [("@id", vec!["S0011"]), ("@default(null)", vec![]), ("@unique", vec![])] {
        let older = format!("model A {{ x: Int @optional {attribute} }}");
        let present = formatted(&older);
        assert_eq!(present, format!("model A {{\n  x: Int? {attribute}\n}}\n"));
        assert_eq!((codes(&older), codes(&present)), (expected.clone(), expected));
    }
}

#[test]
fn the_laws_hold_for_random_schemas() {
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let choices = vec(any::<u8>(), 0..700);
    runner
        .run(&choices, |choices| {
            let text = generator::schema(&choices);
            let (schema, diagnostics) = compile(&[source(&text)]);
            let errors = diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
            assert!(errors.is_none(), "{}", errors.unwrap().render(false));
            let once = formatted(&text);
            assert_eq!(meaning(&schema), meaning(&compile(&[source(&once)]).0), "{text}\n{once}");
            assert_eq!(once, formatted(&once), "{text}");
            assert_eq!(comments(&text), comments(&once), "{text}\n{once}");
            assert_eq!(once, formatted(&respaced(&once, &choices)), "{text}");
            assert!(once.lines().all(|line| line.trim_end() == line), "{once}");
            Ok(())
        })
        .unwrap();
}

/// Changes the white space of a formatted text without moving comments to other lines or blank lines away.
fn respaced(text: &str, choices: &[u8]) -> String {
    let token =
        Regex::new(r#"(?s)//[^\n]*|/\*.*?\*/|"(?:\\[^\n]|[^"\\\n])*"|[\w@./+-]+|\n+ *| +|."#).unwrap();
    let mut at = 0;
    let mut pick = || {
        at += 1;
        choices.get(at % choices.len().max(1)).copied().unwrap_or(0)
    };
    let (mut depth, mut out) = (0_usize, String::new());
    for found in token.find_iter(text) {
        match found.as_str() {
            signs @ ("{" | "[" | "(") => {
                depth += 1;
                out.push_str(signs);
            }
            signs @ ("}" | "]" | ")") => {
                depth -= 1;
                out.push_str(signs);
            }
            space if space.trim().is_empty() => {
                let breaks = space.matches('\n').count();
                let line = ["\n", "\r\n", "\n\t", " \n   "][usize::from(pick() % 4)];
                match breaks {
                    0 => out.push_str(["  ", "\t", " ", "     "][usize::from(pick() % 4)]),
                    1 => out.push_str(line),
                    _ => out.push_str(&line.repeat(breaks + usize::from(pick() % 3))),
                }
            }
            other => out.push_str(other),
        }
    }
    assert_eq!(depth, 0);
    out
}
