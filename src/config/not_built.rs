//! Keys that a later version will know. They are refused by name, so that
//! nobody believes that they do something.

/// Path and why it has no effect yet.
const NOT_BUILT: &[(&str, &str)] = &[
    ("hub", "this version of patchd works alone"),
    (
        "policy.NAME.minimal",
        "it is for rpm systems, which this version of patchd does not serve",
    ),
    (
        "policy.NAME.rule.urgent",
        "this version of patchd starts nothing outside a window",
    ),
];

/// Why this key has no effect yet; `None` when it will never have one.
pub(super) fn reason(path: &str, key: &str) -> Option<&'static str> {
    let wanted = if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    };
    NOT_BUILT
        .iter()
        .find(|(path, _)| *path == wanted)
        .map(|(_, reason)| *reason)
}

#[cfg(test)]
mod tests {
    use super::super::keys::{Kind, ROOT, Shape};
    use super::*;

    fn shapes<'a>(shape: &'a Shape, found: &mut Vec<&'a Shape>) {
        found.push(shape);
        for key in shape.keys {
            match key.kind {
                Kind::Table(inner) | Kind::Named(inner) | Kind::Tables(inner, _) => {
                    shapes(inner, found);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn a_built_key_is_not_called_unbuilt() {
        let mut found = Vec::new();
        shapes(&ROOT, &mut found);
        for shape in found {
            for name in shape.names() {
                assert_eq!(reason(shape.path, name), None, "{name}");
            }
        }
    }

    #[test]
    fn every_unbuilt_key_stands_in_a_table_that_is_built() {
        let mut found = Vec::new();
        shapes(&ROOT, &mut found);
        for (path, _) in NOT_BUILT {
            let table = path.rsplit_once('.').map_or("", |(table, _)| table);
            assert!(found.iter().any(|shape| shape.path == table), "{path}");
        }
    }

    #[test]
    fn a_key_is_known_by_its_whole_path() {
        assert!(reason("", "hub").is_some());
        assert!(reason("policy.NAME", "minimal").is_some());
        assert!(reason("verify", "minimal").is_none());
    }
}
