//! The second wall: which system calls are refused, and how. A filter without
//! `no_new_privs` would be truer to life (a setuid program that somebody other
//! than root starts inside gets nothing), but there is no safe way to load one.

mod calls;
mod program;

use seccompiler::sock_filter;

use calls::Architecture;
use program::{Field, Test, Then};

/// The kernel's answers.
const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;
const NOT_PERMITTED: u32 = ERRNO + 1;
const NOT_IMPLEMENTED: u32 = ERRNO + 38;
const NO_SUCH_PROTOCOL: u32 = ERRNO + 93;
const NO_SUCH_FAMILY: u32 = ERRNO + 97;
/// Nothing is done, and the caller is told that it was.
const DONE: u32 = ERRNO;

/// All `CLONE_NEW…` flags that unshare(2) and clone(2) know.
const NEW_NAMESPACES: u32 = 0x7e02_0000;
/// `CLONE_NEWTIME`: with clone(2) these bits are a signal.
const NEW_TIME: u32 = 0x80;

/// Put characters into a terminal's input, reach the console; stop file systems, discard blocks.
const CONTROLS: [u32; 5] = [0x5412, 0x541c, 0xc004_5877, 0xc004_5878, 0xc018_5879];

/// Address families. What is not here would load modules, or reach the hypervisor.
const UNIX: u32 = 1;
const INET: [u32; 2] = [2, 10];
const NETLINK: u32 = 16;

/// Any, ICMP, TCP, UDP, `ICMPv6`; SCTP and others would load modules.
const INET_PROTOCOLS: [u32; 5] = [0, 1, 6, 17, 58];
/// Routes, sockets, devices; not the audit log.
const NETLINK_PROTOCOLS: [u32; 3] = [0, 4, 15];

/// In a number: a call of the ABI with 32-bit pointers on `x86_64`.
const X32: u32 = 0x4000_0000;

/// The filter for this machine. With `sync` false, what is synced is not.
pub(super) fn filter(sync: bool) -> Vec<sock_filter> {
    let mut cases = Vec::new();
    for architecture in calls::here() {
        let then = Then::Look(Field::Number, numbers(architecture, sync), ALLOW);
        cases.push((Test::Is(architecture.code), then));
    }
    // Programs of other architectures that the kernel can run: they would get by.
    program::compile(&Then::Look(Field::Architecture, cases, NOT_IMPLEMENTED))
}

fn numbers(architecture: &Architecture, sync: bool) -> Vec<(Test, Then)> {
    let mut cases = vec![(Test::Has(X32), Then::Answer(NOT_IMPLEMENTED))];
    let mut answer = |names: &[&str], answer: u32| {
        let numbers = names.iter().filter_map(|name| architecture.number(name));
        cases.extend(numbers.map(|number| (Test::Is(number), Then::Answer(answer))));
    };
    answer(&calls::REFUSED, NOT_PERMITTED);
    answer(&calls::UNKNOWN, NOT_IMPLEMENTED);
    if !sync {
        answer(&calls::SYNCS, DONE);
    }
    // Its arguments lie in memory, where no filter looks: 32-bit programs have no sockets.
    answer(&["socketcall"], NO_SUCH_FAMILY);
    for (name, then) in looked_into() {
        if let Some(number) = architecture.number(name) {
            cases.push((Test::Is(number), then));
        }
    }
    cases
}

