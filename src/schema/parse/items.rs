//! Items: keyword, name and what stands between the braces of an enum. Called by `parse`.

use crate::schema::ast::{Item, ItemKind, Variant, Word};
use crate::schema::codes;
use crate::schema::scan::TokenKind;
use crate::schema::spelling::nearest;

use super::cursor::Parser;

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

impl Parser<'_, '_> {
    /// Reads the item; `before` is where the piece before it ended.
    pub(super) fn item(&mut self, before: usize) -> Option<Item> {
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
    pub(super) fn stray(&mut self) {
        let range = self.range();
        let token = self.slice(&range);
        let hint = "an item is `model Name { … }`, `api Name { … }` and so on";
        let (message, hint) = match ItemKind::from_word(token) {
            Some(kind) => (format!("`{}` needs a name", kind.as_str()), hint),
            None if token == "}" => {
                ("this `}` closes nothing".to_owned(), "remove it, or look above for one too many")
            }
            None if token == "#" => ("expected an item, found `#`".to_owned(), "comments begin with `//`"),
            None => (format!("expected an item, found `{token}`"), hint),
        };
        self.report_with_hint(codes::SYNTAX, &range, message, hint);
    }

    /// Reports an unknown keyword; returns the kind that was probably meant, so that the name is declared.
    pub(super) fn unknown_kind(&mut self, keyword: &Word) -> Option<ItemKind> {
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
    pub(super) fn variants(&mut self) -> Vec<Variant> {
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
}
