//! Somebody's wish to stop, which is noticed at any time and honoured between
//! two phases.

use std::pin::Pin;

/// The wish, and whether it has been uttered.
pub(super) struct Stop<'a> {
    wish: Pin<Box<dyn Future<Output = ()> + 'a>>,
    /// Whether it has.
    pub was_asked: bool,
}

impl<'a> Stop<'a> {
    /// Uttered when `wish` is ready.
    pub fn new(wish: impl Future<Output = ()> + 'a) -> Self {
        let wish = Box::pin(wish);
        Self {
            wish,
            was_asked: false,
        }
    }

    /// Waits for it; at once when it has been uttered before.
    pub async fn asked(&mut self) {
        if !self.was_asked {
            self.wish.as_mut().await;
            self.was_asked = true;
        }
    }

    /// Whether it has been uttered by now.
    pub async fn is_asked(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.asked() => true,
            () = std::future::ready(()) => false,
        }
    }
}
