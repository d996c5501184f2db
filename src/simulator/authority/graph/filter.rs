//! Parses the OData `$filter` expressions with which clients look up principals: those of Azure CLI, and simple
//! comparisons.

use std::str::FromStr;

use super::super::Client;
use super::refusal::Refusal;
use crate::model::error::shorten;

/// A filter of service principals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Filter {
    /// `id eq '...'`
    Id(String),
    /// `appId eq '...'`, and `servicePrincipalNames/any(c:c eq '...')`: the application id is the only service
    /// principal name.
    AppId(String),
    /// `displayName eq '...'`
    DisplayName(String),
    /// `startswith(displayName,'...')`
    DisplayNameBegins(String),
}

impl Filter {
    /// Whether an application matches. Strings are compared case-insensitively, as in Microsoft Graph.
    pub(super) fn matches(&self, client: &Client) -> bool {
        match self {
            Self::Id(id) => client.object_id.to_string().eq_ignore_ascii_case(id),
            Self::AppId(id) => client.client_id.to_string().eq_ignore_ascii_case(id),
            Self::DisplayName(name) => client.name.eq_ignore_ascii_case(name),
            Self::DisplayNameBegins(start) => {
                client.name.to_ascii_lowercase().starts_with(&start.to_ascii_lowercase())
            }
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(arguments) = arguments(text, "startswith") {
            let (property, value) = arguments.split_once(',')?;
            return (property.trim() == "displayName").then_some(Self::DisplayNameBegins(literal(value)?));
        }
        if let Some(lambda) = arguments(text, "servicePrincipalNames/any") {
            let (variable, comparison) = lambda.split_once(':')?;
            let (property, value) = equality(comparison)?;
            return (property == variable.trim()).then_some(Self::AppId(value));
        }
        match equality(text)? {
            ("id", value) => Some(Self::Id(value)),
            ("appId", value) => Some(Self::AppId(value)),
            ("displayName", value) => Some(Self::DisplayName(value)),
            _ => None,
        }
    }
}

impl FromStr for Filter {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::parse(text).ok_or_else(|| {
            let message = format!("Unsupported or invalid query filter clause: {}", shorten(text));
            Refusal::bad_request("Request_UnsupportedQuery", message)
        })
    }
}

/// Returns the text in parentheses after a function name.
fn arguments<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.strip_prefix(name)?.trim_start().strip_prefix('(')?.strip_suffix(')')
}

/// Parses `property eq 'value'` into property and value.
fn equality(text: &str) -> Option<(&str, String)> {
    let (property, value) = text.trim().split_once(" eq ")?;
    Some((property.trim(), literal(value)?))
}

/// Parses a string in single quotes, in which a quote is doubled.
fn literal(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let is_one_literal = !inner.replace("''", "").contains('\'');
    is_one_literal.then(|| inner.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_filters_of_clients() {
        for (text, filter) in [
            ("servicePrincipalNames/any(c:c eq 'a')", Filter::AppId("a".to_owned())),
            ("servicePrincipalNames/any(x: x eq 'a')", Filter::AppId("a".to_owned())),
            ("appId eq 'a'", Filter::AppId("a".to_owned())),
            (" id eq 'a' ", Filter::Id("a".to_owned())),
            ("displayName eq 'O''Hara'", Filter::DisplayName("O'Hara".to_owned())),
            ("startswith(displayName,'crypto')", Filter::DisplayNameBegins("crypto".to_owned())),
            ("startswith(displayName, 'a,b')", Filter::DisplayNameBegins("a,b".to_owned())),
        ] {
            assert_eq!(text.parse::<Filter>().ok(), Some(filter), "{text}");
        }
        for text in [
            "",
            "a",
            "appId eq a",
            "appId eq 'a",
            "appId eq '",
            "appId eq 'a' or appId eq 'b'",
            "appId ne 'a'",
            "userType eq 'a'",
            "startswith(appId,'a')",
            "startswith(displayName)",
            "servicePrincipalNames/any(c:d eq 'a')",
            "servicePrincipalNames/any()",
        ] {
            assert!(text.parse::<Filter>().is_err(), "{text}");
        }
    }
}
