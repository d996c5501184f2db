//! The conditions of `$filter`: read once, into a value that each list takes what it knows of.
//!
//! Source: "Filter" of `Resources - List` and `Resource Groups - List` of Azure Resource Manager, and of
//! `Role Assignments - List For Scope`; the form is that of OData. `or`, `not` and parentheses around conditions are not
//! read. What is not understood is refused: a list that leaves a condition out answers another question.

use uuid::Uuid;

use crate::model::key::Tags;
use crate::model::name::PrincipalId;
use crate::model::rbac::RoleDefinition;
use crate::model::{Error, Result};

/// The longest filter that is read, in bytes.
const LONGEST: usize = 4096;
/// Conditions of a filter at most.
const MOST: usize = 16;

/// Conditions that all hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::api) struct Filter(Vec<Condition>);

/// One condition. Words are in small letters, values as they were given.
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

/// What a list compares a resource or resource group with.
pub(in crate::api) struct Shown<'a> {
    pub(in crate::api) name: &'a str,
    pub(in crate::api) location: &'a str,
    pub(in crate::api) resource_group: &'a str,
    pub(in crate::api) resource_type: &'a str,
    pub(in crate::api) tags: &'a Tags,
}

/// What a list of role assignments takes of a filter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::api) struct Assignments {
    pub(in crate::api) at_scope: bool,
    pub(in crate::api) principal: Option<PrincipalId>,
}

/// What a list of role definitions takes of a filter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(in crate::api) struct Definitions {
    name: Option<String>,
    built_in: Option<bool>,
}

impl Definitions {
    /// Whether a role is meant.
    pub(in crate::api) fn admits(&self, role: &RoleDefinition) -> bool {
        self.name.as_ref().is_none_or(|name| same(name, &role.role_name))
            && self.built_in.is_none_or(|built_in| built_in == role.built_in)
    }
}

fn wrong(why: impl Into<String>) -> Error {
    Error::invalid("$filter", why)
}

impl Filter {
    /// Reads a filter; none is one without conditions.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`, saying where it is not understood.
    pub(in crate::api) fn parse(text: Option<&str>) -> Result<Self> {
        let text = text.unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        if text.len() > LONGEST {
            return Err(wrong(format!("a filter has at most {LONGEST} bytes")));
        }
        let words = words(text)?;
        let mut rest = words.as_slice();
        let mut conditions = Vec::new();
        loop {
            let (condition, after) = condition(rest)?;
            conditions.push(condition);
            rest = match after {
                [] => return Ok(Self(conditions)),
                [Word::Name(and), after @ ..] if and == "and" => after,
                [word, ..] => return Err(wrong(format!("'and' is needed before {word}"))),
            };
            if conditions.len() >= MOST {
                return Err(wrong(format!("a filter has at most {MOST} conditions")));
            }
        }
    }

    /// Reads a filter of resources or of resource groups. `known` are the properties that they can be filtered by.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`.
    pub(in crate::api) fn of_resources(text: Option<&str>, known: &[&str]) -> Result<Self> {
        let filter = Self::parse(text)?;
        let compares_tag = |wanted: &str| {
            let is_meant = |one: &&Condition| matches!(one, Condition::Compare { property, equal: true, .. } if property == wanted);
            filter.0.iter().filter(is_meant).count()
        };
        for condition in &filter.0 {
            let property = match condition {
                Condition::Call { function, .. } => {
                    return Err(wrong(format!("there is no function {function}")));
                }
                Condition::Compare { property, .. }
                | Condition::StartsWith { property, .. }
                | Condition::Contains { property, .. } => property.as_str(),
            };
            if !known.contains(&property) {
                return Err(wrong(format!("it may name {}", known.join(", "))));
            }
            let is_equal = matches!(condition, Condition::Compare { equal: true, .. });
            let starts = matches!(condition, Condition::StartsWith { .. });
            if property == "tagvalue" && !is_equal || property == "tagname" && !(is_equal || starts) {
                return Err(wrong("tagName and tagValue are compared with eq, and tagName with startswith"));
            }
        }
        if compares_tag("tagvalue") > 1 || compares_tag("tagname") > 1 {
            return Err(wrong("one tag can be named"));
        }
        if compares_tag("tagvalue") == 1 && compares_tag("tagname") == 0 {
            return Err(wrong("tagValue needs tagName"));
        }
        Ok(filter)
    }

    /// Whether all conditions hold. Names, types and locations are compared without case, as are the names of tags;
    /// their values are not.
    pub(in crate::api) fn admits(&self, shown: &Shown<'_>) -> bool {
        let tag_value = self.0.iter().find_map(|one| match one {
            Condition::Compare { property, value, .. } if property == "tagvalue" => Some(value.as_str()),
            _ => None,
        });
        self.0.iter().all(|condition| match condition {
            Condition::Compare { property, value, .. } if property == "tagname" => {
                let has = |(name, given): (&String, &String)| {
                    same(name, value) && tag_value.is_none_or(|wanted| wanted == given)
                };
                shown.tags.iter().any(has)
            }
            Condition::Compare { property, .. } if property == "tagvalue" => true,
            Condition::StartsWith { property, value } if property == "tagname" => {
                shown.tags.keys().any(|name| name.to_lowercase().starts_with(&value.to_lowercase()))
            }
            Condition::Compare { property, equal, value } => {
                let given = shown.property(property);
                let is =
                    if property == "location" { plain(given) == plain(value) } else { same(given, value) };
                is == *equal
            }
            Condition::StartsWith { property, value } => {
                shown.property(property).to_lowercase().starts_with(&value.to_lowercase())
            }
            Condition::Contains { property, value } => {
                shown.property(property).to_lowercase().contains(&value.to_lowercase())
            }
            Condition::Call { .. } => false,
        })
    }

