//! The worker's own memory of its reboots: whatever asks for them, there are no
//! more than two in six hours.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::RunId;
use crate::os::files;

/// In the worker's folder.
const FILE: &str = "reboots.json";

/// That many in that time, and no more.
const MOST: usize = 2;
const SPAN: SignedDuration = SignedDuration::from_hours(6);

/// How many are kept, and how long the file may be, bytes.
const KEPT: usize = 20;
const CAP: u64 = 64 << 10;

/// The reboots that were asked for, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Past(Vec<Asked>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    at: Timestamp,
    run: RunId,
}

impl Past {
    /// What is remembered; what cannot be read is an error, never an empty past.
    pub fn read(folder: &Path) -> std::io::Result<Self> {
        match files::read_bounded(&folder.join(FILE), CAP) {
            Ok(text) => Ok(serde_json::from_str(&text)?),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(cause) => Err(cause),
        }
    }

    /// Remembers one that is about to be asked for.
    pub fn add(&mut self, folder: &Path, run: RunId, at: Timestamp) -> std::io::Result<()> {
        self.0.push(Asked { at, run });
        let surplus = self.0.len().saturating_sub(KEPT);
        self.0.drain(..surplus);
        files::replace(&folder.join(FILE), &serde_json::to_vec(self)?, 0o640)
    }

    /// Why there may not be another one now. One that lies in the future counts:
    /// the clock was set back since.
    #[must_use]
    pub fn forbids(&self, now: Timestamp) -> Option<String> {
        let recent = |asked: &&Asked| now.duration_since(asked.at) < SPAN;
        let recent = self.0.iter().filter(recent).count();
        (recent >= MOST).then(|| {
            format!(
                "patchd has rebooted this machine {recent} times within {} hours; look why that was not enough, and reboot it by hand",
                SPAN.as_hours()
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600).expect("a time")
    }

    #[test]
    fn the_third_in_six_hours_is_refused_and_a_clock_set_back_does_not_help() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut past = Past::read(folder.path()).expect("none yet");
        let run = RunId::new(1, 1);
        assert_eq!(past.forbids(hour(100)), None);
        past.add(folder.path(), run, hour(100)).expect("written");
        assert_eq!(past.forbids(hour(101)), None);
        past.add(folder.path(), run, hour(101)).expect("written");
        let read = Past::read(folder.path()).expect("there");
        assert_eq!(read, past);
        for (now, allowed) in [
            (101, false),
            (105, false),
            (106, true),
            (107, true),
            (50, false),
        ] {
            assert_eq!(read.forbids(hour(now)).is_none(), allowed, "{now}");
        }
    }

    #[test]
    fn a_memory_that_cannot_be_read_is_no_empty_one() {
        let folder = tempfile::tempdir().expect("a folder");
        files::replace(&folder.path().join(FILE), b"[{", 0o640).expect("written");
        assert!(Past::read(folder.path()).is_err());
    }
}
