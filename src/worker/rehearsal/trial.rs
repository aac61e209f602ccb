//! One transaction in a jail.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::super::desk::Desk;
use crate::model::{Layer, Plan};
use crate::os::files::no_follow;
use crate::os::jail::{Bounds, Ended, How, Jail, JailError, Network, PROGRAM, View, Walls};
use crate::os::{jail, systemd};
use crate::rehearsal::{self, Check, Ending, Heard, Room, Script, Show};

/// Processes and threads; a large initramfs is made by dozens.
const TASKS: u32 = 512;

/// What is the same for all transactions of a rehearsal.
pub(super) struct Setting {
    /// The units of the machine as they are.
    pub units: systemd::Relations,
    /// What must pass after it if it passed before.
    pub checks: Vec<Check>,
    /// Where it writes, and how much it may have.
    pub room: Room,
    /// Where a layer on disk lies.
    pub layers: PathBuf,
}

/// What came of one.
pub(super) struct Trial {
    pub heard: Heard,
    pub ended: Ended,
    /// How long it may take.
    pub limit: Duration,
}

impl Trial {
    /// How the jail ended, for the judge.
    pub fn ending(&self) -> Ending {
        match self.ended.how {
            How::TimeLimit => Ending::TimeLimit(self.limit),
            How::Memory => Ending::Memory,
            How::Tasks => Ending::Tasks,
            How::Status(_) if self.ended.layer_full => Ending::LayerFull,
            How::Status(status) => Ending::Status(status),
        }
    }
}

/// Runs the plan, or a way back, in a jail; what it tells goes to the desk, and what it prints
/// to the run's log.
pub(super) async fn perform(
    setting: &Setting,
    plan: &Plan,
    way_back: Option<Value>,
    desk: &mut Desk<'_>,
) -> Result<Trial, JailError> {
    let limit = limit(plan);
    let script = Script {
        plan: plan.clone(),
        way_back,
        checks: setting.checks.clone(),
    };
    let files = rehearsal::laid(&script, &setting.units).map_err(|cause| JailError::Step {
        step: "write down what to do".to_owned(),
        reason: cause.to_string(),
    })?;
    let jail = Jail {
        view: View::Copy,
        layer: layer(setting),
        bounds: Bounds {
            memory: setting.room.memory_bytes,
            tasks: TASKS,
        },
        time_limit: limit,
        network: Network::None,
        walls: Walls::default(),
        is_ours: false,
        files: files.to_vec(),
    };
    let mut log = open_log(desk);
    let mut heard = Heard::default();
    let payload = [PROGRAM, "rehearsal-inside"].map(str::to_owned);
    let ended = jail
        .run(&payload, &mut |line| match heard.hear(line) {
            Some(Show::Progress(percent, doing)) => desk.progress(percent, &doing),
            Some(Show::Output(text)) => {
                // Without room for it the report still has the last words.
                if let Some(log) = &mut log {
                    let _full_disk = log.write_all(text.as_bytes());
                }
            }
            None => {}
        })
        .await?;
    Ok(Trial {
        heard,
        ended,
        limit,
    })
}

/// Twice what it usually takes; it is slower than the machine itself at most by half.
fn limit(plan: &Plan) -> Duration {
    let usual = plan.usual_duration().saturating_mul(2);
    Duration::try_from(usual).unwrap_or(Duration::MAX)
}

fn layer(setting: &Setting) -> jail::Layer {
    let bytes = setting.room.layer_bytes;
    match setting.room.layer {
        Layer::Memory => jail::Layer::Memory { bytes },
        Layer::Disk => jail::Layer::Disk {
            folder: setting.layers.clone(),
            bytes,
        },
    }
}

/// The same log that a transaction on the machine itself writes.
fn open_log(desk: &Desk<'_>) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let path = desk.folder().join("output.log");
    // The name may be a link to where logs are kept; the link is ours.
    let path = std::fs::canonicalize(&path).unwrap_or(path);
    let opened = File::options()
        .create(true)
        .append(true)
        .mode(0o640)
        .custom_flags(no_follow())
        .open(path);
    let mut log = opened.ok()?;
    let _full_disk = log.write_all(b"--- rehearsal: nothing below was done to this machine\n");
    Some(log)
}
