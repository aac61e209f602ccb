//! What maintainer scripts wanted of services, and what would have come of it.
//! Pure.

use std::collections::BTreeMap;

use super::note::{Note, POLICY, SYSTEMCTL};
use super::systemctl::Call;
use crate::model::{ServiceChange, ServiceFate};
use crate::os::systemd::{Relation, Relations};

/// What all that was noted does to the units of the machine, as they are.
#[must_use]
pub fn fates(notes: &[Note], units: &Relations) -> Vec<ServiceChange> {
    let mut services = Services {
        units,
        courses: BTreeMap::new(),
    };
    for note in notes {
        services.follow(note);
    }
    let fate = |(unit, course): (String, Course)| {
        Some(ServiceChange {
            change: course.fate?,
            unit,
        })
    };
    services.courses.into_iter().filter_map(fate).collect()
}

/// As many steps as a report lists.
const STEPS: usize = 50;

/// What was only noted down and will be done for the first time on the machine
/// itself: all but questions about services and orders to them.
#[must_use]
pub fn not_rehearsed(notes: &[Note]) -> Vec<String> {
    let of_systemd = |note: &Note| match note.program.as_str() {
        POLICY => false,
        SYSTEMCTL => matches!(
            Call::parse(&note.arguments).verb,
            "daemon-reexec" | "isolate"
        ),
        _ => true,
    };
    let mut steps: Vec<String> = Vec::new();
    for step in notes.iter().filter(|note| of_systemd(note)) {
        let step = step.to_string();
        if steps.len() < STEPS && !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

/// What has become of one unit so far.
#[derive(Debug)]
struct Course {
    was_up: bool,
    fate: Option<ServiceFate>,
}

impl Course {
    fn start(&mut self) {
        match (self.was_up, self.fate) {
            (false, _) => self.fate = Some(ServiceFate::Starts),
            (true, Some(ServiceFate::Stops)) => self.fate = Some(ServiceFate::Restarts),
            // What runs already stays as it is.
            (true, _) => {}
        }
    }

    fn stop(&mut self) {
        self.fate = self.was_up.then_some(ServiceFate::Stops);
    }

    /// What does not run is not restarted.
    fn restart(&mut self) {
        if self.was_up && !self.is_stopped() {
            self.fate = Some(ServiceFate::Restarts);
        }
    }

    fn reload(&mut self) {
        if self.was_up && self.fate.is_none() {
            self.fate = Some(ServiceFate::Reloads);
        }
    }

    fn is_stopped(&self) -> bool {
        self.fate == Some(ServiceFate::Stops)
    }
}

struct Services<'a> {
    units: &'a Relations,
    courses: BTreeMap<String, Course>,
}

impl Services<'_> {
    fn follow(&mut self, note: &Note) {
        match note.program.as_str() {
            POLICY => {
                // `policy-rc.d [--quiet] ID ACTION…  [RUNLEVEL]`; several actions are
                // alternatives, and the first is the one that is wanted.
                let words = note.arguments.iter().filter(|word| !word.starts_with("--"));
                let words: Vec<&str> = words.map(String::as_str).collect();
                if let [unit, actions, ..] = words.as_slice()
                    && let Some(action) = actions.split_whitespace().next()
                {
                    self.act(action, unit);
                }
            }
            SYSTEMCTL => {
                let call = Call::parse(&note.arguments);
                let verb = match call.verb {
                    "enable" | "reenable" if call.now => "start",
                    "disable" | "mask" if call.now => "stop",
                    verb => verb,
                };
                for unit in call.units {
                    self.act(verb, unit);
                }
            }
            _ => {}
        }
    }

    fn act(&mut self, verb: &str, unit: &str) {
        for unit in self.resolve(unit) {
            match verb {
                "start" => self.start(&unit),
                "stop" => self.stop(&unit),
                "restart" | "force-restart" => {
                    self.restart(&unit);
                    self.start(&unit);
                }
                "try-restart" | "condrestart" => self.restart(&unit),
                "reload" | "force-reload" | "reload-or-restart" | "try-reload-or-restart" => {
                    let reloads = self.units.get(&unit).is_some_and(|unit| unit.reloads);
                    if reloads || verb == "reload" {
                        self.course(&unit).reload();
                    } else {
                        self.restart(&unit);
                    }
                }
                _ => {}
            }
        }
    }

    fn start(&mut self, unit: &str) {
        let known = self.units.get(unit);
        // What is switched off and does not run stays so, whoever asks.
        if known.is_some_and(|it| !it.is_up && !it.file_state.starts_with("enabled")) {
            return;
        }
        self.course(unit).start();
        // A parent that comes back brings back the instances that went before it.
        let instances = unit.rsplit_once('.').map(|(stem, _)| format!("{stem}@"));
        for (name, course) in &mut self.courses {
            let is_instance = instances
                .as_deref()
                .is_some_and(|start| name.starts_with(start));
            if is_instance && course.is_stopped() {
                course.start();
            }
        }
    }

    fn stop(&mut self, unit: &str) {
        for unit in self.with_followers(unit) {
            self.course(&unit).stop();
        }
    }

    fn restart(&mut self, unit: &str) {
        for unit in self.with_followers(unit) {
            self.course(&unit).restart();
        }
    }

    fn course(&mut self, unit: &str) -> &mut Course {
        let was_up = self.units.get(unit).is_some_and(|unit| unit.is_up);
        self.courses
            .entry(unit.to_owned())
            .or_insert(Course { was_up, fate: None })
    }

    /// The units that a word means: by any of their names, or by a pattern.
    fn resolve(&self, word: &str) -> Vec<String> {
        let word = with_suffix(word);
        if word.contains(['*', '?', '[']) {
            // systemctl matches patterns with what is in memory.
            let running = self.units.iter().filter(|(_, unit)| unit.is_up);
            return running
                .filter(|(name, _)| matches(&word, name))
                .map(|(name, _)| name.clone())
                .collect();
        }
        let known = |(_, unit): &(&String, &Relation)| unit.names.contains(&word);
        let name = self.units.iter().find(known).map(|(name, _)| name.clone());
        vec![name.unwrap_or(word)]
    }

    /// The unit, and all that go where it goes.
    fn with_followers(&self, unit: &str) -> Vec<String> {
        let mut all = vec![unit.to_owned()];
        let mut at = 0;
        while let Some(unit) = all.get(at) {
            let followers = self.units.get(unit).map(|unit| unit.followers.clone());
            for follower in followers.unwrap_or_default() {
                if !all.contains(&follower) {
                    all.push(follower);
                }
            }
            at += 1;
        }
        all
    }
}

