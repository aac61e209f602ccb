//! Rebooting the machine: whether it would come up again, who is asked before,
//! how often it may be, and what is booted when a new kernel does not come up. It
//! knows no run; that a machine is back is for others to see.

mod courtesy;
mod fallback;
mod grub;
mod guard;
mod past;

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::os::clock;
use crate::os::command::Runner;
use crate::os::systemd::{self, SystemdError};

use courtesy::{GRACE, Next, next};

pub use fallback::{Standing, Trial};
pub use grub::{Entry, Menu};
pub use guard::{incomplete, unsound};
pub use past::Past;

/// How often it is looked who is in the way.
const LOOK: Duration = Duration::from_secs(5);

/// Nobody is waited for longer, whatever the clock says meanwhile.
const PATIENCE: Duration = Duration::from_mins(45);

/// A logind that says nothing for this long says nothing at all.
const SILENCE: Duration = Duration::from_mins(1);

/// Tells whoever is logged in, and waits until nobody is in the way or `until`
/// has come. `waiting` hears of each one that is waited for, and says whether to
/// go on. The error is the sentence why the machine stays up; a question that
/// logind does not answer is one, too.
pub async fn ask_everybody(
    runner: &dyn Runner,
    until: Timestamp,
    waiting: &mut dyn FnMut(String) -> bool,
) -> Result<(), String> {
    let began = Instant::now();
    let mut told = false;
    loop {
        let waited = began.elapsed();
        let left = until.duration_since(clock::now());
        let left = Duration::try_from(left).unwrap_or_default();
        let left = left.min(PATIENCE.saturating_sub(waited));
        let seen = async {
            let inhibitors = systemd::inhibitors(runner).await?;
            Ok::<_, SystemdError>((inhibitors, systemd::sessions(runner).await?))
        };
        let next = match seen.await {
            Ok((inhibitors, sessions)) => next(&inhibitors, &sessions, waited, left),
            Err(fault) if left.is_zero() || waited >= SILENCE => Next::PutOff(format!(
                "patchd cannot tell who is logged in, or forbids it: {fault}; is dbus installed, does systemd-logind run?"
            )),
            Err(fault) => Next::Wait(format!("logind ({fault})")),
        };
        match next {
            Next::Go => return Ok(()),
            Next::PutOff(why) => return Err(why),
            Next::Wait(who) => {
                if !told {
                    let minutes = left.min(GRACE).as_secs().div_ceil(60);
                    systemd::wall(runner, &announcement(minutes)).await;
                    told = true;
                }
                if !waiting(who) {
                    return Err("patchd was asked to stop".to_owned());
                }
            }
        }
        tokio::time::sleep(LOOK.min(left)).await;
    }
}

fn announcement(minutes: u64) -> String {
    format!(
        "patchd: this machine reboots for its updates in {minutes} minutes, or once everybody has logged out. Please save your work and log out. To forbid it as long as a command runs: systemd-inhibit --what=shutdown COMMAND"
    )
}

#[cfg(test)]
mod tests;
