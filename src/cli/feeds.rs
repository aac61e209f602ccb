//! `patchd feeds`: what is known of vulnerabilities, and how current that is.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::answerer::{act, ask};
use super::arguments::FeedsCommand;
use super::context::{Context, Trouble, is_root};
use super::engine::{self, is_ledgers_owner};
use super::screen::Screen;
use crate::control::document::{Feed, Feeds};
use crate::control::{Action, ControlError, Question};
use crate::daemon::{Ways, library, update};
use crate::feeds::Outcome;
use crate::model::ExitCode;

/// Stands for standard input.
const STDIN: &str = "-";

/// Shows them, after having renewed them if that is wanted.
pub(super) async fn feeds(
    context: &Context,
    screen: &Screen,
    command: Option<&FeedsCommand>,
) -> Result<ExitCode, Trouble> {
    match command {
        None | Some(FeedsCommand::Status) => {
            let (value, document) = ask::<Feeds>(context, Question::Feeds).await?;
            show(screen, &value, &document);
            Ok(ExitCode::Success)
        }
        Some(FeedsCommand::Update) => {
            renew(context).await?;
            let (value, document) = ask::<Feeds>(context, Question::Feeds).await?;
            show(screen, &value, &document);
            Ok(outcome(&document))
        }
        Some(FeedsCommand::Import { smaller, files }) => {
            let mut worst = ExitCode::Success;
            for file in files {
                worst = worse(worst, import(context, screen, file, *smaller).await?);
            }
            // Whoever has the files opened for us tells of them himself.
            if screen.wants_json() && !is_lent(files) {
                let (value, _) = ask::<Feeds>(context, Question::Feeds).await?;
                Screen::document(&value);
            }
            Ok(worst)
        }
    }
}

/// Whether another process of ours has opened what is imported.
fn is_lent(files: &[PathBuf]) -> bool {
    is_ledgers_owner() && !is_root() && files == [Path::new(STDIN)]
}

async fn renew(context: &Context) -> Result<(), Trouble> {
    if context.asks_daemon()? {
        return act(context, Action::UpdateFeeds).await.map(drop);
    }
    let library = library(&context.parts()?, Ways::OfThisMachine)?;
    update(&library).await?;
    Ok(())
}

/// Of a look at all of them: 5 when some brought nothing, 1 when none did.
fn outcome(document: &Feeds) -> ExitCode {
    let failed = document.feeds.iter().filter(|it| it.failure.is_some());
    match failed.count() {
        0 => ExitCode::Success,
        all if all == document.feeds.len() => ExitCode::Failed,
        _ => ExitCode::Partial,
    }
}

fn worse(one: ExitCode, other: ExitCode) -> ExitCode {
    if one == ExitCode::Success { other } else { one }
}

/// A feed is longer than any call to the daemon may be, and lies where the daemon
/// may not look: it is opened with the caller's rights, and read with those of
/// the user that feeds belong to.
async fn import(
    context: &Context,
    screen: &Screen,
    path: &Path,
    smaller: bool,
) -> Result<ExitCode, Trouble> {
    let shown = path.display();
    let file = open(path).map_err(|cause| {
        Trouble::usage(format!(
            "cannot open {shown}: {cause}; is it a file that you may read?"
        ))
    })?;
    if let Some(user) = engine::user() {
        let mut words = vec!["feeds", "import", STDIN];
        words.extend(smaller.then_some("--smaller"));
        words.extend(screen.wants_json().then_some("--json"));
        return engine::lend(user, &context.paths, file, &words).await;
    }
    let is_ours = is_root() || is_ledgers_owner();
    if !is_ours && context.asks_daemon()? {
        let sentence =
            "what this machine knows of vulnerabilities is root's to bring; run this with sudo";
        return Err(Trouble::not_permitted(sentence));
    }
    let library = library(&context.parts()?, Ways::OfThisMachine)?;
    let tried = library
        .import(file, smaller)
        .await
        .map_err(ControlError::from)?;
    let name = tried.format.name();
    Ok(match tried.outcome {
        Outcome::Taken(records) => {
            let told = format!("{name}: {records} records for this machine");
            if !screen.wants_json() {
                Screen::line(&told);
            }
            ExitCode::Success
        }
        Outcome::Unchanged => ExitCode::Success,
        Outcome::Failed(cause) => return Err(Trouble::failed(&format!("{name}: {cause}"))),
    })
}

/// What comes through a pipe is laid down first: it is looked at before it is read.
fn open(path: &Path) -> std::io::Result<File> {
    if path != Path::new(STDIN) {
        return File::open(path);
    }
    let mut given = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    if given.metadata()?.is_file() {
        return Ok(given);
    }
    let mut laid_down = crate::os::files::nameless(Path::new("/var/tmp"))?;
    std::io::copy(&mut given, &mut laid_down)?;
    Ok(laid_down)
}

fn show(screen: &Screen, value: &Value, document: &Feeds) {
    if screen.wants_json() {
        return Screen::document(value);
    }
    let rows: Vec<Vec<String>> = document.feeds.iter().map(row).collect();
    Screen::table(&["FEED", "STATE", "AGE", "RECORDS", "FROM"], &rows);
    for feed in &document.feeds {
        if let Some(failure) = &feed.failure {
            Screen::line(&format!("{}: {failure}", feed.name));
        }
    }
    match (&document.index, &document.index_fault) {
        (Some(index), _) => Screen::line(&format!("the index was built at {}", index.built_at)),
        (None, Some(fault)) => Screen::line(fault),
        (None, None) => {}
    }
}

fn row(feed: &Feed) -> Vec<String> {
    let records = feed.records.map(|it| it.to_string());
    let from = match (&feed.url, feed.records) {
        (Some(url), _) => url.clone(),
        (None, Some(_)) => "a file".to_owned(),
        (None, None) => String::new(),
    };
    vec![
        feed.name.clone(),
        feed.state.clone(),
        feed.age_seconds.map(age).unwrap_or_default(),
        records.unwrap_or_default(),
        from,
    ]
}

/// To a precision that somebody who wonders needs.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_as_good_as_what_it_brought() {
        let feed = |failure: Option<&str>| Feed {
            name: "kev".to_owned(),
            state: "fresh".to_owned(),
            age_seconds: None,
            url: None,
            taken_at: None,
            records: None,
            skipped: [].into(),
            tried_at: None,
            failure: failure.map(str::to_owned),
        };
        let code = |feeds: &[Option<&str>]| {
            outcome(&Feeds {
                schema: String::new(),
                index: None,
                index_fault: None,
                feeds: feeds.iter().map(|it| feed(*it)).collect(),
            })
        };
        assert_eq!(code(&[None, None]), ExitCode::Success);
        assert_eq!(code(&[None, Some("no")]), ExitCode::Partial);
        assert_eq!(code(&[Some("no"), Some("no")]), ExitCode::Failed);
        assert_eq!([5, 300, 7_200, 300_000].map(age), ["5s", "5m", "2h", "3d"]);
    }
}
