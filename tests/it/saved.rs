//! Saved queries run by name, with parameters that are values and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use hooklake::domain::Tenant;
use hooklake::domain::envelope::Flag;
use hooklake::lake::{Engine, Limits, QueryOptions};
use hooklake::saved::{self, Bound, Over, Saved, postgres};
use serde_json::{Value, json};

use crate::harness::config;
use crate::harness::fold::{self, Fold};

const TIMEOUT: Duration = Duration::from_mins(1);

fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The defaults, and as far back as the demonstration's dates are.
fn defaults(saved: &Saved) -> Vec<Bound> {
    let far = if matches!(saved.name, "what_is_stuck" | "stale_branches") { "0" } else { "36500" };
    let days = saved.parameters.iter().filter(|parameter| parameter.name == "days").map(|parameter| (parameter.name.as_str(), far));
    saved.bind(&given(&days.collect::<Vec<_>>())).expect("defaults are values")
}

async fn demonstration() -> Fold {
    let fold = Fold::start().await;
    fold.append_simulated().await;
    fold.append_examples().await;
    fold.append_story().await;
    fold.caught_up().await;
    fold
}

async fn ask(fold: &Fold, name: &str, pairs: &[(&str, &str)]) -> Vec<Vec<Value>> {
    let saved = saved::find(name).expect("it is there");
    let values = saved.bind(&given(pairs)).expect("values");
    postgres::ask(&fold.db.database, &saved, &values, 1000, TIMEOUT).await.expect("an answer").rows
}

