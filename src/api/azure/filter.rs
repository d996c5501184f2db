//! Parses `$filter` expressions, and matches the items of lists against them.
//!
//! Source: "Filter" of `Resources - List` and `Resource Groups - List` of Azure Resource Manager, and of
//! `Role Assignments - List For Scope`; the syntax is that of OData. `not` and parenthesized conditions are not
//! supported; `or` is for resources only. An unsupported condition is an error: a list that ignored it would contain too many items.

use uuid::Uuid;

use crate::model::key::Tags;
use crate::model::local_rbac::RoleDefinition;
use crate::model::name::PrincipalId;
use crate::model::{Error, Field, Result};

/// The longest filter, in bytes.
const MAX_FILTER_BYTES: usize = 4096;
/// The most conditions of a filter.
const MAX_CONDITIONS: usize = 16;

/// Alternatives, joined with `or`: conditions that must all hold. Without alternatives, everything matches.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::api) struct Filter(Vec<Vec<Condition>>);

/// One condition. Identifiers are in lower case, values as given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::api) enum Condition {
    /// `name eq 'local'`, `name ne 'local'`
    Compare { property: String, equal: bool, value: String },
    /// `startswith(tagName, 'team')`
    StartsWith { property: String, value: String },
    /// `substringof('cal', name)`
    Contains { property: String, value: String },
    /// `atScope()`, `assignedTo('...')`
    Call { function: String, value: Option<String> },
}

/// The properties of a resource or resource group that a filter is matched against.
pub(in crate::api) struct Candidate<'a> {
    pub(in crate::api) name: &'a str,
    pub(in crate::api) location: &'a str,
    pub(in crate::api) resource_group: &'a str,
    pub(in crate::api) resource_type: &'a str,
    pub(in crate::api) tags: &'a Tags,
}

/// The filter of a list of role assignments.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::api) struct AssignmentFilter {
    pub(in crate::api) at_scope: bool,
    pub(in crate::api) principal: Option<PrincipalId>,
}

/// The filter of a list of role definitions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::api) struct DefinitionFilter {
    name: Option<String>,
    built_in: Option<bool>,
}

impl DefinitionFilter {
    /// Whether a role definition matches.
    pub(in crate::api) fn matches(&self, role: &RoleDefinition) -> bool {
        self.name.as_ref().is_none_or(|name| same(name, &role.role_name))
            && self.built_in.is_none_or(|built_in| built_in == role.built_in)
    }
}

fn wrong(why: impl Into<String>) -> Error {
    Error::invalid(Field::Filter, why)
}

impl Filter {
    /// Parses a filter; an absent one has no conditions.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`, with the part that cannot be parsed.
    pub(in crate::api) fn parse(text: Option<&str>) -> Result<Self> {
        let text = text.unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text.len() > MAX_FILTER_BYTES {
            return Err(wrong(format!("a filter has at most {MAX_FILTER_BYTES} bytes")));
        }
        let lexemes = lexemes(text)?;
        let mut rest = lexemes.as_slice();
        let (mut alternatives, mut conditions, mut count) = (Vec::new(), Vec::new(), 0);
        loop {
            let (condition, after) = condition(rest)?;
            conditions.push(condition);
            count += 1;
            rest = match after {
                [] => {
                    alternatives.push(conditions);
                    return Ok(Self(alternatives));
                }
                [Lexeme::Name(and), after @ ..] if and == "and" => after,
                // `and` binds closer.
                [Lexeme::Name(or), after @ ..] if or == "or" => {
                    alternatives.push(std::mem::take(&mut conditions));
                    after
                }
                [lexeme, ..] => return Err(wrong(format!("'and' or 'or' is missing before {lexeme}"))),
            };
            if count >= MAX_CONDITIONS {
                return Err(wrong(format!("a filter has at most {MAX_CONDITIONS} conditions")));
            }
        }
    }

    /// Parses a filter of resources or resource groups. `known` are the supported properties.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`.
    pub(in crate::api) fn of_resources(text: Option<&str>, known: &[&str]) -> Result<Self> {
        let filter = Self::parse(text)?;
        for conditions in &filter.0 {
            check_resource_conditions(conditions, known)?;
        }
        Ok(filter)
    }

    /// Whether resources of this type may match.
    pub(in crate::api) fn allows_type(&self, resource_type: &str) -> bool {
        let tags = Tags::new();
        let candidate = Candidate { name: "", location: "", resource_group: "", resource_type, tags: &tags };
        let of_type = |condition: &&Condition| condition.property() == Some("resourcetype");
        let allows = |all: &Vec<Condition>| all.iter().filter(of_type).all(|one| one.holds(&candidate, None));
        self.0.is_empty() || self.0.iter().any(allows)
    }

