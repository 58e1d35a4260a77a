//! What belongs together is found, with its evidence, and what only looks like it is not.

use std::collections::BTreeSet;
use std::time::Duration;

use hooklake::consumer::{Consumer, Projection, Runner};
use hooklake::correlation::query::Links;
use hooklake::correlation::{CorrelationTables, Rules, Settings};
use hooklake::domain::{EventId, Tenant};
use hooklake::tasks::Tasks;
use hooklake::telemetry::Metrics;
use serde_json::json;

use crate::harness::fold::Fold;
use crate::harness::wait_until;

/// The true links of the story (its README): which numbers belong with which subject.
const TRUE_LINKS: &[(&str, &[usize], &str)] = &[
    ("pr_to_issue", &[8, 12, 15, 16], "linear:HEL-42"),
    ("pr_to_issue", &[28], "linear:HEL-57"),
    ("pr_to_issue", &[2, 4, 7, 18], "github:Codertocat/Hello-World#42"),
    ("pr_to_issue", &[5, 27, 30], "github:Codertocat/Hello-World#43"),
    ("message_to_pr", &[9, 13, 22], "github:Codertocat/Hello-World#42"),
    ("commit_to_pr", &[17], "github:Codertocat/Hello-World#42"),
    ("commit_to_pr", &[14], "github:Codertocat/Hello-World#42"),
    ("deployment_to_commit", &[20, 21, 24], "commit:f5867c119d76ef49196c1b14ba96ff0b0547d084"),
    ("message_to_issue", &[3], "linear:HEL-42"),
    ("message_to_issue", &[29], "linear:HEL-57"),
    ("issue_to_message", &[2], "slack:C0HELLODEV1/1794819731.482919"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_story_is_linked_as_it_was_told_and_nothing_else_is() {
    let fold = Fold::start().await;
    fold.append_examples().await;
    let told = fold.append_story().await;
    fold.caught_up().await;
    let links = Links::new(fold.db.database.clone());
    let tenant = Tenant::default_tenant();
    for (correlation_type, numbers, other_end) in TRUE_LINKS {
        for number in *numbers {
            let found = links.of_event(&tenant, told[number - 1]).await.expect("links");
            let linked =
                found.iter().find(|link| link.correlation_type == *correlation_type && (link.subject == *other_end || link.related_subject == *other_end));
            let linked = linked.unwrap_or_else(|| panic!("{number} {correlation_type} {other_end}: {found:#?}"));
            assert!(!linked.evidence_text.is_empty() && linked.confidence > 0.0);
            assert!(linked.evidence_count > 0);
        }
    }
    // Exactly these, by the view that people ask.
    let rows = fold.db.rows("SELECT DISTINCT subject || ' ' || related_subject FROM correlated_events WHERE correlation_type = 'pr_to_issue'").await;
    let of_issues: BTreeSet<String> = rows.iter().map(|row| row.get(0)).filter(|link: &String| link.contains("linear:")).collect();
    let expected = ["github:Codertocat/Hello-World#42 linear:HEL-42", "github:Codertocat/Hello-World#43 linear:HEL-57"];
    assert_eq!(of_issues, expected.map(str::to_owned).into());
    assert_eq!(fold.db.number("SELECT count(*) FROM correlated_events WHERE related_subject ~ 'UTF|SHA|utf|sha'").await, 0, "encodings are no issues");
    // What only begins alike is another thing, and so is the same number elsewhere.
    let messages = fold.db.rows("SELECT subject || ' ' || related_subject FROM correlated_events WHERE subject LIKE 'slack:%' ORDER BY position, 1").await;
    let messages: Vec<String> = messages.iter().map(|row| row.get(0)).collect();
    let count = |ending: &str| messages.iter().filter(|link| link.ends_with(ending)).count();
    assert_eq!((count("linear:HEL-4"), count("Hello-World#4"), count("Hello-World-Docs#42")), (1, 1, 1), "{messages:#?}");
    assert_eq!((count("linear:HEL-42"), count("linear:HEL-57"), count("/Hello-World#42")), (1, 1, 2), "{messages:#?}");
    assert!(fold.db.number("SELECT count(*) FROM event_correlations WHERE team_key = 'UTF'").await > 0, "they were seen, though");
    assert!(links.counts_by_type(&tenant).await.expect("counts").iter().any(|count| count.correlation_type == "commit_to_pr" && count.links >= 3));
    let newest = links.recent(&tenant, 10).await.expect("links");
    assert_eq!(newest.len(), 10);
    assert!(newest.is_sorted_by(|a, b| a.first_at >= b.first_at));
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identifier_counts_once_its_team_is_known_whichever_came_first() {
    let fold = Fold::start().await;
    let pull_request = json!({"action": "opened", "pull_request": {"number": 1, "title": "ABC-7 and UTF-8"}, "repository": {"full_name": "o/r"}});
    let opened = fold.append_json("github", "pull_request", &pull_request).await;
    fold.caught_up().await;
    let links = Links::new(fold.db.database.clone());
    let linked = async |id: EventId| -> Vec<String> {
        links.of_event(&Tenant::default_tenant(), id).await.expect("links").into_iter().map(|link| link.related_subject).collect()
    };
    assert_eq!(linked(opened).await, Vec::<String>::new());
    let issue = json!({"action": "create", "type": "Issue", "data": {"id": "1", "identifier": "ABC-9", "title": "x", "team": {"key": "ABC", "name": "Abc"}}});
    fold.append_json("linear", "Issue", &issue).await;
    fold.caught_up().await;
    assert_eq!(linked(opened).await, ["linear:ABC-7"]);
    assert_eq!(links.of_event(&Tenant::new("other"), opened).await.expect("links").len(), 0);
    fold.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subjects_are_the_same_in_any_case() {
    let fold = Fold::start().await;
    let pull_request = json!({"action": "opened", "pull_request": {"number": 1, "title": "x"}, "repository": {"full_name": "Acme/Shop"}});
    let opened = fold.append_json("github", "pull_request", &pull_request).await;
    let message = json!({"event": {"type": "message", "channel": "C1", "ts": "1.1", "text": "<https://github.com/acme/shop/pull/1>"}});
    let said = fold.append_json("slack", "message", &message).await;
    fold.caught_up().await;
    let links = Links::new(fold.db.database.clone());
    let tenant = Tenant::default_tenant();
    let from_pull_request = links.of_event(&tenant, opened).await.expect("links");
    assert_eq!(from_pull_request.len(), 1);
    assert_eq!(from_pull_request[0].related_event_ids, [said]);
    let from_message = links.of_event(&tenant, said).await.expect("links");
    assert_eq!(from_message[0].related_event_ids, [opened]);
    let subjects = fold.db.rows(&format!("SELECT subject FROM event_subjects WHERE id = '{opened}'")).await;
    assert_eq!(subjects.len(), 1);
    fold.stop().await;
}

/// Two halves of one link come in either order: what an event names, and the event that explains the name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_understood_whichever_comes_first() {
    let attachment = json!({"action": "create", "type": "Attachment", "data": {"id": "x", "issueId": "u-1", "url": "https://github.com/o/r/pull/1"}});
    // An encoding in an address is no issue; an identifier of a team that exists is.
    let encoding = json!({"action": "create", "type": "Attachment", "data": {"id": "y", "issueId": "u-1", "url": "https://wiki.example/UTF-8"}});
    let ticket = json!({"action": "create", "type": "Attachment", "data": {"id": "z", "issueId": "u-1", "url": "https://wiki.example/ABC-11"}});
    let issue = json!({"action": "create", "type": "Issue", "data": {"id": "u-1", "identifier": "ABC-9", "title": "x", "team": {"key": "ABC", "name": "Abc"}}});
    let child =
        json!({"action": "create", "type": "Issue", "data": {"id": "u-2", "identifier": "ABC-10", "parentId": "u-1", "title": "y", "team": {"key": "ABC"}}});
    let deployed = |id: &str| json!({"deployment_id": id, "url": format!("https://deploys.example/{id}"), "environment": "production", "status": "success", "commit_sha": COMMIT});
    let shared = |id: &str| json!({"deployment_id": id, "url": "https://app.example/home", "environment": "production", "status": "success"});
    let text = format!("<https://deploys.example/dep-1a|live>, {COMMIT}, dep-2b on <https://app.example/home>; o/r#1 and o/r#2, utf-8-x and o/r#3");
    let said = json!({"event": {"type": "message", "channel": "C1", "ts": "1.1", "text": text}});
    let opened =
        json!({"action": "opened", "pull_request": {"number": 1, "title": "x", "head": {"ref": "b", "sha": COMMIT}}, "repository": {"full_name": "O/R"}});
    let asked = json!({"action": "opened", "issue": {"number": 2, "title": "y"}, "repository": {"full_name": "O/R"}});
    let mut events = vec![
        ("linear", "Attachment", attachment),
        ("linear", "Attachment", encoding),
        ("linear", "Attachment", ticket),
        ("linear", "Issue", child),
        ("slack", "message", said),
        ("linear", "Issue", issue.clone()),
        ("linear", "Issue", issue),
        ("deployment", "deployment", deployed("dep-1a")),
        ("deployment", "deployment", deployed("dep-2b")),
        ("deployment", "deployment", shared("dep-3c")),
        ("deployment", "deployment", shared("dep-4d")),
        ("github", "pull_request", opened.clone()),
        ("github", "pull_request", opened),
        ("github", "issues", asked),
    ];
    let expected = [
        "issue_to_issue linear:abc-10 linear:abc-9",
        "issue_to_issue linear:abc-11 linear:abc-9",
        &format!("message_to_commit slack:c1/1.1 commit:{COMMIT}"),
        "message_to_deployment slack:c1/1.1 deployment:dep-1a",
        "message_to_deployment slack:c1/1.1 deployment:dep-2b",
        "message_to_issue slack:c1/1.1 github:o/r#2",
        "message_to_pr slack:c1/1.1 github:o/r#1",
        "pr_to_issue github:o/r#1 linear:abc-9",
    ];
    for _ in 0..2 {
        let fold = Fold::start().await;
        for (source, event_type, body) in &events {
            fold.append_json(source, event_type, body).await;
        }
        fold.caught_up().await;
        let found = fold
            .db
            .rows(
                "SELECT correlation_type || ' ' || lower(subject) || ' ' || lower(related_subject), evidence_count FROM correlated_events
                 WHERE subject LIKE 'slack:%' OR correlation_type IN ('issue_to_issue', 'pr_to_issue') ORDER BY 1",
            )
            .await;
        assert_eq!(found.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), expected);
        assert!(found.iter().all(|row| row.get::<_, i64>(1) == 1), "each is said once");
        // The links of an event are found from either end.
        let links = Links::new(fold.db.database.clone());
        let deployment = fold.db.rows("SELECT id FROM event_subjects WHERE subject = 'deployment:dep-1a'").await[0].get::<_, String>(0);
        let of_deployment = links.of_event(&Tenant::default_tenant(), deployment.parse().expect("an id")).await.expect("links");
        assert!(of_deployment.iter().any(|link| link.subject == "slack:C1/1.1"), "{of_deployment:#?}");
        fold.stop().await;
        events.reverse();
    }
}

const COMMIT: &str = "9680b4c76cf5dfa6b54475fb00c875b6e884dfe6";

/// Links as a start with these rules leaves them.
async fn links_with_rules(fold: &Fold, rules: &str, expected: &[&str]) {
    let settings: Settings = toml::from_str(&format!("enabled = true\n{rules}")).expect("settings");
    let consumer = Projection::new(fold.db.database.clone(), CorrelationTables::new(Rules::compile(&settings).expect("valid rules"), Metrics::new()));
    let version = i64::from(consumer.version());
    let tasks = Tasks::default();
    let runner = Runner { stop: tasks.stop().child(), ..fold.runner.clone() };
    tasks.spawn("correlation", runner.follow(Box::new(consumer)));
    // Not by reading the links: a swap may meet a reader of several tables halfway.
    let swapped = format!("SELECT count(*) FROM hooklake.consumers WHERE name = 'correlation' AND version = {version}");
    wait_until(rules, async || fold.db.number(&swapped).await == 1).await;
    fold.reached("correlation").await;
    tasks.stop().tell();
    assert!(tasks.finish(Duration::from_mins(1)).await.is_empty());
    let rows = fold.db.rows("SELECT DISTINCT rule || ' ' || related_subject FROM known_links ORDER BY 1").await;
    assert_eq!(rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), expected, "{rules}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_rules_rebuild_the_links() {
    let fold = Fold::start_with(&["events"]).await;
    let payload = json!({"action": "opened", "pull_request": {"number": 1, "title": "x", "body": "Closes #2, ZD-77"}, "repository": {"full_name": "o/r"}});
    fold.append_json("github", "pull_request", &payload).await;
    let rule = |subject: &str| {
        format!("[[rules]]\nname = \"ticket\"\nfield = \"/pull_request/body\"\npattern = \"ZD-([0-9]+)\"\nkind = \"issue\"\nsubject = \"{subject}\"")
    };
    links_with_rules(&fold, "rules = []", &["closing_keyword github:o/r#2"]).await;
    links_with_rules(&fold, &rule("zendesk:$1"), &["closing_keyword github:o/r#2", "ticket zendesk:77"]).await;
    links_with_rules(&fold, &rule("desk:$1"), &["closing_keyword github:o/r#2", "ticket desk:77"]).await;
    links_with_rules(&fold, "rules = []", &["closing_keyword github:o/r#2"]).await;
    fold.stop().await;
}
