use super::*;
use crate::model::{Change, Installed, PackageId, Phase, Task, Version};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn plan() -> Plan {
    let version = |text: &str| Some(Version::try_from(text.to_owned()).expect("valid"));
    let id = PackageId::parse("nginx", "amd64").expect("valid");
    Plan::new(vec![Change {
        id,
        from: version("1"),
        to: version("2"),
    }])
}

fn order(phase: Phase) -> Line {
    let plan = if phase == Phase::Apply {
        plan()
    } else {
        Plan::default()
    };
    let order = Box::new(Order::new(RunId::new(1, 1), Task::with_plan(phase, plan)));
    Line::Order {
        at: NOW,
        machine: None,
        boot: BootId("boot".into()),
        unit: None,
        order,
    }
}

fn event(event: WorkerEvent) -> Line {
    Line::Event {
        at: NOW,
        event: Box::new(event),
    }
}

fn accepted() -> Line {
    event(WorkerEvent::Accepted {
        phase: Phase::Apply,
    })
}

fn started(process: Process) -> Line {
    event(WorkerEvent::Started {
        pid: process.pid,
        start_time: process.start_time,
    })
}

fn dead() -> Process {
    Process {
        pid: 1,
        start_time: u64::MAX,
    }
}

fn applied() -> Line {
    event(WorkerEvent::Done {
        report: Report::Apply {
            installed: Installed::default(),
            failure: None,
            own_upgrade: None,
        },
    })
}

fn repaired() -> Line {
    let report = Report::Repair {
        sound: true,
        steps: vec![],
        broken: vec![],
        installed: Installed::default(),
    };
    event(WorkerEvent::Done { report })
}

fn record(root: &Path, lines: Vec<Line>) -> Record {
    let mut record = Record::open(root, RunId::new(1, 1)).expect("opened");
    for line in lines {
        record.append(line).expect("written");
    }
    record
}

fn reread(lines: Vec<Line>) -> Record {
    let root = tempfile::tempdir().expect("a folder");
    drop(record(root.path(), lines));
    Record::open(root.path(), RunId::new(1, 1)).expect("opened")
}

#[test]
fn an_apply_without_a_report_was_interrupted() {
    let record = reread(vec![order(Phase::Apply), accepted(), started(dead())]);
    assert_eq!(record.unsettled(), Some(&plan()));
}

#[test]
fn an_apply_that_was_refused_left_nothing() {
    let refused = event(WorkerEvent::Refused {
        refusal: crate::model::Refusal::Stale {
            differences: vec![],
        },
    });
    assert_eq!(
        reread(vec![order(Phase::Apply), accepted(), refused]).unsettled(),
        None
    );
}

#[test]
fn an_apply_whose_first_word_was_lost_may_have_begun() {
    assert_eq!(reread(vec![order(Phase::Apply)]).unsettled(), Some(&plan()));
}

#[test]
fn what_fails_behind_a_transaction_does_not_make_it_undone() {
    let unable = crate::model::Refusal::Unable {
        detail: "no space".into(),
    };
    let record = reread(vec![
        order(Phase::Apply),
        accepted(),
        started(dead()),
        event(WorkerEvent::Refused { refusal: unable }),
    ]);
    assert_eq!(record.unsettled(), Some(&plan()));
}

#[test]
fn a_repair_that_reported_has_settled_it() {
    let record = reread(vec![
        order(Phase::Apply),
        accepted(),
        started(dead()),
        order(Phase::Repair),
        repaired(),
    ]);
    assert_eq!(record.unsettled(), None);
    assert_eq!(record.completed().count(), 0);
}

#[test]
fn an_apply_with_its_report_is_complete() {
    let record = reread(vec![
        order(Phase::Apply),
        accepted(),
        started(dead()),
        applied(),
    ]);
    assert_eq!(record.unsettled(), None);
    assert_eq!(record.completed().count(), 1);
    assert_eq!(record.reported(), Some(&Installed::default()));
}

#[test]
fn a_package_manager_that_outlived_its_worker_is_found_in_this_boot_only() {
    let me = Process::of(std::process::id()).expect("we run");
    let record = reread(vec![order(Phase::Apply), accepted(), started(me)]);
    assert_eq!(record.survivor(&BootId("boot".into())), Some(me));
    assert_eq!(record.survivor(&BootId("next".into())), None);
}

#[test]
fn a_run_is_open_until_its_end_line() {
    let root = tempfile::tempdir().expect("a folder");
    assert_eq!(Record::find_open(root.path()).expect("read"), None);
    let mut record = record(root.path(), vec![order(Phase::Refresh)]);
    assert_eq!(
        Record::find_open(root.path()).expect("read"),
        Some(RunId::new(1, 1))
    );
    record.append(Line::End { at: NOW }).expect("written");
    assert_eq!(Record::find_open(root.path()).expect("read"), None);
}

#[test]
fn half_a_line_of_a_crash_spoils_neither_what_was_before_nor_what_comes() {
    let root = tempfile::tempdir().expect("a folder");
    drop(record(
        root.path(),
        vec![order(Phase::Apply), accepted(), started(dead())],
    ));
    let path = run_folder(root.path(), RunId::new(1, 1)).join("record.jsonl");
    let mut file = File::options().append(true).open(&path).expect("there");
    file.write_all(b"{\"line\":\"event\",\"at\":\"20")
        .expect("written");
    drop(file);
    drop(record(root.path(), vec![applied()]));
    let record = Record::open(root.path(), RunId::new(1, 1)).expect("opened");
    assert_eq!(record.completed().count(), 1);
}

#[test]
fn a_line_that_could_not_be_written_is_not_remembered_either() {
    let root = tempfile::tempdir().expect("a folder");
    let mut record = record(root.path(), vec![order(Phase::Apply), accepted()]);
    let path = record.folder().join("record.jsonl");
    record.file = File::open(path).expect("there, for reading only");
    record.append(applied()).expect_err("not written");
    assert_eq!(record.unsettled(), Some(&plan()));
}
