//! The owner's own probes, one attempt each.

use std::error::Error;
use std::time::Duration;

use super::observation::Attempt;
use super::settings::{Check, Probe};
use crate::os::command::{Command, Runner};
use crate::os::systemd;

/// A probe's program is asked for its exit status; its words are a courtesy.
const OUTPUT_CAP: u64 = 1 << 20;

/// Tries it once.
pub(super) async fn attempt(probe: &Probe, runner: &dyn Runner) -> Attempt {
    let result = match &probe.check {
        Check::Http(url) => http(url, probe.timeout).await,
        Check::Tcp(address) => tcp(address, probe.timeout).await,
        Check::Command(argv) => command(argv, probe.timeout, runner).await,
        Check::Unit(unit) => self::unit(unit, probe.timeout, runner).await,
    };
    let passed = result.is_ok();
    let (Ok(detail) | Err(detail)) = result;
    Attempt { passed, detail }
}

/// What was seen: when it passed, and when it failed.
type Result = std::result::Result<String, String>;

/// The answer's status alone counts: the body is not read, a redirect is not
/// followed, and no proxy is asked, for it is this machine that is probed.
async fn http(url: &str, timeout: Duration) -> Result {
    let client = client(url, timeout).map_err(|error| innermost(&error))?;
    let answer = client.get(url).send().await.map_err(|error| {
        if error.is_timeout() {
            no_answer(timeout)
        } else {
            innermost(&error)
        }
    })?;
    let status = answer.status();
    let seen = format!("HTTP {}", status.as_u16());
    if status.is_success() || status.is_redirection() {
        Ok(seen)
    } else {
        Err(seen)
    }
}

fn client(url: &str, timeout: Duration) -> reqwest::Result<reqwest::Client> {
    // The first call of the process counts; a later one has nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .user_agent(concat!("patchd/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout);
    // Plain HTTP must work on a machine that has no certificate authorities.
    if url.starts_with("http://") {
        client.tls_certs_only([]).build()
    } else {
        client.build()
    }
}

