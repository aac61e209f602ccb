//! The way from texts to settings, and what operators are told on it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::layers::uncommented;
use super::source::Source;
use super::*;
use crate::policy::Then;
use crate::verify::{Check, Probe};

/// A machine with these files, all sound in owner and mode.
struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn new(files: &[(&str, &str)]) -> Self {
        let machine = Self {
            root: tempfile::tempdir().expect("a folder"),
        };
        for (path, text) in files {
            machine.write(path, text.as_bytes());
        }
        machine
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root.path().join(path.trim_start_matches('/'));
        let mut folder = path.parent().expect("a folder").to_owned();
        std::fs::create_dir_all(&folder).expect("created");
        while folder != self.root.path() {
            std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).expect("chmod");
            folder.pop();
        }
        crate::os::files::replace(&path, bytes, 0o644).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).expect("chmod");
    }

    fn load(&self) -> Result<Loaded, Faults> {
        let sources = Sources::default().below(self.root.path());
        load(&sources, &Reader::this_process())
    }

    fn sound(&self) -> Loaded {
        self.load()
            .unwrap_or_else(|faults| panic!("not sound: {faults}"))
    }

    /// What the operator reads.
    fn told(&self) -> String {
        let sources = Sources::default().below(self.root.path());
        let faults = check(&sources, &Reader::this_process());
        self.without_root(&faults.to_string())
    }

    fn without_root(&self, text: &str) -> String {
        text.replace(&self.root.path().display().to_string(), "")
    }
}

const MAIN: &str = "/etc/patchd/patchd.toml";

fn told(text: &str) -> String {
    Machine::new(&[(MAIN, text)]).told()
}

fn sound(text: &str) -> Settings {
    Machine::new(&[(MAIN, text)]).sound().settings
}

#[test]
fn no_file_and_an_empty_file_are_sound() {
    assert_eq!(Machine::new(&[]).sound().settings, Settings::default());
    assert_eq!(sound(""), Settings::default());
}

#[test]
fn the_shipped_file_says_nothing_until_it_is_uncommented() {
    let table: toml::Table = default_text().parse().expect("valid");
    assert!(table.is_empty(), "{table}");
    let uncommented = uncommented(default_text());
    assert_eq!(sound(&uncommented), Settings::default());
}

#[test]
fn the_shipped_file_has_every_key_that_has_a_default() {
    let shown = Machine::new(&[]).sound().layers.show(false);
    let uncommented: toml::Table = uncommented(default_text()).parse().expect("valid");
    assert_eq!(shown.parse::<toml::Table>().expect("valid"), uncommented);
    insta::assert_snapshot!(shown, @"");
}

#[test]
fn the_examples_of_the_shipped_file_are_sound() {
    let text: String = default_text()
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .map(|line| format!("{line}\n"))
        .collect();
    let settings = sound(&text);
    assert_eq!(settings.verify.probes.len(), 4);
    assert_eq!(settings.policies["default"].rules.len(), 2);
}

