//! The last look at running code, kept for those who may not look themselves.

use std::path::Path;

use crate::model::{BootId, LiveLook};
use crate::os::files;

/// In the worker's folder.
const FILE: &str = "live.json";

/// A thousand stale units are a tenth of it, bytes.
const CAP: u64 = 4 << 20;

/// What the worker saw last in this boot; `None` when it has not looked yet, or
/// what it wrote cannot be read.
#[must_use]
pub fn live_look(folder: &Path, boot: &BootId) -> Option<LiveLook> {
    let text = files::read_bounded(&folder.join(FILE), CAP).ok()?;
    let look: LiveLook = serde_json::from_str(&text).ok()?;
    (look.boot == *boot).then_some(look)
}

/// Keeps what was seen.
pub fn remember_look(folder: &Path, look: &LiveLook) -> std::io::Result<()> {
    files::replace(&folder.join(FILE), &serde_json::to_vec(look)?, 0o640)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_of_another_boot_says_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let look = LiveLook {
            at: jiff::Timestamp::UNIX_EPOCH,
            boot: BootId("one".into()),
            old: vec![],
            unread: 0,
        };
        let one = BootId("one".into());
        assert_eq!(live_look(folder.path(), &one), None);
        remember_look(folder.path(), &look).expect("written");
        assert_eq!(live_look(folder.path(), &one), Some(look));
        assert_eq!(live_look(folder.path(), &BootId("two".into())), None);
    }
}
