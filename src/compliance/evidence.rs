//! Evidence that nobody can change unnoticed: one line a record, each with the
//! hash of the line before it. Whoever changes a line changes every hash behind
//! it, and with them the head, which others have noted as an anchor.
//!
//! A line is canonical JSON (no blanks, the keys of objects sorted), so that a
//! record has one form only:
//! `{"at":…,"body":…,"previous":…,"sequence":…}`, ended by a line feed.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::model::Anchor;

/// The longest line, bytes; a record is a summary, not a log.
pub const LINE_CAP: usize = 1 << 20;

/// How deep a body may be nested.
const DEPTH: usize = 64;

/// What the first record has in the place of a hash.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One record. Its fields stand in the order of their names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    at: Timestamp,
    body: Value,
    previous: String,
    sequence: u64,
}

/// What was found in a chain that is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The number of its first record: more than 1 where older files were put away.
    pub first: u64,
    /// Its end.
    pub head: Anchor,
    /// How many of the anchors were found in it.
    pub anchored: usize,
}

/// Why a chain proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Not what we write.
    #[error(
        "line {line} is not a record of ours ({what}); the file was changed, restore it from a backup and compare"
    )]
    Line {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A record is missing, doubled, or in another's place.
    #[error("line {line} has record {found} where {expected} belongs; lines were removed or moved")]
    Order {
        /// Counted from 1.
        line: usize,
        /// What stands there.
        found: u64,
        /// What belongs there.
        expected: u64,
    },
    /// The line before it is not the one that it was written behind.
    #[error("record {sequence} does not follow from the one before it, which was changed")]
    Link {
        /// Its number.
        sequence: u64,
    },
    /// It is not what somebody has noted.
    #[error(
        "record {sequence} is not the one that was noted as an anchor; it, or something before it, was changed"
    )]
    Anchor {
        /// Its number.
        sequence: u64,
    },
    /// It ends before something that somebody has noted.
    #[error(
        "the chain ends at record {last}, and record {sequence} was noted as an anchor; its end was removed"
    )]
    Truncated {
        /// The anchor's number.
        sequence: u64,
        /// The last number there is; 0 for none.
        last: u64,
    },
    /// It begins behind something that somebody has noted.
    #[error(
        "the chain begins at record {first}, behind the anchor {sequence}; add the older files"
    )]
    Beheaded {
        /// The anchor's number.
        sequence: u64,
        /// The first number there is.
        first: u64,
    },
}

