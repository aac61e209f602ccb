//! What goes back, what stays, and whether the machine is still what the run has
//! left. Pure, but for the first function, which asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::database::{Stanza, find, stanzas};
use super::fault::RestoreError;
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
    /// Whether only a part of the point goes back; nothing that belongs to the rest
    /// is touched.
    #[serde(default)]
    pub partial: bool,
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

    /// Only these of it; none where none of them is in it, or nothing else is.
    fn only(&self, ids: &BTreeSet<PackageId>) -> Option<Self> {
        let of = |changes: &[Change]| -> Vec<Change> {
            let those = changes.iter().filter(|change| ids.contains(&change.id));
            those.cloned().collect()
        };
        let part = Self {
            back: of(&self.back),
            remove: of(&self.remove),
            left: of(&self.left),
            there: Vec::new(),
            partial: true,
        };
        let many = |course: &Self| course.changes().chain(&course.left).count();
        (0 < many(&part) && many(&part) < many(self)).then_some(part)
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
    let status = site.status()?;
    let running = rustix::system::uname();
    let kernel = running.release().to_string_lossy();
    course(&point, &stanzas(&status), &|name: &str| {
        // The kernel that runs cannot be taken from under itself.
        never(name) || name.strip_prefix("linux-image-") == Some(&kernel)
    })
}

/// The part of a course that brings back what is not sound now; none where that is
/// nothing, or everything.
pub fn unsound(site: &Site, course: &Course) -> Result<Option<Course>, RestoreError> {
    let status = site.status()?;
    let now = stanzas(&status);
    let ids = course
        .changes()
        .chain(&course.left)
        .map(|change| &change.id);
    let is_unsound = |id: &&PackageId| find(&now, id).is_some_and(|it| !it.is_sound());
    Ok(course.only(&ids.filter(is_unsound).cloned().collect()))
}

fn course(
    point: &Point,
    now: &[Stanza<'_>],
    never: &dyn Fn(&str) -> bool,
) -> Result<Course, RestoreError> {
    let named = |id: &PackageId| never(id.name.as_str());
    let families = families(point, &named);
    let mut course = Course::default();
    let mut overtaken = Vec::new();
    for kept in &point.packages {
        let stanza = find(now, &kept.change.id);
        match judge(&kept.change, stanza) {
            Judged::AsBefore if point.rolled_back.is_none() => {
                course.there.push(kept.change.id.clone());
            }
            Judged::AsBefore => {}
            // Whatever a later run made of it: it does not go back, so it stops nothing.
            Judged::Overtaken(_) if families.contains(kept.source.as_str()) => {
                course.left.push(as_it_is(&kept.change, stanza));
            }
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
            course.left.push(as_it_is(new, Some(stanza)));
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

/// The source packages of which nothing goes back: binaries of one source want each
/// other in one version.
fn families<'a>(point: &'a Point, named: &dyn Fn(&PackageId) -> bool) -> BTreeSet<&'a str> {
    let never = point.packages.iter().filter(|kept| named(&kept.change.id));
    never.map(|kept| kept.source.as_str()).collect()
}

/// What stays, up to the version that is there now.
fn as_it_is(change: &Change, now: Option<&Stanza<'_>>) -> Change {
    Change {
        to: there(now).and_then(|stanza| stanza.version.clone()),
        ..change.clone()
    }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;
    use crate::model::{Architecture, PackageName, Version};
    use crate::restore::point::{Kept, Slice};
    use crate::restore::sum::Sum;

    fn change(name: &str, from: Option<&str>, to: Option<&str>) -> Change {
        let version = |text: &str| Version::try_from(text.to_owned()).expect("valid");
        Change {
            id: id(name),
            from: from.map(version),
            to: to.map(version),
        }
    }

    fn id(name: &str) -> PackageId {
        PackageId {
            name: PackageName::try_from(name.to_owned()).expect("valid"),
            architecture: Architecture::try_from("amd64".to_owned()).expect("valid"),
        }
    }

    fn whole() -> Course {
        Course {
            back: vec![
                change("aa", Some("2"), Some("1")),
                change("bb", Some("2"), Some("1")),
            ],
            remove: vec![change("new", Some("1"), None)],
            left: vec![change("libc6", Some("1"), Some("2"))],
            ..Course::default()
        }
    }

    #[test]
    fn a_part_of_the_way_touches_nothing_else() {
        let part = whole().only(&BTreeSet::from([id("bb")])).expect("a part");
        assert_eq!(part.back, [change("bb", Some("2"), Some("1"))]);
        assert!(part.partial && part.remove.is_empty() && part.left.is_empty());
    }

    #[test]
    fn what_never_goes_back_is_named_and_does_not_take_the_others_along() {
        let part = whole().only(&BTreeSet::from([id("libc6")]));
        let part = part.expect("a part");
        assert!(part.is_empty());
        assert_eq!(part.left, [change("libc6", Some("1"), Some("2"))]);
    }

    #[test]
    fn all_or_nothing_of_it_is_no_part() {
        assert_eq!(whole().only(&BTreeSet::new()), None);
        let all = ["aa", "bb", "new", "libc6"].map(id);
        assert_eq!(whole().only(&BTreeSet::from(all)), None);
    }

    fn kept(name: &str) -> Kept {
        Kept {
            change: change(name, Some("1"), Some("2")),
            source: name.to_owned(),
            base: name.to_owned(),
            stanza: Slice {
                at: 0,
                length: 0,
                sum: Sum::of(b""),
            },
            control: Vec::new(),
            entries: Vec::new(),
            archive: None,
        }
    }

    fn point() -> Point {
        Point {
            run: RunId::new(1, 1),
            at: Timestamp::UNIX_EPOCH,
            packages: vec![kept("aa"), kept("libc6")],
            new: vec![change("libc-new", None, Some("2"))],
            stores: Vec::new(),
            links: 0,
            copies: 0,
            users: BTreeMap::default(),
            groups: BTreeMap::default(),
            before: Vec::new(),
            after: None,
            end: None,
            rolled_back: None,
        }
    }

    const NOW: &[u8] = b"Package: aa\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n\nPackage: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3\n\nPackage: libc-new\nStatus: install ok installed\nArchitecture: amd64\nSource: libc6\nVersion: 3\n";

    #[test]
    fn what_never_goes_back_may_be_newer_than_the_run_left_it() {
        let course = course(&point(), &stanzas(NOW), &|name| name == "libc6").expect("a course");
        assert_eq!(course.back, [change("aa", Some("2"), Some("1"))]);
        assert_eq!(
            course.left,
            [
                change("libc6", Some("1"), Some("3")),
                change("libc-new", None, Some("3"))
            ]
        );
    }

    #[test]
    fn what_a_later_run_replaced_stops_the_others() {
        let refused = course(&point(), &stanzas(NOW), &|_| false);
        let words = refused.expect_err("overtaken").to_string();
        assert!(words.contains("libc6:amd64 is 3 now"), "{words}");
    }
}
