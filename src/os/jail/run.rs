//! The side of whoever wants a jail: starts the supervisor, hears what the
//! payload says, reads the report.

use std::io::{PipeWriter, pipe};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;

use super::Part;
use super::ended::{Ended, Report};
use super::error::{JailError, Trying};
use super::wish::{Jail, Wish};
use crate::os::command::start_ourselves;

/// The longest line that is passed on whole, bytes.
const LINE_CAP: usize = 64 << 10;

/// What is passed on of all that the payload says, bytes. It may say more.
const SAID_CAP: usize = 64 << 20;

/// The longest report that is read, bytes.
const REPORT_CAP: u64 = 128 << 20;

impl Jail {
    /// Runs `payload`, an absolute program and its arguments. What it writes to
    /// standard output and error is `heard` line by line. Whoever drops this
    /// kills all that is inside.
    pub async fn run(
        &self,
        payload: &[String],
        heard: &mut dyn FnMut(&str),
    ) -> Result<Ended, JailError> {
        listen(self, payload, heard).await
    }
}

async fn listen(
    jail: &Jail,
    payload: &[String],
    heard: &mut dyn FnMut(&str),
) -> Result<Ended, JailError> {
    let (said, ours) = pipe().trying("make a pipe")?;
    let both = [ours.try_clone().trying("share a pipe")?, ours];
    let mut said = Receiver::from_owned_fd(said.into()).trying("read a pipe")?;
    let payload = Payload {
        words: payload,
        within: Path::new("/"),
        kept: None,
    };
    let (ended, heard_all) = tokio::join!(
        perform(jail, &payload, both),
        pass_on(&mut said, SAID_CAP, heard)
    );
    heard_all.or_lost()?;
    ended
}

/// What runs in a jail.
pub(super) struct Payload<'a> {
    /// An absolute program and its arguments.
    pub words: &'a [String],
    /// The folder, inside, that it starts in.
    pub within: &'a Path,
    /// A descriptor of ours that it inherits, by its number.
    pub kept: Option<i32>,
}

/// Runs a payload, with these as its standard output and error; they must be
/// read meanwhile, to the end.
pub(super) async fn perform(
    jail: &Jail,
    payload: &Payload<'_>,
    streams: [PipeWriter; 2],
) -> Result<Ended, JailError> {
    let step = "start the supervisor";
    let wish = Wish::new(jail, payload, random_name()?).to_bytes()?;
    let (channel, theirs) = UnixStream::pair().trying(step)?;
    let [output, errors] = streams;
    let mut supervisor = start([OwnedFd::from(theirs).into(), output.into(), errors.into()])?;
    channel.set_nonblocking(true).trying(step)?;
    let mut channel = tokio::net::UnixStream::from_std(channel).trying(step)?;
    let (report, mut order) = channel.split();
    let mut text = Vec::new();
    let mut report = report.take(REPORT_CAP);
    // One that ended at once says why in its report; one that was killed has none.
    let (_broken_pipe, _reset) =
        tokio::join!(order.write_all(&wish), report.read_to_end(&mut text));
    supervisor.wait().await.or_lost()?;
    match last_report(&text) {
        Some(Report::Ended(ended)) => Ok(ended),
        Some(Report::Failed(error)) => Err(error),
        None => Err(JailError::lost("it gave no report")),
    }
}

/// The streams are the supervisor's alone afterwards, so that they end with it.
fn start(streams: [Stdio; 3]) -> Result<tokio::process::Child, JailError> {
    start_ourselves(&["jail", Part::Supervisor.word()], streams).trying("start the supervisor")
}

fn random_name() -> Result<String, JailError> {
    let mut bytes = [0; 8];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .trying("get a random name")?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}

/// Reads to the end, whatever comes, so that nobody inside ever waits for us.
async fn pass_on(
    from: &mut (dyn AsyncRead + Unpin),
    cap: usize,
    heard: &mut dyn FnMut(&str),
) -> std::io::Result<()> {
    let mut buffer = vec![0; LINE_CAP];
    let mut line = Vec::new();
    let mut left = cap;
    let mut tell = |line: &mut Vec<u8>| {
        if left > 0 {
            heard(&String::from_utf8_lossy(line));
        }
        left = left.saturating_sub(line.len() + 1);
        line.clear();
    };
    loop {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            break;
        }
        let read = buffer.get(..count).unwrap_or_default();
        for piece in read.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            // The rest of a line that is too long is dropped.
            let room = LINE_CAP.saturating_sub(line.len()).min(text.len());
            line.extend_from_slice(text.get(..room).unwrap_or_default());
            if ends {
                tell(&mut line);
            }
        }
    }
    if !line.is_empty() {
        tell(&mut line);
    }
    Ok(())
}

/// The last line that is one: whoever comes later knows more.
fn last_report(text: &[u8]) -> Option<Report> {
    text.split(|byte| *byte == b'\n')
        .rev()
        .find_map(|line| serde_json::from_slice(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_passed_on_and_long_ones_cut() {
        let long = "x".repeat(LINE_CAP + 5);
        let text = format!("one\n\n{long}\nlast");
        let mut lines = Vec::new();
        pass_on(&mut text.as_bytes(), SAID_CAP, &mut |line| {
            lines.push(line.to_owned());
        })
        .await
        .expect("read");
        let lengths: Vec<usize> = lines.iter().map(String::len).collect();
        assert_eq!(lengths, [3, 0, LINE_CAP, 4]);
    }

    #[tokio::test]
    async fn a_flood_is_read_but_not_passed_on() {
        let text = b"1234567\n".repeat(1000);
        let (mut count, mut left) = (0, text.as_slice());
        pass_on(&mut left, 800, &mut |_| count += 1)
            .await
            .expect("read");
        assert_eq!((count, left.len()), (100, 0));
    }

    #[test]
    fn the_last_report_counts_and_noise_does_not() {
        let failed = |reason: &str| {
            let report = Report::Failed(JailError::lost(reason));
            serde_json::to_string(&report).expect("json")
        };
        let text = format!("{}\nnoise\n{}\n", failed("first"), failed("second"));
        match last_report(text.as_bytes()) {
            Some(Report::Failed(error)) => assert_eq!(error, JailError::lost("second")),
            other => panic!("{other:?}"),
        }
        assert!(last_report(b"noise\n").is_none());
    }
}
