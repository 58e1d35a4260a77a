//! Functions whose results can be far larger than what they are given. A query's memory is counted by its operators,
//! not by the functions within them, so these check what they would make before they make it; one that cannot is gone.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DFSchema, Result};
use datafusion::error::DataFusionError;
use datafusion::functions_nested::make_array::make_array_udf;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use super::size;

/// The most bytes that one call may make, over a whole batch of rows.
const CALL_BYTES_MAX: usize = 128 << 20;
/// How the error of a call that would make more begins.
pub(super) const TOO_LARGE: &str = "the result of";

/// Their work grows with a number that is given, or with the product of two lengths.
const GONE: &[&str] = &["repeat", "lpad", "rpad", "generate_series", "range", "array_repeat", "list_repeat", "array_resize", "list_resize", "levenshtein"];
const GONE_TABLE_FUNCTIONS: &[&str] = &["generate_series", "range"];

/// How a function's result grows with its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// As the sum of them.
    Sum,
    /// The third stands for every match of the second in the first.
    Replace,
    /// The first stands between all the others.
    Separate,
    /// The second stands between the elements of the first.
    Join,
}

const BOUNDED: &[(&str, Growth)] = &[
    ("concat", Growth::Sum),
    ("encode", Growth::Sum),
    ("overlay", Growth::Sum),
    ("translate", Growth::Sum),
    ("make_array", Growth::Sum),
    ("array_append", Growth::Sum),
    ("array_prepend", Growth::Sum),
    ("array_concat", Growth::Sum),
    ("json_from_scalar", Growth::Sum),
    ("replace", Growth::Replace),
    ("regexp_replace", Growth::Replace),
    ("concat_ws", Growth::Separate),
    ("array_to_string", Growth::Join),
];

/// Takes the boundless functions out of a session and puts a bound on the others.
pub(super) fn bound(context: &SessionContext) {
    for name in GONE {
        context.deregister_udf(name);
    }
    for name in GONE_TABLE_FUNCTIONS {
        context.deregister_udtf(name);
    }
    for (name, growth) in BOUNDED {
        let function = context.state_ref().read().scalar_functions().get(*name).cloned();
        if let Some(function) = function {
            context.register_udf(ScalarUDF::new_from_impl(Bounded { inner: Same(Arc::clone(function.inner())), growth: *growth }));
        }
    }
}

/// Two functions are the same when they are one and have one name.
#[derive(Debug, Clone)]
struct Same(Arc<dyn ScalarUDFImpl>);

impl PartialEq for Same {
    fn eq(&self, other: &Self) -> bool {
        self.0.name() == other.0.name()
    }
}

impl Eq for Same {}

impl std::hash::Hash for Same {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.name().hash(state);
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Same,
    growth: Growth,
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.0.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.0.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.0.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.0.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.0.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.0.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check(self.name(), self.growth, &args)?;
        self.inner.0.invoke_with_args(args)
    }
}

fn check(name: &str, growth: Growth, args: &ScalarFunctionArgs) -> Result<()> {
    let rows = args.number_rows;
    let sizes: Vec<Size> = args.args.iter().map(|value| Size::of(value, rows)).collect();
    let sum = sizes.iter().fold(0_usize, |sum, size| sum.saturating_add(size.total));
    let of = |index: usize| sizes.get(index).copied().unwrap_or_default();
    let made = match growth {
        Growth::Sum => sum,
        // A pattern may match at every place and between them, and a \1 brings back what was matched.
        Growth::Replace => {
            let matches = (of(0).total + rows) / of(1).shortest.max(1).min(if name == "replace" { usize::MAX } else { 1 });
            sum.saturating_add(matches.saturating_mul(of(2).longest)).saturating_add(of(0).total.saturating_mul(of(2).escapes))
        }
        Growth::Separate => sum.saturating_add(of(0).total.saturating_mul(sizes.len())),
        Growth::Join => sum.saturating_mul(1 + of(1).longest),
    };
    if made <= CALL_BYTES_MAX {
        return Ok(());
    }
    Err(DataFusionError::Execution(format!("{TOO_LARGE} {name} could be larger than {CALL_BYTES_MAX} bytes; narrow the query")))
}

