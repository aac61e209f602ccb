//! Fetching all indexes, and what apt said of each repository. An exit status
//! of 0 proves nothing: a repository is fresh when its Release file came and
//! nobody complained of it.

use std::path::Path;

use super::super::contract::Watch;
use super::super::fault::Fault;
use super::execution::{Log, last_words, perform};
use super::{commands, complaint, credentials};
use crate::model::{Repository, RepositoryState};
use crate::os::command::Runner;

/// An update of hundreds of repositories says less.
const OUTPUT_CAP: u64 = 16 << 20;

/// How apt begins its complaints; the long ones come with
/// `APT::Output-Version`, which a machine may have set.
const PREFIXES: [&str; 4] = ["W: ", "E: ", "Warning: ", "Error: "];

/// A configured repository, as apt names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    /// URI without credentials and without the slash at its end.
    site: String,
    /// Suite, or the folder of a flat repository.
    release: String,
    /// What the names of its files in the lists folder begin with.
    files: String,
}

/// Fetches all indexes. One bad repository does not stop the others.
pub async fn refresh(
    runner: &dyn Runner,
    folder: &Path,
    watch: Watch<'_>,
) -> Result<Vec<Repository>, Fault> {
    let targets = runner.ask(&commands::index_targets()).await?;
    if targets.status != 0 {
        return Err(Fault::Failed {
            program: "apt-get indextargets",
            words: credentials::hidden(&targets.last_words()),
            advice: "look at the files below /etc/apt/sources.list.d",
        });
    }
    let sources = sources(&targets.text())?;
    let log = Log::of(folder, "refresh");
    let ended = perform(&commands::update(), &log, commands::apt_status, watch)
        .await?
        .untroubled()?;
    let said = log.read(ended.output_from, OUTPUT_CAP)?;
    let repositories = judge(&sources, &said);
    for source in sources.iter().filter(|source| came(source, &said)) {
        source.date();
    }
    let nothing_came = !sources.iter().any(|source| came(source, &said));
    if ended.status != 0 && nothing_came && all_unknown(&repositories) {
        return Err(Fault::Failed {
            program: "apt-get update",
            words: last_words(&said, ended.status),
            advice: "run it by hand; the lists are as they were",
        });
    }
    Ok(repositories)
}

fn all_unknown(repositories: &[Repository]) -> bool {
    repositories
        .iter()
        .all(|repository| repository.state == RepositoryState::Unknown)
}

/// Each repository once.
fn sources(targets: &str) -> Result<Vec<Source>, Fault> {
    let mut found: Vec<Source> = Vec::new();
    for line in targets.lines() {
        let source = source(line).ok_or_else(|| Fault::Garbage {
            source_of: "apt-get indextargets".to_owned(),
            line: credentials::hidden(line).chars().take(200).collect(),
        })?;
        if !found.contains(&source) {
            found.push(source);
        }
    }
    Ok(found)
}

/// One line: site, release, name of an index file, and the end of that name.
fn source(line: &str) -> Option<Source> {
    let mut fields = line.split('\t');
    let (site, release) = (fields.next()?, fields.next()?);
    let (index, key) = (fields.next()?, fields.next()?.replace('/', "_"));
    let files = index.rfind(&key).and_then(|end| index.get(..end))?;
    Some(Source {
        site: credentials::hidden(site).trim_end_matches('/').to_owned(),
        release: release.to_owned(),
        files: files.to_owned(),
    })
}

fn judge(sources: &[Source], said: &str) -> Vec<Repository> {
    let complaints = complaints(said);
    sources
        .iter()
        .map(|source| {
            let mine = complaints
                .iter()
                .filter(|complaint| complaint.owner(sources) == Some(source));
            let trouble = complaint::worst(mine.map(|complaint| complaint.words.as_str()));
            let (state, words) = match trouble {
                Some((state, words)) => (state, words),
                None if came(source, said) => (RepositoryState::Fresh, ""),
                None => (
                    RepositoryState::Unknown,
                    "apt-get update did not speak of it",
                ),
            };
            Repository {
                id: format!("{} {}", source.site, source.release),
                age_seconds: (state == RepositoryState::Fresh).then_some(0),
                state,
                advice: complaint::advice(state, words),
            }
        })
        .collect()
}

