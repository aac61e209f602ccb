//! Calls of systemctl, and what a stand-in for it answers. Pure: the units are
//! those of the machine as it was before.

use std::fmt::Write as _;

use super::services::{matches, with_suffix};
use crate::os::systemd::{Relation, Relations};

/// Options with a value of their own, when it is not written behind a `=`.
const VALUED: [&str; 22] = [
    "-p",
    "-P",
    "-t",
    "-s",
    "-n",
    "-o",
    "-H",
    "-M",
    "--property",
    "--value-of",
    "--type",
    "--state",
    "--signal",
    "--kill-who",
    "--kill-whom",
    "--root",
    "--image",
    "--machine",
    "--host",
    "--job-mode",
    "--lines",
    "--output",
];

/// What only concerns files, and works without a running systemd.
const OFFLINE: [&str; 19] = [
    "enable",
    "disable",
    "reenable",
    "preset",
    "preset-all",
    "is-enabled",
    "mask",
    "unmask",
    "link",
    "revert",
    "add-wants",
    "add-requires",
    "set-default",
    "get-default",
    "list-unit-files",
    "cat",
    "help",
    "edit",
    "",
];

/// One call of systemctl.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call<'a> {
    /// What shall be done; empty when there is no such word.
    pub verb: &'a str,
    /// To which units, as they were written.
    pub units: Vec<&'a str>,
    /// Whether what is switched on or off shall be started or stopped, too.
    pub now: bool,
    quiet: bool,
    user: bool,
    properties: Vec<&'a str>,
}

/// What a stand-in does with a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The real systemctl does it, on files alone, with these arguments.
    Real(Vec<String>),
    /// It is answered out of what is known of the machine.
    Known {
        /// Exit status.
        status: u8,
        /// Standard output.
        text: String,
    },
    /// It would change what runs: it is noted down, and has succeeded.
    Noted,
}

impl<'a> Call<'a> {
    pub fn parse(arguments: &'a [String]) -> Self {
        let mut call = Self {
            verb: "",
            units: Vec::new(),
            now: false,
            quiet: false,
            user: false,
            properties: Vec::new(),
        };
        let mut words = arguments.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match word {
                "--" => {}
                "--now" => call.now = true,
                "--quiet" | "-q" => call.quiet = true,
                "--user" | "--global" => call.user = word == "--user",
                "-p" | "-P" | "--property" => call.properties.extend(words.next()),
                word if VALUED.contains(&word) => {
                    words.next();
                }
                word if word.starts_with('-') => {
                    let property = word
                        .strip_prefix("--property=")
                        .or_else(|| word.strip_prefix("-p"))
                        .or_else(|| word.strip_prefix("-P"));
                    call.properties.extend(property);
                }
                word if call.verb.is_empty() => call.verb = word,
                word => call.units.push(word),
            }
        }
        call
    }

    /// What a stand-in for systemctl does.
    pub fn reply(&self, arguments: &[String], units: &Relations) -> Reply {
        let known = |status: u8, text: String| Reply::Known { status, text };
        match self.verb {
            verb if OFFLINE.contains(&verb) => {
                // A systemctl without a systemd cannot do it now, and says so with a failure.
                let real = arguments.iter().filter(|word| *word != "--now");
                Reply::Real(real.cloned().collect())
            }
            "is-active" => self.is_active(units),
            "is-failed" => known(1, self.lines(units)),
            "is-system-running" => known(0, "running\n".to_owned()),
            "list-units" | "list-sockets" | "list-timers" | "list-jobs" | "list-dependencies"
            | "show-environment" | "status" => known(0, self.list(units)),
            "show" => known(0, self.show(units)),
            _ => Reply::Noted,
        }
    }

    fn is_active(&self, units: &Relations) -> Reply {
        let up = self
            .found(units)
            .any(|unit| unit.is_some_and(|it| it.is_up));
        let text = if self.quiet {
            String::new()
        } else {
            self.lines(units)
        };
        Reply::Known {
            status: if up { 0 } else { 3 },
            text,
        }
    }

    /// A line for each unit that was named.
    fn lines(&self, units: &Relations) -> String {
        self.found(units).fold(String::new(), |mut text, unit| {
            let _infallible = writeln!(text, "{}", state(unit));
            text
        })
    }

    /// The units that were named, patterns among them.
    fn found<'b>(&self, units: &'b Relations) -> impl Iterator<Item = Option<&'b Relation>> {
        let user = self.user;
        self.units.iter().map(move |word| {
            let word = with_suffix(word);
            let named = |unit: &&Relation| unit.names.iter().any(|name| matches(&word, name));
            // Nothing is known of what users run.
            units.values().find(named).filter(|_| !user)
        })
    }

    fn list(&self, units: &Relations) -> String {
        if self.user || self.verb != "list-units" {
            return String::new();
        }
        let wanted = |name: &str| {
            self.units.is_empty()
                || self
                    .units
                    .iter()
                    .any(|word| matches(&with_suffix(word), name))
        };
        let up = units
            .iter()
            .filter(|(name, unit)| unit.is_up && wanted(name));
        up.fold(String::new(), |mut text, (name, _)| {
            let _infallible = writeln!(text, "{name} loaded active running {name}");
            text
        })
    }

    fn show(&self, units: &Relations) -> String {
        let wanted: Vec<&str> = self
            .properties
            .iter()
            .flat_map(|it| it.split(','))
            .collect();
        let mut text = String::new();
        for unit in self.found(units) {
            let known = [
                (
                    "Id",
                    unit.and_then(|it| it.names.first())
                        .map_or("", String::as_str),
                ),
                (
                    "LoadState",
                    if unit.is_some() {
                        "loaded"
                    } else {
                        "not-found"
                    },
                ),
                ("ActiveState", state(unit)),
                (
                    "UnitFileState",
                    unit.map_or("", |it| it.file_state.as_str()),
                ),
            ];
            for (key, value) in known {
                if wanted.is_empty() || wanted.contains(&key) {
                    let _infallible = writeln!(text, "{key}={value}");
                }
            }
        }
        text
    }
}

