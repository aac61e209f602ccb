//! Maintainer scripts at work. One that runs although nobody holds dpkg's lock
//! lost whoever started it; what it does, no repair may begin to do beside it.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::super::contract::Script;
use crate::os::process;

/// Where dpkg keeps the scripts, and where it unpacks those of a new version.
const FOLDERS: [&str; 2] = ["/var/lib/dpkg/info/", "/var/lib/dpkg/tmp.ci/"];

/// What the scripts are called.
const KINDS: [&str; 4] = ["preinst", "postinst", "prerm", "postrm"];

/// A script that runs on this machine, in no container of it.
pub fn running() -> Option<(u32, String)> {
    let mut running = process::all().into_iter().filter_map(|pid| {
        let script = script(&process::arguments(pid))?.to_owned();
        is_ours(pid).then_some((pid, script))
    });
    running.next()
}

/// Those that are at work below a process, each by its outermost interpreter.
pub fn below(pid: u32) -> Vec<Script> {
    let mut inner = BTreeSet::new();
    let mut found = Vec::new();
    for process in process::below(pid) {
        if inner.contains(&process) {
            continue;
        }
        if let Some(name) = script(&process::arguments(process.pid)) {
            inner.extend(process::below(process.pid));
            let name = name.to_owned();
            found.push(Script { process, name });
        }
    }
    found
}

/// The script among the arguments of its interpreter; options and debconf's
/// frontend may come before it.
fn script(arguments: &[String]) -> Option<&str> {
    arguments.iter().find_map(|argument| {
        let folder = FOLDERS.iter().find(|it| argument.starts_with(**it))?;
        let name = argument.strip_prefix(folder)?;
        let kind = name.rsplit('.').next()?;
        KINDS.contains(&kind).then_some(name)
    })
}

/// Whether the process sees the files that we see.
fn is_ours(pid: u32) -> bool {
    let root = |path: &Path| std::fs::metadata(path).map(|it| (it.dev(), it.ino())).ok();
    let theirs = root(&process::root(pid));
    theirs.is_some() && theirs == root(Path::new("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_told_by_its_interpreters_arguments() {
        let table = [
            (
                "/bin/sh /var/lib/dpkg/info/nginx.postinst configure 1.22",
                Some("nginx.postinst"),
            ),
            (
                "/bin/bash -e /var/lib/dpkg/tmp.ci/preinst upgrade 1.22",
                Some("preinst"),
            ),
            (
                "/usr/bin/perl -w /usr/share/debconf/frontend /var/lib/dpkg/info/libc6:amd64.postinst configure",
                Some("libc6:amd64.postinst"),
            ),
            ("less /var/lib/dpkg/info/nginx.list", None),
            ("/usr/sbin/nginx -g daemon", None),
            ("", None),
        ];
        for (line, expected) in table {
            let arguments: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(script(&arguments), expected, "{line}");
        }
    }

    #[tokio::test]
    async fn a_script_below_us_is_found_once_however_deep_it_is() {
        let own = std::process::id();
        assert_eq!(below(own), Vec::new());
        let name = "/var/lib/dpkg/info/lab.postinst";
        let mut outer = process::shell(&format!(
            "/bin/sh -c '/bin/sh -c \"sleep 60; :\" {name}; :' {name}; :"
        ));
        while process::below(outer.pid).len() < 3 {
            std::thread::yield_now();
        }
        let found = below(own);
        let inner = process::below(outer.pid);
        for inner in &inner {
            inner.ask_to_stop();
        }
        outer.wait(&mut || ()).await.expect("its child is gone");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].name, "lab.postinst");
        assert_eq!(Some(&found[0].process), inner.first());
    }

    #[test]
    fn our_own_process_is_on_this_machine() {
        assert!(is_ours(std::process::id()));
    }
}
