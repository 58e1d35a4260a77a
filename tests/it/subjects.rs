//! What events are about has one form: an event joins the tables of entities by `subject`, in PostgreSQL and in the lake, and
//! is found by the short forms that people write.

use hooklake::domain::Tenant;
use hooklake::projectors::query::{EventFilter, Events, Page};

use crate::harness::fold::{ENTITIES, Fold};
use crate::lake::rows;
use crate::relations::{engine, told};

/// Which events are about which entities, where such an event names any.
const ABOUT: &[(&str, &[&str])] = &[
    ("source = 'github' AND event_type LIKE 'pull\\_request%'", &["pull_requests"]),
    // A pull request is milestoned as the issue that it is too.
    ("source = 'github' AND event_type IN ('issues', 'issue_comment')", &["issues", "pull_requests"]),
    ("source = 'github' AND event_type IN ('issue_comment', 'commit_comment', 'pull_request_review_comment', 'discussion_comment')", &["comments"]),
    ("source = 'github' AND event_type = 'push' AND subject NOT LIKE 'release:%'", &["commits", "branches"]),
    ("source = 'github' AND event_type IN ('status', 'check_suite')", &["commits"]),
    ("source = 'github' AND event_type IN ('create', 'delete') AND subject LIKE 'branch:%'", &["branches"]),
    ("source = 'github' AND event_type = 'release'", &["releases"]),
    ("source = 'github' AND event_type IN ('deployment', 'deployment_status')", &["deployments"]),
    ("source = 'linear' AND event_type = 'Issue'", &["issues"]),
    ("source = 'linear' AND event_type = 'Comment' AND subject LIKE 'linear:%'", &["comments"]),
    ("source = 'slack' AND event_type IN ('message', 'app_mention')", &["slack_messages"]),
    ("source = 'deployment'", &["deployments"]),
];

async fn entities_with_subject(fold: &Fold) -> Vec<String> {
    let found = fold
        .db
        .rows(
            "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'subject'
             WHERE c.relnamespace = 'projections'::regnamespace AND c.relkind = 'r' ORDER BY 1",
        )
        .await;
    found.iter().map(|row| row.get::<_, String>(0)).filter(|table| ENTITIES.contains(&&**table)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_join_what_they_are_about() {
    let fold = told().await;
    fold.append_simulated().await;
    fold.caught_up().await;
    let engine = engine(&fold);
    let tables = entities_with_subject(&fold).await;
    assert_eq!(tables, ["branches", "comments", "commits", "deployments", "issues", "pull_requests", "releases", "slack_messages"]);
    for table in &tables {
        let joined = format!("SELECT count(DISTINCT e.\"position\") FROM events e JOIN {table} t ON t.tenant = e.tenant AND t.subject = e.subject");
        let in_postgres = fold.db.number(&joined).await;
        assert!(in_postgres > 0, "no event joins {table}");
        assert_eq!(rows(&engine, &joined).await, in_postgres.to_string(), "{table} in the lake");
    }
    let mut unknown = Vec::new();
    for (which, tables) in ABOUT {
        let is_known = tables.iter().map(|table| format!("EXISTS (SELECT FROM {table} t WHERE t.tenant = e.tenant AND t.subject = e.subject)"));
        let is_known = is_known.collect::<Vec<_>>().join(" OR ");
        assert!(fold.db.number(&format!("SELECT count(*) FROM events e WHERE {which}")).await > 0, "no event with {which}");
        let strangers =
            fold.db.rows(&format!("SELECT e.kind || ' ' || coalesce(e.subject, '(none)') FROM events e WHERE ({which}) AND NOT ({is_known}) ORDER BY 1")).await;
        unknown.extend(strangers.iter().map(|row| format!("{}: not in {tables:?}", row.get::<_, &str>(0))));
    }
    assert!(unknown.is_empty(), "{unknown:#?}");
    // Who says a name in short means it.
    let events = Events::new(fold.db.database.clone());
    for (short, name) in [
        ("hel-42", "linear:HEL-42"),
        ("codertocat/hello-world#42", "github:Codertocat/Hello-World#42"),
        ("GITHUB:Codertocat/Hello-World#42", "github:Codertocat/Hello-World#42"),
        ("C0HELLODEV1/1794837820.117069", "slack:C0HELLODEV1/1794837820.117069"),
        ("f5867c119d76ef49196c1b14ba96ff0b0547d084", "commit:f5867c119d76ef49196c1b14ba96ff0b0547d084"),
        ("Codertocat/Hello-World@f5867c119d76ef49196c1b14ba96ff0b0547d084", "commit:f5867c119d76ef49196c1b14ba96ff0b0547d084"),
        ("codertocat/hello-world@v1.1.0", "release:Codertocat/Hello-World@v1.1.0"),
        ("dep-20261117-0009", "deployment:dep-20261117-0009"),
        ("Codertocat/Hello-World", "Codertocat/Hello-World"),
    ] {
        let known = fold.db.number(&format!("SELECT count(*) FROM events WHERE subject = '{name}'")).await;
        assert!(known > 0, "no event about {name}");
        let filter = EventFilter { subject: Some(short.to_owned()), ..EventFilter::default() };
        let page = events.page(&Tenant::default_tenant(), &filter, Page { after: None, before: None, first: 1000, payloads: false }).await.expect("a page");
        assert_eq!(page.rows.iter().filter(|row| row.subject.as_deref() == Some(name)).count() as i64, known, "{short}");
        assert_eq!(page.rows.len() as i64, known, "{short} means nothing else");
    }
    fold.stop().await;
}
