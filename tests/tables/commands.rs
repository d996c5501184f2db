//! Checks that every operation has a command.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use strongroom::cli::Cli;

use crate::{assert_same, operations, snake_case};

/// Operations and the commands that call them.
const COMMANDS: &[(&str, &str)] = &[
    ("CreateKey", "key create"),
    ("ImportKey", "key import"),
    ("GetKey", "key show"),
    ("ListKeys", "key list"),
    ("ListKeyVersions", "key versions"),
    ("UpdateKeyVersion", "key update"),
    ("RotateKey", "key rotate"),
    ("GetKeyRotationPolicy", "key rotation-policy show"),
    ("UpdateKeyRotationPolicy", "key rotation-policy set"),
    ("DeleteKey", "key delete"),
    ("GetDeletedKey", "key show-deleted"),
    ("ListDeletedKeys", "key list-deleted"),
    ("RecoverDeletedKey", "key recover"),
    ("PurgeDeletedKey", "key purge"),
    ("Sign", "key sign"),
    ("Verify", "key verify"),
    ("Encrypt", "key encrypt"),
    ("Decrypt", "key decrypt"),
    ("WrapKey", "key wrap"),
    ("UnwrapKey", "key unwrap"),
    ("GenerateRandomBytes", "random"),
    ("ListRoleDefinitions", "role definition list"),
    ("GetRoleDefinition", "role definition show"),
    ("PutRoleDefinition", "role definition create"),
    ("DeleteRoleDefinition", "role definition delete"),
    ("CreateRoleAssignment", "role assignment create"),
    ("GetRoleAssignment", "role assignment show"),
    ("ListRoleAssignments", "role assignment list"),
    ("DeleteRoleAssignment", "role assignment delete"),
    ("CheckAccess", "access check"),
    ("ListSettings", "setting list"),
    ("GetSetting", "setting show"),
    ("UpdateSetting", "setting update"),
    ("CreateManagedHsm", "hsm create"),
    ("GetManagedHsm", "hsm show"),
    ("ListManagedHsms", "hsm list"),
    ("UpdateManagedHsm", "hsm update"),
    ("DeleteManagedHsm", "hsm delete"),
    ("GetDeletedManagedHsm", "hsm show-deleted"),
    ("ListDeletedManagedHsms", "hsm list-deleted"),
    ("RecoverDeletedManagedHsm", "hsm recover"),
    ("PurgeDeletedManagedHsm", "hsm purge"),
    ("CheckManagedHsmName", "hsm check-name"),
    ("ActivateManagedHsm", "hsm activate"),
    ("ListSubscriptions", "subscription list"),
    ("GetSubscription", "subscription show"),
    ("UpdateSubscription", "subscription update"),
    ("CreateResourceGroup", "group create"),
    ("GetResourceGroup", "group show"),
    ("ListResourceGroups", "group list"),
    ("UpdateResourceGroup", "group update"),
    ("DeleteResourceGroup", "group delete"),
    ("ListLocations", "location list"),
    ("ListControlRoleDefinitions", "control role definition list"),
    ("GetControlRoleDefinition", "control role definition show"),
    ("CreateControlRoleAssignment", "control role assignment create"),
    ("GetControlRoleAssignment", "control role assignment show"),
    ("ListControlRoleAssignments", "control role assignment list"),
    ("DeleteControlRoleAssignment", "control role assignment delete"),
    ("CheckControlAccess", "control check"),
    ("GetStatement", "usage statement"),
    ("GetForecast", "usage forecast"),
    ("ListUsage", "usage list"),
    ("ExportUsage", "usage export"),
    ("WatchLifecycle", "watch"),
    ("CreateBudget", "usage budget create"),
    ("GetBudget", "usage budget show"),
    ("ListBudgets", "usage budget list"),
    ("DeleteBudget", "usage budget delete"),
    ("GetClock", "clock show"),
    ("AdvanceClock", "clock advance"),
    ("FreezeClock", "clock freeze"),
    ("ResumeClock", "clock resume"),
    ("ReleaseClock", "clock release"),
];

/// Commands that call no operation.
const LOCAL_COMMANDS: &[&str] = &[
    "completions",
    "config check",
    "config show",
    "audit head",
    "audit verify",
    "doctor",
    "env",
    "healthcheck",
    "hosts",
    "manual",
    "serve",
    "token",
];

/// The full names of the commands below this one that have no subcommands.
fn leaves(command: &clap::Command, parent: &str) -> Vec<String> {
    let mut found = Vec::new();
    for below in command.get_subcommands() {
        let words = format!("{parent} {}", below.get_name()).trim().to_owned();
        if below.has_subcommands() {
            found.extend(leaves(below, &words));
        } else {
            found.push(words);
        }
    }
    found
}

/// The source files below a folder, each without the tests at its end.
fn sources_below(folder: &Path) -> Vec<String> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources.extend(sources_below(&path));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            sources.push(text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
    sources
}

/// Whether a file creates the request of an operation and calls its rpc. The name of the rpc alone does not tell: a
/// method of another type may have it.
fn calls(source: &str, operation: &str) -> bool {
    source.contains(&format!("pb::{operation}Request"))
        && source.contains(&format!(".{}(", snake_case(operation)))
}

#[test]
fn every_operation_has_a_command() {
    let named: BTreeSet<String> = COMMANDS.iter().map(|(operation, _)| (*operation).to_owned()).collect();
    assert_same("operations", &operations(), "operations with a command", &named);

    let expected: BTreeSet<String> = COMMANDS
        .iter()
        .map(|(_, words)| *words)
        .chain(LOCAL_COMMANDS.iter().copied())
        .map(str::to_owned)
        .collect();
    let found: BTreeSet<String> = leaves(&Cli::command(), "").into_iter().collect();
    assert_same("the tables of tests/tables/commands.rs", &expected, "commands", &found);
}

#[test]
fn command_line_sends_the_request_of_every_operation() {
    let sources = sources_below(Path::new("src/cli"));
    for operation in operations() {
        let is_called = sources.iter().any(|source| calls(source, &operation));
        assert!(is_called, "no file of src/cli creates a {operation}Request and calls the rpc");
    }
}

#[test]
fn rpc_call_is_told_by_its_request() {
    assert!(calls("session.crypto().sign(pb::SignRequest { name })", "Sign"));
    assert!(!calls("key.sign(digest)", "Sign"));
    assert!(!calls("let request = pb::SignRequest { name };", "Sign"));
}
