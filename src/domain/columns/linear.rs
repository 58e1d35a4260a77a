//! The columns of `linear_events`. The object of an event stands in `data` (in some events under another name), and what
//! it belongs to stands there under its own name.

use super::super::json::Json;
use super::Read::{Day, Made, Number, Piece, Text, Texts, Time, Whole};
use super::{Column, Event, day, first_text, key, named, odd, texts, time, time_at, whole};
use crate::domain::facts::{Facts, issue_identifier};

/// The columns of `linear_events`, save those of the envelope.
pub const COLUMNS: &[Column] = &[
    Column("action", Text(|e| key(e.at("/action")))),
    Column("delivery_id", Text(|e| e.header("linear-delivery"))),
    Column("webhook_id", Text(|e| e.at("/webhookId"))),
    Column("webhook_timestamp", Time(|e| time_at(e.payload, "/webhookTimestamp"))),
    Column("occurred_at", Time(|e| time_at(e.payload, "/createdAt"))),
    Column("organization_id", Text(|e| e.at("/organizationId"))),
    Column("oauth_client_id", Text(|e| e.at("/oauthClientId"))),
    Column("app_user_id", Text(|e| e.at("/appUserId").or_else(|| said(e, &["/appUserId"])))),
    // What it is about, and who did it.
    Column("object_id", Text(|e| said(e, &["/id"]))),
    Column("object_type", Text(|e| said(e, &["/type"]))),
    Column("title", Made(title)),
    Column("url", Text(|e| e.at("/url").or_else(|| said(e, &["/url", "/issue/url"])))),
    Column("actor_id", Text(|e| e.first(&["/actor/id", "/notification/actor/id", "/data/actorId", "/user/id"]))),
    Column("actor_type", Text(|e| e.at("/actor/type"))),
    Column("actor_name", Text(|e| e.first(&["/actor/name", "/actor/service", "/notification/actor/name", "/user/name"]))),
    Column("actor_email", Text(|e| e.first(&["/actor/email", "/notification/actor/email", "/user/email"]))),
    Column("creator_id", Text(|e| made_by(e, &["/creatorId", "/creator/id", "/userId", "/user/id"]))),
    Column("creator_name", Text(|e| made_by(e, &["/creator/name", "/user/name", "/botActor/name", "/externalUserCreator/name", "/externalUser/name"]))),
    Column("creator_email", Text(|e| made_by(e, &["/creator/email", "/user/email"]))),
    // Issues.
    Column("issue_id", Text(|e| own_issue(e, "/id").or_else(|| said(e, &["/issue/id", "/issueId", "/comment/issueId"])))),
    Column("issue_identifier", Text(|e| key(identifier(e)))),
    Column("issue_title", Text(|e| own_issue(e, "/title").or_else(|| said(e, &["/issue/title"])))),
    Column("issue_url", Text(|e| own_issue(e, "/url").or_else(|| said(e, &["/issue/url"])))),
    Column("issue_priority", Whole(|e| priority(e).map(i64::from))),
    Column("issue_estimate", Number(|e| object(e)?.at("/estimate")?.as_f64())),
    Column("parent_id", Text(|e| said(e, &["/parentId", "/parent/id"]))),
    Column("assignee_id", Text(|e| said(e, &["/assigneeId", "/assignee/id"]))),
    Column("assignee_name", Text(|e| said(e, &["/assignee/name"]))),
    Column("assignee_email", Text(|e| said(e, &["/assignee/email"]))),
    Column("delegate_name", Text(|e| said(e, &["/delegate/name"]))),
    Column("labels", Texts(|e| object(e).map(|object| named(object, "/labels", "name")).unwrap_or_default())),
    Column("state_id", Text(|e| said(e, &["/stateId", "/state/id", "/statusId", "/status/id", "/stageId", "/stage/id"]))),
    Column("state_name", Text(|e| said(e, &["/state/name", "/status/name", "/stage/name", "/status"]))),
    Column("state_type", Text(|e| said(e, &["/state/type", "/status/type", "/stage/type"]))),
    Column("due_date", Day(|e| day(e.payload.at(due(e)?)?))),
    Column("sla_breaches_at", Time(|e| time_at(object(e)?, "/slaBreachesAt"))),
    Column("started_at", Time(|e| time_at(object(e)?, "/startedAt"))),
    Column("completed_at", Time(|e| time_at(object(e)?, "/completedAt"))),
    Column("canceled_at", Time(|e| time_at(object(e)?, "/canceledAt"))),
    Column("archived_at", Time(|e| time_at(object(e)?, "/archivedAt"))),
    // Teams, projects, cycles, initiatives and customers.
    Column("team_id", Text(|e| own(e, "Team", "/id").or_else(|| said(e, &["/team/id", "/teamId", "/issue/team/id", "/issue/teamId"])))),
    Column(
        "team_key",
        Text(|e| key(own(e, "Team", "/key").or_else(|| said(e, &["/team/key", "/issue/team/key"])).or_else(|| Some(identifier(e)?.split_once('-')?.0)))),
    ),
    Column("team_name", Text(|e| own(e, "Team", "/name").or_else(|| said(e, &["/team/name", "/issue/team/name"])))),
    Column("team_ids", Texts(|e| ["/data/teamIds", "/addedTeamIds"].into_iter().flat_map(|pointer| texts(e.payload, pointer)).collect())),
    Column("project_id", Text(|e| own(e, "Project", "/id").or_else(|| said(e, &["/project/id", "/projectId"])))),
    Column("project_name", Text(|e| own(e, "Project", "/name").or_else(|| said(e, &["/project/name"])))),
    Column("project_milestone_id", Text(|e| said(e, &["/projectMilestoneId", "/projectMilestone/id"]))),
    Column("project_milestone_name", Text(|e| said(e, &["/projectMilestone/name", "/milestone/name"]))),
    Column("cycle_id", Text(|e| own(e, "Cycle", "/id").or_else(|| said(e, &["/cycleId", "/cycle/id"])))),
    Column("cycle_number", Whole(|e| whole(object(e)?, if e.event_type == "Cycle" { "/number" } else { "/cycle/number" }))),
    Column("cycle_name", Text(|e| own(e, "Cycle", "/name").or_else(|| said(e, &["/cycle/name"])))),
    Column("initiative_id", Text(|e| own(e, "Initiative", "/id").or_else(|| said(e, &["/initiativeId", "/initiative/id"])))),
    Column("initiative_name", Text(|e| own(e, "Initiative", "/name").or_else(|| said(e, &["/initiative/name"])))),
    Column("customer_id", Text(|e| own(e, "Customer", "/id").or_else(|| said(e, &["/customerId", "/customer/id"])))),
    Column("customer_name", Text(|e| own(e, "Customer", "/name").or_else(|| said(e, &["/customer/name"])))),
    Column("lead_name", Text(|e| said(e, &["/lead/name", "/owner/name"]))),
    Column("health", Text(|e| said(e, &["/health"]))),
    // Comments, reactions, attachments, releases and agents.
    Column("comment_id", Text(|e| own(e, "Comment", "/id").or_else(|| said(e, &["/comment/id", "/commentId"])))),
    Column("comment_body", Text(|e| said(e, &["/body", "/comment/body"]))),
    Column("reaction", Text(|e| said(e, &["/emoji", "/reactionEmoji"]))),
    Column("attachment_source", Text(|e| said(e, &["/sourceType"]))),
    Column("release_version", Text(|e| said(e, &["/version"]))),
    Column("commit_sha", Text(|e| key(said(e, &["/commitSha"])))),
    Column(
        "agent_session_id",
        Text(|e| own(e, "AgentSession", "/id").or_else(|| own(e, "AgentSessionEvent", "/id")).or_else(|| said(e, &["/agentSessionId"]))),
    ),
    Column("agent_activity_type", Text(|e| own(e, "AgentActivity", "/content/type").or_else(|| e.at("/agentActivity/content/type")))),
    Column("agent_activity_body", Text(|e| own(e, "AgentActivity", "/content/body").or_else(|| e.at("/agentActivity/content/body")))),
    // What changed.
    Column("changed", Texts(changed)),
    Column("updated_from", Piece(|e| before(e).map(|value| value.to_string()))),
    Column("odd_fields", Texts(odd_fields)),
];

