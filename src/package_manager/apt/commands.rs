//! Values to argv, for everything that the worker tells apt and dpkg. A value
//! that is given here wins over the machine's apt.conf, whatever that says,
//! because apt reads its command line last.

use std::path::Path;
use std::time::Duration;

use crate::model::{Change, PackageId, Plan, Version};
use crate::os::command::Command;

use super::questions::SOLVER_TIMEOUT;

/// apt's program for scripts.
pub const APT_GET: &str = "/usr/bin/apt-get";
/// apt's program for automatic and manual marks.
pub const APT_MARK: &str = "/usr/bin/apt-mark";
/// apt's program for package records.
pub const APT_CACHE: &str = "/usr/bin/apt-cache";
/// apt's program for its configuration.
pub const APT_CONFIG: &str = "/usr/bin/apt-config";
/// Unpacks and configures.
pub const DPKG: &str = "/usr/bin/dpkg";
/// Starts a program with another environment.
const ENV: &str = "/usr/bin/env";
/// Reads archives.
pub const DPKG_DEB: &str = "/usr/bin/dpkg-deb";
/// Reads dpkg's database.
pub const DPKG_QUERY: &str = "/usr/bin/dpkg-query";

/// Seconds that apt and dpkg wait for a lock themselves: only for a rival that
/// comes between our own wait and their start.
const LOCK_RACE: &str = "DPkg::Lock::Timeout=60";

/// Where maintainer scripts find programs unless apt.conf says otherwise.
const SCRIPTS_PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// One archive from a slow mirror.
const FETCH_TIMEOUT: Duration = Duration::from_mins(5);

/// What no apt.conf of the machine may turn: a question would wait for ever,
/// a faulty package would be let in, or more would be done than was planned.
pub(super) const FIRM: [&str; 29] = [
    "quiet=1",
    "APT::Color=false",
    "APT::Get::Assume-Yes=true",
    "APT::Get::Assume-No=false",
    "APT::Get::Trivial-Only=false",
    "APT::Get::force-yes=false",
    "APT::Get::AllowUnauthenticated=false",
    "APT::Get::allow-downgrades=false",
    "APT::Get::allow-remove-essential=false",
    "APT::Get::allow-change-held-packages=false",
    "APT::Get::AutomaticRemove=false",
    "APT::Get::HideAutoRemove=true",
    "APT::Get::Purge=false",
    "APT::Get::ReInstall=false",
    "APT::Get::Fix-Broken=false",
    "APT::Get::Fix-Missing=false",
    "APT::Get::Only-Upgrade=false",
    "APT::Get::Upgrade=true",
    "APT::Get::Show-Versions=false",
    "APT::Get::Download=true",
    "APT::Get::Download-Only=false",
    "APT::Get::Print-URIs=false",
    "APT::Get::Simulate=false",
    "APT::Ignore-Hold=false",
    "Acquire::AllowInsecureRepositories=false",
    "Acquire::AllowWeakRepositories=false",
    "Acquire::AllowDowngradeToInsecureRepositories=false",
    "Dpkg::Progress-Fancy=false",
    // apt would forbid a shutdown; the worker only asks it to wait.
    "DPkg::Inhibit-Shutdown=false",
];

/// Options for dpkg behind apt: old configuration files are kept, nobody is
/// asked, and a `--force-confnew` of the machine does not win.
const CONFFILES: [&str; 4] = [
    "--no-force-confnew",
    "--no-force-confask",
    "--force-confdef",
    "--force-confold",
];

/// A repository may move along the releases (stable to oldstable); it may not
/// become another one.
const IDENTITY: [&str; 6] = [
    "Acquire::AllowReleaseInfoChange=false",
    "Acquire::AllowReleaseInfoChange::Origin=false",
    "Acquire::AllowReleaseInfoChange::Label=false",
    "Acquire::AllowReleaseInfoChange::Codename=false",
    "Acquire::AllowReleaseInfoChange::Suite=true",
    "Acquire::AllowReleaseInfoChange::Version=true",
];

