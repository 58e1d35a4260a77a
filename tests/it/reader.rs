//! `codegen_readonly` reads views and can do no harm (RELIABILITY S6): what others broke "read-only SQL" with is refused,
//! or ended while deliveries go on being acknowledged.

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::harness::own::Own;
use crate::harness::{TestDatabase, rows, wait_until};

/// What needs a right that the role has not.
const NOT_ALLOWED: &[&str] = &[
    // Out of the database, and into the machine.
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "SELECT 1; COMMIT; COPY (SELECT 1) TO PROGRAM 'true'",
    "/* SELECT */ COPY (SELECT 1) TO '/tmp/hooklake-attack'",
    "SELECT * FROM pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT * FROM pg_ls_dir('.')",
    "SELECT pg_stat_file('PG_VERSION')",
    "SELECT current_setting('data_directory')",
    "LOAD '/tmp/hooklake-attack.so'",
    "CREATE EXTENSION dblink",
    // Large objects are written in read-only transactions too.
    "SELECT lo_create(0)",
    "SELECT lo_creat(-1)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT lo_put(1, 0, 'x')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/hooklake-attack')",
    "SELECT lo_unlink(1)",
    "SELECT lowrite(0, 'x')",
    // The server as a whole.
    "SELECT pg_switch_wal()",
    "SELECT pg_create_restore_point('x')",
    "SELECT pg_logical_emit_message(false, 'x', repeat('x', 1000000))",
    "SELECT pg_drop_replication_slot('x')",
    "SELECT pg_create_physical_replication_slot('x', true)",
    "SELECT pg_create_logical_replication_slot('x', 'test_decoding')",
    "SELECT pg_stat_reset()",
    "SELECT pg_reload_conf()",
    "SELECT pg_rotate_logfile()",
    "SELECT pg_import_system_collations('pg_catalog')",
    "SELECT pg_export_snapshot()",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SELECT pg_cancel_backend(pg_backend_pid())",
    "ALTER SYSTEM SET fsync = off",
    "CHECKPOINT",
    // Locks that this system's own work waits for.
    "SELECT pg_advisory_lock(hashtext('hooklake.migrate'))",
    "SELECT pg_advisory_lock_shared(1)",
    "SELECT pg_advisory_xact_lock(hashtext('log.holds'))",
    "SELECT pg_try_advisory_lock(1, 2)",
    "SELECT pg_try_advisory_xact_lock_shared(1)",
    "BEGIN; LOCK TABLE events IN EXCLUSIVE MODE",
    "BEGIN; LOCK TABLE log.envelopes IN ACCESS SHARE MODE",
    "SELECT * FROM recent_events FOR UPDATE",
    // Settings that only look like questions, and those that count.
    "SELECT set_config('statement_timeout', '0', false)",
    "SELECT pg_notify('hooklake_log', '')",
    "SET temp_file_limit = -1",
    "SET log_min_messages = debug5",
    "SET log_min_error_statement = debug5",
    "SET session_replication_role = replica",
    "SET ROLE hooklake_app",
    "SET SESSION AUTHORIZATION hooklake",
    "ALTER ROLE codegen_readonly CONNECTION LIMIT -1",
    "ALTER ROLE codegen_readonly SUPERUSER",
    "ALTER ROLE codegen_readonly SET temp_file_limit = -1",
    "ALTER ROLE hooklake_app LOGIN",
    "ALTER DATABASE hooklake SET work_mem = '1GB'",
    "CREATE ROLE another LOGIN",
    // What is there.
    "DELETE FROM events",
    "WITH gone AS (DELETE FROM github_events RETURNING *) SELECT * FROM gone",
    "EXPLAIN ANALYZE DELETE FROM events",
    "UPDATE github_events SET action = NULL",
    "INSERT INTO events (position) VALUES (1)",
    "TRUNCATE projections.events",
    "COPY events FROM STDIN",
    "SELECT query_to_xml('DELETE FROM events', true, false, '')",
    "DROP VIEW recent_events",
    "ALTER VIEW recent_events RENAME TO mine",
    "COMMENT ON VIEW recent_events IS 'do as I say'",
    "SELECT * FROM log.envelopes",
    "SELECT * FROM projections.events",
    "DROP TABLE projections.events",
    "SELECT projections.body_text('x')",
    "SELECT log.may_empty('default')",
    "SELECT * FROM hooklake.installation",
    "SELECT hooklake.server_standing()",
    "SELECT hooklake.reader_older_than('3')",
    "SELECT * FROM hooklake_migrations",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_largeobject",
    // What would be there.
    "CREATE TEMPORARY TABLE mine AS SELECT 1",
    "SELECT 1 AS one INTO TEMPORARY mine",
    "CREATE TABLE mine (a integer)",
    "CREATE TABLE public.mine AS SELECT 1",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION pg_temp.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE DATABASE mine",
    "CREATE PUBLICATION mine",
    "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION pg_catalog.lower()",
    // Code of one's own could catch that it is cancelled.
    "DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$",
];

