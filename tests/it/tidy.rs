//! The rules of STYLE.md and DESIGN.md that no compiler checks, over the sources read as text.
//!
//! Each check is a function from text to complaints, tried on a bad sample in `every_check_can_fail`. A complaint says
//! what to do. Nothing here is run by the app.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;

mod layers;

/// Files of more than 500 production lines, with the reason.
const LONG_FILES: &[(&str, &str)] = &[(
    "src/schema/generator.rs",
    "random schemas for tests: one strategy per rule of the language, no code of the app",
)];

/// Words that say nothing about what a file or a type is.
const EMPTY_WORDS: [&str; 9] =
    ["util", "utils", "helper", "helpers", "common", "misc", "manager", "base", "info"];

/// Files that play the same role in both engines' folders, by the same name.
const SAME_IN_ENGINES: [&str; 4] = ["mod.rs", "calls.rs", "worker.rs", "tests.rs"];

// ---- reading

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file below `folder` that ends so, by its path from the repository's root.
fn files(folder: &str, ending: &str) -> Vec<String> {
    fn walk(path: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let relative = |path: PathBuf| path.strip_prefix(root()).unwrap().display().to_string();
    let mut found: Vec<String> =
        found.into_iter().map(relative).filter(|path| path.ends_with(ending)).collect();
    found.sort();
    assert!(!found.is_empty(), "no {ending} below {folder}");
    found
}

fn sources() -> Vec<(String, String)> {
    files("src", ".rs").into_iter().map(|path| (path.clone(), read(&path))).collect()
}

/// A file of tests only.
fn is_tests(path: &str) -> bool {
    path.ends_with("tests.rs")
}

static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r##"(?xs) //[^\n]* | /\*.*?\*/ | b?r\#\#".*?"\#\# | b?r\#".*?"\# | b?r".*?" | b?"(?:\\.|[^"\\])*" | b?'(?:\\[^\n]{1,9}?|[^'\\\n])' "##,
    )
    .unwrap()
});

/// Blanks comments and the contents of texts, so that only code is left; lines stay where they are.
fn code(text: &str) -> String {
    let blank = |found: &regex::Captures<'_>| -> String {
        let lines = found[0].matches('\n').count();
        let quotes = if found[0].starts_with('/') { "" } else { "\"\"" };
        format!("{quotes}{}", "\n".repeat(lines))
    };
    TOKENS.replace_all(text, blank).into_owned()
}

/// Takes `#[cfg(test)]` items with a body out of code.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        rest = &rest[at + "#[cfg(test)]".len()..];
        let end = match (rest.find('{'), rest.find(';')) {
            (Some(open), semicolon) if semicolon.is_none_or(|semicolon| open < semicolon) => {
                let mut depth = 0;
                let close = rest.char_indices().find(|(_, c)| {
                    depth += i32::from(*c == '{') - i32::from(*c == '}');
                    *c == '}' && depth == 0
                });
                close.map_or(rest.len(), |(at, _)| at + 1)
            }
            (_, Some(semicolon)) => semicolon + 1,
            _ => rest.len(),
        };
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn production(text: &str) -> String {
    without_tests(&code(text))
}

// ---- checks

fn no_header(path: &str, text: &str) -> Option<String> {
    let says = format!("{path}: begin it with //!: what it owns, who calls it, what it never does");
    (!text.starts_with("//!")).then_some(says)
}

fn too_long(path: &str, text: &str, allowed: &[(&str, &str)]) -> Option<String> {
    let lines = production(text).lines().count();
    let listed = allowed.iter().any(|(file, _)| *file == path);
    (lines > 500 && !listed)
        .then(|| format!("{path}: {lines} lines: split it, or list it in LONG_FILES with a reason"))
}

fn empty_names(path: &str, text: &str) -> Vec<String> {
    let declared = Regex::new(r"\b(?:mod|struct|enum|trait|type)\s+([A-Za-z0-9_]+)").unwrap();
    let capitals = Regex::new(r"([a-z0-9])([A-Z])").unwrap();
    let code = code(text);
    let declared = declared.captures_iter(&code).map(|found| found[1].to_owned());
    let segments = path.trim_end_matches(".rs").split('/').map(str::to_owned);
    let empty = |name: &String| {
        let snake = capitals.replace_all(name, "${1}_$2").to_lowercase();
        snake.split('_').any(|word| EMPTY_WORDS.contains(&word))
    };
    let says = |name| format!("{path}: \"{name}\" says nothing: name it after what it does or holds");
    segments.chain(declared).filter(empty).map(says).collect()
}

fn leftovers(path: &str, text: &str) -> Vec<String> {
    let table = [
        (r"\b(todo|unimplemented)!", "finish it or open an issue"),
        (r"#\[ignore\b", "a test that does not run is none: make it fast and let it run, or make it a bench"),
        (r"\bdbg!", "remove it"),
    ];
    let code = code(text);
    let hit = |(pattern, what): &(&str, &str)| {
        let found = Regex::new(pattern).unwrap().find(&code)?.as_str().to_owned();
        Some(format!("{path}: {found}: {what}"))
    };
    table.iter().filter_map(hit).collect()
}

fn globs(path: &str, text: &str) -> Vec<String> {
    let glob = Regex::new(r"\buse\s[^;]*\*[^;]*;").unwrap();
    let says = |found: regex::Match<'_>| format!("{path}: {}: import by name", found.as_str());
    glob.find_iter(&production(text)).map(says).collect()
}

