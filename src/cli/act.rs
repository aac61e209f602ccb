//! Orders to the daemon that are done at once.

use super::answerer::act;
use super::context::{Context, Trouble};
use super::screen::Screen;
use crate::control::Action;
use crate::model::ExitCode;

/// Gives an order and says what is so now.
pub(super) async fn order(
    context: &Context,
    screen: &Screen,
    action: Action,
) -> Result<ExitCode, Trouble> {
    let sentence = match &action {
        Action::Cancel => "the run ends before its next phase; the one at work is not cut short",
        Action::Pause { .. } => {
            "no further run starts until `patchd resume`; one that is at work goes on"
        }
        Action::Resume => "schedules are in force again",
        Action::Reload => "the configuration is in force",
        Action::TestNotification { .. } => "the test has arrived",
        Action::Start { .. }
        | Action::Rehearse { .. }
        | Action::RollBack { .. }
        | Action::Takeover { .. }
        | Action::KeepAway { .. }
        | Action::LetIn { .. }
        | Action::UpdateFeeds => "it is done",
    };
    act(context, action).await?;
    if !screen.wants_json() {
        Screen::line(sentence);
    }
    Ok(ExitCode::Success)
}
