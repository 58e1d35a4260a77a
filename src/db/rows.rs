//! New rows of a table, sent as they are: `COPY … FROM STDIN` in its binary format
//! (<https://www.postgresql.org/docs/current/sql-copy.html>). Nothing is planned, no array is made here and unpacked there
//! (decision 0039).

use std::borrow::Cow;
use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, NaiveDate, Utc};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{IsNull, ToSql, Type, WrongType, to_sql_checked};

use super::{Error, Transaction};

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// None.
    Null,
    /// `text`.
    Text(Cow<'a, str>),
    /// `bigint`, `integer` or `smallint`; NULL where the column is too small for it.
    Whole(i64),
    /// `double precision`.
    Number(f64),
    /// `boolean`.
    Flag(bool),
    /// `timestamptz`.
    Time(DateTime<Utc>),
    /// `date`.
    Day(NaiveDate),
    /// `text[]`.
    Texts(Vec<String>),
    /// `jsonb`, as text.
    Json(Cow<'a, str>),
}

/// Adds rows to a table, all in one statement. Each has a cell for each of these columns; other columns get their defaults.
///
/// # Errors
/// When a cell is of another type than its column, and as any statement that inserts.
pub async fn add(transaction: &Transaction<'_>, table: &str, columns: &[&str], rows: Vec<Vec<Cell<'_>>>) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let names = format!("\"{}\"", columns.join("\", \""));
    // Tells the types, and has the table's lock and its columns looked at: a COPY that is refused before it takes rows would
    // leave the connection one answer behind (<https://github.com/sfackler/rust-postgres/issues/789>).
    let nothing = transaction.prepare_cached(&format!("INSERT INTO {table} ({names}) SELECT {names} FROM {table} WHERE false RETURNING {names}")).await?;
    transaction.execute(&nothing, &[]).await?;
    let types: Vec<Type> = nothing.columns().iter().map(|column| column.type_().clone()).collect();
    let statement = transaction.prepare_cached(&format!("COPY {table} ({names}) FROM STDIN (FORMAT binary)")).await?;
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(transaction.copy_in(&statement).await?, &types));
    for row in rows {
        writer.as_mut().write_raw(&row).await?;
    }
    writer.finish().await?;
    Ok(())
}

impl ToSql for Cell<'_> {
    fn to_sql(&self, column: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Text(text) => give(text, column, out),
            Self::Whole(number) => match *column {
                Type::INT4 => give(&i32::try_from(*number).ok(), column, out),
                Type::INT2 => give(&i16::try_from(*number).ok(), column, out),
                _ => give(number, column, out),
            },
            Self::Number(number) => give(number, column, out),
            Self::Flag(flag) => give(flag, column, out),
            Self::Time(time) => give(time, column, out),
            Self::Day(day) => give(day, column, out),
            Self::Texts(texts) => give(texts, column, out),
            Self::Json(text) if *column == Type::JSONB => {
                // jsonb_recv: the version of the format, then the text.
                out.put_u8(1);
                out.put_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            Self::Json(_) => Err(Box::new(WrongType::new::<serde_json::Value>(column.clone()))),
        }
    }

    fn accepts(_: &Type) -> bool {
        // It depends on the value: `give` looks.
        true
    }

    to_sql_checked!();
}

fn give<T: ToSql>(value: &T, column: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
    if !T::accepts(column) {
        return Err(Box::new(WrongType::new::<T>(column.clone())));
    }
    value.to_sql(column, out)
}

impl<T: Into<Self>> From<Option<T>> for Cell<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// The values that go into a cell as they are.
macro_rules! cells {
    ($($value:ty => $cell:expr),+ $(,)?) => {
        $(impl From<$value> for Cell<'_> {
            fn from(value: $value) -> Self {
                $cell(value)
            }
        })+
    };
}

cells! {
    String => |text| Self::Text(Cow::Owned(text)),
    i64 => Self::Whole,
    i32 => |number| Self::Whole(i64::from(number)),
    f64 => Self::Number,
    bool => Self::Flag,
    DateTime<Utc> => Self::Time,
    NaiveDate => Self::Day,
    Vec<String> => Self::Texts,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(cell: &Cell<'_>, column: &Type) -> Result<Option<Vec<u8>>, String> {
        let mut out = BytesMut::new();
        match cell.to_sql_checked(column, &mut out) {
            Ok(IsNull::No) => Ok(Some(out.to_vec())),
            Ok(IsNull::Yes) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_number_that_its_column_cannot_hold_is_null() {
        assert_eq!(sent(&Cell::from(7_i64), &Type::INT8), Ok(Some(7_i64.to_be_bytes().to_vec())));
        assert_eq!(sent(&Cell::from(7_i64), &Type::INT4), Ok(Some(7_i32.to_be_bytes().to_vec())));
        assert_eq!(sent(&Cell::from(7_i64), &Type::INT2), Ok(Some(7_i16.to_be_bytes().to_vec())));
        assert_eq!(sent(&Cell::from(i64::from(i32::MAX) + 1), &Type::INT4), Ok(None));
        assert_eq!(sent(&Cell::from(-40_000_i64), &Type::INT2), Ok(None));
        assert_eq!(sent(&Cell::from(None::<i64>), &Type::INT8), Ok(None));
    }

    #[test]
    fn json_is_sent_with_the_version_of_its_format() {
        assert_eq!(sent(&Cell::Json("{}".into()), &Type::JSONB), Ok(Some(b"\x01{}".to_vec())));
    }

    #[test]
    fn a_cell_of_another_type_than_its_column_is_an_error() {
        for (cell, column) in [
            (Cell::from("7"), Type::INT8),
            (Cell::from(7_i64), Type::TEXT),
            (Cell::from(7.0), Type::INT8),
            (Cell::from(true), Type::TEXT),
            (Cell::from(vec!["a".to_owned()]), Type::TEXT),
            (Cell::Json("{}".into()), Type::TEXT),
        ] {
            let refused = sent(&cell, &column).expect_err("refused");
            assert!(refused.contains("cannot convert"), "{cell:?} into {column}: {refused}");
        }
    }
}
