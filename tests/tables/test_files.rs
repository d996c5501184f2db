//! Checks that every operation has its own test file and that the file is compiled.

use std::collections::BTreeSet;
use std::fs;

use crate::{assert_same, operations, snake_case};

const FOLDER: &str = "tests/service/ops";

#[test]
fn every_operation_has_a_test_file() {
    let wanted: BTreeSet<String> = operations().iter().map(|name| snake_case(name)).collect();
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(FOLDER).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        // Folders are submodules of a test file.
        if let Some(name) = name.strip_suffix(".rs").filter(|name| *name != "mod") {
            files.insert(name.to_owned());
        }
    }
    assert_same("operations", &wanted, "test files", &files);

    let list = fs::read_to_string(format!("{FOLDER}/mod.rs")).unwrap();
    let modules = list.lines().filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'));
    assert_same("test files", &files, "modules", &modules.map(str::to_owned).collect());

    for name in files {
        let text = fs::read_to_string(format!("{FOLDER}/{name}.rs")).unwrap();
        assert!(text.contains("#[tokio::test]") || text.contains("#[test]"), "{name}.rs has no test");
    }
}
