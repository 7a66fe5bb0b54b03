//! The tree → text: which bodies stay in one line, and the columns of the others.
//!
//! Called by [`format`](super::format). Changes no word; every row is written once, and measured once before.

use super::tokens::Comment;
use super::tree::{Body, Group, Part, Piece, Row, Style, cell_width, columns};

/// The columns of a line with a list in it.
const MAX_LINE: usize = 100;
/// The columns of an inline object.
const MAX_OBJECT: usize = 60;
const INDENT: usize = 2;

/// Prints a file.
pub(super) fn print(body: &Body<'_>) -> String {
    let mut printer = Printer { out: String::new(), column: 0, level: 0, breaks: false, flat: false };
    let mut before: Option<&Row<'_>> = None;
    for row in &body.rows {
        // A comment belongs to what follows it, unless a blank line says otherwise.
        let blank = before.is_some_and(|before| row.blank || !before.is_comment);
        printer.line_start(blank);
        printer.row(row, Columns::NONE);
        before = Some(row);
    }
    if !printer.out.is_empty() {
        printer.out.push('\n');
    }
    printer.out
}

/// Where the parts of a line begin, counted from its indentation; 0 is one space after what stands before.
#[derive(Clone, Copy)]
struct Columns {
    value: usize,
    attributes: usize,
    trailing: usize,
}

impl Columns {
    const NONE: Columns = Columns { value: 0, attributes: 0, trailing: 0 };

