//! A run that the daemon drives: we watch, and may leave.

use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncReadExt;

use super::super::answerer::{ask_daemon, watch as connect};
use super::super::context::Trouble;
use super::super::progress::Progress;
use super::super::screen::Screen;
use crate::control::document::{Notice, Told};
use crate::control::{Answer, Call, ControlError, Question, Stream, Unanswered};
use crate::model::RunId;
use crate::os::signals;

/// A daemon that is restarted while we watch, as when it upgrades itself, is
/// waited for this often and this far apart.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_secs(1);

/// What is said to whoever leaves.
const LEFT: &str = "the run goes on without you; `patchd run --attach` watches it again, `patchd cancel` ends it before its next phase";

/// Watches until the run has ended, and returns its document; `None` when
/// whoever watches has left.
pub(in crate::cli) async fn watch(screen: &Screen, call: &Call) -> Result<Option<Value>, Trouble> {
    let mut interrupts = signals::stop_requests().map_err(|cause| Trouble::failed(&cause))?;
    let mut progress = Progress::new(screen, "leaves it, and it goes on");
    let ended = tokio::select! {
        biased;
        _byte = interrupts.read_u8() => None,
        ended = follow(call, &mut progress) => Some(ended),
    };
    progress.end();
    let Some(ended) = ended else {
        Screen::complain(LEFT);
        return Ok(None);
    };
    ended.map(Some)
}

/// The run's document at its end.
async fn follow(call: &Call, progress: &mut Progress) -> Result<Value, Trouble> {
    let mut stream = connect(call).await?;
    let mut run = None;
    loop {
        match stream.next().await {
            Ok(Some(Answer {
                document: Some(document),
                ..
            })) => return Ok(document),
            Ok(Some(Answer { notice, .. })) => {
                // A notice that a newer daemon invented is not for us.
                let notice = notice.and_then(|it| serde_json::from_value::<Notice>(it).ok());
                let Some(Notice { told, .. }) = notice else {
                    continue;
                };
                if let Told::Opened { run: opened, .. } = &told {
                    run = RunId::try_from(opened.clone()).ok();
                }
                progress.show(&told);
            }
            Ok(None) => {
                return Err(Trouble::failed(
                    &"the run was not told to its end; see `patchd status`",
                ));
            }
            Err(fault @ Unanswered::Lost { .. }) => match run {
                Some(run) => match again(run).await? {
                    Again::Stream(found) => stream = found,
                    Again::Over(document) => return Ok(document),
                },
                None => return Err(fault.into()),
            },
            Err(fault) => return Err(fault.into()),
        }
    }
}

/// What is left of a run after its daemon was restarted.
enum Again {
    Stream(Stream),
    Over(Value),
}

async fn again(run: RunId) -> Result<Again, Trouble> {
    let mut found = attach(run).await;
    for _ in 1..TRIES {
        if let Ok(Some(again)) = found {
            return Ok(again);
        }
        tokio::time::sleep(PAUSE).await;
        found = attach(run).await;
    }
    found?.ok_or_else(|| {
        Trouble::failed(
            &"patchd was restarted and has not gone on with the run; see `patchd status`",
        )
    })
}

/// Its stream, or its end; neither while the daemon is still finding out.
async fn attach(run: RunId) -> Result<Option<Again>, Trouble> {
    let mut stream = connect(&Call::Follow { run: Some(run) }).await?;
    match stream.next().await {
        Ok(Some(Answer {
            document: Some(document),
            ..
        })) => Ok(Some(Again::Over(document))),
        // What it repeats is known already.
        Ok(_) => Ok(Some(Again::Stream(stream))),
        Err(Unanswered::Refused(ControlError::NoSuchRun { .. })) => {
            let document = ask_daemon(Question::Run { run }).await?;
            let is_over = document.get("outcome").is_some();
            Ok(is_over.then_some(Again::Over(document)))
        }
        Err(fault) => Err(fault.into()),
    }
}
