//! FIRST's table of probabilities of exploitation: `cve,epss,percentile`, since
//! 2022 with a comment before it that has the day.

use std::io::{BufRead, Read};

use jiff::civil::Date;

use super::intake::Intake;
use super::tally::Tally;
use super::threats::Threats;
use super::unreadable::Unreadable;
use super::words;
use crate::feeds::Reason;
use crate::model::{CveId, Threat};

/// A probability is kept in ten-thousandths.
const ONE: u16 = 10_000;

/// Reads all of it, and of which day it is.
pub(super) fn read(
    source: impl Read,
    tally: &mut Tally,
) -> Result<(Threats, Option<Date>), Unreadable> {
    let (mut intake, ration) = Intake::new(source);
    let (mut threats, mut date) = (Threats::default(), None);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        ration.renew();
        if intake.read_until(b'\n', &mut bytes)? == 0 {
            return Ok((threats, date));
        }
        // Plain characters all of them.
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end();
        if let Some(comment) = line.strip_prefix('#') {
            date = date.or_else(|| day(comment));
        } else if !line.is_empty()
            && !line.starts_with("cve,")
            && let Some((cve, threat)) = tally.kept(probability(line))
        {
            threats.add(cve, threat, tally)?;
        }
    }
}

/// `model_version:v2023.03.01,score_date:2023-03-07T00:00:00+0000`
fn day(comment: &str) -> Option<Date> {
    let mut fields = comment.split(',');
    words::day(fields.find_map(|it| it.trim().strip_prefix("score_date:"))?)
}

fn probability(line: &str) -> Result<(CveId, Threat), Reason> {
    let mut fields = line.split(',');
    let cve = fields.next().and_then(words::cve).ok_or(Reason::NoCve)?;
    let number = fields.next().and_then(|it| it.trim().parse::<f64>().ok());
    let epss = number.and_then(|it| words::scaled(it, ONE));
    let threat = Threat {
        epss: Some(epss.ok_or(Reason::Malformed)?),
        ..Threat::default()
    };
    Ok((cve, threat))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> (Vec<(String, u16)>, String, Option<String>) {
        let mut tally = Tally::default();
        let (threats, date) = super::read(text, &mut tally).expect("a table");
        let shown = threats
            .iter()
            .map(|(cve, it)| (cve.to_string(), it.epss.expect("always")));
        (
            shown.collect(),
            tally.words(),
            date.map(|it| it.to_string()),
        )
    }

    #[test]
    fn the_table_of_each_year_is_read() {
        let rows = [
            ("CVE-2018-19571".to_owned(), 477),
            ("CVE-2020-5902".to_owned(), 6512),
        ];
        let (of_2021, _, none) = read(b"cve,epss\nCVE-2020-5902,0.65117\nCVE-2018-19571,0.04773\n");
        assert_eq!((of_2021.as_slice(), none), (rows.as_slice(), None));
        let (of_2023, _, day) = read(
            b"#model_version:v2023.03.01,score_date:2023-03-07T00:00:00+0000\r\ncve,epss,percentile\r\nCVE-2020-5902,0.65117,0.99995\r\nCVE-2018-19571,4.773e-2,0.43131",
        );
        assert_eq!(of_2023, rows);
        assert_eq!(day.as_deref(), Some("2023-03-07"));
    }

    #[test]
    fn a_row_that_is_none_is_counted() {
        let (rows, left_out, _) = read(
            b"<html>\nCVE-2020-0001,2\nCVE-2020-0002,NaN\nCVE-2020-0003\nCVE-2020-0004,\xff\nCVE-2020-0005,1\nCVE-2020-0005,0\n",
        );
        assert_eq!(rows, [("CVE-2020-0005".to_owned(), ONE)]);
        assert_eq!(left_out, "1 no-cve, 1 repeated, 4 malformed");
    }
}
