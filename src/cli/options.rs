//! Options of every command, with the environment variables that set them.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret, SecretString};

use super::containers::Containers;
use super::plane::Plane;
use crate::model::resource::SubscriptionId;

/// Output format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Format {
    /// Human-readable tables
    #[default]
    Table,
    /// JSON with stable members, binary values in base64url and timestamps in RFC 3339
    Json,
}

/// Server, credential and output options.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Output format
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
    /// Data directory of the service, which contains connection.json [default: ./.strongroom]
    #[arg(long, global = true, env = "STRONGROOM_DATA_DIR", value_name = "DIR", help_heading = "Connection")]
    data_dir: Option<PathBuf>,
    /// Principal of the simulator to act as
    #[arg(
        long = "as",
        id = "as",
        global = true,
        env = "STRONGROOM_PRINCIPAL",
        default_value = "dev",
        value_name = "PRINCIPAL",
        help_heading = "Connection"
    )]
    pub principal: String,
    /// Access token to send instead of requesting one; prefer the environment variable, since arguments are visible
    #[arg(
        long,
        global = true,
        env = "STRONGROOM_TOKEN",
        hide_env_values = true,
        value_parser = secret,
        value_name = "TOKEN",
        help_heading = "Connection"
    )]
    token: Option<SecretString>,
    /// Access token to send to the control plane, which has an audience of its own
    #[arg(
        long,
        global = true,
        env = "STRONGROOM_MANAGEMENT_TOKEN",
        hide_env_values = true,
        value_parser = secret,
        value_name = "TOKEN",
        help_heading = "Connection"
    )]
    management_token: Option<SecretString>,
    /// Access token to send to vaults, which have an audience of their own
    #[arg(
        long,
        global = true,
        env = "STRONGROOM_VAULT_TOKEN",
        hide_env_values = true,
        value_parser = secret,
        value_name = "TOKEN",
        help_heading = "Connection"
    )]
    vault_token: Option<SecretString>,
    /// URL of the server, for example https://127.0.0.1:8443
    #[arg(long, global = true, env = "STRONGROOM_ENDPOINT", value_name = "URL", help_heading = "Connection")]
    pub endpoint: Option<String>,
    /// File with the CA certificates to trust instead of the default ones (PEM)
    #[arg(long, global = true, env = "STRONGROOM_CA_FILE", value_name = "FILE", help_heading = "Connection")]
    pub ca_file: Option<PathBuf>,
    /// The managed HSM and the vault to address.
    #[command(flatten)]
    pub containers: Containers,
    /// ID of the subscription
    #[arg(
        long,
        global = true,
        env = "STRONGROOM_SUBSCRIPTION",
        value_name = "ID",
        help_heading = "Connection"
    )]
    pub subscription: Option<SubscriptionId>,
    /// Timeout of a request in seconds
    #[arg(
        long,
        global = true,
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=3600),
        value_name = "SECONDS",
        help_heading = "Connection"
    )]
    pub timeout: u64,
}

impl Options {
    /// Returns the data directory.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| PathBuf::from("./.strongroom"))
    }

    /// Returns the data directory if it is set by an argument or the environment.
    pub(crate) const fn explicit_data_dir(&self) -> Option<&PathBuf> {
        self.data_dir.as_ref()
    }

    /// Returns the access token given for a plane; `--token` is the fallback for the control plane and for vaults. An
    /// empty token counts as absent, since shells unset variables that way.
    pub(crate) fn access_token(&self, plane: Plane) -> Option<&SecretString> {
        let given = |token: &'_ Option<SecretString>| {
            token.as_ref().is_some_and(|token| !token.expose_secret().is_empty())
        };
        match plane {
            Plane::Control if given(&self.management_token) => self.management_token.as_ref(),
            Plane::Vault if given(&self.vault_token) => self.vault_token.as_ref(),
            Plane::Control | Plane::Vault | Plane::Data => self.token.as_ref().filter(|_| given(&self.token)),
        }
    }

    /// Returns the timeout of a request.
    pub(crate) const fn request_timeout(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.timeout)
    }
}

fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text))
}
