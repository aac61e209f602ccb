//! `patchd takeover`: disables what else would patch this machine, or lets it be.

use serde_json::Value;

use super::answerer::act;
use super::context::{Context, Trouble, is_root};
use super::screen::Screen;
use crate::control::Action;
use crate::control::document::Takeover;
use crate::daemon::{ChildWorker, hand_over};
use crate::model::ExitCode;

/// Does it, by the daemon's worker or by our own; 7 when a rival is left that only
/// a person can disable.
pub(super) async fn takeover(
    context: &Context,
    screen: &Screen,
    undo: bool,
) -> Result<ExitCode, Trouble> {
    let value = if context.asks_daemon()? {
        let answer = act(context, Action::Takeover { undo }).await?;
        answer.document.unwrap_or_default()
    } else if is_root() {
        let document = hand_over(&mut ChildWorker, undo).await?;
        serde_json::to_value(document).map_err(|cause| Trouble::failed(&cause))?
    } else {
        let sentence = "what patches this machine is root's to decide; run this with sudo";
        return Err(Trouble::not_permitted(sentence));
    };
    show(screen, undo, value)
}

fn show(screen: &Screen, undo: bool, value: Value) -> Result<ExitCode, Trouble> {
    if screen.wants_json() {
        Screen::document(&value);
    }
    let document: Takeover =
        serde_json::from_value(value).map_err(|cause| Trouble::failed(&cause))?;
    if !screen.wants_json() {
        print(undo, &document);
    }
    // What somebody has changed since is his, and no reason to go on caring.
    Ok(if undo || document.left.is_empty() {
        ExitCode::Success
    } else {
        ExitCode::NeedsHuman
    })
}

fn print(undo: bool, document: &Takeover) {
    for rival in &document.done {
        Screen::line(&if undo {
            format!("{rival} may patch this machine again")
        } else {
            format!("{rival} does not patch this machine any more")
        });
    }
    document.left.iter().for_each(|left| Screen::line(left));
    if document.done.is_empty() && document.left.is_empty() {
        Screen::line(if undo {
            "nothing was taken over"
        } else {
            "nothing else patches this machine"
        });
    }
}

/// Names whoever else patches this machine.
pub(super) fn rivals(known: &Option<Vec<String>>) {
    match known {
        Some(names) => names
            .iter()
            .for_each(|rival| Screen::line(&format!("{rival} patches this machine too"))),
        None => Screen::line("whether anything else patches this machine cannot be told"),
    }
}
