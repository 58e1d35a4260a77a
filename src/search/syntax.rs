//! What people type, brought into tantivy's own syntax: `source:github author:octocat "exact phrase" -draft`.
//!
//! Words are joined by AND unless `OR` stands between them; `NOT` and `-` exclude. A word with punctuation in it
//! (`ENG-123`, `src/main.rs`) is looked for as a phrase. What follows `subject:` may be written short: it stands for every
//! [name](crate::domain::subject::spellings) that it may have.

use chrono::{DateTime, NaiveDate, Utc};

use super::Error;
use crate::domain::subject;

/// The longest query.
pub(super) const QUERY_BYTES_MAX: usize = 2 << 10;
/// The most words, phrases and operators of a query.
pub(super) const TERMS_MAX: usize = 100;
const DEPTH_MAX: usize = 10;

/// The field of the index behind each name that people may write.
const FIELDS: &[(&str, &str)] = &[
    ("source", "source"),
    ("type", "type"),
    ("event", "type"),
    ("event_type", "type"),
    ("action", "action"),
    ("kind", "kind"),
    ("author", "author"),
    ("from", "author"),
    ("actor", "author"),
    ("repo", "repository"),
    ("repository", "repository"),
    ("subject", "subject"),
    ("about", "subject"),
    ("url", "url"),
    ("id", "id"),
    ("title", "title"),
    ("body", "body"),
    ("after", "after"),
    ("since", "after"),
    ("before", "before"),
    ("until", "before"),
];

/// The query in tantivy's syntax.
pub(super) fn translate(text: &str) -> Result<String, Error> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(Error::Query(format!("it is longer than {QUERY_BYTES_MAX} bytes")));
    }
    let mut scanner = Scanner { rest: text, out: String::new(), terms: 0, depth: 0, is_negative_only: true };
    while scanner.step()? {}
    if scanner.depth > 0 {
        return Err(Error::Query("a ( is not closed".to_owned()));
    }
    if scanner.out.trim().is_empty() {
        return Err(Error::Query("it is empty; write words, or a field such as source:github".to_owned()));
    }
    // Nothing but exclusions excludes from everything.
    Ok(if scanner.is_negative_only { format!("* {}", scanner.out) } else { scanner.out })
}

struct Scanner<'a> {
    rest: &'a str,
    out: String,
    terms: usize,
    depth: usize,
    is_negative_only: bool,
}

impl<'a> Scanner<'a> {
    /// Takes one word, phrase or operator; false at the end.
    fn step(&mut self) -> Result<bool, Error> {
        self.rest = self.rest.trim_start();
        let Some(first) = self.rest.chars().next() else { return Ok(false) };
        self.terms += 1;
        if self.terms > TERMS_MAX {
            return Err(Error::Query(format!("it has more than {TERMS_MAX} terms")));
        }
        match first {
            '(' => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(Error::Query(format!("brackets are nested deeper than {DEPTH_MAX}")));
                }
                self.take(1);
                self.out.push('(');
            }
            ')' => {
                self.depth = self.depth.checked_sub(1).ok_or_else(|| Error::Query("a ) was not opened".to_owned()))?;
                self.take(1);
                self.out.push_str(") ");
            }
            '-' | '+' if self.rest[1..].starts_with(|next: char| next.is_alphanumeric() || next == '"' || next == '(') => {
                self.take(1);
                self.out.push(first);
                let is_negative_only = self.is_negative_only && first == '-';
                self.step()?;
                self.is_negative_only = is_negative_only;
            }
            '"' => {
                let phrase = self.quoted();
                self.phrase(None, phrase);
            }
            _ => self.word()?,
        }
        Ok(true)
    }

    fn word(&mut self) -> Result<(), Error> {
        let end = self.rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"')).unwrap_or(self.rest.len());
        let word = self.take(end);
        match word {
            "AND" | "OR" | "NOT" => {
                self.out.push_str(word);
                self.out.push(' ');
                return Ok(());
            }
            "*" => {
                self.is_negative_only = false;
                self.out.push_str("* ");
                return Ok(());
            }
            _ => {}
        }
        let Some((name, value)) = word.split_once(':') else {
            self.phrase(None, word);
            return Ok(());
        };
        let is_quoted = value.is_empty() && self.rest.starts_with('"');
        let known = FIELDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, field)| *field);
        match known {
            Some(field) if is_quoted => {
                let value = self.quoted();
                self.field(field, value)
            }
            Some(field) if !value.is_empty() => self.field(field, value),
            // `https://…`, `12:30` and the colon after a word are text; what else looks like a field is a slip.
            None if is_quoted || (is_name(name) && !value.is_empty() && !value.starts_with("//")) => Err(unknown(name)),
            _ => {
                self.phrase(None, word);
                Ok(())
            }
        }
    }

    fn field(&mut self, field: &str, value: &str) -> Result<(), Error> {
        match field {
            "after" => self.range(&format!("received_at:[{} TO *] ", moment(value)?)),
            "before" => self.range(&format!("received_at:{{* TO {}}} ", moment(value)?)),
            _ => self.phrase(Some(field), value),
        }
        Ok(())
    }

    fn range(&mut self, text: &str) {
        self.is_negative_only = false;
        self.out.push_str(text);
    }

    /// Text without a letter or digit finds nothing, so it asks for nothing.
    fn phrase(&mut self, field: Option<&str>, text: &str) {
        if !text.contains(char::is_alphanumeric) {
            return;
        }
        // A NOT before it excludes.
        if !self.out.trim_end().ends_with("NOT") && !self.out.ends_with('-') {
            self.is_negative_only = false;
        }
        if field == Some("subject") {
            let names = subject::spellings(text).iter().map(|name| quoted(field, name)).collect::<Vec<_>>();
            self.out.push('(');
            self.out.push_str(&names.join(" OR "));
            self.out.push_str(") ");
        } else {
            self.out.push_str(&quoted(field, text));
            self.out.push(' ');
        }
    }

    /// What stands between quotes; to the end, if they are not closed.
    fn quoted(&mut self) -> &'a str {
        let inner = &self.rest[1..];
        let end = inner.find('"').unwrap_or(inner.len());
        self.rest = inner.get(end + 1..).unwrap_or_default();
        &inner[..end]
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }
}

