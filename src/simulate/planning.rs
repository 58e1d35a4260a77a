//! People plan: issues at Linear and GitHub, their life until someone branches, and what needs no issue.

use super::chance::Sha;
use super::json::{Json, Object};
use super::linear::{self, Event};
use super::moment::{DAY, HOUR, MINUTE, Millis, Moment, working};
use super::organisation::{Organisation, Step, Turn};
use super::story::{GithubIssue, InBody, Issue, Naming, Origin, Story};
use super::truth::Work;
use super::world::{STATES, plans};
use super::{github, slack, words};

/// Works that an engineer begins on a working day.
const WORKS_A_DAY: f64 = 0.45;
/// How long a working day is, in seconds.
const WORKDAY: i64 = 9 * HOUR;
/// Places in `STATES`.
pub const BACKLOG: usize = 0;
pub const UNSTARTED: usize = 1;
pub const IN_PROGRESS: usize = 2;
pub const IN_REVIEW: usize = 3;
pub const DONE: usize = 4;
pub const CANCELED: usize = 5;

impl Organisation {
    /// A story that has not begun.
    pub(super) fn new_story(&mut self, origin: Origin, team: usize, repository: usize, author: usize, title: String) -> Story {
        let naming = self.naming(&origin);
        Story {
            id: self.world.next_id(),
            origin,
            team,
            repository,
            author,
            naming,
            issue: None,
            github_issue: None,
            branch: None,
            into: self.world.repositories[repository].trunk().to_owned(),
            under: None,
            carries: Vec::new(),
            base: self.world.repositories[repository].head,
            head: Sha::NONE,
            head_at: self.start,
            commit_count: 0,
            commits: Vec::new(),
            pushes_left: self.chance.below(3) as u32,
            pull_request: None,
            reviewers: Vec::new(),
            approvals: 0,
            checks: [None; 2],
            is_green: false,
            is_merging: false,
            will_be_abandoned: self.chance.happens(0.06),
            deployed_by: None,
            announcement: None,
            work: Work {
                repository: self.world.repositories[repository].full_name.clone(),
                team: self.world.teams[team].key.clone(),
                state: "planned",
                ..Work::default()
            },
            title,
        }
    }

    /// How a pull request will name its issue; most do it in two ways, some only in one.
    fn naming(&mut self, origin: &Origin) -> Naming {
        match origin {
            Origin::GitHub => Naming { body: Some(InBody::Closes), ..Naming::default() },
            Origin::Linear => {
                let body = *self.chance.pick(&[None, None, Some(InBody::Closes), Some(InBody::Mentions), Some(InBody::Address)]);
                let mut naming = Naming {
                    title: self.chance.happens(0.4),
                    branch: self.chance.happens(0.6),
                    body,
                    attachment: self.chance.happens(0.5),
                    commits: self.chance.happens(0.25),
                };
                // Linear would not know otherwise.
                naming.attachment |= !naming.title && !naming.branch && naming.body.is_none();
                naming
            }
            Origin::Chore | Origin::Robot | Origin::Revert(_) | Origin::Release => Naming::default(),
        }
    }

    /// A team plans something, and plans again later.
    pub(super) fn plan(&mut self, at: Moment, team: usize) {
        let engineers = self.world.teams[team].engineers.len() as f64;
        let mean = (WORKDAY as f64 / (engineers * WORKS_A_DAY)) as i64;
        let wait = self.chance.wait(mean);
        self.at(working(at.plus(wait), 0), Turn::Plan(team));
        let author = *self.chance.pick(&self.world.teams[team].engineers);
        let repository = *self.chance.pick(&self.world.teams[team].repositories);
        let title = words::title(&mut self.chance);
        if self.chance.happens(0.12) {
            let story = self.new_story(Origin::Chore, team, repository, author, title);
            self.soon(&story, at, HOUR, Step::Branch);
            self.stories.insert(story.id, story);
        } else {
            self.plan_issue(at, team, repository, author, title);
        }
    }

