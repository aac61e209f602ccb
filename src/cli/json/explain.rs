//! `patchd explain --json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::check::Update;
use crate::model::{Decided, Offer, PackageName, PendingUpdate};
use crate::policy::{self, ConditionTrace, RuleTrace};

/// `patchd explain --json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Explanation {
    /// Name and version of this shape.
    #[schemars(extend("const" = "patchd/explain/1"))]
    pub schema: &'static str,
    /// The package that was asked about.
    pub package: String,
    /// One for each architecture with something newer on offer.
    pub updates: Vec<ExplainedUpdate>,
}

/// A pending update with everything that speaks for and against it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainedUpdate {
    /// The update and its decision.
    #[serde(flatten)]
    pub update: Update,
    /// What keeps the package manager from installing the candidate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_the_way: Option<String>,
    /// Every version on offer, newest first.
    pub offers: Vec<OfferJson>,
    /// Every rule of the policy, in order.
    pub rules: Vec<RuleJson>,
}

/// A version on offer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Offer")]
pub struct OfferJson {
    /// The version.
    pub version: String,
    /// Labels of the repositories that offer it.
    pub origins: Vec<String>,
    /// Whether it is a security fix; absent when not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<bool>,
}

/// How a rule answers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Rule")]
pub struct RuleJson {
    /// Its place in the policy, counted from 1.
    pub number: usize,
    /// Unknown never counts as true.
    #[schemars(extend("enum" = ["true", "false", "unknown"]))]
    pub holds: String,
    /// Its conditions.
    pub conditions: Vec<ConditionJson>,
}

/// How a condition answers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Condition")]
pub struct ConditionJson {
    /// The key in the configuration.
    pub key: &'static str,
    /// Unknown never counts as true.
    #[schemars(extend("enum" = ["true", "false", "unknown"]))]
    pub holds: String,
    /// The fact of this machine that it was held against.
    pub fact: String,
}

impl Explanation {
    /// About one package under one policy.
    #[must_use]
    pub fn new(
        package: &PackageName,
        found: &[(&PendingUpdate, &Decided)],
        policy: &policy::Settings,
    ) -> Self {
        let explained = |(update, decided): &(&PendingUpdate, &Decided)| ExplainedUpdate {
            update: Update::new(update, decided),
            in_the_way: update.blocked.as_ref().map(ToString::to_string),
            offers: update.offers.iter().map(OfferJson::from).collect(),
            rules: policy::trace(&policy.rules, update)
                .into_iter()
                .map(RuleJson::from)
                .collect(),
        };
        let updates = found.iter().map(explained).collect();
        Self {
            schema: "patchd/explain/1",
            package: package.to_string(),
            updates,
        }
    }
}

impl From<&Offer> for OfferJson {
    fn from(offer: &Offer) -> Self {
        Self {
            version: offer.version.to_string(),
            origins: offer
                .origins
                .iter()
                .map(|origin| origin.label.clone())
                .collect(),
            security: offer.security(),
        }
    }
}

impl From<RuleTrace> for RuleJson {
    fn from(trace: RuleTrace) -> Self {
        let condition = |it: ConditionTrace| ConditionJson {
            key: it.key,
            holds: it.truth.to_string(),
            fact: it.fact,
        };
        Self {
            number: trace.number,
            holds: trace.truth.to_string(),
            conditions: trace.conditions.into_iter().map(condition).collect(),
        }
    }
}
