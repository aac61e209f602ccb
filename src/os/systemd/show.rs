//! Reads the stanzas of `systemctl show`.

use super::{ActiveState, SystemdError, Unit, Units};

/// Reads the answer of [`super::units`]. Units without a file of any kind
/// (`not-found`) are not on the machine and are left out.
pub fn parse_show(text: &str) -> Result<Units, SystemdError> {
    let mut units = Units::new();
    let mut stanza = Stanza::default();
    for line in text.lines().chain([""]) {
        if !line.is_empty() {
            stanza.read(line)?;
        } else if stanza != Stanza::default() {
            units.extend(std::mem::take(&mut stanza).finish()?);
        }
    }
    Ok(units)
}

/// One stanza while it is read.
#[derive(Debug, Default, PartialEq, Eq)]
struct Stanza<'a> {
    id: &'a str,
    load: &'a str,
    active: &'a str,
    sub: &'a str,
    kind: &'a str,
    remains: &'a str,
    main_pid: &'a str,
    fragment: &'a str,
    file_state: &'a str,
    transient: &'a str,
    triggered_by: &'a str,
    result: &'a str,
    restarts: &'a str,
    listens: Vec<u16>,
}

impl<'a> Stanza<'a> {
    fn read(&mut self, line: &'a str) -> Result<(), SystemdError> {
        let (key, value) = line.split_once('=').ok_or_else(|| unreadable(line))?;
        let field = match key {
            "Id" => &mut self.id,
            "LoadState" => &mut self.load,
            "ActiveState" => &mut self.active,
            "SubState" => &mut self.sub,
            "Type" => &mut self.kind,
            "RemainAfterExit" => &mut self.remains,
            "MainPID" => &mut self.main_pid,
            "FragmentPath" => &mut self.fragment,
            "UnitFileState" => &mut self.file_state,
            "Transient" => &mut self.transient,
            "TriggeredBy" => &mut self.triggered_by,
            "Result" => &mut self.result,
            "NRestarts" => &mut self.restarts,
            "Listen" => {
                self.listens.extend(listened_port(value));
                return Ok(());
            }
            _ => return Err(unreadable(line)),
        };
        *field = value;
        Ok(())
    }

    fn finish(self) -> Result<Option<(String, Unit)>, SystemdError> {
        if self.id.is_empty() {
            return Err(unreadable("a unit without Id"));
        }
        if self.active.is_empty() {
            return Err(unreadable(&format!("{} without ActiveState", self.id)));
        }
        if self.load == "not-found" && self.active == "inactive" {
            return Ok(None);
        }
        let unit = Unit {
            active: ActiveState::parse(self.active),
            sub: self.sub.to_owned(),
            result: self.result.to_owned(),
            kind: some(self.kind),
            main_pid: Some(number(self.main_pid)?).filter(|&pid| pid != 0),
            fragment: some(self.fragment),
            restarts: number(self.restarts)?,
            ephemeral: self.is_ephemeral(),
            listens: self.listens,
        };
        Ok(Some((self.id.to_owned(), unit)))
    }

    /// What is enabled by itself is meant to stay, whatever else may start it.
    fn is_ephemeral(&self) -> bool {
        let enabled = self.file_state.starts_with("enabled");
        let on_demand = !self.triggered_by.is_empty() || self.kind == "dbus";
        self.transient == "yes"
            || (self.kind == "oneshot" && self.remains != "yes")
            || (on_demand && !enabled)
            || is_session(self.id)
    }
}

/// Units that come and go with people who log in and out.
fn is_session(id: &str) -> bool {
    ["user@", "getty@", "serial-getty@", "container-getty@"]
        .iter()
        .any(|start| id.starts_with(start))
        || id == "console-getty.service"
}

/// `[::]:22 (Stream)` listens on 22; paths and netlink sockets have no port.
fn listened_port(value: &str) -> Option<u16> {
    let (address, _) = value.rsplit_once(" (")?;
    address.rsplit_once(':')?.1.parse().ok()
}

