//! What people say of who is who: settings that are kept in the log, so that a fresh fold groups as they wish.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::entry::list;
use crate::db::{self, Database};
use crate::domain::facts::text;
use crate::domain::json::{Document, Json};

const LOAD_MAP: &str = include_str!("load_map.sql");

/// The type of own envelopes that hold the map; the last one counts.
pub const MAP_TYPE: &str = "people_map";

/// `[people]`: accounts that are the same person, and accounts that are not. An account is named `github:<login>`,
/// `linear:<id>`, `slack:<user id>`, by its key in `person_identities`, or by an email address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeopleMap {
    /// Each names one person's accounts, with spaces between them.
    pub same: Vec<String>,
    /// Each names accounts of different people, whatever else says that they are one.
    pub apart: Vec<String>,
}

impl PeopleMap {
    /// The body of its envelope.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"same": self.same, "apart": self.apart})
    }

    /// Reads such a body; what is not of this form says nothing.
    #[must_use]
    pub fn read(body: Json<'_>) -> Self {
        let lines = |pointer: &str| list(body, pointer).filter_map(|line| text(line, "").map(str::to_owned)).collect();
        Self { same: lines("/same"), apart: lines("/apart") }
    }

    /// Whether it must be noted in the log: it is another one than the last that was taken from there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_news(&self, database: &Database) -> Result<bool, db::Error> {
        let connection = database.get().await?;
        connection.batch_execute("SET search_path = projections").await?;
        let known = connection.query_opt(LOAD_MAP, &[]).await;
        connection.batch_execute("RESET search_path").await?;
        let known = known?.map(|row| Self::read(Document::from(row.get::<_, Value>(0)).root())).unwrap_or_default();
        Ok(known != *self)
    }
}
