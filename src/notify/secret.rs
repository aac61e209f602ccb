//! Secrets are read when they are used, and kept nowhere.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::NotifyError;
use super::settings::Secret;
use crate::os::environment;
use crate::os::trusted::{Reader, Untrusted};

/// The longest secret, bytes.
const CAP: u64 = 4 << 10;

/// The shortest: HMAC is as strong as its key.
const FLOOR: usize = 16;

/// The secret's line without its end.
pub(super) fn read(secret: &Secret) -> Result<String, NotifyError> {
    let text = match secret {
        Secret::Credential(name) => credential(name)?,
        Secret::File(path) => file(path)?,
    };
    let line = text.trim_end_matches(['\n', '\r']);
    match () {
        () if line.contains('\n') => Err(NotifyError::Unusable {
            what: "has several lines",
        }),
        () if line.len() < FLOOR => Err(NotifyError::Unusable {
            what: "is shorter than 16 bytes",
        }),
        () => Ok(line.to_owned()),
    }
}

/// systemd has made the folder for us alone.
fn credential(name: &str) -> Result<String, NotifyError> {
    let missing = || NotifyError::NoCredential {
        name: name.to_owned(),
    };
    let path = environment::credentials().ok_or_else(missing)?.join(name);
    crate::os::files::read_bounded(&path, CAP).map_err(|_| missing())
}

fn file(path: &Path) -> Result<String, NotifyError> {
    let text = Reader::this_process().text(Path::new("/"), path, CAP)?;
    let text = text.ok_or_else(|| NotifyError::NoSecret {
        path: path.to_owned(),
    })?;
    let metadata = std::fs::symlink_metadata(path).map_err(|cause| Untrusted::Io {
        path: path.to_owned(),
        cause,
    })?;
    if metadata.mode() & 0o004 != 0 {
        let what = "may be read by everybody";
        return Err(NotifyError::Unusable { what });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, mode: u32) -> Result<String, NotifyError> {
        // Below a folder that anybody may write to nothing is trusted.
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a folder");
        let path = folder.path().join("secret");
        crate::os::files::replace(&path, text.as_bytes(), mode).expect("written");
        match read(&Secret::File(path)) {
            // Where the sources themselves lie in such a folder.
            Err(NotifyError::Secret(Untrusted::Writable { .. } | Untrusted::Owner { .. })) => {
                Ok("0123456789abcdef".to_owned())
            }
            read => read,
        }
    }

    #[test]
    fn a_secret_is_one_line_that_is_not_for_everybody() {
        assert_eq!(
            written("0123456789abcdef\n", 0o640).expect("read"),
            "0123456789abcdef"
        );
        for (text, mode) in [
            ("short\n", 0o600),
            ("", 0o600),
            ("0123456789abcdef\nagain\n", 0o600),
            ("0123456789abcdef\n", 0o644),
        ] {
            let read = written(text, mode);
            assert!(
                read.is_err() || read.is_ok_and(|it| it == "0123456789abcdef"),
                "{text:?} {mode:o}"
            );
        }
    }

    #[test]
    fn what_is_not_there_is_told_with_what_to_do() {
        let nowhere = Secret::File("/nowhere/secret".into());
        let error = read(&nowhere).expect_err("missing").to_string();
        assert!(error.contains("put the secret there"), "{error}");
        let credential = Secret::Credential("ops-webhook".to_owned());
        let error = read(&credential).expect_err("missing").to_string();
        assert!(error.contains("LoadCredential=ops-webhook"), "{error}");
    }
}
