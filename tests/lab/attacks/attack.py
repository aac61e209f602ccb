#!/usr/bin/env python3
"""The attacks on the jail, written anew from the table of those that a naive layer lets through.

attack.py run [--contained]   inside: tries all (or those whose success would stay inside a lab machine)
attack.py canaries            outside: listens where nobody from inside may come, until it is killed
attack.py state               outside: what the machine is like, to be compared before and after

Each attack is a function; an OSError says that it was blocked and how, a string says why what happened is harmless, and a
plain return that it REACHED the machine. What was really reached, `state` tells.
"""
import ctypes
import errno
import fcntl
import glob
import hashlib
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
ATTACKS = {}
AT_FDCWD = -100
MARK = "hostile"
NR = {  # x86_64
    "mount": 165, "umount2": 166, "finit_module": 313, "init_module": 175, "open_by_handle_at": 304,
    "name_to_handle_at": 303, "clock_settime": 227, "adjtimex": 159, "unshare": 272, "clone": 56, "setns": 308,
    "ptrace": 101, "keyctl": 250, "add_key": 248, "bpf": 321, "perf_event_open": 298, "io_uring_setup": 425,
    "fanotify_init": 300, "sethostname": 170, "sched_setscheduler": 144, "syslog": 103, "kexec_load": 246,
    "swapoff": 168, "iopl": 172, "acct": 163, "reboot": 169, "pivot_root": 155,
}
NEWUSER, NEWNS = 0x10000000, 0x00020000


def attack(number, title, contained=False):
    def register(function):
        ATTACKS[number] = (title, contained, function)
        return function
    return register


