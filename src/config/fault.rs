//! What is wrong, where, and what to write instead; shown as compilers show it.

use std::fmt;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Element, Group, Renderer, Snippet};
use serde_json::{Value, json};

use super::source::{Origin, escaped};

/// How many are shown in full. Who has more than that mends the first ones first.
const SHOWN: usize = 50;

/// How many programs get.
const LISTED: usize = 1000;

/// Whether it can be gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The configuration is invalid.
    Error,
    /// It is valid and probably not what was meant.
    Warning,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// How bad it is.
    pub level: Level,
    /// What is wrong, and with which thing.
    pub what: String,
    /// What to do now.
    pub advice: Option<String>,
    origin: Option<Origin>,
    /// The file, where it is not about a place in it.
    path: Option<PathBuf>,
    /// The line must not be shown: these messages go to the journal.
    secret: bool,
}

/// Everything that was found, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    all: Vec<Fault>,
    files: Vec<PathBuf>,
}

impl Fault {
    /// A fault at a place in a text.
    pub(super) fn at(origin: &Origin, what: impl AsRef<str>, advice: impl AsRef<str>) -> Self {
        Self {
            level: Level::Error,
            what: escaped(what.as_ref()),
            advice: Some(escaped(advice.as_ref())),
            origin: Some(origin.clone()),
            path: None,
            secret: false,
        }
    }

    /// A fault of a whole file or folder; the sentence has the advice in it.
    pub(super) fn of_file(path: PathBuf, what: impl AsRef<str>) -> Self {
        Self {
            level: Level::Error,
            what: escaped(what.as_ref()),
            advice: None,
            origin: None,
            path: Some(path),
            secret: false,
        }
    }

    /// The same without the line that it is about.
    pub(super) fn secret(self) -> Self {
        let secret = true;
        Self { secret, ..self }
    }

    /// The same as a warning.
    pub(super) fn warning(self) -> Self {
        let level = Level::Warning;
        Self { level, ..self }
    }

    /// Line and column, from 1.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        self.origin.as_ref().map(Origin::position)
    }

    /// In which file.
    #[must_use]
    pub fn file(&self) -> Option<&PathBuf> {
        self.path
            .as_ref()
            .or_else(|| self.origin.as_ref().map(|origin| &origin.source.path))
    }

    fn start(&self) -> usize {
        self.origin.as_ref().map_or(0, |origin| origin.span.start)
    }

    fn render(&self, renderer: &Renderer) -> String {
        let level = match self.level {
            Level::Error => annotate_snippets::Level::ERROR,
            Level::Warning => annotate_snippets::Level::WARNING,
        };
        let mut elements: Vec<Element<'_>> = Vec::new();
        if let Some(origin) = &self.origin {
            elements.push(place(origin, self.secret));
        }
        if let Some(advice) = &self.advice {
            let help = annotate_snippets::Level::HELP.message(advice);
            elements.push(help.into());
        }
        let title = level.primary_title(&self.what);
        renderer.render(&[Group::with_title(title).elements(elements)])
    }

    fn to_json(&self) -> Value {
        let mut object = json!({
            "level": match self.level { Level::Error => "error", Level::Warning => "warning" },
            "message": self.what,
        });
        let mut add = |key: &str, value: Option<Value>| {
            if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
                object.insert(key.to_owned(), value);
            }
        };
        add("advice", self.advice.as_ref().map(|text| json!(text)));
        add(
            "file",
            self.file().map(|path| json!(path.to_string_lossy())),
        );
        add("line", self.position().map(|(line, _)| json!(line)));
        add("column", self.position().map(|(_, column)| json!(column)));
        object
    }
}

/// The line with a caret, or, of what must not be shown, its number.
fn place(origin: &Origin, secret: bool) -> Element<'_> {
    let name = origin.source.name();
    if secret {
        let (line, column) = origin.position();
        let place = annotate_snippets::Origin::path(name);
        return place.line(line).char_column(column).into();
    }
    let text = &origin.source.text;
    let end = origin.span.end.min(text.len());
    let span = origin.span.start.min(end)..end;
    let mark = AnnotationKind::Primary.span(first_line(text, span));
    Snippet::source(text).path(name).annotation(mark).into()
}

/// A mark over many lines helps nobody; the first one is enough.
fn first_line(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let marked = text.get(span.clone()).unwrap_or("");
    let length = marked.find(['\n', '\r']).unwrap_or(marked.len());
    span.start..span.start + length
}

impl Faults {
    pub(super) fn new(mut all: Vec<Fault>, files: Vec<PathBuf>) -> Self {
        let place = |fault: &Fault| {
            let file = fault.file();
            let index = files.iter().position(|path| Some(path) == file);
            (index, fault.start())
        };
        all.sort_by_key(place);
        Self { all, files }
    }

    /// Whether the configuration can be used: nothing but warnings.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.count(Level::Error) == 0
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Fault] {
        &self.all
    }

    /// For people, each with its line and a caret; `colour` on terminals only.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let shown = self.all.iter().take(SHOWN);
        let text: String = shown
            .map(|fault| fault.render(&renderer) + "\n\n")
            .collect();
        // The renderer leaves some control characters of a source line alone.
        let is_ours = |c: char| c == '\n' || (colour && c == '\u{1b}');
        text.replace(|c: char| c.is_control() && !is_ours(c), "\u{fffd}") + &self.summary()
    }

    /// For programs: `config check --json`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let files = self.files.iter().map(|path| path.to_string_lossy());
        let findings = self.all.iter().take(LISTED).map(Fault::to_json);
        json!({
            "schema": "patchd/config-check/1",
            "valid": self.is_valid(),
            "files": files.collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
            "omitted": self.all.len().saturating_sub(LISTED),
        })
    }

    fn count(&self, level: Level) -> usize {
        self.all.iter().filter(|fault| fault.level == level).count()
    }

    fn summary(&self) -> String {
        let counted = |count, one: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {one}s"),
        };
        let warnings = counted(self.count(Level::Warning), "warning");
        let cut = if self.all.len() > SHOWN {
            format!(", the first {SHOWN} are shown")
        } else {
            String::new()
        };
        match self.count(Level::Error) {
            0 if self.all.is_empty() => "the configuration is valid".to_owned(),
            0 => format!("the configuration is valid, {warnings}{cut}"),
            faults => format!(
                "the configuration is invalid: {}{cut}",
                counted(faults, "fault")
            ),
        }
    }
}

/// One line, for logs.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            let (line, column) = origin.position();
            write!(f, "{}:{line}:{column}: ", origin.source.name())?;
        }
        f.write_str(&self.what)?;
        self.advice
            .iter()
            .try_for_each(|advice| write!(f, "; {advice}"))
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Faults {}
