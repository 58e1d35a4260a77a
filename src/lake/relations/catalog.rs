//! Which relations there are, and how far what they show has come.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Transaction;

use super::columns::Column;
use super::serve::Asked;
use crate::db;
use crate::domain::Position;

const CATALOG: &str = include_str!("catalog.sql");
const STANDING: &str = include_str!("standing.sql");

/// Which consumer keeps each table.
pub type Keepers = BTreeMap<String, String>;

/// A relation that can be asked.
#[derive(Debug)]
pub struct Relation {
    /// Its name, in the schema `public`.
    pub name: String,
    /// What it is.
    pub(super) comment: Option<String>,
    /// Its columns.
    pub(super) columns: Vec<Column>,
    /// False where every row is the one tenant's.
    pub(super) has_tenant: bool,
}

/// How far the tables beneath the relations of a question have come.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Through which position of the log; none when nothing is missing.
    pub behind: Option<Position>,
    /// For how many milliseconds the first event after it has waited.
    pub lag_ms: i64,
}

/// What a question finds in PostgreSQL.
#[derive(Debug)]
pub struct Catalog {
    /// The relations that it names, or all of them.
    pub relations: Vec<Relation>,
    /// How far those have come that it names.
    pub standing: Option<Standing>,
}

/// Reads the relations that a question names, or all of them, that its tenant may see.
pub(super) async fn read(transaction: &Transaction<'_>, asked: &Asked<'_>) -> Result<Catalog, db::Error> {
    let (mut relations, mut tables) = (Vec::new(), BTreeSet::new());
    let looked_for = (!asked.is_everything).then_some(&asked.names);
    for row in transaction.query(CATALOG, &[&looked_for, &asked.tenant.as_str()]).await? {
        let name: String = row.get("name");
        let (names, types): (Vec<String>, Vec<String>) = (row.get("names"), row.get("types"));
        let comments: Vec<Option<String>> = row.get("comments");
        let columns = names.into_iter().zip(types).zip(comments).map(|((name, data_type), comment)| Column::new(name, &data_type, comment));
        if asked.names.contains(&name) {
            tables.extend(row.get::<_, Vec<String>>("tables"));
        }
        relations.push(Relation { name, comment: row.get("comment"), columns: columns.collect(), has_tenant: row.get("has_tenant") });
    }
    let standing = if tables.is_empty() { None } else { Some(standing(transaction, &tables, asked.keepers).await?) };
    Ok(Catalog { relations, standing })
}

async fn standing(transaction: &Transaction<'_>, tables: &BTreeSet<String>, keepers: &Keepers) -> Result<Standing, db::Error> {
    // A table that nobody is known to keep may be anyone's.
    let consumers: Option<BTreeSet<&str>> = tables.iter().map(|table| keepers.get(table).map(String::as_str)).collect();
    let consumers: Option<Vec<&str>> = consumers.map(|consumers| consumers.into_iter().collect());
    let row = transaction.query_one(STANDING, &[&consumers]).await?;
    Ok(Standing { behind: row.get::<_, Option<i64>>("position").map(Position::new), lag_ms: row.get("lag_ms") })
}
