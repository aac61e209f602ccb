//! The engine where there is no daemon. The ledger has one user alone: root's
//! command starts itself again as that user, and stands where systemd would. It
//! makes his folders, listens for his orders, and starts a worker for each.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::context::{Trouble, is_root};
use crate::daemon::Paths;
use crate::model::ExitCode;
use crate::os::command::{Command, Deputy};
use crate::os::jail::Image;
use crate::os::users::{self, User};
use crate::os::{environment, files, signals};

/// Whose the ledger is.
const USER: &str = "patchd";

/// Where his package cache lies.
const CACHE: &str = "/var/cache/patchd";

/// One socket for each of root's commands, named after its process.
const SOCKETS: &str = "/run/patchd-orders";

/// One worker works, and says so to the others; what comes beyond this is
/// closed without a word.
const WORKERS: usize = 4;

/// The user that is to do root's work with the ledger; `None` when that is
/// whoever asks, or where nobody but root is there to do it.
pub(super) fn user() -> Option<User> {
    users::find(USER).filter(|_| is_root() && !Image::is_around_us())
}

/// Whether the ledger is ours to open.
pub(super) fn is_ledgers_owner() -> bool {
    if Image::is_around_us() {
        return is_root();
    }
    let owner = users::find(USER).map_or(0, |user| user.uid);
    rustix::process::geteuid().as_raw() == owner
}

/// Has this very command done by `user`, who gives orders for it to us.
pub(super) async fn call(user: User, paths: &Paths) -> Result<ExitCode, Trouble> {
    prepare(user, paths)?;
    let orders = Orders::listen(user).map_err(|cause| unusable(Path::new(SOCKETS), &cause))?;
    let mut engine = Command::ourselves()
        .arg("--orders")
        .arg(orders.path.to_string_lossy())
        .args(environment::arguments())
        .depute(user, environment::of_engine(who()))
        .map_err(|cause| Trouble::failed(&cause))?;
    let ended = attend(&mut engine, &orders).await;
    let status = ended.map_err(|cause| Trouble::failed(&cause))?;
    let code = u8::try_from(status).ok();
    code.and_then(|code| ExitCode::try_from(code).ok()).ok_or_else(|| {
        Trouble::failed(&format!(
            "patchd was ended from outside (status {status}); `patchd run` goes on with what it had begun"
        ))
    })
}

/// Has another command done by `user`, with a file of ours as its standard input.
pub(super) async fn lend(
    user: User,
    paths: &Paths,
    file: File,
    words: &[&str],
) -> Result<ExitCode, Trouble> {
    prepare(user, paths)?;
    let mut deputy = Command::ourselves()
        .args(words.iter().copied())
        .depute_with(user, environment::of_engine(who()), file.into())
        .map_err(|cause| Trouble::failed(&cause))?;
    let status = deputy
        .wait()
        .await
        .map_err(|cause| Trouble::failed(&cause))?;
    let code = u8::try_from(status).ok();
    code.and_then(|code| ExitCode::try_from(code).ok())
        .ok_or_else(|| {
            Trouble::failed(&format!(
                "patchd was ended from outside (status {status}); the feeds from before are in use"
            ))
        })
}

/// What root's command has written in an image is for the daemon that will run
/// there: its user, if there is one yet, gets his folders.
pub(super) fn hand_back(paths: &Paths) -> Result<(), Trouble> {
    let user = users::find(USER).filter(|_| Image::is_around_us());
    let (Some(user), true) = (user, paths.state.is_dir()) else {
        return Ok(());
    };
    prepare(user, paths)?;
    files::hand_over(&paths.state, user).map_err(|cause| unusable(&paths.state, &cause))
}

/// Who asked: the user behind sudo, else the user.
pub(super) fn who() -> String {
    let behind = Image::around_us().map(|image| image.asked_by);
    let behind = behind.or_else(environment::sudo_user);
    behind.unwrap_or_else(|| match rustix::process::getuid() {
        uid if uid.is_root() => "root".to_owned(),
        uid => format!("uid {}", uid.as_raw()),
    })
}

/// The folders that systemd makes for the daemon and its worker.
fn prepare(user: User, paths: &Paths) -> Result<(), Trouble> {
    let workers = User {
        uid: 0,
        gid: user.gid,
    };
    let folders = [
        (user, paths.state.as_path(), 0o711),
        (user, Path::new(CACHE), 0o700),
        (workers, paths.worker.as_path(), 0o2750),
    ];
    for (owner, folder, mode) in folders {
        let made = files::make_folder_for(owner, folder, mode);
        made.map_err(|cause| unusable(folder, &cause))?;
    }
    Ok(())
}

/// Starts a worker for each order until the engine has ended. A worker stays
/// when either of us is killed, as it does when a daemon is.
async fn attend(engine: &mut Deputy, orders: &Orders) -> io::Result<i32> {
    let mut stop = signals::stop_requests()?;
    let mut workers = JoinSet::new();
    loop {
        tokio::select! {
            status = engine.wait() => return status,
            _byte = stop.read_u8() => engine.ask_to_stop(),
            _ended = workers.join_next(), if !workers.is_empty() => {}
            connection = orders.next() => {
                // Whoever finds nobody at the other end gives his order again.
                if let Some(connection) = connection?
                    && workers.len() < WORKERS
                    && let Ok(mut worker) = Command::ourselves().arg("worker").attend(connection)
                {
                    workers.spawn(async move { worker.wait().await });
                }
            }
        }
    }
}

/// Where the engine gives its orders.
struct Orders {
    listener: UnixListener,
    path: PathBuf,
    user: User,
}

impl Orders {
    /// For this user alone.
    fn listen(user: User) -> io::Result<Self> {
        let folder = Path::new(SOCKETS);
        DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o711))?;
        let path = folder.join(std::process::id().to_string());
        // Of a command that had our number, and was killed.
        let _none = fs::remove_file(&path);
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        chown(&path, Some(user.uid), Some(user.gid))?;
        Ok(Self {
            listener,
            path,
            user,
        })
    }

    /// The next connection; `None` for a stranger's.
    async fn next(&self) -> io::Result<Option<OwnedFd>> {
        let (connection, _) = self.listener.accept().await?;
        let is_his = connection.peer_cred()?.uid() == self.user.uid;
        is_his.then(|| blocking(connection)).transpose()
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        let _gone = fs::remove_file(&self.path);
    }
}

/// As a worker expects it.
fn blocking(connection: UnixStream) -> io::Result<OwnedFd> {
    let connection = connection.into_std()?;
    connection.set_nonblocking(false)?;
    Ok(connection.into())
}

fn unusable(path: &Path, cause: &io::Error) -> Trouble {
    Trouble::failed(&format!(
        "cannot use {} for user {USER}: {cause}; check its owner and mode",
        path.display()
    ))
}
