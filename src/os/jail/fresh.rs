//! What is fresh in every view: `/dev`, `/run`, `/proc`, `/sys`, and the
//! loopback. Nothing here leads to the machine's own.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, makedev, mknodat};
use rustix::mount::{MountFlags, mount, mount_bind, mount_remount};
use rustix::net::{AddressFamily, SendFlags, SocketType};

use super::error::{JailError, Trying};
use super::layer::tmpfs;
use super::wish::{FOLDER, Network, View, Wish, below_folder};
use crate::os::process::OURSELVES;

/// Device nodes that every program may have: name, major, minor.
const DEVICES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

/// Links in `/dev`, as everywhere.
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Folders of `/run` that scripts expect; `systemd/system` says that systemd runs.
const RUN: [(&str, u32); 6] = [
    ("lock", 0o1777),
    ("systemd", 0o755),
    ("systemd/system", 0o755),
    ("user", 0o755),
    ("sshd", 0o755),
    ("rehearsal", 0o755),
];

/// Files of `/proc` that tell of the whole machine or act on it.
const MASKED: [&str; 15] = [
    "kcore",
    "kmsg",
    "kallsyms",
    "keys",
    "key-users",
    "timer_list",
    "sched_debug",
    "sysrq-trigger",
    "kpagecount",
    "kpageflags",
    "kpagecgroup",
    "vmallocinfo",
    "slabinfo",
    "config.gz",
    "vmcore",
];

/// Below [`FOLDER`]: the name servers of the machine, for whoever has its network.
pub(super) const RESOLVER: &str = "resolv.conf";

/// Room for everything in `/run`: our own program too.
const RUN_OPTIONS: &str = "size=512m,nr_inodes=64k,mode=755";

/// Lays all of it over the view, and the caller's files in it.
pub(super) fn furnish(wish: &Wish, view: &Path) -> Result<(), JailError> {
    for folder in ["dev", "run", "proc", "sys", "tmp"] {
        // It is there on every system that is whole.
        let _there = DirBuilder::new().mode(0o755).create(view.join(folder));
        no_link(&view.join(folder))?;
    }
    dev(&view.join("dev"))?;
    run(&view.join("run"), wish)?;
    lay(wish, &view.join("run/rehearsal"))?;
    sys(&view.join("sys"))?;
    if wish.jail.network == Network::None {
        raise_loopback().trying("raise the loopback")?;
    }
    if let View::Folder(_) = wish.jail.view {
        tmpfs(&view.join("tmp"), "size=50%,mode=1777")?;
    }
    if wish.lays(RESOLVER) {
        resolver(view, &view.join("run/rehearsal").join(RESOLVER))?;
    }
    proc(
        &view.join("proc"),
        &view.join("dev/null"),
        wish.jail.network,
    )
}

fn dev(at: &Path) -> Result<(), JailError> {
    let step = "make /dev";
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount(
        "tmpfs",
        at,
        "tmpfs",
        flags,
        c"size=64k,nr_inodes=128,mode=755",
    )
    .trying(step)?;
    let folder = rustix::fs::open(at, OFlags::PATH, Mode::empty()).trying(step)?;
    for (name, major, minor) in DEVICES {
        let (kind, mode) = (FileType::CharacterDevice, Mode::from_raw_mode(0o666));
        mknodat(&folder, name, kind, mode, makedev(major, minor)).trying(step)?;
        set_mode(&at.join(name), 0o666)?;
    }
    for (name, target) in LINKS {
        symlink(target, at.join(name)).trying(step)?;
    }
    for (name, mode) in [("pts", 0o755), ("shm", 0o1777)] {
        make(&at.join(name), mode)?;
    }
    let options = c"newinstance,ptmxmode=0666,mode=0620,gid=5";
    mount("devpts", at.join("pts"), "devpts", flags, options).trying(step)?;
    tmpfs(&at.join("shm"), "size=64m,nr_inodes=4k,mode=1777")
}

/// What is mounted over a link lies elsewhere, and whoever looks for it by this
/// name would find what the owner of the folder has put there.
fn no_link(at: &Path) -> Result<(), JailError> {
    let kind = std::fs::symlink_metadata(at).map(|found| found.is_dir());
    let name = at.file_name().unwrap_or_default().to_string_lossy();
    if kind.trying(format!("look at /{name}"))? {
        return Ok(());
    }
    Err("it is a link, or no folder").trying(format!("mount /{name}"))
}

fn run(at: &Path, wish: &Wish) -> Result<(), JailError> {
    tmpfs(at, RUN_OPTIONS)?;
    for (name, mode) in RUN {
        // Nothing runs in a folder, and scripts are to know it.
        if name.starts_with("systemd") && matches!(wish.jail.view, View::Folder(_)) {
            continue;
        }
        make(&at.join(name), mode)?;
    }
    Ok(())
}

/// The caller's files, and our own program if it is what runs.
fn lay(wish: &Wish, at: &Path) -> Result<(), JailError> {
    for (path, content) in &wish.jail.files {
        let step = format!("lay {}", path.display());
        let inside = below_folder(path).ok_or(format!("it is not below {FOLDER}"));
        let inside = at.join(inside.trying(&step)?);
        let parent = inside.parent().unwrap_or(at);
        DirBuilder::new()
            .mode(0o755)
            .recursive(true)
            .create(parent)
            .trying(&step)?;
        let file = File::options()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(inside);
        file.and_then(|mut file| file.write_all(content))
            .trying(&step)?;
    }
    if wish.wants_program() {
        let step = "bring our own program";
        let to = at.join("patchd");
        std::fs::copy(OURSELVES, &to).trying(step)?;
        set_mode(&to, 0o755)?;
    }
    Ok(())
}

