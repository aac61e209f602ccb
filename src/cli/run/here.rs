//! A run without a daemon: the whole cycle in this very process.

use jiff::Timestamp;
use serde_json::Value;
use tokio::io::AsyncReadExt;

use super::super::answerer::ask;
use super::super::arguments::RunArguments;
use super::super::context::{Context, Trouble, is_root};
use super::super::engine::who;
use super::super::progress::Progress;
use super::super::screen::Screen;
use crate::config::Settings;
use crate::control::Question;
use crate::control::document::{Schedules, Window};
use crate::cycle::Mandate;
use crate::daemon::{self, ChildWorker, Hands, Request, SocketWorker, answer};
use crate::model::{ExitCode, PackageName};
use crate::os::signals;
use crate::package_manager::PackageManager;
use crate::policy::Asked;
use crate::state::Ledger;

/// Patches at once; nobody is here to wait for a window.
pub(super) async fn run(
    context: &Context,
    screen: &Screen,
    wish: &RunArguments,
    packages: Vec<PackageName>,
) -> Result<Value, Trouble> {
    allowed(context)?;
    if !wish.now {
        return Err(no_window(context, wish).await?);
    }
    let request = Request {
        origin: Request::BY_HAND.to_owned(),
        mandate: Mandate::default(),
        policy: policy(&context.load()?.settings, wish)?,
        asked: Asked(packages),
        asked_by: who(),
    };
    drive(context, screen, &request).await
}

/// Root may, and whom root's command has started as the ledger's user.
fn allowed(context: &Context) -> Result<(), Trouble> {
    if is_root() || context.orders.is_some() {
        return Ok(());
    }
    Err(Trouble::not_permitted(
        "this needs root; run it with sudo (`patchd check` works without)",
    ))
}

/// Drives a run in this process, and returns its document. The worker is started
/// by whoever listens for our orders, or is a child of ours.
pub(in crate::cli) async fn drive(
    context: &Context,
    screen: &Screen,
    request: &Request,
) -> Result<Value, Trouble> {
    allowed(context)?;
    match &context.orders {
        Some(socket) => {
            let mut worker = SocketWorker::at(socket.clone());
            drive_with(context, screen, request, &mut worker).await
        }
        None => drive_with(context, screen, request, &mut ChildWorker).await,
    }
}

async fn drive_with<H: Hands>(
    context: &Context,
    screen: &Screen,
    request: &Request,
    hands: &mut H,
) -> Result<Value, Trouble> {
    let parts = context.parts()?;
    for name in &request.asked.0 {
        if parts.package_manager.versions_of(name).await?.is_empty() {
            let sentence =
                format!("{name} is not installed here; `patchd check` lists what is pending");
            return Err(Trouble::usage(sentence));
        }
    }
    let mut progress = Progress::new(screen, "ends it before its next phase");
    let mut requests = signals::stop_requests().map_err(|cause| Trouble::failed(&cause))?;
    let stop = async move {
        let _byte = requests.read_u8().await;
    };
    let notify = &mut |notice: &daemon::Notice| progress.show(&answer::notice(notice).told);
    let done = daemon::run(&parts, hands, request, notify, stop).await;
    progress.end();
    let ledger = Ledger::open(&parts.paths.ledger())?;
    Ok(answer::run(&ledger, done?.run)?)
}

/// The policy that is named, else that of the schedule that is.
fn policy(settings: &Settings, wish: &RunArguments) -> Result<String, Trouble> {
    let Some(name) = &wish.schedule else {
        let policy = wish.policy.clone();
        return Ok(policy.unwrap_or_else(|| "default".to_owned()));
    };
    let schedules = &settings.schedules.schedules;
    let unknown = || {
        let known: Vec<&str> = schedules.keys().map(String::as_str).collect();
        Trouble::usage(format!(
            "there is no schedule {name:?}; there is {}",
            known.join(", ")
        ))
    };
    let schedule = schedules.get(name).ok_or_else(unknown)?;
    Ok(schedule.policy.clone())
}

/// Says when the next window would open.
async fn no_window(context: &Context, wish: &RunArguments) -> Result<Trouble, Trouble> {
    let question = Question::Schedule {
        name: wish.schedule.clone(),
        from: None,
        count: Some(1),
    };
    let (_, schedules) = ask::<Schedules>(context, question).await?;
    let each = schedules.schedules.iter();
    let firsts = each.filter_map(|it| Some((&it.name, it.windows.first()?)));
    let starts = |(_, window): &(&String, &Window)| window.starts.parse::<Timestamp>().ok();
    let next = match firsts.min_by_key(starts) {
        Some((name, window)) => format!(
            "the next window, of schedule {name}, starts at {}",
            window.starts
        ),
        None => "no schedule opens a window".to_owned(),
    };
    Ok(Trouble {
        sentence: format!(
            "there is no daemon here to wait for a window ({next}); `patchd run --now` does not wait"
        ),
        code: ExitCode::Deferred,
    })
}
