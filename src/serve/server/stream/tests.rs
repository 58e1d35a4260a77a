//! When a server is told that there is nothing to read for now, on real sockets.

use std::sync::Arc;

use hyper_util::rt::TokioTimer;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::*;
use crate::serve::server::rest::Rests;

/// A stream of a server with so many free places and so many taken ones, and the other end.
async fn stream(free: usize, taken: usize) -> (Stream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (other, accepted) = tokio::join!(TcpStream::connect(listener.local_addr().expect("an address")), listener.accept());
    let places = Arc::new(Semaphore::new(free + taken));
    let resting = prometheus::IntGauge::new("resting", "resting").expect("a gauge");
    let rests = Rests::new(Duration::from_mins(10), TokioTimer::new(), Arc::clone(&places), resting);
    places.try_acquire_many(taken as u32).expect("places").forget();
    (Stream::new(accepted.expect("accepted").0, rests.one()), other.expect("connected"))
}

async fn answer(stream: &mut Stream) {
    stream.rest.answered();
    stream.write_all(b"answer").await.expect("written");
    stream.flush().await.expect("flushed");
}

/// What one look at it reads; none when nothing came.
fn read(stream: &mut Stream) -> Option<io::Result<Vec<u8>>> {
    let mut bytes = [0; 64];
    let mut buffer = ReadBuf::new(&mut bytes);
    match Pin::new(stream).poll_read(&mut Context::from_waker(std::task::Waker::noop()), &mut buffer) {
        Poll::Ready(read) => Some(read.map(|()| buffer.filled().to_vec())),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn it_is_given_back_when_it_rests_even_if_something_came() {
    let (mut stream, mut other) = stream(10, 0).await;
    other.write_all(b"next").await.expect("sent");
    stream.comes().await;
    let _seconds = stream.rest.before_next();
    assert_eq!(read(&mut stream).expect("something").expect("read"), b"next", "the request is not answered yet");
    answer(&mut stream).await;
    assert!(read(&mut stream).expect("something").is_err());
    assert!(stream.take_back(b"ahead"));
    assert!(!stream.take_back(b"ahead"), "once");
    stream.comes().await;
    drop(stream.rest.owed_before_next());
    assert_eq!(read(&mut stream).expect("something").expect("read"), b"ahead", "what was read before comes first");
    assert!(read(&mut stream).is_none(), "and nothing after it yet");
}

#[tokio::test]
async fn one_of_many_is_given_back_when_nothing_comes() {
    let (mut few, _other) = stream(10, 100).await;
    answer(&mut few).await;
    assert!(read(&mut few).is_none(), "it keeps its buffers");
    let (mut one, mut other) = stream(10, 5000).await;
    assert!(read(&mut one).is_none(), "nothing was answered yet");
    answer(&mut one).await;
    assert!(read(&mut one).expect("something").is_err());
    assert!(one.take_back(b""));
    other.write_all(b"next").await.expect("sent");
    one.comes().await;
    assert_eq!(read(&mut one).expect("something").expect("read"), b"next");
    assert!(read(&mut one).is_none(), "a request has begun");
}
