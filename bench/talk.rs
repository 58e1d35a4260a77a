//! One connection of a sender: a request, its whole answer, the next request.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What the server said.
pub enum Answer {
    Accepted,
    Refused {
        retry_after: Duration,
    },
    /// Its first line.
    Odd(String),
}

pub struct Talk {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Talk {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, answer: Vec::with_capacity(2048) }
    }

    /// Sends a request and reads its answer. Fails when the connection ends before.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.answer.clear();
        let (mut reader, mut writer) = self.stream.split();
        let answer = &mut self.answer;
        // The answer may come before all was sent.
        let reading = async {
            while !is_whole(answer) {
                anyhow::ensure!(reader.read_buf(answer).await? > 0, "the server closed the connection");
            }
            anyhow::Ok(())
        };
        tokio::pin!(reading);
        tokio::select! {
            biased;
            // One that stops reading may have answered.
            _sent = writer.write_all(request) => reading.await?,
            read = &mut reading => read?,
        }
        if self.answer.starts_with(b"HTTP/1.1 200") {
            Ok(Answer::Accepted)
        } else if self.answer.starts_with(b"HTTP/1.1 503") {
            Ok(Answer::Refused { retry_after: Duration::from_secs(header(&self.answer, b"retry-after: ").unwrap_or(0)) })
        } else {
            Ok(Answer::Odd(String::from_utf8_lossy(&self.answer).lines().next().unwrap_or_default().to_owned()))
        }
    }

    /// True when the server ends the connection with what it said last.
    pub fn is_over(&self) -> bool {
        find(&self.answer, b"connection: close").is_some()
    }
}

/// True when the headers and as much body as they promise are there.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = find(answer, b"\r\n\r\n") else { return false };
    answer.len() as u64 >= end as u64 + 4 + header(&answer[..end], b"content-length: ").unwrap_or(0)
}

/// The number that a header holds.
fn header(answer: &[u8], name: &[u8]) -> Option<u64> {
    let at = find(answer, name)?;
    let digits = answer[at + name.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window.eq_ignore_ascii_case(what))
}
