//! Filters as the official clients write them, and invalid ones.

use proptest::prelude::*;

use super::*;
use crate::model::Field;
use crate::model::key::Tags;

const ALL: &[&str] = &["name", "location", "resourcegroup", "resourcetype", "tagname", "tagvalue"];

fn admits(filter: &str) -> Result<bool> {
    let tags: Tags = [("Team".to_owned(), "Blue's".to_owned()), ("env".to_owned(), "test".to_owned())].into();
    let candidate = Candidate {
        name: "local",
        location: "westeurope",
        resource_group: "dev",
        resource_type: "Microsoft.KeyVault/managedHSMs",
        tags: &tags,
    };
    Ok(Filter::of_resources(Some(filter), ALL)?.matches(&candidate))
}

#[test]
fn resource_filters_match_as_in_azure() {
    for (filter, wanted) in [
        ("", true),
        ("name eq 'local'", true),
        ("Name EQ 'LOCAL'", true),
        ("name eq 'other'", false),
        ("name ne 'other'", true),
        ("name ne 'local'", false),
        ("location eq 'West Europe'", true),
        ("location eq 'eastus'", false),
        ("resourceGroup eq 'DEV'", true),
        ("resourceType eq 'Microsoft.KeyVault/managedHSMs'", true),
        ("resourceType eq 'microsoft.keyvault/managedhsms' and name eq 'local'", true),
        ("resourceType eq 'Microsoft.KeyVault/vaults'", false),
        // A property name within a value is not a condition.
        ("name eq 'resourcetype eq managedhsms'", false),
        ("resourceGroup eq 'dev' and name eq 'other'", false),
        ("tagname eq 'team'", true),
        ("tagName eq 'Team' and tagValue eq 'Blue''s'", true),
        ("tagvalue eq 'Blue''s' and tagname eq 'team'", true),
        ("tagName eq 'team' and tagValue eq 'test'", false),
        ("tagName eq 'team' and tagValue eq 'blue''s'", false),
        ("startswith(tagname, 'te')", true),
        ("startswith(tagname,'x')", false),
        ("startswith(name,'LO')", true),
        ("substringof('oca', name)", true),
        ("name eq 'other' or name eq 'local'", true),
        ("name eq 'other' or name eq 'another'", false),
        ("name eq 'local' or name eq 'other' and location eq 'eastus'", true),
        ("name eq 'local' and location eq 'eastus' or name eq 'other'", false),
        ("tagName eq 'team' and tagValue eq 'test' or tagName eq 'env' and tagValue eq 'test'", true),
        ("substringof('x',resourceGroup)", false),
    ] {
        assert_eq!(admits(filter), Ok(wanted), "{filter}");
    }
}

#[test]
fn rejects_unsupported_resource_filters() {
    for filter in [
        "name",
        "name eq",
        "name eq local",
        "name eq 'local",
        "name gt 'local'",
        "name eq 'local' or",
        "or name eq 'local'",
        "name eq 'local' or colour eq 'blue'",
        "tagName eq 'team' or tagValue eq 'test'",
        "name eq 'local' and",
        "name eq 'local' name eq 'local'",
        "(name eq 'local')",
        "not name eq 'local'",
        "colour eq 'blue'",
        "identity/principalId eq 'x'",
        "tagValue eq 'test'",
        "tagName ne 'team'",
        "tagName eq 'team' and tagName eq 'env'",
        "substringof('x', tagName)",
        "startswith('x', name)",
        "endswith(name, 'x')",
        "atScope()",
        "\u{0}",
        &"name eq 'local' and ".repeat(40),
        &format!("name eq '{}'", "x".repeat(MAX_FILTER_BYTES)),
    ] {
        assert!(matches!(admits(filter), Err(Error::Invalid { field: Field::Filter, .. })), "{filter}");
    }
}

#[test]
fn types_that_cannot_match_are_recognized() {
    for (filter, hsms, vaults) in [
        ("", true, true),
        ("name eq 'local'", true, true),
        ("resourceType eq 'microsoft.keyvault/VAULTS'", false, true),
        ("resourceType ne 'Microsoft.KeyVault/vaults' and name eq 'a'", true, false),
        (
            "resourceType eq 'Microsoft.KeyVault/vaults' or resourceType eq 'Microsoft.KeyVault/managedHSMs'",
            true,
            true,
        ),
        ("resourceType eq 'Microsoft.Compute/disks'", false, false),
    ] {
        let filter = Filter::of_resources(Some(filter), ALL).unwrap();
        assert_eq!(filter.allows_type("Microsoft.KeyVault/managedHSMs"), hsms, "{filter:?}");
        assert_eq!(filter.allows_type("Microsoft.KeyVault/vaults"), vaults, "{filter:?}");
    }
}

#[test]
fn parses_role_assignment_filters() {
    let read = |text: &str| Filter::of_assignments(Some(text));
    let id = "e091ccde-12fe-56c1-a9da-c98193d4bdb5";
    let whose = Some(id.parse().unwrap());
    for (text, at_scope, principal) in [
        (String::new(), false, None),
        ("atScope()".to_owned(), true, None),
        (format!("principalId eq '{id}'"), false, whose),
        (format!("principalId eq {id}"), false, whose),
        (format!("atScope() and assignedTo('{id}')"), true, whose),
        (format!("principalId eq '{id}' and atscope()"), true, whose),
    ] {
        assert_eq!(read(&text), Ok(AssignmentFilter { at_scope, principal }), "{text}");
    }
    for text in [
        "principalId eq x",
        "principalId eq 'x'",
        "principalId ne 'e091ccde-12fe-56c1-a9da-c98193d4bdb5'",
        "roleDefinitionId eq 'x'",
        "atScope() or principalId eq 'e091ccde-12fe-56c1-a9da-c98193d4bdb5'",
        "atScope('x')",
        "assignedTo()",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "(name|eq|and|'|''|\\(|\\)|,|startswith| |tagName|x){0,12}|\\PC*") {
        let _ = Filter::of_resources(Some(&text), ALL);
        let _ = Filter::of_assignments(Some(&text));
        let _ = Filter::of_definitions(Some(&text));
    }
}