#[test]
fn every_key_arrives_where_it_belongs() {
    let settings = sound(
        r#"
        [policy.default]
        removals = ["oldlib*"]
        rule = []
        [[policy.web.rule]]
        when = { package = "nginx", source = ["a", "/^b/"], origin = "Debian*", security = false, kernel = true, needs_reboot = true }
        then = "install"
        soak = "1d12h"
        reason = "why"
        [verify]
        retries = 5
        interval = "1m"
        probe = [
            { name = "h", http = "https://localhost/", timeout = "2s", retries = 1 },
            { name = "t", tcp = "[::1]:22" },
            { name = "c", command = ["/bin/true", "x"] },
            { name = "u", unit = "ssh.service" },
        ]
        [package_manager]
        lock_wait = "0s"
        stale_after = "12h"
        "#,
    );
    assert_eq!(settings.policies["default"].rules, []);
    assert!(settings.policies["default"].removals[0].matches("oldlib3"));
    let web = &settings.policies["web"];
    assert_eq!((web.rules.len(), web.removals.len()), (1, 0));
    let rule = &web.rules[0];
    let texts = |patterns: &Option<Vec<crate::policy::Pattern>>| -> Vec<String> {
        patterns.iter().flatten().map(ToString::to_string).collect()
    };
    assert_eq!(texts(&rule.when.package), ["nginx"]);
    assert_eq!(texts(&rule.when.source), ["a", "/^b/"]);
    assert_eq!(texts(&rule.when.origin), ["Debian*"]);
    let flags = (rule.when.security, rule.when.kernel, rule.when.needs_reboot);
    assert_eq!(flags, (Some(false), Some(true), Some(true)));
    assert_eq!(rule.then, Then::Install);
    assert_eq!(rule.soak, Some(SignedDuration::from_hours(36)));
    assert_eq!(rule.reason.as_deref(), Some("why"));
    assert_eq!(settings.verify.retries, 5);
    assert_eq!(settings.verify.interval, Duration::from_mins(1));
    let probe = |name: &str, check, seconds, retries| Probe {
        name: name.to_owned(),
        check,
        timeout: Duration::from_secs(seconds),
        retries,
    };
    let command = vec!["/bin/true".to_owned(), "x".to_owned()];
    let probes = [
        probe("h", Check::Http("https://localhost/".into()), 2, Some(1)),
        probe("t", Check::Tcp("[::1]:22".into()), 10, None),
        probe("c", Check::Command(command), 10, None),
        probe("u", Check::Unit("ssh.service".into()), 10, None),
    ];
    assert_eq!(settings.verify.probes, probes);
    let manager = &settings.package_manager;
    assert_eq!(manager.lock_wait, Duration::ZERO);
    assert_eq!(manager.stale_after, Duration::from_hours(12));
}

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
    insta::assert_snapshot!(machine.without_root(&loaded.layers.show(true)), @"");
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
    insta::assert_snapshot!(machine.without_root(&told), @"");
}

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
    insta::assert_snapshot!(machine.told(), @"");
}

#[test]
fn faults_have_a_form_for_programs() {
    let machine = Machine::new(&[(MAIN, "\nverify.retires = 3\n")]);
    let faults = machine.load().expect_err("faulty");
    let json = serde_json::to_string_pretty(&faults.to_json()).expect("text");
    insta::assert_snapshot!(machine.without_root(&json), @"");
}

#[test]
fn keys_that_are_not_built_yet_are_refused_by_name() {
    insta::assert_snapshot!(told("[schedule.nightly]\n[policy.default]\nreboot = \"never\"\n"), @"");
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"install\"\nurgent = true\nwhen = { severity = \"high\" }\n"), @"");
}

#[test]
fn unknown_keys_are_refused_with_those_that_are_known() {
    insta::assert_snapshot!(told("color = true\n"), @"");
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"hold\"\nwhen = { pakage = \"a\" }\n"), @"");
}

#[test]
fn values_of_another_type_are_told_with_what_belongs_there() {
    insta::assert_snapshot!(told("package_manager.lock_wait = 600\n"), @"");
    insta::assert_snapshot!(told("verify = 1\n"), @"");
    insta::assert_snapshot!(told("verify.probe = [1]\n"), @"");
    insta::assert_snapshot!(told("policy.default = true\n"), @"");
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"hold\"\nwhen = { package = [1], security = \"yes\" }\n"), @"");
    insta::assert_snapshot!(told("[policy.a]\nrule_before = { then = \"hold\" }\n"), @"");
}

#[test]
fn values_out_of_bounds_are_told_with_the_bounds() {
    insta::assert_snapshot!(told("package_manager.lock_wait = \"25h\"\nverify.retries = -1\n"), @"");
}

#[test]
fn faulty_rules_are_told_with_what_is_missing() {
    insta::assert_snapshot!(told("[[policy.a.rule]]\nwhen = { kernel = true }\n"), @"");
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"instal\"\nsoak = \"3d\"\n"), @"");
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"hold\"\nsoak = \"3d\"\n"), @"");
    insta::assert_snapshot!(told("[[policy.a.rule]]\nthen = \"hold\"\nwhen = { package = \"/(/\", source = [] }\n"), @"");
    insta::assert_snapshot!(told("[policy.'bad name']\nremovals = ''\n"), @"");
}

#[test]
fn faulty_probes_are_told_with_what_to_write() {
    insta::assert_snapshot!(told("[[verify.probe]]\nname = \"a\"\n[[verify.probe]]\ntcp = \"h:1\"\nunit = \"a.service\"\n"), @"");
    insta::assert_snapshot!(told("[verify]\nprobe = [\n{ name = \"a\", tcp = \"localhost\" },\n{ name = \"b\", http = \"ftp://x\" },\n{ name = \"c\", http = \"http://me:secret@x\" },\n{ name = \"d\", command = [\"true\"] },\n{ name = \"e\", unit = \"nginx\" },\n]\n"), @"");
    insta::assert_snapshot!(told("[verify]\nprobe = [\n{ name = \"a\", tcp = \"h:1\" },\n{ name = \"a\", tcp = \"h:2\" },\n]\n"), @"");
}

