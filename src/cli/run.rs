//! `patchd run --now`: the whole cycle in this very process, with the worker as
//! its child.

use tokio::io::AsyncReadExt;

use super::context::{Context, Trouble, is_root};
use super::json::RunDocument;
use super::progress::Progress;
use super::screen::Screen;
use crate::cycle::Mandate;
use crate::daemon::events::event;
use crate::daemon::{self, ChildWorker, Request, RunReport};
use crate::model::{ExitCode, Outcome, PackageName};
use crate::os::{environment, journal, signals};
use crate::package_manager::PackageManager;
use crate::policy::Asked;
use crate::state::Ledger;

/// Patches, shows how far it is, and exits with the outcome's code.
pub(super) async fn run(
    context: &Context,
    screen: &Screen,
    now: bool,
    policy: &str,
    packages: &[String],
) -> Result<ExitCode, Trouble> {
    if !now {
        let sentence = "schedules are not built yet, so there is no window to wait for; write `patchd run --now`";
        return Err(Trouble::usage(sentence.to_owned()));
    }
    if context.has_own_file() {
        let sentence = "a run is governed by the machine's own configuration, which the worker reads itself; put it into /etc/patchd, and try it with `patchd check --config FILE`";
        return Err(Trouble::usage(sentence.to_owned()));
    }
    if !is_root() {
        return Err(Trouble::not_permitted(
            "patching needs root; run it with sudo (`patchd check` works without)",
        ));
    }
    let asked = packages
        .iter()
        .map(|name| bare(name))
        .collect::<Result<Vec<_>, _>>()?;
    let parts = context.parts()?;
    for name in &asked {
        if parts.package_manager.versions_of(name).await?.is_empty() {
            let sentence =
                format!("{name} is not installed here; `patchd check` lists what is pending");
            return Err(Trouble::usage(sentence));
        }
    }
    let request = Request {
        origin: "now".to_owned(),
        mandate: Mandate::default(),
        policy: policy.to_owned(),
        asked: Asked(asked),
        asked_by: who(),
    };
    let mut progress = Progress::new(screen);
    let mut requests = signals::stop_requests().map_err(|cause| Trouble::failed(&cause))?;
    let stop = async move {
        let _byte = requests.read_u8().await;
    };
    let notify = &mut |notice: &daemon::Notice| progress.show(notice);
    let done = daemon::run(&parts, &mut ChildWorker, &request, notify, stop).await;
    progress.end();
    let report = done?;
    if screen.wants_json()
        && let Some(detail) = Ledger::open(&parts.paths.ledger())?.run(report.run)?
    {
        Screen::document(&RunDocument::from(&detail));
    } else if !screen.wants_json() {
        print(&report);
    }
    Ok(report.outcome.exit_code())
}

fn print(report: &RunReport) {
    for change in &report.state.course.changed {
        Screen::line(&format!("  {change}"));
    }
    Screen::line(&format!(
        "run {} {}: {}",
        report.run, report.outcome, report.summary
    ));
    match report.outcome {
        Outcome::Succeeded | Outcome::RebootOwed => {}
        Outcome::Partial | Outcome::NeedsHuman | Outcome::Failed => {
            Screen::line(&format!(
                "see `patchd history {0}` and `patchd logs {0}`",
                report.run
            ));
        }
        Outcome::Deferred | Outcome::Cloned => Screen::line("run it again when the reason is gone"),
    }
}

/// A package as somebody types it; all architectures of `name:architecture` are meant.
pub(super) fn bare(typed: &str) -> Result<PackageName, Trouble> {
    let name = typed.split_once(':').map_or(typed, |(name, _)| name);
    PackageName::try_from(name.to_owned()).map_err(|invalid| Trouble::usage(invalid.to_string()))
}

/// A run that never began is told where runs are told: no skip in silence. On
/// standard error the sentence itself is enough.
pub(super) fn tell_skipped(trouble: &Trouble) {
    if journal::is_journal() {
        let reason = trouble.code.reason();
        event!(
            SKIPPED as Error,
            PATCHD_REASON = reason,
            "no run: {}",
            trouble.sentence
        );
    }
}

/// Who asked: the user behind sudo, else the user.
fn who() -> String {
    environment::sudo_user().unwrap_or_else(|| match rustix::process::getuid() {
        uid if uid.is_root() => "root".to_owned(),
        uid => format!("uid {}", uid.as_raw()),
    })
}
