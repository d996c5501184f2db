//! Tests the web console of a gateway with a certified implementation of OpenID Connect, the package `oidc-provider`, whose users
//! sign in on pages of its own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CHROMIUM, FIREFOX, Scenarios, text};
use crate::directory;
use crate::support::strongroom;

const TENANT: &str = "0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0001";
/// The user who administers the HSM and owns the subscription.
const ADA: &str = "0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0002";
/// A user without a role.
const GRACE: &str = "0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2b0003";
const CLIENT_ID: &str = "strongroom-console";
const RESOURCE: &str = "api://strongroom";
const PIN: &str = "1593-correct-horse";
/// How long a process may take to start: debug builds on busy machines are slow.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// A gateway and the issuer that it trusts. Both are killed when dropped.
struct Gateway {
    directory: TempDir,
    issuer: Child,
    process: Child,
}

impl Gateway {
    /// Starts both. The issuer is first, because the gateway is configured with its address.
    fn start(scenarios: &Scenarios) -> Self {
        let directory = directory::in_memory();
        certify(directory.path());
        initialize_token(directory.path());
        let (issuer, url) = start_issuer(scenarios, directory.path());
        std::fs::write(directory.path().join("strongroom.toml"), configuration(&url)).unwrap();
        let process = strongroom()
            .args(["serve", "--config", "strongroom.toml"])
            .env("SOFTHSM2_CONF", directory.path().join("softhsm2.conf"))
            .env("STRONGROOM_METRICS__LISTEN", "off")
            .current_dir(directory.path())
            .stdout(std::fs::File::create(directory.path().join("stdout")).unwrap())
            .stderr(std::fs::File::create(directory.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut gateway = Self { directory, issuer, process };
        let connection = json!({
            "endpoint": format!("https://127.0.0.1:{}", gateway.port()),
            "ca_file": gateway.path("ca.pem"),
            "issuer": url,
            "client_id": CLIENT_ID,
            "resource": RESOURCE,
            "accounts": accounts(),
        });
        // Scenarios find the audit log beside this file.
        std::fs::write(gateway.path("data/connection.json"), connection.to_string()).unwrap();
        gateway
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Waits until the gateway is ready, and returns its port.
    fn port(&mut self) -> u16 {
        let started = Instant::now();
        loop {
            let banner = std::fs::read_to_string(self.path("stdout")).unwrap();
            if let Some((_, port)) = banner.trim_end().rsplit_once(':').filter(|_| banner.ends_with('\n')) {
                return port.parse().unwrap();
            }
            assert!(self.process.try_wait().unwrap().is_none(), "{}", self.log());
            assert!(started.elapsed() < READY_TIMEOUT, "{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        for process in [&mut self.process, &mut self.issuer] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Creates an authority, and a certificate for the gateway and the issuer: the test browser trusts one public key.
fn certify(directory: &Path) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "example servers");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let authority = Issuer::new(authority, authority_key);
    let names = ["localhost", "127.0.0.1", "console.localhost", "issuer.localhost"].map(str::to_owned);
    let (key, server) = (KeyPair::generate().unwrap(), CertificateParams::new(names).unwrap());
    let certificate = server.signed_by(&key, &authority).unwrap().pem();
    for (name, text) in
        [("ca.pem", pem), ("server.pem", certificate), ("server-key.pem", key.serialize_pem())]
    {
        std::fs::write(directory.join(name), text).unwrap();
    }
}

/// Initializes a token of SoftHSM, as the owner of a device does.
fn initialize_token(directory: &Path) {
    let tokens = directory.join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let settings = format!("directories.tokendir = {}\nobjectstore.backend = file\n", tokens.display());
    std::fs::write(directory.join("softhsm2.conf"), settings).unwrap();
    std::fs::write(directory.join("pin"), PIN).unwrap();
    let made = Command::new("softhsm2-util")
        .env("SOFTHSM2_CONF", directory.join("softhsm2.conf"))
        .args(["--init-token", "--free", "--label", "vault-7", "--pin", PIN, "--so-pin", "so-pin-12345678"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The object ids of the users, by login.
fn accounts() -> Value {
    json!({"ada": ADA, "grace": GRACE})
}

/// Starts the issuer, and returns its URL.
fn start_issuer(scenarios: &Scenarios, directory: &Path) -> (Child, String) {
    let settings = json!({
        "certificate": directory.join("server.pem"),
        "key": directory.join("server-key.pem"),
        "tenant": TENANT,
        "accounts": accounts(),
        "clientId": CLIENT_ID,
        "resource": RESOURCE,
    });
    let mut issuer = Command::new(&scenarios.node)
        .args(["issuer.mjs", &settings.to_string()])
        .current_dir(scenarios.directory.path())
        .env_remove("NODE_OPTIONS")
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(directory.join("issuer.log")).unwrap())
        .spawn()
        .unwrap();
    let mut url = String::new();
    // Not taken, which would close it at the end of this function: the issuer prints more later.
    BufReader::new(issuer.stdout.as_mut().unwrap()).read_line(&mut url).unwrap();
    let log = || std::fs::read_to_string(directory.join("issuer.log")).unwrap();
    assert!(url.starts_with("https://"), "the issuer does not start: {url}{}", log());
    (issuer, url.trim_end().to_owned())
}

/// The configuration of a gateway whose console is a client of the issuer. The names of files are relative to the working directory.
fn configuration(issuer: &str) -> String {
    // Programs resolve only `localhost` itself everywhere.
    let keys = issuer.replace("issuer.localhost", "localhost");
    format!(
        r#"version = "v1"
mode = "gateway"
data_dir = "data"

[server]
listen = "127.0.0.1:0"
certificate_file = "server.pem"
key_file = "server-key.pem"
shutdown_seconds = 4

[token]
pin = {{ file = "pin" }}
module = "{module}"

[console]
client_id = "{CLIENT_ID}"
resource = "{RESOURCE}"

[[hsm]]
name = "payments"
token = {{ label = "vault-7" }}
tenant_id = "{TENANT}"
administrators = ["{ADA}"]

[[control_plane_role]]
principal = "{ADA}"
role = "Owner"
scope = "/subscriptions/{TENANT}"

[[identity.issuers]]
issuer = "{issuer}"
audiences = ["{RESOURCE}"]
management_audiences = ["{RESOURCE}"]
vault_audiences = ["{RESOURCE}"]
tenant = "{TENANT}"
jwks_url = "{keys}/jwks"
ca_file = "ca.pem"
"#,
        module = softhsm().display(),
    )
}

/// Returns the path of SoftHSM's module.
fn softhsm() -> &'static Path {
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

#[test]
fn users_sign_in_with_openid_connect_in_each_browser() {
    let scenarios = Scenarios::prepare();
    for browser in [CHROMIUM, FIREFOX] {
        let gateway = Gateway::start(&scenarios);
        let output = scenarios.run_at(browser, "gateway/sign_in.mjs", &gateway.path("data/connection.json"));
        let issuer = std::fs::read_to_string(gateway.path("issuer.log")).unwrap();
        let (printed, log) = (text(&output), gateway.log());
        assert!(output.status.success(), "{browser:?}: {}\n{printed}\n{log}\n{issuer}", output.status);
    }
}
