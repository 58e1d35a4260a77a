//! Payloads of deployments, their statuses, and releases.

use super::ended;
use crate::simulate::chance::Sha;
use crate::simulate::json::{Json, Object, object};
use crate::simulate::moment::Moment;
use crate::simulate::world::World;

/// One deployment as GitHub knows it.
pub struct Deployed {
    pub id: u64,
    pub repository: usize,
    pub environment: &'static str,
    pub sha: Sha,
    pub creator: usize,
    pub created: Moment,
    pub updated: Moment,
    pub description: String,
}

/// The address of a deployment.
pub fn address(world: &World, repository: usize, id: u64) -> String {
    format!("{}/deployments/{id}", world.repositories[repository].api)
}

fn fields(world: &World, told: &Deployed) -> Json {
    let url = address(world, told.repository, told.id);
    object! {
        "url": url, "id": told.id, "node_id": format!("DE_kwDO{:x}", told.id), "task": "deploy", "original_environment": told.environment,
        "environment": told.environment, "description": told.description, "created_at": told.created, "updated_at": told.updated,
        "statuses_url": format!("{url}/statuses"), "repository_url": world.repositories[told.repository].api,
        "creator": world.people[told.creator].github, "sha": told.sha, "ref": "main", "payload": Object::new().done(),
        "transient_environment": false, "production_environment": told.environment == "production", "performed_via_github_app": None::<&str>,
    }
}

pub fn deployment(world: &World, told: &Deployed) -> Json {
    let mut event = Object::new();
    event.put("action", "created").put("deployment", fields(world, told)).put("workflow", None::<&str>).put("workflow_run", None::<&str>);
    ended(world, &mut event, told.repository, &world.people[told.creator].github)
}

/// A status: its id, and `in_progress`, `success` or `failure`.
pub fn deployment_status(world: &World, told: &Deployed, id: u64, state: &str) -> Json {
    let creator = &world.people[told.creator].github;
    let url = address(world, told.repository, told.id);
    let status = object! {
        "url": format!("{url}/statuses/{id}"), "id": id, "node_id": format!("DES_kwDO{id:x}"), "state": state, "creator": creator,
        "description": told.description, "environment": told.environment, "target_url": "", "created_at": told.updated, "updated_at": told.updated,
        "deployment_url": url, "repository_url": world.repositories[told.repository].api,
        "environment_url": format!("https://{}.northwind.example", told.environment), "log_url": "", "performed_via_github_app": None::<&str>,
    };
    let mut event = Object::new();
    event.put("action", "created").put("deployment_status", status).put("deployment", fields(world, told));
    event.put("check_run", None::<&str>).put("workflow", None::<&str>).put("workflow_run", None::<&str>);
    ended(world, &mut event, told.repository, creator)
}

/// A release that was published.
pub fn release(world: &World, repository: usize, id: u64, tag: &str, notes: &str, by: usize, at: Moment) -> Json {
    let place = &world.repositories[repository];
    let author = &world.people[by].github;
    let url = format!("{}/releases/{id}", place.api);
    let release = object! {
        "url": url, "assets_url": format!("{url}/assets"), "upload_url": format!("{url}/assets{{?name,label}}"),
        "html_url": format!("{}/releases/tag/{tag}", place.html), "id": id, "node_id": format!("RE_kwDO{id:x}"), "tag_name": tag,
        "target_commitish": "main", "name": tag, "draft": false, "author": author, "prerelease": false, "created_at": at, "published_at": at,
        "assets": [""; 0], "tarball_url": format!("{}/tarball/{tag}", place.api), "zipball_url": format!("{}/zipball/{tag}", place.api), "body": notes,
    };
    let mut event = Object::new();
    event.put("action", "published").put("release", release);
    ended(world, &mut event, repository, author)
}
