//! Takes rows out of the table: files that hold them are written anew without them, and the old ones leave the disk.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Int64Type};
use deltalake::kernel::Add;
use deltalake::operations::vacuum::VacuumMode;
use deltalake::parquet::arrow::ProjectionMask;
use deltalake::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use deltalake::parquet::file::reader::ChunkReader;
use deltalake::protocol::checkpoints;
use deltalake::writer::{DeltaWriter, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableError};
use tokio::sync::mpsc;

use super::Error;
use super::checked::Checked;
use super::schema::{self, PARTITION};
use super::store::is_data_file;
use super::sums;
use super::table::{self, Location};
use crate::db::Database;
use crate::domain::{Places, Position};
use crate::log::Reader;

/// Rows that are read at once: a row may be large.
pub(super) const ROWS: usize = 256;
/// Batches that may wait to be written.
const WAITING_MAX: usize = 2;

/// Files that take the place of others.
#[derive(Default)]
pub(super) struct Rewritten {
    pub(super) adds: Vec<Add>,
    /// Paths of the files that are replaced.
    pub(super) replaced: Vec<String>,
}

/// Writes anew those of the files that hold any of the places, without them, and what the log still says of the places.
/// Nothing names the new files yet. One file is held in memory at a time, however many days there are.
pub(super) async fn rewrite(
    location: &Location,
    table: &DeltaTable,
    files: Vec<String>,
    database: &Database,
    places: &Places,
) -> Result<Rewritten, DeltaTableError> {
    let mut writer = RecordBatchWriter::for_table(table)?.with_writer_properties(table::writer_properties());
    let mut rewritten = Rewritten::default();
    let mut removed = HashSet::new();
    for path in files {
        let (directory, name) = (location.directory().to_owned(), path.clone());
        let (sender, mut batches) = mpsc::channel(WAITING_MAX);
        let wanted = places.clone();
        let reading = tokio::task::spawn_blocking(move || read_without(&Checked::open(&directory, &name)?, Path::new(&name), &wanted, &sender));
        while let Some(batch) = batches.recv().await {
            writer.write(batch).await?;
        }
        let gone = reading.await.map_err(other)?.map_err(other)?;
        if !gone.is_empty() {
            removed.extend(gone);
            rewritten.replaced.push(path);
            // The writer keeps the rows of each day until it is told.
            rewritten.adds.extend(writer.flush().await?);
        }
    }
    // Also of what is retired, for a lake that keeps it; but what it had forgotten does not come back.
    let mut left = places.clone();
    left.positions.retain(|position| removed.contains(position) && !places.is_in_range(*position));
    let mut rest = Reader::new(database.clone()).with_retired().reread(&left);
    while let Some(batch) = rest.next().await.map_err(other)? {
        let rows = tokio::task::spawn_blocking(move || schema::batch_of(&batch.envelopes)).await.map_err(other)?.map_err(other)?;
        writer.write(rows).await?;
        rewritten.adds.extend(writer.flush().await?);
    }
    Ok(rewritten)
}

/// Sends the rows of a file that stay, nothing when all of them do; returns the positions of those that go.
fn read_without(
    file: &Checked,
    path: &Path,
    places: &Places,
    sender: &mpsc::Sender<RecordBatch>,
) -> Result<Vec<Position>, Box<dyn std::error::Error + Send + Sync>> {
    let stays = |batch: &RecordBatch| -> Result<BooleanArray, Box<dyn std::error::Error + Send + Sync>> {
        Ok(positions_of(batch)?.values().iter().map(|position| Some(!places.contain(Position::new(*position)))).collect())
    };
    // First the positions alone: most files hold none of them.
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone())?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["position"]);
    let mut gone = Vec::new();
    for batch in builder.with_projection(mask).build()? {
        let positions = positions_of(&batch?)?;
        gone.extend(positions.values().iter().copied().map(Position::new).filter(|position| places.contain(*position)));
    }
    if gone.is_empty() {
        return Ok(gone);
    }
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.clone())?.with_batch_size(ROWS);
    for batch in builder.build()? {
        let batch = batch?;
        let batch = whole(&filter_record_batch(&batch, &stays(&batch)?)?, path)?;
        if batch.num_rows() > 0 && sender.blocking_send(batch).is_err() {
            return Err("the rows are no longer wanted".into());
        }
    }
    Ok(gone)
}

