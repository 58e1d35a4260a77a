//! Who is let in: what the providers' own libraries sign is accepted, and one altered byte is refused.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::{
    GITHUB_SECRET, LINEAR_SECRET, SLACK_SECRET, TestApp, TestDatabase, examples, github_signature, run_with_input, tools_dir, wait_for, wait_until,
};

const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const GENERIC: &str = r#"
[sources.custom.billing]
secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]

[[sources.custom.stripe.verifications]]
header_location = "Stripe-Signature"
signature_format = "t=${timestamp},v1=${signature}"
signature_input = "${timestamp}.${body}"
secret = "whsec_stripe"
[sources.custom.stripe.timestamp_validation]
required = true
"#;

/// A server that also knows two sources of one's own.
async fn app_with_custom_sources() -> TestApp {
    TestApp::start_configured(TestDatabase::new().await, |directory| {
        let file = directory.join("settings.toml");
        std::fs::write(&file, GENERIC).expect("written");
        let variables = config_variables(directory);
        hooklake::config::Config::load(Some(&file), variables).expect("valid settings")
    })
    .await
}

fn config_variables(directory: &std::path::Path) -> Vec<(String, String)> {
    [
        ("HOOKLAKE_DATA_DIR", directory.to_str().expect("text")),
        ("HOOKLAKE_SERVER_PORT", "0"),
        ("GITHUB_WEBHOOK_SECRET", GITHUB_SECRET),
        ("LINEAR_WEBHOOK_SECRET", LINEAR_SECRET),
        ("SLACK_SIGNING_SECRET", SLACK_SECRET),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Lets the providers' libraries sign; answers the headers that each made.
fn signed_by_real_clients(requests: &[Value]) -> Vec<Value> {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/clients/sign.mjs");
    assert!(tools_dir().join("clients/node_modules").exists(), "`make test` installs the providers' client libraries");
    let input = requests.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let output = run_with_input(Command::new("node").arg(script), &input);
    output.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[tokio::test]
async fn what_the_providers_libraries_sign_is_accepted_and_one_altered_byte_is_not() {
    let app = app_with_custom_sources().await;
    let now_ms = chrono::Utc::now().timestamp_millis();
    let slack = json!({"type": "event_callback", "event_id": "Ev1", "event": {"type": "message", "text": "héllo 👋"}}).to_string();
    let linear = json!({"type": "Issue", "action": "create", "webhookTimestamp": now_ms, "data": {"title": "日本語"}}).to_string();
    let github = examples()[0].body.clone();
    let standard = json!({"type": "invoice.paid", "id": 1}).to_string();
    let cases = [
        ("github", GITHUB_SECRET, "/webhook/github", github),
        ("slack", SLACK_SECRET, "/webhook/slack", slack),
        ("linear", LINEAR_SECRET, "/webhook/linear", linear),
        ("standard", STANDARD_SECRET, "/webhook/custom/billing", standard),
    ];
    let requests: Vec<Value> =
        cases.iter().map(|(scheme, secret, _, body)| json!({"scheme": scheme, "secret": secret, "body_base64": STANDARD.encode(body)})).collect();
    for ((scheme, _, path, body), signed) in cases.iter().zip(signed_by_real_clients(&requests)) {
        let made: Vec<(String, String)> = signed["headers"]
            .as_object()
            .unwrap_or_else(|| panic!("{scheme}: {signed}"))
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().expect("text").to_owned()))
            .collect();
        let mut headers: Vec<(&str, &str)> = made.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        headers.push(("content-type", "application/json"));
        let mut altered = body.clone().into_bytes();
        let last = altered.len() - 1;
        altered[last] ^= 1;
        assert_eq!(app.post(path, &headers, altered).await.status, 401, "{scheme}");
        let answer = app.post(path, &headers, body.clone()).await;
        assert_eq!((answer.status, answer.json()["success"].as_bool()), (200, Some(true)), "{scheme}: {}", answer.text);
    }
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 4);
    app.stop().await;
}

