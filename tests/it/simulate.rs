//! The simulated organisation is the same for the same seed, is what the providers would send, and its truth is true.

use std::collections::{BTreeMap, BTreeSet};

use hooklake::correlation::rules::Findings;
use hooklake::demo::deliveries::Delivery;
use hooklake::domain::json::Document;
use hooklake::simulate::{Organisation, Padding, Settings, Simulated, Truth};
use serde_json::Value;

use crate::harness::{TestApp, examples};

fn settings() -> Settings {
    Settings { seed: 7, people: 17, repos: 5, days: 24, ..Settings::default() }
}

fn all(settings: &Settings) -> (Vec<Simulated>, Truth) {
    let mut organisation = Organisation::new(settings);
    let deliveries = organisation.by_ref().collect();
    (deliveries, organisation.take_truth())
}

fn body(one: &Simulated) -> Value {
    serde_json::from_str(&one.delivery.body).unwrap_or_else(|error| panic!("{error}: {}", one.delivery.body))
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (first, truth) = all(&settings());
    assert_eq!((first.clone(), truth), all(&settings()));
    let (other, _) = all(&Settings { seed: 8, ..settings() });
    let bodies = first.iter().map(|one| &one.delivery.body).collect::<BTreeSet<_>>();
    assert!(other.iter().filter(|one| bodies.contains(&one.delivery.body)).count() == 0);
}

#[test]
fn padding_changes_the_size_and_nothing_else() {
    let (lean, truth) = all(&settings());
    let (real, same_truth) = all(&Settings { padding: Padding::Real, ..settings() });
    assert_eq!(truth, same_truth);
    assert_eq!(lean.len(), real.len());
    let mean = |deliveries: &[Simulated]| {
        let sizes: Vec<usize> = deliveries.iter().filter(|one| one.delivery.source == "github").map(|one| one.delivery.body.len()).collect();
        sizes.iter().sum::<usize>() / sizes.len()
    };
    // GitHub's own examples have 9.9 KB on average.
    assert!((8_000..20_000).contains(&mean(&real)) && mean(&lean) < 5_000, "{} and {}", mean(&real), mean(&lean));
}

#[test]
fn every_delivery_is_another_one_unless_duplicates_are_asked_for() {
    let (deliveries, _) = all(&settings());
    let ids = deliveries.iter().map(|one| one.delivery.id).collect::<BTreeSet<_>>();
    // A body under two ids would look like a replay.
    let bodies = deliveries.iter().map(|one| &one.delivery.body).collect::<BTreeSet<_>>();
    assert_eq!((ids.len(), bodies.len()), (deliveries.len(), deliveries.len()));
    assert!(deliveries.is_sorted_by_key(|one| one.at), "in the order of their time");

    let (disturbed, _) = all(&Settings { duplicates: 0.05, disorder: 0.1, ..settings() });
    let again = disturbed.iter().map(|one| one.delivery.id).collect::<BTreeSet<_>>();
    assert_eq!(again, ids, "nothing is lost");
    let duplicates = disturbed.len() - ids.len();
    assert!((ids.len() / 40..ids.len() / 10).contains(&duplicates), "{duplicates}");
    assert!(!disturbed.is_sorted_by_key(|one| one.at), "some come late");
    let sent = deliveries.iter().map(|one| (one.delivery.id, &one.delivery)).collect::<BTreeMap<_, _>>();
    assert!(disturbed.iter().all(|one| sent[&one.delivery.id] == &one.delivery), "a duplicate is the same delivery");
}

#[test]
fn github_s_events_have_what_the_real_ones_of_their_type_have() {
    let mut expected = BTreeMap::<String, BTreeSet<String>>::new();
    for example in examples() {
        let fields = fields_of(&example);
        expected.entry(example.event).and_modify(|common| *common = common.intersection(&fields).cloned().collect()).or_insert(fields);
    }
    let (deliveries, _) = all(&settings());
    let mut seen = BTreeSet::new();
    for one in deliveries.iter().filter(|one| one.delivery.source == "github") {
        let fields = fields_of(&one.delivery);
        let common = &expected[&one.delivery.event];
        assert!(common.is_subset(&fields), "{} lacks {:?}", one.delivery.event, common.difference(&fields));
        seen.insert(one.delivery.event.as_str());
    }
    assert!(seen.len() >= 15, "{seen:?}");
}

fn fields_of(delivery: &Delivery) -> BTreeSet<String> {
    let body: Value = serde_json::from_str(&delivery.body).expect("JSON");
    body.as_object().expect("an object").keys().cloned().collect()
}

#[test]
fn both_ends_of_every_true_link_are_among_the_deliveries() {
    let (deliveries, truth) = all(&settings());
    let subjects = found(&deliveries).flat_map(|findings| findings.subjects).map(|subject| subject.key).collect::<BTreeSet<_>>();
    for link in &truth.links {
        assert!(subjects.contains(&link.subject), "{link:?}");
        assert!(subjects.contains(&link.related), "{link:?}");
    }
    let kinds = truth.links.iter().map(|link| (link.kind, link.because)).collect::<BTreeSet<_>>();
    for kind in [
        ("pr_to_issue", "title"),
        ("pr_to_issue", "closing_keyword"),
        ("pr_to_issue", "attachment"),
        ("message_to_deployment", "message"),
        ("pr_to_pr", "reverts"),
        ("pr_to_commit", "reverts"),
    ] {
        assert!(kinds.contains(&kind), "{kind:?} is not among {kinds:?}");
    }
}

