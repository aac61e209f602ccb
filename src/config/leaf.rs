//! One value: is it of the right kind, and does it say something possible?

use std::time::Duration;

use toml::de::{DeArray, DeValue};

use super::duration;
use super::keys::Kind;
use super::node::Leaf;
use super::suggestion;
use super::target;
use super::time;
use crate::model::CveId;
use crate::policy::Pattern;

/// The longest text for people, bytes.
const TEXT: usize = 500;

/// What is wrong, and what to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub what: String,
    pub advice: String,
    /// The value must not be shown.
    pub secret: bool,
}

impl Wrong {
    /// A component's sentence; it has its advice behind the last semicolon.
    pub fn of_component(error: &dyn std::error::Error) -> Self {
        let sentence = error.to_string();
        let (what, advice) = sentence.rsplit_once("; ").unwrap_or((&sentence, ""));
        Self {
            what: what.to_owned(),
            advice: advice.to_owned(),
            secret: false,
        }
    }
}

/// Reads a value of this kind for the key `name`.
pub(super) fn read(kind: &Kind, name: &str, value: &DeValue<'_>) -> Result<Leaf, Wrong> {
    match (kind, value) {
        (Kind::Duration { from, to }, DeValue::String(text)) => {
            let bounds = Duration::from_secs(*from)..=Duration::from_secs(*to);
            let duration = duration::parse(text)
                .ok_or_else(|| wrong(format!("{text:?} is not a duration"), kind))?;
            if !bounds.contains(&duration) {
                return Err(out_of_bounds(text, kind));
            }
            Ok(Leaf::Duration(duration))
        }
        (Kind::Count { from, to }, DeValue::Integer(integer)) => {
            let count = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
            let count = count.filter(|count| (*from..=*to).contains(count));
            let wrong = || out_of_bounds(integer.as_str(), kind);
            count.map(Leaf::Count).ok_or_else(wrong)
        }
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(Leaf::Flag(*flag)),
        (Kind::Share, DeValue::Float(share)) => read_share(share.as_str()),
        (Kind::Share, DeValue::Integer(share)) => read_share(share.as_str()),
        (Kind::Text, DeValue::String(text)) => for_people(name, text),
        (Kind::Word(words), DeValue::String(text)) => word(name, text, words),
        (Kind::Patterns { .. }, DeValue::String(text)) => patterns(&[text]),
        (Kind::Patterns { none }, DeValue::Array(items)) => match strings(items) {
            Some(texts) if texts.is_empty() && !none => {
                let what = format!("{name:?} is an empty list, so the rule could never match");
                Err(wrong(what, kind))
            }
            Some(texts) => patterns(&texts),
            None => Err(wrong_type(kind, name, value)),
        },
        (Kind::Words(words), DeValue::String(text)) => some_words(name, &[text], words),
        (Kind::Words(words), DeValue::Array(items)) => match strings(items) {
            Some(texts) => some_words(name, &texts, words),
            None => Err(wrong_type(kind, name, value)),
        },
        (Kind::Url, DeValue::String(text)) => target::url(text),
        (Kind::Webhook, DeValue::String(text)) => target::webhook(text),
        (Kind::Mailbox, DeValue::String(text)) => target::mailbox(text),
        (Kind::File, DeValue::String(text)) => target::file(text),
        (Kind::Address, DeValue::String(text)) if target::is_address(text) => {
            Ok(Leaf::Text(text.clone().into_owned()))
        }
        (Kind::Address, DeValue::String(text)) => {
            Err(wrong(format!("{text:?} is not host:port"), kind))
        }
        (Kind::Argv, DeValue::Array(items)) => {
            target::argv(&strings(items).ok_or_else(|| wrong_type(kind, name, value))?)
        }
        (Kind::Programs, DeValue::Array(items)) => {
            target::programs(&strings(items).ok_or_else(|| wrong_type(kind, name, value))?)
        }
        (Kind::Unit, DeValue::String(text)) if target::is_unit(text) => {
            Ok(Leaf::Text(text.clone().into_owned()))
        }
        (Kind::Unit, DeValue::String(text)) => Err(wrong(
            format!("{text:?} is not the name of a unit that can be active"),
            kind,
        )),
        (Kind::Cron, DeValue::String(text)) => time::cron(text),
        (Kind::Zone, DeValue::String(text)) => time::zone(text),
        (Kind::Name, DeValue::String(text)) if is_name(text) => {
            Ok(Leaf::Text(text.clone().into_owned()))
        }
        (Kind::Name, DeValue::String(text)) => {
            Err(wrong(format!("{text:?} cannot be a name"), kind))
        }
        (Kind::Day, value) => time::day(name, value),
        (Kind::Cve, DeValue::String(text)) => cve(text),
        (kind, value) => Err(wrong_type(kind, name, value)),
    }
}

