//! What can be asked.

use std::collections::BTreeMap;

use async_graphql::{Context, ID, Object, Result};

use super::connection::{EventConnection, Slice, cost};
use super::event::{Event, Link, links_of};
use super::types::{ConsumerStatus, EventFilterInput, Long, SearchResult, SourceTotal, SqlResult, Status, SummaryEntry};
use crate::consumer::checkpoint;
use crate::domain::EventId;
use crate::log::Reader;
use crate::projectors::query::Events;
use crate::serve::auth::Caller;
use crate::serve::error::ApiError;
use crate::serve::router::AppState;
use crate::serve::{events, search, sql};

/// The root of every query.
#[derive(Debug)]
pub struct Query;

fn ask<'a>(context: &Context<'a>) -> Result<(&'a AppState, &'a Caller)> {
    Ok((context.data::<AppState>()?, context.data::<Caller>()?))
}

/// Questions to the store of webhooks. Nothing here changes anything.
#[Object]
impl Query {
    /// Events, newest first. `first`/`after` page towards older events, `last`/`before` towards newer ones; a page has
    /// at most 200.
    #[graphql(complexity = "cost(first.or(last), child_complexity)")]
    async fn events(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which events; all of them without it.")] filter: Option<EventFilterInput>,
        #[graphql(desc = "How many, from the newest; 20 unless told.")] first: Option<i32>,
        #[graphql(desc = "Only events after this cursor, which are older.")] after: Option<String>,
        #[graphql(desc = "How many, from the other end of the list.")] last: Option<i32>,
        #[graphql(desc = "Only events before this cursor, which are newer.")] before: Option<String>,
    ) -> Result<EventConnection> {
        let (app, caller) = ask(context)?;
        let filter = filter.unwrap_or_default().try_into()?;
        let asked = context.look_ahead();
        // Each is read from the log.
        let payloads = [asked.field("nodes"), asked.field("edges").field("node")].iter().any(|node| node.field("payload").exists());
        Ok(Slice { first, after, last, before, payloads }.read(app, context.data::<Events>()?, &caller.tenant, &filter).await?)
    }

    /// One event by its name; null when there is none of this name.
    async fn event(&self, context: &Context<'_>, #[graphql(desc = "`evt_` and 32 hexadecimal digits.")] id: ID) -> Result<Option<Event>> {
        let (events, caller) = (context.data::<Events>()?, context.data::<Caller>()?);
        let Ok(id) = id.parse::<EventId>() else { return Ok(None) };
        let row = events.one(&caller.tenant, id, context.look_ahead().field("payload").exists()).await.map_err(ApiError::from)?;
        Ok(row.map(Event::from))
    }

    /// Full-text search, best first.
    #[graphql(complexity = "50 + cost(first, child_complexity)")]
    async fn search(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Words, \"exact phrases\" and fields: `source:github type:pull_request author:octocat \"flaky test\"`.")] query: String,
        #[graphql(desc = "How many hits, at most 100; 20 unless told.")] first: Option<i32>,
        #[graphql(desc = "The `next` of the page before.")] after: Option<String>,
    ) -> Result<SearchResult> {
        let (app, caller) = ask(context)?;
        let first = u32::try_from(first.unwrap_or(20)).ok().filter(|first| (1..=search::HITS_MAX).contains(first));
        let first = first.ok_or_else(|| ApiError::parameter("first", format!("is a whole number from 1 to {}", search::HITS_MAX)))?;
        let offset = after.map_or(Some(0), |after| after.strip_prefix("s1:")?.parse::<u32>().ok()).filter(|offset| *offset <= search::OFFSET_MAX);
        let offset = offset.ok_or_else(|| ApiError::parameter("after", "is not a cursor of this server"))?;
        let found = app.searcher.search(&caller.tenant, &query, first as usize, offset as usize).await;
        app.metrics.queried("search", if found.is_ok() { "ok" } else { "error" });
        let found = found.map_err(ApiError::from)?;
        let reached = offset + first;
        let has_more = (reached as usize) < found.total && reached <= search::OFFSET_MAX;
        Ok(SearchResult::new(found, has_more.then(|| format!("s1:{reached}"))))
    }

    /// How many events came, by day, source and type.
    #[graphql(complexity = "20 + 20 * child_complexity")]
    async fn summary(&self, context: &Context<'_>, #[graphql(desc = "For how many days back.", default = 7)] days: i32) -> Result<Vec<SummaryEntry>> {
        let (app, caller) = ask(context)?;
        let days = u32::try_from(days).ok().filter(|days| (1..=events::SUMMARY_DAYS_MAX).contains(days));
        let days = days.ok_or_else(|| ApiError::parameter("days", format!("is a whole number from 1 to {}", events::SUMMARY_DAYS_MAX)))?;
        let rows = app.events.summary(&caller.tenant, days).await.map_err(ApiError::from)?;
        Ok(rows.into_iter().map(SummaryEntry::from).collect())
    }

    /// Everything that is linked with an event: the pull request of an issue, the thread of a pull request, ….
    #[graphql(complexity = "20 + 5 * child_complexity")]
    async fn correlations(&self, context: &Context<'_>, #[graphql(desc = "The event's name.")] event_id: ID) -> Result<Vec<Link>> {
        let (app, caller) = ask(context)?;
        let Ok(id) = event_id.parse::<EventId>() else { return Ok(Vec::new()) };
        Ok(links_of(app, &caller.tenant, id).await?)
    }

    /// One read-only SQL query over everything stored: the log's tail and the lake as one table. `SHOW TABLES` and
    /// `DESCRIBE recent_events` tell what there is.
    #[graphql(complexity = "1000 + child_complexity")]
    async fn sql(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "One `SELECT` statement.")] query: String,
        #[graphql(desc = "The most rows to return, at most 10000.", default = 1000)] max_rows: i32,
    ) -> Result<SqlResult> {
        let (app, caller) = ask(context)?;
        let max_rows = u32::try_from(max_rows).unwrap_or_default();
        let answer = sql::ask(app, &caller.tenant, &query, max_rows, "maxRows").await?;
        Ok(sql::Table::try_from(answer)?.into())
    }

    /// How the server is, and how far behind the log each of its parts is.
    #[graphql(complexity = "20 + 5 * child_complexity")]
    async fn status(&self, context: &Context<'_>) -> Result<Status> {
        let (app, caller) = ask(context)?;
        let head = Reader::new(app.database.clone()).head().await.map_err(ApiError::from)?;
        let standings = checkpoint::standings(&app.database).await.map_err(ApiError::from)?;
        let summary = app.events.summary(&caller.tenant, events::SUMMARY_DAYS_MAX).await.map_err(ApiError::from)?;
        let mut totals = BTreeMap::new();
        for count in summary {
            *totals.entry(count.source).or_insert(0) += count.event_count;
        }
        Ok(Status {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: Long(i64::try_from(app.started.elapsed().as_secs()).unwrap_or(i64::MAX)),
            head: Long(head.position.get()),
            consumers: standings.into_iter().map(ConsumerStatus::from).collect(),
            totals: totals.into_iter().map(|(source, events)| SourceTotal { source, events: Long(events) }).collect(),
        })
    }
}