/// How many events the lake has of a source in all.
async fn sum_of_lake(fold: &Fold, source: &str) -> Value {
    let place = config(fold.db.directory.path(), &[]).lake.location(fold.db.directory.path()).expect("a place for the lake");
    let engine = Engine::new(fold.db.database.clone(), place, Limits::default()).expect("an engine");
    let saved = saved::find("lake_events_per_day").expect("it is there");
    let values = saved.bind(&given(&[("source", source)])).expect("values").iter().map(Bound::scalar).collect();
    let answer = engine.query_with(&Tenant::default_tenant(), saved.text, values, QueryOptions { max_rows: 1000, timeout: TIMEOUT }).await.expect("an answer");
    json!(answer.to_json_rows().expect("rows").iter().map(|row| row["events"].as_i64().expect("a number")).sum::<i64>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_saved_query_answers_on_the_demonstration() {
    let fold = demonstration().await;
    let engine = Engine::new(
        fold.db.database.clone(),
        config(fold.db.directory.path(), &[]).lake.location(fold.db.directory.path()).expect("a place for the lake"),
        Limits::default(),
    )
    .expect("an engine");
    for saved in saved::all().expect("saved queries") {
        let values = defaults(&saved);
        let rows = match saved.over {
            Over::PostgreSql => {
                let answer = postgres::ask(&fold.db.database, &saved, &values, 1000, TIMEOUT).await;
                let answer = answer.unwrap_or_else(|error| panic!("{}: {error:?}", saved.name));
                assert!(answer.rows.iter().all(|row| row.len() == answer.columns.len()), "{}", saved.name);
                answer.rows.len()
            }
            Over::Lake => {
                let values = values.iter().map(Bound::scalar).collect();
                let answer = engine.query_with(&Tenant::default_tenant(), saved.text, values, QueryOptions { max_rows: 1000, timeout: TIMEOUT }).await;
                answer.unwrap_or_else(|error| panic!("{}: {error:?}", saved.name)).rows
            }
            // These are run by the demonstration itself, which has an index: see `readme.rs`.
            Over::GraphQl => 1,
        };
        assert!(rows > 0, "{} answers something", saved.name);
    }
    // What was so before and is told late is not what is now.
    for told in fold::story().iter().filter(|told| ["opened", "create"].map(Value::from).contains(&told["body"]["action"])) {
        fold.append_json(told["source"].as_str().expect("a source"), told["event"].as_str().expect("an event"), &told["body"]).await;
    }
    fold.caught_up().await;
    let subject = json!("github:Codertocat/Hello-World#42");
    let of = |rows: Vec<Vec<Value>>, column: usize, value: &Value| rows.into_iter().filter(|row| row[column] == *value).collect::<Vec<_>>();
    let lead = of(of(ask(&fold, "lead_time", &[]).await, 0, &json!("Codertocat/Hello-World")), 1, &json!(42));
    assert_eq!(lead.iter().map(|row| &row[7]).collect::<Vec<_>>(), [&json!(1.1)], "once, to production: {lead:?}");
    let known = of(ask(&fold, "pull_requests_with_context", &[]).await, 0, &subject);
    assert_eq!(known.iter().map(|row| (&row[3], &row[4])).collect::<Vec<_>>(), [(&json!("merged"), &json!(["HEL-42"]))]);
    let progress = of(ask(&fold, "workflow_progress", &[]).await, 4, &subject);
    assert_eq!(progress.iter().map(|row| [&row[0], &row[2], &row[5]]).collect::<Vec<_>>(), [[&json!("HEL-42"), &json!("Done"), &json!("deployed")]]);
    let deployed = of(ask(&fold, "deployed_pull_requests", &[]).await, 2, &json!("dep-20261117-0009"));
    assert_eq!(deployed.iter().map(|row| [&row[1], &row[6], &row[7]]).collect::<Vec<_>>(), [[&json!("success"), &json!([subject]), &json!(["HEL-42"])]]);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parameters_are_values_and_narrow_the_answer() {
    let fold = demonstration().await;
    // The story of docs: 42 took 20.80 h from its first commit at 13:57:48 to production at 10:45:50.
    let dora = ask(&fold, "dora", &[("period", "day"), ("name", "codertocat/hello-world"), ("periods", "1")]).await;
    assert_eq!(
        dora,
        [[json!("Codertocat/Hello-World"), json!("2026-11-17"), json!(1), json!(1.0), json!(20.8), json!(0.5), json!(0.26), json!(1), json!(1), json!(1)]]
    );
    let history = ask(&fold, "issue_history", &[("identifier", "hel-42")]).await;
    let states: Vec<&Value> = history.iter().map(|row| &row[1]).collect();
    assert_eq!(states.last(), Some(&&json!("Done")), "{states:?}");
    let all = ask(&fold, "who_did_what", &[("days", "36500")]).await.len();
    let one = ask(&fold, "who_did_what", &[("days", "36500"), ("actor", "ADA-HEL")]).await;
    assert!(!one.is_empty() && one.len() < all && one.iter().all(|row| row[0] == json!("Ada Lovelace")));
    for odd in ["' OR true --", "x'; DROP VIEW events; --", "$2", "\\", "%"] {
        assert_eq!(ask(&fold, "who_did_what", &[("days", "36500"), ("actor", odd)]).await, Vec::<Vec<Value>>::new(), "{odd}");
    }
    fold.append_flagged("github", "push", br#"{"ref": "refs/heads/main"}"#, Vec::new(), vec![Flag::SuspectReplay]).await;
    fold.caught_up().await;
    let events = ask(&fold, "events_by_source", &[]).await;
    let of_github = events.iter().find(|row| row[0] == "github").map(|row| row[1].clone());
    assert_eq!(Some(sum_of_lake(&fold, "GitHub").await), of_github, "what came twice is counted once, in the lake too");
    let saved = saved::find("recent_events").expect("it is there");
    let cut = postgres::ask(&fold.db.database, &saved, &[], 7, TIMEOUT).await.expect("an answer");
    assert_eq!((cut.rows.len(), cut.truncated), (7, true));
    let slow = Saved { text: "-- Slow\nSELECT pg_sleep(60)", ..saved.clone() };
    assert!(postgres::ask(&fold.db.database, &slow, &[], 1, Duration::from_millis(50)).await.is_err(), "the time is up");
    fold.db.execute("CREATE SEQUENCE public.written; GRANT ALL ON public.written TO hooklake_app").await;
    let writes = Saved { text: "-- Writes\nSELECT nextval('public.written')", ..saved };
    assert!(postgres::ask(&fold.db.database, &writes, &[], 1, TIMEOUT).await.is_err(), "it only reads");
    fold.stop().await;
}
