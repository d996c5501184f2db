//! A gateway with its environment: an initialized token, certificates, an issuer, a configuration.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;
use tempfile::TempDir;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};

use crate::support::{AccessTokens, strongroom};
use crate::tokens::Signer;

pub(super) const TENANT: &str = "0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0001";
pub(super) const ADMIN: &str = "0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0002";
pub(super) const MACHINE: &str = "0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0003";
pub(super) const ISSUER: &str = "https://login.example/v2.0";
pub(super) const AUDIENCE: &str = "https://hsm.example";
pub(super) const MANAGEMENT_AUDIENCE: &str = "https://management.example";
pub(super) const VAULT_AUDIENCE: &str = "https://vault.example";
pub(super) const PIN: &str = "1593-correct-horse";

/// A certificate and its private key, PEM.
pub(super) struct CertificateAndKey {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// A certificate authority.
pub(super) struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) pem: String,
}

impl CertificateAuthority {
    pub(super) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Returns a CRL that revokes these certificates, PEM.
    pub(super) fn revoke(&self, certificates: &[&CertificateAndKey]) -> String {
        let (then, until) = (rcgen::date_time_ymd(2024, 1, 1), rcgen::date_time_ymd(2090, 1, 1));
        let revoked = |pair: &&CertificateAndKey| {
            let (_, pem) = x509_parser::pem::parse_x509_pem(pair.certificate.as_bytes()).unwrap();
            rcgen::RevokedCertParams {
                serial_number: rcgen::SerialNumber::from_slice(pem.parse_x509().unwrap().raw_serial()),
                revocation_time: then,
                reason_code: None,
                invalidity_date: None,
            }
        };
        let list = rcgen::CertificateRevocationListParams {
            this_update: then,
            next_update: until,
            crl_number: rcgen::SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: certificates.iter().map(revoked).collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer).unwrap().pem().unwrap()
    }

    pub(super) fn issue(&self, common_name: &str, names: &[&str]) -> CertificateAndKey {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        CertificateAndKey { certificate, key: key.serialize_pem() }
    }
}

/// A gateway's working directory and authorities, and its process while it runs.
pub(super) struct Gateway {
    directory: TempDir,
    child: Option<Child>,
    /// Further variables of the process.
    pub(super) environment: Vec<(String, String)>,
    pub(super) authority: CertificateAuthority,
    pub(super) clients: CertificateAuthority,
    pub(super) issuer: Signer,
}

impl Gateway {
    /// Prepares the token, the certificates and the configuration. Does not start the process.
    pub(super) fn new() -> Self {
        let gateway = Self {
            directory: crate::directory::in_memory(),
            child: None,
            environment: Vec::new(),
            authority: CertificateAuthority::new("example servers"),
            clients: CertificateAuthority::new("example clients"),
            issuer: Signer::new(),
        };
        std::fs::create_dir(gateway.path("tokens")).unwrap();
        gateway.write(
            "softhsm2.conf",
            &format!("directories.tokendir = {}\nobjectstore.backend = file\n", gateway.text("tokens")),
        );
        gateway.initialize("vault-7", PIN);
        let server = gateway.authority.issue("gateway", &["localhost", "127.0.0.1"]);
        gateway.write("server.pem", &server.certificate);
        gateway.write("server-key.pem", &server.key);
        gateway.write("client-ca.pem", &gateway.clients.pem);
        gateway.write("jwks.json", &gateway.issuer.jwks("k1").to_string());
        gateway.write("pin", &format!("{PIN}\n"));
        gateway.write("strongroom.toml", &gateway.configuration());
        gateway
    }

    /// Returns the id of the running process.
    pub(super) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Ends the process with SIGABRT, as a fault of the program would.
    pub(super) fn abort(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().unwrap();
        crate::support::signal(&child, "ABRT");
        child.wait().unwrap()
    }

