//! The way from texts to settings, and what operators are told on it.

mod merging;
mod messages;
mod robustness;
mod schedules;
mod told;
mod values;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use jiff::SignedDuration;

use super::layers::uncommented;
use super::*;
use crate::model::{Severity, Tier};
use crate::policy::Then;
use crate::verify::{Check, Probe};
use crate::vulnerability::{self, Profile};

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
    insta::assert_snapshot!(shown, @r#"
    [schedule.nightly]
    cron = "0 3 * * *"
    action = "patch"
    policy = "default"
    window = "2h"
    spread = "30m"
    catch_up = "next-window"

    [policy.default]
    reboot = "never"
    reboot_deadline = "14d"
    rehearse = true
    rehearse_unproven = "go-on"
    rollback = "auto"
    restore = "full"
    removals = []

    [[policy.default.rule]]
    when = { security = true }
    then = "install"
    reason = "security updates are installed by default"

    [restart]
    default = "now"
    never = []

    [rollback]
    never = ["dpkg", "apt", "libc6", "systemd", "dbus", "shim*", "grub*", "*-microcode", "patchd", "postgresql*", "mysql*", "mariadb*", "mongodb*", "redis*"]
    keep = 3
    keep_for = "14d"

    [hooks]
    timeout = "5m"
    pre_check = []
    pre_apply = []
    post_apply = []
    pre_reboot = []
    post_verify = []
    on_failure = []

    [verify]
    retries = 3
    interval = "20s"

    [package_manager]
    lock_wait = "10m"
    script_timeout = "1h"
    stale_after = "3d"

    [deadline]
    profile = "default"

    [feeds]
    interval = "6h"
    kev_interval = "1h"
    stale_after = "3d"
    "#);
}

#[test]
fn the_examples_of_the_shipped_file_are_sound() {
    let lines: Vec<String> = default_text()
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .map(|line| format!("{line}\n"))
        .collect();
    let settings = sound(&lines.concat());
    assert_eq!(settings.verify.probes.len(), 4);
    assert_eq!(settings.policies["default"].rules.len(), 2);
    assert_eq!(settings.schedules.schedules.len(), 2);
    assert_eq!(settings.schedules.freezes.len(), 1);
    assert_eq!(settings.notify.receivers.len(), 3);
    assert_eq!(settings.exceptions.len(), 1);
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
        script_timeout = "10s"
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
        rehearse: false,
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
    assert_eq!(manager.script_timeout, Duration::from_secs(10));
    assert_eq!(manager.stale_after, Duration::from_hours(12));
}

