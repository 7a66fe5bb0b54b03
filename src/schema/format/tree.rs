//! Tokens → a tree of rows: which comment belongs to which line, and what may stand in one line.
//!
//! Called by [`format`](super::format). Reads what the grammar accepts; decides nothing about columns. It recurses as
//! deeply as the text nests, which `parse` has limited.

use std::borrow::Cow;
use std::ops::Range;

use super::spell::{self, Role};
use super::tokens::{Comment, Kind, Token};
use crate::schema::ast::ItemKind;
use crate::schema::parse::values::MAX_SUFFIXES;

/// What stands between brackets, or in the file.
#[derive(Debug, Default)]
pub(super) struct Body<'t> {
    /// The comments on the line of the opening bracket.
    pub opening: Vec<Comment<'t>>,
    pub rows: Vec<Row<'t>>,
}

/// One line of a body: an entry, or a comment with no entry.
#[derive(Debug, Default)]
pub(super) struct Row<'t> {
    /// Whether a blank line stands before it.
    pub blank: bool,
    /// `name:`, or an enum value.
    pub name: Vec<Piece<'t>>,
    /// The type or value; of an item all of it.
    pub value: Vec<Piece<'t>>,
    pub attributes: Vec<Piece<'t>>,
    /// The comments behind it.
    pub trailing: Vec<Comment<'t>>,
    /// Whether this is a comment alone.
    pub is_comment: bool,
}

/// A part of a row.
#[derive(Debug)]
pub(super) struct Piece<'t> {
    pub part: Part<'t>,
    /// Whether it follows without a space.
    pub glued: bool,
}

