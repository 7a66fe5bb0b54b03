//! What the compiler reports: [`Diagnostic`]s with code, place and hint, printable through `miette`.
//!
//! Every pass adds to one [`Reporter`]; the command line and the reload print the result. Nothing here decides
//! what is wrong.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode,
    SourceSpan, SpanContents,
};

use super::SourceFile;
use super::model::Span;

/// How bad a diagnostic is: only errors keep an app from starting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The schema cannot be used.
    Error,
    /// The schema works, but probably not as meant.
    Warning,
}

impl Severity {
    /// Returns `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// A place in a file as people count it: from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// One problem of a schema, with its place in the source.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// The stable code, `S0001`; see [`codes`](super::codes).
    pub code: &'static str,
    /// Whether it keeps the app from starting.
    pub severity: Severity,
    /// The problem in one sentence.
    pub message: String,
    /// The path of the file, as given to [`compile`](super::compile).
    pub file: String,
    /// The byte range in the file.
    pub span: Range<usize>,
    /// Where the span starts.
    pub start: Position,
    /// Where the span ends: the place after its last character.
    pub end: Position,
    /// What to write under the marked span.
    pub label: String,
    /// How to repair it, when that can be guessed.
    pub hint: Option<String>,
    /// The text of the file.
    pub source: Arc<str>,
}

impl Diagnostic {
    /// Returns the 1-based line of the start of the span.
    pub fn line(&self) -> usize {
        self.start.line
    }

    /// Returns the 1-based column of the start of the span, in characters.
    pub fn column(&self) -> usize {
        self.start.column
    }

    /// Renders the diagnostic for a person: file, line, column, the source underlined, the hint.
    pub fn render(&self, colour: bool) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut out = String::new();
        let rendered =
            GraphicalReportHandler::new_themed(theme).with_links(false).render_report(&mut out, self);
        rendered.map_or_else(|_| self.message.clone(), |()| out)
    }

    /// Sets the text under the marked span.
    pub(super) fn with_label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    /// Sets the hint.
    pub(super) fn with_hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// Sets the hint "did you mean …?" when there is a near name.
    pub(super) fn with_suggestion(&mut self, near: Option<&str>) -> &mut Self {
        if let Some(near) = near {
            self.hint = Some(format!("did you mean `{near}`?"));
        }
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
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
        let label = Some(self.label.clone()).filter(|label| !label.is_empty());
        let span = LabeledSpan::new(label, self.span.start, self.span.len());
        Some(Box::new(std::iter::once(span)))
    }
}

/// The file under its name, so that a diagnostic prints on its own. Looks at the lines around the span only, so that
/// many diagnostics of a large file cost no more than they must.
impl SourceCode for Diagnostic {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = self.source.as_ref();
        let (from, to) = (span.offset(), span.offset() + span.len());
        let (Some(before), Some(after)) = (text.get(..from), text.get(to..)) else {
            return Err(MietteError::OutOfBounds);
        };
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let mut start = line_start;
        let mut line = self.line_of(line_start);
        for _ in 0..lines_before.min(line) {
            start = text[..start - 1].rfind('\n').map_or(0, |at| at + 1);
            line -= 1;
        }
        let mut end = to + after.find('\n').unwrap_or(after.len());
        for _ in 0..lines_after {
            let Some(rest) = text.get(end + 1..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            end += 1 + rest.find('\n').unwrap_or(rest.len());
        }
        // Without lines before, the position that is printed is that of the span, not of its line.
        let column = if lines_before == 0 { text[line_start..from].chars().count() } else { 0 };
        let data = &text[start..end];
        let lines = data.matches('\n').count() + 1;
        let place = (start, data.len()).into();
        let name = self.file.clone();
        Ok(Box::new(MietteSpanContents::new_named(name, data.as_bytes(), place, line, column, lines)))
    }
}

impl Diagnostic {
    /// Returns the line of byte `at`, counted from 0 and from the diagnostic's own place.
    fn line_of(&self, at: usize) -> usize {
        let (own, text) = (self.span.start, self.source.as_ref());
        let between = text.get(at.min(own)..at.max(own)).unwrap_or_default().matches('\n').count();
        let line = self.start.line - 1;
        if at < own { line.saturating_sub(between) } else { line + between }
    }
}

