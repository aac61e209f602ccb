//! What operators are told when something is wrong.

use std::os::unix::fs::PermissionsExt;

use super::{MAIN, Machine, told};

#[test]
fn all_faults_of_all_files_are_told_at_once() {
    let machine = Machine::new(&[
        (
            MAIN,
            "[verify]\nretires = 3\ninterval = \"3 days\"\n\n[polcy.default]\n",
        ),
        ("/etc/patchd/conf.d/1.toml", "verify = [\n"),
        ("/etc/patchd/conf.d/2.toml", "[verify]\ninterval = 5\n"),
        ("/etc/patchd/conf.d/3.toml", "verify.interval = \"5s\"\n"),
    ]);
    insta::assert_snapshot!(machine.told(), @r#"
    error: unknown key "retires" in verify
     --> /etc/patchd/patchd.toml:2:1
      |
    2 | retires = 3
      | ^^^^^^^
      |
      = help: did you mean "retries"? known keys: retries, interval, probe

    error: "3 days" is not a duration
     --> /etc/patchd/patchd.toml:3:12
      |
    3 | interval = "3 days"
      |            ^^^^^^^^
      |
      = help: write a duration such as "90s", "1h30m" or "3d", from 1s to 10m

    error: unknown key "polcy" at the top of the file
     --> /etc/patchd/patchd.toml:5:2
      |
    5 | [polcy.default]
      |  ^^^^^
      |
      = help: did you mean "policy"? known keys: schedule, freeze, policy, restart, rollback, hooks, verify, package_manager, deadline, feeds, network, notify, exception

    error: this is not TOML: unclosed array, expected `]`
     --> /etc/patchd/conf.d/1.toml:1:11
      |
    1 | verify = [
      |           ^
      |
      = help: mend this first; the rest of the file is looked at after that

    error: "interval" cannot be a whole number
     --> /etc/patchd/conf.d/2.toml:2:12
      |
    2 | interval = 5
      |            ^
      |
      = help: write a duration such as "90s", "1h30m" or "3d", from 1s to 10m

    the configuration is invalid: 5 faults
    "#);
}

#[test]
fn faults_have_a_form_for_logs_and_one_for_programs() {
    let machine = Machine::new(&[(MAIN, "\nverify.retires = 3\n")]);
    let faults = machine.load().expect_err("faulty");
    let line = machine.without_root(&faults.all()[0].to_string());
    insta::assert_snapshot!(line, @r#"/etc/patchd/patchd.toml:2:8: unknown key "retires" in verify; did you mean "retries"? known keys: retries, interval, probe"#);
    let json = serde_json::to_string_pretty(&faults.to_json()).expect("text");
    insta::assert_snapshot!(machine.without_root(&json), @r#"
    {
      "schema": "patchd/config-check/1",
      "valid": false,
      "files": [
        "/etc/patchd/patchd.toml"
      ],
      "findings": [
        {
          "level": "error",
          "message": "unknown key \"retires\" in verify",
          "advice": "did you mean \"retries\"? known keys: retries, interval, probe",
          "file": "/etc/patchd/patchd.toml",
          "line": 2,
          "column": 8
        }
      ],
      "omitted": 0
    }
    "#);
}

#[test]
fn keys_that_are_not_built_yet_are_refused_by_name() {
    insta::assert_snapshot!(told("[hooks]\n[policy.default]\nreboot = \"never\"\n"), @r#"the configuration is valid"#);
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"install\"\nurgent = true\n"), @r#"
    error: "urgent" is not built yet: this version of patchd starts nothing outside a window
     --> /etc/patchd/patchd.toml:3:1
      |
    3 | urgent = true
      | ^^^^^^
      |
      = help: remove the key

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn unknown_keys_are_refused_with_those_that_are_known() {
    insta::assert_snapshot!(told("color = true\n"), @r#"
    error: unknown key "color" at the top of the file
     --> /etc/patchd/patchd.toml:1:1
      |
    1 | color = true
      | ^^^^^
      |
      = help: remove it; known keys: schedule, freeze, policy, restart, rollback, hooks, verify, package_manager, deadline, feeds, network, notify, exception

    the configuration is invalid: 1 fault
    "#);
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"hold\"\nwhen = { pakage = \"a\" }\n"), @r#"
    error: unknown key "pakage" in policy.NAME.rule.when
     --> /etc/patchd/patchd.toml:3:10
      |
    3 | when = { pakage = "a" }
      |          ^^^^^^
      |
      = help: did you mean "package"? known keys: package, source, origin, security, severity, tier, cve, known_exploited, epss_at_least, kernel, needs_reboot

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn a_rule_that_can_never_decide_is_a_warning_and_no_fault() {
    let text = "[[policy.a.rule]]\nthen = \"hold\"\n[[policy.a.rule]]\nwhen = { security = true }\nthen = \"install\"\n";
    let machine = Machine::new(&[(MAIN, text)]);
    assert_eq!(machine.sound().warnings.len(), 1);
    insta::assert_snapshot!(machine.told(), @r#"
    warning: this rule can never decide: an earlier one takes all that it would match
     --> /etc/patchd/patchd.toml:3:1
      |
    3 | [[policy.a.rule]]
      | ^^^^^^^^^^^^^^^^^
      |
      = help: move it before the rule at /etc/patchd/patchd.toml:1, or remove it

    the configuration is valid, 1 warning
    "#);
}

#[test]
fn a_file_that_others_may_write_is_never_used() {
    let machine = Machine::new(&[
        (MAIN, "verify.retries = 9"),
        ("/etc/patchd/conf.d/1.toml", "x = 1"),
    ]);
    let path = machine.root.path().join(MAIN.trim_start_matches('/'));
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).expect("chmod");
    insta::assert_snapshot!(machine.told(), @r#"
    error: the configuration cannot be trusted: /etc/patchd/patchd.toml is writable by group or others (mode 0666); keep it, and every folder above it, writable by its owner alone

    error: unknown key "x" at the top of the file
     --> /etc/patchd/conf.d/1.toml:1:1
      |
    1 | x = 1
      | ^
      |
      = help: remove it; known keys: schedule, freeze, policy, restart, rollback, hooks, verify, package_manager, deadline, feeds, network, notify, exception

    the configuration is invalid: 2 faults
    "#);
}