fn state(unit: Option<&Relation>) -> &'static str {
    match unit {
        Some(Relation { is_up: true, .. }) => "active",
        _ => "inactive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    fn reply(line: &str) -> Reply {
        let nginx = Relation {
            names: vec!["nginx.service".to_owned()],
            is_up: true,
            file_state: "enabled".to_owned(),
            ..Relation::default()
        };
        let units = Relations::from([("nginx.service".to_owned(), nginx)]);
        let arguments = words(line);
        Call::parse(&arguments).reply(&arguments, &units)
    }

    fn known(status: u8, text: &str) -> Reply {
        Reply::Known {
            status,
            text: text.to_owned(),
        }
    }

    #[test]
    fn each_kind_of_call_has_its_answer() {
        let table = [
            (
                "is-enabled nginx.service",
                Reply::Real(words("is-enabled nginx.service")),
            ),
            (
                "--system enable --now nginx.service",
                Reply::Real(words("--system enable nginx.service")),
            ),
            ("--version", Reply::Real(words("--version"))),
            ("--quiet is-active -- nginx.service", known(0, "")),
            ("is-active nginx other", known(0, "active\ninactive\n")),
            ("is-active other", known(3, "inactive\n")),
            ("--user is-active nginx", known(3, "inactive\n")),
            ("is-system-running", known(0, "running\n")),
            (
                "show -p ActiveState nginx",
                known(0, "ActiveState=active\n"),
            ),
            (
                "show --property=LoadState,Version other.service",
                known(0, "LoadState=not-found\n"),
            ),
            ("restart nginx", Reply::Noted),
            ("daemon-reload", Reply::Noted),
            ("kill -s HUP nginx", Reply::Noted),
        ];
        for (line, expected) in table {
            assert_eq!(reply(line), expected, "{line}");
        }
    }

    #[test]
    fn the_value_of_an_option_is_no_unit() {
        let arguments = words("kill -s HUP --kill-who=main nginx cron");
        let call = Call::parse(&arguments);
        assert_eq!((call.verb, call.units), ("kill", vec!["nginx", "cron"]));
    }

    #[test]
    fn only_what_runs_is_listed() {
        assert_eq!(
            reply("list-units --no-legend nginx*"),
            known(0, "nginx.service loaded active running nginx.service\n")
        );
        assert_eq!(reply("list-units cron*"), known(0, ""));
        assert_eq!(reply("--user list-units"), known(0, ""));
    }
}
