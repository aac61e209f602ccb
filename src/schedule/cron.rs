//! Cron expressions, read as crontab(5) reads them, and when they come.

use std::fmt;
use std::str::FromStr;

use croner::JobType;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

/// The longest expression, bytes.
const LONGEST: usize = 256;

/// Into how many fixed times of day an expression is taken apart at most.
const FIXED_TIMES: usize = 64;

/// What stands for a whole expression. `@reboot` is no time.
const NICKNAMES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One field: its name, what may stand in it, and which letters.
struct Field {
    name: &'static str,
    holds: &'static str,
    words: fn(&str) -> bool,
}

/// Day of month and day of week among [`FIELDS`].
const DAY_OF_MONTH: usize = 3;
const DAY_OF_WEEK: usize = 5;

const FIELDS: [Field; 6] = [
    Field {
        name: "second",
        holds: "0 to 59, ranges, steps and lists of them",
        words: |_| false,
    },
    Field {
        name: "minute",
        holds: "0 to 59, ranges, steps and lists of them",
        words: |_| false,
    },
    Field {
        name: "hour",
        holds: "0 to 23, ranges, steps and lists of them",
        words: |_| false,
    },
    Field {
        name: "day of month",
        holds: "1 to 31, ranges, steps and lists of them, L for the last day, 15W for the weekday nearest to the 15th",
        words: |word| matches!(word, "L" | "W" | "LW"),
    },
    Field {
        name: "month",
        holds: "1 to 12 or JAN to DEC, ranges, steps and lists of them",
        words: |word| MONTHS.contains(&word),
    },
    Field {
        name: "day of week",
        holds: "0 to 7 or SUN to SAT, ranges, steps and lists of them, TUE#2 for the second Tuesday, FRIL for the last Friday of the month",
        words: |word| word == "L" || WEEKDAYS.contains(&word.strip_suffix('L').unwrap_or(word)),
    },
];

/// A cron expression that comes, at least once in a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    /// Whichever of them comes first. Several only where the expression means
    /// several fixed times of day: like cron(8), but unlike croner with lists,
    /// such a time is put off when the clock jumps over it and does not come
    /// twice when the clock is set back. Times with a `*` follow the clock.
    times: Vec<croner::Cron>,
}

/// Why a text is no cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCron {
    /// It has too few or too many fields, or none that can be read.
    #[error(
        "{text:?} has {found} fields; write minute, hour, day of month, month and day of week such as \"0 3 * * *\", in front of them the second if need be"
    )]
    Fields {
        /// The expression.
        text: String,
        /// How many there are.
        found: usize,
    },
    /// A field holds something else.
    #[error("{value:?} is no {field} in {text:?}; write {holds}")]
    Field {
        /// The expression.
        text: String,
        /// The field's text.
        value: String,
        /// The field.
        field: &'static str,
        /// What it can hold.
        holds: &'static str,
    },
    /// `@reboot` and the like.
    #[error("{0:?} is no time; write one of @hourly, @daily, @weekly, @monthly and @yearly")]
    Nickname(String),
    /// 30 February.
    #[error("{0:?} never comes; no year has such a day, so change the day or the month")]
    Never(String),
    /// Longer than any that makes sense.
    #[error(
        "the expression is longer than {LONGEST} bytes; write ranges and steps instead of lists"
    )]
    Long,
}

impl Cron {
    /// The first time after this moment; `None` when it comes no more in the
    /// time that can be computed.
    #[must_use]
    pub fn next_after(&self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        let from = whole_second(at).to_zoned(zone.clone());
        let each = self.times.iter().filter_map(|cron| {
            let found = cron.find_next_occurrence(&from, false).ok()?;
            Some(found.timestamp())
        });
        each.min()
    }

    /// The last time at or before this moment.
    #[must_use]
    pub fn latest_at(&self, zone: &TimeZone, at: Timestamp) -> Option<Timestamp> {
        let from = whole_second(at).to_zoned(zone.clone());
        let each = self.times.iter().filter_map(|cron| {
            let found = cron.find_previous_occurrence(&from, true).ok()?;
            Some(found.timestamp())
        });
        each.max()
    }
}

impl FromStr for Cron {
    type Err = InvalidCron;

