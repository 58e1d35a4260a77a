//! One tenant's rows of the lake's table, behind a wall: of what a question asks, only conditions that no value can make
//! fail are checked beside the tenant's, where files are read. The others wait until the rows of others are gone. A CAST
//! or a division that stumbles says over what, so it may meet nobody else's rows; and what fails where files are read
//! would be told as damage of a file.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DFSchema, Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::expr::{Between, InList, Like};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, DynamicFilterPhysicalExpr};
use datafusion::physical_plan::execution_plan::CardinalityEffect;
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::filter_pushdown::{FilterDescription, FilterPushdownPhase};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use datafusion::prelude::{col, lit};

use crate::domain::Tenant;

const TENANT: &str = "tenant";

/// A table of which a question sees the rows of one tenant.
#[derive(Debug)]
pub(super) struct Confined {
    rows: Arc<dyn TableProvider>,
    tenant: Tenant,
}

impl Confined {
    /// The tenant's rows of a table that says in `tenant` whose each is.
    pub(super) fn new(rows: Arc<dyn TableProvider>, tenant: Tenant) -> Self {
        Self { rows, tenant }
    }
}

#[async_trait]
impl TableProvider for Confined {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let of = |filter: &&Expr| if is_harmless(filter) { TableProviderFilterPushDown::Exact } else { TableProviderFilterPushDown::Unsupported };
        Ok(filters.iter().map(of).collect())
    }

    async fn scan(&self, state: &dyn Session, projection: Option<&Vec<usize>>, filters: &[Expr], _limit: Option<usize>) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.rows.schema();
        let shown = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let mut conditions = vec![col(TENANT).eq(lit(self.tenant.as_str()))];
        conditions.extend_from_slice(filters);
        let mut read = shown.clone();
        for column in conditions.iter().flat_map(Expr::column_refs) {
            let index = schema.index_of(&column.name)?;
            if !read.contains(&index) {
                read.push(index);
            }
        }
        // Where files are read, conditions are checked too; this one is, whatever becomes of them there, and not a second time there.
        let input: Arc<dyn ExecutionPlan> = Arc::new(ConfinedExec::new(self.rows.scan(state, Some(&read), &conditions, None).await?));
        let condition = conjunction(conditions).unwrap_or_else(|| lit(false));
        let condition = state.create_physical_expr(condition, &DFSchema::try_from(input.schema())?)?;
        let kept = FilterExecBuilder::new(condition, input).apply_projection(Some((0..shown.len()).collect()))?.build()?;
        Ok(Arc::new(ConfinedExec::new(Arc::new(kept))))
    }
}

/// True for a condition that no value can make fail: whoever is let through by it learns nothing of the others.
fn is_harmless(condition: &Expr) -> bool {
    match condition {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::And
            | Operator::Or
            | Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom => is_harmless(left) && is_harmless(right),
            // A pattern may be none; one that stands in the question is the same for every row.
            Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch => is_harmless(left) && is_literal(right),
            _ => false,
        },
        Expr::Like(Like { expr, pattern, .. }) => is_harmless(expr) && is_literal(pattern),
        Expr::Between(Between { expr, low, high, .. }) => [expr, low, high].into_iter().all(|part| is_harmless(part)),
        Expr::InList(InList { expr, list, .. }) => is_harmless(expr) && list.iter().all(is_harmless),
        Expr::Not(inner)
        | Expr::IsNull(inner)
        | Expr::IsNotNull(inner)
        | Expr::IsTrue(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsFalse(inner)
        | Expr::IsNotFalse(inner) => is_harmless(inner),
        Expr::ScalarFunction(call) => matches!(call.name(), "lower" | "upper") && call.args.iter().all(is_harmless),
        _ => false,
    }
}

const fn is_literal(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(..))
}

/// Hands rows on as they come. That it is there keeps an optimizer from taking what stands above it below it.
#[derive(Debug)]
struct ConfinedExec {
    input: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl ConfinedExec {
    fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let properties = Arc::clone(input.properties());
        Self { input, properties }
    }
}

impl DisplayAs for ConfinedExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfinedExec")
    }
}

impl ExecutionPlan for ConfinedExec {
    fn name(&self) -> &'static str {
        "ConfinedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn apply_expressions(&self, _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(children.into_iter().next().map_or(self as _, |input| Arc::new(Self::new(input)) as _))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.input.execute(partition, context)
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(inputs.first().map_or_else(|| Arc::new(Statistics::new_unknown(&self.schema())), Arc::clone))
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    fn cardinality_effect(&self) -> CardinalityEffect {
        CardinalityEffect::Equal
    }

    /// What is learnt while a question runs (the least of the newest ten, the keys of a join's other side) may pass where it
    /// compares columns; what it was learnt of is written above.
    fn gather_filters_for_pushdown(
        &self,
        phase: FilterPushdownPhase,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterDescription> {
        let compares_columns = |filter: &Arc<dyn PhysicalExpr>| {
            filter.downcast_ref::<DynamicFilterPhysicalExpr>().is_some() && filter.children().iter().all(|child| child.downcast_ref::<Column>().is_some())
        };
        if phase == FilterPushdownPhase::Post && filters.iter().all(compares_columns) {
            return FilterDescription::from_children(filters, &self.children());
        }
        Ok(FilterDescription::all_unsupported(&filters, &self.children()))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::DataType;
    use datafusion::functions::string::expr_fn::lower;
    use datafusion::logical_expr::cast;

    use super::*;

    #[test]
    fn what_no_value_makes_fail_is_harmless_and_nothing_else() {
        for harmless in [
            col("source").eq(lit("github")).and(col("action").is_not_null()),
            lower(col("actor")).eq(lit("ada")).or(col("title").ilike(lit("%a%"))),
            col("position").between(lit(1), lit(2)),
            col("event_type").in_list(vec![lit("push"), lit("create")], true),
        ] {
            assert!(is_harmless(&harmless), "{harmless}");
        }
        for failing in [
            cast(col("title"), DataType::Int64).gt(lit(0)),
            (lit(1) / col("position")).eq(lit(1)),
            col("title").like(col("action")),
            col("source").eq(lit("github")).and(cast(col("title"), DataType::Int64).is_null()),
        ] {
            assert!(!is_harmless(&failing), "{failing}");
        }
    }
}