fn number(text: &str) -> Result<u32, SystemdError> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| unreadable(text))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

pub(super) fn unreadable(line: &str) -> SystemdError {
    SystemdError::Unreadable {
        line: line.chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = include_str!("../../../tests/fixtures/systemd/12/show-before.txt");
    const AFTER: &str = include_str!("../../../tests/fixtures/systemd/12/show-after.txt");
    const TRIXIE: &str = include_str!("../../../tests/fixtures/systemd/13/show-before.txt");

    fn read(text: &str) -> Units {
        parse_show(text).expect("a real capture")
    }

    #[test]
    fn the_states_of_a_real_machine_are_read() {
        let units = read(BEFORE);
        let table = [
            ("nginx.service", "active (running)"),
            ("broken.service", "failed (exit-code)"),
            ("oldstyle.service", "active (running)"),
            ("postgresql.service", "active (exited)"),
            ("postgresql@15-main.service", "active (running)"),
            ("ssh.socket", "active (listening)"),
            ("ssh.service", "inactive (dead)"),
        ];
        for (name, expected) in table {
            assert_eq!(units[name].to_string(), expected, "{name}");
        }
        let nginx = &units["nginx.service"];
        assert_eq!(nginx.kind.as_deref(), Some("forking"));
        assert_eq!(
            nginx.fragment.as_deref(),
            Some("/lib/systemd/system/nginx.service")
        );
        assert!(nginx.main_pid.is_some());
        assert!(units["flapping.service"].restarts > 0);
        assert_eq!(units["ssh.socket"].listens, [22]);
    }

    #[test]
    fn a_failed_start_is_seen() {
        let nginx = &read(AFTER)["nginx.service"];
        assert_eq!(nginx.to_string(), "failed (exit-code)");
        assert_eq!(nginx.main_pid, None);
    }

    #[test]
    fn the_answer_of_a_later_systemd_is_read() {
        let units = read(TRIXIE);
        assert_eq!(units["nginx.service"].to_string(), "active (running)");
        assert_eq!(units["ssh.service"].to_string(), "active (running)");
    }

    #[test]
    fn what_may_come_to_rest_by_itself_is_told_from_what_shall_stay() {
        let units = read(BEFORE);
        let ephemeral = [
            "adhoc.service",
            "systemd-hostnamed.service",
            "apt-daily.service",
            "console-getty.service",
        ];
        for name in ephemeral {
            assert!(units[name].ephemeral, "{name}");
        }
        let steady = [
            "nginx.service",
            "ssh.service",
            "postgresql.service",
            "oldstyle.service",
            "cron.service",
            "ssh.socket",
        ];
        for name in steady {
            assert!(!units[name].ephemeral, "{name}");
        }
    }

    #[test]
    fn a_unit_that_is_only_mentioned_is_not_on_the_machine() {
        let text = "Id=a.service\nLoadState=not-found\nActiveState=inactive\n\n\n\
                    Id=b.service\nLoadState=not-found\nActiveState=active";
        let units = read(text);
        assert_eq!(units.keys().collect::<Vec<_>>(), ["b.service"]);
    }

    #[test]
    fn a_state_of_a_later_systemd_is_neither_up_nor_an_error() {
        let state = read("Id=a.service\nActiveState=dreaming\n")["a.service"].active;
        assert_eq!(state, ActiveState::Unknown);
        assert!(!state.is_up());
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_shows_it() {
        let table = [
            ("Failed to connect to bus", "Failed to connect to bus"),
            ("Id=a.service\nColour=red\n", "Colour=red"),
            ("ActiveState=active\n", "a unit without Id"),
            ("Id=a.service\n", "a.service without ActiveState"),
            ("Id=a.service\nActiveState=active\nNRestarts=many", "many"),
        ];
        for (text, shown) in table {
            let error = parse_show(text).expect_err(text).to_string();
            assert!(error.contains(shown), "{error}");
        }
    }
}
