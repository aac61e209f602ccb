//! The exchange itself. Nothing is taken from the environment, nothing is
//! followed or spoken to that the order does not allow.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Proxy, Response, Url};

use super::exchange::{Exchange, Head, Kind, Method, Reach, Refusal};

/// How long a host may take to let us in.
const CONNECT: Duration = Duration::from_secs(15);

/// How long it may be silent.
const SILENCE: Duration = Duration::from_secs(30);

/// The longest time that may be ordered.
const LONGEST: Duration = Duration::from_mins(15);

/// The longest word of an answer's head that is passed on, characters.
const WORD: usize = 256;

/// Sends the request; what comes back has its body still to come.
pub(super) async fn perform(exchange: &Exchange) -> Result<Response, Refusal> {
    let url = target(exchange)?;
    let host = host(&url).to_owned();
    let client = client(exchange, &url)?;
    let request = match exchange.method {
        Method::Get => client.get(url),
        Method::Post | Method::Mail => client.post(url).body(exchange.body.clone()),
    };
    let sent = request.headers(headers(exchange)?).send().await;
    let response = sent.map_err(|error| refusal(&host, exchange, &error))?;
    match response.content_length() {
        Some(length) if length > exchange.cap => Err(Refusal::new(
            Kind::Cap,
            format!(
                "{host} announces {length} bytes, more than the {} that are taken",
                exchange.cap
            ),
        )),
        _ => Ok(response),
    }
}

/// What of its head is worth passing on.
pub(super) fn head(response: &Response) -> Head {
    let word = |name: &str| {
        let value = response.headers().get(name)?.to_str().ok()?;
        (value.len() <= WORD).then(|| value.to_owned())
    };
    Head {
        status: response.status().as_u16(),
        etag: word("etag"),
        last_modified: word("last-modified"),
        retry_after: word("retry-after"),
    }
}

fn target(exchange: &Exchange) -> Result<Url, Refusal> {
    let order = |sentence: String| Refusal::new(Kind::Order, sentence);
    let url =
        Url::parse(&exchange.url).map_err(|cause| order(format!("this is no URL: {cause}")))?;
    let host = host(&url);
    let is_literal = host
        .parse()
        .is_ok_and(|address: IpAddr| !exchange.reach.allows(host, address));
    match url.scheme() {
        "http" if !exchange.plain_http => Err(order(format!(
            "{host} is to be spoken to without encryption, which is not allowed here; write https"
        ))),
        "http" | "https" if is_literal => Err(order(forbidden(host))),
        "http" | "https" => Ok(url),
        other => Err(order(format!("{other} is not spoken here; write https"))),
    }
}

/// As an address is written elsewhere: without brackets.
fn host(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']')
}

fn client(exchange: &Exchange, url: &Url) -> Result<Client, Refusal> {
    // The first call of the process counts; a later one has nothing to do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let fault = |error: reqwest::Error| Refusal::new(Kind::Order, innermost(&error));
    let mut builder = Client::builder()
        .user_agent(concat!("patchd/", env!("CARGO_PKG_VERSION")))
        .redirect(redirects(exchange))
        .no_proxy()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .timeout(exchange.timeout.min(LONGEST));
    // Plain HTTP must work on a machine that has no certificate authorities.
    if url.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    }
    builder = match &exchange.proxy {
        // Names are its own to look up.
        Some(proxy) => builder.proxy(Proxy::all(proxy).map_err(fault)?),
        None => builder.dns_resolver(Checked(exchange.reach.clone())),
    };
    builder.build().map_err(fault)
}

fn redirects(exchange: &Exchange) -> Policy {
    let most = match exchange.reach {
        Reach::Anywhere => usize::from(exchange.redirects),
        Reach::PublicOnly { .. } => 0,
    };
    if most == 0 {
        return Policy::none();
    }
    Policy::custom(move |attempt| {
        let from = attempt.previous().last().map(Url::scheme);
        match may_follow(from, attempt.url().scheme(), attempt.previous().len(), most) {
            Ok(()) => attempt.follow(),
            Err(sentence) => attempt.error(sentence),
        }
    })
}

fn may_follow(from: Option<&str>, to: &str, hops: usize, most: usize) -> Result<(), String> {
    match (from, to) {
        (Some("https"), "https") if hops <= most => Ok(()),
        (Some("https"), "https") => Err(format!("it redirects more than {most} times")),
        _ => Err("it redirects without encryption, which is not followed".to_owned()),
    }
}

/// Looks names up, and hands on none but the addresses that may be spoken to:
/// what was checked is what is connected to.
struct Checked(Reach);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|it| reach.allows(host, it.ip())).collect();
            if allowed.is_empty() {
                return Err(forbidden(host).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn forbidden(host: &str) -> String {
    format!("{host} is not on the public internet, and was not named as an exception")
}

fn headers(exchange: &Exchange) -> Result<HeaderMap, Refusal> {
    let mut headers = HeaderMap::new();
    for (name, value) in &exchange.headers {
        let unusable = || Refusal::new(Kind::Order, format!("header {name:?} cannot be sent"));
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?;
        let value = HeaderValue::from_str(value).map_err(|_| unusable())?;
        headers.append(key, value);
    }
    Ok(headers)
}

fn refusal(host: &str, exchange: &Exchange, error: &reqwest::Error) -> Refusal {
    let cause = innermost(error);
    match () {
        () if error.is_timeout() => Refusal::new(
            Kind::Attempt,
            format!("{host} gave no answer within {:?}", exchange.timeout),
        ),
        () if error.is_builder() || error.is_redirect() => {
            Refusal::new(Kind::Order, format!("{host}: {cause}"))
        }
        () => Refusal::new(Kind::Attempt, format!("{host} cannot be reached: {cause}")),
    }
}

/// The cause that says something; what is around it repeats the URL, which may
/// hold a password.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_followed_from_https_to_https_and_not_for_ever() {
        assert!(may_follow(Some("https"), "https", 1, 5).is_ok());
        assert!(may_follow(Some("https"), "https", 5, 5).is_ok());
        assert!(may_follow(Some("https"), "https", 6, 5).is_err());
        for (from, to) in [("https", "http"), ("http", "https"), ("http", "http")] {
            assert!(may_follow(Some(from), to, 1, 5).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn a_target_that_is_not_allowed_is_refused_before_anything_is_sent() {
        let refused = |url: &str, plain_http| {
            let exchange = Exchange {
                plain_http,
                ..Exchange::post(url, vec![], 1)
            };
            target(&exchange).expect_err(url).sentence
        };
        assert!(refused("http://example.org/", false).contains("write https"));
        assert!(refused("ftp://example.org/", true).contains("ftp"));
        assert!(refused("example.org", true).contains("no URL"));
        for local in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            assert!(
                refused(local, false).contains("not on the public"),
                "{local}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_connected_to() {
        let resolver = Checked(Reach::PublicOnly { besides: vec![] });
        let name = "localhost".parse().expect("a name");
        let error = resolver.resolve(name).await.err().expect("refused");
        assert!(error.to_string().contains("not on the public"), "{error}");
    }
}
