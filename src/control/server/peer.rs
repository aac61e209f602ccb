//! Who is at the other end, as the kernel says.

use std::fmt;

use tokio::net::UnixStream;

use crate::os::users;

/// The process that connected, at that moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Its id; not known of a process in another PID namespace.
    pub pid: Option<i32>,
}

impl Peer {
    pub(super) fn of(stream: &UnixStream) -> std::io::Result<Self> {
        let credentials = stream.peer_cred()?;
        Ok(Self {
            uid: credentials.uid(),
            gid: credentials.gid(),
            pid: credentials.pid().filter(|pid| *pid > 0),
        })
    }

    /// The user's name, else `uid N`.
    #[must_use]
    pub fn user(&self) -> String {
        users::name(self.uid).unwrap_or_else(|| format!("uid {}", self.uid))
    }
}

/// For the audit line: `alice (uid 1000, pid 4242)`.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, pid, .. } = self;
        let name = users::name(*uid).unwrap_or_else(|| "somebody".to_owned());
        match pid {
            Some(pid) => write!(f, "{name} (uid {uid}, pid {pid})"),
            None => write!(f, "{name} (uid {uid})"),
        }
    }
}
