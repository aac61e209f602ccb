//! Our own program at work for us: as another user, or for whoever has connected.

use std::os::fd::OwnedFd;
use std::process::Stdio;

use tokio::net::UnixStream;
use tokio::process::Child;

use super::{Command, CommandError, code};
use crate::os::process;
use crate::os::users::User;

/// A process of our own program. Dropping it does not end it, unless it assists.
#[derive(Debug)]
pub struct Deputy {
    child: Child,
}

impl Command {
    /// Starts our own program as another user, in no group but his own. It says
    /// what it says where we say it. A Ctrl-C is for us, who pass it on.
    pub fn depute(
        &self,
        user: User,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Deputy, CommandError> {
        self.depute_reading(user, environment, Stdio::null())
    }

    /// As [`Self::depute`], with something of ours as its standard input.
    pub fn depute_with(
        &self,
        user: User,
        environment: Vec<(&'static str, String)>,
        input: OwnedFd,
    ) -> Result<Deputy, CommandError> {
        self.depute_reading(user, environment, input.into())
    }

    fn depute_reading(
        &self,
        user: User,
        environment: Vec<(&'static str, String)>,
        input: Stdio,
    ) -> Result<Deputy, CommandError> {
        // With a user to become, root's further groups are left behind as well.
        self.prepare()?
            .stdin(input)
            .uid(user.uid)
            .gid(user.gid)
            .envs(environment)
            .process_group(0)
            .spawn()
            .map(|child| Deputy { child })
            .map_err(|cause| self.start_error(cause))
    }

    /// Starts our own program with a connection as its standard input and output.
    /// It goes on when we die.
    pub fn attend(&self, connection: OwnedFd) -> Result<Deputy, CommandError> {
        let again = connection.try_clone().map_err(|cause| self.lost(cause))?;
        self.prepare()?
            .stdin(Stdio::from(connection))
            .stdout(Stdio::from(again))
            .spawn()
            .map(|child| Deputy { child })
            .map_err(|cause| self.start_error(cause))
    }

    /// Starts our own program as another user, if there is one to be, with a
    /// connection to us as its standard input and output. It ends when nobody
    /// holds it any more.
    pub fn assist(&self, user: Option<User>) -> Result<(UnixStream, Deputy), CommandError> {
        let pair = || {
            let (ours, theirs) = UnixStream::pair()?;
            let theirs = theirs.into_std()?;
            theirs.set_nonblocking(false)?;
            Ok((ours, OwnedFd::from(theirs)))
        };
        let (ours, theirs) = pair().map_err(|cause| self.start_error(cause))?;
        let again = theirs.try_clone().map_err(|cause| self.lost(cause))?;
        let mut command = self.prepare()?;
        command
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::from(again))
            .process_group(0)
            .kill_on_drop(true);
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        let child = command.spawn().map_err(|cause| self.start_error(cause))?;
        Ok((ours, Deputy { child }))
    }
}

impl Deputy {
    /// Asks it to stop; what that means is its own affair.
    pub fn ask_to_stop(&self) {
        if let Some(pid) = self.child.id() {
            process::ask_to_stop(pid);
        }
    }

    /// Waits for its end. Returns its exit status.
    pub async fn wait(&mut self) -> std::io::Result<i32> {
        self.child.wait().await.map(code)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use tokio::io::AsyncBufReadExt;

    use super::*;
    use crate::os::process::Process;
    use crate::os::users;

    const NOBODY: User = User {
        uid: 65534,
        gid: 65534,
    };

    fn shell(script: &str) -> Command {
        Command::new("/bin/sh").args(["-c", script])
    }

    #[tokio::test]
    async fn a_deputy_has_the_user_and_no_group_but_his_own() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let same = r#"test "$(id -u) $(id -G) $MARK $HOME" = "65534 65534 one /root""#;
        let environment = vec![("MARK", "one".to_owned())];
        let mut deputy = shell(same).depute(NOBODY, environment).expect("started");
        assert_eq!(deputy.wait().await.expect("ended"), 0);
    }

    #[tokio::test]
    async fn a_deputy_that_is_asked_to_stop_hears_it() {
        let mut deputy = shell("cat").attend(pair().0).expect("started");
        deputy.ask_to_stop();
        assert_eq!(deputy.wait().await.expect("ended"), 128 + 15);
        deputy.ask_to_stop();
    }

    #[tokio::test]
    async fn whoever_has_connected_is_answered() {
        let (ours, mut theirs) = pair();
        let mut deputy = shell("read word; echo $word twice")
            .attend(ours)
            .expect("started");
        theirs.write_all(b"once\n").expect("said");
        let mut answer = String::new();
        theirs.read_to_string(&mut answer).expect("heard");
        assert_eq!(answer, "once twice\n");
        assert_eq!(deputy.wait().await.expect("ended"), 0);
    }

    #[tokio::test]
    async fn an_assistant_has_few_rights_and_ends_with_us() {
        let user = users::unprivileged();
        assert_eq!(user.is_some(), rustix::process::geteuid().is_root());
        let (stream, child) = shell("id -u; exec sleep 60").assist(user).expect("started");
        let mut line = String::new();
        tokio::io::BufReader::new(stream)
            .read_line(&mut line)
            .await
            .expect("heard");
        assert_ne!(line, "0\n");
        let process = Process::of(child.child.id().expect("running")).expect("there");
        drop(child);
        process.ended().await.expect("ended");
    }

    fn pair() -> (OwnedFd, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        (ours.into(), theirs)
    }
}
