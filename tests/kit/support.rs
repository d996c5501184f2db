//! Starts a server in a separate process and creates gRPC and HTTPS clients for it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::access_service_client::AccessServiceClient;
use strongroom::api::grpc::pb::audit_service_client::AuditServiceClient;
use strongroom::api::grpc::pb::authorization_service_client::AuthorizationServiceClient;
use strongroom::api::grpc::pb::backup_service_client::BackupServiceClient;
use strongroom::api::grpc::pb::certificate_service_client::CertificateServiceClient;
use strongroom::api::grpc::pb::clock_service_client::ClockServiceClient;
use strongroom::api::grpc::pb::crypto_service_client::CryptoServiceClient;
use strongroom::api::grpc::pb::key_service_client::KeyServiceClient;
use strongroom::api::grpc::pb::lifecycle_service_client::LifecycleServiceClient;
use strongroom::api::grpc::pb::managed_hsm_service_client::ManagedHsmServiceClient;
use strongroom::api::grpc::pb::resource_service_client::ResourceServiceClient;
use strongroom::api::grpc::pb::secret_service_client::SecretServiceClient;
use strongroom::api::grpc::pb::security_domain_service_client::SecurityDomainServiceClient;
use strongroom::api::grpc::pb::setting_service_client::SettingServiceClient;
use strongroom::api::grpc::pb::token_service_client::TokenServiceClient;
use strongroom::api::grpc::pb::usage_service_client::UsageServiceClient;
use strongroom::api::grpc::pb::vault_service_client::VaultServiceClient;
use tempfile::TempDir;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};

use crate::{directory, postgres, prepared};

use crate::access_tokens::AccessTokenInterceptor;
pub(crate) use crate::access_tokens::AccessTokens;
pub(crate) use crate::messages::{days, ec, micros, oct, rsa, timestamp};

/// How long a server may take to become ready: debug builds on busy machines are slow.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// The host names besides `localhost` that [`Server::http`] resolves to the server.
const HOST_NAMES: [&str; 19] = [
    "console.localhost",
    "graph.microsoft.com",
    "login.localhost",
    "login.microsoftonline.com",
    "management.localhost",
    "local.managedhsm.localhost",
    "pay.managedhsm.localhost",
    "local.managedhsm.azure.net",
    "nothing.managedhsm.localhost",
    "example.managedhsm.azure.net",
    "a--b.vault.localhost",
    "a.b.vault.localhost",
    "contoso.vault.azure.net",
    "contoso.vault.localhost",
    "demo.vault.localhost",
    "europe.vault.localhost",
    "fabrikam.vault.localhost",
    "nothing.vault.localhost",
    "sample.vault.localhost",
];

/// An audience of access tokens for vaults.
const VAULT_AUDIENCE: &str = "https://vault.localhost";

/// The members of `connection.json` that most tests need.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Connection {
    pub(crate) endpoint: String,
    pub(crate) ca_file: PathBuf,
    pub(crate) authority: String,
    pub(crate) audience: String,
    pub(crate) management_audience: String,
    pub(crate) tenant_id: String,
    pub(crate) subscription_id: String,
    pub(crate) resource_group: String,
    pub(crate) hsm: String,
    pub(crate) principals: Vec<Principal>,
    pub(crate) metrics: Option<String>,
}

/// A principal of the simulator.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Principal {
    pub(crate) name: String,
    pub(crate) object_id: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

/// A running simulator. Killed when dropped.
pub(crate) struct Server {
    child: Option<Child>,
    /// Arguments of `serve --dev` besides the data directory and the port.
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    directory: TempDir,
}

/// Settings that have an effect at the first start only.
const OF_FIRST_START: [&str; 2] = ["STRONGROOM_SIMULATOR__CLOCK_START", "STRONGROOM_SIMULATOR__SEED_FILE"];

impl Server {
    /// Starts a simulator with the built-in seed, in a new directory and on a free port.
    pub(crate) fn start() -> Self {
        Self::start_with(&[], &[])
    }

    /// Starts a simulator with further arguments and environment variables. The data directory is in memory, and a copy of
    /// the prepared one, unless the arguments or a setting determine its content.
    pub(crate) fn start_with(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let directory = directory::in_memory();
        if arguments.is_empty() && environment.iter().all(|(name, _)| !OF_FIRST_START.contains(name)) {
            prepared::copy_to(&directory.path().join("data"));
        }
        Self::start_in(directory, arguments, environment)
    }

