//! The options every command takes, and the environment they may come from.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use secrecy::{ExposeSecret, SecretString};

use super::session::Plane;
use crate::model::name::HsmName;
use crate::model::resource::SubscriptionId;

/// How results are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs: stable members, binary as base64url, instants in RFC 3339.
    Json,
}

/// Where the server is, who asks, and how the answer is printed.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How results are printed
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
    /// Where the service keeps its files, connection.json among them [default: ./.strongroom]
    #[arg(long, global = true, env = "STRONGROOM_DATA_DIR", value_name = "DIR", help_heading = "Connection")]
    data_dir: Option<PathBuf>,
    /// Act as this principal of the simulator
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
    /// Use this bearer token instead; others can see a command line, so prefer the environment
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
    /// Use this bearer token instead for the control plane, which takes tokens for its own audience
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
    /// Where the server answers, for example https://127.0.0.1:8443
    #[arg(long, global = true, env = "STRONGROOM_ENDPOINT", value_name = "URL", help_heading = "Connection")]
    pub endpoint: Option<String>,
    /// Trust the certificates of these authorities only (PEM)
    #[arg(long, global = true, env = "STRONGROOM_CA_FILE", value_name = "FILE", help_heading = "Connection")]
    pub ca_file: Option<PathBuf>,
    /// The managed HSM
    #[arg(long, global = true, env = "STRONGROOM_HSM", value_name = "NAME", help_heading = "Connection")]
    pub hsm: Option<HsmName>,
    /// The subscription
    #[arg(
        long,
        global = true,
        env = "STRONGROOM_SUBSCRIPTION",
        value_name = "ID",
        help_heading = "Connection"
    )]
    pub subscription: Option<SubscriptionId>,
    /// How long to wait for an answer
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
    /// Where the service keeps its files.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| PathBuf::from("./.strongroom"))
    }

    /// Where the service keeps its files, if the command line or the environment says so.
    pub(crate) const fn chosen_data_dir(&self) -> Option<&PathBuf> {
        self.data_dir.as_ref()
    }

    /// The bearer token given for a plane; one that is given for no plane in particular may be meant for both. An empty
    /// one counts as none: that is how shells unset variables.
    pub(crate) fn token(&self, plane: Plane) -> Option<&SecretString> {
        let given = |token: &'_ Option<SecretString>| {
            token.as_ref().is_some_and(|token| !token.expose_secret().is_empty())
        };
        match plane {
            Plane::Control if given(&self.management_token) => self.management_token.as_ref(),
            Plane::Control | Plane::Data => self.token.as_ref().filter(|_| given(&self.token)),
        }
    }

    /// How long to wait for an answer.
    pub(crate) const fn patience(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.timeout)
    }
}

fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text))
}
