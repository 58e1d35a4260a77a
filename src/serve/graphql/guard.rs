//! What a query may ask at once, decided on its text alone, before anything is validated or executed.
//!
//! The schema's own limits walk a query with its fragments spread out, which a few hundred bytes can make endless
//! (each of 30 fragments spreads the next one twice). So fields are counted here first, each fragment once.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Name, Positioned, ServerError, Value, Variables, parser};

/// Fields of a query with its fragments spread out.
const FIELDS_MAX: usize = 1000;
/// Fields that are given another name.
const ALIASES_MAX: usize = 50;
/// Directives in the whole document.
const DIRECTIVES_MAX: usize = 50;
/// Operations in one document; one of them is executed.
const OPERATIONS_MAX: usize = 10;

/// Why a query is not looked at further.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It is not GraphQL.
    Syntax(Box<ServerError>),
    /// It asks too much at once.
    TooMuch(String),
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    fields: usize,
    aliases: usize,
    directives: usize,
}

impl Size {
    const fn plus(self, other: Self) -> Self {
        Self {
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
        }
    }

    fn check(self) -> Result<(), Refusal> {
        for (count, max, what) in [(self.fields, FIELDS_MAX, "fields"), (self.aliases, ALIASES_MAX, "aliases"), (self.directives, DIRECTIVES_MAX, "directives")]
        {
            if count > max {
                return Err(Refusal::TooMuch(format!("the query has more than {max} {what}")));
            }
        }
        Ok(())
    }
}

/// Reads a query; refuses what asks too much.
pub(super) fn read(query: &str) -> Result<ExecutableDocument, Refusal> {
    let document = parser::parse_query(query).map_err(|error| Refusal::Syntax(Box::new(error.into())))?;
    if document.operations.iter().count() > OPERATIONS_MAX {
        return Err(Refusal::TooMuch(format!("the query has more than {OPERATIONS_MAX} operations")));
    }
    let mut measure = Measure { fragments: &document.fragments, known: HashMap::new() };
    for (_, operation) in document.operations.iter() {
        measure.set(&operation.node.selection_set.node)?.plus(directives(operation.node.directives.len())).check()?;
    }
    for name in document.fragments.keys() {
        measure.fragment(name)?.check()?;
    }
    Ok(document)
}

/// The first variable that the operation needs and that did not come.
pub(super) fn missing_variable(document: &ExecutableDocument, operation_name: Option<&str>, variables: &Variables) -> Option<Name> {
    let mut operations = document.operations.iter();
    let (_, operation) = operations.find(|(name, _)| operation_name.is_none() || name.map(Name::as_str) == operation_name)?;
    let mut definitions = operation.node.variable_definitions.iter().map(|definition| &definition.node);
    let missing = definitions.find(|definition| {
        let is_given = variables.get(&definition.name.node).is_some_and(|value| *value != Value::Null);
        !definition.var_type.node.nullable && definition.default_value.is_none() && !is_given
    });
    missing.map(|definition| definition.name.node.clone())
}

struct Measure<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// None while it is being measured.
    known: HashMap<Name, Option<Size>>,
}

impl Measure<'_> {
    fn set(&mut self, set: &SelectionSet) -> Result<Size, Refusal> {
        let mut size = Size::default();
        for item in &set.items {
            size = size.plus(match &item.node {
                Selection::Field(field) => {
                    let own = Size { fields: 1, aliases: usize::from(field.node.alias.is_some()), directives: field.node.directives.len() };
                    own.plus(self.set(&field.node.selection_set.node)?)
                }
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node)?.plus(directives(inline.node.directives.len())),
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?.plus(directives(spread.node.directives.len())),
            });
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &Name) -> Result<Size, Refusal> {
        match self.known.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(Refusal::TooMuch(format!("the fragment {name} contains itself"))),
            None => {}
        }
        // One that is spread but not defined is for validation to tell.
        let Some(definition) = self.fragments.get(name) else { return Ok(Size::default()) };
        self.known.insert(name.clone(), None);
        let size = self.set(&definition.node.selection_set.node)?.plus(directives(definition.node.directives.len()));
        self.known.insert(name.clone(), Some(size));
        Ok(size)
    }
}

const fn directives(count: usize) -> Size {
    Size { fields: 0, aliases: 0, directives: count }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(query: &str) -> String {
        match read(query) {
            Ok(_) => "none".to_owned(),
            Err(Refusal::TooMuch(detail)) => detail,
            Err(Refusal::Syntax(error)) => format!("syntax: {}", error.message),
        }
    }

    #[test]
    fn a_query_of_ordinary_size_passes() {
        assert_eq!(refusal("query Q($n: Int) { a: events(first: $n) { nodes { id ...F } } } fragment F on Event { kind }"), "none");
    }

    #[test]
    fn what_asks_too_much_is_refused_by_what_it_has_too_much_of() {
        let many = |count: usize, item: &dyn Fn(usize) -> String| format!("{{ {} }}", (0..count).map(item).collect::<Vec<_>>().join(" "));
        assert_eq!(refusal(&many(1000, &|n| format!("a{n}: __typename"))), "the query has more than 50 aliases");
        assert_eq!(refusal(&many(10_000, &|_| "__typename".into())), "the query has more than 1000 fields");
        assert_eq!(refusal(&format!("{{ __typename {} }}", "@skip(if: false) ".repeat(10_000))), "the query has more than 50 directives");
        assert!(refusal("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }").contains("contains itself"));
    }

    #[test]
    fn fragments_that_double_are_counted_not_walked() {
        let doubling: Vec<String> = (0..60).map(|n| format!("fragment F{n} on Query {{ ...F{m} ...F{m} }}", m = n + 1)).collect();
        let query = format!("{{ ...F0 }} {} fragment F60 on Query {{ __typename }}", doubling.join(" "));
        assert_eq!(refusal(&query), "the query has more than 1000 fields");
    }

    #[test]
    fn a_variable_that_must_come_is_missed() {
        let document = read("query A($n: Int!, $m: Int! = 1, $o: Int) { __typename } query B { __typename }").expect("a query");
        let missing = |name, json| missing_variable(&document, name, &Variables::from_json(json)).map(|name| name.to_string());
        assert_eq!(missing(Some("A"), serde_json::json!({})), Some("n".to_owned()));
        assert_eq!(missing(Some("A"), serde_json::json!({"n": null})), Some("n".to_owned()));
        assert_eq!(missing(Some("A"), serde_json::json!({"n": 1})), None);
        assert_eq!(missing(Some("B"), serde_json::json!({})), None);
    }

    #[test]
    fn depth_is_bounded_by_the_parser() {
        let nested = |depth: usize| format!("{}{}", "{ a ".repeat(depth), "}".repeat(depth));
        assert!(refusal(&nested(10_000)).starts_with("syntax"));
    }
}
