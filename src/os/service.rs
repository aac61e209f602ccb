//! What systemd and a service of its own say to each other.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use listenfd::ListenFd;
use sd_notify::NotifyState;

use super::environment;

/// The listening sockets that systemd made and handed over, by the names that
/// their units give them. None where systemd did not start us.
pub fn sockets() -> std::io::Result<Vec<(String, UnixListener)>> {
    let mut handed = ListenFd::from_env();
    let names = environment::socket_names();
    let mut sockets = Vec::new();
    for index in 0..handed.len() {
        let name = names.get(index).cloned().unwrap_or_default();
        if let Some(socket) = handed.take_unix_listener(index)? {
            sockets.push((name, socket));
        }
    }
    Ok(sockets)
}

/// We are ready, or ready again after a reload.
pub fn ready() {
    tell(&[NotifyState::Ready]);
}

/// We are about to end.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// One line for `systemctl status`.
pub fn status(line: &str) {
    tell(&[NotifyState::Status(line)]);
}

/// We are alive.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Within which time systemd wants to hear that we are alive, if it does.
#[must_use]
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Nobody listens where systemd did not start us; that is no fault.
fn tell(states: &[NotifyState<'_>]) {
    let _nobody_listens = sd_notify::notify(states);
}
