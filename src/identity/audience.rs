//! By which names issuers call what their tokens are meant for.

use serde_json::Value;

use super::Issuer;
use crate::model::audience::Audience;

/// The names by which an issuer calls the audiences.
pub(super) struct Audiences {
    names: Vec<(String, Audience)>,
    any_port: bool,
}

impl Audiences {
    /// Those that are configured with an issuer.
    pub(super) fn new(issuer: &Issuer) -> Self {
        let Issuer { audiences, management_audiences, any_port, .. } = issuer;
        let named = |audience| move |name: &String| (plain(name, *any_port).to_owned(), audience);
        let names = audiences.iter().map(named(Audience::Service));
        let names = names.chain(management_audiences.iter().map(named(Audience::Management)));
        Self { names: names.collect(), any_port: *any_port }
    }

    /// What a token with this `aud` is meant for: one name, or a list of which any counts (RFC 7519, 4.1.3).
    pub(super) fn of(&self, claim: &Value) -> Vec<Audience> {
        let given: Vec<&str> = match claim {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is_meant = |audience: &Audience| {
            given.iter().any(|name| {
                let name = plain(name, self.any_port);
                self.names.iter().any(|(known, meant)| meant == audience && self.is_same(known, name))
            })
        };
        Audience::ALL.into_iter().filter(is_meant).collect()
    }

    /// Hosts are written in any case; other names mean what they say.
    fn is_same(&self, known: &str, name: &str) -> bool {
        if self.any_port { known.eq_ignore_ascii_case(name) } else { known == name }
    }
}

/// An audience as it is compared: one slash at its end makes no difference, nor its port where ports do not count.
fn plain(audience: &str, any_port: bool) -> &str {
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
    fn one_slash_more_or_less_and_the_port_where_it_does_not_count_make_no_difference() {
        let names = vec![
            (plain("https://managedhsm.localhost:8443", true).to_owned(), Audience::Service),
            (plain("https://management.localhost/", true).to_owned(), Audience::Management),
        ];
        let audiences = Audiences { names, any_port: true };
        for (claim, meant) in [
            (json!("https://managedhsm.localhost"), vec![Audience::Service]),
            (json!("https://ManagedHSM.localhost:9/"), vec![Audience::Service]),
            (json!("https://management.localhost:8443"), vec![Audience::Management]),
            (
                json!(["x", "https://management.localhost/", "https://managedhsm.localhost"]),
                Audience::ALL.to_vec(),
            ),
            (json!("https://managedhsm.localhost//"), vec![]),
            (json!("https://managedhsm.localhost:99999"), vec![]),
            (json!("https://evil.managedhsm.localhost"), vec![]),
            (json!("https"), vec![]),
            (json!(""), vec![]),
            (json!(null), vec![]),
        ] {
            assert_eq!(audiences.of(&claim), meant, "{claim}");
        }
    }

    #[test]
    fn ports_count_unless_it_is_said_that_they_do_not() {
        assert_eq!(plain("https://hsm.example:8443/", false), "https://hsm.example:8443");
        assert_eq!(plain("api://payroll:1", true), "api://payroll");
    }
}
