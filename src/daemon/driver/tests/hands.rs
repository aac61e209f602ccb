//! Hands for tests: they do to a fake package manager what the worker does to a
//! real one, remember it as the worker's record does, and fail when told to.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::daemon::hands::{Hands, Lost, Work};
use crate::model::{
    ApplyFailure, Installed, Order, Phase, Plan, Refusal, Rehearsal, Report, Restarted,
    RestorePoint, Verdict, WorkerEvent,
};
use crate::package_manager::PackageManager;
use crate::package_manager::fake::Fake;

/// What goes wrong with an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mishap {
    /// The worker dies before it has done anything.
    LostBefore,
    /// The worker dies when half of it is done.
    LostHalfway,
    /// The worker does it and dies before it can say so.
    LostAfter,
    /// The worker refuses.
    Refused(Refusal),
    /// It takes this long.
    Slow(Duration),
}

/// Hands and their memory, which outlives drivers.
#[derive(Debug)]
pub(super) struct FakeHands {
    machine: Fake,
    /// Each happens once, to the first order of its phase.
    pub mishaps: Vec<(Phase, Mishap)>,
    /// The phases that were ordered.
    pub orders: Vec<Phase>,
    interrupted: Option<Plan>,
    reported: Installed,
}

/// An order at work.
pub(super) struct FakeWork(VecDeque<Moment>);

enum Moment {
    Says(WorkerEvent),
    Takes(Duration),
    TakesUntil(Instant),
}

impl FakeHands {
    pub fn on(machine: &Fake) -> Self {
        Self {
            machine: machine.clone(),
            mishaps: Vec::new(),
            orders: Vec::new(),
            interrupted: None,
            reported: Installed::default(),
        }
    }

    pub fn with(mut self, phase: Phase, mishap: Mishap) -> Self {
        self.mishaps.push((phase, mishap));
        self
    }

    async fn perform(&mut self, phase: Phase, plan: &Plan) -> Report {
        let (machine, folder, quiet) = (&self.machine, Path::new("/nowhere"), &mut |_| {});
        match phase {
            Phase::Repair => {
                if let Some(plan) = self.interrupted.take() {
                    let settled = machine.settle(&plan, folder).await.expect("settled");
                    self.reported.changed = settled.changed;
                }
                Report::Repair {
                    sound: true,
                    steps: Vec::new(),
                    broken: machine.audit().await.expect("answered"),
                    installed: self.reported.clone(),
                }
            }
            Phase::Refresh => Report::Refresh {
                repositories: machine.refresh(folder, quiet).await.expect("fetched"),
            },
            Phase::Download => Report::Download {
                bytes: machine.download(plan, folder, quiet).await.expect("there"),
                culprits: Vec::new(),
                failure: None,
            },
            Phase::Apply => {
                let applied = machine
                    .apply(plan, folder, quiet)
                    .await
                    .expect("carried out");
                let culprits = applied.culprits;
                self.reported = Installed {
                    changed: applied.changed,
                    kept_conffiles: applied.kept_conffiles,
                };
                Report::Apply {
                    installed: self.reported.clone(),
                    failure: applied
                        .failure
                        .map(|summary| ApplyFailure { summary, culprits }),
                    own_upgrade: None,
                }
            }
            Phase::Rehearse => Report::Rehearse(Box::new(Rehearsal {
                verdict: Verdict::Passed,
                ..Rehearsal::default()
            })),
            Phase::RestorePoint => Report::RestorePoint(RestorePoint::default()),
            Phase::Restart => Report::Restart(Restarted::default()),
            Phase::Reboot => Report::Reboot { put_off: None },
            Phase::RollBack => Report::RollBack(Box::default()),
            Phase::Quarantine => Report::Quarantine {
                kept_away: Vec::new(),
            },
            Phase::Hook => Report::Hook { failure: None },
            Phase::Verify => Report::Verify {
                findings: Vec::new(),
                reboot_reasons: Vec::new(),
            },
            Phase::AcceptConfig | Phase::Takeover | Phase::GiveBack => {
                panic!("it belongs to no run")
            }
            Phase::Cleanup => Report::Cleanup,
        }
    }
}

impl Hands for FakeHands {
    type Work = FakeWork;

    async fn order(&mut self, order: &Order) -> Result<FakeWork, Lost> {
        // Written down, not begun: here a test may cut the driver short.
        tokio::task::yield_now().await;
        let phase = order.phase;
        self.orders.push(phase);
        let accepted = Moment::Says(WorkerEvent::Accepted { phase });
        let due = self.mishaps.iter().position(|(when, _)| *when == phase);
        let mishap = due.map(|index| self.mishaps.remove(index).1);
        let mut moments = VecDeque::new();
        match mishap {
            Some(Mishap::LostBefore) => return Err(Lost("nobody was there".to_owned())),
            Some(Mishap::Refused(refusal)) => {
                moments.push_back(Moment::Says(WorkerEvent::Refused { refusal }));
                return Ok(FakeWork(moments));
            }
            Some(Mishap::LostHalfway) => {
                if phase == Phase::Apply {
                    let half = order.plan.changes().len() / 2;
                    self.machine.apply_part(&order.plan, half);
                    self.interrupted = Some(order.plan.clone());
                }
                moments.push_back(accepted);
                return Ok(FakeWork(moments));
            }
            Some(Mishap::LostAfter) => {
                let _unheard = self.perform(phase, &order.plan).await;
                moments.push_back(accepted);
                return Ok(FakeWork(moments));
            }
            Some(Mishap::Slow(duration)) => moments.push_back(Moment::Takes(duration)),
            None => {}
        }
        let report = self.perform(phase, &order.plan).await;
        moments.push_front(accepted);
        moments.push_back(Moment::Says(WorkerEvent::Done { report }));
        Ok(FakeWork(moments))
    }
}

impl Work for FakeWork {
    async fn next(&mut self) -> Result<WorkerEvent, Lost> {
        // Done, not heard of: here a test may cut the driver short.
        tokio::task::yield_now().await;
        loop {
            match self.0.front() {
                None => {
                    return Err(Lost(
                        "it ended with status 137 before it reported".to_owned(),
                    ));
                }
                Some(Moment::Takes(duration)) => {
                    let until = Instant::now() + *duration;
                    self.0[0] = Moment::TakesUntil(until);
                }
                Some(Moment::TakesUntil(until)) => {
                    tokio::time::sleep_until(*until).await;
                    self.0.pop_front();
                }
                Some(Moment::Says(event)) => {
                    let event = event.clone();
                    self.0.pop_front();
                    return Ok(event);
                }
            }
        }
    }
}
