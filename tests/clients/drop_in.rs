//! Tests clients with Azure's host names on port 443 and no settings except the CA and the credential, in a separate
//! network namespace with its own hosts file.

use std::path::{Path, PathBuf};
use std::process::Output;

use super::sandbox::{example, install_clients, shell};

const PAGE: &str = include_str!("../../docs/clients/drop-in.md");

/// Shell lines that run the programs against the simulator without configuring its address.
const LINES: &str = r#"
strongroom serve --dev --listen 127.0.0.1:443 >/dev/null 2>strongroom.log &
# The server writes this file last.
until [ -e .strongroom/dev.env ]; do kill -0 $!; sleep 0.05; done
strongroom hosts --drop-in >>/etc/hosts
eval "$(strongroom env)"
unset AZURE_AUTHORITY_HOST AZURE_KEYVAULT_URL AZURE_MANAGEDHSM_URL
python "$SOURCES/tests/clients/python/drop_in.py"
cp "$SOURCES/tests/clients/javascript/drop_in.mjs" .
ln -s "$NODE_CLIENTS/node_modules" node_modules
"$NODE_CLIENTS/bin/node" drop_in.mjs
AZURE_KEYVAULT_URL=https://local.managedhsm.azure.net "$RUST_CLIENTS/debug/example" >&2
strongroom --output json key list
"#;

/// Runs shell lines that start a simulator, in a separate network namespace, and returns their standard output.
fn run(directory: &Path, tools: &[&str], lines: &str) -> String {
    std::fs::write(directory.join("hosts"), "127.0.0.1 localhost\n").unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_strongroom")).parent().unwrap();
    let mut path: Vec<PathBuf> = tools.iter().map(|tool| install_clients(tool).join("bin")).collect();
    path.push(program.to_owned());
    let (node, rust, azure) =
        (install_clients("javascript"), install_clients("rust"), directory.join("azure"));
    let environment = [
        ("SOURCES", env!("CARGO_MANIFEST_DIR")),
        ("NODE_CLIENTS", node.to_str().unwrap()),
        ("RUST_CLIENTS", rust.to_str().unwrap()),
        ("AZURE_CONFIG_DIR", azure.to_str().unwrap()),
        ("AZURE_CORE_COLLECT_TELEMETRY", "false"),
    ];
    let lines =
        format!("python \"$SOURCES/tests/clients/python/loopback.py\"\ntrap 'kill %1; wait' EXIT\n{lines}");
    let Output { status, stdout, stderr } = shell(directory, &["--net"], &path, &lines, &environment);
    let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    let log = std::fs::read_to_string(directory.join("strongroom.log")).unwrap_or_default();
    assert!(status.success(), "{status}\n{out}{err}\n{log}");
    out.into_owned()
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "namespaces are Linux's")]
fn clients_need_no_settings_with_azure_host_names() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("example.py"), example(PAGE, "python")).unwrap();
    let out = run(directory.path(), &["python", "az"], example(PAGE, "sh"));
    assert!(out.contains("signed with https://local.managedhsm.azure.net/keys/invoices/"), "{out}");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "namespaces are Linux's")]
fn programs_written_for_azure_run_unmodified() {
    let directory = tempfile::tempdir().unwrap();
    let keys: serde_json::Value = serde_json::from_str(&run(directory.path(), &["python"], LINES)).unwrap();
    let names: Vec<_> = keys.as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["hsms/local/keys/from-node", "hsms/local/keys/from-python", "hsms/local/keys/invoices"]
    );
}
