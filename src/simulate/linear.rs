//! Linear's payloads, with the fields that `@linear/sdk` names for them.

use uuid::Uuid;

use super::json::{Json, Object, object};
use super::moment::{DAY, Millis, Moment};
use super::people::WORKSPACE;
use super::story::{Issue, Story};
use super::words;
use super::world::{LABELS, STATES, World};

const PRIORITIES: [&str; 5] = ["No priority", "Urgent", "High", "Medium", "Low"];

/// The address of an issue.
pub fn address(identifier: &str, title: &str) -> String {
    format!("https://linear.app/{WORKSPACE}/issue/{identifier}/{}", words::slug(title))
}

/// Who does things without being asked: Linear's link to GitHub.
fn integration(world: &World) -> Json {
    object! { "id": world.webhook_id, "service": "github", "type": "integration" }
}

/// Who acts in an event: somebody, or Linear's link to GitHub.
pub fn actor(world: &World, person: Option<usize>) -> Json {
    person.map_or_else(|| integration(world), |person| world.people[person].actor.clone())
}

/// What every event of Linear has around its `data`.
pub struct Event<'a> {
    pub kind: &'a str,
    pub action: &'a str,
    pub actor: Option<usize>,
    pub at: Moment,
    pub url: Option<&'a str>,
    pub updated_from: Option<Json>,
}

pub fn event(world: &World, event: Event<'_>, data: Json) -> Json {
    let mut body = Object::new();
    body.put("action", event.action).put("actor", actor(world, event.actor)).put("createdAt", Millis(event.at)).put("data", data);
    if let Some(before) = event.updated_from {
        body.put("updatedFrom", before);
    }
    if let Some(url) = event.url {
        body.put("url", url);
    }
    body.put("type", event.kind).put("organizationId", world.organization_id);
    body.put("webhookTimestamp", event.at.millis()).put("webhookId", world.webhook_id).done()
}

/// An issue as it is now.
pub fn issue(world: &World, story: &Story, issue: &Issue) -> Json {
    let team = &world.teams[issue.team];
    let (name, kind, color) = STATES[issue.state];
    let state = team.states[issue.state];
    let label_ids: Vec<Uuid> = issue.label.iter().map(|label| team.labels[*label]).collect();
    let labels: Vec<Json> = issue
        .label
        .iter()
        .map(|label| object! { "id": team.labels[*label], "color": LABELS[*label].1, "name": LABELS[*label].0, "parentId": None::<&str> })
        .collect();
    let creator = &world.people[issue.creator];
    let mut data = Object::new();
    data.put("id", issue.id).put("createdAt", Millis(issue.created)).put("updatedAt", Millis(issue.updated)).put("archivedAt", None::<&str>);
    data.put("number", issue.number).put("title", &story.title).put("description", &issue.description);
    data.put("priority", issue.priority).put("priorityLabel", PRIORITIES[issue.priority]).put("estimate", issue.estimate);
    data.put("startedAt", issue.started.map(Millis)).put("completedAt", issue.completed.map(Millis)).put("canceledAt", issue.canceled.map(Millis));
    data.put("dueDate", None::<&str>).put("addedToTeamAt", Millis(issue.created)).put("addedToCycleAt", issue.cycle_at.map(Millis));
    data.put("teamId", team.id).put("cycleId", issue.cycle.map(|(id, _)| id)).put("projectId", team.project.0).put("parentId", issue.parent);
    data.put("creatorId", creator.linear_id).put("assigneeId", issue.assignee.map(|person| world.people[person].linear_id)).put("stateId", state);
    if world.is_real() {
        data.put("sortOrder", -1066).put("prioritySortOrder", -119).put("slaType", "all").put("trashed", None::<bool>).put("snoozedUntilAt", None::<&str>);
        data.put("autoClosedAt", None::<&str>).put("autoArchivedAt", None::<&str>).put("addedToProjectAt", Millis(issue.created));
        data.put("reactionData", [""; 0]).put("botActor", None::<&str>).put("integrationSourceType", None::<&str>).put("syncedWith", None::<&str>);
        data.put("releases", [""; 0]).put("subscriberIds", [creator.linear_id]);
    }
    data.put("previousIdentifiers", &issue.previous).put("identifier", &issue.identifier).put("url", &issue.url).put("labelIds", label_ids);
    data.put("state", object! { "id": state, "color": color, "name": name, "type": kind }).put("team", team.json());
    let project_url = format!("https://linear.app/{WORKSPACE}/project/{}", words::slug(&team.project.1));
    data.put("project", object! { "id": team.project.0, "name": team.project.1, "url": project_url }).put("labels", labels);
    if let Some((id, number)) = issue.cycle {
        data.put("cycle", object! { "id": id, "number": number, "name": None::<&str> });
    }
    data.put("creator", &creator.member).put("assignee", issue.assignee.map(|person| &world.people[person].member)).done()
}