    /// Whether all conditions of one of the alternatives hold. Names, types, locations and tag names are compared
    /// case-insensitively, tag values are not.
    pub(in crate::api) fn matches(&self, candidate: &Candidate<'_>) -> bool {
        let tag_value = |all: &[Condition]| {
            all.iter().find_map(|one| match one {
                Condition::Compare { property, value, .. } if property == "tagvalue" => Some(value.clone()),
                _ => None,
            })
        };
        let holds = |all: &Vec<Condition>| {
            let tag_value = tag_value(all);
            all.iter().all(|condition| condition.holds(candidate, tag_value.as_deref()))
        };
        self.0.is_empty() || self.0.iter().any(holds)
    }

    /// Returns the conditions of a filter without alternatives.
    fn conjunction(text: Option<&str>) -> Result<Vec<Condition>> {
        let mut alternatives = Self::parse(text)?.0;
        match alternatives.len() {
            0 | 1 => Ok(alternatives.pop().unwrap_or_default()),
            _ => Err(wrong("'or' is not supported here")),
        }
    }

    /// Parses a filter of role assignments: `atScope()`, `principalId eq '...'` and `assignedTo('...')`.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`.
    pub(in crate::api) fn of_assignments(text: Option<&str>) -> Result<AssignmentFilter> {
        let mut wanted = AssignmentFilter::default();
        for condition in Self::conjunction(text)? {
            let principal = match condition {
                Condition::Call { function, value: None } if function == "atscope" => {
                    wanted.at_scope = true;
                    continue;
                }
                Condition::Call { function, value: Some(id) } if function == "assignedto" => id,
                Condition::Compare { property, equal: true, value } if property == "principalid" => value,
                _ => {
                    return Err(wrong(
                        "the supported conditions are atScope(), principalId eq '...' and assignedTo('...')",
                    ));
                }
            };
            if wanted.principal.replace(principal.parse()?).is_some() {
                return Err(wrong("only one principal is supported"));
            }
        }
        Ok(wanted)
    }

    /// Parses a filter of role definitions: `roleName eq '...'`, `type eq 'BuiltInRole'` or `'CustomRole'`, and
    /// `atScopeAndBelow()`, which matches all of them.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`.
    pub(in crate::api) fn of_definitions(text: Option<&str>) -> Result<DefinitionFilter> {
        let mut wanted = DefinitionFilter::default();
        for condition in Self::conjunction(text)? {
            match condition {
                Condition::Call { function, value: None }
                    if matches!(function.as_str(), "atscope" | "atscopeandbelow") => {}
                Condition::Compare { property, equal: true, value } if property == "rolename" => {
                    wanted.name = Some(value);
                }
                Condition::Compare { property, equal: true, value } if property == "type" => {
                    wanted.built_in = Some(!same(&value, "CustomRole"));
                }
                _ => {
                    return Err(wrong(
                        "the supported conditions are roleName eq '...', type eq '...' and atScopeAndBelow()",
                    ));
                }
            }
        }
        Ok(wanted)
    }

    /// Rejects a filter, for lists that do not support one.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`, if there is one.
    pub(in crate::api) fn reject(text: Option<&str>) -> Result<()> {
        match text.map(str::trim) {
            None | Some("") => Ok(()),
            Some(_) => Err(wrong("this list does not support filters")),
        }
    }
}

/// Checks conditions about resources that must all hold.
fn check_resource_conditions(conditions: &[Condition], known: &[&str]) -> Result<()> {
    let compares_tag = |wanted: &str| {
        let compares = |one: &&Condition| matches!(one, Condition::Compare { property, equal: true, .. } if property == wanted);
        conditions.iter().filter(compares).count()
    };
    for condition in conditions {
        let property = match condition {
            Condition::Call { function, .. } => {
                return Err(wrong(format!("function {function} is not supported here")));
            }
            Condition::Compare { property, .. }
            | Condition::StartsWith { property, .. }
            | Condition::Contains { property, .. } => property.as_str(),
        };
        if !known.contains(&property) {
            return Err(wrong(format!("the supported properties are {}", known.join(", "))));
        }
        let is_equal = matches!(condition, Condition::Compare { equal: true, .. });
        let starts = matches!(condition, Condition::StartsWith { .. });
        if property == "tagvalue" && !is_equal || property == "tagname" && !(is_equal || starts) {
            return Err(wrong("tagName supports eq and startswith, tagValue supports eq"));
        }
    }
    if compares_tag("tagvalue") > 1 || compares_tag("tagname") > 1 {
        return Err(wrong("only one tag is supported"));
    }
    if compares_tag("tagvalue") == 1 && compares_tag("tagname") == 0 {
        return Err(wrong("tagValue requires tagName"));
    }
    Ok(())
}

impl Condition {
    /// Returns the property that is compared, in lower case.
    fn property(&self) -> Option<&str> {
        match self {
            Self::Compare { property, .. }
            | Self::StartsWith { property, .. }
            | Self::Contains { property, .. } => Some(property),
            Self::Call { .. } => None,
        }
    }

