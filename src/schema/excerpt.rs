//! What is shown of a source around the place of a diagnostic: a few lines, of long lines a window, and every control
//! character escaped. Made by `diagnostic` for `miette`, which cannot print lines of any length; finds nothing wrong.

use std::fmt;
use std::ops::Range;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use super::diagnostic::{Diagnostic, Severity};

/// How many characters of a line are shown before the place, and as many from there.
const WINDOW: usize = 200;
/// Lines of the span beyond this are not shown.
const MAX_LINES: usize = 10;

/// A diagnostic with the part of its source that is shown.
#[derive(Debug)]
pub(super) struct Excerpt<'d> {
    diagnostic: &'d Diagnostic,
    file: String,
    message: String,
    label: Option<String>,
    hint: Option<String>,
    text: String,
    /// Of `text`, counted from 0.
    first_line: usize,
    /// The place in `text`.
    span: Range<usize>,
}

impl<'d> Excerpt<'d> {
    /// Cuts out what is to be shown.
    pub(super) fn of(diagnostic: &'d Diagnostic) -> Self {
        let source = diagnostic.source.as_ref();
        let place = diagnostic.span.clone();
        let mut at = line_start(source, place.start);
        let mut first_line = diagnostic.start.line - 1;
        if at > 0 {
            at = line_start(source, at - 1);
            first_line = first_line.saturating_sub(1);
        }
        let mut excerpt = Excerpt {
            diagnostic,
            file: escaped(&diagnostic.file),
            message: escaped(&diagnostic.message),
            label: Some(escaped(&diagnostic.label)).filter(|label| !label.is_empty()),
            hint: diagnostic.hint.as_deref().map(escaped),
            text: String::new(),
            first_line,
            span: 0..0,
        };
        for _ in 0..MAX_LINES {
            let end = at + source[at..].find('\n').unwrap_or(source.len() - at);
            excerpt.line(source, at..end);
            // One line more than the span has, unless there is none.
            if at > place.end || end + 1 >= source.len() {
                break;
            }
            excerpt.text.push('\n');
            at = end + 1;
        }
        if at <= place.end && excerpt.span.end == 0 {
            excerpt.span.end = excerpt.text.trim_end_matches('\n').len();
        }
        excerpt.span.end = excerpt.span.end.max(excerpt.span.start);
        excerpt
    }

    /// Adds what is shown of a line, and marks where the place begins and ends.
    fn line(&mut self, source: &str, line: Range<usize>) {
        let place = self.diagnostic.span.clone();
        let anchor = if line.contains(&place.start) { place.start } else { line.start };
        let before = source[line.start..anchor].char_indices().rev().nth(WINDOW - 1);
        let from = before.map_or(line.start, |(at, _)| line.start + at);
        let after = source[anchor..line.end].char_indices().nth(WINDOW);
        let to = after.map_or(line.end, |(at, _)| anchor + at);
        self.text.push_str(if from > line.start { "…" } else { "" });
        for (at, c) in source[from..to].char_indices() {
            self.mark(from + at, &place);
            // Half of a line end is none to be seen.
            if c != '\r' || from + at + 1 < line.end {
                escape(c, &mut self.text);
            }
        }
        self.mark(to, &place);
        if to < line.end {
            if (to..=line.end).contains(&place.end) {
                self.span.end = self.text.len();
            }
            self.text.push('…');
        }
    }

    fn mark(&mut self, at: usize, place: &Range<usize>) {
        if at == place.start {
            self.span.start = self.text.len();
        }
        if at == place.end {
            self.span.end = self.text.len();
        }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}

/// Writes what a terminal would obey as an escape, signs that change the direction of writing among it.
fn escape(c: char, into: &mut String) {
    let turns = matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    match c {
        '\n' | '\t' => into.push(c),
        c if c.is_control() || turns => into.extend(c.escape_default()),
        c => into.push(c),
    }
}

fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|c| escape(c, &mut shown));
    shown
}

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Excerpt<'_> {}

impl miette::Diagnostic for Excerpt<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display + 'a>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = LabeledSpan::new(self.label.clone(), self.span.start, self.span.len());
        Some(Box::new(std::iter::once(span)))
    }
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.text.as_str();
        let (from, to) = (span.offset(), span.offset() + span.len());
        let (Some(before), Some(after)) = (text.get(..from), text.get(to..)) else {
            return Err(MietteError::OutOfBounds);
        };
        let mut start = line_start(text, from);
        let mut line = self.first_line + before.matches('\n').count();
        for _ in 0..lines_before {
            if start > 0 {
                start = line_start(text, start - 1);
                line -= 1;
            }
        }
        let mut end = to + after.find('\n').unwrap_or(after.len());
        for _ in 0..lines_after {
            let Some(rest) = text.get(end + 1..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            end += 1 + rest.find('\n').unwrap_or(rest.len());
        }
        // Without lines before, the position that is printed is that of the place, not of its line.
        let column = if lines_before == 0 { self.diagnostic.start.column - 1 } else { 0 };
        let data = &text[start..end];
        let lines = data.matches('\n').count() + 1;
        let place = (start, data.len()).into();
        let name = self.file.clone();
        Ok(Box::new(MietteSpanContents::new_named(name, data.as_bytes(), place, line, column, lines)))
    }
}
