//! What the organisation consists of: people in teams, repositories, channels; and the numbers that are given out.

use std::collections::VecDeque;

use uuid::Uuid;

use super::chance::{Chance, Sha};
use super::deploys::Ran;
use super::integrating::Develop;
use super::json::{Json, Object};
use super::moment::Moment;
use super::people::{OWNER, Person, Role, user};
use super::{Padding, Settings};

const TEAM_NAMES: [(&str, &str); 10] = [
    ("ENG", "Engineering"),
    ("WEB", "Web"),
    ("PAY", "Payments"),
    ("MOB", "Mobile"),
    ("DATA", "Data"),
    ("SEC", "Security"),
    ("INF", "Infrastructure"),
    ("GROW", "Growth"),
    ("SUP", "Support Tools"),
    ("API", "Platform"),
];
const REPOSITORIES: [&str; 12] =
    ["storefront", "billing", "mobile", "search", "platform", "docs-site", "ingest", "design-kit", "notifier", "warehouse", "gateway", "admin"];
/// How many people make a team.
const TEAM_PEOPLE: usize = 8;
/// How many commits of its default branch a repository remembers.
const LANDED_MAX: usize = 60;

/// Of four repositories the one that has `develop`.
const DEVELOPS: usize = 3;

/// The states of an issue, in the order of work; the last is off to the side.
pub const STATES: [(&str, &str, &str); 6] = [
    ("Backlog", "backlog", "#bec2c8"),
    ("Todo", "unstarted", "#e2e2e2"),
    ("In Progress", "started", "#f2c94c"),
    ("In Review", "started", "#0f783c"),
    ("Done", "completed", "#5e6ad2"),
    ("Canceled", "canceled", "#95a2b3"),
];
pub const LABELS: [(&str, &str); 4] = [("Bug", "#eb5757"), ("Feature", "#bb87fc"), ("Improvement", "#4ea7fc"), ("Docs ✍️", "#26b5ce")];

/// A team at Linear.
#[derive(Debug, Clone)]
pub struct Team {
    pub key: String,
    pub name: String,
    pub id: Uuid,
    pub states: [Uuid; STATES.len()],
    pub labels: [Uuid; LABELS.len()],
    pub members: Vec<usize>,
    pub engineers: Vec<usize>,
    /// The channel that they talk in.
    pub channel: usize,
    pub repositories: Vec<usize>,
    pub project: (Uuid, String),
    pub cycle: Option<(Uuid, u32)>,
    pub next_number: u32,
    /// Issues that were made last, to mention and to be parents: number, id, title.
    pub recent: Vec<(u32, Uuid)>,
}

/// A channel in Slack.
#[derive(Debug, Clone)]
pub struct Channel {
    pub id: String,
    pub name: String,
}

/// A repository at GitHub.
#[derive(Debug, Clone)]
pub struct Repository {
    pub name: String,
    pub full_name: String,
    pub id: u64,
    pub html: String,
    pub api: String,
    pub team: usize,
    /// True when merges become one commit.
    pub squashes: bool,
    /// True when GitHub's own deployments tell of deploys, and not events of hooklake's own.
    pub deploys_at_github: bool,
    /// The newest commit of the branch that work is merged into: the default one, unless there is `develop`.
    pub head: Sha,
    /// Where work is merged before it is released, in some.
    pub develop: Option<Develop>,
    /// The commits that came to that branch last, as a push lists those that are known elsewhere already.
    pub landed: VecDeque<(Sha, Json)>,
    /// What runs in production, once anything was deployed.
    pub live: Option<Ran>,
    /// Deployments to production that failed and were not repaired yet.
    pub failed: Vec<String>,
    pub next_number: u32,
    pub pushed_at: Moment,
    pub open_issues: u32,
    pub runs: u32,
    pub releases: u32,
    /// Works that are merged and wait for a deploy.
    pub waiting: Vec<u64>,
    pub is_deploying: bool,
    /// Titles and addresses of what was merged since the last release: title, number, author, issue named in the title.
    pub unreleased: Vec<Unreleased>,
    /// All fields but those that change.
    fixed: Json,
}

