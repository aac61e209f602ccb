//! Versions are kept away, let in again, and tried by halves.

use super::*;
use crate::model::{Errand, KeptAway, Order, Quarantining, Suspicion, Task};
use crate::quarantine::{Book, FILE, Standing};

fn suspicion(names: &[&str], known: bool) -> Suspicion {
    Suspicion {
        changes: names.iter().map(|name| upgrade(name)).collect(),
        known,
        reason: "it was rolled back: nginx.service is not active".to_owned(),
        evidence: vec![],
    }
}

fn kept(name_of: &str) -> KeptAway {
    KeptAway {
        source: name(name_of),
        version: version("2"),
    }
}

impl Post {
    async fn quarantines(&self, at: u64, wish: Quarantining) -> Vec<String> {
        let order = Order::new(run(at), Task::on(Errand::Quarantine(wish)));
        let text = serde_json::to_string(&order).expect("an order") + "\n";
        let last = self.events(&text).await.pop().expect("a last word");
        self.does(run(at), Phase::Cleanup, &none()).await;
        match last {
            WorkerEvent::Done {
                report: Report::Quarantine { kept_away },
            } => kept_away,
            other => panic!("{other:?}"),
        }
    }

    async fn accuses(&self, at: u64, suspicion: Suspicion) -> Vec<String> {
        let wish = Quarantining {
            add: vec![suspicion],
            lift: vec![],
        };
        self.quarantines(at, wish).await
    }

    /// A run that installs nothing but reviews the quarantine.
    async fn begins_and_ends(&self, at: u64) {
        self.opened(run(at)).await;
        self.does(run(at), Phase::Cleanup, &none()).await;
    }

    fn book(&self) -> Book {
        Book::read(&self.root.path().join(FILE)).expect("readable")
    }

    fn pins(&self) -> Vec<KeptAway> {
        self.machine.world().kept_away.iter().cloned().collect()
    }
}

#[tokio::test]
async fn what_did_harm_is_kept_away_until_somebody_lets_it_in() {
    let post = Post::on(&Fake::with_updates(&["aa", "bb"]));
    let told = post.accuses(ONE, suspicion(&["aa"], true)).await;
    assert!(told[0].starts_with("aa 2 is kept away until "), "{told:?}");
    assert_eq!(post.pins(), [kept("aa")]);

    let lift = Quarantining {
        add: vec![],
        lift: vec![name("aa")],
    };
    assert_eq!(post.quarantines(TWO, lift).await, Vec::<String>::new());
    assert_eq!(post.pins(), []);
    assert_eq!(post.book(), Book::default());
}

#[tokio::test]
async fn a_plan_with_a_version_in_quarantine_is_refused() {
    let post = Post::on(&Fake::with_updates(&["aa", "bb"]));
    post.accuses(ONE, suspicion(&["aa"], true)).await;
    post.opened(run(TWO)).await;
    let refusal = post
        .refuses(run(TWO), Phase::Download, &plan_of(&["aa", "bb"]))
        .await;
    assert!(
        refusal.to_string().contains("is in quarantine"),
        "{refusal}"
    );
    post.does(run(TWO), Phase::Download, &plan_of(&["bb"]))
        .await;
}

#[tokio::test]
async fn a_pin_that_was_removed_by_hand_lets_the_version_in() {
    let post = Post::on(&Fake::with_updates(&["aa", "bb"]));
    post.accuses(ONE, suspicion(&["aa"], true)).await;
    post.machine.world().kept_away.clear();
    post.opened(run(TWO)).await;
    assert_eq!(post.book(), Book::default());
    post.does(run(TWO), Phase::Download, &plan_of(&["aa"]))
        .await;
}

#[tokio::test]
async fn a_run_that_goes_on_tries_nothing() {
    let post = Post::on(&Fake::with_updates(&["aa", "bb"]));
    post.accuses(ONE, suspicion(&["aa", "bb"], false)).await;
    post.opened(run(TWO)).await;
    assert_eq!(post.pins(), [kept("bb")]);
    // It was cut short, and comes again: what it has installed proves nothing yet.
    post.machine
        .world()
        .installed
        .insert(id("aa"), version("2"));
    post.opened(run(TWO)).await;
    assert_eq!(post.book().entries[0].suspects.len(), 2);
}

#[tokio::test]
async fn the_half_that_did_no_harm_is_cleared_and_the_other_is_known() {
    let post = Post::on(&Fake::with_updates(&["aa", "bb"]));
    post.accuses(ONE, suspicion(&["aa", "bb"], false)).await;
    assert_eq!(post.pins(), [kept("aa"), kept("bb")]);
    post.begins_and_ends(TWO).await;
    assert_eq!(post.pins(), [kept("bb")]);
    // It has not come in by the next run: the other half is let in instead.
    post.begins_and_ends(TWO + 1).await;
    assert_eq!(
        (post.pins(), post.book().entries[0].trials),
        (vec![kept("aa")], 2)
    );

    post.machine
        .world()
        .installed
        .insert(id("bb"), version("2"));
    post.begins_and_ends(TWO + 2).await;
    let book = post.book();
    assert_eq!(book.entries[0].standing(), Standing::Known);
    assert_eq!(post.pins(), [kept("aa")]);
}

#[tokio::test]
async fn a_book_that_cannot_be_read_stops_no_run_and_removes_no_pin() {
    let post = Post::on(&Fake::with_updates(&["aa", "bb"]));
    post.accuses(ONE, suspicion(&["aa"], true)).await;
    crate::os::files::replace(&post.root.path().join(FILE), b"{", 0o640).expect("written");
    post.opened(run(TWO)).await;
    assert_eq!(post.pins(), [kept("aa")]);
}
