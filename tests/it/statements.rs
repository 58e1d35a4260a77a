//! Every statement that the code runs stands in a file of its own and fits the migrated database.

use std::path::{Path, PathBuf};

use crate::harness::TestDatabase;

#[tokio::test]
async fn every_statement_file_can_be_prepared() {
    let db = TestDatabase::new().await;
    let connection = db.database.get().await.expect("a connection");
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    assert!(files.len() > 10, "found only {files:?}");
    for file in files {
        let text = std::fs::read_to_string(&file).expect("readable");
        // Whole scripts run when the schema is made; DataFusion's views are not PostgreSQL's.
        if text.contains("DO $$") || file.parent().is_some_and(|folder| folder.ends_with("lake/views")) {
            continue;
        }
        let Err(error) = connection.prepare(&text).await else { continue };
        // What projectors run names the tables themselves, which others see through views.
        connection.batch_execute("SET search_path = projections").await.expect("a search path");
        assert!(connection.prepare(&text).await.is_ok(), "{}: {error:?}", file.display());
        connection.batch_execute("RESET search_path").await.expect("a search path");
    }
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            collect(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "sql") {
            files.push(entry);
        }
    }
}
