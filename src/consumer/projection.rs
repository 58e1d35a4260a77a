//! A consumer that keeps PostgreSQL tables: what the [`Projector`] writes and the checkpoint are one transaction.
//!
//! The live tables are in the schema `projections`, and people read them through views of the same names; a rebuild fills
//! tables of the same shape in a schema of its own, which comes first in the search path then, and swaps them in one
//! transaction. So a projector names its tables without a schema.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use super::copy::{self, LIVE_SCHEMA};
use super::{Consumer, Error, Filler, Lease, Moment, Next, Retaken, checkpoint, forget};
use crate::db::{Database, Transaction, views};
use crate::domain::{Envelope, OWN_SOURCE, Places, Position, Span};
use crate::failpoint;
use crate::log::Batch;

/// How a transaction on projections runs.
///
/// - It need not be on disk when it returns: the checkpoint is lost with the rows, and they are made again. Whatever is
///   done because a consumer came so far (a swap, a purge) is on disk only after everything before it.
/// - Plans are kept, and the first are made while the tables are empty: a plan that reads a whole table would stay when
///   it has grown.
/// - A plan is for all values. Planning anew for those at hand takes longer than what it could save.
const ENTER: &str = "SET LOCAL synchronous_commit = off; SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_generic_plan";

/// Positions of which derived rows are made at once: what they touch is held in memory.
const DERIVED_AT_ONCE: i64 = 5_000;

/// Writes rows for envelopes. The same envelopes give the same rows, whenever they are read: nothing but the log and
/// the projector's own tables is looked at.
#[async_trait]
pub trait Projector: Clone + Send + Sync + 'static {
    /// The name of the consumer.
    const NAME: &'static str;
    /// Raised when the same log would give other rows.
    const VERSION: i32;
    /// The tables that it alone writes.
    const TABLES: &'static [&'static str];
    /// The sources that it follows; none for all of them.
    const SOURCES: Option<&'static [&'static str]> = None;
    /// True for one that reads what it needs of the log itself, by the batch's span: it is given spans without envelopes
    /// as well.
    const BY_SPAN: bool = false;
    /// False when its tables are [`FOLDED`](Self::FOLDED), save those that [`settle`](Self::settle) makes of these, whatever
    /// their order: then a copy can be filled out of order, and what is derived is made when it is complete.
    const IN_ORDER: bool = true;
    /// Those of its tables in which each row is made from the one envelope at its `position`. When that is redacted or
    /// retired, the row is deleted, and made again from what the log still says.
    const FOLDED: &'static [&'static str] = Self::TABLES;
    /// The statement that notes what [`settle`](Self::settle), or who makes them again, needs to know of rows of [`FOLDED`](Self::FOLDED) that are
    /// about to be deleted, or from which nothing has been derived: those at the positions `$1`, and from each of `$2`
    /// through its fellow of `$3`.
    const REMEMBER: Option<&'static str> = None;

    /// [`VERSION`](Self::VERSION), unless settings have a say in it: then another one whenever they have changed.
    fn version(&self) -> i32 {
        Self::VERSION
    }

    /// True when this event gives the same rows if it comes after later ones, so that a parked one can be taken late;
    /// otherwise the projection is rebuilt for it.
    fn takes_late(&self, _envelope: &Envelope) -> bool {
        false
    }

    /// Writes the rows of a batch.
    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error>;

    /// Writes the rows of a batch that are [`FOLDED`](Self::FOLDED).
    async fn record(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        self.project(transaction, batch).await
    }

    /// Brings its other tables up to date after rows of [`FOLDED`](Self::FOLDED) were deleted and made again: what
    /// [`REMEMBER`](Self::REMEMBER) noted.
    async fn settle(&self, _transaction: &Transaction<'_>) -> Result<(), Error> {
        Ok(())
    }

    /// True when it follows this source.
    #[must_use]
    fn follows(source: &str) -> bool {
        Self::SOURCES.is_none_or(|sources| sources.contains(&source))
    }
}

