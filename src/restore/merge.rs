//! The state trees on the way back. Four states of each path: before the run,
//! after it, right before the way back, and now, behind dpkg's own work. What
//! somebody has changed since the run stays as it is, and so does what somebody
//! writes while the way back is gone, where it can be told from dpkg's work.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::point::{Entry, Thing};
use super::trees;

/// What becomes of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It is put back to what it was before the run.
    Restore(&'a Entry),
    /// It was not there before the run.
    Remove(&'a Path),
    /// Somebody changed it since; it stays.
    Keep(&'a Path),
}

/// The four states.
pub struct States<'a> {
    pub before: &'a [Entry],
    pub after: &'a [Entry],
    pub at_start: &'a [Entry],
    pub now: &'a [Entry],
    /// Behind this path not all four are known.
    pub end: Option<&'a Path>,
}

/// The paths of packages.
#[derive(Default)]
pub struct Owned {
    /// Everything of those that go back or away: dpkg writes there on the way back.
    pub moving: BTreeSet<PathBuf>,
    /// The configuration files of those that go back: what stays of them is told.
    pub going: BTreeSet<PathBuf>,
    /// Of those that stay as the run has left them: none of them is touched.
    pub staying: BTreeSet<PathBuf>,
    /// Whether nothing goes back but what is in `going`.
    pub others_stay: bool,
}

impl Owned {
    fn stays(&self, path: &Path) -> bool {
        self.staying.contains(path) || (self.others_stay && !self.going.contains(path))
    }

    /// Whether a change on the way back may be the work of dpkg and its scripts.
    fn may_be_of_dpkg(&self, path: &Path) -> bool {
        !trees::is_of_people(path) || self.moving.contains(path) || is_leftover(path)
    }
}

/// Judges every path. What is removed comes last, contents before folders.
pub fn judge<'a>(states: &States<'a>, owned: &Owned) -> Vec<Verdict<'a>> {
    let before = by_path(states.before);
    let after = by_path(states.after);
    let at_start = by_path(states.at_start);
    let now = by_path(states.now);
    let all: BTreeSet<&Path> = before.keys().chain(now.keys()).copied().collect();
    let mut verdicts = Vec::new();
    let mut removed = Vec::new();
    for path in all {
        let of = |state: &BTreeMap<&'a Path, &'a Entry>| state.get(path).copied();
        let (then, present) = (of(&before), of(&now));
        let is_unknown = states.end.is_some_and(|end| trees::is_behind(path, end));
        if is_unknown || !trees::covers(path) || owned.stays(path) || are_alike(then, present) {
            continue;
        }
        if !are_alike(of(&after), of(&at_start)) {
            // What neither the run nor the way back has to do with is not told.
            let untouched = are_alike(then, of(&after)) && are_alike(of(&at_start), present);
            if !untouched || owned.going.contains(path) {
                verdicts.push(Verdict::Keep(path));
            }
            continue;
        }
        // The run had nothing to do with it: certbot, puppet or a person was at work
        // while the way back was gone.
        if are_alike(then, of(&after)) && !owned.may_be_of_dpkg(path) {
            verdicts.push(Verdict::Keep(path));
            continue;
        }
        match then {
            Some(then) if trees::is_kept(then) && then.thing != Thing::Other => {
                verdicts.push(Verdict::Restore(then));
            }
            // What was too large to be kept is somebody's to look at.
            Some(_) => verdicts.push(Verdict::Keep(path)),
            None => removed.push(Verdict::Remove(path)),
        }
    }
    removed.reverse();
    verdicts.extend(removed);
    verdicts
}

fn by_path(entries: &[Entry]) -> BTreeMap<&Path, &Entry> {
    entries
        .iter()
        .map(|entry| (entry.path.as_path(), entry))
        .collect()
}

fn are_alike(one: Option<&Entry>, other: Option<&Entry>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.is_like(other),
        (None, None) => true,
        _ => false,
    }
}

