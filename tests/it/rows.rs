//! Rows that PostgreSQL does not take are an error that says why, and the connection that they were sent on goes on in step.

use hooklake::db::rows::{self, Cell};
use hooklake::db::{Connection, Error, driven};
use tokio_postgres::error::SqlState;

use crate::harness::TestDatabase;

const COLUMNS: [&str; 4] = ["position", "tenant", "team_key", "team_name"];

fn row(position: i64, key: &str) -> Vec<Cell<'_>> {
    vec![position.into(), "default".into(), key.into(), None::<&str>.into()]
}

async fn add(connection: &mut Connection, table: &str, columns: &[&str], rows: Vec<Vec<Cell<'_>>>) -> Result<(), Error> {
    let transaction = connection.transaction().await?;
    transaction.batch_execute("SET LOCAL search_path = projections").await?;
    rows::add(&transaction, table, columns, rows).await?;
    transaction.commit().await?;
    Ok(())
}

/// Each question must get its own answer.
async fn is_in_step(connection: &Connection) -> bool {
    for number in [7_i64, 8, 9] {
        if !connection.query_one("SELECT $1::bigint", &[&number]).await.is_ok_and(|row| row.get::<_, i64>(0) == number) {
            return false;
        }
    }
    true
}

#[tokio::test]
async fn rows_that_are_refused_leave_the_connection_in_step() {
    const TABLE: &str = "linear_team_mentions";
    let db = TestDatabase::new().await;
    let mut connection = db.database.get().await.expect("a connection");
    add(&mut connection, TABLE, &COLUMNS, vec![row(1, "ENG"), row(2, "OPS")]).await.expect("added");
    add(&mut connection, TABLE, &COLUMNS, Vec::new()).await.expect("nothing to add");

    let misnamed = ["position", "tenant", "team_key", "nickname"];
    let of_text = vec!["1".into(), "default".into(), "ENG".into(), Cell::Null];
    let cases = [
        ("42703", add(&mut connection, TABLE, &misnamed, vec![row(3, "ENG")]).await),
        ("42P01", add(&mut connection, "no_such_table", &COLUMNS, vec![row(3, "ENG")]).await),
        ("22021", add(&mut connection, TABLE, &COLUMNS, vec![row(3, "ENG"), row(4, "E\0G")]).await),
        ("23505", add(&mut connection, TABLE, &COLUMNS, vec![row(3, "ENG"), row(2, "OPS")]).await),
        ("", add(&mut connection, TABLE, &COLUMNS, vec![row(3, "ENG"), of_text]).await),
    ];
    for (state, outcome) in cases {
        let error = outcome.expect_err(state);
        assert_eq!(error.sqlstate().map_or("", SqlState::code), state, "{error:?}");
        assert_eq!(error.is_bad_data(), state.starts_with('2'), "{error:?}");
    }
    assert!(is_in_step(&connection).await);

    // As a copy that is older than the code: the connection knows the statement, and the table has changed.
    let (owner, driver) = db.database.dedicated().await.expect("a connection");
    let alter = "ALTER TABLE projections.linear_team_mentions RENAME COLUMN team_name TO label";
    driven(driver, async { Ok(owner.batch_execute(alter).await?) }).await.expect("altered");
    let error = add(&mut connection, TABLE, &COLUMNS, vec![row(5, "ENG")]).await.expect_err("it has no such column");
    assert_eq!(error.sqlstate().map(SqlState::code), Some("42703"), "{error:?}");
    assert!(is_in_step(&connection).await);
    add(&mut connection, TABLE, &COLUMNS[..3], vec![row(5, "ENG")[..3].to_vec()]).await.expect("added");
    assert_eq!(db.number("SELECT count(*) FROM projections.linear_team_mentions").await, 3, "of the refused ones none");
}