/// How much of a projection is written at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All of it.
    Whole,
    /// Only what comes from one envelope: the rest is made when the copy is complete.
    Records,
}

/// True for an error that the same again would meet again: the rows, or the tables, are not as the code expects.
fn is_lasting(error: &Error) -> bool {
    let is_other_shape = matches!(error, Error::Database(error) if error.sqlstate().is_some_and(|state| state.code().starts_with("42")));
    is_other_shape || error.next() == Next::Park
}

/// The consumer of a projector: the live one, or a copy that a rebuild fills.
#[derive(Debug, Clone)]
pub struct Projection<P> {
    database: Database,
    projector: P,
    name: String,
    schema: String,
    /// What it reads: the projector's sources, and hooklake's own records, among which are acts of forgetting.
    sources: Option<Vec<&'static str>>,
}

impl<P: Projector> Projection<P> {
    /// The live projection.
    #[must_use]
    pub fn new(database: Database, projector: P) -> Self {
        Self::named(database, projector, P::NAME.to_owned(), LIVE_SCHEMA.to_owned())
    }

    fn named(database: Database, projector: P, name: String, schema: String) -> Self {
        let acts = (!P::FOLDED.is_empty()).then_some(OWN_SOURCE);
        let sources = P::SOURCES.map(|sources| sources.iter().copied().chain(acts).collect());
        Self { database, projector, name, schema, sources }
    }

    /// The batch without what only acts are looked for in.
    fn followed(batch: &Batch) -> Cow<'_, Batch> {
        if batch.envelopes.iter().all(|envelope| P::follows(&envelope.source)) {
            return Cow::Borrowed(batch);
        }
        let mut followed = batch.clone();
        followed.envelopes.retain(|envelope| P::follows(&envelope.source));
        Cow::Owned(followed)
    }

    /// Makes the derived tables of a copy: anew, so that nothing stays that followed from rows which have gone since.
    async fn derive(&self, derived: &[&str], remember: &str, lease: &Lease) -> Result<(), Error> {
        let mut connection = self.database.get().await?;
        let transaction = connection.transaction().await?;
        let filled = lease.hold(&transaction).await?.get();
        let emptied: Vec<_> = derived.iter().map(|table| format!("{}.{table}", self.schema)).collect();
        transaction.batch_execute(&format!("TRUNCATE {}", emptied.join(", "))).await?;
        transaction.commit().await?;
        let mut first = 1;
        while first <= filled {
            let last = first + DERIVED_AT_ONCE - 1;
            let transaction = connection.transaction().await?;
            self.enter(&transaction).await?;
            lease.hold(&transaction).await?;
            let statement = transaction.prepare_cached(remember).await?;
            transaction.execute(&statement, &[&Vec::<i64>::new(), &vec![first], &vec![last]]).await?;
            self.projector.settle(&transaction).await?;
            transaction.commit().await?;
            failpoint::reach(failpoint::REBUILD_DERIVING);
            first = last + 1;
        }
        Ok(())
    }

    /// Makes a transaction one on this projection's tables.
    async fn enter(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        Ok(transaction.batch_execute(&format!("SET LOCAL search_path = {}, {LIVE_SCHEMA}; {ENTER}", self.schema)).await?)
    }
}

#[async_trait]
impl<P: Projector> Consumer for Projection<P> {
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> i32 {
        self.projector.version()
    }

    fn sources(&self) -> Option<&[&str]> {
        self.sources.as_deref()
    }

    async fn open(&mut self) -> Result<Position, Error> {
        let position = checkpoint::position(&self.database, &self.name).await?;
        let fence = checkpoint::fence(&self.database, &self.name).await?;
        checkpoint::agree(&self.database, &self.name, position, fence, position).await?;
        Ok(position)
    }

