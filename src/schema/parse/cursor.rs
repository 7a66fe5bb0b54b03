//! The place of the parser among the tokens of one item: looking ahead, taking, passing over, complaining.
//!
//! Used by all of `parse`; knows nothing of what is being read.

use std::ops::Range;

use crate::schema::ast::Word;
use crate::schema::codes;
use crate::schema::diagnostic::{Diagnostic, Reporter};
use crate::schema::model::Span;
use crate::schema::scan::{Token, TokenKind};

/// Makes a span of bytes of a file.
pub(super) fn span(file: usize, range: &Range<usize>) -> Span {
    Span { file, start: range.start, end: range.end }
}

/// Reads the tokens of one item.
pub(super) struct Parser<'a, 'o> {
    pub(super) file: usize,
    pub(super) text: &'a str,
    pub(super) docs: &'a [Range<usize>],
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
    pub(super) depth: usize,
    pub(super) silent_from: usize,
    pub(super) broken: bool,
    pub(super) out: &'o mut Reporter,
}

impl<'a> Parser<'a, '_> {
    // ---- tokens

    pub(super) fn kind(&self, ahead: usize) -> Option<TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    pub(super) fn is(&self, ahead: usize, sign: u8) -> bool {
        self.kind(ahead) == Some(TokenKind::Sign(sign))
    }

    pub(super) fn first_on_line(&self, ahead: usize) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.first_on_line)
    }

    /// Takes the next token, if it is this sign.
    pub(super) fn eat(&mut self, sign: u8) -> bool {
        let found = self.is(0, sign);
        self.at += usize::from(found);
        found
    }

    /// Returns the place of the next token; after the last one, that of the last.
    pub(super) fn range(&self) -> Range<usize> {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map(|token| token.range.clone()).unwrap_or_default()
    }

    pub(super) fn slice(&self, range: &Range<usize>) -> &'a str {
        &self.text[range.clone()]
    }

    /// Takes the next token as a name, which may be quoted.
    pub(super) fn name(&mut self) -> Word {
        let token = &self.tokens[self.at];
        self.at += 1;
        let written = self.slice(&token.range);
        let text = match token.kind {
            TokenKind::Text | TokenKind::Single => unescape(&written[1..written.len() - 1]),
            _ => written.to_owned(),
        };
        if token.kind == TokenKind::Single {
            self.single_quotes(&token.range);
        }
        Word { text, span: span(self.file, &token.range) }
    }

    /// Tells whether the next two tokens are a name and a colon.
    pub(super) fn is_label(&self) -> bool {
        use TokenKind::{Number, Text, Word};
        matches!(self.kind(0), Some(Word | Text | Number)) && self.is(1, b':')
    }

    /// Tells whether the next token is the key of an entry: a label, or the first of two on a line.
    pub(super) fn is_key(&self) -> bool {
        use TokenKind::{Number, Sign, Text, Word};
        let two = self.first_on_line(0)
            && matches!(self.kind(0), Some(Word | Text | Number))
            && matches!(self.kind(1), Some(Word | Text | Number | Sign(b'{')))
            && !self.first_on_line(1);
        self.is_label() || (two && !self.is(2, b':'))
    }

    // ---- complaints

    /// Adds an error, unless it would only repeat one.
    pub(super) fn report(
        &mut self,
        code: &'static str,
        range: &Range<usize>,
        message: String,
    ) -> Option<&mut Diagnostic> {
        self.broken = true;
        let place = span(self.file, range);
        (range.start < self.silent_from).then(|| self.out.error(code, place, message))
    }

    pub(super) fn report_with_hint(
        &mut self,
        code: &'static str,
        range: &Range<usize>,
        message: String,
        hint: &str,
    ) {
        if let Some(report) = self.report(code, range, message) {
            report.with_hint(hint);
        }
    }

    pub(super) fn unexpected(&mut self, expected: &str) {
        let mut range = self.range();
        let message = if self.at < self.tokens.len() {
            format!("unexpected `{}`", self.slice(&range))
        } else {
            range.start = range.end;
            "unexpected end of the item".to_owned()
        };
        let hint = match self.kind(0) {
            Some(TokenKind::Sign(b';')) => "entries end with their line or with a comma",
            Some(TokenKind::Sign(b'\'' | b'`')) => "texts are written in double quotes",
            Some(TokenKind::Sign(b'#')) => "comments begin with `//`",
            Some(TokenKind::Sign(b'|')) => "alternatives are an enum: `enum Role { ADMIN MEMBER }`",
            _ => "",
        };
        if let Some(report) = self.report(codes::SYNTAX, &range, message) {
            report.with_label(expected);
            report.hint = (!hint.is_empty()).then(|| hint.to_owned());
        }
    }

    pub(super) fn unclosed(&mut self, open: &Range<usize>) {
        let sign = self.slice(open);
        let close = match sign {
            "{" => "}",
            "[" => "]",
            "(" => ")",
            _ => ">",
        };
        self.broken = true;
        // What an open quote or comment has swallowed may well hold the closing one.
        if self.silent_from == usize::MAX {
            self.out
                .error(codes::UNCLOSED, span(self.file, open), format!("this `{sign}` is never closed"))
                .with_label("opened here")
                .with_hint(format!("add the missing `{close}`"));
        }
    }

    pub(super) fn single_quotes(&mut self, range: &Range<usize>) {
        let inner = self.text[range.start + 1..range.end - 1].to_owned();
        let message = "texts are written in double quotes".to_owned();
        self.report_with_hint(codes::SYNTAX, range, message, &format!("write \"{inner}\""));
    }

    /// Passes what is left of a broken entry: to a comma, the closing brace, the next line or the next key.
    pub(super) fn skip(&mut self) {
        let (mut braces, mut brackets) = (0_usize, 0_usize);
        while let Some(token) = self.tokens.get(self.at) {
            let outside = braces == 0 && brackets == 0;
            match token.kind {
                TokenKind::Sign(b'}') if braces == 0 => return,
                TokenKind::Sign(b',') if outside => return,
                _ if (outside && token.first_on_line) || (braces == 0 && self.is_label()) => return,
                TokenKind::Sign(b'{') => braces += 1,
                TokenKind::Sign(b'}') => braces -= 1,
                TokenKind::Sign(b'[' | b'(') => brackets += 1,
                TokenKind::Sign(b']' | b')') => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Joins the doc comments that stand in `range`.
    pub(super) fn doc(&self, range: Range<usize>) -> Option<String> {
        let first = self.docs.partition_point(|doc| doc.start < range.start);
        let within = self.docs[first..].iter().take_while(|doc| doc.start < range.end);
        let lines: Vec<&str> = within
            .map(|doc| {
                let line = self.text[doc.start + 3..doc.end].trim_end();
                line.strip_prefix(' ').unwrap_or(line)
            })
            .collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// Resolves the escapes of a text without its quotes. An unknown escape keeps its backslash, so that regular
/// expressions may be written as they are.
pub(super) fn unescape(inner: &str) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(same @ ('"' | '\\')) => text.push(same),
            other => {
                text.push('\\');
                text.extend(other);
            }
        }
    }
    text
}
