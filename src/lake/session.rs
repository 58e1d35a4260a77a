//! What one question sees: a catalog of its own, over one tenant's events, built before the question is planned.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::{Column, TableReference};
use datafusion::error::Result;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext, col};
use deltalake::DeltaTable;

use super::bounded::{self, BoundedPlanner};
use super::confined::Confined;
use super::engine::Limits;
use super::guard::Question;
use super::patience::Pauses;
use super::platforms::PLATFORMS;
use super::relations::{DOCUMENTATION, Documentation, Door, RelationTable, Standing};
use super::table;
use super::tail::HotTail;
use super::{Error, schema};
use crate::domain::Tenant;

/// Rows that flow together: events are large.
const BATCH_ROWS: usize = 1024;
const CATALOG: &str = "hooklake";
pub(super) const SCHEMA: &str = "public";
const EVENTS: &str = "events";

/// The views over `events` beside those of [`PLATFORMS`], by the names that they have in PostgreSQL too.
const VIEWS: &[(&str, &str)] = &[("recent_events", include_str!("views/recent_events.sql")), ("event_summary", include_str!("views/event_summary.sql"))];

/// Where a question finds its rows.
pub(super) struct Places {
    /// The events that were exported, if any were.
    pub(super) lake: Option<DeltaTable>,
    /// Those after them.
    pub(super) tail: Arc<HotTail>,
    /// What PostgreSQL keeps, when the question is about that.
    pub(super) database: Option<Door>,
}

/// The tables of a question that the lake has not, and which may be in PostgreSQL.
pub(super) fn elsewhere(question: &Question) -> Vec<String> {
    question.tables.iter().filter(|name| !is_own(name)).cloned().collect()
}

fn is_own(name: &str) -> bool {
    name == EVENTS || VIEWS.iter().map(|(view, _)| *view).chain(PLATFORMS.map(|platform| platform.name)).any(|view| view == name)
}

/// A catalog of what is one tenant's: its events, in the lake and then in the tail, and what it is allowed of PostgreSQL.
pub(super) async fn open(
    tenant: &Tenant,
    places: Places,
    question: &Question,
    limits: &Limits,
) -> std::result::Result<(SessionContext, Option<Standing>), Error> {
    let Places { lake, tail, database } = places;
    let context = events(tenant, lake, tail, question, limits).await?;
    let standing = match database {
        Some(door) => relations(&context, tenant, door, question).await?,
        None => None,
    };
    Ok((context, standing))
}

/// Puts the relations of PostgreSQL beside the lake's own tables, whose names come first.
async fn relations(context: &SessionContext, tenant: &Tenant, door: Door, question: &Question) -> std::result::Result<Option<Standing>, Error> {
    let catalog = match door.opened.await {
        Ok(Ok(catalog)) => catalog,
        // What lists tables lists the lake's own.
        Ok(Err(_)) | Err(_) if elsewhere(question).is_empty() => return Ok(None),
        Ok(Err(error)) => return Err(Error::Away(elsewhere(question).join(", "), error)),
        Err(_) => return Err(Error::TimedOut),
    };
    let mut documentation = Documentation::default();
    for relation in catalog.relations {
        let name = TableReference::bare(relation.name.clone());
        if is_own(&relation.name) || relation.name == DOCUMENTATION {
            if let Ok(table) = context.table_provider(name).await {
                documentation.add_own(&relation, &table.schema());
            }
            continue;
        }
        let relation = Arc::new(relation);
        let table = RelationTable::new(Arc::clone(&relation), tenant.clone(), door.wishes.clone());
        documentation.add(&relation, &table.schema());
        context.register_table(name, Arc::new(table))?;
    }
    context.register_table(DOCUMENTATION, Arc::new(documentation.finish()?))?;
    Ok(catalog.standing)
}