    async fn apply(&mut self, batch: &Batch, lease: &Lease) -> Result<(), Error> {
        let mut connection = self.database.get().await?;
        let mut transaction = connection.transaction().await?;
        self.enter(&transaction).await?;
        // First, so that an owner that lost its lease writes nothing, and two of them never deadlock over rows.
        lease.advance(&transaction, batch.span).await?;
        let followed = Self::followed(batch);
        if P::BY_SPAN || !followed.envelopes.is_empty() {
            self.projector.project(&transaction, &followed).await?;
        }
        // Whoever reads an act reads the log as the act left it: only rows of earlier batches may hold more.
        let places = Places::of(&batch.envelopes);
        if !places.is_empty() {
            forget::in_tables(&self.projector, &self.name, &self.database, &mut transaction, &places, Extent::Whole).await?;
            if self.schema == LIVE_SCHEMA {
                self.forget_as_of(&mut transaction, places).await?;
            }
        }
        failpoint::reach(failpoint::PROJECTION_BEFORE_COMMIT);
        transaction.commit().await?;
        failpoint::reach(failpoint::PROJECTION_AFTER_COMMIT);
        Ok(())
    }

    async fn retake(&mut self, envelope: &Envelope, lease: &Lease) -> Result<Retaken, Error> {
        if !self.projector.takes_late(envelope) {
            return Ok(Retaken::ByRebuild);
        }
        let mut connection = self.database.get().await?;
        let transaction = connection.transaction().await?;
        self.enter(&transaction).await?;
        lease.unpark(&transaction, envelope.position).await?;
        let span = Span { after: Position::new(envelope.position.get() - 1), through: envelope.position };
        let alone = Batch { span, envelopes: vec![envelope.clone()], head: envelope.position };
        let followed = Self::followed(&alone);
        if !followed.envelopes.is_empty() {
            self.projector.project(&transaction, &followed).await?;
        }
        transaction.commit().await?;
        Ok(Retaken::Done)
    }

    fn another(&self) -> Box<dyn Consumer> {
        Box::new(self.clone())
    }

    async fn beside(&self) -> Result<Box<dyn Consumer>, Error> {
        let schema = copy::schema_beside(P::NAME);
        let name = checkpoint::copy_name(P::NAME);
        let mut connection = self.database.get().await?;
        let made = connection
            .query_opt("SELECT version FROM hooklake.consumers WHERE name = $1 AND to_regnamespace($2) IS NOT NULL", &[&name, &schema])
            .await?
            .map(|row| row.get::<_, i32>(0));
        // A rebuild that was killed goes on where it stood, unless the code has changed since.
        if made != Some(self.projector.version()) {
            let transaction = connection.transaction().await?;
            copy::make(&transaction, &schema, P::TABLES).await?;
            transaction.commit().await?;
            checkpoint::restart(&self.database, &name, self.projector.version()).await?;
        }
        Ok(Box::new(Self { name, schema, ..self.clone() }))
    }

    fn tables(&self) -> &[&str] {
        P::TABLES
    }

    async fn as_of(&self) -> Result<Option<Box<dyn Consumer>>, Error> {
        let (schema, name) = (copy::schema_as_of(P::NAME), checkpoint::as_of_name(P::NAME));
        let mut connection = self.database.get().await?;
        let transaction = connection.transaction().await?;
        copy::make(&transaction, &schema, P::TABLES).await?;
        transaction.commit().await?;
        checkpoint::restart(&self.database, &name, self.projector.version()).await?;
        Ok(Some(Box::new(Self { name, schema, ..self.clone() })))
    }

    async fn publish(&mut self, transaction: &mut Transaction<'_>, at: Position, taken: Places) -> Result<(), Error> {
        let taken = taken.through(at);
        if !taken.is_empty() {
            self.enter(transaction).await?;
            forget::in_tables(&self.projector, &self.name, &self.database, transaction, &taken, Extent::Whole).await?;
        }
        copy::publish(transaction, &self.schema, at).await
    }

