//! The names of users. Only those of `/etc/passwd`: asking anybody further
//! could take as long as a directory server likes.

use std::path::Path;

use super::files::read_bounded;

/// More than any machine's file holds.
const CAP: u64 = 1 << 20;

/// The name of a user.
#[must_use]
pub fn name(uid: u32) -> Option<String> {
    let text = read_bounded(Path::new("/etc/passwd"), CAP).ok()?;
    name_in(&text, uid)
}

fn name_in(passwd: &str, uid: u32) -> Option<String> {
    let user = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let id: u32 = fields.nth(1)?.parse().ok()?;
        (id == uid && !name.is_empty()).then(|| name.to_owned())
    };
    passwd.lines().find_map(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_the_first_name_of_his_id() {
        let passwd = "root:x:0:0::/root:/bin/sh\n\n+::::::\ntoor:x:0:0::/:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n";
        assert_eq!(name_in(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_in(passwd, 1000).as_deref(), Some("alice"));
        assert_eq!(name_in(passwd, 1001), None);
    }
}