/// Whatever the rules find is true: the truth leaves out nothing that a body says, and look-alikes are not in it.
#[test]
fn the_truth_knows_everything_that_the_rules_find() {
    let (deliveries, truth) = all(&settings());
    let pairs = truth.pairs(false);
    let teams = truth.teams.iter().map(|team| team.key.as_str()).collect::<BTreeSet<_>>();
    let mut count = 0;
    for link in found(&deliveries).flat_map(|findings| findings.links) {
        // Those of checks and branches repeat one field of one payload, which the truth does not tell again.
        let is_untold = link.correlation_type.split('_').any(|part| matches!(part, "check" | "branch" | "run"));
        if is_untold || link.team_key.as_deref().is_some_and(|key| !teams.contains(key)) {
            continue;
        }
        let (one, other) = (truth.called(&link.subject.key), truth.called(&link.related.key));
        assert!(pairs.contains(&(one.min(other), one.max(other))), "not true: {link:?}");
        count += 1;
    }
    assert!(count > 1000, "{count}");
    assert!(truth.lookalikes.len() > 50);
    for lookalike in truth.lookalikes.iter().filter(|lookalike| lookalike.named.is_none()) {
        let named = format!("linear:{}", lookalike.text);
        assert!(!pairs.iter().any(|(one, other)| *one == named || *other == named), "{named}");
    }
}

fn found(deliveries: &[Simulated]) -> impl Iterator<Item = Findings> {
    deliveries.iter().map(|one| Findings::of(&one.delivery.source, &one.delivery.event, Document::from(body(one)).root()))
}

#[test]
fn lead_times_can_be_computed_again_from_the_payloads() {
    let (deliveries, truth) = all(&settings());
    let mut times = BTreeMap::<(String, &str), Value>::new();
    for one in &deliveries {
        note_times(one, &mut times);
    }
    let told = |subject: &Option<String>, name: &str| subject.as_ref().and_then(|subject| times.get(&(subject.clone(), name)).cloned());
    let same = |time: Option<chrono::DateTime<chrono::Utc>>, payload: Option<Value>, what: &str, subject: &Option<String>| {
        let payload = payload.filter(|value| !value.is_null()).map(|value| value.as_str().expect("a time").parse().expect("a time"));
        assert_eq!(time, payload, "{what} of {subject:?}");
    };
    let mut finished = 0;
    for work in &truth.works {
        let (issue, pull_request) = (&work.issue, &work.pull_request);
        same(work.steps.issue_created_at, told(issue, "createdAt"), "creation", issue);
        same(work.steps.issue_started_at, told(issue, "startedAt"), "start", issue);
        same(work.steps.issue_completed_at, told(issue, "completedAt"), "completion", issue);
        same(work.steps.issue_canceled_at, told(issue, "canceledAt"), "cancellation", issue);
        same(work.steps.opened_at, told(pull_request, "created_at"), "opening", pull_request);
        same(work.steps.merged_at, told(pull_request, "merged_at"), "merge", pull_request);
        same(work.steps.closed_at, told(pull_request, "closed_at"), "closing", pull_request);
        same(work.steps.first_review_at, told(pull_request, "first_review"), "first review", pull_request);
        same(work.steps.approved_at, told(pull_request, "approved"), "approval", pull_request);
        same(work.steps.review_requested_at, told(pull_request, "review_requested"), "request", pull_request);
        same(work.steps.ready_at, told(pull_request, "ready"), "readiness", pull_request);
        // Everybody's branch was pushed to before there was the pull request.
        let branch = work.branch.as_ref().filter(|branch| *branch != "develop").map(|branch| format!("branch:{}@{branch}", work.repository));
        same(work.steps.first_push_at, told(&branch, "first_push"), "first push", &branch);
        if let Some(deployed) = work.steps.deployed_at {
            finished += 1;
            let by = truth.deployments.iter().find(|one| one.finished_at == deployed && one.environment == "production" && one.status == "success");
            let by = by.unwrap_or_else(|| panic!("nothing was deployed then: {work:?}"));
            assert!(by.pull_requests.contains(pull_request.as_ref().expect("it was merged")));
            same(Some(deployed), told(&Some(by.deployment.clone()), "finished"), "deployment", pull_request);
            let steps = [work.steps.opened_at, work.steps.approved_at, work.steps.merged_at, Some(deployed)];
            assert!(steps.is_sorted(), "{work:?}");
        }
    }
    assert!(finished > 50, "{finished}");
}

