//! Payloads are checked against schemas after they are stored, by rules that are changed while the server runs.

use hooklake::tasks::Tasks;
use serde_json::json;

use crate::erase::{grown_old, run};
use crate::harness::{TestApp, examples, wait_until};
use crate::retention::custodian;

#[tokio::test]
async fn a_rule_holds_from_when_it_is_set_until_it_is_removed() {
    let app = TestApp::start().await;
    let bearer = format!("Bearer {}", app.token);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let rule = json!({"name": "leads", "source": "custom", "event_type": "lead", "schema": {"type": "object", "required": ["payload"], "properties": {"payload": {"required": ["amount"]}}}});
    assert_eq!(app.post("/validation/rules", &[("Content-Type", "application/json")], rule.to_string()).await.status, 401);
    let send = async |payload: serde_json::Value| {
        let body = json!({"platform": "crm", "event_type": "lead", "payload": payload});
        let answer = app.post("/events/custom", &headers, body.to_string()).await;
        assert_eq!(answer.status, 200, "what it says is never a reason to refuse it: {}", answer.text);
    };

    send(json!({"n": 1})).await;
    assert_eq!(app.post("/validation/rules", &headers, rule.to_string()).await.status, 201);
    send(json!({"n": 2})).await;
    send(json!({"n": 3, "amount": 5})).await;
    let removed = app.client.delete(app.url("/validation/rules/leads")).bearer_auth(&app.token).send().await.expect("an answer");
    assert_eq!(removed.status(), 200);
    send(json!({"n": 4})).await;
    app.caught_up().await;

    let rows = app.db.rows("SELECT valid, errors FROM event_validations WHERE rule = 'leads' ORDER BY position").await;
    let found: Vec<(bool, usize)> = rows.iter().map(|row| (row.get(0), row.get::<_, Vec<String>>(1).len())).collect();
    assert_eq!(found, [(false, 1), (true, 0)], "neither what came before the rule nor what came after it");
    for wrong in [json!({"name": "x"}), json!({"name": "", "schema": {}}), json!({"name": "x", "schema": {"type": "nonsense"}}), json!([])] {
        assert_eq!(app.post("/validation/rules", &headers, wrong.to_string()).await.status, 400, "{wrong}");
    }
    app.stop().await;
}

/// What goes with a week of the log is read once more, the rules of that week among it, which stay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_week_that_goes_brings_no_old_rule_back() {
    let app = TestApp::start().await;
    let bearer = format!("Bearer {}", app.token);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let set = async |name: &str, required: &str| {
        let rule = json!({"name": name, "schema": {"type": "object", "required": [required]}});
        assert_eq!(app.post("/validation/rules", &headers, rule.to_string()).await.status, 201);
    };
    set("replaced", "old").await;
    set("removed", "old").await;
    app.github("push", "a", r#"{"ref":"refs/heads/main"}"#).await;
    let tasks = Tasks::default();
    let mut custodian = custodian(&app.db, &tasks).await;
    let consumers = grown_old(&app, &mut custodian).await;
    set("replaced", "new").await;
    let removed = app.client.delete(app.url("/validation/rules/removed")).bearer_auth(&app.token).send().await.expect("an answer");
    assert_eq!(removed.status(), 200);
    app.caught_up().await;
    let rules = async || {
        let rows = app.db.rows("SELECT concat_ws(' ', name, schema->'required', since_position) FROM validation_rules ORDER BY name").await;
        rows.iter().map(|row| row.get(0)).collect::<Vec<String>>()
    };
    let before = rules().await;
    assert!(before[1].contains(r#"["new"]"#), "{before:?}");
    run(&mut custodian, "days = 60\nlake = \"forget\"\nsources = {}\ntenants = {}", &consumers).await;
    app.caught_up().await;
    assert_eq!(app.db.number("SELECT count(*) FROM events WHERE position = 3").await, 0, "the week is gone");
    assert_eq!(rules().await, before);
    drop(custodian);
    tasks.stop().tell();
    app.stop().await;
}

#[tokio::test]
async fn validation_and_correlation_can_be_switched_off() {
    let app = TestApp::start_with(&[("HOOKLAKE_VALIDATION_ENABLED", "false"), ("HOOKLAKE_CORRELATION_ENABLED", "false")]).await;
    app.github("push", "a", r#"{"ref":"refs/heads/main","repository":{"full_name":"o/r"}}"#).await;
    app.caught_up().await;
    assert_eq!(app.db.number("SELECT count(*) FROM event_validations").await, 0);
    assert_eq!(app.db.number("SELECT count(*) FROM event_subjects").await, 0);
    assert_eq!(app.db.number("SELECT count(*) FROM events").await, 1);
    app.stop().await;
}

/// What nobody follows the log for, nobody would take anything out of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_switched_off_keeps_nothing() {
    let app = TestApp::start().await;
    app.send(&examples()[..20]).await;
    app.caught_up().await;
    let subjects = "SELECT count(*) FROM event_subjects";
    let kept = app.db.number(subjects).await;
    assert!(kept > 0);
    let app = TestApp::start_on(app.stop().await, &[("HOOKLAKE_CORRELATION_ENABLED", "false")]).await;
    wait_until("it is removed", async || app.db.number("SELECT count(*) FROM hooklake.consumers WHERE name = 'correlation'").await == 0).await;
    assert_eq!(app.db.number(subjects).await, 0);
    let app = TestApp::start_on(app.stop().await, &[]).await;
    wait_until("it is made anew", async || app.db.number(subjects).await == kept).await;
    app.stop().await;
}
