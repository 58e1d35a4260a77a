//! Which rows differ between what is live and a copy that a rebuild left beside it.
//!
//! Both are compared as they stood at the same position, by primary key. Deliberately not compared: when a row was
//! written ([`NOT_COMPARED`]), which no replay can give again.

use serde_json::Value;
use tokio_postgres::{IsolationLevel, Transaction};

use super::copy::{self, LIVE_SCHEMA};
use super::{Consumer, Error, checkpoint};
use crate::db::Database;
use crate::domain::Position;

const COLUMNS: &str = include_str!("diff_columns.sql");
/// Columns that say when this row was made rather than what it says.
pub const NOT_COMPARED: &[&str] = &["processed_at"];
/// Where a row says which envelope it came from, by the tables' own habits.
const POSITIONS: &[&str] = &["position", "first_position", "since_position"];

/// One of the two that are compared.
#[derive(Debug, Clone)]
pub struct Side {
    /// `live` or `rebuild`.
    pub name: &'static str,
    /// The version of the code that filled it.
    pub version: i32,
    /// Through which position it is filled.
    pub position: Position,
    schema: String,
}

/// What differs in one table.
#[derive(Debug, Clone)]
pub struct TableDiff {
    /// The table.
    pub table: String,
    /// Rows that only the first side has.
    pub only_first: i64,
    /// Rows that only the second side has.
    pub only_second: i64,
    /// Rows that both have, with other values.
    pub changed: i64,
    /// The first of them, by key.
    pub rows: Vec<RowDiff>,
}

/// One row that differs.
#[derive(Debug, Clone)]
pub struct RowDiff {
    /// `only_first`, `only_second` or `changed`.
    pub kind: String,
    /// Its primary key, by column.
    pub key: Value,
    /// For a changed row its changed columns, each with both values.
    pub columns: Value,
}

/// Why two sides cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// What was asked for is not there; the text says what to do.
    #[error("{0}")]
    Refused(String),
    /// The database did not do it.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<tokio_postgres::Error> for DiffError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Compares two sides of a consumer's tables; `limit` rows are named for each table. The sides are named `live` and
/// `rebuild`, or by the version of the code that filled them.
///
/// # Errors
/// See [`DiffError`].
pub async fn diff(database: &Database, live: &dyn Consumer, versions: [&str; 2], limit: u32) -> Result<([Side; 2], Vec<TableDiff>), DiffError> {
    if live.tables().is_empty() {
        return Err(DiffError::Refused(format!("{} keeps no tables; diff compares tables of PostgreSQL", live.name())));
    }
    let mut connection = database.get().await.map_err(Error::from)?;
    // Of one moment: the live tables and both checkpoints go on moving.
    let transaction = connection.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start().await?;
    let sides = sides(&transaction, live.name()).await?;
    let [first, second] = [choose(&sides, versions[0])?, choose(&sides, versions[1])?];
    let mut tables = Vec::new();
    for table in live.tables() {
        tables.push(of_table(&transaction, table, [&first, &second], limit).await?);
    }
    Ok(([first, second], tables))
}

async fn sides(transaction: &Transaction<'_>, consumer: &str) -> Result<Vec<Side>, DiffError> {
    let named = [("live", consumer.to_owned(), LIVE_SCHEMA.to_owned()), ("rebuild", checkpoint::copy_name(consumer), copy::schema_beside(consumer))];
    let mut sides = Vec::new();
    for (name, row_name, schema) in named {
        let row = transaction
            .query_opt("SELECT version, position FROM hooklake.consumers WHERE name = $1 AND to_regnamespace($2) IS NOT NULL", &[&row_name, &schema])
            .await?;
        sides.extend(row.map(|row| Side { name, version: row.get(0), position: Position::new(row.get(1)), schema }));
    }
    if sides.len() < 2 {
        return Err(DiffError::Refused(format!("nothing stands beside {consumer}; fill it with `hooklake rebuild {consumer} --no-swap`")));
    }
    Ok(sides)
}