/// Times as payloads tell them, by subject and name: the last told, or the first for what happens first.
fn note_times(one: &Simulated, times: &mut BTreeMap<(String, &'static str), Value>) {
    let body = body(one);
    let at = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let repository = text("/repository/full_name");
    let mut last = |subject: &str, name, value| drop(times.insert((subject.to_owned(), name), value));
    match one.delivery.event.as_str() {
        "Issue" => {
            let subject = format!("linear:{}", text("/data/identifier"));
            for name in ["createdAt", "startedAt", "completedAt", "canceledAt"] {
                last(&subject, name, at(&format!("/data/{name}")));
            }
        }
        "issues" => {
            let subject = format!("github:{repository}#{}", at("/issue/number"));
            last(&subject, "createdAt", at("/issue/created_at"));
            last(&subject, "completedAt", at("/issue/closed_at"));
        }
        "pull_request" => {
            let subject = format!("github:{repository}#{}", at("/number"));
            for name in ["created_at", "merged_at", "closed_at"] {
                last(&subject, name, at(&format!("/pull_request/{name}")));
            }
            match text("/action").as_str() {
                "opened" if at("/pull_request/draft") == Value::Bool(false) => last(&subject, "ready", at("/pull_request/created_at")),
                "ready_for_review" => last(&subject, "ready", at("/pull_request/updated_at")),
                "review_requested" => drop(times.entry((subject, "review_requested")).or_insert_with(|| at("/pull_request/updated_at"))),
                _ => {}
            }
        }
        // What apps say is no review.
        "pull_request_review" if text("/review/user/type") != "Bot" => {
            let subject = format!("github:{repository}#{}", at("/pull_request/number"));
            if text("/review/state") == "approved" {
                times.entry((subject.clone(), "approved")).or_insert_with(|| at("/review/submitted_at"));
            }
            times.entry((subject, "first_review")).or_insert_with(|| at("/review/submitted_at"));
        }
        "push" => {
            let subject = format!("branch:{repository}@{}", text("/ref").trim_start_matches("refs/heads/"));
            times.entry((subject, "first_push")).or_insert_with(|| at("/head_commit/timestamp"));
        }
        "deployment" if one.delivery.source == "deployment" => last(&format!("deployment:{}", text("/deployment_id")), "finished", at("/finished_at")),
        "deployment_status" if text("/deployment_status/state") == "success" => {
            last(&format!("deployment:github/{}", at("/deployment/id")), "finished", at("/deployment_status/updated_at"));
        }
        _ => {}
    }
}

#[test]
fn people_are_told_apart() {
    let (deliveries, truth) = all(&Settings { people: 60, days: 2, ..settings() });
    let logins = truth.people.iter().filter_map(|person| person.github_login.as_ref()).collect::<BTreeSet<_>>();
    let coders = truth.people.iter().filter(|person| person.github_login.is_some()).count();
    let emails = truth.people.iter().map(|person| &person.email).collect::<BTreeSet<_>>();
    let names = truth.people.iter().map(|person| &person.name).collect::<BTreeSet<_>>();
    assert_eq!((logins.len(), emails.len()), (coders, truth.people.len()));
    assert!(names.len() < truth.people.len(), "some are called the same");
    let ties = truth.people.iter().map(|person| person.tied_by).collect::<BTreeSet<_>>();
    assert!(ties.is_superset(&BTreeSet::from(["email", "name", "no_login"])), "{ties:?}");
    // Both workspaces tell everyone's address.
    for person in &truth.people {
        for (source, id) in [("slack", &person.slack_id), ("linear", &person.linear_id)] {
            let told =
                deliveries.iter().any(|one| one.delivery.source == source && one.delivery.body.contains(id) && one.delivery.body.contains(&person.email));
            assert!(told, "{source} does not tell of {person:?}");
        }
    }
}

#[tokio::test]
async fn a_server_accepts_every_delivery_and_reads_it() {
    let app = TestApp::start().await;
    let (deliveries, _) = all(&Settings { days: 3, people: 9, repos: 3, ..settings() });
    let deliveries = deliveries.into_iter().map(|one| one.delivery).collect::<Vec<_>>();
    let tally = app.send(&deliveries).await;
    assert_eq!((tally.accepted, tally.duplicate), (deliveries.len(), 0));
    app.caught_up().await;
    let unread =
        app.db.number("SELECT count(*) FROM log.envelopes WHERE verdict NOT IN ('signed', 'authorized') OR flags && '{suspect_replay,key_derived}'").await;
    assert_eq!(unread, 0);
    assert_eq!(app.db.number("SELECT count(*) FROM events").await, deliveries.len() as i64);
    // What only a copy could not take is none of the live ones' faults.
    app.db.execute("INSERT INTO hooklake.parked (consumer, position, event_id, reason, attempts) VALUES ('events@as-of', 1, 'evt_x', 'bad', 3)").await;
    assert_eq!(app.db.number("SELECT count(*) FROM event_processing_status WHERE status = 'parked'").await, 0);
    assert_eq!(app.db.number("SELECT sum(failure_count)::bigint FROM event_metadata").await, 0);
    app.stop().await;
}
