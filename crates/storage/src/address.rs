//! Parses the URIs of locations.

use std::fmt;
use std::path::PathBuf;

use http::Uri;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::StorageError;
use crate::managed_identity::ManagedIdentity;

/// How the storage account is accessed.
#[derive(Clone)]
pub enum Credential {
    /// A shared access signature.
    Sas(SecretString),
    /// The managed identity of the machine.
    ManagedIdentity,
    /// None, for directories.
    None,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sas(_) => "Sas",
            Self::ManagedIdentity => "ManagedIdentity",
            Self::None => "None",
        })
    }
}

/// Which locations are permitted.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The directory that contains all `file:` locations; `None` if there are none.
    pub directory: Option<PathBuf>,
    /// The permitted hosts of storage accounts. One that begins with a dot permits all names that end with it.
    pub hosts: Vec<String>,
    /// How the managed identity of the machine gets access tokens.
    pub managed_identity: ManagedIdentity,
}

/// A parsed location.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Address {
    /// A directory below [`Policy::directory`], by its segments.
    Directory(Vec<String>),
    /// A container of a storage account, with a folder in it.
    Blob {
        /// The URL of the account.
        endpoint: String,
        /// The account.
        account: String,
        /// The container.
        container: String,
        /// The folder in the container, by its segments.
        folder: Vec<String>,
    },
}

impl Credential {
    /// Parses a shared access signature, with or without a leading `?`.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] if it has no expiry or no signature. The first message is recorded from Azure.
    pub fn sas(token: &str) -> Result<Self, StorageError> {
        let token = token.strip_prefix('?').unwrap_or(token);
        let has = |name: &str| token.split('&').any(|pair| pair.split('=').next() == Some(name));
        if !has("se") {
            let message = "The customer provided SAS token is malformed. The SAS token does not contain the expiry field";
            return Err(StorageError::Invalid(message.to_owned()));
        }
        if !has("sig") || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message =
                "The customer provided SAS token is malformed. The SAS token does not contain the signature";
            return Err(StorageError::Invalid(message.to_owned()));
        }
        Ok(Self::Sas(SecretString::from(token)))
    }

    /// The signature.
    pub(crate) fn signature(&self) -> Option<&str> {
        match self {
            Self::Sas(token) => Some(token.expose_secret()),
            Self::ManagedIdentity | Self::None => None,
        }
    }
}

impl Address {
    /// Parses `file:///{folder}`, `https://{account}.{host}/{container}/{folder}` and, for emulators,
    /// `http://{loopback address}/{account}/{container}/{folder}`. `folder` is appended.
    ///
    /// # Errors
    /// [`StorageError::Invalid`], also if `policy` does not permit the location.
    pub fn parse(uri: &str, folder: &str, policy: &Policy) -> Result<Self, StorageError> {
        if let Some(path) = uri.strip_prefix("file://") {
            return Self::directory(path, folder, policy);
        }
        let invalid = |why: &str| StorageError::Invalid(format!("the storage URI {why}"));
        let parsed: Uri = uri.parse().map_err(|_| invalid("is not a URL"))?;
        let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
            return Err(invalid("is not a URL of a container"));
        };
        if parsed.query().is_some() || authority.as_str().contains('@') {
            return Err(invalid("contains a query or a user"));
        }
        let host = authority.host().to_ascii_lowercase();
        let permits = |permitted: &String| match permitted.strip_prefix('.') {
            Some(_) => host.ends_with(permitted.as_str()) && host.len() > permitted.len(),
            None => host == *permitted,
        };
        if !policy.hosts.iter().any(permits) {
            return Err(invalid("names a host that is not permitted (backup.hosts)"));
        }
        let is_loopback = matches!(host.as_str(), "127.0.0.1" | "[::1]" | "localhost");
        if scheme != "https" && !(scheme == "http" && is_loopback) {
            return Err(invalid("does not use https"));
        }
        let mut path = segments(parsed.path())?;
        path.extend(segments(folder)?);
        let mut path = path.into_iter();
        let account = match host.split_once('.') {
            Some((account, rest)) if rest.starts_with("blob.") => account.to_owned(),
            _ => path.next().ok_or_else(|| invalid("names no account"))?,
        };
        let endpoint = match host.split_once('.') {
            Some((_, rest)) if rest.starts_with("blob.") => format!("{scheme}://{authority}"),
            _ => format!("{scheme}://{authority}/{account}"),
        };
        let container = path.next().ok_or_else(|| invalid("names no container"))?;
        Ok(Self::Blob { endpoint, account, container, folder: path.collect() })
    }

    /// Checks the folder of a location.
    ///
    /// # Errors
    /// [`StorageError::Invalid`] if a segment contains other characters than letters, digits, hyphens, underscores and
    /// dots.
    pub fn check_folder(folder: &str) -> Result<(), StorageError> {
        segments(folder).map(drop)
    }

    fn directory(path: &str, folder: &str, policy: &Policy) -> Result<Self, StorageError> {
        if policy.directory.is_none() {
            let why = "directories are not permitted: the service has no backup.directory";
            return Err(StorageError::Invalid(why.to_owned()));
        }
        let mut all = segments(path)?;
        all.extend(segments(folder)?);
        Ok(Self::Directory(all))
    }

    /// The URI of a folder of this location, without a credential.
    pub fn uri(&self, folder: &str) -> String {
        let (base, segments) = match self {
            Self::Directory(segments) => ("file://".to_owned(), segments),
            Self::Blob { endpoint, container, folder, .. } => (format!("{endpoint}/{container}"), folder),
        };
        let segments =
            segments.iter().map(String::as_str).chain([folder]).filter(|segment| !segment.is_empty());
        segments.fold(base, |uri, segment| uri + "/" + segment)
    }
}