/// The line that comes behind `head`, with its line feed, and the head after it.
/// A body that is too large is replaced by its hash.
#[must_use]
pub fn append(head: Option<&Anchor>, at: Timestamp, body: &Value) -> (String, Anchor) {
    let body = canonical(body);
    let body = if body.len() > LINE_CAP / 2 {
        format!(
            r#"{{"kind":"too-large","sha256":"{}"}}"#,
            hash(body.as_bytes())
        )
    } else {
        body
    };
    let previous = head.map_or(BEGINNING, |head| &head.hash);
    let sequence = head.map_or(1, |head| head.sequence + 1);
    let line =
        format!(r#"{{"at":"{at}","body":{body},"previous":"{previous}","sequence":{sequence}}}"#);
    let head = Anchor {
        sequence,
        hash: hash(line.as_bytes()),
    };
    (line + "\n", head)
}

/// The head of a chain that ends with this line; its line feed is not part of it.
/// What came before is not looked at.
#[must_use]
pub fn head(line: &str) -> Option<Anchor> {
    let record = read(line, 1).ok()?;
    Some(Anchor {
        sequence: record.sequence,
        hash: hash(line.as_bytes()),
    })
}

/// Goes through all lines, oldest first and without their line feeds. `None` where
/// there are none, and nobody has noted any. What was removed behind the last
/// anchor cannot be noticed by anybody.
pub fn verify(
    lines: impl Iterator<Item = impl AsRef<str>>,
    anchors: &[Anchor],
) -> Result<Option<Chain>, Broken> {
    let mut noted: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for anchor in anchors {
        noted.entry(anchor.sequence).or_default().push(&anchor.hash);
    }
    let mut chain: Option<Chain> = None;
    for (index, line) in lines.enumerate() {
        let line = line.as_ref();
        let record = read(line, index + 1)?;
        follows(&record, chain.as_ref().map(|chain| &chain.head), index + 1)?;
        let (sequence, hash) = (record.sequence, hash(line.as_bytes()));
        let here = noted.remove(&sequence).unwrap_or_default();
        if here.iter().any(|noted| *noted != hash) {
            return Err(Broken::Anchor { sequence });
        }
        let chain = chain.get_or_insert_with(|| Chain {
            first: sequence,
            head: Anchor {
                sequence,
                hash: String::new(),
            },
            anchored: 0,
        });
        chain.head = Anchor { sequence, hash };
        chain.anchored += here.len();
    }
    let (first, last) = chain
        .as_ref()
        .map_or((1, 0), |chain| (chain.first, chain.head.sequence));
    match noted.into_keys().next_back() {
        None => Ok(chain),
        Some(sequence) if sequence > last => Err(Broken::Truncated { sequence, last }),
        Some(sequence) => Err(Broken::Beheaded { sequence, first }),
    }
}

fn follows(record: &Record, before: Option<&Anchor>, line: usize) -> Result<(), Broken> {
    let sequence = record.sequence;
    let expected = before.map_or(sequence.max(1), |head| head.sequence + 1);
    if sequence != expected {
        return Err(Broken::Order {
            line,
            found: sequence,
            expected,
        });
    }
    let previous = match before {
        Some(head) => head.hash.as_str(),
        None if sequence == 1 => BEGINNING,
        // The files before this one are not here.
        None => return Ok(()),
    };
    if record.previous == previous {
        Ok(())
    } else {
        Err(Broken::Link { sequence })
    }
}

/// A record that reads as it would be written.
fn read(line: &str, number: usize) -> Result<Record, Broken> {
    let broken = |what| Broken::Line { line: number, what };
    if line.len() > LINE_CAP {
        return Err(broken("it is too long"));
    }
    let value: Value = serde_json::from_str(line).map_err(|_| broken("it is not JSON"))?;
    if canonical(&value) != line {
        return Err(broken("it is written in another way"));
    }
    serde_json::from_value(value).map_err(|_| broken("its fields are not those of a record"))
}

/// The one form of a value: no blanks, the keys of objects in the order of their
/// bytes. What is nested too deep is left out.
fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_value(value, DEPTH, &mut text);
    text
}

fn write_value(value: &Value, depth: usize, text: &mut String) {
    let Some(depth) = depth.checked_sub(1) else {
        return text.push_str("null");
    };
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<&String, &Value> = object.iter().collect();
            text.push('{');
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                let _ = write!(text, "{}:", Value::from(key.as_str()));
                write_value(value, depth, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(item, depth, text);
            }
            text.push(']');
        }
        leaf => {
            let _ = write!(text, "{leaf}");
        }
    }
}

