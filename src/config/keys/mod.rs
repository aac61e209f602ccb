//! Every key there is, once: the reader, the merging, `config show` and the
//! published schema all walk this table, so that they cannot drift apart.

mod conduct;
mod feeds;
mod notify;
mod policy;
mod root;
mod verify;

use super::fault::Fault;
use super::node::Node;

pub(super) use root::ROOT;

/// What may stand in one kind of table.
pub(super) struct Shape {
    /// Its path with `NAME` for names that the operator chooses; "" for the top.
    pub path: &'static str,
    /// For the schema.
    pub about: &'static str,
    /// What may stand in it.
    pub keys: &'static [Key],
    /// Exactly one of these must stand in it.
    pub one_of: &'static [&'static str],
    /// What no single key can be blamed for.
    pub check: fn(&Node, &mut Vec<Fault>),
}

/// One key.
pub(super) struct Key {
    pub name: &'static str,
    /// For the schema.
    pub about: &'static str,
    pub kind: Kind,
    /// Its table is faulty without it.
    pub required: bool,
}

/// What a key holds.
pub(super) enum Kind {
    /// A table, merged by key.
    Table(&'static Shape),
    /// Tables under names that the operator chooses, merged by name.
    Named(&'static Shape),
    /// `[[…]]`.
    Tables(&'static Shape, Merge),
    /// A length of time within bounds, seconds.
    Duration { from: u64, to: u64 },
    /// A whole number within bounds.
    Count { from: u32, to: u32 },
    /// True or false.
    Flag,
    /// A share of one, four digits of it.
    Share,
    /// Text for people, one line.
    Text,
    /// One of these.
    Word(&'static [&'static str]),
    /// Some of these, each once.
    Words(&'static [&'static str]),
    /// One pattern or several; none at all only where that says something.
    Patterns { none: bool },
    /// `http://` or `https://`.
    Url,
    /// An address that is posted to: `https://`, or `http://` to this machine.
    Webhook,
    /// `host:port`.
    Address,
    /// An address of mail.
    Mailbox,
    /// An absolute program and its arguments.
    Argv,
    /// Absolute programs.
    Programs,
    /// The absolute path of a file.
    File,
    /// A systemd unit with its suffix.
    Unit,
    /// A cron expression.
    Cron,
    /// An IANA time zone that the machine knows.
    Zone,
    /// The name of a table that the operator chose.
    Name,
    /// A day of the calendar.
    Day,
    /// The id of a vulnerability.
    Cve,
}

/// What a later file's `[[…]]` does to an earlier one's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    /// Takes its place.
    Replace,
    /// Goes before it.
    Before,
    /// Goes behind it.
    After,
}

impl Shape {
    /// The key of that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

const fn optional(name: &'static str, about: &'static str, kind: Kind) -> Key {
    Key {
        name,
        about,
        kind,
        required: false,
    }
}

const fn required(name: &'static str, about: &'static str, kind: Kind) -> Key {
    Key {
        name,
        about,
        kind,
        required: true,
    }
}