#[test]
fn a_rule_that_can_never_decide_is_a_warning_and_no_fault() {
    let text = "[[policy.a.rule]]\nthen = \"hold\"\n[[policy.a.rule]]\nwhen = { security = true }\nthen = \"install\"\n";
    let machine = Machine::new(&[(MAIN, text)]);
    assert_eq!(machine.sound().warnings.len(), 1);
    insta::assert_snapshot!(machine.told(), @"");
}

#[test]
fn a_file_that_others_may_write_is_never_used() {
    let machine = Machine::new(&[
        (MAIN, "verify.retries = 9"),
        ("/etc/patchd/conf.d/1.toml", "x = 1"),
    ]);
    let path = machine.root.path().join(MAIN.trim_start_matches('/'));
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).expect("chmod");
    insta::assert_snapshot!(machine.told(), @"");
}

#[test]
fn a_file_of_a_mebibyte_is_the_longest() {
    let machine = Machine::new(&[]);
    machine.write(MAIN, "#".repeat(1 << 20).as_bytes());
    assert!(machine.load().is_ok());
    machine.write(MAIN, "#".repeat((1 << 20) + 1).as_bytes());
    insta::assert_snapshot!(machine.told(), @"");
}

#[test]
fn more_drop_ins_than_anybody_reads_are_refused() {
    let machine = Machine::new(&[]);
    for n in 0..201 {
        machine.write(&format!("/etc/patchd/conf.d/{n}.toml"), b"");
    }
    insta::assert_snapshot!(machine.told(), @"");
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

#[test]
fn what_is_shown_is_the_same_configuration() {
    let text = "[[policy.a.rule]]\nthen = \"hold\"\nwhen = {}\n[[policy.a.rule_after]]\nthen = \"install\"\nsoak = \"90m\"\nreason = \"say \\\"x\\\" \\\\ y\"\n[policy.b]\nrule = []\n[[verify.probe]]\nname = \"a\"\ncommand = [\"/bin/a\", \"\\u0007\"]\n";
    let first = Machine::new(&[(MAIN, text)]).sound();
    for origin in [false, true] {
        let shown = first.layers.show(origin);
        assert_eq!(sound(&shown), first.settings, "{shown}");
    }
}

fn keys(schema: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    if let Some(items) = schema.get("items") {
        return keys(items, path, found);
    }
    let named = schema
        .get("additionalProperties")
        .filter(|inner| inner.is_object());
    if let Some(inner) = named {
        return keys(inner, &format!("{path}.NAME"), found);
    }
    let Some(properties) = schema.get("properties").and_then(|p| p.as_object()) else {
        return found.push(path.trim_start_matches('.').to_owned());
    };
    assert_eq!(schema["additionalProperties"], false, "{path}");
    for (key, inner) in properties {
        assert!(inner["description"].is_string(), "{path}.{key}");
        keys(inner, &format!("{path}.{key}"), found);
    }
}

#[test]
fn the_schema_names_exactly_the_keys_that_are_accepted() {
    let mut found = Vec::new();
    keys(&schema(), "", &mut found);
    insta::assert_snapshot!(found.join("\n"), @"");
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
            .collect::<String>()
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

    #[test]
    fn no_text_panics_and_every_refusal_can_be_told(text in "(?s).{0,200}") {
        let mut faults = Vec::new();
        let source = Source { path: "x".into(), text };
        File::parse(source, &mut faults);
        let faults = Faults::new(faults, vec!["x".into()]);
        prop_assert!(!faults.render(true).is_empty());
        prop_assert!(!faults.to_json().is_null());
    }

    #[test]
    fn nearly_sound_texts_do_not_panic(cut in 0..600_usize, put in "[\\[\\]{}=\"'a.#\n\r\té]{0,3}") {
        let text = uncommented(default_text());
        let cut = (0..=cut).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (before, after) = text.split_at(cut.min(text.len()));
        let mut faults = Vec::new();
        let source = Source { path: "x".into(), text: format!("{before}{put}{after}") };
        File::parse(source, &mut faults);
        let _ = Faults::new(faults, vec!["x".into()]).to_string();
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let machine = Machine::new(&[]);
        machine.write(MAIN, &bytes);
        let _ = machine.told();
    }
}
