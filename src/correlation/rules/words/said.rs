//! How people say that one thing takes another one back, or is the same: "Reverts #12", "This reverts commit …",
//! "Duplicate of HEL-42". Only where a line begins with it, which is how it is written on purpose.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{CERTAIN, Named, TEXT_BYTES_MAX, each, identifier, pattern, team};
use crate::correlation::rules::{Kind, Subject};

patterns! {
    REVERTED_NUMBER = r"(?im)^\s*(?:this\s+)?reverts?:?\s+(?:pull request\s+)?(?:([a-z0-9][a-z0-9-]*/[a-z0-9._-]+))?#([1-9][0-9]{0,8})(?-u:\b)";
    REVERTED_URL = r"(?im)^\s*(?:this\s+)?reverts?:?\s+<?https?://github\.com/([a-z0-9][a-z0-9-]*/[a-z0-9._-]+)/pull/([1-9][0-9]{0,8})(?-u:\b)";
    REVERTED_COMMIT = r"(?im)(?:^|\.\s)\s*(?:this\s+)?reverts?\s+(?:commit\s+)?([0-9a-f]{40})(?-u:\b)";
    // The title that GitHub and git give to what takes back a squashed pull request.
    REVERTED_TITLE = r#"^Revert ".*\(#([1-9][0-9]{0,8})\)""#;
    DUPLICATED_NUMBER = r"(?im)^\s*(?:this\s+(?:issue\s+)?is\s+a\s+)?(?:duplicate|dupe)\s+of:?\s+(?:([a-z0-9][a-z0-9-]*/[a-z0-9._-]+))?#([1-9][0-9]{0,8})(?-u:\b)";
    DUPLICATED_URL = r"(?im)^\s*(?:this\s+(?:issue\s+)?is\s+a\s+)?(?:duplicate|dupe)\s+of:?\s+<?https?://github\.com/([a-z0-9][a-z0-9-]*/[a-z0-9._-]+)/(?:pull|issues)/([1-9][0-9]{0,8})(?-u:\b)";
    DUPLICATED_IDENTIFIER = r"(?im)^\s*(?:this\s+(?:issue\s+)?is\s+a\s+)?(?:duplicate|dupe)\s+of:?\s+(?:<?\[?https?://linear\.app/[^/\s]+/issue/)?((?-i:[A-Z][A-Z0-9]{0,9}))-([1-9][0-9]{0,8})(?-u:\b)";
    REVERTING_BRANCH = r"^revert-([1-9][0-9]{0,8})-";
}

/// How the title begins of what takes back a revert.
const REVERTED_REVERT: &str = "Revert \"Revert \"";

/// What a pull request or a commit of this repository says that it takes back.
#[must_use]
pub fn reverted(text: &str, of: &Subject, repository: Option<&str>) -> Vec<Named> {
    let mut names = Vec::new();
    if !matches!(of.kind, Kind::PullRequest | Kind::Commit) {
        return names;
    }
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let numbered = |found: &Captures<'_>| at_github(Kind::PullRequest, found, repository);
    each(&REVERTED_NUMBER, text, &mut names, numbered);
    each(&REVERTED_URL, text, &mut names, numbered);
    each(&REVERTED_COMMIT, text, &mut names, |found| Some((Subject::commit(&found[1])?, CERTAIN, None)));
    // What takes back a revert brings back what that took.
    if text.starts_with(REVERTED_REVERT) {
        return names;
    }
    each(&REVERTED_TITLE, text, &mut names, |found| Some((Subject::numbered(Kind::PullRequest, repository?, found[1].parse().ok()?)?, CERTAIN, None)));
    names
}

/// The pull request that a branch takes back, as GitHub's button names such a branch.
#[must_use]
pub fn reverted_by_branch(branch: &str, repository: &str) -> Vec<Named> {
    let mut names = Vec::new();
    each(&REVERTING_BRANCH, branch, &mut names, |found| Some((Subject::numbered(Kind::PullRequest, repository, found[1].parse().ok()?)?, 0.95, None)));
    names
}

/// What an issue or a pull request of this repository says that it is a duplicate of.
#[must_use]
pub fn duplicated(text: &str, of: &Subject, repository: Option<&str>) -> Vec<Named> {
    let mut names = Vec::new();
    if !matches!(of.kind, Kind::PullRequest | Kind::Issue) {
        return names;
    }
    let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
    let numbered = |found: &Captures<'_>| at_github(of.kind, found, repository);
    each(&DUPLICATED_NUMBER, text, &mut names, numbered);
    each(&DUPLICATED_URL, text, &mut names, numbered);
    each(&DUPLICATED_IDENTIFIER, text, &mut names, |found| Some((identifier(found)?, CERTAIN, Some(team(found)))));
    names
}

fn at_github(kind: Kind, found: &Captures<'_>, repository: Option<&str>) -> Option<(Subject, f64, Option<String>)> {
    let repository = found.get(1).map(|other| other.as_str()).or(repository)?;
    Some((Subject::numbered(kind, repository, found[2].parse().ok()?)?, CERTAIN, None))
}
