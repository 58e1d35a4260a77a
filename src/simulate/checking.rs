//! Machines check what was pushed: queued, begun, ended; sometimes failing, sometimes only for a while.

use super::github::{self, CI, JOBS, Job, NIGHTLY, Run, Workflow};
use super::moment::{HOUR, MINUTE, Moment};
use super::organisation::{Organisation, Step, Turn};
use super::story::Story;
use super::truth::FlakyCheck;

/// A push that breaks something.
const FAILS: f64 = 0.12;
/// A run that fails for no reason, and passes when it is tried again.
const FLAKES: f64 = 0.05;
/// The same of what takes the night: there is more of it that can fail, for a reason or for none.
const FAILS_AT_NIGHT: f64 = 0.6;
const FLAKES_AT_NIGHT: f64 = 0.25;

impl Organisation {
    /// Checks of the head of a pull request.
    pub(super) fn begin_checks(&mut self, at: Moment, story: &mut Story) {
        story.checks = [None; 2];
        self.begin_run(at, story, &CI);
    }

    /// Somebody wants to know whether it passes what takes the night, too.
    pub(super) fn begin_nightly(&mut self, at: Moment, story: &mut Story) {
        if story.is_open() && !story.is_merging && story.checks[1].is_none() {
            self.happened("two_workflows", story.subject());
            self.begin_run(at, story, &NIGHTLY);
        }
    }

    fn begin_run(&mut self, at: Moment, story: &mut Story, workflow: &'static Workflow) {
        story.checked(workflow, "pending");
        let Some(own) = &story.pull_request else { return };
        let repository = &mut self.world.repositories[story.repository];
        repository.runs += 1;
        let run_number = repository.runs;
        let run = Run {
            workflow,
            story: story.id,
            repository: story.repository,
            actor: (!story.by_robot()).then_some(story.author),
            branch: story.branch.clone().unwrap_or_default(),
            before: story.base,
            sha: story.head,
            into: story.into.clone(),
            base: story.base,
            title: own.title.clone(),
            pull_request: (own.id, own.number),
            suite_id: self.world.next_id(),
            run_id: self.world.next_id(),
            run_number,
            attempt: 1,
            committed: story.head_at,
            created: at.at_github(),
            started: at.at_github(),
            jobs: self.new_jobs(),
            conclusion: None,
            flaky: None,
        };
        let suite = github::check_suite(&self.world, &run, "requested");
        self.github(at, "check_suite", suite);
        self.queue(at, run);
    }

    fn new_jobs(&mut self) -> [Job; JOBS] {
        std::array::from_fn(|_| Job { id: self.world.next_id(), ..Job::default() })
    }

    fn queue(&mut self, at: Moment, run: Run) {
        let requested = github::workflow_run(&self.world, &run, "requested");
        self.github(at, "workflow_run", requested);
        for job in 0..JOBS {
            let queued = github::workflow_job(&self.world, &run, job, "queued");
            self.github(at, "workflow_job", queued);
        }
        // What takes the night has machines of its own.
        let wait = if *run.workflow == CI { self.chance.wait(30) } else { 1 };
        self.at(at.plus(wait), Turn::Checks(run.run_id));
        self.runs.insert(run.run_id, run);
    }

    pub(super) fn run_checks(&mut self, at: Moment, id: u64) {
        let Some(mut run) = self.runs.remove(&id) else { return };
        if run.jobs[0].started.is_none() {
            self.begin_jobs(at, &mut run);
            self.runs.insert(id, run);
        } else {
            self.end_jobs(at, run);
        }
    }

