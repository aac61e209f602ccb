//! The server as callers meet it, well-behaved and not.

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use super::*;
use crate::control::{Action, CALL_LIMIT, Client, Question, Unanswered};

/// A server at work, and what it hears.
struct House {
    folder: TempDir,
    asked: mpsc::Receiver<Asked>,
    servers: [JoinHandle<()>; 2],
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (sender, asked) = mpsc::channel(4);
        let server = Server::new(sender, |_| {});
        let listen = |name: &str| UnixListener::bind(folder.path().join(name)).expect("bound");
        let servers = [
            tokio::spawn(server.clone().serve(listen("public"), Level::Public)),
            tokio::spawn(server.serve(listen("admin"), Level::Admin)),
        ];
        Self {
            folder,
            asked,
            servers,
        }
    }

    async fn raw(&self, socket: &str) -> UnixStream {
        let path = self.folder.path().join(socket);
        UnixStream::connect(path).await.expect("connected")
    }

    async fn client(&self, socket: &str) -> Client {
        let path = self.folder.path().join(socket);
        Client::connect(&path).await.expect("greeted")
    }

    async fn heard(&mut self) -> Asked {
        self.asked.recv().await.expect("something is asked")
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.servers.iter().for_each(JoinHandle::abort);
    }
}

/// Sends calls in one piece and reads as many replies.
async fn exchange(stream: &mut UnixStream, calls: &[Value]) -> Vec<Value> {
    let texts: Vec<String> = calls.iter().map(Value::to_string).collect();
    let text = texts.join("\0") + "\0";
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut replies = Vec::new();
    for _ in calls {
        replies.push(reply(stream).await.expect("a reply"));
    }
    replies
}

/// The next reply; `None` when the connection is closed.
async fn reply(stream: &mut UnixStream) -> Option<Value> {
    let mut message = Vec::new();
    loop {
        match stream.read_u8().await {
            Ok(0) => return Some(serde_json::from_slice(&message).expect("JSON")),
            Ok(byte) => message.push(byte),
            Err(_) => return None,
        }
    }
}

fn start() -> Call {
    Call::Act(Action::Start {
        schedule: None,
        policy: None,
        packages: Vec::new(),
        now: true,
        sudo_user: None,
    })
}

#[tokio::test]
async fn a_question_is_answered_and_its_asker_known() {
    let mut house = House::new();
    let mut client = house.client("public").await;
    let daemon = async {
        let asked = house.heard().await;
        assert_eq!(asked.call, Call::Ask(Question::Status));
        assert_eq!(asked.peer.uid, rustix::process::geteuid().as_raw());
        assert_eq!(asked.peer.pid, i32::try_from(std::process::id()).ok());
        asked.replies.document(&json!({"state": "succeeded"}));
    };
    let (answer, ()) = tokio::join!(client.call(&Call::Ask(Question::Status)), daemon);
    let document = answer.expect("answered").document;
    assert_eq!(document, Some(json!({"state": "succeeded"})));
}

#[tokio::test]
async fn what_is_wrong_with_a_call_is_said_and_the_connection_stays() {
    let house = House::new();
    let mut stream = house.raw("public").await;
    let cases = [
        (
            "io.patchd.Control.Patch",
            json!({}),
            "org.varlink.service.MethodNotFound",
            json!({"method": "io.patchd.Control.Patch"}),
        ),
        (
            "io.other.Status",
            json!({}),
            "org.varlink.service.InterfaceNotFound",
            json!({"interface": "io.other"}),
        ),
        (
            "io.patchd.Control.Check",
            json!({"policy": 5}),
            "org.varlink.service.InvalidParameter",
            json!({"parameter": "policy"}),
        ),
        (
            "io.patchd.Control.Status",
            json!({"all": true}),
            "org.varlink.service.InvalidParameter",
            json!({"parameter": "all"}),
        ),
        (
            "io.patchd.Control.Follow",
            json!({}),
            "org.varlink.service.ExpectedMore",
            json!({}),
        ),
        (
            "org.varlink.service.GetInterfaceDescription",
            json!({}),
            "org.varlink.service.InvalidParameter",
            json!({"parameter": "interface"}),
        ),
        (
            "org.varlink.service.Reboot",
            json!({}),
            "org.varlink.service.MethodNotFound",
            json!({"method": "org.varlink.service.Reboot"}),
        ),
    ];
    for (method, parameters, error, details) in cases {
        let call = json!({"method": method, "parameters": parameters});
        let [told] = &exchange(&mut stream, &[call]).await[..] else {
            panic!("one reply");
        };
        assert_eq!(
            (&told["error"], &told["parameters"]),
            (&json!(error), &details),
            "{method}"
        );
    }
    let upgrade = json!({"method": "io.patchd.Control.Status", "upgrade": true});
    let told = exchange(&mut stream, &[upgrade]).await;
    assert_eq!(told[0]["error"], "org.varlink.service.MethodNotImplemented");
}