/// What belongs there, for advice and for the schema's readers.
pub(super) fn expected(kind: &Kind) -> String {
    match kind {
        Kind::Named(_) => "a table of tables".to_owned(),
        Kind::Table(shape) => {
            let keys: Vec<&str> = shape.names().collect();
            format!("a table with any of {}", keys.join(", "))
        }
        Kind::Tables(..) => {
            "a list of tables, each below a line in double brackets: [[…]]".to_owned()
        }
        Kind::Duration { from, to } => format!(
            "a duration such as \"90s\", \"1h30m\" or \"3d\", from {} to {}",
            duration::write(Duration::from_secs(*from)),
            duration::write(Duration::from_secs(*to)),
        ),
        Kind::Count { from, to } => format!("a whole number from {from} to {to}"),
        Kind::Flag => "true or false".to_owned(),
        Kind::Share => "a number from 0 to 1 such as 0.1".to_owned(),
        Kind::Text => "text in quotes".to_owned(),
        Kind::Word(words) => format!("one of {}", quoted(words)),
        Kind::Words(words) => format!("one of {}, or a list of them", quoted(words)),
        Kind::Patterns { .. } => {
            "a glob such as \"libssl*\", a regular expression as \"/^linux-/\", or a list of them"
                .to_owned()
        }
        Kind::Url => "an address such as \"http://127.0.0.1:8080/healthz\"".to_owned(),
        Kind::Webhook => "an address such as \"https://alerts.example.org/patchd\"".to_owned(),
        Kind::Mailbox => "an address such as \"ops@example.org\"".to_owned(),
        Kind::Address => "host and port such as \"127.0.0.1:5432\" or \"[::1]:5432\"".to_owned(),
        Kind::Argv => {
            "an absolute program and its arguments such as [\"/usr/bin/test\", \"-e\", \"/run/app.pid\"]"
                .to_owned()
        }
        Kind::Programs => "absolute programs such as [\"/etc/patchd/hooks/drain\"]".to_owned(),
        Kind::File => "an absolute path such as \"/etc/patchd/secrets/ops\"".to_owned(),
        Kind::Unit => "a unit with its suffix such as \"nginx.service\"".to_owned(),
        Kind::Cron => "a cron expression such as \"0 3 * * *\" or \"0 3 * * TUE#2\"".to_owned(),
        Kind::Zone => "a time zone such as \"Europe/Berlin\" or \"UTC\"".to_owned(),
        Kind::Name => "1 to 64 letters, digits, dashes and underscores".to_owned(),
        Kind::Day => "a day such as \"2026-12-18\"".to_owned(),
        Kind::Cve => "an id such as \"CVE-2026-0001\"".to_owned(),
    }
}

/// A value of another type than the key's.
pub(super) fn wrong_type(kind: &Kind, name: &str, value: &DeValue<'_>) -> Wrong {
    let found = match value {
        DeValue::Array(items) if strings(items).is_none() => "a list of something else",
        DeValue::Array(_) => "a list",
        DeValue::Integer(_) => "a whole number",
        DeValue::String(_) => "text",
        DeValue::Boolean(_) => "true or false",
        DeValue::Float(_) => "a fraction",
        DeValue::Datetime(_) => "a date",
        DeValue::Table(_) => "a table",
    };
    wrong(format!("{name:?} cannot be {found}"), kind)
}

pub(super) fn wrong(what: String, kind: &Kind) -> Wrong {
    let advice = format!("write {}", expected(kind));
    Wrong {
        what,
        advice,
        secret: false,
    }
}

fn out_of_bounds(text: &str, kind: &Kind) -> Wrong {
    wrong(format!("{text:?} is out of bounds"), kind)
}

fn quoted(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    words.join(", ")
}

fn strings<'a>(items: &'a DeArray<'_>) -> Option<Vec<&'a str>> {
    items.iter().map(|item| item.get_ref().as_str()).collect()
}

/// More digits than four are no fault: they are what somebody copied.
fn read_share(text: &str) -> Result<Leaf, Wrong> {
    let number: f64 = text.parse().unwrap_or(f64::NAN);
    if !(0.0..=1.0).contains(&number) {
        return Err(out_of_bounds(text, &Kind::Share));
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is from 0 to 10,000"
    )]
    let share = (number * 10_000.0).round() as u16;
    Ok(Leaf::Share(share))
}

fn for_people(name: &str, text: &str) -> Result<Leaf, Wrong> {
    if text.trim().is_empty() || text.len() > TEXT || text.chars().any(char::is_control) {
        let what = format!("{name:?} is empty, longer than {TEXT} bytes or more than one line");
        return Err(wrong(what, &Kind::Text));
    }
    Ok(Leaf::Text(text.to_owned()))
}

fn word(name: &str, text: &str, words: &'static [&'static str]) -> Result<Leaf, Wrong> {
    if words.contains(&text) {
        return Ok(Leaf::Text(text.to_owned()));
    }
    let what = format!("{name:?} cannot be {text:?}");
    let advice = match suggestion::nearest(text, words.iter().copied()) {
        Some(near) => format!("did you mean {near:?}? it is one of {}", quoted(words)),
        None => format!("write one of {}", quoted(words)),
    };
    Err(Wrong {
        what,
        advice,
        secret: false,
    })
}

/// Some of the words; none at all would be somebody who is never told anything.
fn some_words(name: &str, texts: &[&str], words: &'static [&'static str]) -> Result<Leaf, Wrong> {
    if texts.is_empty() {
        let what = format!("{name:?} is an empty list");
        return Err(wrong(what, &Kind::Words(words)));
    }
    for text in texts {
        word(name, text, words)?;
    }
    Ok(Leaf::Texts(
        texts.iter().map(|text| (*text).to_owned()).collect(),
    ))
}

fn cve(text: &str) -> Result<Leaf, Wrong> {
    match CveId::try_from(text.to_owned()) {
        Ok(id) => Ok(Leaf::Text(id.to_string())),
        Err(_) => Err(wrong(format!("{text:?} is not a CVE id"), &Kind::Cve)),
    }
}

fn patterns(texts: &[&str]) -> Result<Leaf, Wrong> {
    let patterns = texts.iter().map(|text| pattern(text));
    patterns.collect::<Result<_, _>>().map(Leaf::Patterns)
}

fn pattern(text: &str) -> Result<Pattern, Wrong> {
    Pattern::parse(text).map_err(|error| Wrong::of_component(&error))
}

/// A name goes on command lines and into reports.
pub(super) fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (1..=64).contains(&text.len()) && !text.starts_with('-') && text.chars().all(allowed)
}
