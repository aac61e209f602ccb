//! `patchd quarantine`: what did harm here and is kept away.

use serde_json::Value;

use super::answerer::{act, ask};
use super::arguments::QuarantineCommand;
use super::context::{Context, Trouble, is_root};
use super::engine::who;
use super::run::bare;
use super::screen::Screen;
use crate::control::document::{Harm, Quarantine};
use crate::control::{Action, Question};
use crate::daemon::{Amendment, ChildWorker, SocketWorker, amend};
use crate::model::{ExitCode, Version};
use crate::os::environment;

/// Lists it, or changes it and lists it then.
pub(super) async fn quarantine(
    context: &Context,
    screen: &Screen,
    command: Option<&QuarantineCommand>,
) -> Result<ExitCode, Trouble> {
    if let Some(amendment) = command.map(amendment).transpose()?.flatten() {
        change(context, amendment).await?;
    }
    let (value, document) = ask::<Quarantine>(context, Question::Quarantine).await?;
    show(screen, &value, &document);
    Ok(ExitCode::Success)
}

/// What is to change, if anything is.
fn amendment(command: &QuarantineCommand) -> Result<Option<Amendment>, Trouble> {
    Ok(match command {
        QuarantineCommand::List => None,
        QuarantineCommand::Add { package, reason } => {
            let (name, version) = match package.split_once('=') {
                Some((name, version)) => (name, Some(version)),
                None => (package.as_str(), None),
            };
            let version = version.map(|text| Version::try_from(text.to_owned()));
            Some(Amendment::KeepAway {
                package: bare(name)?,
                version: version
                    .transpose()
                    .map_err(|invalid| Trouble::usage(invalid.to_string()))?,
                reason: reason.clone(),
                by: who(),
            })
        }
        QuarantineCommand::Remove { package } => Some(Amendment::LetIn {
            package: bare(package)?,
        }),
    })
}

async fn change(context: &Context, amendment: Amendment) -> Result<(), Trouble> {
    if context.asks_daemon()? {
        let action = match amendment {
            Amendment::KeepAway {
                package,
                version,
                reason,
                ..
            } => Action::KeepAway {
                package,
                version,
                reason,
                sudo_user: environment::sudo_user(),
            },
            Amendment::LetIn { package } => Action::LetIn { package },
        };
        return act(context, action).await.map(drop);
    }
    let parts = context.parts()?;
    match &context.orders {
        Some(socket) => amend(&parts, &mut SocketWorker::at(socket.clone()), amendment).await?,
        None if is_root() => amend(&parts, &mut ChildWorker, amendment).await?,
        None => {
            let sentence = "what is kept away is root's to decide; run this with sudo";
            return Err(Trouble::not_permitted(sentence));
        }
    }
    Ok(())
}

fn show(screen: &Screen, value: &Value, document: &Quarantine) {
    if screen.wants_json() {
        return Screen::document(value);
    }
    if document.entries.is_empty() {
        return Screen::line("nothing is in quarantine");
    }
    for (index, harm) in document.entries.iter().enumerate() {
        if index > 0 {
            Screen::line("");
        }
        tell(screen, harm);
    }
}

fn tell(screen: &Screen, harm: &Harm) {
    screen.heading(&harm.reason);
    for line in &harm.evidence {
        Screen::line(&format!("  {line}"));
    }
    Screen::line(&format!("  until {}, since run {}", harm.until, harm.run));
    match harm.standing.as_str() {
        "searching" => Screen::line(&format!(
            "  which of them did it is not known; the next runs let in one half each (so far {})",
            harm.trials
        )),
        "needs-human" => Screen::line(
            "  which of them did it could not be found out; try them by hand, then `patchd quarantine remove NAME`",
        ),
        _ => {}
    }
    for suspect in &harm.suspects {
        for package in &suspect.packages {
            Screen::line(&format!("  {:9}  {package}", suspect.state));
        }
    }
}
