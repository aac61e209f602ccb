//! No parser panics, whatever it is given: any text, any lines, and real
//! captures with bytes changed, cut out, doubled or inserted.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::LazyLock;

use patchd::config::{self, Reader, Sources};
use patchd::feeds::{Format, PROTOCOL, Request, read};
use patchd::os::network::{
    Protocol, parse_ipv6_route, parse_port_range, parse_resolv_conf, parse_route, parse_sockets,
};
use patchd::os::systemd::{
    parse_inhibitors, parse_session_ids, parse_sessions, parse_show, parse_standings,
    unit_of_cgroup,
};
use patchd::package_manager::apt::parse::{
    apt_config, complaint, dpkg_status, package_index, policy, release, simulation, targets,
};
use patchd::package_manager::apt::{guard, status_fd};
use patchd::reboot::Menu;
use patchd::running::replaced_code;
use proptest::prelude::*;
use proptest::sample::Index;

/// Real captures that the mutations start from.
const CAPTURES: [&str; 38] = [
    include_str!("fixtures/systemd/12/show-before.txt"),
    include_str!("fixtures/systemd/13/show-before.txt"),
    include_str!("fixtures/systemd/cgroup-hybrid.txt"),
    include_str!("fixtures/running/12/maps-stale.txt"),
    include_str!("fixtures/running/13/maps-stale.txt"),
    include_str!("fixtures/running/13/show-standings.txt"),
    include_str!("fixtures/running/12/grub-saved.cfg"),
    include_str!("fixtures/network/tcp"),
    include_str!("fixtures/network/tcp6"),
    include_str!("fixtures/network/udp"),
    include_str!("fixtures/network/udp6"),
    include_str!("fixtures/network/route"),
    include_str!("fixtures/network/ipv6_route"),
    include_str!("fixtures/apt/12/box/dist-upgrade.txt"),
    include_str!("fixtures/apt/13/box/dist-upgrade.txt"),
    include_str!("fixtures/apt/12/box/install-removes.txt"),
    include_str!("fixtures/apt/12/box/install-unmet.txt"),
    include_str!("fixtures/apt/12/box/install-unmet.txt.err"),
    include_str!("fixtures/apt/13/box/install-unmet.txt.err"),
    include_str!("fixtures/apt/12/box/policy.txt"),
    include_str!("fixtures/apt/13/box/policy.txt"),
    include_str!("fixtures/apt/12/box/indextargets.txt"),
    include_str!("fixtures/apt/12/update/bad-signature.txt"),
    include_str!("fixtures/apt/12/apply/hook.txt"),
    include_str!("fixtures/apt/13/apply/hook.txt"),
    include_str!("fixtures/apt/12/apply/status-failing.txt"),
    include_str!("fixtures/apt/box-status"),
    include_str!("fixtures/apt/box-security-Packages"),
    include_str!("../config/patchd.toml"),
    include_str!("fixtures/feeds/debian-tracker/trimmed.json"),
    include_str!("fixtures/feeds/osv/ubuntu/UBUNTU-CVE-2021-3782.json"),
    include_str!("fixtures/feeds/osv/suse/openSUSE-SU-2016_1623-1.json"),
    include_str!("fixtures/feeds/kev/2022.json"),
    include_str!("fixtures/feeds/epss/2023-03-07.csv"),
    include_str!("fixtures/feeds/ssvc/lines.jsonl"),
    include_str!("fixtures/feeds/ssvc/records/CVE-2024-43468.json"),
    include_str!("fixtures/feeds/updateinfo/alma-baseos.xml"),
    include_str!("fixtures/feeds/updateinfo/amazon-2023-livepatch.xml"),
];

/// A folder in memory where there is one: the guard syncs its verdict.
static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    folder.expect("a folder")
});

fn write(name: &str, bytes: &[u8]) {
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(FOLDER.path().join(name)).expect("made");
    file.write_all(bytes).expect("written");
}

/// Every parser gets every text: being given the wrong file is a mutation too.
fn parse_everything(text: &str) {
    let _ = parse_show(text);
    let _ = unit_of_cgroup(text);
    let _ = parse_standings(text);
    let _ = parse_inhibitors(text);
    let _ = parse_session_ids(text);
    let _ = parse_sessions(text);
    let _ = replaced_code(text);
    let _ = Menu::parse(text);
    for protocol in [Protocol::Tcp, Protocol::Udp] {
        let _ = parse_sockets(protocol, text);
    }
    let _ = parse_port_range(text);
    let _ = parse_route(text);
    let _ = parse_ipv6_route(text);
    let _ = parse_resolv_conf(text);
    read_as_apt(text);
}

