//! A process of our own program that does one thing for whoever connects, with
//! fewer rights than he has: systemd starts one for each connection, and where
//! it cannot be asked to, we do.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use tokio::net::UnixStream;

use super::command::{Command, CommandError, Deputy};
use super::users;

/// Why nobody attends.
#[derive(Debug, thiserror::Error)]
pub enum Unattended {
    /// Nobody answers at the socket.
    #[error("nobody answers at {}: {cause}; see `systemctl status {}.socket`", path.display(), path.file_stem().unwrap_or_default().display())]
    Nobody {
        /// Where somebody should be.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// The child cannot be started.
    #[error(transparent)]
    Child(#[from] CommandError),
}

/// Who attends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attendant {
    /// Whoever listens there.
    Socket(PathBuf),
    /// Our own program, called with this word.
    Child(&'static str),
}

/// His attention; a child ends with it.
#[derive(Debug)]
pub struct Attention {
    /// What is said to him, and what he says.
    pub stream: UnixStream,
    /// Kept while he is to go on.
    pub child: Option<Deputy>,
}

impl Attendant {
    /// The unit, if it is there and ours to ask; else a child.
    #[must_use]
    pub fn of_this_machine(socket: &str, word: &'static str) -> Self {
        match access(Path::new(socket), Access::WRITE_OK) {
            Ok(()) => Self::Socket(socket.into()),
            Err(_) => Self::Child(word),
        }
    }

    /// Asks for one.
    pub async fn attend(&self) -> Result<Attention, Unattended> {
        match self {
            Self::Socket(path) => match UnixStream::connect(path).await {
                Ok(stream) => Ok(Attention {
                    stream,
                    child: None,
                }),
                Err(cause) => Err(Unattended::Nobody {
                    path: path.clone(),
                    cause,
                }),
            },
            Self::Child(word) => {
                let program = Command::ourselves().arg(*word);
                let (stream, child) = program.assist(users::unprivileged())?;
                Ok(Attention {
                    stream,
                    child: Some(child),
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn where_nobody_listens_the_unit_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("patchd-net.sock");
        let error = Attendant::Socket(socket)
            .attend()
            .await
            .expect_err("nobody");
        let sentence = error.to_string();
        assert!(sentence.contains("status patchd-net.socket`"), "{sentence}");
        let here = Attendant::of_this_machine("/nowhere/patchd-net.sock", "net");
        assert_eq!(here, Attendant::Child("net"));
    }
}