/// Calls that depend on what they are called with.
fn looked_into() -> [(&'static str, Then); 5] {
    let refused = || Then::Answer(NOT_PERMITTED);
    let unshare = vec![(Test::Has(NEW_NAMESPACES | NEW_TIME), refused())];
    let clone = vec![(Test::Has(NEW_NAMESPACES), refused())];
    let controls = CONTROLS.map(|control| (Test::Is(control), refused()));
    [
        ("unshare", Then::Look(Field::Argument(0), unshare, ALLOW)),
        ("clone", Then::Look(Field::Argument(0), clone, ALLOW)),
        (
            "ioctl",
            Then::Look(Field::Argument(1), controls.into(), ALLOW),
        ),
        ("socket", socket()),
        (
            "socketpair",
            only(Field::Argument(0), &[UNIX], NO_SUCH_FAMILY),
        ),
    ]
}

fn socket() -> Then {
    let inet = || only(Field::Argument(2), &INET_PROTOCOLS, NO_SUCH_PROTOCOL);
    let netlink = only(Field::Argument(2), &NETLINK_PROTOCOLS, NO_SUCH_PROTOCOL);
    let mut families = vec![
        (Test::Is(UNIX), Then::Answer(ALLOW)),
        (Test::Is(NETLINK), netlink),
    ];
    families.extend(INET.map(|family| (Test::Is(family), inet())));
    Then::Look(Field::Argument(0), families, NO_SUCH_FAMILY)
}

fn only(field: Field, values: &[u32], otherwise: u32) -> Then {
    let allowed = values
        .iter()
        .map(|value| (Test::Is(*value), Then::Answer(ALLOW)));
    Then::Look(field, allowed.collect(), otherwise)
}

#[cfg(test)]
mod tests {
    use super::program::run;
    use super::*;

    const X86_64: u32 = 0xc000_003e;
    const I386: u32 = 0x4000_0003;

    /// Name, and a call as the kernel shows it to a filter, and the answer.
    type Row = (&'static str, u32, u32, [u32; 3], u32);

    fn check(table: &[Row]) {
        for (name, architecture, number, arguments, expected) in table {
            let answered = run(&filter(false), *architecture, *number, arguments);
            assert_eq!(answered, *expected, "{name}: {answered:x}");
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn calls_are_answered_as_the_recipe_says() {
        let table = [
            ("read", X86_64, 0, [0, 0, 0], ALLOW),
            ("mount", X86_64, 165, [0, 0, 0], NOT_PERMITTED),
            ("mount of i386", I386, 21, [0, 0, 0], NOT_PERMITTED),
            (
                "writev of x86_64 is not i386's",
                X86_64,
                21,
                [0, 0, 0],
                ALLOW,
            ),
            ("clone3", X86_64, 435, [0, 0, 0], NOT_IMPLEMENTED),
            ("clone of a thread", X86_64, 56, [0x3d_0f00, 0, 0], ALLOW),
            ("clone with a signal", X86_64, 56, [0x91, 0, 0], ALLOW),
            (
                "clone of a user namespace",
                X86_64,
                56,
                [0x1000_0011, 0, 0],
                NOT_PERMITTED,
            ),
            (
                "clone of a mount namespace",
                I386,
                120,
                [0x0002_0011, 0, 0],
                NOT_PERMITTED,
            ),
            ("unshare of open files", X86_64, 272, [0x400, 0, 0], ALLOW),
            (
                "unshare of a cgroup",
                X86_64,
                272,
                [0x0200_0000, 0, 0],
                NOT_PERMITTED,
            ),
            ("unshare of time", X86_64, 272, [0x80, 0, 0], NOT_PERMITTED),
            ("fsync", X86_64, 74, [3, 0, 0], DONE),
            ("fsync of i386", I386, 118, [3, 0, 0], DONE),
            ("a terminal's size", X86_64, 16, [0, 0x5413, 0], ALLOW),
            (
                "a terminal's input",
                X86_64,
                16,
                [0, 0x5412, 0],
                NOT_PERMITTED,
            ),
            ("freezing", X86_64, 16, [0, 0xc004_5877, 0], NOT_PERMITTED),
        ];
        check(&table);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn sockets_are_of_families_that_are_there() {
        let table = [
            ("a unix socket", X86_64, 41, [1, 1, 0], ALLOW),
            ("tcp", X86_64, 41, [2, 1, 6], ALLOW),
            ("tcp over 6", I386, 359, [10, 1, 0], ALLOW),
            ("sctp", X86_64, 41, [2, 1, 132], NO_SUCH_PROTOCOL),
            ("routes", X86_64, 41, [16, 3, 0], ALLOW),
            ("audit", X86_64, 41, [16, 3, 9], NO_SUCH_PROTOCOL),
            ("a packet socket", X86_64, 41, [17, 3, 0], NO_SUCH_FAMILY),
            ("the hypervisor", X86_64, 41, [40, 1, 0], NO_SUCH_FAMILY),
            (
                "the kernel's ciphers",
                X86_64,
                41,
                [38, 5, 0],
                NO_SUCH_FAMILY,
            ),
            (
                "any socket of old i386",
                I386,
                102,
                [1, 0, 0],
                NO_SUCH_FAMILY,
            ),
            ("x32", X86_64, X32, [0, 0, 0], NOT_IMPLEMENTED),
            ("arm", 0x4000_0028, 0, [0, 0, 0], NOT_IMPLEMENTED),
        ];
        check(&table);
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn with_syncs_they_are_real() {
        assert_eq!(run(&filter(true), X86_64, 74, &[3, 0, 0]), ALLOW);
    }

    #[test]
    fn the_kernel_takes_a_filter_of_this_length() {
        assert!(filter(false).len() < 4096);
    }
}
