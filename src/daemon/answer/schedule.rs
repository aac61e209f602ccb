//! The windows to come.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::View;
use crate::control::{ControlError, document};
use crate::model::ExitCode;
use crate::schedule::{Schedule, Window};

/// No answer holds more windows.
const MOST: usize = 1000;

pub(super) fn schedule<P>(
    view: &View<'_, P>,
    name: Option<&str>,
    from: Timestamp,
    count: u32,
) -> Result<document::Schedules, ControlError> {
    let schedules = &view.parts.settings.schedules.schedules;
    if let Some(name) = name.filter(|name| !schedules.contains_key(*name)) {
        let known: Vec<&str> = schedules.keys().map(String::as_str).collect();
        let sentence = format!(
            "there is no schedule {name:?}; there is {}",
            known.join(", ")
        );
        return Err(ControlError::failed(sentence, ExitCode::Usage));
    }
    let wanted = schedules
        .iter()
        .filter(|(own, _)| name.is_none_or(|name| name == own.as_str()));
    let each = usize::try_from(count).unwrap_or(MOST);
    let most = each.min(MOST / schedules.len().max(1)).max(1);
    Ok(document::Schedules {
        schema: "patchd/schedule/1".to_owned(),
        schedules: wanted
            .map(|(name, schedule)| windows(view, (name, schedule), from, most))
            .collect(),
    })
}

/// What begins next. What is open now has been used already, or waits for its place in it.
pub(super) fn next<P>(view: &View<'_, P>, now: Timestamp) -> Option<document::Next> {
    let schedules = view.parts.settings.schedules.schedules.iter();
    let nexts = schedules.filter_map(|(name, schedule)| {
        let calendar = view.parts.calendar(name, schedule);
        let open = calendar.open_at(now).filter(|window| now < window.starts);
        let window = open.or_else(|| calendar.windows(now).next())?;
        let starts = local(window.starts, calendar.zone());
        Some((
            window.starts,
            document::Next {
                schedule: name.clone(),
                starts,
            },
        ))
    });
    nexts
        .min_by_key(|(starts, _)| *starts)
        .map(|(_, next)| next)
}

fn windows<P>(
    view: &View<'_, P>,
    (name, schedule): (&String, &Schedule),
    from: Timestamp,
    most: usize,
) -> document::Schedule {
    let calendar = view.parts.calendar(name, schedule);
    let freezes = &view.parts.settings.schedules.freezes;
    let zone = calendar.zone();
    let window = |window: Window| {
        let frozen = calendar.frozen(freezes, window.starts);
        let window = calendar.clipped(window, freezes);
        document::Window {
            opens: local(window.opens, zone),
            starts: local(window.starts, zone),
            closes: local(window.closes, zone),
            frozen: frozen.map(|freeze| freeze.reason.clone()),
        }
    };
    document::Schedule {
        name: name.clone(),
        timezone: zone.iana_name().unwrap_or("unknown").to_owned(),
        action: schedule.action.to_string(),
        policy: schedule.policy.clone(),
        windows: calendar.windows(from).take(most).map(window).collect(),
    }
}

/// RFC 3339 with the zone's offset at that moment, whole seconds.
fn local(at: Timestamp, zone: &TimeZone) -> String {
    let zoned = at.to_zoned(zone.clone());
    zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}