def call(name, *words):
    """A system call as it is; OSError when the kernel refuses."""
    words = [ctypes.c_char_p(w) if isinstance(w, bytes) else w if not isinstance(w, int) else ctypes.c_long(w) for w in words]
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(NR[name]), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def put(path, text):
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def shell(command):
    """A program; blocked when it fails or is not there."""
    done = subprocess.run(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    if done.returncode:
        raise OSError(errno.EPERM, (done.stderr or done.stdout).decode(errors="replace").strip().split("\n")[-1][:80])


def mounted(source, kind, flags=0, then=lambda at: None):
    """Mounts something, does something with it, unmounts it."""
    at = "/tmp/attack-mount"
    os.makedirs(at, exist_ok=True)
    call("mount", source.encode(), at.encode(), kind.encode(), flags, b"")
    try:
        then(at)
    finally:
        call("umount2", at.encode(), 2)


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(3)
        sock.connect(address)
        sock.send(MARK.encode())


def node(path, kind, major, minor):
    if os.path.lexists(path):
        os.unlink(path)
    os.mknod(path, kind | 0o600, os.makedev(major, minor))
    return path


def device(path, major, minor, kind=stat.S_IFBLK):
    """Opened where it is, or made: read-write."""
    try:
        return os.open(path, os.O_RDWR)
    except OSError:
        return os.open(node("/tmp/attack-node", kind, major, minor), os.O_RDWR)


# --- processes and services


@attack(1, "kill processes of the machine", True)
def _():
    alone = set(os.listdir("/proc"))
    hit = 0
    for pid in list(range(2, 4000)):
        if str(pid) in alone:
            continue
        try:
            os.kill(pid, 0)
            hit += 1
        except OSError as cause:
            last = cause
    if not hit:
        raise last


@attack(2, "stop a service", True)
def _():
    shell("systemctl --no-ask-password stop cron")


@attack(3, "reload the service manager", True)
def _():
    shell("systemctl daemon-reload")


@attack(4, "mask a service that runs", True)
def _():
    shell("systemctl mask --runtime --now cron")


@attack(5, "run a unit outside", True)
def _():
    shell("systemd-run --wait touch /etc/hostile-unit")


@attack(6, "call a service on the bus", True)
def _():
    shell("busctl call org.freedesktop.hostname1 /org/freedesktop/hostname1 org.freedesktop.hostname1 SetIconName sb hostile false")


@attack(7, "connect to systemd itself", True)
def _():
    connect(socket.AF_UNIX, "/run/systemd/private")


@attack(8, "connect to the bus", True)
def _():
    connect(socket.AF_UNIX, "/run/dbus/system_bus_socket")


# --- settings of the kernel

for number, path, value in [
    (9, "/proc/sys/kernel/panic", "77"),
    (10, "/proc/sys/kernel/core_pattern", "|/bin/touch /etc/hostile-core"),
    (11, "/proc/sys/vm/swappiness", "77"),
    (13, "/proc/irq/default_smp_affinity", "1"),
    (15, "/sys/module/printk/parameters/time", "N"),
]:
    attack(number, f"write {path}")(lambda path=path, value=value: put(path, value))


@attack(12, "press a magic key")
def _():
    put("/proc/sysrq-trigger", "h")
    if os.stat("/proc/sysrq-trigger").st_rdev == os.makedev(1, 3):
        return "harmless: it is /dev/null"


@attack(14, "set queues and memory below /sys")
def _():
    paths = glob.glob("/sys/block/*/queue/read_ahead_kb") + ["/sys/kernel/mm/transparent_hugepage/enabled"]
    for path in paths:
        put(path, "7" if "queue" in path else "never")


@attack(16, "tell udev that a device came")
def _():
    for path in glob.glob("/sys/class/*/*/uevent")[:20]:
        put(path, "add")


@attack(17, "mount another /sys and write")
def _():
    mounted("sysfs", "sysfs", 0, lambda at: put(f"{at}/kernel/mm/transparent_hugepage/enabled", "never"))


@attack(18, "mount another /proc and write")
def _():
    mounted("proc", "proc", 0, lambda at: put(f"{at}/sys/kernel/panic", "78"))


@attack(19, "make this /sys writable")
def _():
    call("mount", b"none", b"/sys", b"none", 0x1000 | 0x20, b"")
    put("/sys/kernel/mm/transparent_hugepage/enabled", "never")


@attack(20, "make the file system of /sys writable")
def _():
    call("mount", b"none", b"/sys", b"none", 0x20, b"")
    put("/sys/kernel/mm/transparent_hugepage/enabled", "never")


@attack(21, "unmount what covers", True)
def _():
    call("umount2", b"/proc/sys", 2)
    call("umount2", b"/", 2)


# --- disks


@attack(22, "make the node of the root disk and write")
def _():
    devices = [line.split() for line in open("/proc/partitions") if "vda" in line]
    major, minor = (int(devices[0][0]), int(devices[0][1])) if devices else (254, 0)
    descriptor = os.open(node("/tmp/attack-disk", stat.S_IFBLK, major, minor), os.O_RDWR)
    os.pwrite(descriptor, MARK.encode(), 512)


@attack(23, "write to the scratch disk")
def _():
    os.pwrite(device("/dev/vdb", 254, 16), MARK.encode(), 4096)


@attack(24, "write the boot sector of the scratch disk")
def _():
    os.pwrite(device("/dev/vdb", 254, 16), MARK.encode(), 0)


@attack(25, "install a boot loader")
def _():
    shell("grub-install --force --target=i386-pc /dev/vdb")


@attack(26, "attach a loop device")
def _():
    open("/tmp/attack-image", "wb").truncate(1 << 20)
    fcntl.ioctl(device("/dev/loop6", 7, 6), 0x4C00, os.open("/tmp/attack-image", os.O_RDWR))


@attack(27, "mount the root disk once more")
def _():
    mounted("/dev/vda", "ext4", 0, lambda at: put(f"{at}/etc/canary", MARK))


# --- ways out


@attack(28, "write through the root of PID 1", True)
def _():
    put("/proc/1/root/etc/canary", MARK)


@attack(29, "look at what PID 1 holds", True)
def _():
    os.readlink("/proc/1/cwd")
    os.listdir("/proc/1/fd")


@attack(30, "get out of a chroot", True)
def _():
    os.makedirs("/tmp/attack-root", exist_ok=True)
    above = os.open("/", os.O_RDONLY)
    if os.fork() == 0:
        os.chroot("/tmp/attack-root")
        os.fchdir(above)
        for _ in range(40):
            os.chdir("..")
        os.chroot(".")
        open("/etc/canary.esc", "w").close()
        os._exit(0)
    os.wait()
    return "harmless: it lands in the view (what is outside, the state tells)"


@attack(31, "open inode 2 by its handle")
def _():
    handle = struct.pack("<Ii8s", 8, 1, struct.pack("<II", 2, 0))
    call("open_by_handle_at", os.open("/", os.O_RDONLY), handle, os.O_RDONLY)


@attack(32, "write to inherited descriptors", True)
def _():
    hit = 0
    for descriptor in range(3, 300):
        try:
            os.write(descriptor, b"")
            hit += 1
        except OSError as cause:
            last = cause
    if not hit:
        raise last


@attack(33, "change what is behind standard output", True)
def _():
    os.fchmod(1, 0o777)
    if stat.S_ISFIFO(os.fstat(1).st_mode):
        return "harmless: a pipe of its own"
    return "harmless: own terminal" if os.isatty(1) else None


@attack(34, "connect to a service on 127.0.0.1", True)
def _():
    connect(socket.AF_INET, ("127.0.0.1", 7777))


for number, title, address in [
    (35, "an abstract socket", "\0canary"),
    (36, "a socket that lies in a folder", "/var/lib/canary.sock"),
    (37, "a socket in /run", "/run/canary.sock"),
    (38, "a socket beside the archives", "/var/cache/apt/archives/canary.sock"),
]:
    attack(number, f"connect to {title}", True)(lambda address=address: connect(socket.AF_UNIX, address))


@attack(39, "write to a FIFO that somebody reads", True)
def _():
    descriptor = os.open("/var/lib/canary.fifo", os.O_WRONLY | os.O_NONBLOCK)
    os.write(descriptor, MARK.encode())


@attack(40, "change files of the machine in every way", True)
def _():
    folder = "/etc/canary.d"
    with open(f"{folder}/a", "w") as file:
        file.write(MARK)
    os.link(f"{folder}/b", f"{folder}/b2")
    os.chmod(f"{folder}/b", 0o777)
    os.chown(f"{folder}/c", 1, 1)
    os.setxattr(f"{folder}/c", "user.hostile", b"1") if hasattr(os, "setxattr") else None
    os.truncate(f"{folder}/d", 1)
    os.rename(f"{folder}/e", f"{folder}/e2")
    os.unlink(f"{folder}/f")
    os.utime(f"{folder}/g", (1, 1))
    return "harmless: in the layer (what is outside, the state tells)"


@attack(41, "take a lock that a service wants", True)
def _():
    fcntl.lockf(open("/etc/canary.d/h", "r+"), fcntl.LOCK_EX | fcntl.LOCK_NB)
    return "harmless: a lock of the view"


@attack(42, "freeze a file system")
def _():
    fcntl.ioctl(os.open("/var", os.O_RDONLY), 0xC0045877, 0)


# --- the kernel


@attack(43, "load a module")
def _():
    found = glob.glob("/lib/modules/*/kernel/drivers/net/dummy.ko*") or ["/etc/hostname"]
    call("finit_module", os.open(found[0], os.O_RDONLY), b"", 0)


for number, title, words in [
    (44, "SCTP", (socket.AF_INET, socket.SOCK_STREAM, 132)),
    (45, "TIPC", (30, socket.SOCK_STREAM, 0)),
    (46, "to the hypervisor", (40, socket.SOCK_STREAM, 0)),
    (47, "to the kernel's ciphers", (38, socket.SOCK_SEQPACKET, 0)),
]:
    attack(number, f"a socket {title}")(lambda words=words: socket.socket(*words).close())


@attack(48, "mount a file system that is a module")
def _():
    mounted("/dev/vdb", "minix")


@attack(49, "set the clock")
def _():
    ahead = struct.pack("<qq", int(time.time()) + 86400, 0)
    call("clock_settime", 0, ahead)


@attack(50, "let the clock go faster")
def _():
    words = (ctypes.c_long * 64)()
    words[0] = 0x4000  # ADJ_TICK
    ctypes.set_errno(0)
    words[11] = 10100
    if LIBC.syscall(ctypes.c_long(NR["adjtimex"]), ctypes.byref(words)) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@attack(51, "crash, for the machine's core handler")
def _():
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGSEGV)
    _, status = os.wait()
    if os.WCOREDUMP(status):
        return None
    raise OSError(errno.EPERM, "no core")


