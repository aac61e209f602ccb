//! Mail by way of a server that the operator has named, most often this machine's
//! own: the plain dialogue of RFC 5321, without what a relay elsewhere would want.

use std::io;
use std::net::SocketAddr;

use reqwest::Url;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::exchange::{Exchange, Head, Kind, Refusal};

/// The longest line of a server, bytes, and the most lines of one reply.
const LINE: u64 = 2 << 10;
const LINES: usize = 64;

/// What of a server's words is passed on, signs.
const WORDS: usize = 200;

/// Where mail is taken unless another port is given.
const PORT: u16 = 25;

/// Hands the letter over. The server has it when this returns.
pub(super) async fn perform(exchange: &Exchange) -> Result<Head, Refusal> {
    let late = |_| {
        let sentence = format!("the mail server took longer than {:?}", exchange.timeout);
        Err(Refusal::new(Kind::Attempt, sentence))
    };
    let delivery = async {
        let server = connect(exchange).await?;
        deliver(server, exchange).await
    };
    let delivered = tokio::time::timeout(exchange.timeout, delivery).await;
    delivered.unwrap_or_else(late)
}

async fn connect(exchange: &Exchange) -> Result<TcpStream, Refusal> {
    let order = |sentence: String| Refusal::new(Kind::Order, sentence);
    let url = Url::parse(&exchange.url).ok();
    let host = url.as_ref().and_then(Url::host_str);
    let host = host.ok_or_else(|| order("this is no mail server".to_owned()))?;
    let host = host.trim_matches(['[', ']']);
    let port = url.as_ref().and_then(Url::port).unwrap_or(PORT);
    let away = |cause: io::Error| {
        Refusal::new(
            Kind::Attempt,
            format!("mail server {host} cannot be reached: {cause}"),
        )
    };
    let found = tokio::net::lookup_host((host, port)).await.map_err(away)?;
    let allowed: Vec<SocketAddr> = found
        .filter(|it| exchange.reach.allows(host, it.ip()))
        .collect();
    if allowed.is_empty() {
        return Err(order(format!("mail server {host} is link-local")));
    }
    TcpStream::connect(allowed.as_slice()).await.map_err(away)
}

/// The dialogue on an open connection.
async fn deliver(
    server: impl AsyncRead + AsyncWrite + Unpin,
    exchange: &Exchange,
) -> Result<Head, Refusal> {
    let from = envelope(exchange, "from")?;
    let to = envelope(exchange, "to")?;
    let domain = from.rsplit('@').next().unwrap_or_default();
    let mut server = BufReader::new(server);
    expect(&mut server, "greeting", 220).await?;
    for (command, code) in [
        (format!("EHLO {domain}"), 250),
        (format!("MAIL FROM:<{from}>"), 250),
        (format!("RCPT TO:<{to}>"), 250),
        ("DATA".to_owned(), 354),
    ] {
        send(&mut server, format!("{command}\r\n").as_bytes()).await?;
        expect(&mut server, &command, code).await?;
    }
    send(&mut server, &stuffed(&exchange.body)).await?;
    expect(&mut server, "the letter", 250).await?;
    // It has the letter already, whatever it says to this.
    let _polite = send(&mut server, b"QUIT\r\n").await;
    Ok(Head {
        status: 250,
        ..Head::default()
    })
}

/// An address of the envelope: nothing that could end a line or a bracket.
fn envelope<'a>(exchange: &'a Exchange, name: &str) -> Result<&'a str, Refusal> {
    let found = exchange.headers.iter().find(|(key, _)| key == name);
    let allowed = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>');
    found
        .map(|(_, address)| address.as_str())
        .filter(|it| (3..=254).contains(&it.len()) && it.contains('@') && it.chars().all(allowed))
        .ok_or_else(|| Refusal::new(Kind::Order, format!("{name:?} is no address of mail")))
}

/// Lines that begin with a dot get another, and one of a dot alone is the end.
fn stuffed(letter: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(letter.len() + 64);
    for line in letter.split_inclusive(|it| *it == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend(line);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend(b"\r\n");
    }
    stuffed.extend(b".\r\n");
    stuffed
}

