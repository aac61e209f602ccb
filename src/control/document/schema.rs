//! The documents' JSON schemas.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use super::{
    Check, Doctor, ErrorDocument, Explanation, Feeds, History, Notice, Notification, Quarantine,
    RehearseDocument, RestorePoints, RunDocument, Schedules, Status, Takeover,
};

/// The schema of every document, by the name in its `schema` field.
#[must_use]
pub fn schemas() -> [(&'static str, Schema); 15] {
    [
        ("check-1", schema::<Check>()),
        ("status-1", schema::<Status>()),
        ("history-1", schema::<History>()),
        ("run-1", schema::<RunDocument>()),
        ("notice-1", schema::<Notice>()),
        ("notification-1", schema::<Notification>()),
        ("quarantine-1", schema::<Quarantine>()),
        ("rehearse-1", schema::<RehearseDocument>()),
        ("restore-points-1", schema::<RestorePoints>()),
        ("explain-1", schema::<Explanation>()),
        ("feeds-1", schema::<Feeds>()),
        ("schedule-1", schema::<Schedules>()),
        ("takeover-1", schema::<Takeover>()),
        ("doctor-1", schema::<Doctor>()),
        ("error-1", schema::<ErrorDocument>()),
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
