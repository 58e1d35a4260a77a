//! What PostgreSQL keeps is asked in the lake's SQL under the same names, with the same rows, and PostgreSQL does the
//! narrowing. Nothing that a question says reaches it as text.

use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use hooklake::domain::{Position, Tenant};
use hooklake::lake::{Answer, Engine, Error, Limits, QueryOptions, Settings};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::harness::fold::Fold;
use crate::harness::wait_until;
use crate::lake::{ask, rows};

const WHOLE: QueryOptions = QueryOptions { max_rows: 10_000, timeout: Duration::from_secs(30) };

pub fn engine(fold: &Fold) -> Engine {
    let location = Settings::default().location(fold.db.directory.path()).expect("a location");
    let keepers =
        fold.consumers().iter().flat_map(|consumer| consumer.tables().iter().map(|table| ((*table).to_owned(), consumer.name().to_owned()))).collect();
    Engine::new(fold.db.database.clone(), location, Limits::default()).expect("an engine").with_keepers(keepers)
}

pub async fn told() -> Fold {
    let fold = Fold::start().await;
    fold.append_story().await;
    fold.append_examples().await;
    fold.caught_up().await;
    fold
}

/// What two databases must agree on, and numbers that may depend on the moment of asking by a little.
type Line = (Vec<Option<String>>, Vec<Option<f64>>);

fn sorted(mut lines: Vec<Line>) -> Vec<Line> {
    lines.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    lines
}

fn lines_of(answer: &Answer) -> Vec<Line> {
    let mut lines = Vec::new();
    for batch in &answer.batches {
        for row in 0..batch.num_rows() {
            let mut line = Line::default();
            for column in batch.columns() {
                if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
                    line.1.push(numbers.is_valid(row).then(|| numbers.value(row)));
                } else {
                    line.0.push(column.is_valid(row).then(|| text_of(column, row)));
                }
            }
            lines.push(line);
        }
    }
    sorted(lines)
}

fn text_of(column: &ArrayRef, row: usize) -> String {
    match column.data_type() {
        DataType::Timestamp(..) => cast(column, &DataType::Int64).expect("a number").as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Date32 => {
            cast(&cast(column, &DataType::Int32).expect("days"), &DataType::Int64).expect("days").as_primitive::<Int64Type>().value(row).to_string()
        }
        DataType::Binary => hex::encode(column.as_binary::<i32>().value(row)),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            let texts = cast(&items, &DataType::Utf8).expect("texts");
            let texts = texts.as_string::<i32>();
            serde_json::to_string(&texts.iter().collect::<Vec<_>>()).expect("JSON")
        }
        _ => cast(column, &DataType::Utf8).expect("text").as_string::<i32>().value(row).to_owned(),
    }
}