async fn send(server: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<(), Refusal> {
    let sent = async {
        server.write_all(bytes).await?;
        server.flush().await
    };
    sent.await.map_err(|cause| lost(&cause))
}

/// Reads one reply, which may have several lines.
async fn expect(
    server: &mut (impl tokio::io::AsyncBufRead + Unpin),
    after: &str,
    code: u16,
) -> Result<(), Refusal> {
    for _ in 0..LINES {
        let mut line = Vec::new();
        let read = (&mut *server).take(LINE).read_until(b'\n', &mut line).await;
        read.map_err(|cause| lost(&cause))?;
        let text = String::from_utf8_lossy(&line);
        let number = text.get(..3).and_then(|it| it.parse::<u16>().ok());
        let Some(number) = number else {
            return Err(lost(&"it does not speak SMTP"));
        };
        if text.get(3..4) == Some("-") {
            continue;
        }
        // 251 is a yes as well: it knows where to send it on to.
        if number == code || (code == 250 && number == 251) {
            return Ok(());
        }
        let kind = match number {
            500..=599 => Kind::Order,
            _ => Kind::Attempt,
        };
        let words: String = text.trim().chars().filter(|c| !c.is_control()).collect();
        let words: String = words.chars().take(WORDS).collect();
        let sentence = format!("the mail server said {words:?} to {after:?}");
        return Err(Refusal::new(kind, sentence));
    }
    Err(lost(&"its reply has no end"))
}

fn lost(cause: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(Kind::Attempt, format!("the mail server was lost: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(text: &str) -> Exchange {
        Exchange::mail(
            "127.0.0.1:25",
            "patchd@web1",
            "ops@example.org",
            text.into(),
        )
    }

    /// A server that says these words one after the other, and what it heard.
    async fn with_server(exchange: Exchange, words: &[&str]) -> (Result<Head, Refusal>, String) {
        let (ours, theirs) = tokio::io::duplex(4096);
        let (mut listening, mut says) = tokio::io::split(theirs);
        let said = words.concat();
        let serve = async move {
            let _left = says.write_all(said.as_bytes()).await;
            let _left = says.shutdown().await;
            let mut heard = String::new();
            listening.read_to_string(&mut heard).await.expect("heard");
            heard
        };
        let talk = async move { deliver(ours, &exchange).await };
        tokio::join!(talk, serve)
    }

    const WILLING: [&str; 6] = [
        "220 here\r\n",
        "250-web1\r\n250 8BITMIME\r\n",
        "250 ok\r\n",
        "251 he has moved\r\n",
        "354 go on\r\n",
        "250 queued\r\n",
    ];

    #[tokio::test]
    async fn a_letter_is_handed_over_whole() {
        let (delivered, heard) = with_server(letter("Subject: x\r\n\r\n.a\r\nb"), &WILLING).await;
        assert_eq!(delivered.expect("delivered").status, 250);
        assert_eq!(
            heard,
            "EHLO web1\r\nMAIL FROM:<patchd@web1>\r\nRCPT TO:<ops@example.org>\r\nDATA\r\n\
             Subject: x\r\n\r\n..a\r\nb\r\n.\r\nQUIT\r\n"
        );
    }

    #[tokio::test]
    async fn no_is_for_ever_and_not_now_is_for_later() {
        let table = [
            ("550 no such user\r\n", Kind::Order),
            ("451 try again\r\n", Kind::Attempt),
            ("hello\r\n", Kind::Attempt),
            ("", Kind::Attempt),
        ];
        for (word, kind) in table {
            let [greeting, hello, sender, ..] = WILLING;
            let words = [greeting, hello, sender, word];
            let (delivered, heard) = with_server(letter("x"), &words).await;
            let refusal = delivered.expect_err(word);
            assert_eq!(refusal.kind, kind, "{}", refusal.sentence);
            assert!(!heard.contains("DATA"), "{word}");
        }
    }

    #[tokio::test]
    async fn a_server_without_end_is_left() {
        let endless = "220-a\r\n".repeat(100);
        let (delivered, _) = with_server(letter("x"), &[&endless]).await;
        assert!(delivered.is_err());
    }

    #[tokio::test]
    async fn an_address_that_ends_the_line_is_not_spoken() {
        let exchange = Exchange::mail("h:25", "a@b", "c@d>\r\nDATA", vec![]);
        let (delivered, heard) = with_server(exchange, &WILLING).await;
        assert_eq!(delivered.expect_err("refused").kind, Kind::Order);
        assert_eq!(heard, "");
    }
}
