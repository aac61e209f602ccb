//! The state of each installed package under one policy.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::model::{CveId, Decision, Exception, PackageId, Tier, Version};

/// As AWS Systems Manager names them, and two more. In the order of gravity: of
/// several that apply the first one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// The policy wants the update, and it could not be installed.
    Failed,
    /// The policy wants the update, and it is not installed yet.
    Missing,
    /// A security update is on offer that the policy does not want, or not yet.
    AvailableSecurityUpdate,
    /// What is installed is kept away or rejected by now.
    InstalledRejected,
    /// Installed; a reboot is owed for it.
    InstalledPendingReboot,
    /// Installed; something still runs the old code.
    RunningStale,
    /// Nobody can tell whether it is vulnerable.
    Unknown,
    /// Installed, and up to date by the policy.
    Installed,
    /// Installed, and of no interest to the policy.
    InstalledOther,
}

/// What is known of one installed package under one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and they go together in every way"
)]
pub struct Facts {
    /// Which package.
    pub package: PackageId,
    /// What is on disk.
    pub installed: Version,
    /// What the policy makes of its pending update; `None` where none is pending.
    pub decision: Option<Decision>,
    /// Whether the pending update closes something.
    pub security: bool,
    /// Whether the last attempt to install it did not work.
    pub failed: bool,
    /// Whether some rule of the policy would install updates of this package.
    pub selected: bool,
    /// Whether the version on disk is rejected, or in quarantine.
    pub kept_away: bool,
    /// Whether a reboot is owed for what is on disk.
    pub reboot_owed: bool,
    /// Units that still run what was on disk before.
    pub stale_units: Vec<String>,
    /// Whether feeds can tell about it: false for third-party packages, without a
    /// feed, with a stale one, after the end of life.
    pub known: bool,
    /// Vulnerabilities that are open in it.
    pub open: Vec<Open>,
}

/// A vulnerability that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Open {
    /// Which.
    pub cve: CveId,
    /// How urgent.
    pub tier: Tier,
    /// Until when its fix must be live; `None` where there is none to be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// One package, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Which package.
    #[serde(flatten)]
    pub package: PackageId,
    /// What is on disk.
    pub installed: Version,
    /// The state.
    pub state: State,
    /// Whether all is as the policy and its deadlines want it.
    pub compliant: bool,
    /// Why it is in that state, a few words.
    pub reason: String,
    /// The most urgent of what is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// What is open, the most urgent first.
    pub open: Vec<Open>,
    /// How many of them are past their day.
    pub overdue: usize,
    /// What the operator lives with among them.
    pub excepted: Vec<CveId>,
}

/// All packages of a machine under one policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Name and version of this shape.
    pub schema: &'static str,
    /// The machine.
    pub host: String,
    /// The policy.
    pub policy: String,
    /// When it was looked at.
    pub at: Timestamp,
    /// Every package, the gravest state first.
    pub items: Vec<Item>,
    /// What the operator lives with, as long as it holds.
    pub exceptions: Vec<Exception>,
}

impl Report {
    /// Judges all of it.
    #[must_use]
    pub fn new(
        host: &str,
        policy: &str,
        facts: &[Facts],
        exceptions: &[Exception],
        at: Timestamp,
    ) -> Self {
        let today = at.to_zoned(TimeZone::UTC).date();
        let held: Vec<Exception> = exceptions
            .iter()
            .filter(|it| it.holds_on(today))
            .cloned()
            .collect();
        let mut items: Vec<Item> = facts.iter().map(|facts| judge(facts, &held, at)).collect();
        items.sort_by(|a, b| {
            let key = |item: &Item| (item.state, item.tier.unwrap_or(Tier::P4));
            key(a).cmp(&key(b)).then_with(|| a.package.cmp(&b.package))
        });
        Self {
            schema: "patchd/compliance/1",
            host: host.to_owned(),
            policy: policy.to_owned(),
            at,
            items,
            exceptions: held,
        }
    }

