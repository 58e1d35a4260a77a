//! Pure: what an event claims of accounts.

use std::collections::BTreeSet;

use super::super::entry::{key, list, whole};
use crate::domain::Json;
use crate::domain::columns::slack::BOTS;
use crate::domain::facts::{first_text, text};

/// The most commits of a push whose authors are looked at.
const COMMITS_MAX: usize = 2_048;

/// What is claimed of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    /// That it exists.
    Exists,
    /// What it is called on its platform.
    Login,
    /// What the person is called.
    Name,
    /// An email address of the person.
    Email,
}

impl What {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Login => "login",
            Self::Name => "name",
            Self::Email => "email",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        [Self::Exists, Self::Login, Self::Name, Self::Email].into_iter().find(|what| what.word() == word)
    }
}

/// One claim. Accounts: `github:<number>`, `linear:<id>`, `slack:<user id>`, and `git:<email>` for an author of commits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Claim {
    pub(super) identity: String,
    pub(super) what: What,
    pub(super) value: String,
}

/// A claim and the first event that makes it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) claim: Claim,
    pub(super) position: i64,
}

/// What an event claims.
pub(super) fn of(source: &str, event_type: &str, value: Json<'_>) -> BTreeSet<Claim> {
    let mut claims = Claims(BTreeSet::new());
    match source {
        "github" => github(event_type, value, &mut claims),
        "linear" => linear(event_type, value, &mut claims),
        "slack" => slack(event_type, value, &mut claims),
        _ => {}
    }
    claims.0
}

struct Claims(BTreeSet<Claim>);

impl Claims {
    fn claim(&mut self, identity: &str, what: What, value: Option<&str>) {
        let value = match what {
            What::Email => value.map(|email| email.trim().to_lowercase()),
            _ => value.map(|value| value.trim().to_owned()),
        };
        let Some(value) = value.filter(|value| !value.is_empty() && key(Some(value)).is_some()) else { return };
        if key(Some(identity)).is_some() {
            self.0.insert(Claim { identity: identity.to_owned(), what, value });
        }
    }

    fn exists(&mut self, identity: &str) {
        self.claim(identity, What::Exists, Some("yes"));
    }
}

/// Whoever does one of these is looked at: others only repeat it. The sender of the rest is known from the first.
fn shows_sender(event_type: &str, action: Option<&str>) -> bool {
    match event_type {
        "push" | "create" | "member" | "membership" | "organization" | "pull_request_review" | "release" | "deployment" => true,
        "pull_request" | "issues" => matches!(action, Some("opened" | "closed")),
        "issue_comment" | "pull_request_review_comment" | "commit_comment" => action == Some("created"),
        _ => false,
    }
}

fn github(event_type: &str, value: Json<'_>, claims: &mut Claims) {
    if shows_sender(event_type, text(value, "/action")) {
        for pointer in ["/sender", "/pull_request/user", "/issue/user", "/review/user", "/member", "/membership/user"] {
            if let Some(user) = value.at(pointer) {
                github_user(user, claims);
            }
        }
    }
    if event_type == "push" {
        for author in list(value, "/commits").take(COMMITS_MAX).filter_map(|commit| commit.get("author")) {
            git_author(author, claims);
        }
    }
}

fn github_user(user: Json<'_>, claims: &mut Claims) {
    let (Some(id), Some(login)) = (whole(user, "/id"), text(user, "/login")) else { return };
    if text(user, "/type").is_some_and(|kind| kind != "User") || is_bot(login) {
        return;
    }
    let identity = format!("github:{id}");
    claims.claim(&identity, What::Login, Some(login));
    claims.claim(&identity, What::Name, text(user, "/name"));
    claims.claim(&identity, What::Email, text(user, "/email"));
}

/// Who wrote a commit, as their machine was set up; `username` is whose address GitHub says it is.
fn git_author(author: Json<'_>, claims: &mut Claims) {
    let Some(email) = text(author, "/email").map(|email| email.trim().to_lowercase()).filter(|email| email.contains('@')) else { return };
    let (login, name) = (text(author, "/username"), text(author, "/name"));
    if is_bot(&email) || login.is_some_and(is_bot) || name.is_some_and(is_bot) {
        return;
    }
    let identity = format!("git:{email}");
    claims.claim(&identity, What::Email, Some(&email));
    claims.claim(&identity, What::Name, name);
    claims.claim(&identity, What::Login, login);
}

fn is_bot(name: &str) -> bool {
    name.contains("[bot]")
}

fn linear(event_type: &str, value: Json<'_>, claims: &mut Claims) {
    for pointer in ["/actor", "/data/creator", "/data/assignee", "/data/user", "/data/lead"] {
        let Some(person) = value.at(pointer) else { continue };
        // An integration or an application is nobody.
        if text(person, "/type").is_none_or(|kind| kind == "user") {
            linear_user(person, claims);
        }
    }
    if let Some(user) = value.get("data").filter(|user| event_type == "User" && user.get("app").and_then(Json::as_bool) != Some(true)) {
        linear_user(user, claims);
        if let Some(id) = text(user, "/id") {
            claims.claim(&format!("linear:{id}"), What::Login, text(user, "/displayName"));
        }
    }
}

