//! Who gets room and who waits, without a server.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::*;

const LENGTH: usize = 600 << 10;
const HOUR: Duration = Duration::from_hours(1);
/// What has not happened by then does not happen.
const HANGS_AFTER: Duration = Duration::from_mins(1);

/// Room for two megabytes, of which large bodies have one and a half.
fn room() -> Room {
    let mut settings = crate::config::Config::load(None, []).expect("the defaults are valid").server;
    (settings.body_bytes_max, settings.bodies_in_flight_bytes_max) = (1 << 20, 2 << 20);
    Room { times: Times { body: HOUR, small: HOUR, turn: HOUR, look: HOUR }, ..Room::new(&settings) }
}

/// A body of which so much is promised, and that comes when the test sends it.
struct Coming {
    left: usize,
    pieces: mpsc::UnboundedReceiver<Bytes>,
}

impl HttpBody for Coming {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.pieces.poll_recv(context).map(|piece| {
            let piece = piece?;
            self.left = self.left.saturating_sub(piece.len());
            Some(Ok(Frame::data(piece)))
        })
    }

    fn size_hint(&self) -> SizeHint {
        if self.left == 0 { SizeHint::new() } else { SizeHint::with_exact(self.left as u64) }
    }
}

fn coming(declared: usize) -> (mpsc::UnboundedSender<Bytes>, Body) {
    let (sender, pieces) = mpsc::unbounded_channel();
    (sender, Body::new(Coming { left: declared, pieces }))
}

fn whole(length: usize) -> Body {
    Body::from(vec![b'x'; length])
}

/// What a future that is looked at once says.
fn now<T>(future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[tokio::test]
async fn large_bodies_wait_their_turn_and_small_ones_get_through() {
    let room = room();
    let (first_piece, mut first) = coming(LENGTH);
    let (_second_piece, mut second) = coming(LENGTH);
    let mut third = whole(LENGTH);
    let mut fourth = whole(LENGTH);
    {
        let mut first = pin!(room.read(&mut first, 1 << 20));
        let mut second = pin!(room.read(&mut second, 1 << 20));
        assert!(now(first.as_mut()).is_none() && now(second.as_mut()).is_none(), "both have their turn and nothing came");
        let mut third = pin!(room.read(&mut third, 1 << 20));
        assert!(now(third.as_mut()).is_none(), "there is no room for all of it");
        let mut fourth = pin!(room.read(&mut fourth, 1 << 20));
        assert!(now(fourth.as_mut()).is_none());
        let (small, held) = room.read(&mut whole(SMALL_MAX), 1 << 20).await.ok().expect("there is room beside the large ones");
        assert_eq!(small.len(), SMALL_MAX);
        drop(held);

        first_piece.send(Bytes::from(vec![b'1'; LENGTH])).expect("sent");
        drop(first_piece);
        let (bytes, held) = now(first.as_mut()).expect("it is whole").ok().expect("and taken");
        assert_eq!(bytes.len(), LENGTH);
        assert!(now(third.as_mut()).is_none(), "the first is not stored yet");
        drop(held);
        assert!(now(fourth.as_mut()).is_none(), "first come, first served");
        assert_eq!(now(third.as_mut()).expect("its turn").ok().expect("taken").0.len(), LENGTH);
        assert!(now(fourth.as_mut()).is_some(), "the third was dropped at once");
    }
}

#[tokio::test]
async fn only_so_much_waits_and_who_left_gives_its_room_back() {
    let room = room();
    {
        let mut bodies: Vec<_> = (0..4).map(|_| coming(LENGTH)).collect();
        let mut reads: Vec<_> = bodies.iter_mut().map(|(_, body)| Box::pin(room.read(body, 1 << 20))).collect();
        assert!(reads.iter_mut().all(|read| now(read.as_mut()).is_none()), "two have their turn, two wait");
        let refused = room.read(&mut whole(LENGTH), 1 << 20).await;
        assert!(matches!(refused, Err(Rejected::Busy(_))), "one more is refused before it is read");
    }
    assert_eq!((room.all.available_permits(), room.large.available_permits(), room.line.available_permits()), (2048, 1536, 1536));
}

#[tokio::test]
async fn who_promises_much_and_sends_nothing_keeps_nobody_out() {
    let mut room = room();
    room.times.look = Duration::from_millis(1);
    let (_first, mut first) = coming(1 << 20);
    let mut silent = pin!(room.read(&mut first, 1 << 20));
    assert!(now(silent.as_mut()).is_none());
    // While nobody waits, it may be as slow as it likes.
    assert!(tokio::time::timeout(room.times.look * 20, silent.as_mut()).await.is_err());
    let mut body = whole(LENGTH);
    let waiting = async { room.read(&mut body, 1 << 20).await.ok().expect("its turn came").0.len() };
    let both = async { tokio::join!(silent, waiting) };
    let (given_up, length) = tokio::time::timeout(HANGS_AFTER, both).await.expect("the silent one is given up");
    assert!(matches!(given_up, Err(Rejected::Busy(_))));
    assert_eq!(length, LENGTH);
}

#[tokio::test]
async fn who_sends_little_by_little_keeps_nobody_out() {
    let mut room = room();
    (room.times.look, room.times.small) = (Duration::from_millis(1), Duration::from_millis(1));
    let (_first, mut first) = coming(1000);
    let mut slow = pin!(room.read(&mut first, 1 << 20));
    assert!(now(slow.as_mut()).is_none());
    // While there is room, it may be as slow as it likes.
    assert!(tokio::time::timeout(room.times.look * 20, slow.as_mut()).await.is_err());
    let mut others = Vec::new();
    while let Ok(small) = room.small() {
        others.push(small);
    }
    assert_eq!(others.len(), 2048 / BESIDE - 1, "what a delivery takes beside its body counts");
    let given_up = tokio::time::timeout(HANGS_AFTER, slow).await.expect("it is given up");
    assert!(matches!(given_up, Err(Rejected::Busy(_))));
    assert!(room.small().is_ok());
}

#[tokio::test]
async fn a_length_that_was_not_told_takes_no_more_than_large_bodies_may() {
    let room = room();
    let (piece, mut told) = coming(1 << 20);
    let mut told = pin!(room.read(&mut told, 1 << 20));
    assert!(now(told.as_mut()).is_none());
    let untold = Body::from_stream(futures::stream::iter((0..10).map(|_| Ok::<_, std::convert::Infallible>(Bytes::from(vec![b'y'; 60 << 10])))));
    let mut untold = untold;
    assert!(matches!(room.read(&mut untold, 1 << 20).await, Err(Rejected::Busy(_))));
    assert_eq!(room.all.available_permits(), 1024 - BESIDE, "what it had is free again");
    drop(piece);
}
