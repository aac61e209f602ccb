//! Is this an order that may be carried out at all? Pure; what the package
//! manager has on offer is checked by its own simulation later.

use super::record::Past;
use crate::model::{Change, Errand, Order, PROTOCOL, Phase, Plan, Refusal, RunId};
use crate::policy::Pattern;

/// The largest order that is read, bytes; a plan of 10,000 packages is 1.5 MB.
pub(super) const ORDER_CAP: usize = 4 << 20;

/// What the order is held against.
#[derive(Debug)]
pub(super) struct Bounds<'a> {
    /// The run that is open in the record, if any.
    pub open: Option<RunId>,
    /// What the record says of the order's own run.
    pub past: &'a Past,
    /// What any policy of this machine lets a plan remove.
    pub removals: &'a [Pattern],
    /// Whether any policy of this machine lets it reboot.
    pub reboots: bool,
    /// Kernels that may go to make room on /boot, whatever policies say.
    pub spare: &'a Plan,
}

/// Refuses what breaks a rule; nothing was done yet.
pub(super) fn validate(order: &Order, bounds: &Bounds<'_>) -> Result<(), Refusal> {
    // One version so far; the next worker serves this one and its own.
    if order.protocol != PROTOCOL {
        return Err(invalid(format!(
            "it speaks protocol {}, and this worker serves {PROTOCOL}",
            order.protocol
        )));
    }
    if order.plan.digest() != order.digest {
        return Err(invalid(
            "its plan does not match its digest; it was cut short or altered".to_owned(),
        ));
    }
    if bounds.open.is_some_and(|open| open != order.run) && order.phase != Phase::Repair {
        return Err(Refusal::Busy { run: bounds.open });
    }
    in_turn(order, bounds.past)?;
    right_errand(order)?;
    match order.phase {
        Phase::Reboot if !bounds.reboots => Err(invalid(
            "it would reboot the machine, and every policy says `reboot = \"never\"`".to_owned(),
        )),
        phase if takes_plan(phase) && order.plan.is_empty() => {
            Err(invalid(format!("{phase} needs a plan, and it has none")))
        }
        phase if !takes_plan(phase) && !order.plan.is_empty() => {
            Err(invalid(format!("{phase} takes no plan")))
        }
        _ if order.plan.only_removes() => only_spare(&order.plan, bounds.spare),
        _ => order
            .plan
            .changes()
            .iter()
            .try_for_each(|change| allowed(change, bounds.removals)),
    }
}

/// Whether the phase comes where the record of its run says it may.
fn in_turn(order: &Order, past: &Past) -> Result<(), Refusal> {
    let (run, phase) = (order.run, order.phase);
    match past {
        Past::Over => Err(invalid(format!(
            "run {run} is over, and its record is closed"
        ))),
        Past::None if phase.stands_alone() || begins(phase) => Ok(()),
        Past::None => Err(invalid(format!(
            "a run begins with repair or refresh, and run {run} would with {phase}"
        ))),
        Past::Open { .. } if phase.stands_alone() => Err(invalid(format!(
            "{phase} belongs to no run, and run {run} has begun"
        ))),
        Past::Open {
            repaired: false, ..
        } if needs_repair(phase) => Err(invalid(format!(
            "run {run} has not repaired anything yet; repair comes before {phase}"
        ))),
        Past::Open { downloaded, .. }
            if needs_archives(phase)
                && !order.plan.only_removes()
                && !downloaded.contains(&order.digest) =>
        {
            Err(invalid(format!(
                "run {run} has not looked at this plan, nor fetched it; download comes before {phase}"
            )))
        }
        Past::Open { preserved, .. }
            if phase == Phase::Apply
                && !order.plan.only_removes()
                && !preserved.contains(&order.digest) =>
        {
            Err(invalid(format!(
                "run {run} has no restore point of this plan; restore-point comes before {phase}"
            )))
        }
        Past::Open { .. } => Ok(()),
    }
}

/// Whether a run may begin so; a person puts versions into quarantine without a run.
fn begins(phase: Phase) -> bool {
    matches!(phase, Phase::Repair | Phase::Refresh | Phase::Quarantine)
}

