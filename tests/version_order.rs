//! Our order of versions is dpkg's.

use std::cmp::Ordering;

use patchd::model::Version;
use patchd::os::command::{Command, Runner, System};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Each is one call of dpkg.
const PAIRS: usize = 400;

/// Two versions that have much in common, so that the comparison goes deep.
fn pairs() -> impl Strategy<Value = (String, String)> {
    let part = prop_oneof![
        "[0-9]{1,3}",
        "[a-z]{1,2}",
        "[.+~]",
        "0{1,2}[0-9]",
        "~~?[a-z]?"
    ];
    let tail = prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat());
    let rest = ("(-[0-9a-z.+~]{1,4})?", "([0-2]:)?");
    let stem = "[0-9]{1,2}(\\.[0-9]{1,2})?";
    (stem, tail.clone(), tail, rest, rest).prop_map(
        |(stem, one, other, (one_end, one_epoch), (other_end, other_epoch))| {
            (
                format!("{one_epoch}{stem}{one}{one_end}"),
                format!("{other_epoch}{stem}{other}{other_end}"),
            )
        },
    )
}

fn ours(one: &str, other: &str) -> Ordering {
    let version = |text: &str| Version::try_from(text.to_owned()).expect("a generated version");
    version(one).cmp(&version(other))
}

async fn dpkgs(one: &str, other: &str) -> Ordering {
    for (relation, order) in [("lt", Ordering::Less), ("eq", Ordering::Equal)] {
        let question =
            Command::new("/usr/bin/dpkg").args(["--compare-versions", one, relation, other]);
        let output = System.ask(&question).await.expect("dpkg runs");
        assert!(
            output.stderr.is_empty(),
            "{one} {other}: {}",
            output.last_words()
        );
        if output.status == 0 {
            return order;
        }
    }
    Ordering::Greater
}

#[tokio::test]
async fn versions_are_ordered_as_dpkg_orders_them() {
    let mut runner = TestRunner::deterministic();
    let pairs = pairs();
    for _ in 0..PAIRS {
        let (one, other) = pairs.new_tree(&mut runner).expect("generated").current();
        assert_eq!(
            ours(&one, &other),
            dpkgs(&one, &other).await,
            "{one} against {other}"
        );
    }
}
