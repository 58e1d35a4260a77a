//! The lake's place on disk, as the Delta library and DataFusion see it. Data files get checksums as they are written,
//! before a commit can name them, and are read through these; everything else passes.

use std::fmt::{Display, Formatter};
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::object_store::local::LocalFileSystem;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions,
    PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use futures::StreamExt;
use futures::stream::BoxStream;

use super::checked::Checked;
use super::sums::{self, Summing};

/// The local file system, with checksums for the data files of one table.
#[derive(Debug, Clone)]
pub(super) struct CheckedStore {
    files: LocalFileSystem,
    table: Arc<FilePath>,
}

impl CheckedStore {
    /// For the table in this directory.
    pub(super) fn new(table: &FilePath) -> Self {
        Self { files: LocalFileSystem::new(), table: Arc::from(table) }
    }

    /// The name within the table, if it is one of its data files.
    fn data_file(&self, location: &Path) -> Option<String> {
        let path = self.files.path_to_filesystem(location).ok()?;
        let name = path.strip_prefix(&self.table).ok()?.to_str()?;
        is_data_file(name).then(|| name.to_owned())
    }

    async fn open(&self, name: String) -> Result<Checked> {
        let table = Arc::clone(&self.table);
        blocking(move || Checked::open(&table, &name)).await
    }
}

/// True for the name of a data file within its table; what begins with an underscore is the log, or ours.
pub(super) fn is_data_file(name: &str) -> bool {
    name.ends_with(".parquet") && !name.starts_with('_')
}

impl Display for CheckedStore {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "the lake in {}", self.table.display())
    }
}

#[async_trait]
impl ObjectStore for CheckedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let Some(name) = self.data_file(location) else { return self.files.put_opts(location, payload, opts).await };
        let put = self.files.put_opts(location, payload.clone(), opts).await?;
        let table = Arc::clone(&self.table);
        blocking(move || {
            let mut summing = Summing::default();
            payload.iter().for_each(|bytes| summing.add(bytes));
            sums::seal(&table, &name, &summing.finish())
        })
        .await?;
        Ok(put)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.files.put_multipart_opts(location, opts).await?;
        let Some(name) = self.data_file(location) else { return Ok(upload) };
        Ok(Box::new(Upload { inner: upload, summing: Summing::default(), table: Arc::clone(&self.table), name }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let Some(name) = self.data_file(location).filter(|_| !options.head) else { return self.files.get_opts(location, options).await };
        let file = self.open(name).await?;
        let range = match &options.range {
            Some(range) => range.as_range(file.size()).map_err(failed)?,
            None => 0..file.size(),
        };
        let found = self.files.get_opts(location, GetOptions { range: None, head: true, ..options }).await?;
        let wanted = range.clone();
        let bytes = blocking(move || file.read(&[wanted])).await?.pop().unwrap_or_default();
        let payload = GetResultPayload::Stream(futures::stream::iter([Ok(bytes)]).boxed());
        Ok(GetResult { payload, range, ..found })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(name) = self.data_file(location) else { return self.files.get_ranges(location, ranges).await };
        let (table, ranges) = (Arc::clone(&self.table), ranges.to_vec());
        blocking(move || Checked::open(&table, &name)?.read(&ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.files.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.files.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.files.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.files.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.files.rename_opts(from, to, options).await
    }
}

/// A data file that is written in parts, which come in order.
#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    summing: Summing,
    table: Arc<FilePath>,
    name: String,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        data.iter().for_each(|bytes| self.summing.add(bytes));
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let put = self.inner.complete().await?;
        let (table, name, summing) = (Arc::clone(&self.table), self.name.clone(), std::mem::take(&mut self.summing));
        blocking(move || sums::seal(&table, &name, &summing.finish())).await?;
        Ok(put)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(failed)?.map_err(failed)
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: "lake", source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use datafusion::object_store::{GetRange, ObjectStoreExt};

    use super::*;

    #[tokio::test]
    async fn data_files_are_summed_and_checked_whichever_way_they_come_and_go() {
        let directory = tempfile::tempdir().expect("a directory");
        let table = directory.path().canonicalize().expect("a path").join("a lake, 100 % ours");
        std::fs::create_dir(&table).expect("made");
        let store = CheckedStore::new(&table);
        let at = |name: &str| Path::from_absolute_path(table.join(name)).expect("a path");
        let bytes: Vec<u8> = (0..600_000_u32).map(|number| (number / 3 % 250) as u8).collect();
        store.put(&at("day=1/one.parquet"), bytes.clone().into()).await.expect("put");
        let mut upload = store.put_multipart(&at("day=1/parts.parquet")).await.expect("begun");
        for part in bytes.chunks(250_000) {
            upload.put_part(part.to_vec().into()).await.expect("put");
        }
        upload.complete().await.expect("completed");
        for name in ["day=1/one.parquet", "day=1/parts.parquet"] {
            assert!(sums::Sums::find(&table, name).expect("asked").is_some(), "{name}");
            let read = async || store.get(&at(name)).await?.bytes().await;
            assert_eq!(read().await.expect("read"), bytes);
            let end = GetOptions { range: Some(GetRange::Suffix(8)), ..GetOptions::default() };
            let end = store.get_opts(&at(name), end).await.expect("read");
            assert_eq!((end.range.clone(), end.meta.size), (599_992..600_000, 600_000));
            assert_eq!(end.bytes().await.expect("read"), bytes[599_992..]);
            let mut other = bytes.clone();
            other[300_000] ^= 1;
            std::fs::write(table.join(name), other).expect("written");
            assert!(read().await.expect_err("damaged").to_string().contains(name));
            store.get_ranges(&at(name), &[5..9, 299_999..300_002]).await.expect_err("damaged");
            assert_eq!(store.get_ranges(&at(name), &[5..9, 500_000..500_001]).await.expect("read")[0], bytes[5..9]);
            assert_eq!(store.head(&at(name)).await.expect("a head").size, 600_000);
        }
        // The log is not ours to check, and neither are checksums.
        store.put(&at("_delta_log/1.json"), "{}".into()).await.expect("put");
        assert_eq!(sums::Sums::find(&table, "_delta_log/1.json").expect("asked"), None);
        store.delete(&at("day=1/one.parquet")).await.expect("deleted");
        assert!(store.get(&at("day=1/one.parquet")).await.expect_err("gone").to_string().contains("is gone"));
    }
}