/// Whether the phase touches packages, or prepares for it.
fn needs_repair(phase: Phase) -> bool {
    matches!(phase, Phase::RestorePoint | Phase::Apply | Phase::RollBack)
}

/// Whether the phase works with a plan that was downloaded before.
fn needs_archives(phase: Phase) -> bool {
    matches!(phase, Phase::Rehearse | Phase::RestorePoint | Phase::Apply)
}

/// Whether the phase works with a plan at all.
fn takes_plan(phase: Phase) -> bool {
    needs_archives(phase) || phase == Phase::Download
}

/// A phase that needs an errand has its own, and no other has one.
fn right_errand(order: &Order) -> Result<(), Refusal> {
    let phase = order.phase;
    let needs = matches!(
        phase,
        Phase::RollBack | Phase::Restart | Phase::Reboot | Phase::Hook | Phase::Quarantine
    );
    match order.errand.as_ref().map(Errand::phase) {
        Some(its) if its == phase => Ok(()),
        None if !needs => Ok(()),
        Some(its) => Err(invalid(format!("{phase} has the errand of {its}"))),
        None => Err(invalid(format!("{phase} needs an errand, and it has none"))),
    }
}

/// A plan without an upgrade may only make room.
fn only_spare(plan: &Plan, spare: &Plan) -> Result<(), Refusal> {
    match plan
        .changes()
        .iter()
        .find(|change| !spare.changes().contains(change))
    {
        None => Ok(()),
        Some(change) => Err(invalid(format!(
            "it would remove {} for no upgrade",
            change.id
        ))),
    }
}

fn allowed(change: &Change, removals: &[Pattern]) -> Result<(), Refusal> {
    match (&change.from, &change.to) {
        (Some(from), Some(to)) if to <= from => Err(invalid(format!(
            "{change} is not an upgrade; patchd does not downgrade"
        ))),
        (Some(_), None)
            if !removals
                .iter()
                .any(|glob| glob.matches(change.id.name.as_str())) =>
        {
            Err(invalid(format!(
                "it would remove {}, which no policy's `removals` allows",
                change.id
            )))
        }
        (None, None) => Err(invalid(format!(
            "{} is neither installed nor to be installed",
            change.id
        ))),
        _ => Ok(()),
    }
}