fn codes_without_fixture(codes: &str, expectations: &str) -> Vec<String> {
    let code = Regex::new("\"(S[0-9]{4})\"").unwrap();
    let found = code.captures_iter(codes).map(|found| found[1].to_owned());
    let missing = found.filter(|code| !expectations.contains(code.as_str()));
    missing.map(|code| format!("{code}: write a fixture in tests/schema that gives it")).collect()
}

fn is_binary(path: &str, bytes: &[u8]) -> Option<String> {
    let says =
        format!("{path}: a binary is tracked: generate it, or put it into third_party/ with its licence");
    (bytes.contains(&0) && !path.starts_with("third_party/v8/")).then_some(says)
}

fn long_architecture(text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > 200)
        .then(|| format!("ARCHITECTURE.md: {lines} lines, at most 200: it is a map, cut what is not"))
}

fn not_on_the_map(architecture: &str, modules: &[&str]) -> Vec<String> {
    let missing = modules.iter().filter(|module| {
        !architecture.contains(&format!("{module}/")) && !architecture.contains(&format!("{module}.rs"))
    });
    missing.map(|module| format!("ARCHITECTURE.md: {module} has no line in the tree")).collect()
}

// ---- the sources hold

fn clean(complaints: impl IntoIterator<Item = String>) {
    let complaints: Vec<String> = complaints.into_iter().collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn files_begin_with_what_they_are() {
    let tests = files("tests/it", ".rs").into_iter().map(|path| (path.clone(), read(&path)));
    clean(sources().into_iter().chain(tests).filter_map(|(path, text)| no_header(&path, &text)));
}

#[test]
fn files_fit_a_head() {
    clean(
        sources()
            .iter()
            .filter(|(path, _)| !is_tests(path))
            .filter_map(|(path, text)| too_long(path, text, LONG_FILES)),
    );
}

#[test]
fn names_say_something() {
    clean(sources().iter().flat_map(|(path, text)| empty_names(path, text)));
}

#[test]
fn nothing_is_left_over() {
    let sources = sources();
    clean(sources.iter().flat_map(|(path, text)| leftovers(path, text)));
}

#[test]
fn imports_name_what_they_import() {
    clean(sources().iter().filter(|(path, _)| !is_tests(path)).flat_map(|(path, text)| globs(path, text)));
}

#[test]
fn every_diagnostic_has_a_fixture() {
    let expectations: String = files("tests/schema", ".txt").iter().map(|path| read(path)).collect();
    let codes = read("src/schema/codes.rs");
    assert!(codes.contains("\"S0001\""), "the codes moved: tell this test where to");
    clean(codes_without_fixture(&codes, &expectations));
}

#[test]
fn no_binaries_are_tracked() {
    if !root().join(".git").exists() {
        return; // a source archive: nothing is tracked
    }
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root()).output();
    let listed = listed.expect("git is installed: make setup");
    assert!(listed.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listed.stderr));
    let paths = String::from_utf8(listed.stdout).unwrap();
    let ours = paths.split('\0').filter(|path| !path.is_empty() && !path.starts_with("third_party/v8/"));
    let read = |path: &str| fs::read(root().join(path)).unwrap_or_default(); // it may be deleted and not staged
    clean(ours.filter_map(|path| is_binary(path, &read(path))));
}

#[test]
fn the_map_is_short_and_whole() {
    let architecture = read("ARCHITECTURE.md");
    clean(long_architecture(&architecture));
    let modules: Vec<&str> = layers::known_modules().into_iter().collect();
    clean(not_on_the_map(&architecture, &modules));
}

#[test]
fn engines_name_alike_what_is_alike() {
    for engine in ["v8", "python"] {
        let missing =
            SAME_IN_ENGINES.iter().filter(|file| !root().join("src/lang").join(engine).join(file).is_file());
        clean(missing.map(|file| {
            format!("src/lang/{engine}/{file} is gone: its sibling engine still has one by that name")
        }));
    }
}

// ---- the checks can fail

#[test]
fn every_check_can_fail() {
    let long = "fn f() {}\n".repeat(501);
    assert!(no_header("src/a.rs", "use std::fmt;").is_some() && no_header("src/a.rs", "//! A.").is_none());
    assert!(
        too_long("src/a.rs", &long, &[]).is_some()
            && too_long("src/a.rs", &long, &[("src/a.rs", "why")]).is_none()
    );
    assert_eq!(empty_names("src/http/utils.rs", "struct PoolManager; // struct Helper").len(), 2);
    assert_eq!(empty_names("src/http/base64.rs", "struct Database;"), Vec::<String>::new());
    assert_eq!(leftovers("src/a.rs", "#[ignore] fn f() { dbg!(todo!()) }").len(), 3);
    assert_eq!(leftovers("src/a.rs", "// todo!()\nconst A: &str = \"todo!()\";"), Vec::<String>::new());
    assert_eq!(globs("src/a.rs", "use std::fmt::*;\nuse a::{b::*, c};").len(), 2);
    assert_eq!(globs("src/a.rs", "#[cfg(test)]\nmod tests { use super::*; }"), Vec::<String>::new());
    assert_eq!(codes_without_fixture("A = \"S0001\"; B = \"S0002\";", "error S0001").len(), 1);
    assert!(
        is_binary("logo.png", b"\x89PNG\0").is_some() && is_binary("third_party/v8/a.gz", b"\0").is_none()
    );
    assert!(long_architecture(&"line\n".repeat(201)).is_some());
    assert_eq!(not_on_the_map("app/ is on it", &["app", "bus"]).len(), 1);
}
