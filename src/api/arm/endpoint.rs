//! Azure Resource Manager as addressed by a client, and the host names and URLs derived from the addressed host.

use http::request::Parts;

use super::super::azure::HostNames;
use super::super::azure::host_names::Host;

/// Azure Resource Manager, as addressed by a client.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    /// `https://` and the host, with the port unless it is 443: the prefix of URLs in responses.
    pub(super) base: String,
    /// The URL of the request without `$skiptoken`.
    pub(super) request_url: String,
    /// The host with its port, as in `base`.
    pub(super) host: String,
    /// The suffix of the data-plane hosts of managed HSMs with the same port, without a leading period.
    pub(super) data_plane: String,
    /// The same of vaults.
    pub(super) vaults: String,
    /// The authority's URL, without a tenant.
    pub(super) login: String,
    /// The URL of the authority in the challenge for unauthenticated clients, with the tenant.
    pub(super) authority: String,
    /// Whether the host is that of the Azure public cloud.
    pub(super) is_azure_public_cloud: bool,
}

impl Endpoint {
    /// Derives the names from the host that a request addresses.
    pub(super) fn of(names: &HostNames, parts: &Parts) -> Self {
        let requested = HostNames::requested_host(parts);
        let host = Host::of(requested.as_ref());
        let index =
            names.management_hosts.iter().position(|name| name.eq_ignore_ascii_case(host.name)).unwrap_or(0);
        let below = |suffixes: &[String], default| {
            let suffix = suffixes.get(index).or_else(|| suffixes.first());
            host.with_port(suffix.map_or(default, String::as_str))
        };
        let login = names.login_url(&host, index);
        let base = host.url(host.name);
        Self {
            request_url: without_skip_token(&base, parts),
            base,
            host: host.with_port(host.name),
            data_plane: below(&names.suffixes, "managedhsm.localhost"),
            vaults: below(&names.vault_suffixes, "vault.localhost"),
            login: login.unwrap_or_else(|| "https://login.microsoftonline.com".to_owned()),
            authority: names.authority_url(&host, index, names.default_tenant),
            is_azure_public_cloud: host.name.eq_ignore_ascii_case("management.azure.com"),
        }
    }
}

/// Returns the URL of a request without `$skiptoken`.
fn without_skip_token(base: &str, parts: &Parts) -> String {
    let is_skip_token = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        name.eq_ignore_ascii_case("$skiptoken") || name.eq_ignore_ascii_case("%24skiptoken")
    };
    let pairs: Vec<&str> =
        parts.uri.query().unwrap_or_default().split('&').filter(|pair| !is_skip_token(pair)).collect();
    format!("{base}{}?{}", parts.uri.path(), pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::super::azure::TokenAuthorities;
    use super::*;

    #[test]
    fn derives_names_from_the_host_and_port() {
        let list = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let names = HostNames {
            suffixes: list(["managedhsm.localhost", "managedhsm.azure.net"]),
            vault_suffixes: list(["vault.localhost", "vault.azure.net"]),
            management_hosts: list(["management.localhost", "management.azure.com"]),
            default_hsm_hosts: Vec::new(),
            default_hsm: None,
            default_tenant: Uuid::nil(),
            authorities: TokenAuthorities::BuiltIn(list(["login.localhost", "login.microsoftonline.com"])),
        };
        for (host, suffix, login) in [
            ("management.localhost:8443", "localhost:8443", "https://login.localhost:8443"),
            ("management.localhost:443", "localhost", "https://login.localhost"),
            ("Management.Azure.com", "azure.net", "https://login.microsoftonline.com"),
        ] {
            let (parts, ()) = http::Request::builder()
                .uri("/subscriptions?api-version=1.0&%24skiptoken=x&$top=2")
                .header("host", host)
                .body(())
                .unwrap()
                .into_parts();
            let endpoint = Endpoint::of(&names, &parts);
            assert_eq!(
                (endpoint.data_plane.as_str(), endpoint.vaults.as_str(), endpoint.login.as_str()),
                (format!("managedhsm.{suffix}").as_str(), format!("vault.{suffix}").as_str(), login),
                "{host}"
            );
            assert_eq!(endpoint.base, format!("https://{}", host.trim_end_matches(":443")), "{host}");
            assert_eq!(
                endpoint.request_url,
                format!("{}/subscriptions?api-version=1.0&$top=2", endpoint.base),
                "{host}"
            );
        }
    }
}
