//! Text → tokens that carry the comments before them, so that nothing but whitespace is lost.
//!
//! Called by [`format`](super::format) with texts that parse. Follows the words, numbers and texts of `grammar.pest`.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    Text,
    /// `@name`.
    Attribute,
    Sign(char),
    /// The end of the file.
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
    let mut comments = Vec::new();
    let (mut at, mut lines) = (0, 0);
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        if next.is_whitespace() || next == '\u{FEFF}' {
            lines += usize::from(next == '\n');
            at += next.len_utf8();
            continue;
        }
        if rest.starts_with("//") || rest.starts_with("/*") {
            let length = comment(rest);
            comments.push(Comment { text: rest[..length].trim_end(), lines, after_comma: false });
            (at, lines) = (at + length, 0);
            continue;
        }
        let (kind, length) = token(rest, next);
        tokens.push(Token {
            kind,
            text: &rest[..length],
            at,
            comments: std::mem::take(&mut comments),
            lines,
        });
        (at, lines) = (at + length, 0);
    }
    tokens.push(Token { kind: Kind::End, text: "", at, comments, lines });
    tokens
}

/// Returns the length of the comment at the start of `rest`.
fn comment(rest: &str) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    rest[2..].find("*/").map_or(rest.len(), |end| end + 4)
}

/// Returns the kind and the length of the token at the start of `rest`.
fn token(rest: &str, next: char) -> (Kind, usize) {
    let second = rest[next.len_utf8()..].chars().next().unwrap_or(' ');
    match next {
        '"' => (Kind::Text, quoted(rest)),
        '@' if starts_word(second) => (Kind::Attribute, 1 + run(&rest[1..], "-./", continues_word)),
        '-' | '+' if second.is_ascii_digit() => (Kind::Number, 1 + number(&rest[1..])),
        c if starts_word(c) => (Kind::Word, run(rest, "-./", continues_word)),
        c if c.is_ascii_digit() => (Kind::Number, number(rest)),
        c => (Kind::Sign(c), c.len_utf8()),
    }
}

fn number(rest: &str) -> usize {
    run(rest, ".-", |c| c.is_ascii_digit())
}

/// Tells whether the whole of `text` is a word.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(starts_word) && run(text, "-./", continues_word) == text.len()
}

fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn continues_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Returns the length of letters, digits and `_`, joined by `joints` wherever `joined` comes next.
fn run(rest: &str, joints: &str, joined: fn(char) -> bool) -> usize {
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        if !continues_word(c) && !(joints.contains(c) && next.is_some_and(joined)) {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == '"' && !escaped {
            return at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}