/// Where the object of an event stands, and where that of one which has no `data`.
const OBJECTS: [&str; 4] = ["/data", "/issueData", "/agentSession", "/notification"];
const TIMES: [&str; 5] = ["/slaBreachesAt", "/startedAt", "/completedAt", "/canceledAt", "/archivedAt"];

fn object<'a>(e: &Event<'a>) -> Option<Json<'a>> {
    e.any(&OBJECTS)
}

/// The first of these places in the object that holds text.
fn said<'a>(e: &Event<'a>, pointers: &[&str]) -> Option<&'a str> {
    first_text(object(e)?, pointers)
}

/// What the object says in an event of this type.
fn own<'a>(e: &Event<'a>, event_type: &str, pointer: &str) -> Option<&'a str> {
    if e.event_type == event_type { said(e, &[pointer]) } else { None }
}

/// What the issue says that the event itself is about.
fn own_issue<'a>(e: &Event<'a>, pointer: &str) -> Option<&'a str> {
    if matches!(e.event_type, "Issue" | "IssueSLA") { said(e, &[pointer]) } else { None }
}

/// Who made the object. The user of a notification is who it is for.
fn made_by<'a>(e: &Event<'a>, pointers: &[&str]) -> Option<&'a str> {
    if e.event_type == "AppUserNotification" { None } else { said(e, pointers) }
}

fn identifier<'a>(e: &Event<'a>) -> Option<&'a str> {
    issue_identifier(e.event_type, e.payload)
}

fn title(e: &Event<'_>) -> Option<String> {
    let known = Facts::of(e.source, e.event_type, e.payload).title;
    known.or_else(|| said(e, &["/summary"]).map(str::to_owned))
}

fn priority(e: &Event<'_>) -> Option<i16> {
    let object = object(e)?;
    ["/priority", "/issue/priority"].iter().find_map(|pointer| whole(object, pointer)).and_then(|priority| priority.try_into().ok())
}

/// Where the day stands by which it is to be done.
fn due(e: &Event<'_>) -> Option<&'static str> {
    ["/data/dueDate", "/issueData/dueDate", "/data/targetDate"].into_iter().find(|pointer| e.payload.at(pointer).is_some_and(|found| !found.is_null()))
}

fn before<'a>(e: &Event<'a>) -> Option<Json<'a>> {
    e.payload.at("/updatedFrom").filter(|before| before.is_object())
}

fn changed(e: &Event<'_>) -> Vec<String> {
    let mut names: Vec<String> = before(e).map(Json::members).into_iter().flatten().map(|(name, _)| name.to_owned()).collect();
    names.sort();
    names
}

fn odd_fields(e: &Event<'_>) -> Vec<String> {
    let is_time = |found: Json<'_>| time(found).is_some();
    let mut fields = odd(e.payload, &["/webhookTimestamp", "/createdAt"], is_time);
    fields.extend(object(e).map(|object| odd(object, &TIMES, is_time)).unwrap_or_default());
    fields.extend(due(e).map(|pointer| odd(e.payload, &[pointer], |found| day(found).is_some())).unwrap_or_default());
    fields
}