/// A merged pull request that no release has told of yet.
#[derive(Debug, Clone)]
pub struct Unreleased {
    pub title: String,
    pub number: u32,
    pub login: String,
    pub named: Option<String>,
}

/// Everything that stays when a story is over.
#[derive(Debug, Clone)]
pub struct World {
    pub padding: Padding,
    pub people: Vec<Person>,
    pub teams: Vec<Team>,
    pub repositories: Vec<Repository>,
    pub channels: Vec<Channel>,
    pub organization: Json,
    pub organization_id: Uuid,
    pub webhook_id: Uuid,
    pub github_app: Json,
    pub robot: Json,
    /// An app that says something of pull requests before anybody has read them.
    pub review_app: Json,
    next_id: u64,
}

impl World {
    pub fn new(settings: &Settings, start: Moment, chance: &mut Chance) -> Self {
        let padding = settings.padding;
        let people: Vec<Person> = (0..settings.people.max(2)).map(|index| Person::new(index, padding, chance)).collect();
        let mut channels: Vec<Channel> = ["general", "deploys", "incidents"]
            .iter()
            .enumerate()
            .map(|(index, name)| Channel { id: format!("C0SIM{index:06}"), name: (*name).to_owned() })
            .collect();
        let team_count = (people.len() / TEAM_PEOPLE).max(1);
        let mut teams: Vec<Team> = (0..team_count).map(|index| Team::new(index, &mut channels, chance)).collect();
        for (index, person) in people.iter().enumerate() {
            let team = &mut teams[index / TEAM_PEOPLE % team_count];
            team.members.push(index);
            if person.writes_code() {
                team.engineers.push(index);
            }
        }
        let mut repositories = Vec::new();
        for index in 0..settings.repos.max(1) {
            let team = index % team_count;
            teams[team].repositories.push(index);
            repositories.push(Repository::new(index, team, padding, start, chance));
        }
        // A team without a repository of its own works in another team's.
        for (index, team) in teams.iter_mut().enumerate().filter(|(_, team)| team.repositories.is_empty()) {
            team.repositories.push(index % repositories.len());
        }
        let organization = organization();
        let github_app = app("northwind-ci", padding);
        let robot = user("dependabot[bot]", 49_699_333, "Bot", padding);
        let review_app = user("second-look[bot]", 136_622_811, "Bot", padding);
        let (organization_id, webhook_id) = (chance.uuid(), chance.uuid());
        Self {
            padding,
            people,
            teams,
            repositories,
            channels,
            organization,
            organization_id,
            webhook_id,
            github_app,
            robot,
            review_app,
            next_id: 3_100_000_000,
        }
    }

    /// A number that nothing else has, growing with time as GitHub's do.
    pub const fn next_id(&mut self) -> u64 {
        self.next_id += 7;
        self.next_id
    }

    pub fn is_real(&self) -> bool {
        self.padding == Padding::Real
    }

    /// Somebody of a team who writes code, but not this one, if there is anybody else.
    pub fn colleague(&self, team: usize, than: usize, chance: &mut Chance) -> usize {
        let team = &self.teams[team].engineers;
        let found = team[chance.below(team.len())];
        if found != than {
            return found;
        }
        let at = team.iter().position(|engineer| *engineer == than).unwrap_or(0);
        team[(at + 1) % team.len()]
    }
}

