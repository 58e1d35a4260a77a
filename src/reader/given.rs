//! A password that the settings give (`reader.password`): the role has it from the start on, and no other is made.

use serde_json::json;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Transaction};

use super::credentials::{NOTE, PASSWORD_TYPE};
use super::guard;
use super::password::Password;
use crate::db;
use crate::db::migrate::READER_ROLE;
use crate::domain::clock::Timestamp;
use crate::log;

const VERIFIER: &str = include_str!("verifier.sql");
/// What the note with the role says behind the time.
const AS_SET: &str = ", as the settings say";

/// Gives the role this password, unless it is known to have it; false when the database's user may not.
///
/// # Errors
/// When the database does not answer.
pub async fn state(client: &mut Client, password: &Password, now: Timestamp) -> Result<bool, db::Error> {
    let mut transaction = client.transaction().await?;
    transaction.batch_execute(guard::ALONE_TO_MAKE).await?;
    let (has_it, is_noted) = known(&mut transaction, password).await?;
    if has_it {
        return Ok(true);
    }
    let verifier = password.verifier().map_err(|error| db::Error::Settings(format!("no random numbers: {error}")))?;
    // Nothing in a verifier needs to be quoted.
    match transaction.batch_execute(&format!("ALTER ROLE {READER_ROLE} PASSWORD '{verifier}'")).await {
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => return Ok(false),
        outcome => outcome?,
    }
    transaction.batch_execute(&format!("COMMENT ON ROLE {READER_ROLE} IS '{NOTE}{}{AS_SET}'", now.format("%Y-%m-%dT%H:%M:%S%.6fZ"))).await?;
    // Who may not see whether it is another one gives it at every start; that is told once.
    if !is_noted {
        log::append_within(&transaction, PASSWORD_TYPE, &json!({"role": READER_ROLE, "act": "given", "by": "the settings"}), now).await?;
    }
    transaction.commit().await?;
    log::announce(client).await?;
    Ok(true)
}

/// Whether the role has this password, as far as the database's user may see, and whether it is noted only that it was given.
async fn known(transaction: &mut Transaction<'_>, password: &Password) -> Result<(bool, bool), db::Error> {
    let savepoint = transaction.transaction().await?;
    let row = savepoint.query_one(VERIFIER, &[]).await;
    let is_hidden = row.as_ref().is_err_and(|error| error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    savepoint.rollback().await?;
    if !is_hidden {
        return Ok((row?.get::<_, Option<&str>>("verifier").is_some_and(|verifier| password.is_of(verifier)), false));
    }
    let note: Option<String> = transaction.query_one(super::credentials::MADE, &[]).await?.get("note");
    Ok((false, note.is_some_and(|note| note.ends_with(AS_SET))))
}
