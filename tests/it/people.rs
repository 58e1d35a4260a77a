//! Accounts on several platforms are the humans that they belong to, for reasons that are told, and come apart again.

use std::collections::{BTreeMap, BTreeSet};

use hooklake::domain::{OWN_SOURCE, Position, Tenant};
use hooklake::projectors::people::map::MAP_TYPE;
use hooklake::simulate::{Organisation, Settings};
use hooklake::tasks::Tasks;
use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::harness::fold::Fold;
use crate::retention::{custodian, order};

/// Each person as the accounts that the rule behind each brought together.
async fn people(fold: &Fold) -> Vec<String> {
    let asked = "SELECT string_agg(i.key || ' ' || i.rule, ', ' ORDER BY i.key)
        FROM person_identities i JOIN people p ON p.tenant = i.tenant AND p.key = i.person_key GROUP BY p.key ORDER BY 1";
    fold.db.rows(asked).await.iter().map(|row| row.get(0)).collect()
}

async fn map(fold: &Fold, map: Value) -> Vec<String> {
    fold.append_json(OWN_SOURCE, MAP_TYPE, &map).await;
    fold.caught_up().await;
    people(fold).await
}

const ADA: &str = "git:ada@hello-world.example commit_login, github:198700142 commit_login, linear:40c62f8a-29ef-4c02-a98e-04a4575165f5 email";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_people_of_the_story_are_those_of_its_table() {
    let fold = Fold::start_with(&["people"]).await;
    fold.append_story().await;
    fold.caught_up().await;
    let found = people(&fold).await;
    assert!(found.contains(&ADA.to_owned()), "{found:#?}");
    assert!(found.contains(&"slack:U0HELADA001 first".to_owned()), "Slack does not say who that is: {found:#?}");
    let ada = fold.db.rows("SELECT name, email, github_login, platforms, accounts FROM people WHERE 'ada-hel' = ANY (logins)").await;
    assert_eq!(ada.len(), 1);
    assert_eq!(ada[0].get::<_, String>(0), "Ada Lovelace");
    assert_eq!((ada[0].get::<_, String>(1), ada[0].get::<_, String>(2)), ("ada@hello-world.example".to_owned(), "ada-hel".to_owned()));
    assert_eq!((ada[0].get::<_, Vec<String>>(3), ada[0].get::<_, i64>(4)), (["git", "github", "linear"].map(str::to_owned).to_vec(), 3));
    let why = fold.db.rows("SELECT evidence, related_key, confidence FROM person_identities WHERE key LIKE 'linear:40c62f8a%'").await;
    assert_eq!(why[0].get::<_, String>(0), "ada@hello-world.example");
    assert_eq!(why[0].get::<_, String>(1), "git:ada@hello-world.example");
    assert!((why[0].get::<_, f64>(2) - 0.95).abs() < 1e-9);

    // What is configured joins and holds apart, and the next map takes it back.
    let joined = map(&fold, json!({"same": ["github:ada-hel slack:U0HELADA001"], "apart": []})).await;
    let ada = "git:ada@hello-world.example commit_login, github:198700142 map, linear:40c62f8a-29ef-4c02-a98e-04a4575165f5 email, slack:U0HELADA001 map";
    assert!(joined.contains(&ada.to_owned()), "{joined:#?}");
    let held = map(&fold, json!({"same": [], "apart": ["github:ada-hel linear:40c62f8a-29ef-4c02-a98e-04a4575165f5"]})).await;
    assert!(held.contains(&"linear:40c62f8a-29ef-4c02-a98e-04a4575165f5 first".to_owned()), "{held:#?}");
    assert_eq!(map(&fold, json!({"same": [], "apart": []})).await, found);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_evidence_an_account_is_alone_again() {
    let fold = Fold::start_with(&["people"]).await;
    let push = json!({
        "ref": "refs/heads/main", "sender": {"id": 7, "login": "ada", "type": "User"},
        "commits": [{"id": "c0ffee", "author": {"name": "Ada Lovelace", "email": "ada@x.org", "username": "ada"}}],
    });
    let issue = |title: &str| json!({"action": "update", "actor": {"id": "a", "type": "user", "name": "Ada L.", "email": "ada@x.org"}, "data": {"id": "i", "title": title}});
    fold.append_json("github", "push", &push).await;
    fold.append_json("linear", "Issue", &issue("one")).await;
    fold.append_json("linear", "Issue", &issue("two")).await;
    fold.caught_up().await;
    let together = ["git:ada@x.org commit_login, github:7 commit_login, linear:a email"];
    assert_eq!(people(&fold).await, together);
    let tasks = Tasks::default();
    let mut custodian = custodian(&fold.db, &tasks).await;
    custodian.redact(&order(&[]), &[Position::new(2)]).await.expect("redacted");
    fold.caught_up().await;
    assert_eq!(people(&fold).await, together, "another event says the same");
    let first = "SELECT \"position\" FROM person_claims WHERE identity = 'linear:a' AND kind = 'email'";
    assert_eq!(fold.db.number(first).await, 3);
    custodian.redact(&order(&["/actor/email"]), &[Position::new(3)]).await.expect("redacted");
    fold.caught_up().await;
    assert_eq!(people(&fold).await, ["git:ada@x.org commit_login, github:7 commit_login", "linear:a first"]);
    assert_eq!(fold.db.number("SELECT count(*) FROM hooklake.unsettled_claims").await, 0);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_setting_is_noted_in_the_log_once() {
    let app = TestApp::start_with(&[("HOOKLAKE_PEOPLE_SAME", "github:ada slack:U1")]).await;
    app.caught_up().await;
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes WHERE event_type = 'people_map'").await, 1);
    let map = app.db.rows("SELECT map->'same'->>0 FROM people_map").await;
    assert_eq!(map[0].get::<_, String>(0), "github:ada slack:U1");
    let config = &app.app.base.config;
    assert!(!config.people.is_news(&app.db.database).await.expect("asked"), "the same at the next start is nothing new");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_people_of_a_simulated_organisation_are_found() {
    let fold = Fold::start_with(&["people"]).await;
    let mut organisation = Organisation::new(&Settings { seed: 5, people: 17, repos: 3, days: 8, ..Settings::default() });
    let deliveries: Vec<_> = organisation.by_ref().collect();
    for one in &deliveries {
        let headers = vec![("content-type".to_owned(), one.delivery.content_type.to_owned())];
        fold.append_for(Tenant::default_tenant(), &one.delivery.source, &one.delivery.event, one.delivery.body.as_bytes(), headers, Vec::new()).await;
    }
    fold.caught_up().await;
    let rows = fold.db.rows("SELECT key, person_key, logins, emails FROM person_identities").await;
    let found: Vec<(String, String, Vec<String>, Vec<String>)> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
    let mut owners = BTreeMap::<&str, BTreeSet<usize>>::new();
    let truth = organisation.take_truth();
    let mut tied = 0;
    for (human, identity) in truth.people.iter().enumerate() {
        let is_theirs = |(key, _, logins, emails): &&(String, String, Vec<String>, Vec<String>)| {
            *key == format!("linear:{}", identity.linear_id)
                || *key == format!("slack:{}", identity.slack_id)
                || (!key.starts_with("slack:") && identity.github_login.as_ref().is_some_and(|login| logins.contains(login)))
                || identity.commit_email.as_ref().is_some_and(|email| emails.contains(&email.to_lowercase()))
        };
        let persons: BTreeSet<&str> = found.iter().filter(is_theirs).map(|(_, person, ..)| person.as_str()).collect();
        for person in &persons {
            owners.entry(person).or_default().insert(human);
        }
        // Whoever has not committed yet shows nothing but a login.
        let has_committed = identity.commit_email.as_ref().is_some_and(|email| found.iter().any(|(key, ..)| *key == format!("git:{}", email.to_lowercase())));
        if has_committed && matches!(identity.tied_by, "email" | "name") {
            tied += 1;
            assert_eq!(persons.len(), 1, "{identity:?} is one person: {:#?}", found.iter().filter(is_theirs).collect::<Vec<_>>());
        }
    }
    assert!(tied > 5, "there is something to find");
    for (person, humans) in owners {
        assert_eq!(humans.len(), 1, "{person} is {humans:?}");
    }
    fold.stop().await;
}