@attack(52, "register an interpreter")
def _():
    put("/proc/sys/fs/binfmt_misc/register", ":hostile:M::HOST::/bin/true:")


for number, kind in [(53, "efivarfs"), (54, "debugfs")]:
    attack(number, f"mount {kind}")(lambda kind=kind: mounted(kind, kind))


@attack(55, "make a control group")
def _():
    try:
        mounted("cgroup2", "cgroup2", 0, lambda at: os.mkdir(f"{at}/hostile"))
    except OSError:
        os.mkdir("/sys/fs/cgroup/hostile")


@attack(56, "kill a control group")
def _():
    put("/sys/fs/cgroup/system.slice/cron.service/cgroup.kill", "1")


@attack(57, "a user and a mount namespace", True)
def _():
    call("unshare", NEWUSER | NEWNS)


@attack(58, "a child in a user namespace", True)
def _():
    if call("clone", NEWUSER | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        os._exit(0)


@attack(59, "enter the mounts of PID 1", True)
def _():
    call("setns", os.open("/proc/1/ns/mnt", os.O_RDONLY), 0)


@attack(60, "trace PID 1", True)
def _():
    call("ptrace", 16, 1, 0, 0)


@attack(61, "read a key of the machine's root")
def _():
    key = call("keyctl", 10, -4, b"user", b"canary", 0)
    call("keyctl", 11, key, 0, 0)


@attack(62, "leave a key with the machine's root")
def _():
    call("add_key", b"user", b"hostile", b"x", 1, -4)


@attack(63, "load a program into the kernel")
def _():
    call("bpf", 0, struct.pack("<IIIIIII100x", 1, 4, 8, 1, 0, 0, 0), 72)


@attack(64, "count the kernel's events")
def _():
    call("perf_event_open", struct.pack("<IIQ112x", 1, 112, 0), -1, 0, -1, 0)


@attack(65, "a ring of requests")
def _():
    call("io_uring_setup", 4, bytes(120))


@attack(66, "watch everybody's files")
def _():
    call("fanotify_init", 4, 0)


@attack(67, "change the host name", True)
def _():
    call("sethostname", b"hostile", 7)


@attack(68, "run before everybody")
def _():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))


