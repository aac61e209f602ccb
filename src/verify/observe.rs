//! Looks at the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::observation::{Attempt, Observation, Resolver, Seen};
use super::probe;
use super::settings::{Probe, Settings};
use crate::os::command::Runner;
use crate::os::systemd::Units;
use crate::os::{network, systemd};

/// A socket that does not last this long is no service.
const LASTING: Duration = Duration::from_millis(500);

/// More names than this say nothing more about the resolver, and each may take
/// its whole timeout.
const NAMES: usize = 3;

/// The machine as it is now. `names` should resolve on a machine in order, such
/// as the hosts of its repositories; without any, the resolver stays unknown.
pub async fn observe(settings: &Settings, runner: &dyn Runner, names: &[String]) -> Observation {
    observe_below(Path::new("/"), settings, runner, names).await
}

async fn observe_below(
    root: &Path,
    settings: &Settings,
    runner: &dyn Runner,
    names: &[String],
) -> Observation {
    let units = units(root, runner).await;
    let programs = units
        .known()
        .map(|units| programs(root, units))
        .unwrap_or_default();
    let listeners = network::listeners(root, tokio::time::sleep(LASTING)).await;
    Observation {
        units,
        programs,
        listeners: listeners.into(),
        routes: network::default_routes(root).into(),
        resolver: resolver(root, runner, names).await,
        probes: probes(&settings.probes, runner).await,
    }
}

async fn units(root: &Path, runner: &dyn Runner) -> Seen<Units> {
    if systemd::is_running(root) {
        systemd::units(runner).await.into()
    } else {
        Seen::Unknown("systemd does not run this machine".to_owned())
    }
}

/// What the main processes run; a program that was replaced meanwhile is still
/// known by its old name.
fn programs(root: &Path, units: &Units) -> BTreeMap<String, String> {
    units
        .iter()
        .filter_map(|(name, unit)| {
            let link = root.join(format!("proc/{}/exe", unit.main_pid?));
            let program = std::fs::read_link(link).ok()?;
            let program = program.to_str()?;
            let program = program.strip_suffix(" (deleted)").unwrap_or(program);
            Some((name.clone(), program.to_owned()))
        })
        .collect()
}

/// The first name that resolves is proof enough.
async fn resolver(root: &Path, runner: &dyn Runner, names: &[String]) -> Resolver {
    let mut seen = Resolver {
        servers: network::resolvers(root).unwrap_or_default(),
        ..Resolver::default()
    };
    for name in names.iter().take(NAMES) {
        // A lookup that cannot even be started says nothing about names.
        let Ok(works) = network::resolves(runner, name).await else {
            continue;
        };
        seen.asked.push(name.clone());
        if works {
            seen.resolved = Some(name.clone());
            break;
        }
    }
    seen
}

async fn probes(probes: &[Probe], runner: &dyn Runner) -> BTreeMap<String, Attempt> {
    let mut attempts = BTreeMap::new();
    for probe in probes {
        attempts.insert(probe.name.clone(), probe::attempt(probe, runner).await);
    }
    attempts
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::os::command::{Answer, Command, CommandError, Output};

    const SHOW: &str = include_str!("../../tests/fixtures/systemd/12/show-before.txt");

    /// Answers questions by the last of their arguments, and remembers them.
    struct Recorded {
        answers: Vec<(&'static str, i32, &'static str)>,
        asked: RefCell<Vec<String>>,
    }

    impl Runner for Recorded {
        fn ask<'a>(&'a self, question: &'a Command) -> Answer<'a, Result<Output, CommandError>> {
            let argv = question.argv().join(" ");
            let (_, status, stdout) = self
                .answers
                .iter()
                .find(|(end, ..)| argv.ends_with(end))
                .unwrap_or_else(|| panic!("unexpected question: {argv}"));
            self.asked.borrow_mut().push(argv);
            let output = Output {
                status: *status,
                stdout: stdout.as_bytes().to_vec(),
                stderr: Vec::new(),
            };
            Box::pin(async move { Ok(output) })
        }
    }

    fn recorded(answers: &[(&'static str, i32, &'static str)]) -> Recorded {
        Recorded {
            answers: answers.to_vec(),
            asked: RefCell::default(),
        }
    }

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        let put = |file: &str, text: &str| {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            crate::os::files::replace(&path, text.as_bytes(), 0o600).expect("written");
        };
        put("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
        put(
            "proc/net/tcp",
            include_str!("../../tests/fixtures/network/tcp"),
        );
        put(
            "proc/net/udp",
            include_str!("../../tests/fixtures/network/udp"),
        );
        put(
            "proc/net/route",
            include_str!("../../tests/fixtures/network/route"),
        );
        put("etc/resolv.conf", "nameserver 192.0.2.53\n");
        put("run/systemd/system/.keep", "");
        root
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_is_seen_as_its_files_and_its_systemd_tell() {
        let root = machine();
        let main = format!("proc/{}", main_pid_of("nginx.service"));
        std::fs::create_dir_all(root.path().join(&main)).expect("made");
        let exe = root.path().join(main).join("exe");
        std::os::unix::fs::symlink("/usr/sbin/nginx (deleted)", exe).expect("a link");
        let runner = recorded(&[
            (" *", 0, SHOW),
            ("-- a.example", 2, ""),
            ("-- b.example", 0, ""),
        ]);
        let names = ["a.example", "b.example", "c.example"].map(str::to_owned);
        let seen = observe_below(root.path(), &Settings::default(), &runner, &names).await;
        let units = seen.units.known().expect("systemd runs");
        assert!(units["nginx.service"].active.is_up());
        assert_eq!(seen.programs["nginx.service"], "/usr/sbin/nginx");
        assert_eq!(seen.listeners.known().expect("readable").len(), 5);
        assert_eq!(seen.routes.known().expect("readable").len(), 1);
        assert_eq!(seen.resolver.servers.len(), 1);
        assert_eq!(seen.resolver.asked, ["a.example", "b.example"]);
        assert_eq!(seen.resolver.resolved.as_deref(), Some("b.example"));
        assert_eq!(runner.asked.borrow().len(), 3);
    }

    fn main_pid_of(unit: &str) -> u32 {
        let units = systemd::parse_show(SHOW).expect("a real capture");
        units[unit].main_pid.expect("it runs")
    }

    #[tokio::test(start_paused = true)]
    async fn without_systemd_nothing_is_asked_and_units_are_unknown() {
        let root = tempfile::tempdir().expect("a folder");
        let seen = observe_below(root.path(), &Settings::default(), &recorded(&[]), &[]).await;
        assert_eq!(seen.units.known(), None);
        assert_eq!(seen.listeners.known(), None);
        assert_eq!(seen.resolver, Resolver::default());
    }

    #[tokio::test(start_paused = true)]
    async fn a_systemd_that_refuses_is_unknown_with_its_words() {
        let root = machine();
        let runner = recorded(&[(" *", 1, "Failed to connect to bus\n")]);
        let seen = observe_below(root.path(), &Settings::default(), &runner, &[]).await;
        let Seen::Unknown(reason) = seen.units else {
            panic!("known");
        };
        assert!(reason.contains("Failed to connect to bus"), "{reason}");
    }

    #[tokio::test]
    async fn this_very_machine_can_be_observed() {
        let seen = observe(&Settings::default(), &crate::os::command::System, &[]).await;
        assert!(seen.listeners.known().is_some(), "{:?}", seen.listeners);
        assert!(seen.routes.known().is_some(), "{:?}", seen.routes);
    }
}
