//! What becomes of a swap, without a database.

use super::*;
use crate::domain::envelope::{Headers, Shared, Verdict};
use crate::domain::{EventId, Tenant};
use crate::lake::Settings;

fn envelope(position: i64) -> Envelope {
    let id = EventId::generate();
    Envelope {
        position: Position::new(position),
        id,
        tenant: Tenant::default_tenant(),
        source: "custom".to_owned(),
        delivery_key: id.to_string(),
        event_type: "x".to_owned(),
        arrived_at: chrono::Utc::now(),
        received_at: chrono::Utc::now(),
        headers: Headers::new(Vec::new()),
        body: "{}".into(),
        verdict: Verdict::Signed,
        secret_id: None,
        flags: Vec::new(),
        shared: Shared::default(),
    }
}

/// Writes a file that nothing names yet.
async fn written(table: &DeltaTable, position: i64) -> Vec<Add> {
    let mut writer = RecordBatchWriter::for_table(table).expect("a writer");
    writer.write(schema::batch_of(&[envelope(position)]).expect("rows")).await.expect("written");
    writer.flush().await.expect("a file")
}

#[tokio::test]
async fn a_swap_that_was_done_and_not_told_is_not_done_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let location = Settings::default().location(directory.path()).expect("a location");
    let table = location.open().await.expect("a table");
    let (old, new) = (written(&table, 1).await, written(&table, 1).await);
    let mut live = Open { table, position: Position::START, fence: None, beside: None };
    live.commit(&location, old.into_iter().map(Action::Add).collect(), SaveMode::Append, Position::new(1), None).await.expect("committed");
    let named = |open: &Open| open.table.snapshot().expect("a snapshot").log_data().iter().map(|file| file.path().into_owned()).collect::<Vec<_>>();
    let paths = new.iter().map(|add| add.path.clone()).collect::<Vec<_>>();
    let beside = || Some(Beside { adds: new.clone(), ..Beside::default() });
    let mut copy = Open { table: live.table, position: Position::new(1), fence: None, beside: beside() };
    for _ in 0..2 {
        copy.swap(&location).await.expect("swapped");
        // As when the commit was there, and what came after it failed.
        copy.beside = beside();
        copy.table.update_state().await.expect("read");
        assert_eq!(named(&copy), paths);
    }
    let version = copy.table.version();
    copy.swap(&location).await.expect("nothing to do");
    assert!(copy.beside.is_some_and(|beside| beside.is_swapped), "what comes now is not for it to add");
    assert_eq!(copy.table.version(), version);
}
