//! A connection to the server, with a credential.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use secrecy::{ExposeSecret, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::authority::{self, Issued};
use super::connection::{self, Connection};
use super::failure::{Failure, Outcome};
use super::options::Options;
use super::reach;
use super::server_address::ServerAddress;
use crate::api::grpc::pb::access_service_client::AccessServiceClient;
use crate::api::grpc::pb::authorization_service_client::AuthorizationServiceClient;
use crate::api::grpc::pb::clock_service_client::ClockServiceClient;
use crate::api::grpc::pb::crypto_service_client::CryptoServiceClient;
use crate::api::grpc::pb::key_service_client::KeyServiceClient;
use crate::api::grpc::pb::lifecycle_service_client::LifecycleServiceClient;
use crate::api::grpc::pb::managed_hsm_service_client::ManagedHsmServiceClient;
use crate::api::grpc::pb::resource_service_client::ResourceServiceClient;
use crate::api::grpc::pb::setting_service_client::SettingServiceClient;
use crate::api::grpc::pb::usage_service_client::UsageServiceClient;
use crate::model::name::HsmName;
use crate::model::resource::SubscriptionId;

/// A part of the service that asks for tokens of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Plane {
    /// Keys and local roles of managed HSMs, and the simulator's clock
    #[default]
    Data,
    /// Managed HSMs as resources, what holds them, and what they cost
    Control,
}

/// The channel all services share.
pub(crate) type Authorized = InterceptedService<Channel, Credential>;

/// A connection to the server, with a credential.
pub(crate) struct Session {
    channel: Authorized,
    hsm: Option<HsmName>,
    subscription: Option<SubscriptionId>,
    /// What the simulator says of itself, if there is one.
    pub(crate) connection: Option<Connection>,
}

/// Puts the bearer token and the time allowed into every call.
#[derive(Clone)]
pub(crate) struct Credential {
    header: MetadataValue<Ascii>,
    patience: Duration,
}

impl Interceptor for Credential {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.header.clone());
        request.set_timeout(self.patience);
        Ok(request)
    }
}

impl Session {
    /// Connects as the options say, with a token for this plane: one fetched for the purpose or the one given.
    pub(crate) async fn open(options: &Options, plane: Plane) -> Outcome<Self> {
        let place = Place::find(options, plane)?;
        let token = match options.token(plane) {
            Some(token) => token.clone(),
            None => place.request_token(options, plane).await?.access_token,
        };
        let channel = place.connect(options.patience()).await?;
        let credential = Credential { header: header(&token)?, patience: options.patience() };
        let hsm = options
            .hsm
            .clone()
            .or_else(|| place.connection.as_ref().map(|connection| connection.hsm.clone()));
        let subscription = options
            .subscription
            .or_else(|| place.connection.as_ref().map(|connection| connection.subscription_id));
        let channel = InterceptedService::new(channel, credential);
        Ok(Self { channel, hsm, subscription, connection: place.connection })
    }

    /// Keys.
    pub(crate) fn keys(&self) -> KeyServiceClient<Authorized> {
        KeyServiceClient::new(self.channel.clone())
    }

    /// Cryptographic operations.
    pub(crate) fn crypto(&self) -> CryptoServiceClient<Authorized> {
        CryptoServiceClient::new(self.channel.clone())
    }

    /// The simulator's clock.
    pub(crate) fn clock(&self) -> ClockServiceClient<Authorized> {
        ClockServiceClient::new(self.channel.clone())
    }

    /// Roles.
    pub(crate) fn access(&self) -> AccessServiceClient<Authorized> {
        AccessServiceClient::new(self.channel.clone())
    }

    /// Settings of an HSM.
    pub(crate) fn settings(&self) -> SettingServiceClient<Authorized> {
        SettingServiceClient::new(self.channel.clone())
    }

    /// What becomes of HSMs and keys.
    pub(crate) fn lifecycle(&self) -> LifecycleServiceClient<Authorized> {
        LifecycleServiceClient::new(self.channel.clone())
    }

    /// Managed HSMs.
    pub(crate) fn hsms(&self) -> ManagedHsmServiceClient<Authorized> {
        ManagedHsmServiceClient::new(self.channel.clone())
    }

    /// Subscriptions, resource groups and locations.
    pub(crate) fn resources(&self) -> ResourceServiceClient<Authorized> {
        ResourceServiceClient::new(self.channel.clone())
    }

    /// Roles of the control plane.
    pub(crate) fn authorization(&self) -> AuthorizationServiceClient<Authorized> {
        AuthorizationServiceClient::new(self.channel.clone())
    }

