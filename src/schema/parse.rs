//! Text → syntax tree: runs the grammar on every item that `scan` found and reports what does not parse.
//!
//! Called by [`compile`](super::compile). Looks up no names.

use std::ops::Range;

use pest::Parser;
use pest::error::{Error, ErrorVariant, InputLocation};
use pest::iterators::Pair;

use super::ast::{Attribute, Entry, Item, ItemKind, Value, ValueKind, Variant, Word};
use super::codes;
use super::diagnostic::Reporter;
use super::model::Span;
use super::scan::{Chunk, scan};
use super::spelling::nearest;

/// Deeper nesting than this is refused before the recursive grammar sees it.
const MAX_DEPTH: usize = 32;
/// More `?` and `[]` than this on one type are refused.
const MAX_SUFFIXES: usize = 8;

// The derived enum has no docs of its own.
#[allow(missing_docs)]
mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "schema/grammar.pest"]
    pub(super) struct Grammar;
}
use grammar::{Grammar, Rule};

/// Parses the file at index `file` of the set; adds what is wrong to `out`.
pub(super) fn parse(file: usize, text: &str, out: &mut Reporter) -> Vec<Item> {
    let scanned = scan(text);
    for range in &scanned.unclosed {
        let what = if text[range.clone()].starts_with('"') { "text" } else { "comment" };
        out.error(codes::UNCLOSED, span(file, range), format!("this {what} is never closed"))
            .with_label("opened here");
    }
    let reader = Reader { file, text, docs: &scanned.docs };
    let mut items = Vec::new();
    let mut floor = 0;
    for chunk in &scanned.chunks {
        let broken = scanned.unclosed.iter().any(|bad| chunk.range.contains(&bad.start));
        if !broken {
            items.extend(reader.chunk(chunk, floor, out));
        }
        floor = chunk.range.end;
    }
    items
}

fn span(file: usize, range: &Range<usize>) -> Span {
    Span { file, start: range.start, end: range.end }
}

/// Turns the pairs of one file into syntax tree nodes.
struct Reader<'a> {
    file: usize,
    text: &'a str,
    docs: &'a [Range<usize>],
}

