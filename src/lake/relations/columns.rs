//! Types of PostgreSQL as types of Arrow.
//!
//! | PostgreSQL | a question sees |
//! |---|---|
//! | `smallint`, `integer`, `bigint`, `boolean`, `double precision`, `date`, `bytea` | the same |
//! | `text` | text |
//! | `jsonb` | its JSON text, for `->`, `->>` and the other JSON functions |
//! | `numeric` | `double precision` |
//! | `timestamptz` | microseconds in UTC; NULL for `infinity` |
//! | `interval` | hours, as `double precision` |
//! | `text[]`, arrays of whole numbers | a list |
//! | anything else | as PostgreSQL writes it |

use std::error::Error as StdError;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Float64Builder, Int16Builder, Int32Builder, Int64Builder, ListBuilder, RecordBatch,
    RecordBatchOptions, StringBuilder, StringViewBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, SchemaRef, TimeUnit};
use datafusion::error::{DataFusionError, Result};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::quoted;

/// From the epoch of Unix to that of PostgreSQL.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400 * 1_000_000;

/// How a column is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Text that PostgreSQL writes for a value of another type.
    Written,
    SmallInt,
    Int,
    BigInt,
    Float,
    Bool,
    Moment,
    Day,
    Bytes,
    Texts,
    Integers,
}

/// A column of a relation.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// What PostgreSQL is asked for.
    pub(super) read: String,
    pub(super) comment: Option<String>,
}

impl Column {
    /// A column of a type, as `format_type` names it.
    pub(super) fn new(name: String, data_type: &str, comment: Option<String>) -> Self {
        let plain = quoted(&name);
        let (kind, read) = match data_type {
            "text" => (Kind::Text, plain),
            "smallint" => (Kind::SmallInt, plain),
            "integer" => (Kind::Int, plain),
            "bigint" => (Kind::BigInt, plain),
            "double precision" => (Kind::Float, plain),
            "numeric" | "real" => (Kind::Float, format!("{plain}::float8")),
            "interval" => (Kind::Float, format!("(extract(epoch FROM {plain}) / 3600)::float8")),
            "boolean" => (Kind::Bool, plain),
            "timestamp with time zone" => (Kind::Moment, plain),
            "date" => (Kind::Day, plain),
            "bytea" => (Kind::Bytes, plain),
            "text[]" => (Kind::Texts, plain),
            "bigint[]" => (Kind::Integers, plain),
            "integer[]" | "smallint[]" => (Kind::Integers, format!("{plain}::bigint[]")),
            _ => (Kind::Written, format!("{plain}::text")),
        };
        Self { name, kind, read, comment }
    }

    /// True where a value may be of any size.
    pub(super) const fn is_large(&self) -> bool {
        matches!(self.kind, Kind::Written | Kind::Bytes)
    }

    pub(super) fn field(&self) -> Field {
        Field::new(&self.name, self.kind.data_type(), true)
    }
}

impl Kind {
    fn data_type(self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
        match self {
            // Behind views, like the text of events: what repeats a row repeats sixteen bytes.
            Self::Text | Self::Written => DataType::Utf8View,
            Self::SmallInt => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Moment => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Day => DataType::Date32,
            Self::Bytes => DataType::Binary,
            Self::Texts => list(DataType::Utf8),
            Self::Integers => list(DataType::Int64),
        }
    }

    fn array(self, rows: &[Row], index: usize) -> Result<ArrayRef> {
        Ok(match self {
            Self::Text | Self::Written => {
                column(rows, index, StringViewBuilder::new(), |array, value: Option<&str>| array.append_option(value))?.finish().into_ref()
            }
            Self::SmallInt => column(rows, index, Int16Builder::new(), |array, value: Option<i16>| array.append_option(value))?.finish().into_ref(),
            Self::Int => column(rows, index, Int32Builder::new(), |array, value: Option<i32>| array.append_option(value))?.finish().into_ref(),
            Self::BigInt => column(rows, index, Int64Builder::new(), |array, value: Option<i64>| array.append_option(value))?.finish().into_ref(),
            Self::Float => column(rows, index, Float64Builder::new(), |array, value: Option<f64>| array.append_option(value))?.finish().into_ref(),
            Self::Bool => column(rows, index, BooleanBuilder::new(), |array, value: Option<bool>| array.append_option(value))?.finish().into_ref(),
            Self::Moment => {
                let moments = TimestampMicrosecondBuilder::new().with_timezone("UTC");
                column(rows, index, moments, |array, value: Option<Moment>| array.append_option(value.and_then(|value| value.0)))?.finish().into_ref()
            }
            Self::Day => {
                column(rows, index, Date32Builder::new(), |array, value: Option<Day>| array.append_option(value.and_then(|value| value.0)))?.finish().into_ref()
            }
            Self::Bytes => column(rows, index, BinaryBuilder::new(), |array, value: Option<&[u8]>| array.append_option(value))?.finish().into_ref(),
            Self::Texts => column(rows, index, ListBuilder::new(StringBuilder::new()), |array, value: Option<Vec<Option<&str>>>| array.append_option(value))?
                .finish()
                .into_ref(),
            Self::Integers => column(rows, index, ListBuilder::new(Int64Builder::new()), |array, value: Option<Vec<Option<i64>>>| array.append_option(value))?
                .finish()
                .into_ref(),
        })
    }
}

/// Rows as Arrow has them, under these columns.
pub(super) fn batch(schema: &SchemaRef, kinds: &[Kind], rows: &[Row]) -> Result<RecordBatch> {
    let columns = kinds.iter().enumerate().map(|(index, kind)| kind.array(rows, index)).collect::<Result<Vec<_>>>()?;
    // Rows that only count have no columns.
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

fn column<'a, T: FromSql<'a>, B>(rows: &'a [Row], index: usize, mut array: B, append: impl Fn(&mut B, Option<T>)) -> Result<B> {
    for row in rows {
        let value = row.try_get::<_, Option<T>>(index).map_err(|error| DataFusionError::External(Box::new(crate::db::Error::from(error))))?;
        append(&mut array, value);
    }
    Ok(array)
}

/// A finished array as DataFusion passes it on.
trait IntoRef {
    fn into_ref(self) -> ArrayRef;
}

impl<A: arrow::array::Array + 'static> IntoRef for A {
    fn into_ref(self) -> ArrayRef {
        Arc::new(self)
    }
}

/// Microseconds since 1970; none for what is at no time.
struct Moment(Option<i64>);

impl<'a> FromSql<'a> for Moment {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        let is_finite = micros != i64::MAX && micros != i64::MIN;
        Ok(Self(micros.checked_add(EPOCH_MICROS).filter(|_| is_finite)))
    }

    fn accepts(data_type: &Type) -> bool {
        *data_type == Type::TIMESTAMPTZ
    }
}

/// Days since 1970; none for what is on no day.
struct Day(Option<i32>);

impl<'a> FromSql<'a> for Day {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        let days = i32::from_be_bytes(raw.try_into()?);
        let is_finite = days != i32::MAX && days != i32::MIN;
        Ok(Self(days.checked_add(EPOCH_DAYS).filter(|_| is_finite)))
    }

    fn accepts(data_type: &Type) -> bool {
        *data_type == Type::DATE
    }
}
