//! An answer, and the shapes in which doors show it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::writer::{JsonArray, WriterBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value};

use super::Error;
use crate::domain::Position;

/// How far an answer goes.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Receipt {
    /// Through which position of the log; that of the consumer that is furthest behind among those whose tables were read.
    pub through_position: Position,
    /// How old it is in milliseconds: what was appended since may be missing.
    pub lag_ms: i64,
    /// False when the log could not be asked, so that only what was exported is in it, or when a table that was read lacks
    /// what came last.
    pub complete: bool,
}

/// The answer to a question.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its columns.
    pub schema: SchemaRef,
    /// Its rows.
    pub batches: Vec<RecordBatch>,
    /// How many they are.
    pub rows: usize,
    /// True when there were more than were asked for.
    pub truncated: bool,
    /// How far it goes.
    pub receipt: Receipt,
}

impl Answer {
    /// The names of the columns.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The rows as JSON objects; a missing value is `null`.
    ///
    /// # Errors
    /// When a value has no JSON form.
    pub fn to_json_rows(&self) -> Result<Vec<Map<String, Value>>, Error> {
        let mut text = Vec::new();
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(&mut text);
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        writer.write_batches(&batches).and_then(|()| writer.finish()).map_err(shapeless)?;
        if text.is_empty() {
            return Ok(Vec::new());
        }
        serde_json::from_slice(&text).map_err(Error::store)
    }

    /// The rows as CSV with a header (RFC 4180).
    ///
    /// # Errors
    /// When a value has no text form.
    pub fn to_csv(&self) -> Result<String, Error> {
        let mut text = Vec::new();
        let mut writer = arrow::csv::WriterBuilder::new().with_header(true).build(&mut text);
        let empty = RecordBatch::new_empty(Arc::clone(&self.schema));
        // The header stands even where no row does.
        for batch in std::iter::once(&empty).chain(&self.batches) {
            writer.write(&flat(batch).map_err(shapeless)?).map_err(shapeless)?;
        }
        drop(writer);
        String::from_utf8(text).map_err(Error::store)
    }

    /// The rows as a Parquet file, which says in its metadata how far they go.
    ///
    /// # Errors
    /// When a column's type has no Parquet form.
    pub fn to_parquet(&self) -> Result<Vec<u8>, Error> {
        let said = [("hooklake.through_position", self.receipt.through_position.to_string()), ("hooklake.complete", self.receipt.complete.to_string())];
        let said = said.map(|(name, value)| KeyValue::new(name.to_owned(), value)).to_vec();
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).set_key_value_metadata(Some(said)).build();
        let mut file = Vec::new();
        let formless = |error: ParquetError| Error::Syntax(format!("the answer cannot be written as Parquet; CAST the column: {error}"));
        let mut writer = ArrowWriter::try_new(&mut file, Arc::clone(&self.schema), Some(properties)).map_err(formless)?;
        self.batches.iter().try_for_each(|batch| writer.write(batch)).and_then(|()| writer.close()).map_err(formless)?;
        Ok(file)
    }

    /// The rows as a table for a terminal.
    ///
    /// # Errors
    /// When a value has no text form.
    pub fn to_table(&self) -> Result<String, Error> {
        let empty = [RecordBatch::new_empty(Arc::clone(&self.schema))];
        let batches = if self.batches.is_empty() { &empty[..] } else { &self.batches };
        Ok(arrow::util::pretty::pretty_format_batches(batches).map_err(shapeless)?.to_string())
    }
}

/// Lists and structures as text, which is all that CSV holds.
fn flat(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let options = FormatOptions::default();
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        if !field.data_type().is_nested() {
            fields.push(Arc::clone(field));
            columns.push(Arc::clone(column));
            continue;
        }
        let formatter = ArrayFormatter::try_new(column, &options)?;
        let mut text = StringBuilder::new();
        for row in 0..column.len() {
            text.append_option((!column.is_null(row)).then(|| formatter.value(row).to_string()));
        }
        fields.push(Arc::new(Field::new(field.name(), DataType::Utf8, true)));
        columns.push(Arc::new(text.finish()));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn shapeless(error: ArrowError) -> Error {
    Error::store(error)
}

impl Answer {
    /// The answer with every text changed, as for a place on disk that a plan names.
    pub(super) fn map_text(mut self, change: impl Fn(&str) -> String) -> Self {
        let changed = |column: &ArrayRef| -> ArrayRef {
            match column.as_string_opt::<i32>() {
                Some(texts) => Arc::new(texts.iter().map(|text| text.map(&change)).collect::<StringArray>()),
                None => Arc::clone(column),
            }
        };
        for batch in &mut self.batches {
            let columns = batch.columns().iter().map(changed).collect();
            if let Ok(other) = RecordBatch::try_new(batch.schema(), columns) {
                *batch = other;
            }
        }
        self
    }
}
