//! Whoever was told to come back later is left unread until then.
//!
//! To be asked again at once costs a server nearly as much as a delivery. So the connection of a refused request is not read
//! for a while: what comes on it waits in the kernel, and costs neither time nor memory of the server. A sender that obeys
//! `Retry-After` does not notice. As soon as there is room again, whoever has rested longest is read, so that nobody waits
//! for a server that has nothing to do (docs/decisions/0026).

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::rt::{Sleep, Timer};
use prometheus::IntGauge;
use tokio::sync::{Notify, Semaphore};

/// How many may come back in a second: the more rest, the longer each does, so that refusing takes a bounded share of the time.
const BACK_PER_SECOND: f64 = 1000.0;
/// The least that a sender is told, in seconds.
const RETRY_AFTER_MIN: f64 = 2.0;
/// No rest is longer, however many there are.
const LONGEST: Duration = Duration::from_secs(10);
/// Of two rests that begin together, the shorter lasts at least this share of the whole: or all would come back at once.
const SHORTEST: f64 = 0.75;
/// As many connections may keep their buffers while nothing comes on them.
const HEAVY_MAX: usize = 512;
/// Steps of this share of the whole spread what follows one another most evenly: the golden ratio.
const STEP: f64 = 0.618_034;

/// The resting connections of one server. Cheap to clone.
#[derive(Clone)]
pub struct Rests(Arc<All>);

struct All {
    /// How long a rest is when few rest; none when zero.
    lasts: Duration,
    timer: Box<dyn Timer + Send + Sync>,
    /// One for each connection that may be open.
    places: Arc<Semaphore>,
    places_max: usize,
    /// Connections and places that rest now.
    resting: IntGauge,
    begun: AtomicU32,
    room: Notify,
}

impl Rests {
    /// Nobody rests yet. A rest lasts no longer than `lasts` while few rest; `resting` shows how many there are.
    pub fn new(lasts: Duration, timer: impl Timer + Send + Sync + 'static, places: Arc<Semaphore>, resting: IntGauge) -> Self {
        let places_max = places.available_permits();
        Self(Arc::new(All { lasts, timer: Box::new(timer), places, places_max, resting, begun: AtomicU32::new(0), room: Notify::new() }))
    }

    /// A new connection's.
    #[must_use]
    pub fn one(&self) -> Rest {
        Rest(Arc::new(One { all: self.clone(), told: Mutex::new(Told::Nothing), is_unread: AtomicBool::new(false), phase: AtomicU8::new(Phase::Asked as u8) }))
    }

    /// How long somebody must stay away who is refused now.
    fn length(&self) -> Duration {
        let resting = self.0.resting.get() as f64;
        self.0.lasts.max(Duration::from_secs_f64(resting / BACK_PER_SECOND).min(LONGEST))
    }

    /// Rests: until the time has passed, or there is room again and nobody has waited longer.
    async fn pass(self, length: Duration) {
        let all = &self.0;
        let _counted = Counted::new(&all.resting);
        let number = all.begun.fetch_add(1, Ordering::Relaxed);
        let sleep = all.timer.sleep(length.mul_f64(SHORTEST + (1.0 - SHORTEST) * (f64::from(number) * STEP).fract()));
        tokio::select! {
            () = sleep => {}
            () = all.room.notified() => {}
        }
    }
}

/// What the sender of a connection's last request was told.
#[derive(Debug, Clone, Copy)]
enum Told {
    Nothing,
    /// To come back after this time; the connection stays.
    Later(Duration),
    /// To come back after this time, and the connection ends.
    LaterAnew(Duration),
}

/// The rest of one connection, among the extensions of its requests. Cheap to clone.
#[derive(Clone)]
pub struct Rest(Arc<One>);

struct One {
    all: Rests,
    told: Mutex<Told>,
    is_unread: AtomicBool,
    /// A [`Phase`].
    phase: AtomicU8,
}

/// How far the last request of a connection is.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It came, or something else is to come of it.
    Asked,
    Answered,
    Sending,
    Sent,
}

impl Rest {
    /// The sender is told to come back: nothing more is read from it until then. Returns after how many seconds.
    #[must_use]
    pub fn before_next(&self) -> u64 {
        self.tell(Told::Later)
    }

    /// The sender is told to come back, on another connection: its place is given to nobody else until then, or it could ask as
    /// often as it can connect. Returns after how many seconds.
    #[must_use]
    pub fn after_end(&self) -> u64 {
        self.tell(Told::LaterAnew)
    }

    /// The answer that is about to be given is whole: once it is sent, nothing is left to do for this connection.
    pub fn answered(&self) {
        self.0.phase.store(Phase::Answered as u8, Ordering::Relaxed);
    }

    /// A request begins.
    pub(super) fn begin(&self) {
        self.0.phase.store(Phase::Asked as u8, Ordering::Relaxed);
    }

    /// Some of what there is to send was sent.
    pub(super) fn wrote(&self) {
        self.step(Phase::Answered, Phase::Sending);
    }

    /// All of it was.
    pub(super) fn flushed(&self) {
        self.step(Phase::Sending, Phase::Sent);
    }

    /// True when the last request is done with.
    pub(super) fn is_sent(&self) -> bool {
        self.0.phase.load(Ordering::Relaxed) == Phase::Sent as u8
    }

    fn step(&self, from: Phase, to: Phase) {
        // From any other phase there is no such step.
        let _ = self.0.phase.compare_exchange(from as u8, to as u8, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// True when there are so many connections that one on which nothing comes should not cost memory.
    pub(super) fn should_be_light(&self) -> bool {
        let all = &self.0.all.0;
        all.places_max - all.places.available_permits().min(all.places_max) > HEAVY_MAX
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

    fn tell(&self, told: fn(Duration) -> Told) -> u64 {
        let length = self.0.all.length();
        if !self.0.all.0.lasts.is_zero() {
            *self.told() = told(length);
        }
        length.as_secs_f64().ceil().max(RETRY_AFTER_MIN) as u64
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when nothing may be read before a rest has passed.
    pub(super) fn owes_before_next(&self) -> bool {
        matches!(*self.told(), Told::Later(_))
    }

    /// The rest that must pass before anything is read, if there is one; it is owed once.
    pub(super) fn owed_before_next(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        let mut told = self.told();
        let Told::Later(length) = *told else { return None };
        *told = Told::Nothing;
        Some(self.0.all.clone().pass(length))
    }

    /// The rest that must pass before the place of a connection that ended is given to another, if there is one.
    pub(super) fn owed_after_end(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        match std::mem::replace(&mut *self.told(), Told::Nothing) {
            Told::Nothing => None,
            Told::Later(length) | Told::LaterAnew(length) => Some(self.0.all.clone().pass(length)),
        }
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
        f.debug_struct("Rest").field("told", &*self.told()).field("is_unread", &self.0.is_unread).finish_non_exhaustive()
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
