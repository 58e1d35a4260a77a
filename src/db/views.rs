//! The SQL views of `views/`, installed anew at every migration and whenever a rebuild swaps the tables under them.

use tokio_postgres::Transaction;

use super::Error;

/// Every file of `views/`, in an order in which each finds what it reads.
pub const FILES: &[(&str, &str)] = &[
    ("recent_events", include_str!("../../views/recent_events.sql")),
    ("event_summary", include_str!("../../views/event_summary.sql")),
    ("correlated_events", include_str!("../../views/correlated_events.sql")),
    ("event_processing_status", include_str!("../../views/event_processing_status.sql")),
    ("event_processing_summary", include_str!("../../views/event_processing_summary.sql")),
    ("webhook_deliveries", include_str!("../../views/webhook_deliveries.sql")),
    ("event_metadata", include_str!("../../views/event_metadata.sql")),
    ("event_metrics", include_str!("../../views/event_metrics.sql")),
    ("event_performance", include_str!("../../views/event_performance.sql")),
];

/// Drops all views, in the caller's transaction.
///
/// # Errors
/// When something else stands on one of them.
pub async fn drop_all(transaction: &Transaction<'_>) -> Result<(), Error> {
    for (name, _) in FILES.iter().rev() {
        transaction.batch_execute(&format!("DROP VIEW IF EXISTS public.{name}")).await?;
    }
    Ok(())
}

/// Drops and makes all views, in the caller's transaction; readers see the old ones or the new ones.
///
/// # Errors
/// When a view does not fit the tables.
pub async fn install(transaction: &Transaction<'_>) -> Result<(), Error> {
    drop_all(transaction).await?;
    for (_, definition) in FILES {
        transaction.batch_execute(definition).await?;
    }
    for (name, _) in FILES {
        transaction.batch_execute(&format!("GRANT SELECT ON public.{name} TO codegen_readonly")).await?;
    }
    Ok(())
}
