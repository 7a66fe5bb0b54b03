//! Tests of the parser: what it makes of broken text, and that no text at all makes it panic.

use std::fs;
use std::path::Path;

use crate::schema::codes;
use crate::schema::scan::scan;
use crate::schema::{Diagnostic, Schema, SourceFile, compile};

fn compile_text(text: &str) -> (Schema, Vec<Diagnostic>) {
    compile(&[SourceFile { path: "test.ro".to_owned(), text: text.to_owned() }])
}

fn fixture(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema").join(name)).unwrap()
}

/// Compiles a model with these lines as its fields; returns the fields that were understood and the problems.
fn fields(lines: &str) -> (String, Vec<String>) {
    let (schema, diagnostics) = compile_text(&format!("model A {{\n{lines}\n}}\nmodel B {{ a A }}"));
    let known = schema.shapes["A"].fields.iter().map(|field| format!("{} {}", field.name, field.ty));
    assert!(schema.shapes["B"].fields.len() == 1);
    (known.collect::<Vec<_>>().join(", "), diagnostics.iter().map(|d| d.message.clone()).collect())
}

#[test]
fn a_broken_field_hides_no_other() {
    let table: &[(&str, &str, &[&str])] = &[
        ("a Int\nb =Int\nc Int", "a Int, b Int, c Int", &["unexpected `=`"]),
        ("a: Int;\nb Int", "a Int, b Int", &["unexpected `;`"]),
        ("a Int\nb:\nc Int @id", "a Int, b Json, c Int", &["`b` has no value"]),
        ("a Int\nb\nc Int\nd Int", "a Int, b Json, c Int, d Int", &["`b` has no value"]),
        ("a, b Int", "a Json, b Int", &["`a` has no value"]),
        ("a @id\nb Int", "a Json, b Int", &["`a` has no value"]),
        ("a Int @min(\nb Int", "a Int, b Int", &["this `(` is never closed"]),
        ("a Int @min(1\nb Int", "a Int, b Int", &["this `(` is never closed"]),
        ("a Int @min(1 @max(3)\nb Int", "a Int, b Int", &["this `(` is never closed"]),
        ("a Int @min(>) @id\nb Int", "a Int, b Int", &["unexpected `>`"]),
        ("a Int @min(1 2)\nb Int", "a Int, b Int", &["unexpected `2`"]),
        ("a String @default(f(\"x\"))\nb Int", "a String, b Int", &["unexpected `(`"]),
        ("a Int @\nb Int", "a Int, b Int", &["an attribute needs a name"]),
        ("a Int @ id\nb Int", "a Int, b Int", &["an attribute needs a name"]),
        ("a Map<Int\nb Int", "a Map<Int>, b Int", &["this `<` is never closed"]),
        ("a Map<>\nb Int", "a Map<Json>, b Int", &["unexpected `>`"]),
        ("a Map<String, Int>\nb Int", "a Map<Int>, b Int", &["a `Map` has one type: its keys are texts"]),
        ("a Int[\nb Int", "a Int[], b Int", &["this `[` is never closed"]),
        ("a [\nb Int\nc Int @id", "a Json, b Int, c Int", &["this `[` is never closed"]),
        ("a [\nb Int?\nc Int", "a Json, b Int?, c Int", &["this `[` is never closed"]),
        ("a [\nb Int\nc: Int", "a Json, b Int, c Int", &["this `[` is never closed"]),
        ("a ?\nb Int", "a Json?, b Int", &["unexpected `?`"]),
        ("a 'Int'\nb Int", "a Int, b Int", &["texts are written in double quotes"]),
        ("a \"Int\nb Int", "a Json, b Int", &["this text is never closed"]),
        ("a Int )\nb Int", "a Int, b Int", &["unexpected `)`"]),
        (
            "a Int ] } b Int",
            "a Int",
            &["unexpected `]`", "there is no kind of item `b`", "this `}` closes nothing"],
        ),
        ("# a\nb Int", "b Int", &["unexpected `#`"]),
        ("a { x = Int }\nb Int", "a { x: Int }, b Int", &["unexpected `=`"]),
        ("a: Int | String\nb Int", "a Int, b Int", &["unexpected `|`"]),
        ("@@id([a, b])\nb Int", "b Int", &["unexpected `@`"]),
    ];
    let mut wrong = Vec::new();
    for (lines, known, messages) in table {
        let (found, problems) = fields(lines);
        if found != *known || problems != *messages {
            wrong.push(format!("{lines}\n  gives {found}\n  {problems:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn a_broken_item_still_declares_its_name() {
    let table = [
        "model A = { id Int }",
        "model A extends C { id Int }",
        "model A",
        "model A { id Int",
        "model A { id: }",
        "model A { ( } ",
        "modle A { id Int }",
        "class A { id Int }",
        "gizmo A { id Int }",
        "enum A { B = 1 }",
        "enum A {",
        "model A { deep {{{{ }",
    ];
    for text in table {
        let (_, diagnostics) = compile_text(&format!("{text}\nmodel B {{ a A? }}\n"));
        let codes: Vec<&str> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
        assert!(!codes.is_empty() && !codes.contains(&codes::UNKNOWN_TYPE), "{text}: {codes:?}");
    }
}

#[test]
fn one_missing_brace_is_one_error() {
    let items = "model A { id Int }\napi B { method: GET path: \"/\" response: A }\nevent C { payload: A }\n";
    for (at, _) in items.match_indices('}') {
        let text = format!("{}{}", &items[..at], &items[at + 1..]);
        let codes: Vec<&str> = compile_text(&text).1.iter().map(|diagnostic| diagnostic.code).collect();
        assert_eq!(codes, [codes::UNCLOSED], "{text}");
    }
}

#[test]
fn what_is_nested_too_deeply_is_refused_at_once() {
    for (open, name) in [("{ a ", "object"), ("[", "list"), ("Map<", "map")] {
        let (schema, diagnostics) = compile_text(&format!("model A {{ x {} }}", open.repeat(40)));
        assert_eq!(diagnostics.len(), 1, "{name}");
        assert_eq!(diagnostics[0].code, codes::TOO_DEEP, "{name}");
        assert!(schema.shapes.contains_key("A"));
    }
}

/// Cuts at every boundary of two tokens, and in the middle of some.
fn cuts(text: &str) -> Vec<usize> {
    let tokens = scan(text).tokens;
    let mut cuts: Vec<usize> = tokens.iter().flat_map(|token| [token.range.start, token.range.end]).collect();
    cuts.extend((0..text.len()).step_by(13).filter(|at| text.is_char_boundary(*at)));
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

#[test]
fn no_text_makes_the_compiler_panic() {
    for name in ["valid_full.ro", "valid_forms.ro"] {
        let text = fixture(name);
        // Most of a long prefix has been seen: the last items are enough to break.
        for (at, end) in cuts(&text).into_iter().enumerate() {
            let start = if at % 8 == 0 { 0 } else { text[..end].rfind("\n}").map_or(0, |at| at + 2) };
            compile_text(&text[start..end]);
        }
    }
    for name in ["syntax.ro", "recovery.ro"] {
        let text = fixture(name);
        for start in cuts(&text) {
            let end = text[start..].find("\n}").map_or(text.len(), |at| start + at + 2);
            compile_text(&text[start..end]);
        }
    }
    for sign in [
        "{",
        "[",
        "(",
        "<",
        "model A {",
        "a: {",
        "model A { x: Map<",
        "@",
        "?",
        "\"",
        "\\",
        "/*",
        "/",
        "é{",
        "'",
        "a [\n",
        "a [; ",
        "}",
        "a @b(",
        "x {]",
    ] {
        compile_text(&sign.repeat(20_000));
        compile_text(&format!("model A {{ x: {}", sign.repeat(20_000)));
        compile_text(&format!("enum A {{ x {}", sign.repeat(20_000)));
    }
}

/// Changes of one token: left out, doubled, or with its neighbour. A generator of our own, so that a failure repeats.
#[test]
fn no_change_of_a_token_makes_the_compiler_panic() {
    let text = fixture("valid_full.ro");
    let tokens = scan(&text).tokens;
    let mut random = 0x2545_f491_u32;
    for _ in 0..400 {
        let mut pieces: Vec<&str> = tokens.iter().map(|token| &text[token.range.clone()]).collect();
        for _ in 0..4 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = (random >> 8) as usize % (pieces.len() - 1);
            match random >> 30 {
                0 => drop(pieces.remove(at)),
                1 => pieces.insert(at, pieces[at]),
                2 => pieces.swap(at, at + 1),
                _ => pieces[at] = "[",
            }
        }
        let start = (random >> 4) as usize % pieces.len();
        let end = (start + 60).min(pieces.len());
        compile_text(&pieces[start..end].join("\n"));
    }
}