    /// Starts a simulator in an existing directory.
    pub(crate) fn start_in(directory: TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut server = Self {
            child: None,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            environment: environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            directory,
        };
        server.spawn();
        server
    }

    /// Restarts a stopped server with other environment variables.
    pub(crate) fn start_in_place(mut stopped: Self, environment: &[(&str, &str)]) -> Self {
        assert!(stopped.child.is_none());
        stopped.environment = environment.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        stopped.spawn();
        stopped
    }

    /// The data directory.
    pub(crate) fn directory(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn spawn(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.directory.path().join("server.log"))
            .unwrap();
        let before = modified(&self.directory().join("dev.env"));
        let child = strongroom()
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(self.directory())
            .args(&self.arguments)
            // Clients of single-threaded tests do not process GOAWAY while the test blocks.
            .env("STRONGROOM_SERVER__SHUTDOWN_SECONDS", "4")
            // Tests that run at the same time cannot share the default port.
            .env("STRONGROOM_METRICS__LISTEN", "off")
            .envs(postgres::settings(&self.directory()))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let started = Instant::now();
        // dev.env is written last.
        while modified(&self.directory().join("dev.env")) == before {
            assert!(started.elapsed() < READY_TIMEOUT, "the server is not ready:\n{}", self.log());
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The server's log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("server.log")).unwrap_or_default()
    }

    /// The identifier of the server's process.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// The server's memory, in bytes: its resident set.
    pub(crate) fn memory(&self) -> usize {
        let id = self.process_id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }

    /// Stops the server as a supervisor would, with SIGTERM.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        signal(&child, "TERM");
        child.wait().unwrap()
    }

    /// Returns whether the process is running.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Kills the server with SIGKILL, as in a crash.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts the server again, in the same directory.
    pub(crate) fn start_again(&mut self) {
        assert!(self.child.is_none());
        self.spawn();
    }

    /// Stops and starts the server.
    pub(crate) fn restart(&mut self) {
        assert!(self.stop().success(), "{}", self.log());
        self.start_again();
    }

    /// Reads `connection.json`.
    pub(crate) fn connection(&self) -> Connection {
        let json = std::fs::read(self.directory().join("connection.json")).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    /// Returns a principal of the seed. Panics if there is none of this name.
    pub(crate) fn principal(&self, name: &str) -> Principal {
        let mut principals = self.connection().principals.into_iter();
        principals.find(|principal| principal.name == name).unwrap_or_else(|| panic!("no principal {name}"))
    }

    /// Requests access tokens from the authority, one for each plane.
    pub(crate) async fn access_tokens(&self, principal: &str) -> AccessTokens {
        let connection = self.connection();
        // One connection for all requests.
        let http = self.http();
        AccessTokens {
            data: self.request_token(&http, principal, &connection.audience).await,
            vault: self.request_token(&http, principal, VAULT_AUDIENCE).await,
            control: self.request_token(&http, principal, &connection.management_audience).await,
        }
    }

    /// Requests an access token for the data plane from the authority.
    pub(crate) async fn access_token(&self, principal: &str) -> String {
        self.access_token_for(principal, &self.connection().audience).await
    }

    /// Requests an access token for an audience.
    pub(crate) async fn access_token_for(&self, principal: &str, audience: &str) -> String {
        self.request_token(&self.http(), principal, audience).await
    }

    async fn request_token(&self, http: &reqwest::Client, principal: &str, audience: &str) -> String {
        let connection = self.connection();
        let principal = self.principal(principal);
        let response = http
            .post(format!("{}/{}/oauth2/v2.0/token", connection.authority, connection.tenant_id))
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_id", &principal.client_id),
                ("client_secret", &principal.client_secret),
                ("scope", &format!("{audience}/.default")),
            ])
            .send()
            .await
            .unwrap();
        let answer: serde_json::Value = response.json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Returns a client for HTTP/1.1 over TLS that trusts only the server's CA and resolves its host names.
    pub(crate) fn http(&self) -> reqwest::Client {
        self.http_builder().http1_only().build().unwrap()
    }

