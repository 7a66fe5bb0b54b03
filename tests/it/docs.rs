//! The language reference is true: every example compiles, or gives exactly the code it is marked with, and every
//! property, attribute, type and code that the compiler knows has its place.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::path::Path;

use regex::Regex;
use rohas::schema::{
    CatchUp, Diagnostic, Format, Method, Overlap, Scalar, Severity, SourceFile, codes, compile,
};

fn reference() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language.md")).unwrap()
}

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    compile(&[SourceFile { path: "docs.ro".to_owned(), text: text.to_owned() }]).1
}

/// The `ro` blocks of a page: the code each is marked with, and its text.
fn examples(page: &str) -> Vec<(Option<String>, String)> {
    let block = Regex::new(r"(?ms)^```ro(?:,error:(S\d{4}))?\n(.*?)^```$").unwrap();
    let example =
        |found: regex::Captures<'_>| (found.get(1).map(|code| code.as_str().to_owned()), found[2].to_owned());
    block.captures_iter(page).map(example).collect()
}

/// The first cells of the tables below `heading`, without backticks: what they are about.
fn documented(page: &str, heading: &str) -> Vec<String> {
    let start = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}")) + 1;
    let section = &page[start + heading.len()..];
    let level = heading.split(' ').next().unwrap();
    let section = section.split(&format!("\n{level} ")).next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let names = |cell: &str| -> Vec<String> {
        cell.split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
    };
    cells.flat_map(names).collect()
}

/// What the compiler lists in the hint of the problem `code` of `text`.
fn known(text: &str, code: &str) -> Vec<String> {
    let found = diagnostics(text);
    let found = found.iter().find(|found| found.code == code).unwrap_or_else(|| panic!("{text}: {found:?}"));
    let hint = found.hint.as_deref().unwrap_or_default();
    let list = hint.split_once(" are ").unwrap_or_else(|| panic!("{text}: {hint:?} lists nothing")).1;
    list.split(", ").map(|name| name.trim_matches('`').to_owned()).collect()
}

fn same(what: &str, mut documented: Vec<String>, mut known: Vec<String>) {
    documented.sort();
    documented.dedup();
    known.sort();
    assert_eq!(documented, known, "{what}: left is documented, right is what the compiler knows");
}

#[test]
fn every_example_is_what_it_says() {
    let examples = examples(&reference());
    assert!(examples.len() > 10 && examples.iter().filter(|(code, _)| code.is_some()).count() > 3);
    for (code, text) in examples {
        let mut found: Vec<Diagnostic> = diagnostics(&text);
        // An example need not use every type that it shows.
        found.retain(|found| found.code != codes::UNUSED_ITEM || code.as_deref() == Some(codes::UNUSED_ITEM));
        found.dedup_by_key(|found| found.code);
        let codes: Vec<&str> = found.iter().map(|found| found.code).collect();
        let shown: String = found.iter().map(|found| found.render(false)).collect();
        assert_eq!(codes, code.as_deref().into_iter().collect::<Vec<_>>(), "{text}\n{shown}");
    }
}

#[test]
fn every_item_and_property_has_its_row() {
    let page = reference();
    let items = known("thing Zzzzzzzz { }", codes::UNKNOWN_ITEM);
    same("items", documented(&page, "## Items"), items);
    for item in ["api", "event", "cron", "ws"] {
        let properties = known(&format!("{item} Thing {{ zzzzzzzzzzzz: 1 }}"), codes::UNKNOWN_PROPERTY);
        assert!(properties.len() > 5, "{properties:?}");
        same(item, documented(&page, &format!("## {item}")), properties);
    }
    for part in known("event Thing { retry: { zzzzzzzzzzzz: 1 } }", codes::UNKNOWN_PROPERTY) {
        assert!(page.contains(&format!("{part}: ")), "retry: {part}");
    }
}

#[test]
fn every_type_and_attribute_has_its_row() {
    let page = reference();
    let mut scalars = Scalar::ALL.map(|scalar| scalar.as_str().to_owned()).to_vec();
    scalars.push("Bool".to_owned());
    let types = documented(&page, "## Types");
    let types = types.into_iter().filter(|name| name.chars().all(char::is_alphabetic) && name != "Product");
    same("types", types.collect(), scalars);
    let attributes = known("model Thing { id Int @zzzzzzzzzzzz }", codes::UNKNOWN_ATTRIBUTE);
    let bare = |written: String| written.split('(').next().unwrap().to_owned();
    let rows = documented(&page, "## Attributes").into_iter().map(bare).filter(|name| name.starts_with('@'));
    same("attributes", rows.collect(), attributes);
    for format in Format::ALL {
        assert!(page.contains(&format!("`{}`", format.as_str())), "{}", format.as_str());
    }
}

#[test]
fn every_choice_is_named() {
    let page = reference();
    let methods = Method::ALL.map(Method::as_str).join(", ");
    assert!(page.contains(&format!("| `method` | {methods} |")), "{methods}");
    let overlaps = [("skip", Overlap::Skip), ("queue", Overlap::Queue), ("parallel", Overlap::Parallel)];
    let catch_ups = [("none", CatchUp::None), ("one", CatchUp::One), ("all", CatchUp::All)];
    let cron = |property: &str, word: &str| {
        let text = format!("cron C {{ schedule: \"@daily\" {property}: {word} }}");
        let file = SourceFile { path: "docs.ro".to_owned(), text };
        let (schema, diagnostics) = compile(&[file]);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        schema.crons["C"].clone()
    };
    overlaps.iter().for_each(|(word, overlap)| assert_eq!(cron("overlap", word).overlap, *overlap));
    catch_ups.iter().for_each(|(word, catch_up)| assert_eq!(cron("catch_up", word).catch_up, *catch_up));
    assert!(page.contains("| `overlap` | skip, queue, parallel | skip |"));
    assert!(page.contains("| `catch_up` | none, one, all | one |"));
}

#[test]
fn every_older_spelling_is_accepted() {
    let page = reference();
    let (_, section) = page.split_once("\n## Older spellings\n").unwrap();
    assert!(documented(&page, "## Older spellings").len() >= 10);
    let example = &examples(section)[0].1;
    for older in ["handlers:", "type: sqs", "on_connect:", "/:id", "method: \"get\"", "now()", "timeout: 30"]
    {
        assert!(example.contains(older), "{older} is not in the example, which is compiled");
    }
}

#[test]
fn the_table_of_codes_is_the_compilers() {
    let severity = |severity| if severity == Severity::Error { "error" } else { "warning" };
    let row =
        |code: &codes::Code| format!("| {} | {} | {} |\n", code.code, severity(code.severity), code.title);
    let table: String = codes::ALL.iter().map(row).collect();
    let table = format!("<!-- codes -->\n| code | | |\n|---|---|---|\n{table}\n");
    assert!(reference().contains(&table), "make the table of codes in docs/language.md this one:\n{table}");
}

#[test]
fn every_check_can_fail() {
    let page = "a\n```ro\nmodel A { }\n```\n```ro,error:S0001\n}\n```\n```rust\n```\n";
    assert_eq!(
        examples(page).iter().map(|(code, _)| code.as_deref()).collect::<Vec<_>>(),
        [None, Some("S0001")]
    );
    let page = "x\n## api\n| `a`, `b` | c |\n### more\n| `d` | e |\n## event\n| `f` | g |\n";
    assert_eq!(documented(page, "## api"), ["a", "b", "d"]);
    assert_eq!(known("thing Zzzzzzzz { }", codes::UNKNOWN_ITEM).len(), 8);
}
