//! The people of the organisation, and how each platform knows them.

use uuid::Uuid;

use super::Padding;
use super::chance::Chance;
use super::json::{Json, Object, object};
use super::moment::HOUR;
use super::truth::Identity;

/// Their mail, their Linear workspace, their Slack.
pub const WORKSPACE: &str = "northwind";
/// Their organisation at GitHub.
pub const OWNER: &str = "northwind";
const DOMAIN: &str = "northwind.example";

const FIRST: [&str; 40] = [
    "Ada",
    "Grace",
    "José",
    "さくら",
    "Linus",
    "Margaret",
    "Chidi",
    "Mei",
    "Ingrid",
    "Tomás",
    "Zoë",
    "Ravi",
    "Amina",
    "Søren",
    "Olga",
    "Kenji",
    "Fatima",
    "Lars",
    "Priya",
    "Mateo",
    "Yuki",
    "Anna",
    "Dmitri",
    "Leila",
    "Hugo",
    "Noor",
    "Pablo",
    "Freya",
    "Ivan",
    "Maya",
    "Oscar",
    "Sofia",
    "Tariq",
    "Ursula",
    "Viktor",
    "Wen",
    "Ximena",
    "Yara",
    "Zane",
    "Bianca",
];
const FIRST_ASCII: [&str; 40] = [
    "ada", "grace", "jose", "sakura", "linus", "margaret", "chidi", "mei", "ingrid", "tomas", "zoe", "ravi", "amina", "soren", "olga", "kenji", "fatima",
    "lars", "priya", "mateo", "yuki", "anna", "dmitri", "leila", "hugo", "noor", "pablo", "freya", "ivan", "maya", "oscar", "sofia", "tariq", "ursula",
    "viktor", "wen", "ximena", "yara", "zane", "bianca",
];
const LAST: [&str; 41] = [
    "Lovelace", "Hopper", "Nunez", "Nakamura", "Okafor", "Hamilton", "Anagonye", "Chen", "Berg", "Silva", "Martin", "Kapoor", "Diallo", "Kierk", "Petrova",
    "Tanaka", "Haddad", "Holm", "Nair", "Rossi", "Sato", "Kowalski", "Volkov", "Karimi", "Moreau", "Aziz", "Ortiz", "Lind", "Novak", "Weiss", "Wilde", "Ricci",
    "Khan", "Vogel", "Frank", "Liu", "Reyes", "Mansour", "Grey", "Costa", "Duarte",
];
const NICKS: [&str; 8] = ["nightowl", "octo", "bytebard", "koala", "semicolon", "tuxfan", "paperclip", "zebra"];
/// Hours ahead of UTC.
const OFFSETS: [i64; 8] = [0, 1, 1, 2, -5, -8, 9, 5];

/// What somebody does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Engineer,
    Lead,
    Product,
    Support,
}

/// One person, with what the platforms' payloads say about them made once.
#[derive(Debug, Clone)]
pub struct Person {
    pub name: String,
    pub first: &'static str,
    pub email: String,
    pub commit_email: String,
    pub login: String,
    pub linear_id: Uuid,
    pub slack_id: String,
    pub role: Role,
    /// Seconds ahead of UTC.
    pub offset: i64,
    /// As GitHub's payloads carry a user.
    pub github: Json,
    /// As Linear's payloads carry an actor.
    pub actor: Json,
    /// As Linear's payloads carry a creator or assignee.
    pub member: Json,
}

impl Person {
    pub fn new(index: usize, padding: Padding, chance: &mut Chance) -> Self {
        let is_namesake = index % 25 == 24;
        // One in twenty-five is called like somebody else; their address then has a number.
        let named = if is_namesake { index - 20 } else { index };
        let (first, last) = (named % FIRST.len(), (named / FIRST.len() * 7 + named) % LAST.len());
        let handle = FIRST_ASCII[first];
        let round = index / (FIRST.len() * LAST.len());
        let number = if is_namesake || round > 0 { format!("{}", round + 2) } else { String::new() };
        let email = format!("{handle}.{}{number}@{DOMAIN}", LAST[last].to_ascii_lowercase());
        let role = match index % 8 {
            2 => Role::Lead,
            6 => Role::Product,
            7 if index % 16 == 15 => Role::Support,
            _ => Role::Engineer,
        };
        let login = match chance.below(10) {
            0..=5 => format!("{handle}-{}{index}", &LAST[last].to_ascii_lowercase()[..3]),
            6 | 7 => format!("{handle}{}", 80 + index),
            _ => format!("{}{index}", chance.pick(&NICKS)),
        };
        let github_id = 198_000_000 + index as u64 * 37;
        let commit_email = if chance.happens(0.2) { format!("{github_id}+{login}@users.noreply.github.com") } else { email.clone() };
        let name = format!("{} {}", FIRST[first], LAST[last]);
        let linear_id = chance.uuid();
        let profile = format!("https://linear.app/{WORKSPACE}/profiles/{handle}{index}");
        Self {
            first: handle,
            github: user(&login, github_id, "User", padding),
            actor: object! { "id": linear_id, "type": "user", "name": name, "email": email, "url": profile },
            member: object! { "id": linear_id, "name": name, "email": email, "avatarUrl": None::<&str>, "url": profile },
            slack_id: format!("U0SIM{index:06}"),
            offset: chance.pick(&OFFSETS) * HOUR,
            name,
            email,
            commit_email,
            login,
            linear_id,
            role,
        }
    }

    /// True for those who write and review code.
    pub const fn writes_code(&self) -> bool {
        matches!(self.role, Role::Engineer | Role::Lead)
    }

    /// The truth about them, given everyone.
    pub fn identity(&self, everyone: &[Self]) -> Identity {
        let hides = self.commit_email != self.email;
        let has_namesake = everyone.iter().filter(|other| other.name == self.name).count() > 1;
        Identity {
            name: self.name.clone(),
            email: self.email.clone(),
            commit_email: self.writes_code().then(|| self.commit_email.clone()),
            github_login: self.writes_code().then(|| self.login.clone()),
            linear_id: self.linear_id.to_string(),
            slack_id: self.slack_id.clone(),
            role: match self.role {
                Role::Engineer => "engineer",
                Role::Lead => "lead",
                Role::Product => "product",
                Role::Support => "support",
            },
            tied_by: match (self.writes_code(), hides, has_namesake) {
                (false, ..) => "no_login",
                (true, false, _) => "email",
                (true, true, false) => "name",
                (true, true, true) => "nothing",
            },
        }
    }
}

/// A user as GitHub's payloads carry one.
pub fn user(login: &str, id: u64, kind: &str, padding: Padding) -> Json {
    let api = format!("https://api.github.com/users/{login}");
    let mut user = Object::new();
    user.put("login", login).put("id", id).put("node_id", format!("U_kgDO{id:x}"));
    user.put("avatar_url", format!("https://avatars.githubusercontent.com/u/{id}?v=4")).put("gravatar_id", "");
    user.put("url", &api).put("html_url", format!("https://github.com/{login}"));
    if padding == Padding::Real {
        for (name, path) in [
            ("followers_url", "/followers"),
            ("following_url", "/following{/other_user}"),
            ("gists_url", "/gists{/gist_id}"),
            ("starred_url", "/starred{/owner}{/repo}"),
            ("subscriptions_url", "/subscriptions"),
            ("organizations_url", "/orgs"),
            ("repos_url", "/repos"),
            ("events_url", "/events{/privacy}"),
            ("received_events_url", "/received_events"),
        ] {
            user.put(name, format!("{api}{path}"));
        }
    }
    user.put("type", kind).put("site_admin", false).done()
}
