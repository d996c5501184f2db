//! Checks the layers of packages and modules, where crates may be used, and the length of files.
//!
//! To change a rule, change the tables here, or in `packages.rs`, and `docs/architecture.md`. Modules that are compiled for tests only
//! (`#[cfg(test)]`, `tests.rs`) are exempt from the layers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/modules.rs"]
mod modules;
#[path = "architecture/packages.rs"]
mod packages;
#[path = "architecture/prose.rs"]
mod prose;
#[path = "architecture/source.rs"]
mod source;

use modules::MODULES;
use source::{Source, load_sources};

/// The modules in which a crate may be used.
enum Modules {
    Only(&'static [&'static str]),
    Never(&'static [&'static str]),
}

/// Crates with restricted use in the top package. A name also covers crates with that prefix: `tonic` covers
/// `tonic_types`.
const CRATES: &[(&str, Modules)] = &[
    ("axum", Modules::Never(&["ops", "engine"])),
    ("jsonwebtoken", Modules::Only(&["simulator"])),
    ("prost", Modules::Never(&["ops", "engine"])),
    ("reqwest", Modules::Never(&["ops", "engine"])),
    ("tonic", Modules::Never(&["ops", "engine"])),
];

/// The names under which the top package uses the packages in `crates/`.
const PACKAGES: [&str; 14] = [
    "audit",
    "backup",
    "certificate",
    "clock",
    "config",
    "identity",
    "ids",
    "model",
    "public_key",
    "security_domain",
    "storage",
    "store",
    "telemetry",
    "token",
];

/// The modules of the two modes of the service, and the only file that chooses between them.
const MODES: [&str; 2] = ["gateway", "simulator"];
const CHOICE_OF_MODE: &str = "src/cli/serve.rs";

/// Files that may contain `unsafe`.
const UNSAFE: &[&str] = &[
    // A PKCS#11 module: functions that C calls, in front of functions of C.
    "crates/faults/src/function_list.rs",
    "crates/faults/src/real_module.rs",
    "crates/faults/src/slots.rs",
    // The environment, and calls with arguments that no application has.
    "crates/faults/tests/module/fixture.rs",
    "crates/faults/tests/module/forwarding.rs",
    // A mechanism that the PKCS#11 wrapper cannot name.
    "crates/token/src/derive.rs",
    // An allocator that counts.
    "tests/allocations.rs",
    // SoftHSM reads the environment; setting that is unsafe.
    "tests/token/fixture.rs",
];

/// The maximum length of a file, in lines.
const MAX_LINES: usize = 500;

#[test]
fn modules_depend_only_on_lower_layers() {
    assert_none(&layer_breaches(&load_sources().unwrap()));
}

#[test]
fn tables_name_existing_modules_and_files() {
    let sources = load_sources().unwrap();
    let modules: BTreeSet<&str> = sources.iter().filter_map(Source::module).chain(PACKAGES).collect();
    let of_crates = CRATES.iter().flat_map(|(_, allowed)| match allowed {
        Modules::Only(modules) | Modules::Never(modules) => *modules,
    });
    let named =
        MODULES.iter().flat_map(|(module, uses)| std::iter::once(module).chain(*uses)).chain(of_crates);
    for name in named {
        let module = name.split("::").next().unwrap();
        assert!(modules.contains(module), "there is no module {name}");
    }
    for file in UNSAFE {
        let source = sources.iter().find(|source| source.path == *file);
        assert!(
            source.is_some_and(|source| source.identifiers.iter().any(|word| word == "unsafe")),
            "{file}"
        );
    }
}

#[test]
fn engine_does_not_depend_on_operations() {
    assert_none(&engine_breaches(&load_sources().unwrap()));
}

#[test]
fn operations_on_keys_do_not_name_a_kind_of_container() {
    assert_none(&container_breaches(&load_sources().unwrap()));
}

#[test]
fn only_the_serve_command_names_gateway_and_simulator() {
    assert_none(&mode_breaches(&load_sources().unwrap()));
}

#[test]
fn crates_are_used_only_in_allowed_modules() {
    assert_none(&crate_breaches(&load_sources().unwrap()));
}

#[test]
fn files_have_a_doc_comment_and_at_most_500_lines() {
    assert_none(&file_breaches(&load_sources().unwrap()));
}

