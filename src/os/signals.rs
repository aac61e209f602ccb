//! Signals, as flags and wake-ups instead of sudden ends.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// A request to stop that is only noted.
#[derive(Debug, Clone, Default)]
pub struct Noted(Arc<AtomicBool>);

impl Noted {
    /// Whether SIGTERM came: the machine goes down, or systemd stops us.
    #[must_use]
    pub fn stop_was_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// As if SIGTERM had come.
    #[cfg(test)]
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// From now on a request to stop is only noted: what was begun is ended first.
#[must_use]
pub fn outlive() -> Noted {
    let noted = Noted::default();
    // Registering can fail for signals that cannot be caught; these can.
    let _cannot_fail = signal_hook::flag::register(SIGTERM, Arc::clone(&noted.0));
    for signal in [SIGINT, SIGHUP] {
        // Of a terminal, which is not ours.
        let ignored = Arc::new(AtomicBool::new(false));
        let _cannot_fail = signal_hook::flag::register(signal, ignored);
    }
    noted
}

/// For a service: the first becomes readable when it is to stop, the second when
/// it is to read its configuration anew.
pub fn service_requests() -> std::io::Result<(tokio::net::UnixStream, tokio::net::UnixStream)> {
    Ok((readable_on(&[SIGTERM, SIGINT])?, readable_on(&[SIGHUP])?))
}

fn readable_on(signals: &[i32]) -> std::io::Result<tokio::net::UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    for signal in signals {
        signal_hook::low_level::pipe::register(*signal, write.try_clone()?)?;
    }
    tokio::net::UnixStream::from_std(read)
}

/// Becomes readable when an operator asks to stop (Ctrl-C, SIGTERM, a
/// terminal that has gone); a second
/// request in a row does what it always does.
pub fn stop_requests() -> std::io::Result<tokio::net::UnixStream> {
    let again = Arc::new(AtomicBool::new(false));
    let all = [SIGTERM, SIGINT, SIGHUP];
    for signal in all {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&again))?;
        signal_hook::flag::register(signal, Arc::clone(&again))?;
    }
    readable_on(&all)
}
