//! Names of the schema as Rust's: types, fields, variants. Used everywhere below `rust`.

use std::collections::HashSet;

use crate::codegen::names::free;
use crate::schema::{pascal_case, snake_case};

const KEYWORDS: [&str; 54] = [
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
    "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield", "_",
];

/// The code that serde derives names these without a path.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16", "u32",
    "u64", "u8", "usize",
];

/// Returns the type of a shape or an enum.
pub(super) fn type_name(name: &str) -> String {
    free(name.to_owned(), |name| KEYWORDS.contains(&name) || PRIMITIVES.contains(&name))
}

/// Returns the fields of a struct for the names on the wire, in order.
pub(super) fn fields<'n>(wire: impl Iterator<Item = &'n str>) -> Vec<String> {
    unlike(wire, |name| started(snake_case(name), 'n'))
}

/// Returns the variants of an enum for its values, in order.
pub(super) fn variants<'n>(values: impl Iterator<Item = &'n str>) -> Vec<String> {
    unlike(values, |value| match pascal_case(value) {
        name if name.is_empty() => "Underscore".to_owned(),
        name => started(name, 'N'),
    })
}

/// Returns `spelled` of every name, in order, made unlike each other: what is spelled as on the wire keeps its name,
/// then come the others, and last what needs an escape.
fn unlike<'n>(wire: impl Iterator<Item = &'n str>, spelled: impl Fn(&str) -> String) -> Vec<String> {
    let mut names: Vec<(&str, String)> = wire.map(|name| (name, spelled(name))).collect();
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|at| (KEYWORDS.contains(&names[*at].1.as_str()), names[*at].0 != names[*at].1));
    let mut taken = HashSet::new();
    for at in order {
        let used = |name: &str| taken.contains(name) || KEYWORDS.contains(&name);
        let name = free(names[at].1.clone(), used);
        taken.insert(name.clone());
        names[at].1 = name;
    }
    names.into_iter().map(|(_, name)| name).collect()
}

/// Puts a letter before a digit: a header may start with one.
fn started(name: String, letter: char) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("{letter}{name}") } else { name }
}
