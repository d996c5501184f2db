//! Checks that every operation has a command, and compares the names of the commands with their golden file.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use strongroom::cli::Cli;

use crate::golden::assert_golden;
use crate::{operations, snake_case};

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
fn commands_match_golden_file() {
    let mut commands = leaves(&Cli::command(), "");
    commands.sort();
    let table = format!("The commands: what scripts rely on.\n\n{}\n", commands.join("\n"));
    assert_golden("commands.txt", &table);
}

#[test]
fn every_operation_has_a_command() {
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