#[tokio::test]
async fn an_order_on_the_public_socket_is_not_permitted_and_told_where_it_is() {
    let house = House::new();
    let mut client = house.client("public").await;
    let refused = client.call(&Call::Act(Action::Cancel)).await;
    let Err(Unanswered::Refused(error)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error.exit_code(), ExitCode::NotPermitted);
    assert!(error.to_string().contains("patchd-admin"), "{error}");
}

#[tokio::test]
async fn who_does_not_speak_varlink_is_shown_out() {
    let house = House::new();
    for nonsense in [
        "GET / HTTP/1.1\r\n\0".to_owned(),
        "[]\0".to_owned(),
        "{\"method\": 5}\0".to_owned(),
        "{\"method\": \"a\", \"parameters\": []}\0".to_owned(),
        "\0".to_owned(),
        " ".repeat(CALL_LIMIT + 2),
    ] {
        let mut stream = house.raw("public").await;
        let _may_be_closed_early = stream.write_all(nonsense.as_bytes()).await;
        assert_eq!(reply(&mut stream).await, None, "{nonsense:.20}");
    }
}

#[tokio::test]
async fn calls_sent_ahead_are_answered_in_their_order() {
    let mut house = House::new();
    let mut stream = house.raw("public").await;
    let history =
        |count| json!({"method": "io.patchd.Control.History", "parameters": {"count": count}});
    let calls = [
        history(1),
        json!({"method": "org.varlink.service.GetInfo"}),
        history(3),
    ];
    let daemon = async {
        for _ in 0..2 {
            let asked = house.heard().await;
            let Call::Ask(Question::History { count }) = asked.call else {
                panic!("{:?}", asked.call);
            };
            asked.replies.document(&count);
        }
    };
    let (replies, ()) = tokio::join!(exchange(&mut stream, &calls), daemon);
    assert_eq!(replies[0]["parameters"]["document"], 1);
    assert_eq!(replies[1]["parameters"]["product"], "patchd");
    assert_eq!(replies[2]["parameters"]["document"], 3);
}

#[tokio::test]
async fn a_oneway_order_is_carried_out_and_nothing_comes_back() {
    let mut house = House::new();
    let mut stream = house.raw("admin").await;
    let calls = "{\"method\":\"io.patchd.Control.Start\",\"parameters\":{\"now\":true},\"oneway\":true}\0{\"method\":\"io.patchd.Control.Nothing\",\"oneway\":true}\0{\"method\":\"org.varlink.service.GetInfo\"}\0";
    stream.write_all(calls.as_bytes()).await.expect("sent");
    let mut asked = house.heard().await;
    assert_eq!(asked.call, start());
    let info = reply(&mut stream).await.expect("the only reply");
    assert_eq!(info["parameters"]["vendor"], "patchd");
    assert!(!asked.replies.notice(&"opened"));
}

#[tokio::test]
async fn a_stream_has_its_notices_and_ends_with_the_document() {
    let mut house = House::new();
    let client = house.client("admin").await;
    let daemon = async {
        let mut asked = house.heard().await;
        for notice in 0..50 {
            assert!(asked.replies.notice(&notice));
        }
        asked.replies.document(&"run");
    };
    let watch = async {
        let mut stream = client.stream(&start()).await.expect("sent");
        let mut seen = Vec::new();
        while let Some(answer) = stream.next().await.expect("an answer") {
            seen.extend(answer.notice.or(answer.document));
        }
        seen
    };
    let (seen, ()) = tokio::join!(watch, daemon);
    assert_eq!(seen.len(), 51);
    assert_eq!((&seen[0], &seen[50]), (&json!(0), &json!("run")));
}

