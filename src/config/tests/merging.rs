//! Which file wins.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::super::source::Source;
use super::super::*;
use super::{MAIN, Machine, sound};
use crate::policy::Then;

#[test]
fn a_policy_without_rules_has_the_built_in_ones_and_not_those_of_default() {
    let settings = sound("[[policy.default.rule]]\nthen = \"hold\"\n[policy.web]\n");
    assert_eq!(settings.policies["default"].rules[0].then, Then::Hold);
    assert_eq!(settings.policies["web"], crate::policy::Settings::default());
}

#[test]
fn rules_before_and_after_stand_around_the_built_in_ones() {
    let settings = sound(
        "[[policy.default.rule_before]]\nthen = \"hold\"\nwhen.package = \"a\"\n\
         [[policy.default.rule_after]]\nthen = \"check\"\n",
    );
    let thens: Vec<Then> = settings.policies["default"]
        .rules
        .iter()
        .map(|rule| rule.then)
        .collect();
    assert_eq!(thens, [Then::Hold, Then::Install, Then::Check]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is what is shown")]
fn later_files_win_key_by_key_sorted_by_name_over_all_folders() {
    let machine = Machine::new(&[
        (
            MAIN,
            "verify = { retries = 1, interval = \"1s\" }\npackage_manager.lock_wait = \"1s\"",
        ),
        ("/etc/patchd/conf.d/10-a.toml", "verify.retries = 2"),
        ("/usr/lib/patchd/conf.d/20-b.toml", "verify.retries = 3"),
        (
            "/run/patchd.conf.d/15-c.toml",
            "verify = { retries = 4, interval = \"4s\" }",
        ),
        ("/run/patchd.conf.d/.99-hidden.toml", "faulty"),
        ("/run/patchd.conf.d/99-other.conf", "faulty"),
    ]);
    let loaded = machine.sound();
    assert_eq!(loaded.settings.verify.retries, 3);
    assert_eq!(loaded.settings.verify.interval, Duration::from_secs(4));
    let files: Vec<String> = loaded
        .files
        .iter()
        .map(|path| machine.without_root(&path.to_string_lossy()))
        .collect();
    assert_eq!(
        files,
        [
            MAIN,
            "/etc/patchd/conf.d/10-a.toml",
            "/run/patchd.conf.d/15-c.toml",
            "/usr/lib/patchd/conf.d/20-b.toml",
        ]
    );
    insta::assert_snapshot!(machine.without_root(&loaded.layers.show(true)), @r#"
    [schedule.nightly]
    cron = "0 3 * * *"  # built-in
    action = "patch"  # built-in
    policy = "default"  # built-in
    window = "2h"  # built-in
    spread = "30m"  # built-in
    catch_up = "next-window"  # built-in

    [policy.default]
    reboot = "never"  # built-in
    reboot_deadline = "14d"  # built-in
    rehearse = true  # built-in
    rehearse_unproven = "go-on"  # built-in
    rollback = "auto"  # built-in
    restore = "full"  # built-in
    removals = []  # built-in

    [[policy.default.rule]]
    when = { security = true }  # built-in
    then = "install"  # built-in
    reason = "security updates are installed by default"  # built-in

    [restart]
    default = "now"  # built-in
    never = []  # built-in

    [rollback]
    never = ["dpkg", "apt", "libc6", "systemd", "dbus", "shim*", "grub*", "*-microcode", "patchd", "postgresql*", "mysql*", "mariadb*", "mongodb*", "redis*"]  # built-in
    keep = 3  # built-in
    keep_for = "14d"  # built-in

    [hooks]
    timeout = "5m"  # built-in
    pre_check = []  # built-in
    pre_apply = []  # built-in
    post_apply = []  # built-in
    pre_reboot = []  # built-in
    post_verify = []  # built-in
    on_failure = []  # built-in

    [verify]
    retries = 3  # /usr/lib/patchd/conf.d/20-b.toml:1
    interval = "4s"  # /run/patchd.conf.d/15-c.toml:1

    [package_manager]
    lock_wait = "1s"  # /etc/patchd/patchd.toml:2
    script_timeout = "1h"  # built-in
    stale_after = "3d"  # built-in

    [deadline]
    profile = "default"  # built-in

    [feeds]
    interval = "6h"  # built-in
    kev_interval = "1h"  # built-in
    stale_after = "3d"  # built-in
    "#);
}

#[test]
fn a_drop_in_hides_those_of_its_name_in_weaker_folders() {
    let name = "10-site.toml";
    let machine = Machine::new(&[
        (
            &format!("/usr/lib/patchd/conf.d/{name}"),
            "verify.retries = 7\nverify.interval = \"7s\"",
        ),
        (&format!("/run/patchd.conf.d/{name}"), "verify.retries = 8"),
    ]);
    let verify = machine.sound().settings.verify;
    assert_eq!(
        (verify.retries, verify.interval),
        (8, Duration::from_secs(20))
    );
    machine.write(&format!("/etc/patchd/conf.d/{name}"), b"");
    assert_eq!(machine.sound().settings, Settings::default());
}

#[test]
fn lists_are_replaced_whole_and_rules_around_add_up() {
    let rule = |key: &str, reason: &str| {
        format!(
            "[[policy.default.{key}]]\nthen = \"check\"\nwhen.package = \"{reason}\"\nreason = \"{reason}\"\n"
        )
    };
    let layer = |n: u8| {
        ["rule_before", "rule", "rule_after"]
            .map(|key| rule(key, &format!("{key}{n}")))
            .concat()
    };
    let probe = "[[verify.probe]]\nname = \"one\"\nunit = \"a.service\"\n";
    let machine = Machine::new(&[
        (MAIN, &(layer(1) + probe)),
        (
            "/etc/patchd/conf.d/2.toml",
            &(layer(2) + "[verify]\nprobe = []\n"),
        ),
        (
            "/etc/patchd/conf.d/3.toml",
            &rule("rule_before", "rule_before3"),
        ),
    ]);
    let settings = machine.sound().settings;
    assert_eq!(settings.verify.probes, []);
    let reasons: Vec<&str> = settings.policies["default"]
        .rules
        .iter()
        .filter_map(|rule| rule.reason.as_deref())
        .collect();
    assert_eq!(
        reasons,
        [
            "rule_before3",
            "rule_before2",
            "rule_before1",
            "rule2",
            "rule_after1",
            "rule_after2"
        ]
    );
}

#[test]
fn one_file_by_name_is_all_that_is_read_and_must_be_there() {
    let machine = Machine::new(&[
        ("/srv/other.toml", "verify.retries = 9"),
        ("/etc/patchd/conf.d/1.toml", "verify.retries = 1"),
    ]);
    let only = |path: &str| {
        let sources = Sources::only(Path::new(path)).expect("absolute");
        load(&sources.below(machine.root.path()), &Reader::this_process())
    };
    assert_eq!(
        only("/srv/other.toml")
            .expect("sound")
            .settings
            .verify
            .retries,
        9
    );
    let told = only("/srv/nothing.toml").expect_err("absent").to_string();
    insta::assert_snapshot!(machine.without_root(&told), @r#"
    error: there is no file /srv/nothing.toml; give another path

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn what_is_shown_is_the_same_configuration() {
    let text = "[[policy.a.rule]]\nthen = \"hold\"\nwhen = {}\n[[policy.a.rule_after]]\nthen = \"install\"\nsoak = \"90m\"\nreason = \"say \\\"x\\\" \\\\ y\"\n[policy.b]\nrule = []\n[[verify.probe]]\nname = \"a\"\ncommand = [\"/bin/a\", \"\\u0007\"]\n";
    let first = Machine::new(&[(MAIN, text)]).sound();
    for origin in [false, true] {
        let shown = first.layers.show(origin);
        assert_eq!(sound(&shown), first.settings, "{shown}");
    }
}

/// One file as a property test makes it up: which of these lines it has.
fn layer() -> impl Strategy<Value = String> {
    let retries =
        proptest::option::of(1..9_u8).prop_map(|n| n.map(|n| format!("verify.retries = {n}\n")));
    let interval = proptest::option::of(1..9_u8)
        .prop_map(|n| n.map(|n| format!("verify.interval = \"{n}s\"\n")));
    let rules = proptest::collection::vec(
        (
            "default|web",
            "rule|rule_before|rule_after",
            "hold|install|reject",
            "[a-c]",
        ),
        0..6,
    )
    .prop_map(|rules| {
        rules
            .into_iter()
            .map(|(policy, key, then, package)| {
                format!(
                    "[[policy.{policy}.{key}]]\nthen = \"{then}\"\nwhen.package = \"{package}\"\n"
                )
            })
            .collect::<Vec<String>>()
            .concat()
    });
    (retries, interval, rules).prop_map(|(retries, interval, rules)| {
        retries.unwrap_or_default() + &interval.unwrap_or_default() + &rules
    })
}

fn parsed(name: &str, text: &str) -> File {
    let source = Source {
        path: name.into(),
        text: text.to_owned(),
    };
    let mut faults = Vec::new();
    let file = File::parse(source, &mut faults);
    assert_eq!(faults, []);
    file
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_is_associative(a in layer(), b in layer(), c in layer()) {
        let (a, b, c) = (parsed("a", &a), parsed("b", &b), parsed("c", &c));
        let left = a.clone().under(b.clone()).under(c.clone());
        let right = a.under(b.under(c));
        prop_assert_eq!(left, right);
    }
}
