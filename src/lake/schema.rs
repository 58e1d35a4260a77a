//! The columns of the table, and the one way from envelopes to rows: the exporter and the hot tail both go it.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryBuilder, Date32Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;

use crate::domain::{Envelope, Payload};

/// Raised when the same log would give other rows.
pub const VERSION: i32 = 2;
/// What the table is partitioned by: the day of `received_at`, in UTC.
pub const PARTITION: &str = "day";
/// The columns whose smallest and largest values the Delta log keeps, by which readers pass over files. None of them
/// holds what payloads say: commits are kept when rows are erased.
pub const SKIPPED_BY: &str = "position,received_at,tenant,source,event_type";
/// Columns of which no two values are equal: a dictionary would only cost.
pub const UNIQUE: &[&str] = &["id", "delivery_key", "payload", "body"];

/// The columns of `events`.
#[must_use]
pub fn schema() -> SchemaRef {
    let moment = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let always = |name: &str, data_type: DataType| Field::new(name, data_type, false);
    let maybe = |name: &str| Field::new(name, DataType::Utf8, true);
    Arc::new(Schema::new(vec![
        always("position", DataType::Int64),
        always("id", DataType::Utf8),
        always("tenant", DataType::Utf8),
        always("source", DataType::Utf8),
        always("event_type", DataType::Utf8),
        maybe("action"),
        always("kind", DataType::Utf8),
        maybe("actor"),
        maybe("title"),
        maybe("repository"),
        maybe("subject"),
        maybe("url"),
        always("received_at", moment.clone()),
        always("arrived_at", moment),
        always("parse_status", DataType::Utf8),
        // Comma-separated, empty for most: `late`, `suspect_replay`, `key_derived`.
        always("flags", DataType::Utf8),
        always("delivery_key", DataType::Utf8),
        always("verdict", DataType::Utf8),
        // [[name, value], …] in the order in which they came.
        always("headers", DataType::Utf8),
        always("body_bytes", DataType::Int64),
        // What the body says, as JSON text: the body itself wherever it is sound JSON, so that it is kept once. Absent
        // when it could not be read.
        maybe("payload"),
        // The body as it came, where it is not the payload byte for byte: forms, what had to be mended, what is no JSON.
        Field::new("body", DataType::Binary, true),
        always(PARTITION, DataType::Date32),
    ]))
}

/// The columns as queries see them. Text is behind views, so that what repeats a row (a join, an `unnest`) repeats
/// sixteen bytes rather than a payload.
#[must_use]
pub fn view_schema() -> SchemaRef {
    let viewed = |field: &Field| {
        let data_type = match field.data_type() {
            DataType::Utf8 => DataType::Utf8View,
            DataType::Binary => DataType::BinaryView,
            other => other.clone(),
        };
        field.clone().with_data_type(data_type)
    };
    Arc::new(Schema::new(schema().fields().iter().map(|field| viewed(field)).collect::<Vec<_>>()))
}

/// Rows as queries see them.
///
/// # Errors
/// Never for rows of [`batch_of`].
pub fn viewed(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = view_schema();
    let columns = rows.columns().iter().zip(schema.fields()).map(|(column, field)| arrow::compute::cast(column, field.data_type()));
    RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, _>>()?)
}

/// Envelopes as rows.
///
/// # Errors
/// When a column is longer than Arrow's offsets reach (2 GB); batches of the log are far below.
pub fn batch_of(envelopes: &[Envelope]) -> Result<RecordBatch, ArrowError> {
    let mut rows = Rows::default();
    // Grown step by step, what is nearly all of a batch would be copied again and again.
    rows.text[TEXTS - 1] = StringBuilder::with_capacity(envelopes.len(), envelopes.iter().map(|envelope| envelope.body.len()).sum());
    for envelope in envelopes {
        rows.push(envelope);
    }
    rows.finish()
}

/// The body itself where it is JSON that every reader reads alike: nothing mended, no key twice.
fn sound_json<'a>(envelope: &'a Envelope, payload: &Payload) -> Option<&'a str> {
    let is_form = envelope.headers.get("content-type").is_some_and(|value| value.to_ascii_lowercase().contains("form"));
    let is_sound = payload.jsonb().is_some() && !payload.lossy && !payload.duplicate_keys && !is_form;
    std::str::from_utf8(&envelope.body).ok().filter(|text| is_sound && !text.starts_with('\u{feff}'))
}

#[derive(Default)]
struct Rows {
    position: Int64Builder,
    text: [StringBuilder; TEXTS],
    received_at: TimestampMicrosecondBuilder,
    arrived_at: TimestampMicrosecondBuilder,
    body_bytes: Int64Builder,
    body: BinaryBuilder,
    day: Date32Builder,
}

/// How many columns hold text.
const TEXTS: usize = 17;

impl Rows {
    fn push(&mut self, envelope: &Envelope) {
        let payload = envelope.payload();
        let kind = envelope.kind(&payload);
        let facts = envelope.facts();
        let sound = sound_json(envelope, &payload);
        let written = if sound.is_none() { payload.jsonb().map(|said| said.to_string()) } else { None };
        let flags = envelope.flags.iter().map(|flag| flag.as_str()).collect::<Vec<_>>().join(",");
        let headers = serde_json::to_string(&envelope.headers).unwrap_or_else(|_| "[]".to_owned());
        self.position.append_value(envelope.position.get());
        let kind_text = kind.to_string();
        let id = envelope.id.to_string();
        let texts: [Option<&str>; TEXTS] = [
            Some(&id),
            Some(envelope.tenant.as_str()),
            Some(&envelope.source),
            Some(&envelope.event_type),
            kind.action.as_deref(),
            Some(&kind_text),
            facts.actor.as_deref(),
            facts.title.as_deref(),
            facts.repository.as_deref(),
            facts.subject.as_deref(),
            facts.url.as_deref(),
            Some(payload.status.as_str()),
            Some(&flags),
            Some(&envelope.delivery_key),
            Some(envelope.verdict.as_str()),
            Some(&headers),
            sound.or(written.as_deref()),
        ];
        for (column, value) in self.text.iter_mut().zip(texts) {
            column.append_option(value);
        }
        self.received_at.append_value(envelope.received_at.timestamp_micros());
        self.arrived_at.append_value(envelope.arrived_at.timestamp_micros());
        self.body_bytes.append_value(i64::try_from(envelope.body.len()).unwrap_or(i64::MAX));
        self.body.append_option((sound.is_none() && !envelope.body.is_empty()).then_some(&*envelope.body));
        self.day.append_value(i32::try_from(envelope.received_at.timestamp().div_euclid(86_400)).unwrap_or_default());
    }

    fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let schema = schema();
        let mut texts = self.text.iter_mut();
        let columns = schema
            .fields()
            .iter()
            .map(|field| -> ArrayRef {
                match field.name().as_str() {
                    "position" => Arc::new(self.position.finish()),
                    "received_at" => Arc::new(self.received_at.finish().with_timezone("UTC")),
                    "arrived_at" => Arc::new(self.arrived_at.finish().with_timezone("UTC")),
                    "body_bytes" => Arc::new(self.body_bytes.finish()),
                    "body" => Arc::new(self.body.finish()),
                    PARTITION => Arc::new(self.day.finish()),
                    // In the order of the schema, which is the order of `push`.
                    _ => texts.next().map_or_else(|| Arc::new(StringBuilder::new().finish()) as ArrayRef, |column| Arc::new(column.finish())),
                }
            })
            .collect();
        RecordBatch::try_new(schema, columns)
    }
}
