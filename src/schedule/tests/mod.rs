//! Nights on which clocks jump, machines that were off, and clocks that lie.

mod cron;
mod due;
mod properties;
mod windows;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, Zoned};

use super::*;
use crate::model::{BootId, Host, MachineId};

fn at(text: &str) -> Timestamp {
    text.parse()
        .unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or_else(|fault| panic!("{name}: {fault}"))
}

fn cron(text: &str) -> Cron {
    text.parse().unwrap_or_else(|fault| panic!("{fault}"))
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn host(machine: &str) -> Host {
    Host {
        name: "web1".to_owned(),
        machine_id: Some(MachineId(machine.to_owned())),
        boot_id: BootId("boot".to_owned()),
    }
}

/// Two hours at these times, and no spread.
fn schedule(expression: &str) -> Schedule {
    Schedule {
        cron: cron(expression),
        spread: SignedDuration::ZERO,
        ..Schedule::default()
    }
}

fn calendar<'a>(schedule: &'a Schedule, name: &str) -> Calendar<'a> {
    Calendar::new("nightly", schedule, &host("a"), zone(name))
}

/// As the zone's clocks show it.
fn local(zone: &TimeZone, at: Timestamp) -> String {
    let zoned: Zoned = at.to_zoned(zone.clone());
    zoned.strftime("%F %T%:z").to_string()
}
