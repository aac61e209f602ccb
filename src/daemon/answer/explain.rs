//! Which rule says what about a package, and what stands in the way.

use super::View;
use super::check::{look, policy, update};
use crate::control::{ControlError, document};
use crate::model::{Decided, ExitCode, Offer, PackageName, PendingUpdate};
use crate::package_manager::PackageManager;
use crate::policy::{self, ConditionTrace, Rule, RuleTrace};

pub(super) async fn explain<P: PackageManager>(
    view: &View<'_, P>,
    package: &PackageName,
    name: &str,
) -> Result<document::Explanation, ControlError> {
    let policy = policy(&view.parts.settings, name)?;
    let versions = view.parts.package_manager.versions_of(package).await?;
    if versions.is_empty() {
        let sentence = format!("{package} is not installed; `patchd check` lists what is pending");
        return Err(ControlError::failed(sentence, ExitCode::Failed));
    }
    let survey = look(view, name).await?.survey;
    let both = survey.pending.updates.iter().zip(&survey.decisions);
    let ours = both.filter(|(update, _)| update.id.name == *package);
    let installed = versions
        .into_iter()
        .map(|(id, version)| document::Installed {
            architecture: id.architecture.to_string(),
            version: version.to_string(),
        });
    Ok(document::Explanation {
        schema: "patchd/explain/1".to_owned(),
        package: package.to_string(),
        updates: ours
            .map(|(update, decided)| explained(update, decided, &policy.rules))
            .collect(),
        installed: installed.collect(),
        complete: survey.pending.complete,
        gaps: survey.pending.gaps,
    })
}

fn explained(seen: &PendingUpdate, decided: &Decided, rules: &[Rule]) -> document::ExplainedUpdate {
    document::ExplainedUpdate {
        update: update(seen, decided),
        in_the_way: seen.blocked.as_ref().map(ToString::to_string),
        offers: seen.offers.iter().map(offer).collect(),
        rules: policy::trace(rules, seen).into_iter().map(rule).collect(),
    }
}

fn offer(offer: &Offer) -> document::Offer {
    let origins = offer.origins.iter();
    document::Offer {
        version: offer.version.to_string(),
        origins: origins.map(|origin| origin.label.clone()).collect(),
        security: offer.security(),
    }
}

fn rule(trace: RuleTrace) -> document::Rule {
    let condition = |it: ConditionTrace| document::Condition {
        key: it.key.to_owned(),
        holds: it.truth.to_string(),
        fact: it.fact,
    };
    document::Rule {
        number: trace.number,
        holds: trace.truth.to_string(),
        conditions: trace.conditions.into_iter().map(condition).collect(),
    }
}
