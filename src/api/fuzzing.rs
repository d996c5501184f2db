//! The fuzz target of the request parsers of the Azure surfaces: no input may cause a panic.

use http::Request;
use uuid::Uuid;

use super::azure::{HostNames, TokenAuthorities};
use super::request_path::normalize_path;

/// Parses `input` as every operation of both surfaces would. The first line is a method and a path with a query, the
/// second the host, the rest the body.
pub fn read(input: &[u8]) {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let (start, host, body) = (next(), next(), next());
    let start = String::from_utf8_lossy(start);
    let (method, target) = start.split_once(' ').unwrap_or(("GET", &start));
    let request = Request::builder().method(method).uri(target).header("host", host).body(());
    let Ok(request) = request else { return };
    let (parts, ()) = normalize_path(request).into_parts();
    let names = HostNames {
        suffixes: vec!["managedhsm.localhost".to_owned()],
        vault_suffixes: vec!["vault.localhost".to_owned()],
        management_hosts: vec!["management.localhost".to_owned()],
        default_hsm_hosts: Vec::new(),
        default_hsm: "local".parse().ok(),
        default_tenant: Uuid::nil(),
        authorities: TokenAuthorities::BuiltIn(Vec::new()),
    };
    super::rest::fuzzing::read(&names, &parts, body);
    super::arm::fuzzing::read(&names, &parts, body);
}

#[cfg(test)]
mod tests {
    /// Keeps this module compiling: continuous integration does not run the fuzzer.
    #[test]
    fn reads_every_seed_without_panic() {
        let seeds = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds")).unwrap();
        let seeds: Vec<_> = seeds.map(|seed| std::fs::read(seed.unwrap().path()).unwrap()).collect();
        assert!(!seeds.is_empty());
        for seed in seeds {
            super::read(&seed);
            super::read(&seed[..seed.len() / 2]);
        }
    }
}
