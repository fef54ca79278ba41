//! What is wrong, where, and what to write instead? Collects every problem of a file and renders them.
//!
//! Rendering never shows a secret: the ranges that [`Problems::mask`] was told of are starred in the source before any
//! line of it is quoted.

use std::fmt::Write as _;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Report, mask};

/// A stretch of the file, in bytes.
pub(super) type Span = Range<usize>;

/// One problem, for programs (`gatepass check --format json`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The line, counted from 1; 0 stands for the file as a whole.
    pub line: usize,
    /// The column in characters, counted from 1; 0 where there is no line.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

#[derive(Debug)]
struct Problem {
    span: Option<Span>,
    also: Option<(Span, &'static str)>,
    message: String,
    help: String,
    missing: bool,
}

/// Everything found so far.
#[derive(Debug, Default)]
pub(super) struct Problems {
    syntax: Vec<Problem>,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
    masks: Vec<Span>,
}

impl Problems {
    /// The file is not TOML here.
    pub(super) fn syntax(&mut self, span: Span, message: &str, help: impl Into<String>) {
        self.syntax.push(Problem::new(Some(span), message.to_owned(), help.into()));
    }

    /// Something at `span` cannot stand.
    pub(super) fn error(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(Problem::new(Some(span), message.into(), help.into()));
    }

    /// Something at `span` collides with what stands at `other`.
    pub(super) fn collision(
        &mut self,
        span: Span,
        other: (Span, &'static str),
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let problem = Problem::new(Some(span), message.into(), help.into());
        self.errors.push(Problem { also: Some(other), ..problem });
    }

    /// Something is not there: said only of a file that is TOML throughout, because a broken line hides its key.
    pub(super) fn missing(
        &mut self,
        span: Option<Span>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let problem = Problem::new(span, message.into(), help.into());
        self.errors.push(Problem { missing: true, ..problem });
    }

    /// Something a careful reader would ask about.
    pub(super) fn warn(&mut self, span: Option<Span>, message: impl Into<String>, help: impl Into<String>) {
        self.warnings.push(Problem::new(span, message.into(), help.into()));
    }

    /// What stands at `span` is or may be a secret.
    pub(super) fn mask(&mut self, span: Span) {
        self.masks.push(span);
    }

    /// How many things are wrong so far (warnings aside).
    pub(super) fn count(&self) -> usize {
        self.syntax.len() + self.errors.len()
    }

    /// Whether nothing is wrong (warnings aside).
    pub(super) fn is_empty(&self) -> bool {
        self.syntax.is_empty() && self.errors.is_empty()
    }

    /// The warnings, rendered.
    pub(super) fn warnings(&self, path: &str, source: &str) -> Vec<String> {
        let source = mask::masked(source, &self.masks);
        let mut warnings: Vec<&Problem> = self.warnings.iter().collect();
        warnings.sort_by_key(|problem| problem.place());
        warnings.iter().map(|problem| problem.render(Level::WARNING, path, &source)).collect()
    }

    /// The whole report.
    pub(super) fn report(self, path: &str, source: &str) -> Report {
        let warnings = self.warnings(path, source);
        let shown = mask::masked(source, &self.masks);
        let broken: Vec<usize> = self.syntax.iter().map(|problem| line_of(source, problem.start())).collect();
        let mut problems = self.syntax;
        // What a broken line says is a guess of the parser's: no second complaint about it.
        problems.extend(self.errors.into_iter().filter(|problem| {
            broken.is_empty() || !(problem.missing || broken.contains(&line_of(source, problem.start())))
        }));
        problems.sort_by_key(Problem::place);
        let mut text = String::new();
        for problem in &problems {
            text.push_str(&problem.render(Level::ERROR, path, &shown));
            text.push_str("\n\n");
        }
        let count = problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        writeln!(text, "{count} {noun} in {path}").expect("a string takes what is written");
        let findings = problems.iter().map(|problem| problem.finding(source)).collect();
        Report { text, problems: count, findings, warnings, unreadable: false }
    }
}

impl Problem {
    const fn new(span: Option<Span>, message: String, help: String) -> Self {
        Self { span, also: None, message, help, missing: false }
    }

    fn start(&self) -> usize {
        self.span.as_ref().map_or(usize::MAX, |span| span.start)
    }

    /// In the order of the file; what has no place comes last.
    fn place(&self) -> (usize, usize) {
        (self.start(), self.span.as_ref().map_or(0, |span| span.end))
    }

    fn render(&self, level: Level<'static>, path: &str, source: &str) -> String {
        let title = level.primary_title(&self.message);
        let group = match &self.span {
            Some(span) => {
                let mut snippet = Snippet::source(source)
                    .path(path)
                    .annotation(AnnotationKind::Primary.span(on_one_line(source, span)));
                if let Some((other, label)) = &self.also {
                    let other = on_one_line(source, other);
                    snippet = snippet.annotation(AnnotationKind::Context.span(other).label(*label));
                }
                title.element(snippet)
            }
            None => title.element(Origin::path(path)),
        };
        let group: Group<'_> =
            if self.help.is_empty() { group } else { group.element(Level::HELP.message(&self.help)) };
        Renderer::plain().render(&[group])
    }

    fn finding(&self, source: &str) -> Finding {
        let (line, column) = self.span.as_ref().map_or((0, 0), |span| {
            let start = span.start.min(source.len());
            let bol = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
            (line_of(source, start), source[bol..start].chars().count() + 1)
        });
        Finding { line, column, message: self.message.clone(), help: self.help.clone() }
    }
}

/// The line `at` stands on, counted from 1.
pub(super) fn line_of(source: &str, at: usize) -> usize {
    let at = at.min(source.len());
    source.as_bytes()[..at].split(|byte| *byte == b'\n').count()
}

/// A caret under a value of many lines would quote all of them: only the first is quoted.
fn on_one_line(source: &str, span: &Span) -> Span {
    let start = span.start.min(source.len());
    let end = span.end.clamp(start, source.len());
    let end = source[start..end].find('\n').map_or(end, |newline| start + newline);
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_complained_about_once() {
        let source = "a = \nb = 1\n";
        let mut problems = Problems::default();
        problems.syntax(4..4, "no value", "write one");
        problems.error(0..1, "unknown key `a`", "");
        problems.missing(None, "`c` is missing", "");
        problems.error(5..6, "unknown key `b`", "");
        let report = problems.report("f.toml", source);
        assert_eq!(report.problems, 2, "{}", report.text);
        assert_eq!(report.findings[0].line, 1);
        assert_eq!((report.findings[1].line, report.findings[1].column), (2, 1));
    }

    #[test]
    fn a_secret_is_never_quoted() {
        let source = "[x]\nname = \"hunter2\"\n";
        let mut problems = Problems::default();
        problems.mask(11..20);
        problems.error(4..8, "no", "");
        let report = problems.report("f.toml", source);
        assert!(!report.text.contains("hunter2") && report.text.contains("name = ***"), "{}", report.text);
    }
}
