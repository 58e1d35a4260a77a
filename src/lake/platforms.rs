//! The views of the platforms: the columns that PostgreSQL's tables of the same names have (`domain::columns`), read from
//! the payload when they are asked for. A payload is parsed once for all the columns of a row, by one function whose
//! value is a structure of them; a question that names none of them parses nothing.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, ListBuilder, StringBuilder, StringViewBuilder, StructArray,
    TimestampMicrosecondBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Field, Fields, TimeUnit};
use bytes::Bytes;
use datafusion::common::Result;
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::get_field;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};
use datafusion::prelude::{DataFrame, col, lit};

use crate::domain::Payload;
use crate::domain::clock::Timestamp;
use crate::domain::columns::{Column, Event, Read, deployment, github, linear, slack};
use crate::domain::envelope::{Flag, Headers};

/// A view of one platform's events.
#[derive(Debug, Clone, Copy)]
pub(super) struct Platform {
    /// Its name, and that of PostgreSQL's table.
    pub(super) name: &'static str,
    columns: &'static [Column],
    /// Which events it shows, replays aside.
    shows: fn() -> Expr,
}

/// The views, by their names.
pub(super) const PLATFORMS: [Platform; 4] = [
    Platform { name: "github_events", columns: github::COLUMNS, shows: || col("source").eq(lit("github")) },
    Platform { name: "linear_events", columns: linear::COLUMNS, shows: || col("source").eq(lit("linear")) },
    Platform { name: "slack_events", columns: slack::COLUMNS, shows: || col("source").eq(lit("slack")) },
    Platform { name: "deployment_events", columns: deployment::COLUMNS, shows: deployments },
];

/// Those that tools report, and those that GitHub tells of.
fn deployments() -> Expr {
    let of_github = col("source").eq(lit("github")).and(col("event_type").in_list(vec![lit("deployment"), lit("deployment_status")], false));
    col("source").eq(lit("deployment")).or(of_github)
}

impl Platform {
    /// The view over `events`.
    ///
    /// # Errors
    /// When `events` lacks a column.
    pub(super) fn view(&self, events: DataFrame) -> Result<DataFrame> {
        const SAID: &str = "said";
        let replays = lit(format!("%{}%", Flag::SuspectReplay.as_str()));
        let shown = events.filter((self.shows)().and(col("flags").not_like(replays)))?;
        let said = ScalarUDF::new_from_impl(Columns::of(self)).call(["source", "event_type", "headers", "payload"].map(col).to_vec());
        let first = ["position", "id", "tenant", "event_type", "delivery_key"];
        let last = ["received_at", "payload"];
        let parsed = shown.select(first.iter().chain(&last).map(|name| col(*name)).chain([said.alias(SAID)]))?;
        let columns = self.columns.iter().map(|column| get_field(col(SAID), column.0).alias(column.0));
        parsed.select(first.iter().map(|name| col(*name)).chain(columns).chain(last.iter().map(|name| col(*name))))
    }
}

/// The function that reads a platform's columns: source, type, headers and payload to a structure.
#[derive(Debug, Clone)]
struct Columns {
    name: String,
    list: &'static [Column],
    /// The columns as fields, made once: planning asks for them at every step.
    fields: Fields,
    signature: Signature,
}

