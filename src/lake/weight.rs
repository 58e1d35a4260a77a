//! How large a question becomes when it is planned. A planner puts the definition of a name in place of the name, so a
//! short text can stand for a plan that never ends: thirty names, each used twice in the next, are 2^30. Planning is not
//! interrupted, so what would grow is refused before it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Function, GroupByExpr, GroupByWithModifier, ObjectName, Query, Select, Statement, Visit, Visitor};

use super::Error;

/// The most columns that one expression may stand for, once every name in it is replaced by its definition.
const EXPRESSION_MAX: u64 = 8_000;
/// The most tables that a question may stand for, likewise.
const TABLES_MAX: u64 = 200;
/// The longest path of `->` into JSON: planning it doubles with each step (datafusion-functions-json 0.55).
const PATH_MAX: u32 = 8;
/// The most grouping sets of one GROUP BY.
const GROUPING_SETS_MAX: u64 = 64;

/// Functions that the planner writes as CASE, with an argument twice.
const DOUBLING: &[&str] = &["coalesce", "nvl", "nvl2", "ifnull", "nullif"];

/// Refuses a question that becomes too large.
pub(super) fn check(statement: &Statement) -> Result<(), Error> {
    match statement.visit(&mut Scale::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// What a query stands for.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    /// Columns of its largest expression.
    expression: u64,
    tables: u64,
}

/// A query that is being walked through.
#[derive(Default)]
struct Frame {
    largest: u64,
    current: u64,
    depth: u32,
    doublings: u32,
    steps: u32,
    /// The largest of what it reads from.
    below: u64,
    tables: u64,
}

#[derive(Default)]
struct Scale {
    frames: Vec<Frame>,
    /// The queries that have a name, by their place in memory; the tree does not move while it is walked through.
    named: HashMap<*const Query, String>,
    known: HashMap<String, Weight>,
}

impl Visitor for Scale {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.named.insert(&raw const *cte.query, cte.alias.name.value.to_lowercase());
        }
        self.frames.push(Frame::default());
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        let Some(frame) = self.frames.pop() else { return ControlFlow::Continue(()) };
        let weight = Weight { expression: frame.largest.max(1).saturating_mul(frame.below.max(1)), tables: frame.tables.max(1) };
        if weight.expression > EXPRESSION_MAX || weight.tables > TABLES_MAX {
            return ControlFlow::Break(Error::TooComplex("the query uses its own parts in one another too often; it becomes too large to plan".to_owned()));
        }
        match self.named.get(&(&raw const *query)) {
            Some(name) => {
                // The larger of two of one name: which one is meant depends on where it is named.
                let known = self.known.entry(name.clone()).or_default();
                known.expression = known.expression.max(weight.expression);
                known.tables = known.tables.max(weight.tables);
            }
            None => self.read(weight),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Error> {
        let name = relation.to_string().to_lowercase();
        let known = self.known.get(name.trim_matches('"')).copied();
        self.read(known.unwrap_or(Weight { expression: 1, tables: 1 }));
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        if let Some(frame) = self.frames.last_mut() {
            frame.depth += 1;
            frame.doublings += u32::from(is_doubling(expr));
            frame.steps += u32::from(is_step(expr));
            if frame.steps > PATH_MAX {
                return ControlFlow::Break(Error::TooComplex(format!(
                    "a path into JSON has more than {PATH_MAX} steps of ->; use json_get(payload, 'a', 'b', …)"
                )));
            }
            if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                frame.current = frame.current.saturating_add(1 << frame.doublings.min(62));
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        if let Some(frame) = self.frames.last_mut() {
            frame.depth -= 1;
            frame.doublings -= u32::from(is_doubling(expr));
            frame.steps -= u32::from(is_step(expr));
            if frame.depth == 0 {
                frame.largest = frame.largest.max(std::mem::take(&mut frame.current));
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        if grouping_sets(&select.group_by) > GROUPING_SETS_MAX {
            return ControlFlow::Break(Error::TooComplex(format!("GROUP BY stands for more than {GROUPING_SETS_MAX} grouping sets")));
        }
        ControlFlow::Continue(())
    }
}

impl Scale {
    fn read(&mut self, weight: Weight) {
        if let Some(frame) = self.frames.last_mut() {
            frame.below = frame.below.max(weight.expression);
            frame.tables = frame.tables.saturating_add(weight.tables);
        }
    }
}

fn is_step(expr: &Expr) -> bool {
    matches!(expr, Expr::BinaryOp { op: BinaryOperator::Arrow | BinaryOperator::LongArrow, .. })
}

fn is_doubling(expr: &Expr) -> bool {
    match expr {
        Expr::Function(Function { name, .. }) => DOUBLING.contains(&name.to_string().to_lowercase().as_str()),
        Expr::Between { .. } => true,
        // Longer lists are looked up.
        Expr::InList { list, .. } => list.len() <= 3,
        Expr::Case { operand, .. } => operand.is_some(),
        _ => false,
    }
}

/// How many grouping sets a GROUP BY stands for: those of its parts, multiplied.
fn grouping_sets(group_by: &GroupByExpr) -> u64 {
    let (parts, modifiers) = match group_by {
        GroupByExpr::All(modifiers) => (&[][..], modifiers),
        GroupByExpr::Expressions(parts, modifiers) => (parts.as_slice(), modifiers),
    };
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let all_of = |length: usize| 1_u64.checked_shl(u32::try_from(length).unwrap_or(u32::MAX)).unwrap_or(u64::MAX);
    let of = |part: &Expr| match part {
        Expr::Cube(sets) => all_of(sets.len()),
        Expr::Rollup(sets) => count(sets.len()).saturating_add(1),
        Expr::GroupingSets(sets) => count(sets.len()),
        _ => 1,
    };
    let written = parts.iter().fold(1_u64, |sets, part| sets.saturating_mul(of(part).max(1)));
    let modified = |modifier: &GroupByWithModifier| match modifier {
        GroupByWithModifier::Cube => all_of(parts.len()),
        GroupByWithModifier::Rollup => count(parts.len()).saturating_add(1),
        GroupByWithModifier::GroupingSets(part) => of(part),
        GroupByWithModifier::Totals => 1,
    };
    modifiers.iter().fold(written, |sets, modifier| sets.saturating_mul(modified(modifier).max(1)))
}
