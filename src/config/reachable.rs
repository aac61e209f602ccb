//! Rules that can never decide, because one before them takes everything.

use super::fault::Fault;
use super::node::Node;
use crate::policy::{Pattern, Rule, When};

/// Warns of each such rule. `nodes` and `rules` are the same rules, in order.
pub(super) fn warn(nodes: &[&Node], rules: &[Rule], warnings: &mut Vec<Fault>) {
    for (index, (node, rule)) in nodes.iter().zip(rules).enumerate() {
        if node.origin.source.is_built_in() {
            continue;
        }
        let mut earlier = nodes.iter().zip(rules).take(index);
        if let Some((first, _)) = earlier.find(|(_, first)| covers(&first.when, &rule.when)) {
            let what = "this rule can never decide: an earlier one takes all that it would match";
            let advice = format!(
                "move it before the rule at {}, or remove it",
                first.origin.label()
            );
            warnings.push(Fault::at(&node.origin, what, advice).warning());
        }
    }
}

/// Whether all that `inner` matches is matched by `outer`: each of its
/// conditions is among `inner`'s, or wider.
fn covers(outer: &When, inner: &When) -> bool {
    let patterns = |outer: &Option<Vec<Pattern>>, inner: &Option<Vec<Pattern>>| {
        let Some(outer) = outer else { return true };
        let is_wider = |pattern: &Pattern| {
            outer.contains(pattern) || outer.iter().any(|outer| outer.to_string() == "*")
        };
        inner
            .as_ref()
            .is_some_and(|inner| inner.iter().all(is_wider))
    };
    let flag = |outer: Option<bool>, inner: Option<bool>| outer.is_none() || outer == inner;
    let least = |outer: Option<u16>, inner: Option<u16>| {
        outer.is_none_or(|outer| inner.is_some_and(|inner| inner >= outer))
    };
    patterns(&outer.package, &inner.package)
        && patterns(&outer.source, &inner.source)
        && patterns(&outer.origin, &inner.origin)
        && flag(outer.security, inner.security)
        && listed(outer.severity.as_ref(), inner.severity.as_ref())
        && listed(outer.tier.as_ref(), inner.tier.as_ref())
        && patterns(&outer.cve, &inner.cve)
        && flag(outer.known_exploited, inner.known_exploited)
        && least(outer.epss_at_least, inner.epss_at_least)
        && flag(outer.kernel, inner.kernel)
        && flag(outer.needs_reboot, inner.needs_reboot)
}

fn listed<T: PartialEq>(outer: Option<&Vec<T>>, inner: Option<&Vec<T>>) -> bool {
    let Some(outer) = outer else { return true };
    inner.is_some_and(|inner| inner.iter().all(|it| outer.contains(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(patterns: &[&str]) -> When {
        let patterns = patterns.iter().map(|text| Pattern::parse(text));
        When {
            package: Some(patterns.collect::<Result<_, _>>().expect("valid")),
            ..When::default()
        }
    }

    fn security(security: bool) -> When {
        When {
            security: Some(security),
            ..When::default()
        }
    }

    #[test]
    fn a_rule_without_conditions_covers_every_rule() {
        assert!(covers(&When::default(), &When::default()));
        assert!(covers(&When::default(), &security(true)));
        assert!(!covers(&security(true), &When::default()));
    }

    #[test]
    fn a_rule_covers_what_asks_for_the_same_and_more() {
        let both = When {
            security: Some(true),
            ..packages(&["nginx"])
        };
        assert!(covers(&security(true), &both));
        assert!(!covers(&both, &security(true)));
        assert!(!covers(&security(true), &security(false)));
    }

    #[test]
    fn a_longer_list_covers_a_shorter_one() {
        assert!(covers(&packages(&["a", "b"]), &packages(&["b"])));
        assert!(!covers(&packages(&["b"]), &packages(&["a", "b"])));
        assert!(covers(&packages(&["*"]), &packages(&["a", "b"])));
        assert!(!covers(&packages(&["a"]), &security(true)));
    }
}