/// Functions of one name are the same.
impl PartialEq for Columns {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Columns {}

impl std::hash::Hash for Columns {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Columns {
    fn of(platform: &Platform) -> Self {
        let fields = platform.columns.iter().map(|column| Field::new(column.0, data_type(column.1), true)).collect();
        Self { name: format!("columns_of_{}", platform.name), list: platform.columns, fields, signature: Signature::any(4, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Columns {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Struct(self.fields.clone()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut texts = Vec::new();
        for value in &args.args {
            texts.push(cast(&value.to_array(args.number_rows)?, &DataType::Utf8View)?);
        }
        let [source, event_type, headers, payload] = texts.as_slice() else {
            return Err(DataFusionError::Internal(format!("{} takes four texts", self.name)));
        };
        let [source, event_type, headers, payload] = [source, event_type, headers, payload].map(AsArray::as_string_view);
        let mut builders: Vec<Builder> = self.list.iter().map(|column| Builder::of(column.1)).collect();
        for row in 0..args.number_rows {
            let known = |texts: &arrow::array::StringViewArray| if texts.is_null(row) { String::new() } else { texts.value(row).to_owned() };
            let said = Payload::read(&Bytes::from(known(payload)), None);
            let sent: Headers = serde_json::from_str(&known(headers)).unwrap_or_default();
            let (source, event_type) = (known(source), known(event_type));
            let event = Event { source: &source, event_type: &event_type, headers: &sent, payload: said.value() };
            for builder in &mut builders {
                builder.append(&event);
            }
        }
        let arrays = builders.into_iter().map(Builder::finish).collect();
        Ok(ColumnarValue::Array(Arc::new(StructArray::try_new(self.fields.clone(), arrays, None)?)))
    }
}

/// The type of a column. JSON is text here, which `->` and `->>` read.
fn data_type(read: Read) -> DataType {
    match read {
        Read::Text(_) | Read::Made(_) | Read::Piece(_) => DataType::Utf8View,
        Read::Whole(_) => DataType::Int64,
        Read::Number(_) => DataType::Float64,
        Read::Flag(_) => DataType::Boolean,
        Read::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Read::Day(_) => DataType::Date32,
        Read::Texts(_) => DataType::new_list(DataType::Utf8, true),
    }
}

/// The values of one column as they are read.
enum Builder {
    Text(StringViewBuilder, for<'a> fn(&Event<'a>) -> Option<&'a str>),
    Made(StringViewBuilder, fn(&Event<'_>) -> Option<String>),
    Whole(Int64Builder, fn(&Event<'_>) -> Option<i64>),
    Number(Float64Builder, fn(&Event<'_>) -> Option<f64>),
    Flag(BooleanBuilder, fn(&Event<'_>) -> Option<bool>),
    Time(TimestampMicrosecondBuilder, fn(&Event<'_>) -> Option<Timestamp>),
    Day(Date32Builder, fn(&Event<'_>) -> Option<chrono::NaiveDate>),
    Texts(ListBuilder<StringBuilder>, fn(&Event<'_>) -> Vec<String>),
}

impl Builder {
    fn of(read: Read) -> Self {
        match read {
            Read::Text(read) => Self::Text(StringViewBuilder::new(), read),
            Read::Made(read) | Read::Piece(read) => Self::Made(StringViewBuilder::new(), read),
            Read::Whole(read) => Self::Whole(Int64Builder::new(), read),
            Read::Number(read) => Self::Number(Float64Builder::new(), read),
            Read::Flag(read) => Self::Flag(BooleanBuilder::new(), read),
            Read::Time(read) => Self::Time(TimestampMicrosecondBuilder::new(), read),
            Read::Day(read) => Self::Day(Date32Builder::new(), read),
            Read::Texts(read) => Self::Texts(ListBuilder::new(StringBuilder::new()), read),
        }
    }

    fn append(&mut self, event: &Event<'_>) {
        match self {
            Self::Text(values, read) => values.append_option(read(event)),
            Self::Made(values, read) => values.append_option(read(event)),
            Self::Whole(values, read) => values.append_option(read(event)),
            Self::Number(values, read) => values.append_option(read(event)),
            Self::Flag(values, read) => values.append_option(read(event)),
            Self::Time(values, read) => values.append_option(read(event).map(|time| time.timestamp_micros())),
            Self::Day(values, read) => values.append_option(read(event).map(Date32Type::from_naive_date)),
            Self::Texts(values, read) => values.append_value(read(event).into_iter().map(Some)),
        }
    }

    fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut values, _) | Self::Made(mut values, _) => Arc::new(values.finish()),
            Self::Whole(mut values, _) => Arc::new(values.finish()),
            Self::Number(mut values, _) => Arc::new(values.finish()),
            Self::Flag(mut values, _) => Arc::new(values.finish()),
            Self::Time(mut values, _) => Arc::new(values.finish().with_timezone("UTC")),
            Self::Day(mut values, _) => Arc::new(values.finish()),
            Self::Texts(mut values, _) => Arc::new(values.finish()),
        }
    }
}
