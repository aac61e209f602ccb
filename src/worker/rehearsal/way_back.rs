//! A way back is tried before it is gone, by the very code that goes it.

use std::time::Duration;

use super::super::desk::Desk;
use super::super::phases::unable;
use super::super::tools::Tools;
use super::trial;
use crate::model::{Plan, Refusal, Verdict};
use crate::package_manager::PackageManager;
use crate::rehearsal::{self, Judgement};
use crate::restore::{self, WayBack};

/// How often it is looked whether we are to stop: what is tried here may end at
/// any moment.
const LOOK: Duration = Duration::from_millis(200);

impl<P: PackageManager> Tools<'_, P> {
    /// What the way back would do, tried in a throw-away view of this machine;
    /// changes nothing.
    pub(in crate::worker) async fn try_way_back(
        &self,
        desk: &mut Desk<'_>,
        way: &WayBack,
    ) -> Result<Option<Judgement>, Refusal> {
        let held = self.stand_still(desk).await?;
        let judged = tokio::select! {
            judged = self.judge_way_back(desk, way) => judged?,
            stopping = self.asked_to_stop() => return Err(stopping),
        };
        Ok((!held.was_disturbed()).then_some(judged))
    }

    async fn judge_way_back(
        &self,
        desk: &mut Desk<'_>,
        way: &WayBack,
    ) -> Result<Judgement, Refusal> {
        let plan = Plan::new(way.course.changes().cloned().collect());
        let unpacked = restore::unpacked(self.site, way).map_err(|cause| unable(&cause))?;
        let setting = match self.setting(rehearsal::predicted(&plan, unpacked)).await? {
            Ok(setting) => setting,
            Err(no_room) => return Ok(unproven(no_room)),
        };
        let way = serde_json::to_value(way).map_err(|cause| unable(&cause))?;
        Ok(
            match trial::perform(&setting, &plan, Some(way), desk).await {
                Ok(trial) => rehearsal::judge(&trial.heard, trial.ending()),
                Err(error) => unproven(error.to_string()),
            },
        )
    }

    async fn asked_to_stop(&self) -> Refusal {
        loop {
            if let Err(stopping) = self.goes_on() {
                return stopping;
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

fn unproven(summary: String) -> Judgement {
    Judgement {
        verdict: Verdict::Unproven,
        summary,
        culprits: Vec::new(),
    }
}