/// A relation's rows as PostgreSQL has them, by an own reading of its types.
async fn lines_in_postgres(fold: &Fold, name: &str) -> Vec<Line> {
    let columns = fold
        .db
        .rows(&format!(
            "SELECT quote_ident(attname), format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'public.{name}'::regclass AND attnum > 0 ORDER BY attnum"
        ))
        .await;
    let (mut exact, mut numbers) = (Vec::new(), Vec::new());
    for column in &columns {
        let (column, data_type): (&str, &str) = (column.get(0), column.get(1));
        match data_type {
            "numeric" | "double precision" => numbers.push(format!("{column}::float8")),
            "interval" => numbers.push(format!("extract(epoch FROM {column})::float8 / 3600")),
            "timestamp with time zone" => exact.push(format!("(extract(epoch FROM {column}) * 1000000)::bigint::text")),
            "date" => exact.push(format!("({column} - date '1970-01-01')::text")),
            "bytea" => exact.push(format!("encode({column}, 'hex')")),
            "text[]" | "bigint[]" => exact.push(format!("array_to_json({column}::text[])::text")),
            _ => exact.push(format!("{column}::text")),
        }
    }
    let found = fold.db.rows(&format!("SELECT ARRAY[{}]::text[], ARRAY[{}]::float8[] FROM public.{name}", exact.join(", "), numbers.join(", "))).await;
    sorted(found.iter().map(|row| (row.get(0), row.get(1))).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_relation_is_answered_as_postgres_answers_it() {
    let fold = told().await;
    let engine = engine(&fold);
    let own = ["events", "recent_events", "event_summary", "github_events", "linear_events", "slack_events", "deployment_events"];
    let names = fold.db.rows("SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND has_table_privilege('codegen_readonly', oid, 'SELECT') AND relkind <> 'i' ORDER BY 1").await;
    let names: Vec<&str> = names.iter().map(|row| row.get(0)).filter(|name| !own.contains(name)).collect();
    assert!(names.len() >= 55, "{names:?}");
    let mut with_rows = 0;
    for name in &names {
        let answer = engine.query(&Tenant::default_tenant(), &format!("SELECT * FROM {name}"), WHOLE).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let (ours, theirs) = (lines_of(&answer), lines_in_postgres(&fold, name).await);
        assert_eq!(ours.len(), theirs.len(), "rows of {name}");
        with_rows += usize::from(!ours.is_empty());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours.0, theirs.0, "{name}");
            // Hours since something grow while both are asked.
            let is_near = |(a, b): (&Option<f64>, &Option<f64>)| a.zip(*b).map_or(a == b, |(a, b)| (a - b).abs() <= 0.05 + a.abs() * 1e-9);
            assert!(ours.1.iter().zip(&theirs.1).all(is_near), "{name}: {ours:?} {theirs:?}");
        }
        assert!(answer.receipt.complete, "{name}: {:?}", answer.receipt);
        let file = bytes::Bytes::from(answer.to_parquet().unwrap_or_else(|error| panic!("{name}: {error:?}")));
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a Parquet file").build().expect("a reader");
        assert_eq!(lines_of(&Answer { batches: reader.map(|batch| batch.expect("rows")).collect(), ..answer }), ours, "{name} as a file");
    }
    assert!(with_rows >= 50, "only {with_rows} of {} have rows to compare", names.len());

    let tables = rows(&engine, "SHOW TABLES").await;
    for name in names.iter().chain(&own) {
        assert!(tables.contains(&format!(",{name},")), "{name} in {tables}");
    }
    assert!(rows(&engine, "DESCRIBE workflows").await.contains("lead_time,Float64"));
    // The lake's own tables have columns that PostgreSQL has no words for, and some are not what they are there.
    assert_eq!(rows(&engine, "SELECT table_name, column_name FROM documentation WHERE comment IS NULL ORDER BY 1, 2").await, "");
    let of_events = async |what: &str| rows(&engine, &format!("SELECT comment FROM documentation WHERE table_name = 'events' AND column_name {what}")).await;
    assert!(of_events("IS NULL").await.contains("replay an event already stored are here too"));
    assert!(of_events("= 'flags'").await.contains("with commas between"));
    assert!(of_events("= 'position'").await.contains("without gaps"), "the words of PostgreSQL where they hold");
    assert_eq!(
        rows(&engine, "SELECT data_type, comment FROM documentation WHERE table_name = 'pull_requests' AND column_name = 'merged_at'").await,
        "\"Timestamp(µs, \"\"UTC\"\")\",When it was merged; NULL when it was not."
    );

    // The lake's events and PostgreSQL's entities in one question.
    let both = "SELECT p.title, count(*), min(e.position) FROM github_events e JOIN pull_requests p ON p.repository = e.repository_full_name AND p.number = e.pull_request_number
                WHERE p.is_merged AND e.event_type = 'pull_request' GROUP BY p.title ORDER BY 1";
    let in_postgres = fold
        .db
        .rows(&format!(
            "SELECT string_agg(concat_ws(',', title, n, first), ';' ORDER BY title COLLATE \"C\") FROM ({}) t (title, n, first)",
            both.replace(" ORDER BY 1", "")
        ))
        .await;
    assert_eq!(rows(&engine, both).await, in_postgres[0].get::<_, String>(0));
    let whose = "SELECT r.number, p.name FROM pull_requests r JOIN person_identities i ON i.key = r.author_key JOIN people p ON p.key = i.person_key WHERE r.subject = 'github:Codertocat/Hello-World#42'";
    assert_eq!(rows(&engine, whose).await, "42,Ada Lovelace");
    let inside = "SELECT DISTINCT state->>'title' FROM entity_history WHERE entity = 'pull_request' AND state->>'title' LIKE 'HEL-42%'";
    assert_eq!(rows(&engine, inside).await, "HEL-42: Explain how to start");
    assert_eq!(rows(&engine, "SELECT count(*) FROM pull_requests WHERE array_has(labels, 'nothing')").await, "0");
    fold.stop().await;
}

