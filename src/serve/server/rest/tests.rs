//! When rests end, by a timer that a test turns.

use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use super::*;

const LASTS: Duration = Duration::from_secs(2);

/// A timer whose time passes when a test says so.
#[derive(Clone, Default)]
struct Hand(Arc<Mutex<Duration>>);

impl Hand {
    fn turn(&self, by: Duration) {
        *self.0.lock().expect("a lock") += by;
    }
}

struct Sleeping {
    hand: Hand,
    until: Duration,
}

impl Future for Sleeping {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if *self.hand.0.lock().expect("a lock") >= self.until { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Sleep for Sleeping {}

impl Timer for Hand {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(Sleeping { hand: self.clone(), until: *self.0.lock().expect("a lock") + duration })
    }

    fn sleep_until(&self, _: Instant) -> Pin<Box<dyn Sleep>> {
        unreachable!("rests are so long, not until then")
    }
}

fn rests(lasts: Duration, places: usize) -> (Rests, Hand, IntGauge) {
    let (hand, resting) = (Hand::default(), IntGauge::new("resting", "resting").expect("a gauge"));
    (Rests::new(lasts, hand.clone(), Arc::new(Semaphore::new(places)), resting.clone()), hand, resting)
}

fn is_over(future: Pin<&mut impl Future<Output = ()>>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_rest_is_owed_once_and_lasts_its_time() {
    let (rests, hand, resting) = rests(LASTS, 1);
    let rest = rests.one();
    assert!(rest.owed_before_next().is_none() && rest.owed_after_end().is_none(), "nobody was told anything");
    assert_eq!(rest.before_next(), 2, "seconds");
    let mut owed = pin!(rest.owed_before_next().expect("owed"));
    assert!(rest.owed_before_next().is_none() && rest.owed_after_end().is_none(), "once");
    assert!(!is_over(owed.as_mut()));
    assert_eq!(resting.get(), 1);
    hand.turn(LASTS.mul_f64(SHORTEST * 0.99));
    assert!(!is_over(owed.as_mut()));
    hand.turn(LASTS.mul_f64(1.0 - SHORTEST * 0.99));
    assert!(is_over(owed.as_mut()));
    assert_eq!(resting.get(), 0);
    assert_eq!(rest.after_end(), 2);
    assert!(rest.owed_before_next().is_none(), "the connection that ends is not the one that rests");
    assert!(rest.owed_after_end().is_some(), "but its place");
}

#[test]
fn those_who_were_refused_together_do_not_come_back_together() {
    let (rests, hand, resting) = rests(LASTS, 1);
    let mut owed: Vec<_> = (0..100).map(|_| Box::pin(rests.clone().pass(LASTS))).collect();
    assert!(owed.iter_mut().all(|one| !is_over(one.as_mut())));
    assert_eq!(resting.get(), 100);
    let mut back = Vec::new();
    for _ in 0..20 {
        hand.turn(LASTS / 20);
        let before = owed.len();
        owed.retain_mut(|one| !is_over(one.as_mut()));
        back.push(before - owed.len());
    }
    assert!(owed.is_empty(), "all within the time: {back:?}");
    assert!(back[..14].iter().all(|count| *count == 0), "{back:?}");
    assert!(back[15..].iter().all(|count| (10..=30).contains(count)), "{back:?}");
}

#[test]
fn when_there_is_room_those_who_rest_longest_are_read() {
    let (rests, _hand, resting) = rests(LASTS, 1);
    let rest = rests.one();
    rest.wake_others(5);
    let mut owed: Vec<_> = (0..4).map(|_| Box::pin(rests.clone().pass(LASTS))).collect();
    assert!(owed.iter_mut().all(|one| !is_over(one.as_mut())), "room that nobody waited for is not kept");
    rest.wake_others(2);
    let over: Vec<bool> = owed.iter_mut().map(|one| is_over(one.as_mut())).collect();
    assert_eq!(over, [true, true, false, false]);
    drop(owed);
    assert_eq!(resting.get(), 0, "who is gone does not rest");
}

#[test]
fn rests_can_be_done_without_and_places_are_looked_at() {
    let (rests, _hand, _resting) = rests(Duration::ZERO, 1);
    let rest = rests.one();
    assert_eq!(rest.before_next(), 2, "who obeys does so anyway");
    assert!(rest.owed_before_next().is_none() && rest.owed_after_end().is_none());
    assert!(!rest.is_crowded());
    let place = Arc::clone(&rests.0.places).try_acquire_owned().expect("a place");
    assert!(rest.is_crowded(), "nobody else can connect");
    drop(place);
    assert!(!rest.is_crowded());
}

#[test]
fn the_more_rest_the_longer_they_do() {
    let (rests, hand, resting) = rests(LASTS, 1);
    resting.set(5000);
    let rest = rests.one();
    assert_eq!(rest.before_next(), 5, "a thousand come back in a second");
    let mut owed = pin!(rest.owed_before_next().expect("owed"));
    assert!(!is_over(owed.as_mut()));
    hand.turn(Duration::from_secs(3));
    assert!(!is_over(owed.as_mut()));
    hand.turn(Duration::from_secs(2));
    assert!(is_over(owed.as_mut()));
    resting.set(1_000_000);
    assert_eq!(rest.before_next(), LONGEST.as_secs());
}

#[test]
fn a_request_is_done_with_when_its_whole_answer_was_sent() {
    let (rests, _hand, _resting) = rests(LASTS, 1);
    let rest = rests.one();
    rest.flushed();
    rest.wrote();
    assert!(!rest.is_sent(), "an invitation to send the body is no answer");
    rest.answered();
    rest.flushed();
    assert!(!rest.is_sent(), "nothing was written");
    rest.wrote();
    assert!(!rest.is_sent(), "not all of it");
    rest.flushed();
    assert!(rest.is_sent());
    rest.begin();
    assert!(!rest.is_sent(), "the next was with it");
}
