//! Something breaks: an incident is opened, people talk, production goes back, the change is taken back, and it is over.

use super::chance::Sha;
use super::deploys::{Deploy, Name};
use super::github;
use super::moment::{MINUTE, Moment};
use super::organisation::{Organisation, Turn};
use super::slack::{self, Message};
use super::story::Story;
use super::{own, truth};

/// The place of `#incidents` among the channels.
const CHANNEL: usize = 2;

/// An incident under way.
#[derive(Debug, Clone)]
pub struct Outage {
    id: String,
    title: String,
    repository: usize,
    deployment: Name,
    began: Moment,
    before: Sha,
    /// What broke it; none when it is being taken back already.
    culprit: Option<Story>,
    message: Option<Message>,
}

impl Outage {
    /// The piece of work that broke it, when nobody has begun to take it back.
    pub fn into_culprit(self) -> Option<Story> {
        self.culprit
    }
}

impl Organisation {
    /// Something breaks some minutes after a deployment.
    pub(super) fn begin_outage(&mut self, at: Moment, deploy: &Deploy, before: Sha, culprit: Story) {
        let number = self.world.next_id();
        let wait = 3 * MINUTE + self.chance.wait(40 * MINUTE);
        let began = at.plus(wait).at_github();
        let outage = Outage {
            id: format!("inc-{}-{}", began.date_digits(), number % 100_000),
            title: format!("{} answers with errors", self.world.repositories[deploy.repository].name),
            repository: deploy.repository,
            deployment: deploy.name.clone(),
            began,
            before,
            culprit: Some(culprit),
            message: None,
        };
        self.outages.insert(number, outage);
        self.at(began, Turn::Outage(number));
    }

    pub(super) fn outage(&mut self, at: Moment, number: u64) {
        let Some(mut outage) = self.outages.remove(&number) else { return };
        match outage.culprit.take() {
            Some(culprit) => {
                self.open_incident(at, &mut outage, &culprit);
                self.begin_deployment(at.plus(10 * MINUTE), outage.repository, "production", outage.before, Vec::new(), (true, false));
                self.begin_revert(at.plus(20 * MINUTE), culprit);
                let wait = 25 * MINUTE + self.chance.wait(60 * MINUTE);
                self.at(at.plus(wait), Turn::Outage(number));
                self.outages.insert(number, outage);
            }
            None => self.resolve(at, outage),
        }
    }

    fn open_incident(&mut self, at: Moment, outage: &mut Outage, culprit: &Story) {
        let body = own::incident(&outage.id, &outage.title, &outage.deployment.id(), outage.began, None);
        self.own(at, "custom", "incident.opened", body);
        self.follows("deployment_to_pr", outage.deployment.subject(), culprit.subject());
        let place = &self.world.repositories[outage.repository];
        let address = match &outage.deployment {
            Name::GitHub(id) => github::deployment_address(&self.world, outage.repository, *id),
            Name::Own(id) => own::address(id),
        };
        let number = culprit.pull_request.as_ref().map_or(0, |own| own.number);
        let text = format!(
            ":rotating_light: {}. It began after <{address}|the deployment>; I suspect <{}/pull/{number}|{}#{number}>.",
            outage.title, place.html, place.name
        );
        let author = *self.chance.pick(&self.world.teams[culprit.team].engineers);
        let message = self.say(at.plus(2 * MINUTE), CHANNEL, author, text, None);
        let subject = slack::subject(&self.world, message.channel, message.ts);
        self.link("message_to_deployment", &subject, outage.deployment.subject(), "message");
        self.link("message_to_pr", &subject, culprit.subject(), "message");
        self.begin_thread(at.plus(4 * MINUTE), &message, 3);
        outage.message = Some(message);
    }

    fn resolve(&mut self, at: Moment, outage: Outage) {
        let resolved = at.at_github();
        let body = own::incident(&outage.id, &outage.title, &outage.deployment.id(), outage.began, Some(resolved));
        self.own(at, "custom", "incident.resolved", body);
        if let Some(message) = &outage.message {
            self.say(at.plus(30), CHANNEL, message.author, "Resolved: production is back on what ran before.".to_owned(), Some((message.ts, message.author)));
        }
        self.truth.incidents.push(truth::Incident {
            incident: outage.id,
            deployment: outage.deployment.subject(),
            started_at: outage.began.timestamp(),
            resolved_at: resolved.timestamp(),
        });
    }
}