    /// How many packages are in a state.
    #[must_use]
    pub fn count(&self, state: State) -> usize {
        self.items.iter().filter(|item| item.state == state).count()
    }

    /// Those that are not as they should be.
    pub fn wanting(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| !item.compliant)
    }
}

/// The state of one package, and whether that is as it should be. An exception
/// hides nothing and stops no clock: it is named beside what it is about.
#[must_use]
pub fn judge(facts: &Facts, exceptions: &[Exception], now: Timestamp) -> Item {
    let (state, reason) = state(facts);
    let mut open = facts.open.clone();
    open.sort_by_key(|it| (it.tier, it.due.unwrap_or(Timestamp::MAX), it.cve));
    let is_overdue = |it: &&Open| it.due.is_some_and(|due| due < now);
    let overdue = open.iter().filter(is_overdue).count();
    let is_excepted = |cve: &CveId| exceptions.iter().any(|it| it.cve == *cve);
    Item {
        package: facts.package.clone(),
        installed: facts.installed.clone(),
        state,
        compliant: overdue == 0 && state.is_compliant(),
        reason,
        tier: open.first().map(|it| it.tier),
        excepted: open.iter().map(|it| it.cve).filter(is_excepted).collect(),
        open,
        overdue,
    }
}

fn state(facts: &Facts) -> (State, String) {
    let told = |state, reason: &str| (state, reason.to_owned());
    match facts.decision {
        Some(_) if facts.failed => told(State::Failed, "the last attempt did not work"),
        Some(Decision::Install) => told(State::Missing, "the next run installs the update"),
        Some(Decision::Blocked) => told(State::Missing, "something stands in the update's way"),
        Some(decision) if facts.security => (
            State::AvailableSecurityUpdate,
            format!("a security update is {decision}"),
        ),
        _ if facts.kept_away => told(State::InstalledRejected, "this version is kept away by now"),
        _ if facts.reboot_owed => told(State::InstalledPendingReboot, "a reboot is owed"),
        _ if !facts.stale_units.is_empty() => (
            State::RunningStale,
            format!("old code runs in {}", facts.stale_units.join(", ")),
        ),
        _ if !facts.known => told(State::Unknown, "no feed can tell"),
        Some(decision) => (State::InstalledOther, format!("an update is {decision}")),
        None if facts.selected => told(State::Installed, "up to date"),
        None => told(State::InstalledOther, "no rule is about it"),
    }
}

impl State {
    /// All of them, the gravest first.
    pub const ALL: [Self; 9] = [
        Self::Failed,
        Self::Missing,
        Self::AvailableSecurityUpdate,
        Self::InstalledRejected,
        Self::InstalledPendingReboot,
        Self::RunningStale,
        Self::Unknown,
        Self::Installed,
        Self::InstalledOther,
    ];

    /// Whether it is as it should be, as long as nothing is past its day. What the
    /// policy has put off is; what nobody can tell is not.
    fn is_compliant(self) -> bool {
        matches!(
            self,
            Self::Installed | Self::InstalledOther | Self::AvailableSecurityUpdate
        )
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Missing => "MISSING",
            Self::AvailableSecurityUpdate => "AVAILABLE_SECURITY_UPDATE",
            Self::InstalledRejected => "INSTALLED_REJECTED",
            Self::InstalledPendingReboot => "INSTALLED_PENDING_REBOOT",
            Self::RunningStale => "RUNNING_STALE",
            Self::Unknown => "UNKNOWN",
            Self::Installed => "INSTALLED",
            Self::InstalledOther => "INSTALLED_OTHER",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::compliance) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    pub(in crate::compliance) fn cve(number: u32) -> CveId {
        CveId::try_from(format!("CVE-2026-{number:04}")).expect("valid")
    }

    /// A package of which nothing is to be said.
    pub(in crate::compliance) fn facts(name: &str) -> Facts {
        Facts {
            package: PackageId::parse(name, "amd64").expect("valid"),
            installed: Version::try_from("1.0-1".to_owned()).expect("valid"),
            decision: None,
            security: true,
            failed: false,
            selected: true,
            kept_away: false,
            reboot_owed: false,
            stale_units: Vec::new(),
            known: true,
            open: Vec::new(),
        }
    }

