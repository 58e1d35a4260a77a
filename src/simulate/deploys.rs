//! What is merged goes to staging and on to production; sometimes it takes two tries. And releases tell of it.

use super::chance::Sha;
use super::github::{self, Deployed};
use super::moment::{DAY, HOUR, MINUTE, Moment, working};
use super::organisation::{Organisation, Turn};
use super::own;
use super::story::{Story, StoryId};
use super::truth::{self, FailedChange};

/// A deployment that fails.
const FAILS: f64 = 0.08;
/// A deployment that succeeds and breaks something all the same.
const BREAKS: f64 = 0.06;
/// Work that is taken back although nothing broke.
const REGRETS: f64 = 0.06;

/// A deployment under way.
#[derive(Debug, Clone)]
pub struct Deploy {
    pub repository: usize,
    pub environment: &'static str,
    pub sha: Sha,
    pub works: Vec<StoryId>,
    pub creator: usize,
    /// GitHub's number, or the name in events of one's own.
    pub name: Name,
    pub started: Moment,
    pub description: String,
    pub is_rollback: bool,
    pub is_retry: bool,
}

/// What ran in production since a deployment.
#[derive(Debug, Clone)]
pub struct Ran {
    deployment: String,
    pub sha: Sha,
    since: Moment,
    is_rollback: bool,
}

/// How a deployment is called.
#[derive(Debug, Clone)]
pub enum Name {
    GitHub(u64),
    Own(String),
}

impl Name {
    /// As events of one's own name it.
    pub fn id(&self) -> String {
        match self {
            Self::GitHub(id) => format!("github/{id}"),
            Self::Own(id) => id.clone(),
        }
    }

    /// What correlation calls it.
    pub fn subject(&self) -> String {
        format!("deployment:{}", self.id())
    }
}

impl Organisation {
    /// What a repository has merged goes to staging.
    pub(super) fn deploy(&mut self, at: Moment, repository: usize) {
        let place = &mut self.world.repositories[repository];
        let works = std::mem::take(&mut place.waiting);
        let sha = place.deployable();
        self.begin_deployment(at, repository, "staging", sha, works, (false, false));
    }

    /// Begins a deployment; `how` says whether it is a rollback, and whether another try.
    pub(super) fn begin_deployment(&mut self, at: Moment, repository: usize, environment: &'static str, sha: Sha, works: Vec<StoryId>, how: (bool, bool)) {
        let place = &self.world.repositories[repository];
        let creator = *self.chance.pick(&self.world.teams[place.team].engineers);
        let number = self.world.next_id();
        let place = &self.world.repositories[repository];
        let name = if place.deploys_at_github { Name::GitHub(number) } else { Name::Own(format!("dep-{}-{}", at.date_digits(), number % 1_000_000)) };
        let mut description = match how {
            (true, _) => format!("{} back to what ran before", place.name),
            _ => format!("{} to {environment}, {} changes", place.name, works.len()),
        };
        let subject = name.subject();
        if let Name::Own(_) = name
            && self.chance.happens(0.3)
            && let Some(issue) = works.first().and_then(|work| self.stories.get(work)).and_then(|story| story.issue.as_ref())
        {
            description = format!("{description}, {} among them", issue.identifier);
            let issue = format!("linear:{}", issue.identifier);
            self.link("deployment_to_issue", &subject, issue, "description");
        }
        self.link("deployment_to_commit", &subject, format!("commit:{sha}"), "field");
        let started = at.at_github();
        let deploy = Deploy { repository, environment, sha, works, creator, name, started, description, is_rollback: how.0, is_retry: how.1 };
        for story in deploy.works.iter().filter_map(|work| self.stories.get(work)).map(|story| (story.subject(), story.issue_subject())).collect::<Vec<_>>() {
            self.follows("deployment_to_pr", &subject, story.0);
            if let Some(issue) = story.1 {
                self.follows("deployment_to_issue", &subject, issue);
            }
        }
        self.tell_deployment(at, &deploy, None);
        let wait = 2 * MINUTE + self.chance.wait(8 * MINUTE);
        self.at(at.plus(wait), Turn::Deployment(number));
        self.deploys.insert(number, deploy);
    }

