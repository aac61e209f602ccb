//! No text and no bytes bring the reader down.

use proptest::prelude::*;

use super::super::layers::uncommented;
use super::super::source::Source;
use super::super::*;
use super::{MAIN, Machine, told};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_panics_and_every_refusal_can_be_told(text in "(?s).{0,200}") {
        let mut faults = Vec::new();
        let source = Source { path: "x".into(), text };
        File::parse(source, &mut faults);
        let faults = Faults::new(faults, vec!["x".into()]);
        let rendered = faults.render(false);
        prop_assert!(!rendered.contains(|c: char| c.is_control() && c != '\n'), "{rendered:?}");
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

#[test]
fn nothing_from_outside_reaches_the_terminal_as_a_control_character() {
    let machine = Machine::new(&[
        (MAIN, "a\u{1b}[31m = 1"),
        (
            "/etc/patchd/conf.d/a\u{1b}[31m\n.toml",
            "\"a\\u001b\" = 1\nverify.retries = \"\u{9b}\" # \u{202e}\u{9b}",
        ),
    ]);
    insta::assert_snapshot!(machine.told(), @r#"
    error: this is not TOML: key with no value, expected `=`
     --> /etc/patchd/patchd.toml:1:3
      |
    1 | a␛[31m = 1
      |   ^
      |
      = help: mend this first; the rest of the file is looked at after that

    error: unknown key "a\u{1b}" at the top of the file
     --> /etc/patchd/conf.d/a\u{1b}[31m\n.toml:1:1
      |
    1 | "a\u001b" = 1
      | ^^^^^^^^^
      |
      = help: remove it; known keys: schedule, freeze, policy, restart, rollback, hooks, verify, package_manager, deadline, feeds, network, notify, exception

    error: "retries" cannot be text
     --> /etc/patchd/conf.d/a\u{1b}[31m\n.toml:2:18
      |
    2 | verify.retries = "�" # ��
      |                  ^^^
      |
      = help: write a whole number from 1 to 20

    the configuration is invalid: 3 faults
    "#);
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    let probe = "verify.probe = [{ name = \"a\", http = \"http://me:secret@host/\" }]";
    insta::assert_snapshot!(told(probe), @r#"
    error: a user or password stands in the address
    --> /etc/patchd/patchd.toml:1:38
     = help: write an address that needs none; everybody may read this configuration

    the configuration is invalid: 1 fault
    "#);
}

#[test]
fn a_file_full_of_faults_is_answered_in_bounds() {
    let keys: Vec<String> = (0..60_000).map(|n| format!("k{n} = 1, ")).collect();
    let keys = keys.concat();
    let machine = Machine::new(&[(MAIN, &format!("verify = {{ {keys} x = 1 }}"))]);
    let faults = machine.load().expect_err("faulty");
    assert!(faults.to_string().len() < 20_000);
    assert_eq!(
        faults.to_json()["findings"].as_array().map(Vec::len),
        Some(1000)
    );
    assert_eq!(faults.to_json()["omitted"], 59_001);
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
    let lines: Vec<String> = (0..1000).map(|n| format!("k{n} = 1\n")).collect();
    let told = told(&lines.concat());
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