/// Runs statements in a session that has lifted what a session may lift; the SQLSTATE that they end with.
async fn attack(client: &Client, sql: &str) -> Result<(), SqlState> {
    let outcome = client.batch_execute(sql).await.map_err(|error| error.code().cloned().unwrap_or(SqlState::CONNECTION_EXCEPTION));
    drop(client.batch_execute("ROLLBACK").await);
    outcome
}

/// A session that has lifted every limit that it may.
async fn unbound(own: &Own) -> Client {
    let client = own.reader().await.expect("the reader may connect");
    let lift = "SET default_transaction_read_only = off; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
                SET lock_timeout = 0; SET work_mem = '8GB'; SET max_parallel_workers_per_gather = 2";
    client.batch_execute(lift).await.expect("a session may");
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reader_has_no_right_to_is_refused_and_ingest_goes_on() {
    let own = Own::start(&[]).await;
    own.acknowledges().await;
    let reader = unbound(&own).await;
    let mut survivors = Vec::new();
    for sql in NOT_ALLOWED {
        match attack(&reader, sql).await {
            Err(SqlState::INSUFFICIENT_PRIVILEGE) => {}
            other => survivors.push((sql, other)),
        }
    }
    assert!(survivors.is_empty(), "{survivors:#?}");
    for (sql, state) in [
        ("BEGIN; PREPARE TRANSACTION 'mine'", SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE),
        ("SELECT dblink('dbname=hooklake', 'DELETE FROM events')", SqlState::UNDEFINED_FUNCTION),
    ] {
        assert_eq!(attack(&reader, sql).await, Err(state), "{sql}");
    }
    own.acknowledges().await;
    let fresh = own.reader().await.expect("a session");
    assert_eq!(attack(&fresh, "CREATE TABLE mine ()").await, Err(SqlState::READ_ONLY_SQL_TRANSACTION), "unless told otherwise, transactions only read");
    for other in ["postgres", "template1"] {
        let refused = tokio_postgres::connect(&own.url("codegen_readonly", other), tokio_postgres::NoTls).await;
        assert_eq!(refused.err().and_then(|error| error.code().cloned()), Some(SqlState::INSUFFICIENT_PRIVILEGE), "{other} is not a reader's");
    }
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_on_without_limits_is_ended_and_ingest_goes_on() {
    let settings = [
        ("HOOKLAKE_READER_STATEMENT_TIMEOUT_MS", "2000"),
        ("HOOKLAKE_READER_IDLE_IN_TRANSACTION_TIMEOUT_MS", "1000"),
        ("HOOKLAKE_READER_TRANSACTION_TIMEOUT_MS", "4000"),
    ];
    let own = Own::start(&settings).await;
    for sql in [
        "SELECT pg_sleep(120)",
        "SELECT pg_sleep(60) FROM generate_series(1, 3)",
        "WITH RECURSIVE forever AS (SELECT 1 UNION ALL SELECT 1 FROM forever) SELECT count(*) FROM forever",
        "SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d",
        "SELECT 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab' ~ '((a*)*)*\\1c' FROM pg_sleep(60)",
    ] {
        let reader = unbound(&own).await;
        let (ended, ()) = tokio::join!(attack(&reader, sql), own.acknowledges());
        // A fast machine takes too much memory before it takes too long, and then the session goes.
        let may = if sql.contains("forever") { vec![SqlState::QUERY_CANCELED, SqlState::ADMIN_SHUTDOWN] } else { vec![SqlState::QUERY_CANCELED] };
        assert!(ended.as_ref().is_err_and(|state| may.contains(state)), "{sql}: {ended:?}");
    }
    // The session itself goes when it holds others up: nothing is running that could be cancelled.
    let reader = unbound(&own).await;
    reader.batch_execute("LISTEN hooklake_log; BEGIN; SELECT count(*) FROM events").await.expect("a transaction");
    wait_until("an idle transaction is ended", async || reader.is_closed()).await;
    let reader = unbound(&own).await;
    reader.batch_execute("BEGIN").await.expect("a transaction");
    wait_until("a long transaction is ended", async || {
        reader.batch_execute("SELECT count(*) FROM events; NOTIFY hooklake_log, 'x'").await.is_err() && reader.is_closed()
    })
    .await;
    own.acknowledges().await;
    own.stop().await;
}

/// Every role may alter itself, as often as it likes, and nothing of it can be cleaned up while the transaction goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_writes_does_not_go_on() {
    let own = Own::start(&[]).await;
    let (reader, looking) = (unbound(&own).await, unbound(&own).await);
    reader.batch_execute("BEGIN").await.expect("a transaction");
    looking.batch_execute("BEGIN").await.expect("a transaction");
    wait_until("a transaction that writes is ended", async || {
        looking.batch_execute("SELECT count(*) FROM events").await.expect("who only reads may go on");
        reader.batch_execute("SAVEPOINT one; ALTER ROLE CURRENT_USER SET search_path = mine").await.is_err() && reader.is_closed()
    })
    .await;
    own.acknowledges().await;
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fills_the_disk_is_ended() {
    let own = Own::start(&[("HOOKLAKE_READER_TEMP_FILE_MB_MAX", "8")]).await;
    for sql in [
        "SELECT count(*) FROM generate_series(1, 1000000000000)",
        "SELECT DISTINCT repeat(g::text, 1000) FROM generate_series(1, 1000000) g ORDER BY 1",
        "BEGIN; DECLARE mine CURSOR WITH HOLD FOR SELECT repeat(a.relname, 1000) FROM pg_class a, pg_class b; COMMIT",
    ] {
        let reader = unbound(&own).await;
        let sql = format!("SET work_mem = '1MB'; {sql}");
        let (ended, ()) = tokio::join!(attack(&reader, &sql), own.acknowledges());
        assert_eq!(ended, Err(SqlState::CONFIGURATION_LIMIT_EXCEEDED), "{sql}");
    }
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_takes_too_much_memory_is_ended() {
    let own = Own::start(&[("HOOKLAKE_READER_MEMORY_MB_MAX", "96")]).await;
    let reader = unbound(&own).await;
    let (ended, ()) = tokio::join!(attack(&reader, "SELECT count(*) FROM generate_series(1, 1000000000)"), own.acknowledges());
    assert_eq!(ended, Err(SqlState::ADMIN_SHUTDOWN));
    own.acknowledges().await;
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_cannot_use_up_the_connections() {
    let own = Own::start(&[("HOOKLAKE_READER_CONNECTIONS_MAX", "3")]).await;
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(own.reader().await.expect("a session"));
    }
    let refused = own.reader().await.err().and_then(|error| error.code().cloned());
    assert_eq!(refused, Some(SqlState::TOO_MANY_CONNECTIONS));
    own.acknowledges().await;
    own.stop().await;
}

/// Every role may alter itself; what a reader leaves for the next one does not stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_of_the_role_does_not_remain() {
    let own = Own::start(&[("HOOKLAKE_READER_STATEMENT_TIMEOUT_MS", "12345")]).await;
    let timeout = async || {
        let reader = own.reader().await.expect("a session");
        reader.query_one("SELECT current_setting('statement_timeout')", &[]).await.expect("asked").get::<_, String>(0)
    };
    let stated = "12345ms";
    assert_eq!(timeout().await, stated);
    let reader = unbound(&own).await;
    for change in ["ALTER ROLE CURRENT_USER SET search_path = pg_temp", "ALTER ROLE CURRENT_USER IN DATABASE hooklake SET statement_timeout = 0"] {
        reader.batch_execute(change).await.expect("every role may");
    }
    wait_until("the watch states it again", async || timeout().await == stated).await;
    let database = &own.app.base.database;
    rows(database, "ALTER ROLE codegen_readonly CREATEDB CONNECTION LIMIT 50").await;
    rows(database, "GRANT pg_read_all_data TO codegen_readonly").await;
    let role = "SELECT rolcreatedb OR rolconnlimit <> 10 OR pg_has_role('codegen_readonly', 'pg_read_all_data', 'MEMBER'), \
                EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setdatabase = 0 AND s.setrole = 'codegen_readonly'::regrole) FROM pg_roles WHERE rolname = 'codegen_readonly'";
    wait_until("and what was changed by hand", async || {
        let row = rows(database, role).await.remove(0);
        !row.get::<_, bool>(0) && !row.get::<_, bool>(1)
    })
    .await;
    own.stop().await;
}

/// What one reader changed of the role and another one holds cannot be put back; the watch does not wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_holds_the_role_does_not_hold_up_the_watch() {
    let own = Own::start(&[("HOOKLAKE_READER_STATEMENT_TIMEOUT_MS", "2000")]).await;
    let (holding, sleeping) = (unbound(&own).await, unbound(&own).await);
    holding.batch_execute("ALTER ROLE CURRENT_USER SET search_path = mine").await.expect("every role may");
    for _ in 0..8 {
        // Anew each time, or it would be ended before the role is stated again.
        holding.batch_execute("ROLLBACK; BEGIN; ALTER ROLE CURRENT_USER SET search_path = other").await.expect("a transaction");
        assert_eq!(attack(&sleeping, "SELECT pg_sleep(120)").await, Err(SqlState::QUERY_CANCELED));
    }
    wait_until("who holds the role is ended", async || holding.is_closed()).await;
    let path = async || own.reader().await.expect("a session").query_one("SHOW search_path", &[]).await.expect("asked").get::<_, String>(0);
    wait_until("the role is stated again", async || path().await == "public").await;
    own.stop().await;
}

/// What a reader got wrong is not worth a line, let alone its whole text: the disk is the log's too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_readers_mistakes_do_not_fill_the_servers_log() {
    let own = Own::start(&[]).await;
    let reader = unbound(&own).await;
    let nonsense = format!("SELECT nothing_of_the_kind, '{}'", "x".repeat(1_000_000));
    assert_eq!(attack(&reader, &nonsense).await, Err(SqlState::UNDEFINED_COLUMN));
    let log = std::fs::read_to_string(own.data_dir().join("postgres/log")).expect("the server's log");
    assert!(!log.contains("nothing_of_the_kind"));
    own.stop().await;
}

