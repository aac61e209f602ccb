//! `patchd rollback`: what a run has replaced comes back.

use super::answerer::ask;
use super::arguments::RollbackArguments;
use super::context::{Context, Trouble, is_root};
use super::engine::who;
use super::history::parse;
use super::run::{conclude, conclude_unless_left, here, there, without_own_file};
use super::screen::Screen;
use crate::control::document::{RestorePoint, RestorePoints};
use crate::control::{Action, Call, Question};
use crate::cycle::Mandate;
use crate::daemon::{Request, answer};
use crate::model::{self, ExitCode};
use crate::os::environment;
use crate::policy::Asked;

/// Lists what can be rolled back, or does it and exits with the outcome's code.
pub(super) async fn rollback(
    context: &Context,
    screen: &Screen,
    wish: &RollbackArguments,
) -> Result<ExitCode, Trouble> {
    if wish.list {
        return list(context, screen).await;
    }
    without_own_file(context)?;
    let run = wish.run.as_deref().map(parse).transpose()?;
    if context.asks_daemon()? {
        let call = Call::Act(Action::RollBack {
            run,
            sudo_user: environment::sudo_user(),
        });
        let ended = there::watch(screen, &call).await?;
        return conclude_unless_left(screen, ended);
    }
    if context.orders.is_none() && !is_root() {
        let sentence = "rolling back needs root; run it with sudo";
        return Err(Trouble::not_permitted(sentence));
    }
    let request = Request {
        origin: Request::BY_HAND.to_owned(),
        mandate: Mandate {
            action: model::Action::RollBack,
            of: Some(answer::to_roll_back(&context.paths.worker, run)?),
            ..Mandate::default()
        },
        policy: "default".to_owned(),
        asked: Asked::default(),
        asked_by: who(),
    };
    let ended = here::drive(context, screen, &request).await?;
    conclude(screen, ended)
}

async fn list(context: &Context, screen: &Screen) -> Result<ExitCode, Trouble> {
    let (value, points) = ask::<RestorePoints>(context, Question::RestorePoints).await?;
    if screen.wants_json() {
        Screen::document(&value);
    } else {
        print(&points);
    }
    Ok(ExitCode::Success)
}

fn print(points: &RestorePoints) {
    if points.restore_points.is_empty() {
        return Screen::line("no restore point is kept");
    }
    let row = |point: &RestorePoint| {
        vec![
            point.run.clone(),
            point.taken_at.clone(),
            point.packages.to_string(),
            megabytes(point.disk_bytes),
            point.rolled_back_at.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = points.restore_points.iter().map(row).collect();
    Screen::table(
        &["RUN", "TAKEN", "PACKAGES", "ON DISK", "ROLLED BACK"],
        &rows,
    );
    Screen::line(&format!("on disk: {}", megabytes(points.disk_bytes)));
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}