    /// Whether the condition holds. `tag_value` is the value that the tag must have.
    fn holds(&self, candidate: &Candidate<'_>, tag_value: Option<&str>) -> bool {
        match self {
            Self::Compare { property, value, .. } if property == "tagname" => {
                let has = |(name, given): (&String, &String)| {
                    same(name, value) && tag_value.is_none_or(|wanted| wanted == given)
                };
                candidate.tags.iter().any(has)
            }
            Self::Compare { property, .. } if property == "tagvalue" => true,
            Self::StartsWith { property, value } if property == "tagname" => {
                candidate.tags.keys().any(|name| name.to_lowercase().starts_with(&value.to_lowercase()))
            }
            Self::Compare { property, equal, value } => {
                let given = candidate.property(property);
                let is = if property == "location" {
                    normal_location(given) == normal_location(value)
                } else {
                    same(given, value)
                };
                is == *equal
            }
            Self::StartsWith { property, value } => {
                candidate.property(property).to_lowercase().starts_with(&value.to_lowercase())
            }
            Self::Contains { property, value } => {
                candidate.property(property).to_lowercase().contains(&value.to_lowercase())
            }
            Self::Call { .. } => false,
        }
    }
}

impl Candidate<'_> {
    fn property(&self, name: &str) -> &str {
        match name {
            "name" => self.name,
            "location" => self.location,
            "resourcegroup" => self.resource_group,
            "resourcetype" => self.resource_type,
            _ => "",
        }
    }
}

/// Normalizes a location for comparison: `West Europe` is `westeurope`.
fn normal_location(location: &str) -> String {
    location.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
}

/// Compares case-insensitively.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// A lexical element of a filter.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Lexeme {
    /// In lower case.
    Name(String),
    Value(String),
    Punctuation(char),
}

impl std::fmt::Display for Lexeme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?}"),
            Self::Value(value) => write!(f, "'{value}'"),
            Self::Punctuation(sign) => write!(f, "{sign:?}"),
        }
    }
}

/// Splits a filter into lexical elements. A quote in a value is doubled.
fn lexemes(text: &str) -> Result<Vec<Lexeme>> {
    let mut letters = text.chars().peekable();
    let mut lexemes = Vec::new();
    while let Some(letter) = letters.next() {
        let lexeme = match letter {
            letter if letter.is_whitespace() => continue,
            '(' | ')' | ',' => Lexeme::Punctuation(letter),
            '\'' => {
                let mut value = String::new();
                loop {
                    match letters.next() {
                        Some('\'') if letters.next_if_eq(&'\'').is_some() => value.push('\''),
                        Some('\'') => break,
                        Some(letter) => value.push(letter),
                        None => return Err(wrong("the closing quote of a value is missing")),
                    }
                }
                Lexeme::Value(value)
            }
            letter if letter.is_ascii_alphanumeric() => {
                let mut name = String::from(letter.to_ascii_lowercase());
                while let Some(letter) =
                    letters.next_if(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
                {
                    name.push(letter.to_ascii_lowercase());
                }
                Lexeme::Name(name)
            }
            letter => return Err(wrong(format!("unexpected character {letter:?}"))),
        };
        lexemes.push(lexeme);
    }
    Ok(lexemes)
}

/// Parses the first condition, and returns it with the elements after it.
fn condition(lexemes: &[Lexeme]) -> Result<(Condition, &[Lexeme])> {
    use Lexeme::{Name, Punctuation, Value};

    Ok(match lexemes {
        [Name(property), Name(operator), Value(value), rest @ ..] if operator == "eq" || operator == "ne" => {
            let (property, value) = (property.clone(), value.clone());
            (Condition::Compare { property, equal: operator == "eq", value }, rest)
        }
        // GUIDs are documented without quotes.
        [Name(property), Name(operator), Name(value), rest @ ..]
            if operator == "eq" && Uuid::parse_str(value).is_ok() =>
        {
            (Condition::Compare { property: property.clone(), equal: true, value: value.clone() }, rest)
        }
        [
            Name(function),
            Punctuation('('),
            Name(property),
            Punctuation(','),
            Value(value),
            Punctuation(')'),
            rest @ ..,
        ] if function == "startswith" => {
            (Condition::StartsWith { property: property.clone(), value: value.clone() }, rest)
        }
        [
            Name(function),
            Punctuation('('),
            Value(value),
            Punctuation(','),
            Name(property),
            Punctuation(')'),
            rest @ ..,
        ] if function == "substringof" => {
            (Condition::Contains { property: property.clone(), value: value.clone() }, rest)
        }
        [Name(function), Punctuation('('), Punctuation(')'), rest @ ..] => {
            (Condition::Call { function: function.clone(), value: None }, rest)
        }
        [Name(function), Punctuation('('), Value(value), Punctuation(')'), rest @ ..] => {
            (Condition::Call { function: function.clone(), value: Some(value.clone()) }, rest)
        }
        [] => return Err(wrong("a condition is missing")),
        [lexeme, ..] => {
            return Err(wrong(format!(
                "cannot parse the condition that begins with {lexeme}; write, for example, name eq 'value' or startswith(tagName, 'value')"
            )));
        }
    })
}

#[cfg(test)]
mod tests;