/// A comment on an issue.
pub fn comment(world: &World, story: &Story, issue: &Issue, id: Uuid, author: usize, at: Moment, text: &str) -> Json {
    let team = &world.teams[issue.team];
    let person = &world.people[author];
    let about = object! { "id": issue.id, "title": story.title, "teamId": team.id, "team": team.json(), "identifier": issue.identifier, "url": issue.url };
    object! {
        "id": id, "createdAt": Millis(at), "updatedAt": Millis(at), "archivedAt": None::<&str>, "body": text, "issueId": issue.id,
        "parentId": None::<&str>, "userId": person.linear_id, "reactionData": [""; 0], "botActor": None::<&str>, "editedAt": None::<&str>,
        "quotedText": None::<&str>, "resolvedAt": None::<&str>, "user": person.member, "issue": about,
    }
}

/// A pull request that is attached to an issue. Linear names the issue by its id only.
pub fn attachment(world: &World, story: &Story, issue: &Issue, id: Uuid, at: Moment) -> Option<Json> {
    let own = story.pull_request.as_ref()?;
    let url = format!("{}/pull/{}", world.repositories[story.repository].html, own.number);
    let metadata = object! {
        "url": url, "title": own.title, "number": own.number, "status": if own.draft { "draft" } else { "open" }, "branch": story.branch,
        "repoName": world.repositories[story.repository].name, "repoLogin": WORKSPACE,
    };
    Some(object! {
        "id": id, "createdAt": Millis(at), "updatedAt": Millis(at), "archivedAt": None::<&str>, "title": own.title, "subtitle": None::<&str>,
        "url": url, "creatorId": None::<&str>, "metadata": metadata, "source": object! { "type": "github" }, "sourceType": "github",
        "groupBySource": false, "originalIssueId": None::<&str>, "issueId": issue.id,
    })
}

/// A cycle of two weeks.
pub fn cycle(world: &World, team: usize, id: Uuid, number: u32, starts: Moment) -> Json {
    object! {
        "id": id, "number": number, "name": None::<&str>, "startsAt": Millis(starts), "endsAt": Millis(starts.plus(14 * DAY)),
        "createdAt": Millis(starts), "updatedAt": Millis(starts), "archivedAt": None::<&str>, "autoArchivedAt": None::<&str>,
        "completedAt": None::<&str>, "description": None::<&str>, "inheritedFromId": None::<&str>, "issueCountHistory": [0], "completedIssueCountHistory": [0],
        "scopeHistory": [0], "completedScopeHistory": [0], "inProgressScopeHistory": [0], "uncompletedIssuesUponCloseIds": [""; 0],
        "teamId": world.teams[team].id,
    }
}

/// A user.
pub fn user(world: &World, person: usize, at: Moment) -> Json {
    let person = &world.people[person];
    object! {
        "id": person.linear_id, "createdAt": Millis(at), "updatedAt": Millis(at), "archivedAt": None::<&str>, "name": person.name,
        "displayName": person.first, "email": person.email, "avatarUrl": None::<&str>, "active": true, "admin": false, "app": false, "guest": false,
        "url": format!("https://linear.app/{WORKSPACE}/profiles/{}", person.first),
    }
}