    fn plan_issue(&mut self, at: Moment, team: usize, repository: usize, author: usize, title: String) {
        let mut story = self.new_story(Origin::Linear, team, repository, author, title);
        let creator = self.planner(team, author);
        let mut description = words::paragraph(&mut self.chance);
        let lookalike = self.season(&mut description, 0.12);
        let asked = self.chance.happens(0.15).then(|| self.asked_in_slack(at, team, creator, &mut description));
        let at = if asked.is_some() { at.plus(10 * MINUTE) } else { at };
        let number = self.world.teams[team].next_number;
        self.world.teams[team].next_number += 1;
        let identifier = format!("{}-{number}", self.world.teams[team].key);
        let parent = if self.chance.happens(0.08) { self.world.teams[team].recent.last().copied() } else { None };
        let now = at.at_linear();
        let issue = Issue {
            id: self.chance.uuid(),
            team,
            number,
            previous: Vec::new(),
            url: linear::address(&identifier, &story.title),
            identifier,
            description: Some(description),
            creator,
            assignee: None,
            state: if self.chance.happens(0.6) { BACKLOG } else { UNSTARTED },
            priority: self.chance.below(5),
            estimate: None,
            label: None,
            cycle: None,
            cycle_at: None,
            parent: parent.map(|(_, id)| id),
            created: now,
            updated: now,
            started: None,
            completed: None,
            canceled: None,
        };
        let subject = format!("linear:{}", issue.identifier);
        self.looks_alike(&subject, lookalike);
        if let Some((number, _)) = parent {
            self.link("issue_to_issue", &subject, format!("linear:{}-{number}", self.world.teams[team].key), "parent");
        }
        self.world.teams[team].recent.push((number, issue.id));
        if self.world.teams[team].recent.len() > 20 {
            self.world.teams[team].recent.remove(0);
        }
        story.work.issue = Some(subject.clone());
        story.work.steps.issue_created_at = Some(now.timestamp());
        self.tell_issue(&story, &issue, "create", at, Some(creator), None);
        if let Some(message) = asked {
            self.link("issue_to_message", &subject, slack::subject(&self.world, message.channel, message.ts), "description");
            let text = format!("Filed as <{}|{}>.", issue.url, issue.identifier);
            let reply = self.say(at.plus(20), message.channel, creator, text, Some((message.ts, message.author)));
            self.link("message_to_issue", slack::subject(&self.world, reply.channel, reply.ts), &subject, "message");
        }
        story.issue = Some(issue);
        let (refined, begun) = (self.chance.wait(4 * HOUR), self.chance.wait(DAY));
        self.soon(&story, at, refined, Step::Refine);
        if self.chance.happens(0.07) {
            self.soon(&story, at, refined + begun * 2, Step::Cancel);
        } else {
            self.soon(&story, at, refined + begun, Step::Start);
        }
        self.stories.insert(story.id, story);
    }

    /// Someone asks in the team's channel; the issue's description names the message.
    fn asked_in_slack(&mut self, at: Moment, team: usize, creator: usize, description: &mut String) -> slack::Message {
        let channel = self.world.teams[team].channel;
        let author = *self.chance.pick(&self.world.teams[team].members);
        let text = format!("Has anybody else seen this? {} {}", words::title(&mut self.chance), self.chance.pick(&[":cry:", ":thinking_face:", "🤔"]));
        let message = self.say(at, channel, author, text, None);
        let link = slack::permalink(&self.world, channel, message.ts);
        let name = self.world.people[message.author].first;
        let (place, taker) = (&self.world.channels[channel].name, self.world.people[creator].first);
        *description = format!("{description}\n\n{name} asked in [#{place}]({link}); {taker} took it down.");
        message
    }

    fn planner(&mut self, team: usize, or: usize) -> usize {
        let planners: Vec<usize> = self.world.teams[team].members.iter().copied().filter(|member| plans(self.world.people[*member].role)).collect();
        if planners.is_empty() || self.chance.happens(0.3) { or } else { *self.chance.pick(&planners) }
    }