#[tokio::test]
async fn all_refusals_look_the_same_and_store_nothing() {
    let app = TestApp::start().await;
    let right = github_signature(b"{}");
    let upper = right.to_uppercase().replace("SHA256", "sha256");
    let sha1 = "sha1=5d61605c3feea9799210ddcb71307d4ba264225f";
    let cases: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("X-Hub-Signature-256", "")],
        vec![("X-Hub-Signature-256", "sha256=")],
        vec![("X-Hub-Signature-256", "sha256=zz")],
        vec![("X-Hub-Signature-256", &right[..40])],
        vec![("X-Hub-Signature", sha1)],
        vec![("X-Hub-Signature", sha1), ("X-Hub-Signature-256", "sha256=0000000000000000000000000000000000000000000000000000000000000000")],
    ];
    let mut bodies = Vec::new();
    for headers in &cases {
        let answer = app.post("/webhook/github", headers, "{}").await;
        assert_eq!(answer.status, 401, "{headers:?}");
        assert_eq!(answer.json()["error"], "Invalid webhook signature");
        bodies.push(answer.text);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "a refusal tells nothing: {bodies:?}");
    // Slack's rules at GitHub's door, and the other way round.
    let time = chrono::Utc::now().timestamp().to_string();
    assert_eq!(app.post("/webhook/slack", &[("X-Hub-Signature-256", &right)], "{}").await.status, 401);
    assert_eq!(app.post("/webhook/github", &[("X-Slack-Signature", "v0=00"), ("X-Slack-Request-Timestamp", &time)], "{}").await.status, 401);
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 0);
    assert_eq!(app.post("/webhook/github", &[("X-Hub-Signature-256", &upper)], "{}").await.status, 200, "hexadecimal digits of either case");
    app.stop().await;
}

