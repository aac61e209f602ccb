//! Users and their names. Only those of `/etc/passwd`: asking anybody further
//! could take as long as a directory server likes.

use std::path::Path;

use super::files::read_bounded;

/// More than any machine's file holds.
const CAP: u64 = 1 << 20;

/// A user, as files know him.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// His number.
    pub uid: u32,
    /// The number of his own group.
    pub gid: u32,
}

/// The name of a user.
#[must_use]
pub fn name(uid: u32) -> Option<String> {
    let named = |(name, user): (&str, User)| (user.uid == uid).then(|| name.to_owned());
    entries(&passwd()?).find_map(named)
}

/// The user of this name.
#[must_use]
pub fn find(name: &str) -> Option<User> {
    let found = |(known, user): (&str, User)| (known == name).then_some(user);
    entries(&passwd()?).find_map(found)
}

/// Who does for root what needs none of root's rights: the daemon's user, else
/// nobody. None for whoever is not root, and where neither is there.
#[must_use]
pub fn unprivileged() -> Option<User> {
    let lesser = || find("patchd").or_else(|| find("nobody"));
    rustix::process::geteuid().is_root().then(lesser).flatten()
}

fn passwd() -> Option<String> {
    read_bounded(Path::new("/etc/passwd"), CAP).ok()
}

fn entries(passwd: &str) -> impl Iterator<Item = (&str, User)> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((name, User { uid, gid }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_user_of_this_machine_is_passed_over() {
        let passwd = "root:x:0:0::/root:/bin/sh\n\n+::::::\n:x:7:7::/:\nshort:x:1\nalice:x:1000:1001::/home/alice:/bin/sh\n";
        let user = |uid, gid| User { uid, gid };
        let expected = [("root", user(0, 0)), ("alice", user(1000, 1001))];
        assert_eq!(entries(passwd).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn root_is_known_by_name_and_by_number() {
        assert_eq!(name(0).as_deref(), Some("root"));
        assert_eq!(find("root"), Some(User { uid: 0, gid: 0 }));
        assert_eq!(find("nobody of this name"), None);
    }
}
