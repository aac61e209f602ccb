//! What is ordered, and the first thing that is heard of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Of the order; who does not know it refuses.
pub(super) const PROTOCOL: u32 = 1;

/// Redirects that are followed unless told otherwise.
const REDIRECTS: u8 = 5;

/// How long an exchange may take unless told otherwise.
const TIMEOUT: Duration = Duration::from_mins(1);

/// One request, with everything that bounds it and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What is done.
    pub method: Method,
    /// To what.
    pub url: String,
    /// Names and values, on top of what every request has.
    pub headers: Vec<(String, String)>,
    /// What is sent along; it follows the order's line.
    #[serde(skip)]
    pub body: Vec<u8>,
    /// Through which proxy; none from the environment.
    pub proxy: Option<String>,
    /// The longest answer that is taken, bytes.
    pub cap: u64,
    /// How long all of it may take.
    pub timeout: Duration,
    /// How many redirects are followed, from https to https alone.
    pub redirects: u8,
    /// Whether it may go unencrypted.
    pub plain_http: bool,
    /// Which addresses may be spoken to.
    pub reach: Reach,
}

/// What is done with what is at a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// It is fetched.
    Get,
    /// Something is handed to it.
    Post,
    /// It is a mail server, and takes a letter; headers `from` and `to` are the
    /// envelope's.
    Mail,
}

/// Which addresses may be spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// All: the operator has chosen the URL, and what comes back is only read.
    Anywhere,
    /// Public ones, and no redirect is followed: so that nobody is made to speak
    /// to what trusts this machine.
    PublicOnly {
        /// Hosts that may be private or loopback all the same, because the
        /// operator has named them; link-local is never allowed.
        besides: Vec<String>,
    },
}

/// What is known before the body of an answer comes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The HTTP status, whatever it is.
    pub status: u16,
    /// Names this very content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// When the content changed last, in HTTP's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// After how many seconds to come back, or when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
}

/// The line of an order.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub protocol: u32,
    pub exchange: Exchange,
    pub body_bytes: u64,
}

/// The line that comes back.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reply {
    /// There is an answer, and its body follows.
    Head(Head),
    /// There is none.
    Refused(Refusal),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    pub kind: Kind,
    /// One sentence without credentials.
    pub sentence: String,
}

/// What it takes until there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Another order.
    Order,
    /// Another attempt.
    Attempt,
    /// A higher cap.
    Cap,
}

impl Exchange {
    /// Fetches something of at most so many bytes, encrypted.
    #[must_use]
    pub fn get(url: impl Into<String>, cap: u64) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            proxy: None,
            cap,
            timeout: TIMEOUT,
            redirects: REDIRECTS,
            plain_http: false,
            reach: Reach::Anywhere,
        }
    }

    /// Hands something over; what is answered has at most so many bytes. Goes to
    /// public addresses alone, and nowhere else than told.
    #[must_use]
    pub fn post(url: impl Into<String>, body: Vec<u8>, cap: u64) -> Self {
        Self {
            method: Method::Post,
            body,
            redirects: 0,
            reach: Reach::PublicOnly {
                besides: Vec::new(),
            },
            ..Self::get(url, cap)
        }
    }

    /// Hands a letter to the mail server at `host:port`, which the operator has
    /// named, so that it may be a neighbour.
    #[must_use]
    pub fn mail(server: &str, from: &str, to: &str, letter: Vec<u8>) -> Self {
        let (host, _) = server.rsplit_once(':').unwrap_or((server, ""));
        let host = host.trim_matches(['[', ']']).to_owned();
        Self {
            method: Method::Mail,
            reach: Reach::PublicOnly {
                besides: vec![host],
            },
            ..Self::post(format!("smtp://{server}"), letter, 0)
        }
        .header("from", from)
        .header("to", to)
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl Exchange {
    /// Whom it is with, for messages: a URL may hold what must not be shown.
    #[must_use]
    pub fn host(&self) -> String {
        let url = reqwest::Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(reqwest::Url::host_str);
        host.unwrap_or("the host of an unreadable URL").to_owned()
    }
}

impl Refusal {
    pub fn new(kind: Kind, sentence: impl Into<String>) -> Self {
        Self {
            kind,
            sentence: sentence.into(),
        }
    }
}
