//! From a raw feed to records that are kept: another process reads it, and
//! nothing of what that says is believed before it was looked at.

use std::cmp::Ordering;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter,
};
use tokio::time::timeout;

use super::line::{End, Format, LINE, Line, Request};
use super::shelf::{Draft, Shelf};
use super::state::Content;
use crate::model::{CveId, PackageName};
use crate::os::attendant::{Attendant, Unattended};

/// More records than any feed has; a release of Debian has 60,000, EPSS 360,000.
const RECORDS: u64 = 4_000_000;

/// How long a feed may be read.
const TIMEOUT: Duration = Duration::from_mins(11);

/// Written at once, bytes.
const BUFFER: usize = 1 << 18;

/// Why a feed is not taken.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Nobody reads it.
    #[error(transparent)]
    Nobody(#[from] Unattended),
    /// Its reader says that it is of no use.
    #[error("{0}")]
    Unreadable(String),
    /// Its reader was ended.
    #[error("its reader ended before it was done; it wanted more than it may have, or has a fault")]
    Killed,
    /// Its reader does not end.
    #[error("its reader did not end within {0:?}")]
    Late(Duration),
    /// Its reader says what it must not say.
    #[error("its reader broke the rules ({0}); please report it")]
    Untrue(&'static str),
    /// It has lost too much.
    #[error(
        "it has {now} records where it had {before}, so the old ones stay; if that is right, have it with `patchd feeds import --smaller FILE`"
    )]
    Shrunk {
        /// How many it had.
        before: u64,
        /// How many it has.
        now: u64,
    },
    /// The folder.
    #[error("cannot write to the feeds' folder: {0}; look at its disk")]
    File(#[from] std::io::Error),
}

/// Has it read, and lays its records beside those from before. With `before`
/// they must not be far fewer than that.
pub(super) async fn take_in(
    readers: &Attendant,
    shelf: &Shelf,
    request: &Request,
    raw: File,
    before: Option<&Content>,
) -> Result<(Draft, End), IntakeError> {
    let attention = readers.attend().await?;
    let (from, to) = attention.stream.into_split();
    let draft = shelf.draft(request.format)?;
    let mut sink = BufWriter::with_capacity(BUFFER, File::from_std(draft.writer()?));
    let telling = async {
        // When its reader does not listen to the end, it says why.
        let _hung_up = tell(request, raw, to).await;
        std::future::pending().await
    };
    let heard = tokio::select! {
        heard = timeout(TIMEOUT, hear(request.format, from, &mut sink)) => heard,
        never = telling => never,
    };
    let end = heard.map_err(|_| IntakeError::Late(TIMEOUT))??;
    sink.flush().await?;
    match before {
        Some(before) if is_much_less(before.records, end.records) => Err(IntakeError::Shrunk {
            before: before.records,
            now: end.records,
        }),
        _ => Ok((draft, end)),
    }
}

/// By more than a tenth.
fn is_much_less(before: u64, now: u64) -> bool {
    now.saturating_mul(10) < before.saturating_mul(9)
}

async fn tell(
    request: &Request,
    mut raw: File,
    mut to: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    let mut piece = vec![0; BUFFER];
    loop {
        match raw.read(&mut piece).await? {
            0 => return to.shutdown().await,
            length => {
                to.write_all(piece.get(..length).unwrap_or_default())
                    .await?;
            }
        }
    }
}

async fn hear(
    format: Format,
    from: impl AsyncRead + Unpin,
    sink: &mut (impl AsyncWrite + Unpin),
) -> Result<End, IntakeError> {
    let mut from = BufReader::with_capacity(BUFFER, from);
    let mut check = Check::of(format);
    let mut text = Vec::new();
    loop {
        text.clear();
        let mut bounded = (&mut from).take(LINE as u64);
        match bounded.read_until(b'\n', &mut text).await {
            Ok(0) => return Err(IntakeError::Killed),
            Ok(_) if text.last() != Some(&b'\n') => return Err(IntakeError::Killed),
            Ok(_) => {}
            // It was ended in the midst of a word.
            Err(_) => return Err(IntakeError::Killed),
        }
        let line = serde_json::from_slice(&text);
        match line.map_err(|_| IntakeError::Untrue("a line that is no record"))? {
            Line::Error(sentence) => return Err(IntakeError::Unreadable(sentence)),
            Line::End(end) => return check.close(end),
            record => {
                check.admit(record)?;
                // Exactly what was understood, not what was said.
                sink.write_all(&text).await?;
            }
        }
    }
}

/// What must be true of each record, and of all together.
struct Check {
    is_of_release: bool,
    count: u64,
    last: Option<(Option<PackageName>, CveId)>,
}