    /// Tells that a deployment began, or how it ended.
    fn tell_deployment(&mut self, at: Moment, deploy: &Deploy, ended: Option<&str>) {
        let now = at.at_github();
        match &deploy.name {
            Name::GitHub(id) => {
                let mut told = Deployed {
                    id: *id,
                    repository: deploy.repository,
                    environment: deploy.environment,
                    sha: deploy.sha,
                    creator: deploy.creator,
                    created: deploy.started,
                    updated: deploy.started,
                    description: deploy.description.clone(),
                };
                if ended.is_none() {
                    let body = github::deployment(&self.world, &told);
                    self.github(at, "deployment", body);
                }
                told.updated = now;
                let status_id = self.world.next_id();
                let body = github::deployment_status(&self.world, &told, status_id, ended.unwrap_or("in_progress"));
                self.github(at, "deployment_status", body);
            }
            Name::Own(id) => {
                let body = own::deployment(&own::Deployed {
                    id,
                    environment: deploy.environment,
                    status: ended.unwrap_or("in_progress"),
                    repository: &self.world.repositories[deploy.repository].full_name,
                    sha: deploy.sha.to_string(),
                    creator: &self.world.people[deploy.creator].login,
                    description: deploy.description.clone(),
                    started: deploy.started,
                    finished: ended.map(|_| now),
                });
                self.own(at, "deployment", "deployment", body);
            }
        }
    }

    /// A deployment ends.
    pub(super) fn deployment(&mut self, at: Moment, number: u64) {
        let Some(deploy) = self.deploys.remove(&number) else { return };
        let fails = !deploy.is_rollback && !deploy.is_retry && self.chance.happens(FAILS);
        let status = if fails { "failure" } else { "success" };
        self.tell_deployment(at, &deploy, Some(status));
        let pull_requests: Vec<String> = deploy.works.iter().filter_map(|work| self.stories.get(work)).map(Story::subject).collect();
        self.truth.deployments.push(truth::Deployment {
            deployment: deploy.name.subject(),
            repository: self.world.repositories[deploy.repository].full_name.clone(),
            environment: deploy.environment,
            commit: format!("commit:{}", deploy.sha),
            started_at: deploy.started.timestamp(),
            finished_at: at.at_github().timestamp(),
            status,
            pull_requests,
            is_rollback: deploy.is_rollback,
        });
        let before = if deploy.environment == "production" { self.note_production(at, &deploy, fails) } else { None };
        if self.chance.happens(0.4) {
            self.tell_of_deployment(at.plus(30), &deploy, status);
        }
        if fails {
            let wait = 15 * MINUTE + self.chance.wait(30 * MINUTE);
            self.begin_deployment(at.plus(wait), deploy.repository, deploy.environment, deploy.sha, deploy.works, (false, true));
        } else if deploy.environment == "staging" {
            let wait = 20 * MINUTE + self.chance.wait(3 * HOUR);
            self.begin_deployment(at.plus(wait), deploy.repository, "production", deploy.sha, deploy.works, (false, false));
        } else if !deploy.is_rollback {
            self.went_live(at, &deploy, before.map(|ran| ran.sha));
        }
    }

