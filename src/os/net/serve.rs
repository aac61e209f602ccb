//! `patchd net`: one order in, one exchange, its answer out.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::exchange::{Exchange, Kind, Method, Order, PROTOCOL, Refusal, Reply};
use super::{frame, http, smtp};
use crate::model::ExitCode;

/// The longest line of an order, bytes.
const LINE: u64 = 64 << 10;

/// The longest body that is sent, bytes.
const BODY: u64 = 4 << 20;

/// How long an order may take to come in.
const PATIENCE: Duration = Duration::from_secs(10);

/// The program, on its standard streams, which may be one socket.
#[must_use]
pub fn serve() -> ExitCode {
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = built else {
        return ExitCode::Failed;
    };
    let (Ok(from), Ok(to)) = (stream(&io::stdin()), stream(&io::stdout())) else {
        return ExitCode::Failed;
    };
    let answered = runtime.block_on(answer(from, to));
    // A thread that waits for input is of no use any more.
    runtime.shutdown_background();
    match answered {
        Ok(()) => ExitCode::Success,
        // Whoever ordered it has left, or will see that it broke off.
        Err(_) => ExitCode::Failed,
    }
}

/// Whatever it is: read and written by a thread, since it may be a file.
fn stream(standard: &impl AsFd) -> io::Result<tokio::fs::File> {
    let owned = standard.as_fd().try_clone_to_owned()?;
    Ok(tokio::fs::File::from_std(owned.into()))
}

/// As systemd would: one exchange for each connection, in a task of its own.
#[cfg(test)]
pub(crate) async fn serve_listener(listener: tokio::net::UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let (from, to) = stream.into_split();
        tokio::spawn(answer(from, to));
    }
}

/// Serves one order. An error means that the answer broke off.
pub(super) async fn answer(
    from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    let order = tokio::time::timeout(PATIENCE, order(from)).await;
    let late = |_| Err(Refusal::new(Kind::Order, "the order did not come in time"));
    let exchange = match order.unwrap_or_else(late) {
        Ok(exchange) => exchange,
        Err(refusal) => return reply(&mut to, &Reply::Refused(refusal)).await,
    };
    if exchange.method == Method::Mail {
        return match smtp::perform(&exchange).await {
            Ok(head) => {
                reply(&mut to, &Reply::Head(head)).await?;
                frame::end(&mut to).await
            }
            Err(refusal) => reply(&mut to, &Reply::Refused(refusal)).await,
        };
    }
    let mut response = match http::perform(&exchange).await {
        Ok(response) => response,
        Err(refusal) => return reply(&mut to, &Reply::Refused(refusal)).await,
    };
    reply(&mut to, &Reply::Head(http::head(&response))).await?;
    let mut left = exchange.cap;
    while let Some(piece) = response.chunk().await.map_err(io::Error::other)? {
        frame::send(&mut to, &piece).await?;
        // What goes beyond the cap is sent, so that its being too long is seen.
        let fits = left.checked_sub(piece.len() as u64);
        left = fits.ok_or(io::ErrorKind::FileTooLarge)?;
    }
    frame::end(&mut to).await
}

async fn order(from: impl AsyncRead + Unpin) -> Result<Exchange, Refusal> {
    let unusable = |cause: &dyn std::fmt::Display| {
        Refusal::new(Kind::Order, format!("the order cannot be read: {cause}"))
    };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    let read = (&mut from).take(LINE).read_until(b'\n', &mut line).await;
    read.map_err(|cause| unusable(&cause))?;
    let order: Order = serde_json::from_slice(&line).map_err(|cause| unusable(&cause))?;
    if order.protocol != PROTOCOL {
        return Err(unusable(&format!("it is of protocol {}", order.protocol)));
    }
    if order.body_bytes > BODY {
        return Err(unusable(&format!("its body is longer than {BODY} bytes")));
    }
    let mut exchange = order.exchange;
    let mut body = from.take(order.body_bytes);
    let read = body.read_to_end(&mut exchange.body).await;
    match read {
        Ok(length) if length as u64 == order.body_bytes => Ok(exchange),
        Ok(_) => Err(unusable(&"its body is cut short")),
        Err(cause) => Err(unusable(&cause)),
    }
}

async fn reply(to: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    to.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answered(order: &[u8]) -> String {
        let mut answer = Vec::new();
        super::answer(order, &mut answer).await.expect("answered");
        String::from_utf8(answer).expect("text")
    }

    #[tokio::test]
    async fn an_order_that_makes_no_sense_is_refused() {
        let order = Order {
            protocol: PROTOCOL,
            exchange: Exchange::post("https://example.org", vec![], 1),
            body_bytes: 3,
        };
        let line = serde_json::to_string(&order).expect("a line");
        let cases = [
            (String::new(), "cannot be read"),
            ("{}\n".to_owned(), "cannot be read"),
            ("x".repeat(100_000), "cannot be read"),
            (
                line.replace("\"protocol\":1", "\"protocol\":2"),
                "protocol 2",
            ),
            (format!("{line}\nab"), "cut short"),
            (
                line.replace("\"body_bytes\":3", "\"body_bytes\":9999999"),
                "longer than",
            ),
        ];
        for (order, why) in cases {
            let answer = answered(order.as_bytes()).await;
            assert!(
                answer.contains("refused") && answer.contains(why),
                "{answer}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_that_never_comes_is_not_waited_for() {
        let (_silent, from) = tokio::io::duplex(1);
        let mut to = Vec::new();
        super::answer(from, &mut to).await.expect("answered");
        assert!(String::from_utf8_lossy(&to).contains("in time"));
    }
}