    /// Tells of an issue as it is now.
    pub(super) fn tell_issue(&mut self, story: &Story, issue: &Issue, action: &str, at: Moment, actor: Option<usize>, updated_from: Option<Json>) {
        let data = linear::issue(&self.world, story, issue);
        self.linear(Event { kind: "Issue", action, actor, at, url: Some(&issue.url), updated_from }, data);
    }

    /// Labels, an estimate, a cycle.
    pub(super) fn refine(&mut self, at: Moment, story: &mut Story) {
        let Some(mut issue) = story.issue.take() else { return };
        let mut before = Object::new();
        before.put("updatedAt", Millis(issue.updated)).put("labelIds", [""; 0]).put("estimate", issue.estimate);
        issue.label = Some(self.chance.below(super::world::LABELS.len()));
        issue.estimate = Some(*self.chance.pick(&[1, 2, 3, 5, 8]));
        if let Some(cycle) = self.world.teams[issue.team].cycle.filter(|_| issue.cycle.is_none()) {
            before.put("cycleId", None::<&str>).put("addedToCycleAt", None::<&str>);
            issue.cycle = Some(cycle);
            issue.cycle_at = Some(at);
        }
        issue.updated = at.at_linear();
        let actor = issue.creator;
        self.tell_issue(story, &issue, "update", at, Some(actor), Some(before.done()));
        story.issue = Some(issue);
        if self.chance.happens(0.5) {
            let wait = self.chance.wait(8 * HOUR);
            self.soon(story, at, wait, Step::Discuss);
        }
    }

    /// Someone comments on the issue; sometimes naming another one.
    pub(super) fn discuss(&mut self, at: Moment, story: &mut Story) {
        let Some(issue) = &story.issue else { return };
        let mut text = (*self.chance.pick(&words::LINEAR_COMMENTS)).to_owned();
        let lookalike = self.season(&mut text, 0.08);
        let subject = format!("linear:{}", issue.identifier);
        let other = if self.chance.happens(0.2) { self.world.teams[story.team].recent.first().copied() } else { None };
        if let Some((number, _)) = other.filter(|(number, _)| *number != issue.number) {
            let identifier = format!("{}-{number}", self.world.teams[story.team].key);
            text = format!("{text} Looks related to {identifier}.");
            self.link("issue_to_issue", &subject, format!("linear:{identifier}"), "comment");
        }
        self.looks_alike(&subject, lookalike);
        let id = self.chance.uuid();
        let author = *self.chance.pick(&self.world.teams[story.team].members);
        let url = format!("{}#comment-{:.8}", issue.url, id.to_string());
        let data = linear::comment(&self.world, story, issue, id, author, at, &text);
        self.linear(Event { kind: "Comment", action: "create", actor: Some(author), at, url: Some(&url), updated_from: None }, data);
    }

    /// Moves the issue to another state; what Linear does by itself has no actor.
    pub(super) fn move_issue(&mut self, at: Moment, story: &mut Story, state: usize, actor: Option<usize>) {
        let Some(mut issue) = story.issue.take() else { return };
        let mut before = Object::new();
        before.put("updatedAt", Millis(issue.updated)).put("stateId", self.world.teams[issue.team].states[issue.state]);
        let now = at.at_linear();
        match STATES[state].1 {
            "started" if issue.started.is_none() => {
                before.put("startedAt", None::<&str>);
                issue.started = Some(now);
                story.work.steps.issue_started_at = Some(now.timestamp());
            }
            "completed" => {
                before.put("completedAt", None::<&str>);
                issue.completed = Some(now);
                story.work.steps.issue_completed_at = Some(now.timestamp());
            }
            "canceled" => {
                before.put("canceledAt", None::<&str>);
                issue.canceled = Some(now);
                story.work.steps.issue_canceled_at = Some(now.timestamp());
            }
            _ => {}
        }
        if state == IN_PROGRESS && issue.assignee.is_none() {
            before.put("assigneeId", None::<&str>);
            issue.assignee = Some(story.author);
        }
        issue.state = state;
        issue.updated = now;
        self.tell_issue(story, &issue, "update", at, actor, Some(before.done()));
        story.issue = Some(issue);
    }

