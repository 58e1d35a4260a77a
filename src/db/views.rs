//! What SQL users see: for every projection a view of its name, and the SQL views of `views/` on top of those.
//!
//! The views of projections are made from the catalog, so that nothing is listed twice. They stand on their tables by
//! identity; a rebuild points the view of a table at its new one ([`show`]), and whatever stands on the view stays.
//! Every column says what it means: in its own words, or in those of `columns.sql` for its name.

use tokio_postgres::Transaction;
use tokio_postgres::error::SqlState;

use super::Error;

/// Every file of `views/`, in an order in which each finds what it reads.
pub const FILES: &[(&str, &str)] = &[
    ("recent_events", include_str!("../../views/recent_events.sql")),
    ("event_summary", include_str!("../../views/event_summary.sql")),
    ("known_links", include_str!("../../views/known_links.sql")),
    ("correlated_events", include_str!("../../views/correlated_events.sql")),
    ("pull_request_links", include_str!("../../views/pull_request_links.sql")),
    ("issue_origins", include_str!("../../views/issue_origins.sql")),
    ("issue_names", include_str!("../../views/issue_names.sql")),
    ("pull_request_issues", include_str!("../../views/pull_request_issues.sql")),
    ("issue_pull_requests", include_str!("../../views/issue_pull_requests.sql")),
    ("reviews_by_others", include_str!("../../views/reviews_by_others.sql")),
    ("commit_checks", include_str!("../../views/commit_checks.sql")),
    ("deployment_ends", include_str!("../../views/deployment_ends.sql")),
    ("pull_request_told", include_str!("../../views/pull_request_told.sql")),
    ("deployment_commits", include_str!("../../views/deployment_commits.sql")),
    ("deployed_commits", include_str!("../../views/deployed_commits.sql")),
    ("pull_request_commits", include_str!("../../views/pull_request_commits.sql")),
    ("pull_request_started", include_str!("../../views/pull_request_started.sql")),
    ("pull_request_reviewed", include_str!("../../views/pull_request_reviewed.sql")),
    ("pull_request_landings", include_str!("../../views/pull_request_landings.sql")),
    ("pull_request_deployed", include_str!("../../views/pull_request_deployed.sql")),
    ("pull_request_flow", include_str!("../../views/pull_request_flow.sql")),
    ("pull_request_reverts", include_str!("../../views/pull_request_reverts.sql")),
    ("workflows", include_str!("../../views/workflows.sql")),
    ("event_processing_status", include_str!("../../views/event_processing_status.sql")),
    ("event_processing_summary", include_str!("../../views/event_processing_summary.sql")),
    ("webhook_deliveries", include_str!("../../views/webhook_deliveries.sql")),
    ("event_metadata", include_str!("../../views/event_metadata.sql")),
    ("event_metrics", include_str!("../../views/event_metrics.sql")),
    ("slack_threads", include_str!("../../views/slack_threads.sql")),
    ("slack_discussions", include_str!("../../views/slack_discussions.sql")),
    ("event_performance", include_str!("../../views/event_performance.sql")),
    ("deployment_rollbacks", include_str!("../../views/deployment_rollbacks.sql")),
    ("deployment_reverts", include_str!("../../views/deployment_reverts.sql")),
    ("deployment_outcomes", include_str!("../../views/deployment_outcomes.sql")),
    ("dora_metrics", include_str!("../../views/dora_metrics.sql")),
    ("review_waiting", include_str!("../../views/review_waiting.sql")),
    ("review_load", include_str!("../../views/review_load.sql")),
    ("work_in_progress", include_str!("../../views/work_in_progress.sql")),
    ("flaky_checks", include_str!("../../views/flaky_checks.sql")),
    ("issue_flow", include_str!("../../views/issue_flow.sql")),
    ("shipped_work", include_str!("../../views/shipped_work.sql")),
    ("stuck_work", include_str!("../../views/stuck_work.sql")),
    ("response_times", include_str!("../../views/response_times.sql")),
    ("channel_activity", include_str!("../../views/channel_activity.sql")),
    ("failure_patterns", include_str!("../../views/failure_patterns.sql")),
    ("delivery_retries", include_str!("../../views/delivery_retries.sql")),
    ("person_activity", include_str!("../../views/person_activity.sql")),
];

/// The schema of the tables that are made from the log.
pub const PROJECTIONS: &str = "projections";

const PROJECTION_VIEWS: &str = include_str!("projection_views.sql");
/// The functions of views: what they measure time with, and what words mean that several of them read.
const FUNCTIONS: &[&str] = &[
    include_str!("hours.sql"),
    include_str!("is_bot.sql"),
    include_str!("is_production.sql"),
    include_str!("is_said.sql"),
    include_str!("deployment_outcome.sql"),
    include_str!("check_outcome.sql"),
];
const COLUMNS: &str = include_str!("columns.sql");

/// Part of `deadlock_timeout` after which locks that are waited for are given up.
const HOLD_PATIENCE: f64 = 0.5;