impl Team {
    fn new(index: usize, channels: &mut Vec<Channel>, chance: &mut Chance) -> Self {
        let (key, name) = TEAM_NAMES[index % TEAM_NAMES.len()];
        let round = index / TEAM_NAMES.len();
        let (key, name) = if round == 0 { (key.to_owned(), name.to_owned()) } else { (format!("{key}{}", round + 1), format!("{name} {}", round + 1)) };
        channels.push(Channel { id: format!("C0SIM{:06}", channels.len()), name: format!("team-{}", key.to_ascii_lowercase()) });
        Self {
            id: chance.uuid(),
            states: std::array::from_fn(|_| chance.uuid()),
            labels: std::array::from_fn(|_| chance.uuid()),
            members: Vec::new(),
            engineers: Vec::new(),
            channel: channels.len() - 1,
            repositories: Vec::new(),
            project: (chance.uuid(), format!("{name} in the second half")),
            cycle: None,
            next_number: chance.between(20, 400) as u32,
            recent: Vec::new(),
            key,
            name,
        }
    }

    pub fn json(&self) -> Json {
        Object::new().put("id", self.id).put("key", &self.key).put("name", &self.name).done()
    }
}

impl Repository {
    fn new(index: usize, team: usize, padding: Padding, start: Moment, chance: &mut Chance) -> Self {
        let round = index / REPOSITORIES.len();
        let name = match REPOSITORIES[index % REPOSITORIES.len()] {
            name if round == 0 => name.to_owned(),
            name => format!("{name}-{}", round + 1),
        };
        let full_name = format!("{OWNER}/{name}");
        let (html, api) = (format!("https://github.com/{full_name}"), format!("https://api.github.com/repos/{full_name}"));
        let id = 710_000_000 + index as u64 * 131;
        let head = chance.sha();
        let develops = index % 4 == DEVELOPS;
        let fixed = fixed_fields(&name, &full_name, id, padding);
        Self {
            id,
            team,
            // What is merged to `develop` is one commit each, so that what a release brings is what came since the last.
            squashes: index % 3 != 2 || develops,
            deploys_at_github: index.is_multiple_of(2),
            head,
            develop: develops.then(|| Develop { main: head, works: Vec::new(), commits: Vec::new() }),
            landed: VecDeque::new(),
            live: None,
            failed: Vec::new(),
            next_number: chance.between(10, 900) as u32,
            pushed_at: start,
            open_issues: 0,
            runs: 0,
            releases: 0,
            waiting: Vec::new(),
            is_deploying: false,
            unreleased: Vec::new(),
            fixed,
            name,
            full_name,
            html,
            api,
        }
    }

    /// The branch that work is merged into.
    pub const fn trunk(&self) -> &'static str {
        if self.develop.is_some() { "develop" } else { "main" }
    }

    /// What is deployed: the newest commit of the default branch.
    pub fn deployable(&self) -> Sha {
        self.develop.as_ref().map_or(self.head, |develop| develop.main)
    }

    /// A commit came to the branch that work is merged into.
    pub fn land(&mut self, at: Moment, sha: Sha, commit: Json) {
        self.head = sha;
        if let Some(develop) = &mut self.develop {
            develop.commits.push((sha, at, commit.clone()));
        }
        self.landed.push_back((sha, commit));
        if self.landed.len() > LANDED_MAX {
            self.landed.pop_front();
        }
    }

    /// What came to that branch after this commit.
    pub fn since(&self, base: Sha) -> Vec<Json> {
        let after = self.landed.iter().position(|(sha, _)| *sha == base).map_or(0, |at| at + 1);
        self.landed.iter().skip(after).map(|(_, commit)| commit.clone()).collect()
    }

    /// As GitHub's payloads carry it.
    pub fn json(&self) -> Json {
        let mut repository = Object::new();
        repository.all_of(&self.fixed).put("created_at", Moment::from_unix(1_557_933_565)).put("updated_at", self.pushed_at).put("pushed_at", self.pushed_at);
        repository.put("open_issues_count", self.open_issues).put("open_issues", self.open_issues).done()
    }
}

