//! The physical limit: the same envelopes, by binary `COPY` in one transaction, into a table of the log's shape.

use std::time::Instant;

use hooklake::config::Config;
use hooklake::db::Database;
use hooklake::db::embedded::Cluster;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

const COLUMNS: &str =
    "position, received_at, id, tenant, source, delivery_key, event_type, arrived_at, headers, body, body_bytes, salt, body_hash, verdict, secret_id, flags";

/// Rows a second.
pub async fn measure(cluster: &Cluster, bodies: &[String], count: usize) -> anyhow::Result<f64> {
    let settings = Config::load(None, [])?.database;
    let database = Database::new(&cluster.url("hooklake"), &settings)?;
    let (client, connection) = database.dedicated().await?;
    let driver = tokio::spawn(connection);
    client.batch_execute("CREATE TABLE IF NOT EXISTS log.bench_copy (LIKE log.envelopes INCLUDING ALL); TRUNCATE log.bench_copy; CHECKPOINT").await?;
    let types = [
        Type::INT8,
        Type::TIMESTAMPTZ,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::JSON,
        Type::BYTEA,
        Type::INT4,
        Type::BYTEA,
        Type::BYTEA,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT_ARRAY,
    ];
    let headers = serde_json::json!([
        ["x-github-event", "push"],
        ["x-github-delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958"],
        ["user-agent", "GitHub-Hookshot/044aadd"]
    ]);
    let (salt, hash, flags, secret) = ([7_u8; 16].as_slice(), [9_u8; 32].as_slice(), Vec::<String>::new(), Some("0a1b2c3d"));
    let started = Instant::now();
    let sink = client.copy_in(&format!("COPY log.bench_copy ({COLUMNS}) FROM STDIN BINARY")).await?;
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &types));
    for number in 0..count {
        let body = bodies[number % bodies.len()].as_bytes();
        let now = chrono::Utc::now();
        let key = format!("471100:{number}");
        let position = i64::try_from(number)? + 1;
        let length = i32::try_from(body.len())?;
        writer
            .as_mut()
            .write(&[
                &position,
                &now,
                &uuid::Uuid::now_v7(),
                &"default",
                &"github",
                &key,
                &"push",
                &now,
                &headers,
                &body,
                &length,
                &salt,
                &hash,
                &"signed",
                &secret,
                &flags,
            ])
            .await?;
    }
    writer.finish().await?;
    let rate = count as f64 / started.elapsed().as_secs_f64();
    client.batch_execute("DROP TABLE log.bench_copy").await?;
    drop(client);
    driver.await??;
    Ok(rate)
}
