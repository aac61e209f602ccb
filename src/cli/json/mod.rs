//! The stable shapes of `--json`: within `…/1` fields are added, never renamed,
//! moved or removed. What is not known is absent, never `null`, never guessed.
//! `docs/schemas` holds their JSON schemas, made from these types.

mod check;
mod doctor;
mod explain;
mod machine;
mod run;
mod status;

use jiff::Timestamp;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

pub use check::{Check, RepositoryJson, Update};
pub use doctor::{DiagnosisJson, Doctor};
pub use explain::{ConditionJson, ExplainedUpdate, Explanation, OfferJson, RuleJson};
pub use machine::{DistributionJson, HostJson, KernelJson, Reboot, Running};
pub use run::{
    DecisionJson, FindingJson, History, PackageChange, PhaseJson, Run, RunDocument, SetAside,
};
pub use status::Status;

/// The schema of every document, by the name in its `schema` field.
#[must_use]
pub fn schemas() -> [(&'static str, Schema); 6] {
    [
        ("check-1", schema::<Check>()),
        ("status-1", schema::<Status>()),
        ("history-1", schema::<History>()),
        ("run-1", schema::<RunDocument>()),
        ("explain-1", schema::<Explanation>()),
        ("doctor-1", schema::<Doctor>()),
    ]
}

/// What we write, as opposed to what we would accept: a field that may be
/// absent is not required, and is never `null`.
fn schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(RecursiveTransform(NeverNull))
        .into_generator()
        .into_root_schema_for::<T>()
}

/// Takes `null` out of the types that stand for an `Option`.
#[derive(Debug, Clone)]
struct NeverNull;

impl Transform for NeverNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        let Some(Value::Array(choices)) = schema.get_mut("anyOf") else {
            return;
        };
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
        }
    }
}

/// RFC 3339, whole seconds.
pub(super) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The word that serde writes for a variant.
fn word(variant: &impl Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(Value::String(word)) => word,
        _ => "unknown".to_owned(),
    }
}