/// What apt complained of.
#[derive(Debug)]
struct Complaint {
    /// Where the repository is named.
    about: String,
    /// What happened to it.
    words: String,
}

/// All complaints in apt's order: `Err:1 REPOSITORY …` with its words on the next line, `W: …` and `E: …`.
fn complaints(said: &str) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mut lines = said.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("Err:") {
            let words = lines.next_if(|next| next.starts_with(' '));
            found.push(Complaint {
                about: line.to_owned(),
                words: words.unwrap_or(line).trim_end().to_owned(),
            });
        } else if let Some(words) = PREFIXES.iter().find_map(|mark| line.strip_prefix(mark)) {
            found.push(Complaint {
                about: words.to_owned(),
                words: words.to_owned(),
            });
        }
    }
    found
}

impl Complaint {
    /// The repository that is named; of several that fit, the longest name.
    fn owner<'a>(&self, sources: &'a [Source]) -> Option<&'a Source> {
        sources
            .iter()
            .filter(|source| source.is_named_in(&self.about))
            .max_by_key(|source| source.site.len() + source.release.len())
    }
}

impl Source {
    /// apt leaves a Release file that did not change untouched, so its age would
    /// tell when the server wrote it. Setting its mode again dates its inode.
    fn date(&self) {
        for name in ["InRelease", "Release"] {
            let path = format!("{}{name}", self.files);
            if let Ok(metadata) = std::fs::metadata(&path) {
                // Without it the repository only looks older than it is.
                let _as_it_was = std::fs::set_permissions(&path, metadata.permissions());
            }
        }
    }

    /// apt writes `SITE RELEASE …` in some lines, and a URL in others.
    fn is_named_in(&self, line: &str) -> bool {
        let Self { site, release, .. } = self;
        let url = if release.ends_with('/') {
            format!("{site}/{release}")
        } else {
            format!("{site}/dists/{release}/")
        };
        let described = format!("{site} {release}");
        let follows = |rest: &str| rest.starts_with([' ', '/']);
        line.contains(&url)
            || line
                .split_once(&described)
                .is_some_and(|(_, rest)| follows(rest))
    }
}

