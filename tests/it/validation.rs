//! Payloads are checked against schemas after they are stored, by rules that are changed while the server runs.

use serde_json::json;

use crate::harness::TestApp;

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
