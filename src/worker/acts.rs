//! The phases that stand alone: runs of their own, which patch nothing.

use std::path::Path;

use jiff::Timestamp;

use super::tools::{Done, Tools};
use super::{LAST_GOOD, TAKEOVER};
use crate::config::{self, KeepError, Reader};
use crate::model::{Refusal, Report, RunId};
use crate::os::clock;
use crate::takeover::{self, TakeoverError};

impl<P> Tools<'_, P> {
    /// Looks at the configuration itself, and keeps it when it is sound.
    pub fn accept_config(&self) -> Done {
        let folder = self.root.join(LAST_GOOD);
        match config::keep(self.sources, &folder, &Reader::this_process()) {
            Ok(_) => Ok(Report::AcceptConfig { faults: None }),
            Err(KeepError::Faults(faults)) => Ok(Report::AcceptConfig {
                faults: Some(faults.to_string()),
            }),
            Err(fault) => Err(Refusal::Unable {
                detail: fault.to_string(),
            }),
        }
    }

    /// Switches off whoever else would patch this machine.
    pub async fn take_over(&self) -> Done {
        let record = self.root.join(TAKEOVER);
        takeover::take_over(self.runner, Path::new("/"), &record, clock::now())
            .await
            .map(Report::Takeover)
            .map_err(|fault| half_way(&fault))
    }

    /// Undoes that.
    pub async fn give_back(&self) -> Done {
        takeover::give_back(self.runner, &self.root.join(TAKEOVER))
            .await
            .map(Report::GiveBack)
            .map_err(|fault| half_way(&fault))
    }
}

fn half_way(fault: &TakeoverError) -> Refusal {
    Refusal::Unable {
        detail: format!("{fault}; then do it again, it goes on where it stopped"),
    }
}

/// An id for a run of our own.
pub(super) fn fresh_id(now: Timestamp) -> RunId {
    let mut random = [0; 16];
    // The first 256 bytes or less are never cut short once the pool is ready.
    let _filled = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty());
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
    RunId::new(now, u128::from_le_bytes(random))
}
