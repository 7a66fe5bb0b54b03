//! The tokens of a text with the comments between them, so that nothing but white space is lost.
//!
//! Called by [`format`](super::format) with texts that parse. What a token is, `scan` decides.

use crate::schema::scan::{TokenKind, scan};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Text,
    Sign(u8),
    /// The end of the file, or what no good text has.
    End,
}

/// A token with what stands between it and the token before.
#[derive(Debug)]
pub(super) struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    /// The byte in the file.
    pub at: usize,
    /// The comments before it.
    pub comments: Vec<Comment<'t>>,
    /// The line breaks between it and what stands before it, a comment or a token.
    pub lines: usize,
}

/// A comment with its delimiters, without trailing spaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comment<'t> {
    pub text: &'t str,
    /// The line breaks between it and what stands before it.
    pub lines: usize,
    /// Whether a comma stands between it and the entry before it.
    pub after_comma: bool,
}

impl Comment<'_> {
    /// Tells whether the comment ends with its line.
    pub(super) fn is_line(&self) -> bool {
        self.text.starts_with("//")
    }

    /// Tells whether the comment has several lines.
    pub(super) fn is_tall(&self) -> bool {
        self.text.contains('\n')
    }
}

/// Cuts `text` into tokens; the last one is the end of the file.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut before = 0;
    for token in scan(text).tokens {
        let kind = match token.kind {
            TokenKind::Word => Kind::Word,
            TokenKind::Number => Kind::Number,
            TokenKind::Text => Kind::Text,
            TokenKind::Sign(sign) => Kind::Sign(sign),
            TokenKind::Single | TokenKind::Unclosed => Kind::End,
        };
        let (comments, lines) = comments(&text[before..token.range.start]);
        tokens.push(Token { kind, text: &text[token.range.clone()], at: token.range.start, comments, lines });
        before = token.range.end;
    }
    let (comments, lines) = comments(&text[before..]);
    tokens.push(Token { kind: Kind::End, text: "", at: text.len(), comments, lines });
    tokens
}

/// Finds the comments of what stands between two tokens; returns them and the line breaks after the last.
fn comments(gap: &str) -> (Vec<Comment<'_>>, usize) {
    let mut found = Vec::new();
    let mut rest = gap;
    while let Some(start) = rest.find('/') {
        let lines = breaks(&rest[..start]);
        rest = &rest[start..];
        let length = match rest.starts_with("//") {
            true => rest.find('\n'),
            false => rest.get(2..).and_then(|inner| inner.find("*/")).map(|end| end + 4),
        };
        let (text, after) = rest.split_at(length.unwrap_or(rest.len()));
        found.push(Comment { text: text.trim_end(), lines, after_comma: false });
        rest = after;
    }
    (found, breaks(rest))
}

fn breaks(space: &str) -> usize {
    space.matches('\n').count()
}

/// Tells whether the whole of `text` is a good name: a word, perhaps with `-`, `.` and `/` inside.
pub(super) fn is_word(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.split(['-', '.', '/']).all(word) && !text.starts_with(|c: char| c.is_ascii_digit())
}
