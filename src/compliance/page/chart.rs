//! Three charts, drawn by hand as SVG. Each has a title and a description that say
//! what it shows to whoever cannot see it; no meaning is in a colour alone.

use std::fmt::Write;

use super::text::counted;
use super::{Day, OpenByAge, TIERS};

/// The drawing's width and height; it is scaled to the page.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 230.0;

/// The plot within it: left, right, top, bottom.
const LEFT: f64 = 44.0;
const RIGHT: f64 = 676.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 200.0;

/// Up to so many days, and the words below the columns.
const DAYS: [(u32, &str); 6] = [
    (1, "1 day"),
    (3, "3 days"),
    (7, "7 days"),
    (14, "14 days"),
    (30, "30 days"),
    (u32::MAX, "longer"),
];

/// The columns of [`OpenByAge`].
pub(super) const AGES: [&str; 4] = ["up to 7 days", "8–30 days", "31–90 days", "older"];

/// Open vulnerabilities, stacked by tier, the most urgent at the bottom.
pub(super) fn exposure(days: &[Day]) -> String {
    let most = days.iter().map(|day| day.open.iter().sum::<u32>()).max();
    let scale = Scale::to(most.unwrap_or(0));
    let (first, last) = (days.first(), days.last());
    let total = |day: Option<&Day>| day.map_or(0, |day| day.open.iter().sum::<u32>());
    let description = match (first, last) {
        (Some(first), Some(last)) => format!(
            "From {} with {} open to {} with {} open; at most {}.",
            first.day,
            total(Some(first)),
            last.day,
            total(Some(last)),
            most.unwrap_or(0)
        ),
        _ => "Nothing is known yet.".to_owned(),
    };
    let mut svg = begin("exposure", "Open vulnerabilities over time", &description);
    svg += &scale.grid();
    let x = |index: usize| along(index, days.len());
    let mut below = vec![0_u32; days.len()];
    for (tier, _) in TIERS.iter().enumerate() {
        let counts = days
            .iter()
            .map(|day| day.open.get(tier).copied().unwrap_or(0));
        let above: Vec<u32> = below
            .iter()
            .zip(counts)
            .map(|(sum, count)| sum + count)
            .collect();
        if above != below {
            let mut points = String::new();
            for (index, sum) in above.iter().enumerate() {
                let _ = write!(points, "{:.1},{:.1} ", x(index), scale.y(*sum));
            }
            for (index, sum) in below.iter().enumerate().rev() {
                let _ = write!(points, "{:.1},{:.1} ", x(index), scale.y(*sum));
            }
            let _ = write!(
                svg,
                r#"<polygon class="p{tier}" points="{}"/>"#,
                points.trim_end()
            );
            svg += &name_at_the_end(tier, &below, &above, &scale);
        }
        below = above;
    }
    for (day, anchor, at) in [(first, "start", LEFT), (last, "end", RIGHT)] {
        if let Some(day) = day {
            let _ = write!(
                svg,
                r#"<text x="{at}" y="{}" text-anchor="{anchor}">{}</text>"#,
                BOTTOM + 18.0,
                day.day
            );
        }
    }
    svg + "</svg>"
}

/// The tier's name beside its band, where the band is wide enough for it.
fn name_at_the_end(tier: usize, below: &[u32], above: &[u32], scale: &Scale) -> String {
    let (Some(low), Some(high)) = (below.last(), above.last()) else {
        return String::new();
    };
    let (low, high) = (scale.y(*low), scale.y(*high));
    if low - high < 10.0 {
        return String::new();
    }
    let middle = f64::midpoint(low, high) + 4.0;
    format!(
        r#"<text x="{:.1}" y="{middle:.1}">P{tier}</text>"#,
        RIGHT + 8.0
    )
}

/// A bar for each tier, divided by age.
pub(super) fn open(rows: &[OpenByAge; 5]) -> String {
    let totals = rows.map(|row| row.iter().sum::<u32>());
    let most = totals.iter().copied().max().unwrap_or(0).max(1);
    let said = TIERS
        .iter()
        .zip(totals)
        .map(|(tier, total)| format!("{tier}: {total}"));
    let description = said.collect::<Vec<_>>().join(", ") + ".";
    let mut svg = begin("open", "Open vulnerabilities by tier and age", &description);
    let width = RIGHT - LEFT - 40.0;
    for (index, (row, total)) in rows.iter().zip(totals).enumerate() {
        let y = TOP + 34.0 * count(index);
        let _ = write!(
            svg,
            r#"<text class="name" x="8" y="{:.1}">P{index}</text>"#,
            y + 15.0
        );
        let mut x = LEFT;
        for (age, number) in row.iter().enumerate().filter(|(_, number)| **number > 0) {
            let length = width * f64::from(*number) / f64::from(most);
            let _ = write!(
                svg,
                r#"<rect class="p{index} a{age}" x="{x:.1}" y="{y:.1}" width="{length:.1}" height="22"/>"#
            );
            x += length;
        }
        let _ = write!(
            svg,
            r#"<text x="{:.1}" y="{:.1}">{total}</text>"#,
            x + 8.0,
            y + 15.0
        );
    }
    let mut x = LEFT;
    for (age, words) in AGES.iter().enumerate() {
        let _ = write!(
            svg,
            r#"<rect class="key a{age}" x="{x}" y="{}" width="12" height="12"/><text x="{}" y="{}">{words}</text>"#,
            BOTTOM + 4.0,
            x + 18.0,
            BOTTOM + 14.0
        );
        x += 150.0;
    }
    svg + "</svg>"
}

