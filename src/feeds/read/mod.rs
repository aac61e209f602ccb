//! Raw feeds into records: one reader a format, each within bounds of memory and
//! time whatever it is given. What is wrong with a record is counted, and the rest
//! is read; what is wrong with the whole is the end of it. It runs in a process of
//! its own that has nothing else ([`serve()`]), and must not know what becomes of
//! the records.

mod advisories;
mod archive;
mod bounded;
mod cvss;
mod epss;
mod intake;
mod kev;
mod osv;
mod serve;
mod ssvc;
mod tally;
mod threats;
mod tracker;
mod unreadable;
mod updateinfo;
mod words;

use std::io::Read;

use jiff::civil::Date;

use advisories::{Advisories, Gathering};
#[cfg(test)]
pub(super) use serve::answer;
pub use serve::serve;
use tally::Tally;
use threats::Threats;
pub use unreadable::Unreadable;

use super::line::{End, Format, Line, Request};

/// What a feed holds of what was asked for.
#[derive(Debug)]
pub struct Records {
    kind: Kind,
    tally: Tally,
    date: Option<Date>,
}

#[derive(Debug)]
enum Kind {
    Advisories(Advisories),
    Threats(Threats),
}

/// Reads a feed from its first byte to its last.
pub fn read(request: &Request, feed: impl Read) -> Result<Records, Unreadable> {
    let format = request.format;
    let feed = intake::open(feed, format)?;
    let mut tally = Tally::default();
    let mut date = None;
    let kind = match format {
        Format::DebianTracker => {
            let text = feed.text(format)?;
            gathered(
                tracker::read(text, &request.codename, &mut tally)?,
                &mut tally,
            )?
        }
        Format::Osv => gathered(osv::read(feed, request, &mut tally)?, &mut tally)?,
        Format::Updateinfo => {
            let text = feed.text(format)?;
            gathered(updateinfo::read(text, request, &mut tally)?, &mut tally)?
        }
        Format::Kev => {
            let (threats, day) = kev::read(feed.text(format)?, &mut tally)?;
            date = day;
            Kind::Threats(threats)
        }
        Format::Epss => {
            let (threats, day) = epss::read(feed.text(format)?, &mut tally)?;
            date = day;
            Kind::Threats(threats)
        }
        Format::Ssvc => Kind::Threats(ssvc::read(feed, &mut tally)?),
    };
    let records = Records { kind, tally, date };
    if records.is_empty() && format != Format::Updateinfo {
        return Err(Unreadable::Nothing {
            about: about(request),
            left_out: records.tally.words(),
        });
    }
    Ok(records)
}

fn gathered(gathering: Gathering, tally: &mut Tally) -> Result<Kind, Unreadable> {
    Ok(Kind::Advisories(gathering.sorted(tally)?))
}

fn about(request: &Request) -> String {
    match request.format {
        Format::DebianTracker => format!("of {} {}", request.distribution, request.codename),
        Format::Osv | Format::Updateinfo => {
            format!("of {} {}", request.distribution, request.version)
        }
        Format::Kev | Format::Epss | Format::Ssvc => format!("such as {} has", request.format),
    }
}

impl Records {
    /// All of them, in order.
    #[must_use]
    pub fn lines(&self) -> Box<dyn Iterator<Item = Line> + '_> {
        match &self.kind {
            Kind::Advisories(advisories) => Box::new(advisories.iter().map(Line::Advisory)),
            Kind::Threats(threats) => Box::new(threats.iter().map(|(cve, threat)| Line::Threat {
                cve,
                threat: threat.clone(),
            })),
        }
    }

    /// The last line, after so many.
    #[must_use]
    pub fn end(&self, records: u64) -> End {
        End {
            records,
            skipped: self.tally.counts().clone(),
            date: self.date,
        }
    }

    fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Advisories(advisories) => advisories.is_empty(),
            Kind::Threats(threats) => threats.is_empty(),
        }
    }
}