    /// What managed HSMs cost.
    pub(crate) fn usage(&self) -> UsageServiceClient<Authorized> {
        UsageServiceClient::new(self.channel.clone())
    }

    /// The subscription that is meant.
    pub(crate) fn subscription(&self) -> Outcome<SubscriptionId> {
        self.subscription
            .ok_or_else(|| Failure::problem("no subscription is named").hint("name it with --subscription"))
    }

    /// The HSM that is meant if a name does not say.
    pub(crate) fn hsm(&self) -> Outcome<HsmName> {
        self.hsm.clone().ok_or_else(|| Failure::problem("no managed HSM is named").hint("name it with --hsm"))
    }

    /// The HSM's resource name.
    pub(crate) fn parent(&self) -> Outcome<String> {
        Ok(format!("hsms/{}", self.hsm()?))
    }
}

/// The token that would be sent to this plane: the one given, or one fetched for the purpose.
pub(crate) async fn token(options: &Options, plane: Plane) -> Outcome<Issued> {
    match options.token(plane) {
        Some(token) => Ok(Issued { access_token: token.clone(), expires_in: None }),
        None => Place::find(options, plane)?.request_token(options, plane).await,
    }
}

/// Where the server is and what is trusted there.
pub(crate) struct Place {
    server: ServerAddress,
    ca_file: Option<PathBuf>,
    connection: Option<Connection>,
}

impl Place {
    /// What the options say, completed by `connection.json`.
    pub(crate) fn find(options: &Options, plane: Plane) -> Outcome<Self> {
        let connection = Connection::load(&options.data_dir())?;
        let endpoint = match (&options.endpoint, &connection) {
            (Some(endpoint), _) => endpoint,
            (None, Some(connection)) => &connection.endpoint,
            (None, None) => return Err(connection::missing(&options.data_dir())),
        };
        let server = ServerAddress::parse(endpoint)?;
        // The simulator's authority is trusted for the simulator, not for whatever else is named.
        let simulator = options.endpoint.as_ref().is_none_or(|_| options.token(plane).is_none());
        let ca_file = options.ca_file.clone().or_else(|| {
            connection.as_ref().filter(|_| simulator).map(|connection| connection.ca_file.clone())
        });
        Ok(Self { server, ca_file, connection })
    }

    /// The certificates that are trusted, as PEM; `None` for those of the system.
    fn ca(&self) -> Outcome<Option<Vec<u8>>> {
        let Some(path) = &self.ca_file else { return Ok(None) };
        std::fs::read(path).map(Some).map_err(|error| {
            Failure::file(path.display(), &error)
                .hint("name the authority that issued the server's certificate with --ca-file")
        })
    }

    async fn request_token(&self, options: &Options, plane: Plane) -> Outcome<Issued> {
        let Some(connection) = &self.connection else {
            return Err(Failure::problem("there is no bearer token, and no simulator to ask for one")
                .hint("set STRONGROOM_TOKEN, or --data-dir to where the simulator keeps its files"));
        };
        let principal = connection.principal(&options.principal)?;
        let ca = self.ca()?.unwrap_or_default();
        let address = self.server.resolve().await?;
        let audience = connection.audience(plane)?;
        authority::request_token(connection, principal, audience, (address, &ca), options.patience()).await
    }

    pub(crate) async fn connect(&self, patience: Duration) -> Outcome<Channel> {
        let name = self.server.uri.to_string();
        let failed = |error: tonic::transport::Error| reach::failure(name.trim_end_matches('/'), &error);
        let tls = ClientTlsConfig::new().domain_name(self.server.certificate_name());
        let tls = match self.ca()? {
            Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
            None => tls.with_native_roots(),
        };
        Endpoint::from(self.server.dialled()?)
            .origin(self.server.uri.clone())
            .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
            .and_then(|endpoint| endpoint.tls_config(tls))
            .map_err(failed)?
            .connect_timeout(patience)
            .connect()
            .await
            .map_err(failed)
    }
}

fn header(token: &SecretString) -> Outcome<MetadataValue<Ascii>> {
    let mut header: MetadataValue<Ascii> = format!("Bearer {}", token.expose_secret().trim())
        .parse()
        .map_err(|_| Failure::problem("the bearer token holds characters that no token has"))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_not_printed() {
        let header = header(&SecretString::from("eyJsecret\n")).unwrap();
        assert_eq!(header.to_str().unwrap(), "Bearer eyJsecret");
        assert!(!format!("{header:?}").contains("secret"));
        assert!(super::header(&SecretString::from("a\u{1}b")).is_err());
    }
}
