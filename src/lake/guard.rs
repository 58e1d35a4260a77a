//! What SQL is allowed: one statement that only asks. Decided on the tokens and the syntax tree, before anything is
//! planned; a tree that is too deep would overflow the stack of whoever walks it, so its size is counted first.

use std::collections::{HashSet, VecDeque};
use std::ops::ControlFlow;

use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::{Query, Select, SetExpr, Statement as Ast, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::Error;

/// The longest question.
pub const SQL_BYTES_MAX: usize = 64 << 10;
/// The most operators, keywords and brackets: what makes a tree deep.
pub const TERMS_MAX: usize = 500;
/// The most words and signs of any kind.
pub const TOKENS_MAX: usize = 8_000;
/// How deep brackets may be nested.
pub const DEPTH_MAX: usize = 40;

/// A statement that only asks.
#[derive(Debug)]
pub struct Question {
    pub(super) statement: Statement,
    /// The words in it, in lower case: which views it may name.
    pub(super) words: HashSet<String>,
}

impl Question {
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
    if sql.len() > SQL_BYTES_MAX {
        return Err(Error::TooComplex(format!("the query is longer than {SQL_BYTES_MAX} bytes")));
    }
    let words = measure(sql)?;
    let mut statements: VecDeque<Statement> = DFParser::parse_sql_with_dialect(sql, &PostgreSqlDialect {}).map_err(Error::from)?;
    let (Some(statement), true) = (statements.pop_front(), statements.is_empty()) else {
        return Err(Error::Syntax("write exactly one statement".to_owned()));
    };
    only_asks(&statement)?;
    Ok(Question { statement, words })
}

/// Counts what makes a statement large or deep; returns its words.
fn measure(sql: &str) -> Result<HashSet<String>, Error> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().map_err(|error| Error::Syntax(error.to_string()))?;
    let (mut total, mut terms, mut depth) = (0_usize, 0_usize, 0_usize);
    let mut words = HashSet::new();
    for token in &tokens {
        match token {
            Token::Whitespace(_) | Token::EOF => continue,
            // None of these nests anything.
            Token::Comma | Token::Period | Token::SemiColon | Token::Number(..) | Token::SingleQuotedString(_) => {}
            Token::Word(word) => {
                terms += usize::from(word.keyword != Keyword::NoKeyword);
                words.insert(word.value.to_lowercase());
            }
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
    Ok(words)
}

fn only_asks(statement: &Statement) -> Result<(), Error> {
    match statement {
        Statement::Explain(explain) => only_asks(&explain.statement),
        Statement::Statement(ast) => match &**ast {
            Ast::Query(_) => match ast.visit(&mut Asks { depth: 0 }) {
                ControlFlow::Continue(()) => Ok(()),
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
mod tests {
    use super::*;

    #[test]
    fn questions_are_read() {
        for sql in [
            "SELECT 1",
            "select 1;",
            "-- why\nSELECT * FROM events WHERE payload ->> 'action' = 'opened' ORDER BY 1 LIMIT 3",
            "WITH a AS (SELECT 1 AS x) SELECT * FROM a UNION ALL SELECT 2",
            "EXPLAIN SELECT 1",
            "SHOW TABLES",
            "DESCRIBE events",
            "SELECT 'drop table events; --' AS update",
            "VALUES (1), (2)",
        ] {
            assert!(read(sql).is_ok(), "{sql}: {:?}", read(sql));
        }
        let many = format!("SELECT * FROM events WHERE position IN ({})", (0..3000).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
        assert!(read(&many).is_ok(), "{:?}", read(&many).err());
    }

    #[test]
    fn everything_that_writes_is_refused() {
        for sql in [
            "INSERT INTO events VALUES (1)",
            "UPDATE events SET id = ''",
            "DELETE FROM events",
            "DROP TABLE events",
            "CREATE TABLE x AS SELECT 1",
            "CREATE VIEW x AS SELECT 1",
            "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
            "COPY events TO '/tmp/x'",
            "COPY (SELECT 1) TO '/tmp/x.parquet'",
            "SET datafusion.execution.batch_size = 1",
            "RESET datafusion.execution.batch_size",
            "TRUNCATE events",
            "PREPARE p AS SELECT 1",
            "EXECUTE p",
            "BEGIN",
            "COMMIT",
            "SELECT * INTO x FROM events",
            "SELECT * FROM events FOR UPDATE",
            "WITH x AS (DELETE FROM events RETURNING *) SELECT * FROM x",
            "WITH x AS (INSERT INTO events VALUES (1) RETURNING *) SELECT * FROM x",
            "EXPLAIN ANALYZE INSERT INTO events VALUES (1)",
            "EXPLAIN DROP TABLE events",
        ] {
            assert!(matches!(read(sql), Err(Error::NotReadOnly(_))), "{sql}: {:?}", read(sql));
        }
        for sql in ["DO $$ BEGIN END $$", "SHOW ALL; SELECT 1"] {
            assert!(read(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn exactly_one_statement() {
        for sql in ["", ";", "  ", "/**/", "select 1; drop table events", "SELECT 1; SELECT 2", "SELECT\u{2003}1\u{2003};SELECT 2"] {
            assert!(matches!(read(sql), Err(Error::Syntax(_))), "{sql:?}: {:?}", read(sql));
        }
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_a_tree() {
        let unions = vec!["SELECT 1"; 3000].join(" UNION ALL ");
        let attacks = [
            format!("SELECT {}1", "1+".repeat(2000)),
            format!("SELECT {}1", "1+".repeat(30_000)),
            format!("SELECT * FROM events WHERE {} true", "id = 'a' OR ".repeat(10_000)),
            unions,
            format!("SELECT {}1", "a,".repeat(10_000)),
            format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000)),
            format!("SELECT {} true", "NOT ".repeat(5000)),
            format!("SELECT {}1", "- ".repeat(5000)),
            format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(200), " END".repeat(200)),
            format!("SELECT 1{}", "::int".repeat(2000)),
            format!("SELECT a{} FROM events", "[1]".repeat(2000)),
            format!("SELECT * FROM events {}", "JOIN events USING (id) ".repeat(500)),
            format!("SELECT '{}'", "x".repeat(1 << 20)),
            format!("SELECT {}1{}", "f(".repeat(45), ")".repeat(45)),
            "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT * FROM t".to_owned(),
        ];
        for sql in attacks {
            assert!(matches!(read(&sql), Err(Error::TooComplex(_))), "{:.60}: {:?}", sql, read(&sql).map(|_| ()));
        }
    }
}
