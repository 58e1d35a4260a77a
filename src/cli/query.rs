//! `hooklake query`: saved questions, by name.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output::{say, write_out};
use super::{Exit, Format, output};
use crate::app::Base;
use crate::domain::Tenant;
use crate::lake::engine::QueryOptions;
use crate::saved::{self, Over, Presence, Saved, postgres};

/// `hooklake query …`
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Name every saved query with what it answers
    List(ListArguments),
    /// Show the text of one, with its parameters
    Show {
        /// Its name
        name: String,
    },
    /// Ask one
    Run(RunArguments),
}

/// `hooklake query list`
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    /// How they are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// `hooklake query run …`
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// Its name; `hooklake query list` names them
    name: String,
    /// What to tell it; `hooklake query show NAME` says what it wants to know
    #[arg(short, long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// The most rows to print
    #[arg(long, default_value_t = 1000, value_name = "N")]
    max_rows: usize,
    /// Seconds after which the question is given up
    #[arg(long, default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "write NAME=VALUE".to_owned())
}

/// Lists and shows; neither needs a database.
pub(super) fn look(command: &Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(arguments) => {
            let rows: Vec<Vec<Value>> =
                saved::all()?.iter().map(|saved| vec![json!(saved.name), json!(saved.over), json!(wanted(saved)), json!(saved.title)]).collect();
            output::print(arguments.output, &["name", "over", "parameters", "title"], &rows)?;
        }
        Command::Show { name } => match saved::find(name) {
            Ok(saved) => write_out!("{}", saved.text)?,
            Err(error) => return Ok(refused(&error)),
        },
        Command::Run(_) => {}
    }
    Ok(Exit::Done)
}

/// `repository? days=30`
fn wanted(saved: &Saved) -> String {
    let words = saved.parameters.iter().map(|parameter| match &parameter.presence {
        Presence::Required => parameter.name.clone(),
        Presence::Optional => format!("{}?", parameter.name),
        Presence::Default(default) => format!("{}={default}", parameter.name),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Asks, and prints the answer.
pub(super) async fn run(base: &Base, arguments: RunArguments) -> anyhow::Result<Exit> {
    let given: BTreeMap<String, String> = arguments.parameters.iter().cloned().collect();
    let found = saved::find(&arguments.name).and_then(|saved| saved.bind(&given).map(|values| (saved, values)));
    let (saved, values) = match found {
        Ok(found) => found,
        Err(error) => return Ok(refused(&error)),
    };
    let timeout = Duration::from_secs(arguments.timeout);
    let answer = match saved.over {
        Over::PostgreSql => postgres::ask(&base.database, &saved, &values, arguments.max_rows, timeout).await?,
        Over::Lake => {
            let values = values.iter().map(saved::Bound::scalar).collect();
            let options = QueryOptions { max_rows: arguments.max_rows, timeout };
            let answer = base.engine()?.query_with(&Tenant::default_tenant(), saved.text, values, options).await?;
            let columns = answer.columns();
            let rows = answer.to_json_rows()?.into_iter().map(|mut row| columns.iter().map(|column| row.remove(column).unwrap_or(Value::Null)).collect());
            postgres::Answer { rows: rows.collect(), truncated: answer.truncated, columns }
        }
        Over::GraphQl => {
            let names = saved.parameters.iter().map(|parameter| parameter.name.clone());
            let data = tokio::time::timeout(timeout, base.graphql(saved.text, names.zip(values.iter().map(saved::Bound::json)).collect())).await??;
            if arguments.output == Format::Json {
                say!("{}", serde_json::to_string_pretty(&data)?)?;
                return Ok(Exit::Done);
            }
            table_of(data, arguments.max_rows)
        }
    };
    let columns: Vec<&str> = answer.columns.iter().map(String::as_str).collect();
    output::print(arguments.output, &columns, &answer.rows)?;
    if answer.truncated {
        eprintln!("cut at {} rows; --max-rows gives more", answer.rows.len());
    }
    Ok(Exit::Done)
}

fn refused(error: &saved::Error) -> Exit {
    eprintln!("hooklake: {error}");
    Exit::Refused
}

/// The first list of objects in an answer of GraphQL, as rows; what is nested in them stays JSON.
fn table_of(data: Value, max_rows: usize) -> postgres::Answer {
    let list = first_list(data);
    let columns: Vec<String> = list.first().and_then(Value::as_object).map(|object| object.keys().cloned().collect()).unwrap_or_default();
    let row = |object: &Value| columns.iter().map(|column| object.get(column).cloned().unwrap_or(Value::Null)).collect();
    postgres::Answer { rows: list.iter().take(max_rows).map(row).collect(), truncated: list.len() > max_rows, columns }
}

fn first_list(data: Value) -> Vec<Value> {
    match data {
        Value::Array(list) if list.iter().all(Value::is_object) => list,
        Value::Object(fields) => fields.into_iter().map(|(_, value)| first_list(value)).find(|list| !list.is_empty()).unwrap_or_default(),
        _ => Vec::new(),
    }
}