/// How the real transaction is bound to its plan.
#[derive(Debug, Clone, Copy)]
pub struct Bonds<'a> {
    /// What apt runs before dpkg: program, and its arguments, all of them made
    /// of characters that a shell leaves alone.
    pub guard: &'a str,
    /// The copy of the automatic marks that apt may write.
    pub marks: &'a Path,
    /// A folder of programs that maintainer scripts find before all others.
    pub stand_ins: Option<&'a Path>,
}

/// `apt-get` with everything that no apt.conf may turn.
fn apt_get() -> Command {
    let dpkg = CONFFILES.map(|option| format!("Dpkg::Options::={option}"));
    options(Command::new(APT_GET), FIRM)
        .args(["-o", "Dpkg::Use-Pty=0", "-o", LOCK_RACE])
        .args(dpkg.iter().flat_map(|option| ["-o", option.as_str()]))
}

fn options<'a>(command: Command, options: impl IntoIterator<Item = &'a str>) -> Command {
    command.args(options.into_iter().flat_map(|option| ["-o", option]))
}

/// Fetches all indexes; every fault is an error in the output, and none of
/// them stops the other repositories.
#[must_use]
pub fn update() -> Command {
    // As an option, not as `--error-on=any`, which an apt before 2.1 refuses.
    options(apt_get(), IDENTITY)
        .args(["-o", "APT::Update::Error-Mode=any"])
        .arg("update")
        .reaching_out()
}

/// The configured repositories, one line each index.
#[must_use]
pub fn index_targets() -> Command {
    // Without the Release files' own words also those that were never fetched.
    Command::new(APT_GET).args([
        "indextargets",
        "--no-release-info",
        "--format",
        "$(SITE)\t$(RELEASE)\t$(FILENAME)\t$(METAKEY)",
        "Identifier: Packages",
    ])
}

/// The plan's packages at the plan's versions, in one call.
fn select(plan: &Plan) -> Command {
    let removes = plan.changes().iter().any(Change::is_removal);
    apt_get()
        .args(["-o", &format!("APT::Get::Remove={removes}")])
        .arg("install")
        .args(plan.changes().iter().map(selector))
}

fn selector(change: &Change) -> String {
    match &change.to {
        Some(to) => versioned(&change.id, to),
        None => format!("{}-", change.id),
    }
}

fn versioned(id: &PackageId, version: &Version) -> String {
    format!("{id}={version}")
}

/// Which archives are missing in the cache, with their sizes.
#[must_use]
pub fn print_uris(plan: &Plan) -> Command {
    select(plan).arg("--print-uris").timeout(SOLVER_TIMEOUT)
}

/// Fetches the archives, and changes nothing else.
#[must_use]
pub fn download(plan: &Plan) -> Command {
    select(plan).arg("--download-only").reaching_out()
}

/// The transaction itself.
#[must_use]
pub fn apply(plan: &Plan, bonds: Bonds<'_>) -> Command {
    let program = bonds.guard.split(' ').next().unwrap_or_default();
    select(plan)
        .args(["-o", &format!("DPkg::Pre-Install-Pkgs::={}", bonds.guard)])
        .args(["-o", &format!("DPkg::Tools::Options::{program}::Version=3")])
        .args(["-o", &format!("DPkg::Tools::Options::{program}::InfoFD=0")])
        .args(["-o", &marks_option(bonds.marks)])
        .args(found_first(bonds.stand_ins))
}

/// Has maintainer scripts find the programs of this folder before all others.
fn found_first(stand_ins: Option<&Path>) -> Vec<String> {
    let option = |folder: &Path| format!("DPkg::Path={}:{SCRIPTS_PATH}", folder.display());
    stand_ins.map_or_else(Vec::new, |folder| vec!["-o".to_owned(), option(folder)])
}

/// Tells apt where to write its progress.
#[must_use]
pub fn apt_status(descriptor: i32) -> Vec<String> {
    vec!["-o".to_owned(), format!("APT::Status-Fd={descriptor}")]
}

