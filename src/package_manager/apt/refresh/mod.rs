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
    let ended = perform(
        runner,
        &commands::update(),
        &log,
        commands::apt_status,
        watch,
    )
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
mod tests;
