//! The authority a client used (host and port), which every URL in an answer must carry.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority as UriAuthority;

use super::Authority;
use super::refusal::Refusal;

/// Host and port, checked to be nothing else.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostAndPort(String);

impl HostAndPort {
    /// Takes a name or address, with or without a port; no user, no spaces, no markup.
    pub fn parse(text: &str) -> Option<Self> {
        let authority: UriAuthority = text.parse().ok()?;
        let host = authority.host();
        let name = !host.is_empty()
            && host.len() <= 253
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
        let address = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .is_some_and(|inside| inside.parse::<std::net::Ipv6Addr>().is_ok());
        let canonical = match authority.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        // Anything besides host and port, like a user or an empty port, makes a difference here.
        ((name || address) && canonical == text).then_some(Self(canonical))
    }

    /// What a request says it is sent to; `None` where it does not say so, or not properly.
    pub fn of(parts: &Parts) -> Option<Self> {
        // HTTP/2 puts it into the request line.
        let asked = parts
            .uri
            .authority()
            .map(UriAuthority::as_str)
            .or_else(|| parts.headers.get(HOST).and_then(|host| host.to_str().ok()));
        asked.and_then(Self::parse)
    }

    /// Host and port, as they were written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host alone, as it was written; an IPv6 address in its brackets.
    pub fn host(&self) -> &str {
        match self.0.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => &self.0,
        }
    }
}

impl FromRequestParts<Arc<Authority>> for HostAndPort {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Authority>) -> Result<Self, Refusal> {
        Self::of(parts).ok_or_else(|| {
            Refusal::invalid_request(90_023, "The request does not name the host it is sent to.")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_and_ports_pass() {
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
