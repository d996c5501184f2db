//! The data plane that a request addresses by its host, and the URLs derived from that host.

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;

use super::super::azure::HostNames;
use super::super::azure::host_names::Host;
use crate::model::hsm::ManagedHsm;
use crate::model::name::HsmName;
use crate::model::{Error, Field, Result};

/// A data plane, as addressed by a client.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// `https://` and the host, with the port unless it is 443: the prefix of all URLs in responses.
    pub(super) base: String,
    /// The addressed HSM.
    pub(super) hsm: Result<HsmName>,
    /// The region of the HSM, if it exists.
    pub(super) location: Option<String>,
    /// The URL of the authority whose access tokens it accepts, with the tenant.
    pub(super) authority: String,
    /// The resource for which access tokens are requested.
    pub(super) resource: String,
}

impl Endpoint {
    /// Returns the data plane that a request addresses.
    pub(super) fn of(
        names: &HostNames,
        parts: &Parts,
        find: impl Fn(&HsmName) -> Option<Arc<ManagedHsm>>,
    ) -> Self {
        let requested = HostNames::requested_host(parts);
        let host = Host::of(requested.as_ref());
        let named = names.suffixes.iter().enumerate().find_map(|(index, suffix)| {
            // Spelled as the client wrote it: clients compare it with the host byte by byte.
            let start = host.name.len().checked_sub(suffix.len())?;
            let (label, written) = (host.name.get(..start)?.strip_suffix('.')?, host.name.get(start..)?);
            written.eq_ignore_ascii_case(suffix).then_some((index, label, written))
        });
        let (index, hsm, suffix) = match named {
            Some((index, label, suffix)) => (index, label.parse().map_err(Error::from), suffix),
            None => {
                let first = names.suffixes.first().map_or(host.name, String::as_str);
                (0, default_hsm(names, host.name), first)
            }
        };
        let found = hsm.as_ref().ok().and_then(find);
        let tenant = found.as_ref().map_or(names.default_tenant, |hsm| hsm.tenant);
        Self {
            base: host.url(host.name),
            hsm,
            location: found.map(|hsm| hsm.location.clone()),
            authority: names.authority_url(&host, index, tenant),
            resource: host.url(suffix),
        }
    }
}

/// Returns the HSM of a host without an HSM name: the default HSM, if the host is one of this server's.
///
/// # Errors
/// `Unsupported` for the host of a vault; `Invalid` for another.
fn default_hsm(names: &HostNames, host: &str) -> Result<HsmName> {
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_ours = names.default_hsm_hosts.iter().any(|other| other.eq_ignore_ascii_case(host));
    let unknown = || Error::invalid(Field::Unnamed, format!("There is no managed HSM at the host {host:?}."));
    let is_of_vault = |suffix: &String| {
        let lowercase = host.to_ascii_lowercase();
        let label = lowercase.strip_suffix(&suffix.replacen("managedhsm", "vault", 1));
        label.and_then(|label| label.strip_suffix('.')).is_some_and(|label| !label.is_empty())
    };
    if names.suffixes.iter().any(is_of_vault) {
        return Err(Error::Unsupported { what: "The data plane of vaults is not available yet".to_owned() });
    }
    if is_address || is_ours || host.eq_ignore_ascii_case("localhost") {
        names.default_hsm.clone().ok_or_else(unknown)
    } else {
        Err(unknown())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::super::azure::TokenAuthorities;
    use super::*;

    fn endpoint(host: &str) -> Endpoint {
        let names = HostNames {
            suffixes: vec!["managedhsm.localhost".to_owned(), "managedhsm.azure.net".to_owned()],
            management_hosts: vec!["management.localhost".to_owned()],
            default_hsm_hosts: vec!["strongroom".to_owned()],
            default_hsm: Some("local".parse().unwrap()),
            default_tenant: Uuid::nil(),
            authorities: TokenAuthorities::BuiltIn(vec![
                "login.localhost".to_owned(),
                "login.example".to_owned(),
            ]),
        };
        let (parts, ()) = http::Request::builder().header("host", host).body(()).unwrap().into_parts();
        Endpoint::of(&names, &parts, |_| None)
    }

    #[test]
    fn derives_hsm_and_urls_from_the_host() {
        for (host, hsm, base, resource, login) in [
            (
                "a-b.managedhsm.localhost",
                "a-b",
                "a-b.managedhsm.localhost",
                "managedhsm.localhost",
                "login.localhost",
            ),
            (
                "PAY.managedhsm.localhost:8443",
                "PAY",
                "PAY.managedhsm.localhost:8443",
                "managedhsm.localhost:8443",
                "login.localhost:8443",
            ),
            (
                "pay.ManagedHSM.azure.net:443",
                "pay",
                "pay.ManagedHSM.azure.net",
                "ManagedHSM.azure.net",
                "login.example",
            ),
            ("localhost:9", "local", "localhost:9", "managedhsm.localhost:9", "login.localhost:9"),
            ("127.0.0.1", "local", "127.0.0.1", "managedhsm.localhost", "login.localhost"),
            ("[::1]:9", "local", "[::1]:9", "managedhsm.localhost:9", "login.localhost:9"),
            ("[::1]", "local", "[::1]", "managedhsm.localhost", "login.localhost"),
            ("strongroom:9", "local", "strongroom:9", "managedhsm.localhost:9", "login.localhost:9"),
        ] {
            let endpoint = endpoint(host);
            assert_eq!(endpoint.hsm.unwrap().as_str(), hsm, "{host}");
            assert_eq!(endpoint.base, format!("https://{base}"), "{host}");
            assert_eq!(endpoint.resource, format!("https://{resource}"), "{host}");
            assert_eq!(endpoint.authority, format!("https://{login}/{}", Uuid::nil()), "{host}");
        }
        for host in [
            "",
            "example.com",
            "managedhsm.localhost",
            ".managedhsm.localhost",
            "a.b.managedhsm.localhost",
            "a b",
        ] {
            assert!(endpoint(host).hsm.is_err(), "{host}");
        }
    }

    #[test]
    fn hosts_of_vaults_are_not_available_yet() {
        for host in ["contoso.vault.localhost:8443", "CONTOSO.Vault.Azure.net", "a.b.vault.localhost"] {
            let refused = endpoint(host).hsm;
            assert!(matches!(refused, Err(Error::Unsupported { .. })), "{host}: {refused:?}");
        }
        for host in ["vault.localhost", ".vault.localhost", "contosovault.localhost"] {
            let refused = endpoint(host).hsm;
            assert!(matches!(refused, Err(Error::Invalid { .. })), "{host}: {refused:?}");
        }
    }
}
