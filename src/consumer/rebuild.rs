//! Fills a fresh copy of what a consumer keeps beside the live one, from the log's start, and swaps the two.
//!
//! ```text
//! lease of the copy ─→ filled to the log's end ─→ indexes ─→ what came meanwhile ─→ live consumer held still ─→ swap
//! ```
//!
//! Readers see the old one until the swap and the new one after it. A rebuild that was killed goes on where it stood.

use std::time::{Duration, Instant};

use super::checkpoint::{self, Lease};
use super::copy;
use super::runner::{Place, Runner, STAND_BY, Step};
use super::{Consumer, Error, Moment, Next};
use crate::db::views;
use crate::domain::{OWN_SOURCE, Places, Position};
use crate::failpoint;
use crate::log::{BatchLimits, Reader};

/// How often a copy is tried to be shown before readers that hold the tables make it fail, and how long readers get in between.
const READER_TRIES: u32 = 80;
const READER_PAUSE: Duration = Duration::from_millis(500);
/// How much longer than a lease holds a rebuild waits for one whose owner may be gone.
const LEASE_GRACE: Duration = Duration::from_secs(5);
/// Batches up to this size are read while the one before is taken; the memory for larger ones is needed once only.
const READ_AHEAD_BYTES_MAX: i64 = 16 << 20;

/// Told where the copy stands and where the log ends.
pub type Report<'a> = &'a mut (dyn FnMut(Position, Position) + Send);

/// What becomes of a copy that is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It takes the live one's place.
    Swap,
    /// It stays beside the live one, until another rebuild goes on with it.
    Keep,
}

impl Runner {
    /// Rebuilds a consumer; `progress` is told where the copy stands and where the log ends. Returns the position of
    /// the swap.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another process rebuilds it at this moment.
    pub async fn rebuild(&self, live: &dyn Consumer, progress: Report<'_>) -> Result<Position, Error> {
        self.rebuild_and(live, Then::Swap, progress).await
    }

    /// Fills a copy of what a consumer keeps, and swaps it or leaves it there. Returns through which position.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another process fills it at this moment.
    pub async fn rebuild_and(&self, live: &dyn Consumer, then: Then, progress: Report<'_>) -> Result<Position, Error> {
        checkpoint::enroll(&self.database, live.name(), live.version()).await?;
        let lease = self.lease_of_copy(&checkpoint::copy_name(live.name())).await?;
        let outcome = self.fill_and(live, then, &lease, progress).await;
        // After a swap the copy's row is gone, and its lease with it.
        drop(lease.release(&self.database).await);
        outcome
    }

    /// The lease of a copy. A process that was killed filling it keeps its lease until that has run out.
    async fn lease_of_copy(&self, name: &str) -> Result<Lease, Error> {
        checkpoint::enroll(&self.database, name, 0).await?;
        let lease = self.lease_in_time(name).await?;
        self.holding(&lease, self.outwait(&lease)).await?;
        Ok(lease)
    }

    /// A lease, once that of an owner who is gone has run out.
    async fn lease_in_time(&self, name: &str) -> Result<Lease, Error> {
        let patience = Instant::now() + self.lease_ttl + LEASE_GRACE;
        loop {
            if let Some(lease) = checkpoint::acquire_for(&self.database, name, &self.owner, self.lease_ttl).await? {
                return Ok(lease);
            }
            if Instant::now() >= patience || self.stop.sleep(STAND_BY).await.is_stopped() {
                return Err(Error::LeaseLost(name.to_owned()));
            }
        }
    }