#[test]
fn what_is_said_of_vulnerabilities_arrives_where_it_belongs() {
    let settings = sound(
        r#"
        [[policy.web.rule]]
        when = { severity = ["critical", "unrated"], tier = "P0", cve = "CVE-2026-*", known_exploited = true, epss_at_least = 0.1 }
        then = "install"
        [deadline]
        profile = "bod-26-04"
        exposed = false
        [feeds]
        interval = "12h"
        kev_interval = "30m"
        stale_after = "1d"
        mirror = "http://127.0.0.1:8000/feeds"
        [network]
        proxy = "http://proxy:3128"
        "#,
    );
    let when = &settings.policies["web"].rules[0].when;
    assert_eq!(when.severity, Some(vec![Some(Severity::Critical), None]));
    assert_eq!(when.tier, Some(vec![Tier::P0]));
    assert_eq!(when.cve.as_ref().map(Vec::len), Some(1));
    assert_eq!(when.known_exploited, Some(true));
    assert_eq!(when.epss_at_least, Some(1000));
    let deadline = vulnerability::Settings {
        profile: Profile::Bod2604,
        exposed: Some(false),
    };
    assert_eq!(settings.deadline, deadline);
    let feeds = crate::feeds::Settings {
        interval: Duration::from_hours(12),
        kev_interval: Duration::from_mins(30),
        stale_after: Duration::from_hours(24),
        mirror: Some("http://127.0.0.1:8000/feeds".to_owned()),
    };
    assert_eq!(settings.feeds, feeds);
    assert_eq!(settings.network.proxy.as_deref(), Some("http://proxy:3128"));
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
#[expect(clippy::too_many_lines, reason = "most of it is a list")]
fn the_schema_names_exactly_the_keys_that_are_accepted() {
    let mut found = Vec::new();
    keys(&schema(), "", &mut found);
    insta::assert_snapshot!(found.join("\n"), @r#"
    schedule.NAME.cron
    schedule.NAME.timezone
    schedule.NAME.action
    schedule.NAME.policy
    schedule.NAME.window
    schedule.NAME.spread
    schedule.NAME.catch_up
    freeze.from
    freeze.to
    freeze.reason
    policy.NAME.reboot
    policy.NAME.reboot_deadline
    policy.NAME.rehearse
    policy.NAME.rehearse_unproven
    policy.NAME.rollback
    policy.NAME.restore
    policy.NAME.removals
    policy.NAME.rule.when.package
    policy.NAME.rule.when.source
    policy.NAME.rule.when.origin
    policy.NAME.rule.when.security
    policy.NAME.rule.when.severity
    policy.NAME.rule.when.tier
    policy.NAME.rule.when.cve
    policy.NAME.rule.when.known_exploited
    policy.NAME.rule.when.epss_at_least
    policy.NAME.rule.when.kernel
    policy.NAME.rule.when.needs_reboot
    policy.NAME.rule.then
    policy.NAME.rule.soak
    policy.NAME.rule.reason
    policy.NAME.rule_before.when.package
    policy.NAME.rule_before.when.source
    policy.NAME.rule_before.when.origin
    policy.NAME.rule_before.when.security
    policy.NAME.rule_before.when.severity
    policy.NAME.rule_before.when.tier
    policy.NAME.rule_before.when.cve
    policy.NAME.rule_before.when.known_exploited
    policy.NAME.rule_before.when.epss_at_least
    policy.NAME.rule_before.when.kernel
    policy.NAME.rule_before.when.needs_reboot
    policy.NAME.rule_before.then
    policy.NAME.rule_before.soak
    policy.NAME.rule_before.reason
    policy.NAME.rule_after.when.package
    policy.NAME.rule_after.when.source
    policy.NAME.rule_after.when.origin
    policy.NAME.rule_after.when.security
    policy.NAME.rule_after.when.severity
    policy.NAME.rule_after.when.tier
    policy.NAME.rule_after.when.cve
    policy.NAME.rule_after.when.known_exploited
    policy.NAME.rule_after.when.epss_at_least
    policy.NAME.rule_after.when.kernel
    policy.NAME.rule_after.when.needs_reboot
    policy.NAME.rule_after.then
    policy.NAME.rule_after.soak
    policy.NAME.rule_after.reason
    restart.default
    restart.never
    rollback.never
    rollback.keep
    rollback.keep_for
    hooks.timeout
    hooks.pre_check
    hooks.pre_apply
    hooks.post_apply
    hooks.pre_reboot
    hooks.post_verify
    hooks.on_failure
    verify.retries
    verify.interval
    verify.probe.name
    verify.probe.http
    verify.probe.tcp
    verify.probe.command
    verify.probe.unit
    verify.probe.rehearse
    verify.probe.timeout
    verify.probe.retries
    package_manager.lock_wait
    package_manager.script_timeout
    package_manager.stale_after
    deadline.profile
    deadline.exposed
    feeds.interval
    feeds.kev_interval
    feeds.stale_after
    feeds.mirror
    network.proxy
    notify.NAME.webhook
    notify.NAME.secret.credential
    notify.NAME.secret.file
    notify.NAME.command
    notify.NAME.email
    notify.NAME.smtp
    notify.NAME.on
    exception.cve
    exception.reason
    exception.owner
    exception.until
    "#);
}
