//! Text to hits.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::DateTime;
use tantivy::collector::sort_key::{SortBySimilarityScore, SortByStaticFastValue};
use tantivy::collector::{Count, TopDocs};
use tantivy::query::{BooleanQuery, Occur, Query, QueryParser, TermQuery};
use tantivy::schema::{Field, IndexRecordOption, Value};
use tantivy::snippet::SnippetGenerator;
use tantivy::{Index, IndexReader, Order, ReloadPolicy, TantivyDocument, Term};
use uuid::Uuid;

use super::schema::Fields;
use super::snippet::{self, Parts, SNIPPET_CHARS_MAX};
use super::{Error, indexer, store, syntax};
use crate::consumer::checkpoint;
use crate::db::Database;
use crate::domain::clock::Timestamp;
use crate::domain::{EventId, Position, Tenant};
use crate::log::{Fence, Reader};

const STORED: &str = include_str!("stored.sql");

/// The most hits of one answer.
pub const HITS_MAX: usize = 200;
/// How far one may page.
pub const OFFSET_MAX: usize = 10_000;
/// A word in the title says more than one in the body.
const TITLE_BOOST: f32 = 2.0;

/// Answers searches. Cheap to clone.
#[derive(Clone)]
pub struct Searcher {
    database: Database,
    root: PathBuf,
    opened: Arc<Mutex<Option<Opened>>>,
}

impl std::fmt::Debug for Searcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Searcher").field("root", &self.root).finish_non_exhaustive()
    }
}

/// The generation that is open for reading.
#[derive(Clone)]
struct Opened {
    generation: i32,
    index: Index,
    reader: IndexReader,
    fields: Fields,
}

/// One event that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Its name.
    pub id: EventId,
    /// Its place in the log.
    pub position: Position,
    /// How well it fits; only the order means something.
    pub score: f32,
    /// Where it came from.
    pub source: String,
    /// Its type.
    pub event_type: String,
    /// Its action, where there is one.
    pub action: Option<String>,
    /// One line that says what happened.
    pub title: Option<String>,
    /// The excerpt as HTML, escaped but for `<b>` around what was looked for.
    pub snippet_html: String,
    /// The excerpt in parts, each with whether it is what was looked for.
    pub snippet: Vec<(String, bool)>,
    /// Where a person reads it.
    pub url: Option<String>,
    /// When it was received.
    pub received_at: Timestamp,
}

/// What a search found.
#[derive(Debug, Clone)]
pub struct SearchAnswer {
    /// The best first, the latest first among equals.
    pub hits: Vec<Hit>,
    /// How many the index has, before the log was asked whether they may be shown.
    pub total: usize,
    /// Through which position the log was searched.
    pub through: Position,
    /// How many envelopes of the log were not.
    pub lag_events: u64,
}

impl Searcher {
    /// Reads the index in `data_dir/search`.
    #[must_use]
    pub fn new(database: Database, data_dir: &Path) -> Self {
        Self { database, root: data_dir.join("search"), opened: Arc::default() }
    }

