//! What the compiler reports: [`Diagnostic`]s with code, place and hint, printable through `miette`.
//!
//! Every pass adds to one [`Reporter`]; the command line and the reload print the result. Nothing here decides
//! what is wrong.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme};

use super::SourceFile;
use super::excerpt::Excerpt;
use super::model::Span;

/// Nobody reads more at once.
const MAX_RENDERED: usize = 100;

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
        let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
        let rendered = handler.render_report(&mut out, &Excerpt::of(self));
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

/// Renders diagnostics for a person, at most a hundred of them, errors before warnings when there are more, and then
/// says how many were left out.
pub fn render(diagnostics: &[Diagnostic], colour: bool) -> Vec<String> {
    let mut shown: Vec<&Diagnostic> = diagnostics.iter().collect();
    if shown.len() > MAX_RENDERED {
        shown.sort_by_key(|diagnostic| diagnostic.severity == Severity::Warning);
        shown.truncate(MAX_RENDERED);
    }
    let left = diagnostics.len() - shown.len();
    let mut rendered: Vec<String> = shown.iter().map(|diagnostic| diagnostic.render(colour)).collect();
    rendered.extend((left > 0).then(|| format!("  … and {left} more\n")));
    rendered
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
