//! Makes one file of several without unpacking them: their packed columns are copied one after the other, as the Parquet
//! format allows, which keeps row groups in one piece (<https://parquet.apache.org/docs/file-format/>).
//!
//! Unpacking and packing costs more than all else that the lake does, so files are spliced once their row groups are large
//! enough to be read well (decision 0040). Smaller ones are written anew, with larger row groups.

use std::io::Write;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use chrono::DateTime;
use datafusion::object_store::ObjectStoreExt;
use datafusion::object_store::path::Path;
use deltalake::kernel::{Add, LogicalFileView};
use deltalake::parquet::column::writer::ColumnCloseResult;
use deltalake::parquet::errors::Result as ParquetResult;
use deltalake::parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use deltalake::parquet::file::writer::SerializedFileWriter;
use deltalake::{DeltaTable, DeltaTableError};
use serde_json::{Map, Value};

use super::checked::Checked;
use super::forget::other;
use super::table::{self, Location};

/// Row groups of so many packed bytes, on average over a file, are read well enough.
const ROW_GROUP_BYTES_MIN: i64 = 512 << 10;

/// A file that is to be spliced.
struct Piece {
    file: Checked,
    metadata: ParquetMetaData,
}

impl Piece {
    fn open(directory: &FilePath, name: &str) -> ParquetResult<Self> {
        let file = Checked::open(directory, name)?;
        let metadata = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional).parse_and_finish(&file)?;
        Ok(Self { file, metadata })
    }

    fn has_large_groups(&self) -> bool {
        let groups = self.metadata.row_groups();
        let bytes: i64 = groups.iter().map(RowGroupMetaData::compressed_size).sum();
        groups.iter().all(|group| group.num_rows() > 0) && bytes >= ROW_GROUP_BYTES_MIN * i64::try_from(groups.len()).unwrap_or(i64::MAX)
    }

    fn write<W: Write + Send>(&self, spliced: &mut SerializedFileWriter<W>) -> ParquetResult<()> {
        for (number, group) in self.metadata.row_groups().iter().enumerate() {
            let mut written = spliced.next_row_group()?;
            for (place, column) in group.columns().iter().enumerate() {
                let close = ColumnCloseResult {
                    bytes_written: u64::try_from(column.compressed_size()).unwrap_or_default(),
                    rows_written: u64::try_from(group.num_rows()).unwrap_or_default(),
                    metadata: column.clone(),
                    bloom_filter: None,
                    column_index: self.metadata.column_index().map(|index| index[number][place].clone()),
                    offset_index: self.metadata.offset_index().map(|index| index[number][place].clone()),
                };
                written.append_column(&self.file, close)?;
            }
            written.close()?;
        }
        Ok(())
    }
}

/// Splices these files of the table; none when they are better written anew, or no longer wanted. No commit names the file
/// that is made.
pub(super) async fn splice(location: &Location, table: &DeltaTable, names: &[String], is_wanted: &AtomicBool) -> Result<Option<Add>, DeltaTableError> {
    let files: Vec<_> = table.snapshot()?.log_data().iter().filter(|file| names.iter().any(|name| *name == file.path())).collect();
    let Some(stats) = merged(&files) else { return Ok(None) };
    let Some(day) = names.first().and_then(|name| name.split_once('/')).map(|(day, _)| day) else { return Ok(None) };
    let mut pieces = Vec::new();
    for name in names {
        let piece = Piece::open(location.directory(), name)?;
        if !piece.has_large_groups() {
            return Ok(None);
        }
        pieces.push(piece);
    }
    let Some(first) = pieces.first().map(|piece| piece.metadata.file_metadata()) else { return Ok(None) };
    if pieces.iter().any(|piece| piece.metadata.file_metadata().schema() != first.schema()) {
        return Ok(None);
    }
    // Among what a file says of itself is how Arrow is to read it.
    let properties = table::writer_properties().into_builder().set_key_value_metadata(first.key_value_metadata().cloned()).build();
    let size: u64 = pieces.iter().map(|piece| piece.file.size()).sum();
    let bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    let mut spliced = SerializedFileWriter::new(bytes, first.schema_descr().root_schema_ptr(), Arc::new(properties))?;
    for piece in &pieces {
        if !is_wanted.load(Ordering::Relaxed) {
            return Ok(None);
        }
        piece.write(&mut spliced)?;
    }
    let bytes = Bytes::from(spliced.into_inner()?);
    let path = format!("{day}/part-00000-{}-c000.zstd.parquet", uuid::Uuid::now_v7());
    let add = Add {
        path: path.clone(),
        size: i64::try_from(bytes.len()).map_err(other)?,
        partition_values: files.first().map(LogicalFileView::partition_values_map).unwrap_or_default(),
        modification_time: files.iter().map(LogicalFileView::modification_time).max().unwrap_or_default(),
        data_change: false,
        stats: Some(stats.to_string()),
        ..Add::default()
    };
    match table.log_store().object_store(None).put(&Path::parse(&path)?, bytes.into()).await {
        Ok(_) => Ok(Some(add)),
        Err(error) => {
            // It may be there, if only its checksums are not.
            drop(location.discard(&path));
            Err(error.into())
        }
    }
}