    pub(super) fn cancel(&mut self, at: Moment, story: &mut Story) {
        let actor = story.issue.as_ref().map(|issue| issue.creator);
        self.move_issue(at, story, CANCELED, actor);
        story.work.state = "cancelled";
        self.finish(std::mem::take(&mut story.work));
    }

    pub(super) fn start_work(&mut self, at: Moment, story: &mut Story) {
        self.move_issue(at, story, IN_PROGRESS, Some(story.author));
        story.work.state = "in_progress";
        let wait = self.chance.wait(2 * HOUR);
        self.soon(story, at, wait, Step::Branch);
    }

    pub(super) fn begin_cycle(&mut self, at: Moment, team: usize) {
        let number = self.world.teams[team].cycle.map_or(7, |(_, number)| number + 1);
        let id = self.chance.uuid();
        self.world.teams[team].cycle = Some((id, number));
        let data = linear::cycle(&self.world, team, id, number, at);
        self.linear(Event { kind: "Cycle", action: "create", actor: None, at, url: None, updated_from: None }, data);
        self.at(at.plus(14 * DAY), Turn::Cycle(team));
    }

    /// Someone reports an issue at GitHub itself.
    pub(super) fn report(&mut self, at: Moment, repository: usize) {
        let wait = self.chance.wait(3 * DAY);
        self.at(working(at.plus(wait), 0), Turn::Report(repository));
        let team = self.world.repositories[repository].team;
        let author = *self.chance.pick(&self.world.teams[team].engineers);
        let title = words::title(&mut self.chance);
        let mut story = self.new_story(Origin::GitHub, team, repository, author, title);
        let reporter = self.world.colleague(team, author, &mut self.chance);
        let mut body = words::paragraph(&mut self.chance);
        let lookalike = self.season(&mut body, 0.15);
        let place = &mut self.world.repositories[repository];
        let (number, now) = (place.next_number, at.at_github());
        place.next_number += 1;
        place.open_issues += 1;
        let subject = format!("github:{}#{number}", place.full_name);
        let id = self.world.next_id();
        story.github_issue = Some(GithubIssue { id, number, author: reporter, body, created: now, updated: now, closed: None, comments: 0 });
        story.work.issue = Some(subject.clone());
        story.work.steps.issue_created_at = Some(now.timestamp());
        self.looks_alike(&subject, lookalike);
        let mut body = story.github_issue.as_ref().map(|issue| issue.body.clone()).unwrap_or_default();
        self.hide(&story, &subject, &mut body);
        story.github_issue.iter_mut().for_each(|issue| issue.body.clone_from(&body));
        self.tell_github_issue(at, &story, "opened", reporter);
        let wait = self.chance.wait(DAY);
        self.soon(&story, at, wait, Step::Branch);
        self.stories.insert(story.id, story);
    }

    pub(super) fn tell_github_issue(&mut self, at: Moment, story: &Story, action: &str, by: usize) {
        let Some(issue) = github::issue(&self.world, story) else { return };
        let mut event = Object::new();
        event.put("action", action).put("issue", issue);
        let sender = self.world.people[by].github.clone();
        let body = github::ended(&self.world, &mut event, story.repository, &sender);
        self.github(at, "issues", body);
    }

    /// The robot raises a version; its pull request has no issue.
    pub(super) fn raise_version(&mut self, at: Moment, repository: usize) {
        let wait = self.chance.wait(5 * DAY);
        self.at(at.plus(wait), Turn::Robot(repository));
        let team = self.world.repositories[repository].team;
        let keeper = *self.chance.pick(&self.world.teams[team].engineers);
        let package = self.chance.pick(&["serde", "tokio", "left-pad", "react", "uuid"]);
        let (from, to) = (self.chance.between(1, 40), self.chance.between(41, 90));
        let title = format!("Bump {package} from 1.{from}.0 to 1.{to}.0");
        let mut story = self.new_story(Origin::Robot, team, repository, keeper, title);
        story.pushes_left = 0;
        self.at(at.plus(MINUTE), Turn::Story(story.id, Step::Branch));
        self.stories.insert(story.id, story);
    }
}