impl Check {
    fn of(format: Format) -> Self {
        Self {
            is_of_release: format.is_of_release(),
            count: 0,
            last: None,
        }
    }

    fn admit(&mut self, record: Line) -> Result<(), IntakeError> {
        let key = match record {
            Line::Advisory(advisory) if self.is_of_release => {
                (Some(advisory.package), advisory.cve)
            }
            Line::Threat { cve, .. } if !self.is_of_release => (None, cve),
            _ => return Err(IntakeError::Untrue("a record of another kind")),
        };
        let is_next = match self
            .last
            .as_ref()
            .map_or(Ordering::Less, |last| last.cmp(&key))
        {
            Ordering::Less => true,
            // Two channels may have a word each.
            Ordering::Equal => self.is_of_release,
            Ordering::Greater => false,
        };
        self.count += 1;
        self.last = Some(key);
        match () {
            () if !is_next => Err(IntakeError::Untrue("records in disorder")),
            () if self.count > RECORDS => Err(IntakeError::Untrue("too many records")),
            () => Ok(()),
        }
    }

    fn close(&self, end: End) -> Result<End, IntakeError> {
        if end.records != self.count {
            return Err(IntakeError::Untrue("a count that is wrong"));
        }
        if self.count == 0 {
            let sentence = "there is nothing in it for this release; is it the right file?";
            return Err(IntakeError::Unreadable(sentence.to_owned()));
        }
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"threat":{"cve":"CVE-2026-0001","epss":1}}"#;
    const TWO: &str = r#"{"threat":{"cve":"CVE-2026-0002","epss":1}}"#;
    const END: &str = r#"{"end":{"records":2}}"#;

    async fn heard(format: Format, lines: &[&str]) -> Result<(End, String), IntakeError> {
        let said = lines.join("\n") + "\n";
        heard_exactly(format, said.as_bytes()).await
    }

    async fn heard_exactly(format: Format, said: &[u8]) -> Result<(End, String), IntakeError> {
        let mut kept = Vec::new();
        let end = hear(format, said, &mut kept).await?;
        Ok((end, String::from_utf8(kept).expect("text")))
    }

    #[tokio::test]
    async fn what_is_in_order_is_kept() {
        let (end, kept) = heard(Format::Kev, &[ONE, TWO, END]).await.expect("sound");
        assert_eq!((end.records, kept), (2, format!("{ONE}\n{TWO}\n")));
    }

    #[tokio::test]
    async fn what_breaks_the_rules_is_not() {
        let package = |name: &str| {
            format!(
                r#"{{"advisory":{{"package":"{name}","cve":"CVE-2026-0001","status":{{"is":"not-affected"}}}}}}"#
            )
        };
        let (aa, bb) = (package("aa"), package("bb"));
        let table: [(Format, &[&str], &str); 10] = [
            (Format::Kev, &[TWO, ONE, END], "disorder"),
            (Format::Kev, &[ONE, ONE, END], "disorder"),
            (Format::DebianTracker, &[&bb, &aa, END], "disorder"),
            (Format::Kev, &[ONE, END], "count"),
            (Format::DebianTracker, &[ONE, TWO, END], "another kind"),
            (Format::Kev, &[&aa, &bb, END], "another kind"),
            (Format::Kev, &["{}", END], "no record"),
            (Format::Kev, &[r#"{"end":{"records":0}}"#], "nothing in it"),
            (
                Format::Kev,
                &[ONE, r#"{"error":"it is a page"}"#],
                "it is a page",
            ),
            (Format::Kev, &[ONE, TWO], "ended before"),
        ];
        for (format, lines, why) in table {
            let error = heard(format, lines).await.expect_err(why).to_string();
            assert!(error.contains(why), "{error}");
        }
        let twice = heard(Format::Osv, &[&aa, &aa, END]).await;
        assert!(twice.is_ok(), "two channels");
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_not_waited_for() {
        for said in [
            vec![b'x'; 1 << 20],
            format!("{ONE}\n{TWO}\n{{\"end\"").into_bytes(),
        ] {
            let error = heard_exactly(Format::Kev, &said).await.expect_err("no end");
            assert!(matches!(error, IntakeError::Killed), "{error}");
        }
    }

    #[test]
    fn a_tenth_less_is_less_and_more_is_a_fault() {
        for (before, now, much) in [
            (100, 90, false),
            (100, 89, true),
            (0, 0, false),
            (9, 8, true),
        ] {
            assert_eq!(is_much_less(before, now), much, "{before} {now}");
        }
    }
}
