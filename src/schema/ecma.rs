//! Patterns: read as ECMA-262 reads them, run by Rust's engine in linear time, and written down again for documents.
//!
//! [`compile`] is called by `attributes`, [`pattern`] by `json_schema`. `\d`, `\w`, `\s` and `\b` mean what they mean in
//! ECMA-262 and so in JSON Schema and TypeScript: the digits, words and word boundaries of ASCII. Documents hold a pattern
//! only where it matches the same texts there; nothing is approximated.

use std::convert::Infallible;

use regex::Regex;
use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassAscii, ClassAsciiKind, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet,
    ClassSetItem, Flag, FlagsItemKind, GroupKind, RepetitionKind, RepetitionRange, Span, Visitor,
    parse::Parser,
};

/// `\s` of ECMA-262.
const SPACE: &str =
    r"[\t-\r\x20\u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}]";

/// Compiles a pattern.
///
/// # Errors
/// It is not a regular expression, or would need too much memory.
pub(super) fn compile(written: &str) -> Result<Regex, regex::Error> {
    let regex = Regex::new(written)?;
    let Ok(ast) = Parser::new().parse(written) else {
        return Ok(regex);
    };
    let mut edits = ast::visit(&ast, Edits(Vec::new())).unwrap_or_default();
    if edits.is_empty() {
        return Ok(regex);
    }
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start.offset));
    let mut text = written.to_owned();
    for (span, replacement) in edits {
        text.replace_range(span.start.offset..span.end.offset, &replacement);
    }
    Regex::new(&text)
}

/// Collects what must be written differently for Rust, where these classes are of all of Unicode.
struct Edits(Vec<(Span, String)>);

impl Edits {
    fn perl(&mut self, class: &ClassPerl) {
        let positive = match class.kind {
            ClassPerlKind::Digit => "[0-9]",
            ClassPerlKind::Word => "[0-9A-Za-z_]",
            ClassPerlKind::Space => SPACE,
        };
        let text = if class.negated { positive.replacen('[', "[^", 1) } else { positive.to_owned() };
        self.0.push((class.span, text));
    }
}

impl Visitor for Edits {
    type Output = Vec<(Span, String)>;
    type Err = Infallible;

