//! Payloads of checks: an app's check runs and suites, and GitHub's own workflows and their jobs.

use super::{ended, small};
use crate::simulate::chance::Sha;
use crate::simulate::json::{Json, Object, object};
use crate::simulate::moment::Moment;
use crate::simulate::world::World;

/// A workflow of GitHub Actions.
#[derive(Debug, PartialEq, Eq)]
pub struct Workflow {
    pub name: &'static str,
    /// Within `.github/workflows`.
    pub file: &'static str,
    /// What starts it.
    pub event: &'static str,
    /// The jobs of a run, with the names of the checks that they make.
    pub jobs: [&'static str; JOBS],
}

/// How many jobs a run has.
pub const JOBS: usize = 2;

/// What every push to a pull request must pass.
pub const CI: Workflow = Workflow { name: "CI", file: "ci.yml", event: "pull_request", jobs: ["test", "lint"] };
/// What takes too long for that: it is started by hand on what needs it, and one of its jobs is called as one of the others.
pub const NIGHTLY: Workflow = Workflow { name: "Nightly", file: "nightly.yml", event: "workflow_dispatch", jobs: ["test", "soak"] };

/// One job of a run.
#[derive(Debug, Clone, Default)]
pub struct Job {
    pub id: u64,
    pub started: Option<Moment>,
    pub completed: Option<Moment>,
    pub conclusion: Option<&'static str>,
}

/// Everything that runs for one push.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "these are GitHub's names")]
pub struct Run {
    pub workflow: &'static Workflow,
    pub story: u64,
    pub repository: usize,
    /// Who pushed; none for a robot.
    pub actor: Option<usize>,
    pub branch: String,
    pub before: Sha,
    pub sha: Sha,
    /// The branch that it goes into, and where that was.
    pub into: String,
    pub base: Sha,
    pub title: String,
    /// Id and number of the pull request.
    pub pull_request: (u64, u32),
    pub suite_id: u64,
    pub run_id: u64,
    pub run_number: u32,
    pub attempt: u32,
    /// When the commit was made.
    pub committed: Moment,
    pub created: Moment,
    pub started: Moment,
    pub jobs: [Job; JOBS],
    pub conclusion: Option<&'static str>,
    /// The job that failed for no reason.
    pub flaky: Option<usize>,
}

impl Run {
    fn status(&self) -> &'static str {
        match (self.conclusion, &self.jobs[0].started) {
            (Some(_), _) => "completed",
            (None, Some(_)) => "in_progress",
            (None, None) => "queued",
        }
    }

    fn sender<'a>(&self, world: &'a World) -> &'a Json {
        self.actor.map_or(&world.robot, |person| &world.people[person].github)
    }

    fn pull_requests(&self, world: &World) -> [Json; 1] {
        let repository = &world.repositories[self.repository];
        let (id, number) = self.pull_request;
        let head = object! { "ref": self.branch, "sha": self.sha, "repo": small(repository) };
        let base = object! { "ref": self.into, "sha": self.base, "repo": small(repository) };
        [object! { "url": format!("{}/pulls/{number}", repository.api), "id": id, "number": number, "head": head, "base": base }]
    }

    fn suite(&self, world: &World) -> Object {
        let repository = &world.repositories[self.repository];
        let mut suite = Object::new();
        suite.put("id", self.suite_id).put("node_id", format!("CS_kwDO{:x}", self.suite_id)).put("head_branch", &self.branch).put("head_sha", self.sha);
        suite.put("status", self.status()).put("conclusion", self.conclusion).put("url", format!("{}/check-suites/{}", repository.api, self.suite_id));
        suite.put("before", self.before).put("after", self.sha).put("pull_requests", self.pull_requests(world)).put("app", &world.github_app);
        suite.put("created_at", self.created).put("updated_at", self.jobs.iter().filter_map(|job| job.completed).max().unwrap_or(self.started));
        suite
    }

    fn head_commit(&self, world: &World) -> Json {
        let (name, email) = self
            .actor
            .map_or(("dependabot[bot]", super::ROBOT_EMAIL), |person| (world.people[person].name.as_str(), world.people[person].commit_email.as_str()));
        let signature = object! { "name": name, "email": email };
        object! { "id": self.sha, "tree_id": self.sha, "message": self.title, "timestamp": self.committed, "author": signature, "committer": signature }
    }
}

/// `requested` or `completed`.
pub fn check_suite(world: &World, run: &Run, action: &str) -> Json {
    let url = format!("{}/check-suites/{}/check-runs", world.repositories[run.repository].api, run.suite_id);
    let suite = run.suite(world).put("latest_check_runs_count", JOBS).put("check_runs_url", url).put("head_commit", run.head_commit(world)).done();
    let mut event = Object::new();
    event.put("action", action).put("check_suite", suite);
    ended(world, &mut event, run.repository, run.sender(world))
}

