//! Checks the dependencies that the manifests of the workspace declare; Cargo enforces that code uses no others.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;

use super::assert_none;

/// The packages in `crates/`, lowest layer first. A package may depend on those of lower layers.
const LAYERS: &[&[&str]] = &[
    // 0: the domain, and the PKCS#11 module that injects faults, which no package uses
    &["faults", "model"],
    // 1: formats, clock and identifiers
    &["certificate", "environment", "public-key", "security-domain", "telemetry"],
    // 2: formats of backups, and adapters to external systems, independent of each other
    &["audit", "backup", "identity", "storage", "store", "token"],
];

/// Crates that only these packages may use. A name also covers crates with that prefix: `tonic` covers `tonic-types`.
const RESTRICTED: &[(&str, &[&str])] = &[
    ("axum", &["strongroom"]),
    ("cryptoki", &["faults", "token"]),
    // Ciphers of old PKCS#12 files.
    ("des", &["certificate"]),
    ("jsonwebtoken", &["identity", "strongroom"]),
    ("metrics-exporter-prometheus", &["strongroom"]),
    ("opentelemetry", &["strongroom"]),
    ("prost", &["strongroom"]),
    ("rc2", &["certificate"]),
    ("reqwest", &["identity", "strongroom"]),
    // RUSTSEC-2023-0071. Together with the ban in `deny.toml`, which covers transitive dependencies, this keeps `rsa`
    // out of the server.
    ("rsa", &[]),
    ("rusqlite", &["store"]),
    ("sqlx", &["store"]),
    ("object_store", &["storage"]),
    ("tokio", &["environment", "identity", "storage", "store", "strongroom", "token"]),
    ("tonic", &["strongroom"]),
    ("x509-cert", &["certificate"]),
];

/// A package of the workspace with what it depends on outside of tests.
struct Package {
    name: String,
    dependencies: BTreeSet<String>,
}

impl Package {
    fn parse(name: &str, manifest: &str) -> Result<Self, Box<dyn Error>> {
        let manifest: toml::Table = manifest.parse()?;
        let sections = ["dependencies", "build-dependencies"].map(|section| manifest.get(section));
        let tables = sections.into_iter().flatten().filter_map(toml::Value::as_table);
        let dependencies = tables.flat_map(toml::Table::keys).map(ToString::to_string).collect();
        Ok(Self { name: name.to_owned(), dependencies })
    }
}

#[test]
fn packages_depend_only_on_lower_layers() {
    assert_none(&layer_breaches(&load().unwrap()));
}

#[test]
fn crates_are_dependencies_of_allowed_packages_only() {
    assert_none(&crate_breaches(&load().unwrap()));
}

/// Reads the manifests of the workspace. The top package is `strongroom`, others have the name of their folder.
fn load() -> Result<Vec<Package>, Box<dyn Error>> {
    let mut packages = vec![Package::parse("strongroom", &fs::read_to_string("Cargo.toml")?)?];
    for folder in fs::read_dir("crates")? {
        let folder = folder?;
        let manifest = fs::read_to_string(folder.path().join("Cargo.toml"))?;
        packages.push(Package::parse(&folder.file_name().to_string_lossy(), &manifest)?);
    }
    Ok(packages)
}

fn layer_breaches(packages: &[Package]) -> Vec<String> {
    let layers = LAYERS.iter().enumerate();
    let layers: BTreeMap<&str, usize> =
        layers.flat_map(|(layer, names)| names.iter().map(move |name| (*name, layer))).collect();
    let mut found = Vec::new();
    for package in packages.iter().filter(|package| package.name != "strongroom") {
        let Some(layer) = layers.get(package.name.as_str()) else {
            found.push(format!("{} has no layer", package.name));
            continue;
        };
        for name in package.dependencies.iter().filter_map(|name| name.strip_prefix("strongroom-")) {
            if layers.get(name).is_none_or(|other| other >= layer) {
                found.push(format!("{} must not depend on {name}", package.name));
            }
        }
    }
    found
}

fn crate_breaches(packages: &[Package]) -> Vec<String> {
    let mut found = Vec::new();
    for package in packages {
        for dependency in &package.dependencies {
            let is_family = |name: &str| {
                dependency.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            };
            let rule = RESTRICTED.iter().find(|(name, _)| is_family(name));
            if rule.is_some_and(|(_, allowed)| !allowed.contains(&package.name.as_str())) {
                found.push(format!("{} must not depend on {dependency}", package.name));
            }
        }
    }
    found
}

#[cfg(test)]
mod proof {
    use super::*;

    #[test]
    fn reports_dependencies_on_packages_of_same_or_higher_layer() {
        for (name, dependency, breaches) in [
            ("store", "strongroom-token", 1),
            ("model", "strongroom-environment", 1),
            ("store", "strongroom-model", 0),
            ("cellar", "strongroom-model", 1),
        ] {
            let package = Package::parse(name, &format!("[dependencies]\n{dependency}.workspace = true"));
            let package = package.unwrap();
            assert_eq!(layer_breaches(&[package]).len(), breaches, "{name} on {dependency}");
        }
    }

    #[test]
    fn reports_restricted_crates_except_in_tests() {
        for (name, manifest, breaches) in [
            ("token", "[dependencies]\nsqlx = '1'", 1),
            ("token", "[build-dependencies]\nsqlx = '1'", 1),
            ("token", "[dev-dependencies]\nsqlx = '1'", 0),
            ("token", "[dependencies]\ntonic-types.workspace = true", 1),
            ("strongroom", "[dependencies]\nrsa = '1'", 1),
            ("store", "[dependencies]\nsqlx = '1'\naxumatic = '1'", 0),
        ] {
            assert_eq!(
                crate_breaches(&[Package::parse(name, manifest).unwrap()]).len(),
                breaches,
                "{manifest}"
            );
        }
    }
}