/// How many fixes were live within how many days.
pub(super) fn time_to_patch(days: &[u32]) -> String {
    let counts = buckets(days);
    let total = u32::try_from(days.len()).unwrap_or(u32::MAX);
    let description = median(days).map_or_else(
        || "No fix has become live in this period.".to_owned(),
        |median| {
            let half = counted(usize::try_from(median).unwrap_or(usize::MAX), "day");
            format!("Of {total} fixes half were live within {half}.")
        },
    );
    let mut svg = begin("patch", "Time from fix to live", &description);
    let scale = Scale::to(counts.iter().copied().max().unwrap_or(0));
    svg += &scale.grid();
    let step = (RIGHT - LEFT) / count(DAYS.len());
    for (index, ((_, words), number)) in DAYS.iter().zip(counts).enumerate() {
        let x = LEFT + step * count(index) + step / 6.0;
        let (y, width) = (scale.y(number), step * 2.0 / 3.0);
        let middle = x + width / 2.0;
        let _ = write!(
            svg,
            r#"<rect class="bar" x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{:.1}"/><text x="{middle:.1}" y="{:.1}" text-anchor="middle">{number}</text><text x="{middle:.1}" y="{}" text-anchor="middle">{words}</text>"#,
            BOTTOM - y,
            y - 5.0,
            BOTTOM + 18.0
        );
    }
    svg + "</svg>"
}

fn buckets(days: &[u32]) -> [u32; 6] {
    let mut below = 0;
    DAYS.map(|(most, _)| {
        let within = days.iter().filter(|it| **it <= most).count();
        let within = u32::try_from(within).unwrap_or(u32::MAX);
        let here = within - below;
        below = within;
        here
    })
}

/// Half of them took no longer.
pub(super) fn median(days: &[u32]) -> Option<u32> {
    let mut sorted = days.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}

fn begin(id: &str, title: &str, description: &str) -> String {
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>"#
    )
}

/// The place of a day among many.
fn along(index: usize, length: usize) -> f64 {
    let steps = count(length.saturating_sub(1)).max(1.0);
    LEFT + (RIGHT - LEFT) * count(index) / steps
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Numbers as heights, up to a round one.
struct Scale {
    step: u32,
    steps: u32,
}

impl Scale {
    /// Four lines or five, at 1, 2 or 5 times a power of ten.
    fn to(most: u32) -> Self {
        let powers = (0..9).map(|power| 10_u32.pow(power));
        let mut round = powers.flat_map(|power| [power, 2 * power, 5 * power]);
        let step = round.find(|step| step.saturating_mul(5) >= most);
        let step = step.unwrap_or(1_000_000_000);
        let steps = most.div_ceil(step).max(1);
        Self { step, steps }
    }

    fn y(&self, number: u32) -> f64 {
        let most = f64::from(self.step) * f64::from(self.steps);
        BOTTOM - (BOTTOM - TOP) * f64::from(number) / most
    }

    fn grid(&self) -> String {
        let mut svg = String::new();
        for line in 0..=self.steps {
            let number = self.step.saturating_mul(line);
            let y = self.y(number);
            let _ = write!(
                svg,
                r#"<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1}" y2="{y:.1}"/><text x="{}" y="{:.1}" text-anchor="end">{number}</text>"#,
                LEFT - 8.0,
                y + 4.0
            );
        }
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_round_and_has_few_lines() {
        let table = [
            (0, 1, 1),
            (1, 1, 1),
            (5, 1, 5),
            (6, 2, 3),
            (23, 5, 5),
            (1001, 500, 3),
            (u32::MAX, 1_000_000_000, 5),
        ];
        for (most, step, steps) in table {
            let scale = Scale::to(most);
            assert_eq!((scale.step, scale.steps), (step, steps), "{most}");
            assert!(scale.y(most) >= TOP - 0.1, "{most}");
        }
    }

    #[test]
    fn every_fix_is_in_one_column() {
        let days = [0, 1, 2, 3, 7, 8, 30, 31, 4000];
        assert_eq!(buckets(&days), [2, 2, 1, 1, 1, 2]);
        assert_eq!(median(&days), Some(7));
        assert_eq!(median(&[1, 9]), Some(1));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_chart_of_nothing_is_a_chart() {
        for svg in [exposure(&[]), open(&[[0; 4]; 5]), time_to_patch(&[])] {
            assert!(svg.contains("<title") && svg.contains("<desc"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
        let day = Day {
            day: "2026-11-22".parse().expect("a day"),
            open: [u32::MAX / 5; 5],
        };
        assert!(!exposure(&[day]).contains("NaN"));
    }
}
