//! Values: literals, names, lists, objects and type expressions. Called by `entries`.

use crate::schema::ast::{Value, ValueKind};
use crate::schema::codes;
use crate::schema::model::Span;
use crate::schema::scan::TokenKind;

use super::cursor::{Parser, span, unescape};

/// Deeper nesting than this is refused: the parser and everything after it is recursive.
const MAX_DEPTH: usize = 32;
/// More `?` and `[]` than this on one type are refused.
pub(in crate::schema) const MAX_SUFFIXES: usize = 8;
/// How many tokens are looked ahead for the end of a broken list; a long line is not searched for each of its lists.
const NEAR: usize = 32;

impl Parser<'_, '_> {
    pub(super) fn value(&mut self) -> Value {
        let mut value = self.operand();
        let mut suffixes = 0;
        loop {
            let kind: fn(Box<Value>) -> ValueKind = if self.is(0, b'?') {
                ValueKind::Optional
            } else if self.is(0, b'[') && self.is(1, b']') {
                self.at += 1;
                ValueKind::Array
            } else if self.is(0, b'[')
                && matches!(value.kind, ValueKind::Word(_))
                && self.range().start == value.span.end
            {
                self.unclosed(&self.range());
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
    pub(super) fn operand(&mut self) -> Value {
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
    pub(super) fn nested(&mut self, read: fn(&mut Self) -> ValueKind) -> Value {
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

    pub(super) fn object(&mut self) -> ValueKind {
        self.at += 1;
        ValueKind::Object(self.entries())
    }

    pub(super) fn list(&mut self) -> ValueKind {
        let open = self.range();
        self.at += 1;
        let (first, reported) = (self.at, self.out.count());
        let mut values = Vec::new();
        while !self.eat(b']') {
            let ends = matches!(self.kind(0), None | Some(TokenKind::Sign(b'}'))) || self.is_label();
            if !ends && (self.begins_value() || self.closes_on_this_line()) {
                let value = self.value();
                if matches!(value.kind, ValueKind::Broken) {
                    self.skip_list();
                    return ValueKind::Broken;
                }
                values.push(value);
                self.eat(b',');
                continue;
            }
            if self.rewind_list(first, ends) {
                self.out.forget(reported);
                self.unclosed(&open);
                return ValueKind::Broken;
            }
            self.unclosed(&open);
            break;
        }
        if values.is_empty() && self.tokens[self.at - 1].kind != TokenKind::Sign(b']') {
            return ValueKind::Broken;
        }
        ValueKind::List(values)
    }

    /// Goes back from the end of an unclosed list to the line below its `[`, unless that line looks like a part of it.
    pub(super) fn rewind_list(&mut self, first: usize, ends: bool) -> bool {
        let end = self.at;
        if let Some(count) = self.tokens[first..end].iter().position(|token| token.first_on_line) {
            self.at = first + count;
            if !ends || self.is_key() {
                return true;
            }
            self.at = end;
        }
        !ends
    }

    pub(super) fn begins_value(&self) -> bool {
        use TokenKind::{Number, Sign, Single, Text, Unclosed, Word};
        matches!(self.kind(0), Some(Word | Number | Text | Single | Unclosed | Sign(b'[' | b'{')))
    }

    /// Tells whether a `]` follows soon and before the end of the line.
    pub(super) fn closes_on_this_line(&self) -> bool {
        let mut rest = self.tokens[self.at..].iter().take(NEAR);
        let first = rest.next().map(|token| token.kind);
        let line = rest.take_while(|token| !token.first_on_line).map(|token| token.kind);
        first.into_iter().chain(line).any(|kind| kind == TokenKind::Sign(b']'))
    }

    /// Passes what is left of a broken list on its line.
    pub(super) fn skip_list(&mut self) {
        while !self.eat(b']') {
            let ends = matches!(self.kind(0), None | Some(TokenKind::Sign(b'}' | b'{')));
            if ends || self.first_on_line(0) || self.is_label() {
                return;
            }
            self.at += 1;
        }
    }

    /// Reads `Name<T>`; of `Map<K, V>`, which the language does not have, the `V`.
    pub(super) fn generic(&mut self) -> ValueKind {
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
        if !self.eat(b'>') && !matches!(argument.kind, ValueKind::Broken) {
            self.unclosed(&open);
        }
        ValueKind::Generic(name, Box::new(argument))
    }
}