fn positions_of(rows: &RecordBatch) -> Result<Int64Array, Box<dyn std::error::Error + Send + Sync>> {
    let positions = rows.column_by_name("position").ok_or("a file without positions")?;
    Ok(cast(positions, &DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// Rows of a file as rows of the table: with the day, which is in the file's path only, and the types of the schema.
pub(super) fn whole(rows: &RecordBatch, path: &Path) -> Result<RecordBatch, Box<dyn std::error::Error + Send + Sync>> {
    let schema = schema::schema();
    let columns = schema.fields().iter().map(|field| -> Result<ArrayRef, Box<dyn std::error::Error + Send + Sync>> {
        if field.name() == PARTITION {
            let directory = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
            let day = directory.strip_prefix("day=").ok_or("a data file outside of a day")?;
            let day: Arc<dyn Array> = Arc::new(StringArray::from(vec![day]));
            let day = cast(&day, &DataType::Date32)?;
            let day = day.as_any().downcast_ref::<Date32Array>().ok_or("a day that is none")?.value(0);
            return Ok(Arc::new(Date32Array::from(vec![day; rows.num_rows()])));
        }
        let column = rows.column_by_name(field.name()).ok_or("a file without a column of the table")?;
        Ok(cast(column, field.data_type())?)
    });
    Ok(RecordBatch::try_new(Arc::clone(&schema), columns.collect::<Result<_, _>>()?)?)
}

/// Removes from the disk what the table no longer names: data files, commits and checkpoints before this one, whose
/// statistics may quote a value, and what was set aside. `is_copied` while a rebuild fills files that no commit names.
pub(super) async fn purge(location: &Location, table: DeltaTable, is_copied: bool) -> Result<DeltaTable, DeltaTableError> {
    let mode = if is_copied { VacuumMode::Lite } else { VacuumMode::Full };
    let (table, _) = table.vacuum().with_mode(mode).with_retention_period(chrono::Duration::zero()).with_enforce_retention_duration(false).await?;
    location.sweep(&table)?;
    checkpoints::create_checkpoint(&table, None).await?;
    let version = table.snapshot()?.version();
    let soon = chrono::Utc::now().timestamp_millis() + 1_000;
    checkpoints::cleanup_expired_logs_for(version, table.log_store().as_ref(), soon, None).await?;
    location.remove_torn()?;
    location.sync_log()?;
    Ok(table)
}

/// How many rows of all data files under the lake's directory, and how many lines of its log, hold what is looked for;
/// files that no commit names included.
///
/// # Errors
/// When a file cannot be read.
pub fn traces(location: &Location, is_in: &dyn Fn(&str) -> bool) -> Result<u64, Error> {
    let mut found = 0;
    let table = location.directory();
    for path in files_below(table).map_err(Error::store)? {
        let name = path.strip_prefix(table).unwrap_or(&path).to_string_lossy();
        if sums::is_ours(&name) {
            continue;
        }
        if is_data_file(&name) {
            found += traces_in(Checked::open(table, &name).map_err(Error::store)?, is_in).map_err(Error::store)?;
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            found += traces_in(std::fs::File::open(&path).map_err(Error::store)?, is_in).map_err(Error::store)?;
        } else {
            let bytes = std::fs::read(&path).map_err(Error::store)?;
            found += String::from_utf8_lossy(&bytes).lines().filter(|line| is_in(line)).count() as u64;
        }
    }
    Ok(found)
}

fn traces_in(file: impl ChunkReader + 'static, is_in: &dyn Fn(&str) -> bool) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
    let mut found = 0;
    for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(ROWS).build()? {
        let batch = batch?;
        // Nested columns of the log's checkpoints are written out.
        let options = arrow::util::display::FormatOptions::default();
        let columns: Vec<_> =
            batch.columns().iter().map(|column| arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &options)).collect::<Result<_, _>>()?;
        for row in 0..batch.num_rows() {
            let is_found = columns.iter().zip(batch.columns()).any(|(formatter, column)| match column.data_type() {
                DataType::Binary => column.is_valid(row) && is_in(&String::from_utf8_lossy(column.as_binary::<i32>().value(row))),
                _ => is_in(&formatter.value(row).to_string()),
            });
            found += u64::from(is_found);
        }
    }
    Ok(found)
}

fn files_below(directory: &Path) -> std::io::Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() { directories.push(path) } else { files.push(path) }
        }
    }
    Ok(files)
}

pub(super) fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DeltaTableError {
    DeltaTableError::Generic(error.into().to_string())
}
