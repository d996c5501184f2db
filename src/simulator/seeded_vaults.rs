//! The names of the vaults of the seed that a data directory has had, in the file `seeded-vaults.json`.
//!
//! A purged vault leaves no record in the store, and must not be created again at the next start.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;

use crate::config::VaultSeed;
use crate::model::name::VaultName;
use crate::server::files;

/// The name of the file.
const FILE: &str = "seeded-vaults.json";

/// Returns the vaults of the seed that the data directory has not had.
///
/// # Errors
/// If the file cannot be read or is damaged.
pub(super) fn missing(directory: &Path, seed: &[VaultSeed]) -> anyhow::Result<Vec<VaultSeed>> {
    let had = read(directory)?;
    let is_missing = |vault: &&VaultSeed| !had.contains(&vault.name.to_case_insensitive());
    Ok(seed.iter().filter(is_missing).cloned().collect())
}

/// Adds vaults that exist now.
///
/// # Errors
/// If the file cannot be read or written.
pub(super) fn record<'a>(
    directory: &Path,
    existing: impl Iterator<Item = &'a VaultName>,
) -> anyhow::Result<()> {
    let had = read(directory)?;
    let mut names = had.clone();
    names.extend(existing.map(VaultName::to_case_insensitive));
    if names == had {
        return Ok(());
    }
    let json = serde_json::to_vec(&names).context("writing the names of the vaults")?;
    files::write(&directory.join(FILE), &json, files::PUBLIC)?;
    Ok(())
}

fn read(directory: &Path) -> anyhow::Result<BTreeSet<String>> {
    let path = directory.join(FILE);
    let Some(json) = files::read(&path)? else { return Ok(BTreeSet::new()) };
    serde_json::from_slice(&json).with_context(|| {
        format!("{} is damaged; remove it to create the vaults of the seed that do not exist", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(name: &str) -> VaultSeed {
        toml::from_str(&format!("name = {name:?}")).unwrap()
    }

    #[test]
    fn vault_is_missing_until_it_is_recorded() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let seed = [vault("Demo"), vault("payroll")];
        let missing = || {
            let found = super::missing(directory, &seed).unwrap();
            found.iter().map(|vault| vault.name.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(missing(), ["Demo", "payroll"]);
        record(directory, [&"demo".parse().unwrap()].into_iter()).unwrap();
        assert_eq!(missing(), ["payroll"]);
        record(directory, seed.iter().map(|vault| &vault.name)).unwrap();
        assert!(missing().is_empty());
        assert_eq!(std::fs::read_to_string(directory.join(FILE)).unwrap(), r#"["demo","payroll"]"#);
        std::fs::write(directory.join(FILE), "[").unwrap();
        let why = super::missing(directory, &seed).unwrap_err().to_string();
        assert!(why.contains("seeded-vaults.json is damaged; remove it"), "{why}");
    }
}
