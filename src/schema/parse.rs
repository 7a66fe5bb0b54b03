//! Tokens → syntax tree, by recursive descent. Reports what does not parse and goes on with the next entry, so that a
//! broken field hides neither its item nor the fields after it.
//!
//! ```text
//! item      = keyword name "{" (entry ","?)* "}"          of an enum: (value ","?)*, a value is a word or a text
//! entry     = key ":"? value attribute*                   a key is a word, a text or a number
//! value     = (word | text | number | list | object | word "<" value ">") ("?" | "[" "]")*
//! list      = "[" (value ","?)* "]"
//! object    = "{" (entry ","?)* "}"
//! attribute = "@" word ("(" (argument ("," argument)* ","?)? ")")?
//! argument  = value | word "(" ")"
//! ```
//!
//! Called by [`compile`](super::compile). Looks up no names.

use std::ops::Range;

use super::ast::{Attribute, Entry, Item, ItemKind, Value, ValueKind, Variant, Word};
use super::codes;
use super::diagnostic::{Diagnostic, Reporter};
use super::model::Span;
use super::scan::{Scan, Token, TokenKind, scan};
use super::spelling::nearest;

/// Deeper nesting than this is refused: the parser and everything after it is recursive.
const MAX_DEPTH: usize = 32;
/// More `?` and `[]` than this on one type are refused.
const MAX_SUFFIXES: usize = 8;

/// Words of other languages, and ours for them.
const FOREIGN: [(&str, ItemKind); 16] = [
    ("struct", ItemKind::Type),
    ("class", ItemKind::Type),
    ("interface", ItemKind::Type),
    ("record", ItemKind::Type),
    ("message", ItemKind::Type),
    ("table", ItemKind::Model),
    ("entity", ItemKind::Model),
    ("endpoint", ItemKind::Api),
    ("route", ItemKind::Api),
    ("rpc", ItemKind::Api),
    ("job", ItemKind::Cron),
    ("schedule", ItemKind::Cron),
    ("topic", ItemKind::Event),
    ("websocket", ItemKind::Ws),
    ("socket", ItemKind::Ws),
    ("enumeration", ItemKind::Enum),
];

/// Parses the file at index `file` of the set; adds what is wrong to `out`.
pub(super) fn parse(file: usize, text: &str, out: &mut Reporter) -> Vec<Item> {
    let scanned = scan(text);
    for range in &scanned.unclosed {
        let what = if text[range.clone()].starts_with('"') { "text" } else { "comment" };
        out.error(codes::UNCLOSED, span(file, range), format!("this {what} is never closed"))
            .with_label("opened here");
    }
    let mut items = Vec::new();
    for (number, chunk) in scanned.chunks.iter().enumerate() {
        let before = chunk.start.checked_sub(1).map_or(0, |last| scanned.tokens[last].range.end);
        let mut parser = Parser {
            file,
            text,
            docs: &scanned.docs,
            tokens: &scanned.tokens[chunk.clone()],
            at: 0,
            depth: 0,
            silent_from: silent_from(&scanned, number, text.len()),
            broken: false,
            out,
        };
        items.extend(parser.item(before));
    }
    items
}

/// Returns the byte from which on a piece is not worth complaining about: what a quote or comment that is never closed
/// has swallowed.
fn silent_from(scanned: &Scan, number: usize, length: usize) -> usize {
    let start = scanned.tokens[scanned.chunks[number].start].range.start;
    let end = scanned.chunks.get(number + 1).map_or(length, |next| scanned.tokens[next.start].range.start);
    let first = scanned.unclosed.partition_point(|bad| bad.start < start);
    scanned.unclosed.get(first).filter(|bad| bad.start < end).map_or(usize::MAX, |bad| bad.start)
}

fn span(file: usize, range: &Range<usize>) -> Span {
    Span { file, start: range.start, end: range.end }
}

/// Reads the tokens of one item.
struct Parser<'a, 'o> {
    file: usize,
    text: &'a str,
    docs: &'a [Range<usize>],
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    silent_from: usize,
    broken: bool,
    out: &'o mut Reporter,
}