/// Takes every lock that changing these views, and the tables of projections, will need: all of them, or an error that
/// [`is_busy`]. Whoever reads several views locks them one after another, and so does this. Where the two meet crosswise,
/// PostgreSQL ends one of them after `deadlock_timeout`; this gives up long before, so that it is never the reader.
/// Nothing may be waited for afterwards that a reader may hold.
///
/// # Errors
/// When a reader holds one of them for long.
pub async fn hold(transaction: &Transaction<'_>, views: &[&str], tables: &[&str]) -> Result<(), Error> {
    hold_in(transaction, views, PROJECTIONS, Some(tables)).await
}

/// The same for all tables of a schema, which may not be there.
///
/// # Errors
/// As [`hold`].
pub async fn hold_schema(transaction: &Transaction<'_>, schema: &str) -> Result<(), Error> {
    hold_in(transaction, &[], schema, None).await
}

async fn hold_in(transaction: &Transaction<'_>, views: &[&str], schema: &str, tables: Option<&[&str]>) -> Result<(), Error> {
    let named = |names: &[&str]| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let row = transaction
        .query_one(
            "SELECT current_setting('statement_timeout'), (extract(epoch FROM current_setting('deadlock_timeout')::interval) * 1000)::double precision",
            &[],
        )
        .await?;
    let (before, deadlock_ms): (String, f64) = (row.get(0), row.get(1));
    let patience_ms = (deadlock_ms * HOLD_PATIENCE).max(1.0) as u64;
    // One statement, so that the time is for all of it. A view that is locked by LOCK TABLE locks the log with it.
    let script = format!(
        "SET LOCAL statement_timeout = {patience_ms};
         DO $$
         DECLARE
             held text;
         BEGIN
             FOR held IN SELECT c.relname FROM pg_class c
                 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND c.relname = ANY (ARRAY[{}]::text[]) ORDER BY c.relname
             LOOP
                 EXECUTE format('ALTER VIEW public.%I RESET (security_barrier)', held);
             END LOOP;
             FOR held IN SELECT c.relname FROM pg_class c
                 WHERE c.relnamespace = to_regnamespace('{schema}') AND c.relkind = 'r' AND {} ORDER BY c.relname
             LOOP
                 EXECUTE format('LOCK TABLE ONLY {schema}.%I IN ACCESS EXCLUSIVE MODE', held);
             END LOOP;
         END $$",
        named(views),
        tables.map_or_else(|| "true".to_owned(), |tables| format!("c.relname = ANY (ARRAY[{}]::text[])", named(tables)))
    );
    transaction.batch_execute(&script).await?;
    transaction.execute("SELECT set_config('statement_timeout', $1, true)", &[&before]).await?;
    Ok(())
}

/// True for the error of [`hold`] when readers were in the way: the transaction is over, and another one may try again.
#[must_use]
pub fn is_busy(error: &Error) -> bool {
    error.sqlstate().is_some_and(|state| [SqlState::QUERY_CANCELED, SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED].contains(state))
}

/// Makes all views, in the caller's transaction; readers see the old ones or the new ones.
///
/// # Errors
/// When readers are in the way ([`is_busy`]), a view does not fit the tables, or something of another's stands on one of `views/` or on one whose columns
/// have changed.
pub async fn install(transaction: &Transaction<'_>) -> Result<(), Error> {
    let tables = transaction.query("SELECT relname::text FROM pg_class WHERE relnamespace = $1::text::regnamespace AND relkind = 'r'", &[&PROJECTIONS]).await?;
    let shown: Vec<&str> = FILES.iter().map(|(name, _)| *name).chain(tables.iter().map(|row| row.get::<_, &str>(0))).collect();
    hold(transaction, &shown, &[]).await?;
    for (name, _) in FILES.iter().rev() {
        transaction.batch_execute(&format!("DROP VIEW IF EXISTS public.{name}")).await?;
    }
    show(transaction, PROJECTIONS, None).await?;
    for functions in FUNCTIONS {
        transaction.batch_execute(functions).await?;
    }
    for (_, definition) in FILES {
        transaction.batch_execute(definition).await?;
    }
    for row in transaction.query(COLUMNS, &[]).await? {
        transaction.batch_execute(row.get("statement")).await?;
    }
    for (name, _) in FILES {
        transaction.batch_execute(&format!("GRANT SELECT ON public.{name} TO codegen_readonly")).await?;
    }
    Ok(())
}

/// Points the views of tables, of all by default, at those in `schema`.
///
/// # Errors
/// When the database does not do it.
pub async fn show(transaction: &Transaction<'_>, schema: &str, tables: Option<&[&str]>) -> Result<(), Error> {
    for row in transaction.query(PROJECTION_VIEWS, &[&schema, &tables]).await? {
        let name: &str = row.get("name");
        if row.get("must_drop") {
            transaction.batch_execute(&format!("DROP VIEW public.{name}")).await?;
        }
        transaction.batch_execute(row.get("definition")).await?;
        transaction.batch_execute(row.get("comments")).await?;
        transaction.batch_execute(&format!("GRANT SELECT ON public.{name} TO codegen_readonly")).await?;
    }
    Ok(())
}
