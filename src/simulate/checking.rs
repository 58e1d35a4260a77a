//! Machines check what was pushed: queued, begun, ended; sometimes failing, sometimes only for a while.

use super::github::{self, JOBS, Job, Run};
use super::moment::{HOUR, MINUTE, Moment};
use super::organisation::{Organisation, Step, Turn};
use super::story::Story;
use super::truth::FlakyCheck;

/// A push that breaks something.
const FAILS: f64 = 0.12;
/// A run that fails for no reason, and passes when it is tried again.
const FLAKES: f64 = 0.05;

impl Organisation {
    /// Checks of the head of a pull request.
    pub(super) fn begin_checks(&mut self, at: Moment, story: &Story) {
        let Some(own) = &story.pull_request else { return };
        let repository = &mut self.world.repositories[story.repository];
        repository.runs += 1;
        let run_number = repository.runs;
        let run = Run {
            story: story.id,
            repository: story.repository,
            actor: (!story.by_robot()).then_some(story.author),
            branch: story.branch.clone().unwrap_or_default(),
            before: story.base,
            sha: story.head,
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
        };
        let suite = github::check_suite(&self.world, &run, "requested");
        self.github(at, "check_suite", suite);
        self.queue(at, run);
    }

    fn new_jobs(&mut self) -> [Job; JOBS.len()] {
        std::array::from_fn(|_| Job { id: self.world.next_id(), ..Job::default() })
    }

    fn queue(&mut self, at: Moment, run: Run) {
        let requested = github::workflow_run(&self.world, &run, "requested");
        self.github(at, "workflow_run", requested);
        for job in 0..JOBS.len() {
            let queued = github::workflow_job(&self.world, &run, job, "queued");
            self.github(at, "workflow_job", queued);
        }
        let wait = self.chance.wait(30);
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
        for job in 0..JOBS.len() {
            run.jobs[job].started = Some(at.at_github());
        }
        let started = github::workflow_run(&self.world, run, "in_progress");
        self.github(at, "workflow_run", started);
        for job in 0..JOBS.len() {
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
        let flakes = run.attempt == 1 && self.chance.happens(FLAKES);
        let fails = flakes || (run.attempt == 1 && self.chance.happens(FAILS));
        let culprit = self.chance.below(JOBS.len());
        for job in 0..JOBS.len() {
            run.jobs[job].completed = Some(at.at_github());
            run.jobs[job].conclusion = Some(if fails && job == culprit { "failure" } else { "success" });
        }
        run.conclusion = Some(if fails { "failure" } else { "success" });
        for job in 0..JOBS.len() {
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
        self.checked(at, run, fails, flakes.then_some(culprit));
    }

    fn subject_of(&self, run: &Run) -> String {
        format!("github:{}#{}", self.world.repositories[run.repository].full_name, run.pull_request.1)
    }

    /// What people do about the result.
    fn checked(&mut self, at: Moment, run: Run, fails: bool, flaky: Option<usize>) {
        let Some(mut story) = self.stories.remove(&run.story) else { return };
        if let (true, Some(job)) = (story.is_open(), flaky) {
            self.truth.flaky_checks.push(FlakyCheck {
                repository: self.world.repositories[run.repository].full_name.clone(),
                check: JOBS[job],
                commit: format!("commit:{}", run.sha),
            });
            self.soon(&story, at, 5 * MINUTE, Step::Rerun);
            self.runs.insert(run.run_id, run);
        } else if story.is_open() && story.head == run.sha {
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
    pub(super) fn rerun(&mut self, at: Moment, story: &Story) {
        let Some(id) = self.runs.iter().find(|(_, run)| run.story == story.id && run.conclusion.is_some()).map(|(id, _)| *id) else { return };
        let Some(mut run) = self.runs.remove(&id) else { return };
        run.attempt += 1;
        run.started = at.at_github();
        run.conclusion = None;
        run.jobs = self.new_jobs();
        self.queue(at, run);
    }
}
