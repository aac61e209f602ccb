//! When something is: cron expressions, zones, days.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::{self, TimeZone};
use toml::de::DeValue;

use super::keys::Kind;
use super::leaf::{Wrong, wrong};
use super::node::Leaf;
use super::suggestion;
use crate::schedule::Cron;

/// An expression that comes at least once in a while.
pub(super) fn cron(text: &str) -> Result<Leaf, Wrong> {
    match Cron::from_str(text) {
        Ok(_) => Ok(Leaf::Text(text.to_owned())),
        Err(error) => Err(Wrong::of_component(&error)),
    }
}

/// A zone that this machine knows.
pub(super) fn zone(text: &str) -> Result<Leaf, Wrong> {
    if TimeZone::get(text).is_ok() {
        return Ok(Leaf::Text(text.to_owned()));
    }
    let known: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
    let advice = match suggestion::nearest(text, known.iter().map(String::as_str)) {
        _ if known.is_empty() => {
            "this machine knows no zones; install the package tzdata, or write \"UTC\"".to_owned()
        }
        Some(near) => format!("did you mean {near:?}?"),
        None => "write a zone such as \"Europe/Berlin\" or \"UTC\"; `timedatectl list-timezones` lists them".to_owned(),
    };
    Err(Wrong {
        what: format!("{text:?} is not a time zone of this machine"),
        advice,
        secret: false,
    })
}

/// A day, in quotes or as TOML writes it.
pub(super) fn day(name: &str, value: &DeValue<'_>) -> Result<Leaf, Wrong> {
    let text = match value {
        DeValue::String(text) => text.clone().into_owned(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        _ => return Err(super::leaf::wrong_type(&Kind::Day, name, value)),
    };
    let day = Date::from_str(&text).ok();
    match day.filter(|day| day.to_string() == text) {
        Some(_) => Ok(Leaf::Text(text)),
        None => Err(wrong(format!("{text:?} is not a day"), &Kind::Day)),
    }
}
