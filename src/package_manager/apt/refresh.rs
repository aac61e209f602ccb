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
use crate::os::files;

/// An update of hundreds of repositories says less.
const OUTPUT_CAP: u64 = 16 << 20;

/// A list of all mirrors of the world is shorter.
const MIRRORS_CAP: u64 = 1 << 20;

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
    /// The mirrors that stand behind a `mirror+…:` URI.
    mirrors: Mirrors,
}

/// apt names a mirror, not the list of mirrors, when something came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Mirrors {
    /// It is fetched from its own URI.
    #[default]
    None,
    /// From one of these.
    Listed(Vec<String>),
    /// The list is on another machine: any that no other repository has.
    Elsewhere,
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
    let mut sources = sources(&targets.text())?;
    for source in &mut sources {
        source.find_mirrors();
    }
    let log = Log::of(folder, "refresh");
    let ended = perform(&commands::update(), &log, commands::apt_status, watch)
        .await?
        .untroubled()?;
    let said = log.read(ended.output_from, OUTPUT_CAP)?;
    let repositories = judge(&sources, &said);
    for source in sources
        .iter()
        .filter(|source| came(source, &sources, &said))
    {
        source.date();
    }
    let nothing_came = !sources.iter().any(|source| came(source, &sources, &said));
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
        mirrors: Mirrors::None,
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
                None if came(source, sources, said) => (RepositoryState::Fresh, ""),
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

    /// Reads the list of mirrors where it is a file; one that cannot be read is
    /// empty, and apt complains of it by name.
    fn find_mirrors(&mut self) {
        let scheme = self.site.split(':').next().unwrap_or_default();
        self.mirrors = match self.site.split_once("file:") {
            Some(("mirror+", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                let list = files::read_bounded(Path::new(path), MIRRORS_CAP);
                Mirrors::Listed(mirrors(&list.unwrap_or_default()))
            }
            _ if scheme == "mirror" || scheme.starts_with("mirror+") => Mirrors::Elsewhere,
            _ => Mirrors::None,
        };
    }

    /// Everywhere it may come from by name.
    fn sites(&self) -> impl Iterator<Item = &str> {
        let listed = match &self.mirrors {
            Mirrors::Listed(urls) => urls.as_slice(),
            Mirrors::None | Mirrors::Elsewhere => &[],
        };
        std::iter::once(self.site.as_str()).chain(listed.iter().map(String::as_str))
    }

    fn is_named_in(&self, line: &str) -> bool {
        self.sites().any(|site| is_named(site, &self.release, line))
    }
}

/// apt writes `SITE RELEASE …` in some lines, and a URL in others.
fn is_named(site: &str, release: &str, line: &str) -> bool {
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

/// One URL a line, with words of apt behind it; `#` begins a remark.
fn mirrors(list: &str) -> Vec<String> {
    list.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .map(|url| credentials::hidden(url).trim_end_matches('/').to_owned())
        .collect()
}

/// Whether its Release file came, or was the same as ours.
fn came(source: &Source, all: &[Source], said: &str) -> bool {
    let names = ["InRelease", "Release"].map(|name| format!(" {} {name}", source.release));
    said.lines()
        .filter(|line| line.starts_with("Hit:") || line.starts_with("Get:"))
        .filter_map(|line| {
            let line = line.split(" [").next().unwrap_or(line);
            let place = names.iter().find_map(|name| line.strip_suffix(name))?;
            place.split_once(' ').map(|(_, site)| site)
        })
        .any(|site| {
            let is_of = |one: &Source| one.sites().any(|own| own == site);
            is_of(source)
                || (source.mirrors == Mirrors::Elsewhere
                    && !all
                        .iter()
                        .any(|other| other.release == source.release && is_of(other)))
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
    fn what_comes_from_a_mirror_is_fresh_under_the_name_of_the_list() {
        let mut sources = sources(&fixture("12", "mirror-targets")).expect("targets");
        for source in &mut sources {
            if source.site.starts_with("mirror+file:") {
                source.mirrors = Mirrors::Listed(mirrors(&fixture("12", "mirror-list")));
            }
        }
        for name in ["mirror-file", "mirror-file-again"] {
            let judged = judge(&sources, &fixture("12", name));
            assert_eq!(judged[0].id, "mirror+file:/etc/apt/mirrors/lab.list lab");
            assert_eq!(judged.len(), 3);
            assert!(
                judged.iter().all(|it| it.state == RepositoryState::Fresh),
                "{name}: {judged:?}"
            );
        }
        let judged = judge(&sources, &fixture("12", "mirror-no-key"));
        assert_eq!(judged[0].state, RepositoryState::BadSignature);
        sources[0].release = "nosuch".to_owned();
        let judged = judge(&sources, &fixture("12", "mirror-no-suite"));
        assert_eq!(judged[0].state, RepositoryState::Unreachable);
    }

    #[test]
    fn a_list_of_mirrors_on_another_machine_lets_any_mirror_stand_for_it() {
        let targets = fixture("12", "mirror-targets").replace(
            "mirror+file:/etc/apt/mirrors/lab.list",
            "mirror+http://127.0.0.1:18877/mirrors.txt",
        );
        let mut sources = sources(&targets).expect("targets");
        for source in &mut sources {
            source.find_mirrors();
        }
        let said = fixture("12", "mirror-http");
        let states: Vec<_> = judge(&sources, &said).iter().map(|it| it.state).collect();
        assert_eq!(states, [RepositoryState::Fresh; 3]);
        let of_a = "Hit:1 http://127.0.0.1:18877/a lab InRelease\n";
        assert_eq!(judge(&sources, of_a)[0].state, RepositoryState::Unknown);
    }

    #[test]
    fn the_list_of_mirrors_is_read_where_it_is_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let list = folder.path().join("debian.list");
        files::replace(
            &list,
            b"# all\nhttps://u:p@deb.example.org/debian/\tpriority:1\n\n",
            0o644,
        )
        .expect("written");
        let line = format!(
            "mirror+file:{}\tlab\t/l/x_main_Packages\tmain/Packages\n",
            list.display()
        );
        let mut found = sources(&line).expect("targets");
        found[0].find_mirrors();
        let expected = vec!["https://deb.example.org/debian".to_owned()];
        assert_eq!(found[0].mirrors, Mirrors::Listed(expected));
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