    /// Measures a section of rows: all of them in one line, no blank line between them.
    fn of(section: &[Row<'_>], aligned: bool) -> Columns {
        let mut columns = Columns::NONE;
        let rows = || section.iter().filter(|row| !row.is_comment);
        let width = |cell: &[Piece<'_>]| cell_width(cell).unwrap_or(0);
        if aligned {
            columns.value = rows().map(|row| width(&row.name) + 1).max().unwrap_or(0);
            let with_attributes = rows().filter(|row| !row.attributes.is_empty() && !has_object(row));
            columns.attributes =
                with_attributes.map(|row| columns.value + width(&row.value) + 1).max().unwrap_or(0);
        }
        let commented = rows().filter(|row| !row.trailing.is_empty());
        let ends = commented.map(|row| columns.end_of(row) + 1);
        columns.trailing = ends.max().unwrap_or(0);
        columns
    }

    /// Returns where the cells of a row begin.
    fn starts(&self, row: &Row<'_>) -> [usize; 3] {
        [0, self.value, if has_object(row) { 0 } else { self.attributes }]
    }

    /// Returns where a row ends.
    fn end_of(&self, row: &Row<'_>) -> usize {
        let cells = row.cells().into_iter().zip(self.starts(row)).filter(|(cell, _)| !cell.is_empty());
        cells.fold(0, |end, (cell, start)| {
            let gap = usize::from(end > 0);
            (end + gap).max(start) + cell_width(cell).unwrap_or(0)
        })
    }
}

/// An inline object is too wide for a column.
fn has_object(row: &Row<'_>) -> bool {
    row.value.iter().any(|piece| matches!(&piece.part, Part::Group(_)))
}

struct Printer {
    out: String,
    /// The columns of the line so far.
    column: usize,
    /// How deep the line is indented.
    level: usize,
    /// Whether a comment ended that lets nothing stand behind it.
    breaks: bool,
    /// Whether it is settled that what is printed stays in its line.
    flat: bool,
}

impl Printer {
    fn write(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += columns(text);
    }

    /// Fills up to a column, with at least one space.
    fn pad(&mut self, column: usize) {
        let wanted = self.level * INDENT + column;
        self.write(&" ".repeat(wanted.saturating_sub(self.column).max(1)));
    }

    /// Ends the line and begins the next, but not at the start of the file.
    fn line_start(&mut self, blank: bool) {
        if !self.out.is_empty() {
            self.out.push_str(if blank { "\n\n" } else { "\n" });
        }
        self.column = 0;
        self.breaks = false;
        self.write(&" ".repeat(self.level * INDENT));
    }

    fn comment(&mut self, comment: &Comment<'_>) {
        let mut lines = comment.text.lines();
        self.write(lines.next().unwrap_or_default().trim_end());
        let rest: Vec<&str> = lines.collect();
        // A column of stars is aligned; other texts stay where they are.
        let starred = rest.iter().all(|line| line.trim_start().starts_with('*'));
        for line in rest {
            self.out.push('\n');
            self.column = 0;
            if starred {
                self.write(&" ".repeat(self.level * INDENT + 1));
            }
            self.write(if starred { line.trim() } else { line.trim_end() });
        }
        self.breaks = comment.is_line();
    }

    fn trailing(&mut self, comments: &[Comment<'_>], column: usize) {
        for (at, comment) in comments.iter().enumerate() {
            self.pad(if at == 0 { column } else { 0 });
            self.comment(comment);
        }
    }

    /// Prints a row with the comments behind it.
    fn row(&mut self, row: &Row<'_>, columns: Columns) {
        self.entry(row, columns, 0);
        self.trailing(&row.trailing, columns.trailing);
    }

    /// Prints a row without the comments behind it; `reserve` columns must stay free.
    fn entry(&mut self, row: &Row<'_>, columns: Columns, reserve: usize) {
        let cells = row.cells().into_iter().zip(columns.starts(row)).filter(|(cell, _)| !cell.is_empty());
        for (at, (cell, start)) in cells.enumerate() {
            if at > 0 && !self.breaks {
                self.pad(start);
            }
            self.cell(cell, reserve);
        }
    }

    /// Prints pieces; `reserve` columns must stay free behind them.
    fn cell(&mut self, cell: &[Piece<'_>], reserve: usize) {
        for (at, piece) in cell.iter().enumerate() {
            if self.breaks {
                self.level += 1;
                self.line_start(false);
                self.level -= 1;
            } else if at > 0 && !piece.glued {
                self.write(" ");
            }
            match &piece.part {
                Part::Atom(text) => self.write(text),
                Part::Comment(comment) => self.comment(comment),
                Part::Group(group) => self.group(group, reserve + glued_width(&cell[at + 1..])),
            }
        }
    }

    fn group(&mut self, group: &Group<'_>, reserve: usize) {
        let rows = &group.body.rows;
        let forced = !group.body.opening.is_empty()
            || rows.iter().any(|row| row.is_comment || !row.trailing.is_empty());
        if self.flat || fits(group, self.column, reserve) {
            let flat = std::mem::replace(&mut self.flat, true);
            self.line(group);
            self.flat = flat;
        } else if group.style == Style::Arguments && !forced {
            // The brackets hug what is broken inside.
            self.write("(");
            for (at, row) in rows.iter().enumerate() {
                self.write(if at > 0 { ", " } else { "" });
                self.entry(row, Columns::NONE, reserve + 1);
            }
            self.write(")");
        } else {
            self.lines(group);
        }
    }

    /// Prints a group in one line.
    fn line(&mut self, group: &Group<'_>) {
        let (open, close) = group.style.brackets();
        let space = if group.style == Style::Object && !group.body.rows.is_empty() { " " } else { "" };
        self.write(open);
        self.write(space);
        for (at, row) in group.body.rows.iter().enumerate() {
            match (at, row.is_comment) {
                (0, _) => {}
                (_, true) => self.write(" "),
                (_, false) => self.write(", "),
            }
            self.row(row, Columns::NONE);
        }
        self.write(space);
        self.write(close);
    }

    /// Prints a group with a line for every row.
    fn lines(&mut self, group: &Group<'_>) {
        let (open, close) = group.style.brackets();
        let commas = matches!(group.style, Style::List | Style::Arguments);
        let aligned = matches!(group.style, Style::Fields | Style::Object);
        self.write(open);
        self.trailing(&group.body.opening, 0);
        self.level += 1;
        let rows = &group.body.rows;
        let last = rows.iter().rposition(|row| !row.is_comment);
        let single: Vec<bool> = rows.iter().map(|row| self.is_single(row, usize::from(commas))).collect();
        let (mut columns, mut section) = (Columns::NONE, 0);
        for (at, row) in rows.iter().enumerate() {
            if at == section {
                let ends = |next: usize| rows[next].blank || !single[next];
                section = (at + 1..rows.len()).find(|next| ends(*next)).unwrap_or(rows.len());
                if !single[at] {
                    section = at + 1;
                }
                columns = Columns::of(&rows[at..section], aligned);
            }
            self.line_start(row.blank && at > 0);
            let end = if commas && !row.is_comment && Some(at) != last { "," } else { "" };
            let columns = if single[at] && !row.is_comment { columns } else { Columns::NONE };
            self.flat = single[at];
            self.entry(row, columns, end.len());
            self.write(end);
            self.flat = false;
            self.trailing(&row.trailing, columns.trailing + usize::from(commas));
        }
        self.level -= 1;
        self.line_start(false);
        self.write(close);
    }

    /// Tells whether the row is one line when it stands at the start of one, without columns; `reserve` columns
    /// must stay free behind it.
    fn is_single(&self, row: &Row<'_>, reserve: usize) -> bool {
        let start = self.level * INDENT;
        let mut column = start;
        for cell in row.cells() {
            for (at, piece) in cell.iter().enumerate() {
                column += usize::from(!piece.glued && column > start);
                column += match &piece.part {
                    Part::Atom(text) => columns(text),
                    Part::Comment(comment) if comment.is_line() || comment.is_tall() => {
                        return row.is_comment;
                    }
                    Part::Comment(comment) => columns(comment.text),
                    Part::Group(group) if fits(group, column, reserve + glued_width(&cell[at + 1..])) => {
                        group.width.unwrap_or(0)
                    }
                    Part::Group(_) => return false,
                };
            }
        }
        true
    }
}

/// Tells whether a group may be printed in one line that has `column` columns before it.
fn fits(group: &Group<'_>, column: usize, reserve: usize) -> bool {
    let limit = if group.style == Style::Object { MAX_OBJECT } else { MAX_LINE };
    let short = |width: usize| width <= limit && column + width + reserve <= MAX_LINE;
    group.body.rows.is_empty() || group.width.is_some_and(short)
}

/// Returns the columns of what stands behind a piece without a space.
fn glued_width(pieces: &[Piece<'_>]) -> usize {
    let glued = pieces.iter().take_while(|piece| piece.glued);
    glued.map(|piece| if let Part::Atom(text) = &piece.part { columns(text) } else { 0 }).sum()
}
