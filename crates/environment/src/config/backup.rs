//! `[backup]`: where full backups may be stored.

use std::net::IpAddr;
use std::path::PathBuf;

use http::Uri;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ConfigError;

/// Where full backups may be stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// The directory below which `file:` locations are. Absent: a gateway has none, a simulator one in its data directory.
    pub directory: Option<PathBuf>,
    /// The permitted hosts of storage accounts. One that begins with a dot permits all names that end with it.
    pub hosts: Vec<String>,
    /// The URL that issues access tokens for the managed identity of the machine. Absent: the Azure Instance Metadata Service.
    pub managed_identity_endpoint: Option<String>,
    /// The client id of a user-assigned managed identity. Absent: the endpoint selects the identity.
    pub managed_identity_client_id: Option<Uuid>,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            directory: None,
            hosts: vec![".blob.core.windows.net".to_owned()],
            managed_identity_endpoint: None,
            managed_identity_client_id: None,
        }
    }
}

impl Backup {
    /// Validates the settings.
    ///
    /// # Errors
    /// If the endpoint is not a URL, or would send access tokens over a network without TLS.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.managed_identity_endpoint.as_deref().is_none_or(is_private) {
            return Ok(());
        }
        Err(ConfigError::new(
            "backup.managed_identity_endpoint: must be a URL without user and query, of https, or of http and a loopback \
             or link-local address",
        ))
    }
}

/// Whether answers of this URL are encrypted, or do not leave the machine and its host.
fn is_private(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority), None) = (url.scheme_str(), url.authority(), url.query()) else {
        return false;
    };
    let valid = !authority.as_str().contains('@') && !authority.host().is_empty();
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_local = match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unicast_link_local(),
        Err(_) => host == "localhost",
    };
    valid && (scheme == "https" || (scheme == "http" && is_local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managed_identity_endpoint_is_encrypted_or_local() {
        for url in [
            "http://169.254.169.254/metadata/identity/oauth2/token",
            "http://localhost:42356/msi/token",
            "http://127.0.0.1:1/",
            "http://[::1]:1/token",
            "https://identity.example.com/token",
        ] {
            let backup = Backup { managed_identity_endpoint: Some(url.to_owned()), ..Backup::default() };
            backup.validate().unwrap();
        }
        for url in [
            "",
            "token",
            "http://",
            "http://10.0.0.1/token",
            "http://localhost.example.com/token",
            "http://127.0.0.1@example.com/token",
            "https://user@example.com/token",
            "https://example.com/token?resource=x",
            "https://example.com/a b",
            "ftp://127.0.0.1/token",
        ] {
            let backup = Backup { managed_identity_endpoint: Some(url.to_owned()), ..Backup::default() };
            let error = backup.validate().unwrap_err().to_string();
            assert!(error.starts_with("backup.managed_identity_endpoint: "), "{url}: {error}");
        }
    }
}
