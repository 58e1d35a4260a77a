//! Memory for bodies that are received or wait to be stored: bounded for all, and given out so that nobody reads half of a
//! body that there is no room for.
//!
//! A small body takes room as it comes. A large one waits its turn, first come first served, before a byte of it is read, and
//! then has room for all of it; large ones never have all the room, so that small ones get through beside them. While others
//! want room, who sends too slowly loses it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::rejected::Rejected;
use crate::config::Server;

/// The unit in which room is counted, in bytes.
const UNIT: usize = 1024;
/// Larger ones wait their turn. Also the most memory that is kept on a sender's word for what it has not sent yet, save in turn.
const SMALL_MAX: usize = 64 << 10;
/// What a delivery takes beside its body, in units: the buffers of its connection and what is being done with it (measured,
/// docs/performance.md).
const BESIDE: usize = 32;
const SMALL_WITHIN: Duration = Duration::from_secs(1);
const TURN_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What senders are told.
const NO_ROOM: Rejected = Rejected::Busy("too many bodies are being received");

/// The room for all bodies of a server.
pub(super) struct Room {
    all: Arc<Semaphore>,
    units: usize,
    /// What large bodies may have of it.
    large: Arc<Semaphore>,
    large_units: usize,
    /// What may wait for that.
    line: Semaphore,
    times: Times,
}

/// How long things may take.
struct Times {
    body: Duration,
    /// A small body, while others want its room.
    small: Duration,
    /// How long a large body waits for its turn before its sender is told to come back.
    turn: Duration,
    /// How often it is looked whether a body comes fast enough while others want room.
    look: Duration,
}

/// Room that is taken, until this is dropped.
pub(super) struct Held {
    all: OwnedSemaphorePermit,
    large: OwnedSemaphorePermit,
}

/// How a body should come.
struct Pace {
    declared: usize,
    began: Instant,
    look: tokio::time::Interval,
}

impl Room {
    pub(super) fn new(settings: &Server) -> Self {
        let units = settings.bodies_in_flight_bytes_max / UNIT;
        // The largest must fit, even where that leaves nothing beside it.
        let large_units = (units - units / 4).max(settings.body_bytes_max.div_ceil(UNIT)).min(units);
        Self {
            all: Arc::new(Semaphore::new(units)),
            units,
            large: Arc::new(Semaphore::new(large_units)),
            large_units,
            line: Semaphore::new(large_units),
            times: Times { body: Duration::from_millis(settings.body_timeout_ms), small: SMALL_WITHIN, turn: TURN_WITHIN, look: LOOK_EVERY },
        }
    }

    /// True while more than half of it is free.
    pub(super) fn is_roomy(&self) -> bool {
        self.all.available_permits() > self.units / 2
    }

    /// Reads a body of at most `bytes_max`, within the time that it has. Keep what is returned with it until it is stored.
    pub(super) async fn read(&self, body: &mut Body, bytes_max: usize) -> Result<(Bytes, Held), Rejected> {
        let declared = body.size_hint().exact().and_then(|length| usize::try_from(length).ok()).unwrap_or(SMALL_MAX);
        let mut held = if declared > SMALL_MAX { self.turn(declared).await? } else { self.small()? };
        let began = Instant::now();
        let pace = Pace { declared, began, look: tokio::time::interval_at(began + self.times.look, self.times.look) };
        let whole = tokio::time::timeout(self.times.body, self.fill(body, bytes_max, &mut held, pace));
        Ok((whole.await.map_err(|_| Rejected::TooSlow)??, held))
    }

    fn small(&self) -> Result<Held, Rejected> {
        Ok(Held { all: take(&self.all, BESIDE)?, large: take(&self.large, 0)? })
    }

    /// Waits until there is room for a large body.
    async fn turn(&self, bytes: usize) -> Result<Held, Rejected> {
        let units = bytes.div_ceil(UNIT).min(self.large_units);
        let _in_line = self.line.try_acquire_many(number(units)).map_err(|_| NO_ROOM)?;
        let turn = tokio::time::timeout(self.times.turn, Arc::clone(&self.large).acquire_many_owned(number(units)));
        let large = turn.await.map_err(|_| NO_ROOM)?.map_err(|_| NO_ROOM)?;
        Ok(Held { all: take(&self.all, (units + BESIDE).min(self.units))?, large })
    }

    async fn fill(&self, body: &mut Body, bytes_max: usize, held: &mut Held, mut pace: Pace) -> Result<Bytes, Rejected> {
        let mut whole = BytesMut::with_capacity(if pace.declared > SMALL_MAX { pace.declared } else { 0 });
        loop {
            let frame = tokio::select! {
                biased;
                frame = body.frame() => frame,
                _ = pace.look.tick() => {
                    if self.is_too_slow(&pace, whole.len()) {
                        return Err(NO_ROOM);
                    }
                    continue;
                }
            };
            let Some(frame) = frame else { return Ok(whole.freeze()) };
            let frame = frame.map_err(|_| Rejected::Broken)?;
            let Ok(data) = frame.into_data() else { continue };
            let length = whole.len() + data.len();
            if length > bytes_max {
                return Err(Rejected::TooLarge(bytes_max));
            }
            self.grow(held, length)?;
            if whole.capacity() == 0 {
                // Copied even when it came in one piece: that piece would hold the connection's whole buffer.
                whole.reserve(usize::try_from(body.size_hint().lower()).unwrap_or(SMALL_MAX).min(SMALL_MAX) + data.len());
            }
            whole.extend_from_slice(&data);
        }
    }

    /// Takes what is missing for so many bytes.
    fn grow(&self, held: &mut Held, bytes: usize) -> Result<(), Rejected> {
        let units = bytes.div_ceil(UNIT);
        let in_all = (units + BESIDE).min(self.units);
        held.all.merge(take(&self.all, in_all.saturating_sub(held.all.num_permits()))?);
        if bytes > SMALL_MAX {
            held.large.merge(take(&self.large, units.min(self.large_units).saturating_sub(held.large.num_permits()))?);
        }
        Ok(())
    }

    /// True when others want room, and the body would not be whole in its time if it went on like this: nobody can keep them out
    /// by declaring what never comes.
    fn is_too_slow(&self, pace: &Pace, bytes: usize) -> bool {
        let (is_wanted, within) = if pace.declared > SMALL_MAX {
            (self.line.available_permits() < self.large_units, self.times.body)
        } else {
            (self.all.available_permits() < BESIDE + SMALL_MAX / UNIT, self.times.small)
        };
        is_wanted && (bytes as f64) < pace.declared as f64 * pace.began.elapsed().div_duration_f64(within)
    }
}

fn take(room: &Arc<Semaphore>, units: usize) -> Result<OwnedSemaphorePermit, Rejected> {
    Arc::clone(room).try_acquire_many_owned(number(units)).map_err(|_| NO_ROOM)
}

fn number(units: usize) -> u32 {
    u32::try_from(units).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