fn invalid(detail: String) -> Refusal {
    Refusal::Invalid { detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PackageId, Plan, Task, Version};

    fn change(from: Option<&str>, to: Option<&str>) -> Change {
        let version = |text: &str| Version::try_from(text.to_owned()).expect("valid");
        Change {
            id: PackageId::parse("nginx", "amd64").expect("valid"),
            from: from.map(version),
            to: to.map(version),
        }
    }

    fn order(phase: Phase, changes: Vec<Change>) -> Order {
        Order::new(RunId::new(1, 1), Task::with_plan(phase, Plan::new(changes)))
    }

    fn begun(order: &Order) -> Past {
        Past::Open {
            repaired: true,
            downloaded: vec![order.plan.digest()],
            preserved: vec![order.plan.digest()],
        }
    }

    fn judge(order: &Order, open: Option<RunId>) -> Result<(), Refusal> {
        validate(
            order,
            &Bounds {
                open,
                past: &begun(order),
                removals: &[],
                reboots: false,
                spare: &Plan::default(),
            },
        )
    }

    #[test]
    fn an_upgrade_is_carried_out() {
        let order = order(
            Phase::Apply,
            vec![change(Some("1"), Some("2")), change(None, Some("1"))],
        );
        assert_eq!(judge(&order, Some(order.run)), Ok(()));
    }

    #[test]
    fn a_downgrade_and_a_removal_are_refused() {
        for bad in [
            change(Some("2"), Some("1")),
            change(Some("1"), Some("1")),
            change(Some("1"), None),
            change(None, None),
        ] {
            assert!(
                judge(&order(Phase::Apply, vec![bad.clone()]), None).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_removal_that_a_policy_allows_is_carried_out() {
        let removals = [Pattern::parse("ngin*").expect("valid")];
        let mut changes = vec![change(Some("1"), None), change(Some("1"), Some("2"))];
        changes[1].id = PackageId::parse("openssl", "amd64").expect("valid");
        let order = order(Phase::Apply, changes);
        assert_eq!(
            validate(
                &order,
                &Bounds {
                    open: None,
                    past: &begun(&order),
                    removals: &removals,
                    reboots: false,
                    spare: &Plan::default()
                }
            ),
            Ok(())
        );
    }

    #[test]
    fn a_removal_for_no_upgrade_may_only_be_a_spare_kernel() {
        let removals = [Pattern::parse("*").expect("valid")];
        let order = order(Phase::Apply, vec![change(Some("1"), None)]);
        let judge = |spare: &Plan| {
            validate(
                &order,
                &Bounds {
                    open: None,
                    past: &begun(&order),
                    removals: &removals,
                    reboots: false,
                    spare,
                },
            )
        };
        assert!(judge(&Plan::default()).is_err());
        assert_eq!(judge(&order.plan), Ok(()));
    }

    #[test]
    fn a_plan_that_was_altered_on_the_way_is_refused() {
        let mut order = order(Phase::Apply, vec![change(Some("1"), Some("2"))]);
        order.plan = Plan::new(vec![change(Some("1"), Some("3"))]);
        assert!(matches!(judge(&order, None), Err(Refusal::Invalid { .. })));
    }

    #[test]
    fn while_a_run_is_open_another_may_only_repair() {
        let open = Some(RunId::new(9, 9));
        assert_eq!(
            judge(&order(Phase::Refresh, vec![]), open),
            Err(Refusal::Busy { run: open })
        );
        assert_eq!(judge(&order(Phase::Repair, vec![]), open), Ok(()));
    }

    #[test]
    fn a_phase_has_its_turn() {
        let upgrade = || vec![change(Some("1"), Some("2"))];
        let over = Past::Over;
        let opened = Past::Open {
            repaired: true,
            downloaded: vec![],
            preserved: vec![],
        };
        let table = [
            (Phase::Repair, vec![], Past::None, true),
            (Phase::Takeover, vec![], Past::None, true),
            (Phase::Refresh, vec![], Past::None, true),
            (Phase::Verify, vec![], Past::None, false),
            (Phase::Apply, upgrade(), Past::None, false),
            (Phase::Refresh, vec![], opened.clone(), true),
            (Phase::Download, upgrade(), opened.clone(), true),
            (Phase::Apply, upgrade(), opened.clone(), false),
            (Phase::AcceptConfig, vec![], opened, false),
            (Phase::Verify, vec![], over.clone(), false),
            (Phase::Repair, vec![], over.clone(), false),
            (Phase::Apply, upgrade(), over, false),
        ];
        for (phase, changes, past, may) in table {
            let bounds = Bounds {
                open: None,
                past: &past,
                removals: &[],
                reboots: false,
                spare: &Plan::default(),
            };
            let judged = validate(&order(phase, changes), &bounds);
            assert_eq!(judged.is_ok(), may, "{phase} {past:?}: {judged:?}");
        }
    }

    #[test]
    fn a_plan_belongs_to_the_phases_that_use_one() {
        assert!(judge(&order(Phase::Apply, vec![]), None).is_err());
        assert!(
            judge(
                &order(Phase::Refresh, vec![change(Some("1"), Some("2"))]),
                None
            )
            .is_err()
        );
    }

    #[test]
    fn a_reboot_needs_a_policy_that_allows_one() {
        let until = jiff::Timestamp::MAX;
        let order = Order::new(RunId::new(1, 1), Task::on(Errand::Reboot { until }));
        for reboots in [false, true] {
            let bounds = Bounds {
                open: None,
                past: &begun(&order),
                removals: &[],
                reboots,
                spare: &Plan::default(),
            };
            assert_eq!(validate(&order, &bounds).is_ok(), reboots);
        }
    }

    #[test]
    fn another_protocol_is_refused_by_number() {
        let strange = Order {
            protocol: 7,
            ..order(Phase::Refresh, vec![])
        };
        let refusal = judge(&strange, None).expect_err("refused");
        assert!(refusal.to_string().contains("protocol 7"), "{refusal}");
    }
}
