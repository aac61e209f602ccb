//! Receivers of notifications, and exceptions.

use super::{sound, told};
use crate::model::NotificationKind;
use crate::notify::{Receiver, Secret, Way};

#[test]
fn every_way_of_telling_arrives_where_it_belongs() {
    let settings = sound(
        r#"
        [notify.hook]
        webhook = "https://ops.example/x"
        secret = { file = "/etc/patchd/secrets/ops" }
        on = ["failed", "overdue", "failed"]
        [notify.open]
        webhook = "http://127.0.0.1:9/x"
        [notify.program]
        command = ["/usr/bin/true", "x"]
        [notify.mail]
        email = "ops@example.org"
        [notify.relay]
        email = "ops@example.org"
        smtp = "relay.internal:587"
        "#,
    );
    let way = |name: &str| settings.notify.receivers[name].way.clone();
    let on = [NotificationKind::Failed, NotificationKind::Overdue].into();
    let secret = Some(Secret::File("/etc/patchd/secrets/ops".into()));
    let url = "https://ops.example/x".to_owned();
    assert_eq!(
        settings.notify.receivers["hook"],
        Receiver {
            way: Way::Webhook { url, secret },
            on
        }
    );
    assert!(matches!(way("open"), Way::Webhook { secret: None, .. }));
    assert_eq!(
        settings.notify.receivers["open"].on,
        NotificationKind::ALL.into()
    );
    let words = vec!["/usr/bin/true".to_owned(), "x".to_owned()];
    assert_eq!(way("program"), Way::Command(words));
    for (name, server) in [("mail", "127.0.0.1:25"), ("relay", "relay.internal:587")] {
        let (to, server) = ("ops@example.org".to_owned(), server.to_owned());
        assert_eq!(way(name), Way::Mail { to, server });
    }
    let hears_of_reboots: Vec<&str> = settings
        .notify
        .interested(NotificationKind::RebootOwed)
        .collect();
    assert_eq!(hears_of_reboots, ["mail", "open", "program", "relay"]);
}

#[test]
fn an_exception_has_an_owner_a_reason_and_an_end() {
    let settings = sound(
        "[[exception]]\ncve = \"cve-2026-0001\"\nreason = \"not loaded\"\nowner = \"ops\"\nuntil = \"2027-03-01\"\n",
    );
    let [exception] = settings.exceptions.as_slice() else {
        panic!("one");
    };
    assert_eq!(exception.cve.to_string(), "CVE-2026-0001");
    assert_eq!(exception.until.to_string(), "2027-03-01");
    insta::assert_snapshot!(told("[[exception]]\ncve = \"CVE-1\"\nuntil = \"soon\"\n"), @r#"
    error: "reason" is missing in this exception
     --> /etc/patchd/patchd.toml:1:1
      |
    1 | [[exception]]
      | ^^^^^^^^^^^^^
      |
      = help: add "reason": text in quotes

    error: "owner" is missing in this exception
     --> /etc/patchd/patchd.toml:1:1
      |
    1 | [[exception]]
      | ^^^^^^^^^^^^^
      |
      = help: add "owner": text in quotes

    error: "CVE-1" is not a CVE id
     --> /etc/patchd/patchd.toml:2:7
      |
    2 | cve = "CVE-1"
      |       ^^^^^^^
      |
      = help: write an id such as "CVE-2026-0001"

    error: "soon" is not a day
     --> /etc/patchd/patchd.toml:3:9
      |
    3 | until = "soon"
      |         ^^^^^^
      |
      = help: write a day such as "2026-12-18"

    the configuration is invalid: 4 faults
    "#);
}

#[test]
fn faulty_receivers_are_told_with_what_to_write() {
    insta::assert_snapshot!(told("[notify.a]\non = [\"faild\"]\n[notify.b]\nwebhook = \"http://ops.example/\"\nsmtp = \"h:1\"\n[notify.c]\nemail = \"ops\"\nsecret = { file = \"secret\" }\n[notify.d]\nwebhook = \"https://h/\"\nsecret = { value = \"x\" }\n"), @r#"
    error: this notify has none of webhook, command, email
     --> /etc/patchd/patchd.toml:1:1
      |
    1 | [notify.a]
      | ^^^^^^^^^^
      |
      = help: give exactly one of them

    error: "on" cannot be "faild"
     --> /etc/patchd/patchd.toml:2:6
      |
    2 | on = ["faild"]
      |      ^^^^^^^^^
      |
      = help: did you mean "failed"? it is one of "failed", "rolled-back", "needs-human", "exposed", "overdue", "reboot-owed", "config-invalid"

    error: "ops.example" would be posted to without encryption
     --> /etc/patchd/patchd.toml:4:11
      |
    4 | webhook = "http://ops.example/"
      |           ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: write an address such as "https://alerts.example.org/patchd"

    error: "smtp" has no meaning without "email"
     --> /etc/patchd/patchd.toml:5:8
      |
    5 | smtp = "h:1"
      |        ^^^^^
      |
      = help: remove "smtp", or tell by email

    error: "ops" is not an address of mail
     --> /etc/patchd/patchd.toml:7:9
      |
    7 | email = "ops"
      |         ^^^^^
      |
      = help: write an address such as "ops@example.org"

    error: "secret" has no meaning without "webhook"
    --> /etc/patchd/patchd.toml:8:10
     = help: remove "secret", or tell by webhook

    error: "secret" is not an absolute path
    --> /etc/patchd/patchd.toml:8:19
     = help: write an absolute path such as "/etc/patchd/secrets/ops"

    error: this secret has none of credential, file
    --> /etc/patchd/patchd.toml:11:10
     = help: give exactly one of them

    error: unknown key "value" in notify.NAME.secret
    --> /etc/patchd/patchd.toml:11:12
     = help: remove it; known keys: credential, file

    the configuration is invalid: 9 faults
    "#);
}