/// A unit's name without a suffix means the service.
pub(super) fn with_suffix(word: &str) -> String {
    const SUFFIXES: [&str; 11] = [
        ".service",
        ".socket",
        ".target",
        ".timer",
        ".path",
        ".mount",
        ".automount",
        ".slice",
        ".scope",
        ".swap",
        ".device",
    ];
    if SUFFIXES.iter().any(|suffix| word.ends_with(suffix)) {
        word.to_owned()
    } else {
        format!("{word}.service")
    }
}

/// As fnmatch(3) with `*` and `?`; a set in brackets matches any one character.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    loop {
        match pattern.next() {
            None => return name.next().is_none(),
            Some('*') => {
                let rest = pattern.as_str();
                return (0..=name.as_str().len())
                    .filter_map(|from| name.as_str().get(from..))
                    .any(|tail| matches(rest, tail));
            }
            Some('?') => {
                if name.next().is_none() {
                    return false;
                }
            }
            Some('[') => {
                if pattern.find(|c| *c == ']').is_none() || name.next().is_none() {
                    return false;
                }
            }
            Some(c) => {
                if name.next() != Some(c) {
                    return false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, is_up: bool) -> (String, Relation) {
        let names = vec![name.to_owned()];
        let relation = Relation {
            names,
            is_up,
            ..Relation::default()
        };
        (name.to_owned(), relation)
    }

    fn machine() -> Relations {
        let mut units: Relations = [
            ("nginx.service", true),
            ("named.service", true),
            ("rsync.service", false),
            ("off.service", false),
            ("postgresql.service", true),
            ("postgresql@15-main.service", true),
            ("web.service", true),
            ("cron.service", true),
        ]
        .into_iter()
        .map(|(name, is_up)| unit(name, is_up))
        .collect();
        let named = units.get_mut("named.service").expect("there");
        named.names.push("bind9.service".to_owned());
        let rsync = units.get_mut("rsync.service").expect("there");
        rsync.file_state = "enabled".to_owned();
        let cron = units.get_mut("cron.service").expect("there");
        cron.reloads = true;
        let nginx = units.get_mut("nginx.service").expect("there");
        nginx.followers.push("web.service".to_owned());
        units
    }

    fn told(calls: &[(&str, &[&str])]) -> Vec<String> {
        let note = |(program, words): &(&str, &[&str])| Note {
            program: (*program).to_owned(),
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        let notes: Vec<Note> = calls.iter().map(note).collect();
        let told = fates(&notes, &machine());
        told.iter()
            .map(|it| format!("{} {}", it.unit, it.change))
            .collect()
    }

    #[test]
    fn what_scripts_ask_for_becomes_what_happens() {
        type Case<'a> = (&'a [(&'a str, &'a [&'a str])], &'a [&'a str]);
        let table: [Case<'_>; 13] = [
            (
                &[(POLICY, &["named.service", "restart"])],
                &["named.service restarts"],
            ),
            (
                &[(POLICY, &["--quiet", "bind9", "restart", "5"])],
                &["named.service restarts"],
            ),
            // Whoever requires it goes along.
            (
                &[(SYSTEMCTL, &["try-restart", "nginx"])],
                &["nginx.service restarts", "web.service restarts"],
            ),
            (&[(SYSTEMCTL, &["try-restart", "rsync.service"])], &[]),
            (
                &[(SYSTEMCTL, &["restart", "rsync.service"])],
                &["rsync.service starts"],
            ),
            (&[(POLICY, &["off.service", "start"])], &[]),
            (
                &[(POLICY, &["unheard-of", "start"])],
                &["unheard-of.service starts"],
            ),
            (&[(POLICY, &["cron", "start"])], &[]),
            (
                &[(POLICY, &["cron", "stop"]), (POLICY, &["cron", "start"])],
                &["cron.service restarts"],
            ),
            // As postgresql does: the instances are stopped by pattern, and the parent starts them.
            (
                &[
                    (POLICY, &["postgresql@15-*.service", "stop"]),
                    (POLICY, &["postgresql", "start", "15"]),
                ],
                &["postgresql@15-main.service restarts"],
            ),
            (
                &[(SYSTEMCTL, &["--system", "disable", "--now", "cron.service"])],
                &["cron.service stops"],
            ),
            (
                &[(SYSTEMCTL, &["reload-or-restart", "cron", "web"])],
                &["cron.service reloads", "web.service restarts"],
            ),
            (
                &[(SYSTEMCTL, &["daemon-reload"]), ("update-grub", &[])],
                &[],
            ),
        ];
        for (calls, expected) in table {
            assert_eq!(told(calls), expected, "{calls:?}");
        }
    }

    #[test]
    fn each_step_that_was_only_noted_is_told_once() {
        let note = |program: &str, words: &[&str]| Note {
            program: program.to_owned(),
            arguments: words.iter().map(|word| (*word).to_owned()).collect(),
        };
        let notes = [
            note(POLICY, &["nginx", "restart"]),
            note("update-grub", &[]),
            note("update-grub", &[]),
            note(SYSTEMCTL, &["daemon-reload"]),
            note(SYSTEMCTL, &["daemon-reexec"]),
        ];
        assert_eq!(
            not_rehearsed(&notes),
            ["update-grub", "systemctl daemon-reexec"]
        );
    }

    #[test]
    fn a_pattern_matches_as_a_shell_does() {
        for (pattern, name, expected) in [
            (
                "postgresql@15-*.service",
                "postgresql@15-main.service",
                true,
            ),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a[bc]d", "acd", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b", "axc", false),
            ("a[b", "ab", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
