//! `hooklake search`.

use std::io::IsTerminal;

use clap::Args;
use serde_json::json;

use super::output::say;
use super::{Exit, Format, output};
use crate::app::Base;
use crate::domain::Tenant;
use crate::search::{Error, Hit, Searcher};

/// `hooklake search …`
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Words and fields, such as: source:github `type:pull_request` author:octocat "exact phrase"
    query: String,
    /// The most hits to print
    #[arg(short = 'n', long, default_value_t = 10, value_name = "N")]
    limit: usize,
    /// How hits are printed
    #[arg(long, value_enum, default_value_t)]
    output: Format,
}

/// Searches, and prints the hits, the best first.
pub(super) async fn run(base: &Base, arguments: Arguments) -> anyhow::Result<Exit> {
    let searcher = Searcher::new(base.database.clone(), &base.data_dir());
    let answer = match searcher.search(&Tenant::default_tenant(), &arguments.query, arguments.limit, 0).await {
        Ok(answer) => answer,
        Err(Error::Query(message)) => {
            eprintln!("hooklake: {message}");
            return Ok(Exit::Refused);
        }
        Err(error) => return Err(error.into()),
    };
    if arguments.output == Format::Table {
        let with_colour = std::io::stdout().is_terminal();
        for hit in &answer.hits {
            say!("{}\n", describe(hit, with_colour))?;
        }
    } else {
        let rows: Vec<_> = answer
            .hits
            .iter()
            .map(|hit| {
                vec![
                    json!(hit.id.to_string()),
                    json!(hit.position),
                    json!(hit.score),
                    json!(hit.source),
                    json!(hit.event_type),
                    json!(hit.action),
                    json!(hit.title),
                    json!(hit.snippet.iter().map(|(text, _)| text.as_str()).collect::<String>()),
                    json!(hit.url),
                    json!(hit.received_at),
                ]
            })
            .collect();
        output::print(arguments.output, &["id", "position", "score", "source", "event_type", "action", "title", "snippet", "url", "received_at"], &rows)?;
    }
    eprintln!("{} of {} hits, through position {}.", answer.hits.len(), answer.total, answer.through);
    Ok(Exit::Done)
}

/// A hit in two or three lines, its words highlighted.
pub(crate) fn describe(hit: &Hit, with_colour: bool) -> String {
    let (on, off) = if with_colour { ("\u{1b}[1;33m", "\u{1b}[0m") } else { ("«", "»") };
    let snippet: String = hit
        .snippet
        .iter()
        .map(|(text, is_match)| {
            let text = output::visible(text);
            if *is_match { format!("{on}{text}{off}") } else { text }
        })
        .collect();
    let action = hit.action.as_ref().map(|action| format!(".{action}")).unwrap_or_default();
    let kind = output::visible(&format!("{} {}{action}", hit.source, hit.event_type));
    let title = output::visible(hit.title.as_deref().unwrap_or("(no title)"));
    let url = hit.url.as_ref().map(|url| format!("\n  {}", output::visible(url))).unwrap_or_default();
    format!("{title}\n  {kind}  {}\n  … {snippet} …{url}", hit.received_at.format("%Y-%m-%d %H:%M"))
}
