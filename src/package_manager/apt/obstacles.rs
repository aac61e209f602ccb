//! The whole look and the whole plan over invented packages, one obstacle each:
//! real answers of apt, replayed (`tests/fixtures/apt/box.sh`).

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Block, PackageId, Pending, PendingUpdate, RepositoryState, Version};
use crate::os::command::replay::Replay;
use crate::package_manager::{Fault, Settings, Wanted};

use super::view::View;
use super::{Apt, questions};

/// What one release of apt says.
struct Said {
    dist_upgrade: &'static str,
    upgrade: &'static str,
    targets: &'static str,
    policy: &'static str,
    removes: &'static str,
    replaces: &'static str,
    unmet: [&'static str; 2],
    install: &'static str,
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
            "../../../tests/fixtures/apt/",
            $release,
            "/box/",
            $name
        ))
    };
}

const TWELVE: Said = said!("12");
const THIRTEEN: Said = said!("13");

const INDEXES: [(&str, &str, &str); 3] = [
    (
        "repo",
        "Label: Example\nCodename: twelve\n",
        include_str!("../../../tests/fixtures/apt/box-Packages"),
    ),
    (
        "security",
        "Label: Example-Security\nCodename: twelve-security\nValid-Until: Mon, 23 Nov 2026 10:00:00 UTC\n",
        include_str!("../../../tests/fixtures/apt/box-security-Packages"),
    ),
    (
        "backports",
        "Label: Example Backports\nCodename: twelve-backports\nNotAutomatic: yes\n",
        include_str!("../../../tests/fixtures/apt/box-backports-Packages"),
    ),
];

struct Machine {
    folder: tempfile::TempDir,
    view: View,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("state/lists")).expect("made");
        put(
            &at("status"),
            include_str!("../../../tests/fixtures/apt/box-status"),
        );
        for (name, release, packages) in INDEXES {
            let prefix = format!("state/lists/_srv_box_{name}_._");
            put(&at(&format!("{prefix}Release")), release);
            put(&at(&format!("{prefix}Packages")), packages);
        }
        let view = View {
            native: "amd64".to_owned().try_into().expect("valid"),
            status: at("status"),
            lists: at("state/lists"),
            state: at("state"),
            configuration: Vec::new(),
            own_cache: None,
        };
        Self { folder, view }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Every question of a look with obstacles, and no other.
    fn answers(&self, said: &Said) -> Replay {
        let home = self.folder.path().to_string_lossy();
        let view = &self.view;
        let left = ["held", "phased", "pinned", "wants-missing"].map(|name| id(name, "amd64"));
        Replay::new()
            .answer(
                &questions::index_targets(view),
                0,
                &said.targets.replace("/srv/box", &home),
                "",
            )
            .answer(&questions::dist_upgrade(view), 0, said.dist_upgrade, "")
            .answer(&questions::policy(view, &left), 0, said.policy, "")
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

    async fn look(&self, said: &Said) -> Pending {
        let apt = Apt::new(Box::new(self.answers(said)), Settings::default());
        apt.pending_in(&self.view, noon()).await.expect("an answer")
    }
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

fn update<'a>(pending: &'a Pending, name: &str) -> Option<&'a PendingUpdate> {
    pending
        .updates
        .iter()
        .find(|update| update.id.name.as_str() == name)
}

fn block(pending: &Pending, name: &str) -> Option<Block> {
    update(pending, name).expect("pending").blocked.clone()
}

fn removal(name: &str) -> Block {
    let packages = vec![name.to_owned().try_into().expect("valid")];
    Block::Removal { packages }
}

#[tokio::test]
async fn every_obstacle_is_called_by_its_name() {
    for said in [TWELVE, THIRTEEN] {
        let pending = Machine::new().look(&said).await;
        let expected = [
            ("held", Some(Block::Hold)),
            ("pinned", Some(Block::Pin)),
            ("phased", Some(Block::Phasing)),
            ("wants-missing", Some(Block::Dependency)),
            ("wants-conflict", Some(removal("victim"))),
            ("replaced-user", Some(removal("replaced-lib"))),
            ("plain", None),
            ("grows", None),
            ("everywhere", None),
        ];
        for (name, expected) in expected {
            assert_eq!(block(&pending, name), expected, "{name}");
        }
        assert_eq!(pending.updates.len(), 13);
    }
}

#[tokio::test]
async fn what_only_backports_offer_is_not_pending() {
    let pending = Machine::new().look(&TWELVE).await;
    assert!(update(&pending, "backported").is_none());
}

#[tokio::test]
async fn a_security_fix_behind_a_newer_version_is_on_offer() {
    let pending = Machine::new().look(&TWELVE).await;
    let update = update(&pending, "hidden-fix").expect("pending");
    let offers: Vec<_> = update
        .offers
        .iter()
        .map(|offer| (offer.version.as_str(), offer.security()))
        .collect();
    assert_eq!(offers, [("1.2", Some(false)), ("1.1", Some(true))]);
    assert_eq!(update.candidate.as_str(), "1.2");
}

#[tokio::test]
async fn a_version_has_all_its_origins_and_its_own_source() {
    let pending = Machine::new().look(&TWELVE).await;
    let update = update(&pending, "plain").expect("pending");
    let offer = update.offers.first().expect("the candidate");
    assert_eq!(offer.origins.len(), 2);
    assert_eq!(offer.download_bytes, Some(4096));
    assert_eq!(update.source.as_str(), "plain-source");
}

