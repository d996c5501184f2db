//! A sandbox for client programs: a temporary directory, and a hosts file that names the server.
//!
//! The hosts file is mounted in a mount namespace of the client's process, so these tests need Linux.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use strongroom::api::grpc::pb;
use tempfile::TempDir;

use crate::kit::roles::{assign, definition_request, guid};
use crate::support::Server;

/// The hosts file with the server's host names.
const HOSTS: &str = "127.0.0.1 localhost local.managedhsm.localhost payroll.managedhsm.localhost login.localhost \
    management.localhost demo.vault.localhost contoso.vault.localhost\n";

/// A directory in which `.strongroom` links to the server's data directory.
pub(super) struct Sandbox<'a> {
    server: &'a Server,
    directory: TempDir,
}

impl<'a> Sandbox<'a> {
    /// Creates an empty sandbox for a server.
    pub(super) fn of(server: &'a Server) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(server.directory(), directory.path().join(".strongroom")).unwrap();
        std::fs::write(directory.path().join("hosts"), HOSTS).unwrap();
        Self { server, directory }
    }

    /// Returns the path of a file in the directory.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs shell lines with `tools` first in `PATH`, and expects success.
    pub(super) fn run(&self, tools: &Path, lines: &str, environment: &[(&str, &str)]) {
        let output = shell(self.directory.path(), &[], &[tools.to_owned()], lines, environment);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{lines}: {}\n{out}{err}\n{}", output.status, self.server.log());
    }

    /// Follows a page of the documentation: writes its example program to a file, and runs its example shell lines.
    pub(super) fn run_page(&self, page: &str, (language, program): (&str, &str), tools: &Path) {
        std::fs::write(self.file(program), self.with_port(example(page, language))).unwrap();
        self.run(tools, &self.with_port(example(page, "sh")), &[]);
    }

    /// Replaces the default port in an example with the port of this server.
    pub(super) fn with_port(&self, example: &str) -> String {
        example.replace(":8443", &format!(":{}", port(self.server)))
    }
}

/// Runs shell lines in a directory, with its file `hosts` mounted as `/etc/hosts`, in a mount namespace and the given
/// further namespaces, and with `tools` first in `PATH`.
pub(super) fn shell(
    directory: &Path,
    namespaces: &[&str],
    tools: &[PathBuf],
    lines: &str,
    environment: &[(&str, &str)],
) -> Output {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(tools.iter().cloned().chain(std::env::split_paths(&path)));
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user"]).args(namespaces);
    command.args(["bash", "-euo", "pipefail", "-c"]);
    command.arg(format!("mount --bind hosts /etc/hosts\n{lines}"));
    for (name, _) in std::env::vars().filter(|(name, _)| configures_clients(name)) {
        command.env_remove(name);
    }
    command
        .current_dir(directory)
        .env("PATH", path.unwrap())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

/// Returns whether an inherited variable configures proxies, certificates, accounts or other simulators.
fn configures_clients(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let starts =
        ["AZURE_", "SSL_CERT_", "NODE_EXTRA_", "STRONGROOM_"].iter().any(|start| name.starts_with(start));
    starts || name.ends_with("_PROXY") || name.ends_with("_CA_BUNDLE")
}

/// Returns the example of a page in this language.
pub(super) fn example<'a>(page: &'a str, language: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n```{language} example\n")).expect("the page has an example");
    rest.split_once("\n```\n").expect("the example ends").0
}

fn port(server: &Server) -> String {
    server.connection().endpoint.rsplit(':').next().unwrap().to_owned()
}

/// Returns the environment variables of client scenarios: the server's URLs, the credential of `dev`, and that of a
/// second principal that may use keys but not read them.
pub(super) async fn environment(server: &Server) -> Vec<(&'static str, String)> {
    let connection = server.connection();
    let (dev, user) = (server.principal("dev"), server.principal("nobody"));
    grant_key_use(server, &user.object_id).await;
    vec![
        ("AZURE_KEYVAULT_URL", format!("https://local.managedhsm.localhost:{}", port(server))),
        ("AZURE_VAULT_URL", format!("https://demo.vault.localhost:{}", port(server))),
        ("OTHER_VAULT_URL", format!("https://contoso.vault.localhost:{}", port(server))),
        ("AZURE_AUTHORITY_HOST", connection.authority),
        ("ARM_ENDPOINT", format!("https://management.localhost:{}", port(server))),
        ("AZURE_SUBSCRIPTION_ID", connection.subscription_id),
        ("AZURE_RESOURCE_GROUP", connection.resource_group),
        ("AZURE_TENANT_ID", connection.tenant_id),
        ("AZURE_CLIENT_ID", dev.client_id),
        ("AZURE_CLIENT_SECRET", dev.client_secret),
        ("USER_CLIENT_ID", user.client_id),
        ("USER_CLIENT_SECRET", user.client_secret),
        ("USER_OBJECT_ID", user.object_id),
    ]
}

/// Creates a vault in which `dev` has all permissions for secrets.
pub(super) async fn create_vault(server: &Server, name: &str) {
    let connection = server.connection();
    let all = pb::PermissionNames { names: vec!["all".to_owned()] };
    let permissions = pb::AccessPermissions { secrets: Some(all), ..Default::default() };
    let policy = pb::AccessPolicy {
        tenant_id: connection.tenant_id.clone(),
        principal_id: server.principal("dev").object_id,
        permissions: Some(permissions),
        ..Default::default()
    };
    let vault = pb::Vault {
        location: "localhost".to_owned(),
        rbac_authorization: Some(false),
        access_policies: vec![policy],
        ..Default::default()
    };
    let request = pb::CreateVaultRequest {
        parent: format!(
            "subscriptions/{}/resourceGroups/{}",
            connection.subscription_id, connection.resource_group
        ),
        vault_id: name.to_owned(),
        vault: Some(vault),
    };
    server.client("owner").await.vaults.create_vault(request).await.unwrap();
}

/// Assigns a principal a role that allows to use keys but not to read them.
async fn grant_key_use(server: &Server, principal: &str) {
    let mut administrator = server.client("administrator").await;
    let uses =
        ["encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"].map(|verb| format!("keys/{verb}/action"));
    let uses = uses.each_ref().map(String::as_str);
    administrator.access.put_role_definition(definition_request(&guid(1), &uses, &[])).await.unwrap();
    assign(&mut administrator, &guid(1), principal, "/keys").await;
}

/// Returns the directory with the clients of a language; `scripts/LANGUAGE-clients.sh` installs them if needed.
pub(super) fn install_clients(language: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{language}-clients"));
    let script = format!("{}/scripts/{language}-clients.sh", env!("CARGO_MANIFEST_DIR"));
    // Concurrent tests wait for the first one to install the clients.
    let lock = std::fs::File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let status = Command::new(&script).arg(&directory).stdin(std::process::Stdio::null()).status().unwrap();
    assert!(status.success(), "{script} failed");
    directory
}