/// Collects the diagnostics of all passes over a set of files.
pub(super) struct Reporter {
    files: Vec<(String, Arc<str>)>,
    diagnostics: Vec<(usize, Diagnostic)>,
    errors: usize,
    /// Where the lines start, of the files that a hint speaks of.
    lines: HashMap<usize, Vec<usize>>,
}

impl Reporter {
    /// Makes an empty collection for `files`.
    pub(super) fn new(files: &[SourceFile]) -> Self {
        let named = |file: &SourceFile| (file.path.clone(), Arc::from(file.text.as_str()));
        Reporter {
            files: files.iter().map(named).collect(),
            diagnostics: Vec::new(),
            errors: 0,
            lines: HashMap::new(),
        }
    }

    /// Adds an error and returns it, to be given a label and a hint.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Error, code, span, message.into())
    }

    /// Adds a warning and returns it, to be given a label and a hint.
    pub(super) fn warning(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Warning, code, span, message.into())
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        span: Span,
        message: String,
    ) -> &mut Diagnostic {
        let (file, source) = self.files[span.file].clone();
        let nowhere = Position { line: 1, column: 1 };
        let diagnostic = Diagnostic {
            code,
            severity,
            message,
            file,
            span: span.start..span.end,
            start: nowhere,
            end: nowhere,
            label: String::new(),
            hint: None,
            source,
        };
        self.errors += usize::from(severity == Severity::Error);
        self.diagnostics.push((span.file, diagnostic));
        &mut self.diagnostics.last_mut().expect("one was just pushed").1
    }

    /// Returns how many diagnostics there are.
    pub(super) fn count(&self) -> usize {
        self.diagnostics.len()
    }

    /// Returns how many errors there were: what adds none can be used.
    pub(super) fn errors(&self) -> usize {
        self.errors
    }

    /// Drops all diagnostics but the first `count`, because their text will be read again.
    pub(super) fn forget(&mut self, count: usize) {
        self.diagnostics.truncate(count);
    }

    /// Returns `file:line` of a place, for messages that speak of a second place.
    pub(super) fn place(&mut self, span: Span) -> String {
        let (file, source) = &self.files[span.file];
        let starts = self.lines.entry(span.file).or_insert_with(|| {
            std::iter::once(0).chain(source.match_indices('\n').map(|(at, _)| at + 1)).collect()
        });
        format!("{file}:{}", starts.partition_point(|start| *start <= span.start))
    }

    /// Returns all diagnostics in the order of the files and of their places.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|(file, d)| (*file, d.span.start, d.code));
        let mut walk: Option<(usize, Walk<'_>)> = None;
        let mut last: Option<(usize, Range<usize>, Position)> = None;
        for (file, diagnostic) in &mut self.diagnostics {
            let walk = match &mut walk {
                Some((same, walk)) if same == file => walk,
                other => &mut other.insert((*file, Walk::new(&self.files[*file].1))).1,
            };
            diagnostic.start = walk.to(diagnostic.span.start);
            // A long path may be wrong in a thousand ways, all at one place.
            if last.as_ref().is_none_or(|(at, span, _)| at != file || *span != diagnostic.span) {
                last = Some((*file, diagnostic.span.clone(), walk.clone().to(diagnostic.span.end)));
            }
            diagnostic.end = last.as_ref().map_or(diagnostic.start, |(_, _, end)| *end);
        }
        self.diagnostics.into_iter().map(|(_, diagnostic)| diagnostic).collect()
    }
}

/// Walks through a text once and knows where it is.
#[derive(Clone)]
struct Walk<'t> {
    text: &'t str,
    at: usize,
    position: Position,
}

impl<'t> Walk<'t> {
    fn new(text: &'t str) -> Self {
        Walk { text, at: 0, position: Position { line: 1, column: 1 } }
    }

    /// Goes on to byte `at`, which does not lie before the last one.
    fn to(&mut self, at: usize) -> Position {
        for c in self.text.get(self.at..at).unwrap_or_default().chars() {
            if c == '\n' {
                self.position = Position { line: self.position.line + 1, column: 1 };
            } else {
                self.position.column += 1;
            }
        }
        self.at = at.max(self.at);
        self.position
    }
}
