//! What the demonstration shows: the answers of the running server to what anyone would ask first.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};

use super::Demo;
use crate::cli::{describe_hit, table};
use crate::correlation::query::Links;
use crate::domain::Tenant;
use crate::lake::engine::QueryOptions;
use crate::search::Searcher;

/// One question that reaches three platforms and our own deployments: which pull request is about which issue, and
/// where did it go?
const QUESTION: &str = "\
SELECT source, event_type, count(*) AS events, max(title) AS for_example
FROM events
WHERE title LIKE '%HEL-42%' OR subject LIKE '%HEL-42%' OR title LIKE '%Explain how to start%'
GROUP BY source, event_type
ORDER BY source, event_type";
const SEARCH: &str = "source:slack \"pull request\" OR \"set up\"";
const GRAPHQL: &str = "\
{ events(first: 1, filter: {subject: \"Codertocat/Hello-World#42\"}) { nodes {
    kind actor title
    correlations { correlationType evidence { field text } relatedEvents { kind } } } } }";

/// Width of a terminal that most people have.
const LINE_CHARS_MAX: usize = 140;
/// Types shown of each source.
const TYPES_MAX: i64 = 6;

/// The report.
///
/// # Errors
/// When the server does not answer one of the questions.
pub async fn write(demo: &Demo) -> anyhow::Result<String> {
    let mut text = String::new();
    let sent = &demo.sent;
    writeln!(text, "\nReceived {} deliveries: {} new, {} known already.\n", sent.accepted + sent.duplicate, sent.accepted, sent.duplicate)?;
    writeln!(text, "── What came ──\n{}", counts(demo).await?)?;
    writeln!(text, "── What belongs together ──\n{}", links(demo).await?)?;
    writeln!(text, "── One question in SQL ──\n{}", sql(demo).await?)?;
    writeln!(text, "── One search: {SEARCH} ──\n{}", search(demo).await?)?;
    writeln!(text, "── One question in GraphQL ──\n{}", graphql(demo).await?)?;
    writeln!(text, "── Where to go on ──\n{}", addresses(demo)?)?;
    Ok(text)
}

async fn counts(demo: &Demo) -> anyhow::Result<String> {
    let connection = demo.app.base.database.get().await?;
    let rows = connection.query(include_str!("counts.sql"), &[&TYPES_MAX]).await?;
    let rows: Vec<Vec<Value>> = rows.iter().map(|row| vec![json!(row.get::<_, &str>(0)), json!(row.get::<_, i64>(1)), json!(row.get::<_, &str>(2))]).collect();
    Ok(table(&["source", "events", "types"], &rows))
}

async fn links(demo: &Demo) -> anyhow::Result<String> {
    let links = Links::new(demo.app.base.database.clone());
    let tenant = Tenant::default_tenant();
    let counts = links.counts_by_type(&tenant).await?;
    let mut text = String::new();
    for count in counts {
        writeln!(text, "  {:>3} {}", count.links, count.correlation_type)?;
    }
    for link in links.recent(&tenant, 6).await? {
        writeln!(text, "  {} → {}   because {} says “{}”", link.subject, link.related_subject, link.evidence_field, crate::cli::visible(&link.evidence_text))?;
    }
    Ok(text)
}

async fn sql(demo: &Demo) -> anyhow::Result<String> {
    let engine = demo.app.base.engine()?;
    let options = QueryOptions { max_rows: 20, timeout: Duration::from_secs(30) };
    let answer = engine.query(&Tenant::default_tenant(), QUESTION, options).await?;
    let receipt = &answer.receipt;
    Ok(format!("{QUESTION}\n\n{}\nThrough position {}, {} ms behind the log.\n", answer.to_table()?, receipt.through_position, receipt.lag_ms))
}

async fn search(demo: &Demo) -> anyhow::Result<String> {
    let base = &demo.app.base;
    let answer = Searcher::new(base.database.clone(), &base.data_dir()).search(&Tenant::default_tenant(), SEARCH, 2, 0).await?;
    let with_colour = std::io::stdout().is_terminal();
    let hits: Vec<String> = answer.hits.iter().map(|hit| describe_hit(hit, with_colour)).collect();
    Ok(format!("{}\n{} hits in all.\n", hits.join("\n"), answer.total))
}

async fn graphql(demo: &Demo) -> anyhow::Result<String> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let answer = client.post(format!("http://{}/graphql", demo.app.address)).bearer_auth(&demo.token).json(&json!({"query": GRAPHQL})).send().await?;
    let answer: Value = answer.json().await.context("the answer to the GraphQL query is not JSON")?;
    anyhow::ensure!(answer.get("errors").is_none(), "the GraphQL query failed: {answer}");
    Ok(format!("{GRAPHQL}\n\n{}\n", compact(&answer, 0)))
}

/// JSON for people: what fits on a line stays on it.
fn compact(value: &Value, indent: usize) -> String {
    let line = value.to_string();
    let parts: Vec<String> = match value {
        Value::Array(items) if line.len() + indent > LINE_CHARS_MAX => items.iter().map(|item| compact(item, indent + 2)).collect(),
        Value::Object(fields) if line.len() + indent > LINE_CHARS_MAX => {
            fields.iter().map(|(name, item)| format!("{name:?}: {}", compact(item, indent + 2))).collect()
        }
        _ => return line,
    };
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    let (outer, inner) = (" ".repeat(indent), " ".repeat(indent + 2));
    format!("{open}\n{inner}{}\n{outer}{close}", parts.join(&format!(",\n{inner}")))
}

fn addresses(demo: &Demo) -> anyhow::Result<String> {
    let (address, base) = (demo.app.address, &demo.app.base);
    let data_dir = base.data_dir();
    let mut text = format!(
        "  http://{address}/           overview\n  http://{address}/console    GraphQL console\n  http://{address}/metrics    for Prometheus\n  \
         sign in with this token (new at every run): {}\n",
        demo.token
    );
    if let Some(socket) = base.socket_dir() {
        writeln!(text, "  psql -h {} -U codegen_readonly hooklake    read-only SQL in PostgreSQL", socket.display())?;
    }
    let program = std::env::args().next().unwrap_or_else(|| "hooklake".to_owned());
    writeln!(text, "  {}    the lake, for notebooks (Delta)", data_dir.join("lake/events").display())?;
    writeln!(text, "  HOOKLAKE_DATA_DIR={} {program} sql \"SELECT …\"    and search, tail, status, rebuild", data_dir.display())?;
    Ok(text)
}