#[tokio::test]
async fn a_client_that_leaves_an_idle_stream_is_noticed() {
    let mut house = House::new();
    let client = house.client("public").await;
    let stream = client
        .stream(&Call::Follow { run: None })
        .await
        .expect("sent");
    let mut asked = house.heard().await;
    assert!(asked.replies.notice(&1));
    drop(stream);
    // Its connection ends, and with it the receiver of what we tell.
    while asked.replies.notice(&2) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn who_only_stops_sending_still_gets_his_answer() {
    let mut house = House::new();
    let mut stream = house.raw("public").await;
    let call = b"{\"method\":\"io.patchd.Control.Status\"}\0";
    stream.write_all(call).await.expect("sent");
    stream.shutdown().await.expect("half closed");
    house.heard().await.replies.document(&1);
    assert_eq!(
        reply(&mut stream).await.expect("a reply")["parameters"]["document"],
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_loses_his_stream_and_nobody_waits_for_him() {
    let mut house = House::new();
    let slow = house.client("public").await;
    let mut stream = slow
        .stream(&Call::Follow { run: None })
        .await
        .expect("sent");
    let mut asked = house.heard().await;
    let long = "x".repeat(64 << 10);
    while asked.replies.notice(&long) {
        tokio::task::yield_now().await;
    }
    // Others are served while he does not read.
    house.client("public").await;
    // He reads what was on its way, then learns why there is no more.
    let refused = loop {
        match stream.next().await {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    let Err(Unanswered::Refused(error)) = refused else {
        panic!("{refused:?}");
    };
    assert!(error.to_string().contains("the run goes on"), "{error}");
}

#[tokio::test]
async fn a_daemon_that_drops_a_call_does_not_leave_its_caller_waiting() {
    let mut house = House::new();
    let mut client = house.client("public").await;
    let daemon = async { drop(house.heard().await) };
    let call = Call::Ask(Question::Status);
    let (answer, ()) = tokio::join!(client.call(&call), daemon);
    let Err(Unanswered::Refused(error)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(error.exit_code(), ExitCode::Unreachable);
    house.asked.close();
    let Err(Unanswered::Refused(error)) = client.call(&call).await else {
        panic!("the daemon is gone");
    };
    assert!(error.to_string().contains("stopping"), "{error}");
}

#[tokio::test]
async fn the_connection_that_is_too_many_is_told_so() {
    let house = House::new();
    // As root there are 32 seats, as anybody else 8.
    let seats = if rustix::process::geteuid().is_root() {
        32
    } else {
        8
    };
    let mut clients = Vec::new();
    for _ in 0..seats {
        clients.push(house.client("public").await);
    }
    let path = house.folder.path().join("public");
    let refused = Client::connect(&path).await.expect_err("no seat");
    assert!(refused.to_string().contains("too many"), "{refused}");
    clients.pop();
    while Client::connect(&path).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_connected_and_asks_nothing_is_shown_out() {
    let house = House::new();
    let mut silent = house.raw("public").await;
    silent.write_all(b"{\"method\":").await.expect("sent");
    assert_eq!(reply(&mut silent).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_socket_with_nobody_behind_it_is_told_from_no_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("control");
    let absent = Client::connect(&path).await.expect_err("nothing there");
    assert!(matches!(absent, Unanswered::NoSocket { .. }), "{absent}");
    let listener = UnixListener::bind(&path).expect("bound");
    let silent = Client::connect(&path).await.expect_err("nobody accepts");
    assert!(matches!(silent, Unanswered::Silent { .. }), "{silent}");
    drop(listener);
    let dead = Client::connect(&path).await.expect_err("nobody listens");
    assert!(matches!(dead, Unanswered::Unreachable { .. }), "{dead}");
}
