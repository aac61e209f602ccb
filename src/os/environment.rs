//! The few environment variables that we look at, each with its reason.

use std::path::PathBuf;

/// Where an ordinary user's caches go: `$XDG_CACHE_HOME`, else `~/.cache`.
#[must_use]
pub fn user_cache() -> Option<PathBuf> {
    absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))
}

/// Where an ordinary user's lasting data goes: `$XDG_STATE_HOME`, else
/// `~/.local/state`.
#[must_use]
pub fn user_state() -> Option<PathBuf> {
    absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
}

/// Set by systemd when standard error is the journal: `device:inode` of it.
#[must_use]
pub fn journal_stream() -> Option<String> {
    read("JOURNAL_STREAM")
}

/// The names of the sockets that systemd hands over, in their order.
#[must_use]
pub fn socket_names() -> Vec<String> {
    let names = read("LISTEN_FDNAMES").unwrap_or_default();
    names.split(':').map(str::to_owned).collect()
}

/// Where systemd puts the credentials of a service (systemd.exec(5), `LoadCredential=`).
#[must_use]
pub fn credentials() -> Option<PathBuf> {
    absolute("CREDENTIALS_DIRECTORY")
}

/// <https://no-color.org>: any non-empty value switches colour off.
#[must_use]
pub fn no_color() -> bool {
    read("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Who called sudo, for the record of who asked for a run.
#[must_use]
pub fn sudo_user() -> Option<String> {
    read("SUDO_USER").filter(|user| !user.is_empty())
}

/// What our own program needs to know of it when it goes on as a system user:
/// who is behind it, where its words go, and where that user's caches are.
#[must_use]
pub fn of_engine(asked_by: String) -> Vec<(&'static str, String)> {
    let kept = ["NO_COLOR", "JOURNAL_STREAM"].map(|name| Some((name, read(name)?)));
    let set = [
        ("SUDO_USER", asked_by),
        ("XDG_CACHE_HOME", "/var/cache".to_owned()),
    ];
    kept.into_iter().flatten().chain(set).collect()
}

/// What this program was called with, without its own name.
#[must_use]
pub fn arguments() -> Vec<String> {
    let words = std::env::args_os().skip(1);
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}

fn absolute(name: &str) -> Option<PathBuf> {
    read(name)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]
fn read(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
