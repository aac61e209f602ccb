//! A body in pieces, so that its end can be told from its being cut short: each
//! has its length in four bytes before it, and the last one is empty.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest piece, bytes.
const LONGEST: usize = 64 << 10;

/// Sends some of a body.
pub(super) async fn send(sink: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result<()> {
    for piece in bytes.chunks(LONGEST) {
        let length = u32::try_from(piece.len()).map_err(Error::other)?;
        sink.write_all(&length.to_be_bytes()).await?;
        sink.write_all(piece).await?;
    }
    Ok(())
}

/// Says that this was all of it.
pub(super) async fn end(sink: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
    sink.write_all(&0_u32.to_be_bytes()).await?;
    sink.flush().await
}

/// The next piece; `None` at the end.
pub(super) async fn receive(source: &mut (impl AsyncRead + Unpin)) -> Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    source.read_exact(&mut length).await?;
    match usize::try_from(u32::from_be_bytes(length)).map_err(Error::other)? {
        0 => Ok(None),
        length if length > LONGEST => Err(ErrorKind::InvalidData.into()),
        length => {
            let mut piece = vec![0; length];
            source.read_exact(&mut piece).await?;
            Ok(Some(piece))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn received(bytes: &[u8]) -> Result<Vec<u8>> {
        let mut source = bytes;
        let mut body = Vec::new();
        while let Some(piece) = receive(&mut source).await? {
            body.extend(piece);
        }
        Ok(body)
    }

    #[tokio::test]
    async fn a_body_comes_through_whole_or_not_at_all() {
        for length in [0, 1, LONGEST, LONGEST + 1, 3 * LONGEST] {
            let body: Vec<u8> = (0..length)
                .map(|it| u8::try_from(it % 251).unwrap())
                .collect();
            let mut wire = Vec::new();
            send(&mut wire, &body).await.expect("sent");
            assert!(received(&wire).await.is_err(), "no end");
            end(&mut wire).await.expect("sent");
            assert_eq!(received(&wire).await.expect("whole"), body);
            assert!(received(&wire[..wire.len() - 1]).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_piece_beyond_the_bound_is_not_waited_for() {
        let error = received(&[0xff; 8]).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
