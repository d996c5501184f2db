//! What tokens may be asked for.

use super::host::HostAndPort;

/// Resources, by their URLs. They are known by their hosts: whatever port a client reached one at is its own affair, and
/// so is a slash at the end, which some clients write and others do not.
pub(super) struct Audiences(Vec<String>);

impl Audiences {
    pub(super) fn new<'a>(known: impl IntoIterator<Item = &'a String>) -> Self {
        Self(known.into_iter().map(|audience| canonical(audience)).collect())
    }

    /// Whether this is one of them.
    pub(super) fn contain(&self, asked: &str) -> bool {
        self.0.contains(&canonical(asked))
    }
}

/// One spelling for all that mean the same. What is not the URL of a host is itself, but for the slash.
fn canonical(audience: &str) -> String {
    let plain = audience.strip_suffix('/').unwrap_or(audience);
    match plain.strip_prefix("https://").and_then(HostAndPort::parse) {
        Some(named) => format!("https://{}", named.host().to_ascii_lowercase()),
        None => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_with_any_port_and_a_slash_more_or_less() {
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