#[tokio::test]
async fn both_secrets_are_good_while_one_is_rotated() {
    let db = TestDatabase::new().await;
    let app = TestApp::start_on(db, &[("GITHUB_WEBHOOK_SECRET", "new"), ("GITHUB_WEBHOOK_SECRET_PREVIOUS", GITHUB_SECRET)]).await;
    assert_eq!(app.github("push", "old", r#"{"n":1}"#).await.status, 200);
    let new = format!("sha256={}", hex::encode(hooklake::sources::secret::hmac_sha256(b"new", &[b"{}"])));
    assert_eq!(app.post("/webhook/github", &[("X-Hub-Signature-256", &new), ("X-GitHub-Delivery", "n")], "{}").await.status, 200);
    assert_eq!(app.db.number("SELECT count(DISTINCT secret_id) FROM log.envelopes").await, 2);
    let app = TestApp::start_on(app.stop().await, &[("GITHUB_WEBHOOK_SECRET", "new")]).await;
    assert_eq!(app.github("push", "later", r#"{"n":2}"#).await.status, 401);
    app.stop().await;
}

#[tokio::test]
async fn a_source_without_a_secret_lets_nobody_in() {
    let app = TestApp::start_configured(TestDatabase::new().await, |directory| {
        let mut variables = config_variables(directory);
        variables.retain(|(name, _)| name != "GITHUB_WEBHOOK_SECRET");
        variables.push(("HOOKLAKE_SOURCES_LINEAR_ENABLED".to_owned(), "false".to_owned()));
        hooklake::config::Config::load(None, variables).expect("valid settings")
    })
    .await;
    let forged = format!("sha256={}", hex::encode(hooklake::sources::secret::hmac_sha256(b"", &[b"{}"])));
    let answer = app.post("/webhook/github", &[("X-Hub-Signature-256", &forged)], "{}").await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    for path in ["/webhook/linear", "/webhook/nobody", "/webhook/wh_aaaaaaaaaaaaaaaaaaaaaaaa", "/webhook/custom/github", "/webhook/deployment"] {
        assert_eq!(app.post(path, &[], "{}").await.status, 404, "{path}");
    }
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 0);
    app.stop().await;
}

#[tokio::test]
async fn slack_is_answered_as_it_expects() {
    let app = TestApp::start().await;
    let challenge = app.slack("application/json", r#"{"type":"url_verification","challenge":"3eZbrw1aB"}"#).await;
    assert_eq!((challenge.status, challenge.text.as_str()), (200, "3eZbrw1aB"));
    assert!(challenge.headers["content-type"].to_str().expect("text").starts_with("text/plain"));
    assert_eq!(app.post("/webhook/slack", &[("Content-Type", "application/json")], r#"{"type":"url_verification","challenge":"x"}"#).await.status, 401);

    let form = "application/x-www-form-urlencoded";
    assert_eq!(app.post("/webhook/slack", &[("Content-Type", form)], "ssl_check=1&token=t").await.status, 200);
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes").await, 1, "the challenge is kept, the probe is not");
    for (body, event_type) in [
        ("command=%2Fdeploy&text=now&trigger_id=1.2", "slash_command"),
        ("payload=%7B%22type%22%3A%22block_actions%22%2C%22trigger_id%22%3A%221.3%22%7D", "block_actions"),
    ] {
        let answer = app.slack(form, body).await.json();
        let kept = app.db.rows("SELECT event_type, body FROM log.envelopes ORDER BY position DESC LIMIT 1").await;
        assert_eq!((kept[0].get::<_, &str>(0), kept[0].get::<_, &[u8]>(1)), (event_type, body.as_bytes()), "{answer}");
    }
    app.stop().await;
}

#[tokio::test]
async fn a_late_linear_delivery_is_kept_and_flagged() {
    let app = TestApp::start().await;
    let six_hours_ago = chrono::Utc::now().timestamp_millis() - 6 * 3600 * 1000;
    let answer = app.linear("d1", &json!({"type": "Issue", "action": "update", "actor": null, "webhookTimestamp": six_hours_ago})).await;
    assert_eq!(answer.status, 200);
    let rows = app.db.rows("SELECT flags, event_type FROM log.envelopes").await;
    assert_eq!((rows[0].get::<_, Vec<String>>(0), rows[0].get::<_, &str>(1)), (vec!["late".to_owned()], "Issue"));
    app.stop().await;
}

#[tokio::test]
async fn own_sources_are_received_by_name_and_by_a_path_that_cannot_be_guessed() {
    let app = app_with_custom_sources().await;
    let doors = hooklake::registry::Doors::new(&app.app.base.config, &app.app.base.installation.derivation_key).expect("doors");
    let listing = doors.listing();
    let stripe = listing.iter().find(|listing| listing.source == "stripe").expect("listed");
    let generated = stripe.generated_path.clone().expect("a generated path");
    assert!(generated.starts_with("/webhook/wh_") && generated.len() == "/webhook/wh_".len() + 24, "{generated}");
    for (number, path) in ["/webhook/stripe", "/webhook/custom/stripe", &generated].into_iter().enumerate() {
        let body = format!("{{\"id\":\"in_{number}\",\"type\":\"invoice.paid\"}}");
        let time = chrono::Utc::now().timestamp().to_string();
        let made = hex::encode(hooklake::sources::secret::hmac_sha256(b"whsec_stripe", &[time.as_bytes(), b".", body.as_bytes()]));
        let answer = app.post(path, &[("Stripe-Signature", &format!("t={time},v1={made}"))], body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
    }
    assert_eq!(app.db.number("SELECT count(*) FROM log.envelopes WHERE source = 'stripe' AND event_type = 'invoice.paid'").await, 3);
    app.stop().await;
}

#[tokio::test]
async fn the_default_path_knows_providers_by_their_headers() {
    let app = TestApp::start().await;
    let signature = github_signature(b"{}");
    let answer = app.post("/webhook", &[("X-GitHub-Event", "ping"), ("X-GitHub-Delivery", "p"), ("X-Hub-Signature-256", &signature)], "{}").await;
    assert_eq!(answer.status, 200);
    assert_eq!(app.post("/webhook", &[("X-GitHub-Event", "ping")], "{}").await.status, 401);
    assert_eq!(app.post("/webhook", &[], "{}").await.status, 404);
    app.stop().await;
}

#[tokio::test]
async fn own_events_need_a_credential_and_are_told_what_is_missing() {
    let app = TestApp::start().await;
    let whole =
        json!({"deployment_id": "d1", "environment": "production", "status": "success", "repository_name": "o/r", "commit_sha": "abc", "branch_name": "main"});
    for path in ["/events/deployment", "/events/custom"] {
        assert_eq!(app.post(path, &[], whole.to_string()).await.status, 401, "{path}");
    }
    let bearer = format!("Bearer {}", app.token);
    let accepted = app.post("/events/deployment", &[("Authorization", &bearer)], whole.to_string()).await.json();
    assert_eq!((accepted["duplicate"].as_bool(), accepted.get("warnings")), (Some(false), None));
    let again = app.post("/events/deployment", &[("Authorization", &bearer)], whole.to_string()).await.json();
    assert_eq!(again["duplicate"], true);
    let partial = app.post("/events/custom", &[("Authorization", &bearer)], r#"{"platform":"crm"}"#).await;
    assert_eq!((partial.status, &partial.json()["warnings"]), (200, &json!(["event_type is missing", "payload is missing"])));
    app.stop().await;
}

/// Whoever asks may have every connection that there is for asking, and be slow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_delivered_does_not_wait_for_who_reads() {
    let app = TestApp::start().await;
    let base = &app.app.base;
    let mut taken = Vec::new();
    for _ in hooklake::db::RESERVED..base.config.database.connections_max {
        taken.push(wait_for(async || base.database.get().await.ok()).await);
    }
    let bearer = format!("Bearer {}", app.token);
    for _ in 0..2 {
        let answer = app.github("push", "one", r#"{"ref":"refs/heads/main"}"#).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    wait_until("an event of one's own is taken", async || {
        app.post("/events/custom", &[("Authorization", &bearer)], r#"{"platform":"crm","event_type":"won","payload":{}}"#).await.status == 200
    })
    .await;
    // A balancer asks this before it sends anything.
    wait_until("it is ready", async || app.client.get(app.url("/health/ready")).send().await.is_ok_and(|answer| answer.status() == 200)).await;
    drop(taken);
    app.caught_up().await;
    assert_eq!(app.db.number("SELECT count(*) FROM events WHERE source = 'github'").await, 1);
    app.stop().await;
}

/// The content of an authentic delivery is never a reason to refuse it (RELIABILITY, "Bad input").
#[tokio::test]
async fn whatever_is_signed_is_kept() {
    let app = TestApp::start().await;
    let deep = "[".repeat(100_000);
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"not json".to_vec(),
        b"{\"a\":1,}".to_vec(),
        b"{\"a\":NaN}".to_vec(),
        br#"{"a":"\u0000"}"#.to_vec(),
        br#"{"a":"\ud800"}"#.to_vec(),
        b"{\"a\":\"\0\"}".to_vec(),
        b"{\"a\":\"\xff\xfe\"}".to_vec(),
        b"\xef\xbb\xbf{\"a\":1}".to_vec(),
        br#"{"a":1,"a":2}"#.to_vec(),
        br#"{"n":123456789012345678901234567890,"f":1e400}"#.to_vec(),
        br#"{"at":"0000-00-00T99:99:99Z","on":1e15}"#.to_vec(),
        b"[1,2]".to_vec(),
        b"7".to_vec(),
        deep.into_bytes(),
        br#"{"t":"'; DROP TABLE x; -- $$ %s \u001b[31m \u202e <script>"}"#.to_vec(),
    ];
    for (number, body) in bodies.iter().enumerate() {
        let answer = app.github("pull_request", &format!("odd-{number}"), body).await;
        assert_eq!(answer.status, 200, "{number}: {}", answer.text);
    }
    let kept = app.db.rows("SELECT body FROM log.envelopes ORDER BY position").await;
    assert_eq!(kept.iter().map(|row| row.get::<_, Vec<u8>>(0)).collect::<Vec<_>>(), bodies);
    app.caught_up().await;
    assert_eq!(app.db.number("SELECT count(*) FROM hooklake.parked").await, 0);
    app.stop().await;
}