/// Configures everything that was unpacked.
#[must_use]
pub fn configure_all(stand_ins: Option<&Path>) -> Command {
    let dpkg = match stand_ins {
        // dpkg has no option for it, and takes what it is given.
        Some(folder) => Command::new(ENV)
            .arg(format!("PATH={}:{SCRIPTS_PATH}", folder.display()))
            .arg(DPKG),
        None => Command::new(DPKG),
    };
    dpkg.args(CONFFILES).args(["--configure", "--pending"])
}

/// Simulates the completion of what lacks dependencies.
#[must_use]
pub fn simulate_fix() -> Command {
    apt_get()
        .args(["-s", "--fix-broken", "install"])
        .timeout(SOLVER_TIMEOUT)
}

/// Completes what lacks dependencies; removes nothing.
#[must_use]
pub fn fix(stand_ins: Option<&Path>) -> Command {
    apt_get()
        .args(found_first(stand_ins))
        .args(["-o", "APT::Get::Remove=false"])
        .args(["--fix-broken", "install"])
}

/// Unpacks these packages again at the versions that they have. Naming them
/// would mark them as manual, so `marks` is a copy here, too.
#[must_use]
pub fn reinstall<'a>(
    packages: impl IntoIterator<Item = (&'a PackageId, &'a Version)>,
    marks: &Path,
    stand_ins: Option<&Path>,
) -> Command {
    apt_get()
        .args(found_first(stand_ins))
        .args(["-o", "APT::Get::Remove=false"])
        .args(["-o", &marks_option(marks)])
        .args(["--reinstall", "install"])
        .args(
            packages
                .into_iter()
                .map(|(id, version)| versioned(id, version)),
        )
}

/// Fetches the archive of an installed version into this folder.
#[must_use]
pub fn fetch(id: &PackageId, version: &Version, packages: &Path) -> Command {
    // The folder is root's alone. `download` copies from local repositories, too.
    apt_get()
        .args(["-o", "APT::Sandbox::User=root", "download"])
        .arg(versioned(id, version))
        .within(packages)
        .timeout(FETCH_TIMEOUT)
        .reaching_out()
}

/// What a package file says it is.
#[must_use]
pub fn describe(file: &Path) -> Command {
    let file = file.to_string_lossy();
    Command::new(DPKG_DEB).args(["--field", &file, "Package", "Version", "Architecture"])
}

/// Installs an older package file; removes nothing, and marks nothing.
#[must_use]
pub fn put_back(file: &Path, marks: &Path) -> Command {
    apt_get()
        .args(["-o", "APT::Get::Remove=false"])
        .args(["-o", "APT::Get::allow-downgrades=true"])
        .args(["-o", &marks_option(marks)])
        .args(["--reinstall", "install"])
        .arg(file.to_string_lossy())
}

fn marks_option(copy: &Path) -> String {
    format!("Dir::State::extended_states={}", copy.display())
}

/// Every package that dpkg knows: state, name, architecture, version.
#[must_use]
pub fn states() -> Command {
    Command::new(DPKG_QUERY).args([
        "-W",
        "-f=${db:Status-Abbrev}\\t${Package}\\t${Architecture}\\t${Version}\\n",
    ])
}

/// dpkg's own look at its database.
#[must_use]
pub fn audit() -> Command {
    Command::new(DPKG).arg("--audit")
}

/// The configuration files of these packages.
#[must_use]
pub fn conffiles<'a>(packages: impl IntoIterator<Item = &'a PackageId>) -> Command {
    Command::new(DPKG_QUERY)
        .args(["-W", "-f=${Conffiles}\\n"])
        .args(packages.into_iter().map(ToString::to_string))
}

/// The files of installed packages, absolute paths, one a line.
pub fn list_files(packages: &[PackageId]) -> Command {
    Command::new(DPKG_QUERY)
        .arg("--listfiles")
        .args(packages.iter().map(ToString::to_string))
}

