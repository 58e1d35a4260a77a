//! Asks PostgreSQL a saved query: in a transaction that can only read, for a bounded time, with bound parameters.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio_postgres::types::{ToSql, Type};

use super::{Bound, Error, Saved};
use crate::db::Database;

/// Rows under the names of their columns.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The columns, in the order of the query.
    pub columns: Vec<String>,
    /// A value for each column.
    pub rows: Vec<Vec<Value>>,
    /// True when there were more rows.
    pub truncated: bool,
}

/// Asks, for at most so many rows and so long.
///
/// # Errors
/// When the database cannot be reached, or the time is up.
pub async fn ask(database: &Database, saved: &Saved, values: &[Bound], max_rows: usize, timeout: Duration) -> Result<Answer, Error> {
    let (values, types): (Vec<&(dyn ToSql + Sync)>, Vec<Type>) = values.iter().map(Bound::typed).unzip();
    let mut connection = database.get().await?;
    let transaction = connection.build_transaction().read_only(true).start().await.map_err(crate::db::Error::from)?;
    let answer = async {
        transaction.batch_execute(&format!("SET LOCAL statement_timeout = {}", timeout.as_millis())).await?;
        let question = transaction.prepare_typed(saved.text, &types).await?;
        let columns: Vec<String> = question.columns().iter().map(|column| column.name().to_owned()).collect();
        // PostgreSQL writes values of every type as JSON; one row more, so that it is known whether there are more.
        let text = format!("SELECT row_to_json(q)::text FROM ({}\n) q LIMIT {}", saved.text, max_rows.saturating_add(1));
        let rows = transaction.query(&transaction.prepare_typed(&text, &types).await?, &values).await?;
        Ok::<_, tokio_postgres::Error>((columns, rows))
    };
    let (columns, found) = answer.await.map_err(crate::db::Error::from)?;
    let read = |row: &tokio_postgres::Row| -> Vec<Value> {
        let mut object: Map<String, Value> = serde_json::from_str(row.get(0)).unwrap_or_default();
        columns.iter().map(|column| object.remove(column).unwrap_or(Value::Null)).collect()
    };
    let rows = found.iter().take(max_rows).map(read).collect();
    Ok(Answer { rows, truncated: found.len() > max_rows, columns })
}