/// A phrase in tantivy's syntax, in a field if there is one. What people write has no quotes left in it.
fn quoted(field: Option<&str>, text: &str) -> String {
    let field = field.map(|field| format!("{field}:")).unwrap_or_default();
    format!("{field}\"{}\"", text.replace('\\', "\\\\"))
}

fn is_name(text: &str) -> bool {
    text.len() > 1 && text.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
}

fn unknown(name: &str) -> Error {
    let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
    Error::Query(format!("there is no field {name:?}; the fields are {}. Put text with a colon in quotes", names.join(", ")))
}

/// A day, which means its start in UTC, or a moment.
fn moment(text: &str) -> Result<String, Error> {
    let day = text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(0, 0, 0)).map(|start| start.and_utc());
    let moment = day.or_else(|| text.parse::<DateTime<Utc>>().ok());
    let moment = moment.ok_or_else(|| Error::Query(format!("{text:?} is not a day such as 2026-01-31 or a moment such as 2026-01-31T12:00:00Z")))?;
    Ok(moment.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_translated() {
        for (text, expected) in [
            ("fix the bug", r#""fix" "the" "bug""#),
            ("source:github Type:pull_request", r#"source:"github" type:"pull_request""#),
            ("from:octocat repo:octocat/Hello-World", r#"author:"octocat" repository:"octocat/Hello-World""#),
            (r#""exact phrase" -draft"#, r#""exact phrase" -"draft""#),
            (r#"title:"two words""#, r#"title:"two words""#),
            ("a OR (b NOT c)", r#""a" OR ("b" NOT "c" )"#),
            ("-draft", r#"* -"draft""#),
            ("NOT draft", r#"* NOT "draft""#),
            ("after:2026-01-01", "received_at:[2026-01-01T00:00:00Z TO *]"),
            ("before:2026-01-01T10:00:00+02:00", "received_at:{* TO 2026-01-01T08:00:00Z}"),
            ("https://example.com/x?y=1", r#""https://example.com/x?y=1""#),
            ("fix: this", r#""fix:" "this""#),
            (r#"C:\dir & "open"#, r#""C:\\dir" "open""#),
            ("ENG-123 ^~[]{}", r#""ENG-123""#),
            ("*", "*"),
            ("about:github:o/r#7", r#"(subject:"github:o/r#7")"#),
            ("-subject:ENG-7 x", r#"-(subject:"ENG-7" OR subject:"linear:ENG-7" OR subject:"deployment:ENG-7") "x""#),
        ] {
            assert_eq!(translate(text).map(|query| query.trim().to_owned()).expect(text), expected, "{text}");
        }
    }

    #[test]
    fn slips_are_told() {
        for (text, part) in [
            ("", "empty"),
            ("  ...  ", "empty"),
            ("tenant:other", "no field \"tenant\""),
            ("position:7", "no field"),
            ("after:yesterday", "not a day"),
            ("(a", "not closed"),
            ("a)", "not opened"),
        ] {
            let message = translate(text).expect_err(text).to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
        assert!(translate(&"a ".repeat(TERMS_MAX + 1)).is_err());
        assert!(translate(&"(".repeat(1000)).is_err());
        assert!(translate(&"a".repeat(QUERY_BYTES_MAX + 1)).is_err());
        assert!(translate(&"-".repeat(1000)).is_err());
    }
}