#[test]
fn unsafe_code_only_in_listed_files() {
    assert_none(&unsafe_breaches(&load_sources().unwrap()));
}

/// Each "Guarded by" line of these pages has the form: `tests/file.rs` `name_of_test`.
#[test]
fn pages_refer_to_existing_tests() {
    let pages =
        ["docs/architecture.md", "docs/high-availability.md", "docs/host-faults.md", "docs/upgrade.md"];
    for name in pages {
        let page = fs::read_to_string(name).unwrap();
        let mut claims = 0;
        for guard in page.lines().filter_map(|line| line.strip_prefix("Guarded by ")) {
            let words: Vec<&str> = guard.split('`').skip(1).step_by(2).collect();
            for claim in words.chunks(2) {
                let [file, test] = claim else { panic!("expected pairs of file and test: {guard}") };
                let text = fs::read_to_string(file).unwrap_or_default();
                assert!(text.contains(&format!("fn {test}(")), "{file} has no test {test}");
                claims += 1;
            }
        }
        assert!(claims > 0, "{name} has no \"Guarded by\" line");
    }
}

fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

fn layer_breaches(sources: &[Source]) -> Vec<String> {
    let table: BTreeMap<_, _> = MODULES.iter().copied().collect();
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let Some(module) = source.module().filter(|module| *module != "lib") else { continue };
        let Some(dependencies) = table.get(module) else {
            found.push(format!("{}: module {module} has no layer", source.path));
            continue;
        };
        for path in source.crate_paths() {
            let first = path[0].as_str();
            let is_allowed = first == module
                || dependencies
                    .iter()
                    .any(|allowed| starts_with(&path, &allowed.split("::").collect::<Vec<_>>()));
            if !is_allowed {
                found.push(format!("{}: {module} must not use {}", source.path, path.join("::")));
            }
        }
    }
    found
}

/// The enums with one variant per operation, which the engine must not match.
const KINDS_OF_WORK: [&str; 2] = ["IntentVerb", "ScheduledWork"];

/// Reports uses of operations in the engine: types that implement `Operation`, the folders of `src/ops`, and the enums
/// that tell operations apart.
fn engine_breaches(sources: &[Source]) -> Vec<String> {
    let operations = || sources.iter().filter(|source| source.is_in("src/ops/"));
    let folders: BTreeSet<&str> = operations()
        .filter_map(|source| Some(source.path.strip_prefix("src/ops/")?.split_once('/')?.0))
        .collect();
    let types: BTreeSet<&str> = operations()
        .flat_map(|source| source.identifiers.windows(3))
        .filter_map(|words| match words {
            [name, keyword, implementor] if name == "Operation" && keyword == "for" => {
                Some(implementor.as_str())
            }
            _ => None,
        })
        .collect();
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.module() == Some("engine") && !source.is_test()) {
        for kind in KINDS_OF_WORK.iter().filter(|kind| source.identifiers.iter().any(|word| word == *kind)) {
            found.push(format!("{}: the engine must not use {kind}", source.path));
        }
        for path in source.crate_paths().filter(|path| path[0] == "ops") {
            let is_operation = path.get(1).is_some_and(|word| folders.contains(word.as_str()) || word == "*")
                || path.iter().any(|word| types.contains(word.as_str()));
            if is_operation {
                found.push(format!("{}: the engine must not use {}", source.path, path.join("::")));
            }
        }
    }
    found
}

/// What operations on keys must not name: each is of one kind of container.
const KINDS_OF_CONTAINERS: [&str; 4] = ["HsmName", "ManagedHsm", "WholeHsm", "InHsm"];

/// Reports kinds of containers in operations on keys.
fn container_breaches(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    let folders = ["src/ops/keys/", "src/ops/crypto/"];
    for source in sources.iter().filter(|source| folders.iter().any(|folder| source.is_in(folder))) {
        for kind in
            KINDS_OF_CONTAINERS.iter().filter(|kind| source.identifiers.iter().any(|word| word == *kind))
        {
            found.push(format!("{}: an operation on keys must not use {kind}", source.path));
        }
    }
    found
}

