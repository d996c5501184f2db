//! Maps the `aud` claim of access tokens to audiences of the service.

use serde_json::Value;

use super::Issuer;
use crate::model::audience::Audience;

/// The `aud` values of one issuer, and the audience that each means.
pub(super) struct Audiences {
    names: Vec<(String, Audience)>,
    any_port: bool,
}

impl Audiences {
    /// Creates the map from the settings of an issuer.
    pub(super) fn new(issuer: &Issuer) -> Self {
        let Issuer { audiences, vault_audiences, management_audiences, any_port, .. } = issuer;
        let named = |audience| move |name: &String| (normalized(name, *any_port).to_owned(), audience);
        let names = audiences.iter().map(named(Audience::Service));
        let names = names.chain(vault_audiences.iter().map(named(Audience::Vault)));
        let names = names.chain(management_audiences.iter().map(named(Audience::Management)));
        Self { names: names.collect(), any_port: *any_port }
    }

    /// Returns the audiences of an access token with this `aud` claim: a string, or an array of strings of which any
    /// may match (RFC 7519, section 4.1.3).
    pub(super) fn of(&self, claim: &Value) -> Vec<Audience> {
        let values: Vec<&str> = match claim {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is_audience = |audience: &Audience| {
            values.iter().any(|name| {
                let name = normalized(name, self.any_port);
                self.names.iter().any(|(known, of)| of == audience && self.is_same(known, name))
            })
        };
        Audience::ALL.into_iter().filter(is_audience).collect()
    }

    /// Compares host names case-insensitively, and other values exactly.
    fn is_same(&self, known: &str, name: &str) -> bool {
        if self.any_port { known.eq_ignore_ascii_case(name) } else { known == name }
    }
}

/// Normalizes an audience for comparison: removes one trailing slash and, if `any_port`, the port.
fn normalized(audience: &str, any_port: bool) -> &str {
    let audience = audience.strip_suffix('/').unwrap_or(audience);
    match audience.rsplit_once(':') {
        Some((before, port)) if any_port && port.parse::<u16>().is_ok() => before,
        _ => audience,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ignores_a_trailing_slash_and_optionally_the_port() {
        let names = vec![
            (normalized("https://managedhsm.localhost:8443", true).to_owned(), Audience::Service),
            (normalized("https://management.localhost/", true).to_owned(), Audience::Management),
            (normalized("https://vault.localhost", true).to_owned(), Audience::Vault),
        ];
        let audiences = Audiences { names, any_port: true };
        for (claim, expected) in [
            (json!("https://managedhsm.localhost"), vec![Audience::Service]),
            (json!("https://ManagedHSM.localhost:9/"), vec![Audience::Service]),
            (json!("https://management.localhost:8443"), vec![Audience::Management]),
            (json!("https://vault.localhost:8443/"), vec![Audience::Vault]),
            (
                json!(["x", "https://management.localhost/", "https://managedhsm.localhost"]),
                vec![Audience::Service, Audience::Management],
            ),
            (json!("https://managedhsm.localhost//"), vec![]),
            (json!("https://managedhsm.localhost:99999"), vec![]),
            (json!("https://evil.managedhsm.localhost"), vec![]),
            (json!("https"), vec![]),
            (json!(""), vec![]),
            (json!(null), vec![]),
        ] {
            assert_eq!(audiences.of(&claim), expected, "{claim}");
        }
    }

    #[test]
    fn compares_ports_by_default() {
        assert_eq!(normalized("https://hsm.example:8443/", false), "https://hsm.example:8443");
        assert_eq!(normalized("api://payroll:1", true), "api://payroll");
    }
}
