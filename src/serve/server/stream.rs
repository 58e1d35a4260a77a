//! A connection's bytes: read in small pieces, not at all while it rests, and ended so that the last answer arrives.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

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
    pausing: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    lingering: Option<Lingering>,
}

struct Lingering {
    until: Pin<Box<dyn Sleep>>,
    bytes_left: usize,
}

impl Stream {
    /// A connection that was accepted.
    pub fn new(io: TcpStream, rest: Rest) -> Self {
        Self { io: io.take(READ_BYTES_MAX), rest, pausing: None, lingering: None }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if let Some(owed) = this.rest.owed_before_next() {
            this.pausing = Some(Box::pin(owed));
        }
        if let Some(pausing) = &mut this.pausing {
            ready!(pausing.as_mut().poll(context));
            this.pausing = None;
        }
        this.io.set_limit(READ_BYTES_MAX);
        Pin::new(&mut this.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().io.get_mut()).poll_write(context, bytes)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().io.get_mut()).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.get_ref().is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().io.get_mut()).poll_flush(context)
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
