//! Conditions that PostgreSQL can check as well, so that it need not send every row. What is not understood here stays
//! with DataFusion, which checks all of them again: PostgreSQL may let more rows through, and never fewer.
//!
//! Names are those of the catalog, quoted; every value is bound.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use tokio_postgres::types::{ToSql, Type};

use super::columns::{Column, Kind};

/// The most values of one list.
const LIST_MAX: usize = 10_000;

/// A value that is bound.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    Moment(DateTime<Utc>),
    Day(NaiveDate),
    Texts(Vec<String>),
    Integers(Vec<i64>),
}

impl Value {
    pub(super) const fn data_type(&self) -> Type {
        match self {
            Self::Text(_) => Type::TEXT,
            Self::Integer(_) => Type::INT8,
            Self::Float(_) => Type::FLOAT8,
            Self::Bool(_) => Type::BOOL,
            Self::Moment(_) => Type::TIMESTAMPTZ,
            Self::Day(_) => Type::DATE,
            Self::Texts(_) => Type::TEXT_ARRAY,
            Self::Integers(_) => Type::INT8_ARRAY,
        }
    }

    pub(super) fn bound(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Text(value) => value,
            Self::Integer(value) => value,
            Self::Float(value) => value,
            Self::Bool(value) => value,
            Self::Moment(value) => value,
            Self::Day(value) => value,
            Self::Texts(value) => value,
            Self::Integers(value) => value,
        }
    }

    /// A literal that means the same to PostgreSQL, for a column of this kind.
    fn of(literal: &ScalarValue, kind: Kind) -> Option<Self> {
        let whole = || match literal {
            ScalarValue::Int8(value) => value.map(i64::from),
            ScalarValue::Int16(value) => value.map(i64::from),
            ScalarValue::Int32(value) => value.map(i64::from),
            ScalarValue::Int64(value) => *value,
            ScalarValue::UInt8(value) => value.map(i64::from),
            ScalarValue::UInt16(value) => value.map(i64::from),
            ScalarValue::UInt32(value) => value.map(i64::from),
            ScalarValue::UInt64(value) => value.and_then(|value| i64::try_from(value).ok()),
            _ => None,
        };
        match kind {
            Kind::SmallInt | Kind::Int | Kind::BigInt => whole().map(Self::Integer),
            // Zero has two signs, and what is no number an order of its own.
            Kind::Float => match literal {
                ScalarValue::Float64(Some(value)) => (value.is_finite() && *value != 0.0).then_some(Self::Float(*value)),
                _ => None,
            },
            // No text of PostgreSQL holds a NUL.
            Kind::Text => literal.try_as_str().flatten().filter(|text| !text.contains('\0')).map(|text| Self::Text(text.to_owned())),
            Kind::Bool => match literal {
                ScalarValue::Boolean(value) => value.map(Self::Bool),
                _ => None,
            },
            Kind::Moment => match literal {
                ScalarValue::TimestampMicrosecond(Some(value), Some(_)) => DateTime::from_timestamp_micros(*value).filter(is_told).map(Self::Moment),
                _ => None,
            },
            Kind::Day => match literal {
                ScalarValue::Date32(Some(days)) => day(*days).map(Self::Day),
                _ => None,
            },
            Kind::Written | Kind::Bytes | Kind::Texts | Kind::Integers => None,
        }
    }
}

/// Years that both write alike.
fn is_told(moment: &DateTime<Utc>) -> bool {
    (1..=9999).contains(&moment.year())
}

fn day(days: i32) -> Option<NaiveDate> {
    NaiveDate::default().checked_add_signed(TimeDelta::try_days(i64::from(days))?).filter(|day| (1..=9999).contains(&day.year()))
}

