//! `patchd schedule`: the windows to come.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::answerer::ask;
use super::context::{Context, Trouble};
use super::screen::Screen;
use crate::control::Question;
use crate::control::document::{Schedule, Schedules};
use crate::model::ExitCode;
use crate::os::clock;

/// Shows them.
pub(super) async fn schedule(
    context: &Context,
    screen: &Screen,
    name: Option<String>,
    from: Option<&str>,
    count: u32,
) -> Result<ExitCode, Trouble> {
    let question = Question::Schedule {
        name,
        from: from
            .map(|text| moment(text, &clock::zone(None)))
            .transpose()?,
        count: Some(count),
    };
    let (value, schedules) = ask::<Schedules>(context, question).await?;
    if screen.wants_json() {
        Screen::document(&value);
    } else {
        print(&schedules.schedules);
    }
    Ok(ExitCode::Success)
}

fn print(schedules: &[Schedule]) {
    let rows = schedules.iter().flat_map(|schedule| {
        schedule.windows.iter().map(|window| {
            vec![
                schedule.name.clone(),
                schedule.action.clone(),
                window.opens.clone(),
                window.starts.clone(),
                window.closes.clone(),
                window
                    .frozen
                    .clone()
                    .map_or_else(String::new, |reason| format!("frozen: {reason}")),
            ]
        })
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let header = ["SCHEDULE", "ACTION", "OPENS", "STARTS HERE", "CLOSES", ""];
    Screen::table(&header, &rows);
    for schedule in schedules.iter().filter(|it| it.windows.is_empty()) {
        Screen::line(&format!("schedule {} opens no more windows", schedule.name));
    }
}

/// A moment as people write one: with its offset, or by the clock of this
/// machine, or a day alone.
fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, Trouble> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let local = text.parse::<DateTime>().ok();
    let at = local.and_then(|local| local.to_zoned(zone.clone()).ok());
    at.map(|at| at.timestamp()).ok_or_else(|| {
        Trouble::usage(format!(
            "{text:?} is no time; write 2026-12-24, 2026-12-24T03:00 or 2026-12-24T03:00:00+01:00"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_by_our_clock_unless_it_says_by_which() {
        let berlin = TimeZone::get("Europe/Berlin").expect("known");
        let cases = [
            ("2026-12-24", "2026-12-23T23:00:00Z"),
            ("2026-12-24T03:00", "2026-12-24T02:00:00Z"),
            ("2026-12-24 03:00", "2026-12-24T02:00:00Z"),
            ("2026-12-24T03:00:00-05:00", "2026-12-24T08:00:00Z"),
            ("2026-12-24T03:00:00Z", "2026-12-24T03:00:00Z"),
        ];
        for (text, expected) in cases {
            let at = moment(text, &berlin).expect("a moment");
            assert_eq!(at.to_string(), expected, "{text}");
        }
        for text in ["tomorrow", "2026-02-30", ""] {
            assert_eq!(
                moment(text, &berlin).expect_err("none").code,
                ExitCode::Usage
            );
        }
    }
}
