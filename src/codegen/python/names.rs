//! Names of the schema as Python's: modules, fields, enum members. Used everywhere below `python`.

use std::collections::{BTreeMap, HashSet};

use crate::codegen::names::free;
use crate::schema::snake_case;

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// What `str` and `Enum` have already: a member of that name would replace it.
const OF_ENUMS: [&str; 51] = [
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "maketrans",
    "mro",
    "name",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "self",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "value",
    "zfill",
];

/// What `BaseModel` has already, beside what starts with `model_`.
const OF_PYDANTIC: [&str; 12] = [
    "construct",
    "copy",
    "dict",
    "from_orm",
    "json",
    "parse_file",
    "parse_obj",
    "parse_raw",
    "schema",
    "schema_json",
    "update_forward_refs",
    "validate",
];

/// What every exception has already.
const OF_ERRORS: [&str; 3] = ["add_note", "args", "with_traceback"];

/// What holds a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A dataclass.
    Dataclass,
    /// A pydantic model.
    Pydantic,
    /// A dataclass that is an exception.
    Error,
    /// An enum of texts.
    Enum,
}

/// Returns the attribute names of a class for the names on the wire, in order. What needs no escape keeps its name,
/// whatever else there is. None is in `classes`: in the body of a class, a field hides a class of the module.
pub(super) fn attributes<'n>(
    wire: impl Iterator<Item = &'n str>,
    holder: Holder,
    classes: &[String],
) -> Vec<String> {
    let wire: Vec<&str> = wire.collect();
    let clashes = |name: &str| classes.iter().any(|class| class == name) || reserved(name, holder);
    let escaped = |name: &str| visible(name, holder) != name || clashes(name);
    let mut taken: HashSet<String> =
        wire.iter().filter(|name| !escaped(name)).map(|name| (*name).to_owned()).collect();
    let attribute = |name: &&str| {
        if !escaped(name) {
            return (*name).to_owned();
        }
        let name = free(visible(name, holder), |name| taken.contains(name) || clashes(name));
        taken.insert(name.clone());
        name
    };
    wire.iter().map(attribute).collect()
}

fn reserved(name: &str, holder: Holder) -> bool {
    let own = match holder {
        Holder::Dataclass => name == "self",
        Holder::Pydantic => {
            name == "self" || OF_PYDANTIC.contains(&name) || name.starts_with("model_") && is_model(name)
        }
        Holder::Error => name == "self" || OF_ERRORS.contains(&name),
        Holder::Enum => OF_ENUMS.contains(&name),
    };
    own || KEYWORDS.contains(&name)
}

/// Tells whether `BaseModel` has this attribute.
fn is_model(name: &str) -> bool {
    let rest = &name["model_".len()..];
    matches!(
        rest,
        "computed_fields"
            | "config"
            | "construct"
            | "copy"
            | "dump"
            | "dump_json"
            | "extra"
            | "fields"
            | "fields_set"
            | "json_schema"
            | "parametrized_name"
            | "post_init"
            | "rebuild"
            | "validate"
            | "validate_json"
            | "validate_strings"
    )
}

/// Takes leading underscores away where they mean something: two are mangled, one is private to pydantic and enums.
fn visible(name: &str, holder: Holder) -> String {
    let hides = match holder {
        Holder::Dataclass | Holder::Error => name.starts_with("__"),
        Holder::Pydantic | Holder::Enum => name.starts_with('_'),
    };
    if !hides {
        return name.to_owned();
    }
    match name.trim_start_matches('_') {
        "" => "underscore".to_owned(),
        rest if rest.starts_with(|c: char| c.is_ascii_digit()) => format!("n{rest}"),
        rest => rest.to_owned(),
    }
}

/// Returns the module name of an item: `HTTPServer` → `http_server`, `Class` → `class_`.
pub(in crate::codegen) fn module_name(name: &str) -> String {
    let snake = snake_case(name);
    let stem = visible(&snake, Holder::Pydantic);
    if KEYWORDS.contains(&stem.as_str()) { stem + "_" } else { stem }
}

/// Returns the module names of names that no check has compared with each other.
pub(super) fn stems<'n>(names: &[&'n str]) -> BTreeMap<&'n str, String> {
    let mut stems: BTreeMap<&str, String> = BTreeMap::new();
    for name in names {
        let stem = free(module_name(name), |stem| stems.values().any(|known| known == stem));
        stems.insert(name, stem);
    }
    stems
}

/// Tells whether `name` can be a class.
pub(super) fn is_identifier(name: &str) -> bool {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    let mut chars = name.chars();
    let valid = chars.next().is_some_and(starts) && chars.all(|c| starts(c) || c.is_ascii_digit());
    valid && !KEYWORDS.contains(&name)
}
