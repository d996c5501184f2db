//! The names under which clients know this server, and the host that a request named.

use std::collections::BTreeMap;

use http::request::Parts;
use uuid::Uuid;

use crate::identity::authority::HostAndPort;
use crate::model::name::HsmName;

/// Where clients get their tokens.
#[derive(Clone, Debug)]
pub enum Authorities {
    /// Here: under the host that stands where the asked name's suffix or host stands in its list, on the same port.
    Here(Vec<String>),
    /// Elsewhere: the authority of each tenant, with the tenant, as a URL without a slash at its end.
    Elsewhere(BTreeMap<Uuid, String>),
}

/// The names under which clients know this server. Lists run in parallel: what stands at the same place in each
/// belongs together.
#[derive(Clone, Debug)]
pub struct Names {
    /// Data planes are at `{hsm}.{suffix}`; never empty.
    pub suffixes: Vec<String>,
    /// Hosts of Azure Resource Manager.
    pub management: Vec<String>,
    /// Hosts that stand for the default HSM, beside `localhost` and addresses.
    pub others: Vec<String>,
    /// The HSM that was configured first.
    pub default_hsm: Option<HsmName>,
    /// The tenant that strangers are sent to where nothing else says it.
    pub default_tenant: Uuid,
    /// Where clients get their tokens.
    pub authorities: Authorities,
}

/// The host that a request named, as it was written, and the port if it is not 443.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Host<'a> {
    pub(in crate::api) name: &'a str,
    port: Option<&'a str>,
}

impl<'a> Host<'a> {
    /// Takes host and port apart.
    pub(in crate::api) fn of(asked: Option<&'a HostAndPort>) -> Self {
        let asked = asked.map_or("", HostAndPort::as_str);
        match asked.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => {
                Self { name, port: Some(port).filter(|port| *port != "443") }
            }
            _ => Self { name: asked, port: None },
        }
    }

    /// A host of this server, as the client reaches it: on the port that it used.
    pub(in crate::api) fn beside(&self, name: &str) -> String {
        match self.port {
            None => name.to_owned(),
            Some(port) => format!("{name}:{port}"),
        }
    }

    /// The URL of a host of this server, without a slash at its end.
    pub(in crate::api) fn url(&self, name: &str) -> String {
        format!("https://{}", self.beside(name))
    }
}

impl Names {
    /// The host and port that a request names.
    pub(in crate::api) fn asked(parts: &Parts) -> Option<HostAndPort> {
        HostAndPort::of(parts)
    }

    /// The authority's own URL, without a tenant; `None` where it is elsewhere. `place` is that of the asked name in
    /// its list.
    pub(in crate::api) fn login(&self, host: &Host<'_>, place: usize) -> Option<String> {
        match &self.authorities {
            Authorities::Here(hosts) => {
                let name =
                    hosts.get(place).or_else(|| hosts.first()).map_or("login.localhost", String::as_str);
                Some(host.url(name))
            }
            Authorities::Elsewhere(_) => None,
        }
    }

    /// The authority of a tenant, as a URL with the tenant.
    pub(in crate::api) fn authority(&self, host: &Host<'_>, place: usize, tenant: Uuid) -> String {
        let elsewhere = || format!("https://login.microsoftonline.com/{tenant}");
        match &self.authorities {
            Authorities::Elsewhere(of) => of.get(&tenant).cloned().unwrap_or_else(elsewhere),
            Authorities::Here(_) => {
                self.login(host, place).map_or_else(elsewhere, |login| format!("{login}/{tenant}"))
            }
        }
    }
}
