//! One feed from its publisher: only if it has changed, only so much of it, and
//! again after a while when that failed.

use std::time::Duration;

use tokio::fs::File;
use tokio::io::AsyncSeekExt;
use tokio::time::sleep;

use super::source::Source;
use super::state::Content;
use crate::os::net::{Door, Exchange, Head, NetError};

/// How often it is tried, and the pause after the first time; each further one
/// is four times as long.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(2);

/// The longest pause that a publisher may ask for; beyond it the next look will do.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How long all of it may take.
const TIMEOUT: Duration = Duration::from_mins(10);

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    /// What is kept is what the publisher has.
    Unchanged,
    /// It is in the file; this is what it is called.
    New(Head),
}

/// Why there is no feed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The exchange.
    #[error(transparent)]
    Net(#[from] NetError),
    /// The publisher has something else to say.
    #[error("{host} answered with HTTP status {status}; {}", advice(*status))]
    Status {
        /// Who.
        host: String,
        /// What.
        status: u16,
        /// When to come back, in seconds.
        after: Option<u64>,
    },
    /// The file.
    #[error("cannot write to the feeds' folder: {0}; look at its disk")]
    File(#[from] std::io::Error),
}

fn advice(status: u16) -> &'static str {
    match status {
        401 | 403 | 407 => "look at `[feeds] mirror` and `[network] proxy`",
        404 | 410 => "it is not where it was; look at `[feeds] mirror`, or for a newer patchd",
        _ => "it is tried again later",
    }
}

impl FetchError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Net(error) => error.is_transient(),
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
            Self::File(_) => false,
        }
    }

    fn pause(&self) -> Option<Duration> {
        match self {
            Self::Status { after, .. } => after.map(Duration::from_secs),
            _ => None,
        }
    }
}

/// Brings it into `raw`, unless it is what is kept already.
pub(super) async fn fetch(
    door: &Door,
    proxy: Option<&str>,
    source: &Source,
    kept: Option<&Content>,
    raw: &mut File,
) -> Result<Fetched, FetchError> {
    let exchange = exchange(proxy, source, kept);
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS {
        match attempt(door, &exchange, raw).await {
            Err(error) if error.is_transient() => {
                let wanted = error.pause().unwrap_or(pause);
                if wanted > LONGEST_PAUSE {
                    return Err(error);
                }
                sleep(wanted).await;
            }
            ended => return ended,
        }
        pause *= 4;
    }
    attempt(door, &exchange, raw).await
}

fn exchange(proxy: Option<&str>, source: &Source, kept: Option<&Content>) -> Exchange {
    let mut exchange = Exchange {
        proxy: proxy.map(str::to_owned),
        timeout: TIMEOUT,
        // Only a mirror of the operator's is written so.
        plain_http: source.url.starts_with("http://"),
        ..Exchange::get(source.url.clone(), source.cap)
    };
    // Readers unpack it by themselves; what is packed already stays as it is.
    exchange = exchange.header("accept-encoding", "gzip");
    let same = kept.filter(|it| it.url.as_deref() == Some(&source.url));
    let conditions = same.map(|it| {
        [
            ("if-none-match", &it.etag),
            ("if-modified-since", &it.last_modified),
        ]
    });
    for (name, value) in conditions.into_iter().flatten() {
        if let Some(value) = value {
            exchange = exchange.header(name, value);
        }
    }
    exchange
}

async fn attempt(door: &Door, exchange: &Exchange, raw: &mut File) -> Result<Fetched, FetchError> {
    let answer = door.exchange(exchange).await?;
    let head = answer.head.clone();
    match head.status {
        200 => {
            raw.rewind().await?;
            raw.set_len(0).await?;
            answer.pour(raw).await?;
            raw.rewind().await?;
            Ok(Fetched::New(head))
        }
        304 => Ok(Fetched::Unchanged),
        status => Err(FetchError::Status {
            host: exchange.host(),
            status,
            after: head.retry_after.and_then(|it| it.parse().ok()),
        }),
    }
}
