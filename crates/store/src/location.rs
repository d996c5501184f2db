//! Where the database of a store is.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::model::{Error, Result};
use strongroom_environment::ids::Ids;

/// The time after which a statement, or an attempt to connect, fails if the server does not answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The number of prepared statements that a connection keeps: more than this crate has.
const STATEMENTS: usize = 256;

/// Where the database of a store is.
#[derive(Clone, Debug)]
pub enum Location {
    /// A file of SQLite, which is created if it does not exist.
    File(PathBuf),
    /// A database of a PostgreSQL server, which exists.
    Postgres(PostgresServer),
}

/// A database of a PostgreSQL server, version 15 or newer, and how to connect to it.
#[derive(Clone)]
pub struct PostgresServer {
    pub(super) options: Box<PgConnectOptions>,
    pub(super) timeout: Duration,
    /// The identifier of the snapshot that readers import.
    pub(super) snapshot: Option<String>,
}

impl PostgresServer {
    /// Parses a URL: `postgres://user@host:port/database?sslmode=verify-full` with the parameters of libpq, such as `sslrootcert`. A
    /// parameter `host` can name the folder of a Unix socket, which needs no TLS.
    ///
    /// # Errors
    /// `Internal`, with a message for the operator that does not contain the URL: it is malformed, or the certificate of the server
    /// would not be verified.
    pub fn parse(url: &str) -> Result<Self> {
        let options = PgConnectOptions::from_str(url);
        let options = options.map_err(|error| Error::internal_caused_by("the URL of the database", error))?;
        let is_local = options.get_socket().is_some() || options.get_host().starts_with('/');
        if !is_local && !matches!(options.get_ssl_mode(), PgSslMode::VerifyFull) {
            return Err(Error::internal(
                "the URL of the database must have the parameter sslmode=verify-full, or the folder of a Unix socket as its host",
            ));
        }
        let options = options.statement_cache_capacity(STATEMENTS).disable_statement_logging();
        Ok(Self { options: Box::new(options), timeout: TIMEOUT, snapshot: None })
    }

    /// Sets the password.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        *self.options = self.options.clone().password(password);
        self
    }

    /// Sets the time after which a statement, or an attempt to connect, fails if the server does not answer: 10 seconds by default.
    /// Results that are read when a store is opened have six times as long for each row.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Display for PostgresServer {
    /// The database without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let database = self.options.get_database().unwrap_or_else(|| self.options.get_username());
        match self.options.get_socket() {
            Some(socket) => write!(f, "{database} of {}", socket.display()),
            None => write!(f, "{database} of {}:{}", self.options.get_host(), self.options.get_port()),
        }
    }
}

impl fmt::Debug for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresServer").field("database", &self.to_string()).finish_non_exhaustive()
    }
}

impl fmt::Display for Location {
    /// The path of the file, or the database without credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(server) => server.fmt(f),
        }
    }
}

impl Location {
    /// The location with a name for the sessions of one opening of the store, which therefore recognizes its own ones.
    pub(super) fn of_one_opening(self) -> Self {
        match self {
            Self::Postgres(mut server) => {
                *server.options =
                    server.options.clone().application_name(&format!("strongroom {}", Ids.guid()));
                Self::Postgres(server)
            }
            file @ Self::File(_) => file,
        }
    }

    /// The location whose readers see the instant of an exported snapshot.
    pub(super) fn at_snapshot(self, snapshot: String) -> Self {
        match self {
            Self::Postgres(server) => Self::Postgres(PostgresServer { snapshot: Some(snapshot), ..server }),
            file @ Self::File(_) => file,
        }
    }
}

impl From<PathBuf> for Location {
    fn from(file: PathBuf) -> Self {
        Self::File(file)
    }
}

impl From<&PathBuf> for Location {
    fn from(file: &PathBuf) -> Self {
        Self::File(file.clone())
    }
}

impl From<&Path> for Location {
    fn from(file: &Path) -> Self {
        Self::File(file.to_owned())
    }
}

impl From<PostgresServer> for Location {
    fn from(server: PostgresServer) -> Self {
        Self::Postgres(server)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_and_errors_show_no_password() {
        let url = "postgres://writer:secret@db.example:5433/strongroom?sslmode=verify-full";
        let server = PostgresServer::parse(url).unwrap().with_password("hidden");
        let shown = format!("{:?} {server}", Location::from(server.clone()));
        assert!(shown.contains("strongroom of db.example:5433"), "{shown}");
        assert!(!shown.contains("secret") && !shown.contains("hidden"), "{shown}");
        let malformed = "postgres://writer:secret@db.example:port/x";
        let unverified = ["", "?sslmode=require", "?sslmode=verify-ca", "?sslmode=disable"];
        let unverified = unverified.map(|mode| format!("postgres://writer:secret@db.example/x{mode}"));
        for url in unverified.iter().map(String::as_str).chain([malformed]) {
            let text = PostgresServer::parse(url).unwrap_err().with_causes().to_string();
            assert_eq!(text.contains("sslmode=verify-full"), url != malformed, "{text}");
            assert!(!text.contains("secret"), "{text}");
        }
        assert!(PostgresServer::parse("postgres://writer@localhost/x?host=/run/postgresql").is_ok());
    }
}
