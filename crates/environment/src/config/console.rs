//! Settings of the web console.

use http::Uri;
use serde::{Deserialize, Serialize};

use super::{ConfigError, Issuer, Mode};

/// The web console of a gateway. The simulator's needs no settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// The id of the console as a public client of the issuer. Absent: no console is served.
    pub client_id: Option<String>,
    /// The issuer with which users sign in: one of `identity.issuers`. Absent: the only one.
    pub issuer: Option<String>,
    /// The scopes that the console requests.
    pub scopes: Vec<String>,
    /// The resource that access tokens are requested for (RFC 8707). Absent: none is named, as where scopes name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// Further origins to which the console may connect: that of the issuer's token endpoint, if it is not the issuer's.
    pub connect_origins: Vec<String>,
}

/// Who may sign in to the console of a simulator, which requires no credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsoleSignIn {
    /// Programs on this machine.
    #[default]
    Loopback,
    /// Every program that can connect to the simulator.
    Any,
    /// Nobody: no console is served.
    Off,
}

/// How the console of a gateway signs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsoleClient<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// The URL below which the issuer's metadata is.
    pub issuer: &'a str,
    /// The requested scopes.
    pub scopes: &'a [String],
    /// The resource that access tokens are requested for.
    pub resource: Option<&'a str>,
    /// The origins to which the console connects, besides its own.
    pub origins: Vec<String>,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            client_id: None,
            issuer: None,
            scopes: vec!["openid".to_owned()],
            resource: None,
            connect_origins: Vec::new(),
        }
    }
}

impl Console {
    /// Returns how the console signs in, if it is served.
    ///
    /// # Errors
    /// If the settings contradict each other or those of the issuers; the text names the setting.
    pub fn client<'a>(&'a self, issuers: &'a [Issuer]) -> Result<Option<ConsoleClient<'a>>, ConfigError> {
        let Some(client_id) = self.client_id.as_deref() else {
            let is_unused =
                self.issuer.is_none() && self.resource.is_none() && self.connect_origins.is_empty();
            return match is_unused {
                true => Ok(None),
                false => {
                    Err(ConfigError::new("console.client_id: required by the other settings of the console"))
                }
            };
        };
        if client_id.is_empty() {
            return Err(ConfigError::new("console.client_id: must not be empty"));
        }
        let is_scope =
            |scope: &String| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
        if self.scopes.is_empty() || !self.scopes.iter().all(is_scope) {
            return Err(ConfigError::new(
                "console.scopes: at least one is needed, each of ASCII characters without spaces",
            ));
        }
        let resource = self.resource.as_deref();
        // RFC 8707, section 2.
        let is_absolute = |uri: &str| {
            let is_plain = uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
            is_plain
                && uri.split_once(':').is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty())
        };
        if resource.is_some_and(|uri| !is_absolute(uri)) {
            return Err(ConfigError::new(
                "console.resource: must be an absolute URI without a fragment, such as api://strongroom",
            ));
        }
        let mut names = issuers.iter().map(|issuer| issuer.issuer.as_str());
        let issuer = match &self.issuer {
            Some(chosen) => names.find(|name| name == chosen).ok_or_else(|| {
                ConfigError::new(format!("console.issuer: {chosen} is not among identity.issuers"))
            })?,
            None => match (names.next(), names.next()) {
                (Some(only), None) => only,
                (None, _) => {
                    return Err(ConfigError::new(
                        "console.client_id: users sign in with one of identity.issuers",
                    ));
                }
                _ => {
                    return Err(ConfigError::new(
                        "console.issuer: required, because there are several identity.issuers",
                    ));
                }
            },
        };
        let of_issuer = origin_of(issuer).ok_or_else(|| {
            ConfigError::new(format!(
                "console.issuer: {issuer} is no https URL, where browsers could sign in"
            ))
        })?;
        let mut origins = vec![of_issuer];
        for origin in &self.connect_origins {
            if origin_of(origin).as_ref() != Some(origin) {
                return Err(ConfigError::new(format!(
                    "console.connect_origins: {origin} is no origin, such as https://login.example"
                )));
            }
            if !origins.contains(origin) {
                origins.push(origin.clone());
            }
        }
        Ok(Some(ConsoleClient { client_id, issuer, scopes: &self.scopes, resource, origins }))
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// As [`client`](Self::client), and in a simulator, whose console signs in with the built-in authority.
    pub(super) fn validate(&self, mode: Mode, issuers: &[Issuer]) -> Result<(), ConfigError> {
        match (self.client(issuers)?, mode) {
            (Some(_), Mode::Simulator) => Err(ConfigError::new(
                "console.client_id: the console of a simulator signs in with the built-in authority",
            )),
            _ => Ok(()),
        }
    }
}

