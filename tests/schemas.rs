//! The published schemas of `--json` are those of the types that are written.

use std::path::Path;

use patchd::control::document;
use serde_json::Value;

fn kept(name: &str, drawn: &Value) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/schemas")
        .join(format!("{name}.json"));
    if option_env!("PATCHD_DRAW").is_some() {
        let text = serde_json::to_string_pretty(drawn).expect("a schema is JSON") + "\n";
        patchd::os::files::replace(&path, text.as_bytes(), 0o644).expect("written");
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

#[test]
fn the_schemas_in_the_docs_are_those_of_the_program() {
    for (name, schema) in document::schemas() {
        let drawn = Value::from(schema);
        assert_eq!(
            kept(name, &drawn),
            drawn,
            "run `PATCHD_DRAW=1 cargo test --test schemas` and commit docs/schemas"
        );
    }
}

#[test]
fn a_schema_is_named_as_the_documents_name_it() {
    for (name, schema) in document::schemas() {
        let word = &Value::from(schema)["properties"]["schema"]["const"];
        let word = word.as_str().expect("a constant");
        assert_eq!(name, word.trim_start_matches("patchd/").replace('/', "-"));
    }
}

#[test]
fn nothing_is_ever_null() {
    for (name, schema) in document::schemas() {
        let text = Value::from(schema).to_string();
        assert!(!text.contains("\"null\""), "{name}: {text}");
    }
}

#[test]
fn every_outcome_of_a_run_is_a_word_of_the_schemas() {
    let schemas = document::schemas();
    let schema = |wanted| {
        let found = schemas.iter().find(|(name, _)| *name == wanted);
        Value::from(found.expect("a schema").1.clone())
    };
    let status = schema("status-1");
    let state = &status["properties"]["state"]["enum"];
    let run = &status["$defs"]["Run"]["properties"]["outcome"]["enum"];
    for outcome in patchd::model::Outcome::ALL {
        let word = Value::from(outcome.to_string());
        for words in [state, run] {
            let words = words.as_array().expect("words");
            assert!(words.contains(&word), "{word} is not among {words:?}");
        }
    }
}
