//! Checks of configurations, before the transaction and behind it, in the view.

use std::path::Path;
use std::time::Duration;

use super::said::Said;
use super::stage::Check;
use crate::os::command::{Command, Output, Runner};

/// One that takes longer is no check of a configuration.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What services bring along for it. Those that are not installed are left out.
const KNOWN: [(&str, &[&str]); 9] = [
    ("nginx -t", &["/usr/sbin/nginx", "-t", "-q"]),
    ("sshd -t", &["/usr/sbin/sshd", "-t"]),
    ("named-checkconf", &["/usr/bin/named-checkconf"]),
    ("visudo -c", &["/usr/sbin/visudo", "-c", "-q"]),
    ("postfix check", &["/usr/sbin/postfix", "check"]),
    (
        "apache2ctl configtest",
        &["/usr/sbin/apache2ctl", "configtest"],
    ),
    (
        "haproxy -c",
        &[
            "/usr/sbin/haproxy",
            "-c",
            "-q",
            "-f",
            "/etc/haproxy/haproxy.cfg",
        ],
    ),
    ("unbound-checkconf", &["/usr/sbin/unbound-checkconf"]),
    ("rsyslogd -N1", &["/usr/sbin/rsyslogd", "-N1"]),
];

/// The checks of services that are installed here.
#[must_use]
pub fn known_checks() -> Vec<Check> {
    let installed = KNOWN.iter().filter(|(_, argv)| {
        let program = argv.first().copied().unwrap_or_default();
        Path::new(program).exists()
    });
    installed
        .map(|(name, argv)| Check {
            name: (*name).to_owned(),
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            timeout: TIMEOUT,
        })
        .collect()
}

/// Those that pass now.
pub async fn passing(checks: &[Check], runner: &dyn Runner) -> Vec<Check> {
    let mut passing = Vec::new();
    for check in checks {
        if failure(check, runner).await.is_none() {
            passing.push(check.clone());
        }
    }
    passing
}

/// How those that passed before do now.
pub async fn again(passed: &[Check], runner: &dyn Runner) -> Vec<Said> {
    let mut said = Vec::new();
    for check in passed {
        said.push(Said::Probe {
            name: check.name.clone(),
            failure: failure(check, runner).await,
        });
    }
    said
}

/// Why it fails; `None` when it passes.
async fn failure(check: &Check, runner: &dyn Runner) -> Option<String> {
    let Some((program, arguments)) = check.argv.split_first() else {
        return Some("it names no program".to_owned());
    };
    let question = Command::new(program.clone())
        .args(arguments)
        .timeout(check.timeout);
    match runner.ask(&question).await {
        Ok(output) if output.status == 0 => None,
        Ok(output) => Some(first_words(&output)),
        Err(cause) => Some(cause.to_string()),
    }
}

/// Whoever checks a configuration first says what is wrong with it.
fn first_words(output: &Output) -> String {
    let first = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let line = text.lines().find(|line| !line.trim().is_empty())?;
        Some(line.trim().to_owned())
    };
    first(&output.stderr)
        .or_else(|| first(&output.stdout))
        .unwrap_or_else(|| format!("exit status {}", output.status))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::command::System;

    fn check(name: &str, program: &str) -> Check {
        Check {
            name: name.to_owned(),
            argv: vec![program.to_owned()],
            timeout: TIMEOUT,
        }
    }

    #[test]
    fn the_first_line_says_what_is_wrong() {
        let output = Output {
            status: 1,
            stdout: b"checking\n".to_vec(),
            stderr: b"\nnginx: [emerg] unknown directive\nnginx: test failed\n".to_vec(),
        };
        assert_eq!(first_words(&output), "nginx: [emerg] unknown directive");
    }

    #[tokio::test]
    async fn only_what_passed_before_is_tried_again() {
        let checks = [check("good", "/bin/true"), check("bad", "/bin/false")];
        let passed = passing(&checks, &System).await;
        assert_eq!(passed, [checks[0].clone()]);
        let changed = [check("good", "/bin/false")];
        let said = again(&changed, &System).await;
        assert!(
            matches!(&said[..], [Said::Probe { name, failure: Some(_) }] if name == "good"),
            "{said:?}"
        );
    }
}