    /// Reads a filter of role assignments: `atScope()`, `principalId eq '...'` and `assignedTo('...')`.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`.
    pub(in crate::api) fn of_assignments(text: Option<&str>) -> Result<Assignments> {
        let mut wanted = Assignments::default();
        for condition in Self::parse(text)?.0 {
            let principal = match condition {
                Condition::Call { function, value: None } if function == "atscope" => {
                    wanted.at_scope = true;
                    continue;
                }
                Condition::Call { function, value: Some(id) } if function == "assignedto" => id,
                Condition::Compare { property, equal: true, value } if property == "principalid" => value,
                _ => return Err(wrong("it may be atScope(), principalId eq '...' and assignedTo('...')")),
            };
            if wanted.principal.replace(principal.parse()?).is_some() {
                return Err(wrong("one principal can be named"));
            }
        }
        Ok(wanted)
    }

    /// Reads a filter of role definitions: `roleName eq '...'`, `type eq 'BuiltInRole'` or `'CustomRole'`, and
    /// `atScopeAndBelow()`, which all are.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`.
    pub(in crate::api) fn of_definitions(text: Option<&str>) -> Result<Definitions> {
        let mut wanted = Definitions::default();
        for condition in Self::parse(text)?.0 {
            match condition {
                Condition::Call { function, value: None }
                    if matches!(function.as_str(), "atscope" | "atscopeandbelow") => {}
                Condition::Compare { property, equal: true, value } if property == "rolename" => {
                    wanted.name = Some(value);
                }
                Condition::Compare { property, equal: true, value } if property == "type" => {
                    wanted.built_in = Some(!same(&value, "CustomRole"));
                }
                _ => return Err(wrong("it may be roleName eq '...', type eq '...' and atScopeAndBelow()")),
            }
        }
        Ok(wanted)
    }

    /// For lists that cannot be filtered.
    ///
    /// # Errors
    /// `Invalid` naming `$filter`, if there is one.
    pub(in crate::api) fn none(text: Option<&str>) -> Result<()> {
        match text.map(str::trim) {
            None | Some("") => Ok(()),
            Some(_) => Err(wrong("this list cannot be filtered")),
        }
    }
}

impl Shown<'_> {
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

/// A location as it is compared: `West Europe` is `westeurope`.
fn plain(location: &str) -> String {
    location.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// A word of a filter.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Word {
    /// In small letters.
    Name(String),
    Value(String),
    Sign(char),
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name:?}"),
            Self::Value(value) => write!(f, "'{value}'"),
            Self::Sign(sign) => write!(f, "{sign:?}"),
        }
    }
}

/// Takes a filter apart. A quote in a value is written twice.
fn words(text: &str) -> Result<Vec<Word>> {
    let mut letters = text.chars().peekable();
    let mut words = Vec::new();
    while let Some(letter) = letters.next() {
        let word = match letter {
            letter if letter.is_whitespace() => continue,
            '(' | ')' | ',' => Word::Sign(letter),
            '\'' => {
                let mut value = String::new();
                loop {
                    match letters.next() {
                        Some('\'') if letters.next_if_eq(&'\'').is_some() => value.push('\''),
                        Some('\'') => break,
                        Some(letter) => value.push(letter),
                        None => return Err(wrong("a value is not ended by a quote")),
                    }
                }
                Word::Value(value)
            }
            letter if letter.is_ascii_alphanumeric() => {
                let mut name = String::from(letter.to_ascii_lowercase());
                while let Some(letter) =
                    letters.next_if(|letter| letter.is_ascii_alphanumeric() || *letter == '-')
                {
                    name.push(letter.to_ascii_lowercase());
                }
                Word::Name(name)
            }
            letter => return Err(wrong(format!("{letter:?} means nothing there"))),
        };
        words.push(word);
    }
    Ok(words)
}

/// Reads the first condition, and gives what follows it.
fn condition(words: &[Word]) -> Result<(Condition, &[Word])> {
    use Word::{Name, Sign, Value};

    Ok(match words {
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
        [Name(function), Sign('('), Name(property), Sign(','), Value(value), Sign(')'), rest @ ..]
            if function == "startswith" =>
        {
            (Condition::StartsWith { property: property.clone(), value: value.clone() }, rest)
        }
        [Name(function), Sign('('), Value(value), Sign(','), Name(property), Sign(')'), rest @ ..]
            if function == "substringof" =>
        {
            (Condition::Contains { property: property.clone(), value: value.clone() }, rest)
        }
        [Name(function), Sign('('), Sign(')'), rest @ ..] => {
            (Condition::Call { function: function.clone(), value: None }, rest)
        }
        [Name(function), Sign('('), Value(value), Sign(')'), rest @ ..] => {
            (Condition::Call { function: function.clone(), value: Some(value.clone()) }, rest)
        }
        [] => return Err(wrong("a condition is missing")),
        [word, ..] => {
            return Err(wrong(format!(
                "conditions are written like name eq 'value' and startswith(tagName, 'value'), and the one that begins with {word} is not"
            )));
        }
    })
}

#[cfg(test)]
mod tests;
