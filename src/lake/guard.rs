//! What SQL is allowed: one statement that only asks. Decided on the tokens and the syntax tree, before anything is
//! planned; a tree that is too deep would overflow the stack of whoever walks it, so its size is counted first.

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;

use datafusion::common::ScalarValue;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{Query, Select, SetExpr, Statement as Ast, Visit, Visitor};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::dialect::QuestionDialect;
use super::session::SCHEMA;
use super::{Error, weight};

/// The longest question.
pub const SQL_BYTES_MAX: usize = 64 << 10;
/// The most operators, keywords and brackets: what makes a tree deep.
pub const TERMS_MAX: usize = 500;
/// The most words and signs of any kind.
pub const TOKENS_MAX: usize = 8_000;
/// How deep brackets and CASE may be nested. The parser reads some of them twice, so each level may double its time.
pub const DEPTH_MAX: usize = 16;

/// Where a session says which tables there are.
const INFORMATION_SCHEMA: &str = "information_schema";

/// A debug build's frames are large: 500 terms take 5 MB.
const STACK_BYTES: usize = 32 << 20;

/// A statement that only asks.
#[derive(Debug)]
pub struct Question {
    pub(super) statement: Statement,
    /// The tables that it names.
    pub(super) tables: BTreeSet<String>,
    /// True when it asks which tables there are.
    pub(super) is_listing: bool,
    /// What stands for `$1`, `$2`, ….
    pub(super) values: Vec<ScalarValue>,
}

impl Question {
    /// The question with values for its placeholders.
    pub(super) fn with(self, values: Vec<ScalarValue>) -> Self {
        Self { values, ..self }
    }

    /// True for EXPLAIN, whose answer names files.
    pub(super) fn is_about_plans(&self) -> bool {
        matches!(self.statement, Statement::Explain(_))
    }
}

/// Reads a question.
///
/// # Errors
/// [`Error::TooComplex`], [`Error::Syntax`] or [`Error::NotReadOnly`]; the message says what is wrong.
pub fn read(sql: &str) -> Result<Question, Error> {
    // On a stack of its own: a tree of many terms is deep, and whoever walks it recurses.
    std::thread::scope(|scope| {
        let reading = std::thread::Builder::new().name("hooklake-sql-read".to_owned()).stack_size(STACK_BYTES).spawn_scoped(scope, || parse(sql));
        let reading = reading.map_err(Error::store)?;
        reading.join().unwrap_or_else(|_| Err(Error::Syntax("the query could not be read".to_owned())))
    })
}

fn parse(sql: &str) -> Result<Question, Error> {
    if sql.len() > SQL_BYTES_MAX {
        return Err(Error::TooComplex(format!("the query is longer than {SQL_BYTES_MAX} bytes")));
    }
    measure(sql)?;
    let mut statements: VecDeque<Statement> = DFParser::parse_sql_with_dialect(sql, &QuestionDialect).map_err(Error::from)?;
    let (Some(statement), true) = (statements.pop_front(), statements.is_empty()) else {
        return Err(Error::Syntax("write exactly one statement".to_owned()));
    };
    only_asks(&statement)?;
    let (named, _) = resolve_table_references(&statement, true).map_err(Error::from)?;
    let is_listing = named.iter().any(|name| name.schema() == Some(INFORMATION_SCHEMA));
    let tables = named.iter().filter(|name| name.schema().is_none_or(|schema| schema == SCHEMA)).map(|name| name.table().to_owned()).collect();
    Ok(Question { statement, tables, is_listing, values: Vec::new() })
}

/// Counts what makes a statement large or deep.
fn measure(sql: &str) -> Result<(), Error> {
    let tokens = Tokenizer::new(&QuestionDialect, sql).tokenize().map_err(|error| Error::Syntax(error.to_string()))?;
    let (mut total, mut terms, mut depth) = (0_usize, 0_usize, 0_usize);
    for token in &tokens {
        match token {
            Token::Whitespace(_) | Token::EOF => continue,
            // None of these nests anything.
            Token::Comma | Token::Period | Token::SemiColon | Token::Number(..) | Token::SingleQuotedString(_) => {}
            Token::Word(word) => {
                terms += usize::from(word.keyword != Keyword::NoKeyword);
                match word.keyword {
                    Keyword::CASE => depth += 1,
                    Keyword::END => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            // Planning a long chain of these takes the cube of its length.
            Token::StringConcat => terms += 4,
            Token::LParen | Token::LBracket | Token::LBrace => {
                terms += 1;
                depth += 1;
            }
            Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
            _ => terms += 1,
        }
        total += 1;
        if total > TOKENS_MAX {
            return Err(Error::TooComplex(format!("the query has more than {TOKENS_MAX} words")));
        }
        if terms > TERMS_MAX {
            return Err(Error::TooComplex(format!("the query has more than {TERMS_MAX} operators, keywords and brackets")));
        }
        if depth > DEPTH_MAX {
            return Err(Error::TooComplex(format!("the query nests brackets deeper than {DEPTH_MAX}")));
        }
    }
    Ok(())
}

fn only_asks(statement: &Statement) -> Result<(), Error> {
    match statement {
        Statement::Explain(explain) => only_asks(&explain.statement),
        Statement::Statement(ast) => match &**ast {
            Ast::Query(_) => match ast.visit(&mut Asks { depth: 0 }) {
                ControlFlow::Continue(()) => weight::check(ast),
                ControlFlow::Break(error) => Err(error),
            },
            Ast::Explain { statement, .. } => only_asks(&Statement::Statement(statement.clone())),
            Ast::ExplainTable { .. } | Ast::ShowTables { .. } | Ast::ShowColumns { .. } => Ok(()),
            other => Err(refused(&other.to_string())),
        },
        other => Err(refused(&other.to_string())),
    }
}

/// Names the statement by its first word; the rest of it may be anything.
fn refused(statement: &str) -> Error {
    let word = statement.split_whitespace().next().unwrap_or_default().to_uppercase();
    Error::NotReadOnly(format!("{word} is not SELECT, EXPLAIN, DESCRIBE or SHOW TABLES"))
}

/// Looks for what writes, locks or has no end inside a query.
struct Asks {
    depth: usize,
}

impl Visitor for Asks {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        if query.with.as_ref().is_some_and(|with| with.recursive) {
            return ControlFlow::Break(Error::TooComplex("WITH RECURSIVE is not answered: it may have no end".to_owned()));
        }
        if !query.locks.is_empty() {
            return ControlFlow::Break(Error::NotReadOnly("FOR UPDATE and FOR SHARE take locks".to_owned()));
        }
        match &*query.body {
            SetExpr::Insert(statement) | SetExpr::Update(statement) | SetExpr::Delete(statement) | SetExpr::Merge(statement) => {
                ControlFlow::Break(refused(&statement.to_string()))
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        match select.into {
            Some(_) => ControlFlow::Break(Error::NotReadOnly("SELECT INTO makes a table".to_owned())),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_statement(&mut self, statement: &Ast) -> ControlFlow<Error> {
        self.depth += 1;
        // The outermost is the query itself; a statement within it would write.
        if self.depth > 1 { ControlFlow::Break(refused(&statement.to_string())) } else { ControlFlow::Continue(()) }
    }
}

#[cfg(test)]
mod tests;
