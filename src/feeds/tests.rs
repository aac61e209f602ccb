//! From a server to the index, with the real reader in a thread of ours.

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Format, Freshness, Library, Outcome, Settings, Shelf, Tried};
use crate::model::{Distribution, PackageName};
use crate::os::attendant::Attendant;
use crate::os::net::{Door, serve_listener};
use crate::os::{clock, files};

/// A machine with feeds, whose publisher answers what it is told to.
struct Machine {
    folder: tempfile::TempDir,
    library: Library,
}

const TRACKER: &str = r#"{"openssl":{"CVE-2026-0001":{"releases":{"bookworm":{"status":"resolved","fixed_version":"3.0.1-1","urgency":"high"}}},"CVE-2026-0002":{"releases":{"bookworm":{"status":"open","urgency":"low"}}}}}"#;
const KEV: &str = r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2026-0001","dateAdded":"2026-01-02","dueDate":"2026-01-05","knownRansomwareCampaignUse":"Known"}]}"#;

impl Machine {
    fn new(mirror: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let net = tokio::net::UnixListener::bind(path("net.sock")).expect("bound");
        tokio::spawn(serve_listener(net));
        let readers = path("feed.sock");
        read_feeds(UnixListener::bind(&readers).expect("bound"));
        let library = Library {
            settings: Settings {
                mirror: Some(mirror.to_owned()),
                ..Settings::default()
            },
            proxy: None,
            distribution: Distribution {
                id: "debian".to_owned(),
                version: Some("12".to_owned()),
                codename: Some("bookworm".to_owned()),
            },
            shelf: Shelf::new(path("feeds")),
            index: path("index.db"),
            net: Door::of(Attendant::Socket(path("net.sock"))),
            readers: Attendant::Socket(readers),
        };
        Self { folder, library }
    }

    fn file(&self, content: &str) -> std::fs::File {
        let path = self.folder.path().join("file");
        files::replace(&path, content.as_bytes(), 0o600).expect("written");
        std::fs::File::open(path).expect("open")
    }

    async fn import(&self, content: &str, smaller: bool) -> Tried {
        let file = self.file(content);
        self.library.import(file, smaller).await.expect("tried")
    }

    fn state(&self, format: Format) -> super::State {
        self.library.shelf.state(format)
    }

    fn words(&self) -> usize {
        let name = PackageName::try_from("openssl".to_owned()).expect("valid");
        let index = self.library.open().expect("an index");
        index.advised(&name).expect("asked").len()
    }
}

/// In systemd's place: the reader, in a thread for each connection.
fn read_feeds(listener: UnixListener) {
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let output = stream.try_clone().expect("a stream");
            let _gone = super::read::answer(&mut std::io::BufReader::new(&stream), output);
        }
    });
}

/// Gives these answers one after the other; tells what it was asked.
async fn publisher(answers: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let task = tokio::spawn(async move {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.expect("a guest");
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.expect("a request");
            asked.push(String::from_utf8_lossy(&request[..length]).into_owned());
            stream.write_all(answer.as_bytes()).await.expect("sent");
        }
        asked
    });
    (url, task)
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\netag: \"one\"\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn status(line: &str) -> String {
    format!("HTTP/1.1 {line}\r\nretry-after: 0\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
}

#[tokio::test]
async fn what_has_changed_is_fetched_and_what_has_not_is_not() {
    let answers = vec![ok(TRACKER), status("304 Not Modified")];
    let (url, asked) = publisher(answers).await;
    let machine = Machine::new(&url);
    let formats = [Format::DebianTracker];
    let tried = machine.library.update(&formats).await.expect("tried");
    assert!(matches!(tried[0].outcome, Outcome::Taken(2)), "{tried:?}");
    assert_eq!(machine.words(), 2);
    let tried = machine.library.update(&formats).await.expect("tried");
    assert!(matches!(tried[0].outcome, Outcome::Unchanged), "{tried:?}");
    let asked = asked.await.expect("asked");
    assert!(
        asked[0].starts_with("GET /debian/tracker.json "),
        "{}",
        asked[0]
    );
    assert!(!asked[0].contains("if-none-match"));
    assert!(
        asked[1].contains("if-none-match: \"one\"\r\n"),
        "{}",
        asked[1]
    );
}

