//! A runner for tests: it replays recorded answers and fails on a call that
//! nobody recorded.

use std::cell::RefCell;

use super::{Answer, Command, CommandError, Output, Runner};

/// Replays answers by argv, each recording once, in the order of recording.
#[derive(Debug, Default)]
pub struct Replay {
    left: RefCell<Vec<(Vec<String>, Output)>>,
}

impl Replay {
    /// Nothing is recorded yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// To exactly this question, this is the answer.
    #[must_use]
    pub fn answer(self, question: &Command, status: i32, stdout: &str, stderr: &str) -> Self {
        let argv = question.argv().into_iter().map(str::to_owned).collect();
        let output = Output {
            status,
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        self.left.borrow_mut().push((argv, output));
        self
    }
}

impl Runner for Replay {
    fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
        let argv = question.argv();
        let mut left = self.left.borrow_mut();
        let position = left
            .iter()
            .position(|(recorded, _)| *recorded == argv)
            .unwrap_or_else(|| panic!("nobody recorded an answer to {argv:?}; left: {left:#?}"));
        let (_, output) = left.remove(position);
        Box::pin(std::future::ready(Ok(output)))
    }
}
