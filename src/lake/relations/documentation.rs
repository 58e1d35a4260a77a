//! The table `documentation`: every table that can be asked and every column of it, with what it means.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::MemTable;
use datafusion::error::Result;

use super::catalog::Relation;
use crate::lake::words;

/// Its name.
pub(in super::super) const DOCUMENTATION: &str = "documentation";

/// Lines of the table.
#[derive(Debug, Default)]
pub(in super::super) struct Documentation {
    /// Table, column (none for the table itself), type, and comment.
    columns: [StringBuilder; 4],
}

impl Documentation {
    /// Adds a relation.
    pub(in super::super) fn add(&mut self, relation: &Relation, schema: &SchemaRef) {
        self.lines(relation, schema, None, |_| None);
    }

    /// Adds the lake's own table in place of a relation of its name: its schema says which columns there are, and its words go
    /// before those of PostgreSQL.
    pub(in super::super) fn add_own(&mut self, relation: &Relation, schema: &SchemaRef) {
        self.lines(relation, schema, words::of_table(&relation.name), |column| words::of_column(&relation.name, column));
    }

    fn lines(&mut self, relation: &Relation, schema: &SchemaRef, own: Option<&str>, own_of: impl Fn(&str) -> Option<&'static str>) {
        self.line([Some(&relation.name), None, None, own.or(relation.comment.as_deref())]);
        for field in schema.fields() {
            let comment = relation.columns.iter().find(|column| column.name == *field.name()).and_then(|column| column.comment.as_deref());
            self.line([Some(&relation.name), Some(field.name()), Some(&field.data_type().to_string()), own_of(field.name()).or(comment)]);
        }
    }

    fn line(&mut self, values: [Option<&str>; 4]) {
        for (column, value) in self.columns.iter_mut().zip(values) {
            column.append_option(value);
        }
    }

    /// The table.
    pub(in super::super) fn finish(mut self) -> Result<MemTable> {
        let fields: Vec<Field> = ["table_name", "column_name", "data_type", "comment"].map(|name| Field::new(name, DataType::Utf8, true)).into();
        let schema = Arc::new(Schema::new(fields));
        let columns = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as _).collect();
        MemTable::try_new(Arc::clone(&schema), vec![vec![RecordBatch::try_new(schema, columns)?]])
    }
}
