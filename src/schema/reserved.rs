//! Names that an item cannot have, because generated code in some language could not say them. Called by `resolve`.
//!
//! Only words of the languages stand here. Names of their libraries and of the generated runtime (`Error`, `State`) are
//! free: where they clash, generated code imports one of the two under another name. Fields and enum values are not
//! concerned: they are escaped.

/// Words of the languages in which an identifier may be spelled as the item is.
const WORDS: [(&str, &[&str]); 3] = [
    (
        "TypeScript",
        &[
            "any",
            "arguments",
            "await",
            "bigint",
            "boolean",
            "break",
            "case",
            "catch",
            "class",
            "const",
            "continue",
            "debugger",
            "default",
            "delete",
            "do",
            "else",
            "enum",
            "eval",
            "export",
            "extends",
            "false",
            "finally",
            "for",
            "function",
            "if",
            "implements",
            "import",
            "in",
            "instanceof",
            "interface",
            "let",
            "never",
            "new",
            "null",
            "number",
            "object",
            "package",
            "private",
            "protected",
            "public",
            "return",
            "static",
            "string",
            "super",
            "switch",
            "symbol",
            "this",
            "throw",
            "true",
            "try",
            "typeof",
            "undefined",
            "unknown",
            "var",
            "void",
            "while",
            "with",
            "yield",
        ],
    ),
    (
        "Python",
        &[
            "False", "None", "True", "and", "as", "assert", "async", "def", "del", "elif", "except", "from",
            "global", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
        ],
    ),
    (
        "Rust",
        &[
            "Self", "abstract", "become", "box", "crate", "dyn", "extern", "final", "fn", "gen", "impl",
            "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "self",
            "struct", "trait", "type", "union", "unsafe", "unsized", "use", "virtual", "where",
        ],
    ),
];

/// Returns the language that `name` is a word of, if no item can be called so.
pub(super) fn reserved_by(name: &str) -> Option<&'static str> {
    WORDS.iter().find(|(_, names)| names.contains(&name)).map(|(owner, _)| *owner)
}