    fn begin_jobs(&mut self, at: Moment, run: &mut Run) {
        for job in 0..JOBS {
            run.jobs[job].started = Some(at.at_github());
        }
        let started = github::workflow_run(&self.world, run, "in_progress");
        self.github(at, "workflow_run", started);
        for job in 0..JOBS {
            let begun = github::workflow_job(&self.world, run, job, "in_progress");
            self.github(at, "workflow_job", begun);
            let made = github::check_run(&self.world, run, job, "created");
            self.github(at, "check_run", made);
        }
        let wait = MINUTE + self.chance.wait(8 * MINUTE);
        self.at(at.plus(wait), Turn::Checks(run.run_id));
    }

    fn end_jobs(&mut self, at: Moment, mut run: Run) {
        // What is tried again passes: it was only flaky.
        let (flakes, fails) = if *run.workflow == CI { (FLAKES, FAILS) } else { (FLAKES_AT_NIGHT, FAILS_AT_NIGHT) };
        let flakes = run.attempt == 1 && self.chance.happens(flakes);
        let fails = flakes || (run.attempt == 1 && self.chance.happens(fails));
        let culprit = self.chance.below(if *run.workflow == CI { JOBS } else { 1 });
        if let Some(job) = run.flaky {
            self.truth.flaky_checks.push(FlakyCheck {
                repository: self.world.repositories[run.repository].full_name.clone(),
                workflow: run.workflow.name,
                check: run.workflow.jobs[job],
                commit: format!("commit:{}", run.sha),
            });
        }
        run.flaky = flakes.then_some(culprit);
        for job in 0..JOBS {
            run.jobs[job].completed = Some(at.at_github());
            run.jobs[job].conclusion = Some(if fails && job == culprit { "failure" } else { "success" });
        }
        run.conclusion = Some(if fails { "failure" } else { "success" });
        for job in 0..JOBS {
            let ended = github::check_run(&self.world, &run, job, "completed");
            self.github(at, "check_run", ended);
            let ended = github::workflow_job(&self.world, &run, job, "completed");
            self.github(at, "workflow_job", ended);
        }
        let ended = github::workflow_run(&self.world, &run, "completed");
        self.github(at, "workflow_run", ended);
        let ended = github::check_suite(&self.world, &run, "completed");
        self.github(at, "check_suite", ended);
        self.link("commit_to_pr", format!("commit:{}", run.sha), self.subject_of(&run), "check");
        self.checked(at, run);
    }

    fn subject_of(&self, run: &Run) -> String {
        format!("github:{}#{}", self.world.repositories[run.repository].full_name, run.pull_request.1)
    }

    /// What people do about the result.
    fn checked(&mut self, at: Moment, run: Run) {
        let Some(mut story) = self.stories.remove(&run.story) else { return };
        let (is_current, fails) = (story.head == run.sha, run.conclusion == Some("failure"));
        if is_current {
            story.checked(run.workflow, run.conclusion.unwrap_or_default());
        }
        if story.checks == [Some("success"), Some("failure")] && run.flaky.is_none() {
            self.happened("same_name_other_end", story.subject());
        }
        if story.is_open() && run.flaky.is_some() {
            self.soon(&story, at, 5 * MINUTE, Step::Rerun);
            self.runs.insert(run.run_id, run);
        } else if story.is_open() && is_current && *run.workflow == CI {
            if fails {
                let wait = self.chance.wait(HOUR);
                self.soon(&story, at, wait, Step::Push);
            } else {
                story.is_green = true;
                self.merge_when_ready(at, &mut story);
            }
        }
        self.stories.insert(story.id, story);
    }

    /// The last run of a pull request is tried again.
    pub(super) fn rerun(&mut self, at: Moment, story: &mut Story) {
        let Some(id) = self.runs.iter().find(|(_, run)| run.story == story.id && run.conclusion.is_some()).map(|(id, _)| *id) else { return };
        let Some(mut run) = self.runs.remove(&id) else { return };
        if story.head == run.sha {
            story.checked(run.workflow, "pending");
        }
        run.attempt += 1;
        run.started = at.at_github();
        run.conclusion = None;
        run.jobs = self.new_jobs();
        self.queue(at, run);
    }
}
