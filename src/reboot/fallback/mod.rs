//! A new kernel for one boot: the old one stays GRUB's default until the
//! machine was verified. Where that cannot be had, nothing is promised.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::grub::Menu;
use crate::model::{BootId, RunId};
use crate::os::command::{Command, Output, Runner};
use crate::os::files;

const EDITENV: &str = "/usr/bin/grub-editenv";
const PROBE: &str = "/usr/sbin/grub-probe";

/// Where GRUB itself looks.
const MENU: &str = "boot/grub/grub.cfg";
const ENVIRONMENT: &str = "boot/grub/grubenv";

/// A menu of a hundred kernels is a tenth of it, bytes.
const MENU_CAP: u64 = 4 << 20;

/// The environment has this length, always: GRUB writes over it and cannot make
/// it grow.
const ENVIRONMENT_LENGTH: u64 = 1024;

/// File systems that GRUB writes to; others have checksums, or move what is written.
const WRITABLE: [&str; 2] = ["ext2", "fat"];

/// In the worker's folder: the boot that is on trial.
const FILE: &str = "trial-boot.json";
const CAP: u64 = 64 << 10;

/// None of these programs asks anything further.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A kernel that is booted once, to see whether it comes up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The run that rebooted for it.
    pub run: RunId,
    /// The kernel on trial.
    pub kernel: String,
    /// The one that is booted when it fails.
    pub previous: String,
    /// The boot before it.
    pub boot: BootId,
}

/// How a trial stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    None,
    /// The machine has not been rebooted since.
    Ahead,
    /// The kernel on trial runs.
    Passed(Trial),
    /// Another one runs.
    Failed(Trial),
    /// Another one runs, and the kernel on trial is not there any more.
    Removed(Trial),
}

impl Trial {
    /// How the trial stands in this boot, with this kernel running.
    pub fn standing(
        root: &Path,
        folder: &Path,
        boot: &BootId,
        running: &str,
    ) -> std::io::Result<Standing> {
        let text = match files::read_bounded(&folder.join(FILE), CAP) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Standing::None);
            }
            text => text?,
        };
        let trial: Self = serde_json::from_str(&text)?;
        let image = root.join("boot").join(format!("vmlinuz-{}", trial.kernel));
        Ok(if trial.boot == *boot {
            Standing::Ahead
        } else if trial.kernel == running {
            Standing::Passed(trial)
        } else if image.exists() {
            Standing::Failed(trial)
        } else {
            Standing::Removed(trial)
        })
    }

    /// Has GRUB boot the kernel once, and the previous one ever after. The error
    /// is the sentence why no fallback is promised; nothing was changed then.
    pub async fn begin(
        &self,
        runner: &dyn Runner,
        root: &Path,
        folder: &Path,
    ) -> Result<(), String> {
        let text = files::read_bounded(&root.join(MENU), MENU_CAP)
            .map_err(|cause| format!("/{MENU} cannot be read: {cause}"))?;
        let (next, default) = self.entries(&Menu::parse(&text))?;
        writable(runner, root).await?;
        if let Some(chosen) = saved_entry(runner, root).await?
            && chosen != default
        {
            return Err(format!("somebody chose the default {chosen}; it stays so"));
        }
        // Before GRUB knows of it: a trial that nobody remembers is never ended.
        let text = serde_json::to_vec(self).map_err(|cause| cause.to_string())?;
        files::replace(&folder.join(FILE), &text, 0o640).map_err(|cause| cause.to_string())?;
        let values = [
            format!("saved_entry={default}"),
            format!("next_entry={next}"),
        ];
        let written = ask(runner, &editenv(root, "set").args(values)).await;
        if let Err(words) = written {
            let _gone = std::fs::remove_file(folder.join(FILE));
            return Err(words);
        }
        Ok(())
    }

    /// The newest kernel is the default again: the one on trial has proved
    /// itself, or is not tried after all.
    pub async fn end(&self, runner: &dyn Runner, root: &Path, folder: &Path) -> Result<(), String> {
        let names = ["saved_entry", "next_entry"];
        ask(runner, &editenv(root, "unset").args(names)).await?;
        std::fs::remove_file(folder.join(FILE)).map_err(|cause| cause.to_string())
    }

    /// The ids of the entries of both kernels.
    fn entries(&self, menu: &Menu) -> Result<(String, String), String> {
        let entry = |kernel: &str| {
            let entry = menu.entry(kernel);
            entry.ok_or_else(|| format!("/{MENU} has no entry of its own for {kernel}"))
        };
        let (next, previous) = (entry(&self.kernel)?, entry(&self.previous)?);
        if !menu.saved_default {
            return Err("GRUB_DEFAULT is not \"saved\" in /etc/default/grub".to_owned());
        }
        if menu.saves_itself {
            return Err("GRUB_SAVEDEFAULT makes each boot the default".to_owned());
        }
        if !next.panic_reboots {
            return Err(
                "a panic would not reboot the machine; add panic=30 to GRUB_CMDLINE_LINUX_DEFAULT"
                    .to_owned(),
            );
        }
        Ok((next.id.clone(), previous.id.clone()))
    }
}

/// Whether GRUB itself can take the order back before it follows it.
async fn writable(runner: &dyn Runner, root: &Path) -> Result<(), String> {
    let path = root.join(ENVIRONMENT);
    let metadata = std::fs::symlink_metadata(&path);
    if !metadata.is_ok_and(|it| it.is_file() && it.len() == ENVIRONMENT_LENGTH) {
        return Err(format!(
            "/{ENVIRONMENT} is not GRUB's own block of {ENVIRONMENT_LENGTH} bytes; `grub-editenv - create` makes one"
        ));
    }
    let probe = |target: &str| {
        Command::new(PROBE)
            .arg(format!("--target={target}"))
            .arg(path.display().to_string())
            .timeout(TIMEOUT)
    };
    let system = ask(runner, &probe("fs")).await?;
    let system = system.trim();
    if !WRITABLE.contains(&system) {
        return Err(format!("GRUB does not write to {system}"));
    }
    let layers = ask(runner, &probe("abstraction")).await?;
    let layers = layers.trim();
    if !layers.is_empty() {
        return Err(format!("GRUB does not write through {layers}"));
    }
    Ok(())
}

/// The default that somebody chose, if anybody did.
async fn saved_entry(runner: &dyn Runner, root: &Path) -> Result<Option<String>, String> {
    let text = ask(runner, &editenv(root, "list")).await?;
    let mut lines = text.lines();
    let saved = lines.find_map(|line| line.strip_prefix("saved_entry="));
    Ok(saved.map(str::to_owned).filter(|entry| !entry.is_empty()))
}

fn editenv(root: &Path, verb: &str) -> Command {
    Command::new(EDITENV)
        .arg(root.join(ENVIRONMENT).display().to_string())
        .arg(verb)
        .timeout(TIMEOUT)
}

async fn ask(runner: &dyn Runner, command: &Command) -> Result<String, String> {
    let output = runner.ask(command).await;
    let output: Output = output.map_err(|fault| fault.to_string())?;
    if output.status == 0 {
        return Ok(output.text());
    }
    let program = command.argv().first().copied().unwrap_or_default();
    Err(format!("{program} failed: {}", output.last_words()))
}

#[cfg(test)]
mod tests;
