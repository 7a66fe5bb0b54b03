//! Patterns in the dialect of documents: Rust's regular expressions as those of ECMA-262 with the flag `u`, which JSON
//! Schema asks for. Called by `json_schema`; never approximates: what has no equal there is left out.

use regex_syntax::ast::{
    AssertionKind, Ast, ClassAscii, ClassAsciiKind, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet,
    ClassSetItem, ClassUnicode, ClassUnicodeKind, GroupKind, RepetitionKind, RepetitionRange, parse::Parser,
};

/// What `\w` stands for in Rust, where words are not ASCII only.
const WORD: &str = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}";

/// The general categories, under the short names that both dialects know, and the properties of the same name.
const PROPERTIES: [&str; 45] = [
    "L",
    "LC",
    "Lu",
    "Ll",
    "Lt",
    "Lm",
    "Lo",
    "M",
    "Mn",
    "Mc",
    "Me",
    "N",
    "Nd",
    "Nl",
    "No",
    "P",
    "Pc",
    "Pd",
    "Ps",
    "Pe",
    "Pi",
    "Pf",
    "Po",
    "S",
    "Sm",
    "Sc",
    "Sk",
    "So",
    "Z",
    "Zs",
    "Zl",
    "Zp",
    "C",
    "Cc",
    "Cf",
    "Co",
    "Cn",
    "Alphabetic",
    "Lowercase",
    "Uppercase",
    "White_Space",
    "ID_Start",
    "ID_Continue",
    "Emoji",
    "ASCII",
];

/// Returns the pattern that matches the same texts under ECMA-262, if there is one.
pub(super) fn pattern(rust: &str) -> Option<String> {
    let ast = Parser::new().parse(rust).ok()?;
    let mut out = String::new();
    write(&ast, &mut out)?;
    Some(out)
}

fn write(ast: &Ast, out: &mut String) -> Option<()> {
    match ast {
        Ast::Empty(_) => {}
        Ast::Literal(literal) => literal_in(literal.c, r"^$\.*+?()[]{}|/", out),
        Ast::Dot(_) => out.push_str(r"[^\n]"),
        Ast::Assertion(assertion) => out.push(match assertion.kind {
            AssertionKind::StartLine | AssertionKind::StartText => '^',
            AssertionKind::EndLine | AssertionKind::EndText => '$',
            _ => return None, // words are ASCII only over there
        }),
        Ast::ClassUnicode(class) => out.push_str(&property(class)?),
        Ast::ClassPerl(class) => match (&class.kind, class.negated) {
            (ClassPerlKind::Word, negated) => {
                out.push_str(if negated { "[^" } else { "[" });
                out.push_str(WORD);
                out.push(']');
            }
            _ => out.push_str(perl(class)?),
        },
        Ast::ClassBracketed(class) => bracketed(class, out)?,
        Ast::Repetition(repetition) => {
            let atom = !matches!(*repetition.ast, Ast::Repetition(_) | Ast::Assertion(_) | Ast::Empty(_));
            group(&repetition.ast, !atom, out)?;
            match &repetition.op.kind {
                RepetitionKind::ZeroOrOne => out.push('?'),
                RepetitionKind::ZeroOrMore => out.push('*'),
                RepetitionKind::OneOrMore => out.push('+'),
                RepetitionKind::Range(RepetitionRange::Exactly(n)) => out.push_str(&format!("{{{n}}}")),
                RepetitionKind::Range(RepetitionRange::AtLeast(n)) => out.push_str(&format!("{{{n},}}")),
                RepetitionKind::Range(RepetitionRange::Bounded(n, m)) => {
                    out.push_str(&format!("{{{n},{m}}}"))
                }
            }
            if !repetition.greedy {
                out.push('?');
            }
        }
        Ast::Group(found) => match &found.kind {
            GroupKind::NonCapturing(flags) if !flags.items.is_empty() => return None,
            GroupKind::NonCapturing(_) => group(&found.ast, true, out)?,
            GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } => {
                out.push('(');
                write(&found.ast, out)?;
                out.push(')');
            }
        },
        Ast::Alternation(alternation) => {
            for (at, ast) in alternation.asts.iter().enumerate() {
                if at > 0 {
                    out.push('|');
                }
                write(ast, out)?;
            }
        }
        Ast::Concat(concat) => concat.asts.iter().try_for_each(|ast| write(ast, out))?,
        Ast::Flags(_) => return None,
    }
    Some(())
}

fn group(ast: &Ast, parentheses: bool, out: &mut String) -> Option<()> {
    if !parentheses {
        return write(ast, out);
    }
    out.push_str("(?:");
    write(ast, out)?;
    out.push(')');
    Some(())
}

fn literal_in(c: char, special: &str, out: &mut String) {
    match c {
        '\n' => out.push_str(r"\n"),
        '\r' => out.push_str(r"\r"),
        '\t' => out.push_str(r"\t"),
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
            out.push_str(&format!(r"\u{{{:x}}}", u32::from(c)));
        }
        c => {
            if special.contains(c) {
                out.push('\\');
            }
            out.push(c);
        }
    }
}

