//! What correlation finds in a simulated organisation is what is true there: precision and recall of each kind of link, and
//! the story of each piece of work.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use hooklake::simulate::{History, Organisation, Settings, Simulated, Truth, Work};

use self::costs::{looked_up, one_costs_no_more_later, one_costs_what_one_costs, rows_passed, saved_queries_cost_as_much_as_there_is};
use crate::harness::fold::Fold;

pub mod costs;

/// The least part of what is found that must be true, and of what is true that must be found.
const LEAST: f64 = 0.99;

/// Types that the truth does not tell of: they repeat one field of one payload.
const UNTOLD: &[&str] = &[
    "check_to_commit",
    "check_to_pr",
    "check_to_run",
    "commit_to_branch",
    "deployment_to_branch",
    "deployment_to_run",
    "pr_to_branch",
    "run_to_commit",
    "run_to_pr",
];

/// What does not go by the book, and how often it must have happened for what is measured to say anything of it.
const HISTORIES: &[(&str, usize)] = &[
    ("brought_up_to_date", 2),
    ("app_review", 2),
    ("two_workflows", 2),
    ("same_name_other_end", 2),
    ("spoke_of_another", 2),
    ("unseen_words", 2),
    ("reverted_by_hash", 2),
    ("brought_back", 2),
    ("moved_to_another_team", 2),
    ("told_by_app", 2),
    ("unfurled", 2),
    ("edited_message", 2),
    ("deleted_message", 2),
    ("mended_message", 2),
    ("stacked", 2),
    ("retargeted", 2),
    ("released_from_develop", 2),
];

fn all_happened(histories: &[History]) {
    for (kind, least) in HISTORIES {
        let times = histories.iter().filter(|history| history.kind == *kind).count();
        println!("{kind}: {times}");
        assert!(times >= *least, "{kind}: {times}");
    }
}

/// An organisation whose deliveries are in the log: some twice, some late.
async fn simulated(seed: u64) -> (Fold, Truth) {
    let (fold, truth, ()) = simulated_with(seed, async |_| ()).await;
    (fold, truth)
}

/// The same, with something done when half of them are.
async fn simulated_with<T>(seed: u64, halfway: impl AsyncFnOnce(&Fold) -> T) -> (Fold, Truth, T) {
    let fold = Fold::start().await;
    let settings = Settings { seed, people: 16, repos: 4, days: 14, duplicates: 0.02, disorder: 0.1, ..Settings::default() };
    let mut organisation = Organisation::new(&settings);
    let deliveries = organisation.by_ref().collect::<Vec<_>>();
    let append = async |deliveries: &[Simulated]| {
        for stretch in deliveries.chunks(200) {
            let appended = stretch.iter().map(|one| fold.append(&one.delivery.source, &one.delivery.event, one.delivery.body.as_bytes()));
            futures::future::join_all(appended).await;
        }
        fold.caught_up().await;
    };
    let (first, second) = deliveries.split_at(deliveries.len() / 2);
    append(first).await;
    let done = halfway(&fold).await;
    append(second).await;
    (fold, organisation.take_truth(), done)
}

/// Two subjects by what they are called now.
fn ends(truth: &Truth, one: &str, other: &str) -> (String, String) {
    (truth.called(one).to_lowercase(), truth.called(other).to_lowercase())
}

