//! The host and port of a request, which URLs in responses must repeat.

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority as UriAuthority;

/// A validated host with an optional port.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostAndPort(String);

impl HostAndPort {
    /// Parses a name or IP address with an optional port; returns `None` for anything else, such as user information.
    pub fn parse(text: &str) -> Option<Self> {
        let authority: UriAuthority = text.parse().ok()?;
        let host = authority.host();
        let is_name = !host.is_empty()
            && host.len() <= 253
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        let is_address = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|inside| inside.parse::<std::net::Ipv6Addr>().is_ok());
        let canonical = match authority.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        // Anything else in the text, such as a user or an empty port, makes it differ from its canonical form.
        ((is_name || is_address) && canonical == text).then_some(Self(canonical))
    }

    /// Returns host and port of a request; `None` if they are missing or invalid.
    pub fn of(parts: &Parts) -> Option<Self> {
        // HTTP/2 has `:authority` instead of a `Host` field.
        let named = parts
            .uri
            .authority()
            .map(UriAuthority::as_str)
            .or_else(|| parts.headers.get(HOST).and_then(|host| host.to_str().ok()));
        named.and_then(Self::parse)
    }

    /// Returns host and port, as written in the request.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the host without the port, as written in the request; an IPv6 address has brackets.
    pub fn host(&self) -> &str {
        match self.0.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_only_hosts_with_optional_ports() {
        for good in
            ["login.localhost", "login.localhost:8443", "127.0.0.1:1", "[::1]:8443", "[::1]", "a-b.example"]
        {
            assert!(HostAndPort::parse(good).is_some(), "{good}");
        }
        for (written, host) in [
            ("a.example", "a.example"),
            ("a.example:1", "a.example"),
            ("[::1]", "[::1]"),
            ("[::1]:1", "[::1]"),
        ] {
            assert_eq!(HostAndPort::parse(written).unwrap().host(), host);
        }
        for bad in [
            "",
            "a b",
            "user@host",
            "host:",
            "host:99999",
            "host:+1",
            "host/path",
            "<b>",
            "[::1",
            "[x]",
            "ho%73t",
            "a\"b",
        ] {
            assert!(HostAndPort::parse(bad).is_none(), "{bad}");
        }
    }
}
