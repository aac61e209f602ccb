//! What goes back, what stays, and whether the machine is still what the run has
//! left. Pure, but for the first function, which asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::database::{Stanza, find, stanzas};
use super::fault::{RestoreError, file};
use super::point::Point;
use super::site::Site;
use super::store;
use crate::model::{Change, PackageId, RunId};

/// The way back as it was decided.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// What comes back, from what is there now.
    pub back: Vec<Change>,
    /// What the run brought in and goes away.
    pub remove: Vec<Change>,
    /// What stays as the run has left it.
    pub left: Vec<Change>,
    /// What an attempt that failed has brought back already: it is looked over again.
    pub there: Vec<PackageId>,
}

impl Course {
    /// Whether everything is as before already, or stays.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.back.is_empty() && self.remove.is_empty() && self.there.is_empty()
    }

    /// Keeps what the run brought in: something needs it that stays.
    #[must_use]
    pub fn keeping_new(mut self) -> Self {
        let new = std::mem::take(&mut self.remove);
        self.left.extend(new.iter().map(Change::reversed));
        self
    }

    /// Everything that is to change.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.back.iter().chain(&self.remove)
    }
}

/// Decides for the point of a run. `never` knows the names of packages that are
/// not taken back.
pub fn decide(
    site: &Site,
    run: RunId,
    never: &dyn Fn(&str) -> bool,
) -> Result<Course, RestoreError> {
    let point = store::load(site, run)?.ok_or(RestoreError::Absent(run))?;
    let path = site.dpkg("status");
    let status = std::fs::read(&path).map_err(file(&path))?;
    let running = rustix::system::uname();
    let kernel = running.release().to_string_lossy();
    course(&point, &stanzas(&status), &|name: &str| {
        // The kernel that runs cannot be taken from under itself.
        never(name) || name.strip_prefix("linux-image-") == Some(&kernel)
    })
}

fn course(
    point: &Point,
    now: &[Stanza<'_>],
    never: &dyn Fn(&str) -> bool,
) -> Result<Course, RestoreError> {
    let named = |id: &PackageId| never(id.name.as_str());
    // Binaries of one source want each other in one version.
    let families: BTreeSet<&str> = point
        .packages
        .iter()
        .filter(|kept| named(&kept.change.id))
        .map(|kept| kept.source.as_str())
        .collect();
    let mut course = Course::default();
    let mut overtaken = Vec::new();
    for kept in &point.packages {
        let stanza = find(now, &kept.change.id);
        match judge(&kept.change, stanza) {
            Judged::AsBefore if point.rolled_back.is_none() => {
                course.there.push(kept.change.id.clone());
            }
            Judged::AsBefore => {}
            Judged::Overtaken(version) => overtaken.push(format!(
                "{} is {version} now, and the run has left it at {}",
                kept.change.id,
                kept.change.to.as_ref().map_or("none", |it| it.as_str())
            )),
            Judged::AsLeft if families.contains(kept.source.as_str()) => {
                course.left.push(kept.change.clone());
            }
            Judged::AsLeft => course.back.push(Change {
                id: kept.change.id.clone(),
                from: there(stanza).and_then(|stanza| stanza.version.clone()),
                to: kept.change.from.clone(),
            }),
        }
    }
    for new in &point.new {
        let Some(stanza) = find(now, &new.id).filter(|stanza| stanza.is_there()) else {
            continue;
        };
        if named(&new.id) || families.contains(stanza.source) {
            course.left.push(new.clone());
        } else if stanza.is_sound() && stanza.version != new.to {
            overtaken.push(format!("{} was replaced since", new.id));
        } else {
            course.remove.push(new.reversed());
        }
    }
    if overtaken.is_empty() {
        return Ok(course);
    }
    Err(RestoreError::Overtaken(format!(
        "what run {} installed was changed since: {}; roll back the later run first",
        point.run,
        overtaken.join("; ")
    )))
}

enum Judged {
    /// Nothing to do.
    AsBefore,
    /// As the run has left it, or half-way.
    AsLeft,
    /// Somebody else was here; what is there now.
    Overtaken(String),
}

/// Of what is only remembered the version does not count.
fn there<'s, 'a>(now: Option<&'s Stanza<'a>>) -> Option<&'s Stanza<'a>> {
    now.filter(|now| now.is_there())
}

fn judge(change: &Change, now: Option<&Stanza<'_>>) -> Judged {
    match there(now) {
        Some(now) if !now.is_sound() => Judged::AsLeft,
        Some(now) if now.version == change.from => Judged::AsBefore,
        Some(now) if now.version == change.to => Judged::AsLeft,
        None if change.to.is_none() => Judged::AsLeft,
        Some(now) => {
            let version = now.version.as_ref().map_or("unknown", |it| it.as_str());
            Judged::Overtaken(version.to_owned())
        }
        None => Judged::Overtaken("not installed".to_owned()),
    }
}
