//! Which of the versions on the way to the candidate the operator's pins allow.

use crate::model::{Architecture, Offer, PendingUpdate};

use super::parse::policy::Policy;

/// Drops the offers that pins speak against: what has a negative priority, and
/// what has a lower one than the candidate. A security archive of the same
/// origin as the candidate is an exception, since a default release or a pin on
/// the point release puts it behind without anybody meaning it.
pub fn respect(update: &mut PendingUpdate, policies: &[Policy], native: &Architecture) {
    let Some(policy) = policies.iter().find(|policy| {
        policy
            .named
            .is(&update.id.name, &update.id.architecture, native)
    }) else {
        return;
    };
    let candidate = update.candidate.clone();
    let least = policy.priority(&candidate).unwrap_or(0);
    let vendors: Vec<String> = update
        .offers
        .iter()
        .filter(|offer| offer.version == candidate)
        .flat_map(|offer| &offer.origins)
        .map(|origin| origin.name.clone())
        .collect();
    let of_vendor = |offer: &Offer| {
        let mut security = offer.origins.iter().filter(|origin| origin.is_security());
        security.any(|origin| vendors.contains(&origin.name))
    };
    update.offers.retain(|offer| {
        offer.version == candidate
            || policy
                .priority(&offer.version)
                .is_some_and(|it| it >= 0 && (it >= least || of_vendor(offer)))
    });
}

#[cfg(test)]
mod tests {
    use super::super::parse::policy;
    use super::*;
    use crate::model::{Origin, PackageId, PackageName, Version};

    fn offer(version: &str, name: &str, label: &str) -> Offer {
        Offer {
            version: Version::try_from(version.to_owned()).expect("valid"),
            built_from: None,
            origins: vec![Origin {
                name: name.to_owned(),
                label: label.to_owned(),
                codename: "lab".to_owned(),
            }],
            remedy: None,
            download_bytes: None,
            installed_bytes: None,
        }
    }

    fn left(offers: Vec<Offer>, answer: &str) -> Vec<String> {
        let name = PackageName::try_from("plain".to_owned()).expect("valid");
        let mut update = PendingUpdate {
            id: PackageId::parse("plain", "amd64").expect("valid"),
            source: name,
            installed: Version::try_from("1.0".to_owned()).expect("valid"),
            candidate: offers[0].version.clone(),
            offers,
            blocked: None,
            kernel: false,
            needs_reboot: false,
        };
        let native = Architecture::try_from("amd64".to_owned()).expect("valid");
        let policies = policy::parse(answer).expect("known");
        respect(&mut update, &policies, &native);
        let versions = update.offers.iter().map(|offer| offer.version.to_string());
        versions.collect()
    }

    #[test]
    fn a_version_that_is_pinned_away_is_not_on_offer() {
        let answer = include_str!("../../../tests/fixtures/apt/12/policy-pins.txt");
        let offers = vec![
            offer("1.3", "Lab", "Lab"),
            offer("1.2", "Lab", "Lab-Security"),
            offer("1.1", "Lab", "Lab"),
        ];
        assert_eq!(left(offers, answer), ["1.3", "1.1"]);
    }

    #[test]
    fn behind_the_candidate_only_its_own_vendor_s_security_counts() {
        let answer = "plain:\n  Installed: 1.0\n  Candidate: 1.3\n  Version table:\n     1.3 990\n     1.2 500\n     1.1 500\n";
        let offers = |vendor: &str| {
            vec![
                offer("1.3", "Lab", "Lab"),
                offer("1.2", vendor, "Lab-Security"),
                offer("1.1", "Lab", "Lab"),
            ]
        };
        assert_eq!(left(offers("Lab"), answer), ["1.3", "1.2"]);
        assert_eq!(left(offers("Other"), answer), ["1.3"]);
    }

    #[test]
    fn a_package_that_apt_says_nothing_of_stays_as_it_is() {
        let offers = vec![offer("1.3", "Lab", "Lab"), offer("1.2", "Lab", "Lab")];
        assert_eq!(left(offers, "").len(), 2);
    }
}