    pub(in crate::compliance) fn open(number: u32, tier: Tier, due: Option<i64>) -> Open {
        Open {
            cve: cve(number),
            tier,
            due: due.map(at),
        }
    }

    #[test]
    fn each_package_has_the_gravest_state_that_applies() {
        use Decision::{Blocked, Held, Install, NotSelected, Quarantined, Soaking};
        type Change = fn(&mut Facts);
        let none: Change = |_| {};
        let table: [(Option<Decision>, Change, State, bool); 16] = [
            (None, none, State::Installed, true),
            (None, |it| it.selected = false, State::InstalledOther, true),
            (None, |it| it.known = false, State::Unknown, false),
            (
                None,
                |it| it.reboot_owed = true,
                State::InstalledPendingReboot,
                false,
            ),
            (
                None,
                |it| it.stale_units.push("a.service".into()),
                State::RunningStale,
                false,
            ),
            (
                None,
                |it| it.kept_away = true,
                State::InstalledRejected,
                false,
            ),
            (
                None,
                |it| (it.known, it.reboot_owed) = (false, true),
                State::InstalledPendingReboot,
                false,
            ),
            (Some(Install), none, State::Missing, false),
            (Some(Install), |it| it.failed = true, State::Failed, false),
            (
                Some(Install),
                |it| it.reboot_owed = true,
                State::Missing,
                false,
            ),
            (Some(Blocked), none, State::Missing, false),
            (Some(Soaking), none, State::AvailableSecurityUpdate, true),
            (Some(Held), none, State::AvailableSecurityUpdate, true),
            (
                Some(Quarantined),
                none,
                State::AvailableSecurityUpdate,
                true,
            ),
            (
                Some(NotSelected),
                |it| it.security = false,
                State::InstalledOther,
                true,
            ),
            (
                Some(Held),
                |it| (it.security, it.known) = (false, false),
                State::Unknown,
                false,
            ),
        ];
        for (index, (decision, change, state, compliant)) in table.into_iter().enumerate() {
            let mut facts = facts("aa");
            facts.decision = decision;
            change(&mut facts);
            let item = judge(&facts, &[], at(0));
            assert_eq!((item.state, item.compliant), (state, compliant), "{index}");
        }
    }

    #[test]
    fn what_is_past_its_day_is_not_compliant_whatever_else_holds() {
        let mut facts = facts("aa");
        facts.open = vec![
            open(3, Tier::P2, None),
            open(1, Tier::P2, Some(100)),
            open(2, Tier::P0, Some(200)),
        ];
        let exception = Exception {
            cve: cve(1),
            reason: "not loaded".to_owned(),
            owner: "ops".to_owned(),
            until: "2027-03-01".parse().expect("a day"),
        };
        let exceptions = [exception];
        for (now, overdue) in [(99, 0), (100, 0), (101, 1), (201, 2)] {
            let item = judge(&facts, &exceptions, at(now));
            assert_eq!(
                (item.overdue, item.compliant),
                (overdue, overdue == 0),
                "{now}"
            );
            // It is named, and hides nothing.
            assert_eq!(item.excepted, [cve(1)]);
            let order: Vec<u32> = item.open.iter().map(|it| it.cve.number()).collect();
            assert_eq!(order, [2, 1, 3]);
        }
    }

    #[test]
    fn an_exception_that_has_ended_is_not_shown() {
        let exception = |until: &str| Exception {
            cve: cve(1),
            reason: "not loaded".to_owned(),
            owner: "ops".to_owned(),
            until: until.parse().expect("a day"),
        };
        let exceptions = [exception("1970-01-01"), exception("1969-12-31")];
        let report = Report::new("web1", "default", &[facts("aa")], &exceptions, at(0));
        assert_eq!(report.exceptions.len(), 1);
    }

    #[test]
    fn a_state_is_written_as_it_is_shown() {
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).expect("JSON"), state.as_str());
        }
    }
}
