//! Saved queries: the files of `queries/`, which come with the program and are run by name.
//!
//! ```text
//! -- Title
//! -- What it answers, on as many lines as it takes.
//! -- over: lake                          (else PostgreSQL; a .graphql file asks the GraphQL schema)
//! -- $1 days count = 30: what it means (a default, the word `optional`, or neither: then it must be given)
//! ```
//!
//! The text of a query never changes: parameters are bound by their place (SQL) or name (GraphQL), with the type that the
//! header gives them, so no value can become a part of the question. [`postgres`] asks PostgreSQL; the other two are
//! asked through the doors that everyone uses.

mod parameter;
pub mod postgres;

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};

pub use parameter::{Bound, Kind, Parameter, Presence};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/queries");

/// What a saved query is asked of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Over {
    /// Tables and views in PostgreSQL.
    PostgreSql,
    /// The lake and the newest events of the log, in DataFusion's SQL.
    Lake,
    /// The GraphQL schema.
    GraphQl,
}

impl Over {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PostgreSql => "postgresql",
            Self::Lake => "lake",
            Self::GraphQl => "graphql",
        }
    }
}

/// A query that can be run by its name.
#[derive(Debug, Clone)]
pub struct Saved {
    /// The name of its file, without what follows the dot.
    pub name: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it answers.
    pub description: String,
    /// What it is asked of.
    pub over: Over,
    /// What must or may be given, in the order of their places.
    pub parameters: Vec<Parameter>,
    /// The file as it is.
    pub text: &'static str,
}

/// Why a saved query cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none of this name.
    #[error("there is no saved query {0}; `hooklake query list` names them")]
    Unknown(String),
    /// A parameter is unknown, missing, or not of its type.
    #[error("{0}")]
    Parameter(String),
    /// A file of `queries/` has another shape than it must have.
    #[error("queries/{0}: {1}")]
    Header(String, String),
    /// PostgreSQL did not answer.
    #[error(transparent)]
    Database(#[from] crate::db::Error),
}

/// Every saved query, by name.
///
/// # Errors
/// [`Error::Header`] when a file's header cannot be read; tests see to it that this does not happen.
pub fn all() -> Result<Vec<Saved>, Error> {
    let mut all = FILES.files().map(read).collect::<Result<Vec<_>, _>>()?;
    all.sort_by_key(|saved| saved.name);
    Ok(all)
}

/// The saved query of a name.
///
/// # Errors
/// [`Error::Unknown`] when there is none.
pub fn find(name: &str) -> Result<Saved, Error> {
    all()?.into_iter().find(|saved| saved.name == name).ok_or_else(|| Error::Unknown(name.to_owned()))
}

fn read(file: &'static include_dir::File<'static>) -> Result<Saved, Error> {
    let path = file.path().display().to_string();
    let wrong = |what: &str| Error::Header(path.clone(), what.to_owned());
    let text = file.contents_utf8().ok_or_else(|| wrong("is no text"))?;
    let name = file.path().file_stem().and_then(|stem| stem.to_str()).ok_or_else(|| wrong("has no name"))?;
    let (mark, is_graphql) = match file.path().extension().and_then(|extension| extension.to_str()) {
        Some("sql") => ("--", false),
        Some("graphql") => ("#", true),
        _ => return Err(wrong("is neither .sql nor .graphql")),
    };
    let mut header = text.lines().map_while(|line| line.strip_prefix(mark)).map(str::trim);
    let title = header.next().filter(|title| !title.is_empty()).ok_or_else(|| wrong("does not open with its title"))?;
    let (mut over, mut parameters, mut description) = (if is_graphql { Over::GraphQl } else { Over::PostgreSql }, Vec::new(), Vec::new());
    for line in header {
        if line == "over: lake" && !is_graphql {
            over = Over::Lake;
        } else if line.starts_with('$') {
            parameters.push(Parameter::read(line, is_graphql, parameters.len() + 1).map_err(|what| wrong(&what))?);
        } else {
            description.push(line);
        }
    }
    Ok(Saved { name, title, description: description.join(" ").trim().to_owned(), over, parameters, text })
}

impl Saved {
    /// The parameters as they are bound, in the order of their places.
    ///
    /// # Errors
    /// [`Error::Parameter`] when one is unknown, missing, or cannot be read as its type.
    pub fn bind(&self, given: &BTreeMap<String, String>) -> Result<Vec<Bound>, Error> {
        if let Some(unknown) = given.keys().find(|name| self.parameters.iter().all(|parameter| &parameter.name != *name)) {
            let known: Vec<&str> = self.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has {}", known.join(", ")) };
            return Err(Error::Parameter(format!("{} has no parameter {unknown}; {known}", self.name)));
        }
        self.parameters.iter().map(|parameter| parameter.bind(given.get(&parameter.name).map(String::as_str))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_can_be_read_and_says_what_it_answers() {
        let all = all().expect("headers");
        assert!(all.len() >= 30, "{} saved queries", all.len());
        assert_eq!(all.iter().map(|saved| saved.name).collect::<BTreeSet<_>>().len(), all.len(), "names are unique");
        for saved in &all {
            assert!(saved.description.ends_with(['.', '?']), "{}: {}", saved.name, saved.description);
            for (number, parameter) in saved.parameters.iter().enumerate() {
                let placeholder = if saved.over == Over::GraphQl { format!("${}", parameter.name) } else { format!("${}", number + 1) };
                assert!(
                    saved.text.lines().any(|line| !line.starts_with("--") && !line.starts_with('#') && line.contains(&placeholder)),
                    "{} uses {placeholder}",
                    saved.name
                );
            }
        }
        for over in [Over::PostgreSql, Over::Lake, Over::GraphQl] {
            assert!(all.iter().any(|saved| saved.over == over), "{}", over.as_str());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let saved = find("what_is_stuck").expect("it is there");
        let given = |name: &str, value: &str| saved.bind(&BTreeMap::from([(name.to_owned(), value.to_owned())]));
        assert_eq!(saved.bind(&BTreeMap::new()).expect("defaults").len(), saved.parameters.len());
        assert!(given("day", "2").expect_err("unknown").to_string().contains("it has days"));
        assert!(given("days", "two").expect_err("no number").to_string().contains("days"));
        assert!(given("days", "2; DROP TABLE events").is_err());
        assert!(find("nothing").is_err());
    }
}
