//! One line of JSON, bounded, from a stream and to it.

use std::io;

use serde::Serialize;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

/// Bytes a line may have, its end included.
pub(super) const MOST: u64 = 64 * 1024;

/// Reads one line, without its end. A line that is too long, or cut off, is `InvalidData`.
pub(super) async fn read(stream: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(stream.take(MOST)).read_until(b'\n', &mut line).await?;
    if line.pop() == Some(b'\n') {
        return Ok(line);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "not one line of at most 64 KiB"))
}

/// Writes `value` as one line.
pub(super) async fn write(mut stream: impl AsyncWrite + Unpin, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_is_whole_and_bounded() {
        assert_eq!(read(&b"{}\nrest"[..]).await.unwrap(), b"{}");
        assert!(read(&b"{}"[..]).await.is_err());
        assert!(read(&b""[..]).await.is_err());
        let most = usize::try_from(MOST).unwrap();
        let mut long = vec![b' '; most - 1];
        long.push(b'\n');
        assert_eq!(read(&long[..]).await.unwrap().len(), most - 1);
        long.insert(0, b' ');
        assert!(read(&long[..]).await.is_err());
    }
}
