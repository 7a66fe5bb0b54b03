//! Cuts a file into items and finds its doc comments, so that one broken item never hides the next.
//!
//! Called by `parse`. Knows strings, comments and braces, but no grammar.

use std::ops::Range;

use super::ast::ItemKind;

/// A file cut into pieces.
pub(super) struct Scan {
    /// The items, or what stands where items should be.
    pub chunks: Vec<Chunk>,
    /// The `///` comments, in order.
    pub docs: Vec<Range<usize>>,
    /// Texts and comments that are never closed.
    pub unclosed: Vec<Range<usize>>,
}

/// One piece of a file that should be an item.
pub(super) struct Chunk {
    /// From the first to the last token.
    pub range: Range<usize>,
    /// The first word, when the piece starts with two words.
    pub keyword: Option<Range<usize>>,
    /// The first token.
    pub first: Range<usize>,
    /// The outermost brace, when it is never closed.
    pub open_brace: Option<usize>,
    /// The deepest nesting of braces, brackets and parentheses.
    pub depth: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum TokenKind {
    Word,
    Text,
    Sign(u8),
}

struct Token {
    kind: TokenKind,
    range: Range<usize>,
    first_on_line: bool,
}

/// Cuts `text` into items.
pub(super) fn scan(text: &str) -> Scan {
    let mut lexer = Lexer { text, at: 0, docs: Vec::new(), unclosed: Vec::new() };
    let tokens = lexer.tokens();
    let mut chunks = Vec::new();
    let mut start = 0;
    while start < tokens.len() {
        let (chunk, end) = cut(text, &tokens, start);
        chunks.push(chunk);
        start = end;
    }
    Scan { chunks, docs: lexer.docs, unclosed: lexer.unclosed }
}

/// Cuts the piece that starts at token `start`; returns it and the first token after it.
fn cut(text: &str, tokens: &[Token], start: usize) -> (Chunk, usize) {
    let (mut braces, mut depth, mut deepest) = (0_usize, 0_usize, 0_usize);
    let mut open_brace = None;
    let mut end = start;
    while end < tokens.len() {
        if end > start && begins_item(text, tokens, end, braces) {
            break;
        }
        let token = &tokens[end];
        end += 1;
        match token.kind {
            TokenKind::Sign(b'{' | b'[' | b'(' | b'<') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            TokenKind::Sign(b'}' | b']' | b')' | b'>') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if token.kind == TokenKind::Sign(b'{') {
            braces += 1;
            open_brace.get_or_insert(token.range.start);
        }
        if token.kind == TokenKind::Sign(b'}') && braces > 0 {
            braces -= 1;
            if braces == 0 {
                open_brace = None;
                break;
            }
        }
    }
    let two_words = [start, start + 1].iter().all(|at| *at < end && tokens[*at].kind == TokenKind::Word);
    let chunk = Chunk {
        range: tokens[start].range.start..tokens[end - 1].range.end,
        keyword: two_words.then(|| tokens[start].range.clone()),
        first: tokens[start].range.clone(),
        open_brace,
        depth: deepest,
    };
    (chunk, end)
}

/// Tells whether an item begins at token `at`. Inside braces a name and an opening brace must follow the keyword,
/// because fields may be called `type` or `event`.
fn begins_item(text: &str, tokens: &[Token], at: usize, braces: usize) -> bool {
    let is = |at: usize, kind: TokenKind| tokens.get(at).is_some_and(|token| token.kind == kind);
    let token = &tokens[at];
    token.first_on_line
        && token.kind == TokenKind::Word
        && ItemKind::from_word(&text[token.range.clone()]).is_some()
        && is(at + 1, TokenKind::Word)
        && (braces == 0 || is(at + 2, TokenKind::Sign(b'{')))
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    docs: Vec<Range<usize>>,
    unclosed: Vec<Range<usize>>,
}

impl Lexer<'_> {
    fn tokens(&mut self) -> Vec<Token> {
        let mut tokens = Vec::new();
        let mut first_on_line = true;
        while let Some(next) = self.text[self.at..].chars().next() {
            let start = self.at;
            let rest = &self.text[start..];
            if next.is_whitespace() || next == '\u{FEFF}' {
                first_on_line |= next == '\n';
                self.at += next.len_utf8();
                continue;
            }
            if rest.starts_with("//") || rest.starts_with("/*") {
                self.comment();
                continue;
            }
            let kind = self.token(next);
            tokens.push(Token { kind, range: start..self.at, first_on_line });
            first_on_line = false;
        }
        tokens
    }

    fn token(&mut self, next: char) -> TokenKind {
        if next == '"' {
            self.quoted();
            return TokenKind::Text;
        }
        if next.is_alphanumeric() || next == '_' {
            let rest = &self.text[self.at..];
            let word = |c: char| c.is_alphanumeric() || c == '_';
            self.at += rest.find(|c| !word(c)).unwrap_or(rest.len());
            return TokenKind::Word;
        }
        self.at += next.len_utf8();
        TokenKind::Sign(u8::try_from(next).unwrap_or(b'?'))
    }

    fn comment(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        if rest.starts_with("//") {
            self.at += rest.find('\n').unwrap_or(rest.len());
            if rest.starts_with("///") && !rest.starts_with("////") {
                self.docs.push(start..self.at);
            }
            return;
        }
        match rest[2..].find("*/") {
            Some(end) => self.at += end + 4,
            None => {
                self.at = self.text.len();
                self.unclosed.push(start..start + 2);
            }
        }
    }

    /// Passes a quoted text; one that is not closed ends with its line.
    fn quoted(&mut self) {
        let start = self.at;
        let mut escaped = false;
        for (offset, c) in self.text[start + 1..].char_indices() {
            let at = start + 1 + offset;
            match c {
                '\n' => {
                    self.at = at;
                    self.unclosed.push(start..at);
                    return;
                }
                '"' if !escaped => {
                    self.at = at + 1;
                    return;
                }
                _ => escaped = c == '\\' && !escaped,
            }
        }
        self.at = self.text.len();
        self.unclosed.push(start..self.at);
    }
}