fn perl(class: &ClassPerl) -> Option<&'static str> {
    match (&class.kind, class.negated) {
        (ClassPerlKind::Digit, false) => Some(r"\p{Nd}"),
        (ClassPerlKind::Digit, true) => Some(r"\P{Nd}"),
        (ClassPerlKind::Space, false) => Some(r"\p{White_Space}"),
        (ClassPerlKind::Space, true) => Some(r"\P{White_Space}"),
        (ClassPerlKind::Word, false) => Some(WORD),
        (ClassPerlKind::Word, true) => None, // no class within brackets is the complement of several
    }
}

fn property(class: &ClassUnicode) -> Option<String> {
    let letter = if class.is_negated() { 'P' } else { 'p' };
    match &class.kind {
        ClassUnicodeKind::OneLetter(c) if PROPERTIES.contains(&c.to_string().as_str()) => {
            Some(format!(r"\{letter}{{{c}}}"))
        }
        ClassUnicodeKind::Named(name) if PROPERTIES.contains(&name.as_str()) => {
            Some(format!(r"\{letter}{{{name}}}"))
        }
        _ => None,
    }
}

fn bracketed(class: &ClassBracketed, out: &mut String) -> Option<()> {
    out.push_str(if class.negated { "[^" } else { "[" });
    set(&class.kind, out)?;
    out.push(']');
    Some(())
}

fn set(set: &ClassSet, out: &mut String) -> Option<()> {
    match set {
        ClassSet::Item(item) => item_in(item, out),
        ClassSet::BinaryOp(_) => None, // only the flag `v` has those
    }
}

fn item_in(item: &ClassSetItem, out: &mut String) -> Option<()> {
    const SPECIAL: &str = r"\]^[-";
    match item {
        ClassSetItem::Empty(_) => {}
        ClassSetItem::Literal(literal) => literal_in(literal.c, SPECIAL, out),
        ClassSetItem::Range(range) => {
            literal_in(range.start.c, SPECIAL, out);
            out.push('-');
            literal_in(range.end.c, SPECIAL, out);
        }
        ClassSetItem::Ascii(class) => out.push_str(ascii(class)?),
        ClassSetItem::Unicode(class) => out.push_str(&property(class)?),
        ClassSetItem::Perl(class) => out.push_str(perl(class)?),
        ClassSetItem::Bracketed(inner) if !inner.negated => set(&inner.kind, out)?,
        ClassSetItem::Bracketed(_) => return None,
        ClassSetItem::Union(union) => union.items.iter().try_for_each(|item| item_in(item, out))?,
    }
    Some(())
}

fn ascii(class: &ClassAscii) -> Option<&'static str> {
    if class.negated {
        return None;
    }
    Some(match class.kind {
        ClassAsciiKind::Alnum => "0-9A-Za-z",
        ClassAsciiKind::Alpha => "A-Za-z",
        ClassAsciiKind::Ascii => r"\u{0}-\u{7f}",
        ClassAsciiKind::Blank => r"\t ",
        ClassAsciiKind::Cntrl => r"\u{0}-\u{1f}\u{7f}",
        ClassAsciiKind::Digit => "0-9",
        ClassAsciiKind::Graph => "!-~",
        ClassAsciiKind::Lower => "a-z",
        ClassAsciiKind::Print => " -~",
        ClassAsciiKind::Punct => r"!-\/:-@\[-`{-~",
        ClassAsciiKind::Space => r"\t\n\u{b}\f\r ",
        ClassAsciiKind::Upper => "A-Z",
        ClassAsciiKind::Word => "0-9A-Za-z_",
        ClassAsciiKind::Xdigit => "0-9A-Fa-f",
    })
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn patterns_are_translated_or_left_out() {
        let table = [
            (r"^[a-z]+\.?$", Some(r"^[a-z]+\.?$")),
            (r"^[0-9]{5}(-[0-9]{4})?$", Some(r"^[0-9]{5}(-[0-9]{4})?$")),
            (r"\A\d+\z", Some(r"^\p{Nd}+$")),
            (
                r"\w\W",
                Some(
                    r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}][^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]",
                ),
            ),
            (r"[\w.-]", Some(r"[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}.\-]")),
            (r"a.b", Some(r"a[^\n]b")),
            (r"(?P<year>\d{4})-(?<rest>x|y)", Some(r"(\p{Nd}{4})-(x|y)")),
            (r"(?:ab)+?", Some(r"(?:ab)+?")),
            (r"a{2}{3}", Some(r"(?:a{2}){3}")),
            (r"a/b#c\-", Some(r"a\/b#c-")),
            (r"[[:alpha:]_&&[^x]]", None),
            (r"[[:alpha:][0-9]]", Some("[A-Za-z0-9]")),
            (r"\x41\u{1F600}\t", Some("A\u{1F600}\\t")),
            (r"\pL\p{Greek}", None),
            (r"\pL\P{Lu}", Some(r"\p{L}\P{Lu}")),
            (r"(?i)abc", None),
            (r"(?i:a)b", None),
            (r"\bword\b", None),
            (r"[\W]", None),
            (r"a||b", Some("a||b")),
        ];
        for (rust, expected) in table {
            assert_eq!(pattern(rust).as_deref(), expected, "{rust}");
        }
    }
}