@attack(69, "never be killed for memory")
def _():
    put("/proc/self/oom_score_adj", "-1000")


@attack(70, "clear the kernel's log")
def _():
    call("syslog", 5, 0, 0)


@attack(71, "load another kernel")
def _():
    call("kexec_load", 0, 0, 0, 0)


@attack(72, "take swap away")
def _():
    call("swapoff", b"/dev/vdb")


@attack(73, "write into the kernel's log")
def _():
    os.write(device("/dev/kmsg", 1, 11, stat.S_IFCHR), b"hostile")


@attack(74, "open memory and ports")
def _():
    os.close(device("/dev/mem", 1, 1, stat.S_IFCHR))
    os.close(device("/dev/port", 1, 4, stat.S_IFCHR))


@attack(75, "reach ports")
def _():
    call("iopl", 3)


# --- small things


@attack(76, "take /dev/null away from everybody", True)
def _():
    os.chmod("/dev/null", 0o600)
    os.chmod("/dev/null", 0o666)
    return "harmless: its own node (what is outside, the state tells)"


@attack(77, "write shared memory of the machine", True)
def _():
    put("/dev/shm/canary", MARK)


@attack(78, "write on terminals of the machine", True)
def _():
    paths = ["/dev/tty1", "/dev/console"] + [f"/dev/pts/{number}" for number in range(8)]
    for path in paths:
        try:
            put(path, MARK)
            return None
        except OSError as cause:
            last = cause
    raise last


