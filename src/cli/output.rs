//! Rows for people or for programs.

use std::io::Write;

use clap::ValueEnum;
use serde_json::Value;

/// Prints a line; an error when standard output is closed, as `println!` would panic then.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::output::write_out!("{}\n", format_args!($($text)*)) };
}
/// The same without an end of the line.
macro_rules! write_out {
    ($($text:tt)*) => { std::io::Write::write_fmt(&mut std::io::stdout(), format_args!($($text)*)) };
}
pub(super) use {say, write_out};

/// How rows are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// One JSON list of objects.
    Json,
    /// RFC 4180, with a header line.
    Csv,
}

/// Prints rows under these columns; a row has a value for each.
///
/// # Errors
/// When standard output is closed.
pub(super) fn print(format: Format, columns: &[&str], rows: &[Vec<Value>]) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let objects: Vec<Value> =
                rows.iter().map(|row| Value::Object(columns.iter().map(|name| (*name).to_owned()).zip(row.iter().cloned()).collect())).collect();
            writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&objects)?)?;
        }
        Format::Csv => return print_csv(Some(columns), rows),
        Format::Table => write!(std::io::stdout(), "{}", table(columns, rows))?,
    }
    Ok(())
}

/// Prints rows as CSV, under a header line if there is one.
///
/// # Errors
/// When standard output is closed.
pub(super) fn print_csv(header: Option<&[&str]>, rows: &[Vec<Value>]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if let Some(columns) = header {
        writeln!(out, "{}", columns.iter().map(|name| csv_field(name)).collect::<Vec<_>>().join(","))?;
    }
    for row in rows {
        writeln!(out, "{}", row.iter().map(|value| csv_field(&text(value))).collect::<Vec<_>>().join(","))?;
    }
    Ok(())
}

/// Columns as wide as their widest cell.
pub(crate) fn table(columns: &[&str], rows: &[Vec<Value>]) -> String {
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|value| visible(&text(value))).collect()).collect();
    let width = |index: usize| {
        let widest = cells.iter().filter_map(|row| row.get(index)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        widest.max(columns[index].chars().count())
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let mut text = line(&columns.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    text.push_str(&line(&widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>()));
    for row in &cells {
        text.push_str(&line(row));
    }
    text
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Event text is a stranger's: control characters would reach the terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_aligned_and_harmless() {
        let rows = [vec![json!("github"), json!(12)], vec![json!("\u{1b}[31mx"), Value::Null]];
        assert_eq!(table(&["source", "n"], &rows), "source  n\n──────  ──\ngithub  12\n [31mx\n");
    }

    #[test]
    fn csv_quotes_what_it_must() {
        assert_eq!(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_field("plain"), "plain");
    }
}