    fn finish(self) -> Result<Self::Output, Infallible> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Infallible> {
        match ast {
            Ast::ClassPerl(class) => self.perl(class),
            Ast::Assertion(found) if found.kind == AssertionKind::WordBoundary => {
                self.0.push((found.span, r"(?-u:\b)".to_owned()));
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        if let ClassSetItem::Perl(class) = item {
            self.perl(class);
        }
        Ok(())
    }
}

/// Returns the pattern that matches the same texts under ECMA-262, with or without its flag `u`, if there is one.
pub(super) fn pattern(rust: &str) -> Option<String> {
    let ast = Parser::new().parse(rust).ok()?;
    let mut writer = Writer { rust, out: String::new() };
    writer.write(&ast)?;
    Some(writer.out)
}

struct Writer<'r> {
    rust: &'r str,
    out: String,
}

impl Writer<'_> {
    fn write(&mut self, ast: &Ast) -> Option<()> {
        match ast {
            Ast::Empty(_) => {}
            Ast::Literal(literal) => self.literal(literal.c, r"^$\.*+?()[]{}|/")?,
            Ast::Dot(_) => self.out.push_str(r"[^\n]"),
            Ast::Assertion(assertion) => self.out.push_str(match assertion.kind {
                AssertionKind::StartLine | AssertionKind::StartText => "^",
                AssertionKind::EndLine | AssertionKind::EndText => "$",
                _ => return None,
            }),
            Ast::ClassBracketed(class) => self.bracketed(class)?,
            Ast::Repetition(repetition) => {
                let atom = !matches!(*repetition.ast, Ast::Repetition(_) | Ast::Assertion(_) | Ast::Empty(_));
                self.group(&repetition.ast, !atom)?;
                self.out.push_str(&match &repetition.op.kind {
                    RepetitionKind::ZeroOrOne => "?".to_owned(),
                    RepetitionKind::ZeroOrMore => "*".to_owned(),
                    RepetitionKind::OneOrMore => "+".to_owned(),
                    RepetitionKind::Range(RepetitionRange::Exactly(n)) => format!("{{{n}}}"),
                    RepetitionKind::Range(RepetitionRange::AtLeast(n)) => format!("{{{n},}}"),
                    RepetitionKind::Range(RepetitionRange::Bounded(n, m)) => format!("{{{n},{m}}}"),
                });
                if !repetition.greedy {
                    self.out.push('?');
                }
            }
            Ast::Group(found) => match &found.kind {
                GroupKind::NonCapturing(flags) if flags.items.is_empty() => self.group(&found.ast, true)?,
                GroupKind::NonCapturing(flags) => {
                    // What `compile` made of `\b`.
                    let [off, unicode] = &flags.items[..] else { return None };
                    let ascii = off.kind == FlagsItemKind::Negation
                        && unicode.kind == FlagsItemKind::Flag(Flag::Unicode)
                        && matches!(&*found.ast, Ast::Assertion(inner) if inner.kind == AssertionKind::WordBoundary);
                    self.out.push_str(ascii.then_some(r"\b")?);
                }
                GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } => {
                    self.out.push('(');
                    self.write(&found.ast)?;
                    self.out.push(')');
                }
            },
            Ast::Alternation(alternation) => {
                for (at, ast) in alternation.asts.iter().enumerate() {
                    if at > 0 {
                        self.out.push('|');
                    }
                    self.write(ast)?;
                }
            }
            Ast::Concat(concat) => concat.asts.iter().try_for_each(|ast| self.write(ast))?,
            // Classes of Unicode need the flag `u`, and Python has none of them; other flags have no equal.
            Ast::ClassUnicode(_) | Ast::ClassPerl(_) | Ast::Flags(_) => return None,
        }
        Some(())
    }

    fn group(&mut self, ast: &Ast, parentheses: bool) -> Option<()> {
        if !parentheses {
            return self.write(ast);
        }
        self.out.push_str("(?:");
        self.write(ast)?;
        self.out.push(')');
        Some(())
    }

    fn literal(&mut self, c: char, special: &str) -> Option<()> {
        match c {
            '\n' => self.out.push_str(r"\n"),
            '\r' => self.out.push_str(r"\r"),
            '\t' => self.out.push_str(r"\t"),
            // Two characters without the flag `u`.
            c if c > '\u{ffff}' => return None,
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                self.out.push_str(&format!(r"\u{:04x}", u32::from(c)));
            }
            c => {
                if special.contains(c) {
                    self.out.push('\\');
                }
                self.out.push(c);
            }
        }
        Some(())
    }

    fn bracketed(&mut self, class: &ClassBracketed) -> Option<()> {
        match &self.rust[class.span.start.offset..class.span.end.offset] {
            SPACE => self.out.push_str(r"\s"),
            text if class.negated && text.replacen('^', "", 1) == SPACE => self.out.push_str(r"\S"),
            _ => {
                self.out.push_str(if class.negated { "[^" } else { "[" });
                self.set(&class.kind)?;
                self.out.push(']');
            }
        }
        Some(())
    }

    fn set(&mut self, set: &ClassSet) -> Option<()> {
        match set {
            ClassSet::Item(item) => self.item(item),
            ClassSet::BinaryOp(_) => None, // only the flag `v` has those
        }
    }

    fn item(&mut self, item: &ClassSetItem) -> Option<()> {
        const SPECIAL: &str = r"\]^[-/";
        match item {
            ClassSetItem::Empty(_) => {}
            ClassSetItem::Literal(literal) => self.literal(literal.c, SPECIAL)?,
            ClassSetItem::Range(range) => {
                self.literal(range.start.c, SPECIAL)?;
                self.out.push('-');
                self.literal(range.end.c, SPECIAL)?;
            }
            ClassSetItem::Ascii(class) => self.out.push_str(ascii(class)?),
            ClassSetItem::Bracketed(inner) => {
                let space = self.rust[inner.span.start.offset..inner.span.end.offset] == *SPACE;
                match (space, inner.negated) {
                    (true, _) => self.out.push_str(r"\s"),
                    (false, false) => self.set(&inner.kind)?,
                    (false, true) => return None,
                }
            }
            ClassSetItem::Unicode(_) | ClassSetItem::Perl(_) => return None,
            ClassSetItem::Union(union) => union.items.iter().try_for_each(|item| self.item(item))?,
        }
        Some(())
    }
}

