//! What belongs together is found, with its evidence, and what only looks like it is not.

use std::collections::BTreeSet;

use hooklake::correlation::query::Links;
use hooklake::domain::{EventId, Tenant};
use serde_json::json;

use crate::harness::fold::Fold;

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
    let subjects = links.subjects_of(&tenant, opened).await.expect("subjects");
    assert_eq!(subjects.len(), 1);
    fold.stop().await;
}
