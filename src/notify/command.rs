//! A notification for a program of the operator's. It runs as we do, without
//! rights and without a network; what it prints is taken and thrown away.

use std::path::Path;
use std::time::Duration;

use super::{Message, NotifyError};
use crate::os::command::Command;
use crate::os::trusted::Reader;

/// How long it may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// How much it may print, bytes.
const OUTPUT_CAP: u64 = 64 << 10;

pub(super) async fn run(words: &[String], message: &Message<'_>) -> Result<(), NotifyError> {
    let [program, arguments @ ..] = words else {
        return Err(NotifyError::Program("it is empty".to_owned()));
    };
    judge(program)?;
    let command = Command::new(program.clone())
        .args(arguments)
        .timeout(TIMEOUT)
        .output_cap(OUTPUT_CAP);
    let output = command
        .tell(message.document.as_bytes(), &variables(message))
        .await?;
    match output.status {
        0 => Ok(()),
        status => Err(NotifyError::Program(format!(
            "{program} ended with exit status {status}; run it by hand to see why"
        ))),
    }
}

/// Who can change the program can be us, and order the worker about.
fn judge(program: &str) -> Result<(), NotifyError> {
    let reader = Reader::this_process();
    match reader.program(Path::new("/"), Path::new(program)) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(NotifyError::Program(format!(
            "{program} is not there; install it, or mend `command` in [notify]"
        ))),
        Err(untrusted) => Err(NotifyError::Program(untrusted.to_string())),
    }
}

/// `PATCHD_…`; the kernel takes no NUL in them.
fn variables(message: &Message<'_>) -> Vec<(String, String)> {
    let facts = message.facts().into_iter();
    facts
        .map(|(name, value)| {
            let name = format!("PATCHD_{}", name.to_ascii_uppercase());
            (name, value.replace('\0', " "))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::message::tests::failed;
    use super::*;
    use crate::os::command::CommandError;

    async fn ran(words: &[&str]) -> Result<(), NotifyError> {
        let notification = failed("it failed\0");
        let message = Message {
            host: "web1",
            notification: &notification,
            document: r#"{"a":1}"#,
        };
        let words: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
        run(&words, &message).await
    }

    #[tokio::test]
    async fn a_program_has_the_document_and_the_facts() {
        let script = r#"test "$(cat)" = '{"a":1}' && test "$PATCHD_KIND $PATCHD_HOST $PATCHD_SENTENCE" = "failed web1 it failed ""#;
        ran(&["/usr/bin/env", "sh", "-c", script])
            .await
            .expect("it found all of it");
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_without_its_words() {
        let error = ran(&["/usr/bin/env", "sh", "-c", "echo password >&2; exit 3"]).await;
        let told = error.expect_err("failed").to_string();
        assert!(told.contains("exit status 3") && !told.contains("password"));
        let error = ran(&["/nowhere/at/all"]).await.expect_err("missing");
        assert!(error.to_string().contains("install it"), "{error}");
        assert!(ran(&[]).await.is_err());
    }

    #[tokio::test]
    async fn who_prints_without_end_is_ended() {
        let error = ran(&["/usr/bin/env", "sh", "-c", "yes"]).await;
        let error = error.expect_err("too much");
        assert!(
            matches!(error, NotifyError::Command(CommandError::TooMuch { .. })),
            "{error}"
        );
    }
}
