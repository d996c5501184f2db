//! Where the database is.

use serde::{Deserialize, Serialize};

use super::{ConfigError, SecretSource};

/// The settings of the database.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// The URL of a database of PostgreSQL, without a password. Absent: a file of SQLite in the data directory.
    pub url: Option<String>,
    /// The source of the password, if the server requires one.
    pub password: SecretSource,
    /// The name of this instance among those that share the database; `default` if absent.
    pub instance: Option<String>,
}

impl StoreSettings {
    /// Validates the values, as far as that needs no connection.
    ///
    /// # Errors
    /// If a setting is invalid; the text names it, and does not contain the URL.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        match &self.url {
            Some(url) => check_url("store.url", url),
            None if !self.password.is_empty() => Err(ConfigError::new("store.password: requires store.url")),
            None if self.instance.is_some() => Err(ConfigError::new("store.instance: requires store.url")),
            None => Ok(()),
        }
    }
}

/// Refuses what is not the URL of a database of PostgreSQL, and a URL with a password, which other users of the machine could read in
/// the configuration or among the arguments of a process. `setting` names the URL in errors.
///
/// # Errors
/// If it is one of these; the text does not contain the URL.
pub fn check_url(setting: &str, url: &str) -> Result<(), ConfigError> {
    let Some((_, rest)) = url.split_once("://").filter(|_| is_url_of_database(url)) else {
        return Err(ConfigError::new(format!("{setting}: must begin with postgres:// or postgresql://")));
    };
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = place.split('/').next().unwrap_or_default();
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
    let has_password = user.contains(':')
        || parameters.split('&').any(|parameter| parameter.split('=').next() == Some("password"));
    if has_password {
        return Err(ConfigError::new(format!(
            "{setting}: contains a password, which needs a source of its own: a file, an environment variable or a command"
        )));
    }
    Ok(())
}

/// Whether a text begins like the URL of a database of PostgreSQL.
#[must_use]
pub fn is_url_of_database(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_no_password() {
        for url in [
            "postgres://strongroom@db.example:5432/strongroom?sslmode=verify-full",
            "postgresql:///strongroom?host=/run/postgresql&user=strongroom",
            "postgres://db.example:5432/strongroom",
        ] {
            assert!(check_url("store.url", url).is_ok(), "{url}");
        }
        for (url, wanted) in [
            ("postgres://strongroom:hidden@db.example/strongroom", "contains a password"),
            ("postgres://a:hid@den@db.example/strongroom", "contains a password"),
            ("postgres://db.example/strongroom?user=x&password=hidden", "contains a password"),
            ("mysql://hidden@db.example/strongroom", "must begin with postgres://"),
            ("strongroom.db", "must begin with postgres://"),
        ] {
            let error = check_url("store.url", url).unwrap_err().to_string();
            assert!(error.starts_with("store.url: ") && error.contains(wanted), "{error}");
            assert!(!error.contains("hid"), "{error}");
        }
        let password = SecretSource { env: Some("PASSWORD".to_owned()), ..SecretSource::default() };
        let error =
            StoreSettings { password, ..StoreSettings::default() }.validate().unwrap_err().to_string();
        assert_eq!(error, "store.password: requires store.url");
        let named = StoreSettings { instance: Some("east".to_owned()), ..StoreSettings::default() };
        assert_eq!(named.validate().unwrap_err().to_string(), "store.instance: requires store.url");
    }
}