#[tokio::test]
async fn a_publisher_in_trouble_is_tried_again_and_then_left_in_peace() {
    let answers = vec![status("503 Busy"), ok(KEV)];
    let (url, _asked) = publisher(answers).await;
    let machine = Machine::new(&url);
    let tried = machine.library.update(&[Format::Kev]).await.expect("tried");
    assert!(matches!(tried[0].outcome, Outcome::Taken(1)), "{tried:?}");

    let answers = vec![status("404 Not Found")];
    let (url, _asked) = publisher(answers).await;
    let mut later = machine.library.clone();
    later.settings.mirror = Some(url);
    let tried = later.update(&[Format::Kev]).await.expect("tried");
    assert!(matches!(tried[0].outcome, Outcome::Failed(_)), "{tried:?}");
    let state = machine.state(Format::Kev);
    let failure = state.failure.as_deref().expect("told");
    assert!(failure.contains("HTTP status 404"), "{failure}");
    assert_eq!(
        state.content.map(|it| it.records),
        Some(1),
        "the old one stays"
    );
    let standing = &later.standings(clock::now())[1];
    assert_eq!(
        (standing.format, standing.freshness),
        (Format::Kev, Freshness::Fresh)
    );
}

#[tokio::test]
async fn a_page_in_a_feeds_place_leaves_the_old_one() {
    let (url, _asked) = publisher(vec![ok("<html>maintenance</html>")]).await;
    let machine = Machine::new(&url);
    machine.import(TRACKER, false).await;
    let tried = machine
        .library
        .update(&[Format::DebianTracker])
        .await
        .expect("tried");
    assert!(matches!(tried[0].outcome, Outcome::Failed(_)), "{tried:?}");
    assert_eq!(machine.words(), 2);
}

#[tokio::test]
async fn a_feed_that_has_shrunk_is_taken_only_when_somebody_says_so() {
    let machine = Machine::new("http://127.0.0.1:1");
    assert!(matches!(
        machine.import(TRACKER, false).await.outcome,
        Outcome::Taken(2)
    ));
    let half = r#"{"openssl":{"CVE-2026-0002":{"releases":{"bookworm":{"status":"open","urgency":"low"}}}}}"#;
    let Outcome::Failed(error) = machine.import(half, false).await.outcome else {
        panic!("it was taken");
    };
    assert!(
        error.to_string().contains("1 records where it had 2"),
        "{error}"
    );
    assert_eq!(machine.words(), 2);
    assert!(machine.state(Format::DebianTracker).is_failing());
    assert!(matches!(
        machine.import(half, true).await.outcome,
        Outcome::Taken(1)
    ));
    assert_eq!(machine.words(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_feed_is_refused() {
    let machine = Machine::new("http://127.0.0.1:1");
    let file = machine.file("hello");
    let error = machine
        .library
        .import(file, false)
        .await
        .expect_err("refused");
    assert!(
        error.to_string().contains("no feed that is known"),
        "{error}"
    );
}

#[tokio::test]
async fn whoever_was_killed_between_two_steps_has_lost_nothing() {
    let machine = Machine::new("http://127.0.0.1:1");
    machine.import(TRACKER, false).await;
    let feeds = machine.folder.path().join("feeds");
    let beside: PathBuf = feeds.join("debian-tracker.records.new");
    let mut half = std::fs::File::create(&beside).expect("made");
    half.write_all(b"{\"advisory\":{\"pack").expect("written");
    assert_eq!(machine.words(), 2);
    machine.import(TRACKER, false).await;
    assert_eq!(machine.words(), 2);
    assert!(!beside.exists());
    // Records without their state are none, and the other way round.
    std::fs::remove_file(feeds.join("debian-tracker.records")).expect("gone");
    let standing = machine.library.standings(clock::now()).remove(0);
    assert_eq!(standing.freshness, Freshness::Missing);
}

#[tokio::test]
async fn each_feed_has_its_pace_and_each_machine_its_place() {
    let machine = Machine::new("http://127.0.0.1:1");
    let library = &machine.library;
    let all = [
        Format::DebianTracker,
        Format::Kev,
        Format::Epss,
        Format::Ssvc,
    ];
    assert_eq!(library.due("one", clock::now()).0, all);
    machine.import(KEV, false).await;
    let now = clock::now();
    let (due, _) = library.due("one", now);
    assert!(!due.contains(&Format::Kev));
    let hours = |hours: i64| now + jiff::SignedDuration::from_mins(hours * 60 + 7);
    assert!(library.due("one", hours(1)).0.contains(&Format::Kev));
    // A clock that was set back does not put it off.
    assert!(library.due("one", hours(-24)).0.contains(&Format::Kev));
    assert_ne!(library.first_wait("one"), library.first_wait("two"));
}
