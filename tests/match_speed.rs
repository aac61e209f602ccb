//! Judging a machine costs next to nothing: 800 packages against 60,000 records.

use patchd::model::{
    Advised, CveId, InstalledPackage, PackageId, PackageName, Provenance, RunningKernel,
    SourceVersion, Status, Version, Word,
};
use patchd::vulnerability::{Advice, Feed, FeedState, Machine, judge};
use rustix::time::{ClockId, clock_gettime};

const PACKAGES: u32 = 800;
const SOURCES: u32 = 600;
const RECORDS: u32 = 60_000;

/// So many vulnerabilities are fixed by one version; a kernel's are hundreds.
const ALIKE: u32 = 10;

/// Without optimisation it takes some ten times as long, and a busy machine some
/// more; what counts is that nobody has made it a hundred times slower.
const BOUND_MS: i64 = if cfg!(debug_assertions) { 1000 } else { 10 };

fn version(text: String) -> Version {
    Version::try_from(text).expect("a version")
}

fn name(text: String) -> PackageName {
    PackageName::try_from(text).expect("a name")
}

fn installed() -> Vec<InstalledPackage> {
    let package = |number: u32| InstalledPackage {
        id: PackageId::parse(&format!("package-{number}"), "amd64").expect("an id"),
        version: version("3.0.19-1~deb12u2".to_owned()),
        source: SourceVersion {
            name: name(format!("source-{}", number % SOURCES)),
            version: version("3.0.19-1~deb12u2".to_owned()),
        },
        built_using: Vec::new(),
        provenance: Provenance::Distribution,
        kernel: None,
    };
    (0..PACKAGES).map(package).collect()
}

/// All about sources that are installed, every other group fixed here.
fn advice() -> Advice {
    let mut advice = Advice::new();
    for group in 0..RECORDS / ALIKE {
        let minor = if group % 2 == 0 { 18 } else { 22 };
        let status = Status::Fixed {
            version: version(format!("3.0.{minor}-1~deb12u{}", group % 9)),
        };
        let ids = (0..ALIKE).map(|one| 1 << 24 | (group * ALIKE + one));
        let advised = Advised {
            word: Word {
                status,
                severity: None,
                channel: None,
                label: None,
                published: None,
            },
            cves: ids.map(CveId::from_bits).collect(),
        };
        let source = name(format!("source-{}", group % SOURCES));
        advice.entry(source).or_default().push(advised);
    }
    advice
}

fn cpu_ms() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1000 + time.tv_nsec / 1_000_000
}

#[test]
fn a_machine_is_judged_in_no_time() {
    let (installed, advice) = (installed(), advice());
    let kernel = RunningKernel {
        release: "6.18.44-host".to_owned(),
        version: None,
        newest: None,
        owned: false,
    };
    let machine = Machine {
        installed: &installed,
        kernel: &kernel,
        updates: &[],
    };
    let feed = Feed {
        advice: &advice,
        state: FeedState::Current,
    };
    let began = cpu_ms();
    let judgement = judge(&machine, &feed);
    let took = cpu_ms() - began;
    assert_eq!(judgement.tally().affected, RECORDS as usize / 2);
    println!("{PACKAGES} packages against {RECORDS} records: {took} ms");
    assert!(took <= BOUND_MS, "{took} ms");
}