/// The condition in PostgreSQL's words, with its values added to those that are bound; none when it is not understood.
pub(super) fn condition(expr: &Expr, columns: &[Column], values: &mut Vec<Value>) -> Option<String> {
    let before = values.len();
    let condition = Writer { columns, values }.write(expr);
    if condition.is_none() {
        values.truncate(before);
    }
    condition
}

struct Writer<'a> {
    columns: &'a [Column],
    values: &'a mut Vec<Value>,
}

impl Writer<'_> {
    fn write(&mut self, expr: &Expr) -> Option<String> {
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::And | Operator::Or), right }) => {
                let (left, right) = (self.write(left)?, self.write(right)?);
                Some(format!("({left} {op} {right})"))
            }
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match (&**left, &**right) {
                (column, Expr::Literal(literal, _)) => self.comparison(column, *op, literal),
                (Expr::Literal(literal, _), column) => self.comparison(column, op.swap()?, literal),
                _ => None,
            },
            Expr::Between(Between { expr, negated: false, low, high }) => match (&**low, &**high) {
                (Expr::Literal(low, _), Expr::Literal(high, _)) => {
                    let (low, high) = (self.comparison(expr, Operator::GtEq, low)?, self.comparison(expr, Operator::LtEq, high)?);
                    Some(format!("({low} AND {high})"))
                }
                _ => None,
            },
            Expr::InList(list) => self.list(list),
            Expr::IsNull(expr) => {
                let column = self.column(expr)?;
                // What is at no time is NULL to a question, and not to PostgreSQL.
                let is_timeless = if matches!(column.kind, Kind::Moment | Kind::Day) { format!(" OR NOT isfinite({})", column.read) } else { String::new() };
                Some(format!("({} IS NULL{is_timeless})", column.read))
            }
            Expr::IsNotNull(expr) => Some(format!("({} IS NOT NULL)", self.column(expr)?.read)),
            Expr::Column(_) => self.flag(expr),
            Expr::Not(expr) => Some(format!("(NOT {})", self.flag(expr)?)),
            _ => None,
        }
    }

    fn column(&self, expr: &Expr) -> Option<&Column> {
        let Expr::Column(column) = expr else { return None };
        self.columns.iter().find(|known| known.name == column.name)
    }

    fn flag(&self, expr: &Expr) -> Option<String> {
        self.column(expr).filter(|column| column.kind == Kind::Bool).map(|column| column.read.clone())
    }

    fn comparison(&mut self, column: &Expr, op: Operator, literal: &ScalarValue) -> Option<String> {
        let column = self.column(column)?;
        let is_order = match op {
            Operator::Eq | Operator::NotEq => false,
            Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => true,
            _ => return None,
        };
        let sign = if op == Operator::NotEq { "<>".to_owned() } else { op.to_string() };
        // DataFusion orders text by its bytes.
        let order = if is_order && column.kind == Kind::Text { " COLLATE \"C\"" } else { "" };
        let (read, value) = (column.read.clone(), Value::of(literal, column.kind)?);
        self.values.push(value);
        Some(format!("({read} {sign} ${}{order})", self.values.len()))
    }

    fn list(&mut self, InList { expr, list, negated }: &InList) -> Option<String> {
        let column = self.column(expr)?;
        let (read, kind) = (column.read.clone(), column.kind);
        if list.len() > LIST_MAX {
            return None;
        }
        let literals = list.iter().map(|item| match item {
            Expr::Literal(literal, _) => Value::of(literal, kind),
            _ => None,
        });
        let (mut texts, mut integers) = (Vec::new(), Vec::new());
        for literal in literals {
            match literal? {
                Value::Text(text) => texts.push(text),
                Value::Integer(integer) => integers.push(integer),
                _ => return None,
            }
        }
        self.values.push(if kind == Kind::Text { Value::Texts(texts) } else { Value::Integers(integers) });
        let sign = if *negated { "<> ALL" } else { "= ANY" };
        Some(format!("({read} {sign} (${}))", self.values.len()))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    fn columns() -> Vec<Column> {
        [
            ("title", "text"),
            ("num\"ber", "bigint"),
            ("hours", "numeric"),
            ("wait", "interval"),
            ("is_merged", "boolean"),
            ("merged_at", "timestamp with time zone"),
            ("day", "date"),
            ("payload", "jsonb"),
        ]
        .map(|(name, data_type)| Column::new(name.to_owned(), data_type, None))
        .into()
    }

    fn written(expr: &Expr) -> Option<(String, Vec<Value>)> {
        let mut values = vec![Value::Text("tenant".to_owned())];
        let condition = condition(expr, &columns(), &mut values);
        values.remove(0);
        assert!(condition.is_some() || values.is_empty(), "nothing is left of what is not understood");
        condition.map(|condition| (condition, values))
    }

    fn moment(micros: i64) -> Expr {
        lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())))
    }

    #[test]
    fn what_both_understand_is_passed_on_with_its_values_bound() {
        let evil = "'; DROP TABLE people; -- \\ \"";
        assert_eq!(written(&col("title").eq(lit(evil))), Some(("(\"title\" = $2)".to_owned(), vec![Value::Text(evil.to_owned())])));
        assert_eq!(written(&lit(7).lt(Expr::from(datafusion::common::Column::from_name("num\"ber")))).map(|it| it.0), Some("(\"num\"\"ber\" > $2)".to_owned()));
        assert_eq!(written(&col("title").gt_eq(lit("m"))).map(|it| it.0), Some("(\"title\" >= $2 COLLATE \"C\")".to_owned()));
        let both = col("is_merged").and(Expr::Not(Box::new(col("is_merged"))).or(col("hours").not_eq(lit(1.5))));
        assert_eq!(written(&both).map(|it| it.0), Some("(\"is_merged\" AND ((NOT \"is_merged\") OR (\"hours\"::float8 <> $2)))".to_owned()));
        let within = written(&col("merged_at").between(moment(0), moment(1_500_000))).expect("understood");
        assert_eq!(within.0, "((\"merged_at\" >= $2) AND (\"merged_at\" <= $3))");
        assert_eq!(within.1[1], Value::Moment(DateTime::from_timestamp_micros(1_500_000).expect("a time")));
        let listed = written(&col("title").in_list(vec![lit("a"), lit("b'")], true)).expect("understood");
        assert_eq!(listed, ("(\"title\" <> ALL ($2))".to_owned(), vec![Value::Texts(vec!["a".to_owned(), "b'".to_owned()])]));
        assert_eq!(written(&col("merged_at").is_null()).map(|it| it.0), Some("(\"merged_at\" IS NULL OR NOT isfinite(\"merged_at\"))".to_owned()));
        assert_eq!(written(&col("payload").is_not_null()).map(|it| it.0), Some("(\"payload\"::text IS NOT NULL)".to_owned()));
        assert_eq!(written(&col("day").eq(lit(ScalarValue::Date32(Some(1))))).map(|it| it.1), Some(vec![Value::Day(day(1).expect("a day"))]));
    }

    #[test]
    fn what_the_two_take_differently_is_not_passed_on() {
        for expr in [
            col("payload").eq(lit("{}")),
            col("hours").gt(lit(0.0)),
            col("hours").gt(lit(f64::NAN)),
            col("title").eq(lit("a\0b")),
            col("title").eq(col("title")),
            col("title").like(lit("a%")),
            col("title").in_list(vec![lit("a"), lit(ScalarValue::Utf8(None))], false),
            col("title").eq(lit("a")).or(col("payload").eq(lit("{}"))),
            col("nowhere").eq(lit("a")),
            col("merged_at").lt(moment(i64::MAX)),
            Expr::Not(Box::new(col("title").eq(lit("a")))),
            Expr::Not(Box::new(col("title"))),
        ] {
            assert_eq!(written(&expr), None, "{expr}");
        }
    }
}
