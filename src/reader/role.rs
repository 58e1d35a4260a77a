//! States what the role is and what its sessions begin with, whole: nothing changed by hand, or by a reader of its own
//! role, remains.
//!
//! Settings are those of the role in this database, so that installations that share a server do not disturb one
//! another. What is right already is left alone: two sessions that alter one role at once would fail.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::Settings;
use crate::db;
use crate::db::migrate::READER_ROLE;

const ATTRIBUTES: &str = include_str!("attributes.sql");
const SETTINGS: &str = include_str!("settings.sql");

/// How often it is tried while another process alters the role.
const TRIES: u32 = 5;

/// What the owner of the database was not allowed to state: superusers only, or whoever they grant `SET ON PARAMETER`.
pub type Missing = Vec<&'static str>;

/// Settings of the role's sessions. The second half cannot be lifted by the session itself.
fn wanted(settings: &Settings) -> Vec<(&'static str, String)> {
    let kilobytes = |megabytes: u32| format!("{}kB", u64::from(megabytes) << 10);
    vec![
        ("default_transaction_read_only", "on".to_owned()),
        ("statement_timeout", format!("{}ms", settings.statement_timeout_ms)),
        ("idle_in_transaction_session_timeout", format!("{}ms", settings.idle_in_transaction_timeout_ms)),
        ("lock_timeout", format!("{}ms", settings.lock_timeout_ms)),
        ("client_connection_check_interval", "5s".to_owned()),
        ("work_mem", kilobytes(settings.work_mem_mb)),
        ("max_parallel_workers_per_gather", "0".to_owned()),
        ("jit", "off".to_owned()),
        ("search_path", "public".to_owned()),
        ("temp_file_limit", kilobytes(settings.temp_file_mb_max)),
        // A reader's errors, with statements as long as it likes, would fill the disk that the server's log is on.
        ("log_min_messages", "fatal".to_owned()),
        ("log_min_error_statement", "panic".to_owned()),
    ]
}

/// States the role; returns what could not be stated with the rights of the database's owner.
///
/// # Errors
/// When the database does not answer, or refuses what an owner with `CREATEROLE` may do.
pub async fn state(client: &mut Client, settings: &Settings) -> Result<Missing, db::Error> {
    let mut tries = 1;
    loop {
        match state_once(client, settings).await {
            // "tuple concurrently updated": another process states the same.
            Err(db::Error::Statement(error)) if tries < TRIES && error.code() == Some(&SqlState::INTERNAL_ERROR) => tries += 1,
            outcome => return outcome,
        }
    }
}

/// States the role where nobody has stated it in this database: before any server came. Afterwards its settings count, and
/// not those of a command that somebody runs beside it.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn state_first(client: &mut Client, settings: &Settings) -> Result<Missing, db::Error> {
    let row = client.query_one(SETTINGS, &[]).await?;
    if row.get::<_, Option<Vec<String>>>("here").is_some() {
        return Ok(Vec::new());
    }
    match state(client, settings).await {
        Err(db::Error::Statement(error)) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            Ok(wanted(settings).into_iter().map(|(name, _)| name).collect())
        }
        outcome => outcome,
    }
}

/// The statements that state these settings of the role, for somebody who may run them.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn statements(client: &Client, settings: &Settings, missing: &[&str]) -> Result<String, db::Error> {
    let row = client.query_one(SETTINGS, &[]).await?;
    let database: &str = row.get("database");
    let lines = wanted(settings).into_iter().filter(|(name, _)| missing.contains(name));
    let lines = lines.map(|(name, value)| format!("ALTER ROLE {READER_ROLE} IN DATABASE {database} SET {name} = '{value}'; "));
    Ok(std::iter::once(format!("ALTER ROLE {READER_ROLE} CONNECTION LIMIT {}; ", settings.connections_max)).chain(lines).collect())
}

async fn state_once(client: &mut Client, settings: &Settings) -> Result<Missing, db::Error> {
    let role = client.query_one(ATTRIBUTES, &[&i32::from(settings.connections_max)]).await?;
    if let Some(clauses) = Some(role.get::<_, &str>("clauses")).filter(|clauses| !clauses.is_empty()) {
        client.batch_execute(&format!("ALTER ROLE {READER_ROLE} {clauses}")).await?;
    }
    if let Some(groups) = role.get::<_, Option<&str>>("groups") {
        tracing::warn!(role.groups = groups, "{READER_ROLE} was a member of {groups}; taken back");
        client.batch_execute(&format!("REVOKE {groups} FROM {READER_ROLE}")).await?;
    }
    let row = client.query_one(SETTINGS, &[]).await?;
    if row.get::<_, Option<Vec<String>>>("everywhere").is_some() {
        client.batch_execute(&format!("ALTER ROLE {READER_ROLE} RESET ALL")).await?;
    }
    let wanted = wanted(settings);
    let here = row.get::<_, Option<Vec<String>>>("here").unwrap_or_default();
    let is_there = |(name, value): &(&str, String)| here.contains(&format!("{name}={value}"));
    if wanted.iter().all(is_there) && here.len() == wanted.len() {
        return Ok(Vec::new());
    }
    set_all(client, row.get("database"), &wanted, &here).await
}

async fn set_all(client: &mut Client, database: &str, wanted: &[(&'static str, String)], here: &[String]) -> Result<Missing, db::Error> {
    let of_role = format!("ALTER ROLE {READER_ROLE} IN DATABASE {database}");
    let mut missing = Vec::new();
    let mut transaction = client.transaction().await?;
    if !here.is_empty() {
        transaction.batch_execute(&format!("{of_role} RESET ALL")).await?;
    }
    for (name, value) in wanted {
        let savepoint = transaction.transaction().await?;
        match savepoint.batch_execute(&format!("{of_role} SET {name} = '{value}'")).await {
            Ok(()) => savepoint.commit().await?,
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
                savepoint.rollback().await?;
                // What a superuser set by hand stays, and counts.
                if !here.iter().any(|setting| setting.starts_with(&format!("{name}="))) {
                    missing.push(*name);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    transaction.commit().await?;
    Ok(missing)
}
