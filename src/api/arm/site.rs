//! Under which names a client of Azure Resource Manager knows everything else, by the host it named.

use http::request::Parts;

use super::super::azure::Names;
use super::super::azure::names::Host;

/// Azure Resource Manager as a client addressed it.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// `https://` and the host, with the port if it is not 443: what its URLs begin with.
    pub(super) base: String,
    /// The URL that was asked, without the place in a list at which a page begins.
    pub(super) here: String,
    /// The host with its port, as `base` has it.
    pub(super) host: String,
    /// What the hosts of data planes end with, with the same port, without a period before it.
    pub(super) data_plane: String,
    /// The authority's URL, without a tenant.
    pub(super) login: String,
    /// The authority of the tenant that strangers are sent to.
    pub(super) authority: String,
    /// Whether these are Azure's own names.
    pub(super) is_azures: bool,
}

impl Site {
    /// What belongs to the host that a request names.
    pub(super) fn of(names: &Names, parts: &Parts) -> Self {
        let asked = Names::asked(parts);
        let host = Host::of(asked.as_ref());
        let place =
            names.management.iter().position(|name| name.eq_ignore_ascii_case(host.name)).unwrap_or(0);
        let suffix = names.suffixes.get(place).or_else(|| names.suffixes.first());
        let login = names.login(&host, place);
        let base = host.url(host.name);
        Self {
            here: here(&base, parts),
            base,
            host: host.beside(host.name),
            data_plane: host.beside(suffix.map_or("managedhsm.localhost", String::as_str)),
            login: login.unwrap_or_else(|| "https://login.microsoftonline.com".to_owned()),
            authority: names.authority(&host, place, names.default_tenant),
            is_azures: host.name.eq_ignore_ascii_case("management.azure.com"),
        }
    }
}

/// The URL that was asked, without `$skiptoken`.
fn here(base: &str, parts: &Parts) -> String {
    let is_place = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        name.eq_ignore_ascii_case("$skiptoken") || name.eq_ignore_ascii_case("%24skiptoken")
    };
    let pairs: Vec<&str> =
        parts.uri.query().unwrap_or_default().split('&').filter(|pair| !is_place(pair)).collect();
    format!("{base}{}?{}", parts.uri.path(), pairs.join("&"))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::super::azure::Authorities;
    use super::*;

    #[test]
    fn names_are_found_beside_the_one_that_was_asked_on_the_same_port() {
        let list = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let names = Names {
            suffixes: list(["managedhsm.localhost", "managedhsm.azure.net"]),
            management: list(["management.localhost", "management.azure.com"]),
            others: Vec::new(),
            default_hsm: None,
            default_tenant: Uuid::nil(),
            authorities: Authorities::Here(list(["login.localhost", "login.microsoftonline.com"])),
        };
        for (host, data_plane, login) in [
            ("management.localhost:8443", "managedhsm.localhost:8443", "https://login.localhost:8443"),
            ("management.localhost:443", "managedhsm.localhost", "https://login.localhost"),
            ("Management.Azure.com", "managedhsm.azure.net", "https://login.microsoftonline.com"),
        ] {
            let (parts, ()) = http::Request::builder()
                .uri("/subscriptions?api-version=1.0&%24skiptoken=x&$top=2")
                .header("host", host)
                .body(())
                .unwrap()
                .into_parts();
            let site = Site::of(&names, &parts);
            assert_eq!((site.data_plane.as_str(), site.login.as_str()), (data_plane, login), "{host}");
            assert_eq!(site.base, format!("https://{}", host.trim_end_matches(":443")), "{host}");
            assert_eq!(site.here, format!("{}/subscriptions?api-version=1.0&$top=2", site.base), "{host}");
        }
    }
}
