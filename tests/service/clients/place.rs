//! Where a client runs: in a directory of its own, with the names of the server in its hosts file and in no other's.
//!
//! The hosts file is mounted where only the client's process sees it: so these tests need Linux.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::roles::ask::{assign, defining, guid};
use crate::support::Server;

/// The names under which clients find the server.
const HOSTS: &str = "127.0.0.1 localhost local.managedhsm.localhost payroll.managedhsm.localhost login.localhost \
    management.localhost\n";

/// A directory in which the server's data directory is called `.strongroom`.
pub(super) struct Place<'a> {
    server: &'a Server,
    directory: TempDir,
}

impl<'a> Place<'a> {
    /// An empty place.
    pub(super) fn of(server: &'a Server) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(server.directory(), directory.path().join(".strongroom")).unwrap();
        std::fs::write(directory.path().join("hosts"), HOSTS).unwrap();
        Self { server, directory }
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Runs lines of a shell in it, which find programs in `tools` first, and expects them to succeed.
    pub(super) fn run(&self, tools: &Path, lines: &str, environment: &[(&str, &str)]) {
        let output = shell(self.directory.path(), &[], &[tools.to_owned()], lines, environment);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{lines}: {}\n{out}{err}\n{}", output.status, self.server.log());
    }

    /// Does what a page tells its readers: writes down the program that it shows, and runs the lines that it gives.
    pub(super) fn follow(&self, page: &str, (language, program): (&str, &str), tools: &Path) {
        std::fs::write(self.file(program), self.with_port(example(page, language))).unwrap();
        self.run(tools, &self.with_port(example(page, "sh")), &[]);
    }

    /// What a page shows, with the port of this server.
    pub(super) fn with_port(&self, shown: &str) -> String {
        shown.replace(":8443", &format!(":{}", port(self.server)))
    }
}

/// Runs lines of a shell in a directory, whose file `hosts` is the hosts file then, in further namespaces of their own. They
/// find programs in `tools` first.
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
    for (name, _) in std::env::vars().filter(|(name, _)| is_for_other_servers(name)) {
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

/// Whether a variable of the machine's is about proxies, certificates, accounts or other simulators.
fn is_for_other_servers(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let starts =
        ["AZURE_", "SSL_CERT_", "NODE_EXTRA_", "STRONGROOM_"].iter().any(|start| name.starts_with(start));
    starts || name.ends_with("_PROXY") || name.ends_with("_CA_BUNDLE")
}

/// The example of a page in this language.
pub(super) fn example<'a>(page: &'a str, language: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n```{language} example\n")).expect("the page has an example");
    rest.split_once("\n```\n").expect("the example ends").0
}

fn port(server: &Server) -> String {
    server.connection().endpoint.rsplit(':').next().unwrap().to_owned()
}

/// What clients are told by their environment: where the HSM is, who they are, and who else there is. That is a
/// principal who may use keys, and not read them.
pub(super) async fn environment(server: &Server) -> Vec<(&'static str, String)> {
    let connection = server.connection();
    let (dev, user) = (server.principal("dev"), server.principal("nobody"));
    let_use_keys(server, &user.object_id).await;
    vec![
        ("AZURE_KEYVAULT_URL", format!("https://local.managedhsm.localhost:{}", port(server))),
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

/// Gives a principal the right to use keys, and none to read them.
async fn let_use_keys(server: &Server, principal: &str) {
    let mut administrator = server.client("administrator").await;
    let uses =
        ["encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"].map(|verb| format!("keys/{verb}/action"));
    let uses = uses.each_ref().map(String::as_str);
    administrator.access.put_role_definition(defining(&guid(1), &uses, &[])).await.unwrap();
    assign(&mut administrator, &guid(1), principal, "/keys").await;
}

/// The directory with the clients that a script of `scripts` installs; installed if need be.
pub(super) fn installed(language: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{language}-clients"));
    let script = format!("{}/scripts/{language}-clients.sh", env!("CARGO_MANIFEST_DIR"));
    // One at a time: whoever comes later finds them installed.
    let lock = std::fs::File::create(directory.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let status = Command::new(&script).arg(&directory).stdin(std::process::Stdio::null()).status().unwrap();
    assert!(status.success(), "{script} failed");
    directory
}