/// Reports uses of the modules of the modes outside of them. A mode uses nothing of the other.
fn mode_breaches(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let Some(module) = source.module() else { continue };
        for path in source.crate_paths() {
            let is_foreign = MODES.contains(&path[0].as_str()) && path[0] != module;
            if is_foreign && source.path != CHOICE_OF_MODE {
                found.push(format!("{}: must not use {}", source.path, path.join("::")));
            }
        }
    }
    found
}

fn crate_breaches(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let Some(module) = source.module() else { continue };
        for path in source.all_paths().filter(|path| !source.declares(&path[0])) {
            let family = |name: &str| path[0] == name || path[0].starts_with(&format!("{name}_"));
            let Some((name, allowed)) = CRATES.iter().find(|(name, _)| path.len() > 1 && family(name)) else {
                continue;
            };
            let is_allowed = match allowed {
                Modules::Only(modules) => modules.contains(&module),
                Modules::Never(modules) => !modules.contains(&module),
            };
            if !is_allowed {
                found.push(format!("{}: {module} must not use the crate {name}", source.path));
            }
        }
    }
    found
}

fn file_breaches(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for source in sources {
        if source.lines > MAX_LINES {
            found.push(format!("{}: {} lines, {MAX_LINES} are allowed", source.path, source.lines));
        }
        if !source.has_doc_comment {
            found.push(format!(
                "{}: the first line must be a `//!` comment that states the file's duty",
                source.path
            ));
        }
    }
    found
}

fn unsafe_breaches(sources: &[Source]) -> Vec<String> {
    let is_unsafe = |source: &&Source| source.identifiers.iter().any(|word| word == "unsafe");
    let is_allowed = |source: &&Source| UNSAFE.contains(&source.path.as_str());
    let breach = |source: &Source| format!("{}: unsafe", source.path);
    sources.iter().filter(|source| is_unsafe(source) && !is_allowed(source)).map(breach).collect()
}

fn starts_with(path: &[String], prefix: &[&str]) -> bool {
    path.len() >= prefix.len() && path.iter().zip(prefix).all(|(a, b)| a == b)
}

