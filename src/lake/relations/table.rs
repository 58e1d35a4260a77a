//! A relation as DataFusion reads it.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet, RecordOutput};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties};
use futures::stream;
use tokio::sync::oneshot;

use super::catalog::Relation;
use super::columns::{self, Kind};
use super::filter::{self, Value};
use super::quoted;
use super::serve::{Chunk, Failure, Query, Wish, Wishes};
use crate::domain::Tenant;

/// One relation, confined to one tenant.
#[derive(Debug)]
pub struct RelationTable {
    relation: Arc<Relation>,
    schema: SchemaRef,
    tenant: Tenant,
    wishes: Wishes,
}

impl RelationTable {
    /// A table over a relation, whose rows are wished for through the door.
    pub fn new(relation: Arc<Relation>, tenant: Tenant, wishes: Wishes) -> Self {
        let schema = Arc::new(Schema::new(relation.columns.iter().map(columns::Column::field).collect::<Vec<_>>()));
        Self { relation, schema, tenant, wishes }
    }

    /// The statement for some columns of the rows that meet the conditions.
    fn query(&self, projection: &[usize], filters: &[Expr], limit: Option<usize>) -> Query {
        let read = projection.iter().map(|index| &self.relation.columns[*index]);
        let is_large = read.clone().any(columns::Column::is_large);
        let mut text = format!("SELECT {} FROM public.{}", read.map(|column| column.read.as_str()).collect::<Vec<_>>().join(", "), quoted(&self.relation.name));
        let mut values = Vec::new();
        let mut conditions = Vec::new();
        if self.relation.has_tenant {
            values.push(Value::Text(self.tenant.as_str().to_owned()));
            conditions.push("\"tenant\" = $1".to_owned());
        }
        conditions.extend(filters.iter().filter_map(|filter| filter::condition(filter, &self.relation.columns, &mut values)));
        if !conditions.is_empty() {
            text = format!("{text} WHERE {}", conditions.join(" AND "));
        }
        // Whoever checks conditions again may drop rows, so that more than these are needed.
        if let Some(limit) = limit.filter(|_| filters.is_empty()) {
            text = format!("{text} LIMIT {limit}");
        }
        Query { text, values, is_large }
    }
}

#[async_trait]
impl TableProvider for RelationTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let is_understood = |filter: &&Expr| filter::condition(filter, &self.relation.columns, &mut Vec::new()).is_some();
        let of = |filter| if is_understood(filter) { TableProviderFilterPushDown::Inexact } else { TableProviderFilterPushDown::Unsupported };
        Ok(filters.iter().map(of).collect())
    }

    async fn scan(&self, _state: &dyn Session, projection: Option<&Vec<usize>>, filters: &[Expr], limit: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let schema = Arc::new(self.schema.project(&projection)?);
        let kinds = projection.iter().map(|index| self.relation.columns[*index].kind).collect();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Arc::new(RelationExec {
            query: Arc::new(self.query(&projection, filters, limit)),
            schema,
            kinds,
            wishes: self.wishes.clone(),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }))
    }
}

/// Reads what a [`Query`] asks for.
#[derive(Debug)]
struct RelationExec {
    query: Arc<Query>,
    schema: SchemaRef,
    kinds: Arc<[Kind]>,
    wishes: Wishes,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl DisplayAs for RelationExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelationExec: {}; {:?}", self.query.text, self.query.values)
    }
}

impl ExecutionPlan for RelationExec {
    fn name(&self) -> &'static str {
        "RelationExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(&self, _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let scan = Scan {
            id: self.wishes.next_scan(),
            query: Arc::clone(&self.query),
            schema: Arc::clone(&self.schema),
            kinds: Arc::clone(&self.kinds),
            wishes: self.wishes.clone(),
            memory: MemoryConsumer::new("RelationExec").register(context.memory_pool()),
            metrics: BaselineMetrics::new(&self.metrics, partition),
            is_done: false,
        };
        let rows = stream::try_unfold(scan, |mut scan| async move { Ok(scan.next().await?.map(|batch| (batch, scan))) });
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows)))
    }
}

/// A table that is being read.
struct Scan {
    id: u64,
    query: Arc<Query>,
    schema: SchemaRef,
    kinds: Arc<[Kind]>,
    wishes: Wishes,
    memory: MemoryReservation,
    metrics: BaselineMetrics,
    is_done: bool,
}

impl Scan {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        if self.is_done {
            self.memory.free();
            return Ok(None);
        }
        let chunk = self.wish().await?;
        self.is_done = chunk.is_last;
        let batch = columns::batch(&self.schema, &self.kinds, &chunk.rows)?;
        // As long as it is not known to be consumed, which is when the next one is asked for.
        self.memory.try_resize(batch.get_array_memory_size())?;
        Ok(Some(batch.record_output(&self.metrics)))
    }

    async fn wish(&self) -> Result<Chunk> {
        let gone = || DataFusionError::Internal("the query is no longer waited for".to_owned());
        let (reply, answer) = oneshot::channel();
        let wish = Wish { scan: self.id, query: Arc::clone(&self.query), reply };
        self.wishes.sender.send(wish).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?.map_err(|failure| match failure {
            Failure::Database(error) => DataFusionError::External(Box::new(error)),
            Failure::TooMany => DataFusionError::Plan(failure.to_string()),
            Failure::TooLarge => DataFusionError::ResourcesExhausted(failure.to_string()),
        })
    }
}
