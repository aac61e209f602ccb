//! The table of keys as a JSON schema, for editors and for those who generate
//! the file.

use serde_json::{Map, Value, json};

use super::duration;
use super::keys::{Key, Kind, ROOT, Shape};

/// What a name looks like.
const NAME: &str = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$";

/// The schema of `patchd.toml` (JSON Schema 2020-12).
#[must_use]
pub fn schema() -> Value {
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "patchd.toml",
    });
    if let (Some(all), Value::Object(root)) = (schema.as_object_mut(), table(&ROOT)) {
        all.extend(root);
    }
    schema
}

fn table(shape: &Shape) -> Value {
    let properties: Map<String, Value> = shape
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let required: Vec<&str> = shape
        .keys
        .iter()
        .filter(|key| key.required)
        .map(|key| key.name)
        .collect();
    let mut schema = Map::from_iter([
        ("description".to_owned(), json!(shape.about)),
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), Value::Object(properties)),
        ("additionalProperties".to_owned(), json!(false)),
    ]);
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    if !shape.one_of.is_empty() {
        let choices = shape.one_of.iter().map(|key| json!({ "required": [key] }));
        schema.insert("oneOf".to_owned(), choices.collect());
    }
    Value::Object(schema)
}

fn property(key: &Key) -> Value {
    let mut schema = match &key.kind {
        Kind::Table(shape) => table(shape),
        Kind::Named(shape) => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": table(shape),
        }),
        Kind::Tables(shape, _) => json!({ "type": "array", "items": table(shape) }),
        Kind::Duration { .. } => json!({ "type": "string", "pattern": duration::PATTERN }),
        Kind::Count { from, to } => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Kind::Text => json!({ "type": "string", "minLength": 1, "maxLength": 500 }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Words(words) => json!({
            "anyOf": [
                { "enum": words },
                { "type": "array", "items": { "enum": words }, "minItems": 1 },
            ],
        }),
        Kind::Patterns { none } => json!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            {
                "type": "array",
                "items": { "type": "string", "minLength": 1 },
                "minItems": u8::from(!none),
            },
        ]}),
        Kind::Url => json!({ "type": "string", "format": "uri", "pattern": "^https?://" }),
        Kind::Webhook => json!({ "type": "string", "format": "uri", "pattern": "^https?://" }),
        Kind::Mailbox => json!({ "type": "string", "pattern": "^[^@ ]+@[^@ ]+$" }),
        Kind::File => json!({ "type": "string", "pattern": "^/" }),
        Kind::Cve => json!({ "type": "string", "pattern": "^[Cc][Vv][Ee]-[0-9]{4}-[0-9]{4,8}$" }),
        Kind::Address => json!({ "type": "string", "pattern": ":[0-9]+$" }),
        Kind::Argv => json!({
            "type": "array",
            "prefixItems": [{ "type": "string", "pattern": "^/" }],
            "items": { "type": "string" },
            "minItems": 1,
        }),
        Kind::Programs => json!({
            "type": "array",
            "items": { "type": "string", "pattern": "^/" },
        }),
        Kind::Unit => json!({ "type": "string", "pattern": "\\.[a-z]+$" }),
        Kind::Cron => json!({ "type": "string", "minLength": 1, "maxLength": 256 }),
        Kind::Zone => json!({ "type": "string", "minLength": 1 }),
        Kind::Name => json!({ "type": "string", "pattern": NAME }),
        Kind::Day => json!({ "type": "string", "format": "date" }),
    };
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), json!(key.about));
    }
    schema
}