    /// Returns the settings of such a client, for the version of HTTP that the server prefers.
    pub(crate) fn http_builder(&self) -> reqwest::ClientBuilder {
        let connection = self.connection();
        let port: u16 = connection.endpoint.rsplit(':').next().unwrap().parse().unwrap();
        let pem = std::fs::read(&connection.ca_file).unwrap();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let client = reqwest::Client::builder()
            // Parsing the roots of the system takes a debug build longer than a test's calls.
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .resolve("localhost", address);
        HOST_NAMES.iter().fold(client, |client, name| client.resolve(name, address))
    }

    /// Opens a TLS connection.
    pub(crate) async fn channel(&self) -> Channel {
        let connection = self.connection();
        let pem = std::fs::read(&connection.ca_file).unwrap();
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)).domain_name("localhost");
        Channel::from_shared(connection.endpoint).unwrap().tls_config(tls).unwrap().connect().await.unwrap()
    }

    /// Returns a client that authenticates as a principal of the seed, on a new connection.
    pub(crate) async fn client(&self, principal: &str) -> Client {
        self.client_on(self.channel().await, principal).await
    }

    /// Returns a client that authenticates as a principal of the seed, on an existing connection.
    pub(crate) async fn client_on(&self, channel: Channel, principal: &str) -> Client {
        Client::with_tokens(channel, &self.access_tokens(principal).await)
    }

    /// Returns the audit entries of calls in order, without those of issued tokens and of the log itself. The log is
    /// written concurrently with the replies, so this waits until there are at least `least` entries.
    pub(crate) fn audit(&self, least: usize) -> Vec<serde_json::Value> {
        self.audit_where(least, |record| {
            record["category"] == "AuditEvent" && record["operationName"] != "TokenIssue"
        })
    }

    /// Returns the audit entries that satisfy a predicate, in order. Waits until there are at least `least` of them.
    pub(crate) fn audit_where(
        &self,
        least: usize,
        predicate: impl Fn(&serde_json::Value) -> bool,
    ) -> Vec<serde_json::Value> {
        let started = Instant::now();
        loop {
            let mut records = read_audit(&self.directory().join("audit"));
            records.retain(&predicate);
            if records.len() >= least {
                return records;
            }
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "{} of {least} audit entries",
                records.len()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Returns the directories of the simulator's tokens, except for the one that holds the audit signing key.
pub(crate) fn hsm_tokens(server: &Server) -> Vec<PathBuf> {
    let tokens = std::fs::read_dir(server.directory().join("softhsm/tokens")).unwrap();
    let mut tokens: Vec<PathBuf> = tokens.map(|token| token.unwrap().path()).collect();
    // PKCS#11 labels are padded with blanks.
    let label = format!("{:32}", "strongroom:audit");
    tokens.retain(|token| {
        let record = std::fs::read(token.join("token.object")).unwrap_or_default();
        !record.windows(label.len()).any(|window| window == label.as_bytes())
    });
    tokens
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    std::fs::metadata(path).ok()?.modified().ok()
}

fn read_audit(directory: &Path) -> Vec<serde_json::Value> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    // The last line may be incomplete.
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Returns a command that runs the program, without the variables for it in the test's own environment.
pub(crate) fn strongroom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_strongroom"));
    for (name, _) in std::env::vars() {
        if name.starts_with("STRONGROOM_") || name == "SOFTHSM2_CONF" {
            command.env_remove(name);
        }
    }
    // Many servers run concurrently, but only one can have the default port.
    command.env("STRONGROOM_SIMULATOR__MANAGED_IDENTITY_LISTEN", "127.0.0.1:0");
    command
}

/// A channel that adds an access token to each call.
pub(crate) type Authorized = InterceptedService<Channel, AccessTokenInterceptor>;

/// Clients of all services that authenticate as one caller.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) keys: KeyServiceClient<Authorized>,
    pub(crate) crypto: CryptoServiceClient<Authorized>,
    pub(crate) access: AccessServiceClient<Authorized>,
    pub(crate) clock: ClockServiceClient<Authorized>,
    pub(crate) resources: ResourceServiceClient<Authorized>,
    pub(crate) hsms: ManagedHsmServiceClient<Authorized>,
    pub(crate) lifecycle: LifecycleServiceClient<Authorized>,
    /// The same service with the access token of the control plane: watches of resources require it.
    pub(crate) control_lifecycle: LifecycleServiceClient<Authorized>,
    /// The same service with the access token of vaults: watches of their contents require it.
    pub(crate) vault_lifecycle: LifecycleServiceClient<Authorized>,
    pub(crate) authorization: AuthorizationServiceClient<Authorized>,
    pub(crate) backups: BackupServiceClient<Authorized>,
    pub(crate) security_domains: SecurityDomainServiceClient<Authorized>,
    pub(crate) settings: SettingServiceClient<Authorized>,
    pub(crate) audit: AuditServiceClient<Authorized>,
    pub(crate) tokens: TokenServiceClient<Authorized>,
    pub(crate) usage: UsageServiceClient<Authorized>,
    pub(crate) vaults: VaultServiceClient<Authorized>,
    pub(crate) secrets: SecretServiceClient<Authorized>,
    pub(crate) certificates: CertificateServiceClient<Authorized>,
}