    /// Something else runs in production, or should have: what that says of the deployments before, and what ran.
    fn note_production(&mut self, at: Moment, deploy: &Deploy, fails: bool) -> Option<Ran> {
        let now = at.at_github();
        let place = &mut self.world.repositories[deploy.repository];
        if fails {
            place.failed.push(deploy.name.subject());
            return None;
        }
        let restored_at = Some(now.timestamp());
        let repaired = std::mem::take(&mut place.failed);
        self.truth.failed_changes.extend(repaired.into_iter().map(|deployment| FailedChange { deployment, because: "failed", restored_at }));
        let runs = Ran { deployment: deploy.name.subject(), sha: deploy.sha, since: now, is_rollback: deploy.is_rollback };
        let before = place.live.replace(runs);
        // What goes back is no change of its own, and what began before something else ran did not go back from that.
        if let Some(ran) = before.as_ref().filter(|ran| deploy.is_rollback && !ran.is_rollback && ran.sha != deploy.sha && ran.since <= deploy.started) {
            self.truth.failed_changes.push(FailedChange { deployment: ran.deployment.clone(), because: "rolled_back", restored_at });
        }
        before
    }

    /// New code runs in production: the works that it brings are over, unless one of them broke something.
    fn went_live(&mut self, at: Moment, deploy: &Deploy, before: Option<Sha>) {
        let mut live: Vec<Story> = deploy.works.iter().filter_map(|work| self.stories.remove(work)).collect();
        for story in &mut live {
            story.work.steps.deployed_at = Some(at.at_github().timestamp());
            story.work.state = "deployed";
            story.deployed_by = Some(deploy.name.subject());
            if let Some(deployment) = story.takes_back() {
                let restored_at = story.work.steps.deployed_at;
                self.truth.failed_changes.push(FailedChange { deployment: deployment.to_owned(), because: "reverted", restored_at });
            }
        }
        let (mut live, others): (Vec<Story>, Vec<Story>) = live.into_iter().partition(Story::stands_alone);
        for story in others {
            self.finish(story.work);
        }
        let breaks = self.chance.happens(BREAKS) && self.world.repositories[deploy.repository].releases > 0;
        if let Some(before) = before
            && let Some(culprit) = breaks.then(|| live.pop()).flatten()
        {
            self.begin_outage(at, deploy, before, culprit);
        }
        for story in live {
            let regrets = self.chance.happens(REGRETS);
            if self.is_brought_back(&story) || regrets {
                let wait = self.chance.wait(DAY);
                self.begin_revert(at.plus(wait), story);
            } else {
                self.finish(story.work);
            }
        }
        let place = &mut self.world.repositories[deploy.repository];
        place.is_deploying = !place.waiting.is_empty();
        if place.is_deploying {
            let wait = HOUR + self.chance.wait(2 * HOUR);
            self.at(at.plus(wait), Turn::Deploy(deploy.repository));
        }
    }

    /// A repository publishes what it merged since the last time.
    pub(super) fn release(&mut self, at: Moment, repository: usize) {
        let wait = 5 * DAY + self.chance.wait(4 * DAY);
        self.at(working(at.plus(wait), 0), Turn::Release(repository));
        let place = &mut self.world.repositories[repository];
        let brought = std::mem::take(&mut place.unreleased);
        if brought.is_empty() {
            return;
        }
        place.releases += 1;
        let tag = format!("v2.{}.0", place.releases);
        let subject = format!("release:{}@{tag}", place.full_name);
        let (full_name, html, head, team) = (place.full_name.clone(), place.html.clone(), place.deployable(), place.team);
        let by = *self.chance.pick(&self.world.teams[team].engineers);
        let mut notes = vec!["## What's Changed".to_owned()];
        for merged in &brought {
            notes.push(format!("* {} by @{} in {html}/pull/{}", merged.title, merged.login, merged.number));
            self.link("release_to_pr", &subject, format!("github:{full_name}#{}", merged.number), "notes");
            if let Some(issue) = &merged.named {
                self.link("release_to_issue", &subject, issue, "notes");
            }
        }
        self.follows("release_to_commit", &subject, format!("commit:{head}"));
        let sender = self.world.people[by].github.clone();
        let body = github::reference(&self.world, repository, &tag, "tag", true, &sender);
        self.github(at, "create", body);
        let id = self.world.next_id();
        let body = github::release(&self.world, repository, id, &tag, &notes.join("\n"), by, at.at_github());
        self.github(at.plus(1), "release", body);
    }
}
