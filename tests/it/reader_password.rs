//! The readers' password is shown once, counts for its role over TCP and for nobody else, and stays the one that was
//! made. Tried with psql and psycopg.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::harness::own::Own;
use crate::harness::router::App;
use crate::harness::{rows, set_mode, tools_dir, wait_until};

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").to_string()
}

/// A question by psql; what it prints, or what it complains of.
fn psql(uri: &str, sql: &str) -> Result<String, String> {
    let output = Command::new("psql").args([uri, "-w", "-XAtc", sql]).env_clear().env("PATH", "/usr/bin:/bin").output().expect("psql runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

async fn ask(own: &Own, method: reqwest::Method, path: &str) -> Value {
    let token = own.app.access().rotate().await.expect("a token").reveal().to_owned();
    let request = own.http.request(method, format!("http://{}{path}", own.app.address)).bearer_auth(token);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    answer.json().await.expect("JSON")
}

async fn info(own: &Own) -> Value {
    ask(own, reqwest::Method::GET, "/codegen/connection-info").await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_is_shown_once_and_lets_its_role_in_and_nobody_else() {
    let address = free_address();
    let own = Own::start(&[("HOOKLAKE_READER_LISTEN", &address)]).await;
    own.acknowledges().await;
    let first = info(&own).await;
    assert_eq!(format!("{}:{}", text(&first["host"]), first["port"]), address);
    assert_eq!((&first["database"], &first["username"], &first["sslMode"]), (&json!("hooklake"), &json!("codegen_readonly"), &json!("disable")));
    let (password, uri) = (text(&first["password"]).to_owned(), text(&first["uri"]).to_owned());
    assert_eq!(first["environment"]["POSTGRES_CODEGEN_USER"], "codegen_readonly");
    assert_eq!(first["environment"]["POSTGRES_CODEGEN_PASSWORD"], password.as_str());
    let views = first["views"].as_array().expect("a list");
    assert!(views.iter().any(|view| view["name"] == "recent_events") && views.iter().all(|view| view["description"].is_string()), "{views:?}");

    assert_eq!(psql(&uri, "SELECT current_user, count(*) FROM received_deliveries WHERE position < 0").as_deref(), Ok("codegen_readonly|0"));
    assert_eq!(psql(&uri, "SHOW statement_timeout").as_deref(), Ok("30s"), "its limits count here too");
    assert!(psql(&uri.replace(&password, "wrong"), "SELECT 1").is_err_and(|error| error.contains("password authentication failed")));
    for other in [uri.replace("codegen_readonly:", "hooklake:"), uri.replace("/hooklake?", "/postgres?"), uri.replace("codegen_readonly:", "hooklake_app:")] {
        assert!(psql(&other, "SELECT 1").is_err_and(|error| error.contains("no pg_hba.conf entry")), "{other}");
    }
    let python = Command::new(tools_dir().join("python/bin/python"))
        .args([
            "-c",
            "import psycopg, sys; print(psycopg.connect(sys.argv[1]).execute('SELECT count(*) FROM event_summary WHERE %s', [False]).fetchone()[0])",
            &uri,
        ])
        .output()
        .expect("`make test` installs psycopg");
    assert_eq!(String::from_utf8_lossy(&python.stdout).trim(), "0", "{}", String::from_utf8_lossy(&python.stderr));

    let again = info(&own).await;
    assert!(again["password"].is_null() && !again.to_string().contains(&password), "it is shown once: {again}");
    let rotated = ask(&own, reqwest::Method::POST, "/codegen/rotate").await;
    assert!(psql(&uri, "SELECT 1").is_err(), "the one before has ended");
    let uri = text(&rotated["uri"]).to_owned();
    assert_eq!(psql(&uri, "SELECT 1").as_deref(), Ok("1"));

    // Kept as a verifier; who made it is in the log, and what was made is not.
    let database = &own.app.base.database;
    let kept: String = rows(database, "SELECT rolpassword FROM pg_authid WHERE rolname = 'codegen_readonly'").await[0].get(0);
    assert!(kept.starts_with("SCRAM-SHA-256$4096:"), "{kept}");
    let acts =
        rows(database, "SELECT convert_from(body, 'UTF8') FROM log.envelopes WHERE source = 'hooklake' AND event_type = 'reader_password' ORDER BY position")
            .await;
    let acts: Vec<String> = acts.iter().map(|row| row.get(0)).collect();
    assert!(acts.len() == 2 && acts[0].contains("\"made\"") && acts[1].contains("\"rotated\"") && acts[0].contains("the admin token"), "{acts:?}");
    assert!(!acts.concat().contains(&password));

    // Every role may give itself another password: it does not stay. What the watch put right twice, it has seen whole.
    let reader = own.reader().await.expect("a session");
    reader.batch_execute("SET default_transaction_read_only = off").await.expect("a session may");
    for _ in 0..2 {
        reader.batch_execute("ALTER ROLE CURRENT_USER IN DATABASE hooklake SET work_mem = '1GB'").await.expect("every role may");
        let lifted = "SELECT count(*) FROM pg_db_role_setting WHERE 'work_mem=1GB' = ANY (setconfig)";
        wait_until("the watch looks", async || rows(database, lifted).await[0].get::<_, i64>(0) == 0).await;
    }
    reader.batch_execute("ALTER ROLE CURRENT_USER PASSWORD 'theirs'").await.expect("every role may");
    wait_until("the one that was made counts again", async || psql(&uri, "SELECT 1").is_ok()).await;
    assert!(psql(&uri.replace(text(&rotated["password"]), "theirs"), "SELECT 1").is_err());
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_nobody_connects_in_the_clear() {
    let files = tempfile::tempdir().expect("a directory");
    set_mode(files.path(), 0o700);
    let (certificate, key) = certificate(files.path());
    let address = free_address();
    let own = Own::start(&[("HOOKLAKE_READER_LISTEN", &address), ("HOOKLAKE_READER_TLS_CERT", &certificate), ("HOOKLAKE_READER_TLS_KEY", &key)]).await;
    let told = info(&own).await;
    assert_eq!(told["sslMode"], "require");
    let uri = text(&told["uri"]);
    let secured = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(psql(uri, secured).as_deref(), Ok("t"));
    assert_eq!(
        psql(&format!("{uri}&sslrootcert={certificate}").replace("=require", "=verify-ca"), secured).as_deref(),
        Ok("t"),
        "it is the certificate that was given"
    );
    assert!(psql(&uri.replace("sslmode=require", "sslmode=disable"), "SELECT 1").is_err_and(|error| error.contains("no encryption")));
    own.acknowledges().await;
    own.stop().await;
}

/// A certificate of one's own for 127.0.0.1, and its key.
fn certificate(directory: &Path) -> (String, String) {
    let file = |name: &str| directory.join(name).display().to_string();
    let (certificate, key) = (file("cert.pem"), file("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-keyout", &key, "-out", &certificate])
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_of_the_settings_counts_from_the_start_and_is_shown_nowhere() {
    const CHOSEN: &str = "chosen-by-$'you'";
    let address = free_address();
    let own = Own::start(&[("HOOKLAKE_READER_LISTEN", &address), ("POSTGRES_CODEGEN_PASSWORD", CHOSEN), ("POSTGRES_CODEGEN_USER", "codegen_readonly")]).await;
    let told = info(&own).await;
    assert!(told["password"].is_null() && !told.to_string().contains(CHOSEN), "{told}");
    assert!(told["notes"].to_string().contains("POSTGRES_CODEGEN_PASSWORD") && !told["notes"].to_string().contains("--rotate"), "{told}");
    let ask_as = |password: &str| {
        let uri = format!("postgresql://codegen_readonly@{address}/hooklake?sslmode=disable");
        let mut command = Command::new("psql");
        command.args([&uri, "-w", "-XAtc", "SELECT current_user"]).env_clear().env("PATH", "/usr/bin:/bin").env("PGPASSWORD", password);
        command.output().expect("psql runs").status.success()
    };
    assert!(ask_as(CHOSEN) && !ask_as("another-one-of-theirs"));
    // Another start leaves it, and tells nothing anew; another password is refused as long as the settings give one.
    let run = |arguments: &[&str], given: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hooklake"));
        command.args(arguments).env_clear().env("PATH", "/usr/bin:/bin").env("HOOKLAKE_DATA_DIR", own.data_dir());
        let output = command.env("HOOKLAKE_READER_LISTEN", &address).env("POSTGRES_CODEGEN_PASSWORD", given).current_dir(own.data_dir()).output();
        let output = output.expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    let (code, shown) = run(&["codegen", "connection-info"], CHOSEN);
    assert!(code == Some(0) && !shown.contains(CHOSEN), "{shown}");
    let (code, said) = run(&["status"], "another-one-of-theirs");
    assert!(code == Some(0) && ask_as(CHOSEN), "a command beside the server changes nothing: {said}");
    let (code, refused) = run(&["codegen", "connection-info", "--rotate"], CHOSEN);
    assert!(code == Some(4) && refused.contains("POSTGRES_CODEGEN_PASSWORD") && !refused.contains(CHOSEN), "{refused}");
    assert!(ask_as(CHOSEN));
    let acts = "SELECT convert_from(body, 'UTF8') FROM log.envelopes WHERE event_type = 'reader_password'";
    let acts: Vec<String> = rows(&own.app.base.database, acts).await.iter().map(|row| row.get(0)).collect();
    assert!(acts.len() == 1 && acts[0].contains("given") && !acts[0].contains(CHOSEN), "{acts:?}");
    own.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_tells_the_same_and_signs_with_a_name() {
    let own = Own::start(&[]).await;
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_hooklake"))
            .args(["codegen", "connection-info"])
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOOKLAKE_DATA_DIR", own.data_dir())
            .current_dir(own.data_dir())
            .output()
            .expect("the binary runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let told: Value = serde_json::from_str(&run(&["--by", "ada", "--output", "json"])).expect("JSON");
    assert!(told["password"].is_string());
    assert_eq!(psql(text(&told["uri"]), "SELECT current_user").as_deref(), Ok("codegen_readonly"), "over the socket");
    let shown = run(&[]);
    assert!(shown.contains("statement_timeout_ms") && !shown.contains(text(&told["password"])), "{shown}");
    let rotated: Value = serde_json::from_str(&run(&["--rotate", "--output", "json"])).expect("JSON");
    assert!(rotated["password"].is_string() && rotated["password"] != told["password"]);
    let by =
        rows(&own.app.base.database, "SELECT count(*) FROM log.envelopes WHERE event_type = 'reader_password' AND convert_from(body, 'UTF8') LIKE '%\"ada\"%'")
            .await;
    assert_eq!(by[0].get::<_, i64>(0), 1);
    own.stop().await;
}

/// A command may come before any server, to a database whose owner is no superuser.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_comes_with_the_limits_before_any_server_does() {
    let own = Own::start(&[]).await;
    let database = &own.app.base.database;
    for statement in ["CREATE ROLE keeper LOGIN CREATEROLE", "GRANT hooklake_app TO keeper", "CREATE DATABASE kept OWNER keeper"] {
        rows(database, statement).await;
    }
    // The role is the whole cluster's, and has a password by now or not: another one is made in any case.
    let output = Command::new(env!("CARGO_BIN_EXE_hooklake"))
        .args(["codegen", "connection-info", "--rotate", "--output", "json"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOOKLAKE_DATA_DIR", own.data_dir())
        .env("HOOKLAKE_READER_STATEMENT_TIMEOUT_MS", "4321")
        .env("DATABASE_URL", own.url("keeper", "kept"))
        .current_dir(own.data_dir())
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(told["password"].is_string(), "{told}");
    let stated = "SELECT array_to_string(s.setconfig, ' ') FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
                  WHERE d.datname = 'kept' AND s.setrole = 'codegen_readonly'::regrole";
    let stated: Vec<String> = rows(database, stated).await.iter().map(|row| row.get(0)).collect();
    for limit in ["statement_timeout=4321ms", "work_mem=16384kB", "lock_timeout=5000ms", "default_transaction_read_only=on"] {
        assert!(stated.iter().any(|all| all.contains(limit)), "{limit}: {stated:?}");
    }
    // What only superusers may set is told.
    assert!(told["notes"].as_array().is_some_and(|notes| notes.iter().any(|note| text(note).contains("temp_file_limit"))), "{told}");
    own.stop().await;
}

#[tokio::test]
async fn an_answer_without_a_body_makes_no_password() {
    let app = App::start().await;
    let request = Request::head("/codegen/connection-info").header("authorization", format!("Bearer {}", app.token));
    let answer = app.send(request.body(axum::body::Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}
