//! What SQL users see: for every projection a view of its name, and the SQL views of `views/` on top of those.
//!
//! The views of projections are made from the catalog, so that nothing is listed twice. They stand on their tables by
//! identity; a rebuild points the view of a table at its new one ([`show`]), and whatever stands on the view stays.
//! Every column says what it means: in its own words, or in those of `columns.sql` for its name.

use tokio_postgres::Transaction;

use super::Error;

/// Every file of `views/`, in an order in which each finds what it reads.
pub const FILES: &[(&str, &str)] = &[
    ("recent_events", include_str!("../../views/recent_events.sql")),
    ("event_summary", include_str!("../../views/event_summary.sql")),
    ("known_links", include_str!("../../views/known_links.sql")),
    ("correlated_events", include_str!("../../views/correlated_events.sql")),
    ("deployed_commits", include_str!("../../views/deployed_commits.sql")),
    ("workflows", include_str!("../../views/workflows.sql")),
    ("event_processing_status", include_str!("../../views/event_processing_status.sql")),
    ("event_processing_summary", include_str!("../../views/event_processing_summary.sql")),
    ("webhook_deliveries", include_str!("../../views/webhook_deliveries.sql")),
    ("event_metadata", include_str!("../../views/event_metadata.sql")),
    ("event_metrics", include_str!("../../views/event_metrics.sql")),
    ("slack_threads", include_str!("../../views/slack_threads.sql")),
    ("event_performance", include_str!("../../views/event_performance.sql")),
    ("deployment_outcomes", include_str!("../../views/deployment_outcomes.sql")),
    ("pull_request_issues", include_str!("../../views/pull_request_issues.sql")),
    ("pull_request_flow", include_str!("../../views/pull_request_flow.sql")),
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
];

/// The schema of the tables that are made from the log.
pub const PROJECTIONS: &str = "projections";

const PROJECTION_VIEWS: &str = include_str!("projection_views.sql");
/// What views measure time with.
const HOURS: &str = include_str!("hours.sql");
const COLUMNS: &str = include_str!("columns.sql");

/// Makes all views, in the caller's transaction; readers see the old ones or the new ones.
///
/// # Errors
/// When a view does not fit the tables, or something of another's stands on one of `views/` or on one whose columns
/// have changed.
pub async fn install(transaction: &Transaction<'_>) -> Result<(), Error> {
    for (name, _) in FILES.iter().rev() {
        transaction.batch_execute(&format!("DROP VIEW IF EXISTS public.{name}")).await?;
    }
    show(transaction, PROJECTIONS, None).await?;
    transaction.batch_execute(HOURS).await?;
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