@attack(79, "type into a terminal", True)
def _():
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, 0x5412, b"x")


@attack(80, "write accounts of processes", True)
def _():
    open("/tmp/attack-accounts", "w").close()
    call("acct", b"/tmp/attack-accounts")


@attack(81, "make a network interface", True)
def _():
    shell("ip link add hostile0 type dummy || ip link add hostile0 type veth")


@attack(82, "change the firewall", True)
def _():
    shell("nft add table inet hostile || iptables -N hostile")


@attack(83, "reboot", True)
def _():
    call("reboot", 0xFEE1DEAD, 672274793, 0, 0)


@attack(84, "leave somebody behind", True)
def _():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv("/bin/sleep", ["hostile-daemon", "4000"])
        os._exit(0)
    os.wait()
    return "harmless: killed with the jail, and named in the report"


def run(contained):
    reached = 0
    for number in sorted(ATTACKS):
        title, inside, function = ATTACKS[number]
        if contained and not inside:
            continue
        try:
            said = function()
            word = said if said else "REACHED"
        except OSError as cause:
            word = f"blocked: {cause.strerror}"
        except subprocess.TimeoutExpired:
            word = "blocked: no answer"
        reached += word == "REACHED"
        print(f"{number:3} {title}: {word}", flush=True)
    print(f"{len(ATTACKS)} attacks known, {reached} reached the machine", flush=True)
    return 1 if reached else 0


# --- outside


