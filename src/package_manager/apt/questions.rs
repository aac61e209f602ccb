//! The questions that any user may ask: values to argv. None of them takes a
//! lock or changes anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::PackageId;
use crate::os::command::Command;
use crate::package_manager::Wanted;

use super::commands::{APT_CACHE, APT_CONFIG, APT_GET, FIRM};
use super::view::View;

const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

/// A solver on a slow machine with many repositories takes its time.
pub(super) const SOLVER_TIMEOUT: Duration = Duration::from_mins(10);

/// The largest index in the wild is below a tenth of this.
const INDEX_CAP: u64 = 1 << 30;

/// What [`View`] needs to know: the variables are named after its fields.
pub(super) fn configuration() -> Command {
    Command::new(APT_CONFIG).arg("shell").args(
        [
            ["NATIVE", "APT::Architecture"],
            ["STATUS", "Dir::State::status/f"],
            ["LISTS", "Dir::State::lists/d"],
            ["STATE", "Dir::State/d"],
            ["PACKAGE_CACHE", "Dir::Cache::pkgcache/f"],
            ["MAIN", "Dir::Etc::main/f"],
            ["PARTS", "Dir::Etc::parts/d"],
            ["SOURCE_LIST", "Dir::Etc::sourcelist/f"],
            ["SOURCE_PARTS", "Dir::Etc::sourceparts/d"],
            ["PREFERENCES", "Dir::Etc::preferences/f"],
            ["PREFERENCES_PARTS", "Dir::Etc::preferencesparts/d"],
            ["DEFAULT_RELEASE", "APT::Default-Release"],
        ]
        .into_iter()
        .flatten(),
    )
}

/// Every configured package index, fetched or not. apt opens its package cache
/// even for this, so a cache of ours is built here and found by the simulation.
pub(super) fn index_targets(view: &View) -> Command {
    through(Command::new(APT_GET), view)
        .args(["indextargets", "--no-release-info", "Identifier: Packages"])
        .timeout(SOLVER_TIMEOUT)
}

/// Whether apt trusts each repository that was fetched: its Release file tells.
pub(super) fn trust(view: &View) -> Command {
    through(Command::new(APT_GET), view)
        .args([
            "indextargets",
            "--format",
            "$(REPO_URI)\t$(RELEASE)\t$(TRUSTED)",
            "Identifier: Packages",
        ])
        .timeout(SOLVER_TIMEOUT)
}

/// Everything that apt would upgrade, with removals if it wants them.
pub(super) fn dist_upgrade(view: &View) -> Command {
    simulation(view).arg("dist-upgrade")
}

/// Everything that apt would upgrade without removing anything.
pub(super) fn upgrade(view: &View) -> Command {
    simulation(view).args(["upgrade", "--with-new-pkgs"])
}

/// What must be done to bring packages to exact versions. apt follows new
/// Recommends as the machine is configured, just as in an upgrade.
pub(super) fn install<'a>(view: &View, wanted: impl IntoIterator<Item = &'a Wanted>) -> Command {
    // Names are valid ones, so none can be taken for an option.
    let exact = |wanted: &Wanted| format!("{}={}", wanted.id, wanted.version);
    simulation(view)
        .arg("install")
        .args(wanted.into_iter().map(exact))
}

/// What must be done to install these files, older versions too, and to remove
/// these packages. Recommends stay what they are.
pub(super) fn way_back(view: &View, files: &[PathBuf], removed: &[PackageId]) -> Command {
    let allowed = [
        "APT::Get::allow-downgrades=true",
        "APT::Get::allow-change-held-packages=true",
        "APT::Install-Recommends=false",
    ];
    simulation(view)
        .args(allowed.into_iter().flat_map(|option| ["-o", option]))
        .arg("install")
        .args(files.iter().map(|file| file.to_string_lossy()))
        .args(removed.iter().map(|id| format!("{id}-")))
}

/// Which version apt would choose, pins considered.
pub(super) fn policy<'a>(view: &View, ids: impl IntoIterator<Item = &'a PackageId>) -> Command {
    through(Command::new(APT_CACHE), view)
        .arg("policy")
        .args(ids.into_iter().map(PackageId::to_string))
        .timeout(SOLVER_TIMEOUT)
}

/// An index as text, whatever it is compressed with.
pub(super) fn decompressed(index: &Path) -> Command {
    Command::new(APT_HELPER)
        .arg("cat-file")
        .arg(index.to_string_lossy())
        .output_cap(INDEX_CAP)
}

/// Under the same options as what is done later, so that no apt.conf makes the
/// two differ. What would be removed is seen: whoever asks decides.
fn simulation(view: &View) -> Command {
    let firm = FIRM.into_iter().flat_map(|option| ["-o", option]);
    through(Command::new(APT_GET).args(firm), view)
        .args(["-o", "Debug::NoLocking=1", "-o", "APT::Get::Remove=true"])
        // Who only asks leaves nothing behind, not even when he is root.
        .args(["-o", "Dir::Log::Planner=/dev/null"])
        // Behind the options, one of which says that nothing is simulated.
        .arg("-s")
        .timeout(SOLVER_TIMEOUT)
}

/// With the cache and the pins of this view.
fn through(mut command: Command, view: &View) -> Command {
    if let Some(folder) = &view.others_pins {
        let option = format!("Dir::Etc::preferencesparts={}", folder.display());
        command = command.args(["-o", &option]);
    }
    let Some(folder) = &view.own_cache else {
        return command;
    };
    command
        .arg("-o")
        .arg(format!("Dir::Cache={}", folder.display()))
        .args(["-o", "Dir::Cache::pkgcache=pkgcache.bin"])
        .args(["-o", "Dir::Cache::srcpkgcache=srcpkgcache.bin"])
}

#[cfg(test)]
mod tests {
    use super::super::obstacles::Machine;
    use super::*;

    #[test]
    fn a_simulation_has_every_option_of_the_transaction_and_is_one() {
        let machine = Machine::new();
        let question = dist_upgrade(&machine.view);
        let argv = question.argv();
        for option in FIRM {
            assert!(argv.contains(&option), "{option}");
        }
        let place = |word: &str| argv.iter().position(|one| *one == word);
        assert!(place("-s") > place("APT::Get::Simulate=false"));
    }
}
