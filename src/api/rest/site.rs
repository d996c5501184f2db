//! Which data plane a request is for, by the host it names, and under which names its clients know everything else.

use std::net::IpAddr;
use std::sync::Arc;

use http::request::Parts;

use super::super::azure::Names;
use super::super::azure::names::Host;
use crate::model::hsm::ManagedHsm;
use crate::model::name::HsmName;
use crate::model::{Error, Result};

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

impl Site {
    /// The data plane that a request is for.
    pub(super) fn of(
        names: &Names,
        parts: &Parts,
        find: impl Fn(&HsmName) -> Option<Arc<ManagedHsm>>,
    ) -> Self {
        let asked = Names::asked(parts);
        let host = Host::of(asked.as_ref());
        let named = names.suffixes.iter().enumerate().find_map(|(place, suffix)| {
            // As the client wrote it: clients compare it with the host letter by letter.
            let at = host.name.len().checked_sub(suffix.len())?;
            let (label, written) = (host.name.get(..at)?.strip_suffix('.')?, host.name.get(at..)?);
            written.eq_ignore_ascii_case(suffix).then_some((place, label, written))
        });
        let (place, hsm, suffix) = match named {
            Some((place, label, suffix)) => (place, label.parse(), suffix),
            None => {
                let first = names.suffixes.first().map_or(host.name, String::as_str);
                (0, unnamed(names, host.name), first)
            }
        };
        let found = hsm.as_ref().ok().and_then(find);
        let tenant = found.as_ref().map_or(names.default_tenant, |hsm| hsm.tenant);
        Self {
            base: host.url(host.name),
            hsm,
            location: found.map(|hsm| hsm.location.clone()),
            authority: names.authority(&host, place, tenant),
            resource: host.url(suffix),
        }
    }
}

/// The HSM behind a host that does not name one.
fn unnamed(names: &Names, host: &str) -> Result<HsmName> {
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_ours = names.others.iter().any(|other| other.eq_ignore_ascii_case(host));
    let unknown = || Error::invalid("", format!("There is no managed HSM behind the host {host:?}."));
    if is_address || is_ours || host.eq_ignore_ascii_case("localhost") {
        names.default_hsm.clone().ok_or_else(unknown)
    } else {
        Err(unknown())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::super::azure::Authorities;
    use super::*;

    fn site(host: &str) -> Site {
        let names = Names {
            suffixes: vec!["managedhsm.localhost".to_owned(), "managedhsm.azure.net".to_owned()],
            management: vec!["management.localhost".to_owned()],
            others: vec!["strongroom".to_owned()],
            default_hsm: Some("local".parse().unwrap()),
            default_tenant: Uuid::nil(),
            authorities: Authorities::Here(vec!["login.localhost".to_owned(), "login.example".to_owned()]),
        };
        let (parts, ()) = http::Request::builder().header("host", host).body(()).unwrap().into_parts();
        Site::of(&names, &parts, |_| None)
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