fn linear_user(person: Json<'_>, claims: &mut Claims) {
    let Some(id) = text(person, "/id") else { return };
    let identity = format!("linear:{id}");
    claims.exists(&identity);
    claims.claim(&identity, What::Name, text(person, "/name"));
    claims.claim(&identity, What::Email, text(person, "/email"));
}

fn slack(event_type: &str, value: Json<'_>, claims: &mut Claims) {
    match event_type {
        "team_join" | "user_change" | "user_profile_changed" => {
            let Some(user) = value.at("/event/user").filter(|user| user.get("is_bot").and_then(Json::as_bool) != Some(true)) else { return };
            let Some(id) = text(user, "/id") else { return };
            let identity = format!("slack:{id}");
            claims.exists(&identity);
            claims.claim(&identity, What::Login, text(user, "/name"));
            claims.claim(&identity, What::Name, first_text(user, &["/profile/real_name", "/real_name"]));
            claims.claim(&identity, What::Email, text(user, "/profile/email"));
        }
        "message" if first_text(value, &BOTS).is_some() => {}
        "message" => {
            let Some(id) = first_text(value, &["/event/user", "/event/message/user"]) else { return };
            let identity = format!("slack:{id}");
            claims.exists(&identity);
            claims.claim(&identity, What::Name, text(value, "/event/user_profile/real_name"));
        }
        _ => {
            let command = (text(value, "/user_id"), text(value, "/user_name"));
            let click = (text(value, "/user/id"), first_text(value, &["/user/username", "/user/name"]));
            for (id, login) in [command, click] {
                if let Some(id) = id {
                    let identity = format!("slack:{id}");
                    claims.exists(&identity);
                    claims.claim(&identity, What::Login, login);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::json::Document;

    fn claimed(source: &str, event_type: &str, value: &serde_json::Value) -> Vec<String> {
        of(source, event_type, Document::from(value.clone()).root())
            .into_iter()
            .map(|claim| format!("{} {} {}", claim.identity, claim.what.word(), claim.value))
            .collect()
    }

    #[test]
    fn a_push_claims_its_authors_and_who_pushed() {
        let push = json!({
            "sender": {"id": 7, "login": "ada", "type": "User"},
            "commits": [
                {"author": {"name": "Ada Lovelace", "email": "Ada@Example.org", "username": "ada"}},
                {"author": {"name": "dependabot[bot]", "email": "49699333+dependabot[bot]@users.noreply.github.com"}},
                {"author": {"name": "No Address"}},
            ],
        });
        assert_eq!(
            claimed("github", "push", &push),
            ["git:ada@example.org login ada", "git:ada@example.org name Ada Lovelace", "git:ada@example.org email ada@example.org", "github:7 login ada"]
        );
        assert_eq!(claimed("github", "watch", &push).len(), 0, "what only repeats a sender is not looked at");
    }

    #[test]
    fn integrations_and_bots_are_nobody() {
        let linear = json!({"actor": {"id": "a", "type": "integration", "service": "github"}, "data": {"creator": {"id": "b", "name": "Grace Hopper"}}});
        assert_eq!(claimed("linear", "Issue", &linear), ["linear:b exists yes", "linear:b name Grace Hopper"]);
        let bot = json!({"event": {"user": "U1", "bot_id": "B1", "text": "done"}});
        assert_eq!(claimed("slack", "message", &bot).len(), 0);
        let edited = json!({"event": {"subtype": "message_changed", "message": {"user": "U1", "bot_id": "B1", "text": "done"}}});
        assert_eq!(claimed("slack", "message", &edited).len(), 0);
        let edited = json!({"event": {"subtype": "message_changed", "message": {"user": "U2", "text": "done"}}});
        assert_eq!(claimed("slack", "message", &edited), ["slack:U2 exists yes"]);
        let bot = json!({"sender": {"id": 1, "login": "renovate[bot]", "type": "Bot"}});
        assert_eq!(claimed("github", "push", &bot).len(), 0);
    }

    #[test]
    fn slack_tells_addresses_when_it_may() {
        let joined = json!({"event": {"user": {"id": "U1", "name": "ada", "profile": {"real_name": "Ada Lovelace", "email": "ada@example.org"}}}});
        assert_eq!(
            claimed("slack", "team_join", &joined),
            ["slack:U1 exists yes", "slack:U1 login ada", "slack:U1 name Ada Lovelace", "slack:U1 email ada@example.org"]
        );
        let command = json!({"command": "/deploy", "user_id": "U2", "user_name": "jose"});
        assert_eq!(claimed("slack", "slash_command", &command), ["slack:U2 exists yes", "slack:U2 login jose"]);
    }
}
