//! The address of a server: its URL, the address to connect to, and the name in its certificate.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tonic::transport::Uri;

use super::connect_error;
use super::failure::{Failure, Outcome};

/// A server's URL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ServerAddress {
    /// The URL as given.
    pub(crate) uri: Uri,
    host: String,
    port: u16,
}

impl ServerAddress {
    /// Parses `https://host[:port]`. Errors for other schemes, since access tokens require TLS.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let invalid =
            || Failure::problem(format!("{text:?} is not a server URL, for example https://127.0.0.1:8443"));
        let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| invalid())?;
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") => {
                return Err(Failure::problem(format!("{text}: access tokens are not sent without TLS"))
                    .hint("use https://"));
            }
            _ => return Err(invalid()),
        }
        let host = uri.host().map(|host| host.trim_matches(['[', ']']).to_owned());
        let host = host.filter(|host| !host.is_empty()).ok_or_else(invalid)?;
        let port = uri.port_u16().unwrap_or(443);
        Ok(Self { uri, host, port })
    }

    /// Returns whether the host is a subdomain of `localhost`. It means this machine (RFC 6761, section 6.3), but few
    /// resolvers implement that.
    fn is_localhost_subdomain(&self) -> bool {
        self.host.to_ascii_lowercase().ends_with(".localhost")
    }

    /// Returns the URL to connect to: loopback for subdomains of `localhost`.
    pub(crate) fn connect_uri(&self) -> Outcome<Uri> {
        if !self.is_localhost_subdomain() {
            return Ok(self.uri.clone());
        }
        format!("https://{}:{}", Ipv4Addr::LOCALHOST, self.port)
            .parse()
            .map_err(|error| Failure::problem(format!("{}: {error}", self.uri)))
    }

    /// Returns the name that the server's certificate must have: `localhost` for a loopback address, since few
    /// certificates are issued for IP addresses.
    pub(crate) fn certificate_name(&self) -> &str {
        match self.host.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => "localhost",
            _ => &self.host,
        }
    }

    /// Resolves the server's address, for connections to its other host names.
    pub(crate) async fn resolve(&self) -> Outcome<SocketAddr> {
        if self.is_localhost_subdomain() {
            return Ok((Ipv4Addr::LOCALHOST, self.port).into());
        }
        let mut addresses = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|error| connect_error::failure(&self.uri.to_string(), &error))?;
        addresses.next().ok_or_else(|| Failure::problem(format!("{} has no address", self.host)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_subdomains_connect_to_loopback() {
        let server = ServerAddress::parse("https://local.managedhsm.localhost:8443/").unwrap();
        assert_eq!(server.connect_uri().unwrap().authority().unwrap(), "127.0.0.1:8443");
        assert_eq!(server.certificate_name(), "local.managedhsm.localhost");
    }

    #[test]
    fn certificate_name_of_loopback_is_localhost() {
        for (text, name) in [
            ("https://127.0.0.1:8443", "localhost"),
            ("https://[::1]:8443", "localhost"),
            ("https://10.1.2.3:8443", "10.1.2.3"),
            ("https://hsm.example.org", "hsm.example.org"),
        ] {
            assert_eq!(ServerAddress::parse(text).unwrap().certificate_name(), name);
        }
    }

    #[test]
    fn rejects_urls_without_tls() {
        for text in ["http://127.0.0.1:8443", "127.0.0.1:8443", "https://", "", "ftp://x"] {
            assert!(ServerAddress::parse(text).is_err(), "{text}");
        }
    }
}
