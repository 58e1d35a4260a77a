//! Names of subjects in what people write: Linear identifiers, addresses at GitHub, Linear and Slack, and GitHub's
//! closing keywords; what is said to be taken back or a duplicate (`said`), what others must explain (`meant`), and what
//! nobody sees of a text (`shown`).

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{Kind, Subject};

macro_rules! patterns {
    ($($name:ident = $text:literal;)+) => {
        $(static $name: LazyLock<Option<Regex>> = LazyLock::new(|| pattern($text));)+
    };
}

mod meant;
mod said;
mod shown;

pub use meant::{Meant, is_explained, is_name, meant};
pub use said::{duplicated, reverted, reverted_by_branch};
pub use shown::shown;

/// The most of a text that is looked at, in bytes: names stand near the top, and a log pasted into a comment is no
/// evidence.
pub(super) const TEXT_BYTES_MAX: usize = 64 << 10;

/// A subject that a text names.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// What is named.
    pub subject: Subject,
    /// The words, as written.
    pub text: String,
    /// Where they begin, in characters.
    pub start: usize,
    /// Where they end.
    pub end: usize,
    /// 1 where nothing else can be meant.
    pub confidence: f64,
    /// For an identifier: the Linear team that it would belong to.
    pub team_key: Option<String>,
}

/// How sure a bare identifier is; whether its team exists is decided later.
const IDENTIFIER: f64 = 0.9;
/// An identifier in the name of a branch, where case says nothing.
const IN_BRANCH: f64 = 0.85;
const CERTAIN: f64 = 1.0;

/// A pattern of ours; one that did not compile would find nothing, which the tests would notice.
fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

patterns! {
    // Bounded by ASCII words: Japanese text leaves no space before or after an identifier.
    IDENTIFIERS = r"(?-u:\b)([A-Z][A-Z0-9]{0,9})-([1-9][0-9]{0,8})(?-u:\b)";
    BRANCH_IDENTIFIERS = r"(?i)(?-u:\b)([a-z][a-z0-9]{0,9})-([1-9][0-9]{0,8})(?-u:\b)";
    GITHUB_URLS = r"(?i:https?://(?:www\.)?github\.com)/([A-Za-z0-9][A-Za-z0-9-]*)/([A-Za-z0-9._-]+)/(pull|issues)/([1-9][0-9]{0,8})(?-u:\b)";
    COMMIT_URLS = r"https?://(?:www\.)?github\.com/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+/(?:pull/[0-9]+/)?commits?/([0-9a-f]{40})(?-u:\b)";
    RELEASE_URLS = r"https?://(?:www\.)?github\.com/([A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+)/releases/tag/([A-Za-z0-9._+-]*[A-Za-z0-9])";
    RUN_URLS = r"https?://(?:www\.)?github\.com/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+/actions/runs/([1-9][0-9]{0,17})(?-u:\b)";
    CHECK_URLS = r"https?://(?:www\.)?github\.com/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+/(?:actions/)?runs/(?:[0-9]+/jobs?/)?([1-9][0-9]{0,17})(?-u:\b)";
    DEPLOYMENT_URLS = r"https?://api\.github\.com/repos/[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+/deployments/([1-9][0-9]{0,17})(?-u:\b)";
    LINEAR_URLS = r"https?://linear\.app/[^/\s]+/issue/([A-Z][A-Z0-9]{0,9})-([1-9][0-9]{0,8})(?-u:\b)";
    SLACK_URLS = r"https?://[a-z0-9-]+\.slack\.com/archives/([A-Z0-9]+)/p([0-9]{10})([0-9]{6})(?-u:\b)";
    // <https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue>; a number
    // and an address may be written as <https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls>
    // has them.
    CLOSING = r"(?i)(?-u:\b)(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:(?:([a-z0-9][a-z0-9-]*/[a-z0-9._-]+))?#|GH-|<?https?://(?:www\.)?github\.com/([a-z0-9][a-z0-9-]*/[a-z0-9._-]+)/issues/)([1-9][0-9]{0,8})(?-u:\b)";
    CLOSING_LINEAR = r"(?i)(?-u:\b)(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?|complet(?:e[sd]?|ing)):?\s+<?https?://linear\.app/[^/\s]+/issue/([a-z][a-z0-9]{0,9})-([1-9][0-9]{0,8})(?-u:\b)";
    // <https://linear.app/docs/github#link-through-pull-requests>; it may be set in bold or stand before an address.
    CLOSES_BEFORE = r"(?i)(?-u:\b)(?:clos(?:e[sd]?|ing)|fix(?:e[sd]|ing)?|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?|complet(?:e[sd]?|ing)):?\s+[\[(*_]*$";
}