fn pair(truth: &Truth, one: &str, other: &str) -> (String, String) {
    let (one, other) = ends(truth, one, other);
    if one <= other { (one, other) } else { (other, one) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_found_and_are_true() {
    let mut histories = Vec::new();
    for seed in [1, 2, 3] {
        let (fold, truth) = simulated(seed).await;
        histories.extend(truth.histories.iter().cloned());
        let rows = fold.db.rows("SELECT DISTINCT correlation_type, subject, related_subject FROM known_links").await;
        let found = rows.iter().map(|row| (row.get::<_, String>(0), pair(&truth, row.get(1), row.get(2)))).collect::<BTreeSet<_>>();
        let directed = rows.iter().map(|row| (row.get::<_, String>(0), ends(&truth, row.get(1), row.get(2)))).collect::<BTreeSet<_>>();
        let found_kinds = directed.iter().map(|(kind, _)| kind.as_str()).collect::<BTreeSet<_>>();
        let true_kinds = truth.links.iter().map(|link| link.kind).collect::<BTreeSet<_>>();
        let found_pairs = found.iter().map(|(_, ends)| ends).collect::<BTreeSet<_>>();
        let mut of_truth = BTreeMap::<&str, BTreeSet<(String, String)>>::new();
        for link in truth.links.iter().filter(|link| link.stated) {
            of_truth.entry(link.kind).or_default().insert(pair(&truth, &link.subject, &link.related));
        }
        assert!(of_truth.len() >= 9, "{:?}", of_truth.keys());
        for (kind, pairs) in &of_truth {
            let missed = pairs.iter().filter(|ends| !found_pairs.contains(ends)).collect::<Vec<_>>();
            let recall = 1.0 - missed.len() as f64 / pairs.len() as f64;
            println!("seed {seed}: {kind}: {} true, recall {recall:.4}", pairs.len());
            assert!(recall >= LEAST, "seed {seed}: {kind}: recall {recall}: {missed:#?}");
        }
        // Where a type is told by both, its links lead the same way.
        let both = truth.links.iter().filter(|link| link.stated && found_kinds.contains(link.kind));
        let both = both.map(|link| (link.kind.to_owned(), ends(&truth, &link.subject, &link.related))).collect::<BTreeSet<_>>();
        let turned = both.iter().filter(|link| !directed.contains(*link)).collect::<Vec<_>>();
        assert!(turned.len() as f64 <= (1.0 - LEAST) * both.len() as f64, "seed {seed}: {} of {}: {turned:#?}", turned.len(), both.len());
        assert!(["pr_to_issue", "commit_to_pr", "message_to_pr"].iter().all(|kind| found_kinds.contains(kind) && true_kinds.contains(kind)));
        let all = truth.links.iter().map(|link| pair(&truth, &link.subject, &link.related)).collect::<BTreeSet<_>>();
        let mut of_found = BTreeMap::<&str, Vec<&(String, String)>>::new();
        for (kind, ends) in found.iter().filter(|(kind, _)| !UNTOLD.contains(&kind.as_str())) {
            of_found.entry(kind).or_default().push(ends);
        }
        for (kind, pairs) in of_found {
            let untrue = pairs.iter().filter(|ends| !all.contains(**ends)).collect::<Vec<_>>();
            let precision = 1.0 - untrue.len() as f64 / pairs.len() as f64;
            println!("seed {seed}: {kind}: {} found, precision {precision:.4}", pairs.len());
            assert!(precision >= LEAST, "seed {seed}: {kind}: precision {precision}: {untrue:#?}");
        }
        let unseen = truth.lookalikes.iter().filter_map(|one| Some(pair(&truth, &one.subject, one.named.as_ref()?))).filter(|ends| !all.contains(ends));
        assert_eq!(unseen.filter(|ends| found_pairs.contains(ends)).collect::<Vec<_>>(), [], "seed {seed}");
        let named = truth.lookalikes.iter().filter(|one| one.named.is_none()).map(|one| format!("linear:{}", one.text.to_lowercase())).collect::<BTreeSet<_>>();
        assert!(!named.is_empty() && found_pairs.iter().all(|(one, other)| !named.contains(one) && !named.contains(other)));
        fold.stop().await;
    }
    all_happened(&histories);
}

type Time = Option<DateTime<Utc>>;

/// What `workflows` says of a piece of work: its state, whom it is taken back by, and its steps by name.
struct Told {
    state: String,
    issue: Option<String>,
    reverted_by: Option<String>,
    /// When the issue was made, and when work on it began.
    issue_steps: (Time, Time),
    is_reopened: bool,
    checks: Option<String>,
    reviews: i64,
    reviewers: i64,
    /// By whom it was answered first, and when.
    answered: (Option<String>, Time),
    steps: BTreeMap<&'static str, Time>,
}

const STEPS: &[&str] =
    &["opened_at", "ready_at", "review_requested_at", "first_review_at", "approved_at", "merged_at", "closed_at", "deployed_at", "first_commit_at"];

fn steps_of(work: &Work) -> BTreeMap<&'static str, Time> {
    let steps = &work.steps;
    [
        ("opened_at", steps.opened_at),
        ("ready_at", steps.ready_at),
        ("review_requested_at", steps.review_requested_at),
        ("first_review_at", steps.first_review_at),
        ("approved_at", steps.approved_at),
        ("merged_at", steps.merged_at),
        ("closed_at", steps.closed_at),
        ("deployed_at", steps.deployed_at),
        ("first_commit_at", steps.first_commit_at),
    ]
    .into()
}

async fn commits_are_those_of_ones_own(fold: &Fold, works: &[(String, &Work)]) {
    let rows = "SELECT p.subject, 'commit:' || p.merge_commit_sha, array_agg(c.subject) FROM pull_requests p
                JOIN pull_request_commits c ON c.tenant = p.tenant AND c.pull_request_key = p.key GROUP BY 1, 2";
    let rows = fold.db.rows(rows).await;
    let commits = rows.iter().map(|row| (row.get::<_, String>(0), (row.get::<_, Option<String>>(1), BTreeSet::from_iter(row.get::<_, Vec<String>>(2)))));
    let commits = commits.collect::<BTreeMap<_, _>>();
    for (pull_request, work) in works {
        let (merged_as, found) = &commits[pull_request];
        let pushed = work.commits.iter().filter(|commit| Some(*commit) != merged_as.as_ref()).cloned().collect::<BTreeSet<_>>();
        assert_eq!(*found, pushed, "{pull_request}");
    }
}

async fn flaky_checks_are_known(fold: &Fold, truth: &Truth) {
    let mut flaky = BTreeMap::<_, BTreeSet<_>>::new();
    for one in &truth.flaky_checks {
        flaky.entry((one.repository.clone(), one.check.to_owned())).or_default().insert(&one.commit);
    }
    let flaky = flaky.into_iter().map(|(check, commits)| (check, commits.len() as i64)).collect::<BTreeMap<_, _>>();
    for kind in ["check_run", "workflow_job"] {
        let rows = format!("SELECT repository, check_name, flaky_commits FROM flaky_checks WHERE kind = '{kind}' AND flaky_commits > 0");
        let rows = fold.db.rows(&rows).await;
        let found = rows.iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect::<BTreeMap<(String, String), i64>>();
        assert_eq!(found, flaky, "{kind}");
    }
}

/// Each deployment to production that was a change that failed, why, and when it was mended.
async fn failed_changes_are_known(fold: &Fold, truth: &Truth) {
    let mut failed = BTreeMap::new();
    for one in &truth.failed_changes {
        failed.entry(one.deployment.clone()).or_insert((one.because.to_owned(), one.restored_at));
    }
    let because = failed.values().map(|(because, _)| because.as_str()).collect::<BTreeSet<_>>();
    assert_eq!(because, BTreeSet::from(["failed", "reverted", "rolled_back"]));
    let named = "'deployment:' || CASE source WHEN 'github' THEN 'github/' ELSE '' END || deployment_id";
    let rows = format!("SELECT {named}, failed_change_because, restored_at FROM deployment_outcomes WHERE failed_change_because IS NOT NULL");
    let found = fold.db.rows(&rows).await.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect::<BTreeMap<String, (String, Time)>>();
    assert_eq!(found, failed);
    // What began an incident is one of them once it was over.
    assert!(!truth.incidents.is_empty() && truth.incidents.iter().all(|incident| failed.contains_key(&incident.deployment)));
    let rows = format!("SELECT {named} FROM deployment_outcomes WHERE is_production AND is_rollback");
    let found = fold.db.rows(&rows).await.iter().map(|row| row.get(0)).collect::<BTreeSet<String>>();
    let back = truth.deployments.iter().filter(|one| one.is_rollback).map(|one| one.deployment.clone()).collect::<BTreeSet<_>>();
    assert_eq!(found, back);
    let counted = "SELECT sum(failed_changes)::bigint FROM dora_metrics WHERE scope = 'all' AND period = 'week'";
    assert_eq!(fold.db.number(counted).await, failed.len() as i64);
}

/// What is said in Slack about each thing now: not what was deleted or mended, which the links keep.
async fn talk_is_what_is_said_now(fold: &Fold, truth: &Truth) {
    let told = "SELECT DISTINCT lower(d.subject), lower(d.message) FROM slack_discussions d WHERE d.names_it";
    let told = fold.db.rows(told).await.iter().map(|row| (row.get(0), row.get(1))).collect::<BTreeSet<(String, String)>>();
    let known = "SELECT lower(subject) FROM issues UNION SELECT lower(subject) FROM pull_requests";
    let known = fold.db.rows(known).await.iter().map(|row| row.get(0)).collect::<BTreeSet<String>>();
    let said = truth.links.iter().filter(|link| link.stated && matches!(link.kind, "message_to_issue" | "message_to_pr" | "issue_to_message"));
    let said = said.map(|link| (ends(truth, &link.subject, &link.related), link)).map(|((one, other), link)| {
        let named = if link.kind == "issue_to_message" { (one, other) } else { (other, one) };
        (named, link.stands)
    });
    let (standing, mended): (Vec<_>, Vec<_>) = said.filter(|(named, _)| known.contains(&named.0)).partition(|(_, stands)| *stands);
    let standing = standing.into_iter().map(|(named, _)| named).collect::<BTreeSet<_>>();
    assert!(standing.len() > 50 && mended.len() >= 4, "{} and {}", standing.len(), mended.len());
    assert_eq!(told, standing);
    let links = fold.db.rows("SELECT lower(related_subject), lower(subject) FROM known_links WHERE correlation_type = 'message_to_issue'").await;
    let links = links.iter().map(|row| (row.get(0), row.get(1))).collect::<BTreeSet<(String, String)>>();
    assert!(mended.iter().all(|(named, _)| links.contains(named) || truth.renamed.iter().any(|renamed| renamed.new.to_lowercase() == named.0)));
}

async fn apps_ask_nothing(fold: &Fold, truth: &Truth) {
    // Neither what an app says nor what was deleted asks anything.
    let silent = truth.histories.iter().filter(|history| matches!(history.kind, "told_by_app" | "deleted_message"));
    let silent = silent.map(|history| format!("'{}'", history.subject)).collect::<Vec<_>>().join(", ");
    assert_eq!(fold.db.number(&format!("SELECT count(*) FROM slack_messages WHERE subject IN ({silent})")).await, silent.split(", ").count() as i64);
    assert_eq!(fold.db.number(&format!("SELECT count(*) FROM response_times WHERE subject IN ({silent})")).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stories_are_told_as_they_were() {
    let (fold, truth, (sooner, passed)) = simulated_with(42, async |fold| (looked_up(fold, None).await, rows_passed(fold).await)).await;
    all_happened(&truth.histories);
    let rows = fold
        .db
        .rows(&format!(
            "SELECT pull_request, state, issue, issue_created_at, issue_started_at, reverted_by, is_reopened, checks, reviews, reviewers, answered_by, answered_at, {}
             FROM workflows LEFT JOIN response_times ON subject = pull_request WHERE pull_request IS NOT NULL",
            STEPS.join(", ")
        ))
        .await;
    let told = rows.iter().map(|row| {
        let steps = STEPS.iter().map(|step| (*step, row.get::<_, Time>(*step))).collect();
        let told = Told {
            state: row.get("state"),
            issue: row.get("issue"),
            issue_steps: (row.get("issue_created_at"), row.get("issue_started_at")),
            reverted_by: row.get("reverted_by"),
            is_reopened: row.get("is_reopened"),
            checks: row.get("checks"),
            reviews: row.get("reviews"),
            reviewers: row.get("reviewers"),
            answered: (row.get("answered_by"), row.get("answered_at")),
            steps,
        };
        (row.get::<_, String>("pull_request"), told)
    });
    let told = told.collect::<BTreeMap<_, _>>();
    let works = truth.works.iter().filter_map(|work| Some((work.pull_request.clone()?, work))).collect::<Vec<_>>();
    assert!(works.len() > 50 && told.len() >= works.len(), "{} works, {} told", works.len(), told.len());
    let known = truth.works.iter().filter_map(|work| Some((work.pull_request.as_ref()?, work))).collect::<BTreeMap<_, _>>();
    let taken_back_by = |work: &Work| known.get(work.reverted_by.as_ref()?).copied();
    let (mut compared, mut only_mentioned, mut other) = (0, 0, BTreeMap::<&str, Vec<String>>::new());
    for (pull_request, work) in &works {
        let Told { state, issue, issue_steps, reverted_by, is_reopened, checks, reviews, reviewers, answered, steps } = &told[pull_request];
        let mut same = |what: &'static str, is_same: bool, why: String| {
            compared += 1;
            if !is_same {
                other.entry(what).or_default().push(format!("{pull_request}: {why}"));
            }
        };
        // What was brought back is not taken back any more.
        let true_by = taken_back_by(work).filter(|by| taken_back_by(by).is_none_or(|again| again.steps.merged_at.is_none()));
        let true_state = if true_by.is_some_and(|by| by.steps.merged_at.is_some()) { "reverted" } else { work.state };
        same("state", state == true_state, format!("{state} is {true_state}"));
        let true_by = true_by.and_then(|by| by.pull_request.as_ref());
        same("reverted_by", reverted_by.as_ref() == true_by, format!("{reverted_by:?} is {true_by:?}"));
        same("is_reopened", *is_reopened == work.reopened, format!("{is_reopened} is {}", work.reopened));
        if work.checks != Some("pending") {
            same("checks", checks.as_deref() == work.checks, format!("{checks:?} is {:?}", work.checks));
        }
        let people = work.reviews.iter().map(|review| &review.reviewer).collect::<BTreeSet<_>>();
        let true_reviews = (work.reviews.len() as i64, people.len() as i64);
        same("reviews", (*reviews, *reviewers) == true_reviews, format!("{reviews} of {reviewers} are {true_reviews:?}"));
        let first = work.reviews.first().map(|review| (review.reviewer.clone(), review.submitted_at)).unzip();
        same("answer", *answered == first, format!("{answered:?} is {first:?}"));
        // What only a comment names, it is not for.
        let said = truth.links.iter().filter(|link| link.kind == "pr_to_issue" && link.stated && link.because != "comment" && link.subject == **pull_request);
        let said = said.map(|link| truth.called(&link.related)).collect::<BTreeSet<_>>();
        if said.is_empty() {
            let by_commit = truth.links.iter().any(|link| {
                link.kind == "commit_to_issue" && link.stated && issue.as_deref() == Some(truth.called(&link.related)) && work.commits.contains(&link.subject)
            });
            same("issue", issue.is_none() || by_commit, format!("{issue:?} is none"));
        } else if work.issue.as_deref().is_some_and(|issue| said.contains(issue)) {
            same("issue", *issue == work.issue, format!("{issue:?} is {:?}", work.issue));
            let (made, begun) =
                (work.steps.issue_created_at, work.steps.issue_started_at.filter(|_| work.issue.as_ref().is_some_and(|name| name.starts_with("linear:"))));
            same("issue_steps", *issue_steps == (made, begun), format!("{issue_steps:?} is {made:?}, {begun:?}"));
        }
        only_mentioned += usize::from(said.is_empty() && truth.links.iter().any(|link| link.because == "comment" && link.subject == **pull_request));
        for (step, time) in steps_of(work) {
            same(step, steps[step] == time, format!("{:?} is {time:?}", steps[step]));
        }
    }
    commits_are_those_of_ones_own(&fold, &works).await;
    flaky_checks_are_known(&fold, &truth).await;
    apps_ask_nothing(&fold, &truth).await;
    failed_changes_are_known(&fold, &truth).await;
    talk_is_what_is_said_now(&fold, &truth).await;
    // What the two views both tell is the same.
    let apart = "SELECT count(*) FROM workflows w JOIN pull_request_flow f ON f.tenant = w.tenant AND f.subject = w.pull_request
                 WHERE (w.ready_at, w.first_review_at, w.approved_at, w.merged_at, w.deployed_at, w.reviews, w.reviewers, least(w.first_commit_at, w.opened_at), w.cycle_time)
                       IS DISTINCT FROM (f.ready_at, f.first_review_at, f.approved_at, f.merged_at, f.deployed_at, f.reviews, f.reviewers, f.started_at, f.deployed_at - f.started_at)
                    OR cardinality(w.issues) < cardinality(f.issues)";
    assert_eq!(fold.db.number(apart).await, 0);
    let pairs = "SELECT count(*) FROM pull_request_issues p FULL JOIN issue_pull_requests i USING (tenant, pull_request_key, issue_key) WHERE p.tenant IS NULL OR i.tenant IS NULL";
    assert_eq!(fold.db.number(pairs).await, 0);
    one_costs_no_more_later(&fold, &sooner).await;
    saved_queries_cost_as_much_as_there_is(&fold, &passed).await;
    one_costs_what_one_costs(&fold, &works[0].0).await;
    println!("{compared} steps and states compared, {only_mentioned} that only comments name an issue of");
    assert!(compared > 500 && only_mentioned > 0 && other.is_empty(), "of {compared}: {other:#?}");
    fold.stop().await;
}
