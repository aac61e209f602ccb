//! Tables and their migrations. A migration is never edited once released; the
//! file is copied beside itself before one runs.

/// Step N brings a database from version N to N + 1.
pub(super) const MIGRATIONS: [&str; 3] = [FIRST, SCHEDULES, NOTIFICATIONS];

const FIRST: &str = "
CREATE TABLE run (
    id          TEXT PRIMARY KEY,       -- ULID
    opened_at   TEXT NOT NULL,          -- RFC 3339
    closed_at   TEXT,
    origin      TEXT NOT NULL,          -- 'now'
    asked_by    TEXT NOT NULL,          -- user name or uid
    policy      TEXT NOT NULL,
    asked       TEXT NOT NULL,          -- package names, blanks between
    machine_id  TEXT,
    boot_id     TEXT NOT NULL,
    state       TEXT NOT NULL,          -- cycle::State as JSON, the latest
    outcome     TEXT,
    summary     TEXT
) STRICT;

CREATE TABLE transition (
    run         TEXT NOT NULL REFERENCES run(id),
    sequence    INTEGER NOT NULL,
    at          TEXT NOT NULL,
    event       TEXT NOT NULL,
    stage       TEXT NOT NULL,          -- the stage that began
    PRIMARY KEY (run, sequence)
) STRICT;

CREATE TABLE decision (
    run         TEXT NOT NULL REFERENCES run(id),
    package     TEXT NOT NULL,
    architecture TEXT NOT NULL,
    body        TEXT NOT NULL,          -- model::Decided as JSON
    PRIMARY KEY (run, package, architecture)
) STRICT;

CREATE TABLE seen (
    package     TEXT NOT NULL,
    architecture TEXT NOT NULL,
    version     TEXT NOT NULL,
    security    INTEGER NOT NULL,
    at          TEXT NOT NULL,
    PRIMARY KEY (package, architecture, version)
) STRICT;

CREATE TABLE reboot (
    reason      TEXT PRIMARY KEY,
    since       TEXT NOT NULL
) STRICT;
";

const SCHEDULES: &str = "
ALTER TABLE run ADD COLUMN closes_at TEXT;  -- the end of its window

CREATE TABLE schedule (
    name        TEXT PRIMARY KEY,
    rule        TEXT NOT NULL,          -- expression and zone
    machine_id  TEXT,
    handled     TEXT NOT NULL           -- when the window opened that was handled last
) STRICT;

CREATE TABLE skip (
    sequence    INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    schedule    TEXT NOT NULL,
    reason      TEXT NOT NULL,          -- model::SkipReason
    sentence    TEXT NOT NULL
) STRICT;

CREATE TABLE skip_count (               -- of all time; old skips are dropped
    reason      TEXT PRIMARY KEY,
    count       INTEGER NOT NULL
) STRICT;

CREATE TABLE pause (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    since       TEXT NOT NULL,
    by          TEXT NOT NULL,
    reason      TEXT
) STRICT;
";

const NOTIFICATIONS: &str = "
CREATE TABLE notification (
    sequence    INTEGER PRIMARY KEY,
    receiver    TEXT NOT NULL,          -- NAME of [notify.NAME]
    kind        TEXT NOT NULL,          -- model::NotificationKind
    subject     TEXT NOT NULL,
    body        TEXT NOT NULL,          -- model::Notification as JSON
    waits       INTEGER NOT NULL,       -- 0: told, or given up
    attempts    INTEGER NOT NULL,
    tried       TEXT NOT NULL,          -- the last attempt, else when it was queued
    wanted      TEXT NOT NULL,          -- when somebody wanted it told last
    UNIQUE (receiver, kind, subject)
) STRICT;
";