/// `created` or `completed`, of one job.
pub fn check_run(world: &World, run: &Run, job: usize, action: &str) -> Json {
    let repository = &world.repositories[run.repository];
    let own = &run.jobs[job];
    let output = object! {
        "title": own.conclusion.map(|_| "Result"), "summary": own.conclusion, "text": None::<&str>, "annotations_count": 0,
        "annotations_url": format!("{}/check-runs/{}/annotations", repository.api, own.id),
    };
    let check = object! {
        "id": own.id, "node_id": format!("CR_kwDO{:x}", own.id), "head_sha": run.sha, "external_id": format!("{}-{}", run.run_id, run.attempt),
        "url": format!("{}/check-runs/{}", repository.api, own.id), "html_url": format!("{}/runs/{}", repository.html, own.id),
        "details_url": format!("https://ci.northwind.example/runs/{}", own.id),
        "status": if own.conclusion.is_some() { "completed" } else { "in_progress" }, "conclusion": own.conclusion, "started_at": own.started,
        "completed_at": own.completed, "output": output, "name": run.workflow.jobs[job], "check_suite": run.suite(world).done(), "app": world.github_app,
        "pull_requests": run.pull_requests(world),
    };
    let mut event = Object::new();
    event.put("action", action).put("check_run", check);
    ended(world, &mut event, run.repository, run.sender(world))
}

/// `requested`, `in_progress` or `completed`.
pub fn workflow_run(world: &World, run: &Run, action: &str) -> Json {
    let repository = &world.repositories[run.repository];
    let Workflow { name, file, event: started_by, .. } = *run.workflow;
    let (api, id, workflow_id) = (format!("{}/actions", repository.api), run.run_id, repository.id % 10_000_000 + name.len() as u64);
    let path = format!(".github/workflows/{file}");
    let sender = run.sender(world);
    let mut own = Object::new();
    own.put("id", id).put("name", name).put("node_id", format!("WFR_kwLO{id:x}")).put("head_branch", &run.branch).put("head_sha", run.sha);
    own.put("path", &path).put("display_title", &run.title).put("run_number", run.run_number).put("event", started_by);
    own.put("status", run.status()).put("conclusion", run.conclusion).put("workflow_id", workflow_id).put("check_suite_id", run.suite_id);
    own.put("check_suite_node_id", format!("CS_kwDO{:x}", run.suite_id)).put("url", format!("{api}/runs/{id}"));
    own.put("html_url", format!("{}/actions/runs/{id}", repository.html)).put("pull_requests", run.pull_requests(world));
    own.put("created_at", run.created).put("updated_at", run.jobs.iter().filter_map(|job| job.completed).max().unwrap_or(run.started));
    own.put("actor", sender).put("run_attempt", run.attempt).put("run_started_at", run.started).put("triggering_actor", sender);
    if world.is_real() {
        for (name, path) in [("jobs_url", "jobs"), ("logs_url", "logs"), ("artifacts_url", "artifacts"), ("cancel_url", "cancel"), ("rerun_url", "rerun")] {
            own.put(name, format!("{api}/runs/{id}/{path}"));
        }
        own.put("check_suite_url", format!("{}/check-suites/{}", repository.api, run.suite_id));
        own.put("workflow_url", format!("{api}/workflows/{workflow_id}")).put("repository", repository.json()).put("head_repository", repository.json());
    }
    own.put("previous_attempt_url", (run.attempt > 1).then(|| format!("{api}/runs/{id}/attempts/{}", run.attempt - 1)));
    let workflow = object! {
        "id": workflow_id, "node_id": format!("W_kwDO{workflow_id:x}"), "name": name, "path": path, "state": "active",
        "created_at": Moment::from_unix(1_557_933_565), "updated_at": Moment::from_unix(1_557_933_565), "url": format!("{api}/workflows/{workflow_id}"),
        "html_url": format!("{}/blob/main/{path}", repository.html), "badge_url": format!("{}/workflows/{name}/badge.svg", repository.html),
    };
    let mut event = Object::new();
    event.put("action", action).put("workflow_run", own.put("head_commit", run.head_commit(world)).done()).put("workflow", workflow);
    ended(world, &mut event, run.repository, sender)
}

/// `queued`, `in_progress` or `completed`, of one job.
pub fn workflow_job(world: &World, run: &Run, job: usize, action: &str) -> Json {
    let repository = &world.repositories[run.repository];
    let own = &run.jobs[job];
    let step = object! {
        "name": "Run", "status": action, "conclusion": own.conclusion, "number": 1, "started_at": own.started, "completed_at": own.completed,
    };
    let steps: Vec<Json> = own.started.map(|_| step).into_iter().collect();
    let job = object! {
        "id": own.id, "run_id": run.run_id, "workflow_name": run.workflow.name, "head_branch": run.branch,
        "run_url": format!("{}/actions/runs/{}", repository.api, run.run_id), "run_attempt": run.attempt, "node_id": format!("CR_kwDO{:x}", own.id),
        "head_sha": run.sha, "url": format!("{}/actions/jobs/{}", repository.api, own.id),
        "html_url": format!("{}/actions/runs/{}/job/{}", repository.html, run.run_id, own.id), "status": action, "conclusion": own.conclusion,
        "created_at": run.started, "started_at": own.started.unwrap_or(run.started), "completed_at": own.completed, "name": run.workflow.jobs[job], "steps": steps,
        "check_run_url": format!("{}/check-runs/{}", repository.api, own.id), "labels": ["ubuntu-latest"], "runner_id": own.started.map(|_| 12),
        "runner_name": own.started.map(|_| "GitHub Actions 12"), "runner_group_id": own.started.map(|_| 2),
        "runner_group_name": own.started.map(|_| "GitHub Actions"),
    };
    let mut event = Object::new();
    event.put("action", action).put("workflow_job", job);
    ended(world, &mut event, run.repository, run.sender(world))
}
