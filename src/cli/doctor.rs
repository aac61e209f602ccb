//! `patchd doctor`: what could keep this machine from being patched, before it does.

use std::path::Path;

use super::check::look;
use super::context::{Context, Trouble, is_root};
use super::json::DiagnosisJson;
use super::rivals;
use super::screen::{Mark, Screen};
use crate::daemon::Parts;
use crate::model::{ExitCode, RepositoryState};
use crate::package_manager::{PackageManager, apt::Apt};
use crate::state::Ledger;

/// One thing that was looked at.
struct Diagnosis {
    mark: Mark,
    about: &'static str,
    sentence: String,
}

/// Looks at everything; 7 when something is bad, 5 when something is worth a
/// warning or could not be seen.
pub(super) async fn doctor(context: &Context, screen: &Screen) -> Result<ExitCode, Trouble> {
    let mut diagnoses = Vec::new();
    match context.parts() {
        Err(trouble) => diagnoses.push(bad("configuration", &trouble.sentence)),
        Ok(parts) => {
            diagnoses.push(good("configuration", "is sound"));
            diagnoses.extend(package_manager(&parts).await);
            diagnoses.push(ledger(context));
        }
    }
    diagnoses.push(systemd());
    diagnoses.extend(rivals::active().await.iter().map(|rival| {
        warn(
            "rivals",
            &format!(
                "{rival} patches this machine too; run `patchd takeover` to leave that to patchd"
            ),
        )
    }));
    if screen.wants_json() {
        let checks = diagnoses.iter().map(Diagnosis::json).collect();
        Screen::document(&super::json::Doctor {
            schema: "patchd/doctor/1",
            checks,
        });
    } else {
        for it in &diagnoses {
            screen.mark(it.mark, &format!("{}: {}", it.about, it.sentence));
        }
    }
    let any = |mark| diagnoses.iter().any(|it| it.mark == mark);
    Ok(match () {
        () if any(Mark::Bad) => ExitCode::NeedsHuman,
        () if any(Mark::Warn) || any(Mark::Unknown) => ExitCode::Partial,
        () => ExitCode::Success,
    })
}

async fn package_manager(parts: &Parts<Apt>) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    diagnoses.push(match parts.package_manager.audit().await {
        Ok(broken) if broken.is_empty() => good("package database", "is sound"),
        Ok(broken) => bad(
            "package database",
            &format!("{}; the next run mends it", broken.join("; ")),
        ),
        Err(fault) => unknown("package database", &fault.to_string()),
    });
    match look(parts, "default").await {
        Err(trouble) => diagnoses.push(bad("updates", &trouble.sentence)),
        Ok(look) => {
            let pending = &look.survey.pending;
            diagnoses.extend(pending.gaps.iter().map(|gap| unknown("updates", gap)));
            for repository in &pending.repositories {
                let advice = repository.advice.as_deref().unwrap_or_default();
                let sentence = format!("{} is {}; {advice}", repository.id, repository.state);
                diagnoses.push(match repository.state {
                    RepositoryState::Fresh => {
                        good("repository", sentence.trim_end_matches([';', ' ']))
                    }
                    RepositoryState::Stale | RepositoryState::Missing => {
                        warn("repository", &sentence)
                    }
                    _ => bad("repository", &sentence),
                });
            }
            if look.reboot.owed {
                diagnoses.push(warn(
                    "reboot",
                    &format!("is owed: {}", look.reboot.reasons.join(", ")),
                ));
            }
        }
    }
    diagnoses
}

fn ledger(context: &Context) -> Diagnosis {
    if !is_root() {
        return unknown(
            "ledger",
            "is for root alone; run `sudo patchd doctor` to see all of it",
        );
    }
    match Ledger::open_existing(&context.paths.ledger()) {
        Ok(Some(_)) => good("ledger", "can be read"),
        Ok(None) => good("ledger", "is not there yet; the first run makes it"),
        Err(fault) => bad("ledger", &fault.to_string()),
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
    fn json(&self) -> DiagnosisJson {
        let state = match self.mark {
            Mark::Good => "ok",
            Mark::Warn => "warn",
            Mark::Bad => "bad",
            Mark::Unknown | Mark::Plain => "unknown",
        };
        DiagnosisJson {
            about: self.about,
            state,
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
