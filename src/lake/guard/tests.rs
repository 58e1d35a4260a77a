//! Which SQL is let through, and the attacks that are not.

use super::*;

#[test]
fn questions_are_read() {
    for sql in [
        "SELECT 1",
        "select 1;",
        "-- why\nSELECT * FROM events WHERE payload ->> 'action' = 'opened' ORDER BY 1 LIMIT 3",
        "WITH a AS (SELECT 1 AS x) SELECT * FROM a UNION ALL SELECT 2",
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "DESCRIBE events",
        "SELECT 'drop table events; --' AS update",
        "VALUES (1), (2)",
        "SELECT payload->'pull_request'->'head'->'repo'->'owner'->>'login', payload->'a'->>'b', payload->'a'->>'b', payload->'a'->>'b' FROM events",
        "SELECT source, event_type, count(*) FROM events GROUP BY ROLLUP (source, event_type)",
        "WITH a AS (SELECT position AS n FROM events), b AS (SELECT n + n AS n FROM a) SELECT x.n FROM b x JOIN b y ON x.n = y.n WHERE x.n BETWEEN 1 AND 9",
    ] {
        assert!(read(sql).is_ok(), "{sql}: {:?}", read(sql));
    }
    let many = format!("SELECT * FROM events WHERE position IN ({})", (0..3000).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    assert!(read(&many).is_ok(), "{:?}", read(&many).err());
}

#[test]
fn everything_that_writes_is_refused() {
    for sql in [
        "INSERT INTO events VALUES (1)",
        "UPDATE events SET id = ''",
        "DELETE FROM events",
        "DROP TABLE events",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "COPY events TO '/tmp/x'",
        "COPY (SELECT 1) TO '/tmp/x.parquet'",
        "SET datafusion.execution.batch_size = 1",
        "RESET datafusion.execution.batch_size",
        "TRUNCATE events",
        "PREPARE p AS SELECT 1",
        "EXECUTE p",
        "BEGIN",
        "COMMIT",
        "SELECT * INTO x FROM events",
        "SELECT * FROM events FOR UPDATE",
        "WITH x AS (DELETE FROM events RETURNING *) SELECT * FROM x",
        "WITH x AS (INSERT INTO events VALUES (1) RETURNING *) SELECT * FROM x",
        "EXPLAIN ANALYZE INSERT INTO events VALUES (1)",
        "EXPLAIN DROP TABLE events",
    ] {
        assert!(matches!(read(sql), Err(Error::NotReadOnly(_))), "{sql}: {:?}", read(sql));
    }
    for sql in ["DO $$ BEGIN END $$", "SHOW ALL; SELECT 1"] {
        assert!(read(sql).is_err(), "{sql}");
    }
}

#[test]
fn exactly_one_statement() {
    for sql in ["", ";", "  ", "/**/", "select 1; drop table events", "SELECT 1; SELECT 2", "SELECT\u{2003}1\u{2003};SELECT 2"] {
        assert!(matches!(read(sql), Err(Error::Syntax(_))), "{sql:?}: {:?}", read(sql));
    }
}

#[test]
fn nothing_nested_takes_long_to_read() {
    for (open, inner, close) in [
        ("(", "1", ")"),
        ("f(", "1", ")"),
        ("coalesce(", "1", ", 2)"),
        ("CASE WHEN ", "true", " THEN 1 END"),
        ("CASE (", "1", ") WHEN 1 THEN 2 END"),
        ("CASE ", "1", " WHEN 1 THEN 2 END"),
        ("NOT ", "true", ""),
        ("- ", "1", ""),
        ("INTERVAL ", "1", ""),
        ("EXISTS(SELECT 1 WHERE ", "true", ")"),
        ("1 + ", "1", ""),
        ("date ", "'1'", ""),
        ("a.", "b", ""),
        ("x::", "int", ""),
        ("x -> ", "y", ""),
        ("f(a, ", "b", ", c)"),
        ("f(*, ", "b", ")"),
        ("f(DISTINCT ", "b", " ORDER BY c)"),
        ("CASE WHEN (", "true", ") THEN (1) END"),
        ("(1, (", "1", "))"),
        ("row(", "1", ")"),
        ("a LIKE (", "b", ")"),
        ("a[(", "1", ")]"),
        ("a[1:", "1", "]"),
        ("(a).", "b", ""),
        ("(SELECT ", "1", ")"),
        ("EXISTS (SELECT ", "1", ")"),
        ("1 IN (", "1", ")"),
        ("[", "1", "]"),
        ("ARRAY[", "1", "]"),
        ("(1, ", "1", ")"),
        ("CAST(", "1", " AS int)"),
        ("EXTRACT(year FROM ", "1", ")"),
        ("POSITION('a' IN ", "1", ")"),
        ("SUBSTRING(", "'a'", " FROM 1)"),
        ("TRIM(", "'a'", ")"),
        ("OVERLAY('a' PLACING 'b' FROM ", "1", ")"),
        ("NOT (", "true", ")"),
        ("- (", "1", ")"),
        ("INTERVAL (", "1", ")"),
        ("count(*) FILTER (WHERE ", "true", ")"),
        ("sum(1) OVER (ORDER BY ", "1", ")"),
        ("a[", "1", "]"),
        ("{'a': ", "1", "}"),
        ("STRUCT(", "1", ")"),
        ("MAP {'a': ", "1", "}"),
        ("f(a => ", "1", ")"),
        ("numeric(", "1", ")"),
        ("date (", "1", ")"),
        ("x -> (", "1", ")"),
        ("1 = ANY(", "1", ")"),
        ("1 BETWEEN (", "1", ") AND 2"),
        ("* FROM (SELECT ", "1", ") t"),
        ("* FROM (", "a", ")"),
        ("* FROM (a JOIN ", "b", " ON true)"),
        ("* FROM f(", "1", ")"),
        ("* FROM LATERAL (SELECT ", "1", ") t"),
        ("* FROM a JOIN (", "b", " ON true)"),
        ("1 FROM a WHERE (", "true", ")"),
        ("(", "SELECT 1", ")"),
    ] {
        for depth in [8, 12, 15, 16, 24, 40, 80, 150, 400] {
            let started = std::time::Instant::now();
            drop(read(&format!("SELECT {}{inner}{}", open.repeat(depth), close.repeat(depth))));
            let took = started.elapsed();
            assert!(took < std::time::Duration::from_secs(2), "{open} {depth} times: {took:?}");
        }
    }
}

#[test]
fn what_is_too_large_is_refused_before_it_is_a_tree() {
    let unions = vec!["SELECT 1"; 3000].join(" UNION ALL ");
    let attacks = [
        format!("SELECT {}1", "1+".repeat(2000)),
        format!("SELECT {}1", "1+".repeat(30_000)),
        format!("SELECT * FROM events WHERE {} true", "id = 'a' OR ".repeat(10_000)),
        unions,
        format!("SELECT {}1", "a,".repeat(10_000)),
        format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("SELECT {} true", "NOT ".repeat(5000)),
        format!("SELECT {}1", "- ".repeat(5000)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(200), " END".repeat(200)),
        format!("SELECT 1{}", "::int".repeat(2000)),
        format!("SELECT a{} FROM events", "[1]".repeat(2000)),
        format!("SELECT * FROM events {}", "JOIN events USING (id) ".repeat(500)),
        format!("SELECT '{}'", "x".repeat(1 << 20)),
        format!("SELECT {}1{}", "f(".repeat(45), ")".repeat(45)),
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t".to_owned(),
    ];
    let chain = |first: &str, step: &str, last: &str| {
        let steps = (1..=30).map(|n| format!("a{n} AS ({})", step.replace("PREV", &format!("a{}", n - 1)))).collect::<Vec<_>>().join(", ");
        format!("WITH a0 AS ({first}), {steps} {}", last.replace("LAST", "a30"))
    };
    let grows = [
        chain("SELECT 1 AS s", "SELECT x.s FROM PREV x, PREV y", "SELECT count(*) FROM LAST"),
        chain("SELECT position AS s FROM events", "SELECT s + s AS s FROM PREV", "SELECT * FROM LAST WHERE s > 5"),
        chain("SELECT position AS s FROM events", "SELECT struct(s, s) AS s FROM PREV", "SELECT * FROM LAST"),
        chain("SELECT 1 AS s", "WITH a0 AS (SELECT 1 AS s) SELECT x.s FROM PREV x, PREV y", "SELECT s FROM LAST"),
        format!("SELECT {}action{} FROM events", "coalesce(".repeat(30), ",'x')".repeat(30)),
        format!("SELECT {}action{} FROM events", "nullif(".repeat(30), ",'x')".repeat(30)),
        "SELECT count(*) FROM events GROUP BY CUBE (a, b, c, d, e, f, g)".to_owned(),
        "SELECT count(*) FROM events GROUP BY ROLLUP (a, b, c, d, e, f, g, h), ROLLUP (i, j, k, l, m, n, o, p)".to_owned(),
        format!("SELECT 1 FROM {}", vec!["events"; 250].join(", ")),
        format!("SELECT payload{} FROM events", "->'a'".repeat(9)),
    ];
    let deep = [format!("SELECT {}1{}", "f(".repeat(17), ")".repeat(17)), format!("SELECT {}1{}", "CASE ".repeat(17), " WHEN 1 THEN 2 END".repeat(17))];
    for sql in attacks.into_iter().chain(deep).chain(grows) {
        assert!(matches!(read(&sql), Err(Error::TooComplex(_))), "{:.60}: {:?}", sql, read(&sql).map(|_| ()));
    }
}
