//! The parameters of an address, read strictly: what is not known, comes twice or is out of range is refused by its
//! name, because a filter that is silently ignored answers another question.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::error::ApiError;
use crate::domain::clock::Timestamp;

/// The parameters that were sent and not yet taken.
#[derive(Debug, Default)]
pub struct Parameters(BTreeMap<String, Vec<String>>);

impl Parameters {
    fn parse(query: &str) -> Self {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            all.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        Self(all)
    }

    /// Every value of a parameter that may come more than once.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        self.0.remove(name).unwrap_or_default()
    }

    /// The text of a parameter; none when it is absent or empty.
    ///
    /// # Errors
    /// When it comes twice.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let mut values = self.all(name);
        match values.len() {
            0 | 1 => Ok(values.pop().filter(|value| !value.is_empty())),
            _ => Err(ApiError::parameter(name, "comes more than once")),
        }
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// When it is absent, empty or comes twice.
    pub fn required(&mut self, name: &str) -> Result<String, ApiError> {
        self.text(name)?.ok_or_else(|| ApiError::parameter(name, "is missing"))
    }

    /// A parameter in its own type.
    ///
    /// # Errors
    /// When it cannot be read as one.
    pub fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Result<Option<T>, ApiError> {
        self.text(name)?.map(|text| text.parse().map_err(|error| ApiError::parameter(name, error))).transpose()
    }

    /// A whole number within a range.
    ///
    /// # Errors
    /// When it is not.
    pub fn number(&mut self, name: &str, range: RangeInclusive<u32>, default: u32) -> Result<u32, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| ApiError::parameter(name, format!("is a whole number from {} to {}", range.start(), range.end())))
    }

    /// A moment (RFC 3339).
    ///
    /// # Errors
    /// When it cannot be read as one.
    pub fn moment(&mut self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let moment = chrono::DateTime::parse_from_rfc3339(&text);
        moment.map(|moment| Some(moment.to_utc())).map_err(|_| ApiError::parameter(name, "is a time such as 2026-01-31T09:00:00Z"))
    }

    /// Refuses what was sent and not taken.
    ///
    /// # Errors
    /// When there is such a parameter.
    pub fn finish(self) -> Result<(), ApiError> {
        match self.0.into_keys().next() {
            Some(name) => Err(ApiError::parameter(name, "is not a parameter of this address")),
            None => Ok(()),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_out_of_range_is_refused_by_name() {
        for text in ["0", "-1", "1e9", "abc", "1001", "1.5", "99999999999999999999"] {
            let error = Parameters::parse(&format!("limit={text}")).number("limit", 1..=1000, 50).expect_err(text);
            assert_eq!(error.to_string(), "limit: is a whole number from 1 to 1000");
        }
        assert_eq!(Parameters::parse("limit=7").number("limit", 1..=1000, 50).ok(), Some(7));
        assert_eq!(Parameters::parse("").number("limit", 1..=1000, 50).ok(), Some(50));
    }

    #[test]
    fn what_is_unknown_or_comes_twice_is_refused() {
        assert!(Parameters::parse("sorce=github").finish().is_err());
        assert!(Parameters::parse("a=1&a=2").text("a").is_err());
        assert!(Parameters::parse("since=yesterday").moment("since").is_err());
    }
}