/// Tests of the rules above, on sources that break and that satisfy them.
#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Source {
        Source::parse(path, text).unwrap()
    }

    fn layers(path: &str, text: &str) -> Vec<String> {
        layer_breaches(&[file(path, text)])
    }

    #[test]
    fn reports_upward_dependency_in_any_syntax() {
        for text in [
            "use crate::engine::Engine;",
            "use crate::{model::Error, engine::{self, Engine}};",
            "fn f() { let _ = crate::engine::start(); }",
            "fn f() { g(vec![crate::engine::X]); }",
            "use super::super::engine;",
            "pub(crate) use crate::engine as other;",
            "impl From<crate::engine::Failure> for Mine {}",
        ] {
            let found = layers("src/ops/rows.rs", text);
            assert!(found.iter().any(|breach| breach.contains("ops must not use engine")), "{text}");
        }
        assert_eq!(layers("src/ops/mod.rs", "use crate::identity::Caller;").len(), 1);
        assert_eq!(layers("src/ops/mod.rs", "use strongroom_identity::Caller;").len(), 1);
        assert_eq!(layers("src/ops/mod.rs", "use strongroom_environment::config::Config;").len(), 1);
        assert_eq!(layers("src/cli/mod.rs", "use crate::api::grpc::server;").len(), 1);
        assert_eq!(layers("src/main.rs", "fn main() { strongroom::engine::start() }").len(), 1);
        assert_eq!(layers("src/cellar/mod.rs", ""), ["src/cellar/mod.rs: module cellar has no layer"]);
    }

    #[test]
    fn accepts_allowed_dependencies() {
        for (path, text) in [
            ("src/ops/rows.rs", "use super::commit; use self::inner::X; use crate::model::{Error, key::*};"),
            (
                "src/ops/mod.rs",
                "// use crate::engine;\n/* crate::engine */ const A: &str = \"crate::engine::B\";",
            ),
            (
                "src/ops/mod.rs",
                "#[cfg(test)] mod tests { use crate::engine::Engine; } #[cfg(test)] use crate::api;",
            ),
            ("src/ops/tests.rs", "use crate::engine::Engine;"),
            ("src/cli/mod.rs", "use crate::api::grpc::pb; fn f(a: &u8) -> impl Fn() + use<'_> { || () }"),
        ] {
            assert_none(&layers(path, text));
        }
        let after_tests = "#[cfg(test)] mod tests { fn f() {} } use crate::engine::Engine;";
        assert_eq!(layers("src/ops/mod.rs", after_tests).len(), 1);
    }

    #[test]
    fn reports_operation_used_by_engine() {
        let operation =
            || file("src/ops/crypto/sign.rs", "impl Operation for Sign { const NAME: &str = \"sign\"; }");
        for (text, breaches) in [
            ("use crate::ops::crypto::Sign;", 1),
            ("use crate::ops::{Operation, Sign};", 1),
            ("use crate::ops::*;", 1),
            ("use crate::model::change::{Intent, IntentVerb};", 1),
            ("fn f(due: &DueWork) { matches!(due.work, time::ScheduledWork::PurgeHsm); }", 1),
            ("use crate::ops::{Operation, target::Target}; use crate::token::call::Sign;", 0),
        ] {
            let found = engine_breaches(&[operation(), file("src/engine/mod.rs", text)]);
            assert_eq!(found.len(), breaches, "{text}");
        }
    }

    #[test]
    fn reports_kind_of_container_in_operation_on_keys() {
        for (path, text, breaches) in [
            ("src/ops/crypto/random.rs", "use crate::model::name::HsmName;", 1),
            ("src/ops/keys/get.rs", "fn f(cx: &Cx) { let Container::ManagedHsm(hsm) = &cx.container; }", 1),
            ("src/ops/keys/get.rs", "use crate::model::container::ContainerId;", 0),
            ("src/ops/settings/read.rs", "use crate::model::name::HsmName;", 0),
        ] {
            assert_eq!(container_breaches(&[file(path, text)]).len(), breaches, "{text}");
        }
    }

    #[test]
    fn reports_mode_named_outside_the_serve_command() {
        for (path, text, breaches) in [
            ("src/server/opening/mod.rs", "use crate::simulator::authority::Authority;", 1),
            ("src/cli/env.rs", "use crate::{gateway, simulator};", 2),
            ("src/gateway.rs", "use crate::simulator::certificates;", 1),
            ("src/cli/serve.rs", "use crate::{gateway, simulator};", 0),
            ("src/simulator/authority/mod.rs", "use crate::simulator::certificates;", 0),
            ("src/server/opening/mod.rs", "use crate::config::Simulator; fn f() { simulator.start() }", 0),
        ] {
            assert_eq!(mode_breaches(&[file(path, text)]).len(), breaches, "{text}");
        }
    }

    #[test]
    fn reports_crate_outside_allowed_modules() {
        for (path, text, breaches) in [
            ("src/engine/mod.rs", "use jsonwebtoken::Algorithm;", 1),
            ("src/simulator/mod.rs", "use jsonwebtoken::Algorithm;", 0),
            ("src/ops/mod.rs", "#[derive(prost::Message)] struct Row;", 1),
            ("src/ops/mod.rs", "fn f() -> tonic_types::ErrorDetails { loop {} }", 1),
            ("src/api/grpc/mod.rs", "use tonic::Status;", 0),
            ("src/ops/mod.rs", "use tonic;", 1),
            ("src/ops/mod.rs", "mod tonic; use tonic::verify;", 0),
            ("src/ops/mod.rs", "use crate::a::{b, tonic}; use tonic::KeySize;", 0),
            ("src/ops/mod.rs", "fn f(tonic: u8) -> u8 { tonic }", 0),
        ] {
            assert_eq!(crate_breaches(&[file(path, text)]).len(), breaches, "{text}");
        }
    }

    #[test]
    fn reports_long_undocumented_or_unsafe_files() {
        let long = format!("//! Long.\n{}", "\n".repeat(MAX_LINES));
        assert_eq!(file_breaches(&[file("src/a.rs", &long)]).len(), 1);
        assert_eq!(file_breaches(&[file("src/a.rs", "fn f() {}")]).len(), 1);
        assert_none(&file_breaches(&[file("src/a.rs", "//! Its duty.\nfn f() {}")]));
        assert_eq!(unsafe_breaches(&[file("src/a.rs", "mod m { fn f() { unsafe { g() } } }")]).len(), 1);
        assert_none(&unsafe_breaches(&[file("src/a.rs", "#![forbid(unsafe_code)] // unsafe\n")]));
    }
}
