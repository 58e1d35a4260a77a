//! Makes the role's password, and tells how to connect.
//!
//! A password is made when someone first asks, or asks for another; the role, a note of when with the role, and an
//! envelope of who did it are one transaction. Nobody is shown an old one.

use serde_json::json;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, GenericClient, Transaction};

use super::connection::{Connection, Place, View};
use super::password::Password;
use super::role::{self, Missing};
use super::{Settings, guard};
use crate::db::migrate::READER_ROLE;
use crate::db::{self, Database};
use crate::domain::Clock;
use crate::log;

pub(super) const MADE: &str = include_str!("made.sql");
const VIEWS: &str = include_str!("views.sql");
/// What the note with the role begins with.
pub(super) const NOTE: &str = "hooklake made its password at ";

/// Why no other password is made.
pub const GIVEN: &str = "the settings give the password (reader.password, POSTGRES_CODEGEN_PASSWORD); change it there, and start again";

/// The type of envelopes that record that a password was made.
pub const PASSWORD_TYPE: &str = "reader_password";

/// Whether another password is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Only if there is none.
    First,
    /// In any case; the one before ends at once for new sessions, and sessions under way go on.
    Another,
}

/// Who makes passwords and tells how to connect. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Credentials {
    database: Database,
    settings: Settings,
    place: Place,
    clock: Clock,
}

/// What became of a wish.
enum Made {
    /// There is one already.
    Not,
    /// This one counts; sessions are without these limits, which the database's user may not set.
    Now(Password, Missing),
    /// The database's user may not give it to the role; whoever may runs the statement.
    Ask(Password, String),
}

impl Credentials {
    /// For the role in this database, which is reached at `place`.
    #[must_use]
    pub const fn new(database: Database, settings: Settings, place: Place, clock: Clock) -> Self {
        Self { database, settings, place, clock }
    }

    /// True when the settings give the password: then no other is made.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.settings.password.is_given()
    }

    /// How to connect, with the password if it is made now. `by` is who asks.
    ///
    /// # Errors
    /// When the database does not answer, or another password is wished for than the settings give.
    pub async fn tell(&self, wish: Wish, by: &str) -> Result<Connection, db::Error> {
        let (mut client, connection) = self.database.dedicated().await?;
        let telling = async {
            client.batch_execute("SET search_path = public").await?;
            let made = self.make(&mut client, wish, by).await?;
            let views = client.query(VIEWS, &[]).await?;
            let views = views.into_iter().map(|row| View { name: row.get("name"), description: row.get("description") }).collect();
            let (password, ask, missing) = match made {
                Made::Not => (None, None, Missing::new()),
                Made::Now(password, missing) => (Some(password), None, missing),
                Made::Ask(password, statement) => (Some(password), Some(statement), Missing::new()),
            };
            Ok(Connection::new(&self.place, password.as_ref(), ask, views, &self.settings).without(&missing))
        };
        db::driven(connection, telling).await
    }

    async fn make(&self, client: &mut Client, wish: Wish, by: &str) -> Result<Made, db::Error> {
        match wish {
            Wish::First if self.is_given() => return Ok(Made::Not),
            Wish::Another if self.is_given() => return Err(db::Error::Settings(GIVEN.to_owned())),
            Wish::First | Wish::Another => {}
        }
        if wish == Wish::First && noted(client).await? {
            return Ok(Made::Not);
        }
        // A password without limits would let in whoever takes all there is.
        let missing = role::state_first(client, &self.settings).await?;
        let transaction = client.transaction().await?;
        // Two that ask at once get one password between them.
        transaction.batch_execute(guard::ALONE_TO_MAKE).await?;
        let is_first = !noted(&transaction).await?;
        if wish == Wish::First && !is_first {
            return Ok(Made::Not);
        }
        let random = |error: getrandom::Error| db::Error::Settings(format!("no random numbers: {error}"));
        let password = Password::generate().map_err(random)?;
        // Nothing in a verifier needs to be quoted.
        let statement = format!("ALTER ROLE {READER_ROLE} PASSWORD '{}'", password.verifier().map_err(random)?);
        match self.give(&transaction, &statement, is_first, by).await {
            Ok(()) => {}
            Err(db::Error::Statement(error)) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                drop(transaction);
                let limits = if missing.is_empty() { String::new() } else { role::statements(client, &self.settings, &missing).await? };
                return Ok(Made::Ask(password, limits + &statement));
            }
            Err(error) => return Err(error),
        }
        transaction.commit().await?;
        log::announce(client).await?;
        Ok(Made::Now(password, missing))
    }

    async fn give(&self, transaction: &Transaction<'_>, statement: &str, is_first: bool, by: &str) -> Result<(), db::Error> {
        let now = self.clock.now();
        transaction.batch_execute(statement).await?;
        transaction.batch_execute(&format!("COMMENT ON ROLE {READER_ROLE} IS '{NOTE}{}'", now.format("%Y-%m-%dT%H:%M:%S%.6fZ"))).await?;
        let act = json!({"role": READER_ROLE, "act": if is_first { "made" } else { "rotated" }, "by": by});
        log::append_within(transaction, PASSWORD_TYPE, &act, now).await?;
        Ok(())
    }
}

/// True when hooklake has made the role a password.
async fn noted(client: &impl GenericClient) -> Result<bool, db::Error> {
    let note: Option<String> = client.query_one(MADE, &[]).await?.get("note");
    Ok(note.is_some_and(|note| note.starts_with(NOTE)))
}
