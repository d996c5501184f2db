//! The data plane that a request addresses by its host, and the URLs derived from that host.

use std::net::IpAddr;

use http::request::Parts;
use uuid::Uuid;

use super::super::azure::HostNames;
use super::super::azure::host_names::Host;
use super::super::azure::query::Query;
use crate::model::container_id::{ContainerId, ContainerKind};
use crate::model::name::{HsmName, VaultName};
use crate::model::{Error, Field, Result};

/// What the responses of a container depend on.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) tenant: Uuid,
    pub(super) location: String,
}

/// A data plane, as addressed by a client.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// `https://` and the host, with the port unless it is 443: the prefix of all URLs in responses.
    pub(super) base: String,
    /// The kind of container at the host, which exists or not. It determines the audience, the routes and the form of
    /// responses.
    pub(super) kind: ContainerKind,
    /// The addressed container.
    pub(super) container: Result<ContainerId>,
    /// The region of the container, if it exists.
    pub(super) location: Option<String>,
    /// The URL of the authority whose access tokens it accepts, with the tenant.
    pub(super) authority: String,
    /// The resource for which access tokens are requested.
    pub(super) resource: String,
    /// The `api-version` of the request; empty if it has none.
    pub(super) api_version: String,
    /// Whether the request lists certificates that are not issued yet, too, which the link to the next page repeats.
    pub(super) include_pending: bool,
}

impl Endpoint {
    /// Returns the data plane that a request addresses. `find` returns a managed HSM that exists, or a vault that is live.
    pub(super) fn of(names: &HostNames, parts: &Parts, find: impl Fn(&ContainerId) -> Option<Found>) -> Self {
        let requested = HostNames::requested_host(parts);
        let host = Host::of(requested.as_ref());
        let (kind, index, suffix, id) =
            if let Some((index, label, suffix)) = host.below(&names.vault_suffixes) {
                (ContainerKind::Vault, index, suffix, vault(label))
            } else if let Some((index, label, suffix)) = host.below(&names.suffixes) {
                let id = label.parse::<HsmName>().map(ContainerId::from).map_err(Error::from);
                (ContainerKind::ManagedHsm, index, suffix, id)
            } else {
                let suffix = names.suffixes.first().map_or(host.name, String::as_str);
                (ContainerKind::ManagedHsm, 0, suffix, default_hsm(names, host.name).map(ContainerId::from))
            };
        let found = id.as_ref().ok().and_then(find);
        let tenant = found.as_ref().map_or(names.default_tenant, |found| found.tenant);
        let query = Query::of(&parts.uri);
        Self {
            base: host.url(host.name),
            kind,
            container: id.and_then(|id| addressed(id, found.is_some())),
            location: found.map(|found| found.location),
            authority: names.authority_url(&host, index, tenant),
            resource: host.url(suffix),
            api_version: query.api_version().to_owned(),
            include_pending: query
                .get("includePending")
                .is_some_and(|text| text.eq_ignore_ascii_case("true")),
        }
    }

    /// Whether bundles of vaults have `recoverableDays`: since api-version 7.1, as recorded.
    pub(super) fn has_recoverable_days(&self) -> bool {
        !matches!(self.api_version.as_str(), "7.0" | "2016-10-01")
    }

