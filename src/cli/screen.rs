//! Where answers go. All text that comes from outside is shown with its control
//! characters escaped, so that no package can write to anybody's terminal.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::context::Trouble;
use crate::control::document::ErrorDocument;
use crate::model::ExitCode;
use crate::os::environment;
use crate::os::jail::Image;

/// Standard output and error, and how they want it.
#[derive(Debug)]
pub(super) struct Screen {
    json: bool,
    colour: bool,
    terminal: bool,
}

impl Screen {
    pub fn new(json: bool) -> Self {
        // Inside an image we write to pipes, and whoever started us knows where to.
        let (terminal, colour) = Image::around_us().map_or_else(
            || {
                let colour = std::io::stdout().is_terminal() && !environment::no_color();
                (std::io::stderr().is_terminal(), colour)
            },
            |image| (image.terminal, image.colour),
        );
        Self {
            json,
            colour,
            terminal,
        }
    }

    /// Whether answers are wanted as JSON.
    pub fn wants_json(&self) -> bool {
        self.json
    }

    /// Whether a person watches standard error.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Whether standard output may be coloured.
    pub fn is_colourful(&self) -> bool {
        self.colour
    }

    /// A line for people; outside text in it is escaped.
    pub fn line(text: &str) {
        Self::raw(format!("{}\n", shown(text)).as_bytes());
    }

    /// A heading for people.
    pub fn heading(&self, text: &str) {
        let style = if self.colour {
            Style::new().bold()
        } else {
            Style::new()
        };
        Self::raw(format!("{style}{}{style:#}\n", shown(text)).as_bytes());
    }

    /// A line that says whether something is well.
    pub fn mark(&self, mark: Mark, text: &str) {
        let (sign, colour) = match mark {
            Mark::Good => ("ok  ", AnsiColor::Green),
            Mark::Warn => ("warn", AnsiColor::Yellow),
            Mark::Bad => ("FAIL", AnsiColor::Red),
            Mark::Unknown => ("?   ", AnsiColor::Yellow),
            Mark::Plain => ("-   ", AnsiColor::White),
        };
        let style = if self.colour {
            colour.on_default()
        } else {
            Style::new()
        };
        let text = shown_lines(text).replace('\n', "\n     ");
        Self::raw(format!("{style}{sign}{style:#} {text}\n").as_bytes());
    }

    /// A table for people.
    pub fn table(header: &[&str], rows: &[Vec<String>]) {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header);
        for row in rows {
            table.add_row(row.iter().map(|cell| shown(cell)));
        }
        let text: String = table.lines().fold(String::new(), |mut text, line| {
            text.extend([line.trim_end(), "\n"]);
            text
        });
        Self::raw(text.as_bytes());
    }

    /// A JSON document.
    pub fn document(document: &impl Serialize) {
        if let Ok(mut text) = serde_json::to_string_pretty(document) {
            text.push('\n');
            Self::raw(text.as_bytes());
        }
    }

    /// Bytes as they are. A reader that has gone is no fault of ours.
    pub fn raw(bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        let _gone = out.write_all(bytes).and_then(|()| out.flush());
    }

    /// A sentence for whoever has to act.
    pub fn complain(text: &str) {
        let _gone = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// Tells a trouble and returns its exit code.
    pub fn fail(&self, trouble: &Trouble) -> ExitCode {
        if self.json {
            Self::document(&ErrorDocument::new(&trouble.sentence, trouble.code));
        }
        Self::complain(&format!("patchd: {}", shown_lines(&trouble.sentence)));
        trouble.code
    }
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Warn,
    Bad,
    Unknown,
    /// Neither well nor ill.
    Plain,
}

/// One line of outside text with its control characters escaped.
pub(super) fn shown(text: &str) -> String {
    escape(text, false)
}

/// The same for text of several lines.
pub(super) fn shown_lines(text: &str) -> String {
    escape(text, true)
}

fn escape(text: &str, lines: bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' if lines => safe.push(c),
            '\t' => safe.push(' '),
            c if c.is_control() || is_directional(c) => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

/// Characters that make text read differently from what it says.
fn is_directional(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_text_cannot_move_the_cursor() {
        assert_eq!(shown("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\u{a}c");
        assert_eq!(shown_lines("a\nb\r"), "a\nb\\u{d}");
        assert_eq!(shown("\u{202e}x"), "\\u{202e}x");
    }
}