    /// Returns a valid configuration.
    pub(super) fn configuration(&self) -> String {
        let at = |name| self.text(name);
        format!(
            r#"version = "v1"
mode = "gateway"
data_dir = "{data}"

[server]
listen = "127.0.0.1:0"
certificate_file = "{certificate}"
key_file = "{key}"
client_ca_file = "{client_ca}"
shutdown_seconds = 4

[token]
module = "{module}"
pin = {{ file = "{pin}" }}

[[hsm]]
name = "payments"
token = {{ label = "vault-7" }}
tenant_id = "{TENANT}"
administrators = ["{ADMIN}"]

[[identity.issuers]]
issuer = "{ISSUER}"
audiences = ["{AUDIENCE}"]
management_audiences = ["{MANAGEMENT_AUDIENCE}"]
vault_audiences = ["{VAULT_AUDIENCE}"]
tenant = "{TENANT}"
jwks_file = "{jwks}"

[[identity.client_certificates]]
subject = "CN=billing"
principal = "{MACHINE}"
tenant = "{TENANT}"
"#,
            data = at("data"),
            certificate = at("server.pem"),
            key = at("server-key.pem"),
            client_ca = at("client-ca.pem"),
            module = module().display(),
            pin = at("pin"),
            jwks = at("jwks.json"),
        )
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Initializes a token, as the owner of the device does.
    pub(super) fn initialize(&self, label: &str, pin: &str) {
        let made = Command::new("softhsm2-util")
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .args(["--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", "so-pin-12345678"])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    /// Returns a command that runs the program in the working directory.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = strongroom();
        command
            .args(arguments)
            .env("SOFTHSM2_CONF", self.path("softhsm2.conf"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.directory.path());
        command
    }

    /// Runs the gateway, expects that it fails to start, and returns its output.
    pub(super) fn fails(&self) -> Output {
        let started = Instant::now();
        let mut child = self
            .command(&["serve", "--config", "strongroom.toml"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while child.try_wait().unwrap().is_none() {
            if started.elapsed() > Duration::from_secs(30) {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.code().is_some_and(|code| code != 0), "{output:?}");
        output
    }

    /// Starts the gateway and returns the port it listens on.
    pub(super) fn start(&mut self) -> u16 {
        let out = std::fs::File::create(self.path("stdout")).unwrap();
        let log = std::fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let child =
            self.command(&["serve", "--config", "strongroom.toml"]).stdout(out).stderr(log).spawn().unwrap();
        self.child = Some(child);
        let started = Instant::now();
        loop {
            let banner = std::fs::read_to_string(self.path("stdout")).unwrap();
            if let Some((_, port)) = banner.trim_end().rsplit_once(':').filter(|_| banner.ends_with('\n')) {
                assert!(banner.contains("gateway"), "{banner}");
                return port.parse().unwrap();
            }
            assert!(self.child.as_mut().unwrap().try_wait().unwrap().is_none(), "{}", self.log());
            assert!(started.elapsed() < Duration::from_secs(60), "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Returns the port that the running gateway listens on.
    pub(super) fn port(&self) -> u16 {
        let banner = std::fs::read_to_string(self.path("stdout")).unwrap();
        banner.trim_end().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap()
    }

    /// Stops the gateway with SIGTERM, as a supervisor would.
    pub(super) fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        crate::support::signal(&child, "TERM");
        assert!(child.wait().unwrap().success(), "{}", self.log());
    }

    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Opens a TLS connection, with or without a client certificate.
    pub(super) async fn connect(
        &self,
        port: u16,
        client: Option<&CertificateAndKey>,
    ) -> Result<Channel, tonic::transport::Error> {
        let ca = Certificate::from_pem(&self.authority.pem);
        let mut tls = ClientTlsConfig::new().ca_certificate(ca).domain_name("localhost");
        if let Some(pair) = client {
            tls = tls.identity(Identity::from_pem(&pair.certificate, &pair.key));
        }
        let endpoint = Channel::from_shared(format!("https://127.0.0.1:{port}")).unwrap();
        endpoint.tls_config(tls).unwrap().connect().await
    }

    /// Issues access tokens for a principal, one for each plane.
    pub(super) fn bearers(&self, principal: &str) -> AccessTokens {
        let control = self.token_for(principal, MANAGEMENT_AUDIENCE);
        let vault = self.token_for(principal, VAULT_AUDIENCE);
        AccessTokens { data: self.token(principal), vault, control }
    }

    /// Issues an access token for a principal, for the data plane.
    pub(super) fn token(&self, principal: &str) -> String {
        self.token_for(principal, AUDIENCE)
    }

    pub(super) fn token_for(&self, principal: &str, audience: &str) -> String {
        let now = jsonwebtoken::get_current_timestamp();
        let claims = json!({"iss": ISSUER, "aud": audience, "tid": TENANT, "oid": principal,
            "iat": now, "nbf": now, "exp": now + 600});
        self.issuer.sign(&json!({"alg": "RS256", "typ": "JWT", "kid": "k1"}), &claims)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Returns the path of SoftHSM's module.
fn module() -> &'static Path {
    let candidates = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
        "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    ];
    candidates.into_iter().map(Path::new).find(|path| path.exists()).unwrap()
}
