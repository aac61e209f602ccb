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

/// Whose the process is, and the name of that unit if it has one.
pub(super) fn owner(pid: u32, cgroup: &str, foreign_namespace: bool) -> (Owner, Option<String>) {
    let unit = unit_of_cgroup(cgroup).map(str::to_owned);
    if pid == 1 {
        return (Owner::Manager, Some(MANAGER.to_owned()));
    }
    if foreign_namespace || is_container(cgroup) {
        return (Owner::Container, unit.or_else(|| last_part(cgroup)));
    }
    match unit {
        Some(unit) if is_persons(&unit) => (Owner::User, Some(unit)),
        Some(unit) => (Owner::Service, Some(unit)),
        None => (Owner::Nobody, None),
    }
}

/// A scope is what somebody else started and only told systemd about.
fn is_persons(unit: &str) -> bool {
    type_of(unit) == "scope" || unit.starts_with("user@")
}

fn is_container(cgroup: &str) -> bool {
    paths(cgroup)
        .flat_map(|path| path.split('/'))
        .any(is_container_part)
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

    #[test]
    fn a_process_is_its_services_its_persons_or_its_containers() {
        let table = [
            (
                7,
                "0::/system.slice/nginx.service\n",
                Owner::Service,
                "nginx.service",
            ),
            (
                7,
                "1:name=systemd:/system.slice/cron.service\n0::/\n",
                Owner::Service,
                "cron.service",
            ),
            (
                7,
                "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n",
                Owner::Service,
                "postgresql@15-main.service",
            ),
            (
                7,
                "0::/user.slice/user-0.slice/session-3.scope\n",
                Owner::User,
                "session-3.scope",
            ),
            (
                7,
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.service\n",
                Owner::User,
                "user@1000.service",
            ),
            (1, "0::/init.scope\n", Owner::Manager, MANAGER),
            (
                7,
                "0::/system.slice/docker-0af1.scope\n",
                Owner::Container,
                "docker-0af1.scope",
            ),
            (
                7,
                "4:memory:/docker/0af1\n1:name=systemd:/docker/0af1\n",
                Owner::Container,
                "docker",
            ),
            (
                7,
                "0::/machine.slice/libpod-0af1.scope/container\n",
                Owner::Container,
                "libpod-0af1.scope",
            ),
            (
                7,
                "0::/system.slice/web.service/libpod-payload-0af1\n",
                Owner::Container,
                "web.service",
            ),
            (
                7,
                "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-0af1.scope\n",
                Owner::Container,
                "cri-containerd-0af1.scope",
            ),
            (
                7,
                "0::/kubepods/burstable/pod1/0af1\n",
                Owner::Container,
                "kubepods",
            ),
            (
                7,
                "0::/lxc.payload.web/system.slice/cron.service\n",
                Owner::Container,
                "cron.service",
            ),
            (
                7,
                "0::/machine.slice/machine-web.scope/payload/init.scope\n",
                Owner::Container,
                "machine-web.scope",
            ),
            (
                7,
                "0::/system.slice/docker.service\n",
                Owner::Service,
                "docker.service",
            ),
            (
                7,
                "0::/system.slice/lxc-net.service\n",
                Owner::Service,
                "lxc-net.service",
            ),
            (
                7,
                "0::/system.slice/systemd-machined.service\n",
                Owner::Service,
                "systemd-machined.service",
            ),
        ];
        for (pid, cgroup, whose, unit) in table {
            assert_eq!(
                owner(pid, cgroup, false),
                (whose, Some(unit.to_owned())),
                "{cgroup}"
            );
        }
        for cgroup in ["0::/\n", "", "nonsense"] {
            assert_eq!(owner(7, cgroup, false), (Owner::Nobody, None), "{cgroup}");
        }
    }

    #[test]
    fn a_process_with_pids_of_its_own_is_a_containers_whatever_its_unit() {
        let cgroup = "0::/system.slice/web.service\n";
        let expected = (Owner::Container, Some("web.service".to_owned()));
        assert_eq!(owner(7, cgroup, true), expected);
        assert_eq!(owner(7, "0::/\n", true), (Owner::Container, None));
    }
}
