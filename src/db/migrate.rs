//! Brings the schema up to date: migrations, then views, then who may do what. Safe to run from several instances at
//! once, and again.

use std::time::Duration;

use super::{Database, Error, views};

/// The role that the application acts as: it reads the log, appends through `log.append` only, and owns what can be
/// rebuilt.
pub const APP_ROLE: &str = "hooklake_app";

/// The role for people, agents and BI tools: it reads views and projections.
pub const READER_ROLE: &str = "codegen_readonly";

const ROLES: &str = include_str!("roles.sql");
const GRANTS: &str = include_str!("grants.sql");

/// How often the views are tried to be made before readers make it fail, and how long these get in between.
const SHOW_TRIES: u32 = 80;
const SHOW_PAUSE: Duration = Duration::from_millis(500);

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// Applies what is missing; refuses a database that a newer hooklake has migrated.
///
/// # Errors
/// When a migration fails or differs from the one that was applied, or the server refuses.
pub async fn run(database: &Database) -> Result<Vec<String>, Error> {
    let (mut client, connection) = database.dedicated().await?;
    super::driven(connection, locked(&mut client)).await
}

async fn locked(client: &mut tokio_postgres::Client) -> Result<Vec<String>, Error> {
    // A user and a schema may share the name hooklake, which would then come first in the search path.
    client.batch_execute("SET client_min_messages = warning; SET search_path = public").await?;
    // Session lock: instances that start together migrate one after the other.
    client.batch_execute("SELECT pg_advisory_lock(hashtext('hooklake.migrate'))").await?;
    let report = embedded::migrations::runner()
        .set_abort_divergent(true)
        .set_abort_missing(true)
        .set_migration_table_name("hooklake_migrations")
        .run_async(client)
        .await
        .map_err(Box::new)?;
    client.batch_execute(ROLES).await?;
    let mut tries = 1;
    loop {
        match show(client).await {
            // Another instance's readers ask the views at this moment.
            Err(error) if views::is_busy(&error) && tries < SHOW_TRIES => tokio::time::sleep(SHOW_PAUSE).await,
            outcome => break outcome?,
        }
        tries += 1;
    }
    client.batch_execute("SELECT pg_advisory_unlock(hashtext('hooklake.migrate'))").await?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

/// Makes the views and says who may do what, in one transaction.
async fn show(client: &mut tokio_postgres::Client) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    views::install(&transaction).await?;
    transaction.batch_execute(GRANTS).await?;
    transaction.commit().await?;
    Ok(())
}
