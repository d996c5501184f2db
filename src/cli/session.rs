//! Authenticated connections to the server.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::authority::{self, TokenResponse};
use super::connect_error;
use super::connection::{self, Connection};
use super::failure::{Failure, Outcome};
use super::options::Options;
use super::plane::Plane;
use super::server_address::ServerAddress;
use crate::api::grpc::pb::access_service_client::AccessServiceClient;
use crate::api::grpc::pb::audit_service_client::AuditServiceClient;
use crate::api::grpc::pb::authorization_service_client::AuthorizationServiceClient;
use crate::api::grpc::pb::backup_service_client::BackupServiceClient;
use crate::api::grpc::pb::certificate_service_client::CertificateServiceClient;
use crate::api::grpc::pb::clock_service_client::ClockServiceClient;
use crate::api::grpc::pb::crypto_service_client::CryptoServiceClient;
use crate::api::grpc::pb::key_service_client::KeyServiceClient;
use crate::api::grpc::pb::lifecycle_service_client::LifecycleServiceClient;
use crate::api::grpc::pb::managed_hsm_service_client::ManagedHsmServiceClient;
use crate::api::grpc::pb::resource_service_client::ResourceServiceClient;
use crate::api::grpc::pb::secret_service_client::SecretServiceClient;
use crate::api::grpc::pb::security_domain_service_client::SecurityDomainServiceClient;
use crate::api::grpc::pb::setting_service_client::SettingServiceClient;
use crate::api::grpc::pb::token_service_client::TokenServiceClient;
use crate::api::grpc::pb::usage_service_client::UsageServiceClient;
use crate::api::grpc::pb::vault_service_client::VaultServiceClient;
use crate::model::container_id::{ContainerId, ContainerKind};
use crate::model::name::{HsmName, VaultName};
use crate::model::resource::SubscriptionId;

/// The channel that all service clients share.
pub(crate) type AuthorizedChannel = InterceptedService<Channel, Credential>;

/// An authenticated connection to the server.
pub(crate) struct Session {
    channel: AuthorizedChannel,
    hsm: Option<HsmName>,
    vault: Option<VaultName>,
    /// The kind of container that commands for keys address.
    kind: ContainerKind,
    subscription: Option<SubscriptionId>,
    /// The content of `connection.json`, if there is one.
    pub(crate) connection: Option<Connection>,
}

/// Adds the access token and the timeout to every request.
#[derive(Clone)]
pub(crate) struct Credential {
    header: MetadataValue<Ascii>,
    timeout: Duration,
}

impl Interceptor for Credential {
    fn call(&mut self, mut request: tonic::Request<()>) -> Result<tonic::Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.header.clone());
        request.set_timeout(self.timeout);
        Ok(request)
    }
}

impl Session {
    /// Connects to the server of the options, with an access token for this plane: the given one, else a new one.
    pub(crate) async fn open(options: &Options, plane: Plane) -> Outcome<Self> {
        let settings = ConnectionSettings::resolve(options, plane)?;
        let token = match options.access_token(plane) {
            Some(token) => token.clone(),
            None => settings.request_token(options, plane).await?.access_token,
        };
        let channel = settings.connect(options.request_timeout()).await?;
        let credential = Credential { header: header(&token)?, timeout: options.request_timeout() };
        let hsm = options
            .containers
            .hsm
            .clone()
            .or_else(|| settings.connection.as_ref().map(|connection| connection.hsm.clone()));
        let vault = options
            .containers
            .vault
            .clone()
            .or_else(|| settings.connection.as_ref().and_then(|connection| connection.vault.clone()));
        let subscription = options
            .subscription
            .or_else(|| settings.connection.as_ref().map(|connection| connection.subscription_id));
        let channel = InterceptedService::new(channel, credential);
        let kind = match plane {
            Plane::Vault => ContainerKind::Vault,
            Plane::Data | Plane::Control => ContainerKind::ManagedHsm,
        };
        Ok(Self { channel, hsm, vault, kind, subscription, connection: settings.connection })
    }

    /// Returns a client for keys.
    pub(crate) fn keys(&self) -> KeyServiceClient<AuthorizedChannel> {
        KeyServiceClient::new(self.channel.clone())
    }

    /// Returns a client for cryptographic operations.
    pub(crate) fn crypto(&self) -> CryptoServiceClient<AuthorizedChannel> {
        CryptoServiceClient::new(self.channel.clone())
    }