/// Whose these files are: `package: /file` a line.
pub fn search<'a>(files: impl IntoIterator<Item = &'a str>) -> Command {
    Command::new(DPKG_QUERY)
        .args(["--search", "--"])
        .args(files)
}

/// Marks packages as automatically installed.
#[must_use]
pub fn mark_auto<'a>(packages: impl IntoIterator<Item = &'a PackageId>) -> Command {
    Command::new(APT_MARK)
        .args(["-o", LOCK_RACE])
        .arg("auto")
        .args(packages.into_iter().map(ToString::to_string))
        // It changes something, and may have to wait for a rival first.
        .timeout(SOLVER_TIMEOUT)
}

/// The records of these packages at these versions.
#[must_use]
pub fn records<'a>(packages: impl IntoIterator<Item = (&'a PackageId, &'a Version)>) -> Command {
    Command::new(APT_CACHE)
        .args(["show", "--no-all-versions"])
        .args(
            packages
                .into_iter()
                .map(|(id, version)| versioned(id, version)),
        )
        .timeout(SOLVER_TIMEOUT)
}

/// Packages that are marked automatic.
#[must_use]
pub fn show_auto() -> Command {
    Command::new(APT_MARK).arg("showauto")
}

/// What apt runs before it starts dpkg.
#[must_use]
pub fn pre_invoke() -> Command {
    Command::new(APT_CONFIG).args(["dump", "DPkg::Pre-Invoke"])
}

/// What each package takes on disk, KiB.
#[must_use]
pub fn disk_sizes() -> Command {
    Command::new(DPKG_QUERY).args(["-W", "-f=${Package}:${Architecture} ${Installed-Size}\\n"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &str, from: Option<&str>, to: Option<&str>) -> Change {
        let version = |text: &str| Version::try_from(text.to_owned()).expect("valid");
        Change {
            id: PackageId::parse(name, "amd64").expect("valid"),
            from: from.map(version),
            to: to.map(version),
        }
    }

    fn argv(plan: &Plan) -> Vec<String> {
        let bonds = Bonds {
            guard: "/usr/bin/patchd transaction-guard /r/plan.json",
            marks: Path::new("/r/extended-states"),
            stand_ins: None,
        };
        apply(plan, bonds)
            .argv()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn every_package_of_the_plan_is_named_with_its_exact_version() {
        let plan = Plan::new(vec![
            change("nginx", Some("1"), Some("2")),
            change("libnew", None, Some("1:3")),
            change("gone", Some("1"), None),
        ]);
        let argv = argv(&plan);
        let named: Vec<&str> = argv
            .iter()
            .skip_while(|word| *word != "install")
            .skip(1)
            .take(3)
            .map(String::as_str)
            .collect();
        assert_eq!(named, ["gone:amd64-", "libnew:amd64=1:3", "nginx:amd64=2"]);
    }

    #[test]
    fn only_a_plan_that_removes_may_remove() {
        let removes =
            |change| argv(&Plan::new(vec![change])).contains(&"APT::Get::Remove=true".to_owned());
        assert!(removes(change("gone", Some("1"), None)));
        assert!(!removes(change("nginx", Some("1"), Some("2"))));
    }

    #[test]
    fn apt_speaks_version_3_to_the_guard_and_writes_the_copy_of_the_marks() {
        let argv = argv(&Plan::new(vec![change("nginx", Some("1"), Some("2"))]));
        for option in [
            "DPkg::Pre-Install-Pkgs::=/usr/bin/patchd transaction-guard /r/plan.json",
            "DPkg::Tools::Options::/usr/bin/patchd::Version=3",
            "Dir::State::extended_states=/r/extended-states",
            "Dpkg::Options::=--force-confold",
            "APT::Get::AllowUnauthenticated=false",
        ] {
            assert!(argv.iter().any(|word| word == option), "{option}");
        }
        assert!(!argv.iter().any(|word| word == "--allow-downgrades"));
    }
}
