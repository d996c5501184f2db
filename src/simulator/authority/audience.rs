//! The resources for which access tokens may be requested.

use crate::api::HostAndPort;

/// A set of resources, by their URLs. The port and one trailing slash are ignored, because clients differ in them.
pub(super) struct Audiences(Vec<String>);

impl Audiences {
    pub(super) fn new<'a>(known: impl IntoIterator<Item = &'a String>) -> Self {
        Self(known.into_iter().map(|audience| canonical(audience)).collect())
    }

    /// Whether the set contains this resource.
    pub(super) fn contain(&self, resource: &str) -> bool {
        self.0.contains(&canonical(resource))
    }
}

/// Returns the canonical form of a resource. Anything but an https URL of a host only loses a trailing slash.
fn canonical(audience: &str) -> String {
    let plain = audience.strip_suffix('/').unwrap_or(audience);
    match plain.strip_prefix("https://").and_then(HostAndPort::parse) {
        Some(authority) => format!("https://{}", authority.host().to_ascii_lowercase()),
        None => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_hosts_with_any_port_and_trailing_slash() {
        let audiences =
            Audiences::new(&["https://managedhsm.example".to_owned(), "api://payroll/".to_owned()]);
        for good in [
            "https://managedhsm.example",
            "https://managedhsm.example/",
            "https://managedhsm.example:8443",
            "https://managedhsm.example:443/",
            "https://ManagedHSM.example",
            "api://payroll",
        ] {
            assert!(audiences.contain(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "managedhsm.example",
            "http://managedhsm.example",
            "https://managedhsm.example//",
            "https://managedhsm.example:8443//",
            "https://managedhsm.example/keys",
            "https://managedhsm.example:8443/keys",
            "https://a.managedhsm.example",
            "https://user@managedhsm.example",
            "https://managedhsm.example:",
            "https://managedhsm.example:99999",
            "https://managedhsm.example ",
            "https://managedhsm.example.",
            "api://payroll:1",
        ] {
            assert!(!audiences.contain(bad), "{bad}");
        }
    }
}