    /// Returns a client for the clock.
    pub(crate) fn clock(&self) -> ClockServiceClient<AuthorizedChannel> {
        ClockServiceClient::new(self.channel.clone())
    }

    /// Returns a client for local RBAC.
    pub(crate) fn access(&self) -> AccessServiceClient<AuthorizedChannel> {
        AccessServiceClient::new(self.channel.clone())
    }

    /// Returns a client for full backups.
    pub(crate) fn backups(&self) -> BackupServiceClient<AuthorizedChannel> {
        BackupServiceClient::new(self.channel.clone())
    }

    /// Returns a client for security domains.
    pub(crate) fn security_domains(&self) -> SecurityDomainServiceClient<AuthorizedChannel> {
        SecurityDomainServiceClient::new(self.channel.clone())
    }

    /// Returns a client for the settings of a managed HSM.
    pub(crate) fn settings(&self) -> SettingServiceClient<AuthorizedChannel> {
        SettingServiceClient::new(self.channel.clone())
    }

    /// Returns a client for lifecycle events.
    pub(crate) fn lifecycle(&self) -> LifecycleServiceClient<AuthorizedChannel> {
        LifecycleServiceClient::new(self.channel.clone())
    }

    /// Returns a client for managed HSMs.
    pub(crate) fn hsms(&self) -> ManagedHsmServiceClient<AuthorizedChannel> {
        ManagedHsmServiceClient::new(self.channel.clone())
    }

    /// Returns a client for vaults.
    pub(crate) fn vaults(&self) -> VaultServiceClient<AuthorizedChannel> {
        VaultServiceClient::new(self.channel.clone())
    }

    /// Returns a client for the secrets of vaults.
    pub(crate) fn secrets(&self) -> SecretServiceClient<AuthorizedChannel> {
        SecretServiceClient::new(self.channel.clone())
    }

    /// Returns a client for the certificates of vaults.
    pub(crate) fn certificates(&self) -> CertificateServiceClient<AuthorizedChannel> {
        CertificateServiceClient::new(self.channel.clone())
    }

    /// Returns a client for subscriptions, resource groups and locations.
    pub(crate) fn resources(&self) -> ResourceServiceClient<AuthorizedChannel> {
        ResourceServiceClient::new(self.channel.clone())
    }

    /// Returns a client for ARM RBAC.
    pub(crate) fn authorization(&self) -> AuthorizationServiceClient<AuthorizedChannel> {
        AuthorizationServiceClient::new(self.channel.clone())
    }

    /// Returns a client for audit records.
    pub(crate) fn audit(&self) -> AuditServiceClient<AuthorizedChannel> {
        AuditServiceClient::new(self.channel.clone())
    }

    /// Returns a client for the states of tokens.
    pub(crate) fn tokens(&self) -> TokenServiceClient<AuthorizedChannel> {
        TokenServiceClient::new(self.channel.clone())
    }

    /// Returns a client for usage and costs.
    pub(crate) fn usage(&self) -> UsageServiceClient<AuthorizedChannel> {
        UsageServiceClient::new(self.channel.clone())
    }

    /// Returns the selected subscription. Errors if none is set.
    pub(crate) fn subscription(&self) -> Outcome<SubscriptionId> {
        self.subscription
            .ok_or_else(|| Failure::problem("no subscription is set").hint("set it with --subscription"))
    }

    /// Returns the selected managed HSM. Errors if none is set.
    pub(crate) fn hsm(&self) -> Outcome<HsmName> {
        self.hsm.clone().ok_or_else(|| Failure::problem("no managed HSM is set").hint("set it with --hsm"))
    }

    /// Returns the resource name of the selected managed HSM.
    pub(crate) fn parent(&self) -> Outcome<String> {
        Ok(format!("hsms/{}", self.hsm()?))
    }

    /// Returns the selected vault. Errors if none is set.
    pub(crate) fn vault(&self) -> Outcome<VaultName> {
        self.vault.clone().ok_or_else(|| Failure::problem("no vault is set").hint("set it with --vault"))
    }

    /// Returns the selected container for keys: a vault if the session is one with vaults, else a managed HSM. Errors if none is set.
    pub(crate) fn container(&self) -> Outcome<ContainerId> {
        match self.kind {
            ContainerKind::Vault => self.vault().map(ContainerId::from),
            ContainerKind::ManagedHsm => self.hsm().map(ContainerId::from),
        }
    }

