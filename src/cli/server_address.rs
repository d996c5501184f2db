//! Where the server is: the URL as it was given, the address that is dialled, the name on its certificate.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tonic::transport::Uri;

use super::failure::{Failure, Outcome};
use super::reach;

/// A server's URL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ServerAddress {
    /// As it was given.
    pub(crate) uri: Uri,
    host: String,
    port: u16,
}

impl ServerAddress {
    /// Reads `https://host[:port]`.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        let wrong =
            || Failure::problem(format!("{text:?} is not the URL of a server, like https://127.0.0.1:8443"));
        let uri: Uri = text.trim_end_matches('/').parse().map_err(|_| wrong())?;
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") => {
                return Err(Failure::problem(format!("{text}: a bearer token is not sent without TLS"))
                    .hint("use https://"));
            }
            _ => return Err(wrong()),
        }
        let host = uri.host().map(|host| host.trim_matches(['[', ']']).to_owned());
        let host = host.filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let port = uri.port_u16().unwrap_or(443);
        Ok(Self { uri, host, port })
    }

    /// Whether it is a name below `.localhost`, which means this machine (RFC 6761, section 6.3) but
    /// which few resolvers know.
    fn is_below_localhost(&self) -> bool {
        self.host.to_ascii_lowercase().ends_with(".localhost")
    }

    /// The URL with an address that can be dialled.
    pub(crate) fn dialled(&self) -> Outcome<Uri> {
        if !self.is_below_localhost() {
            return Ok(self.uri.clone());
        }
        format!("https://{}:{}", Ipv4Addr::LOCALHOST, self.port)
            .parse()
            .map_err(|error| Failure::problem(format!("{}: {error}", self.uri)))
    }

    /// The name its certificate must carry. A loopback address is `localhost`: certificates for
    /// addresses are rare.
    pub(crate) fn certificate_name(&self) -> &str {
        match self.host.parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => "localhost",
            _ => &self.host,
        }
    }

    /// Its address, for another name that is served there.
    pub(crate) async fn resolve(&self) -> Outcome<SocketAddr> {
        if self.is_below_localhost() {
            return Ok((Ipv4Addr::LOCALHOST, self.port).into());
        }
        let mut addresses = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .map_err(|error| reach::failure(&self.uri.to_string(), &error))?;
        addresses.next().ok_or_else(|| Failure::problem(format!("{} has no address", self.host)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_below_localhost_are_dialled_on_loopback_and_keep_their_name() {
        let server = ServerAddress::parse("https://local.managedhsm.localhost:8443/").unwrap();
        assert_eq!(server.dialled().unwrap().authority().unwrap(), "127.0.0.1:8443");
        assert_eq!(server.certificate_name(), "local.managedhsm.localhost");
    }

    #[test]
    fn loopback_is_localhost_and_other_addresses_are_themselves() {
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
    fn tokens_are_sent_over_tls_only() {
        for text in ["http://127.0.0.1:8443", "127.0.0.1:8443", "https://", "", "ftp://x"] {
            assert!(ServerAddress::parse(text).is_err(), "{text}");
        }
    }
}