fn hash(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    /// A chain of so many records, and the anchor of each.
    fn chain(length: i64) -> (Vec<String>, Vec<Anchor>) {
        let mut lines = Vec::new();
        let mut anchors: Vec<Anchor> = Vec::new();
        for number in 0..length {
            let body = json!({"run": number, "kind": "run", "packages": ["b", "a"]});
            let (line, head) = append(anchors.last(), at(number), &body);
            lines.push(line.trim_end().to_owned());
            anchors.push(head);
        }
        (lines, anchors)
    }

    fn verified(lines: &[String], anchors: &[Anchor]) -> Result<Option<Chain>, Broken> {
        verify(lines.iter(), anchors)
    }

    #[test]
    fn a_record_reads_like_this() {
        let (line, head) = append(None, at(0), &json!({"b": [1, {}], "a": "ü\n"}));
        insta::assert_snapshot!(line, @r#"{"at":"1970-01-01T00:00:00Z","body":{"a":"ü\n","b":[1,{}]},"previous":"0000000000000000000000000000000000000000000000000000000000000000","sequence":1}"#);
        assert_eq!(super::head(line.trim_end()), Some(head));
    }

    #[test]
    fn a_sound_chain_is_told_with_its_ends() {
        let (lines, anchors) = chain(5);
        let expected = Chain {
            first: 1,
            head: anchors[4].clone(),
            anchored: 5,
        };
        assert_eq!(verified(&lines, &anchors), Ok(Some(expected)));
        let later = verified(&lines[2..], &anchors[3..]).expect("sound");
        assert_eq!(later.map(|it| (it.first, it.anchored)), Some((3, 2)));
        assert_eq!(verified(&[], &[]), Ok(None));
    }

    #[test]
    fn whatever_is_done_to_it_is_found() {
        let (lines, anchors) = chain(6);
        let last = &anchors[5..];
        let with = |change: &dyn Fn(&mut Vec<String>)| {
            let mut lines = lines.clone();
            change(&mut lines);
            verified(&lines, last).expect_err("broken")
        };
        assert_eq!(
            with(&|it| drop(it.remove(2))),
            Broken::Order {
                line: 3,
                found: 4,
                expected: 3
            }
        );
        assert_eq!(
            with(&|it| it.swap(1, 2)),
            Broken::Order {
                line: 2,
                found: 3,
                expected: 2
            }
        );
        let doubled = |it: &mut Vec<String>| it.insert(1, lines[0].clone());
        assert_eq!(
            with(&doubled),
            Broken::Order {
                line: 2,
                found: 1,
                expected: 2
            }
        );
        let changed = |it: &mut Vec<String>| it[2] = it[2].replace("\"run\":2", "\"run\":9");
        assert_eq!(with(&changed), Broken::Link { sequence: 4 });
        let at_the_end = |it: &mut Vec<String>| it[5] = it[5].replace("\"run\":5", "\"run\":9");
        assert_eq!(with(&at_the_end), Broken::Anchor { sequence: 6 });
        assert_eq!(
            with(&|it| it.truncate(4)),
            Broken::Truncated {
                sequence: 6,
                last: 4
            }
        );
        assert_eq!(
            with(&Vec::clear),
            Broken::Truncated {
                sequence: 6,
                last: 0
            }
        );
        let spaced = |it: &mut Vec<String>| it[3] = it[3].replace("\"body\":", "\"body\": ");
        assert!(matches!(with(&spaced), Broken::Line { line: 4, .. }));
        let beheaded = verified(&lines[3..], &anchors[..1]);
        assert_eq!(
            beheaded,
            Err(Broken::Beheaded {
                sequence: 1,
                first: 4
            })
        );
    }

    /// Whoever writes the whole chain anew comes to another head.
    #[test]
    fn a_chain_that_was_written_anew_does_not_have_the_anchor() {
        let (_, anchors) = chain(3);
        let mut head = None;
        let mut lines = Vec::new();
        for number in 0..3 {
            let (line, next) = append(head.as_ref(), at(number), &json!({"run": 7}));
            lines.push(line.trim_end().to_owned());
            head = Some(next);
        }
        assert!(verified(&lines, &[]).is_ok());
        assert_eq!(
            verified(&lines, &anchors[2..]),
            Err(Broken::Anchor { sequence: 3 })
        );
    }

    #[test]
    fn a_body_that_is_too_large_leaves_its_hash() {
        let (line, _) = append(None, at(0), &json!("x".repeat(LINE_CAP)));
        assert!(
            line.len() < 400 && line.contains("too-large"),
            "{}",
            line.len()
        );
        assert!(verified(&[line.trim_end().to_owned()], &[]).is_ok());
    }

    proptest! {
        /// One flipped bit anywhere, and it is no longer the chain that was noted.
        #[test]
        fn no_byte_can_be_changed(line in 0_usize..6, byte in any::<usize>(), bit in 0_u8..7) {
            let (mut lines, anchors) = chain(6);
            let mut bytes = lines[line].clone().into_bytes();
            let place = byte % bytes.len();
            bytes[place] ^= 1 << bit;
            if let Ok(text) = String::from_utf8(bytes) {
                lines[line] = text;
                prop_assert!(verified(&lines, &anchors[5..]).is_err());
            }
        }

        #[test]
        fn what_is_no_chain_is_no_chain(lines in proptest::collection::vec(".{0,80}", 1..5)) {
            prop_assert!(verified(&lines, &[]).is_err());
        }
    }
}
