//! Rows of the platforms' tables: what is the same in all of them, and the columns of `domain::columns` in their order.

use tokio_postgres::types::ToSql;

use super::entry::{Entry, cut};
use crate::consumer::Error;
use crate::db::Transaction;
use crate::domain::columns::{Column, Event, Read};

/// The values of one column for all rows: one array is one parameter.
type Values<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// Inserts a row for each entry. The statement's parameters are position, id, tenant, event type, time of receipt,
/// `verbatim` and `mended`, then the columns; lists and JSON are sent as text, which it casts.
pub(super) async fn insert(statement: &str, columns: &[Column], entries: &[Entry<'_>], transaction: &Transaction<'_>) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let events: Vec<Event<'_>> = entries.iter().map(|entry| Event::of(entry.envelope, entry.value())).collect();
    let mut values: Vec<Values<'_>> = vec![
        Box::new(entries.iter().map(|entry| entry.envelope.position.get()).collect::<Vec<_>>()),
        Box::new(entries.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>()),
        Box::new(entries.iter().map(|entry| entry.envelope.tenant.as_str()).collect::<Vec<_>>()),
        Box::new(entries.iter().map(|entry| cut(&entry.envelope.event_type)).collect::<Vec<_>>()),
        Box::new(entries.iter().map(|entry| entry.envelope.received_at).collect::<Vec<_>>()),
        Box::new(entries.iter().map(|entry| entry.payload.verbatim).collect::<Vec<_>>()),
        Box::new(entries.iter().map(Entry::mended).collect::<Vec<_>>()),
    ];
    values.extend(columns.iter().map(|column| of_column(&events, column)));
    let parameters: Vec<&(dyn ToSql + Sync)> = values.iter().map(|values| &**values as &(dyn ToSql + Sync)).collect();
    let statement = transaction.prepare_cached(statement).await?;
    transaction.execute(&statement, &parameters).await?;
    Ok(())
}

fn of_column<'a>(events: &[Event<'a>], column: &Column) -> Values<'a> {
    match column.1 {
        Read::Text(read) => Box::new(events.iter().map(read).collect::<Vec<_>>()),
        Read::Made(read) | Read::Piece(read) => Box::new(events.iter().map(read).collect::<Vec<_>>()),
        Read::Whole(read) => Box::new(events.iter().map(read).collect::<Vec<_>>()),
        Read::Number(read) => Box::new(events.iter().map(read).collect::<Vec<_>>()),
        Read::Flag(read) => Box::new(events.iter().map(read).collect::<Vec<_>>()),
        Read::Time(read) => Box::new(events.iter().map(read).collect::<Vec<_>>()),
        Read::Day(read) => Box::new(events.iter().map(read).collect::<Vec<_>>()),
        Read::Texts(read) => Box::new(events.iter().map(|event| list(&read(event))).collect::<Vec<_>>()),
    }
}

/// Texts as PostgreSQL writes a list of them: `{"bug","good first issue"}`.
fn list(texts: &[String]) -> String {
    let mut list = String::from("{");
    for text in texts {
        if list.len() > 1 {
            list.push(',');
        }
        list.push('"');
        for character in text.chars() {
            if matches!(character, '"' | '\\') {
                list.push('\\');
            }
            list.push(character);
        }
        list.push('"');
    }
    list.push('}');
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::columns::{deployment, github, linear, slack};

    #[test]
    fn lists_are_quoted() {
        let texts = ["bug", "", "a,b", "{}", "NULL", "\"\\", "✍️"].map(str::to_owned);
        assert_eq!(list(&texts), r#"{"bug","","a,b","{}","NULL","\"\\","✍️"}"#);
        assert_eq!(list(&[]), "{}");
    }

    #[test]
    fn statements_name_the_columns_in_their_order() {
        for (statement, columns) in [
            (super::super::github::INSERT, github::COLUMNS),
            (super::super::linear::INSERT, linear::COLUMNS),
            (super::super::slack::INSERT, slack::COLUMNS),
            (super::super::deployment::INSERT, deployment::COLUMNS),
        ] {
            let given = ["position", "id", "tenant", "event_type", "received_at", "verbatim", "mended"];
            let names: Vec<&str> = given.into_iter().chain(columns.iter().map(|column| column.0)).collect();
            let listed = |text: &str, after: &str| -> Vec<String> {
                let list = text.split_once(after).and_then(|(_, rest)| rest.split_once(')')).expect("a list").0;
                list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect()
            };
            let (head, tail) = statement.split_once("FROM unnest(").expect("unnest");
            assert_eq!(listed(head, "_events ("), names, "what is inserted");
            assert_eq!(listed(tail, "AS u ("), names, "what is given");
        }
    }
}
