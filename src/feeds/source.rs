//! Which feeds a distribution has, where they are, and how often they are worth
//! a look.

use std::time::Duration;

use super::line::Format;
use super::settings::Settings;
use crate::model::Distribution;

/// The archive of CISA's decision points has 150 MB and changes daily; what is
/// in it changes slowly.
const SSVC_INTERVAL: Duration = Duration::from_hours(7 * 24);

/// A feed that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// How it is written; there is one of each.
    pub format: Format,
    /// Where it is.
    pub url: String,
    /// More than it ever has, bytes.
    pub cap: u64,
}

/// What is said about this distribution, and about vulnerabilities as such.
/// Others than these have their advisories in their repositories.
#[must_use]
pub fn sources(distribution: &Distribution, settings: &Settings) -> Vec<Source> {
    let advisories = match distribution.id.as_str() {
        "debian" => Some(Format::DebianTracker),
        "ubuntu" => Some(Format::Osv),
        _ => None,
    };
    let threats = [Format::Kev, Format::Epss, Format::Ssvc];
    let wanted = advisories.into_iter().chain(threats);
    wanted
        .map(|format| Source {
            format,
            url: url(format, &distribution.id, settings.mirror.as_deref()),
            cap: cap(format),
        })
        .collect()
}

/// A mirror has its files under names of ours, packed by gzip or not.
fn url(format: Format, distribution: &str, mirror: Option<&str>) -> String {
    if let Some(mirror) = mirror {
        let mirror = mirror.trim_end_matches('/');
        return match format {
            Format::DebianTracker | Format::Osv | Format::Updateinfo => {
                format!("{mirror}/{distribution}/{}", format.file())
            }
            Format::Kev | Format::Epss | Format::Ssvc => format!("{mirror}/{}", format.file()),
        };
    }
    let url = match format {
        Format::DebianTracker => "https://security-tracker.debian.org/tracker/data/json",
        Format::Osv | Format::Updateinfo => {
            "https://osv-vulnerabilities.storage.googleapis.com/Ubuntu/all.zip"
        }
        Format::Kev => {
            "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
        }
        Format::Epss => "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
        Format::Ssvc => "https://codeload.github.com/cisagov/vulnrichment/zip/refs/heads/develop",
    };
    url.to_owned()
}

/// Several times what each had in 2026.
fn cap(format: Format) -> u64 {
    let mebibytes = match format {
        Format::DebianTracker => 256,
        Format::Osv | Format::Ssvc => 768,
        Format::Updateinfo => 128,
        Format::Kev => 16,
        Format::Epss => 32,
    };
    mebibytes << 20
}

impl Format {
    /// All there are.
    pub const ALL: [Self; 6] = [
        Self::DebianTracker,
        Self::Osv,
        Self::Updateinfo,
        Self::Kev,
        Self::Epss,
        Self::Ssvc,
    ];

    /// What the feed is called in commands, metrics and file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DebianTracker => "debian-tracker",
            Self::Osv => "osv",
            Self::Kev => "kev",
            Self::Epss => "epss",
            Self::Ssvc => "ssvc",
            Self::Updateinfo => "updateinfo",
        }
    }

    /// Whether it is about packages of one release; else about vulnerabilities.
    #[must_use]
    pub fn is_of_release(self) -> bool {
        matches!(self, Self::DebianTracker | Self::Osv | Self::Updateinfo)
    }

    /// How often it is worth a look.
    #[must_use]
    pub fn pace(self, settings: &Settings) -> Duration {
        match self {
            Self::Kev => settings.kev_interval,
            Self::Ssvc => settings.interval.max(SSVC_INTERVAL),
            _ => settings.interval,
        }
    }

    /// What it is called on a mirror.
    fn file(self) -> &'static str {
        match self {
            Self::DebianTracker => "tracker.json",
            Self::Osv => "osv.zip",
            Self::Updateinfo => "updateinfo.xml",
            Self::Kev => "kev.json",
            Self::Epss => "epss.csv.gz",
            Self::Ssvc => "ssvc.zip",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(id: &str) -> Distribution {
        Distribution {
            id: id.to_owned(),
            version: None,
            codename: None,
        }
    }

    #[test]
    fn a_mirror_has_everything_below_one_address() {
        let settings = Settings {
            mirror: Some("http://127.0.0.1:8000/feeds/".to_owned()),
            ..Settings::default()
        };
        let urls = |id| {
            let sources = sources(&distribution(id), &settings).into_iter();
            sources.map(|it| it.url).collect::<Vec<_>>()
        };
        let world = ["kev.json", "epss.csv.gz", "ssvc.zip"];
        let world = world.map(|file| format!("http://127.0.0.1:8000/feeds/{file}"));
        let debian = "http://127.0.0.1:8000/feeds/debian/tracker.json";
        assert_eq!(urls("debian")[0], debian);
        assert_eq!(urls("debian")[1..], world);
        assert_eq!(
            urls("ubuntu")[0],
            "http://127.0.0.1:8000/feeds/ubuntu/osv.zip"
        );
        assert_eq!(urls("fedora"), world);
    }

    #[test]
    fn publishers_are_spoken_to_encrypted() {
        for id in ["debian", "ubuntu"] {
            let sources = sources(&distribution(id), &Settings::default());
            assert_eq!(sources.len(), 4);
            assert!(sources.iter().all(|it| it.url.starts_with("https://")));
        }
    }

    #[test]
    fn names_are_the_words_of_the_format() {
        for format in Format::ALL {
            let word = serde_json::to_string(&format).expect("a word");
            assert_eq!(word.trim_matches('"'), format.name());
        }
    }
}
