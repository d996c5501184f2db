//! Microsoft's clients, unmodified and from their registries, in processes of their own. Each finds the server by the
//! names that users give it, verifies TLS, and verifies the challenge.
//!
//! Names stand in a hosts file that only the client's process sees, by a mount namespace of its own: so it needs Linux.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::roles::ask::{assign, defining, guid};
use crate::support::{Connection, Server};

const AZURE: &str = include_str!("../../docs/azure.md");

/// The virtual environment with what `tests/clients/python/requirements.txt` pins; made if need be.
fn python() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-clients");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/python-clients.sh");
    let status = Command::new(script).arg(&directory).stdin(Stdio::null()).status().unwrap();
    assert!(status.success(), "{script} failed");
    directory.join("bin/python")
}

/// Runs a program where the server's names are known and its data directory is `.strongroom`, and expects it to succeed.
fn run(server: &Server, program: &Path, script: &Path, environment: &[(&str, &str)]) {
    let place = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(server.directory(), place.path().join(".strongroom")).unwrap();
    let hosts = place.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 localhost local.managedhsm.localhost login.localhost\n").unwrap();
    let output = Command::new("unshare")
        .args([
            "--mount",
            "--map-root-user",
            "sh",
            "-c",
            r#"mount --bind "$HOSTS" /etc/hosts && exec "$@""#,
            "sh",
        ])
        .arg(program)
        .arg(script)
        .current_dir(&place)
        .env("HOSTS", &hosts)
        .envs(environment.iter().copied())
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {}\n{out}{err}\n{}", script.display(), output.status, server.log());
}

/// Gives a principal the right to use keys, and none to read them.
async fn let_use_keys(server: &Server, principal: &str) {
    let mut administrator = server.client("administrator").await;
    let uses =
        ["encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"].map(|verb| format!("keys/{verb}/action"));
    let uses = uses.each_ref().map(String::as_str);
    administrator.access.put_role_definition(defining(&guid(1), &uses, &[])).await.unwrap();
    assign(&mut administrator, &guid(1), &server.principal(principal).object_id, "/keys").await;
}

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn the_python_sdk_works_unmodified() {
    let python = python();
    let server = Server::start();
    let Connection { endpoint, authority, tenant_id, ca_file, .. } = server.connection();
    let (dev, user) = (server.principal("dev"), server.principal("nobody"));
    let_use_keys(&server, "nobody").await;
    let url = format!("https://local.managedhsm.localhost:{}", endpoint.rsplit(':').next().unwrap());
    let environment = [
        ("AZURE_KEYVAULT_URL", url.as_str()),
        ("AZURE_AUTHORITY_HOST", authority.as_str()),
        ("AZURE_TENANT_ID", tenant_id.as_str()),
        ("AZURE_CLIENT_ID", dev.client_id.as_str()),
        ("AZURE_CLIENT_SECRET", dev.client_secret.as_str()),
        ("USER_CLIENT_ID", user.client_id.as_str()),
        ("USER_CLIENT_SECRET", user.client_secret.as_str()),
        ("REQUESTS_CA_BUNDLE", ca_file.to_str().unwrap()),
    ];
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/python/keys.py");
    run(&server, &python, &script, &environment);

    // And as the page tells its readers.
    let (_, rest) = AZURE.split_once("\n```python example\n").unwrap();
    let (example, _) = rest.split_once("\n```\n").unwrap();
    let port = endpoint.rsplit(':').next().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("example.py");
    std::fs::write(&script, example.replace(":8443", &format!(":{port}"))).unwrap();
    run(&server, &python, &script, &[("REQUESTS_CA_BUNDLE", ca_file.to_str().unwrap())]);
}