/// Everything that a text names.
#[must_use]
pub fn named(text: &str) -> Vec<Named> {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let mut names = Vec::new();
    each(&LINEAR_URLS, text, &mut names, |found| Some((identifier(found)?, CERTAIN, Some(team(found)))));
    each(&GITHUB_URLS, text, &mut names, |found| {
        let kind = if &found[3] == "pull" { Kind::PullRequest } else { Kind::Issue };
        let subject = Subject::numbered(kind, &format!("{}/{}", &found[1], &found[2]), found[4].parse().ok()?)?;
        Some((subject, CERTAIN, None))
    });
    each(&COMMIT_URLS, text, &mut names, |found| Some((Subject::commit(&found[1])?, CERTAIN, None)));
    each(&RELEASE_URLS, text, &mut names, |found| Some((Subject::release(&found[1], &found[2])?, CERTAIN, None)));
    each(&RUN_URLS, text, &mut names, |found| Some((Subject::at_github(Kind::Run, found[1].parse().ok()?)?, CERTAIN, None)));
    each(&CHECK_URLS, text, &mut names, |found| {
        let is_run = found[0].contains("/actions/runs/") && !found[0].contains("/job");
        let subject = Subject::at_github(Kind::Check, found[1].parse().ok()?)?;
        (!is_run).then_some((subject, CERTAIN, None))
    });
    each(&DEPLOYMENT_URLS, text, &mut names, |found| Some((Subject::at_github(Kind::Deployment, found[1].parse().ok()?)?, CERTAIN, None)));
    each(&SLACK_URLS, text, &mut names, |found| {
        let subject = Subject::message(Kind::Message, &found[1], &format!("{}.{}", &found[2], &found[3]))?;
        Some((subject, CERTAIN, None))
    });
    each(&IDENTIFIERS, text, &mut names, |found| {
        let before = found.get(0).map_or("", |whole| &text[..whole.start()]);
        let is_closed = CLOSES_BEFORE.as_ref().is_some_and(|pattern| pattern.is_match(last_words(before)));
        Some((identifier(found)?, if is_closed { CERTAIN } else { IDENTIFIER }, Some(team(found))))
    });
    names
}

/// The issues that a text says it closes: `Fixes #7`, `closes other/repo#7`, `resolves GH-7`, or the address of one, at Linear too.
#[must_use]
pub fn closed_issues(text: &str, repository: &str) -> Vec<Named> {
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let mut names = Vec::new();
    each(&CLOSING, text, &mut names, |found| {
        let repository = found.get(1).or(found.get(2)).map_or(repository, |other| other.as_str());
        Some((Subject::numbered(Kind::Issue, repository, found[3].parse().ok()?)?, CERTAIN, None))
    });
    each(&CLOSING_LINEAR, text, &mut names, |found| Some((identifier(found)?, CERTAIN, Some(team(found)))));
    names
}

/// The Linear identifiers in the name of a branch: `ada/hel-42-explain`, `hel_42`.
#[must_use]
pub fn in_branch(branch: &str) -> Vec<Named> {
    let mut names = Vec::new();
    // To the pattern an underscore is part of a word; in a branch it separates words as a hyphen does.
    let hyphened = branch.replace('_', "-");
    each(&BRANCH_IDENTIFIERS, &hyphened, &mut names, |found| Some((identifier(found)?, IN_BRANCH, Some(team(found)))));
    for name in &mut names {
        name.text = branch.chars().skip(name.start).take(name.end - name.start).collect();
    }
    names
}

fn identifier(found: &Captures<'_>) -> Option<Subject> {
    Subject::linear(&format!("{}-{}", &found[1], &found[2]))
}

fn team(found: &Captures<'_>) -> String {
    found[1].to_ascii_uppercase()
}

/// The end of a text, long enough for a keyword.
fn last_words(text: &str) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(24))..]
}

fn each(pattern: &LazyLock<Option<Regex>>, text: &str, names: &mut Vec<Named>, mut read: impl FnMut(&Captures<'_>) -> Option<(Subject, f64, Option<String>)>) {
    let Some(pattern) = pattern.as_ref() else { return };
    // Characters are counted once over the text, not from its start for each name.
    let (mut counted, mut chars) = (0, 0);
    for found in pattern.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        chars += text[counted..whole.start()].chars().count();
        counted = whole.start();
        if let Some((subject, confidence, team_key)) = read(&found) {
            let end = chars + whole.as_str().chars().count();
            names.push(Named { subject, text: whole.as_str().to_owned(), start: chars, end, confidence, team_key });
        }
    }
}