/// Returns the origin of an https URL, in the form of RFC 6454, section 6.2; `None` if it is none.
fn origin_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority().filter(|_| uri.scheme_str() == Some("https"))?;
    let host = authority.host().to_ascii_lowercase();
    // Brackets are those of an IPv6 address. What remains is safe in a header, where `;` and `,` separate.
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    if host.is_empty() || !host.bytes().all(is_plain) || authority.as_str().contains('@') {
        return None;
    }
    Some(match authority.port_u16().filter(|port| *port != 443) {
        Some(port) => format!("https://{host}:{port}"),
        None => format!("https://{host}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuers(names: &[&str]) -> Vec<Issuer> {
        let issuer = |name: &&str| {
            let text = format!(
                "issuer = {name:?}\naudiences = [\"a\"]\ntenant = \"80f21547-34fa-57ae-8d8d-ff24c182a929\"\n"
            );
            toml::from_str(&text).unwrap()
        };
        names.iter().map(issuer).collect()
    }

    fn console(text: &str) -> Console {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn console_connects_to_issuer_and_listed_origins() {
        let one = issuers(&["https://Login.example:8443/realm/"]);
        let console = console("client_id = \"c\"\nconnect_origins = [\"https://token.example\"]\n");
        let client = console.client(&one).unwrap().unwrap();
        assert_eq!((client.client_id, client.issuer), ("c", "https://Login.example:8443/realm/"));
        assert_eq!((client.scopes, client.resource), (&["openid".to_owned()][..], None));
        assert_eq!(client.origins, ["https://login.example:8443", "https://token.example"]);
        assert!(console.validate(Mode::Gateway, &one).is_ok());
        assert!(console.validate(Mode::Simulator, &one).is_err());
        assert_eq!(Console::default().client(&one).unwrap(), None);
    }

    #[test]
    fn rejects_contradictory_settings() {
        let (one, two) = (["https://a.example"], ["https://a.example", "https://b.example"]);
        for (text, names, message) in [
            ("issuer = \"https://a.example\"", &one[..], "console.client_id: required"),
            ("client_id = \"\"", &one, "console.client_id: must not be empty"),
            ("client_id = \"c\"", &[], "console.client_id: users sign in with one of"),
            ("client_id = \"c\"", &two, "console.issuer: required"),
            ("client_id = \"c\"\nissuer = \"https://c.example\"", &two, "is not among identity.issuers"),
            ("client_id = \"c\"", &["http://a.example"], "is no https URL"),
            ("client_id = \"c\"\nscopes = []", &one, "console.scopes"),
            ("client_id = \"c\"\nscopes = [\"a b\"]", &one, "console.scopes"),
            ("resource = \"api://a\"", &one, "console.client_id: required"),
            ("client_id = \"c\"\nresource = \"hsm\"", &one, "console.resource"),
            ("client_id = \"c\"\nresource = \"\"", &one, "console.resource"),
            ("client_id = \"c\"\nresource = \"https://a.example/#b\"", &one, "console.resource"),
            (
                "client_id = \"c\"\nconnect_origins = [\"https://x.example/\"]",
                &one,
                "console.connect_origins",
            ),
            ("client_id = \"c\"\nconnect_origins = [\"*\"]", &one, "console.connect_origins"),
        ] {
            let error = console(text).client(&issuers(names)).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
        assert!(console("client_id = \"c\"\nissuer = \"https://b.example\"").client(&issuers(&two)).is_ok());
        let console = console("client_id = \"c\"\nresource = \"api://strongroom\"");
        assert_eq!(console.client(&issuers(&one)).unwrap().unwrap().resource, Some("api://strongroom"));
    }

    #[test]
    fn origins_have_no_path_user_or_separator() {
        for (url, origin) in [
            ("https://A.example/x", Some("https://a.example")),
            ("https://a.example:443", Some("https://a.example")),
            ("https://[::1]:8443/", Some("https://[::1]:8443")),
            ("http://a.example", None),
            ("https://u@a.example", None),
            ("https://a.example;script-src", None),
            ("https://a'b.example", None),
            ("a.example", None),
            ("", None),
        ] {
            assert_eq!(origin_of(url).as_deref(), origin, "{url}");
        }
    }
}