/// How many rows the one scan of a question fetched, as a plan writes numbers, and the plan.
async fn fetched(engine: &Engine, sql: &str) -> (String, String) {
    let plan = rows(engine, &format!("EXPLAIN ANALYZE {sql}")).await;
    let scan = plan.split("RelationExec: ").nth(1).unwrap_or_else(|| panic!("{plan}"));
    let count = scan.split("output_rows=").nth(1).and_then(|rest| rest.split([',', ']']).next()).unwrap_or_else(|| panic!("{scan}"));
    (count.trim().to_owned(), plan)
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_narrows_and_is_told_nothing_but_names_and_values() {
    let fold = Fold::start().await;
    let engine = engine(&fold);
    let odd = "it's \"odd\"; DROP TABLE people";
    fold.db
        .execute(&format!(
            "CREATE VIEW public.big AS SELECT 'default' AS tenant, g::bigint AS n, 'row ' || g AS words, g % 2 = 0 AS is_even, to_timestamp(g) AS at,
                    CASE WHEN g % 2 = 0 THEN to_timestamp(g) WHEN g = 1 THEN 'infinity' END AS maybe_at, g / 4::numeric AS quarter
             FROM generate_series(1, 50000) g;
             CREATE VIEW public.\"{0}\" AS SELECT 'default' AS tenant, 'a''b\\c\"d' AS \"x\"\"y'; --\", current_user::text AS who, current_setting('transaction_read_only') AS is_read_only;
             GRANT SELECT ON public.big, public.\"{0}\" TO codegen_readonly",
            odd.replace('"', "\"\"")
        ))
        .await;
    for (sql, rows_fetched, expected) in [
        ("SELECT n FROM big LIMIT 5", "5", "LIMIT 5"),
        ("SELECT words FROM big WHERE n = 7", "1", r#"SELECT ""n"", ""words"" FROM public.""big"" WHERE ""tenant"" = $1 AND (""n"" = $2)"#),
        ("SELECT n FROM big WHERE words IN ('row 3', 'row 4', 'row 5', 'row 6', 'row 7')", "5", "words"),
        ("SELECT n FROM big WHERE words >= 'row 9999'", "1", "COLLATE"),
        ("SELECT n FROM big WHERE at >= '1970-01-01T00:01:40Z' AND at < '1970-01-01T00:01:50Z' AND is_even", "5", "is_even"),
        ("SELECT n FROM big WHERE (n < 3 OR quarter > 12499.5) AND NOT is_even", "2", "OR"),
        ("SELECT n FROM big WHERE maybe_at IS NULL AND n < 10", "5", "isfinite"),
        ("SELECT n FROM big WHERE maybe_at IS NOT NULL AND n BETWEEN 1 AND 10", "6", "IS NOT NULL"),
        ("SELECT count(*) FROM big", "50.00 K", "SELECT  FROM"),
    ] {
        let (count, plan) = fetched(&engine, sql).await;
        assert_eq!(count, rows_fetched, "{sql}: {plan}");
        assert!(plan.contains(expected), "{sql}: {expected} in {plan}");
        assert!(!plan.contains("password") && !plan.contains("host="), "{plan}");
    }
    // What PostgreSQL is not asked to check is stopped at when there is enough.
    let (count, plan) = fetched(&engine, "SELECT n FROM big WHERE length(words) > 3 LIMIT 1").await;
    assert!(!count.starts_with("50.00 K") && count.len() <= 6, "{count}: {plan}");
    assert_eq!(rows(&engine, "SELECT count(*), sum(n), max(quarter), count(maybe_at) FROM big").await, "50000,1250025000,12500.0,25000");
    assert_eq!(rows(&engine, "SELECT n FROM big WHERE maybe_at IS NULL AND n <= 3 ORDER BY 1").await, "1;3");

    // Names and values of any kind stay names and values.
    let named = format!("SELECT \"x\"\"y'; --\" AS v, who, is_read_only FROM \"{}\"", odd.replace('"', "\"\""));
    assert_eq!(rows(&engine, &named).await, "\"a'b\\c\"\"d\",codegen_readonly,on");
    assert_eq!(rows(&engine, &format!("{named} WHERE \"x\"\"y'; --\" = 'a''b\\c\"d'")).await, "\"a'b\\c\"\"d\",codegen_readonly,on");
    for value in ["'; DROP VIEW public.big; --", "\\'; DROP VIEW public.big; --", "$1", "\u{0}", "%"] {
        assert_eq!(rows(&engine, &format!("SELECT n FROM big WHERE words = '{}'", value.replace('\'', "''"))).await, "", "{value}");
    }
    for sql in ["SELECT * FROM hooklake.consumers", "SELECT * FROM projections.people", "SELECT * FROM hooklake_migrations", "SELECT * FROM pg_class"] {
        assert!(matches!(engine.query(&Tenant::default_tenant(), sql, WHOLE).await, Err(Error::Syntax(_))), "{sql}");
    }
    let many = format!("SELECT count(*) FROM ({})", vec!["SELECT n FROM big"; 110].join(" UNION ALL "));
    let too_many = engine.query(&Tenant::default_tenant(), &many, WHOLE).await;
    assert!(matches!(&too_many, Err(Error::Syntax(why)) if why.contains("more than 100 tables")), "{too_many:?}");
    let product = engine
        .query(
            &Tenant::default_tenant(),
            "SELECT a.words FROM big a, big b, big c ORDER BY a.words || b.words || c.words",
            QueryOptions { max_rows: 10, timeout: Duration::from_secs(2) },
        )
        .await;
    assert!(matches!(product, Err(Error::TooLarge(_) | Error::TimedOut)), "{product:?}");
    assert_eq!(rows(&engine, "SELECT count(*) FROM big").await, "50000", "the view and the engine are there");
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relation_is_as_of_its_consumers_and_of_one_tenant() {
    let fold = told().await;
    let engine = engine(&fold);
    let head = fold.db.number("SELECT position FROM log.head").await;
    // A consumer behind what is asked for says so; others do not matter.
    fold.db.execute("UPDATE hooklake.consumers SET position = position - 5 WHERE name = 'people'").await;
    let of_people = ask(&engine, "SELECT count(*) FROM people p, events e WHERE p.key = e.actor").await.receipt;
    assert_eq!((of_people.through_position, of_people.complete), (Position::new(head - 5), false));
    assert!(of_people.lag_ms > 0, "{of_people:?}");
    let of_others = ask(&engine, "SELECT count(*) FROM pull_requests").await.receipt;
    assert_eq!((of_others.through_position, of_others.complete), (Position::new(head), true));
    fold.db.execute("UPDATE hooklake.consumers SET position = position + 5 WHERE name = 'people'").await;

    let other = Tenant::new("other'--");
    let of_other = async |sql: &str| engine.query(&other, sql, WHOLE).await;
    assert_eq!(rows(&engine, "SELECT count(*) > 0 FROM event_metadata").await, "true");
    for name in ["people", "pull_requests", "workflows", "correlated_events", "entity_history", "issue_flow"] {
        assert!(ask(&engine, &format!("SELECT * FROM {name} LIMIT 1")).await.rows == 1, "{name}");
        let found = of_other(&format!("SELECT * FROM {name} WHERE tenant = 'default' OR true")).await.expect("an answer");
        assert_eq!(found.rows, 0, "{name}");
    }
    let nameless = fold.db.rows("SELECT relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND relname <> 'event_summary' AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant')").await;
    for row in &nameless {
        let sql = format!("SELECT count(*) FROM {}", row.get::<_, &str>(0));
        assert!(matches!(of_other(&sql).await, Err(Error::Syntax(_))), "{sql}");
        assert_eq!(ask(&engine, &sql).await.rows, 1, "{sql}");
    }
    // Once there is a second tenant, nobody is told what does not say whose it is.
    let body = br#"{"action":"opened","pull_request":{"id":5,"number":5,"title":"theirs","state":"open","user":{"login":"eve"}},"repository":{"id":9,"full_name":"other/repo"},"sender":{"login":"eve"}}"#;
    fold.append_for(other.clone(), "github", "pull_request", body, Vec::new(), Vec::new()).await;
    fold.caught_up().await;
    assert_eq!(of_other("SELECT title, tenant FROM pull_requests").await.expect("an answer").to_csv().expect("CSV"), "title,tenant\ntheirs,other'--\n");
    assert_eq!(rows(&engine, "SELECT count(*) FROM pull_requests WHERE title = 'theirs'").await, "0");
    for row in &nameless {
        let sql = format!("SELECT count(*) FROM {}", row.get::<_, &str>(0));
        assert!(matches!(of_other(&sql).await, Err(Error::Syntax(_))), "{sql}");
        assert!(matches!(engine.query(&Tenant::default_tenant(), &sql, WHOLE).await, Err(Error::Syntax(_))), "{sql}");
    }
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_ends_in_postgres_too() {
    let fold = Fold::start().await;
    // Far longer than this test waits for anything.
    let hour = Duration::from_hours(1);
    let location = Settings::default().location(fold.db.directory.path()).expect("a location");
    let engine = Engine::new(fold.db.database.clone(), location, Limits { timeout_max: hour, ..Limits::default() }).expect("an engine");
    fold.db.execute("CREATE VIEW public.slow AS SELECT 'default' AS tenant, g AS n, pg_sleep(3600)::text AS slept FROM generate_series(1, 100) g; GRANT SELECT ON public.slow TO codegen_readonly").await;
    let running = async || {
        fold.db.number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND query LIKE '%\"slept\"%' AND pid <> pg_backend_pid()").await
    };
    let is_over = async || running().await == 0;

    let late = engine.query(&Tenant::default_tenant(), "SELECT slept FROM slow", QueryOptions { max_rows: 10, timeout: Duration::from_secs(1) }).await;
    assert!(matches!(late, Err(Error::TimedOut)), "{late:?}");
    wait_until("the statement is over", is_over).await;

    // Nobody waits for it any more, long before its time is up.
    let asking = {
        let engine = engine.clone();
        tokio::spawn(async move { engine.query(&Tenant::default_tenant(), "SELECT slept FROM slow", QueryOptions { max_rows: 10, timeout: hour }).await })
    };
    wait_until("the statement runs", async || running().await == 1).await;
    asking.abort();
    wait_until("the statement is over", is_over).await;
    assert_eq!(rows(&engine, "SELECT count(*) FROM people").await, "0");
    fold.stop().await;
}