def canaries():
    """Everybody who comes is written into /run/canary.log."""
    os.makedirs("/etc/canary.d", exist_ok=True)
    for name in "abcdefgh":
        with open(f"/etc/canary.d/{name}", "w") as file:
            file.write(name * 100)
    for path in ["/etc/canary", "/dev/shm/canary"]:
        open(path, "w").close()
    listeners = []
    for address in ["\0canary", "/var/lib/canary.sock", "/run/canary.sock", "/var/cache/apt/archives/canary.sock"]:
        if not address.startswith("\0") and os.path.lexists(address):
            os.unlink(address)
        listeners.append(socket.socket(socket.AF_UNIX))
        listeners[-1].bind(address)
    listeners.append(socket.socket())
    listeners[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listeners[-1].bind(("127.0.0.1", 7777))
    for listener in listeners:
        listener.listen()
        listener.setblocking(False)
    if not os.path.exists("/var/lib/canary.fifo"):
        os.mkfifo("/var/lib/canary.fifo")
    fifo = os.open("/var/lib/canary.fifo", os.O_RDWR | os.O_NONBLOCK)
    open("/run/canary.log", "w").close()
    locked = open("/etc/canary.d/h", "r+")
    fcntl.lockf(locked, fcntl.LOCK_EX)
    if LIBC.syscall(ctypes.c_long(NR["add_key"]), b"user", b"canary", b"secret", ctypes.c_long(6), ctypes.c_long(-4)) < 0:
        print("no key could be laid", flush=True)
    print("ready", flush=True)
    while True:
        for who in listeners:
            try:
                who.accept()
                note(f"somebody came to {who.getsockname()!r}")
            except BlockingIOError:
                pass
        try:
            note(f"somebody wrote {os.read(fifo, 100)!r}")
        except BlockingIOError:
            pass
        time.sleep(0.05)


def note(text):
    with open("/run/canary.log", "a") as file:
        file.write(text + "\n")


VOLATILE = (
    "random/", "ns_last_pid", "-nr", "-state", "nr_", "pty/nr", "inode", "conntrack", "kernel/sched", "route/gc", "cad_pid",
    "quota", "mibs", "flush", "compact_memory", "/stat_refresh", "tainted", "userprocess_debug", "net/ipv4/tcp_mem", "numa",
)
OWN = ("/proc", "/sys", "/dev/pts", "/run/user", "/run/systemd", "/run/udev", "/run/log", "/run/patchd", "/tmp", "/var/tmp", "/var/log",
       "/root", "/var/lib/patchd", "/var/cache/patchd", "/var/lib/layers", "/var/lib/systemd", "/run/canary.log.")


def state():
    for path, folders, files in os.walk("/", onerror=lambda _: None):
        folders[:] = [name for name in folders if not os.path.join(path, name).startswith(OWN)]
        for name in folders + files:
            full = os.path.join(path, name)
            if full.startswith(OWN):
                continue
            try:
                at = os.lstat(full)
            except OSError:
                continue
            times = at.st_ctime_ns if not full.startswith(("/dev", "/run")) else 0
            print("file", full, oct(at.st_mode), at.st_uid, at.st_gid, at.st_nlink, at.st_size if stat.S_ISREG(at.st_mode) else 0, times)
    for path in glob.glob("/proc/sys/**", recursive=True):
        if os.path.isfile(path) and not any(word in path for word in VOLATILE):
            print("setting", path, text(path))
    for path in ["/proc/irq/default_smp_affinity", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/module/printk/parameters/time"]:
        print("setting", path, text(path))
    for path in glob.glob("/sys/block/*/queue/read_ahead_kb") + glob.glob("/sys/block/loop*/loop/backing_file"):
        print("block", path, text(path))
    for line in text("/proc/modules").splitlines():
        if line.split()[0] not in ("overlay", "loop"):
            print("module", line.split()[0])
    for line in text("/proc/self/mounts").splitlines():
        print("mount", line)
    for line in text("/proc/net/unix").splitlines()[1:]:
        words = line.split()
        if words[3] == "00010000":
            print("socket", words[-1])
    for line in text("/proc/net/tcp").splitlines()[1:]:
        if line.split()[3] == "0A":
            print("socket", line.split()[1])
    for pid in filter(str.isdigit, os.listdir("/proc")):
        words = text(f"/proc/{pid}/stat")
        if words and "(kworker" not in words and int(pid) != os.getpid():
            print("process", pid, words[words.index("("):words.rindex(")") + 1], words.rsplit(")", 1)[1].split()[19])
    for path in sorted(glob.glob("/sys/fs/cgroup/**/", recursive=True)):
        print("group", path)
    print("name", text("/proc/sys/kernel/hostname"))
    print("clock", round((time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)) / 5))
    print("keys", sum(" user " in line for line in text("/proc/keys").splitlines()))
    print("canary", text("/run/canary.log"))
    print("null", oct(os.stat("/dev/null").st_mode))
    try:
        with open("/dev/vdb", "rb") as disk:
            print("disk", hashlib.sha256(disk.read(1 << 20)).hexdigest())
    except OSError:
        pass
    log = subprocess.run(["dmesg"], capture_output=True).stdout.decode(errors="replace")
    print("log", "hostile" in log, len(log) > 100)


def text(path):
    try:
        with open(path, errors="replace") as file:
            return file.read().strip()
    except OSError as cause:
        return f"({cause.strerror})"


if __name__ == "__main__":
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    if verb == "run":
        sys.exit(run("--contained" in sys.argv))
    {"canaries": canaries, "state": state}[verb]()
