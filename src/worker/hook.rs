//! The hook phase: the operator's programs of one point.

use std::collections::BTreeSet;

use super::desk::Desk;
use super::log::{LINK, log_file};
use super::tools::{Done, Tools};
use crate::hooks::{self, Facts};
use crate::model::{HookPoint, Outcome, PackageName, Plan, Report};

impl<P> Tools<'_, P> {
    /// Runs them in order. What they print goes to the run's log.
    pub async fn hook(
        &self,
        desk: &mut Desk<'_>,
        point: HookPoint,
        outcome: Option<Outcome>,
    ) -> Done {
        desk.progress(0, &format!("running the programs of {point}"));
        let folder = desk.folder();
        let log = log_file(self.logs, desk.run());
        let plans = desk.record().begun().chain(desk.record().ordered());
        let packages: BTreeSet<&PackageName> = plans
            .flat_map(Plan::changes)
            .map(|change| &change.id.name)
            .collect();
        let facts = Facts {
            point,
            run: desk.run(),
            packages: packages.into_iter().collect(),
            outcome,
            log: &log,
        };
        let failure = hooks::run(&self.rules.hooks, &facts, &folder.join(LINK)).await;
        Ok(Report::Hook { failure })
    }
}
