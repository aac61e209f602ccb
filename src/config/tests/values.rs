//! What operators are told about single values, rules and probes.

use super::told;

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
      = help: write a table with any of retries, interval, probe

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn what_is_no_table_is_told_with_the_header_to_write() {
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
    insta::assert_snapshot!(told("[[policy.rule]]\nthen = \"hold\"\n"), @r#"
    error: "rule" must be a table
     --> /etc/patchd/patchd.toml:1:1
      |
    1 | [[policy.rule]]
      | ^^^^^^^^^^^^^^^
      |
      = help: write it below a name: policy.default.rule

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
      = help: write a list of tables, each below a line in double brackets: [[…]]

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
      = help: add "then": one of "install", "hold", "reject", "check"

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
    error: this probe has none of http, tcp, command, unit
     --> /etc/patchd/patchd.toml:1:1
      |
    1 | [[verify.probe]]
      | ^^^^^^^^^^^^^^^^
      |
      = help: give exactly one of them

    error: "name" is missing in this probe
     --> /etc/patchd/patchd.toml:3:1
      |
    3 | [[verify.probe]]
      | ^^^^^^^^^^^^^^^^
      |
      = help: add "name": text in quotes

    error: this probe has 2 of http, tcp, command, unit
     --> /etc/patchd/patchd.toml:5:8
      |
    5 | unit = "a.service"
      |        ^^^^^^^^^^^
      |
      = help: give exactly one of them

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
     = help: write an address that needs none; everybody may read this configuration

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