/// What the Delta log is to say of the values in all of these files; none when it does not say enough of each.
fn merged(files: &[LogicalFileView]) -> Option<Value> {
    let stats: Option<Vec<Value>> = files.iter().map(|file| serde_json::from_str(&file.stats()?).ok()).collect();
    together(&stats?)
}

fn together(stats: &[Value]) -> Option<Value> {
    let (first, others) = stats.split_first()?;
    let columns = |kind: &str| first.get(kind)?.as_object().cloned();
    let [mut least, mut greatest, mut nulls] = [columns("minValues")?, columns("maxValues")?, columns("nullCount")?];
    let mut records = first.get("numRecords")?.as_i64()?;
    for other in others {
        records += other.get("numRecords")?.as_i64()?;
        merge(&mut least, other.get("minValues")?, |column, mine, its| is_less(column, its, mine))?;
        merge(&mut greatest, other.get("maxValues")?, is_less)?;
        for (column, count) in &mut nulls {
            *count = (count.as_i64()? + other.get("nullCount")?.get(column)?.as_i64()?).into();
        }
    }
    Some(serde_json::json!({"numRecords": records, "minValues": least, "maxValues": greatest, "nullCount": nulls}))
}

/// Takes over each value that is wanted instead; none when the columns are others.
fn merge(values: &mut Map<String, Value>, others: &Value, is_wanted: impl Fn(&str, &Value, &Value) -> Option<bool>) -> Option<()> {
    let others = others.as_object().filter(|others| others.len() == values.len())?;
    for (column, value) in values {
        let its = others.get(column)?;
        if is_wanted(column, value, its)? {
            value.clone_from(its);
        }
    }
    Some(())
}

/// In the order of the column's type.
fn is_less(column: &str, one: &Value, other: &Value) -> Option<bool> {
    match (one, other) {
        // Written with as many digits as each needs.
        (Value::String(one), Value::String(other)) if column == "received_at" => {
            Some(DateTime::parse_from_rfc3339(one).ok()? < DateTime::parse_from_rfc3339(other).ok()?)
        }
        (Value::String(one), Value::String(other)) => Some(one < other),
        _ => Some(one.as_i64()? < other.as_i64()?),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(records: i64, positions: [i64; 2], times: [&str; 2], types: [&str; 2]) -> Value {
        let values = |end: usize| json!({"position": positions[end], "received_at": times[end], "event_type": types[end]});
        json!({"numRecords": records, "minValues": values(0), "maxValues": values(1), "nullCount": {"position": 0, "event_type": 1}})
    }

    #[test]
    fn what_is_said_of_files_is_said_of_all_of_them() {
        let one = said(2, [9, 10], ["2026-11-22T14:51:16Z", "2026-11-22T14:51:16.5Z"], ["issues", "push"]);
        let two = said(3, [8, 100], ["2026-11-22T14:51:16.25Z", "2026-11-22T14:51:16.75Z"], ["Issue", "issues"]);
        let both = json!({
            "numRecords": 5,
            "minValues": {"position": 8, "received_at": "2026-11-22T14:51:16Z", "event_type": "Issue"},
            "maxValues": {"position": 100, "received_at": "2026-11-22T14:51:16.75Z", "event_type": "push"},
            "nullCount": {"position": 0, "event_type": 2},
        });
        assert_eq!(together(&[one.clone(), two.clone()]), Some(both.clone()));
        assert_eq!(together(&[two, one.clone()]), Some(both));
        assert_eq!(together(std::slice::from_ref(&one)), Some(one));
    }

    #[test]
    fn files_of_which_too_little_is_known_are_not_spliced() {
        let known = said(2, [9, 10], ["2026-11-22T14:51:16Z", "2026-11-22T14:51:17Z"], ["issues", "push"]);
        let mut unknown = known.clone();
        unknown["minValues"].as_object_mut().expect("columns").remove("event_type");
        assert_eq!(together(&[known.clone(), unknown.clone()]), None);
        assert_eq!(together(&[unknown, known.clone()]), None);
        assert_eq!(together(&[known, json!({"numRecords": 1})]), None);
    }
}
