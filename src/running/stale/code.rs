//! Reads `/proc/PID/maps`: which code of a process is no longer what lies at
//! its path. Pure.

use std::collections::BTreeSet;

/// What the kernel puts behind the path of a file that was removed or replaced.
const DELETED: &str = " (deleted)";

/// Files that exist in memory alone, or for as long as they are mapped: shared
/// memory, devices, what just-in-time compilers write.
const PASSING: [&str; 12] = [
    "/SYSV",
    "/dev/",
    "/memfd:",
    "/anon_hugepage",
    "/[",
    "/drm",
    "/i915",
    "/proc/",
    "/run/",
    "/tmp/",
    "/var/run/",
    "/var/tmp/",
];

/// A line that is none of `/proc/PID/maps`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the kernel lists a mapping that patchd cannot read: {line:?}; please report it")]
pub struct UnknownLine {
    line: String,
}

/// The files that the process runs code of and that were removed or replaced
/// since. Data does not count: a database maps files that it has removed.
pub fn replaced_code(maps: &str) -> Result<BTreeSet<&str>, UnknownLine> {
    let mut replaced = BTreeSet::new();
    for line in maps.lines() {
        let unknown = || UnknownLine {
            line: line.chars().take(200).collect(),
        };
        let mapping = Mapping::parse(line).ok_or_else(unknown)?;
        if mapping.executable && mapping.has_inode {
            replaced.extend(replaced_file(mapping.path));
        }
    }
    Ok(replaced)
}

/// The path without the kernel's note, if it has it and is a file's that stays.
pub(super) fn replaced_file(path: &str) -> Option<&str> {
    let path = path.strip_suffix(DELETED)?;
    (path.starts_with('/') && !is_passing(path)).then_some(path)
}

fn is_passing(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let unnamed = name.strip_prefix('#');
    let unnamed = unnamed.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    PASSING.iter().any(|start| path.starts_with(start))
        || unnamed
        || name.starts_with("orcexec.")
        || (name.starts_with("jna") && name.strip_suffix(".tmp").is_some())
        || path.contains("/.cache/JNA/")
}

/// `7f0c1a000-7f0c1b000 r-xp 00026000 fe:00 1234                /usr/lib/libc.so.6`
#[derive(Debug)]
struct Mapping<'a> {
    executable: bool,
    has_inode: bool,
    /// Empty for memory that no file stands behind.
    path: &'a str,
}

impl<'a> Mapping<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let (range, rest) = line.split_once(' ')?;
        let (permissions, rest) = rest.split_once(' ')?;
        let (offset, rest) = rest.split_once(' ')?;
        let (device, rest) = rest.split_once(' ')?;
        let (inode, path) = rest.split_once(' ').unwrap_or((rest, ""));
        let (from, to) = range.split_once('-')?;
        let (major, minor) = device.split_once(':')?;
        let numbers = [from, to, offset, major, minor];
        if !numbers.into_iter().all(is_hexadecimal) || permissions.len() != 4 {
            return None;
        }
        let inode: u64 = inode.parse().ok()?;
        Some(Self {
            executable: permissions.contains('x'),
            has_inode: inode != 0,
            path: path.trim_start_matches(' '),
        })
    }
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(permissions: &str, inode: &str, path: &str) -> String {
        format!("7f0c1a000000-7f0c1a028000 {permissions} 00026000 fe:00 {inode}    {path}\n")
    }

    #[test]
    fn code_that_was_removed_or_replaced_counts_and_data_does_not() {
        let table = [
            ("r-xp", "7", "/usr/lib/libssl.so.3 (deleted)", true),
            ("r-xp", "7", "/usr/lib/libssl.so.3", false),
            ("r--p", "7", "/usr/lib/libssl.so.3 (deleted)", false),
            ("rw-s", "7", "/var/lib/db/index (deleted)", false),
            ("r-xp", "7", "/opt/a name (deleted)", true),
            ("r-xp", "0", "/usr/lib/libssl.so.3 (deleted)", false),
            ("r-xp", "0", "[vdso]", false),
            ("rwxp", "0", "", false),
        ];
        for (permissions, inode, path, counts) in table {
            let text = line(permissions, inode, path);
            let found = replaced_code(&text).expect("a line of the kernel");
            assert_eq!(!found.is_empty(), counts, "{text}");
        }
    }

    #[test]
    fn what_lives_in_memory_or_for_a_moment_is_not_stale() {
        let passing = [
            "/SYSV00000000",
            "/dev/zero",
            "/dev/shm/x",
            "/memfd:sealed",
            "/anon_hugepage",
            "/[aio]",
            "/tmp/perf-1.so",
            "/var/tmp/x.so",
            "/run/jit",
            "/home/a/#4711",
            "/home/a/orcexec.Xy12",
            "/root/jna123.tmp",
            "/home/a/.cache/JNA/temp/x",
        ];
        for path in passing {
            let text = line("r-xp", "7", &format!("{path} (deleted)"));
            assert_eq!(replaced_code(&text), Ok(BTreeSet::new()), "{path}");
        }
        for path in ["/home/a/#4711b", "/srv/tmp/x.so", "/drive/x"] {
            let text = line("r-xp", "7", &format!("{path} (deleted)"));
            assert_eq!(
                replaced_code(&text).map(|found| found.len()),
                Ok(1),
                "{path}"
            );
        }
    }

    #[test]
    fn a_line_of_another_form_is_an_error_that_shows_it() {
        for text in [
            "nonsense",
            "7f-80 r-xp 0 fe:00",
            "7f-8g r-xp 0 fe:00 7 /a",
            "\n",
        ] {
            let error = replaced_code(text).expect_err(text);
            assert!(error.to_string().contains("please report"), "{error}");
        }
        assert_eq!(replaced_code(""), Ok(BTreeSet::new()));
    }

    #[test]
    fn a_real_process_after_an_upgrade_runs_old_code() {
        let text = include_str!("../../../tests/fixtures/running/12/maps-stale.txt");
        let found = replaced_code(text).expect("a real capture");
        let expected = ["/usr/lib/x86_64-linux-gnu/libcrypto.so.3"];
        assert!(
            expected.iter().all(|file| found.contains(file)),
            "{found:?}"
        );
        let text = include_str!("../../../tests/fixtures/running/12/maps-fresh.txt");
        assert_eq!(replaced_code(text), Ok(BTreeSet::new()));
    }
}
