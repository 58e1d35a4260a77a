//! What was said and is taken back counts no more, in whichever order it is told; what is said once more counts again. What moves
//! on is followed.

use serde_json::{Value, json};

use crate::harness::fold::Fold;
use crate::views::{at, github, issue, pull_request};

/// A pull request that is attached to an issue, or taken off it, at a time of January.
pub fn attachment(action: &str, id: &str, issue: &str, at: &str) -> Value {
    let time = format!("2026-01-{at}:00Z");
    // Who takes it off does not change it.
    let updated = if action == "remove" { "2026-01-01T00:00:00Z" } else { &time };
    let data = json!({
        "id": id, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": updated, "title": "XYZ-3: Mend it", "url": "https://github.com/acme/shop/pull/1",
        "sourceType": "github", "issueId": format!("id-{issue}"),
    });
    json!({"action": action, "type": "Attachment", "createdAt": time, "data": data})
}

async fn texts(fold: &Fold, sql: &str) -> Vec<String> {
    fold.db.rows(sql).await.iter().map(|row| row.get(0)).collect()
}

/// The issues that the pull request is for, by each view that says so.
async fn is_for(fold: &Fold) -> Vec<String> {
    let issues = texts(fold, "SELECT DISTINCT issue FROM pull_request_links WHERE pull_request = 'github:acme/shop#1' ORDER BY 1").await;
    for other in [
        "SELECT lower('linear:' || issue) FROM pull_request_issues ORDER BY 1",
        "SELECT lower(issue_subject) FROM issue_pull_requests ORDER BY 1",
        "SELECT lower(unnest(issues)) FROM workflows WHERE pull_request IS NOT NULL ORDER BY 1",
        "SELECT lower(related_subject) FROM correlated_events WHERE correlation_type = 'pr_to_issue' ORDER BY 1",
    ] {
        assert_eq!(texts(fold, other).await, issues, "{other}");
    }
    issues
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_is_for_what_it_is_attached_to() {
    let (one, other) = (vec!["linear:abc-1".to_owned()], vec!["linear:abc-2".to_owned()]);
    let histories = [
        ("taken off", vec![attachment("create", "x", "ABC-1", "02T08:00"), attachment("remove", "x", "ABC-1", "03T08:00")], vec![]),
        (
            "attached again",
            vec![
                attachment("create", "x", "ABC-1", "02T08:00"),
                attachment("remove", "x", "ABC-1", "03T08:00"),
                attachment("create", "y", "ABC-1", "04T08:00"),
            ],
            one.clone(),
        ),
        (
            "restored",
            vec![
                attachment("create", "x", "ABC-1", "02T08:00"),
                attachment("remove", "x", "ABC-1", "03T08:00"),
                attachment("restore", "x", "ABC-1", "04T08:00"),
            ],
            one.clone(),
        ),
        (
            "one of two",
            vec![
                attachment("create", "x", "ABC-1", "02T08:00"),
                attachment("create", "y", "ABC-1", "02T08:00"),
                attachment("remove", "x", "ABC-1", "03T08:00"),
            ],
            one,
        ),
        ("moved", vec![attachment("create", "x", "ABC-1", "02T08:00"), attachment("update", "x", "ABC-2", "03T08:00")], other),
    ];
    for (what, mut events, expected) in histories {
        for order in ["as it was", "the other way round"] {
            let fold = Fold::start().await;
            for identifier in ["ABC-1", "ABC-2", "XYZ-3"] {
                issue(&fold, identifier, json!({"createdAt": at("01T08:00"), "updatedAt": at("01T08:00")})).await;
            }
            let shown = pull_request(1, "Mend it", "02T08:00", json!({}));
            github(&fold, "pull_request", json!({"action": "opened", "number": 1, "pull_request": shown})).await;
            for event in &events {
                fold.append_json("linear", "Attachment", event).await;
            }
            fold.caught_up().await;
            assert_eq!(is_for(&fold).await, expected, "{what}, {order}");
            let told = events.iter().filter(|event| event["action"] != "remove").count() as i64;
            let evidence =
                "SELECT (SELECT count(*) FROM event_correlations WHERE rule = 'attachment') + (SELECT count(*) FROM alias_mentions WHERE rule = 'attachment')";
            assert_eq!(fold.db.number(evidence).await, told, "{what}: that it was said stays, and who takes it off says nothing");
            fold.stop().await;
            events.reverse();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attachment_is_what_it_has_come_to() {
    let fold = Fold::start_with(&["entities"]).await;
    fold.append_json("linear", "Attachment", &attachment("remove", "x", "ABC-1", "03T08:00")).await;
    fold.append_json("linear", "Attachment", &attachment("create", "x", "ABC-1", "02T08:00")).await;
    fold.caught_up().await;
    let row = "SELECT (key, attachment_id, title, attached_url, attached_from, issue_key, is_deleted, deleted_at AT TIME ZONE 'UTC')::text FROM attachments";
    let expected = "(linear:x,x,\"XYZ-3: Mend it\",https://github.com/acme/shop/pull/1,github,linear:id-ABC-1,t,\"2026-01-03 08:00:00\")";
    assert_eq!(texts(&fold, row).await, [expected]);
    fold.stop().await;
}
