//! The tables of a copy: of the same shape as the live ones, in a schema of their own.
//!
//! While a copy is filled from the log's start it has only the indexes that keep rows unique; the others are made once,
//! when it has reached the end, which takes a fraction of the time of keeping them up with every row.

use std::time::Duration;

use tokio_postgres::{Client, Transaction};

use super::Error;
use crate::db::{self, views};
use crate::domain::Position;

/// The schema of the live tables.
pub(super) const LIVE_SCHEMA: &str = views::PROJECTIONS;

const INDEXES: &str = include_str!("copy_indexes.sql");
/// How often removing a copy is tried before its readers make it fail, and how long each gets in between.
const REMOVE_TRIES: u32 = 80;
const REMOVE_PAUSE: Duration = Duration::from_millis(500);
/// Memory for sorting the entries of one index. It is freed when the index is there.
const INDEX_MEMORY: &str = "SET maintenance_work_mem = '128MB'";

/// Makes the schema anew, with empty tables like the live ones.
///
/// # Errors
/// When the database does not do it.
pub(super) async fn make(transaction: &Transaction<'_>, schema: &str, tables: &[&str]) -> Result<(), Error> {
    remove(transaction, schema).await?;
    transaction.batch_execute(&format!("CREATE SCHEMA {schema}")).await?;
    for table in tables {
        transaction.batch_execute(&format!("CREATE TABLE {schema}.{table} (LIKE {LIVE_SCHEMA}.{table} INCLUDING ALL EXCLUDING INDEXES)")).await?;
        for index in missing(transaction.client(), schema, table).await?.into_iter().filter(|index| index.is_unique) {
            transaction.batch_execute(&index.definition).await?;
        }
    }
    Ok(())
}

/// Makes the indexes that the live tables have and the copy has not yet, and gathers what the planner wants to know.
/// One that was killed goes on with the index at which it stood.
///
/// # Errors
/// When the database does not do it.
pub(super) async fn index(client: &Client, schema: &str, tables: &[&str]) -> Result<(), Error> {
    client.batch_execute(INDEX_MEMORY).await?;
    let outcome = index_each(client, schema, tables).await;
    client.batch_execute("RESET maintenance_work_mem").await?;
    outcome
}

async fn index_each(client: &Client, schema: &str, tables: &[&str]) -> Result<(), Error> {
    for table in tables {
        for index in missing(client, schema, table).await? {
            client.batch_execute(&index.definition).await?;
        }
        client.batch_execute(&format!("ANALYZE {schema}.{table}")).await?;
    }
    Ok(())
}

/// The schema of the copy that a rebuild fills.
pub(super) fn schema_beside(consumer: &str) -> String {
    format!("rebuild_{consumer}")
}

/// The schema of the copy that shows what was at some position; people name it in their questions.
#[must_use]
pub fn schema_as_of(consumer: &str) -> String {
    format!("as_of_{consumer}")
}

/// As of which position readers are shown this copy; none when they are not.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn published(transaction: &Transaction<'_>, schema: &str) -> Result<Option<Position>, Error> {
    let row = transaction.query_opt("SELECT position FROM hooklake.as_of_copies WHERE schema_name = $1", &[&schema]).await?;
    Ok(row.map(|row| Position::new(row.get(0))))
}

/// A table that a copy lacks, since it was made before there was such a table.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn lacks(transaction: &Transaction<'_>, schema: &str, tables: &[&str]) -> Result<Option<String>, Error> {
    let lacking = "SELECT t FROM unnest($2::text[]) t WHERE to_regclass(format('%I.%I', $1::text, t)) IS NULL LIMIT 1";
    Ok(transaction.query_opt(lacking, &[&schema, &tables]).await?.map(|row| row.get(0)))
}

/// Lets the read-only role ask a copy, and says in the database what it is.
///
/// # Errors
/// When the database does not do it.
pub(super) async fn publish(transaction: &Transaction<'_>, schema: &str, at: Position) -> Result<(), Error> {
    let script = format!(
        "GRANT USAGE ON SCHEMA {schema} TO codegen_readonly; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO codegen_readonly;
         COMMENT ON SCHEMA {schema} IS 'As it stood at position {at} of the log; nothing is added to it.'"
    );
    transaction.batch_execute(&script).await?;
    transaction.execute("INSERT INTO hooklake.as_of_copies (schema_name, position) VALUES ($1, $2)", &[&schema, &at.get()]).await?;
    Ok(())
}

/// Removes a copy, and the word that readers are shown it. Waits for readers of it, and never costs one its query.
///
/// # Errors
/// When the database does not do it, or readers are in the way for long.
pub async fn remove(transaction: &Transaction<'_>, schema: &str) -> Result<(), db::Error> {
    hold(transaction, schema).await?;
    transaction.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await?;
    transaction.execute("DELETE FROM hooklake.as_of_copies WHERE schema_name = $1", &[&schema]).await?;
    Ok(())
}

/// Takes the locks that removing a copy needs, all of them. Whoever asks several of its tables locks them one after another;
/// in between tries nothing is held that such a reader may come to.
async fn hold(transaction: &Transaction<'_>, schema: &str) -> Result<(), db::Error> {
    let mut tries = 1;
    loop {
        transaction.batch_execute("SAVEPOINT before_holding").await?;
        match views::hold_schema(transaction, schema).await {
            Err(error) if tries < REMOVE_TRIES && views::is_busy(&error) => {
                transaction.batch_execute("ROLLBACK TO SAVEPOINT before_holding").await?;
                tokio::time::sleep(REMOVE_PAUSE).await;
                tries += 1;
            }
            outcome => return outcome,
        }
    }
}

/// An index of a live table that the copy has not.
struct Missing {
    definition: String,
    is_unique: bool,
}

async fn missing(client: &Client, schema: &str, table: &str) -> Result<Vec<Missing>, Error> {
    let rows = client.query(INDEXES, &[&table, &schema]).await?;
    Ok(rows.iter().map(|row| Missing { definition: row.get("definition"), is_unique: row.get("is_unique") }).collect())
}
