//! Real outputs of `apt-get update`, and what is made of them.

use super::*;

const TARGETS: &str = "\
    http://127.0.0.1:18761/a\tlab\t/l/a_lab_main_binary-amd64_Packages\tmain/binary-amd64/Packages\n\
    http://127.0.0.1:18761/a\tlab\t/l/a_lab_main_binary-all_Packages\tmain/binary-all/Packages\n\
    http://127.0.0.1:18761/b\tlab\t/l/b_lab_main_binary-amd64_Packages\tmain/binary-amd64/Packages\n";

fn fixture(release: &str, name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/apt");
    let path = root
        .join(release)
        .join("update")
        .join(format!("{name}.txt"));
    let text = std::fs::read_to_string(&path).expect("a fixture");
    credentials::hidden(&text)
}

#[test]
fn each_fault_of_a_repository_has_its_state_and_the_other_one_stays_fresh() {
    use RepositoryState::{
        BadSignature, Corrupt, Expired, ExpiredKey, Fresh, IdentityChanged, Unreachable,
    };
    let sources = sources(TARGETS).expect("targets");
    for (name, state) in [
        ("good", Fresh),
        ("changed-Suite", Fresh),
        ("changed-Version", Fresh),
        ("changed-Origin", IdentityChanged),
        ("changed-Label", IdentityChanged),
        ("changed-Codename", IdentityChanged),
        ("expired-key", ExpiredKey),
        ("other-key", BadSignature),
        ("first-other-key", BadSignature),
        ("no-keyring", BadSignature),
        ("unsigned", BadSignature),
        ("first-unsigned", BadSignature),
        ("bad-signature", BadSignature),
        ("inrelease-corrupt", BadSignature),
        ("inrelease-404", BadSignature),
        ("inrelease-500", Unreachable),
        ("inrelease-reset", Unreachable),
        ("inrelease-truncate", Corrupt),
        ("packages-corrupt", Corrupt),
        ("packages-truncate", Corrupt),
        ("packages-reset", Unreachable),
        ("packages-404", Unreachable),
        ("packages-500", Unreachable),
        ("valid-until", Expired),
        ("not-yet-valid", Expired),
    ] {
        for release in ["12", "13"] {
            let judged = judge(&sources, &fixture(release, name));
            let states: Vec<_> = judged.iter().map(|one| one.state).collect();
            assert_eq!(states, [state, Fresh], "{name} on {release}: {judged:?}");
            assert!(
                judged
                    .iter()
                    .all(|one| one.advice.is_some() == (one.state != Fresh))
            );
        }
    }
}

#[test]
fn what_comes_from_a_mirror_is_fresh_under_the_name_of_the_list() {
    let mut sources = sources(&fixture("12", "mirror-targets")).expect("targets");
    for source in &mut sources {
        if source.site.starts_with("mirror+file:") {
            source.mirrors = Mirrors::Listed(mirrors(&fixture("12", "mirror-list")));
        }
    }
    for name in ["mirror-file", "mirror-file-again"] {
        let judged = judge(&sources, &fixture("12", name));
        assert_eq!(judged[0].id, "mirror+file:/etc/apt/mirrors/lab.list lab");
        assert_eq!(judged.len(), 3);
        assert!(
            judged.iter().all(|it| it.state == RepositoryState::Fresh),
            "{name}: {judged:?}"
        );
    }
    let judged = judge(&sources, &fixture("12", "mirror-no-key"));
    assert_eq!(judged[0].state, RepositoryState::BadSignature);
    sources[0].release = "nosuch".to_owned();
    let judged = judge(&sources, &fixture("12", "mirror-no-suite"));
    assert_eq!(judged[0].state, RepositoryState::Unreachable);
}

#[test]
fn a_list_of_mirrors_on_another_machine_lets_any_mirror_stand_for_it() {
    let targets = fixture("12", "mirror-targets").replace(
        "mirror+file:/etc/apt/mirrors/lab.list",
        "mirror+http://127.0.0.1:18877/mirrors.txt",
    );
    let mut sources = sources(&targets).expect("targets");
    for source in &mut sources {
        source.find_mirrors();
    }
    let said = fixture("12", "mirror-http");
    let states: Vec<_> = judge(&sources, &said).iter().map(|it| it.state).collect();
    assert_eq!(states, [RepositoryState::Fresh; 3]);
    let of_a = "Hit:1 http://127.0.0.1:18877/a lab InRelease\n";
    assert_eq!(judge(&sources, of_a)[0].state, RepositoryState::Unknown);
}

#[test]
fn the_list_of_mirrors_is_read_where_it_is_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("debian.list");
    files::replace(
        &list,
        b"# all\nhttps://u:p@deb.example.org/debian/\tpriority:1\n\n",
        0o644,
    )
    .expect("written");
    let line = format!(
        "mirror+file:{}\tlab\t/l/x_main_Packages\tmain/Packages\n",
        list.display()
    );
    let mut found = sources(&line).expect("targets");
    found[0].find_mirrors();
    let expected = vec!["https://deb.example.org/debian".to_owned()];
    assert_eq!(found[0].mirrors, Mirrors::Listed(expected));
}

#[test]
fn a_warning_with_exit_status_0_is_not_fresh() {
    let sources = sources(TARGETS).expect("targets");
    for release in ["12", "13"] {
        let judged = judge(&sources, &fixture(release, "no-component"));
        assert_eq!(judged[0].state, RepositoryState::Missing);
    }
}

#[test]
fn a_host_or_a_suite_that_does_not_exist_is_unreachable() {
    for (targets, name) in [
        (
            "http://127.0.0.1:18761/a\tnosuite\t/l/n_main_Packages\tmain/Packages\n",
            "no-suite",
        ),
        (
            "http://no-such-host.invalid/a\tlab\t/l/n_main_Packages\tmain/Packages\n",
            "dns",
        ),
    ] {
        let sources = sources(targets).expect("targets");
        for release in ["12", "13"] {
            let judged = judge(&sources, &fixture(release, name));
            assert_eq!(judged[0].state, RepositoryState::Unreachable, "{name}");
        }
    }
}

#[test]
fn silence_and_unknown_words_are_unknown_and_quoted() {
    let sources = sources("http://h/debian\tbookworm\t/l/b_main_Packages\tmain/Packages\nhttp://h/debian\tbookworm-updates\t/l/u_main_Packages\tmain/Packages\n")
        .expect("targets");
    let said = "Hit:1 http://h/debian bookworm InRelease\n\
                Hit:2 http://h/debian bookworm-updates InRelease\n\
                W: http://h/debian/dists/bookworm-updates/InRelease: the moon is full\n";
    let judged = judge(&sources, said);
    assert_eq!(judged[0].state, RepositoryState::Fresh);
    assert_eq!(judged[1].state, RepositoryState::Unknown);
    let advice = judged[1].advice.as_deref().unwrap_or_default();
    assert!(advice.contains("the moon is full"), "{advice}");
    assert_eq!(judge(&sources, "")[0].state, RepositoryState::Unknown);
}

#[test]
fn a_flat_repository_is_found_by_its_url() {
    let sources =
        sources("https://u:p@h/flat/\t./\t/l/h_flat_._Packages\tPackages\n").expect("targets");
    let said = "Err:1 https://h/flat ./ InRelease\n  403  Forbidden [IP: 1.2.3.4 443]\n\
                E: Failed to fetch https://h/flat/./InRelease  403  Forbidden\n";
    let judged = judge(&sources, said);
    assert_eq!(judged[0].id, "https://h/flat ./");
    assert_eq!(judged[0].state, RepositoryState::Unreachable);
}