#[derive(Debug)]
pub(super) enum Part<'t> {
    Atom(Cow<'t, str>),
    Comment(Comment<'t>),
    Group(Group<'t>),
}

/// Something in brackets.
#[derive(Debug)]
pub(super) struct Group<'t> {
    pub style: Style,
    pub body: Body<'t>,
    /// The columns that it takes in one line; none if it cannot stand in one.
    pub width: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// The body of an item: never in one line.
    Item,
    /// The same, with columns.
    Fields,
    /// `{ … }` within a line.
    Object,
    /// `[ … ]`.
    List,
    /// `( … )`.
    Arguments,
}

impl Style {
    pub(super) fn brackets(self) -> (&'static str, &'static str) {
        match self {
            Style::Item | Style::Fields | Style::Object => ("{", "}"),
            Style::List => ("[", "]"),
            Style::Arguments => ("(", ")"),
        }
    }
}

impl<'t> Group<'t> {
    fn new(style: Style, body: Body<'t>) -> Group<'t> {
        let width = Group::measure(style, &body);
        Group { style, body, width }
    }

    fn measure(style: Style, body: &Body<'t>) -> Option<usize> {
        if body.rows.is_empty() {
            return Some(2);
        }
        let of_item = matches!(style, Style::Item | Style::Fields);
        let mixed = body.rows.iter().any(|row| row.is_comment) && !body.rows.iter().all(|row| row.is_comment);
        if of_item || mixed || !body.opening.is_empty() {
            return None;
        }
        let brackets = if style == Style::Object { 4 } else { 2 };
        let between = 2 - usize::from(body.rows[0].is_comment);
        let rest = brackets + between * (body.rows.len() - 1);
        body.rows.iter().try_fold(rest, |sum, row| Some(sum + row.width()?))
    }
}

impl Row<'_> {
    pub(super) fn cells(&self) -> [&[Piece<'_>]; 3] {
        [&self.name, &self.value, &self.attributes]
    }

    /// Returns the columns that the row takes in one line, with the comments behind it.
    fn width(&self) -> Option<usize> {
        let mut sum = 0;
        for cell in self.cells() {
            let width = cell_width(cell)?;
            sum += width + usize::from(sum > 0 && width > 0);
        }
        for comment in &self.trailing {
            sum += 1 + comment_width(comment)?;
        }
        Some(sum)
    }
}

/// Returns the columns that a cell takes in one line; none if it cannot stand in one.
pub(super) fn cell_width(cell: &[Piece<'_>]) -> Option<usize> {
    let mut sum = 0;
    for (at, piece) in cell.iter().enumerate() {
        sum += usize::from(at > 0 && !piece.glued);
        sum += match &piece.part {
            Part::Atom(text) => columns(text),
            Part::Comment(comment) => comment_width(comment)?,
            Part::Group(group) => group.width?,
        };
    }
    Some(sum)
}

fn comment_width(comment: &Comment<'_>) -> Option<usize> {
    (!comment.is_line() && !comment.is_tall()).then(|| columns(comment.text))
}

pub(super) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Reads a file. Fails with the byte of a token that no rule of the grammar expects.
pub(super) fn read(tokens: Vec<Token<'_>>) -> Result<Body<'_>, usize> {
    let mut reader = Reader { tokens, at: 0 };
    let mut body = Body::default();
    reader.rows(&mut body, Kind::End, |reader, row| reader.item(row))?;
    Ok(body)
}

type Found<T> = Result<T, usize>;

struct Reader<'t> {
    /// Ends with the end of the file, which is never taken.
    tokens: Vec<Token<'t>>,
    at: usize,
}

impl<'t> Reader<'t> {
    fn kind(&self, ahead: usize) -> Kind {
        self.tokens.get(self.at + ahead).map_or(Kind::End, |token| token.kind)
    }

    fn uncommented(&self, ahead: usize) -> bool {
        self.tokens.get(self.at + ahead).is_none_or(|token| token.comments.is_empty())
    }

    fn text(&self) -> &'t str {
        self.tokens[self.at].text
    }

    /// Takes a token of the kind; its comments go into the row before it.
    fn take(&mut self, kind: Kind, into: &mut Vec<Piece<'t>>) -> Found<&'t str> {
        if self.kind(0) != kind || kind == Kind::End {
            return Err(self.tokens[self.at].at);
        }
        let token = &mut self.tokens[self.at];
        let comments = std::mem::take(&mut token.comments);
        into.extend(comments.into_iter().map(|comment| Piece { part: Part::Comment(comment), glued: false }));
        self.at += 1;
        Ok(self.tokens[self.at - 1].text)
    }

    /// Takes a token of the kind and puts it into the row.
    fn atom(&mut self, kind: Kind, glued: bool, into: &mut Vec<Piece<'t>>) -> Found<()> {
        let text = self.take(kind, into)?;
        push(into, Part::Atom(Cow::Borrowed(text)), glued);
        Ok(())
    }

    /// Leaves a token out; its comments stand before the next one.
    fn drop(&mut self, kind: Kind) -> Found<()> {
        if self.kind(0) != kind || kind == Kind::End {
            return Err(self.tokens[self.at].at);
        }
        let token = &mut self.tokens[self.at];
        let (mut comments, lines) = (std::mem::take(&mut token.comments), token.lines);
        self.at += 1;
        let next = &mut self.tokens[self.at];
        let (first, is_comma) = (comments.len(), kind == Kind::Sign(b','));
        comments.append(&mut next.comments);
        match comments.get_mut(first) {
            Some(comment) => comment.lines = comment.lines.max(lines),
            None => next.lines = next.lines.max(lines),
        }
        comments[first..].iter_mut().for_each(|comment| comment.after_comma |= is_comma);
        next.comments = comments;
        Ok(())
    }

    /// Reads rows up to the sign `close`, which is left; `read` puts one entry into a row.
    fn rows(
        &mut self,
        body: &mut Body<'t>,
        close: Kind,
        mut read: impl FnMut(&mut Self, &mut Row<'t>) -> Found<()>,
    ) -> Found<()> {
        loop {
            if !body.rows.is_empty() && self.kind(0) == Kind::Sign(b',') {
                self.drop(Kind::Sign(b','))?;
            }
            let mut row = self.between(body, close);
            if self.kind(0) == close {
                return Ok(());
            }
            read(self, &mut row)?;
            body.rows.push(row);
        }
    }

    /// Gives the comments before the next token to the row before it, to rows of their own, and to the row that
    /// begins; returns that row.
    fn between(&mut self, body: &mut Body<'t>, close: Kind) -> Row<'t> {
        let token = &mut self.tokens[self.at];
        let comments = std::mem::take(&mut token.comments);
        let closes = token.kind == close;
        let lines_after = |at: usize| comments.get(at + 1).map_or(token.lines, |next| next.lines);
        let beside = |comment: &Comment<'_>| comment.lines == 0 && !comment.is_tall();
        // Behind the row before, or behind the opening bracket of a body that is not empty.
        let follows = !body.rows.is_empty() || (close != Kind::End && !closes);
        let mut behind = comments.iter().take_while(|comment| follows && beside(comment)).count();
        // Before the entry that begins.
        let mut before = comments.len();
        while !closes && before > 0 && is_low(&comments[before - 1]) && lines_after(before - 1) == 0 {
            before -= 1;
        }
        if behind == comments.len() && before < behind {
            // All in one line: what stands before the comma, if there is one, belongs to the row before.
            let comma = comments.iter().position(|comment| comment.after_comma);
            behind = if body.rows.is_empty() { 0 } else { comma.unwrap_or(behind) };
        }
        before = before.max(behind);
        let blank = comments.get(before).map_or(token.lines, |first| first.lines) > 1;
        match body.rows.last_mut() {
            Some(row) => row.trailing.extend(&comments[..behind]),
            None => body.opening.extend(&comments[..behind]),
        }
        for (at, comment) in comments[behind..before].iter().enumerate() {
            if let Some(row) = body.rows.last_mut().filter(|_| at > 0 && beside(comment)) {
                row.trailing.push(*comment);
                continue;
            }
            let alone = Piece { part: Part::Comment(*comment), glued: false };
            let blank = comment.lines > 1;
            body.rows.push(Row { blank, value: vec![alone], is_comment: true, ..Row::default() });
        }
        let pieces =
            comments[before..].iter().map(|comment| Piece { part: Part::Comment(*comment), glued: false });
        Row { blank, name: pieces.collect(), ..Row::default() }
    }

    fn item(&mut self, row: &mut Row<'t>) -> Found<()> {
        let place = self.tokens[self.at].at;
        let into = &mut row.name;
        let kind = ItemKind::from_word(self.text()).ok_or(place)?;
        self.atom(Kind::Word, false, into)?;
        self.atom(Kind::Word, false, into)?;
        self.take(Kind::Sign(b'{'), into)?;
        let mut body = Body::default();
        let style = if kind.is_type() { Style::Fields } else { Style::Item };
        self.rows(&mut body, Kind::Sign(b'}'), |reader, row| match kind {
            ItemKind::Enum => reader.variant(row),
            _ => {
                let name = spell::property(kind, reader.text());
                let role = Role::of_property(kind, &name);
                reader.entry(name, role, row)
            }
        })?;
        self.take(Kind::Sign(b'}'), into)?;
        push(into, Part::Group(Group::new(style, body)), false);
        Ok(())
    }

    fn variant(&mut self, row: &mut Row<'t>) -> Found<()> {
        let name = spell::name(self.text());
        let kind = self.kind(0);
        if !matches!(kind, Kind::Word | Kind::Text | Kind::Number) {
            return Err(self.tokens[self.at].at);
        }
        self.take(kind, &mut row.name)?;
        push(&mut row.name, Part::Atom(name), false);
        Ok(())
    }

    fn entry(&mut self, name: Cow<'t, str>, role: Role, row: &mut Row<'t>) -> Found<()> {
        let kind = self.kind(0);
        if !matches!(kind, Kind::Word | Kind::Text | Kind::Number) {
            return Err(self.tokens[self.at].at);
        }
        self.take(kind, &mut row.name)?;
        push(&mut row.name, Part::Atom(name + ":"), false);
        if self.kind(0) == Kind::Sign(b':') {
            self.drop(Kind::Sign(b':'))?;
        }
        self.value(role, &mut row.value)?;
        let is = |piece: &Piece<'_>, sign: &str| matches!(&piece.part, Part::Atom(text) if text == sign);
        let is_optional = row.value.last().is_some_and(|last| is(last, "?"));
        let suffixes = row.value.iter().filter(|piece| is(piece, "?") || is(piece, "]")).count();
        let foldable = role == Role::Field && (is_optional || suffixes < MAX_SUFFIXES);
        let optional = if foldable { self.optional() } else { None };
        if optional.is_some() && !is_optional {
            push(&mut row.value, Part::Atom(Cow::Borrowed("?")), true);
        }
        while self.kind(0) == Kind::Sign(b'@') {
            if optional.as_ref().is_some_and(|tokens| tokens.start == self.at) {
                for _ in optional.clone().unwrap_or_default() {
                    self.drop(self.kind(0))?;
                }
            } else {
                self.attribute(&mut row.attributes)?;
            }
        }
        Ok(())
    }

    /// Finds the tokens of `@optional` or `@optional()` among the attributes that come next. Not where it is written
    /// twice, nor with a doc comment in it, which would become that of the next field.
    fn optional(&self) -> Option<Range<usize>> {
        let sign = |at: usize, sign: u8| self.tokens[at].kind == Kind::Sign(sign);
        let (mut at, mut found) = (self.at, None);
        while sign(at, b'@') {
            let start = at;
            let name = self.tokens[at + 1].text;
            at += 2;
            if sign(at, b'(') {
                let mut depth = 0_usize;
                loop {
                    depth = depth + usize::from(sign(at, b'(')) - usize::from(sign(at, b')'));
                    at += 1;
                    if depth == 0 || self.tokens.get(at).is_none_or(|token| token.kind == Kind::End) {
                        break;
                    }
                }
            }
            if name == "optional" && found.replace(start..at).is_some() {
                return None;
            }
        }
        let found = found?;
        let empty = found.len() == 2 || (found.len() == 4 && sign(found.end - 1, b')'));
        let comments = self.tokens[found.clone()].iter().flat_map(|token| &token.comments);
        let documents = comments.into_iter().any(|comment| comment.text.starts_with("///"));
        (empty && !documents).then_some(found)
    }

    fn value(&mut self, role: Role, into: &mut Vec<Piece<'t>>) -> Found<()> {
        match self.kind(0) {
            Kind::Sign(b'[') => {
                let element = role.of_element();
                let read = |reader: &mut Self, row: &mut Row<'t>| reader.value(element, &mut row.value);
                self.group(Style::List, into, read)?;
            }
            Kind::Sign(b'{') => self.group(Style::Object, into, |reader, row| {
                let name = spell::key(role, reader.text());
                let role = role.of_entry(&name);
                reader.entry(name, role, row)
            })?,
            Kind::Word if self.kind(1) == Kind::Sign(b'<') => {
                self.atom(Kind::Word, false, into)?;
                self.atom(Kind::Sign(b'<'), true, into)?;
                let first = into.len();
                self.value(role, into)?;
                into[first].glued = true;
                self.atom(Kind::Sign(b'>'), true, into)?;
            }
            Kind::Word | Kind::Text
                if role == Role::Names && !matches!(self.kind(1), Kind::Sign(b'?' | b'[')) =>
            {
                self.single(into)?;
            }
            kind @ (Kind::Word | Kind::Text | Kind::Number) => {
                let text = self.take(kind, into)?;
                let role = if self.suffix().is_some() { role.with_suffix() } else { role };
                push(into, Part::Atom(spell::value(role, kind, text)), false);
            }
            _ => return Err(self.tokens[self.at].at),
        }
        while let Some(signs) = self.suffix() {
            for sign in signs {
                self.atom(Kind::Sign(*sign), true, into)?;
            }
        }
        Ok(())
    }

    /// Reads a name as the list of it.
    fn single(&mut self, into: &mut Vec<Piece<'t>>) -> Found<()> {
        let kind = self.kind(0);
        let text = self.take(kind, into)?;
        let mut row = Row::default();
        push(&mut row.value, Part::Atom(spell::value(Role::Name, kind, text)), false);
        let body = Body { rows: vec![row], ..Body::default() };
        push(into, Part::Group(Group::new(Style::List, body)), false);
        Ok(())
    }

    /// Returns the signs of the `?` or `[]` that comes next.
    fn suffix(&self) -> Option<&'static [u8]> {
        match (self.kind(0), self.kind(1)) {
            (Kind::Sign(b'?'), _) => Some(b"?"),
            (Kind::Sign(b'['), Kind::Sign(b']')) => Some(b"[]"),
            _ => None,
        }
    }

    fn group(
        &mut self,
        style: Style,
        into: &mut Vec<Piece<'t>>,
        read: impl FnMut(&mut Self, &mut Row<'t>) -> Found<()>,
    ) -> Found<()> {
        let (open, close) = match style {
            Style::List => (b'[', b']'),
            Style::Arguments => (b'(', b')'),
            _ => (b'{', b'}'),
        };
        self.take(Kind::Sign(open), into)?;
        let mut body = Body::default();
        self.rows(&mut body, Kind::Sign(close), read)?;
        self.take(Kind::Sign(close), into)?;
        push(into, Part::Group(Group::new(style, body)), style == Style::Arguments);
        Ok(())
    }

    fn attribute(&mut self, into: &mut Vec<Piece<'t>>) -> Found<()> {
        self.atom(Kind::Sign(b'@'), false, into)?;
        let name = self.text();
        self.atom(Kind::Word, true, into)?;
        if self.kind(0) != Kind::Sign(b'(') {
            return Ok(());
        }
        // Not with comments in them, which would become those of the next field.
        if self.kind(1) == Kind::Sign(b')') && self.uncommented(0) && self.uncommented(1) {
            self.drop(Kind::Sign(b'('))?;
            return self.drop(Kind::Sign(b')'));
        }
        let role = if name == "format" { Role::Choice } else { Role::Plain };
        self.group(Style::Arguments, into, |reader, row| {
            reader.value(role, &mut row.value)?;
            // `now()` is `now`.
            if reader.kind(0) == Kind::Sign(b'(') {
                reader.drop(Kind::Sign(b'('))?;
                reader.drop(Kind::Sign(b')'))?;
            }
            Ok(())
        })
    }
}

/// Adds a part; after a comment nothing is glued.
fn push<'t>(into: &mut Vec<Piece<'t>>, part: Part<'t>, glued: bool) {
    let after_comment = into.last().is_some_and(|last| matches!(last.part, Part::Comment(_)));
    into.push(Piece { part, glued: glued && !after_comment });
}

/// Tells whether a comment may stand before something in one line.
fn is_low(comment: &Comment<'_>) -> bool {
    !comment.is_line() && !comment.is_tall()
}