    /// Whether bundles of certificates state that their order is kept: since api-version 7.6
    /// (<https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate/get-certificate>).
    pub(super) fn has_certificate_order(&self) -> bool {
        let is_former = |known: &&str| self.api_version.starts_with(*known);
        !["7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "2016-"].iter().any(is_former)
    }

    /// Whether bundles of the companion secrets of certificates name the previous version: since api-version 2025-07-01
    /// (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret>).
    pub(super) fn has_previous_version(&self) -> bool {
        // Versions before that are older dates, or numbers such as 7.6.
        self.api_version.starts_with("20") && self.api_version.as_str() >= "2025-07-01"
    }

    /// Returns [`Self::base`] with the port, also if it is 443, for links of vaults, which name it as recorded.
    pub(super) fn base_with_port(&self) -> String {
        let host = self.base.strip_prefix("https://").unwrap_or_default();
        match host.rsplit_once(':') {
            Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => self.base.clone(),
            _ => format!("{}:443", self.base),
        }
    }

    /// Returns the managed HSM that the request addresses.
    ///
    /// # Errors
    /// `RouteNotFound` if the host is that of a vault; the error of the host if it is of no managed HSM.
    pub(super) fn hsm(&self) -> Result<HsmName> {
        match &self.container {
            Ok(id) => id.managed_hsm().cloned().ok_or(Error::RouteNotFound),
            Err(error) => Err(error.clone()),
        }
    }
}

/// Returns the vault of a label of a host.
fn vault(label: &str) -> Result<ContainerId> {
    label.parse::<VaultName>().map(ContainerId::from).map_err(Error::from)
}

/// Returns the container that a host addresses. The engine reports an absent managed HSM, and names it in the audit entry.
///
/// # Errors
/// `NotFound` for a vault that is not live.
// assumption: in Azure, the host of such a vault has no address, so there is no response to imitate.
fn addressed(id: ContainerId, is_found: bool) -> Result<ContainerId> {
    match id.kind() {
        ContainerKind::Vault if !is_found => Err(Error::NotFound((&id).into())),
        ContainerKind::Vault | ContainerKind::ManagedHsm => Ok(id),
    }
}

/// Returns the HSM of a host without the name of a container: the default HSM, if the host is one of this server's.
///
/// # Errors
/// `Invalid` for another host.
fn default_hsm(names: &HostNames, host: &str) -> Result<HsmName> {
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_ours = names.default_hsm_hosts.iter().any(|other| other.eq_ignore_ascii_case(host));
    let unknown = || Error::invalid(Field::Unnamed, format!("There is no managed HSM at the host {host:?}."));
    if is_address || is_ours || host.eq_ignore_ascii_case("localhost") {
        names.default_hsm.clone().ok_or_else(unknown)
    } else {
        Err(unknown())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::azure::TokenAuthorities;
    use super::*;

    /// Returns the endpoint of a host, where no container exists.
    fn endpoint(host: &str) -> Endpoint {
        endpoint_with(host, |_| None)
    }

    fn endpoint_with(host: &str, find: impl Fn(&ContainerId) -> Option<Found>) -> Endpoint {
        let names = HostNames {
            suffixes: vec!["managedhsm.localhost".to_owned(), "managedhsm.azure.net".to_owned()],
            vault_suffixes: vec!["vault.localhost".to_owned(), "vault.azure.net".to_owned()],
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
        let endpoint = Endpoint::of(&names, &parts, find);
        // The audience is determined before the endpoint.
        assert_eq!(names.kind_of(&parts), endpoint.kind, "{host}");
        endpoint
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
            assert_eq!(endpoint.hsm().unwrap().as_str(), hsm, "{host}");
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
            assert!(endpoint(host).hsm().is_err(), "{host}");
        }
    }

    #[test]
    fn derives_vault_and_urls_from_the_host() {
        let live = |_: &ContainerId| Some(Found { tenant: TENANT, location: "westeurope".to_owned() });
        for (host, vault, base, resource, login) in [
            (
                "Contoso.vault.localhost:8443",
                "Contoso",
                "Contoso.vault.localhost:8443",
                "vault.localhost:8443",
                "login.localhost:8443",
            ),
            ("demo.Vault.azure.net:443", "demo", "demo.Vault.azure.net", "Vault.azure.net", "login.example"),
        ] {
            let endpoint = endpoint_with(host, live);
            assert_eq!(endpoint.kind, ContainerKind::Vault, "{host}");
            assert_eq!(endpoint.hsm(), Err(Error::RouteNotFound), "{host}");
            assert_eq!(endpoint.container.unwrap().vault().unwrap().as_str(), vault, "{host}");
            assert_eq!(endpoint.base, format!("https://{base}"), "{host}");
            assert_eq!(endpoint.resource, format!("https://{resource}"), "{host}");
            assert_eq!(endpoint.authority, format!("https://{login}/{TENANT}"), "{host}");
            assert_eq!(endpoint.location.as_deref(), Some("westeurope"), "{host}");
        }
        for host in ["a.b.vault.localhost", ".vault.localhost", "x.vault.azure.net", "a--b.vault.localhost"] {
            let endpoint = endpoint_with(host, live);
            assert_eq!(endpoint.kind, ContainerKind::Vault, "{host}");
            assert!(matches!(endpoint.container, Err(Error::Invalid { .. })), "{host}");
        }
        let absent = endpoint("demo.vault.localhost");
        assert!(matches!(absent.container, Err(Error::NotFound(_))) && absent.location.is_none());
        assert_eq!(absent.authority, format!("https://login.localhost/{}", Uuid::nil()));
        for host in ["vault.localhost", "contosovault.localhost", "contoso.vault.localhost.example"] {
            let endpoint = endpoint_with(host, live);
            assert_eq!(endpoint.kind, ContainerKind::ManagedHsm, "{host}");
            assert!(matches!(endpoint.container, Err(Error::Invalid { .. })), "{host}");
        }
    }

    const TENANT: Uuid = Uuid::from_u128(7);
}
