//! Connection limits: timeouts, connections per address, and bytes of buffered requests.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::ConfigError;
use super::Server;

/// The default of `reserved`: one connection in this many.
const RESERVED: usize = 16;

/// Connection limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// How long a connection may take from its TLS handshake to its first complete request, in seconds.
    pub first_request_seconds: u64,
    /// How long a connection may be idle (no request in progress), in seconds.
    pub idle_seconds: u64,
    /// The maximum age, in seconds, of a connection on which no request has been authenticated.
    pub unauthenticated_seconds: u64,
    /// The maximum number of concurrent connections per address; an IPv6 address counts as its /64 network.
    pub max_per_address: usize,
    /// The part of `server.max_connections` that is reserved for addresses from which a request was authenticated in
    /// the last 24 hours. Absent: a sixteenth.
    pub reserved: Option<usize>,
    /// The maximum total size of buffered request bodies, in bytes, over all connections. Unauthenticated callers may
    /// use an eighth of it.
    pub max_buffered_bytes: usize,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            first_request_seconds: 30,
            idle_seconds: 300,
            unauthenticated_seconds: 120,
            max_per_address: 1024,
            reserved: None,
            max_buffered_bytes: 256 * 1024 * 1024,
        }
    }
}

impl Connections {
    /// Returns how many of `max_connections` are reserved.
    pub fn reserved_of(&self, max_connections: usize) -> usize {
        self.reserved.unwrap_or(max_connections / RESERVED)
    }

    pub(super) fn validate(&self, server: &Server) -> Result<(), ConfigError> {
        let need = |condition: bool, text: &str| if condition { Ok(()) } else { Err(ConfigError::new(text)) };
        for (name, seconds) in [
            ("first_request_seconds", self.first_request_seconds),
            ("idle_seconds", self.idle_seconds),
            ("unauthenticated_seconds", self.unauthenticated_seconds),
        ] {
            need((1..=86_400).contains(&seconds), &format!("connections.{name}: must be 1 to 86400"))?;
        }
        need(self.max_per_address > 0, "connections.max_per_address: must be at least 1")?;
        need(
            self.reserved_of(server.max_connections) < server.max_connections,
            "connections.reserved: must be less than server.max_connections",
        )?;
        need(
            self.max_buffered_bytes >= server.max_request_bytes,
            "connections.max_buffered_bytes: must be at least server.max_request_bytes",
        )
    }
}

/// Returns the address that limits count for `address`: the address itself, or the /64 network of an IPv6 address,
/// since one host usually has a whole /64 (RFC 6177). An IPv4-mapped IPv6 address counts as the IPv4 address.
pub fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_count_as_their_64_network() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }

    #[test]
    fn rejects_contradictory_limits() {
        let server = Server { max_connections: 8, ..Server::default() };
        assert!(Connections::default().validate(&server).is_ok());
        for (connections, text) in [
            (Connections { reserved: Some(8), ..Connections::default() }, "connections.reserved"),
            (Connections { max_per_address: 0, ..Connections::default() }, "connections.max_per_address"),
            (Connections { idle_seconds: 0, ..Connections::default() }, "connections.idle_seconds"),
            (
                Connections { max_buffered_bytes: 1024, ..Connections::default() },
                "connections.max_buffered_bytes",
            ),
        ] {
            let error = connections.validate(&server).unwrap_err().to_string();
            assert!(error.starts_with(text), "{error}");
        }
    }
}