impl Reader<'_> {
    /// Parses one piece; `floor` is where the piece before it ended.
    fn chunk(&self, chunk: &Chunk, floor: usize, out: &mut Reporter) -> Option<Item> {
        let Some(keyword) = &chunk.keyword else {
            self.stray(chunk, out);
            return None;
        };
        let word = &self.text[keyword.clone()];
        let Some(kind) = ItemKind::from_word(word) else {
            let known = ItemKind::ALL.map(ItemKind::as_str);
            out.error(
                codes::UNKNOWN_ITEM,
                span(self.file, keyword),
                format!("there is no kind of item `{word}`"),
            )
            .with_hint(format!("items are {}", known.join(", ")))
            .with_suggestion(nearest(word, known));
            return None;
        };
        if chunk.depth > MAX_DEPTH {
            out.error(codes::TOO_DEEP, span(self.file, &chunk.first), "this item is nested too deeply")
                .with_hint(format!("at most {MAX_DEPTH} levels are allowed"));
            return None;
        }
        let rule = if kind == ItemKind::Enum { Rule::enum_item } else { Rule::item };
        match Grammar::parse(rule, &self.text[chunk.range.clone()]) {
            Ok(mut pairs) => {
                let pair = pairs.next().expect("a parse has its root pair");
                Some(self.item(kind, pair, floor..chunk.range.start, out))
            }
            Err(error) => {
                self.syntax(chunk, &error, out);
                None
            }
        }
    }

    /// Reports text that stands where an item should.
    fn stray(&self, chunk: &Chunk, out: &mut Reporter) {
        let token = &self.text[chunk.first.clone()];
        let message = match ItemKind::from_word(token) {
            Some(kind) => format!("`{}` needs a name", kind.as_str()),
            None => format!("expected an item, found `{token}`"),
        };
        out.error(codes::SYNTAX, span(self.file, &chunk.first), message)
            .with_hint("an item is `model Name { … }`, `api Name { … }` and so on");
    }

    fn syntax(&self, chunk: &Chunk, error: &Error<Rule>, out: &mut Reporter) {
        let (InputLocation::Pos(at) | InputLocation::Span((at, _))) = error.location;
        let at = chunk.range.start + at;
        if let Some(brace) = chunk.open_brace
            && at >= chunk.range.end
        {
            out.error(codes::UNCLOSED, span(self.file, &(brace..brace + 1)), "this `{` is never closed")
                .with_label("opened here")
                .with_hint("add the missing `}`");
            return;
        }
        let found = token_at(self.text, at);
        let message = match &self.text[found.clone()] {
            "" => "unexpected end of the item".to_owned(),
            token => format!("unexpected `{token}`"),
        };
        let expected = expected(error);
        let report = out.error(codes::SYNTAX, span(self.file, &found), message);
        if !expected.is_empty() {
            report.with_label(format!("expected {}", expected.join(" or ")));
        }
    }

    fn item(&self, kind: ItemKind, pair: Pair<'_, Rule>, before: Range<usize>, out: &mut Reporter) -> Item {
        let base = before.end;
        let mut inner = pair.into_inner().skip(1);
        let name = self.word(&inner.next().expect("an item has a name"), base);
        let body = inner.next().expect("an item has a body");
        let (mut entries, mut values) = (Vec::new(), Vec::new());
        if kind == ItemKind::Enum {
            values = self.variants(body, base);
        } else {
            entries = self.entries(body, base, out);
        }
        Item { kind, name, entries, values, doc: self.doc(before) }
    }

    fn variants(&self, body: Pair<'_, Rule>, base: usize) -> Vec<Variant> {
        let mut floor = base + body.as_span().start();
        let mut variants = Vec::new();
        for pair in body.into_inner().filter(|pair| pair.as_rule() == Rule::enum_value) {
            let name = self.name(pair, base);
            let doc = self.doc(floor..name.span.start);
            floor = name.span.end;
            variants.push(Variant { name, doc });
        }
        variants
    }

    fn entries(&self, object: Pair<'_, Rule>, base: usize, out: &mut Reporter) -> Vec<Entry> {
        let mut floor = base + object.as_span().start();
        let mut entries = Vec::new();
        for pair in object.into_inner().filter(|pair| pair.as_rule() == Rule::entry) {
            let start = base + pair.as_span().start();
            let entry = self.entry(pair, base, floor..start, out);
            floor = entry.attributes.last().map_or(entry.value.span.end, |last| last.span.end);
            entries.push(entry);
        }
        entries
    }

    fn entry(&self, pair: Pair<'_, Rule>, base: usize, before: Range<usize>, out: &mut Reporter) -> Entry {
        let mut inner = pair.into_inner();
        let key = self.name(inner.next().expect("an entry has a key"), base);
        let value = self.value(inner.next().expect("an entry has a value"), base, out);
        let attributes = inner.map(|attribute| self.attribute(attribute, base, out)).collect();
        Entry { key, value, attributes, doc: self.doc(before) }
    }

    fn attribute(&self, pair: Pair<'_, Rule>, base: usize, out: &mut Reporter) -> Attribute {
        let mut inner = pair.into_inner();
        let mut name = self.word(&inner.next().expect("an attribute has a name"), base);
        name.text.remove(0);
        let mut span = name.span;
        let mut arguments = Vec::new();
        if let Some(list) = inner.next() {
            span.end = base + list.as_span().end();
            arguments.extend(list.into_inner().map(|argument| self.value(argument, base, out)));
        }
        Attribute { name, arguments, span }
    }

    /// Reads a `value` or a `call`; a call without arguments is the word it calls: `now()` is `now`.
    fn value(&self, pair: Pair<'_, Rule>, base: usize, out: &mut Reporter) -> Value {
        let mut inner = pair.into_inner();
        let mut value = self.base(inner.next().expect("a value has a base"), base, out);
        for (count, suffix) in inner.enumerate() {
            if count == MAX_SUFFIXES {
                out.error(codes::TOO_DEEP, value.span, "this type has too many `?` and `[]`");
                break;
            }
            let suffix = suffix.into_inner().next().expect("a suffix is one of two");
            let span = Span { end: base + suffix.as_span().end(), ..value.span };
            let kind = match suffix.as_rule() {
                Rule::optional => ValueKind::Optional(Box::new(value)),
                _ => ValueKind::Array(Box::new(value)),
            };
            value = Value { kind, span };
        }
        value
    }

    fn base(&self, pair: Pair<'_, Rule>, base: usize, out: &mut Reporter) -> Value {
        let mut place = self.span(&pair, base);
        let rule = pair.as_rule();
        let kind = match rule {
            Rule::string => ValueKind::Text(unescape(pair.as_str())),
            Rule::number => ValueKind::Number(pair.as_str().to_owned()),
            Rule::object => ValueKind::Object(self.entries(pair, base, out)),
            Rule::list => {
                ValueKind::List(pair.into_inner().map(|value| self.value(value, base, out)).collect())
            }
            Rule::generic => {
                let mut inner = pair.into_inner();
                let name = self.word(&inner.next().expect("a generic has a name"), base);
                let argument = self.value(inner.next().expect("a generic has an argument"), base, out);
                ValueKind::Generic(name, Box::new(argument))
            }
            // `bare`, whose own span may include the space after it, or the word of a `call`.
            _ => {
                let word =
                    if rule == Rule::bare { pair.into_inner().next().expect("bare is a word") } else { pair };
                place = self.span(&word, base);
                ValueKind::Word(word.as_str().to_owned())
            }
        };
        Value { kind, span: place }
    }

    /// Reads a name that may be quoted.
    fn name(&self, pair: Pair<'_, Rule>, base: usize) -> Word {
        let inner = pair.into_inner().next().expect("a name is a word, a text or a number");
        let mut word = self.word(&inner, base);
        if inner.as_rule() == Rule::string {
            word.text = unescape(&word.text);
        }
        word
    }

    fn word(&self, pair: &Pair<'_, Rule>, base: usize) -> Word {
        Word { text: pair.as_str().to_owned(), span: self.span(pair, base) }
    }

    fn span(&self, pair: &Pair<'_, Rule>, base: usize) -> Span {
        let place = pair.as_span();
        span(self.file, &(base + place.start()..base + place.end()))
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

/// Returns the range of the token at byte `at`, for messages.
fn token_at(text: &str, at: usize) -> Range<usize> {
    let rest = &text[at..];
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut end = rest.find(|c| !word(c)).unwrap_or(rest.len());
    if end == 0 {
        end = rest.chars().next().map_or(0, char::len_utf8);
    }
    at..at + end
}

/// Names what the grammar would have accepted, in words of the language.
fn expected(error: &Error<Rule>) -> Vec<&'static str> {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else {
        return Vec::new();
    };
    let mut names = Vec::new();
    for rule in positives {
        let name = match rule {
            Rule::word | Rule::key | Rule::entry | Rule::enum_value => "a name",
            Rule::value
            | Rule::bare
            | Rule::generic
            | Rule::string
            | Rule::number
            | Rule::list
            | Rule::call => "a value",
            Rule::object | Rule::values | Rule::open => "`{`",
            Rule::close => "`}`",
            _ => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Removes the quotes and resolves the escapes. An unknown escape keeps its backslash, so that regular expressions
/// may be written as they are.
fn unescape(quoted: &str) -> String {
    let inner = &quoted[1..quoted.len() - 1];
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
