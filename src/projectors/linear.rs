//! The table `linear_events`: Linear's webhooks in typed columns.

use async_trait::async_trait;
use serde_json::Value;
use tokio_postgres::Transaction;

use super::entry::{Entry, Times, cut, key, names, row, whole};
use crate::consumer::{Error, Projector};
use crate::domain::Envelope;
use crate::domain::clock::Timestamp;
use crate::domain::facts::{first_text, issue_identifier, text};
use crate::log::Batch;

/// Keeps the table `linear_events`.
#[derive(Debug, Clone, Copy, Default)]
pub struct LinearTable;

#[async_trait]
impl Projector for LinearTable {
    const NAME: &'static str = "linear_events";
    const VERSION: i32 = 2;
    const TABLES: &'static [&'static str] = &["linear_events"];
    const SOURCES: Option<&'static [&'static str]> = Some(&["linear"]);
    const IN_ORDER: bool = false;

    fn takes_late(&self, _: &Envelope) -> bool {
        true
    }

    async fn project(&self, transaction: &Transaction<'_>, batch: &Batch) -> Result<(), Error> {
        let entries = Entry::fresh(batch);
        let rows = entries.iter().map(Row::of).collect::<Vec<_>>();
        Row::insert(&rows, transaction).await
    }
}

row! {
    struct Row<'a> inserted by "linear.sql" {
        position: i64,
        id: &'a str,
        tenant: &'a str,
        event_type: &'a str,
        action: Option<&'a str>,
        delivery_id: Option<&'a str>,
        organization_id: Option<&'a str>,
        webhook_timestamp: Option<Timestamp>,
        actor_id: Option<&'a str>,
        actor_name: Option<&'a str>,
        actor_email: Option<&'a str>,
        creator_name: Option<&'a str>,
        issue_id: Option<&'a str>,
        issue_identifier: Option<&'a str>,
        issue_title: Option<&'a str>,
        issue_url: Option<&'a str>,
        issue_priority: Option<i16>,
        issue_estimate: Option<f64>,
        state_name: Option<&'a str>,
        state_type: Option<&'a str>,
        team_id: Option<&'a str>,
        team_key: Option<&'a str>,
        team_name: Option<&'a str>,
        project_id: Option<&'a str>,
        project_name: Option<&'a str>,
        cycle_number: Option<i64>,
        comment_id: Option<&'a str>,
        comment_body: Option<&'a str>,
        assignee_name: Option<&'a str>,
        labels: Value,
        updated_from: Option<&'a Value>,
        odd_fields: Value,
        received_at: Timestamp,
        verbatim: bool,
        mended: Option<String>,
    }
}

impl<'a> Row<'a> {
    fn of(entry: &'a Entry<'_>) -> Self {
        let envelope = entry.envelope;
        let value = entry.value();
        let at = |pointer: &str| text(value, pointer);
        let first = |pointers: &[&str]| first_text(value, pointers);
        // The object of the event itself stands in `data`; what it belongs to stands in `data` under its own name.
        let own = |event_type: &str, pointer: &str| if envelope.event_type == event_type { at(pointer) } else { None };
        let identifier = issue_identifier(value);
        let mut times = Times::of(value);
        let webhook_timestamp = times.at("/webhookTimestamp");
        Self {
            position: envelope.position.get(),
            id: &entry.id,
            tenant: envelope.tenant.as_str(),
            event_type: cut(&envelope.event_type),
            action: key(at("/action")),
            delivery_id: envelope.headers.get("linear-delivery"),
            organization_id: at("/organizationId"),
            webhook_timestamp,
            actor_id: at("/actor/id"),
            actor_name: first(&["/actor/name", "/actor/service"]),
            actor_email: at("/actor/email"),
            creator_name: first(&["/data/creator/name", "/data/user/name", "/data/botActor/name"]),
            issue_id: own("Issue", "/data/id").or_else(|| first(&["/data/issue/id", "/data/issueId"])),
            issue_identifier: key(identifier),
            issue_title: own("Issue", "/data/title").or_else(|| at("/data/issue/title")),
            issue_url: own("Issue", "/data/url").or_else(|| own("Issue", "/url")).or_else(|| at("/data/issue/url")),
            issue_priority: ["/data/priority", "/data/issue/priority"]
                .iter()
                .find_map(|pointer| whole(value, pointer))
                .and_then(|priority| priority.try_into().ok()),
            issue_estimate: value.pointer("/data/estimate").and_then(Value::as_f64),
            state_name: first(&["/data/state/name", "/data/status/name"]),
            state_type: first(&["/data/state/type", "/data/status/type"]),
            team_id: own("Team", "/data/id").or_else(|| first(&["/data/team/id", "/data/teamId", "/data/issue/teamId"])),
            team_key: key(own("Team", "/data/key")
                .or_else(|| first(&["/data/team/key", "/data/issue/team/key"]))
                .or_else(|| identifier.and_then(|identifier| identifier.split_once('-')).map(|(team, _)| team))),
            team_name: own("Team", "/data/name").or_else(|| first(&["/data/team/name", "/data/issue/team/name"])),
            project_id: own("Project", "/data/id").or_else(|| first(&["/data/project/id", "/data/projectId"])),
            project_name: own("Project", "/data/name").or_else(|| at("/data/project/name")),
            cycle_number: whole(value, "/data/cycle/number").or_else(|| if envelope.event_type == "Cycle" { whole(value, "/data/number") } else { None }),
            comment_id: own("Comment", "/data/id").or_else(|| first(&["/data/comment/id", "/data/commentId"])),
            comment_body: first(&["/data/body", "/data/comment/body"]),
            assignee_name: at("/data/assignee/name"),
            labels: names(value.pointer("/data/labels")),
            updated_from: value.get("updatedFrom").filter(|before| before.is_object()),
            odd_fields: times.odd_fields(),
            received_at: envelope.received_at,
            verbatim: entry.payload.verbatim,
            mended: entry.mended(),
        }
    }
}
