//! Text → tokens, cut into items, so that one broken item never hides the next. Finds the doc comments on the way.
//!
//! Called by `parse`. Knows strings, comments and braces, but no grammar.

use std::ops::Range;

use super::ast::ItemKind;

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
    let mut lexer = Lexer { text, at: 0, docs: Vec::new(), unclosed: Vec::new() };
    let tokens = lexer.tokens();
    let mut chunks = Vec::new();
    let mut start = 0;
    while start < tokens.len() {
        let end = cut(text, &tokens, start);
        chunks.push(start..end);
        start = end;
    }
    Scan { tokens, chunks, docs: lexer.docs, unclosed: lexer.unclosed }
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

    /// Passes the token that begins with `next`.
    fn token(&mut self, next: char) -> TokenKind {
        let second = self.text.as_bytes().get(self.at + next.len_utf8()).copied().unwrap_or_default();
        match next {
            '"' => self.quoted(),
            '\'' => self.single(),
            '0'..='9' => self.number(),
            '+' | '-' if second.is_ascii_digit() => self.number(),
            _ if next.is_alphabetic() || next == '_' => {
                self.run(
                    |c| c.is_alphanumeric() || c == '_',
                    "-./",
                    |byte| byte.is_ascii_alphanumeric() || byte == b'_',
                );
                TokenKind::Word
            }
            _ => {
                self.at += next.len_utf8();
                TokenKind::Sign(if next.is_ascii() { next as u8 } else { 0 })
            }
        }
    }

    fn number(&mut self) -> TokenKind {
        self.at += 1;
        self.run(|c| c.is_ascii_alphanumeric() || c == '_', ".-", |byte| byte.is_ascii_digit());
        TokenKind::Number
    }

    /// Passes characters that fit `within`, and those of `joints` that are followed by what fits `after`.
    fn run(&mut self, within: impl Fn(char) -> bool, joints: &str, after: impl Fn(u8) -> bool) {
        let bytes = self.text.as_bytes();
        while let Some(c) = self.text[self.at..].chars().next() {
            let joint = joints.contains(c) && bytes.get(self.at + 1).copied().is_some_and(&after);
            if !within(c) && !joint {
                break;
            }
            self.at += c.len_utf8();
        }
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
    fn quoted(&mut self) -> TokenKind {
        let start = self.at;
        let mut escaped = false;
        let mut end = self.text.len();
        for (offset, c) in self.text[start + 1..].char_indices() {
            let at = start + 1 + offset;
            match c {
                '\n' => {
                    end = at;
                    break;
                }
                '"' if !escaped => {
                    self.at = at + 1;
                    return TokenKind::Text;
                }
                _ => escaped = c == '\\' && !escaped,
            }
        }
        self.at = end;
        self.unclosed.push(start..start + self.text[start..end].trim_end().len());
        TokenKind::Unclosed
    }

    /// Passes a text in single quotes, or the quote alone when its line has no second one.
    fn single(&mut self) -> TokenKind {
        let rest = &self.text[self.at + 1..];
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let end = line.find('\'');
        self.at += end.map_or(1, |end| end + 2);
        if end.is_some() { TokenKind::Single } else { TokenKind::Sign(b'\'') }
    }
}
