//! The side of whoever wants a jail: starts the supervisor, hears what the
//! payload says, reads the report.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

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
    /// Runs `payload`, an absolute program and its arguments, and throws away
    /// what it did. What it writes to standard output and error is `heard` line
    /// by line. Whoever drops this kills all that is inside.
    pub async fn run(
        &self,
        payload: &[String],
        heard: &mut dyn FnMut(&str),
    ) -> Result<Ended, JailError> {
        let wish = Wish::new(self, payload, random_name()?).to_bytes()?;
        let mut supervisor =
            start_ourselves(&["jail", Part::Supervisor.word()]).trying("start the supervisor")?;
        let gone = || JailError::lost("the supervisor has no streams");
        let mut stdin = supervisor.stdin.take().ok_or_else(gone)?;
        let mut said = supervisor.stdout.take().ok_or_else(gone)?;
        let mut report = supervisor.stderr.take().ok_or_else(gone)?.take(REPORT_CAP);
        let mut text = Vec::new();
        // One that ended at once says why in its report.
        let writing = async { stdin.write_all(&wish).await };
        let (_broken_pipe, heard_all, read) = tokio::join!(
            writing,
            pass_on(&mut said, heard),
            report.read_to_end(&mut text)
        );
        supervisor.wait().await.or_lost()?;
        // It ends with this, if it has not yet.
        drop(stdin);
        read.or_lost()?;
        match last_report(&text) {
            Some(Report::Ended(ended)) => heard_all.map(|()| ended).or_lost(),
            Some(Report::Failed(error)) => Err(error),
            None => Err(JailError::lost(last_words(&text))),
        }
    }
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
    heard: &mut dyn FnMut(&str),
) -> std::io::Result<()> {
    let mut buffer = vec![0; LINE_CAP];
    let mut line = Vec::new();
    let mut left = SAID_CAP;
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
        for byte in buffer.iter().take(count) {
            match byte {
                b'\n' => tell(&mut line),
                // The rest of a line that is too long is dropped.
                _ if line.len() < LINE_CAP => line.push(*byte),
                _ => {}
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

fn last_words(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| "it gave no report".to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_passed_on_and_long_ones_cut() {
        let long = "x".repeat(LINE_CAP + 5);
        let text = format!("one\n\n{long}\nlast");
        let mut lines = Vec::new();
        pass_on(&mut text.as_bytes(), &mut |line| {
            lines.push(line.to_owned())
        })
        .await
        .expect("read");
        let lengths: Vec<usize> = lines.iter().map(String::len).collect();
        assert_eq!(lengths, [3, 0, LINE_CAP, 4]);
    }

    #[tokio::test]
    async fn a_flood_is_read_but_not_passed_on() {
        let text = vec![b'\n'; SAID_CAP + 100];
        let mut count = 0;
        pass_on(&mut text.as_slice(), &mut |_| count += 1)
            .await
            .expect("read");
        assert_eq!(count, SAID_CAP);
    }

    #[test]
    fn the_last_report_counts_and_noise_does_not() {
        let failed = |reason: &str| {
            let report = Report::Failed(JailError::lost(reason));
            serde_json::to_string(&report).expect("json")
        };
        let text = format!(
            "{}\nthread panicked\n{}\n",
            failed("first"),
            failed("second")
        );
        match last_report(text.as_bytes()) {
            Some(Report::Failed(error)) => assert_eq!(error, JailError::lost("second")),
            other => panic!("{other:?}"),
        }
        assert!(last_report(b"thread panicked\n").is_none());
    }
}
