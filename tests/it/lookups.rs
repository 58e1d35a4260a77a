//! What a look-up costs does not rise with all that the log holds beside.

use serde_json::json;

use crate::accuracy::costs::blocks;
use crate::harness::fold::Fold;

/// What is pushed to day after day has as many events as pushes, and a link to it costs no more for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_what_has_many_events_costs_what_one_to_few_does() {
    let fold = Fold::start_with(&["events", "correlation"]).await;
    let push = async |branch: &str, number: usize| {
        let commit = json!({"id": format!("{}{number:036x}", hex::encode(&branch[..2])), "message": "x", "timestamp": "2026-01-05T09:00:00Z"});
        let body = json!({"ref": format!("refs/heads/{branch}"), "commits": [commit], "head_commit": commit, "after": commit["id"], "repository": {"full_name": "o/r"}});
        fold.append_json("github", "push", &body).await;
    };
    for number in 0..400 {
        push("main", number).await;
    }
    for number in 0..30 {
        push("next", number).await;
    }
    fold.caught_up().await;
    fold.db.execute("ANALYZE").await;
    let link = |branch: &str| {
        format!(
            "SELECT * FROM correlated_events WHERE lower(subject) = 'commit:{}{:036x}' AND correlation_type = 'commit_to_branch'",
            hex::encode(&branch[..2]),
            7
        )
    };
    let newest = format!("SELECT related_event_id = (SELECT id FROM events WHERE position = 400) AS is_newest FROM ({}) l", link("main"));
    assert!(fold.db.rows(&newest).await[0].get::<_, bool>(0), "the newest at the other end");
    let (of_many, of_few) = (blocks(&fold, &link("main")).await, blocks(&fold, &link("next")).await);
    assert!(of_many < 2.0 * of_few, "{of_many} blocks for one of 400 pushes, {of_few} for one of 30");
    fold.stop().await;
}

/// Of what is seldom said there is much in the end, and a story that it is not said of costs no more for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_story_costs_no_more_when_many_others_were_taken_back() {
    let fold = Fold::start_with(&["events", "entities", "correlation"]).await;
    let opened = json!({"action": "opened", "pull_request": {"id": 7, "number": 7, "title": "x", "user": {"login": "ada"}, "created_at": "2026-01-05T09:00:00Z",
        "updated_at": "2026-01-05T09:00:00Z", "head": {"ref": "x", "sha": "a".repeat(40)}, "base": {"ref": "main"}}, "repository": {"id": 1, "full_name": "o/r"}});
    fold.append_json("github", "pull_request", &opened).await;
    fold.caught_up().await;
    let story = "SELECT * FROM workflows WHERE pull_request = 'github:o/r#7'";
    let mut costs = Vec::new();
    for (from, through) in [(1, 300), (301, 6000)] {
        // Of each forty checks tell as well, as they do; it is those that make a name look frequent.
        let others = format!(
            "INSERT INTO projections.event_correlations
             SELECT position * 100 + i, 'evt_x', 'default', CASE i WHEN 0 THEN 'pr_reverts_pr' ELSE 'check_to_pr' END, 'test', 1,
                    CASE i WHEN 0 THEN 'github:p/q#' ELSE 'check:' END || (position * 100 + i), 'github:p/q#' || position, 'body', 'x', 0, 1, 1, NULL, now()
             FROM generate_series({from}, {through}) position, generate_series(0, 40) i"
        );
        fold.db.execute(&others).await;
        fold.db.execute("ANALYZE").await;
        assert_eq!(fold.db.number(&format!("SELECT count(*) FROM ({story}) s")).await, 1);
        costs.push(blocks(&fold, story).await);
    }
    assert!(costs[1] < 1.2 * costs[0] + 24.0, "{costs:?} blocks");
    fold.stop().await;
}
