//! Text → tokens, cut into items, so that one broken item never hides the next. Finds the doc comments on the way.
//!
//! Called by `parse`. Knows the tokens, which `grammar.pest` describes, and braces; not what they mean together.

use std::ops::Range;

use pest::Parser;
use pest::iterators::Pair;

use super::ast::ItemKind;

// The derived enum has no docs of its own.
#[allow(missing_docs)]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "schema/grammar.pest"]
    pub(super) struct Grammar;
}
use grammar::{Grammar, Rule};

/// A file cut into pieces.
pub(super) struct Scan {
    /// All tokens; white space and comments are none.
    pub tokens: Vec<Token>,
    /// The tokens of each item, or of what stands where items should be.
    pub chunks: Vec<Range<usize>>,
    /// The `///` comments, in order.
    pub docs: Vec<Range<usize>>,
    /// Texts and comments that are never closed, in order.
    pub unclosed: Vec<Range<usize>>,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name; `-`, `.` and `/` may stand inside. Its letters may be wrong ones.
    Word,
    /// A number with whatever follows its digits, as a unit.
    Number,
    /// A text with its quotes.
    Text,
    /// A text in single quotes, which the language does not have.
    Single,
    /// The rest of a line after a quote that is never closed.
    Unclosed,
    /// Any other character; 0 when it is not ASCII.
    Sign(u8),
}

/// One token.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Its bytes.
    pub range: Range<usize>,
    /// Whether nothing but space and comments stands before it on its line.
    pub first_on_line: bool,
}

/// Cuts `text` into items.
pub(super) fn scan(text: &str) -> Scan {
    let mut scan = tokens(text);
    let mut start = 0;
    while start < scan.tokens.len() {
        let end = cut(text, &scan.tokens, start);
        scan.chunks.push(start..end);
        start = end;
    }
    scan
}

/// Returns the first token after the piece that starts at token `start`.
fn cut(text: &str, tokens: &[Token], start: usize) -> usize {
    let close = TokenKind::Sign(b'}');
    if tokens[start].kind == close {
        let others = tokens[start..].iter().position(|token| token.kind != close);
        return others.map_or(tokens.len(), |count| start + count);
    }
    let mut braces = 0_usize;
    for at in start..tokens.len() {
        if at > start && begins_item(text, tokens, at, braces) {
            return at;
        }
        match tokens[at].kind {
            TokenKind::Sign(b'{') => braces += 1,
            TokenKind::Sign(b'}') if braces <= 1 => return at + usize::from(braces == 1),
            TokenKind::Sign(b'}') => braces -= 1,
            _ => {}
        }
    }
    tokens.len()
}

/// Tells whether an item begins at token `at`. Inside braces a name and an opening brace must follow the keyword,
/// because fields may be called `type` or `event`.
fn begins_item(text: &str, tokens: &[Token], at: usize, braces: usize) -> bool {
    let is = |at: usize, kind: TokenKind| tokens.get(at).is_some_and(|token| token.kind == kind);
    let token = &tokens[at];
    token.first_on_line
        && token.kind == TokenKind::Word
        && is(at + 1, TokenKind::Word)
        && (braces == 0 || is(at + 2, TokenKind::Sign(b'{')))
        && ItemKind::from_word(&text[token.range.clone()]).is_some()
}

/// Collects the tokens of `text`.
fn tokens(text: &str) -> Scan {
    let mut scan = Scan { tokens: Vec::new(), chunks: Vec::new(), docs: Vec::new(), unclosed: Vec::new() };
    let file = Grammar::parse(Rule::file, text).expect("every character is a token");
    let mut first_on_line = true;
    for pair in file.flat_map(Pair::into_inner) {
        let (rule, range) = (pair.as_rule(), pair.as_span().start()..pair.as_span().end());
        let kind = match rule {
            Rule::text => TokenKind::Text,
            Rule::word => TokenKind::Word,
            Rule::number => TokenKind::Number,
            Rule::single => TokenKind::Single,
            Rule::open_text => TokenKind::Unclosed,
            Rule::sign => {
                TokenKind::Sign(Some(text.as_bytes()[range.start]).filter(u8::is_ascii).unwrap_or(0))
            }
            Rule::newline => {
                first_on_line = true;
                continue;
            }
            Rule::doc => {
                scan.docs.push(range);
                continue;
            }
            Rule::open_comment => {
                scan.unclosed.push(range.start..range.start + 2);
                continue;
            }
            _ => continue,
        };
        if kind == TokenKind::Unclosed {
            scan.unclosed.push(range.start..range.start + text[range.clone()].trim_end().len());
        }
        scan.tokens.push(Token { kind, range, first_on_line });
        first_on_line = false;
    }
    scan
}