    /// A copy that cannot forget any more, since its tables are of another time than the code, is removed: it must not go on
    /// telling.
    async fn forget_as_of(&self, transaction: &mut Transaction<'_>, taken: Places) -> Result<(), Error> {
        let schema = copy::schema_as_of(P::NAME);
        let Some(at) = copy::published(transaction, &schema).await? else { return Ok(()) };
        let places = taken.through(at);
        if places.is_empty() {
            return Ok(());
        }
        if let Some(table) = copy::lacks(transaction, &schema, P::TABLES).await? {
            // What it has no table for would be written to the live one.
            tracing::warn!(schema, table, "{schema} has no {table}, which came later, and is removed");
            copy::remove(transaction, &schema).await?;
            return Ok(());
        }
        // Rolled back when dropped, as after an error.
        let mut savepoint = transaction.transaction().await?;
        savepoint.batch_execute(&format!("SET LOCAL search_path = {schema}, {LIVE_SCHEMA}")).await?;
        match forget::in_tables(&self.projector, &checkpoint::as_of_name(P::NAME), &self.database, &mut savepoint, &places, Extent::Whole).await {
            Ok(()) => savepoint.commit().await?,
            // A database that is busy or away says nothing about the copy: the same again, later.
            Err(error) if !is_lasting(&error) => return Err(error),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, schema, "{schema} cannot forget what was taken out of the log and is removed");
                drop(savepoint);
                copy::remove(transaction, &schema).await?;
            }
        }
        self.enter(transaction).await
    }

    fn filler(&self) -> Option<Arc<dyn Filler>> {
        let is_copy = self.schema != LIVE_SCHEMA;
        (is_copy && !P::IN_ORDER).then(|| Arc::new(self.clone()) as Arc<dyn Filler>)
    }

    async fn complete(&mut self, lease: &Lease) -> Result<(), Error> {
        let (filled, derived): (Vec<_>, Vec<_>) = P::TABLES.iter().copied().partition(|table| P::IN_ORDER || P::FOLDED.contains(table));
        copy::index(&**self.database.get().await?, &self.schema, &filled).await?;
        if let Some(remember) = P::REMEMBER.filter(|_| !derived.is_empty()) {
            self.derive(&derived, remember, lease).await?;
        }
        copy::index(&**self.database.get().await?, &self.schema, &derived).await
    }

    async fn swap(&mut self, transaction: &Transaction<'_>, filled: &Moment) -> Result<(), Error> {
        filled.is_behind_all(transaction.client()).await?;
        views::hold(transaction, P::TABLES, P::TABLES).await?;
        // Views stand on tables by identity: these go with the new ones when they move.
        views::show(transaction, &self.schema, Some(P::TABLES)).await?;
        for table in P::TABLES {
            let script = format!("DROP TABLE {LIVE_SCHEMA}.{table}; ALTER TABLE {}.{table} SET SCHEMA {LIVE_SCHEMA}", self.schema);
            transaction.batch_execute(&script).await?;
        }
        transaction.batch_execute(&format!("DROP SCHEMA {}", self.schema)).await?;
        Ok(())
    }
}

#[async_trait]
impl<P: Projector> Filler for Projection<P> {
    async fn fill(&self, batch: &Batch, lease: &Lease) -> Result<(), Error> {
        let mut connection = self.database.get().await?;
        let mut transaction = connection.transaction().await?;
        self.enter(&transaction).await?;
        lease.check(&transaction).await?;
        for table in P::FOLDED {
            let statement = format!("DELETE FROM {table} WHERE \"position\" > {} AND \"position\" <= {}", batch.span.after, batch.span.through);
            transaction.batch_execute(&statement).await?;
        }
        let followed = Self::followed(batch);
        if !followed.envelopes.is_empty() {
            self.projector.record(&transaction, &followed).await?;
        }
        // Spans that are at work now were read after the acts. What is behind the checkpoint may be older.
        let places = Places::of(&batch.envelopes);
        if !places.is_empty() {
            // One after the other: what two acts name would be taken away by one and written again by the other.
            let filled = checkpoint::hold(&transaction, &self.name).await?;
            forget::in_tables(&self.projector, &self.name, &self.database, &mut transaction, &places.through(filled), Extent::Records).await?;
        }
        failpoint::reach(failpoint::PROJECTION_BEFORE_COMMIT);
        transaction.commit().await?;
        Ok(())
    }

    fn sources(&self) -> Option<&[&str]> {
        self.sources.as_deref()
    }
}
