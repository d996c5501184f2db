//! The host names of this server, and the host that a request addresses.

use std::collections::BTreeMap;

use http::request::Parts;
use uuid::Uuid;

use crate::api::HostAndPort;
use crate::model::container_id::ContainerKind;
use crate::model::name::HsmName;

/// The authorities that issue access tokens for this server.
#[derive(Clone, Debug)]
pub enum TokenAuthorities {
    /// This server. The host is the one at the position that the addressed suffix or host has in its list; the port is
    /// that of the request.
    BuiltIn(Vec<String>),
    /// External authorities: their URL by tenant, including the tenant, without a trailing slash.
    External(BTreeMap<Uuid, String>),
}

/// The host names of this server. The lists are parallel: names at the same position in each belong together.
#[derive(Clone, Debug)]
pub struct HostNames {
    /// The suffixes of the data planes of managed HSMs, which are at `{hsm}.{suffix}`; never empty.
    pub suffixes: Vec<String>,
    /// The suffixes of the data planes of vaults, which are at `{vault}.{suffix}`; never empty.
    pub vault_suffixes: Vec<String>,
    /// The hosts of Azure Resource Manager.
    pub management_hosts: Vec<String>,
    /// The hosts of the default HSM besides `localhost` and IP addresses.
    pub default_hsm_hosts: Vec<String>,
    /// The HSM that was configured first.
    pub default_hsm: Option<HsmName>,
    /// The tenant in the challenge for unauthenticated clients, unless the addressed HSM has another.
    pub default_tenant: Uuid,
    /// The authorities that issue access tokens.
    pub authorities: TokenAuthorities,
}

/// The host that a request addresses, as the client wrote it, and the port if it is not 443.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Host<'a> {
    pub(in crate::api) name: &'a str,
    port: Option<&'a str>,
}

impl<'a> Host<'a> {
    /// Splits a host and a port.
    pub(in crate::api) fn of(requested: Option<&'a HostAndPort>) -> Self {
        let requested = requested.map_or("", HostAndPort::as_str);
        match requested.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                Self { name, port: Some(port).filter(|port| *port != "443") }
            }
            _ => Self { name: requested, port: None },
        }
    }

    /// Splits the host into a name and one of the suffixes, both as the client wrote them: clients compare them byte by byte.
    /// Also returns the position of the suffix.
    pub(in crate::api) fn below(&self, suffixes: &[String]) -> Option<(usize, &'a str, &'a str)> {
        suffixes.iter().enumerate().find_map(|(index, suffix)| {
            let start = self.name.len().checked_sub(suffix.len())?;
            let (label, written) = (self.name.get(..start)?.strip_suffix('.')?, self.name.get(start..)?);
            written.eq_ignore_ascii_case(suffix).then_some((index, label, written))
        })
    }

    /// Returns a host of this server with the port that the client used.
    pub(in crate::api) fn with_port(&self, name: &str) -> String {
        match self.port {
            None => name.to_owned(),
            Some(port) => format!("{name}:{port}"),
        }
    }

    /// Returns the URL of a host of this server, without a trailing slash.
    pub(in crate::api) fn url(&self, name: &str) -> String {
        format!("https://{}", self.with_port(name))
    }
}

impl HostNames {
    /// Returns the host and port that a request addresses.
    pub(in crate::api) fn requested_host(parts: &Parts) -> Option<HostAndPort> {
        HostAndPort::of(parts)
    }

    /// Returns the kind of container whose data plane is at the host of a request: a managed HSM for unknown hosts.
    pub(in crate::api) fn kind_of(&self, parts: &Parts) -> ContainerKind {
        let requested = Self::requested_host(parts);
        let host = Host::of(requested.as_ref());
        match host.below(&self.vault_suffixes) {
            Some(_) => ContainerKind::Vault,
            None => ContainerKind::ManagedHsm,
        }
    }

    /// Returns the URL of this server's authority, without a tenant; `None` if authorities are external. `index` is the
    /// position of the addressed name in its list.
    pub(in crate::api) fn login_url(&self, host: &Host<'_>, index: usize) -> Option<String> {
        match &self.authorities {
            TokenAuthorities::BuiltIn(hosts) => {
                let name =
                    hosts.get(index).or_else(|| hosts.first()).map_or("login.localhost", String::as_str);
                Some(host.url(name))
            }
            TokenAuthorities::External(_) => None,
        }
    }

    /// Returns the URL of a tenant's authority, with the tenant.
    pub(in crate::api) fn authority_url(&self, host: &Host<'_>, index: usize, tenant: Uuid) -> String {
        let default = || format!("https://login.microsoftonline.com/{tenant}");
        match &self.authorities {
            TokenAuthorities::External(of) => of.get(&tenant).cloned().unwrap_or_else(default),
            TokenAuthorities::BuiltIn(_) => {
                self.login_url(host, index).map_or_else(default, |login| format!("{login}/{tenant}"))
            }
        }
    }
}