impl Client {
    /// Creates a client that sends one access token to all planes, or none.
    pub(crate) fn new(channel: Channel, token: Option<&str>) -> Self {
        Self::with(channel, token.map(|token| [token; 3]))
    }

    /// Creates a client with an access token for each plane.
    pub(crate) fn with_tokens(channel: Channel, bearers: &AccessTokens) -> Self {
        Self::with(channel, Some([&bearers.data, &bearers.vault, &bearers.control]))
    }

    fn with(channel: Channel, tokens: Option<[&str; 3]>) -> Self {
        let header = |token: &str| -> MetadataValue<Ascii> { format!("Bearer {token}").parse().unwrap() };
        let headers = tokens.map(|tokens| tokens.map(header));
        let control = headers.clone().map(|[_, vault, control]| [control.clone(), vault, control]);
        let of_vault = headers.clone().map(|[_, vault, control]| [vault.clone(), vault, control]);
        let contents = InterceptedService::new(channel.clone(), AccessTokenInterceptor(of_vault));
        let resources = InterceptedService::new(channel.clone(), AccessTokenInterceptor(control));
        let channel = InterceptedService::new(channel, AccessTokenInterceptor(headers));
        Self {
            keys: KeyServiceClient::new(channel.clone()),
            crypto: CryptoServiceClient::new(channel.clone()),
            access: AccessServiceClient::new(channel.clone()),
            clock: ClockServiceClient::new(channel.clone()),
            resources: ResourceServiceClient::new(channel.clone()),
            hsms: ManagedHsmServiceClient::new(channel.clone()),
            lifecycle: LifecycleServiceClient::new(channel.clone()),
            control_lifecycle: LifecycleServiceClient::new(resources),
            vault_lifecycle: LifecycleServiceClient::new(contents),
            authorization: AuthorizationServiceClient::new(channel.clone()),
            backups: BackupServiceClient::new(channel.clone()),
            security_domains: SecurityDomainServiceClient::new(channel.clone()),
            settings: SettingServiceClient::new(channel.clone()),
            audit: AuditServiceClient::new(channel.clone()),
            tokens: TokenServiceClient::new(channel.clone()),
            usage: UsageServiceClient::new(channel.clone()),
            vaults: VaultServiceClient::new(channel.clone()),
            secrets: SecretServiceClient::new(channel.clone()),
            certificates: CertificateServiceClient::new(channel),
        }
    }

    /// Creates a key, in HSM `local` unless the request names a parent.
    pub(crate) async fn create(
        &mut self,
        request: pb::CreateKeyRequest,
    ) -> Result<pb::KeyBundle, tonic::Status> {
        let request = pb::CreateKeyRequest {
            parent: if request.parent.is_empty() { "hsms/local".to_owned() } else { request.parent.clone() },
            ..request
        };
        self.keys.create_key(request).await.map(tonic::Response::into_inner)
    }
}

/// Returns the reason in an error's `ErrorInfo`.
pub(crate) fn reason(status: &tonic::Status) -> String {
    use tonic_types::StatusExt as _;
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Returns a metadata value of an error's `ErrorInfo`, or an empty string if it is absent.
pub(crate) fn error_metadata(status: &tonic::Status, name: &str) -> String {
    use tonic_types::StatusExt as _;
    let info = status.get_details_error_info();
    info.and_then(|info| info.metadata.get(name).cloned()).unwrap_or_default()
}