/// How large an argument is.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    total: usize,
    shortest: usize,
    longest: usize,
    /// Backslashes in its longest form.
    escapes: usize,
}

impl Size {
    fn of(value: &ColumnarValue, rows: usize) -> Self {
        match value {
            ColumnarValue::Array(array) => Self::of_array(array),
            ColumnarValue::Scalar(scalar) => {
                let Ok(array) = scalar.to_array() else { return Self::default() };
                let one = Self::of_array(&array);
                // The rest of the batch repeats it.
                Self { total: one.total.saturating_mul(rows.max(1)), ..one }
            }
        }
    }

    fn of_array(array: &ArrayRef) -> Self {
        let text = match array.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => cast(array, &DataType::Utf8View).ok(),
            _ => None,
        };
        let Some(text) = text else {
            let total = size::written_out(array);
            return Self { total, shortest: 0, longest: total, escapes: 0 };
        };
        let mut size = Self { shortest: usize::MAX, ..Self::default() };
        for value in text.as_string_view().iter().flatten() {
            size.total += value.len();
            size.shortest = size.shortest.min(value.len());
            if value.len() >= size.longest {
                size.longest = value.len();
                // Only short values are replacements that anyone writes by hand.
                size.escapes = value.bytes().take(4096).filter(|byte| *byte == b'\\').count();
            }
        }
        size
    }
}

/// Plans `||` over text and `[a, b]` as calls that are bounded.
#[derive(Debug)]
pub(super) struct BoundedPlanner {
    concat: Arc<ScalarUDF>,
    make_array: Arc<ScalarUDF>,
}

impl BoundedPlanner {
    pub(super) fn new() -> Self {
        let text = TypeSignature::Exact(vec![DataType::Utf8, DataType::Utf8]);
        let concat = Concat { signature: Signature::new(text, Volatility::Immutable) };
        let make_array = Bounded { inner: Same(Arc::clone(make_array_udf().inner())), growth: Growth::Sum };
        Self { concat: Arc::new(ScalarUDF::new_from_impl(concat)), make_array: Arc::new(ScalarUDF::new_from_impl(make_array)) }
    }
}

impl ExprPlanner for BoundedPlanner {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let is_list = |side: &Expr| side.get_type(schema).is_ok_and(|data_type| data_type.is_list());
        if expr.op != BinaryOperator::StringConcat || is_list(&expr.left) || is_list(&expr.right) {
            return Ok(PlannerResult::Original(expr));
        }
        let text = |side: Expr| datafusion::logical_expr::cast(side, DataType::Utf8);
        Ok(PlannerResult::Planned(self.concat.call(vec![text(expr.left), text(expr.right)])))
    }

    fn plan_array_literal(&self, elements: Vec<Expr>, _schema: &DFSchema) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(self.make_array.call(elements)))
    }
}

/// `a || b`: missing when either is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Concat {
    signature: Signature,
}

impl ScalarUDFImpl for Concat {
    fn name(&self) -> &'static str {
        "joined"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check("||", Growth::Sum, &args)?;
        let sides = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = sides.as_slice() else {
            return Err(DataFusionError::Internal("|| has two sides".to_owned()));
        };
        let mut joined = StringBuilder::new();
        let mut pair = String::new();
        for (left, right) in left.as_string::<i32>().iter().zip(right.as_string::<i32>()) {
            match (left, right) {
                (Some(left), Some(right)) => {
                    pair.clear();
                    pair.push_str(left);
                    pair.push_str(right);
                    joined.append_value(&pair);
                }
                _ => joined.append_null(),
            }
        }
        Ok(ColumnarValue::Array(Arc::new(joined.finish())))
    }
}
