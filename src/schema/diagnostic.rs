//! What the compiler reports: [`Diagnostic`]s with code, place and hint, printable through `miette`.
//!
//! Every pass adds to one [`Reporter`]; the command line and the reload print the result. Nothing here decides
//! what is wrong.

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
        self.before().matches('\n').count() + 1
    }

    /// Returns the 1-based column of the start of the span, in characters.
    pub fn column(&self) -> usize {
        let before = self.before();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        before[line_start..].chars().count() + 1
    }

    /// Renders the diagnostic for a person: file, line, column, the source underlined, the hint.
    pub fn render(&self, colour: bool) -> String {
        let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut out = String::new();
        let rendered =
            GraphicalReportHandler::new_themed(theme).with_links(false).render_report(&mut out, self);
        rendered.map_or_else(|_| self.message.clone(), |()| out)
    }

    /// Returns the source before the span.
    fn before(&self) -> &str {
        self.source.get(..self.span.start).unwrap_or(&self.source)
    }

    /// Widens a span to whole lines, so that a report without context still shows the line.
    fn whole_lines(&self, span: &SourceSpan) -> SourceSpan {
        let text = self.source.as_ref();
        let end = span.offset() + span.len();
        let start = text.get(..span.offset()).and_then(|before| before.rfind('\n'));
        let start = start.map_or(0, |at| at + 1);
        let rest = text.get(end..).unwrap_or_default();
        let end = end + rest.find('\n').unwrap_or(rest.len());
        (start, end - start).into()
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

/// The file under its name, so that a diagnostic prints on its own.
impl SourceCode for Diagnostic {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let lines = self.whole_lines(span);
        let inner = self.source.as_ref().read_span(&lines, lines_before, lines_after)?;
        // Without lines before, the position that is printed is that of the span, not of its line.
        let column = self.source.get(lines.offset()..span.offset()).unwrap_or_default().chars().count();
        let column = if lines_before == 0 { column } else { inner.column() };
        Ok(Box::new(MietteSpanContents::new_named(
            self.file.clone(),
            inner.data(),
            *inner.span(),
            inner.line(),
            column,
            inner.line_count(),
        )))
    }
}

/// Collects the diagnostics of all passes over a set of files.
pub(super) struct Reporter {
    files: Vec<(String, Arc<str>)>,
    diagnostics: Vec<Diagnostic>,
}

impl Reporter {
    /// Makes an empty collection for `files`.
    pub(super) fn new(files: &[SourceFile]) -> Self {
        let named = |file: &SourceFile| (file.path.clone(), Arc::from(file.text.as_str()));
        Reporter { files: files.iter().map(named).collect(), diagnostics: Vec::new() }
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
        self.diagnostics.push(Diagnostic {
            code,
            severity,
            message,
            file,
            span: span.start..span.end,
            label: String::new(),
            hint: None,
            source,
        });
        self.diagnostics.last_mut().expect("one was just pushed")
    }

    /// Returns `file:line` of a place, for messages that speak of a second place.
    pub(super) fn place(&self, span: Span) -> String {
        let (file, source) = &self.files[span.file];
        let line = source.get(..span.start).unwrap_or(source).matches('\n').count() + 1;
        format!("{file}:{line}")
    }

    /// Returns all diagnostics in the order of the files and of their places.
    pub(super) fn finish(self) -> Vec<Diagnostic> {
        let order = |file: &str| self.files.iter().position(|(path, _)| path == file);
        let mut diagnostics = self.diagnostics;
        diagnostics.sort_by_key(|d| (order(&d.file), d.span.start, d.code));
        diagnostics
    }
}