    fn from_str(text: &str) -> Result<Self, InvalidCron> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(InvalidCron::Long);
        }
        let fields = fields(text)?;
        if let Some((field, value)) = unreadable(&fields) {
            return Err(InvalidCron::Field {
                text: text.to_owned(),
                value: value.to_owned(),
                field: field.name,
                holds: field.holds,
            });
        }
        let whole = parse(&fields).ok_or_else(|| InvalidCron::Fields {
            text: text.to_owned(),
            found: fields.len(),
        })?;
        // In civil time: whether a day exists does not depend on the zone.
        let start = date(2000, 1, 1).at(0, 0, 0, 0);
        if whole.find_next_occurrence(&start, true).is_err() {
            return Err(InvalidCron::Never(text.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            times: fixed_times(&fields, &whole).unwrap_or_else(|| vec![whole]),
        })
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Looking back from a fraction of the second before an hour comes again,
/// croner would find the second one, which is yet to come.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// The six fields in capitals; the second is 0 unless given.
fn fields(text: &str) -> Result<Vec<String>, InvalidCron> {
    let written = if text.starts_with('@') {
        let nickname = NICKNAMES
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name));
        nickname
            .map(|(_, fields)| *fields)
            .ok_or_else(|| InvalidCron::Nickname(text.to_owned()))?
    } else {
        text
    };
    let fields = written.split_whitespace().map(str::to_ascii_uppercase);
    let mut fields: Vec<String> = fields.collect();
    match fields.len() {
        5 => fields.insert(0, "0".to_owned()),
        6 => {}
        found => {
            let text = text.to_owned();
            return Err(InvalidCron::Fields { text, found });
        }
    }
    Ok(fields)
}

/// The first field that cannot be read, alone among stars. The words are looked
/// at here: croner takes MON for a month as well, and for a minute.
fn unreadable(fields: &[String]) -> Option<(&'static Field, &str)> {
    let mut each = FIELDS.iter().zip(fields).enumerate();
    let (_, (field, value)) = each.find(|(index, (field, value))| {
        let mut words = value
            .split(|c: char| !c.is_ascii_alphabetic())
            .filter(|word| !word.is_empty());
        let stars = (0..FIELDS.len()).map(|_| "*".to_owned());
        let mut alone: Vec<String> = stars.collect();
        if let Some(place) = alone.get_mut(*index) {
            place.clone_from(value);
        }
        !words.all(field.words) || parse(&alone).is_none()
    })?;
    Some((field, value))
}

/// As crontab(5) says: of two days either is enough, unless one of them has a
/// star in it; `*/2` is such a star, too.
fn parse(fields: &[String]) -> Option<croner::Cron> {
    let star = |index: usize| fields.get(index).is_some_and(|field| field.contains('*'));
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Disallowed)
        .dom_and_dow(star(DAY_OF_MONTH) || star(DAY_OF_WEEK));
    parser.build().parse(&fields.join(" ")).ok()
}

/// Each time of day by itself, where none of the three fields has a star and
/// there are not too many.
fn fixed_times(fields: &[String], whole: &croner::Cron) -> Option<Vec<croner::Cron>> {
    let (clock, days) = fields.split_at_checked(DAY_OF_MONTH)?;
    if whole.determine_job_type() == JobType::FixedTime
        || clock.iter().any(|field| field.contains('*'))
    {
        return None;
    }
    let pattern = &whole.pattern;
    let values = |bound: u32, matches: &dyn Fn(u32) -> bool| -> Vec<u32> {
        (0..bound).filter(|value| matches(*value)).collect()
    };
    let seconds = values(60, &|value| pattern.second_match(value).unwrap_or(false));
    let minutes = values(60, &|value| pattern.minute_match(value).unwrap_or(false));
    let hours = values(24, &|value| pattern.hour_match(value).unwrap_or(false));
    if seconds.len() * minutes.len() * hours.len() > FIXED_TIMES {
        return None;
    }
    let mut times = Vec::new();
    for hour in &hours {
        for minute in &minutes {
            for second in &seconds {
                let mut one = [second, minute, hour].map(u32::to_string).to_vec();
                one.extend_from_slice(days);
                times.push(parse(&one)?);
            }
        }
    }
    Some(times)
}
