//! What is sent: GitHub's example payloads as the package has them, and the story's, each under a delivery id that is
//! the same at every run.

use std::path::Path;

use anyhow::Context;
use include_dir::{Dir, include_dir};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::domain::clock::Timestamp;

/// The story's deliveries in order of their names; `README.md` beside them tells it.
pub const STORY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/demo/story");

/// Of one hook, as GitHub would number it.
const HOOK_ID: &str = "471100";

/// One request to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `github`, `linear`, `slack`, `deployment` or `custom`.
    pub source: String,
    /// The type that the provider names in a header.
    pub event: String,
    /// The id that the provider gives the delivery.
    pub id: Uuid,
    /// The hook's number, for GitHub.
    pub hook_id: &'static str,
    /// What the body is.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

#[derive(Deserialize)]
struct Event {
    name: String,
    examples: Vec<Box<RawValue>>,
}

/// GitHub's examples, byte for byte as the package has them.
///
/// # Errors
/// When the package is not there or has another shape.
pub fn examples(directory: &Path) -> anyhow::Result<Vec<Delivery>> {
    let path = directory.join("api.github.com/index.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read the example payloads at {}", path.display()))?;
    let events: Vec<Event> = serde_json::from_str(&text).with_context(|| format!("{} has another shape than expected", path.display()))?;
    let deliveries = events.iter().flat_map(|event| {
        event.examples.iter().enumerate().map(|(number, example)| Delivery {
            source: "github".to_owned(),
            event: event.name.clone(),
            id: stable_id(&format!("{}/{number}", event.name)),
            hook_id: HOOK_ID,
            content_type: "application/json",
            body: example.get().to_owned(),
        })
    });
    Ok(deliveries.collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    source: String,
    event: String,
    #[serde(default)]
    form: bool,
    body: Value,
}

/// The story. Its times are laid from `epoch` on, so that a body is the same at every run of one installation.
///
/// # Errors
/// When a file has another shape than expected.
pub fn story(epoch: Timestamp) -> anyhow::Result<Vec<Delivery>> {
    let mut files: Vec<_> = STORY.files().filter(|file| file.path().extension().is_some_and(|extension| extension == "json")).collect();
    files.sort_by_key(|file| file.path());
    files
        .into_iter()
        .map(|file| {
            let name = file.path().display().to_string();
            let page: Page = serde_json::from_slice(file.contents()).with_context(|| format!("the story's page {name}"))?;
            Ok(told(page, &name, epoch))
        })
        .collect()
}

fn told(mut page: Page, name: &str, epoch: Timestamp) -> Delivery {
    // Linear signs its time within the body, and refuses one that is more than a minute away from now.
    if page.body.get("webhookTimestamp").is_some() {
        page.body["webhookTimestamp"] = json!(epoch.timestamp_millis());
    }
    let (content_type, body) =
        if page.form { ("application/x-www-form-urlencoded", form(page.body.as_object())) } else { ("application/json", page.body.to_string()) };
    Delivery { source: page.source, event: page.event, id: stable_id(name), hook_id: HOOK_ID, content_type, body }
}

/// A form's fields; one that holds more than text is sent as JSON, as Slack sends `payload`.
fn form(fields: Option<&Map<String, Value>>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields.into_iter().flatten() {
        match value {
            Value::String(text) => form.append_pair(name, text),
            other => form.append_pair(name, &other.to_string()),
        };
    }
    form.finish()
}

fn stable_id(name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("hooklake demo {name}").as_bytes())
}
