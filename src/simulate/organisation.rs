//! The organisation at work: an agenda of turns in virtual time, each of which makes deliveries and further turns.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use uuid::Uuid;

use super::chance::Chance;
use super::chat::Thread;
use super::courier::Courier;
use super::deploys::Deploy;
use super::github::{self, Run};
use super::incidents::Outage;
use super::json::Json;
use super::moment::{DAY, HOUR, MINUTE, Moment, working};
use super::slack;
use super::story::{Story, StoryId};
use super::truth::{FailedChange, History, Link, Lookalike, Truth, Work};
use super::words;
use super::world::World;
use super::{Settings, Simulated, linear};
use crate::demo::deliveries::Delivery;

/// As GitHub would number the organisation's hook.
const HOOK_ID: &str = "471101";

/// Who or what is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Someone joins the workspaces.
    Join(usize),
    /// A channel is made.
    Channel(usize),
    /// A team begins a cycle.
    Cycle(usize),
    /// A team plans an issue, or just starts a chore.
    Plan(usize),
    /// Someone reports an issue at GitHub.
    Report(usize),
    /// The robot raises a version.
    Robot(usize),
    /// Someone says something in a channel.
    Chat(usize),
    /// A thread goes on.
    Reply(u64),
    /// A piece of work goes on.
    Story(StoryId, Step),
    /// Checks go on.
    Checks(u64),
    /// A repository deploys what is merged.
    Deploy(usize),
    /// A deployment goes on.
    Deployment(u64),
    /// An incident goes on.
    Outage(u64),
    /// A repository publishes a release.
    Release(usize),
    /// What a repository has on `develop` goes to the default branch.
    Integrate(usize),
}

/// The next step of a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Refine,
    Discuss,
    Cancel,
    Start,
    Branch,
    Push,
    Open,
    Ready,
    Request,
    Review(usize),
    Answer,
    Rerun,
    Merge,
    Abandon,
    Reopen,
    Update,
    AppReview,
    Nightly,
    Move,
}

/// A simulated organisation: an iterator of signed-to-be deliveries in the order of their virtual time.
///
/// The same [`Settings`] give the same deliveries, byte for byte, on every machine. See [`Truth`] for what is true of
/// them; [`take_truth`](Self::take_truth) gives what has been found out so far.
#[derive(Debug)]
pub struct Organisation {
    pub(super) world: World,
    pub(super) stories: BTreeMap<StoryId, Story>,
    pub(super) runs: BTreeMap<u64, Run>,
    pub(super) threads: BTreeMap<u64, Thread>,
    pub(super) deploys: BTreeMap<u64, Deploy>,
    pub(super) outages: BTreeMap<u64, Outage>,
    /// Decides what happens.
    pub(super) chance: Chance,
    /// Decides what does not go by the book, so that more of it changes little else.
    pub(super) odd: Chance,
    /// Decides by which branches work goes, and which messages are mended, for the same reason.
    pub(super) ways: Chance,
    pub(super) truth: Truth,
    pub(super) start: Moment,
    agenda: BinaryHeap<Reverse<(Moment, u64, Turn)>>,
    /// Gives out ids of deliveries.
    keys: Chance,
    courier: Courier,
    end: Moment,
    turns: u64,
}

