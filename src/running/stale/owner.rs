//! Whose a process is, out of its cgroups. Pure.

use crate::model::Owner;
use crate::os::systemd::{type_of, unit_of_cgroup};

/// systemd's own processes are one, and in no unit of their own.
const MANAGER: &str = "systemd (PID 1)";

/// What the control groups of containers are called, by their beginning.
const CONTAINERS: [&str; 12] = [
    "docker-",
    "docker",
    "libpod",
    "crio-",
    "cri-containerd-",
    "nerdctl-",
    "buildkit",
    "kubepods",
    "lxc.payload",
    "lxc",
    "garden",
    "machine-",
];

/// What is known of the machine that processes are looked at on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings {
    /// systemd runs it.
    pub systemd: bool,
    /// We are in a container ourselves, and so is everybody we see.
    pub contained: bool,
}

/// Whose the process is, and the name of that unit if it has one. One that has
/// its pid in a namespace of another than ours is `foreign`.
pub(super) fn owner(
    pid: u32,
    cgroup: &str,
    foreign: bool,
    around: Surroundings,
) -> (Owner, Option<String>) {
    let unit = unit_of_cgroup(cgroup).map(str::to_owned);
    if pid == 1 && around.systemd {
        return (Owner::Manager, Some(MANAGER.to_owned()));
    }
    if foreign || (is_container(cgroup) && !around.contained) {
        return (Owner::Container, unit.or_else(|| last_part(cgroup)));
    }
    match unit {
        Some(unit) if is_persons(&unit) => (Owner::User, Some(unit)),
        Some(unit) if around.systemd => (Owner::Service, Some(unit)),
        _ => (Owner::Nobody, None),
    }
}

/// Whether these are the control groups of a container.
pub(super) fn is_container(cgroup: &str) -> bool {
    paths(cgroup)
        .flat_map(|path| path.split('/'))
        .any(is_container_part)
}

/// A scope is what somebody else started and only told systemd about.
fn is_persons(unit: &str) -> bool {
    type_of(unit) == "scope" || unit.starts_with("user@")
}

/// `docker-0af….scope` and `docker`, but neither `docker.service` nor a slice
/// that somebody called so.
fn is_container_part(part: &str) -> bool {
    let starts = CONTAINERS.iter().any(|start| part.starts_with(start));
    match type_of(part) {
        "service" | "socket" | "mount" => false,
        "slice" => part.starts_with("kubepods"),
        _ => starts,
    }
}

fn last_part(cgroup: &str) -> Option<String> {
    let mut parts = paths(cgroup).flat_map(|path| path.rsplit('/'));
    let part = parts.find(|part| is_container_part(part))?;
    Some(part.to_owned())
}

fn paths(cgroup: &str) -> impl Iterator<Item = &str> {
    cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Surroundings = Surroundings {
        systemd: true,
        contained: false,
    };

    fn seen(pid: u32, cgroup: &str) -> (Owner, Option<String>) {
        owner(pid, cgroup, false, MACHINE)
    }

    #[test]
    fn a_process_is_its_services_its_persons_or_its_containers() {
        let services = [
            "/system.slice/nginx.service",
            "/system.slice/system-postgresql.slice/postgresql@15-main.service",
            "/system.slice/docker.service",
            "/system.slice/lxc-net.service",
            "/docker-apps.slice/web.service",
        ];
        let people = [
            "/user.slice/user-0.slice/session-3.scope",
            "/user.slice/user-1000.slice/user@1000.service/app.slice/a.service",
        ];
        let containers = [
            "/system.slice/docker-0af1.scope",
            "/machine.slice/libpod-0af1.scope/container",
            "/system.slice/web.service/libpod-payload-0af1",
            "/kubepods.slice/kubepods-pod1.slice/cri-containerd-0af1.scope",
            "/kubepods/burstable/pod1/0af1",
            "/lxc.payload.web/system.slice/cron.service",
            "/machine.slice/machine-web.scope/payload/init.scope",
        ];
        let table = [
            (Owner::Service, &services[..]),
            (Owner::User, &people),
            (Owner::Container, &containers),
        ];
        for (whose, paths) in table {
            for path in paths {
                let (owner, unit) = seen(7, &format!("0::{path}\n"));
                assert_eq!(owner, whose, "{path}");
                assert!(unit.is_some_and(|unit| path.contains(&unit)), "{path}");
            }
        }
        let manager = (Owner::Manager, Some(MANAGER.to_owned()));
        assert_eq!(seen(1, "0::/init.scope\n"), manager);
        for cgroup in ["0::/\n", "", "nonsense"] {
            assert_eq!(seen(7, cgroup), (Owner::Nobody, None), "{cgroup}");
        }
    }

    #[test]
    fn the_older_hierarchies_tell_the_same() {
        let cron = "4:memory:/a\n1:name=systemd:/system.slice/cron.service\n0::/\n";
        let expected = (Owner::Service, Some("cron.service".to_owned()));
        assert_eq!(seen(7, cron), expected);
        let container = "4:memory:/docker/0af1\n1:name=systemd:/docker/0af1\n";
        assert_eq!(seen(7, container).0, Owner::Container);
    }

    #[test]
    fn a_process_with_pids_of_its_own_is_a_containers_whatever_its_unit() {
        let cgroup = "0::/system.slice/web.service\n";
        let expected = (Owner::Container, Some("web.service".to_owned()));
        assert_eq!(owner(7, cgroup, true, MACHINE), expected);
        assert_eq!(owner(7, "0::/\n", true, MACHINE), (Owner::Container, None));
    }

    #[test]
    fn in_a_container_its_own_processes_are_nobodys() {
        let inside = Surroundings {
            systemd: false,
            contained: true,
        };
        for pid in [1, 7] {
            let whose = owner(pid, "0::/docker/0af1\n", false, inside);
            assert_eq!(whose, (Owner::Nobody, None), "{pid}");
        }
        let nested = owner(7, "0::/docker/0af1\n", true, inside);
        assert_eq!(nested.0, Owner::Container);
    }
}