/// The side of this name, or of this version.
fn choose(sides: &[Side], asked: &str) -> Result<Side, DiffError> {
    let found: Vec<&Side> = sides.iter().filter(|side| side.name == asked || side.version.to_string() == asked).collect();
    match found[..] {
        [one] => Ok(one.clone()),
        [] => {
            let there: Vec<String> = sides.iter().map(|side| format!("{} (version {})", side.name, side.version)).collect();
            Err(DiffError::Refused(format!("there is no version {asked:?}; there are {}", there.join(" and "))))
        }
        _ => Err(DiffError::Refused(format!("both are of version {asked}; call them live and rebuild"))),
    }
}

async fn of_table(transaction: &Transaction<'_>, table: &str, [first, second]: [&Side; 2], limit: u32) -> Result<TableDiff, DiffError> {
    let rows = transaction.query(COLUMNS, &[&table]).await?;
    let columns: Vec<(String, bool)> = rows.iter().map(|row| (row.get("name"), row.get("is_key"))).collect();
    let quoted = |name: &str| format!("\"{name}\"");
    let keys: Vec<String> = columns.iter().filter(|(_, is_key)| *is_key).map(|(name, _)| quoted(name)).collect();
    let compared: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).filter(|name| !NOT_COMPARED.contains(name)).collect();
    let bound = POSITIONS
        .iter()
        .find(|position| compared.contains(position))
        .map_or_else(String::new, |position| format!(" WHERE \"{position}\" <= {}", first.position.min(second.position)));
    let each = |form: &dyn Fn(&str) -> String, separator: &str| compared.iter().map(|name| form(&quoted(name))).collect::<Vec<_>>().join(separator);
    let any_key = &keys[0];
    let differing = format!(
        "SELECT CASE WHEN b.{any_key} IS NULL THEN 'only_first' WHEN a.{any_key} IS NULL THEN 'only_second' ELSE 'changed' END AS kind, {keys}, a, b
         FROM (SELECT * FROM {}.{table}{bound}) a FULL JOIN (SELECT * FROM {}.{table}{bound}) b USING ({keys})
         WHERE a.{any_key} IS NULL OR b.{any_key} IS NULL OR {}",
        first.schema,
        second.schema,
        each(&|name| format!("a.{name} IS DISTINCT FROM b.{name}"), " OR "),
        keys = keys.join(", "),
    );
    let counted = transaction.query(&format!("SELECT kind, count(*) FROM ({differing}) d GROUP BY 1"), &[]).await?;
    let count = |kind: &str| counted.iter().find(|row| row.get::<_, &str>(0) == kind).map_or(0, |row| row.get(1));
    let named = transaction
        .query(
            &format!(
                "SELECT kind, to_jsonb(k) AS key,
                        CASE WHEN kind = 'changed' THEN (
                            SELECT jsonb_object_agg(x.key, jsonb_build_array(x.value, y.value)) FROM jsonb_each(to_jsonb(a)) x JOIN jsonb_each(to_jsonb(b)) y USING (key)
                            WHERE x.value IS DISTINCT FROM y.value AND x.key <> ALL ($2::text[])) END AS columns
                 FROM ({differing}) d, LATERAL (SELECT {}) k ORDER BY {} LIMIT $1",
                keys.iter().map(|key| format!("d.{key}")).collect::<Vec<_>>().join(", "),
                keys.iter().map(|key| format!("d.{key}")).collect::<Vec<_>>().join(", "),
            ),
            &[&i64::from(limit), &NOT_COMPARED],
        )
        .await?;
    Ok(TableDiff {
        table: table.to_owned(),
        only_first: count("only_first"),
        only_second: count("only_second"),
        changed: count("changed"),
        rows: named
            .iter()
            .map(|row| RowDiff { kind: row.get("kind"), key: row.get("key"), columns: row.get::<_, Option<Value>>("columns").unwrap_or(Value::Null) })
            .collect(),
    })
}