fn ascii(class: &ClassAscii) -> Option<&'static str> {
    if class.negated {
        return None;
    }
    Some(match class.kind {
        ClassAsciiKind::Alnum => "0-9A-Za-z",
        ClassAsciiKind::Alpha => "A-Za-z",
        ClassAsciiKind::Ascii => r"\u0000-\u007f",
        ClassAsciiKind::Blank => r"\t ",
        ClassAsciiKind::Cntrl => r"\u0000-\u001f\u007f",
        ClassAsciiKind::Digit => "0-9",
        ClassAsciiKind::Graph => "!-~",
        ClassAsciiKind::Lower => "a-z",
        ClassAsciiKind::Print => " -~",
        ClassAsciiKind::Punct => r"!-\/:-@\[-`{-~",
        ClassAsciiKind::Space => r"\t-\r ",
        ClassAsciiKind::Upper => "A-Z",
        ClassAsciiKind::Word => "0-9A-Za-z_",
        ClassAsciiKind::Xdigit => "0-9A-Fa-f",
    })
}

#[cfg(test)]
mod tests {
    use super::{compile, pattern};

    #[test]
    fn patterns_are_written_for_documents_or_left_out() {
        let table = [
            (r"^[a-z]+\.?$", Some(r"^[a-z]+\.?$")),
            (r"^[0-9]{5}(-[0-9]{4})?$", Some(r"^[0-9]{5}(-[0-9]{4})?$")),
            (r"\A\d+\D\z", Some(r"^[0-9]+[^0-9]$")),
            (r"\w\W\s\S", Some(r"[0-9A-Za-z_][^0-9A-Za-z_]\s\S")),
            (r"[\w.\s-]", Some(r"[0-9A-Za-z_.\s\-]")),
            (r"a.b", Some(r"a[^\n]b")),
            (r"(?P<year>\d{4})-(?<rest>x|y)", Some(r"([0-9]{4})-(x|y)")),
            (r"(?:ab)+?", Some(r"(?:ab)+?")),
            (r"a{2}{3}", Some(r"(?:a{2}){3}")),
            (r"a/b#c\-", Some(r"a\/b#c-")),
            (r"\bword\b", Some(r"\bword\b")),
            (r"[[:alpha:]_&&[^x]]", None),
            (r"[[:alpha:][0-9]]", Some("[A-Za-z0-9]")),
            (r"\x41\u{e9}\t\x00", Some("Aé\\t\\u0000")),
            (r"\u{1F600}", None),
            (r"\pL", None),
            (r"(?i)abc", None),
            (r"(?i:a)b", None),
            (r"\Bword", None),
            (r"[\W]", None),
            (r"a||b", Some("a||b")),
        ];
        for (written, expected) in table {
            let compiled = compile(written).unwrap();
            assert_eq!(pattern(compiled.as_str()).as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn classes_are_those_of_ecma() {
        let table = [
            (r"^\d$", "٣", false),
            (r"^\w$", "ä", false),
            (r"^\W$", "ä", true),
            (r"^[\d_]$", "٣", false),
            (r"^[^\d]$", "٣", true),
            (r"^\s$", "\u{feff}", true),
            (r"^\s$", "\u{85}", false),
            (r"^\s$", "\u{3000}", true),
            (r"^\S$", "\u{85}", true),
            (r"x\b", "xä", true),
            (r"(?x) \d \s # a comment", "1 ", true),
        ];
        for (written, text, expected) in table {
            assert_eq!(compile(written).unwrap().is_match(text), expected, "{written} {text:?}");
        }
        assert!(compile("(").is_err());
    }
}
