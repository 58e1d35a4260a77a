//! The names of what events are about, in the one form that everything uses: `events.subject`, the lake and the text index
//! (through [`Facts`](super::Facts)), the column `subject` of every table of entities, and links.
//!
//! A name says first what gave it, and then what it is called there. Names are compared without regard to case and keep the
//! case that they came in, save hashes of commits. One that is too long for an index is no name that anybody gave, and none
//! is made of it.
//!
//! | it is | its name |
//! |---|---|
//! | a pull request, issue or discussion at GitHub | `github:owner/name#2` |
//! | an issue at Linear | `linear:HEL-42` |
//! | a message in Slack | `slack:C123/1700000000.000100` |
//! | a commit | `commit:<sha>` |
//! | a branch, a release or tag of a repository | `branch:owner/name@main`, `release:owner/name@v1` |
//! | a deployment: our own, one at GitHub | `deployment:<id>`, `deployment:github/<number>` |
//! | a check or job, a run of a workflow at GitHub | `check:github/<number>`, `run:github/<number>` |
//! | someone, as one platform knows them | `person:github/<login>` |

use std::fmt::Display;

/// The longest name, in bytes.
pub const BYTES_MAX: usize = 512;

/// The most names that someone may mean; `page.sql` looks for so many.
pub const SPELLINGS_MAX: usize = 6;

/// What a name begins with that is written as it is made here.
const SYSTEMS: [&str; 10] = ["github", "linear", "slack", "commit", "branch", "release", "deployment", "check", "run", "person"];

/// A pull request, an issue or a discussion of a repository (`owner/name`): they share one numbering.
#[must_use]
pub fn numbered(repository: &str, number: impl Display) -> Option<String> {
    bounded(format!("github:{repository}#{number}"))
}

/// An issue at Linear, by its identifier.
#[must_use]
pub fn linear(identifier: &str) -> Option<String> {
    bounded(format!("linear:{identifier}"))
}

/// A message in Slack, by its channel's id and its `ts`.
#[must_use]
pub fn message(channel: &str, ts: &str) -> Option<String> {
    bounded(format!("slack:{channel}/{ts}"))
}

/// A commit, if the text is a whole hash; a shortened one may mean several.
#[must_use]
pub fn commit(sha: &str) -> Option<String> {
    let is_hash = matches!(sha.len(), 40 | 64) && sha.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hash.then(|| format!("commit:{}", sha.to_ascii_lowercase()))
}

/// A branch of a repository.
#[must_use]
pub fn branch(repository: &str, branch: &str) -> Option<String> {
    bounded(format!("branch:{repository}@{branch}"))
}

/// A release of a repository, by its tag; the tag alone as well.
#[must_use]
pub fn release(repository: &str, tag: &str) -> Option<String> {
    bounded(format!("release:{repository}@{tag}"))
}

/// A deployment, by the id that its sender gave it.
#[must_use]
pub fn deployment(id: &str) -> Option<String> {
    bounded(format!("deployment:{id}"))
}

/// A `deployment`, `check` or `run` at GitHub, by its number.
#[must_use]
pub fn at_github(what: &str, number: i64) -> Option<String> {
    bounded(format!("{what}:github/{number}"))
}

/// Someone, by the name or the id that a platform has for them.
#[must_use]
pub fn person(platform: &str, name: &str) -> Option<String> {
    bounded(format!("person:{platform}/{name}"))
}

/// The names that someone may mean who asks for a subject: what is written, and where it does not say what gave the name
/// (`HEL-42`, `owner/name#2`, `owner/name@main`, `C123/1700000000.000100`, a commit's hash, the id of a deployment) every
/// form that it may have. Own events name subjects as they please, so what is written is always one of them, and the first.
#[must_use]
pub fn spellings(asked: &str) -> Vec<String> {
    let asked = asked.trim();
    let mut names = vec![asked.to_owned()];
    if asked.split_once(':').is_some_and(|(system, _)| SYSTEMS.iter().any(|known| known.eq_ignore_ascii_case(system))) {
        return names;
    }
    if let Some((repository, number)) = asked.split_once('#').filter(|(repository, number)| repository.contains('/') && is_number(number)) {
        names.extend(numbered(repository, number));
    }
    if let Some((repository, place)) = asked.split_once('@').filter(|(repository, _)| repository.contains('/')) {
        names.extend(commit(place));
        names.extend(branch(repository, place));
        names.extend(release(repository, place));
    }
    if let Some((channel, ts)) = asked.split_once('/').filter(|(_, ts)| ts.split_once('.').is_some_and(|(whole, part)| is_number(whole) && is_number(part))) {
        names.extend(message(channel, ts));
    }
    if asked.split_once('-').is_some_and(|(team, number)| !team.is_empty() && team.bytes().all(|byte| byte.is_ascii_alphanumeric()) && is_number(number)) {
        names.extend(linear(asked));
    }
    names.extend(commit(asked));
    names.extend(asked.parse().ok().and_then(|number| at_github("deployment", number)));
    names.extend(deployment(asked));
    names.truncate(SPELLINGS_MAX);
    names
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn bounded(name: String) -> Option<String> {
    (name.len() <= BYTES_MAX).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_full_is_meant_as_it_is() {
        for name in ["github:o/r#2", "linear:HEL-42", "Slack:C1/1.1", "deployment:HEL-42", "branch:o/r@main", "check:github/7"] {
            assert_eq!(spellings(name), [name]);
        }
    }

    #[test]
    fn what_is_written_short_is_meant_in_every_form_that_it_may_have() {
        let sha = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
        for (asked, expected) in [
            ("o/r#2", vec!["github:o/r#2"]),
            (" hel-42 ", vec!["linear:hel-42"]),
            ("C1/1700000000.000100", vec!["slack:C1/1700000000.000100"]),
            ("o/r@main", vec!["branch:o/r@main", "release:o/r@main"]),
            (sha, vec!["commit:6113728f27ae82c7b1a177c8d03f9e96e0adf246"]),
            ("145988746", vec!["deployment:github/145988746"]),
            ("dep-1a", vec![]),
            ("zendesk:7", vec![]),
            ("", vec![]),
        ] {
            let mut all = vec![asked.trim().to_owned()];
            all.extend(expected.into_iter().map(str::to_owned));
            all.push(format!("deployment:{}", asked.trim()));
            assert_eq!(spellings(asked), all, "{asked}");
        }
        let most = spellings(&format!("o/r@{sha}"));
        assert!(most.contains(&format!("commit:{sha}")) && most.len() < SPELLINGS_MAX, "{most:?}");
    }

    #[test]
    fn a_name_that_nobody_gave_is_none() {
        assert_eq!(branch("o/r", &"x".repeat(BYTES_MAX)), None);
        assert_eq!(commit("6113728"), None);
        assert_eq!(commit(&"A".repeat(40)), Some(format!("commit:{}", "a".repeat(40))));
        assert_eq!(spellings(&"x".repeat(BYTES_MAX)).len(), 1, "what is too long for a form has none");
    }
}
