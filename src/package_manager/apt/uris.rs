//! Which archives of a plan are not in apt's cache yet: `apt-get --print-uris`.

use super::super::fault::Fault;
use super::{commands, execution};
use crate::model::Plan;
use crate::os::command::Runner;

/// An archive that must be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its file name in the cache.
    pub file: String,
    /// Its size.
    pub bytes: u64,
}

/// The archives of the plan that apt would fetch now.
pub async fn missing(runner: &dyn Runner, plan: &Plan) -> Result<Vec<Archive>, Fault> {
    let answer = runner.ask(&commands::print_uris(plan)).await?;
    if answer.status != 0 {
        let errors = String::from_utf8_lossy(&answer.stderr);
        return Err(Fault::Unsolvable {
            words: execution::last_words(&errors, answer.status),
            packages: Vec::new(),
        });
    }
    parse(&answer.text())
}

/// `'URI' FILE SIZE [HASH]`; the lines of apt's talk do not begin with a quote.
fn parse(text: &str) -> Result<Vec<Archive>, Fault> {
    text.lines()
        .filter(|line| line.starts_with('\''))
        .map(|line| archive(line).ok_or_else(|| garbage(line)))
        .collect()
}

fn archive(line: &str) -> Option<Archive> {
    let (_, behind) = line.strip_prefix('\'')?.split_once("' ")?;
    let mut words = behind.split(' ');
    let file = words.next().filter(|file| !file.is_empty())?.to_owned();
    let bytes = words.next()?.parse().ok()?;
    Some(Archive { file, bytes })
}

fn garbage(line: &str) -> Fault {
    let shown = super::credentials::hidden(line);
    Fault::Garbage {
        source_of: "apt-get --print-uris".to_owned(),
        line: shown.chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_between_the_lines_of_talk() {
        for release in ["12", "13"] {
            let path = format!(
                "{}/tests/fixtures/apt/{release}/apply/print-uris.txt",
                env!("CARGO_MANIFEST_DIR")
            );
            let text = std::fs::read_to_string(path).expect("a fixture");
            let sizes: Vec<u64> = parse(&text)
                .expect("sizes")
                .iter()
                .map(|a| a.bytes)
                .collect();
            assert_eq!(sizes, [808, 780]);
        }
    }

    #[test]
    fn a_line_without_a_size_is_an_error_and_shows_no_password() {
        let fault = parse("'http://u:secret@h/x' x.deb many\n").expect_err("no size");
        assert!(!fault.to_string().contains("secret"), "{fault}");
    }
}
