//! Checks that the files of the model import each other in one direction only, except for listed circles.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, load_sources};

/// The files of `crates/model` that may import each other in a circle, sorted, each list with its reason.
const CIRCLES: &[(&[&str], &str)] = &[
    (
        &["arm_rbac", "denied", "local_rbac", "role"],
        "an action makes the denial that names it, and states which plane's roles can grant it",
    ),
    (
        &["billing/counted", "billing/hours", "billing/statement"],
        "a statement is the sum of its parts, which make its lines",
    ),
    (
        &["due", "key", "rotation"],
        "a key has a rotation policy and notices, whose dates depend on its versions",
    ),
];

#[test]
fn model_files_import_in_circles_only_as_listed() {
    let expected: BTreeSet<Vec<String>> =
        CIRCLES.iter().map(|(files, _)| files.iter().map(ToString::to_string).collect()).collect();
    assert!(CIRCLES.iter().all(|(_, reason)| !reason.is_empty()));
    assert_eq!(circles(&load_sources().unwrap()), expected);
}

/// Returns the largest sets of files of `crates/model` in which each imports every other, directly or not.
fn circles(sources: &[Source]) -> BTreeSet<Vec<String>> {
    let files: BTreeMap<String, &Source> = sources
        .iter()
        .filter(|source| source.is_in("crates/model/src/") && !source.is_test())
        .filter_map(|source| {
            Some((source.path.strip_prefix("crates/model/src/")?.strip_suffix(".rs")?.to_owned(), source))
        })
        .collect();
    let imports: BTreeMap<&str, BTreeSet<&str>> =
        files.iter().map(|(name, source)| (name.as_str(), imports(name, source, &files))).collect();
    let reachable: BTreeMap<&str, BTreeSet<&str>> =
        imports.keys().map(|name| (*name, reachable_from(name, &imports))).collect();
    imports
        .keys()
        .filter(|name| reachable[*name].contains(*name))
        .map(|name| {
            let returns = |other: &&&str| reachable[**other].contains(name);
            reachable[name].iter().filter(returns).map(ToString::to_string).collect()
        })
        .collect()
}

/// Returns the other files that a file imports. What `lib.rs` reexports belongs to the file that declares it.
fn imports<'a>(name: &str, source: &Source, files: &'a BTreeMap<String, &Source>) -> BTreeSet<&'a str> {
    let resolve = |path: &[String]| {
        let whole = (1..=path.len()).rev().find_map(|length| {
            let file = path[..length].join("/");
            files.get_key_value(&file).or_else(|| files.get_key_value(&format!("{file}/mod")))
        });
        whole.map(|(file, _)| file.as_str())
    };
    let reexports = files.get("lib").map(|source| source.paths.as_slice()).unwrap_or_default();
    source
        .crate_paths()
        .filter_map(|path| {
            let declared = |item: &&Vec<String>| item.len() == 2 && item.last() == path.first();
            resolve(&path).or_else(|| resolve(reexports.iter().find(declared)?))
        })
        .filter(|file| *file != name)
        .collect()
}

/// Returns the files that a file imports directly or not.
fn reachable_from<'a>(start: &str, imports: &BTreeMap<&str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = imports[start].iter().copied().collect();
    while let Some(file) = next.pop() {
        if found.insert(file) {
            next.extend(&imports[file]);
        }
    }
    found
}

#[cfg(test)]
mod proof {
    use super::*;

    fn file(path: &str, text: &str) -> Source {
        Source::parse(path, text).unwrap()
    }

    #[test]
    fn reports_circles_through_other_files_and_reexports() {
        let sources = [
            file("crates/model/src/lib.rs", "mod a; mod b; mod c; mod d; pub use a::A;"),
            file("crates/model/src/a.rs", "use super::b::B;"),
            file("crates/model/src/b.rs", "use crate::c::C;"),
            file("crates/model/src/c.rs", "fn f(a: super::A) {}"),
            file("crates/model/src/d.rs", "use super::a::X; #[cfg(test)] mod tests { use super::super::d; }"),
            file("crates/model/src/e/mod.rs", "use super::e::f::F;"),
            file("crates/model/src/e/f.rs", "use crate::e::E;"),
        ];
        let found: Vec<String> = circles(&sources).iter().map(|circle| circle.join(" ")).collect();
        assert_eq!(found, ["a b c", "e/f e/mod"]);
        assert!(circles(&sources[3..5]).is_empty());
    }
}