fn fixed_fields(name: &str, full_name: &str, id: u64, padding: Padding) -> Json {
    let api = format!("https://api.github.com/repos/{full_name}");
    let html = format!("https://github.com/{full_name}");
    let mut fixed = Object::new();
    fixed.put("id", id).put("node_id", format!("R_kgDO{id:x}")).put("name", name).put("full_name", full_name).put("private", true);
    fixed.put("owner", user(OWNER, 38_302_899, "Organization", padding)).put("html_url", &html).put("description", None::<&str>).put("fork", false);
    fixed.put("url", &api);
    if padding == Padding::Real {
        for (field, path) in ADDRESSES {
            fixed.put(field, format!("{api}{path}"));
        }
        fixed.put("git_url", format!("git://github.com/{full_name}.git")).put("ssh_url", format!("git@github.com:{full_name}.git"));
        fixed.put("clone_url", format!("{html}.git")).put("svn_url", &html).put("homepage", None::<&str>);
        fixed.put("size", 4711).put("stargazers_count", 3).put("watchers_count", 3).put("language", "Rust");
        for field in ["has_issues", "has_projects", "has_downloads", "has_wiki"] {
            fixed.put(field, true);
        }
        fixed.put("has_pages", false).put("has_discussions", false).put("forks_count", 0).put("mirror_url", None::<&str>);
        fixed.put("allow_forking", false).put("is_template", false).put("web_commit_signoff_required", false).put("topics", ["northwind"]);
        fixed.put("visibility", "private").put("forks", 0).put("watchers", 3).put("license", None::<&str>);
    }
    fixed.put("archived", false).put("disabled", false).put("default_branch", "main").done()
}

/// Addresses within a repository that GitHub's payloads spell out.
const ADDRESSES: [(&str, &str); 36] = [
    ("forks_url", "/forks"),
    ("keys_url", "/keys{/key_id}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("teams_url", "/teams"),
    ("hooks_url", "/hooks"),
    ("issue_events_url", "/issues/events{/number}"),
    ("events_url", "/events"),
    ("assignees_url", "/assignees{/user}"),
    ("branches_url", "/branches{/branch}"),
    ("tags_url", "/tags"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("trees_url", "/git/trees{/sha}"),
    ("statuses_url", "/statuses/{sha}"),
    ("languages_url", "/languages"),
    ("stargazers_url", "/stargazers"),
    ("contributors_url", "/contributors"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("commits_url", "/commits{/sha}"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("comments_url", "/comments{/number}"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("contents_url", "/contents/{+path}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("merges_url", "/merges"),
    ("archive_url", "/{archive_format}{/ref}"),
    ("downloads_url", "/downloads"),
    ("issues_url", "/issues{/number}"),
    ("pulls_url", "/pulls{/number}"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("labels_url", "/labels{/name}"),
    ("releases_url", "/releases{/id}"),
    ("deployments_url", "/deployments"),
];

fn organization() -> Json {
    let api = format!("https://api.github.com/orgs/{OWNER}");
    let mut organization = Object::new();
    organization.put("login", OWNER).put("id", 38_302_899).put("node_id", "MDEyOk9yZ2FuaXphdGlvbjM4MzAyODk5").put("url", &api);
    organization.put("repos_url", format!("{api}/repos")).put("events_url", format!("{api}/events")).put("description", "Things, delivered").done()
}

/// An app that runs checks.
fn app(slug: &str, padding: Padding) -> Json {
    let mut app = Object::new();
    app.put("id", 912_007).put("slug", slug).put("node_id", "A_kwHOAjHkus4ADepn").put("owner", user(OWNER, 38_302_899, "Organization", padding));
    app.put("name", "Northwind CI").put("description", "").put("external_url", "https://ci.northwind.example");
    app.put("html_url", format!("https://github.com/apps/{slug}")).put("created_at", Moment::from_unix(1_557_933_565));
    app.put("updated_at", Moment::from_unix(1_557_933_565)).put("events", ["check_run", "check_suite"]).done()
}

/// The kinds of people who make issues.
pub const fn plans(role: Role) -> bool {
    !matches!(role, Role::Engineer)
}
