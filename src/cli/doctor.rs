//! `patchd doctor`: what could keep this machine from being patched, before it does.

use std::path::Path;

use super::answerer::{ask, is_daemon_here};
use super::context::{Context, Trouble};
use super::screen::{Mark, Screen};
use crate::control::Question;
use crate::control::document::{self, Check, Status};
use crate::daemon::Parts;
use crate::model::ExitCode;
use crate::package_manager::{PackageManager, apt::Apt};

/// One thing that was looked at.
struct Diagnosis {
    mark: Mark,
    about: &'static str,
    sentence: String,
}

/// Looks at everything; 78 when the configuration is invalid, 7 when something
/// is bad, 5 when something is worth a warning or could not be seen.
pub(super) async fn doctor(context: &Context, screen: &Screen) -> Result<ExitCode, Trouble> {
    let mut diagnoses = Vec::new();
    let mut is_config_invalid = false;
    match context.parts() {
        Err(trouble) => {
            is_config_invalid = trouble.code == ExitCode::ConfigInvalid;
            diagnoses.push(bad("configuration", &trouble.sentence));
        }
        Ok(parts) => {
            diagnoses.push(good("configuration", "is sound"));
            diagnoses.push(package_database(&parts).await);
            diagnoses.extend(updates(context).await);
            diagnoses.extend(ledger(context).await);
        }
    }
    diagnoses.push(daemon());
    diagnoses.push(systemd());
    if screen.wants_json() {
        Screen::document(&document::Doctor {
            schema: "patchd/doctor/1".to_owned(),
            checks: diagnoses.iter().map(Diagnosis::told).collect(),
        });
    } else {
        for it in &diagnoses {
            screen.mark(it.mark, &format!("{}: {}", it.about, it.sentence));
        }
    }
    let any = |mark| diagnoses.iter().any(|it| it.mark == mark);
    Ok(match () {
        () if is_config_invalid => ExitCode::ConfigInvalid,
        () if any(Mark::Bad) => ExitCode::NeedsHuman,
        () if any(Mark::Warn) || any(Mark::Unknown) => ExitCode::Partial,
        () => ExitCode::Success,
    })
}

async fn package_database(parts: &Parts<Apt>) -> Diagnosis {
    match parts.package_manager.audit().await {
        Ok(broken) if broken.is_empty() => good("package database", "is sound"),
        Ok(broken) => bad(
            "package database",
            &format!("{}; the next run mends it", broken.join("; ")),
        ),
        Err(fault) => unknown("package database", &fault.to_string()),
    }
}

async fn updates(context: &Context) -> Vec<Diagnosis> {
    let question = Question::Check { policy: None };
    let check = match ask::<Check>(context, question).await {
        Ok((_, check)) => check,
        Err(trouble) => return vec![bad("updates", &trouble.sentence)],
    };
    let mut diagnoses: Vec<Diagnosis> = check
        .gaps
        .iter()
        .map(|gap| unknown("updates", gap))
        .collect();
    diagnoses.extend(check.repositories.iter().map(repository));
    let rivals = check.rivals.unwrap_or_else(|| {
        diagnoses.push(unknown("rivals", "cannot be told; is systemd well?"));
        Vec::new()
    });
    diagnoses.extend(rivals.iter().map(|rival| {
        warn(
            "rivals",
            &format!("{rival} patches this machine too; `patchd takeover` leaves that to patchd"),
        )
    }));
    let reboot = check.running.reboot;
    if reboot.owed {
        let sentence = format!("is owed: {}", reboot.reasons.join(", "));
        diagnoses.push(warn("reboot", &sentence));
    }
    diagnoses
}

fn repository(repository: &document::Repository) -> Diagnosis {
    let advice = repository.advice.as_deref().unwrap_or_default();
    let sentence = format!("{} is {}; {advice}", repository.id, repository.state);
    match repository.state.as_str() {
        "fresh" => good("repository", sentence.trim_end_matches([';', ' '])),
        "stale" | "missing" => warn("repository", &sentence),
        _ => bad("repository", &sentence),
    }
}

async fn ledger(context: &Context) -> Vec<Diagnosis> {
    match ask::<Status>(context, Question::Status).await {
        Ok((_, status)) => {
            let fault = status.config_fault;
            let refused = |fault: String| {
                bad(
                    "configuration in force",
                    &format!("is an older one: {fault}"),
                )
            };
            let readable = good("ledger", "can be read");
            [readable].into_iter().chain(fault.map(refused)).collect()
        }
        Err(trouble) if trouble.code == ExitCode::NotPermitted => vec![unknown(
            "ledger",
            "is for root alone; run `sudo patchd doctor` to see all of it",
        )],
        Err(trouble) => vec![bad("ledger", &trouble.sentence)],
    }
}

/// Whether it answers shows in what it is asked for above.
fn daemon() -> Diagnosis {
    if is_daemon_here() {
        good("daemon", "is installed, so schedules are kept")
    } else {
        warn(
            "daemon",
            "is not installed here or masked, so nothing runs unless somebody calls `patchd run --now`",
        )
    }
}

fn systemd() -> Diagnosis {
    if Path::new("/run/systemd/system").is_dir() {
        good("systemd", "runs, so services can be watched")
    } else {
        warn(
            "systemd",
            "does not run here, so verify cannot watch services",
        )
    }
}

impl Diagnosis {
    fn told(&self) -> document::Diagnosis {
        let state = match self.mark {
            Mark::Good => "ok",
            Mark::Warn => "warn",
            Mark::Bad => "bad",
            Mark::Unknown | Mark::Plain => "unknown",
        };
        document::Diagnosis {
            about: self.about.to_owned(),
            state: state.to_owned(),
            detail: self.sentence.clone(),
        }
    }
}

fn good(about: &'static str, sentence: &str) -> Diagnosis {
    Diagnosis {
        mark: Mark::Good,
        about,
        sentence: sentence.to_owned(),
    }
}

fn warn(about: &'static str, sentence: &str) -> Diagnosis {
    Diagnosis {
        mark: Mark::Warn,
        about,
        sentence: sentence.to_owned(),
    }
}

fn bad(about: &'static str, sentence: &str) -> Diagnosis {
    Diagnosis {
        mark: Mark::Bad,
        about,
        sentence: sentence.to_owned(),
    }
}

fn unknown(about: &'static str, sentence: &str) -> Diagnosis {
    Diagnosis {
        mark: Mark::Unknown,
        about,
        sentence: sentence.to_owned(),
    }
}
