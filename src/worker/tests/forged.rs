//! A daemon that was taken over. The same orders are played over the real
//! socket in the lab.

use serde::Deserialize;

use std::path::PathBuf;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forged {
    claim: String,
    given: Vec<String>,
    send: String,
    #[serde(default)]
    pad: usize,
    refusal: String,
    after: Vec<String>,
}

/// All of them, by file name.
fn forged() -> Vec<(String, Forged)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/forged-orders");
    let mut forged = Vec::new();
    for entry in std::fs::read_dir(folder).expect("there") {
        let path = entry.expect("readable").path();
        if path.extension().is_some_and(|it| it == "json") {
            let text = std::fs::read_to_string(&path).expect("readable");
            let name = path.display().to_string();
            forged.push((name, serde_json::from_str(&text).expect("as described")));
        }
    }
    forged.sort_by(|(one, _), (other, _)| one.cmp(other));
    forged
}

/// Every file below a folder with its content, but the lock.
fn snapshot(folder: &std::path::Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.push((path.clone(), Vec::new()));
            found.extend(snapshot(&path));
        } else if path != folder.join("lock") {
            found.push((path.clone(), std::fs::read(&path).unwrap_or_default()));
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn every_forged_order_is_refused_and_touches_nothing() {
    let forged = forged();
    assert!(forged.len() >= 15, "only {}", forged.len());
    let machine = Fake::with_updates(&["lab-app"]);
    let post = Post::on(&machine);
    for (name, it) in forged {
        let told = format!("{name} ({})", it.claim);
        for sound in &it.given {
            let end = post.events(sound).await.pop();
            assert!(
                matches!(end, Some(WorkerEvent::Done { .. })),
                "{told}: {end:?}"
            );
        }
        let before = (snapshot(post.root.path()), machine.world().calls.clone());
        let events = post
            .events(&it.send.replace("{pad}", &" ".repeat(it.pad)))
            .await;
        let refusal = match events.last() {
            Some(WorkerEvent::Refused { refusal }) => refusal.to_string(),
            other => panic!("{told}: {other:?}"),
        };
        assert!(refusal.contains(&it.refusal), "{told}: {refusal}");
        let after = (snapshot(post.root.path()), machine.world().calls.clone());
        let simulated = events.len() > 1;
        assert_eq!(before.1, after.1, "{told}");
        // A run's own order that fails in its simulation is in its record.
        assert!(simulated || before.0 == after.0, "{told}");
        for sound in &it.after {
            let end = post.events(sound).await.pop();
            assert!(
                matches!(end, Some(WorkerEvent::Done { .. })),
                "{told}: {end:?}"
            );
        }
    }
    assert_eq!(Record::find_open(post.root.path()).expect("read"), None);
    assert!(machine.world().applied.is_empty());
}
