//! The base score of a CVSS 3 vector (FIRST's specification, section 7).

/// The weight of each value of each metric that decides; confidentiality,
/// integrity and availability share theirs.
const WEIGHTS: [(&str, f64); 20] = [
    ("AV:N", 0.85),
    ("AV:A", 0.62),
    ("AV:L", 0.55),
    ("AV:P", 0.2),
    ("AC:L", 0.77),
    ("AC:H", 0.44),
    ("PR:N", 0.85),
    ("PR:L", 0.62),
    ("PR:H", 0.27),
    ("UI:N", 0.85),
    ("UI:R", 0.62),
    ("C:H", 0.56),
    ("C:L", 0.22),
    ("C:N", 0.0),
    ("I:H", 0.56),
    ("I:L", 0.22),
    ("I:N", 0.0),
    ("A:H", 0.56),
    ("A:L", 0.22),
    ("A:N", 0.0),
];

/// Privileges that reach further count for more.
const CHANGED: [(&str, f64); 2] = [("PR:L", 0.68), ("PR:H", 0.5)];

/// In tenths, 0 to 100; none of a vector that is not whole, or of another version.
pub(super) fn base_score(vector: &str) -> Option<u8> {
    let metrics: Vec<&str> = vector.strip_prefix("CVSS:3.")?.split('/').skip(1).collect();
    let changed = match metrics.iter().find(|it| it.starts_with("S:"))? {
        &"S:C" => true,
        &"S:U" => false,
        _ => return None,
    };
    let weight = |name: &str| {
        let metric = metrics
            .iter()
            .find(|it| it.split(':').next() == Some(name))?;
        let of = |table: &[(&str, f64)]| {
            let found = table.iter().find(|(value, _)| value == metric);
            found.map(|(_, weight)| *weight)
        };
        changed
            .then(|| of(&CHANGED))
            .flatten()
            .or_else(|| of(&WEIGHTS))
    };
    let harmless = (1.0 - weight("C")?) * (1.0 - weight("I")?) * (1.0 - weight("A")?);
    let harm = 1.0 - harmless;
    let impact = if changed {
        7.52 * (harm - 0.029) - 3.25 * (harm - 0.02).powi(15)
    } else {
        6.42 * harm
    };
    let ease = 8.22 * weight("AV")? * weight("AC")? * weight("PR")? * weight("UI")?;
    if impact <= 0.0 {
        return Some(0);
    }
    let sum = if changed {
        1.08 * (impact + ease)
    } else {
        impact + ease
    };
    rounded_up(sum.min(10.0))
}

/// To tenths, upwards, as from 3.1 on: what floating point adds does not count.
fn rounded_up(score: f64) -> Option<u8> {
    let parts: u32 = format!("{:.0}", score * 100_000.0).parse().ok()?;
    u8::try_from(parts.div_ceil(10_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_the_score_that_the_catalogues_give_it() {
        let table = [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(98)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", Some(88)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", Some(100)),
            ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", Some(78)),
            ("CVSS:3.0/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L", Some(40)),
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:R/S:C/C:L/I:L/A:N", Some(54)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", Some(0)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:X/C:N/I:N/A:N", None),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H", None),
            ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H", None),
            ("AV:N/AC:L/Au:N/C:P/I:P/A:P", None),
            ("", None),
        ];
        for (vector, score) in table {
            assert_eq!(base_score(vector), score, "{vector}");
        }
    }
}
