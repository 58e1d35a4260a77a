//! A connection's bytes: read in small pieces, given back when nothing is to be read for now, and ended so that the last
//! answer arrives.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::rt::Sleep;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, Take};
use tokio::net::TcpStream;

use super::rest::Rest;

/// The most bytes of one read. One less than hyper would take for a reason to make the connection's buffer larger than 16 KB.
const READ_BYTES_MAX: u64 = (16 << 10) - 1;
/// For how long, and for how many bytes, the rest of a request is thrown away that is answered already. To close while it is
/// on its way would make the kernel reset the connection, and many senders would never see the answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 32 << 20;

/// The stream of one connection.
pub struct Stream {
    io: Take<TcpStream>,
    rest: Rest,
    /// Was read before, for the request that comes next.
    ahead: Bytes,
    is_given_back: bool,
    lingering: Option<Lingering>,
}

struct Lingering {
    until: Pin<Box<dyn Sleep>>,
    bytes_left: usize,
}

impl Stream {
    /// A connection that was accepted.
    pub fn new(io: TcpStream, rest: Rest) -> Self {
        Self { io: io.take(READ_BYTES_MAX), rest, ahead: Bytes::new(), is_given_back: false, lingering: None }
    }

    /// Waits until there is something to read, or the other end has gone.
    pub async fn comes(&self) {
        if self.ahead.is_empty() {
            // An error is one of the next read as well.
            drop(self.io.get_ref().readable().await);
        }
    }

    /// True, once, when it ended a server only because nothing is to be read for now. What that server had read ahead comes first
    /// in the next one.
    pub fn take_back(&mut self, ahead: &[u8]) -> bool {
        // Copied: even where nothing was read ahead, it holds the whole buffer of that server.
        self.ahead = Bytes::copy_from_slice(ahead);
        std::mem::take(&mut self.is_given_back)
    }

    /// Ends whoever reads.
    fn give_back(&mut self) -> Poll<io::Result<()>> {
        self.is_given_back = true;
        Poll::Ready(Err(io::Error::other("nothing is to be read for now")))
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.rest.is_sent() && this.rest.owes_before_next() {
            return this.give_back();
        }
        let before = buffer.filled().len();
        if this.ahead.is_empty() {
            this.io.set_limit(READ_BYTES_MAX);
            match Pin::new(&mut this.io).poll_read(context, buffer) {
                Poll::Pending if this.rest.is_sent() && this.rest.should_be_light() => return this.give_back(),
                Poll::Ready(Ok(())) => {}
                other => return other,
            }
        } else {
            let count = this.ahead.len().min(buffer.remaining());
            buffer.put_slice(&this.ahead[..count]);
            this.ahead.advance(count);
        }
        if buffer.filled().len() > before && this.rest.is_sent() {
            this.rest.begin();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.rest.wrote();
        Pin::new(this.io.get_mut()).poll_write(context, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.rest.wrote();
        Pin::new(this.io.get_mut()).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.get_ref().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(this.io.get_mut()).poll_flush(context))?;
        // hyper flushes when it has written all that it has.
        this.rest.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.lingering.is_none() {
            ready!(Pin::new(this.io.get_mut()).poll_shutdown(context))?;
            if !this.rest.is_unread() {
                return Poll::Ready(Ok(()));
            }
        }
        let rest = &this.rest;
        let lingering = this.lingering.get_or_insert_with(|| Lingering { until: rest.sleep(LINGER), bytes_left: LINGER_BYTES_MAX });
        while lingering.bytes_left > 0 && lingering.until.as_mut().poll(context).is_pending() {
            let mut piece = [MaybeUninit::uninit(); READ_BYTES_MAX as usize];
            let mut piece = ReadBuf::uninit(&mut piece);
            let is_read = ready!(Pin::new(this.io.get_mut()).poll_read(context, &mut piece)).is_ok();
            if !is_read || piece.filled().is_empty() {
                break;
            }
            lingering.bytes_left = lingering.bytes_left.saturating_sub(piece.filled().len());
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