impl Organisation {
    /// An organisation on its first day.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let start = Moment::of(settings.start);
        let mut chance = Chance::new(settings.seed, 1);
        let world = World::new(settings, start, &mut chance);
        let mut organisation = Self {
            world,
            stories: BTreeMap::new(),
            runs: BTreeMap::new(),
            threads: BTreeMap::new(),
            deploys: BTreeMap::new(),
            outages: BTreeMap::new(),
            chance,
            odd: Chance::new(settings.seed, 4),
            ways: Chance::new(settings.seed, 5),
            truth: Truth::default(),
            start,
            agenda: BinaryHeap::new(),
            keys: Chance::new(settings.seed, 2),
            courier: Courier::new(settings),
            end: start.plus(i64::from(settings.days) * DAY),
            turns: 0,
        };
        organisation.introduce();
        organisation
    }

    /// What is true of the deliveries made since the last call. Work that is not over is told when the last delivery
    /// was made.
    pub fn take_truth(&mut self) -> Truth {
        std::mem::take(&mut self.truth)
    }

    /// Everyone's identity, the teams, and the first turn of everything that recurs.
    fn introduce(&mut self) {
        let people = &self.world.people;
        self.truth.people = people.iter().map(|person| person.identity(people)).collect();
        self.truth.teams = self.world.teams.iter().map(|team| super::truth::Team { key: team.key.clone(), name: team.name.clone() }).collect();
        let start = self.start;
        for channel in 0..self.world.channels.len() {
            self.at(start.plus(channel as i64), Turn::Channel(channel));
            let wait = self.chance.wait(4 * HOUR);
            self.at(working(start.plus(9 * HOUR + wait), 0), Turn::Chat(channel));
        }
        for person in 0..self.world.people.len() {
            self.at(start.plus(MINUTE + person as i64), Turn::Join(person));
        }
        for team in 0..self.world.teams.len() {
            self.at(start.plus(HOUR + team as i64), Turn::Cycle(team));
            let wait = self.chance.wait(4 * HOUR);
            self.at(working(start.plus(9 * HOUR + wait), 0), Turn::Plan(team));
        }
        for repository in 0..self.world.repositories.len() {
            for (turn, mean) in [(Turn::Report(repository), 3 * DAY), (Turn::Robot(repository), 5 * DAY), (Turn::Release(repository), 8 * DAY)] {
                let wait = self.chance.wait(mean);
                self.at(working(start.plus(DAY + wait), 0), turn);
            }
            if self.world.repositories[repository].develop.is_some() {
                self.at(working(start.plus(DAY), 0), Turn::Integrate(repository));
            }
        }
    }

    /// Enters a turn into the agenda.
    pub(super) fn at(&mut self, moment: Moment, turn: Turn) {
        self.turns += 1;
        self.agenda.push(Reverse((moment, self.turns, turn)));
    }

    /// Enters a step of a story, `wait` seconds after a moment, and not before its author works again.
    pub(super) fn soon(&mut self, story: &Story, moment: Moment, wait: i64, step: Step) {
        let offset = self.world.people[story.author].offset;
        self.at(working(moment.plus(wait), offset), Turn::Story(story.id, step));
    }

    fn take(&mut self, moment: Moment, turn: Turn) {
        match turn {
            Turn::Join(person) => self.join(moment, person),
            Turn::Channel(channel) => {
                let event = slack::channel_created(&self.world, channel, moment);
                self.slack(moment, "channel_created", &event);
            }
            Turn::Cycle(team) => self.begin_cycle(moment, team),
            Turn::Plan(team) => self.plan(moment, team),
            Turn::Report(repository) => self.report(moment, repository),
            Turn::Robot(repository) => self.raise_version(moment, repository),
            Turn::Chat(channel) => self.chat(moment, channel),
            Turn::Reply(thread) => self.reply(moment, thread),
            Turn::Story(id, step) => {
                if let Some(mut story) = self.stories.remove(&id)
                    && self.step(moment, &mut story, step)
                {
                    self.stories.insert(id, story);
                }
            }
            Turn::Checks(run) => self.run_checks(moment, run),
            Turn::Deploy(repository) => self.deploy(moment, repository),
            Turn::Deployment(id) => self.deployment(moment, id),
            Turn::Outage(id) => self.outage(moment, id),
            Turn::Release(repository) => self.release(moment, repository),
            Turn::Integrate(repository) => self.integrate(moment, repository),
        }
    }

    /// Takes a step; false when the story is over.
    fn step(&mut self, at: Moment, story: &mut Story, step: Step) -> bool {
        match step {
            Step::Refine => self.refine(at, story),
            Step::Discuss => self.discuss(at, story),
            Step::Cancel => {
                self.cancel(at, story);
                return false;
            }
            Step::Start => self.start_work(at, story),
            Step::Branch => self.make_branch(at, story),
            Step::Push => self.push_more(at, story),
            Step::Open => self.open(at, story),
            Step::Ready => self.ready(at, story),
            Step::Request => self.request_reviews(at, story),
            Step::Review(reviewer) => self.review(at, story, reviewer),
            Step::Answer => self.answer(at, story),
            Step::Rerun => self.rerun(at, story),
            Step::Merge => self.merge(at, story),
            Step::Abandon => return self.abandon(at, story),
            Step::Reopen => self.reopen(at, story),
            Step::Update => self.update_branch(at, story),
            Step::AppReview => self.review_by_app(at, story),
            Step::Nightly => self.begin_nightly(at, story),
            Step::Move => self.move_to_another_team(at, story),
        }
        true
    }

    fn join(&mut self, at: Moment, person: usize) {
        let event = slack::joined(&self.world, person, at);
        self.slack(at, "team_join", &event);
        let data = linear::user(&self.world, person, at);
        let event = linear::Event { kind: "User", action: "create", actor: Some(person), at, url: None, updated_from: None };
        self.linear(event, data);
    }

    /// A story is over: what is true of it is known.
    pub(super) fn finish(&mut self, work: Work) {
        self.truth.works.push(work);
    }

    pub(super) fn link(&mut self, kind: &'static str, subject: impl Into<String>, related: impl Into<String>, because: &'static str) {
        self.truth.links.push(Link { kind, subject: subject.into(), related: related.into(), because, stated: true, stands: true });
    }

    /// What belongs together: because some words say so, or else because it follows.
    pub(super) fn link_if(&mut self, is_stated: bool, kind: &'static str, subject: &str, related: &str, because: &'static str) {
        if is_stated {
            self.link(kind, subject, related, because);
        } else {
            self.follows(kind, subject, related);
        }
    }

    pub(super) fn follows(&mut self, kind: &'static str, subject: impl Into<String>, related: impl Into<String>) {
        self.truth.links.push(Link { kind, subject: subject.into(), related: related.into(), because: "follows", stated: false, stands: true });
    }

    /// What was said last is not any more.
    pub(super) fn unsay(&mut self, subject: &str) {
        for link in self.truth.links.iter_mut().rev().take_while(|link| link.subject == subject) {
            link.stands = false;
        }
    }

    /// Notes what does not go by the book.
    pub(super) fn happened(&mut self, kind: &'static str, subject: impl Into<String>) {
        self.truth.histories.push(History { kind, subject: subject.into() });
    }

    /// Sometimes adds a sentence with something that looks like an issue; what, so that it can be noted where.
    pub(super) fn season(&mut self, text: &mut String, probability: f64) -> Option<&'static str> {
        if !self.chance.happens(probability) {
            return None;
        }
        let (lookalike, sentence) = *self.chance.pick(&words::LOOKALIKES);
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(sentence);
        Some(lookalike)
    }

    pub(super) fn looks_alike(&mut self, subject: &str, text: Option<&'static str>) {
        if let Some(text) = text {
            self.truth.lookalikes.push(Lookalike { subject: subject.to_owned(), text: text.to_owned(), named: None });
        }
    }

    pub(super) fn github(&mut self, at: Moment, event: &str, body: Json) {
        self.post(at, "github", event, body);
    }

    pub(super) fn linear(&mut self, event: linear::Event<'_>, data: Json) {
        let (at, kind) = (event.at, event.kind.to_owned());
        let body = linear::event(&self.world, event, data);
        self.post(at, "linear", &kind, body);
    }

    pub(super) fn slack(&mut self, at: Moment, event: &str, inner: &Json) {
        let body = slack::envelope(inner, at, &mut self.keys);
        self.post(at, "slack", event, body);
    }

    pub(super) fn own(&mut self, at: Moment, source: &str, event: &str, body: Json) {
        self.post(at, source, event, body);
    }

    fn post(&mut self, at: Moment, source: &str, event: &str, body: Json) {
        let id: Uuid = self.keys.uuid();
        let (source, event, body) = (source.to_owned(), event.to_owned(), body.into_string());
        let delivery = Delivery { source, event, id, hook_id: HOOK_ID, content_type: "application/json", body };
        self.courier.take(at, Simulated { at: at.timestamp(), delivery });
    }

    /// Nobody works any more: what is unfinished stays so.
    fn close(&mut self) {
        self.agenda.clear();
        for story in std::mem::take(&mut self.stories).into_values() {
            self.truth.works.extend(story.works());
        }
        let unrepaired = self.world.repositories.iter_mut().flat_map(|place| std::mem::take(&mut place.failed));
        self.truth.failed_changes.extend(unrepaired.map(|deployment| FailedChange { deployment, because: "failed", restored_at: None }));
        let culprits = std::mem::take(&mut self.outages).into_values().filter_map(Outage::into_culprit);
        self.truth.works.extend(culprits.flat_map(Story::works));
    }

    /// The sender of events about a story: who does it.
    pub(super) fn author_json(&self, story: &Story) -> Json {
        github::author(&self.world, story).clone()
    }
}

impl Iterator for Organisation {
    type Item = Simulated;

    fn next(&mut self) -> Option<Simulated> {
        loop {
            // Until the next turn nobody makes anything.
            let until = self.agenda.peek().map(|Reverse((moment, ..))| *moment);
            if let Some(due) = self.courier.next(until) {
                return Some(due);
            }
            match self.agenda.pop() {
                Some(Reverse((moment, _, turn))) if moment < self.end => self.take(moment, turn),
                Some(_) => self.close(),
                None => return None,
            }
        }
    }
}
