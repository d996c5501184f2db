//! Checks that the files of a crate import each other in one direction only, except for listed circles.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, load_sources};

/// A set of files that may import each other in a circle.
struct Circle {
    /// The root of their crate.
    root: &'static str,
    /// Their paths below the root; a path that ends with `/` stands for the files of a folder.
    files: &'static [&'static str],
    /// Why the circle is not opened.
    reason: &'static str,
}

/// The circles that are left.
const CIRCLES: &[Circle] = &[
    Circle {
        root: "crates/model/src",
        files: &["arm_rbac", "local_rbac", "vault_rbac"],
        reason: "an action states which plane's roles can grant it",
    },
    Circle {
        root: "crates/model/src",
        files: &["billing/counted", "billing/hours", "billing/statement"],
        reason: "a statement is the sum of its parts, which make its lines",
    },
    Circle {
        root: "crates/model/src",
        files: &["due", "key", "rotation"],
        reason: "a key has a rotation policy and notices, whose dates depend on its versions",
    },
    Circle {
        root: "crates/store/src",
        files: &["change_set", "deleted_key", "memory", "objects"],
        reason: "the state in memory holds the objects of containers, whose generic access names the state and the form of deleted ones",
    },
    Circle {
        root: "src",
        files: &["api/arm/"],
        reason: "a surface is a table of calls, whose wire types read the request of a call and name the surface's types",
    },
    Circle {
        root: "src",
        files: &["api/rest/"],
        reason: "a surface is a table of calls, whose wire types read the request of a call and name the surface's types",
    },
    Circle {
        root: "src",
        files: &["cli/connect_error", "cli/failure"],
        reason: "the failure of a call may be one of its connection, which is a failure too",
    },
];

impl Circle {
    fn contains(&self, file: &str) -> bool {
        self.files.iter().any(|member| stands_for(member, file))
    }

    /// Whether a circle that was found is this one, or a part of it.
    fn includes(&self, root: &str, circle: &[String]) -> bool {
        self.root == root && circle.iter().all(|file| self.contains(file))
    }
}

/// Whether a path of the list is that of a file, or of a folder that the file is in.
fn stands_for(member: &str, file: &str) -> bool {
    member == file || member.ends_with('/') && file.starts_with(member)
}

#[test]
fn files_import_in_circles_only_as_listed() {
    let found = circles(&load_sources().unwrap());
    for (root, circle) in &found {
        let is_listed = CIRCLES.iter().any(|listed| listed.includes(root, circle));
        assert!(is_listed, "these files of {root} import each other: {}", circle.join(", "));
    }
    for listed in CIRCLES {
        assert!(!listed.reason.is_empty());
        for member in listed.files {
            let of = |(root, circle): &&(String, Vec<String>)| {
                listed.includes(root, circle) && circle.iter().any(|file| stands_for(member, file))
            };
            assert!(found.iter().any(|circle| of(&circle)), "{member} of {} is in no circle", listed.root);
        }
    }
}

/// The files of a crate by their path below its root, without the ending.
type Files<'a> = BTreeMap<String, &'a Source>;

/// Returns the largest sets of files of a crate in which each imports every other, directly or not, each with the root
/// of the crate.
fn circles(sources: &[Source]) -> BTreeSet<(String, Vec<String>)> {
    let mut crates: BTreeMap<&str, Files> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        if let Some((root, file)) = source.crate_and_file() {
            crates.entry(root).or_default().insert(file.to_owned(), source);
        }
    }
    crates
        .iter()
        .flat_map(|(root, files)| circles_of(files).into_iter().map(|circle| ((*root).to_owned(), circle)))
        .collect()
}

fn circles_of(files: &Files) -> BTreeSet<Vec<String>> {
    let imports: BTreeMap<&str, BTreeSet<&str>> =
        files.iter().map(|(name, source)| (name.as_str(), imports(name, source, files))).collect();
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

/// Returns the other files that a file imports. What a module reexports belongs to the file that declares it. That a
/// module uses its own children is no import, because most do.
fn imports<'a>(name: &str, source: &Source, files: &'a Files) -> BTreeSet<&'a str> {
    source.crate_paths().filter_map(|path| resolve(&path, files)).filter(|file| *file != name).collect()
}

/// Returns the file that declares the item of a path, if it is not the root of the crate.
fn resolve<'a>(path: &[String], files: &'a Files) -> Option<&'a str> {
    let (length, (file, source)) = (0..=path.len()).rev().find_map(|length| {
        let file = path[..length].join("/");
        let module = if file.is_empty() { "lib".to_owned() } else { format!("{file}/mod") };
        Some((length, files.get_key_value(&file).or_else(|| files.get_key_value(&module))?))
    })?;
    let item = path.get(length);
    let reexport = source.reexports.iter().find(|reexport| item.is_some() && reexport.last() == item);
    let declared = reexport.and_then(|reexport| {
        let inner = reexport.len() > 1 && !["crate", "self", "super"].contains(&reexport[0].as_str());
        let absolute = [&path[..length], reexport.as_slice()].concat();
        if inner { resolve(&absolute, files) } else { None }
    });
    declared.or_else(|| (file != "lib").then_some(file))
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
        let found: Vec<String> = circles(&sources).iter().map(|(_, circle)| circle.join(" ")).collect();
        assert_eq!(found, ["a b c", "e/f e/mod"]);
        assert!(circles(&sources[3..5]).is_empty());
    }
}
