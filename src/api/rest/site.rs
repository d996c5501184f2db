//! Which data plane a request is for, by the host it names, and under which names its clients know everything else.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;
use uuid::Uuid;

use crate::identity::authority::HostAndPort;
use crate::model::hsm::ManagedHsm;
use crate::model::name::HsmName;
use crate::model::{Error, Result};

/// Where clients get their tokens.
#[derive(Clone, Debug)]
pub enum Authorities {
    /// Here: under the host that stands where the data plane's suffix stands in its list, on the same port.
    Here(Vec<String>),
    /// Elsewhere: the authority of each tenant, with the tenant, as a URL without a slash at its end.
    Elsewhere(BTreeMap<Uuid, String>),
}

/// The names under which clients know the data planes of this server.
#[derive(Clone, Debug)]
pub struct Names {
    /// Data planes are at `{hsm}.{suffix}`; never empty.
    pub suffixes: Vec<String>,
    /// Hosts that stand for the default HSM, beside `localhost` and addresses.
    pub others: Vec<String>,
    /// The HSM that was configured first.
    pub default_hsm: Option<HsmName>,
    /// The tenant that strangers are sent to where the HSM does not say.
    pub default_tenant: Uuid,
    /// Where clients get their tokens.
    pub authorities: Authorities,
}

/// A data plane as a client addressed it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// `https://` and the host, with the port if it is not 443: what all URLs of its answers begin with.
    pub(super) base: String,
    /// The HSM that is meant.
    pub(super) hsm: Result<HsmName>,
    /// The HSM's region, if there is such an HSM.
    pub(super) location: Option<String>,
    /// The authority whose tokens it takes, as a URL with the tenant.
    pub(super) authority: String,
    /// What tokens for it are asked for.
    pub(super) resource: String,
}

impl Names {
    /// The data plane that a request is for.
    pub(super) fn site(&self, parts: &Parts, find: impl Fn(&HsmName) -> Option<Arc<ManagedHsm>>) -> Site {
        let asked = HostAndPort::of(parts);
        let asked = asked.as_ref().map_or("", HostAndPort::as_str);
        let (host, port) = match asked.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port).filter(|port| *port != "443")),
            _ => (asked, None),
        };
        let with_port = |host: &str| match port {
            None => format!("https://{host}"),
            Some(port) => format!("https://{host}:{port}"),
        };
        let named = self.suffixes.iter().enumerate().find_map(|(place, suffix)| {
            // As the client wrote it: clients compare it with the host letter by letter.
            let at = host.len().checked_sub(suffix.len())?;
            let (label, written) = (host.get(..at)?.strip_suffix('.')?, host.get(at..)?);
            written.eq_ignore_ascii_case(suffix).then_some((place, label, written))
        });
        let (place, hsm, suffix) = match named {
            Some((place, label, suffix)) => (place, label.parse(), suffix),
            None => (0, self.unnamed(host), self.suffixes.first().map_or(host, String::as_str)),
        };
        let found = hsm.as_ref().ok().and_then(find);
        let tenant = found.as_ref().map_or(self.default_tenant, |hsm| hsm.tenant);
        let authority = match &self.authorities {
            Authorities::Here(hosts) => {
                let host =
                    hosts.get(place).or_else(|| hosts.first()).map_or("login.localhost", String::as_str);
                format!("{}/{tenant}", with_port(host))
            }
            Authorities::Elsewhere(of) => of
                .get(&tenant)
                .cloned()
                .unwrap_or_else(|| format!("https://login.microsoftonline.com/{tenant}")),
        };
        Site {
            base: with_port(host),
            hsm,
            location: found.map(|hsm| hsm.location.clone()),
            authority,
            resource: with_port(suffix),
        }
    }

    /// The HSM behind a host that does not name one.
    fn unnamed(&self, host: &str) -> Result<HsmName> {
        let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let is_ours = self.others.iter().any(|other| other.eq_ignore_ascii_case(host));
        let unknown = || Error::invalid("", format!("There is no managed HSM behind the host {host:?}."));
        if is_address || is_ours || host.eq_ignore_ascii_case("localhost") {
            self.default_hsm.clone().ok_or_else(unknown)
        } else {
            Err(unknown())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(host: &str) -> Site {
        let names = Names {
            suffixes: vec!["managedhsm.localhost".to_owned(), "managedhsm.azure.net".to_owned()],
            others: vec!["strongroom".to_owned()],
            default_hsm: Some("local".parse().unwrap()),
            default_tenant: Uuid::nil(),
            authorities: Authorities::Here(vec!["login.localhost".to_owned(), "login.example".to_owned()]),
        };
        let (parts, ()) = http::Request::builder().header("host", host).body(()).unwrap().into_parts();
        names.site(&parts, |_| None)
    }

    #[test]
    fn the_host_says_which_hsm_and_what_urls_begin_with() {
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
            let site = site(host);
            assert_eq!(site.hsm.unwrap().as_str(), hsm, "{host}");
            assert_eq!(site.base, format!("https://{base}"), "{host}");
            assert_eq!(site.resource, format!("https://{resource}"), "{host}");
            assert_eq!(site.authority, format!("https://{login}/{}", Uuid::nil()), "{host}");
        }
        for host in [
            "",
            "example.com",
            "managedhsm.localhost",
            ".managedhsm.localhost",
            "a.b.managedhsm.localhost",
            "a b",
        ] {
            assert!(site(host).hsm.is_err(), "{host}");
        }
    }
}
