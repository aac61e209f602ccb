//! The process that reads one feed: request and feed on standard input, records on
//! standard output, which may be one socket.

use std::io::{self, BufRead, BufWriter, Read, Write};

use super::{Unreadable, read};
use crate::feeds::{LINE, Line, PROTOCOL, Request};
use crate::model::ExitCode;

/// What is still taken in after a fault, so that whoever sends the feed comes to
/// its end and to our answer.
const DRAINED: u64 = 1 << 30;

/// The longest sentence about a fault, characters.
const SENTENCE: usize = 500;

/// Serves one request. Only where nobody takes the answer is it a failure.
#[must_use]
pub fn serve() -> ExitCode {
    let output = BufWriter::with_capacity(64 << 10, io::stdout().lock());
    match answer(&mut io::stdin().lock(), output) {
        Ok(()) => ExitCode::Success,
        Err(_nobody_listens) => ExitCode::Failed,
    }
}

/// Nothing is said before the whole feed was read.
pub(in crate::feeds) fn answer(input: &mut impl BufRead, mut output: impl Write) -> io::Result<()> {
    let done = request(input).and_then(|request| read(&request, &mut *input));
    match done {
        Ok(records) => {
            let mut count = 0;
            for line in records.lines() {
                write(&line, &mut output)?;
                count += 1;
            }
            write(&Line::End(records.end(count)), &mut output)?;
            output.flush()
        }
        Err(fault) => {
            let sentence = fault.to_string().chars().take(SENTENCE).collect();
            write(&Line::Error(sentence), &mut output)?;
            output.flush()?;
            let _gone = io::copy(&mut input.take(DRAINED), &mut io::sink());
            Ok(())
        }
    }
}

fn request(input: &mut impl BufRead) -> Result<Request, Unreadable> {
    let mut line = Vec::new();
    input.take(LINE as u64).read_until(b'\n', &mut line)?;
    let request: Request = serde_json::from_slice(&line)
        .map_err(|cause| Unreadable::Request(format!("its line is no request: {cause}")))?;
    if request.protocol != PROTOCOL {
        let sentence = format!("it speaks protocol {}, not {PROTOCOL}", request.protocol);
        return Err(Unreadable::Request(sentence));
    }
    Ok(request)
}

fn write(line: &Line, output: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut *output, line)?;
    output.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEV: &str = r#"{"protocol":1,"format":"kev","distribution":"debian","version":"12"}"#;

    fn answered(input: &str) -> String {
        let mut output = Vec::new();
        let mut input = input.as_bytes();
        answer(&mut input, &mut output).expect("written");
        assert!(input.is_empty(), "all of it is taken in");
        String::from_utf8(output).expect("text")
    }

    #[test]
    fn records_are_followed_by_how_many_there_were() {
        let feed = r#"{"vulnerabilities":[{"cveID":"CVE-2026-0002","dateAdded":"2026-01-02"},{"cveID":"CVE-2026-0001","dateAdded":"2026-01-02"},3]}"#;
        assert_eq!(
            answered(&format!("{KEV}\n{feed}")),
            r#"{"threat":{"cve":"CVE-2026-0001","exploited":{"added":"2026-01-02","due":"2026-01-02","ransomware":false}}}
{"threat":{"cve":"CVE-2026-0002","exploited":{"added":"2026-01-02","due":"2026-01-02","ransomware":false}}}
{"end":{"records":2,"skipped":{"malformed":1}}}
"#
        );
    }

    #[test]
    fn a_fault_is_one_sentence_and_the_last_line() {
        let old = KEV.replace(":1,", ":0,");
        let table = [
            (format!("{KEV}\n{{\"vulnerab"), "is cut short"),
            (format!("{KEV}\n<html>"), "is damaged"),
            (
                format!("{KEV}\n{{\"vulnerabilities\":[]}}"),
                "has no record such as",
            ),
            (format!("{old}\n{{}}"), "protocol 0"),
            ("x".repeat(10_000), "no request"),
            (String::new(), "no request"),
        ];
        for (input, words) in table {
            let output = answered(&input);
            assert!(output.starts_with("{\"error\":\""), "{output}");
            assert!(
                output.contains(words) && output.lines().count() == 1,
                "{output}"
            );
        }
    }
}
