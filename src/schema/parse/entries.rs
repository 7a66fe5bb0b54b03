//! Fields and properties with their attributes. Called by `items` and, for objects, by `values`.

use std::ops::Range;

use crate::schema::ast::{Attribute, Entry, Value, ValueKind};
use crate::schema::codes;
use crate::schema::scan::{Token, TokenKind};

use super::cursor::{Parser, span};

impl Parser<'_, '_> {
    /// Reads entries after their `{`, to its `}`.
    pub(super) fn entries(&mut self) -> Vec<Entry> {
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
    pub(super) fn entry(&mut self, floor: usize) -> Entry {
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
            self.unquoted_schedule().unwrap_or_else(|| self.value())
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

    /// Reports a cron expression without its quotes.
    pub(super) fn unquoted_schedule(&mut self) -> Option<Value> {
        let part = |kind| matches!(kind, Some(TokenKind::Number | TokenKind::Sign(b'*')));
        if !part(self.kind(0)) || !part(self.kind(1)) || self.first_on_line(1) || self.is(2, b':') {
            return None;
        }
        let mut range = self.range();
        let same_line = |token: &&Token| !token.first_on_line && part(Some(token.kind));
        let more = self.tokens[self.at + 1..].iter().take_while(same_line).count();
        range.end = self.tokens[self.at + more].range.end;
        self.at += more + 1;
        let hint = format!("write \"{}\"", self.slice(&range));
        self.report_with_hint(codes::SYNTAX, &range, "texts are written in double quotes".to_owned(), &hint);
        Some(Value { kind: ValueKind::Broken, span: span(self.file, &range) })
    }

    /// Reads an attribute; none when it is broken, and then the entry ends there.
    pub(super) fn attribute(&mut self) -> Option<Attribute> {
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
            let comma = matches!(self.tokens[self.at - 2].kind, TokenKind::Sign(b','));
            if comma && arguments.len() == 1 && name.text == "length" {
                // `@length(1,)` looks like a least length, and `@length(1)` is a greatest one.
                self.at -= 1;
                self.unexpected("expected the greatest length after the comma");
                self.at += 1;
                return None;
            }
        }
        Some(Attribute { name, arguments, span })
    }

    /// Reads arguments and their `)`; none when they are broken, and then they have been passed.
    pub(super) fn arguments(&mut self, open: &Range<usize>) -> Option<Vec<Value>> {
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
    pub(super) fn is_after_arguments(&self) -> bool {
        matches!(self.kind(0), None | Some(TokenKind::Sign(b'}' | b'@'))) || self.is_key()
    }

    /// Passes broken arguments, at most to the end of the line.
    pub(super) fn skip_arguments(&mut self) {
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
    pub(super) fn argument(&mut self) -> Value {
        let value = self.value();
        if matches!(value.kind, ValueKind::Word(_)) && self.is(0, b'(') && self.is(1, b')') {
            self.at += 2;
        }
        value
    }
}