#[tokio::test]
async fn two_architectures_of_a_name_are_two_updates() {
    let pending = Machine::new().look(&TWELVE).await;
    let ids: Vec<String> = pending
        .updates
        .iter()
        .filter(|update| ["both", "everywhere"].contains(&update.id.name.as_str()))
        .map(|update| update.id.to_string())
        .collect();
    assert_eq!(ids, ["both:amd64", "both:i386", "everywhere:all"]);
}

#[tokio::test]
async fn an_index_that_is_cut_or_gone_makes_the_look_incomplete() {
    let machine = Machine::new();
    assert!(machine.look(&TWELVE).await.complete);
    put(
        &machine.path("state/lists/_srv_box_backports_._Packages"),
        "<html>\n",
    );
    let pending = machine.look(&TWELVE).await;
    assert!(!pending.complete);
    assert_eq!(pending.gaps.len(), 1);
}

#[tokio::test]
async fn what_apt_could_not_read_is_a_gap() {
    let machine = Machine::new();
    let complaint = "W: Unable to read /etc/apt/preferences.d/ - opendir (13: Permission denied)\n";
    let gaps = super::gaps::in_configuration(&machine.view, complaint.as_bytes());
    let sentence = "cannot read /etc/apt/preferences.d; run as root to see all of it";
    assert_eq!(gaps.into_iter().collect::<Vec<_>>(), [sentence]);
}

#[tokio::test]
async fn repositories_are_named_in_order_and_an_expired_one_is_told() {
    let machine = Machine::new();
    let apt = Apt::new(Box::new(machine.answers(&TWELVE)), Settings::default());
    let later = noon() + Duration::from_hours(24 * 4);
    let pending = apt
        .pending_in(&machine.view, later)
        .await
        .expect("an answer");
    let ids: Vec<&str> = pending
        .repositories
        .iter()
        .map(|it| it.id.as_str())
        .collect();
    assert!(
        ids.first().is_some_and(|id| id.ends_with("/repo ./")),
        "{ids:?}"
    );
    let security = pending.repositories.get(1).expect("three");
    assert_eq!(security.state, RepositoryState::Expired);
    assert!(
        security
            .advice
            .as_ref()
            .is_some_and(|it| it.contains("2026-11-23"))
    );
}

#[tokio::test]
async fn a_repository_that_was_never_fetched_is_missing() {
    let machine = Machine::new();
    for name in ["Release", "Packages"] {
        let path = format!("state/lists/_srv_box_backports_._{name}");
        std::fs::remove_file(machine.path(&path)).expect("there");
    }
    let pending = machine.look(&TWELVE).await;
    let backports = pending.repositories.get(2).expect("three");
    assert_eq!(backports.state, RepositoryState::Missing);
    assert_eq!(backports.age_seconds, None);
}

#[tokio::test]
async fn a_plan_brings_along_what_it_needs() {
    let machine = Machine::new();
    let wanted = [
        wanted("plain", "amd64"),
        wanted("everywhere", "all"),
        wanted("grows", "amd64"),
        wanted("both", "i386"),
    ];
    let question = questions::install(&machine.view, &wanted);
    let runner = Replay::new().answer(&question, 0, TWELVE.install, "");
    let apt = Apt::new(Box::new(runner), Settings::default());
    let plan = apt.plan_in(&machine.view, &wanted).await.expect("a plan");
    let lines: Vec<String> = plan.changes().iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "both:amd64 1.0 -> 1.1",
            "both:i386 1.0 -> 1.1",
            "everywhere:all 1.0 -> 1.1",
            "grows:amd64 1.0 -> 1.1",
            "newcomer:amd64 new 1.0",
            "plain:amd64 1.0 -> 1.1",
        ]
    );
}

#[tokio::test]
async fn a_removal_is_a_line_of_the_plan() {
    let machine = Machine::new();
    let question = install(&machine.view, "wants-conflict");
    let runner = Replay::new().answer(&question, 0, TWELVE.removes, "");
    let apt = Apt::new(Box::new(runner), Settings::default());
    let wanted = [wanted("wants-conflict", "amd64")];
    let plan = apt.plan_in(&machine.view, &wanted).await.expect("a plan");
    let removed = plan.changes().first().expect("the victim");
    assert!(removed.is_removal());
    assert_eq!(removed.to_string(), "victim:amd64 1.0 removed");
}

#[tokio::test]
async fn what_cannot_be_installed_is_unsolvable_and_named() {
    let machine = Machine::new();
    let question = install(&machine.view, "wants-missing");
    let runner = Replay::new().answer(&question, 100, TWELVE.unmet[0], TWELVE.unmet[1]);
    let apt = Apt::new(Box::new(runner), Settings::default());
    let wanted = [wanted("wants-missing", "amd64")];
    let fault = apt
        .plan_in(&machine.view, &wanted)
        .await
        .expect_err("no plan");
    assert!(
        matches!(&fault, Fault::Unsolvable { packages, .. } if packages.len() == 1),
        "{fault}"
    );
}

#[tokio::test]
async fn a_plan_without_what_was_asked_for_is_none() {
    let machine = Machine::new();
    let question = install(&machine.view, "plain");
    let runner = Replay::new().answer(&question, 0, TWELVE.removes, "");
    let apt = Apt::new(Box::new(runner), Settings::default());
    let wanted = [wanted("plain", "amd64")];
    let fault = apt
        .plan_in(&machine.view, &wanted)
        .await
        .expect_err("no plan");
    assert!(matches!(fault, Fault::Unsolvable { .. }), "{fault}");
}