/// Splits a path. Empty segments are ignored.
fn segments(path: &str) -> Result<Vec<String>, StorageError> {
    let segment = |segment: &str| {
        let valid = segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.$".contains(&byte));
        if valid && segment.len() <= 255 && !segment.starts_with('.') {
            Ok(segment.to_owned())
        } else {
            let why = "a segment of the folder consists of letters, digits, hyphens, underscores and dots";
            Err(StorageError::Invalid(why.to_owned()))
        }
    };
    path.split('/').filter(|text| !text.is_empty()).map(segment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        let hosts = [".blob.core.windows.net", "127.0.0.1"].map(str::to_owned);
        Policy {
            directory: Some("/backups".into()),
            hosts: hosts.to_vec(),
            managed_identity: ManagedIdentity::default(),
        }
    }

    fn blob(endpoint: &str, account: &str, container: &str, folder: &[&str]) -> Address {
        let folder = folder.iter().map(|segment| (*segment).to_owned()).collect();
        let [endpoint, account, container] = [endpoint, account, container].map(str::to_owned);
        Address::Blob { endpoint, account, container, folder }
    }

    #[test]
    fn parses_containers_of_azure_and_of_emulators() {
        let azure = "https://acct.blob.core.windows.net";
        let parse = |uri: &str, folder: &str| Address::parse(uri, folder, &policy()).unwrap();
        assert_eq!(parse(&format!("{azure}/c"), ""), blob(azure, "acct", "c", &[]));
        assert_eq!(
            parse(&format!("{azure}/c/"), "a/b/mhsm-x-1"),
            blob(azure, "acct", "c", &["a", "b", "mhsm-x-1"])
        );
        let emulator = "http://127.0.0.1:10000/devstoreaccount1";
        assert_eq!(parse(&format!("{emulator}/c"), "f"), blob(emulator, "devstoreaccount1", "c", &["f"]));
        // Clients divide the URL of a folder after the first segment.
        assert_eq!(parse(emulator, "c/f"), blob(emulator, "devstoreaccount1", "c", &["f"]));
        assert_eq!(parse(emulator, "c/f").uri("g"), format!("{emulator}/c/f/g"));
        assert_eq!(parse("file:///nightly", "f"), Address::Directory(vec!["nightly".into(), "f".into()]));
        assert_eq!(parse("file:///nightly", "").uri("f"), "file:///nightly/f");
    }

    #[test]
    fn rejects_other_hosts_schemes_and_paths() {
        for uri in [
            "",
            "c",
            "https://",
            "https://acct.blob.core.windows.net",
            "http://acct.blob.core.windows.net/c",
            "https://.blob.core.windows.net.example.com/c",
            "https://example.com/c",
            "https://169.254.169.254/c",
            "https://user@acct.blob.core.windows.net/c",
            "https://acct.blob.core.windows.net/c?se=1",
            "https://acct.blob.core.windows.net/../c",
            "http://127.0.0.1:10000/devstoreaccount1",
            "ftp://127.0.0.1/a/c",
            "file:///../etc",
            "file:///a/./b",
            "file:///a%2fb",
        ] {
            assert!(matches!(Address::parse(uri, "", &policy()), Err(StorageError::Invalid(_))), "{uri}");
        }
        assert!(Address::parse("file:///a", "", &Policy { directory: None, ..policy() }).is_err());
        assert!(Address::parse("file:///a", "../b", &policy()).is_err());
    }

    #[test]
    fn signature_requires_expiry_and_is_not_printed() {
        for valid in ["?se=1&sig=secret", "sv=1&se=2&sig=secret"] {
            assert!(!format!("{:?}", Credential::sas(valid).unwrap()).contains("secret"));
        }
        for wrong in ["", "sig=1", "se=1", "se=1&sig=a b"] {
            assert!(Credential::sas(wrong).is_err(), "{wrong}");
        }
    }
}
