//! Having a shutdown wait for us, as far as it does.

use super::command::{Command, CommandError, Companion, Runner};

/// Below `/bin` it is found on merged and on split `/usr` alike.
const INHIBIT: &str = "/bin/systemd-inhibit";

/// Has logind delay a shutdown or reboot as long as the returned value lives:
/// a shutdown that is queued makes maintainer scripts fail. The lock belongs to
/// a process that ends with us, so none is left behind. Delay, never block: at
/// the end of `InhibitDelayMaxSec` the machine goes down all the same.
pub async fn delay(runner: &dyn Runner, why: &str) -> Result<Companion, CommandError> {
    let inhibit = Command::new(INHIBIT)
        .args(["--what=shutdown", "--mode=delay", "--who=patchd"])
        .args([&format!("--why={why}"), "/bin/cat"]);
    runner.accompany(&inhibit).await
}
