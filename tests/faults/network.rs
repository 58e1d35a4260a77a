//! F9: the network between hooklake and PostgreSQL resets, swallows, delays and loses answers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::invariants::all_hold;
use super::proxy::Weather;
use super::stage::Stage;
use crate::harness::wait_until;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_network_does_each_delivery_is_there_once() {
    let mut stage = Stage::behind_proxy().await;
    let load = stage.load("network", 4);
    let proxy = stage.proxy.as_ref().expect("behind one");
    for _ in 0..3 {
        load.acknowledges(15).await;
        proxy.set(Weather::CutAnswer);
        wait_until("the answer to a COMMIT was lost", async || proxy.is() == Weather::Fair).await;
    }
    for weather in [Weather::Reset, Weather::Blackhole, Weather::Deaf] {
        load.acknowledges(15).await;
        let trouble = || load.counts.later.load(Ordering::SeqCst);
        let before = trouble();
        proxy.set(weather);
        wait_until("senders are told to come again", async || trouble() >= before + 4).await;
        proxy.set(Weather::Fair);
    }
    // The pool is not exhausted for ever, and slowness is no error.
    proxy.set(Weather::Slow(Duration::from_millis(100)));
    load.acknowledges(10).await;
    proxy.set(Weather::Fair);
    load.acknowledges(30).await;
    let counts = load.stop().await;
    assert_eq!(counts.silent.load(Ordering::SeqCst), 0, "every request was answered: {counts:?}");
    all_hold(&mut stage).await;
    assert_eq!(stage.starts(), 1, "the server itself never ended");
}