#[tokio::test]
async fn nothing_but_views_is_there_for_a_reader() {
    let db = TestDatabase::new().await;
    db.execute("CREATE TABLE public.by_hand (a integer); GRANT ALL ON public.by_hand, log.envelopes TO codegen_readonly; GRANT USAGE ON SCHEMA log TO codegen_readonly").await;
    hooklake::db::migrate::run(&db.database).await.expect("stated again");
    let reachable = "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v', 'p', 'm', 'f', 'S')
                       AND CASE c.relkind WHEN 'S' THEN has_sequence_privilege('codegen_readonly', c.oid, 'USAGE,SELECT,UPDATE')
                           ELSE has_table_privilege('codegen_readonly', c.oid, 'INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER')
                                OR (has_schema_privilege('codegen_readonly', n.oid, 'USAGE') AND has_table_privilege('codegen_readonly', c.oid, 'SELECT') AND c.relkind <> 'v') END";
    let found: Vec<String> = db.rows(reachable).await.iter().map(|row| row.get(0)).collect();
    assert!(found.is_empty(), "{found:?}");
    let schemas = "SELECT n.nspname::text FROM pg_namespace n WHERE has_schema_privilege('codegen_readonly', n.oid, 'USAGE,CREATE') AND n.nspname NOT LIKE 'pg_temp%' AND n.nspname NOT LIKE 'pg_toast_temp%' ORDER BY 1";
    let schemas: Vec<String> = db.rows(schemas).await.iter().map(|row| row.get(0)).collect();
    assert_eq!(schemas, ["information_schema", "pg_catalog", "public"]);
}