/// Whoever has the machine's network asks the machine's name servers: their list
/// was laid, and covers the folder's own, or lies where that is a link to.
fn resolver(view: &Path, laid: &Path) -> Result<(), JailError> {
    let step = "show /etc/resolv.conf";
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let root = rustix::fs::open(view, flags, Mode::empty()).trying(step)?;
    let open = |name: &str, more: OFlags| {
        rustix::fs::openat2(
            &root,
            name,
            flags | more,
            Mode::empty(),
            ResolveFlags::IN_ROOT,
        )
    };
    if let Ok(own) = open("etc/resolv.conf", OFlags::empty()) {
        return mount_bind(laid, format!("/proc/self/fd/{}", own.as_raw_fd())).trying(step);
    }
    let Ok(link) = open("etc/resolv.conf", OFlags::NOFOLLOW)
        .and_then(|link| rustix::fs::readlinkat(link, "", Vec::new()))
    else {
        // There is none; an image without it finds nobody by name.
        return Ok(());
    };
    let link = Path::new(OsStr::from_bytes(link.to_bytes()));
    let target = ["/run", "../run"]
        .iter()
        .find_map(|run| link.strip_prefix(run).ok());
    let is_name = |part| matches!(part, Component::Normal(_));
    let Some(target) = target.filter(|target| target.components().all(is_name)) else {
        return Ok(());
    };
    let target = view.join("run").join(target);
    let folder = target.parent().unwrap_or(view);
    DirBuilder::new()
        .mode(0o755)
        .recursive(true)
        .create(folder)
        .trying(step)?;
    std::fs::copy(laid, target).trying(step).map(|_| ())
}

/// Read-only for everybody inside; what is usually mounted in it is not there.
fn sys(at: &Path) -> Result<(), JailError> {
    let step = "mount /sys";
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // With the machine's own network it is the machine's file system, which is
    // writable: then only this mount of it is not.
    let whole = mount("sysfs", at, "sysfs", flags | MountFlags::RDONLY, None);
    if whole.is_err() {
        match mount("sysfs", at, "sysfs", flags, None) {
            // Whoever starts others in an image with its network has it there already.
            Err(rustix::io::Errno::BUSY) => {}
            mounted => mounted.trying(step)?,
        }
    }
    mount_remount(at, MountFlags::BIND | MountFlags::RDONLY | flags, "").trying(step)
}

/// Processes of the jail alone; all that is the kernel's is read-only.
fn proc(at: &Path, null: &Path, network: Network) -> Result<(), JailError> {
    let step = "mount /proc";
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", at, "proc", flags, None).trying(step)?;
    if network == Network::None {
        // Configuration tests bind ports that are root's; there it is nobody's root.
        let ports = at.join("sys/net/ipv4/ip_unprivileged_port_start");
        let file = File::options().write(true).open(ports);
        // Older kernels and those without IPv4 have none.
        let _absent = file.and_then(|mut file| file.write_all(b"0"));
    }
    for entry in std::fs::read_dir(at).trying(step)? {
        let entry = entry.trying(step)?;
        let name = entry.file_name();
        let kind = entry.file_type().trying(step)?;
        let is_process = name.as_encoded_bytes().iter().all(u8::is_ascii_digit);
        if is_process || kind.is_symlink() {
            continue;
        }
        let path = entry.path();
        let masked = MASKED.iter().any(|masked| name == *masked);
        let source = if masked { null } else { &path };
        mount_bind(source, &path).trying(step)?;
        if !masked {
            let flags = flags | MountFlags::BIND | MountFlags::RDONLY;
            mount_remount(&path, flags, "").trying(step)?;
        }
    }
    Ok(())
}

/// `RTM_NEWLINK` for the first interface of the namespace: up.
fn raise_loopback() -> std::io::Result<()> {
    const LENGTH: u32 = 32;
    const NEW_LINK: u16 = 16;
    const REQUEST_AND_ANSWER: u16 = 1 | 4;
    const UP: u32 = 1;
    let mut message = Vec::new();
    message.extend_from_slice(&LENGTH.to_ne_bytes());
    message.extend_from_slice(&NEW_LINK.to_ne_bytes());
    message.extend_from_slice(&REQUEST_AND_ANSWER.to_ne_bytes());
    // Sequence and sender, which is the kernel's business; any family, any type.
    message.extend_from_slice(&[0; 12]);
    // Index 1, then which flags are set, and which are meant.
    message.extend_from_slice(&1_u32.to_ne_bytes());
    message.extend_from_slice(&UP.to_ne_bytes());
    message.extend_from_slice(&UP.to_ne_bytes());
    // No protocol is the first one: routes.
    let socket = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    rustix::net::send(&socket, &message, SendFlags::empty())?;
    let mut answer = [0; 64];
    let length = File::from(socket).read(&mut answer)?;
    // The error code stands behind the header; it is negative.
    let code = answer.get(16..20).filter(|_| length >= 20);
    let code = code
        .and_then(|bytes| bytes.try_into().ok())
        .map(i32::from_ne_bytes);
    match code {
        Some(0) => Ok(()),
        Some(code) => Err(std::io::Error::from_raw_os_error(-code)),
        None => Err(std::io::ErrorKind::InvalidData.into()),
    }
}

fn make(folder: &Path, mode: u32) -> Result<(), JailError> {
    let done = DirBuilder::new().create(folder);
    done.trying(format!("make {}", folder.display()))?;
    set_mode(folder, mode)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), JailError> {
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(path, mode).trying(format!("set the mode of {}", path.display()))
}
