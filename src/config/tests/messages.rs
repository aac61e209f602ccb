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
      = help: did you mean "policy"? known keys: policy, verify, package_manager

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
fn faults_have_a_form_for_programs() {
    let machine = Machine::new(&[(MAIN, "\nverify.retires = 3\n")]);
    let faults = machine.load().expect_err("faulty");
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
      ]
    }
    "#);
}

#[test]
fn keys_that_are_not_built_yet_are_refused_by_name() {
    insta::assert_snapshot!(told("[schedule.nightly]\n[policy.default]\nreboot = \"never\"\n"), @r#"
    error: "schedule" is not built yet: this version of patchd runs only when it is called, for example by a systemd timer
     --> /etc/patchd/patchd.toml:1:2
      |
    1 | [schedule.nightly]
      |  ^^^^^^^^
      |
      = help: remove the key

    error: "reboot" is not built yet: this version of patchd never reboots
     --> /etc/patchd/patchd.toml:3:1
      |
    3 | reboot = "never"
      | ^^^^^^
      |
      = help: remove the key

    the configuration is invalid: 2 faults
    "#);
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"install\"\nurgent = true\nwhen = { severity = \"high\" }\n"), @r#"
    error: "urgent" is not built yet: this version of patchd has no windows that an update could leave
     --> /etc/patchd/patchd.toml:3:1
      |
    3 | urgent = true
      | ^^^^^^
      |
      = help: remove the key

    error: "severity" is not built yet: this version of patchd reads no vulnerability feeds
     --> /etc/patchd/patchd.toml:4:10
      |
    4 | when = { severity = "high" }
      |          ^^^^^^^^
      |
      = help: remove the key

    the configuration is invalid: 2 faults
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
      = help: remove it; known keys: policy, verify, package_manager

    the configuration is invalid: 1 fault
    "#);
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"hold\"\nwhen = { pakage = \"a\" }\n"), @r#"
    error: unknown key "pakage" in policy.NAME.rule.when
     --> /etc/patchd/patchd.toml:3:10
      |
    3 | when = { pakage = "a" }
      |          ^^^^^^
      |
      = help: did you mean "package"? known keys: package, source, origin, security, kernel, needs_reboot

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn values_of_another_type_are_told_with_what_belongs_there() {
    insta::assert_snapshot!(told("package_manager.lock_wait = 600\n"), @r#"
    error: "lock_wait" cannot be a whole number
     --> /etc/patchd/patchd.toml:1:29
      |
    1 | package_manager.lock_wait = 600
      |                             ^^^
      |
      = help: write a duration such as "90s", "1h30m" or "3d", from 0s to 1d

    the configuration is invalid: 1 fault
    "#);
    insta::assert_snapshot!(told("verify = 1\n"), @r#"
    error: "verify" cannot be a whole number
     --> /etc/patchd/patchd.toml:1:10
      |
    1 | verify = 1
      |          ^
      |
      = help: write a table

    the configuration is invalid: 1 fault
    "#);
    insta::assert_snapshot!(told("verify.probe = [1]\n"), @r#"
    error: "probe" must be a list of tables
     --> /etc/patchd/patchd.toml:1:17
      |
    1 | verify.probe = [1]
      |                 ^
      |
      = help: begin each with a line [[verify.probe]]

    the configuration is invalid: 1 fault
    "#);
    insta::assert_snapshot!(told("policy.default = true\n"), @r#"
    error: "default" must be a table
     --> /etc/patchd/patchd.toml:1:18
      |
    1 | policy.default = true
      |                  ^^^^
      |
      = help: write [policy.default]

    the configuration is invalid: 1 fault
    "#);
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"hold\"\nwhen = { package = [1], security = \"yes\" }\n"), @r#"
    error: "package" cannot be a list of something else
     --> /etc/patchd/patchd.toml:3:20
      |
    3 | when = { package = [1], security = "yes" }
      |                    ^^^
      |
      = help: write a glob such as "libssl*", a regular expression as "/^linux-/", or a list of them

    error: "security" cannot be text
     --> /etc/patchd/patchd.toml:3:36
      |
    3 | when = { package = [1], security = "yes" }
      |                                    ^^^^^
      |
      = help: write true or false

    the configuration is invalid: 2 faults
    "#);
    insta::assert_snapshot!(told("[policy.a]\nrule_before = { then = \"hold\" }\n"), @r#"
    error: "rule_before" cannot be a table
     --> /etc/patchd/patchd.toml:2:15
      |
    2 | rule_before = { then = "hold" }
      |               ^^^^^^^^^^^^^^^^^
      |
      = help: write a list of tables

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn values_out_of_bounds_are_told_with_the_bounds() {
    insta::assert_snapshot!(told("package_manager.lock_wait = \"25h\"\nverify.retries = -1\n"), @r#"
    error: "25h" is out of bounds
     --> /etc/patchd/patchd.toml:1:29
      |
    1 | package_manager.lock_wait = "25h"
      |                             ^^^^^
      |
      = help: write a duration such as "90s", "1h30m" or "3d", from 0s to 1d

    error: "-1" is out of bounds
     --> /etc/patchd/patchd.toml:2:18
      |
    2 | verify.retries = -1
      |                  ^^
      |
      = help: write a whole number from 1 to 20

    the configuration is invalid: 2 faults
    "#);
}

#[test]
fn faulty_rules_are_told_with_what_is_missing() {
    insta::assert_snapshot!(told("[[policy.a.rule]]\nwhen = { kernel = true }\n"), @r#"
    error: "then" is missing in this rule
     --> /etc/patchd/patchd.toml:1:1
      |
    1 | [[policy.a.rule]]
      | ^^^^^^^^^^^^^^^^^
      |
      = help: add then = one of "install", "hold", "reject", "check"

    the configuration is invalid: 1 fault
    "#);
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"instal\"\nsoak = \"3d\"\n"), @r#"
    error: "then" cannot be "instal"
     --> /etc/patchd/patchd.toml:2:8
      |
    2 | then = "instal"
      |        ^^^^^^^^
      |
      = help: did you mean "install"? it is one of "install", "hold", "reject", "check"

    the configuration is invalid: 1 fault
    "#);
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"hold\"\nsoak = \"3d\"\n"), @r#"
    error: "soak" has no meaning with then = "hold"
     --> /etc/patchd/patchd.toml:3:8
      |
    3 | soak = "3d"
      |        ^^^^
      |
      = help: remove "soak", or write then = "install"

    the configuration is invalid: 1 fault
    "#);
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"hold\"\nwhen = { package = \"/(/\", source = [] }\n"), @r#"
    error: "/(/" is not a pattern: found open group without closing ')'
     --> /etc/patchd/patchd.toml:3:20
      |
    3 | when = { package = "/(/", source = [] }
      |                    ^^^^^
      |
      = help: write a glob such as "libssl*" or a regular expression as "/^linux-/"

    error: "source" is an empty list, so the rule could never match
     --> /etc/patchd/patchd.toml:3:36
      |
    3 | when = { package = "/(/", source = [] }
      |                                    ^^
      |
      = help: write a glob such as "libssl*", a regular expression as "/^linux-/", or a list of them

    the configuration is invalid: 2 faults
    "#);
    insta::assert_snapshot!(told("[policy.'bad name']\nremovals = ''\n"), @r#"
    error: "bad name" cannot be a name
     --> /etc/patchd/patchd.toml:1:9
      |
    1 | [policy.'bad name']
      |         ^^^^^^^^^^
      |
      = help: use 1 to 64 letters, digits, dashes and underscores

    error: "" is not a pattern: it is empty
     --> /etc/patchd/patchd.toml:2:12
      |
    2 | removals = ''
      |            ^^
      |
      = help: write a glob such as "libssl*" or a regular expression as "/^linux-/"

    the configuration is invalid: 2 faults
    "#);
}

#[test]
fn faulty_probes_are_told_with_what_to_write() {
    insta::assert_snapshot!(told("[[verify.probe]]\nname = \"a\"\n[[verify.probe]]\ntcp = \"h:1\"\nunit = \"a.service\"\n"), @r#"
    error: this probe checks nothing
     --> /etc/patchd/patchd.toml:1:1
      |
    1 | [[verify.probe]]
      | ^^^^^^^^^^^^^^^^
      |
      = help: give exactly one of http, tcp, command, unit

    error: "name" is missing in this probe
     --> /etc/patchd/patchd.toml:3:1
      |
    3 | [[verify.probe]]
      | ^^^^^^^^^^^^^^^^
      |
      = help: add name = text in quotes

    error: this probe checks 2 things
     --> /etc/patchd/patchd.toml:5:8
      |
    5 | unit = "a.service"
      |        ^^^^^^^^^^^
      |
      = help: give exactly one of http, tcp, command, unit

    the configuration is invalid: 3 faults
    "#);
    insta::assert_snapshot!(told("[verify]\nprobe = [\n{ name = \"a\", tcp = \"localhost\" },\n{ name = \"b\", http = \"ftp://x\" },\n{ name = \"c\", http = \"http://me:secret@x\" },\n{ name = \"d\", command = [\"true\"] },\n{ name = \"e\", unit = \"nginx\" },\n]\n"), @r#"
    error: "localhost" is not host:port
     --> /etc/patchd/patchd.toml:3:21
      |
    3 | { name = "a", tcp = "localhost" },
      |                     ^^^^^^^^^^^
      |
      = help: write host and port such as "127.0.0.1:5432" or "[::1]:5432"

    error: "ftp://x" is not an http or https address
     --> /etc/patchd/patchd.toml:4:22
      |
    4 | { name = "b", http = "ftp://x" },
      |                      ^^^^^^^^^
      |
      = help: write an address such as "http://127.0.0.1:8080/healthz"

    error: a user or password stands in the address
     --> /etc/patchd/patchd.toml:5:22
      |
    5 | { name = "c", http = "http://me:secret@x" },
      |                      ^^^^^^^^^^^^^^^^^^^^
      |
      = help: probe an address that needs none; everybody may read this configuration

    error: the program "true" is not an absolute path
     --> /etc/patchd/patchd.toml:6:25
      |
    6 | { name = "d", command = ["true"] },
      |                         ^^^^^^^^
      |
      = help: write an absolute program and its arguments such as ["/usr/bin/test", "-e", "/run/app.pid"]

    error: "nginx" is not the name of a unit that can be active
     --> /etc/patchd/patchd.toml:7:22
      |
    7 | { name = "e", unit = "nginx" },
      |                      ^^^^^^^
      |
      = help: write a unit with its suffix such as "nginx.service"

    the configuration is invalid: 5 faults
    "#);
    insta::assert_snapshot!(told("[verify]\nprobe = [\n{ name = \"a\", tcp = \"h:1\" },\n{ name = \"a\", tcp = \"h:2\" },\n]\n"), @r#"
    error: two probes have the name "a"
     --> /etc/patchd/patchd.toml:4:10
      |
    4 | { name = "a", tcp = "h:2" },
      |          ^^^
      |
      = help: give this one another name; line 3 has it already

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
    error: the configuration cannot be trusted: /etc/patchd/patchd.toml is writable by group or others (mode 0666); take that away with `chmod go-w`

    error: unknown key "x" at the top of the file
     --> /etc/patchd/conf.d/1.toml:1:1
      |
    1 | x = 1
      | ^
      |
      = help: remove it; known keys: policy, verify, package_manager

    the configuration is invalid: 2 faults
    "#);
}

#[test]
fn a_file_of_a_mebibyte_is_the_longest() {
    let machine = Machine::new(&[]);
    machine.write(MAIN, "#".repeat(1 << 20).as_bytes());
    assert!(machine.load().is_ok());
    machine.write(MAIN, "#".repeat((1 << 20) + 1).as_bytes());
    insta::assert_snapshot!(machine.told(), @r#"
    error: the configuration cannot be trusted: /etc/patchd/patchd.toml is longer than 1048576 bytes; make it shorter

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn more_drop_ins_than_anybody_reads_are_refused() {
    let machine = Machine::new(&[]);
    for n in 0..201 {
        machine.write(&format!("/etc/patchd/conf.d/{n}.toml"), b"");
    }
    insta::assert_snapshot!(machine.told(), @r#"
    error: there are 201 drop-ins, more than 200; join some of them

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn a_thousand_faults_are_counted_and_the_first_are_shown() {
    let text: String = (0..1000).map(|n| format!("k{n} = 1\n")).collect();
    let told = told(&text);
    assert!(
        told.ends_with("1000 faults, the first 50 are shown"),
        "{told}"
    );
    assert_eq!(told.matches("unknown key").count(), 50);
}

#[test]
fn deep_nesting_is_a_fault_and_no_crash() {
    let deep = [
        "a.".repeat(200_000) + "a = 1",
        format!("a = {}", "[".repeat(500_000)),
        format!("[{}a]", "a.".repeat(200_000)),
    ];
    for text in deep {
        let faults = Machine::new(&[(MAIN, &text)]).load().expect_err("faulty");
        assert!(!faults.is_valid());
    }
}
