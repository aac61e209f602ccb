//! The program as people and scripts meet it, as an ordinary user wherever one
//! may use it.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// `nobody`, who owns nothing.
const NOBODY: &str = "65534";

/// A place that everybody may read, with the program in it.
struct Place(TempDir);

/// How a call ended.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a folder"));
        let open = Permissions::from_mode(0o755);
        std::fs::set_permissions(place.0.path(), open).expect("opened");
        std::fs::copy(env!("CARGO_BIN_EXE_patchd"), place.path("patchd")).expect("copied");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Makes a configuration file; returns its path as text.
    fn file(&self, name: &str, text: &str, mode: u32) -> String {
        let path = self.path(name);
        let mut file = File::create(&path).expect("made");
        file.write_all(text.as_bytes()).expect("written");
        std::fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
        path.to_string_lossy().into_owned()
    }

    /// Calls the program as an ordinary user.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test drives the program from outside, as a shell would"
    )]
    fn call(&self, arguments: &[&str]) -> Ended {
        let program = self.path("patchd");
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("/usr/bin/setpriv");
            command
                .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        let output = command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .expect("started");
        // What differs from call to call.
        let place = self.0.path().to_string_lossy().into_owned();
        let text = |bytes| {
            String::from_utf8(bytes)
                .expect("text")
                .replace(&place, "[PLACE]")
        };
        Ended {
            code: output.status.code().expect("no signal"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ended {
    /// Ended with this code, said nothing on standard output, and this on standard error.
    fn said(&self, code: i32) -> &str {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{}", self.err);
        &self.err
    }

    /// Ended with this code and this answer, and complained of nothing.
    fn answered(&self, code: i32) -> &str {
        assert_eq!((self.code, self.err.as_str()), (code, ""), "{}", self.out);
        &self.out
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|cause| panic!("{cause}: {}", self.out))
    }
}

#[test]
fn an_ordinary_user_may_not_patch_and_is_told_what_works() {
    let place = Place::new();
    insta::assert_snapshot!(place.call(&["run", "--now"]).said(77), @r#"patchd: this needs root; run it with sudo (`patchd check` works without)"#);
    insta::assert_snapshot!(place.call(&["status"]).said(77), @"patchd: the ledger is for root alone; run this with sudo");
    insta::assert_snapshot!(place.call(&["history"]).said(77), @"patchd: the ledger is for root alone; run this with sudo");
}

#[test]
fn an_ordinary_user_who_calls_the_worker_is_refused_in_its_own_words() {
    let place = Place::new();
    let refused = place.call(&["worker"]);
    insta::assert_snapshot!(refused.answered(0), @r#"
    {"event":"refused","refusal":{"why":"unable","detail":"the worker must be root; run this with sudo"}}
    "#);
}

#[test]
fn wrong_usage_is_2_whatever_is_wrong() {
    let place = Place::new();
    let both = ["run", "--attach", "--now"];
    assert!(place.call(&both).said(2).contains("cannot be used with"));
    insta::assert_snapshot!(place.call(&["patch-it-all"]).said(2), @r#"
    error: unrecognized subcommand 'patch-it-all'

    Usage: patchd [OPTIONS] <COMMAND>

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(place.call(&["explain", "-o"]).said(2), @r#"
    error: unexpected argument '-o' found

      tip: to pass '-o' as a value, use '-- -o'

    Usage: patchd explain [OPTIONS] <PACKAGE>

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(place.call(&["explain", "a;reboot"]).said(2), @r#"
    patchd: "a;reboot" is not a package name; expected letters, digits, + - . _, the first a letter or digit
    "#);
    insta::assert_snapshot!(place.call(&["check", "--policy", "night"]).said(2), @r#"
    patchd: there is no policy "night"; there is default
    "#);
    insta::assert_snapshot!(place.call(&["schedule", "weekly"]).said(2), @r#"
    patchd: there is no schedule "weekly"; there is nightly
    "#);
    insta::assert_snapshot!(place.call(&["schedule", "--from", "soon"]).said(2), @r#"
    patchd: "soon" is no time; write 2026-12-24, 2026-12-24T03:00 or 2026-12-24T03:00:00+01:00
    "#);
    assert_eq!(place.call(&[]).code, 2);
}

#[test]
fn trouble_is_a_document_too_when_documents_are_wanted() {
    let place = Place::new();
    let refused = place.call(&["status", "--json"]);
    assert_eq!(refused.code, 77);
    assert_eq!(refused.json()["schema"], "patchd/error/1");
    assert_eq!(refused.json()["exit_code"], 77);
    let sentence = refused.json()["error"].as_str().expect("told").to_owned();
    assert_eq!(refused.err, format!("patchd: {sentence}\n"));
}

#[test]
fn what_has_no_document_does_not_pretend_to() {
    let place = Place::new();
    for command in [
        &["logs"][..],
        &["config", "show"],
        &["config", "default"],
        &["completions", "bash"],
    ] {
        let refused = place.call(&[command, &["--json"]].concat());
        assert_eq!(refused.code, 2, "{command:?}");
        assert!(refused.err.contains("leave out --json"), "{}", refused.err);
    }
}

/// None is installed where this is tested.
#[test]
fn what_only_a_daemon_can_do_is_69_without_one() {
    let place = Place::new();
    for command in [
        &["cancel"][..],
        &["pause", "a release"],
        &["resume"],
        &["reload"],
        &["run", "--attach"],
    ] {
        let refused = place.call(command);
        assert!(refused.said(69).contains("no daemon here"), "{command:?}");
    }
    assert_eq!(place.call(&["takeover"]).code, 77);
}

#[test]
fn everybody_may_see_when_windows_open() {
    let place = Place::new();
    let file = place.file(
        "some.toml",
        "[schedule.weekly]\ncron = \"0 3 * * sun\"\ntimezone = \"Europe/Berlin\"\nspread = \"0s\"\n[[freeze]]\nfrom = \"2026-12-18\"\nto = \"2027-01-04\"\nreason = \"year's end\"\n",
        0o644,
    );
    let asked = [
        "--config",
        &file,
        "schedule",
        "--from",
        "2026-12-13T00:00:00Z",
        "-n",
        "3",
    ];
    insta::assert_snapshot!(place.call(&asked).answered(0), @r"
     SCHEDULE  ACTION  OPENS                      STARTS HERE                CLOSES
     weekly    patch   2026-12-13T03:00:00+01:00  2026-12-13T03:00:00+01:00  2026-12-13T05:00:00+01:00
     weekly    patch   2026-12-20T03:00:00+01:00  2026-12-20T03:00:00+01:00  2026-12-20T05:00:00+01:00  frozen: year's end
     weekly    patch   2026-12-27T03:00:00+01:00  2026-12-27T03:00:00+01:00  2026-12-27T05:00:00+01:00  frozen: year's end
    ");
    let told = place.call(&[&asked[..], &["--json"]].concat()).json();
    assert_eq!(told["schema"], "patchd/schedule/1");
    let window = &told["schedules"][0]["windows"][1];
    assert_eq!(window["opens"], "2026-12-20T03:00:00+01:00");
    assert_eq!(window["frozen"], "year's end");
}

#[test]
fn help_and_version_are_answers() {
    let place = Place::new();
    let help = place.call(&["--help"]);
    let told = help.answered(0);
    for word in [
        "check",
        "explain",
        "doctor",
        "78  the configuration is invalid",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(!told.contains("transaction-guard"), "{told}");
    let version = place.call(&["--version"]);
    let expected = format!("patchd {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(version.answered(0), expected);
}

const BROKEN: &str = "[verify]\nretries = \"three\"\nintervall = \"20s\"\n";

#[test]
fn a_broken_file_is_78_with_every_fault_at_its_place() {
    let place = Place::new();
    let file = place.file("broken.toml", BROKEN, 0o644);
    let checked = place.call(&["--config", &file, "config", "check"]);
    insta::assert_snapshot!(checked.answered(78), @r#"
    error: "retries" cannot be text
     --> [PLACE]/broken.toml:2:11
      |
    2 | retries = "three"
      |           ^^^^^^^
      |
      = help: write a whole number from 1 to 20

    error: unknown key "intervall" in verify
     --> [PLACE]/broken.toml:3:1
      |
    3 | intervall = "20s"
      | ^^^^^^^^^
      |
      = help: did you mean "interval"? known keys: retries, interval, probe

    the configuration is invalid: 2 faults
    "#);
    // Whoever would use it says the same, as a complaint.
    let used = place.call(&["--config", &file, "check"]);
    assert!(used.said(78).contains("[PLACE]/broken.toml:2:11"));

    let json = place.call(&["--json", "--config", &file, "config", "check"]);
    assert_eq!(json.code, 78);
    let told = json.json();
    let places: Vec<_> = told["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| (finding["line"].as_u64(), finding["column"].as_u64()))
        .collect();
    assert_eq!(places, [(Some(2), Some(11)), (Some(3), Some(1))]);
}

#[test]
fn a_file_that_is_not_toml_is_78_with_a_caret() {
    let place = Place::new();
    let file = place.file("cut.toml", "[verify\n", 0o644);
    let checked = place.call(&["config", "check", "--config", &file]);
    insta::assert_snapshot!(checked.answered(78), @r#"
    error: this is not TOML: unclosed table, expected `]`
     --> [PLACE]/cut.toml:1:8
      |
    1 | [verify
      |        ^
      |
      = help: mend this first; the rest of the file is looked at after that

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn a_file_that_anybody_may_write_is_not_trusted() {
    let place = Place::new();
    let file = place.file("loose.toml", "", 0o666);
    let checked = place.call(&["config", "check", "--config", &file]);
    insta::assert_snapshot!(checked.answered(78), @r#"
    error: the configuration cannot be trusted: [PLACE]/loose.toml is writable by group or others (mode 0666); keep it, and every folder above it, writable by its owner alone

    the configuration is invalid: 1 fault
    "#);
    let missing = place.call(&["config", "check", "--config", "/nowhere/patchd.toml"]);
    insta::assert_snapshot!(missing.answered(78), @r#"
    error: there is no file /nowhere/patchd.toml; give another path

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn the_shipped_file_is_sound() {
    let place = Place::new();
    let shipped = place.call(&["config", "default"]);
    let file = place.file("patchd.toml", shipped.answered(0), 0o644);
    let checked = place.call(&["config", "check", "--config", &file]);
    assert_eq!(checked.answered(0), "the configuration is valid\n");
}

#[test]
fn every_value_tells_where_it_comes_from() {
    let place = Place::new();
    let file = place.file("some.toml", "[verify]\nretries = 5\n", 0o644);
    let shown = place.call(&["config", "show", "--origin", "--config", &file]);
    insta::assert_snapshot!(shown.answered(0), @r#"
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
    retries = 5  # [PLACE]/some.toml:2
    interval = "20s"  # built-in

    [package_manager]
    lock_wait = "10m"  # built-in
    script_timeout = "1h"  # built-in
    stale_after = "3d"  # built-in

    [deadline]
    profile = "default"  # built-in

    [feeds]
    interval = "6h"  # built-in
    kev_interval = "1h"  # built-in
    stale_after = "3d"  # built-in
    "#);
    let schema = place.call(&["config", "schema"]).json();
    assert_eq!(schema["title"], "patchd.toml");
}

#[test]
fn each_shell_gets_its_completions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.call(&["completions", shell]);
        let script = script.answered(0);
        assert!(
            script.contains("patchd") && script.contains("explain"),
            "{shell}"
        );
        assert!(!script.contains("reboot"), "{shell}");
    }
}

#[test]
fn a_package_that_is_not_here_is_1_with_advice() {
    let place = Place::new();
    let unknown = place.call(&["explain", "no-such-package"]);
    insta::assert_snapshot!(unknown.said(1), @"patchd: no-such-package is not installed; `patchd check` lists what is pending");
}

#[test]
fn check_answers_an_ordinary_user_and_never_calls_half_a_view_whole() {
    let place = Place::new();
    let checked = place.call(&["check", "--json", "--exit-code"]);
    let told = checked.json();
    assert_eq!(told["schema"], "patchd/check/1");
    let complete = told["complete"].as_bool().expect("told");
    let updates = told["updates"].as_array().expect("told");
    let expected = match (complete, updates.is_empty()) {
        (false, _) => 7,
        (true, false) => 100,
        (true, true) => 0,
    };
    assert_eq!(checked.code, expected, "{}", checked.err);
    assert_eq!(complete, told["gaps"].as_array().is_none_or(Vec::is_empty));
    for update in updates {
        for key in [
            "package",
            "architecture",
            "installed",
            "candidate",
            "decision",
            "reason",
        ] {
            assert!(update[key].is_string(), "{key} of {update}");
        }
    }
}