/// The lake's own tables: the lake's events, then the tail's, and the views that are named.
async fn events(tenant: &Tenant, lake: Option<DeltaTable>, tail: Arc<HotTail>, question: &Question, limits: &Limits) -> Result<SessionContext> {
    let context = empty(limits)?;
    let tail = StreamingTable::try_new(schema::view_schema(), vec![tail])?;
    let mut events = columns(context.read_table(Arc::new(tail))?)?;
    if let Some(lake) = lake {
        let rows = Confined::new(table::rows(&lake, &context).await?, tenant.clone());
        let stored = columns(context.read_table(Arc::new(rows))?)?;
        events = stored.union(events)?;
    }
    context.register_table(EVENTS, events.into_view())?;
    // Planning each takes time, and most questions name none.
    let is_wanted = |name: &str| question.is_listing || question.tables.contains(name) || question.tables.contains(DOCUMENTATION);
    for (name, definition) in VIEWS {
        if is_wanted(name) {
            let view = context.sql(definition).await?;
            context.register_table(*name, view.into_view())?;
        }
    }
    for platform in &PLATFORMS {
        if is_wanted(platform.name) {
            let view = platform.view(context.table(EVENTS).await?)?;
            context.register_table(platform.name, view.into_view())?;
        }
    }
    Ok(context)
}

/// The question as a plan that only reads, with at most so many rows.
pub(super) async fn plan(context: &SessionContext, question: Question, rows_max: usize) -> Result<DataFrame> {
    let mut plan = context.state().statement_to_plan(question.statement).await?;
    if !question.values.is_empty() {
        plan = plan.with_param_values(question.values)?;
    }
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false).verify_plan(&plan)?;
    let is_about_plans = matches!(plan, LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_));
    let frame = context.execute_logical_plan(plan).await?;
    // One more, so that it is known whether there are more.
    if is_about_plans { Ok(frame) } else { shown(frame)?.limit(0, Some(rows_max.saturating_add(1))) }
}

fn empty(limits: &Limits) -> Result<SessionContext> {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_default_catalog_and_schema(CATALOG, SCHEMA)
        .with_create_default_catalog_and_schema(true)
        .with_batch_size(BATCH_ROWS)
        .with_target_partitions(2);
    config.options_mut().execution.parquet.pushdown_filters = true;
    // It takes JSON functions down into the UNION of lake and tail and mixes up the columns (DataFusion 55.2).
    config.options_mut().optimizer.enable_leaf_expression_pushdown = false;
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(limits.memory_bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_max_temp_directory_size(limits.spill_bytes))
        .build_arc()?;
    // Ours comes first: the first planner that knows an operator plans it.
    let planners = std::iter::once(Arc::new(BoundedPlanner::new()) as Arc<dyn ExprPlanner>).chain(SessionStateDefaults::default_expr_planners());
    let state = SessionStateBuilder::new_with_default_features().with_config(config).with_runtime_env(runtime).with_expr_planners(planners.collect());
    let state = state.with_physical_optimizer_rule(Arc::new(Pauses)).build();
    let mut context = SessionContext::new_with_state(state);
    datafusion_functions_json::register_all(&mut context)?;
    bounded::bound(&context);
    Ok(context)
}

/// The columns in the order of the schema, whatever the order on disk.
fn columns(frame: DataFrame) -> Result<DataFrame> {
    let names = schema::schema();
    frame.select(names.fields().iter().map(|field| col(field.name())))
}

/// The columns as an answer shows them. `payload -> 'x'` is one of several types; outside of SQL it is its JSON text. Two of
/// one name, as of a join, are told with their tables, or a JSON object would hold only one of them.
fn shown(frame: DataFrame) -> Result<DataFrame> {
    let is_union = |data_type: &DataType| matches!(data_type, DataType::Union(..));
    let fields = frame.schema().fields();
    let is_twin = |name: &str| fields.iter().filter(|field| field.name() == name).count() > 1;
    if !fields.iter().any(|field| is_union(field.data_type()) || is_twin(field.name())) {
        return Ok(frame);
    }
    let as_text = datafusion_functions_json::udfs::json_union_to_text_udf();
    let columns: Vec<Expr> = frame
        .schema()
        .iter()
        .map(|(qualifier, field)| {
            let name = if is_twin(field.name()) { Column::from((qualifier, field)).flat_name() } else { field.name().clone() };
            let column = Expr::from((qualifier, field));
            if is_union(field.data_type()) { as_text.call(vec![column]).alias(name) } else { column.alias(name) }
        })
        .collect();
    frame.select(columns)
}
