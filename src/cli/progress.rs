//! How far a run is: one line that redraws itself, on a terminal only.

use std::io::Write;

use super::screen::{Screen, shown};
use crate::control::document::Told;

const BAR: usize = 24;

/// Shows notices as they come.
#[derive(Debug)]
pub(super) struct Progress {
    terminal: bool,
    /// What Ctrl-C does.
    interrupt: &'static str,
    stage: String,
    drawn: bool,
}

impl Progress {
    /// `interrupt` says what Ctrl-C does.
    pub fn new(screen: &Screen, interrupt: &'static str) -> Self {
        Self {
            terminal: screen.is_terminal(),
            interrupt,
            stage: String::new(),
            drawn: false,
        }
    }

    /// Everything is logged elsewhere; here only what a watching person wants.
    pub fn show(&mut self, told: &Told) {
        if !self.terminal {
            return;
        }
        match told {
            Told::Opened { run, resumed: true } => {
                self.say(&format!("run {run} was cut short and goes on"));
            }
            Told::Opened { run, .. } => {
                self.say(&format!("run {run}; Ctrl-C {}", self.interrupt));
            }
            Told::Found(_) | Told::Finished { .. } => {}
            Told::Stage { stage } => {
                stage.clone_into(&mut self.stage);
                self.draw(0, "");
            }
            Told::Planned { changes, .. } => {
                self.say(&format!("{} changes are planned", changes.len()));
            }
            Told::Progress { percent, doing } => self.draw(*percent, doing),
            Told::Waiting { holder } => self.say(&format!("waiting for {holder}")),
            Told::Stopping => self.say("ends before its next phase; this one is not cut short"),
            Told::Stalled { stage } => self.say(&format!(
                "{stage} for longer than it should; nothing is killed"
            )),
        }
    }

    /// Leaves a clean line behind.
    pub fn end(&mut self) {
        if std::mem::take(&mut self.drawn) {
            put("\r\x1b[K");
        }
    }

    fn say(&mut self, text: &str) {
        self.end();
        put(&format!("{}\n", shown(text)));
    }

    fn draw(&mut self, percent: u8, doing: &str) {
        let filled = BAR * usize::from(percent.min(100)) / 100;
        let bar = format!("{}{}", "=".repeat(filled), " ".repeat(BAR - filled));
        let doing: String = shown(doing).chars().take(40).collect();
        put(&format!(
            "\r\x1b[K{:12} [{bar}] {percent:3} %  {doing}",
            self.stage
        ));
        self.drawn = true;
    }
}

fn put(text: &str) {
    let mut err = std::io::stderr().lock();
    let _gone = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}