impl<'a> Parser<'a, '_> {
    // ---- tokens

    fn kind(&self, ahead: usize) -> Option<TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    fn is(&self, ahead: usize, sign: u8) -> bool {
        self.kind(ahead) == Some(TokenKind::Sign(sign))
    }

    fn first_on_line(&self, ahead: usize) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(|token| token.first_on_line)
    }

    /// Takes the next token, if it is this sign.
    fn eat(&mut self, sign: u8) -> bool {
        let found = self.is(0, sign);
        self.at += usize::from(found);
        found
    }

    /// Returns the place of the next token; after the last one, that of the last.
    fn range(&self) -> Range<usize> {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map(|token| token.range.clone()).unwrap_or_default()
    }

    fn slice(&self, range: &Range<usize>) -> &'a str {
        &self.text[range.clone()]
    }

    /// Takes the next token as a name, which may be quoted.
    fn name(&mut self) -> Word {
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
    fn is_label(&self) -> bool {
        use TokenKind::{Number, Text, Word};
        matches!(self.kind(0), Some(Word | Text | Number)) && self.is(1, b':')
    }

    /// Tells whether the next token is the key of an entry: a label, or the first of two on a line.
    fn is_key(&self) -> bool {
        use TokenKind::{Number, Sign, Text, Word};
        let two = self.first_on_line(0)
            && matches!(self.kind(0), Some(Word | Text | Number))
            && matches!(self.kind(1), Some(Word | Text | Number | Sign(b'{')))
            && !self.first_on_line(1);
        self.is_label() || (two && !self.is(2, b':'))
    }

    // ---- complaints

    /// Adds an error, unless it would only repeat one.
    fn report(
        &mut self,
        code: &'static str,
        range: &Range<usize>,
        message: String,
    ) -> Option<&mut Diagnostic> {
        self.broken = true;
        let place = span(self.file, range);
        (range.start < self.silent_from).then(|| self.out.error(code, place, message))
    }

    fn report_with_hint(&mut self, code: &'static str, range: &Range<usize>, message: String, hint: &str) {
        if let Some(report) = self.report(code, range, message) {
            report.with_hint(hint);
        }
    }

    fn unexpected(&mut self, expected: &str) {
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

    fn unclosed(&mut self, open: &Range<usize>) {
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

    fn single_quotes(&mut self, range: &Range<usize>) {
        let inner = self.text[range.start + 1..range.end - 1].to_owned();
        let message = "texts are written in double quotes".to_owned();
        self.report_with_hint(codes::SYNTAX, range, message, &format!("write \"{inner}\""));
    }

    /// Passes what is left of a broken entry: to a comma, the closing brace, the next line or the next key.
    fn skip(&mut self) {
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

    // ---- items

    /// Reads the item; `before` is where the piece before it ended.
    fn item(&mut self, before: usize) -> Option<Item> {
        let start = self.tokens[0].range.start;
        if self.kind(0) != Some(TokenKind::Word) || self.kind(1) != Some(TokenKind::Word) {
            self.stray();
            return None;
        }
        let keyword = self.name();
        let known = ItemKind::from_word(&keyword.text);
        let kind = known.or_else(|| self.unknown_kind(&keyword))?;
        let name = self.name();
        if !self.is(0, b'{') {
            self.unexpected("expected `{`");
            let open = self.tokens[self.at..].iter().position(|token| token.kind == TokenKind::Sign(b'{'));
            self.at = open.map_or(self.tokens.len(), |count| self.at + count);
        }
        let (mut entries, mut values) = (Vec::new(), Vec::new());
        if self.eat(b'{') {
            self.depth = 1;
            if kind == ItemKind::Enum {
                values = self.variants();
            } else {
                entries = self.entries();
            }
        }
        Some(Item { kind, name, entries, values, doc: self.doc(before..start), broken: self.broken })
    }

    /// Reports text that stands where an item should.
    fn stray(&mut self) {
        let range = self.range();
        let token = self.slice(&range);
        let hint = "an item is `model Name { … }`, `api Name { … }` and so on";
        let (message, hint) = match ItemKind::from_word(token) {
            Some(kind) => (format!("`{}` needs a name", kind.as_str()), hint),
            None if token == "}" => {
                ("this `}` closes nothing".to_owned(), "remove it, or look above for one too many")
            }
            None => (format!("expected an item, found `{token}`"), hint),
        };
        self.report_with_hint(codes::SYNTAX, &range, message, hint);
    }

    /// Reports an unknown keyword; returns the kind that was probably meant, so that the name is declared.
    fn unknown_kind(&mut self, keyword: &Word) -> Option<ItemKind> {
        let foreign = FOREIGN.iter().find(|(word, _)| keyword.text.eq_ignore_ascii_case(word));
        let known = ItemKind::ALL.map(ItemKind::as_str);
        let near = foreign.map(|(_, kind)| kind.as_str()).or_else(|| nearest(&keyword.text, known));
        self.broken = true;
        if keyword.span.start < self.silent_from {
            self.out
                .error(
                    codes::UNKNOWN_ITEM,
                    keyword.span,
                    format!("there is no kind of item `{}`", keyword.text),
                )
                .with_hint(format!("items are {}", known.join(", ")))
                .with_suggestion(near);
        }
        if near.is_none() {
            self.silent_from = 0;
        }
        self.is(1, b'{').then(|| near.and_then(ItemKind::from_word).unwrap_or(ItemKind::Type))
    }

    /// Reads the values of an enum after its `{`.
    fn variants(&mut self) -> Vec<Variant> {
        let open = self.tokens[self.at - 1].range.clone();
        let mut floor = open.end;
        let mut variants = Vec::new();
        loop {
            match self.kind(0) {
                None => {
                    self.unclosed(&open);
                    return variants;
                }
                Some(TokenKind::Sign(b'}')) => {
                    self.at += 1;
                    return variants;
                }
                Some(TokenKind::Word | TokenKind::Text | TokenKind::Single | TokenKind::Number) => {
                    let name = self.name();
                    let doc = self.doc(floor..name.span.start);
                    floor = name.span.end;
                    variants.push(Variant { name, doc });
                    self.eat(b',');
                }
                Some(TokenKind::Sign(b'=' | b':' | b'@' | b'(')) => {
                    self.unexpected("a value of an enum is a name and nothing else");
                    self.at += 1;
                    self.skip();
                    self.eat(b',');
                }
                Some(_) => {
                    self.unexpected("expected a name or `}`");
                    self.at += 1;
                }
            }
        }
    }

    /// Reads entries after their `{`, to its `}`.
    fn entries(&mut self) -> Vec<Entry> {
        let open = self.tokens[self.at - 1].range.clone();
        let mut floor = open.end;
        let mut entries = Vec::new();
        loop {
            match self.kind(0) {
                None => {
                    self.unclosed(&open);
                    return entries;
                }
                Some(TokenKind::Sign(b'}')) => {
                    self.at += 1;
                    return entries;
                }
                Some(TokenKind::Word | TokenKind::Text | TokenKind::Number | TokenKind::Single) => {
                    entries.push(self.entry(floor));
                    // Before the comma, which must make no difference to what a comment documents.
                    floor = self.tokens[self.at - 1].range.end;
                    self.eat(b',');
                }
                Some(TokenKind::Sign(b';' | b',')) => {
                    self.unexpected("remove it");
                    self.at += 1;
                }
                Some(_) => {
                    self.unexpected("expected a name or `}`");
                    self.at += 1;
                    self.skip();
                    self.eat(b',');
                }
            }
        }
    }

    /// Reads an entry; what stands between byte `floor` and it may document it.
    fn entry(&mut self, floor: usize) -> Entry {
        let key = self.name();
        let doc = self.doc(floor..key.span.start);
        if self.is(0, b'=') {
            self.unexpected("write `:`");
            self.at += 1;
        } else {
            self.eat(b':');
        }
        let missing =
            matches!(self.kind(0), Some(TokenKind::Sign(b'}' | b',' | b';' | b'@'))) || self.is_key();
        let value = if missing {
            let hint = format!("write `{}: …`", key.text);
            let place = key.span.start..key.span.end;
            self.report_with_hint(codes::SYNTAX, &place, format!("`{}` has no value", key.text), &hint);
            Value { kind: ValueKind::Broken, span: key.span }
        } else {
            self.value()
        };
        if matches!(value.kind, ValueKind::Broken) && !missing {
            self.skip();
        }
        let mut attributes = Vec::new();
        while self.is(0, b'@') {
            attributes.extend(self.attribute());
        }
        Entry { key, value, attributes, doc }
    }

    /// Reads an attribute; none when it is broken, and then the entry ends there.
    fn attribute(&mut self) -> Option<Attribute> {
        let start = self.range();
        self.at += 1;
        if self.kind(0) != Some(TokenKind::Word) || self.range().start != start.end {
            let message = "an attribute needs a name".to_owned();
            self.report_with_hint(
                codes::SYNTAX,
                &start,
                message,
                "write `@id`, `@unique` and so on, without a space",
            );
            self.skip();
            return None;
        }
        let mut name = self.name();
        name.span.start = start.start;
        let mut span = name.span;
        let mut arguments = Vec::new();
        if self.is(0, b'(') && !self.first_on_line(0) {
            let open = self.range();
            self.at += 1;
            arguments = self.arguments(&open)?;
            span.end = self.tokens[self.at - 1].range.end;
        }
        Some(Attribute { name, arguments, span })
    }

    /// Reads arguments and their `)`; none when they are broken, and then they have been passed.
    fn arguments(&mut self, open: &Range<usize>) -> Option<Vec<Value>> {
        let mut arguments = Vec::new();
        while !self.eat(b')') {
            let argument = (!self.is_after_arguments()).then(|| self.argument());
            let broken = argument.as_ref().is_some_and(|argument| matches!(argument.kind, ValueKind::Broken));
            let ends = self.is(0, b')') || self.eat(b',');
            if !broken && !ends && (self.first_on_line(0) || self.is_after_arguments()) {
                self.unclosed(open);
                return None;
            }
            if broken || !ends {
                if !broken {
                    self.unexpected("expected `,` or `)`");
                }
                self.skip_arguments();
                return None;
            }
            arguments.extend(argument);
        }
        Some(arguments)
    }

    /// Tells whether here stands something that no argument begins with, but what follows an attribute.
    fn is_after_arguments(&self) -> bool {
        matches!(self.kind(0), None | Some(TokenKind::Sign(b'}' | b'@'))) || self.is_label()
    }

    /// Passes broken arguments, at most to the end of the line.
    fn skip_arguments(&mut self) {
        let mut depth = 1_usize;
        while depth > 0 && !self.first_on_line(0) && !self.is_after_arguments() {
            match self.kind(0) {
                Some(TokenKind::Sign(b'(')) => depth += 1,
                Some(TokenKind::Sign(b')')) => depth -= 1,
                Some(TokenKind::Sign(b'{')) => return,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Reads an argument; a call without arguments is the word it calls: `now()` is `now`.
    fn argument(&mut self) -> Value {
        let value = self.value();
        if matches!(value.kind, ValueKind::Word(_)) && self.is(0, b'(') && self.is(1, b')') {
            self.at += 2;
        }
        value
    }

    // ---- values

    fn value(&mut self) -> Value {
        let mut value = self.operand();
        let mut suffixes = 0;
        loop {
            let kind: fn(Box<Value>) -> ValueKind = if self.is(0, b'?') {
                ValueKind::Optional
            } else if self.is(0, b'[') && self.is(1, b']') {
                self.at += 1;
                ValueKind::Array
            } else {
                return value;
            };
            let span = Span { end: self.range().end, ..value.span };
            self.at += 1;
            suffixes += 1;
            if suffixes == MAX_SUFFIXES + 1 {
                let place = value.span.start..value.span.end;
                let message = "this type has too many `?` and `[]`".to_owned();
                let hint = format!("at most {MAX_SUFFIXES} are allowed");
                self.report_with_hint(codes::TOO_DEEP, &place, message, &hint);
            }
            if suffixes <= MAX_SUFFIXES {
                value = Value { kind: kind(Box::new(value)), span };
            }
        }
    }

    /// Reads a value without its `?` and `[]`; a broken one when there is none.
    fn operand(&mut self) -> Value {
        let range = self.range();
        let written = self.slice(&range);
        let inner = || unescape(&written[1..written.len() - 1]);
        let kind = match self.kind(0) {
            Some(TokenKind::Text) => ValueKind::Text(inner()),
            Some(TokenKind::Single) => {
                self.single_quotes(&range);
                ValueKind::Text(inner())
            }
            Some(TokenKind::Number) => ValueKind::Number(written.to_owned()),
            Some(TokenKind::Word) if self.is(1, b'<') => return self.nested(Self::generic),
            Some(TokenKind::Word) => ValueKind::Word(written.to_owned()),
            Some(TokenKind::Sign(b'[')) => return self.nested(Self::list),
            Some(TokenKind::Sign(b'{')) => return self.nested(Self::object),
            Some(TokenKind::Unclosed) => ValueKind::Broken,
            _ => {
                self.unexpected("expected a value");
                return Value { kind: ValueKind::Broken, span: span(self.file, &range) };
            }
        };
        self.at += 1;
        Value { kind, span: span(self.file, &range) }
    }

    /// Reads something with brackets, unless it is too deep; then the rest of the item is passed.
    fn nested(&mut self, read: fn(&mut Self) -> ValueKind) -> Value {
        let start = self.range();
        let kind = if self.depth == MAX_DEPTH {
            let message = "this is nested too deeply".to_owned();
            let hint = format!("at most {MAX_DEPTH} levels are allowed");
            self.report_with_hint(codes::TOO_DEEP, &start, message, &hint);
            self.at = self.tokens.len();
            self.silent_from = 0;
            ValueKind::Broken
        } else {
            self.depth += 1;
            let kind = read(self);
            self.depth -= 1;
            kind
        };
        let end = self.tokens[self.at - 1].range.end;
        Value { kind, span: span(self.file, &(start.start..end)) }
    }

    fn object(&mut self) -> ValueKind {
        self.at += 1;
        ValueKind::Object(self.entries())
    }

    fn list(&mut self) -> ValueKind {
        let open = self.range();
        self.at += 1;
        let mut values = Vec::new();
        while !self.eat(b']') {
            if matches!(self.kind(0), None | Some(TokenKind::Sign(b'}'))) || self.is_label() {
                self.unclosed(&open);
                if values.is_empty() {
                    return ValueKind::Broken;
                }
                break;
            }
            let at = self.at;
            let value = self.value();
            if matches!(value.kind, ValueKind::Broken) {
                self.at += usize::from(self.at == at);
                continue;
            }
            values.push(value);
            self.eat(b',');
        }
        ValueKind::List(values)
    }

    /// Reads `Name<T>`; of `Map<K, V>`, which the language does not have, the `V`.
    fn generic(&mut self) -> ValueKind {
        let name = self.name();
        let open = self.range();
        self.at += 1;
        let mut argument = self.value();
        if self.is(0, b',') && name.text == "Map" && !self.first_on_line(1) {
            let message = "a `Map` has one type: its keys are texts".to_owned();
            self.report_with_hint(codes::SYNTAX, &self.range(), message, "write `Map<T>`");
            self.at += 1;
            argument = self.value();
        }
        if !matches!(argument.kind, ValueKind::Broken) && !self.eat(b'>') {
            self.unclosed(&open);
        }
        ValueKind::Generic(name, Box::new(argument))
    }

    /// Joins the doc comments that stand in `range`.
    fn doc(&self, range: Range<usize>) -> Option<String> {
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
fn unescape(inner: &str) -> String {
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
