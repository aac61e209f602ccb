//! Conditions of a rule about what a version on offer would close here.

use super::condition::ConditionTrace;
use super::settings::When;
use super::truth::Truth;
use crate::model::{CveId, Offer, Remedy, Severity};

/// So many vulnerabilities are named in one fact.
const NAMED: usize = 3;

/// The conditions about what a version would close here. One that closes nothing
/// matches none of them; as long as nobody can tell, none is known.
pub(super) fn about_remedy(when: &When, offer: &Offer) -> impl Iterator<Item = ConditionTrace> {
    let remedy = offer.remedy.as_ref();
    let judged = |key, holds: &dyn Fn(&Remedy) -> Truth, fact: &dyn Fn(&Remedy) -> String| {
        let closes = remedy.filter(|remedy| !remedy.cves.is_empty());
        let (truth, fact) = match (remedy, closes) {
            (None, _) => (Truth::Unknown, "unknown".to_owned()),
            (Some(_), None) => (Truth::False, "it closes nothing here".to_owned()),
            (Some(_), Some(remedy)) => (holds(remedy), fact(remedy)),
        };
        ConditionTrace { key, truth, fact }
    };
    let severity = when.severity.as_ref().map(|wanted| {
        let holds = |remedy: &Remedy| Truth::from(wanted.contains(&remedy.severity));
        judged("severity", &holds, &|remedy| severity(remedy.severity))
    });
    let tier = when.tier.as_ref().map(|wanted| {
        let holds =
            |remedy: &Remedy| Truth::from(remedy.tier.is_some_and(|it| wanted.contains(&it)));
        let fact = |remedy: &Remedy| {
            remedy
                .tier
                .map_or("unknown".to_owned(), |it| it.to_string())
        };
        judged("tier", &holds, &fact)
    });
    let cve = when.cve.as_ref().map(|wanted| {
        let is_meant = |id: &CveId| wanted.iter().any(|it| it.matches(&id.to_string()));
        let holds = |remedy: &Remedy| Truth::from(remedy.cves.iter().any(is_meant));
        judged("cve", &holds, &|remedy| closed(&remedy.cves))
    });
    let exploited = when.known_exploited.map(|wanted| {
        let holds = |remedy: &Remedy| Truth::from(remedy.known_exploited == wanted);
        judged("known_exploited", &holds, &|remedy| {
            remedy.known_exploited.to_string()
        })
    });
    let epss = when.epss_at_least.map(|least| {
        let holds = |remedy: &Remedy| Truth::from(remedy.epss.map(|it| it >= least));
        let fact = |remedy: &Remedy| remedy.epss.map_or("unknown".to_owned(), probability);
        judged("epss_at_least", &holds, &fact)
    });
    [severity, tier, cve, exploited, epss].into_iter().flatten()
}

fn severity(severity: Option<Severity>) -> String {
    severity.map_or("unrated".to_owned(), |it| it.to_string())
}

/// Ten-thousandths as people write them.
fn probability(epss: u16) -> String {
    format!("{:.4}", f64::from(epss) / 10_000.0)
}

/// The first few, and how many there are.
fn closed(cves: &[CveId]) -> String {
    let named: Vec<String> = cves.iter().take(NAMED).map(CveId::to_string).collect();
    let named = named.join(", ");
    match cves.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::Pattern;
    use super::*;
    use crate::model::{Tier, Version};

    fn offer(remedy: Option<Remedy>) -> Offer {
        Offer {
            version: Version::try_from("1.1".to_owned()).expect("valid"),
            built_from: None,
            origins: vec![],
            remedy,
            download_bytes: None,
            installed_bytes: None,
        }
    }

    fn closes() -> Remedy {
        let id = |text: &str| CveId::try_from(text.to_owned()).expect("valid");
        Remedy {
            cves: ["CVE-2025-0001", "CVE-2026-0001"].map(id).to_vec(),
            severity: Some(Severity::High),
            tier: Some(Tier::P1),
            known_exploited: true,
            epss: Some(1200),
        }
    }

    fn conditions() -> Vec<When> {
        let patterns = |text: &str| Some(vec![Pattern::parse(text).expect("valid")]);
        let none = When::default;
        vec![
            When {
                severity: Some(vec![Some(Severity::Critical), Some(Severity::High)]),
                ..none()
            },
            When {
                severity: Some(vec![None]),
                ..none()
            },
            When {
                tier: Some(vec![Tier::P0, Tier::P1]),
                ..none()
            },
            When {
                tier: Some(vec![Tier::P4]),
                ..none()
            },
            When {
                cve: patterns("CVE-2026-*"),
                ..none()
            },
            When {
                cve: patterns("CVE-2024-*"),
                ..none()
            },
            When {
                known_exploited: Some(true),
                ..none()
            },
            When {
                known_exploited: Some(false),
                ..none()
            },
            When {
                epss_at_least: Some(1000),
                ..none()
            },
            When {
                epss_at_least: Some(5000),
                ..none()
            },
        ]
    }

    fn truths(remedy: Option<Remedy>) -> Vec<Truth> {
        let offer = offer(remedy);
        let truth = |when: &When| {
            let traces: Vec<ConditionTrace> = about_remedy(when, &offer).collect();
            assert_eq!(traces.len(), 1, "{when:?}");
            traces[0].truth
        };
        conditions().iter().map(truth).collect()
    }

    #[test]
    fn each_condition_is_about_all_that_a_version_closes() {
        use Truth::{False, True};
        let expected = [
            True, False, True, False, True, False, True, False, True, False,
        ];
        assert_eq!(truths(Some(closes())), expected);
    }

    #[test]
    fn what_closes_nothing_matches_none_and_without_feeds_none_is_known() {
        assert_eq!(truths(Some(Remedy::default())), vec![Truth::False; 10]);
        assert_eq!(truths(None), vec![Truth::Unknown; 10]);
    }

    #[test]
    fn an_unrated_one_is_told_so_and_an_unknown_probability_is_no_low_one() {
        let unrated = Remedy {
            severity: None,
            epss: None,
            ..closes()
        };
        let [severity, epss] = [
            When {
                severity: Some(vec![None]),
                ..When::default()
            },
            When {
                epss_at_least: Some(0),
                ..When::default()
            },
        ]
        .map(|when| {
            about_remedy(&when, &offer(Some(unrated.clone())))
                .next()
                .expect("one")
        });
        assert_eq!(
            (severity.truth, severity.fact.as_str()),
            (Truth::True, "unrated")
        );
        assert_eq!(
            (epss.truth, epss.fact.as_str()),
            (Truth::Unknown, "unknown")
        );
    }
}
