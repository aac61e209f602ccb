//! Exchanges with servers of all kinds, through a socket as the daemon has them.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

use super::{Door, Exchange, NetError, Reach, serve_listener};
use crate::os::attendant::Attendant;

const CAP: u64 = 1 << 20;

/// Somebody in systemd's place, who makes one exchange after the other.
fn door() -> (tempfile::TempDir, Door) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("net.sock");
    let listener = UnixListener::bind(&path).expect("bound");
    tokio::spawn(serve_listener(listener));
    (folder, Door::of(Attendant::Socket(path)))
}

/// What a server sends, and how: a pause stands where its text is empty.
async fn server(pieces: &'static [&'static str]) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("bound").port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a guest");
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.expect("a request");
        for piece in pieces {
            if piece.is_empty() {
                std::future::pending::<()>().await;
            }
            let _left = stream.write_all(piece.as_bytes()).await;
        }
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (format!("http://127.0.0.1:{port}/feed.json"), task)
}

fn get(url: &str) -> Exchange {
    Exchange {
        plain_http: true,
        ..Exchange::get(url, CAP)
    }
}

async fn fetched(exchange: &Exchange) -> Result<(u16, Vec<u8>), NetError> {
    let (_folder, door) = door();
    let answer = door.exchange(exchange).await?;
    let status = answer.head.status;
    Ok((status, answer.bytes().await?))
}

#[tokio::test]
async fn what_a_server_sends_comes_as_it_is() {
    let (url, asked) = server(&[
        "HTTP/1.1 200 OK\r\netag: \"one\"\r\nlast-modified: Sun, 22 Nov 2026 00:00:00 GMT\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello",
    ])
    .await;
    let (_folder, door) = door();
    let exchange = get(&url).header("if-none-match", "\"zero\"");
    let answer = door.exchange(&exchange).await.expect("answered");
    assert_eq!(answer.head.status, 200);
    assert_eq!(answer.head.etag.as_deref(), Some("\"one\""));
    let changed = answer.head.last_modified.as_deref();
    assert_eq!(changed, Some("Sun, 22 Nov 2026 00:00:00 GMT"));
    assert_eq!(answer.bytes().await.expect("whole"), b"hello");
    let request = asked.await.expect("asked");
    assert!(
        request.starts_with("GET /feed.json HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("if-none-match: \"zero\"\r\n"), "{request}");
}

#[tokio::test]
async fn a_body_is_sent_along() {
    let (url, asked) = server(&["HTTP/1.1 204 No Content\r\n\r\n"]).await;
    let exchange = Exchange {
        plain_http: true,
        reach: Reach::Anywhere,
        ..Exchange::post(&url, b"{\"told\":1}".to_vec(), CAP)
    };
    assert_eq!(fetched(&exchange).await.expect("sent"), (204, vec![]));
    let request = asked.await.expect("asked");
    assert!(
        request.starts_with("POST ") && request.ends_with("{\"told\":1}"),
        "{request}"
    );
}

#[tokio::test]
async fn what_ends_before_its_end_is_no_answer() {
    let cases: [&[&str]; 3] = [
        &["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello"],
        &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"],
        &["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello\r\n"],
    ];
    for case in cases {
        let (url, _asked) = server(case).await;
        let error = fetched(&get(&url)).await.expect_err("cut");
        assert!(matches!(error, NetError::Cut { .. }), "{error}");
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn what_is_longer_than_allowed_is_not_taken() {
    let announced = &["HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n", ""];
    let (url, _asked) = server(announced).await;
    let error = fetched(&get(&url)).await.expect_err("too long");
    assert!(error.to_string().contains("1048577"), "{error}");
    let body: &'static str = "x".repeat(2 << 20).leak();
    let (url, _asked) = server(vec!["HTTP/1.1 200 OK\r\n\r\n", body].leak()).await;
    let error = fetched(&get(&url)).await.expect_err("too long");
    assert!(matches!(error, NetError::Cap { cap: CAP }), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_server_that_hangs_is_left() {
    let silent: [&[&str]; 2] = [
        &[""],
        &["HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", ""],
    ];
    for case in silent {
        let (url, asked) = server(case).await;
        let exchange = Exchange {
            timeout: Duration::from_millis(200),
            ..get(&url)
        };
        let error = fetched(&exchange).await.expect_err("left");
        assert!(error.is_transient(), "{error}");
        asked.abort();
    }
}

#[tokio::test]
async fn a_redirect_without_encryption_is_not_followed() {
    let (url, _asked) =
        server(&["HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n"]).await;
    let error = fetched(&get(&url)).await.expect_err("not followed");
    assert!(
        error.to_string().contains("redirects without encryption"),
        "{error}"
    );
    assert!(!error.is_transient());
    let (url, _asked) = server(&["HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n"]).await;
    let told = Exchange {
        redirects: 0,
        ..get(&url)
    };
    assert_eq!(fetched(&told).await.expect("an answer").0, 302);
}

#[tokio::test]
async fn a_neighbour_is_spoken_to_only_when_he_is_named() {
    let (url, asked) = server(&["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]).await;
    let to = |url: &str, besides: &[&str]| Exchange {
        plain_http: true,
        reach: Reach::PublicOnly {
            besides: besides.iter().map(ToString::to_string).collect(),
        },
        ..Exchange::get(url, CAP)
    };
    let by_name = url.replace("127.0.0.1", "localhost");
    for (url, besides) in [(&url, "localhost"), (&by_name, "127.0.0.1")] {
        let error = fetched(&to(url, &[besides])).await.expect_err("refused");
        assert!(
            error.to_string().contains("not on the public internet"),
            "{error}"
        );
    }
    let named = fetched(&to(&by_name, &["localhost"])).await;
    assert_eq!(named.expect("an answer").0, 200);
    asked.await.expect("asked");
}

#[tokio::test]
async fn a_password_in_an_address_is_not_repeated() {
    let free = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let url = format!("http://user:secret@127.0.0.1:{port}/token-in-path");
    let error = fetched(&get(&url))
        .await
        .expect_err("nobody there")
        .to_string();
    assert!(error.contains("127.0.0.1 cannot be reached"), "{error}");
    assert!(
        !error.contains("secret") && !error.contains("token"),
        "{error}"
    );
}

#[tokio::test]
async fn a_proxy_is_asked_instead() {
    let (proxy, asked) = server(&["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"]).await;
    let exchange = Exchange {
        proxy: Some(proxy.replace("/feed.json", "")),
        ..get("http://feeds.example/kev.json")
    };
    assert_eq!(
        fetched(&exchange).await.expect("an answer"),
        (200, b"ok".to_vec())
    );
    let request = asked.await.expect("asked");
    assert!(
        request.starts_with("GET http://feeds.example/kev.json "),
        "{request}"
    );
}

#[tokio::test]
async fn whoever_vanishes_has_said_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("net.sock");
    let listener = UnixListener::bind(&path).expect("bound");
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let door = Door::of(Attendant::Socket(path));
    let error = door
        .exchange(&get("http://127.0.0.1/"))
        .await
        .expect_err("gone");
    assert!(error.is_transient(), "{error}");
}
