//! The whole look and the whole plan over invented packages, one obstacle each:
//! real answers of apt, replayed (`tests/fixtures/apt/box.sh`).

mod pending;
mod plan;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::{PackageId, Pending, Version};
use crate::os::command::replay::Replay;
use crate::package_manager::{Settings, Wanted};

use super::view::View;
use super::{Apt, questions};

/// What one release of apt says.
struct Said<'a> {
    dist_upgrade: &'a str,
    upgrade: &'a str,
    targets: &'a str,
    policy: &'a str,
    removes: &'a str,
    replaces: &'a str,
    unmet: [&'a str; 2],
    install: &'a str,
}

macro_rules! said {
    ($release:literal) => {
        Said {
            dist_upgrade: said!($release, "dist-upgrade.txt"),
            upgrade: said!($release, "upgrade.txt"),
            targets: said!($release, "indextargets.txt"),
            policy: said!($release, "policy.txt"),
            removes: said!($release, "install-removes.txt"),
            replaces: said!($release, "install-replaces.txt"),
            unmet: [
                said!($release, "install-unmet.txt"),
                said!($release, "install-unmet.txt.err"),
            ],
            install: said!($release, "install.txt"),
        }
    };
    ($release:literal, $name:literal) => {
        include_str!(concat!(
            "../../../../tests/fixtures/apt/",
            $release,
            "/box/",
            $name
        ))
    };
}

const TWELVE: Said<'static> = said!("12");
const THIRTEEN: Said<'static> = said!("13");

/// All three are `[trusted=yes]`.
const TRUST: &str = "file:/srv/box/repo/\t./\tyes\nfile:/srv/box/security/\t./\tyes\nfile:/srv/box/backports/\t./\tyes\n";

const INDEXES: [(&str, &str, &str); 3] = [
    (
        "repo",
        "Origin: Example\nLabel: Example\nCodename: twelve\n",
        include_str!("../../../../tests/fixtures/apt/box-Packages"),
    ),
    (
        "security",
        "Label: Example-Security\nCodename: twelve-security\nValid-Until: Mon, 23 Nov 2026 10:00:00 UTC\n",
        include_str!("../../../../tests/fixtures/apt/box-security-Packages"),
    ),
    (
        "backports",
        "Label: Example Backports\nCodename: twelve-backports\nNotAutomatic: yes\n",
        include_str!("../../../../tests/fixtures/apt/box-backports-Packages"),
    ),
];

pub(super) struct Machine {
    folder: tempfile::TempDir,
    pub(super) view: View,
}

impl Machine {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("state/lists")).expect("made");
        put(
            &at("status"),
            include_str!("../../../../tests/fixtures/apt/box-status"),
        );
        for (name, release, packages) in INDEXES {
            let prefix = format!("state/lists/_srv_box_{name}_._");
            put(&at(&format!("{prefix}Release")), release);
            put(&at(&format!("{prefix}Packages")), packages);
        }
        let view = View {
            native: "amd64".to_owned().try_into().expect("valid"),
            distribution: "example".to_owned(),
            status: at("status"),
            lists: at("state/lists"),
            state: at("state"),
            configuration: Vec::new(),
            preferences: at("preferences.d"),
            others_pins: None,
            pins: false,
            own_cache: None,
        };
        Self { folder, view }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Every question of a look with obstacles, and no other.
    fn answers(&self, said: &Said<'_>, left: &[PackageId]) -> Replay {
        self.answers_with(said, left, TRUST)
    }

    fn answers_with(&self, said: &Said<'_>, left: &[PackageId], trust: &str) -> Replay {
        let home = self.folder.path().to_string_lossy();
        let view = &self.view;
        Replay::new()
            .answer(
                &questions::index_targets(view),
                0,
                &said.targets.replace("/srv/box", &home),
                "",
            )
            .answer(
                &questions::trust(view),
                0,
                &trust.replace("/srv/box", &home),
                "",
            )
            .answer(&questions::dist_upgrade(view), 0, said.dist_upgrade, "")
            .answer(&questions::policy(view, left), 0, said.policy, "")
            .answer(&questions::upgrade(view), 0, said.upgrade, "")
            .answer(&install(view, "wants-conflict"), 0, said.removes, "")
            .answer(&install(view, "replaced-user"), 0, said.replaces, "")
            .answer(
                &install(view, "wants-missing"),
                100,
                said.unmet[0],
                said.unmet[1],
            )
    }

    async fn look(&self, said: &Said<'_>) -> Pending {
        let apt = Apt::new(Box::new(self.answers(said, &left())), Settings::default());
        let stock = apt.stock_in(&self.view, noon()).await;
        stock.expect("an answer").pending
    }
}

/// What the solver leaves behind.
fn left() -> [PackageId; 4] {
    ["held", "phased", "pinned", "wants-missing"].map(|name| id(name, "amd64"))
}

fn put(path: &Path, text: &str) {
    let mut file = File::create(path).expect("made");
    file.write_all(text.as_bytes()).expect("written");
}

fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().expect("valid")
}

fn id(name: &str, architecture: &str) -> PackageId {
    PackageId::parse(name, architecture).expect("valid")
}

fn wanted(name: &str, architecture: &str) -> Wanted {
    Wanted {
        id: id(name, architecture),
        version: Version::try_from("1.1".to_owned()).expect("valid"),
    }
}

fn install(view: &View, name: &str) -> crate::os::command::Command {
    questions::install(view, &[wanted(name, "amd64")])
}
