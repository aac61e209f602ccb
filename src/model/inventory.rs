//! What is installed, as vulnerabilities are looked up for it.

use super::package::PackageId;
use super::version::Version;
use super::vulnerability::SourceVersion;

/// One binary package that has files on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledPackage {
    /// Which package.
    pub id: PackageId,
    /// Its own version.
    pub version: Version,
    /// What it is built from; feeds speak of that.
    pub source: SourceVersion,
    /// Other sources that went into it (`Built-Using`).
    pub built_using: Vec<SourceVersion>,
    /// Whose it is.
    pub provenance: Provenance,
    /// Its part in a kernel; absent for all other packages.
    pub kernel: Option<KernelPart>,
}

/// Whose an installed package is: feeds of a distribution speak of its own only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provenance {
    /// A repository of the distribution offers its name, and nobody else this version.
    Distribution,
    /// Anybody else's, or nobody's.
    ThirdParty,
    /// No list of the distribution tells.
    Untold,
}

/// What a package of a kernel is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelPart {
    /// What boots.
    Image {
        /// As `uname -r` says when it runs: `6.1.0-56-amd64`.
        release: String,
    },
    /// Modules, headers, or a name that pulls the newest in: the image answers for it.
    Companion,
}

/// The kernels of a machine, as far as they can be told without its packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningKernel {
    /// `uname -r`.
    pub release: String,
    /// The package version that it says it was built as; absent where it does
    /// not. A package may have been replaced since it was booted.
    pub version: Option<Version>,
    /// Release of the image that the next boot starts; absent when there is none.
    pub newest: Option<String>,
    /// Whether it came from this system; the kernel of a container's host did not.
    pub owned: bool,
}
