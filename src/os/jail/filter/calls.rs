//! System calls by name, and their numbers. The numbers are the kernel's and
//! never change.

/// Who numbers calls alike.
pub(super) struct Architecture {
    /// As the kernel calls it in filters.
    pub(super) code: u32,
    column: fn(&Row) -> Option<u32>,
}

/// Name, and numbers on `x86_64`, i386 and aarch64.
type Row = (&'static str, Option<u32>, Option<u32>, Option<u32>);

impl Architecture {
    /// None where the call does not exist.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        let row = NUMBERS.iter().find(|row| row.0 == name)?;
        (self.column)(row)
    }
}

/// The architectures whose programs run here: this machine's, and its 32-bit
/// one where we know its numbers.
pub(super) fn here() -> &'static [Architecture] {
    if cfg!(target_arch = "x86_64") {
        &INTEL
    } else if cfg!(target_arch = "aarch64") {
        &ARM
    } else {
        &[]
    }
}

static INTEL: [Architecture; 2] = [
    Architecture {
        code: 0xc000_003e,
        column: |row| row.1,
    },
    Architecture {
        code: 0x4000_0003,
        column: |row| row.2,
    },
];

static ARM: [Architecture; 1] = [Architecture {
    code: 0xc000_00b7,
    column: |row| row.3,
}];

/// What changes the machine, or looks into what is not the caller's.
pub(super) const REFUSED: [&str; 51] = [
    "acct",
    "adjtimex",
    "bpf",
    "clock_adjtime",
    "clock_adjtime64",
    "clock_settime",
    "clock_settime64",
    "create_module",
    "delete_module",
    "fanotify_init",
    "fanotify_mark",
    "finit_module",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "init_module",
    "ioperm",
    "iopl",
    "kcmp",
    "kexec_file_load",
    "kexec_load",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_by_handle_at",
    "open_tree",
    "open_tree_attr",
    "perf_event_open",
    "pidfd_getfd",
    "pivot_root",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    "quotactl",
    "quotactl_fd",
    "reboot",
    "setdomainname",
    "sethostname",
    "setns",
    "settimeofday",
    "stime",
    "swapoff",
    "swapon",
    "syslog",
    "umount",
    "umount2",
    "userfaultfd",
    "vhangup",
    "vm86",
    "vm86old",
];

/// As if the kernel had never heard of them: everybody has another way. `clone3` hides
/// its flags in memory; keys and rings are the machine's.
pub(super) const UNKNOWN: [&str; 9] = [
    "_sysctl",
    "add_key",
    "clone3",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "keyctl",
    "modify_ldt",
    "request_key",
];

/// What makes a disk write. A layer is thrown away, and the machine's disk is busy enough.
pub(super) const SYNCS: [&str; 6] = [
    "fdatasync",
    "fsync",
    "msync",
    "sync",
    "sync_file_range",
    "syncfs",
];

#[rustfmt::skip]
static NUMBERS: [Row; 72] = [
    ("_sysctl", Some(156), Some(149), None),
    ("acct", Some(163), Some(51), Some(89)),
    ("add_key", Some(248), Some(286), Some(217)),
    ("adjtimex", Some(159), Some(124), Some(171)),
    ("bpf", Some(321), Some(357), Some(280)),
    ("clock_adjtime", Some(305), Some(343), Some(266)),
    ("clock_adjtime64", None, Some(405), None),
    ("clock_settime", Some(227), Some(264), Some(112)),
    ("clock_settime64", None, Some(404), None),
    ("clone", Some(56), Some(120), Some(220)),
    ("clone3", Some(435), Some(435), Some(435)),
    ("create_module", Some(174), Some(127), None),
    ("delete_module", Some(176), Some(129), Some(106)),
    ("fanotify_init", Some(300), Some(338), Some(262)),
    ("fanotify_mark", Some(301), Some(339), Some(263)),
    ("fdatasync", Some(75), Some(148), Some(83)),
    ("finit_module", Some(313), Some(350), Some(273)),
    ("fsconfig", Some(431), Some(431), Some(431)),
    ("fsmount", Some(432), Some(432), Some(432)),
    ("fsopen", Some(430), Some(430), Some(430)),
    ("fspick", Some(433), Some(433), Some(433)),
    ("fsync", Some(74), Some(118), Some(82)),
    ("init_module", Some(175), Some(128), Some(105)),
    ("io_uring_enter", Some(426), Some(426), Some(426)),
    ("io_uring_register", Some(427), Some(427), Some(427)),
    ("io_uring_setup", Some(425), Some(425), Some(425)),
    ("ioctl", Some(16), Some(54), Some(29)),
    ("ioperm", Some(173), Some(101), None),
    ("iopl", Some(172), Some(110), None),
    ("kcmp", Some(312), Some(349), Some(272)),
    ("kexec_file_load", Some(320), None, Some(294)),
    ("kexec_load", Some(246), Some(283), Some(104)),
    ("keyctl", Some(250), Some(288), Some(219)),
    ("modify_ldt", Some(154), Some(123), None),
    ("mount", Some(165), Some(21), Some(40)),
    ("mount_setattr", Some(442), Some(442), Some(442)),
    ("move_mount", Some(429), Some(429), Some(429)),
    ("msync", Some(26), Some(144), Some(227)),
    ("open_by_handle_at", Some(304), Some(342), Some(265)),
    ("open_tree", Some(428), Some(428), Some(428)),
    ("open_tree_attr", Some(467), Some(467), Some(467)),
    ("perf_event_open", Some(298), Some(336), Some(241)),
    ("pidfd_getfd", Some(438), Some(438), Some(438)),
    ("pivot_root", Some(155), Some(217), Some(41)),
    ("process_vm_readv", Some(310), Some(347), Some(270)),
    ("process_vm_writev", Some(311), Some(348), Some(271)),
    ("ptrace", Some(101), Some(26), Some(117)),
    ("quotactl", Some(179), Some(131), Some(60)),
    ("quotactl_fd", Some(443), Some(443), Some(443)),
    ("reboot", Some(169), Some(88), Some(142)),
    ("request_key", Some(249), Some(287), Some(218)),
    ("setdomainname", Some(171), Some(121), Some(162)),
    ("sethostname", Some(170), Some(74), Some(161)),
    ("setns", Some(308), Some(346), Some(268)),
    ("settimeofday", Some(164), Some(79), Some(170)),
    ("socket", Some(41), Some(359), Some(198)),
    ("socketcall", None, Some(102), None),
    ("socketpair", Some(53), Some(360), Some(199)),
    ("stime", None, Some(25), None),
    ("swapoff", Some(168), Some(115), Some(225)),
    ("swapon", Some(167), Some(87), Some(224)),
    ("sync", Some(162), Some(36), Some(81)),
    ("sync_file_range", Some(277), Some(314), Some(84)),
    ("syncfs", Some(306), Some(344), Some(267)),
    ("syslog", Some(103), Some(103), Some(116)),
    ("umount", None, Some(22), None),
    ("umount2", Some(166), Some(52), Some(39)),
    ("unshare", Some(272), Some(310), Some(97)),
    ("userfaultfd", Some(323), Some(374), Some(282)),
    ("vhangup", Some(153), Some(111), Some(58)),
    ("vm86", None, Some(166), None),
    ("vm86old", None, Some(113), None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_number_somewhere() {
        let calls = REFUSED.iter().chain(&UNKNOWN).chain(&SYNCS);
        for name in calls {
            let row = NUMBERS.iter().find(|row| row.0 == *name).expect(name);
            assert!(row.1.or(row.2).or(row.3).is_some(), "{name}");
        }
    }
}