    /// Finds a tenant's events by text; `source:`, `type:`, `author:`, `repo:`, `after:` and others narrow it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn search(&self, tenant: &Tenant, query: &str, limit: usize, offset: usize) -> Result<SearchAnswer, Error> {
        let text = syntax::translate(query)?;
        if offset > OFFSET_MAX {
            return Err(Error::Query(format!("the offset may be at most {OFFSET_MAX}; narrow the query instead")));
        }
        let generation = checkpoint::generation(&self.database, indexer::NAME).await?;
        let this = self.clone();
        let owner = tenant.clone();
        let searching = tokio::task::spawn_blocking(move || {
            let opened = this.opened(generation)?;
            opened.search(&owner, &text, limit.clamp(1, HITS_MAX), offset)
        });
        let (mut answer, fence) = searching.await.map_err(|panic| Error::Index(Box::new(panic)))??;
        let reader = Reader::new(self.database.clone());
        let [said] = reader.at([answer.through]).await?;
        if !said.agrees_with(fence) {
            return Err(Error::Restored);
        }
        let shown = self.stored(tenant, &answer.hits).await?;
        answer.hits.retain(|hit| shown.contains(&hit.id.uuid()));
        let head = reader.head().await?.position;
        answer.lag_events = answer.through.distance_to(head);
        Ok(answer)
    }

    async fn stored(&self, tenant: &Tenant, hits: &[Hit]) -> Result<HashSet<Uuid>, Error> {
        let ids: Vec<Uuid> = hits.iter().map(|hit| hit.id.uuid()).collect();
        let connection = self.database.get().await?;
        let statement = connection.prepare_cached(STORED).await.map_err(crate::db::Error::from)?;
        let rows = connection.query(&statement, &[&ids, &tenant.as_str()]).await.map_err(crate::db::Error::from)?;
        Ok(rows.into_iter().map(|row| row.get(0)).collect())
    }

    /// The generation, open and with its latest commit.
    fn opened(&self, generation: i32) -> Result<Opened, Error> {
        let mut slot = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = slot.as_ref().filter(|opened| opened.generation == generation)
            && opened.reader.reload().is_ok()
        {
            return Ok(opened.clone());
        }
        // The first search, another generation, or one that was set aside and filled anew under the same name.
        *slot = None;
        let (index, fields) = store::open_to_read(&self.root, generation)?.ok_or(Error::NotReady)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let opened = Opened { generation, index, reader, fields };
        *slot = Some(opened.clone());
        Ok(opened)
    }
}

impl Opened {
    fn search(&self, tenant: &Tenant, text: &str, limit: usize, offset: usize) -> Result<(SearchAnswer, Option<Fence>), Error> {
        let fields = self.fields;
        let mut parser = QueryParser::for_index(&self.index, vec![fields.title, fields.body]);
        parser.set_conjunction_by_default();
        parser.set_field_boost(fields.title, TITLE_BOOST);
        let asked = parser.parse_query(text).map_err(|error| Error::Query(error.to_string()))?;
        let owned = TermQuery::new(Term::from_field_text(fields.tenant, tenant.as_str()), IndexRecordOption::Basic);
        let query = BooleanQuery::new(vec![(Occur::Must, asked.box_clone()), (Occur::Must, Box::new(owned) as Box<dyn Query>)]);

        // Before the searcher: a commit in between is then not claimed.
        let mark = store::mark(&self.index)?;
        self.reader.reload()?;
        let searcher = self.reader.searcher();
        // A query of fields alone finds everything equally well; people then expect the latest.
        let latest = (SortByStaticFastValue::<u64>::for_field("position"), Order::Desc);
        let best = TopDocs::with_limit(limit).and_offset(offset).order_by((SortBySimilarityScore, latest));
        let (total, best) = searcher.search(&query, &(Count, best))?;
        let mut generators = Vec::new();
        for field in [fields.body, fields.title] {
            let mut generator = SnippetGenerator::create(&searcher, &*asked, field)?;
            generator.set_max_num_chars(SNIPPET_CHARS_MAX);
            generators.push(generator);
        }
        let mut hits = Vec::with_capacity(best.len());
        for ((score, _), address) in best {
            hits.extend(hit(&searcher.doc(address)?, score, &fields, &generators));
        }
        Ok((SearchAnswer { hits, total, through: mark.position, lag_events: 0 }, mark.fence))
    }
}

/// A hit as the index has it; none for a document that this code did not write.
fn hit(document: &TantivyDocument, score: f32, fields: &Fields, generators: &[SnippetGenerator]) -> Option<Hit> {
    let text = |field: Field| document.get_first(field).and_then(|value| value.as_str());
    let received = document.get_first(fields.received_at).and_then(|value| value.as_datetime())?;
    let snippet: Parts = snippet::excerpt(generators, &[text(fields.body), text(fields.title)]);
    Some(Hit {
        id: text(fields.id)?.parse().ok()?,
        position: Position::new(document.get_first(fields.position).and_then(|value| value.as_u64()).and_then(|position| i64::try_from(position).ok())?),
        score,
        source: text(fields.source)?.to_owned(),
        event_type: text(fields.event_type)?.to_owned(),
        action: text(fields.action).map(str::to_owned),
        title: text(fields.title).map(str::to_owned),
        snippet_html: snippet::html(&snippet),
        snippet,
        url: text(fields.url).map(str::to_owned),
        received_at: DateTime::from_timestamp_micros(received.into_timestamp_micros())?,
    })
}