fn read_as_apt(text: &str) {
    let _ = apt_config::parse(text);
    let _ = complaint::parse(text, text);
    let _ = dpkg_status::parse(text);
    let _ = package_index::scan(&mut text.as_bytes(), &|_| true, &mut |_| {});
    let _ = policy::parse(text);
    let release = release::parse(text);
    let _ = (
        release.origin(),
        release.lists(text),
        release.lists_empty(text),
    );
    let _ = simulation::parse(text);
    for target in targets::parse(text).unwrap_or_default() {
        let _ = target.beside("InRelease");
    }
    let _ = status_fd::culprits(text);
    let _ = status_fd::failures(text);
    for line in text.lines() {
        let _ = status_fd::parse(line);
    }
}

fn sources() -> Sources {
    Sources {
        main: "/patchd.toml".into(),
        main_is_required: true,
        drop_ins: Vec::new(),
        root: FOLDER.path().to_owned(),
    }
}

/// Every reader of feeds; what one makes of it can be written.
fn read_as_feed(bytes: &[u8]) {
    for format in [
        Format::DebianTracker,
        Format::Osv,
        Format::Kev,
        Format::Epss,
        Format::Ssvc,
        Format::Updateinfo,
    ] {
        let request = Request {
            protocol: PROTOCOL,
            format,
            distribution: "ubuntu".to_owned(),
            version: "18.04".to_owned(),
            codename: "bullseye".to_owned(),
            channels: vec!["esm-apps".to_owned()],
            architectures: Vec::new(),
        };
        if let Ok(records) = read::read(&request, bytes) {
            let mut lines = records.lines();
            assert!(lines.all(|line| serde_json::to_string(&line).is_ok()));
        }
    }
}

/// These read files or bytes that need not be text.
fn read_bytes(bytes: &[u8]) {
    read_as_feed(bytes);
    let _ = package_index::scan(&mut &*bytes, &|_| true, &mut |_| {});
    write("plan.json", b"[]");
    let _ = guard::guard(&FOLDER.path().join("plan.json"), bytes);
    write("patchd.toml", bytes);
    let faults = config::check(&sources(), &Reader::this_process());
    let _ = (faults.render(true), faults.to_json());
}

/// One change to a text's bytes.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Double(Index, Index),
    Truncate(Index),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index| index.index(bytes.len() + 1);
        let range = |a: &Index, b: &Index| at(a).min(at(b))..at(a).max(at(b));
        match self {
            Self::Replace(index, byte) => {
                let at = at(index);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Self::Insert(index, more) => {
                let at = at(index);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Remove(a, b) => {
                bytes.drain(range(a, b));
            }
            Self::Double(a, b) => {
                let range = range(a, b);
                let again = bytes.get(range.clone()).unwrap_or_default().to_vec();
                bytes.splice(range.end..range.end, again);
            }
            Self::Truncate(index) => bytes.truncate(at(index)),
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    prop_oneof![
        (index(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (index(), prop::collection::vec(any::<u8>(), 1..40))
            .prop_map(|(at, more)| Mutation::Insert(at, more)),
        (index(), index()).prop_map(|(a, b)| Mutation::Remove(a, b)),
        (index(), index()).prop_map(|(a, b)| Mutation::Double(a, b)),
        index().prop_map(Mutation::Truncate),
    ]
}

/// Else the tests below would say nothing.
#[test]
fn what_is_sound_gets_through_to_its_parser() {
    write("plan.json", b"[]");
    let plan = FOLDER.path().join("plan.json");
    assert_eq!(guard::guard(&plan, &b"VERSION 3\n\n"[..]), Ok(()));
    write("patchd.toml", b"[verify]\nretries = 5\n");
    let faults = config::check(&sources(), &Reader::this_process());
    assert!(faults.is_valid(), "{faults}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        parse_everything(&String::from_utf8_lossy(&bytes));
        read_bytes(&bytes);
    }

    #[test]
    fn any_text(text in "(?s).{0,300}") {
        parse_everything(&text);
    }

    #[test]
    fn lines_of_words_that_occur(text in "([A-Z][a-zA-Z]{1,8}=|[0-9A-F]{8}|:|0A|07| |\t|\n|[a-zé.@/(]{1,4}){0,200}") {
        parse_everything(&text);
        parse_everything(&format!("heading\n{text}"));
    }

    #[test]
    fn lines_of_words_that_apt_says(text in "(Inst |Conf |Remv |Package: |Version: |Status: |pmstatus:|VERSION 3\n|\\[|\\]|\\(|\\)|:amd64|:|<|=| |\n|\n\n|[a-z.0-9é-]{1,6}|-){0,120}") {
        parse_everything(&text);
        read_bytes(text.as_bytes());
        read_bytes(format!("VERSION 3\n\n{text}").as_bytes());
    }

    #[test]
    fn real_captures_with_changes(
        capture in prop::sample::select(CAPTURES.to_vec()),
        mutations in prop::collection::vec(mutation(), 1..8),
    ) {
        let mut bytes = capture.as_bytes().to_vec();
        for mutation in &mutations {
            mutation.apply(&mut bytes);
        }
        parse_everything(&String::from_utf8_lossy(&bytes));
        read_bytes(&bytes);
    }
}
