//! Whoever was told to come back later is left unread until then.
//!
//! To be asked again at once costs a server nearly as much as a delivery. So the connection of a refused request is not read
//! for a while: what comes on it waits in the kernel, and costs neither time nor memory of the server. A sender that obeys
//! `Retry-After` does not notice. As soon as there is room again, whoever has rested longest is read, so that nobody waits
//! for a server that has nothing to do (docs/decisions/0026).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use prometheus::IntGauge;
use tokio::sync::{Notify, Semaphore};

/// Of two rests that begin together, the shorter lasts at least this share of the whole: or all would come back at once.
const SHORTEST: f64 = 0.75;
/// Steps of this share of the whole spread what follows one another most evenly: the golden ratio.
const STEP: f64 = 0.618_034;

/// The resting connections of one server. Cheap to clone.
#[derive(Clone)]
pub struct Rests(Arc<All>);

struct All {
    /// The longest rest; none when zero.
    lasts: Duration,
    timer: Box<dyn Timer + Send + Sync>,
    /// One for each connection that may be open.
    places: Arc<Semaphore>,
    /// Connections and places that rest now.
    resting: IntGauge,
    begun: AtomicU32,
    room: Notify,
}

impl Rests {
    /// Nobody rests yet. A rest lasts no longer than `lasts`; `resting` shows how many there are.
    pub fn new(lasts: Duration, timer: impl Timer + Send + Sync + 'static, places: Arc<Semaphore>, resting: IntGauge) -> Self {
        Self(Arc::new(All { lasts, timer: Box::new(timer), places, resting, begun: AtomicU32::new(0), room: Notify::new() }))
    }

    /// A new connection's.
    #[must_use]
    pub fn one(&self) -> Rest {
        Rest(Arc::new(One { all: self.clone(), told: AtomicU8::new(Told::Nothing as u8), is_unread: AtomicBool::new(false) }))
    }

    /// Rests: until the time has passed, or there is room again and nobody has waited longer.
    async fn pass(self) {
        let all = &self.0;
        let _counted = Counted::new(&all.resting);
        let number = all.begun.fetch_add(1, Ordering::Relaxed);
        let sleep = all.timer.sleep(all.lasts.mul_f64(SHORTEST + (1.0 - SHORTEST) * (f64::from(number) * STEP).fract()));
        tokio::select! {
            () = sleep => {}
            () = all.room.notified() => {}
        }
    }
}

/// What the sender of a connection's last request was told.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    /// To come back later; the connection stays.
    Later,
    /// To come back later, and the connection ends.
    LaterAnew,
}

/// The rest of one connection, among the extensions of its requests. Cheap to clone.
#[derive(Clone)]
pub struct Rest(Arc<One>);

struct One {
    all: Rests,
    /// A [`Told`].
    told: AtomicU8,
    is_unread: AtomicBool,
}

impl Rest {
    /// The sender was told to come back later: nothing more is read from it until then.
    pub fn before_next(&self) {
        self.tell(Told::Later);
    }

    /// The sender was told to come back later, on another connection: its place is given to nobody else until then, or it
    /// could ask as often as it can connect.
    pub fn after_end(&self) {
        self.tell(Told::LaterAnew);
    }

    /// Part of a request is left unread, and the connection ends: it must not end so that the answer is lost.
    pub fn leave_unread(&self) {
        self.0.is_unread.store(true, Ordering::Relaxed);
    }

    /// True when something was left unread.
    pub(super) fn is_unread(&self) -> bool {
        self.0.is_unread.load(Ordering::Relaxed)
    }

    /// True when others wait for a connection to end.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        self.0.all.0.places.available_permits() == 0
    }

    /// There is room for so many: those who have rested longest are read now.
    pub fn wake_others(&self, count: usize) {
        let all = &self.0.all.0;
        for _ in 0..count.min(usize::try_from(all.resting.get()).unwrap_or(0)) {
            all.room.notify_one();
        }
    }

    fn tell(&self, told: Told) {
        if !self.0.all.0.lasts.is_zero() {
            self.0.told.store(told as u8, Ordering::Relaxed);
        }
    }

    /// The rest that must pass before anything is read, if there is one; it is owed once.
    pub(super) fn owed_before_next(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        let told = &self.0.told;
        told.compare_exchange(Told::Later as u8, Told::Nothing as u8, Ordering::Relaxed, Ordering::Relaxed).is_ok().then(|| self.0.all.clone().pass())
    }

    /// The rest that must pass before the place of a connection that ended is given to another, if there is one.
    pub(super) fn owed_after_end(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        (self.0.told.swap(Told::Nothing as u8, Ordering::Relaxed) != Told::Nothing as u8).then(|| self.0.all.clone().pass())
    }

    /// For times that are not those of a rest.
    pub(super) fn sleep(&self, duration: Duration) -> std::pin::Pin<Box<dyn Sleep>> {
        self.0.all.0.timer.sleep(duration)
    }
}

impl std::fmt::Debug for Rests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rests").field("lasts", &self.0.lasts).field("resting", &self.0.resting.get()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Rest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rest").field("told", &self.0.told).field("is_unread", &self.0.is_unread).finish_non_exhaustive()
    }
}

/// One more rests, until this is dropped.
struct Counted(IntGauge);

impl Counted {
    fn new(resting: &IntGauge) -> Self {
        resting.inc();
        Self(resting.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests;