/// Whether its Release file came, or was the same as ours.
fn came(source: &Source, said: &str) -> bool {
    let (site, release) = (&source.site, &source.release);
    let names = [
        format!(" {site} {release} InRelease"),
        format!(" {site} {release} Release"),
    ];
    said.lines()
        .filter(|line| line.starts_with("Hit:") || line.starts_with("Get:"))
        .any(|line| {
            let line = line.split(" [").next().unwrap_or(line);
            names.iter().any(|name| line.ends_with(name))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGETS: &str = "\
        http://127.0.0.1:18761/a\tlab\t/l/a_lab_main_binary-amd64_Packages\tmain/binary-amd64/Packages\n\
        http://127.0.0.1:18761/a\tlab\t/l/a_lab_main_binary-all_Packages\tmain/binary-all/Packages\n\
        http://127.0.0.1:18761/b\tlab\t/l/b_lab_main_binary-amd64_Packages\tmain/binary-amd64/Packages\n";

    fn fixture(release: &str, name: &str) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apt");
        let path = root
            .join(release)
            .join("update")
            .join(format!("{name}.txt"));
        let text = std::fs::read_to_string(&path).expect("a fixture");
        credentials::hidden(&text)
    }

    #[test]
    fn each_fault_of_a_repository_has_its_state_and_the_other_one_stays_fresh() {
        use RepositoryState::{
            BadSignature, Corrupt, Expired, ExpiredKey, Fresh, IdentityChanged, Unreachable,
        };
        let sources = sources(TARGETS).expect("targets");
        for (name, state) in [
            ("good", Fresh),
            ("changed-Suite", Fresh),
            ("changed-Version", Fresh),
            ("changed-Origin", IdentityChanged),
            ("changed-Label", IdentityChanged),
            ("changed-Codename", IdentityChanged),
            ("expired-key", ExpiredKey),
            ("other-key", BadSignature),
            ("first-other-key", BadSignature),
            ("no-keyring", BadSignature),
            ("unsigned", BadSignature),
            ("first-unsigned", BadSignature),
            ("bad-signature", BadSignature),
            ("inrelease-corrupt", BadSignature),
            ("inrelease-404", BadSignature),
            ("inrelease-500", Unreachable),
            ("inrelease-reset", Unreachable),
            ("inrelease-truncate", Corrupt),
            ("packages-corrupt", Corrupt),
            ("packages-truncate", Corrupt),
            ("packages-reset", Unreachable),
            ("packages-404", Unreachable),
            ("packages-500", Unreachable),
            ("valid-until", Expired),
            ("not-yet-valid", Expired),
        ] {
            for release in ["12", "13"] {
                let judged = judge(&sources, &fixture(release, name));
                let states: Vec<_> = judged.iter().map(|one| one.state).collect();
                assert_eq!(states, [state, Fresh], "{name} on {release}: {judged:?}");
                assert!(
                    judged
                        .iter()
                        .all(|one| one.advice.is_some() == (one.state != Fresh))
                );
            }
        }
    }

    #[test]
    fn a_warning_with_exit_status_0_is_not_fresh() {
        let sources = sources(TARGETS).expect("targets");
        for release in ["12", "13"] {
            let judged = judge(&sources, &fixture(release, "no-component"));
            assert_eq!(judged[0].state, RepositoryState::Missing);
        }
    }

    #[test]
    fn a_host_or_a_suite_that_does_not_exist_is_unreachable() {
        for (targets, name) in [
            (
                "http://127.0.0.1:18761/a\tnosuite\t/l/n_main_Packages\tmain/Packages\n",
                "no-suite",
            ),
            (
                "http://no-such-host.invalid/a\tlab\t/l/n_main_Packages\tmain/Packages\n",
                "dns",
            ),
        ] {
            let sources = sources(targets).expect("targets");
            for release in ["12", "13"] {
                let judged = judge(&sources, &fixture(release, name));
                assert_eq!(judged[0].state, RepositoryState::Unreachable, "{name}");
            }
        }
    }

    #[test]
    fn silence_and_unknown_words_are_unknown_and_quoted() {
        let sources = sources("http://h/debian\tbookworm\t/l/b_main_Packages\tmain/Packages\nhttp://h/debian\tbookworm-updates\t/l/u_main_Packages\tmain/Packages\n")
            .expect("targets");
        let said = "Hit:1 http://h/debian bookworm InRelease\n\
                    Hit:2 http://h/debian bookworm-updates InRelease\n\
                    W: http://h/debian/dists/bookworm-updates/InRelease: the moon is full\n";
        let judged = judge(&sources, said);
        assert_eq!(judged[0].state, RepositoryState::Fresh);
        assert_eq!(judged[1].state, RepositoryState::Unknown);
        let advice = judged[1].advice.as_deref().unwrap_or_default();
        assert!(advice.contains("the moon is full"), "{advice}");
        assert_eq!(judge(&sources, "")[0].state, RepositoryState::Unknown);
    }

    #[test]
    fn a_flat_repository_is_found_by_its_url() {
        let sources =
            sources("https://u:p@h/flat/\t./\t/l/h_flat_._Packages\tPackages\n").expect("targets");
        let said = "Err:1 https://h/flat ./ InRelease\n  403  Forbidden [IP: 1.2.3.4 443]\n\
                    E: Failed to fetch https://h/flat/./InRelease  403  Forbidden\n";
        let judged = judge(&sources, said);
        assert_eq!(judged[0].id, "https://h/flat ./");
        assert_eq!(judged[0].state, RepositoryState::Unreachable);
    }
}