    /// Waits for the end of what an owner before may be writing still, who was paused and is found out only by what comes next.
    async fn outwait(&self, lease: &Lease) -> Result<(), Error> {
        let mut connection = self.database.get().await?;
        let transaction = connection.transaction().await?;
        lease.hold(&transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn fill_and(&self, live: &dyn Consumer, then: Then, lease: &Lease, progress: Report<'_>) -> Result<Position, Error> {
        let mut copy = live.beside().await?;
        let position = match copy.open().await {
            // It was begun on another log than this restored one: there is nothing to go on with.
            Err(error) if error.next() == Next::Halt => {
                checkpoint::restart(&self.database, &lease.consumer, 0).await?;
                copy = live.beside().await?;
                copy.open().await?
            }
            opened => opened?,
        };
        checkpoint::unpark_beyond(&self.database, &lease.consumer, position).await?;
        let mut place = Place { position, since: None };
        self.fill_to_end(copy.as_mut(), lease, &mut place, progress).await?;
        self.catch_up(live.name(), copy.as_mut(), lease, &mut place, progress).await?;
        if then == Then::Keep {
            return Ok(place.position);
        }
        let filled = Moment::now(&self.database).await?;
        let mut tries = 0;
        while let Err(error) = self.swap(live, copy.as_mut(), lease, &mut place, &filled).await {
            self.wait_for_readers(lease, error, &mut tries).await?;
            // Whoever begins while it waits may be shown what the copy has by then, which is to be as new as the live one.
            self.catch_up(live.name(), copy.as_mut(), lease, &mut place, progress).await?;
        }
        Ok(place.position)
    }

    /// Gives readers that are in the way of a copy their time, and says so where `status` finds it; the error, when it is another
    /// or those who hold the tables had enough of it.
    async fn wait_for_readers(&self, lease: &Lease, error: Error, tries: &mut u32) -> Result<(), Error> {
        let reason = match &error {
            // However long it takes: nobody is held up but the copy.
            Error::Readers(_) => error.to_string(),
            Error::Database(cause) if views::is_busy(cause) && *tries < READER_TRIES => {
                *tries += 1;
                "a query reads the old tables".to_owned()
            }
            _ => return Err(error),
        };
        tracing::debug!(consumer = lease.consumer, "{} is filled and waits: {reason}", lease.consumer);
        checkpoint::complain(&self.database, lease, &reason).await?;
        self.stop.sleep(READER_PAUSE).await;
        self.go_on(lease)?;
        if Instant::now() >= lease.due() {
            lease.renew(&self.database).await?;
        }
        Ok(())
    }

    /// Takes what the live consumer has seen meanwhile, until that is less than a batch. Not to the log's end, which
    /// under load is never reached; the rest is taken while the live one is held still.
    async fn catch_up(&self, live: &str, copy: &mut dyn Consumer, lease: &Lease, place: &mut Place, progress: Report<'_>) -> Result<(), Error> {
        loop {
            let live_at = checkpoint::position(&self.database, live).await?;
            let behind = place.position.distance_to(live_at);
            while place.position < live_at && self.step(copy, lease, place).await? != Step::Nothing {
                progress(place.position, self.tail.seen());
                self.go_on(lease)?;
            }
            if behind <= u64::from(copy.limits().entries) {
                return Ok(());
            }
        }
    }

    /// Builds what a consumer kept when it had seen the log through a position, beside the live one, in the schema
    /// [`schema_as_of`](copy::schema_as_of); an earlier one is replaced. Returns how many events could not be taken
    /// and are missing in it; none for a consumer that keeps no tables.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another process does so at this moment.
    pub async fn rebuild_as_of(&self, live: &dyn Consumer, at: Position, progress: Report<'_>) -> Result<Option<u64>, Error> {
        checkpoint::enroll(&self.database, live.name(), live.version()).await?;
        let lease = self.lease_of_copy(&checkpoint::as_of_name(live.name())).await?;
        let outcome = self.fill_as_of(live, at, &lease, progress).await;
        drop(lease.release(&self.database).await);
        outcome
    }

    async fn fill_as_of(&self, live: &dyn Consumer, at: Position, lease: &Lease, progress: Report<'_>) -> Result<Option<u64>, Error> {
        let Some(mut copy) = live.as_of().await? else { return Ok(None) };
        let mut place = Place { position: copy.open().await?, since: None };
        checkpoint::unpark_beyond(&self.database, &lease.consumer, place.position).await?;
        self.fill_through(copy.as_mut(), lease, &mut place, at, progress).await?;
        let filled = Moment::now(&self.database).await?;
        let mut tries = 0;
        loop {
            let is_behind_all = filled.is_behind_all(&**self.database.get().await?).await;
            let Err(error) = is_behind_all else { break };
            self.wait_for_readers(lease, error, &mut tries).await?;
        }
        // All acts since, which takes its time on a long log; with the live one held, only those that came meanwhile.
        let seen = checkpoint::position(&self.database, live.name()).await?.max(at);
        let taken = self.holding(lease, self.taken_between(at, seen)).await?;
        let mut connection = self.database.get().await?;
        let mut transaction = connection.transaction().await?;
        lease.hold(&transaction).await?;
        let live_at = checkpoint::hold(&transaction, live.name()).await?;
        let taken = taken.and(self.taken_between(seen, live_at).await?);
        copy.publish(&mut transaction, at, taken).await?;
        // It follows the log no further, so it is no consumer.
        let missing = checkpoint::forget(&transaction, &lease.consumer).await?;
        transaction.commit().await?;
        Ok(Some(missing))
    }

    /// What acts between two positions took out of the log.
    async fn taken_between(&self, after: Position, until: Position) -> Result<Places, Error> {
        let reader = Reader::new(self.database.clone());
        let (mut taken, mut after) = (Places::default(), after);
        while after < until {
            let batch = reader.after(after, None, Some(&[OWN_SOURCE]), BatchLimits::default()).await?;
            if batch.span.is_empty() {
                break;
            }
            taken = taken.and(Places::of(&batch.envelopes));
            after = batch.span.through;
        }
        Ok(taken)
    }

    /// Removes the copies of a consumer that stand beside the live one.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another process fills one at this moment.
    pub async fn discard_copies(&self, live: &dyn Consumer) -> Result<(), Error> {
        let copies =
            [(checkpoint::copy_name(live.name()), copy::schema_beside(live.name())), (checkpoint::as_of_name(live.name()), copy::schema_as_of(live.name()))];
        for (name, schema) in copies {
            self.lease_of_copy(&name).await?;
            let mut connection = self.database.get().await?;
            let transaction = connection.transaction().await?;
            copy::remove(&transaction, &schema).await?;
            checkpoint::forget(&transaction, &name).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Removes all that a consumer keeps which settings switch off: nobody would take out of it what is redacted. Does nothing when
    /// it keeps nothing.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] when another process has it switched on, and follows.
    pub async fn discard(&self, consumer: &dyn Consumer) -> Result<(), Error> {
        if !checkpoint::is_enrolled(&self.database, consumer.name()).await? {
            return Ok(());
        }
        let lease = self.lease_in_time(consumer.name()).await?;
        self.discard_copies(consumer).await?;
        let mut tries = 0;
        while let Err(error) = self.empty(consumer, &lease).await {
            self.wait_for_readers(&lease, error, &mut tries).await?;
        }
        tracing::info!(consumer = consumer.name(), "{} is switched off, and what it kept is removed; switched on again, it is made anew", consumer.name());
        Ok(())
    }

    async fn empty(&self, consumer: &dyn Consumer, lease: &Lease) -> Result<(), Error> {
        let mut connection = self.database.get().await?;
        let transaction = connection.transaction().await?;
        lease.hold(&transaction).await?;
        let tables: Vec<_> = consumer.tables().iter().map(|table| format!("{}.{table}", copy::LIVE_SCHEMA)).collect();
        transaction.batch_execute(&format!("SET LOCAL lock_timeout = '2s'; TRUNCATE {}", tables.join(", "))).await?;
        checkpoint::forget(&transaction, consumer.name()).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Fills a copy to what is the end of the log now, and completes it.
    async fn fill_to_end(&self, copy: &mut dyn Consumer, lease: &Lease, place: &mut Place, progress: Report<'_>) -> Result<(), Error> {
        let head = Reader::new(self.database.clone()).head().await?.position;
        self.fill_through(copy, lease, place, head, progress).await
    }

    async fn fill_through(&self, copy: &mut dyn Consumer, lease: &Lease, place: &mut Place, until: Position, progress: Report<'_>) -> Result<(), Error> {
        progress(place.position, until);
        match copy.filler() {
            Some(filler) => self.fill(filler, lease, place, until, progress).await?,
            None => self.fill_in_order(copy, lease, place, until, progress).await?,
        }
        self.holding(lease, copy.complete(lease)).await
    }

    /// Fills a copy one batch after another, reading the next while one is taken.
    async fn fill_in_order(&self, copy: &mut dyn Consumer, lease: &Lease, place: &mut Place, until: Position, progress: Report<'_>) -> Result<(), Error> {
        let reader = Reader::new(self.database.clone());
        let sources = copy.sources().map(|sources| sources.iter().map(ToString::to_string).collect::<Vec<_>>());
        let sources = sources.as_ref().map(|sources| sources.iter().map(String::as_str).collect::<Vec<_>>());
        let limits = copy.limits();
        let read = async |place: Place| {
            let left = u32::try_from(place.position.distance_to(until)).unwrap_or(u32::MAX);
            let limits = BatchLimits { entries: limits.entries.min(left), ..limits };
            reader.after(place.position, place.since, sources.as_deref(), limits).await
        };
        let mut ahead = None;
        while place.position < until {
            let batch = match ahead.take() {
                Some(batch) => batch,
                None => read(*place).await?,
            };
            let beyond = place.beyond(&batch);
            let reads_ahead = limits.bytes <= READ_AHEAD_BYTES_MAX && beyond.position < until;
            let reading = async { if reads_ahead { Some(read(beyond).await) } else { None } };
            let (taken, next) = tokio::join!(self.take(copy, lease, &batch), reading);
            taken?;
            ahead = next.transpose()?;
            *place = beyond;
            progress(place.position, until);
            self.go_on(lease)?;
        }
        Ok(())
    }

    /// An error when it is time to stop.
    fn go_on(&self, lease: &Lease) -> Result<(), Error> {
        if self.stop.is_told() { Err(Error::LeaseLost(lease.consumer.clone())) } else { Ok(()) }
    }

    /// Holds the live consumer still, takes what it has seen and the copy has not, and swaps, in one transaction.
    async fn swap(&self, live: &dyn Consumer, copy: &mut dyn Consumer, lease: &Lease, place: &mut Place, filled: &Moment) -> Result<(), Error> {
        // Acts that the copy has taken and the live one has not: they come to it no more. To forget twice does no harm.
        let live_at = checkpoint::position(&self.database, live.name()).await?;
        let before = place.position;
        let taken = self.taken_between(live_at, before).await?;
        let mut connection = self.database.get().await?;
        let mut transaction = connection.transaction().await?;
        transaction.batch_execute("SET LOCAL lock_timeout = '2s'").await?;
        let live_at = checkpoint::hold(&transaction, live.name()).await?;
        while place.position < live_at && self.step(copy, lease, place).await? != Step::Nothing {}
        // A step goes beyond where the live one stands, when there is more.
        let taken = taken.and(self.taken_between(before, place.position).await?);
        // Before tables are locked. A copy that another owner fills is not swapped under them.
        lease.hold(&transaction).await?;
        live.forget_as_of(&mut transaction, taken).await?;
        failpoint::reach(failpoint::REBUILD_BEFORE_SWAP);
        copy.swap(&transaction, filled).await?;
        checkpoint::replace(&transaction, live.name(), &lease.consumer).await?;
        transaction.commit().await?;
        Ok(())
    }
}