async fn tcp(address: &str, timeout: Duration) -> Result {
    match tokio::time::timeout(timeout, tokio::net::TcpStream::connect(address)).await {
        Ok(Ok(_)) => Ok("connected".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(no_answer(timeout)),
    }
}

async fn command(argv: &[String], timeout: Duration, runner: &dyn Runner) -> Result {
    let Some((program, arguments)) = argv.split_first() else {
        return Err("it names no program; give an absolute path".to_owned());
    };
    if !program.starts_with('/') {
        return Err(format!("{program} is not an absolute path; give one"));
    }
    let question = Command::new(program.clone())
        .args(arguments)
        .timeout(timeout)
        .output_cap(OUTPUT_CAP);
    let output = runner
        .ask(&question)
        .await
        .map_err(|error| error.to_string())?;
    match output.status {
        0 => Ok("exit status 0".to_owned()),
        status => Err(format!("exit status {status}: {}", output.last_words())),
    }
}

async fn unit(unit: &str, timeout: Duration, runner: &dyn Runner) -> Result {
    let output = systemd::is_active(runner, unit, timeout)
        .await
        .map_err(|error| error.to_string())?;
    match output.status {
        0 => Ok(format!("{unit} is active")),
        _ => Err(format!("{unit} is {}", output.last_words())),
    }
}

fn no_answer(timeout: Duration) -> String {
    format!("no answer within {timeout:?}")
}

/// The cause that says something; what is around it repeats the address, which
/// may hold a password.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::os::command::System;

    async fn tried(check: Check, timeout: Duration) -> Attempt {
        let probe = Probe {
            name: "probe".into(),
            check,
            rehearse: false,
            timeout,
            retries: None,
        };
        attempt(&probe, &System).await
    }

    async fn tried_http(port: u16, timeout: Duration) -> Attempt {
        let url = format!("http://user:secret@127.0.0.1:{port}/healthz");
        tried(Check::Http(url), timeout).await
    }

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_millis(100);

    /// A server that gives one answer; without one it accepts and is silent.
    async fn server(answer: Option<&'static str>) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let port = listener.local_addr().expect("bound").port();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a guest");
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.expect("a request");
            match answer {
                Some(answer) => stream.write_all(answer.as_bytes()).await.expect("sent"),
                None => std::future::pending().await,
            }
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        (port, task)
    }

    async fn closed_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        listener.local_addr().expect("bound").port()
    }

    #[tokio::test]
    async fn a_good_answer_or_a_redirect_passes_and_anything_else_fails() {
        let table = [
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n",
                true,
                "HTTP 200",
            ),
            ("HTTP/1.1 204 No Content\r\n\r\n", true, "HTTP 204"),
            (
                "HTTP/1.1 301 Moved\r\nlocation: http://192.0.2.1/\r\n\r\n",
                true,
                "HTTP 301",
            ),
            ("HTTP/1.1 404 Not Found\r\n\r\n", false, "HTTP 404"),
            ("HTTP/1.1 502 Bad Gateway\r\n\r\n", false, "HTTP 502"),
        ];
        for (answer, passed, detail) in table {
            let (port, task) = server(Some(answer)).await;
            let attempt = tried_http(port, LONG).await;
            assert_eq!((attempt.passed, attempt.detail.as_str()), (passed, detail));
            let request = task.await.expect("answered");
            assert!(
                request.starts_with("GET /healthz HTTP/1.1\r\n"),
                "{request}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_http_fails() {
        let (port, _task) = server(Some("SSH-2.0-OpenSSH_9.2\r\n")).await;
        assert!(!tried_http(port, LONG).await.passed);
    }

    #[tokio::test]
    async fn a_closed_port_fails_with_the_cause_and_without_the_password() {
        let port = closed_port().await;
        let http = tried_http(port, LONG).await;
        let tcp = tried(Check::Tcp(format!("127.0.0.1:{port}")), LONG).await;
        for attempt in [http, tcp] {
            assert!(!attempt.passed);
            assert!(attempt.detail.contains("refused"), "{}", attempt.detail);
            assert!(!attempt.detail.contains("secret"), "{}", attempt.detail);
        }
    }

    #[tokio::test]
    async fn a_server_that_hangs_fails_at_the_timeout() {
        let (port, task) = server(None).await;
        let attempt = tried_http(port, SHORT).await;
        assert_eq!(
            (attempt.passed, attempt.detail.as_str()),
            (false, "no answer within 100ms")
        );
        task.abort();
    }

    #[tokio::test]
    async fn an_address_that_is_none_fails() {
        assert!(!tried(Check::Http("site".into()), LONG).await.passed);
        assert!(!tried(Check::Tcp("127.0.0.1".into()), LONG).await.passed);
    }

    #[tokio::test]
    async fn a_port_that_accepts_passes() {
        let (port, task) = server(None).await;
        assert!(
            tried(Check::Tcp(format!("localhost:{port}")), LONG)
                .await
                .passed
        );
        task.abort();
    }

    #[tokio::test]
    async fn https_without_a_proper_certificate_fails() {
        let (port, _task) = server(Some("HTTP/1.1 200 OK\r\n\r\n")).await;
        let url = format!("https://127.0.0.1:{port}/");
        assert!(!tried(Check::Http(url), LONG).await.passed);
    }

    #[tokio::test]
    async fn a_program_passes_by_its_exit_status() {
        let shell =
            |script: &str| Check::Command(["/bin/sh", "-c", script].map(str::to_owned).to_vec());
        assert!(tried(shell("exit 0"), LONG).await.passed);
        let failed = tried(shell("echo pool is empty >&2; exit 3"), LONG).await;
        assert_eq!(failed.detail, "exit status 3: pool is empty");
        let hanging = tried(shell("exec sleep 5"), SHORT).await;
        assert!(
            hanging.detail.contains("no answer within 100ms"),
            "{}",
            hanging.detail
        );
    }

    #[tokio::test]
    async fn a_program_without_a_path_is_not_looked_for() {
        assert!(
            !tried(Check::Command(vec!["true".into()]), LONG)
                .await
                .passed
        );
        assert!(!tried(Check::Command(vec![]), LONG).await.passed);
    }
}