    /// Returns the resource name of the selected container for keys.
    pub(crate) fn container_parent(&self) -> Outcome<String> {
        Ok(self.container()?.to_string())
    }

    /// Returns the resource name of the selected vault on its data plane.
    pub(crate) fn vault_parent(&self) -> Outcome<String> {
        Ok(format!("vaults/{}", self.vault()?))
    }
}

/// Returns the access token for this plane: the given one, else a new one from the authority.
pub(crate) async fn access_token(options: &Options, plane: Plane) -> Outcome<TokenResponse> {
    match options.access_token(plane) {
        Some(token) => Ok(TokenResponse { access_token: token.clone(), expires_in: None }),
        None => ConnectionSettings::resolve(options, plane)?.request_token(options, plane).await,
    }
}

/// The address of the server and the certificates to trust.
pub(crate) struct ConnectionSettings {
    server: ServerAddress,
    ca_file: Option<PathBuf>,
    connection: Option<Connection>,
}

impl ConnectionSettings {
    /// Combines the options with `connection.json`. Errors if neither has the address of a server.
    pub(crate) fn resolve(options: &Options, plane: Plane) -> Outcome<Self> {
        let connection = Connection::load(&options.data_dir())?;
        let endpoint = match (&options.endpoint, &connection) {
            (Some(endpoint), _) => endpoint,
            (None, Some(connection)) => &connection.endpoint,
            (None, None) => return Err(connection::missing_connection_file(&options.data_dir())),
        };
        let server = ServerAddress::parse(endpoint)?;
        // The simulator's CA is trusted for the simulator only, not for another server with its own access token.
        let simulator = options.endpoint.as_ref().is_none_or(|_| options.access_token(plane).is_none());
        let ca_file = options.ca_file.clone().or_else(|| {
            connection.as_ref().filter(|_| simulator).map(|connection| connection.ca_file.clone())
        });
        Ok(Self { server, ca_file, connection })
    }

    /// Reads the CA certificates to trust, as PEM. Returns `None` for those of the system.
    fn ca(&self) -> Outcome<Option<Vec<u8>>> {
        let Some(path) = &self.ca_file else { return Ok(None) };
        std::fs::read(path).map(Some).map_err(|error| {
            Failure::file(path.display(), &error)
                .hint("set the CA certificate that issued the server's certificate with --ca-file")
        })
    }

    async fn request_token(&self, options: &Options, plane: Plane) -> Outcome<TokenResponse> {
        let Some(connection) = &self.connection else {
            return Err(Failure::problem("there is no access token, and no simulator to request one from")
                .hint("set STRONGROOM_TOKEN, or set --data-dir to the data directory of the simulator"));
        };
        let principal = connection.principal(&options.principal)?;
        let ca = self.ca()?.unwrap_or_default();
        let address = self.server.resolve().await?;
        let audience = connection.audience(plane)?;
        authority::request_token(connection, principal, audience, (address, &ca), options.request_timeout())
            .await
    }

    pub(crate) async fn connect(&self, timeout: Duration) -> Outcome<Channel> {
        let name = self.server.uri.to_string();
        let failed =
            |error: tonic::transport::Error| connect_error::failure(name.trim_end_matches('/'), &error);
        let tls = ClientTlsConfig::new().domain_name(self.server.certificate_name());
        let tls = match self.ca()? {
            Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
            None => tls.with_native_roots(),
        };
        Endpoint::from(self.server.connect_uri()?)
            .origin(self.server.uri.clone())
            .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
            .and_then(|endpoint| endpoint.tls_config(tls))
            .map_err(failed)?
            .connect_timeout(timeout)
            .connect()
            .await
            .map_err(failed)
    }
}

fn header(token: &SecretString) -> Outcome<MetadataValue<Ascii>> {
    let mut header: MetadataValue<Ascii> = format!("Bearer {}", token.expose_secret().trim())
        .parse()
        .map_err(|_| Failure::problem("the access token has invalid characters"))?;
    header.set_sensitive(true);
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_authorization_header() {
        let header = header(&SecretString::from("eyJsecret\n")).unwrap();
        assert_eq!(header.to_str().unwrap(), "Bearer eyJsecret");
        assert!(!format!("{header:?}").contains("secret"));
        assert!(super::header(&SecretString::from("a\u{1}b")).is_err());
    }
}