/// What dpkg and ucf lay beside a configuration file: `x.dpkg-dist`, `x.ucf-old`.
fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
    kind.starts_with("dpkg-") || kind.starts_with("ucf-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::restore::look::missing;
    use crate::restore::point::Content;
    use crate::restore::sum::Sum;

    fn tree(content: Option<&str>) -> Vec<Entry> {
        let file = |content: &str| Entry {
            mode: 0o644,
            thing: Thing::File {
                size: content.len() as u64,
                content: Content::Copied(0),
                sum: Some(Sum::of(content.as_bytes())),
            },
            ..missing(Path::new("/etc/x"))
        };
        content.map(file).into_iter().collect()
    }

    #[test]
    fn a_path_goes_back_unless_somebody_changed_it_since() {
        let (restore, remove, keep) = (Some("restore"), Some("remove"), Some("keep"));
        for (before, after, at_start, now, expected) in [
            // Nothing is different.
            (Some("1"), Some("2"), Some("2"), Some("1"), None),
            (None, None, None, None, None),
            // A script changed it, and its older self did not change it back.
            (Some("1"), Some("2"), Some("2"), Some("2"), restore),
            (Some("1"), Some("2"), Some("2"), Some("3"), restore),
            (Some("1"), None, None, None, restore),
            (None, Some("2"), Some("2"), Some("2"), remove),
            // Written by somebody else while the way back was gone.
            (None, None, None, Some("3"), keep),
            (Some("1"), Some("1"), Some("1"), Some("7"), keep),
            (Some("1"), Some("1"), Some("1"), None, keep),
            // Somebody edited, deleted or made it in between.
            (Some("1"), Some("2"), Some("mine"), Some("mine"), keep),
            (Some("1"), Some("1"), Some("mine"), Some("3"), keep),
            (Some("1"), Some("2"), None, None, keep),
            (None, Some("2"), Some("mine"), Some("mine"), keep),
            // An edit that has nothing to do with the run.
            (Some("1"), Some("1"), Some("mine"), Some("mine"), None),
            (None, None, Some("mine"), Some("mine"), None),
        ] {
            let [before, after, at_start, now] = [before, after, at_start, now].map(tree);
            let states = States {
                before: &before,
                after: &after,
                at_start: &at_start,
                now: &now,
                end: None,
            };
            let judged = judge(&states, &Owned::default());
            let word = judged.first().map(|verdict| match verdict {
                Verdict::Restore(_) => "restore",
                Verdict::Remove(_) => "remove",
                Verdict::Keep(_) => "keep",
            });
            assert_eq!(word, expected, "{before:?} {after:?} {at_start:?} {now:?}");
            let staying = Owned {
                staying: BTreeSet::from([PathBuf::from("/etc/x")]),
                ..Owned::default()
            };
            assert!(judge(&states, &staying).is_empty());
            let others = Owned {
                others_stay: true,
                ..Owned::default()
            };
            assert!(judge(&states, &others).is_empty());
        }
    }

    /// What becomes of a path that the run had nothing to do with, when it was
    /// made, or changed, on the way back.
    fn on_the_way(path: &str, owned: &Owned) -> [&'static str; 2] {
        let at = |content| -> Vec<Entry> {
            let mut entries = tree(content);
            for entry in &mut entries {
                entry.path = PathBuf::from(path);
            }
            entries
        };
        [None, Some("1")].map(|content| {
            let (then, now) = (at(content), at(Some("7")));
            let states = States {
                before: &then,
                after: &then,
                at_start: &then,
                now: &now,
                end: None,
            };
            match judge(&states, owned).as_slice() {
                [Verdict::Restore(_)] => "restore",
                [Verdict::Remove(_)] => "remove",
                [Verdict::Keep(_)] => "keep",
                other => panic!("{other:?}"),
            }
        })
    }

    #[test]
    fn what_dpkg_leaves_on_the_way_back_goes_and_what_others_write_stays() {
        let none = Owned::default();
        for path in [
            "/etc/letsencrypt/live/x.pem",
            "/etc/rc.local",
            "/etc/ssl/private/x",
            "/etc/x.dpkg-new.mine",
        ] {
            assert_eq!(on_the_way(path, &none), ["keep", "keep"], "{path}");
        }
        for path in [
            "/etc/x.dpkg-dist",
            "/etc/x.ucf-old",
            "/etc/alternatives/editor",
            "/etc/rc2.d/S01x",
            "/etc/systemd/system/multi-user.target.wants/x.service",
            "/etc/ssl/certs/x.pem",
            "/var/lib/ucf/hashfile",
            "/var/lib/dpkg/alternatives/editor",
        ] {
            assert_eq!(on_the_way(path, &none), ["remove", "restore"], "{path}");
        }
        let moving = Owned {
            moving: BTreeSet::from([PathBuf::from("/etc/x")]),
            ..Owned::default()
        };
        assert_eq!(on_the_way("/etc/x", &moving), ["remove", "restore"]);
    }

    #[test]
    fn an_edit_of_a_file_of_a_package_that_goes_back_is_told() {
        let (before, mine) = (tree(Some("1")), tree(Some("mine")));
        let states = States {
            before: &before,
            after: &before,
            at_start: &mine,
            now: &mine,
            end: None,
        };
        let going = Owned {
            going: BTreeSet::from([PathBuf::from("/etc/x")]),
            ..Owned::default()
        };
        assert_eq!(judge(&states, &going), [Verdict::Keep(Path::new("/etc/x"))]);
    }

    #[test]
    fn what_is_not_known_before_and_behind_is_not_judged() {
        let (before, after) = (tree(Some("1")), tree(Some("2")));
        for (end, judged) in [("/etc/w", 0), ("/etc/x", 1), ("/etc/y", 1)] {
            let states = States {
                before: &before,
                after: &after,
                at_start: &after,
                now: &after,
                end: Some(Path::new(end)),
            };
            assert_eq!(judge(&states, &Owned::default()).len(), judged, "{end}");
        }
    }

    #[test]
    fn users_and_the_machine_s_name_never_go_back() {
        let mut before = tree(Some("1"));
        before[0].path = PathBuf::from("/etc/shadow");
        let states = States {
            before: &before,
            after: &[],
            at_start: &[],
            now: &[],
            end: None,
        };
        assert!(judge(&states, &Owned::default()).is_empty());
    }
}
